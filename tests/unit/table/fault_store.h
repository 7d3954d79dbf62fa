/* tests/unit/table/fault_store.h: a store in front of another one that fails, or kills its process, at the n-th operation.
 *
 *   struct fault_store f;
 *   fault_store_init(&f, inner);                      f.base is the store to use; inner stays the caller's
 *   for (f.at = 1; ...; f.at++) { f.n = 0; f.hits = 0; ...the code under test on &f.base...; if (f.hits == 0) break; }
 *
 * Operations are counted in the order they happen: each put, get's open, list, size, delete, sync, sweep, and of a streaming
 * writer its create, each add and its finish. `mask` picks which kinds count. One thread at a time.
 */
#ifndef PQR_TESTS_FAULT_STORE_H
#define PQR_TESTS_FAULT_STORE_H

#include <signal.h>
#include <unistd.h>

#include "../check.h"

#include "base/alloc.h"
#include "io/store_int.h"

enum fault_op {
	FAULT_PUT = 1 << 0, /* store_put and store_put_if_absent */
	FAULT_COMMIT = 1 << 1,
	FAULT_WRITER = 1 << 2, /* create, add, finish */
	FAULT_OPEN = 1 << 3,   /* store_object_open, store_get */
	FAULT_SIZE = 1 << 4,
	FAULT_LIST = 1 << 5,
	FAULT_DELETE = 1 << 6,
	FAULT_SYNC = 1 << 7,
	FAULT_SWEEP = 1 << 8,
	FAULT_READ = 1 << 9, /* store_object_read_at */
	FAULT_CHANGES = FAULT_PUT | FAULT_COMMIT | FAULT_WRITER | FAULT_DELETE | FAULT_SYNC | FAULT_SWEEP,
	FAULT_ALL = (1 << 10) - 1,
};
enum fault_when {
	FAULT_BEFORE, /* it did not take effect */
	FAULT_AFTER,  /* it did, and the answer was lost */
};

struct fault_store {
	struct store base;
	struct store *inner;
	int64_t at;    /* the operation that fails, from 1; 0 = none */
	int64_t times; /* so many from there on; 0 = once; INT64_MAX = all */
	int64_t n;     /* counted so far */
	int64_t hits;  /* failed so far */
	unsigned mask; /* fault_op; FAULT_ALL after init */
	enum fault_when when;
	bool kill; /* SIGKILL the process instead of failing */
	status code;
	enum err_class class; /* of the error; E_IO of class UNKNOWN after init */
	const char
		*hide; /* keys that hold this are left out of listings, as a store that lags behind does; NULL = none */
	/* Called before an operation that counts, may be NULL: to let another writer in. */
	void (*hook)(void *arg, struct fault_store *f, enum fault_op op, const char *key);
	void *hook_arg;
};

static inline struct fault_store *fault_of(struct store *s)
{
	return (struct fault_store *)(void *)s;
}

static inline bool fault_counts(struct fault_store *f, enum fault_op op, const char *key)
{
	if ((f->mask & op) == 0) return false;
	if (f->hook != NULL) f->hook(f->hook_arg, f, op, key);
	f->n++;
	const int64_t times = f->times == 0 ? 1 : f->times;
	return f->at > 0 && f->n >= f->at && f->n - f->at < times;
}

static inline status fault_fails(struct fault_store *f, const char *key, struct err *err)
{
	f->hits++;
	if (f->kill) (void)kill(getpid(), SIGKILL);
	const status code = fail(err, f->code, "operation %lld on %s failed on purpose", (long long)f->n, key);
	err_set_class(err, f->class);
	return code;
}

/* Do `call` on the inner store and fail before or after it. */
#define FAULT_DO(f, op, key, call, err)                                                 \
	do {                                                                            \
		const bool hit_ = fault_counts(f, op, key);                             \
		if (hit_ && (f)->when == FAULT_BEFORE) return fault_fails(f, key, err); \
		const status done_ = (call);                                            \
		return hit_ && done_ == OK ? fault_fails(f, key, err) : done_;          \
	} while (0)

static inline status fault_put(
	struct store *s, const char *key, const void *p, size_t n, enum store_put_mode mode, struct err *err)
{
	struct fault_store *f = fault_of(s);
	FAULT_DO(f, mode == STORE_COMMIT ? FAULT_COMMIT : FAULT_PUT, key,
		f->inner->ops->put(f->inner, key, p, n, mode, err), err);
}

struct fault_writer {
	struct store_writer base;
	struct store_writer *inner;
	struct fault_store *f;
};

