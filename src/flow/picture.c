/* flow/picture.c: the form of a picture, and the two objects of a run that hold one.
 *
 * 1. One picture has one text; a text that is not what picture_json makes of it was changed, and is refused.
 * 2. Which versions belong together is decided elsewhere: here they are only kept.
 */
#include "flow/picture.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/seal.h"
#include "base/vec.h"
#include "flow/commit.h"
#include "io/json/json_doc.h"

static void picture_write(struct buf *out, const struct picture *p, bool sealed)
{
	const size_t from = out->n;
	buf_printf(out, "{\"claim\":%lld,\"runs\":[", (long long)p->claim);
	for (size_t i = 0; i < p->n_runs; i++) {
		if (i > 0) buf_char(out, ',');
		buf_json_str(out, str_of(p->runs[i]));
	}
	size_t seal = 0;
	buf_char(out, ']');
	if (sealed) {
		buf_str(out, ",\"seal\":\"");
		seal = seal_blank(out);
		buf_char(out, '"');
	}
	buf_str(out, ",\"tables\":{");
	for (size_t i = 0; i < p->n_tables; i++) {
		if (i > 0) buf_char(out, ',');
		buf_json_str(out, str_of(p->tables[i].name));
		buf_printf(out, ":%lld", (long long)p->tables[i].version);
	}
	buf_str(out, "}}");
	if (sealed) seal_close(out, from, seal);
}

void picture_json(struct buf *out, const struct picture *p)
{
	picture_write(out, p, true);
}

static status not_a_picture(const char *member, struct err *err)
{
	return fail(err, E_CORRUPT, "not the versions of a run: \"%s\" is missing or of another kind", member);
}

static status runs_parse(const struct json_node *n, struct arena *arena, struct picture *out, struct err *err)
{
	const size_t count = json_node_n(n);
	if (json_node_kind(n) != JSON_DOC_ARRAY) return not_a_picture("runs", err);
	const char **runs = ARENA_NEW(arena, const char *, count + 1);
	if (runs == NULL) return fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		struct str id;
		uint8_t unused[UUID_BYTES];
		if (!json_node_str(json_node_at(n, i), &id) || !uuid_parse(id, unused))
			return not_a_picture("runs", err);
		runs[i] = arena_strndup(arena, id.p, id.n);
		if (runs[i] == NULL) return fail_nomem(err);
	}
	out->runs = runs;
	out->n_runs = count;
	return OK;
}

static status tables_parse(const struct json_node *n, struct arena *arena, struct picture *out, struct err *err)
{
	struct str name;
	const struct json_node *value;
	if (json_node_kind(n) != JSON_DOC_OBJECT) return not_a_picture("tables", err);
	struct picture_table *tables = ARENA_NEW(arena, struct picture_table, json_node_n(n) + 1);
	if (tables == NULL) return fail_nomem(err);
	size_t count = 0;
	for (const void *at = NULL; json_node_next(n, &at, &name, &value); count++) {
		if (!json_node_i64(value, &tables[count].version) || tables[count].version < -1)
			return not_a_picture("tables", err);
		tables[count].name = arena_strndup(arena, name.p, name.n);
		if (tables[count].name == NULL) return fail_nomem(err);
	}
	out->tables = tables;
	out->n_tables = count;
	return OK;
}

static status parse(const struct json_node *root, struct arena *arena, struct picture *out, struct err *err)
{
	if (!json_node_i64(json_node_get(root, "claim"), &out->claim)) return not_a_picture("claim", err);
	TRY(runs_parse(json_node_get(root, "runs"), arena, out, err));
	return tables_parse(json_node_get(root, "tables"), arena, out, err);
}

status picture_parse(struct str text, struct arena *arena, struct picture *out, struct err *err)
{
	struct json_doc *doc = NULL;
	struct picture p = {0};
	struct buf again;
	TRY(json_doc_parse(text, &doc, err));
	status code = parse(json_doc_root(doc), arena, &p, err);
	json_doc_destroy(doc);
	TRY(code);
	bool same = false;
	buf_init(&again, 0);
	for (int sealed = 1; sealed >= 0 && !same && code == OK; sealed--) { /* early builds wrote no digest */
		buf_reset(&again);
		picture_write(&again, &p, sealed == 1);
		code = buf_check(&again, err);
		same = code == OK && str_eq(text, (struct str){(const char *)again.p, again.n});
	}
	buf_deinit(&again);
	TRY(code);
	if (!same) return fail(err, E_CORRUPT, "the versions of a run are not in their canonical form");
	*out = p;
	return OK;
}

