/* query/catalog.c: which tables the lake has, and which of them a statement needs.
 *
 * Looking for tables reads folder names only. A snapshot is opened when a statement mentions the table's name, wherever: a
 * view too many costs some milliseconds, one too few would be an error. Whatever keeps a table from being read is kept with it
 * and told only when a statement fails for the lack of it.
 */
#include <stdio.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "query/query_int.h"
#include "table/catalog.h"
#include "table/log/history.h"

enum { NEAREST_MAX = 3, SEARCHED = 3 };
static const char *const search_path[SEARCHED] = {
	"gold", "silver", "bronze"}; /* of names without schema, in this order */

/* ---- looking ---- */

static status add_table(void *arg, const char *schema, const char *name, struct err *err)
{
	struct catalog *c = arg;
	if (!VEC_ROOM(c, 1)) return fail_nomem(err);
	struct catalog_table *t = &c->items[c->n++];
	*t = (struct catalog_table){.schema = mem_strdup(schema), .name = mem_strdup(name)};
	return t->schema != NULL && t->name != NULL ? OK : fail_nomem(err);
}

status catalog_open(struct catalog *c, const struct query_opts *o, struct err *err)
{
	*c = (struct catalog){.lake = o->lake, .version = o->version, .at_ms = o->at_ms, .picture = o->picture};
	if (store_is_remote(o->lake)) TRY(copies_open(o->lake, &c->copies, err));
	c->place = store_uri(o->lake);
	return delta_catalog_list(o->lake, add_table, c, err);
}

static void drop_snapshot(struct catalog_table *t)
{
	delta_snapshot_close(t->snapshot);
	t->snapshot = NULL;
	mem_free(t->copies);
	t->copies = NULL;
}

static void drop_snapshots(struct catalog *c)
{
	for (size_t i = 0; i < c->n; i++) {
		drop_snapshot(&c->items[i]);
		err_clear(&c->items[i].left_out);
	}
}

void catalog_close(struct catalog *c)
{
	drop_snapshots(c);
	for (size_t i = 0; i < c->n; i++) {
		mem_free(c->items[i].schema);
		mem_free(c->items[i].name);
	}
	mem_free(c->items);
	copies_close(c->copies);
	*c = (struct catalog){0};
}

/* ---- opening ---- */

/* Statements about the catalog itself see every table. */
static bool needs_all(struct str sql)
{
	static const char *const words[] = {"show", "information_schema", "duckdb_", "pg_", "sqlite_"};
	const struct sql_text text = sql_classify(sql);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (sql_contains(sql, words[i])) return true;
	}
	const size_t rest = (size_t)(text.word.p - sql.p) + text.word.n; /* DESCRIBE alone lists them too */
	return text.kind == SQL_QUERY && query_blank((struct str){sql.p + rest, sql.n - rest});
}

static bool by_a_run(const struct delta_version *v)
{
	static const char member[] = "\"pqrRunId\"";
	return v->info.text.n > 0 && memmem(v->info.text.p, v->info.text.n, member, sizeof member - 1) != NULL;
}

/* From the version that a finished run left on: as far as no run has committed, which cannot be done yet. */
static status last_done(const struct catalog *c, const char *root, int64_t *version, struct err *err)
{
	enum { TAIL = 16 };
	struct delta_history h;
	TRY(delta_history_read(c->lake, root, TAIL, &h, err));
	if (h.n == TAIL && h.versions[0].version > *version + 1) {
		delta_history_deinit(&h);
		TRY(delta_history_read(c->lake, root, 0, &h, err));
	}
	for (size_t i = 0; i < h.n; i++) {
		if (h.versions[i].version <= *version) continue;
		if (by_a_run(&h.versions[i])) break;
		*version = h.versions[i].version;
	}
	delta_history_deinit(&h);
	return OK;
}

static status picture_version(
	const struct catalog *c, const struct catalog_table *t, const char *root, int64_t *version, struct err *err)
{
	const struct query_picture *p = c->picture;
	for (size_t i = 0; p != NULL && i < p->n; i++) {
		const char *name = strchr(p->tables[i], '.');
		const size_t n = strlen(t->schema);
		if (name == NULL || strncmp(p->tables[i], t->schema, n) != 0 || p->tables[i] + n != name ||
			strcmp(name + 1, t->name) != 0)
			continue;
		*version = p->versions[i];
		return p->runs == NULL ? last_done(c, root, version, err) : OK;
	}
	if (p != NULL && p->runs != NULL)
		return fail(err, E_NOT_FOUND, "the run left no table %s.%s", t->schema, t->name);
	return OK;
}

