/* control/sql_table.c: see sql_table.h. A published table is filled first and indexed then; these have their key from the beginning, which
 * INSERT ... ON CONFLICT needs. Must not know what the rows mean. */
#include "control/sql_table.h"

#include <stdio.h>

#include "control/sql_text.h"

#define MAKE_LOCK "7381209" /* two sessions that make one table at once: IF NOT EXISTS does not save the second */

struct make {
	const struct table_schema *const *tables;
	size_t n;
	struct buf sql;
};

static status run(struct sql_conn *c, struct buf *sql, struct err *err)
{
	buf_char(sql, '\0');
	TRY(buf_check(sql, err));
	const status code = sql_exec(c, (const char *)sql->p, NULL, 0, err);
	buf_reset(sql);
	return code;
}

static status make_sqlite(struct sql_conn *c, const struct table_schema *t, struct buf *sql, struct err *err)
{
	const char *separator = "";
	sql_text_table_sqlite(sql, t);
	TRY(run(c, sql, err));
	buf_printf(sql, "CREATE UNIQUE INDEX IF NOT EXISTS \"%s_%s_key\" ON \"%s_%s\" (", t->layer, t->name, t->layer,
		t->name);
	for (size_t i = 0; i < t->n_columns; i++) {
		if (!t->columns[i].key) continue;
		buf_printf(sql, "%s\"%s\"", separator, t->columns[i].name);
		separator = ", ";
	}
	buf_char(sql, ')');
	return run(c, sql, err);
}

static status make_postgres(struct sql_conn *c, const struct table_schema *t, struct buf *sql, struct err *err)
{
	char name[128];
	int64_t stands = 0;
	(void)snprintf(name, sizeof name, "%s.%s", t->layer, t->name);
	const struct sql_arg args[] = {sql_text(name)};
	const struct sql_stmt q = {"SELECT count(to_regclass($1))", args, 1};
	TRY(sql_one_i64(c, &q, &stands, err));
	if (stands > 0) return OK; /* who may only write rows need not be able to make tables */
	sql_text_table_postgres(sql, t);
	sql_text_policies_postgres(sql, t);
	buf_printf(sql, "SELECT meta.share('%s');", name);
	return run(c, sql, err);
}

static status make_all(struct sql_conn *c, void *arg, struct err *err)
{
	struct make *m = arg;
	const bool server = c->ops->dialect.is_server;
	buf_reset(&m->sql);
	if (server) TRY(sql_exec(c, "SELECT pg_advisory_xact_lock(" MAKE_LOCK ")", NULL, 0, err));
	for (size_t i = 0; i < m->n; i++)
		TRY(server ? make_postgres(c, m->tables[i], &m->sql, err) : make_sqlite(c, m->tables[i], &m->sql, err));
	return OK;
}

status sql_tables_make(struct sql_conn *c, const struct table_schema *const *tables, size_t n, struct err *err)
{
	struct make m = {.tables = tables, .n = n};
	buf_init(&m.sql, 0);
	const status code = c->ops->transact(c, SQL_DURABLE, make_all, &m, err);
	buf_deinit(&m.sql);
	return code;
}
