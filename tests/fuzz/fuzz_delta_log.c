/* Any bytes as a log: the input is cut into files at the lines "=<name>", which are put under t/_delta_log of a store in memory, and
 * the table is opened at its newest and every other version. What opens is sorted, complete and below the table's folder; what was
 * parsed comes back equal from its JSON; what is refused names something. */
#include <stdio.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "io/json/json_scan.h"
#include "io/store_int.h"
#include "table/log/history.h"
#include "table/log/log.h"
#include "table/log/txn.h"

enum { FILES_MAX = 16, NAME_MAX_CHARS = 80 };

struct memory_file {
	char key[NAME_MAX_CHARS + 32];
	const uint8_t *p;
	size_t n;
};
struct memory_store {
	struct store base;
	struct memory_file files[FILES_MAX];
	size_t n;
};

static struct memory_file *file_at(struct store *s, const char *key)
{
	struct memory_store *m = (struct memory_store *)(void *)s;
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->files[i].key, key) == 0) return &m->files[i];
	}
	return NULL;
}

static status memory_open(struct store *s, const char *key, struct store_object **out, struct err *err)
{
	const struct memory_file *f = file_at(s, key);
	if (f == NULL) return fail(err, E_NOT_FOUND, "no %s", key);
	return store_object_from_memory(f->p, f->n, key, out, err);
}

static status memory_size(struct store *s, const char *key, int64_t *out, struct err *err)
{
	const struct memory_file *f = file_at(s, key);
	if (f == NULL) return fail(err, E_NOT_FOUND, "no %s", key);
	*out = (int64_t)f->n;
	return OK;
}

static status memory_list(struct store *s, const char *prefix, store_visit visit, void *arg, struct err *err)
{
	const struct memory_store *m = (struct memory_store *)(void *)s;
	(void)prefix;
	for (size_t i = 0; i < m->n; i++) {
		const struct store_entry e = {m->files[i].key, (int64_t)m->files[i].n, 1000000};
		TRY(visit(arg, &e, err));
	}
	return OK;
}

static status memory_list_names(struct store *s, const char *folder, store_name_visit visit, void *arg, struct err *err)
{
	const struct memory_store *m = (struct memory_store *)(void *)s;
	const size_t n = strlen(folder) + 1;
	for (size_t i = 0; i < m->n; i++) {
		if (strchr(m->files[i].key + n, '/') == NULL) TRY(visit(arg, m->files[i].key + n, false, err));
	}
	return OK;
}

/* "=name\n" lines separate the files; bytes before the first are version 0. */
static void files_cut(struct memory_store *m, const uint8_t *data, size_t size)
{
	const uint8_t *p = data, *end = data + size;
	char name[NAME_MAX_CHARS + 1] = "00000000000000000000.json";
	while (m->n < FILES_MAX) {
		const uint8_t *next = p;
		while (next < end && !(*next == '=' && (next == data || next[-1] == '\n'))) next++;
		struct memory_file *f = &m->files[m->n];
		(void)snprintf(f->key, sizeof f->key, "t/_delta_log/%s", name);
		f->p = p;
		f->n = (size_t)(next - p);
		if (name[0] != '\0' && name[0] != '/' && file_at(&m->base, f->key) == NULL) m->n++;
		if (next >= end) return;
		const uint8_t *newline = memchr(next, '\n', (size_t)(end - next));
		const uint8_t *stop = newline != NULL ? newline : end;
		const size_t n =
			(size_t)(stop - next - 1) < NAME_MAX_CHARS ? (size_t)(stop - next - 1) : NAME_MAX_CHARS;
		memcpy(name, next + 1, n);
		name[n] = '\0';
		p = newline != NULL ? newline + 1 : end;
	}
}

