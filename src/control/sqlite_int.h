/* control/sqlite_int.h: what the sqlite*.c files share. The library's types stay incomplete here. */
#ifndef PQR_CONTROL_SQLITE_INT_H
#define PQR_CONTROL_SQLITE_INT_H

#include <sys/stat.h>

#include "base/time.h"
#include "control/control_int.h"
#include "control/row_hash.h"

struct sqlite3;
struct sqlite3_stmt;

enum { SQLITE_BUSY_TIMEOUT_MS = 10000 }; /* a writer waits so long for another, unless told otherwise */

/* A query's statement, which the next query of the same text takes again: preparing one costs more than most of them take. */
struct sqlite_kept {
	char *sql; /* as it was asked; NULL: an empty place */
	uint64_t hash;
	struct sqlite3_stmt *stmt;
	uint64_t used; /* the query that took it last */
};
enum { SQLITE_KEPT_MAX = 32 };

struct control_sqlite {
	struct sql_conn base;
	struct sqlite3 *db;
	char *path;
	struct sqlite_kept kept[SQLITE_KEPT_MAX];
	uint64_t n_queries;
	int busy_ms;       /* a writer waits so long for another */
	bool rollback_due; /* a transaction could not be rolled back, for want of memory */
	bool immutable;    /* opened as a file that nobody changes: nothing locks it */
	struct stat seen;  /* immutable only: as it was then */
};
static inline struct control_sqlite *sqlite_of(struct sql_conn *c)
{
	return (struct control_sqlite *)c;
}

/* The library's last error as ours: full disk, locked (E_BUSY, ERR_RETRY), damaged, ... `what` says what was tried. */
status sqlite_fail(struct control_sqlite *s, const char *what, struct err *err);
status sqlite_exec(struct control_sqlite *s, const char *sql, struct err *err) MUST_USE; /* any number of statements */
status sqlite_prepare(struct control_sqlite *s, const char *sql, struct sqlite3_stmt **out, struct err *err) MUST_USE;
/* Bind a text, which must outlive the statement's run; what PostgreSQL would not take in one (no UTF-8, NUL) goes as U+FFFD here too,
 * so that both planes hold the same. p == NULL: NULL. SQLITE_OK, or the library's code. */
int sqlite_bind_text(struct sqlite3_stmt *stmt, int at, struct str s);
/* After reading: E_BUSY when the file of an immutable connection was changed since it was opened, whatever came of the reading; else
 * code. */
status sqlite_still(const struct control_sqlite *s, status code, struct err *err) MUST_USE;
int64_t sqlite_col_i64(struct sqlite3_stmt *row, int i, int64_t if_null);
struct str sqlite_col_str(struct sqlite3_stmt *row, int i); /* NULL: p == NULL */

/* BEGIN IMMEDIATE ... COMMIT or ROLLBACK: end returns code, or the commit's own failure. */
status sqlite_begin(struct control_sqlite *s, struct err *err) MUST_USE;
status sqlite_end(struct control_sqlite *s, status code, struct err *err) MUST_USE;
bool sqlite_in_transaction(const struct control_sqlite *s);
/* Bind by position. */
status sqlite_bind_args(
	struct control_sqlite *s, struct sqlite3_stmt *stmt, const struct sql_stmt *q, struct err *err) MUST_USE;

/* sqlite_changes.c: the rows of a published table that may change, and which of them are given again. */
struct sqlite_changes;
struct sqlite_rows {
	int64_t first, last; /* rowids; first > last: none */
};
/* Rows outside of `among` do not change. */
status sqlite_changes_open(struct control_sqlite *s, const struct control_table *t, const struct sqlite_rows *among,
	struct sqlite_changes **out, struct err *err) MUST_USE;
void sqlite_changes_close(struct sqlite_changes *c); /* NULL is fine */
enum sqlite_row_kind { SQLITE_ROW_NEW, SQLITE_ROW_SAME, SQLITE_ROW_OTHER };
struct sqlite_match {
	enum sqlite_row_kind kind;
	int64_t row; /* of one that stands: its rowid */
};
/* Finds a row that stands with the key of a given one, each once. */
struct sqlite_match sqlite_changes_match(struct sqlite_changes *c, const struct row_hash *given);
/* Those that were not given. */
status sqlite_changes_rest(const struct sqlite_changes *c, status (*visit)(void *arg, int64_t row, struct err *err),
	void *arg, struct err *err) MUST_USE;

/* sqlite_schema.c */
status sqlite_migrate(struct control_sqlite *s, struct err *err) MUST_USE;
/* The database is ours and has this version's schema; writes nothing. */
status sqlite_check(struct control_sqlite *s, struct err *err) MUST_USE;

/* The operations, by file. */
extern const struct sql_ops sqlite_port; /* sqlite_port.c */
status sqlite_publish_begin(
	struct control *c, const struct control_lease *l, struct control_publish **out, struct err *err);
/* sqlite_query.c */
status sqlite_query(struct control *c, const struct control_select *q, const struct control_actor *as,
	control_row_visit visit, void *arg, struct err *err);
void sqlite_query_forget(struct control_sqlite *s); /* the statements that it keeps */

#endif