static status open_table(const struct catalog *c, struct catalog_table *t, struct err *err)
{
	char root[DELTA_ROOT_MAX];
	int64_t version = c->version >= 0 ? c->version : DELTA_LATEST;
	(void)snprintf(root, sizeof root, "%s/%s", t->schema, t->name);
	TRY(picture_version(c, t, root, &version, err));
	if (c->at_ms != INT64_MIN) TRY(delta_version_at(c->lake, root, c->at_ms, &version, err));
	TRY(delta_snapshot_open(c->lake, root, version, &t->snapshot, err));
	if (c->picture != NULL && c->picture->runs != NULL)
		delta_snapshot_keep(t->snapshot, "run_id", c->picture->runs, c->picture->n_runs);
	return OK;
}

/* Every file must be there, of the size the log says: one that is gone DuckDB takes for a pattern, where its name can be one, and one
 * of another size for the table's. Copies were checked when they were made. */
static status check_files(const struct catalog *c, const struct delta_snapshot *s, struct err *err)
{
	char key[DELTA_KEY_MAX];
	for (size_t i = 0; i < s->n_files && c->copies == NULL; i++) {
		int64_t size;
		TRY(delta_key(key, s->root, s->files[i].path, err));
		TRY(store_size(c->lake, key, &size, err));
		if (size != s->files[i].size)
			return fail_at(err, E_CORRUPT, key, -1, -1, "%lld bytes, and the table's log says %lld",
				(long long)size, (long long)s->files[i].size);
	}
	return OK;
}

static void leave_out(struct catalog_table *t, status code)
{
	drop_snapshot(t);
	t->left_out.code = code;
}

static void add_schemas(const struct catalog *c, struct buf *out)
{
	for (size_t i = 0; i < c->n; i++) {
		if (i > 0 && strcmp(c->items[i].schema, c->items[i - 1].schema) == 0) continue;
		buf_str(out, "CREATE SCHEMA IF NOT EXISTS ");
		sql_quote(out, '"', str_of(c->items[i].schema));
		buf_str(out, ";\n");
	}
	buf_str(out, "SET TimeZone = 'UTC';\nSET search_path = '");
	for (size_t k = 0; k < SEARCHED; k++) {
		for (size_t i = 0; i < c->n; i++) {
			if (strcmp(c->items[i].schema, search_path[k]) != 0) continue;
			buf_printf(out, "%s,", search_path[k]);
			break;
		}
	}
	buf_str(out, "main';\n");
}

static void add_paths(const struct catalog *c, const char *writable, struct buf *out)
{
	struct buf path;
	bool first = true;
	buf_init(&path, 0);
	buf_str(out, "SET allowed_paths = [");
	for (size_t i = 0; i < c->n; i++) {
		const struct delta_snapshot *s = c->items[i].snapshot;
		for (size_t k = 0; s != NULL && k < s->n_files; k++) {
			buf_reset(&path);
			view_path(&path, &c->items[i], c->place, k);
			if (path.failed) out->failed = true;
			buf_str(out, first ? "" : ", ");
			sql_quote(out, '\'', (struct str){(const char *)path.p, path.n});
			first = false;
		}
	}
	buf_str(out, "];\n");
	buf_deinit(&path);
	if (writable != NULL) {
		buf_str(out, "SET allowed_directories = [");
		sql_quote(out, '\'', str_of(writable));
		buf_str(out, "];\n");
	}
	buf_str(out, "SET enable_external_access = false;\nSET lock_configuration = true;\n");
}

/* One table's snapshot and view. listed: the statement asks for names and columns alone. */
static status load_table(struct catalog *c, struct catalog_table *t, struct engine *e, bool listed, struct err *err)
{
	struct buf sql;
	TRY(open_table(c, t, err));
	if (c->copies != NULL) {
		/* Of a table that is only listed, the first file tells the columns. */
		if (listed && t->snapshot->n_files > 1) t->snapshot->n_files = 1;
		TRY(copies_take(c->copies, t->snapshot, &t->copies, err));
	}
	if (!listed) TRY(check_files(c, t->snapshot, err));
	buf_init(&sql, 0);
	const status made = view_sql(&sql, t, c->place, err);
	const status code = made == OK ? engine_exec(e, &sql, err) : made;
	buf_deinit(&sql);
	return code;
}

/* How early a name without schema is looked for in this one; SEARCHED: not at all. */
static size_t search_rank(const char *schema)
{
	size_t i = 0;
	while (i < SEARCHED && strcmp(schema, search_path[i]) != 0) i++;
	return i;
}

/* Why the table was left out, as the error of a statement that needs it. */
static status fail_left_out(const struct catalog_table *t, struct err *err)
{
	char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX + 64];
	const status code =
		fail(err, t->left_out.code, "%s.%s: %s", t->schema, t->name, err_text(&t->left_out, text, sizeof text));
	return err_advise(err, code, t->left_out.advice, t->left_out.about);
}

