/* control/postgres_merge.c: a table of a publication from its staged rows to what readers see, in the transaction that publishes.
 *
 *   it stands:    DELETE and INSERT what differs from the staged rows, or what these tell to have changed
 *   it is new:    the staged table gets its name, its key and its rights
 *
 * Must not know how rows are staged, nor the other tables but for a parent that was made anew (postgres_publish.c).
 */
#include "control/sql_text.h"
#include "control/postgres_publish_int.h"

enum { KEY_BYTES_MAX = 2000 }; /* an entry of a B-tree holds 2704 bytes, with its numbers and headers */

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
	return postgres_published_run(p, NULL, err);
}

/* As many as were staged and left are all of them: keys are unique. */
static status fill(struct postgres_publish *p, const struct published *o, struct err *err)
{
	int64_t rows = 0;
	TRY(control_table_count_rows(&p->s->base, o->schema, &rows, err));
	if (rows == o->rows) return OK;
	const bool some = rows > 0;
	buf_printf(&p->sql, "INSERT INTO %s (", o->name);
	postgres_published_columns(&p->sql, o->schema);
	buf_str(&p->sql, ") SELECT ");
	postgres_published_columns(&p->sql, o->schema);
	buf_printf(&p->sql, " FROM %s AS s", o->staging);
	if (some) {
		buf_printf(&p->sql, " WHERE NOT EXISTS (SELECT FROM %s AS g WHERE ", o->name);
		add_same_key(&p->sql, o->schema);
		buf_char(&p->sql, ')');
	}
	TRY(postgres_published_run(p, NULL, err));
	TRY(control_table_count_rows(&p->s->base, o->schema, &rows, err));
	if (rows != o->rows)
		return fail(err, E_VERIFY,
			"%lld rows stand there, %lld were published: a trigger or rule on the table?", (long long)rows,
			(long long)o->rows);
	return OK;
}

/* Where PostGIS is, a place is a point, too. Of the columns' own names, not of any table. */
static status add_geography(struct postgres_publish *p, const struct published *o, struct err *err)
{
	static const struct sql_stmt q = {.sql = "SELECT count(*) FROM pg_extension WHERE extname = 'postgis'"};
	int64_t has = 0;
	if (schema_column_index(o->schema, "latitude") < 0 || schema_column_index(o->schema, "longitude") < 0)
		return OK;
	TRY(sql_one_i64(&p->s->base, &q, &has, err));
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
	return postgres_published_run(p, NULL, err);
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
	const struct sql_arg name = sql_text(o->name);
	const struct sql_stmt q = {
		"SELECT count(*) FROM pg_catalog.pg_index WHERE indrelid = to_regclass($1) AND indisprimary", &name, 1};
	int64_t primary = 0;
	TRY(sql_one_i64(&p->s->base, &q, &primary, err));
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
	sql_text_key_postgres(&p->sql, o->schema, true);
	return postgres_published_run(p, NULL, err);
}

/* What was told to have changed. The rows that are looked for are few: by the key's index. */
static status change(struct postgres_publish *p, const struct published *o, struct err *err)
{
	const char *const from[] = {o->gone, o->staging};
	int64_t rows = 0;
	buf_str(&p->sql, "SET LOCAL enable_nestloop = on;\n");
	for (size_t i = 0; i < 2; i++) {
		if (from[i] == NULL) continue;
		buf_printf(&p->sql, "DELETE FROM %s AS g USING %s AS s WHERE ", o->name, from[i]);
		add_same_key(&p->sql, o->schema);
		buf_str(&p->sql, ";\n");
	}
	buf_printf(&p->sql, "INSERT INTO %s (", o->name);
	postgres_published_columns(&p->sql, o->schema);
	buf_str(&p->sql, ") SELECT ");
	postgres_published_columns(&p->sql, o->schema);
	buf_printf(&p->sql, " FROM %s;\nSET LOCAL enable_nestloop = off", o->staging);
	TRY(postgres_published_run(p, NULL, err));
	TRY(control_table_count_rows(&p->s->base, o->schema, &rows, err));
	if (rows == o->rows) return OK;
	p->stale = true;
	return control_change_fail(o->schema, err);
}

static status merge(struct postgres_publish *p, struct published *o, struct err *err)
{
	TRY(find_key(p, o, err));
	if (o->key_bytes > KEY_BYTES_MAX && !o->digests) TRY(change_key(p, o, err));
	if (o->table.changes) {
		TRY(change(p, o, err));
	} else {
		TRY(take_away(p, o, err));
		TRY(fill(p, o, err));
	}
	if (o->is_new) { /* somebody else's came first */
		buf_printf(&p->sql, "DROP TABLE %s", o->staging);
		TRY(postgres_published_run(p, NULL, err));
	}
	return control_record_write(&p->s->base, &o->table, err);
}

/* A table of another definition goes, with the views over it, which are made again: rare, and the one time a reader waits. */
status postgres_publish_swap_table(struct postgres_publish *p, struct published *o, struct err *err)
{
	char hex[HEX_SHA256_CHARS + 1];
	bool there = false;
	TRY(postgres_published_definition(p, o, hex, err));
	TRY(postgres_published_stands(p, o, hex, &there, err));
	there = there && !lost_parent(p, o);
	TRY(postgres_published_check_left(p, o, there, err));
	o->remade = !there;
	if (o->left) return OK;
	if (there) return merge(p, o, err);
	buf_printf(&p->sql, "DROP TABLE IF EXISTS %s CASCADE;\n", o->name);
	if (o->is_new)
		buf_printf(&p->sql, "ALTER TABLE %s RENAME TO %s", o->staging, o->schema->name);
	else
		sql_text_heap_postgres(&p->sql, o->schema);
	TRY(postgres_published_run(p, NULL, err));
	if (!o->is_new) TRY(fill(p, o, err)); /* it was dropped meanwhile */
	sql_text_key_postgres(&p->sql, o->schema, o->key_bytes > KEY_BYTES_MAX);
	sql_text_policies_postgres(&p->sql, o->schema);
	if (p->sql.n > 0) TRY(postgres_published_run(p, NULL, err));
	TRY(add_geography(p, o, err));
	TRY(postgres_published_remember(p, o, hex, err));
	return control_record_write(&p->s->base, &o->table, err);
}
