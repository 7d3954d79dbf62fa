/* control/sqlite_query.c: read-only SQL over the control plane and the published tables. */
#include <ctype.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/thread.h"
#include "control/sql_text.h"
#include "control/sqlite_int.h"

static void value_of(struct sqlite3_stmt *row, int i, struct control_value *v)
{
	*v = (struct control_value){.name = sqlite3_column_name(row, i)};
	switch (sqlite3_column_type(row, i)) {
	case SQLITE_INTEGER:
		v->kind = CONTROL_INT;
		v->i = sqlite3_column_int64(row, i);
		break;
	case SQLITE_FLOAT:
		v->kind = CONTROL_REAL;
		v->real = sqlite3_column_double(row, i);
		break;
	case SQLITE_TEXT:
	case SQLITE_BLOB:
		v->kind = CONTROL_TEXT;
		v->text = sqlite_col_str(row, i);
		break;
	default: v->kind = CONTROL_NULL;
	}
}

/* ---- how long it may take ---- */

enum { WATCH_STEPS = 10000 }; /* of SQLite's machine, between two looks: well under a millisecond */

struct watch {
	int64_t deadline;
	bool polls; /* a stop of the process ends it, unless that was asked for before */
};

static int is_over(void *arg)
{
	const struct watch *w = arg;
	return time_mono_us() >= w->deadline || (w->polls && cancel_requested());
}

static void watch_begin(struct control_sqlite *s, struct watch *w)
{
	const int64_t limit = s->base.query_ms * INT64_C(1000);
	*w = (struct watch){limit > 0 ? time_mono_us() + limit : INT64_MAX, !cancel_requested()};
	sqlite3_progress_handler(s->db, WATCH_STEPS, is_over, w);
}

static status fail_query(struct control_sqlite *s, const struct watch *w, struct err *err)
{
	if (sqlite3_errcode(s->db) != SQLITE_INTERRUPT) return sqlite_fail(s, "query", err);
	if (w->polls) TRY(cancel_check(err));
	return control_query_late(s->base.query_ms, err);
}

/* ---- a statement and its rows ---- */

struct visitor {
	control_row_visit visit;
	void *arg;
};

static status rows(struct control_sqlite *s, struct sqlite3_stmt *stmt, const struct visitor *v, const struct watch *w,
	struct err *err)
{
	struct control_value values[TABLE_COLUMNS_MAX];
	const int n = sqlite3_column_count(stmt);
	if (n > TABLE_COLUMNS_MAX) return fail(err, E_LIMIT, "query of %d columns, at most %d", n, TABLE_COLUMNS_MAX);
	int rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		for (int i = 0; i < n; i++) value_of(stmt, i, &values[i]);
		TRY(v->visit(v->arg, values, (size_t)n, err));
	}
	return rc == SQLITE_DONE ? OK : fail_query(s, w, err);
}

static status bind_params(
	struct control_sqlite *s, struct sqlite3_stmt *stmt, const struct control_select *q, struct err *err)
{
	for (size_t i = 0; i < q->n_params; i++) {
		char name[24];
		(void)snprintf(name, sizeof name, "?%zu", i + 1);
		const int at = sqlite3_bind_parameter_index(stmt, name);
		if (at == 0) return fail(err, E_USAGE, "query has no parameter $%zu", i + 1);
		const int rc = q->params[i] == NULL ? sqlite3_bind_null(stmt, at)
						    : sqlite3_bind_text(stmt, at, q->params[i], -1, SQLITE_STATIC);
		if (rc != SQLITE_OK) return sqlite_fail(s, "parameter", err);
	}
	return OK;
}

static status query(struct control_sqlite *s, const char *sql, const struct control_select *q,
	struct sqlite3_stmt **stmt, struct err *err)
{
	const char *tail = NULL;
	if (sqlite3_prepare_v2(s->db, sql, -1, stmt, &tail) != SQLITE_OK)
		return sqlite3_errcode(s->db) == SQLITE_ERROR ? fail(err, E_USAGE, "query: %s", sqlite3_errmsg(s->db))
							      : sqlite_fail(s, "query", err);
	if (*stmt == NULL || sqlite3_column_count(*stmt) == 0 || !sqlite3_stmt_readonly(*stmt))
		return fail(err, E_USAGE, "query: only a SELECT is allowed");
	while (isspace((unsigned char)*tail) || *tail == ';') tail++;
	if (*tail != '\0') return fail(err, E_USAGE, "query: only one statement is allowed");
	return bind_params(s, *stmt, q, err);
}

status sqlite_query(struct control *c, const struct control_select *q, const struct control_actor *as,
	control_row_visit visit, void *arg, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c->conn);
	struct sqlite3_stmt *stmt = NULL;
	const struct visitor v = {visit, arg};
	struct watch w;
	(void)as; /* whoever can read the file reads all of it */
	char *sql = mem_alloc(strlen(q->sql) + 1);
	if (sql == NULL) return fail_nomem(err);
	sql_text_names_sqlite(sql, q->sql);
	status code = query(s, sql, q, &stmt, err);
	watch_begin(s, &w);
	if (code == OK) code = sqlite_still(s, rows(s, stmt, &v, &w, err), err);
	sqlite3_progress_handler(s->db, 0, NULL, NULL);
	(void)sqlite3_finalize(stmt);
	mem_free(sql);
	return code;
}
