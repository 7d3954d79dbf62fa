/* control/postgres_publish.c: published tables into PostgreSQL.
 *
 *   a table that stands:  batches --COPY BINARY--> temporary table    no lock that anybody feels, nothing logged
 *   a new one:            batches --COPY BINARY--> the table itself, under another name, in a transaction open from here on
 *   one of which nothing is told: nothing
 *   then one transaction: lock publishers - fence - each table: DELETE and INSERT what differs, or rename the new one and give it
 *   its key - views - records - COMMIT
 *
 * Readers hold no lock that DELETE and INSERT wait for, nor the other way round: they see the rows of before until the commit, and
 * all the new ones after it (TRUNCATE or a renamed table would wait for the longest reader and stop all new ones). Nobody reads a
 * table that is new: its rows are written once, and its index is built from all of them. The definition's hash in
 * meta.serving_objects tells when a table must be made anew. Two publishers take turns at an advisory lock held to the end of the
 * transaction; which tables and parts stand is looked up again under it.
 *
 * What was staged is gone with its connection: the whole publication is then begun again by the caller (ERR_RETRY). When the
 * answer to COMMIT got lost, the stage's record tells whether it happened.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "columnar/contract.h"
#include "control/postgres_copy.h"
#include "control/postgres_int.h"

#define PUBLISH_LOCK "7381208"
enum {
	SQL_BYTES_MAX = 1 << 20,
	CHUNK_BYTES =
		1 << 18, /* encoded, then sent: few calls, and no longer than this between looks at the cancel flag */
	CHUNK_MAX = 1 << 27, /* one row of texts may exceed a chunk */
	OBJECTS_MAX = 256,
	KEY_BYTES_MAX = 2000, /* an entry of a B-tree holds 2704 bytes, with its numbers and headers */
};

struct published {
	struct control_table table;
	const struct table_schema *schema; /* the table's; NULL: a view */
	const char *name, *sql;
	const char *staging; /* the table its rows were sent to, as SQL names it */
	bool left;           /* nothing of it is told, and nothing goes */
	bool is_new;         /* that one is to become the table */
	bool digests;        /* its key is over digests */
	bool remade;         /* the transaction made it anew */
	int64_t rows;        /* staged, and of parts that are left */
	size_t key_bytes;    /* of the longest texts of the columns of its key, together */
};

struct postgres_publish {
	struct control_publish base;
	struct control_postgres *s;
	struct control_lease lease;
	struct arena arena;
	struct published *objects;
	size_t n;
	const struct table_schema *schema;    /* being staged, as objects[n - 1] */
	size_t text_bytes[TABLE_COLUMNS_MAX]; /* of its longest text so far, for each column of the key */
	bool copying;
	bool stale;    /* a part that was to be left is another now */
	bool open;     /* the transaction has begun, and holds new tables */
	int64_t n_new; /* such tables */
	struct buf chunk, sql;
	const struct control_stage *stage; /* while committing */
	const struct control_quality_layer *quality;
};

static const char *sql_end(struct postgres_publish *p, struct err *err)
{
	buf_char(&p->sql, '\0');
	return buf_check(&p->sql, err) == OK ? (const char *)p->sql.p : NULL;
}

/* Run what p->sql holds. */
static status sql_run(struct postgres_publish *p, int64_t *changed, struct err *err)
{
	const char *sql = sql_end(p, err);
	const status code = sql != NULL ? postgres_run(p->s, sql, NULL, changed, err) : E_NOMEM;
	buf_reset(&p->sql);
	return code;
}