static inline status fault_writer_add(struct store_writer *base, const void *p, size_t n, struct err *err)
{
	struct fault_writer *w = (struct fault_writer *)(void *)base;
	FAULT_DO(w->f, FAULT_WRITER, "a writer's bytes", w->inner->add(w->inner, p, n, err), err);
}
static inline status fault_writer_finish(struct store_writer *base, struct err *err)
{
	struct fault_writer *w = (struct fault_writer *)(void *)base;
	FAULT_DO(w->f, FAULT_WRITER, "a writer's end", w->inner->finish(w->inner, err), err);
}
static inline void fault_writer_destroy(struct store_writer *base)
{
	struct fault_writer *w = (struct fault_writer *)(void *)base;
	store_writer_destroy(w->inner);
	mem_free(w);
}
static inline status fault_writer_create(struct store *s, const char *key, struct store_writer **out, struct err *err)
{
	struct fault_store *f = fault_of(s);
	if (fault_counts(f, FAULT_WRITER, key)) return fault_fails(f, key, err);
	struct fault_writer *w = mem_zalloc(1, sizeof *w);
	if (w == NULL) return fail(err, E_NOMEM, "out of memory");
	const status code = f->inner->ops->writer_create(f->inner, key, &w->inner, err);
	if (code != OK) {
		mem_free(w);
		return code;
	}
	w->base = (struct store_writer){fault_writer_add, fault_writer_finish, fault_writer_destroy};
	w->f = f;
	*out = &w->base;
	return OK;
}

struct fault_object {
	struct store_object base;
	struct store_object *inner;
	struct fault_store *f;
};

static inline status fault_read_at(struct store_object *base, int64_t offset, void *dst, size_t n, struct err *err)
{
	struct fault_object *o = (struct fault_object *)(void *)base;
	FAULT_DO(o->f, FAULT_READ, base->key, o->inner->read_at(o->inner, offset, dst, n, err), err);
}
static inline void fault_object_close(struct store_object *base)
{
	struct fault_object *o = (struct fault_object *)(void *)base;
	store_object_close(o->inner);
	mem_free(o);
}
static inline status fault_object_open(struct store *s, const char *key, struct store_object **out, struct err *err)
{
	struct fault_store *f = fault_of(s);
	if (fault_counts(f, FAULT_OPEN, key)) return fault_fails(f, key, err);
	struct fault_object *o = mem_zalloc(1, sizeof *o);
	if (o == NULL) return fail(err, E_NOMEM, "out of memory");
	const status code = f->inner->ops->object_open(f->inner, key, &o->inner, err);
	if (code != OK) {
		mem_free(o);
		return code;
	}
	o->base = (struct store_object){fault_read_at, fault_object_close, o->inner->key, o->inner->size};
	o->f = f;
	*out = &o->base;
	return OK;
}

static inline status fault_size(struct store *s, const char *key, int64_t *out, struct err *err)
{
	struct fault_store *f = fault_of(s);
	FAULT_DO(f, FAULT_SIZE, key, f->inner->ops->size(f->inner, key, out, err), err);
}
struct fault_listing {
	const struct fault_store *f;
	store_visit visit;
	void *arg;
};
static inline status fault_list_entry(void *arg, const struct store_entry *e, struct err *err)
{
	const struct fault_listing *l = arg;
	return l->f->hide != NULL && strstr(e->key, l->f->hide) != NULL ? OK : l->visit(l->arg, e, err);
}
static inline status fault_list(struct store *s, const char *prefix, store_visit visit, void *arg, struct err *err)
{
	struct fault_store *f = fault_of(s);
	struct fault_listing l = {f, visit, arg};
	FAULT_DO(f, FAULT_LIST, prefix, f->inner->ops->list(f->inner, prefix, fault_list_entry, &l, err), err);
}
struct fault_names {
	const struct fault_store *f;
	store_name_visit visit;
	void *arg;
};
static inline status fault_list_name(void *arg, const char *name, bool is_folder, struct err *err)
{
	const struct fault_names *l = arg;
	if (l->f->hide != NULL && strcmp(name, l->f->hide) == 0) return OK;
	return l->visit(l->arg, name, is_folder, err);
}
static inline status fault_list_names(
	struct store *s, const char *folder, store_name_visit visit, void *arg, struct err *err)
{
	struct fault_store *f = fault_of(s);
	struct fault_names l = {f, visit, arg};
	FAULT_DO(f, FAULT_LIST, folder, f->inner->ops->list_names(f->inner, folder, fault_list_name, &l, err), err);
}
static inline status fault_delete(struct store *s, const char *key, struct err *err)
{
	struct fault_store *f = fault_of(s);
	FAULT_DO(f, FAULT_DELETE, key, f->inner->ops->delete (f->inner, key, err), err);
}
static inline status fault_sync(struct store *s, struct err *err)
{
	struct fault_store *f = fault_of(s);
	FAULT_DO(f, FAULT_SYNC, "sync", f->inner->ops->sync(f->inner, err), err);
}
static inline status fault_sweep(struct store *s, const char *prefix, int64_t *removed, struct err *err)
{
	struct fault_store *f = fault_of(s);
	FAULT_DO(f, FAULT_SWEEP, prefix, f->inner->ops->sweep(f->inner, prefix, removed, err), err);
}
static inline void fault_close(struct store *s)
{
	(void)s;
}

static inline void fault_store_init(struct fault_store *f, struct store *inner)
{
	static const struct store_ops ops = {
		.close = fault_close,
		.put = fault_put,
		.writer_create = fault_writer_create,
		.object_open = fault_object_open,
		.size = fault_size,
		.list = fault_list,
		.list_names = fault_list_names,
		.delete = fault_delete,
		.sync = fault_sync,
		.sweep = fault_sweep,
	};
	*f = (struct fault_store){.base = {.ops = &ops, .uri = inner->uri},
		.inner = inner,
		.mask = FAULT_ALL,
		.code = E_IO,
		.class = ERR_UNKNOWN};
}

#endif
