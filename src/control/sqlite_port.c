/* control/sqlite_port.c: the port of sql_conn.h over a SQLite connection. A transaction is IMMEDIATE: it waits for other writers at its
 * beginning, and then nothing is in its way. */
#include <sqlite3.h>
#include <stdio.h>

#include "base/alloc.h"
#include "control/sql_text.h"
#include "control/sqlite_int.h"

/* Of a usual statement: no memory is asked for, so that a lease is given back without any. */
enum { STATEMENT_ROOM = 4096 };

static void port_close(struct sql_conn *c)
{
	struct control_sqlite *s = sqlite_of(c);
	sqlite_query_forget(s);
	(void)sqlite3_close(s->db);
	mem_free(s->path);
	mem_free(s);
}

static const char *port_place(const struct sql_conn *c)
{
	return ((const struct control_sqlite *)c)->path;
}

static status prepare(struct control_sqlite *s, const char *text, struct sqlite3_stmt **out, struct err *err)
{
	char room[STATEMENT_ROOM];
	const size_t n = strlen(text) + 1;
	char *sql = n <= sizeof room ? room : mem_alloc(n);
	if (sql == NULL) return fail_nomem(err);
	sql_text_names_sqlite(sql, text);
	const status code = sqlite_prepare(s, sql, out, err);
	if (sql != room) mem_free(sql);
	return code;
}

static status step_each(struct sql_conn *c, struct sqlite3_stmt *stmt, sql_visit visit, void *arg, struct err *err)
{
	const struct sql_row row = {c, stmt, 0};
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		if (visit != NULL) TRY(visit(arg, &row, err));
	return rc == SQLITE_DONE ? OK : sqlite_fail(sqlite_of(c), "statement", err);
}

static status each(struct sql_conn *c, const struct sql_stmt *q, sql_visit visit, void *arg, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c);
	struct sqlite3_stmt *stmt = NULL;
	TRY(sqlite_still(s, prepare(s, q->sql, &stmt, err), err));
	const status bound = sqlite_bind_args(s, stmt, q, err);
	const status code = bound == OK ? step_each(c, stmt, visit, arg, err) : bound;
	(void)sqlite3_finalize(stmt);
	return sqlite_still(s, code, err);
}

static status run(struct sql_conn *c, const struct sql_stmt *q, int64_t *changed, struct err *err)
{
	TRY(each(c, q, NULL, NULL, err));
	if (changed != NULL) *changed = sqlite3_changes64(sqlite_of(c)->db);
	return OK;
}

static status transact(struct sql_conn *c, enum sql_durable durable, sql_body body, void *arg, struct err *err)
{
	(void)durable; /* a WAL is synced at its checkpoints */
	TRY(sqlite_begin(sqlite_of(c), err));
	return sqlite_end(sqlite_of(c), body(c, arg, err), err);
}

static status read_body(struct sql_conn *c, sql_body body, void *arg, struct err *err)
{
	return body(c, arg, err);
}

static bool in_transaction(const struct sql_conn *c)
{
	return sqlite_in_transaction((const struct control_sqlite *)c);
}

static void set_patience(struct sql_conn *c, int ms)
{
	sqlite_of(c)->busy_ms = ms;
	(void)sqlite3_busy_timeout(sqlite_of(c)->db, ms);
}

static struct str col_str(const struct sql_row *row, int i)
{
	return sqlite_col_str(row->result, i);
}

const struct sql_ops sqlite_port = {
	.dialect = {.is_server = false, .for_key_share = "", .for_update = ""},
	.close = port_close,
	.place = port_place,
	.run = run,
	.each = each,
	.transact = transact,
	.read = read_body,
	.in_transaction = in_transaction,
	.set_patience = set_patience,
	.col_str = col_str,
	.time = time_parse,
};