static void add_columns(struct buf *sql, const struct table_schema *t)
{
	for (size_t i = 0; i < t->n_columns; i++) buf_printf(sql, "%s\"%s\"", i > 0 ? ", " : "", t->columns[i].name);
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */

/* Everything a table or view is made with, and (as a hash) how to know it again. */
static status hash_definition(
	struct postgres_publish *p, const struct published *o, char hex[HEX_SHA256_CHARS + 1], struct err *err)
{
	uint8_t hash[SHA256_BYTES];
	if (o->schema != NULL) {
		schema_table_postgres(&p->sql, o->schema);
		schema_key_postgres(&p->sql, o->schema, false); /* which of the two keys it has, its indexes tell */
		schema_security_postgres(&p->sql, o->schema);
	} else {
		buf_str(&p->sql, o->sql);
	}
	const status code = buf_check(&p->sql, err);
	hash_sha256(p->sql.p, p->sql.n, hash);
	hex_encode(hash, sizeof hash, hex);
	buf_reset(&p->sql);
	return code;
}

/* Does it stand, made with this definition? */
static status stands(struct postgres_publish *p, const struct published *o, const char *hex, bool *out, struct err *err)
{
	struct postgres_args a = {0};
	int64_t n = 0;
	postgres_arg_text(&a, o->name);
	postgres_arg_text(&a, hex);
	postgres_arg_text(&a, o->name);
	TRY(postgres_one_i64(p->s,
		"SELECT count(*) FROM meta.serving_objects WHERE name = $1 AND definition = $2 AND to_regclass($3) IS "
		"NOT NULL",
		&a, &n, err));
	*out = n > 0;
	return OK;
}

static status remember(struct postgres_publish *p, const struct published *o, const char *hex, struct err *err)
{
	struct postgres_args a = {0};
	postgres_arg_text(&a, o->name);
	postgres_arg_text(&a, o->schema != NULL ? "table" : "view");
	postgres_arg_text(&a, hex);
	TRY(postgres_run(p->s,
		"INSERT INTO meta.serving_objects (name, kind, definition) VALUES ($1, $2, $3) ON CONFLICT (name) DO "
		"UPDATE SET "
		"kind = excluded.kind, definition = excluded.definition",
		&a, NULL, err));
	postgres_arg_text(&a, o->name);
	return postgres_run(p->s, "SELECT meta.share($1::text::regclass)", &a, NULL, err);
}

/* ---- which parts stand --------------------------------------------------------------------------------------------- */

static status count_rows(struct postgres_publish *p, const char *name, int64_t *rows, struct err *err)
{
	buf_printf(&p->sql, "SELECT count(*) FROM %s", name);
	const char *sql = sql_end(p, err);
	const status code = sql != NULL ? postgres_one_i64(p->s, sql, NULL, rows, err) : E_NOMEM;
	buf_reset(&p->sql);
	return code;
}

static status read_record(
	struct postgres_publish *p, const struct control_table *t, struct control_record *out, struct err *err)
{
	char name[256];
	struct postgres_args a = {0};
	struct pg_result *r = NULL;
	TRY(control_record_init(out, t, &p->arena, err));
	(void)snprintf(name, sizeof name, "%s.%s", t->schema->layer, t->schema->name);
	postgres_arg_text(&a, name);
	const status code =
		postgres_exec(p->s, "SELECT part, files, rows FROM meta.published_parts WHERE name = $1", &a, &r, err);
	postgres_args_deinit(&a);
	TRY(code);
	for (int i = 0; i < postgres_rows(r); i++) {
		const struct control_remembered m = {
			postgres_str(r, i, 0), postgres_str(r, i, 1), postgres_i64(r, i, 2, 0)};
		control_record_add(out, t, &m);
	}
	postgres_clear(r);
	return OK;
}

static status look_table(struct postgres_publish *p, const struct control_table *t, bool *there, struct err *err)
{
	struct control_record record;
	char hex[HEX_SHA256_CHARS + 1], name[256];
	int64_t rows = 0;
	(void)snprintf(name, sizeof name, "%s.%s", t->schema->layer, t->schema->name);
	const struct published o = {.table = *t, .schema = t->schema, .name = name};
	TRY(read_record(p, t, &record, err));
	TRY(hash_definition(p, &o, hex, err));
	if (*there) TRY(stands(p, &o, hex, there, err));
	if (*there) TRY(count_rows(p, name, &rows, err));
	control_record_tell(&record, t, *there && rows == record.rows);
	return OK;
}

/* A child whose parent will be made anew is made anew with it. */
static status publish_look(struct control_publish *base, const struct control_table *tables, size_t n, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	bool *there = ARENA_ZNEW(&p->arena, bool, n + 1);
	if (there == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		const struct table_schema *t = tables[i].schema;
		there[i] = true;
		for (size_t k = 0; k < i && t->parent != NULL; k++) {
			const struct table_schema *x = tables[k].schema;
			if (strcmp(x->layer, t->layer) == 0 && strcmp(x->name, t->parent) == 0) there[i] = there[k];
		}
		TRY(look_table(p, &tables[i], &there[i], err));
	}
	return OK;
}

/* Under the lock: does what this publication leaves alone stand as it was found? */
static status check_left(struct postgres_publish *p, const struct published *o, bool there, struct err *err)
{
	struct control_record record;
	const struct control_table *t = &o->table;
	if (control_table_n_told(t) == t->n_parts && !o->left) return OK;
	TRY(read_record(p, t, &record, err));
	if (there && control_record_holds(&record, t) && (!o->left || record.n == (int64_t)t->n_parts)) return OK;
	p->stale = true;
	const status code = fail(err, E_CONFLICT, "somebody else published meanwhile");
	err_set_class(err, ERR_RETRY);
	return code;
}

/* ---- staging ----------------------------------------------------------------------------------------------------- */

static struct published *add_object(struct postgres_publish *p, struct err *err)
{
	if (p->n == OBJECTS_MAX) {
		(void)fail(err, E_LIMIT, "over %d tables and views to publish", OBJECTS_MAX);
		return NULL;
	}
	p->objects[p->n] = (struct published){0};
	return &p->objects[p->n++];
}

static status name_staging(struct postgres_publish *p, struct published *o, struct err *err)
{
	int64_t session = 0;
	if (!o->is_new) {
		o->staging = arena_printf(&p->arena, "pg_temp.\"%s\"", o->name);
	} else { /* no other session's: two that load at once must not wait for each other's name */
		TRY(postgres_one_i64(p->s, "SELECT pg_backend_pid()", NULL, &session, err));
		o->staging = arena_printf(
			&p->arena, "%s.\"pqr.%lld.%lld\"", o->schema->layer, (long long)session, (long long)p->n_new++);
	}
	return o->staging != NULL ? OK : fail_nomem(err);
}

/* The transaction that new tables are loaded in is the one that publishes them: without it, nothing of them is left. */
static status open_transaction(struct postgres_publish *p, struct err *err)
{
	if (p->open) return OK;
	TRY(postgres_exec(p->s, POSTGRES_BEGIN, NULL, NULL, err));
	p->open = p->s->publishing = true;
	return OK;
}

/* The types come from the table's own definition, in a table nobody else sees. */
static status make_staging(struct postgres_publish *p, struct published *o, struct err *err)
{
	struct table_schema staging = *o->schema;
	char hex[HEX_SHA256_CHARS + 1];
	bool there = false;
	TRY(hash_definition(p, o, hex, err));
	TRY(stands(p, o, hex, &there, err));
	o->is_new = !there;
	if (o->is_new) TRY(open_transaction(p, err));
	TRY(name_staging(p, o, err));
	staging.layer = o->is_new ? staging.layer : "pg_temp";
	staging.name = strchr(o->staging, '"');
	if (!o->is_new) buf_printf(&p->sql, "DROP TABLE IF EXISTS %s;\n", o->staging);
	schema_table_postgres(&p->sql, &staging);
	return sql_run(p, NULL, err);
}

static status publish_table(struct control_publish *base, const struct control_table *t, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	const struct table_schema *schema = t->schema;
	struct control_record record;
	ASSERT(!p->copying);
	struct published *o = add_object(p, err);
	if (o == NULL) return E_LIMIT;
	o->table = *t;
	o->schema = p->schema = schema;
	o->name = arena_printf(&p->arena, "%s.%s", schema->layer, schema->name);
	if (o->name == NULL) return fail_nomem(err);
	TRY(read_record(p, t, &record, err));
	o->left = t->n_parts > 0 && control_table_n_told(t) == 0 && record.n == (int64_t)t->n_parts;
	if (o->left) return OK;
	TRY(make_staging(p, o, err));
	buf_printf(&p->sql, "COPY %s (", o->staging);
	add_columns(&p->sql, schema);
	/* FREEZE: the rows need no second writing to mark them as committed */
	buf_printf(&p->sql, ") FROM STDIN (FORMAT binary%s)", o->is_new ? ", FREEZE" : "");
	const char *sql = sql_end(p, err);
	const status code = sql != NULL ? postgres_copy_begin(p->s, sql, err) : E_NOMEM;
	buf_reset(&p->sql);
	TRY(code);
	memset(p->text_bytes, 0, sizeof p->text_bytes);
	p->copying = true;
	buf_reset(&p->chunk);
	postgres_copy_binary_begin(&p->chunk);
	return OK;
}

static status send_chunk(struct postgres_publish *p, struct err *err)
{
	TRY(buf_check(&p->chunk, err));
	const status code = postgres_copy_bytes(p->s, p->chunk.p, p->chunk.n, err);
	buf_reset(&p->chunk);
	if (code != OK) p->copying = false;
	return err_at(err, code, p->schema->name, -1, -1);
}

/* The longest text of a column. A byte that can't stay becomes three (U+FFFD). */
static size_t longest_text(const struct column *c, int64_t n_rows)
{
	const struct column *of = c->dict != NULL ? c->dict : c;
	const int64_t n = c->dict != NULL ? c->dict->n : n_rows;
	int32_t longest = 0;
	for (int64_t i = 0; i < n; i++) {
		const int32_t bytes = of->offsets[i + 1] - of->offsets[i];
		if (bytes > longest) longest = bytes;
	}
	return 3 * (size_t)longest;
}

/* How long the texts of the table's key are decides which key it can have. */
static void note_key(struct postgres_publish *p, const struct batch *b, const char *const *partitions)
{
	struct published *o = &p->objects[p->n - 1];
	const struct table_schema *t = o->schema;
	o->key_bytes = 0;
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct column_def *c = &t->columns[i];
		if (!c->key || c->type != COL_STRING) continue;
		const size_t bytes = i < b->n_columns ? longest_text(&b->columns[i], b->n_rows)
						      : 3 * strlen(partitions[i - b->n_columns]);
		if (bytes > p->text_bytes[i]) p->text_bytes[i] = bytes;
		o->key_bytes += p->text_bytes[i];
	}
}

