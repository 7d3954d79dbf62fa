/* io/store.c: what every kind of object store shares: the checks before its own functions, and how many threads reads want.
 *
 * Invariant: a store's own functions see only keys that key_check passed. Must not know what objects hold.
 */
#include "io/store_int.h"

#include "base/alloc.h"

enum { IO_THREADS = 12 };

/* A key is relative, has no empty, "." or ".." part and no control character. */
static status key_check(const char *key, struct err *err)
{
	const char *part = key;
	for (const char *p = key;; p++) {
		if (*p != '/' && *p != '\0') {
			if ((unsigned char)*p < 0x20) return fail(err, E_USAGE, "object key with a control character");
			continue;
		}
		const size_t n = (size_t)(p - part);
		if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
			return fail(err, E_USAGE, "object key must be relative and without '..': %s", key);
		if (*p == '\0') return OK;
		part = p + 1;
	}
}

void store_close(struct store *s)
{
	if (s != NULL) s->ops->close(s);
}

const char *store_uri(const struct store *s)
{
	return s->uri;
}

status store_create(struct store *s, bool *made, struct err *err)
{
	*made = false;
	return s->ops->create != NULL ? s->ops->create(s, made, err) : OK;
}

status store_put_if_absent(struct store *s, const char *key, const void *p, size_t n, struct err *err)
{
	TRY(key_check(key, err));
	return s->ops->put(s, key, p, n, STORE_ABSENT, err);
}

status store_put(struct store *s, const char *key, const void *p, size_t n, struct err *err)
{
	TRY(key_check(key, err));
	return s->ops->put(s, key, p, n, STORE_REPLACE, err);
}

status store_put_later(
	struct store *s, const char *key, const void *p, size_t n, const uint8_t *sha256, struct err *err)
{
	TRY(key_check(key, err));
	if (s->ops->put_later == NULL) return s->ops->put(s, key, p, n, STORE_ABSENT, err);
	return s->ops->put_later(s, key, p, n, sha256, err);
}

status store_commit(struct store *s, const char *key, const void *p, size_t n, struct err *err)
{
	TRY(key_check(key, err));
	return s->ops->put(s, key, p, n, STORE_COMMIT, err);
}

status store_writer_create(struct store *s, const char *key, struct store_writer **out, struct err *err)
{
	TRY(key_check(key, err));
	return s->ops->writer_create(s, key, out, err);
}

status store_writer_add(struct store_writer *w, const void *p, size_t n, struct err *err)
{
	return w->add(w, p, n, err);
}

status store_writer_finish(struct store_writer *w, struct err *err)
{
	return w->finish(w, err);
}

void store_writer_destroy(struct store_writer *w)
{
	if (w != NULL) w->destroy(w);
}

status store_size(struct store *s, const char *key, int64_t *out, struct err *err)
{
	TRY(key_check(key, err));
	return s->ops->size(s, key, out, err);
}

status store_object_open(struct store *s, const char *key, struct store_object **out, struct err *err)
{
	TRY(key_check(key, err));
	return s->ops->object_open(s, key, out, err);
}

void store_will_open(struct store *s, const struct store_hint *hint)
{
	if (s->ops->will_open != NULL && key_check(hint->key, NULL) == OK) s->ops->will_open(s, hint);
}

int64_t store_object_size(const struct store_object *o)
{
	return o->size;
}

const char *store_object_key(const struct store_object *o)
{
	return o->key;
}

status store_object_read_at(struct store_object *o, int64_t offset, void *dst, size_t n, struct err *err)
{
	return o->read_at(o, offset, dst, n, err);
}

void store_object_close(struct store_object *o)
{
	if (o != NULL) o->close(o);
}

status store_get(struct store *s, const char *key, struct buf *out, struct err *err)
{
	struct store_object *o = NULL;
	TRY(store_object_open(s, key, &o, err));
	const size_t n = (size_t)o->size;
	uint8_t *dst = buf_reserve(out, n > 0 ? n : 1);
	status code = dst == NULL ? buf_check(out, err) : store_object_read_at(o, 0, dst, n, err);
	if (code == OK) buf_commit(out, n);
	store_object_close(o);
	return err_at(err, code, key, -1, -1);
}

status store_list(struct store *s, const char *prefix, store_visit visit, void *arg, struct err *err)
{
	if (prefix[0] != '\0') TRY(key_check(prefix, err));
	return s->ops->list(s, prefix, visit, arg, err);
}

status store_list_names(struct store *s, const char *folder, store_name_visit visit, void *arg, struct err *err)
{
	if (folder[0] != '\0') TRY(key_check(folder, err));
	return s->ops->list_names(s, folder, visit, arg, err);
}

status store_delete(struct store *s, const char *key, struct err *err)
{
	TRY(key_check(key, err));
	return s->ops->delete (s, key, err);
}

status store_delete_many(struct store *s, const char *const *keys, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) TRY(key_check(keys[i], err));
	if (s->ops->delete_many != NULL) return s->ops->delete_many(s, keys, n, err);
	for (size_t i = 0; i < n; i++) TRY(s->ops->delete (s, keys[i], err));
	return OK;
}

status store_sync(struct store *s, struct err *err)
{
	return s->ops->sync(s, err);
}

status store_sweep(struct store *s, const char *prefix, int64_t *removed, struct err *err)
{
	if (prefix[0] != '\0') TRY(key_check(prefix, err));
	return s->ops->sweep(s, prefix, removed, err);
}

void store_single_writer(struct store *s)
{
	if (s->ops->single_writer != NULL) s->ops->single_writer(s);
}

int64_t store_free_bytes(struct store *s)
{
	return s->ops->free_bytes != NULL ? s->ops->free_bytes(s) : -1;
}

bool store_is_remote(const struct store *s)
{
	return s->ops->put_later != NULL;
}

int store_io_threads(const struct store *s, int threads)
{
	return store_is_remote(s) && threads < IO_THREADS ? IO_THREADS : threads;
}