/* A name without schema must not fall to another table because the one it means was left out. */
static status check_hidden(const struct catalog *c, struct str sql, struct err *err)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct catalog_table *t = &c->items[i];
		const size_t rank = search_rank(t->schema);
		if (t->left_out.code == OK || rank == SEARCHED || !sql_mentions_bare(sql, t->name)) continue;
		for (size_t k = 0; k < c->n; k++) {
			const struct catalog_table *u = &c->items[k];
			const size_t other = search_rank(u->schema);
			if (strcasecmp(u->name, t->name) != 0 || other == SEARCHED) continue;
			if (other > rank && u->left_out.code == OK) return fail_left_out(t, err);
		}
	}
	return OK;
}

/* A table that can't be read is left out; the statement's own names may not fall to another for that. */
static status load_tables(struct catalog *c, struct engine *e, struct str sql, struct err *err)
{
	const bool all = needs_all(sql);
	for (size_t i = 0; i < c->n; i++) {
		struct catalog_table *t = &c->items[i];
		const bool named = sql_mentions(sql, t->name);
		if (!all && !named) continue;
		TRY(query_cancel_check(err));
		const status loaded = load_table(c, t, e, !named, &t->left_out);
		if (loaded != OK) leave_out(t, loaded);
	}
	return check_hidden(c, sql, err);
}

status catalog_load(struct catalog *c, struct engine *e, struct str sql, const char *writable, struct err *err)
{
	ASSERT(sql.n > 0);
	struct buf before, after;
	drop_snapshots(c);
	buf_init(&before, 0);
	add_schemas(c, &before);
	status code = engine_exec(e, &before, err);
	buf_deinit(&before);
	TRY(code);
	TRY(load_tables(c, e, sql, err));
	buf_init(&after, 0);
	add_paths(c, writable, &after);
	code = engine_exec(e, &after, err);
	buf_deinit(&after);
	return code;
}

/* ---- explaining ---- */

/* "Table with name NAME does not exist!" */
static struct str missing_name(const char *message)
{
	static const char before[] = "Table with name ", after[] = " does not exist";
	const char *start = strstr(message, before);
	if (start == NULL) return (struct str){NULL, 0};
	start += sizeof before - 1;
	const char *end = strstr(start, after);
	if (end == NULL) return (struct str){NULL, 0};
	if (end - start > 2 && *start == '"' && end[-1] == '"') { /* with its layer, where there is no such layer */
		start++;
		end--;
	}
	return (struct str){start, (size_t)(end - start)};
}

static size_t table_distance(const struct catalog_table *t, struct str name)
{
	char full[2 * STR_DISTANCE_MAX];
	(void)snprintf(full, sizeof full, "%s.%s", t->schema, t->name);
	const size_t a = str_distance(name, str_of(t->name)), b = str_distance(name, str_of(full));
	return a < b ? a : b;
}

/* The nearest names within a third of the name's letters, nearest first. */
static void add_nearest(const struct catalog *c, struct str name, struct buf *out)
{
	size_t n = 0;
	for (size_t distance = 0; distance <= name.n / 3 + 1; distance++) {
		for (size_t i = 0; i < c->n && n < NEAREST_MAX; i++) {
			if (table_distance(&c->items[i], name) != distance) continue;
			buf_printf(out, "%s%s.%s", n++ > 0 ? ", " : ": did you mean ", c->items[i].schema,
				c->items[i].name);
		}
	}
	buf_str(out, n > 0 ? "?" : "; SHOW ALL TABLES lists the tables");
}

static const struct catalog_table *find_left_out(const struct catalog *c, struct str name, struct str sql)
{
	const struct catalog_table *found = NULL;
	for (size_t i = 0; i < c->n; i++) {
		const struct catalog_table *t = &c->items[i];
		char full[2 * STR_DISTANCE_MAX];
		if (t->left_out.code == OK || strlen(t->name) != name.n || strncasecmp(t->name, name.p, name.n) != 0)
			continue;
		(void)snprintf(full, sizeof full, "%s.%s", t->schema, t->name);
		if (found == NULL || sql_contains(sql, full)) found = t;
	}
	return found;
}

status catalog_explain(const struct catalog *c, struct str sql, status code, struct err *err)
{
	if (err == NULL || code == OK) return code;
	char message[ERR_MESSAGE_MAX];
	memcpy(message, err->message, sizeof message);
	const struct str name = missing_name(message);
	if (name.p == NULL) return code;
	err_clear(err);
	const struct catalog_table *t = find_left_out(c, name, sql);
	if (t != NULL) return fail_left_out(t, err);
	struct buf near;
	buf_init(&near, 1 << 14);
	add_nearest(c, name, &near);
	buf_char(&near, '\0');
	if (c->n == 0)
		code = fail(err, E_USAGE, "no table %.*s: the lake %s has no Delta tables yet; `pqr run` makes them",
			(int)name.n, name.p, store_uri(c->lake));
	else
		code = fail(err, E_USAGE, "no table %.*s in the lake%s", (int)name.n, name.p,
			near.failed ? "" : (const char *)near.p);
	buf_deinit(&near);
	return code;
}