static status round_trip(void *arg, const struct delta_action *a, struct err *err)
{
	struct buf first, second;
	struct arena arena;
	struct delta_action back;
	(void)arg;
	(void)err;
	if (a->kind == DELTA_OTHER || a->kind == DELTA_CDC || a->kind == DELTA_SIDECAR ||
		a->kind == DELTA_CHECKPOINT_METADATA)
		return OK;
	buf_init(&first, 0);
	buf_init(&second, 0);
	arena_init(&arena, 0);
	delta_action_json(&first, a);
	const size_t n = first.n - 1;
	ASSERT(buf_reserve(&first, JSON_SCAN_PADDING) != NULL);
	ASSERT(delta_action_parse((struct str){(const char *)first.p, n}, &arena, &back, NULL) == OK);
	ASSERT(back.kind == a->kind);
	delta_action_json(&second, &back);
	ASSERT(second.n == first.n && memcmp(first.p, second.p, first.n) == 0);
	buf_deinit(&first);
	buf_deinit(&second);
	arena_deinit(&arena);
	return OK;
}

static void snapshot_check(const struct delta_snapshot *s)
{
	for (size_t i = 0; i < s->n_files; i++) {
		const struct delta_add *a = &s->files[i];
		ASSERT(path_check(a->path, NULL) == OK);
		ASSERT(i == 0 || str_cmp(a[-1].path, a->path) < 0);
		ASSERT(a->size >= 0 && a->dv.unique_id.n == 0);
		ASSERT(a->partition.n == s->metadata.partition_columns.n);
		for (size_t j = 0; j < a->partition.n; j++)
			ASSERT(str_eq(a->partition.items[j].key, s->metadata.partition_columns.items[j]));
		ASSERT(delta_snapshot_file(s, a->path) == a);
		ASSERT(delta_add_rows(a) >= -1);
	}
	for (size_t i = 0; i < s->n_tombstones; i++) {
		const struct delta_remove *r = &s->tombstones[i];
		ASSERT(path_check(r->path, NULL) == OK);
		ASSERT(r->dv.unique_id.n > 0 || delta_snapshot_file(s, r->path) == NULL);
	}
	for (size_t i = 0; i < s->n_app_txns; i++)
		ASSERT(delta_snapshot_app_txn(s, s->app_txns[i].app_id) == &s->app_txns[i]);
	(void)delta_snapshot_interval(s, "delta.logRetentionDuration", 0);
}

static void open_check(struct store *store, int64_t version)
{
	struct delta_snapshot *s = NULL;
	struct err err;
	err_clear(&err);
	const status code = delta_snapshot_open(store, "t", version, &s, &err);
	if (code != OK) {
		ASSERT(code == E_CORRUPT || code == E_NOT_FOUND || code == E_UNSUPPORTED || code == E_LIMIT);
		ASSERT(err.message[0] != '\0');
		ASSERT(code != E_CORRUPT || err.where[0] != '\0');
		return;
	}
	ASSERT(version == DELTA_LATEST || s->version == version);
	snapshot_check(s);
	delta_snapshot_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct store_ops ops = {
		.object_open = memory_open, .size = memory_size, .list = memory_list, .list_names = memory_list_names};
	static char uri[] = "memory";
	struct memory_store m = {.base = {.ops = &ops, .uri = uri}};
	files_cut(&m, data, size);
	open_check(&m.base, DELTA_LATEST);
	for (int64_t v = 0; v < 4; v++) open_check(&m.base, v);
	for (size_t i = 0; i < m.n; i++) {
		struct buf text;
		struct arena arena;
		buf_init(&text, 0);
		arena_init(&arena, 0);
		(void)!delta_log_read(
			&m.base, m.files[i].key, &text, &arena, &(struct delta_visitor){round_trip, NULL}, NULL);
		buf_deinit(&text);
		arena_deinit(&arena);
	}
	struct delta_history h;
	int64_t version = -1;
	if (delta_history_read(&m.base, "t", 3, &h, NULL) == OK) {
		ASSERT(h.n <= 3);
		for (size_t i = 1; i < h.n; i++) ASSERT(h.versions[i].timestamp_ms >= h.versions[i - 1].timestamp_ms);
		delta_history_deinit(&h);
	}
	if (delta_version_at(&m.base, "t", 1500, &version, NULL) == OK) ASSERT(version >= 0);
	return 0;
}
