/* control/sqlite_query.c: read-only SQL over the control plane and the published tables. */
#include <ctype.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/thread.h"
#include "control/sql_text.h"
#include "control/sqlite_int.h"

static void value_of(struct sqlite3_stmt *row, int i, struct control_value *v)
{
	v->kind = CONTROL_NULL;
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
	default: break;
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

/* At the first row: its step is what makes a statement anew after a change of the schema. */
static status begin_rows(
	struct sqlite3_stmt *stmt, struct control_value values[TABLE_COLUMNS_MAX], int *n, struct err *err)
{
	*n = sqlite3_column_count(stmt);
	if (*n > TABLE_COLUMNS_MAX) return fail(err, E_LIMIT, "query of %d columns, at most %d", *n, TABLE_COLUMNS_MAX);
	for (int i = 0; i < *n; i++) values[i] = (struct control_value){.name = sqlite3_column_name(stmt, i)};
	return OK;
}

static status rows(struct control_sqlite *s, struct sqlite3_stmt *stmt, const struct visitor *v, const struct watch *w,
	struct err *err)
{
	struct control_value values[TABLE_COLUMNS_MAX];
	int n = -1, rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (n < 0) TRY(begin_rows(stmt, values, &n, err));
		for (int i = 0; i < n; i++) value_of(stmt, i, &values[i]);
		TRY(v->visit(v->arg, values, (size_t)n, err));
	}
	return rc == SQLITE_DONE ? OK : fail_query(s, w, err);
}

static status bind_params(
	struct control_sqlite *s, struct sqlite3_stmt *stmt, const struct control_select *q, struct err *err)
{
	for (size_t i = 0; i < q->n_params; i++) {
		const int at = (int)i + 1; /* $3 is ?3, whatever others there are */
		if (sqlite3_bind_parameter_name(stmt, at) == NULL)
			return fail(err, E_USAGE, "query has no parameter $%zu", i + 1);
		const int rc = q->params[i] == NULL ? sqlite3_bind_null(stmt, at)
						    : sqlite3_bind_text(stmt, at, q->params[i], -1, SQLITE_STATIC);
		if (rc != SQLITE_OK) return sqlite_fail(s, "parameter", err);
	}
	return OK;
}

static status check_select(struct sqlite3_stmt *stmt, const char *tail, struct err *err)
{
	if (stmt == NULL || sqlite3_column_count(stmt) == 0 || !sqlite3_stmt_readonly(stmt))
		return fail(err, E_USAGE, "query: only a SELECT is allowed");
	while (isspace((unsigned char)*tail) || *tail == ';') tail++;
	return *tail == '\0' ? OK : fail(err, E_USAGE, "query: only one statement is allowed");
}

static status prepare(struct control_sqlite *s, const char *asked, struct sqlite3_stmt **stmt, struct err *err)
{
	const char *tail = NULL;
	char *sql = mem_alloc(strlen(asked) + 1);
	if (sql == NULL) return fail_nomem(err);
	sql_text_names_sqlite(sql, asked);
	status code;
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, &tail) == SQLITE_OK)
		code = check_select(*stmt, tail, err);
	else
		code = sqlite3_errcode(s->db) == SQLITE_ERROR ? fail(err, E_USAGE, "query: %s", sqlite3_errmsg(s->db))
							      : sqlite_fail(s, "query", err);
	mem_free(sql);
	return code;
}

/* ---- statements that are kept ---- */

static void drop(struct sqlite_kept *k)
{
	(void)sqlite3_finalize(k->stmt);
	mem_free(k->sql);
	*k = (struct sqlite_kept){.sql = NULL};
}

void sqlite_query_forget(struct control_sqlite *s)
{
	for (size_t i = 0; i < SQLITE_KEPT_MAX; i++) drop(&s->kept[i]);
}

/* The place of that text; else one for it, empty or of what was not asked for the longest. */
static struct sqlite_kept *place_of(struct control_sqlite *s, const char *sql, uint64_t hash)
{
	struct sqlite_kept *place = &s->kept[0];
	for (size_t i = 0; i < SQLITE_KEPT_MAX; i++) {
		struct sqlite_kept *k = &s->kept[i];
		if (k->sql != NULL && k->hash == hash && strcmp(k->sql, sql) == 0) return k;
		if (k->used < place->used) place = k;
	}
	drop(place);
	return place;
}

static status take(struct control_sqlite *s, const char *sql, struct sqlite_kept **out, struct err *err)
{
	const uint64_t hash = hash_xxh3(sql, strlen(sql));
	struct sqlite_kept *k = place_of(s, sql, hash);
	*out = k;
	k->used = ++s->n_queries;
	if (k->sql != NULL) return OK;
	k->hash = hash;
	k->sql = mem_strdup(sql);
	return k->sql != NULL ? prepare(s, sql, &k->stmt, err) : fail_nomem(err);
}

/* Back to its beginning, so that it holds no lock; views nothing of the query's. One that failed is not tried again. */
static void put(struct sqlite_kept *k, status code)
{
	if (code != OK) {
		drop(k);
		return;
	}
	(void)sqlite3_reset(k->stmt);
	(void)sqlite3_clear_bindings(k->stmt);
}

static status query(struct control_sqlite *s, struct sqlite3_stmt *stmt, const struct control_select *q,
	const struct visitor *v, struct err *err)
{
	struct watch w;
	TRY(bind_params(s, stmt, q, err));
	watch_begin(s, &w);
	const status code = rows(s, stmt, v, &w, err);
	sqlite3_progress_handler(s->db, 0, NULL, NULL);
	return sqlite_still(s, code, err);
}

status sqlite_query(struct control *c, const struct control_select *q, const struct control_actor *as,
	control_row_visit visit, void *arg, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c->conn);
	struct sqlite_kept *k = NULL;
	const struct visitor v = {visit, arg};
	(void)as; /* whoever can read the file reads all of it */
	status code = take(s, q->sql, &k, err);
	if (code == OK) code = query(s, k->stmt, q, &v, err);
	put(k, code);
	return code;
}
