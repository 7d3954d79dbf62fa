/* table/log/checkpoint_read.c: the files that form a checkpoint: Parquet or JSON at the top, and the sidecars these name.
 *
 * A sidecar is read for files alone, and only from _delta_log/_sidecars: nothing a checkpoint says leads elsewhere. Columns are
 * checkpoint_rows.c's; must not know which action wins.
 */
#include "table/log/checkpoint.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/vec.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"
#include "parquet/reader.h"
#include "table/log/checkpoint_int.h"

enum { SIDECARS_MAX = 1 << 20 }; /* names kept in memory; a sidecar holds about a million files */

/* The sidecars that the top of a checkpoint names, gathered while it is read. */
struct tops {
	struct store *store;
	const char *root;
	const char *key; /* of the file being read, for messages */
	const struct delta_visitor *v;
	struct arena *arena; /* of keys and what they point to */
	struct checkpoint_keys keys;
};

/* "Sidecar File Information": a file's name alone; one with an encoded '/' leads elsewhere. */
static status add_sidecar(struct tops *t, const struct delta_sidecar *a, struct err *err)
{
	if (a->path.n == 0 || memchr(a->path.p, '/', a->path.n) != NULL)
		return fail(err, E_UNSUPPORTED, "unsupported: sidecar outside of _delta_log/_sidecars: %.*s",
			(int)(a->path.n < 200 ? a->path.n : 200), a->path.p);
	if (t->keys.n == SIDECARS_MAX) return fail(err, E_LIMIT, "checkpoint of over %d sidecars", SIDECARS_MAX);
	const char *sep = t->root[0] == '\0' ? "" : "/";
	const char *name =
		arena_printf(t->arena, "%s%s_delta_log/_sidecars/%.*s", t->root, sep, (int)a->path.n, a->path.p);
	if (name == NULL || !VEC_ROOM_IN(t->arena, &t->keys, 1)) return fail_nomem(err);
	t->keys.items[t->keys.n++] = name;
	return OK;
}

static status visit_top(void *arg, const struct delta_action *a, struct err *err)
{
	struct tops *t = arg;
	if (a->kind == DELTA_SIDECAR) return err_at(err, add_sidecar(t, &a->sidecar, err), t->key, -1, -1);
	return t->v->visit(t->v->arg, a, err);
}

/* ---- files ------------------------------------------------------------------------------------------------ */

static status read_rows(struct store_object *object, const char *key, const struct checkpoint_visit *v, struct err *err)
{
	struct parquet_reader *r = NULL;
	TRY(parquet_reader_open(object, &r, err));
	const status code = checkpoint_rows_read(r, key, v, err);
	parquet_reader_close(r);
	return code;
}

static status read_parquet(struct store *store, const char *key, const struct checkpoint_visit *v, struct err *err)
{
	struct store_object *object = NULL;
	TRY(err_at(err, store_object_open(store, key, &object, err), key, -1, -1));
	const status code = read_rows(object, key, v, err);
	store_object_close(object);
	return err_at(err, code, key, -1, -1);
}

/* The whole object into the arena, followed by the scanner's padding. */
static status get_text(struct store *store, const char *key, struct arena *arena, struct str *out, struct err *err)
{
	struct store_object *o = NULL;
	TRY(store_object_open(store, key, &o, err));
	const int64_t n = store_object_size(o);
	status code = OK;
	char *p = NULL;
	if ((uint64_t)n > BUF_MAX_DEFAULT)
		code = fail(err, E_LIMIT, "JSON checkpoint of %lld bytes: at most %zu", (long long)n, BUF_MAX_DEFAULT);
	else if ((p = arena_alloc(arena, (size_t)n + JSON_SCAN_PADDING, 1)) == NULL)
		code = fail_nomem(err);
	else
		code = store_object_read_at(o, 0, p, (size_t)n, err);
	store_object_close(o);
	if (code != OK) return err_at(err, code, key, -1, -1);
	memset(p + n, 0, JSON_SCAN_PADDING);
	*out = (struct str){p, (size_t)n};
	return OK;
}

static status read_json(struct store *store, const char *key, const struct checkpoint_visit *v, struct err *err)
{
	struct str text = {NULL, 0};
	TRY(get_text(store, key, v->arena, &text, err));
	if (!utf8_valid(text.p, text.n)) {
		const size_t at = utf8_valid_prefix(text.p, text.n);
		return fail_at(err, E_CORRUPT, key, (int64_t)at, -1, "no valid UTF-8");
	}
	const char *end = text.p + text.n;
	int64_t line = 1;
	for (const char *p = text.p; p < end; line++) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		const struct str s = {p, (size_t)((stop != NULL ? stop : end) - p)};
		p = stop != NULL ? stop + 1 : end;
		if (s.n == 0) continue;
		struct delta_action a;
		status code = delta_action_parse(s, v->arena, &a, err);
		if (code != OK) return err_at(err, code, key, -1, line);
		if ((v->kinds & CHECKPOINT_KIND(a.kind)) != 0) TRY(v->to.visit(v->to.arg, &a, err));
	}
	return OK;
}

static bool is_json(const char *key)
{
	const size_t n = strlen(key);
	return n > 5 && strcmp(key + n - 5, ".json") == 0;
}

static status read_file(struct store *store, const char *key, const struct checkpoint_visit *v, struct err *err)
{
	return is_json(key) ? read_json(store, key, v, err) : read_parquet(store, key, v, err);
}

/* A name in a checkpoint whose file is gone: the checkpoint is broken, the table is not missing. */
static status read_sidecar(struct store *store, const char *key, const struct checkpoint_visit *v, struct err *err)
{
	const status code = read_parquet(store, key, v, err);
	if (code != E_NOT_FOUND) return code;
	return fail_at(err, E_CORRUPT, key, -1, -1, "a checkpoint names this sidecar, and it is not there");
}

status delta_checkpoint_read(struct store *store, const char *root, const struct delta_checkpoint_at *at,
	struct arena *arena, const struct delta_visitor *v, struct err *err)
{
	struct tops t = {.store = store, .root = root, .v = v, .arena = arena};
	const struct checkpoint_visit top = {CHECKPOINT_ALL, arena, {visit_top, &t}};
	const struct checkpoint_visit sidecar = {CHECKPOINT_FILES, arena, *v};
	for (size_t i = 0; i < at->n; i++) {
		t.key = at->files[i].key;
		TRY(read_file(store, t.key, &top, err));
	}
	for (size_t i = 0; i < t.keys.n; i++) TRY(read_sidecar(store, t.keys.items[i], &sidecar, err));
	return OK;
}

static status visit_nothing(void *arg, const struct delta_action *a, struct err *err)
{
	(void)arg, (void)a, (void)err;
	return OK;
}

status checkpoint_sidecars(struct store *store, const char *root, const char *key, struct arena *arena,
	struct checkpoint_keys *keys, struct err *err)
{
	static const struct delta_visitor nothing = {visit_nothing, NULL};
	struct arena scratch;
	arena_init(&scratch, 0);
	struct tops t = {.store = store, .root = root, .key = key, .v = &nothing, .arena = arena, .keys = *keys};
	const struct checkpoint_visit top = {CHECKPOINT_KIND(DELTA_SIDECAR), &scratch, {visit_top, &t}};
	const status code = read_file(store, key, &top, err);
	if (code == OK) *keys = t.keys;
	arena_deinit(&scratch);
	return code;
}
