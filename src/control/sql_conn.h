/* control/sql_conn.h: a narrow port to the database of a control plane: one connection, its statements and transactions.
 *
 * SQL is written once, in the words that SQLite and PostgreSQL share: tables are named as contract 6 does ("meta.runs"), parameters
 * are $1, $2 ... by position in args, a conflicting row is met by ON CONFLICT. What only one of them needs (row locks) stands in its
 * dialect. A body of a transaction may run several times (a connection that was lost is made again): doing it twice is doing it once.
 *
 *   lease.c, run.c, stage.c  ->  sql_conn.h  <-  sqlite_port.c, postgres_port.c
 */
#ifndef PQR_CONTROL_SQL_CONN_H
#define PQR_CONTROL_SQL_CONN_H

#include "base/buf.h"
#include "base/err.h"

struct sql_conn;

/* The database of a control plane by its URI, as control_open has it: made and migrated. The connection is the caller's alone. */
status sql_open(const char *uri, struct sql_conn **out, struct err *err) MUST_USE;
void sql_close(struct sql_conn *c); /* NULL is fine */

/* ---- parameters ---- */

enum sql_arg_kind { SQL_NULL, SQL_INT, SQL_DIGITS, SQL_TEXT, SQL_TIME, SQL_DATE };
struct sql_arg {
	enum sql_arg_kind kind;
	int64_t i;       /* INT; TIME: microseconds UTC; DATE: days since 1970; DIGITS: the bits of a uint64_t */
	struct str text; /* TEXT, borrowed until the statement ended; what is no UTF-8, and NUL, goes as U+FFFD */
};
static inline struct sql_arg sql_int(int64_t v)
{
	return (struct sql_arg){.kind = SQL_INT, .i = v};
}
static inline struct sql_arg sql_count(int64_t v) /* < 0: NULL */
{
	return (struct sql_arg){.kind = v >= 0 ? SQL_INT : SQL_NULL, .i = v};
}
static inline struct sql_arg sql_u64(uint64_t v)
{
	return (struct sql_arg){.kind = SQL_DIGITS, .i = (int64_t)v};
}
static inline struct sql_arg sql_str(struct str s)
{
	return (struct sql_arg){.kind = SQL_TEXT, .text = s};
}
static inline struct sql_arg sql_text(const char *s) /* NULL: NULL */
{
	return s != NULL ? sql_str(str_of(s)) : (struct sql_arg){.kind = SQL_NULL};
}
static inline struct sql_arg sql_time(int64_t us) /* INT64_MIN: NULL */
{
	return (struct sql_arg){.kind = us != INT64_MIN ? SQL_TIME : SQL_NULL, .i = us};
}
static inline struct sql_arg sql_date(int32_t date) /* INT32_MIN: NULL */
{
	return (struct sql_arg){.kind = date != INT32_MIN ? SQL_DATE : SQL_NULL, .i = date};
}

/* ---- statements ---- */

enum { SQL_ARGS_MAX = 24 };
struct sql_stmt {
	const char *sql;
	const struct sql_arg *args;
	size_t n;
};
/* One row of a result, valid during the call; columns are counted from 0. */
struct sql_row {
	struct sql_conn *conn;
	void *result; /* the library's */
	int at;
};
struct str sql_col_str(const struct sql_row *row, int i); /* NULL: p == NULL; NUL-terminated */
int64_t sql_col_i64(const struct sql_row *row, int i, int64_t if_null);
int64_t sql_col_time(const struct sql_row *row, int i); /* NULL: INT64_MIN */
int32_t sql_col_date(const struct sql_row *row, int i); /* NULL: INT32_MIN */

typedef status (*sql_visit)(void *arg, const struct sql_row *row, struct err *err);
typedef status (*sql_body)(struct sql_conn *c, void *arg, struct err *err);

/* How soon what a transaction wrote must outlive the database's server. */
enum sql_durable {
	SQL_DURABLE,
	SQL_HINT, /* soon: losing it costs work alone */
};

struct sql_dialect {
	bool is_server;            /* others read the database beside this program */
	const char *for_key_share; /* after a SELECT: nobody changes the row's key until the transaction ends */
	const char *for_update;    /* nobody else writes or locks the row until then */
};

struct sql_ops {
	struct sql_dialect dialect;
	void (*close)(struct sql_conn *c);
	const char *(*place)(const struct sql_conn *c); /* for people, without secrets */
	/* One statement to its end (a server takes several that have no parameters); *changed (may be NULL) gets the rows it changed. */
	status (*run)(struct sql_conn *c, const struct sql_stmt *q, int64_t *changed, struct err *err);
	status (*each)(struct sql_conn *c, const struct sql_stmt *q, sql_visit visit, void *arg, struct err *err);
	/* BEGIN, body, COMMIT; what another holds is waited for; a failure rolls back and is returned. */
	status (*transact)(struct sql_conn *c, enum sql_durable durable, sql_body body, void *arg, struct err *err);
	/* body only reads; it is done again only while it gave nothing out. */
	status (*read)(struct sql_conn *c, sql_body body, void *arg, struct err *err);
	bool (*in_transaction)(const struct sql_conn *c);
	void (*set_patience)(
		struct sql_conn *c, int ms); /* of a writer for another, where a database sets it a limit */
	struct str (*col_str)(const struct sql_row *row, int i);
	bool (*time)(struct str text, int64_t *out); /* as a result's text has it */
};

struct sql_conn {
	const struct sql_ops *ops;
	bool only_reads; /* opened by who may not write */
	int query_ms;    /* a caller's query may take so long; 0: as long as it takes */
};

static inline status sql_exec(
	struct sql_conn *c, const char *sql, const struct sql_arg *args, size_t n, struct err *err)
{
	return c->ops->run(c, &(struct sql_stmt){sql, args, n}, NULL, err);
}
static inline status sql_each(struct sql_conn *c, const struct sql_stmt *q, sql_visit visit, void *arg, struct err *err)
{
	return c->ops->each(c, q, visit, arg, err);
}
/* A statement of one row and column at most; *out stays without a row, or with NULL in it. */
status sql_one_i64(struct sql_conn *c, const struct sql_stmt *q, int64_t *out, struct err *err) MUST_USE;

#endif