static status publish_batch(
	struct control_publish *base, const struct batch *b, const char *const *partitions, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	const size_t n_data = schema_n_data_columns(p->schema);
	ASSERT(b->n_columns == n_data && p->schema->n_columns <= TABLE_COLUMNS_MAX);
	struct postgres_copy_rows rows = {.batch = b,
		.partitions = partitions,
		.n_partitions = p->schema->n_columns - n_data,
		.to = b->n_rows,
		.bytes_max = CHUNK_BYTES};
	ASSERT(p->copying);
	(void)control_table_count(&p->objects[p->n - 1].table, partitions, b->n_rows);
	note_key(p, b, partitions);
	while (rows.from < rows.to) {
		TRY(cancel_check(err));
		rows.from = postgres_copy_binary_rows(&p->chunk, &rows);
		if (p->chunk.n >= CHUNK_BYTES || p->chunk.failed) TRY(send_chunk(p, err));
	}
	return OK;
}

static status publish_table_end(struct control_publish *base, int64_t *rows, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	struct published *object = &p->objects[p->n - 1];
	const struct control_table *t = &object->table;
	if (!object->left) {
		postgres_copy_binary_end(&p->chunk);
		TRY(send_chunk(p, err));
		p->copying = false;
		TRY(postgres_copy_end(p->s, NULL, &object->rows, err));
	}
	for (size_t i = 0; i < t->n_parts; i++) object->rows += t->parts[i].told ? 0 : t->parts[i].rows;
	*rows = object->rows;
	return OK;
}

