/* control/sqlite_connection.c: a SQLite connection: parameters, statements, transactions, errors.
 *
 * Every failure of the library becomes one of ours in sqlite_fail and nowhere else. Must not know which tables there are.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "control/sqlite_int.h"
#include "io/utf8.h"

/* SQLite tries to read what it may not create, and so calls a folder without write permission "no such file". */
static int open_errno(const char *path, int errnum)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	if (errnum != ENOENT || (slash != NULL && (size_t)(slash - path) >= sizeof folder)) return errnum;
	(void)snprintf(
		folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path) + 1 : 1, slash != NULL ? path : ".");
	return access(folder, F_OK) == 0 && access(folder, W_OK) != 0 ? errno : errnum;
}

status sqlite_fail(struct control_sqlite *s, const char *what, struct err *err)
{
	const int rc = sqlite3_errcode(s->db);
	const char *text = sqlite3_errmsg(s->db);
	const int errnum = sqlite3_system_errno(s->db);
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED: {
		const status code =
			fail(err, E_BUSY, "control database %s is locked by another process for over %d s; try again",
				s->path, s->busy_ms / 1000);
		err_set_class(err, ERR_RETRY);
		return code;
	}
	case SQLITE_NOTADB:
		return err_advise(
			err, fail(err, E_CORRUPT, "%s is not a SQLite database", s->path), ADVICE_OTHER_CONTROL, NULL);
	case SQLITE_CORRUPT:
		return fail(err, E_CORRUPT,
			"control database %s is damaged (%s); move it away and run again: the lake's data is not in it",
			s->path, text);
	case SQLITE_FULL: return fail_errno(err, ENOSPC, "cannot write control database %s", s->path);
	case SQLITE_READONLY:
		return fail(err, E_IO,
			"control database %s is read-only; give this user write permission on it and its folder",
			s->path);
	case SQLITE_NOMEM: return fail_nomem(err);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (errnum == EACCES && access(s->path, F_OK) == 0 && access(s->path, R_OK) != 0)
			return fail_errno_read(err, errnum, "cannot read control database %s", s->path);
		if (errnum != 0)
			return fail_errno(err, open_errno(s->path, errnum), "cannot %s control database %s (%s)",
				rc == SQLITE_CANTOPEN ? "open" : "use", s->path, text);
		return fail(err, E_IO, "cannot %s control database %s (%s)", rc == SQLITE_CANTOPEN ? "open" : "use",
			s->path, text);
	default: return fail(err, E_IO, "control database %s: %s: %s", s->path, what, text);
	}
}

status sqlite_exec(struct control_sqlite *s, const char *sql, struct err *err)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK) return sqlite_fail(s, "statement", err);
	return OK;
}

status sqlite_prepare(struct control_sqlite *s, const char *sql, struct sqlite3_stmt **out, struct err *err)
{
	if (sqlite3_prepare_v2(s->db, sql, -1, out, NULL) != SQLITE_OK) return sqlite_fail(s, "statement", err);
	return OK;
}

int sqlite_bind_text(struct sqlite3_stmt *stmt, int at, struct str s)
{
	struct buf mended;
	if (s.n == 0) return sqlite3_bind_text(stmt, at, s.p != NULL ? "" : NULL, 0, SQLITE_STATIC);
	if (utf8_text_prefix(s) == s.n) return sqlite3_bind_text64(stmt, at, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
	buf_init(&mended, 0);
	utf8_text_mend(&mended, s);
	const int rc = mended.failed ? SQLITE_NOMEM
				     : sqlite3_bind_text64(stmt, at, (const char *)mended.p, mended.n, SQLITE_TRANSIENT,
					       SQLITE_UTF8);
	buf_deinit(&mended);
	return rc;
}

status sqlite_bind_args(struct control_sqlite *s, struct sqlite3_stmt *stmt, const struct sql_stmt *q, struct err *err)
{
	char rooms[SQL_ARGS_MAX][TIME_RFC3339_CHARS];
	ASSERT(q->n <= SQL_ARGS_MAX);
	for (size_t i = 0; i < q->n; i++) {
		const struct sql_arg *a = &q->args[i];
		const int at = (int)i + 1, at_most = TIME_RFC3339_CHARS;
		char *room = rooms[i];
		int rc = SQLITE_OK;
		if (a->kind == SQL_DATE) date_format((int32_t)a->i, room);
		if (a->kind == SQL_TIME) time_format(a->i, room);
		/* Integers only up to int64: a larger number is kept as its digits (its column has no type). */
		const bool digits = a->kind == SQL_DIGITS && a->i < 0;
		if (digits) (void)snprintf(room, (size_t)at_most, "%llu", (unsigned long long)a->i);
		if (a->kind == SQL_TEXT)
			rc = sqlite_bind_text(stmt, at, a->text);
		else if (a->kind == SQL_INT || (a->kind == SQL_DIGITS && !digits))
			rc = sqlite3_bind_int64(stmt, at, a->i);
		else if (a->kind != SQL_NULL)
			rc = sqlite3_bind_text(stmt, at, room,
				a->kind == SQL_DATE ? DATE_CHARS
				: digits            ? -1
						    : TIME_RFC3339_CHARS,
				SQLITE_TRANSIENT);
		if (rc != SQLITE_OK) return sqlite_fail(s, "parameter", err);
	}
	return OK;
}

status sqlite_still(const struct control_sqlite *s, status code, struct err *err)
{
	struct stat now;
	if (!s->immutable) return code;
	if (stat(s->path, &now) == 0 && now.st_ino == s->seen.st_ino && now.st_size == s->seen.st_size &&
		now.st_mtim.tv_sec == s->seen.st_mtim.tv_sec && now.st_mtim.tv_nsec == s->seen.st_mtim.tv_nsec)
		return code;
	const status busy = fail(err, E_BUSY, "control database %s was changed while it was read; try again", s->path);
	err_set_class(err, ERR_RETRY);
	return busy;
}

int64_t sqlite_col_i64(struct sqlite3_stmt *row, int i, int64_t if_null)
{
	return sqlite3_column_type(row, i) == SQLITE_NULL ? if_null : sqlite3_column_int64(row, i);
}

struct str sqlite_col_str(struct sqlite3_stmt *row, int i)
{
	const char *p = (const char *)sqlite3_column_text(row, i);
	return (struct str){p, p != NULL ? (size_t)sqlite3_column_bytes(row, i) : 0};
}

bool sqlite_in_transaction(const struct control_sqlite *s)
{
	return sqlite3_get_autocommit(s->db) == 0;
}

status sqlite_begin(struct control_sqlite *s, struct err *err)
{
	if (s->rollback_due) TRY(sqlite_exec(s, "ROLLBACK", err));
	s->rollback_due = false;
	return sqlite_exec(s, "BEGIN IMMEDIATE", err);
}

status sqlite_end(struct control_sqlite *s, status code, struct err *err)
{
	if (code == OK) code = sqlite_exec(s, "COMMIT", err);
	/* A failed COMMIT may leave the transaction open; some errors have rolled it back already. */
	if (code != OK && sqlite_in_transaction(s))
		s->rollback_due =
			sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK && sqlite_in_transaction(s);
	return code;
}
