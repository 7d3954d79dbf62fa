/* control/postgres_published.c: which published tables, views and parts of tables stand on the server, and what is remembered of them.
 *
 * Must not know how rows get there.
 */
#include "control/postgres_publish_int.h"

#include <stdio.h>

#include "control/sql_text.h"

const char *postgres_published_sql(struct postgres_publish *p, struct err *err)
{
	buf_char(&p->sql, '\0');
	return buf_check(&p->sql, err) == OK ? (const char *)p->sql.p : NULL;
}

status postgres_published_run(struct postgres_publish *p, int64_t *changed, struct err *err)
{
	const char *sql = postgres_published_sql(p, err);
	const status code = sql != NULL ? postgres_run(p->s, sql, NULL, changed, err) : E_NOMEM;
	buf_reset(&p->sql);
	return code;
}

void postgres_published_columns(struct buf *sql, const struct table_schema *t)
{
	for (size_t i = 0; i < t->n_columns; i++) buf_printf(sql, "%s\"%s\"", i > 0 ? ", " : "", t->columns[i].name);
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */

status postgres_published_definition(
	struct postgres_publish *p, const struct published *o, char hex[HEX_SHA256_CHARS + 1], struct err *err)
{
	uint8_t hash[SHA256_BYTES];
	if (o->schema != NULL) {
		sql_text_heap_postgres(&p->sql, o->schema);
		sql_text_key_postgres(&p->sql, o->schema, false); /* which of the two keys it has, its indexes tell */
		sql_text_policies_postgres(&p->sql, o->schema);
	} else {
		buf_str(&p->sql, o->sql);
	}
	const status code = buf_check(&p->sql, err);
	hash_sha256(p->sql.p, p->sql.n, hash);
	hex_encode(hash, sizeof hash, hex);
	buf_reset(&p->sql);
	return code;
}

status postgres_published_stands(
	struct postgres_publish *p, const struct published *o, const char *hex, bool *out, struct err *err)
{
	const struct sql_arg args[] = {sql_text(o->name), sql_text(hex), sql_text(o->name)};
	const struct sql_stmt q = {"SELECT count(*) FROM meta.serving_objects WHERE name = $1 AND definition = $2 AND "
				   "to_regclass($3) IS NOT NULL",
		args, 3};
	int64_t n = 0;
	TRY(sql_one_i64(&p->s->base, &q, &n, err));
	*out = n > 0;
	return OK;
}

status postgres_published_remember(
	struct postgres_publish *p, const struct published *o, const char *hex, struct err *err)
{
	const struct sql_arg args[] = {
		sql_text(o->name), sql_text(o->schema != NULL ? "table" : "view"), sql_text(hex)};
	TRY(sql_exec(&p->s->base,
		"INSERT INTO meta.serving_objects (name, kind, definition) VALUES ($1, $2, $3) ON CONFLICT (name) DO "
		"UPDATE SET kind = excluded.kind, definition = excluded.definition",
		args, 3, err));
	return sql_exec(&p->s->base, "SELECT meta.share($1::text::regclass)", args, 1, err);
}

/* ---- which parts stand --------------------------------------------------------------------------------------------- */

status postgres_published_check_left(struct postgres_publish *p, const struct published *o, bool there, struct err *err)
{
	struct control_record record;
	const struct control_table *t = &o->table;
	if (control_table_n_told(t) == t->n_parts && !o->left && !t->changes) return OK;
	TRY(control_record_read(&p->s->base, t, &p->arena, &record, err));
	if (there && control_record_holds(&record, t) && (!o->left || record.n == (int64_t)t->n_parts)) return OK;
	p->stale = true;
	const status code = fail(err, E_CONFLICT, "somebody else published meanwhile");
	err_set_class(err, ERR_RETRY);
	return code;
}