static status publish_view(struct control_publish *base, const char *name, const char *text, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	struct published *object = add_object(p, err);
	if (object == NULL) return E_LIMIT;
	schema_names_postgres(&p->sql, name);
	buf_char(&p->sql, '\0');
	object->name = p->sql.failed ? NULL : arena_strndup(&p->arena, (const char *)p->sql.p, p->sql.n - 1);
	buf_reset(&p->sql);
	schema_names_postgres(&p->sql, text);
	object->sql = p->sql.failed ? NULL : arena_strndup(&p->arena, (const char *)p->sql.p, p->sql.n);
	buf_reset(&p->sql);
	return object->name != NULL && object->sql != NULL ? OK : fail_nomem(err);
}

/* ---- the transaction --------------------------------------------------------------------------------------------- */

static bool has_key(const struct table_schema *t)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		if (t->columns[i].key) return true;
	}
	return false;
}

/* s."day" = g."day" AND ... over the columns of the primary key: a hash join. Of a table without a key no row is the same as another. */
static void add_same_key(struct buf *sql, const struct table_schema *t)
{
	if (!has_key(t)) buf_str(sql, "false");
	for (size_t i = 0, n = 0; i < t->n_columns; i++) {
		const char *name = t->columns[i].name;
		if (t->columns[i].key) buf_printf(sql, "%ss.\"%s\" = g.\"%s\"", n++ > 0 ? " AND " : "", name, name);
	}
}