static status load(struct store *lake, const char *key, struct arena *arena, struct picture *out, struct err *err)
{
	struct buf text;
	buf_init(&text, 0);
	status code = store_get(lake, key, &text, err);
	if (code == OK) {
		code = picture_parse((struct str){(const char *)text.p, text.n}, arena, out, err);
		if (code == E_CORRUPT)
			code = fail(err, E_VERIFY, "changed after it was written; restore it from a copy");
	}
	buf_deinit(&text);
	return err_at(err, code, key, -1, -1);
}

status picture_load(struct store *lake, struct picture_at at, struct arena *arena, struct picture *out, struct err *err)
{
	char key[RUN_KEY_MAX];
	run_key(key, at.date, at.run_id, at.name);
	return load(lake, key, arena, out, err);
}

status picture_put(struct store *lake, struct picture_at at, const struct picture *p, struct err *err)
{
	char key[RUN_KEY_MAX];
	struct buf text;
	run_key(key, at.date, at.run_id, at.name);
	buf_init(&text, 0);
	picture_json(&text, p);
	status code = buf_check(&text, err);
	if (code == OK) code = store_put(lake, key, text.p, text.n, err);
	buf_deinit(&text);
	return err_at(err, code, key, -1, -1);
}

status picture_of_run(struct store *lake, const char *run_id, struct arena *arena, struct picture *out, struct err *err)
{
	int32_t date;
	TRY(commit_find(lake, run_id, &date, err));
	const status code = picture_load(lake, (struct picture_at){date, run_id, PICTURE_LEFT}, arena, out, err);
	if (code == E_NOT_FOUND)
		return fail(err, E_NOT_FOUND, "run %s has not finished: there is nothing that it left", run_id);
	return code;
}

/* A set that a run left, by the store's clock. */
struct left {
	int64_t modified_us;
	const char *key;
};
struct left_list {
	struct left *items;
	size_t n, cap;
	struct arena *arena; /* of the keys */
};

static status note_left(void *arg, const struct store_entry *e, struct err *err)
{
	static const char end[] = "/" PICTURE_LEFT;
	struct left_list *l = arg;
	const size_t chars = strlen(e->key);
	if (chars < sizeof end || strcmp(e->key + chars - (sizeof end - 1), end) != 0) return OK;
	if (!VEC_ROOM(l, 1)) return fail_nomem(err);
	struct left *left = &l->items[l->n];
	*left = (struct left){e->modified_us, arena_strndup(l->arena, e->key, chars)};
	if (left->key == NULL) return fail_nomem(err);
	l->n++;
	return OK;
}

/* Of two of one instant the one of the larger key, only to be definite. */
static int newest_first(const void *a, const void *b)
{
	const struct left *x = a, *y = b;
	if (x->modified_us != y->modified_us) return x->modified_us > y->modified_us ? -1 : 1;
	return strcmp(y->key, x->key);
}

static bool names_table(const struct picture *p, const char *table)
{
	for (size_t i = 0; i < p->n_tables; i++) {
		if (strcmp(p->tables[i].name, table) == 0) return true;
	}
	return false;
}

static status take_newest(struct store *lake, const struct left_list *l, const char *const *tables, size_t n,
	struct picture *out, struct err *err)
{
	size_t found = 0;
	for (size_t i = 0; i < l->n && found < n; i++) {
		struct picture p;
		TRY(load(lake, l->items[i].key, l->arena, &p, err));
		for (size_t t = 0; t < n; t++) {
			if (out[t].n_runs > 0 || !names_table(&p, tables[t])) continue;
			out[t] = p;
			found++;
		}
	}
	return OK;
}

status picture_newest(struct store *lake, const char *const *tables, size_t n, struct arena *arena, struct picture *out,
	struct err *err)
{
	struct left_list l = {.arena = arena};
	for (size_t t = 0; t < n; t++) out[t] = (struct picture){0};
	status code = n > 0 ? store_list(lake, "manifests", note_left, &l, err) : OK;
	if (code == OK && l.n > 1) qsort(l.items, l.n, sizeof *l.items, newest_first);
	if (code == OK) code = take_newest(lake, &l, tables, n, out, err);
	mem_free(l.items);
	return code;
}

int64_t picture_version(const struct picture *p, const char *table)
{
	for (size_t i = 0; i < p->n_tables; i++) {
		if (strcmp(p->tables[i].name, table) == 0) return p->tables[i].version;
	}
	return -1;
}

bool picture_has_run(const struct picture *p, struct str run_id)
{
	for (size_t i = p->n_runs; i-- > 0;) {
		if (str_is(run_id, p->runs[i])) return true;
	}
	return false;
}
