/* control/postgres_int.h: what the postgres*.c files share. The library's types stay incomplete here.
 *
 * A statement that fails because the connection is gone gives E_UNREACHABLE (ERR_RETRY). Every change is made by a body given to
 * postgres_transact, which runs it again on a new connection: the bodies are written so that doing one twice is doing it once,
 * which makes it indifferent whether the answer that was lost was that of a commit.
 */
#ifndef PQR_CONTROL_POSTGRES_INT_H
#define PQR_CONTROL_POSTGRES_INT_H

#include "base/buf.h"
#include "base/time.h"
#include "control/control_int.h"

struct pg_conn;
struct pg_result;

struct control_postgres {
	struct sql_conn base;
	struct pg_conn *pg; /* NULL: lost, or not yet made */
	char *conninfo;     /* as given; holds secrets */
	char *place;        /* postgresql://user@host:port/database, for people */
	bool poll_cancel;   /* the running statement may be given up when the process is asked to stop */
	bool given_up;      /* attempts to connect again were in vain: the next calls try once */
	bool publishing;    /* a publication's transaction is open: no other call may come before its end */
	bool querying;      /* the statement is a caller's: what is wrong with it is E_USAGE */
	char state[6];      /* SQLSTATE of the last failure; "" = the connection's */
};
static inline struct control_postgres *postgres_of(struct sql_conn *c)
{
	return (struct control_postgres *)c;
}

/* ---- parameters ---- */

enum { POSTGRES_ARGS_MAX = 24, POSTGRES_ARG_ROOM = 32 };
struct postgres_args {
	const char *value[POSTGRES_ARGS_MAX]; /* NULL = null */
	int length[POSTGRES_ARGS_MAX];
	int format
		[POSTGRES_ARGS_MAX]; /* 1: text of `length` bytes, as is; 0: NUL-terminated, read by the column's type */
	char room[POSTGRES_ARGS_MAX][POSTGRES_ARG_ROOM];
	struct buf mended[POSTGRES_ARGS_MAX]; /* copies of texts that PostgreSQL would refuse */
	int n;
	bool failed; /* out of memory */
};
void postgres_args_deinit(struct postgres_args *a);
void postgres_arg_int(struct postgres_args *a, int64_t v);
void postgres_arg_u64(struct postgres_args *a, uint64_t v);     /* for numeric */
void postgres_arg_text(struct postgres_args *a, const char *s); /* NULL: null */
/* A text. Bytes that are no UTF-8, and NUL, which a text can't hold there, go as U+FFFD. */
void postgres_arg_str(struct postgres_args *a, struct str s);
void postgres_arg_time(struct postgres_args *a, int64_t us);   /* INT64_MIN: null */
void postgres_arg_date(struct postgres_args *a, int32_t date); /* INT32_MIN: null */

/* ---- connection and statements ---- */

status postgres_check_uri(const char *uri, struct err *err) MUST_USE; /* E_USAGE, without what stands in it */
/* Connect, or connect again, with delays between attempts. E_UNREACHABLE after the last. */
status postgres_connect(struct control_postgres *s, int attempts, struct err *err) MUST_USE;
void postgres_disconnect(struct control_postgres *s);
enum { POSTGRES_ATTEMPTS_FIRST = 4, POSTGRES_ATTEMPTS_AGAIN = 7 }; /* 1.4 s and 9.4 s of waiting */
/* Wait before attempt k (1 = the second). E_CANCELLED when the process is asked to stop meanwhile. */
status postgres_pause(int k, struct err *err) MUST_USE;

/* One statement with parameters, or (args NULL) any number without. *out may be NULL; else the caller clears it, NULL on
 * failure. */
status postgres_exec(struct control_postgres *s, const char *sql, const struct postgres_args *args,
	struct pg_result **out, struct err *err) MUST_USE;
/* The same, freeing args; *changed (may be NULL) gets the rows changed. */
status postgres_run(struct control_postgres *s, const char *sql, struct postgres_args *args, int64_t *changed,
	struct err *err) MUST_USE;

int postgres_rows(const struct pg_result *r);
void postgres_clear(struct pg_result *r);
struct str postgres_str(const struct pg_result *r, int row, int column); /* null: p == NULL; NUL-terminated */
bool postgres_time_parse(struct str text, int64_t *out);                 /* as the session writes timestamptz */

/* Whatever the database's default: what a body reads after it waited for a lock must be what stands then. */
#define POSTGRES_BEGIN "BEGIN ISOLATION LEVEL READ COMMITTED"
/* BEGIN, body, COMMIT; again while the connection gets lost or another transaction is in the way. body may run several times.
 * Any other failure rolls back and is returned. */
typedef status (*postgres_body)(struct control_postgres *s, void *arg, struct err *err);
status postgres_transact(struct control_postgres *s, postgres_body body, void *arg, struct err *err) MUST_USE;
/* One attempt of it: for who must look before repeating. */
status postgres_transact_once(struct control_postgres *s, postgres_body body, void *arg, struct err *err) MUST_USE;
/* The rest of one that was begun with POSTGRES_BEGIN: body, COMMIT. */
status postgres_transact_end(struct control_postgres *s, postgres_body body, void *arg, struct err *err) MUST_USE;
/* A body that only reads, outside a transaction; again when the connection gets lost. */
status postgres_read(struct control_postgres *s, postgres_body body, void *arg, struct err *err) MUST_USE;
bool postgres_in_transaction(const struct control_postgres *s);
bool postgres_lost(const struct control_postgres *s); /* no usable connection */

/* ---- errors (postgres_error.c): SQLSTATE as ours, one line that says what to do. message: the server's, or NULL. */
struct postgres_problem {
	char state[6]; /* SQLSTATE; "" = the library's own, about the connection */
	char message[256];
};
status postgres_error(struct control_postgres *s, const struct postgres_problem *p, const char *what, struct err *err);
/* Why a connection was not made: text is the library's, with SQLSTATEs. */
status postgres_connect_error(struct control_postgres *s, const char *text, bool needs_password, struct err *err);

/* ---- operations, by file ---- */

status postgres_migrate(struct control_postgres *s, struct err *err) MUST_USE; /* postgres_schema.c */
/* COPY ... FROM STDIN: begin, any number of bytes, end (why != NULL: give it up); *rows as the server counted. */
status postgres_copy_begin(struct control_postgres *s, const char *sql, struct err *err) MUST_USE;
status postgres_copy_bytes(struct control_postgres *s, const void *p, size_t n, struct err *err) MUST_USE;
status postgres_copy_end(struct control_postgres *s, const char *why, int64_t *rows, struct err *err) MUST_USE;

extern const struct sql_ops postgres_port; /* postgres_port.c */
status postgres_publish_begin(
	struct control *c, const struct control_lease *l, struct control_publish **out, struct err *err);
status postgres_query(struct control *c, const struct control_select *q, const struct control_actor *as,
	control_row_visit visit, void *arg, struct err *err);
/* postgres_connection.c, for postgres_query: rows one at a time. */
struct postgres_rows {
	const struct control_select *q;
	const struct control_actor *as; /* NULL: the connection's user */
	control_row_visit visit;
	void *arg;
	int64_t n; /* rows visited */
};
status postgres_each(struct control_postgres *s, struct postgres_rows *rows, struct err *err) MUST_USE;

#endif