static void add_same_rest(struct buf *sql, const struct table_schema *t)
{
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *name = t->columns[i].name;
		if (!t->columns[i].key && strcmp(name, "run_id") != 0)
			buf_printf(sql, " AND s.\"%s\" IS NOT DISTINCT FROM g.\"%s\"", name, name);
	}
}

/* Rows that stand already as they were staged are left alone: an index entry and a dead row less for each. */
static status take_away(struct postgres_publish *p, const struct published *o, struct err *err)
{
	buf_printf(&p->sql, "DELETE FROM %s AS g WHERE true", o->name);
	control_sql_changing(&p->sql, &o->table);
	buf_printf(&p->sql, " AND NOT EXISTS (SELECT FROM %s AS s WHERE ", o->staging);
	add_same_key(&p->sql, o->schema);
	add_same_rest(&p->sql, o->schema);
	buf_char(&p->sql, ')');
	return sql_run(p, NULL, err);
}

/* As many as were staged and left are all of them: keys are unique. */
static status fill(struct postgres_publish *p, const struct published *o, struct err *err)
{
	int64_t rows = 0;
	TRY(count_rows(p, o->name, &rows, err));
	if (rows == o->rows) return OK;
	const bool some = rows > 0;
	buf_printf(&p->sql, "INSERT INTO %s (", o->name);
	add_columns(&p->sql, o->schema);
	buf_str(&p->sql, ") SELECT ");
	add_columns(&p->sql, o->schema);
	buf_printf(&p->sql, " FROM %s AS s", o->staging);
	if (some) {
		buf_printf(&p->sql, " WHERE NOT EXISTS (SELECT FROM %s AS g WHERE ", o->name);
		add_same_key(&p->sql, o->schema);
		buf_char(&p->sql, ')');
	}
	TRY(sql_run(p, NULL, err));
	TRY(count_rows(p, o->name, &rows, err));
	if (rows != o->rows)
		return fail(err, E_VERIFY,
			"%lld rows stand there, %lld were published: a trigger or rule on the table?", (long long)rows,
			(long long)o->rows);
	return OK;
}

static status remember_parts(struct postgres_publish *p, const struct published *o, struct err *err)
{
	control_sql_remember(&p->sql, "meta.published_parts", &o->table);
	return sql_run(p, NULL, err);
}

/* Where PostGIS is, a place is a point, too. Of the columns' own names, not of any table. */
static status add_geography(struct postgres_publish *p, const struct published *o, struct err *err)
{
	struct postgres_args a = {0};
	int64_t has = 0;
	if (schema_column_index(o->schema, "latitude") < 0 || schema_column_index(o->schema, "longitude") < 0)
		return OK;
	TRY(postgres_one_i64(p->s, "SELECT count(*) FROM pg_extension WHERE extname = 'postgis'", &a, &has, err));
	if (has == 0) return OK;
	/* The extension may stand in any schema. */
	buf_printf(&p->sql,
		"DO $$ DECLARE x text := (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = "
		"'postgis'); BEGIN "
		"EXECUTE format('ALTER TABLE %s ADD COLUMN location %%1$s.geography(Point, 4326) GENERATED ALWAYS AS "
		"(%%1$s.geography(%%1$s.ST_SetSRID(%%1$s.ST_MakePoint(longitude::float8, latitude::float8), 4326))) "
		"STORED', x); END "
		"$$; COMMENT ON COLUMN %s.location IS 'WGS 84 point of latitude and longitude'",
		o->name, o->name);
	return sql_run(p, NULL, err);
}

/* Who may read its rows, who may read the parent's tells: that policy went with the parent. */
static bool lost_parent(const struct postgres_publish *p, const struct published *o)
{
	const char *parent = o->schema->parent;
	for (size_t i = 0; i < p->n && parent != NULL; i++) {
		const struct published *x = &p->objects[i];
		if (x->remade && strcmp(x->schema->layer, o->schema->layer) == 0 &&
			strcmp(x->schema->name, parent) == 0)
			return true;
	}
	return false;
}

/* Which key stands. A table without a key has neither. */
static status find_key(struct postgres_publish *p, struct published *o, struct err *err)
{
	struct postgres_args a = {0};
	int64_t primary = 0;
	postgres_arg_text(&a, o->name);
	TRY(postgres_one_i64(p->s,
		"SELECT count(*) FROM pg_catalog.pg_index WHERE indrelid = to_regclass($1) AND indisprimary", &a,
		&primary, err));
	o->digests = has_key(o->schema) && primary == 0;
	return OK;
}

/* Texts too long for the key that stands: they get one over digests, before they come. */
static status change_key(struct postgres_publish *p, const struct published *o, struct err *err)
{
	buf_printf(&p->sql,
		"DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE %s DROP CONSTRAINT %%I', conname) FROM "
		"pg_catalog.pg_constraint WHERE conrelid = '%s'::regclass AND contype = 'p'); END $$;\n",
		o->name, o->name);
	schema_key_postgres(&p->sql, o->schema, true);
	return sql_run(p, NULL, err);
}

static status merge(struct postgres_publish *p, struct published *o, struct err *err)
{
	TRY(find_key(p, o, err));
	if (o->key_bytes > KEY_BYTES_MAX && !o->digests) TRY(change_key(p, o, err));
	TRY(take_away(p, o, err));
	TRY(fill(p, o, err));
	if (o->is_new) { /* somebody else's came first */
		buf_printf(&p->sql, "DROP TABLE %s", o->staging);
		TRY(sql_run(p, NULL, err));
	}
	return remember_parts(p, o, err);
}

/* A table of another definition goes, with the views over it, which are made again: rare, and the one time a reader waits. */
static status swap_table(struct postgres_publish *p, struct published *o, struct err *err)
{
	char hex[HEX_SHA256_CHARS + 1];
	bool there = false;
	TRY(hash_definition(p, o, hex, err));
	TRY(stands(p, o, hex, &there, err));
	there = there && !lost_parent(p, o);
	TRY(check_left(p, o, there, err));
	o->remade = !there;
	if (o->left) return OK;
	if (there) return merge(p, o, err);
	buf_printf(&p->sql, "DROP TABLE IF EXISTS %s CASCADE;\n", o->name);
	if (o->is_new)
		buf_printf(&p->sql, "ALTER TABLE %s RENAME TO %s", o->staging, o->schema->name);
	else
		schema_table_postgres(&p->sql, o->schema);
	TRY(sql_run(p, NULL, err));
	if (!o->is_new) TRY(fill(p, o, err)); /* it was dropped meanwhile */
	schema_key_postgres(&p->sql, o->schema, o->key_bytes > KEY_BYTES_MAX);
	schema_security_postgres(&p->sql, o->schema);
	if (p->sql.n > 0) TRY(sql_run(p, NULL, err));
	TRY(add_geography(p, o, err));
	TRY(remember(p, o, hex, err));
	return remember_parts(p, o, err);
}

/* CREATE OR REPLACE would wait for every reader of the view: only when it changed. With the rights of who asks, so that row-level
 * security holds through it. */
static status swap_view(struct postgres_publish *p, const struct published *o, struct err *err)
{
	char hex[HEX_SHA256_CHARS + 1];
	bool there = false;
	TRY(hash_definition(p, o, hex, err));
	TRY(stands(p, o, hex, &there, err));
	if (there) return OK;
	buf_printf(&p->sql, "DROP VIEW IF EXISTS %s CASCADE;\nCREATE VIEW %s WITH (security_invoker = true) AS %s",
		o->name, o->name, o->sql);
	TRY(sql_run(p, NULL, err));
	return remember(p, o, hex, err);
}

static status settle(struct postgres_publish *p, struct err *err)
{
	struct postgres_args a = {0};
	postgres_arg_int(&a, time_now_us() + LEASE_TTL_US);
	postgres_arg_text(&a, p->lease.run_id);
	TRY(postgres_run(p->s, "UPDATE meta.leases SET expires = $1 WHERE run_id = $2", &a, NULL, err));
	TRY(postgres_quality_replace(p->s, p->lease.run_id, p->quality, err));
	return postgres_stage_record(p->s, p->stage, err);
}

static status swap(struct control_postgres *s, void *arg, struct err *err)
{
	struct postgres_publish *p = arg;
	TRY(postgres_exec(s,
		"SET LOCAL lock_timeout = 0; SET LOCAL work_mem = '64MB'; SET LOCAL enable_nestloop = off; SET LOCAL "
		"enable_mergejoin = off; SELECT pg_advisory_xact_lock(" PUBLISH_LOCK ")",
		NULL, NULL, err));
	TRY(postgres_lease_check(s, &p->lease, err));
	for (size_t i = 0; i < p->n; i++) p->objects[i].remade = false; /* by an attempt that was undone */
	for (size_t i = 0; i < p->n; i++) {
		struct published *o = &p->objects[i];
		const status code = o->schema != NULL ? swap_table(p, o, err) : swap_view(p, o, err);
		if (code != OK) return err_at(err, code, o->name, -1, -1);
	}
	return settle(p, err);
}

/* What is staged outlives a deadlock: in temporary tables the transaction, in it a savepoint. */
static status swap_again(struct control_postgres *s, void *arg, struct err *err)
{
	const struct postgres_publish *p = arg;
	for (int k = 0;; k++) {
		TRY(postgres_exec(s, "SAVEPOINT staged", NULL, NULL, err));
		const status code = swap(s, arg, err);
		if (code != E_CONFLICT || p->stale || k == TASK_RETRIES_MAX) return code;
		TRY(postgres_exec(s, "ROLLBACK TO SAVEPOINT staged", NULL, NULL, err));
	}
}

static status swap_all(struct postgres_publish *p, struct err *err)
{
	if (p->open) {
		p->open = p->s->publishing = false;
		return postgres_transact_end(p->s, swap_again, p, err);
	}
	for (int k = 0;; k++) {
		const status code = postgres_transact_once(p->s, swap, p, err);
		if (code != E_CONFLICT || p->stale || k == TASK_RETRIES_MAX) return code;
	}
}

struct look {
	const struct postgres_publish *p;
	bool committed;
};

/* The stage's record carries this publication's own instant. */
static status look(struct control_postgres *s, void *arg, struct err *err)
{
	struct look *l = arg;
	const struct control_stage *stage = l->p->stage;
	struct postgres_args a = {0};
	int64_t n = 0;
	postgres_arg_text(&a, stage->run_id);
	postgres_arg_text(&a, stage->name);
	postgres_arg_time(&a, stage->committed_at);
	/* After whoever publishes now, which may be this process's own lost session. */
	TRY(postgres_exec(s, "SELECT pg_advisory_xact_lock(" PUBLISH_LOCK ")", NULL, NULL, err));
	TRY(postgres_one_i64(s,
		"SELECT count(*) FROM meta.stage_commits WHERE run_id = $1 AND stage = $2 AND committed_at = $3", &a,
		&n, err));
	l->committed = n > 0;
	return OK;
}

static status publish_commit(struct control_publish *base, const struct control_stage *stage,
	const struct control_quality_layer *q, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	p->stage = stage;
	p->quality = q;
	const status code = swap_all(p, err);
	if (code != E_UNREACHABLE) return code;
	struct err later;
	struct look l = {p, false};
	err_clear(&later);
	p->s->poll_cancel = false;
	if (postgres_transact(p->s, look, &l, &later) != OK) {
		if (err != NULL) *err = later;
		err_set_class(err, ERR_UNKNOWN);
		return later.code;
	}
	return l.committed ? OK : code; /* class RETRY: begin the publication again */
}

static void publish_destroy(struct control_publish *base)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	int64_t rows;
	p->s->poll_cancel = false;
	/* Given up on purpose: that this COPY fails is what is wanted. What stands after it, the next statement tells. */
	const status ended = p->copying ? postgres_copy_end(p->s, "publishing stopped", &rows, NULL) : OK;
	(void)ended;
	if (p->open && postgres_exec(p->s, "ROLLBACK", NULL, NULL, NULL) != OK) postgres_disconnect(p->s);
	p->s->publishing = false;
	if (postgres_lost(p->s) || postgres_exec(p->s, "DISCARD TEMP", NULL, NULL, NULL) != OK)
		postgres_disconnect(p->s);
	buf_deinit(&p->chunk);
	buf_deinit(&p->sql);
	arena_deinit(&p->arena);
	mem_free(p);
}

static const struct control_publish_ops publish_ops = {
	publish_look,
	publish_table,
	publish_batch,
	publish_table_end,
	publish_view,
	publish_commit,
	publish_destroy,
};

static status check_lease(struct control_postgres *s, void *arg, struct err *err)
{
	return postgres_lease_check(s, arg, err);
}

status postgres_publish_begin(
	struct control *c, const struct control_lease *l, struct control_publish **out, struct err *err)
{
	struct control_postgres *s = postgres_of(c);
	struct postgres_publish *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	p->base = (struct control_publish){&publish_ops, c};
	p->s = s;
	p->lease = *l;
	arena_init(&p->arena, 0);
	buf_init(&p->chunk, CHUNK_MAX);
	buf_init(&p->sql, SQL_BYTES_MAX);
	p->objects = ARENA_NEW(&p->arena, struct published, OBJECTS_MAX);
	status code = p->objects != NULL ? OK : fail_nomem(err);
	if (code == OK) code = postgres_transact(s, check_lease, &p->lease, err);
	s->poll_cancel = true;
	if (code != OK) {
		publish_destroy(&p->base);
		return code;
	}
	*out = &p->base;
	return OK;
}
