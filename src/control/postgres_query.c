/* control/postgres_query.c: read-only SQL over the control plane and the published tables.
 *
 * The statement goes as it is: contract 6 names tables as PostgreSQL does. It runs in a READ ONLY transaction, by the extended
 * protocol, which takes one statement alone.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/thread.h"
#include "control/postgres_int.h"

/* Which of $1 ... $n does the statement name, outside of texts and quoted names? */
static void mark_params(const char *sql, bool *named, size_t n)
{
	char quote = '\0';
	for (const char *p = sql; *p != '\0'; p++) {
		if (quote != '\0') {
			if (*p == quote) quote = '\0';
		} else if (*p == '\'' || *p == '"') {
			quote = *p;
		} else if (*p == '$' && isdigit((unsigned char)p[1])) {
			const unsigned long at = strtoul(p + 1, NULL, 10);
			if (at >= 1 && at <= n) named[at - 1] = true;
		}
	}
}

static status check_params(const struct control_select *q, struct err *err)
{
	bool named[CONTROL_PARAMS_MAX] = {false};
	if (q->n_params > CONTROL_PARAMS_MAX)
		return fail(err, E_LIMIT, "query of %zu parameters, at most %d", q->n_params, CONTROL_PARAMS_MAX);
	mark_params(q->sql, named, q->n_params);
	for (size_t i = 0; i < q->n_params; i++) {
		if (!named[i]) return fail(err, E_USAGE, "query has no parameter $%zu", i + 1);
	}
	return OK;
}

struct query_call {
	struct postgres_rows rows;
	status code; /* of a failure that must not be repeated */
	struct err err;
};

/* For the transaction alone. What the role then lacks is the statement's failure, not this one's. */
static status act_as(struct control_postgres *s, const struct control_actor *as, struct err *err)
{
	struct postgres_args args = {0};
	postgres_arg_text(&args, as->claims);
	postgres_arg_text(&args, as->role);
	const status code = postgres_run(
		s, "SELECT set_config('request.jwt.claims', $1, true), set_config('role', $2, true)", &args, NULL, err);
	if (code == OK || code == E_UNREACHABLE) return code;
	return fail(
		err, E_IO, "the server's user of %s may not act as %s: GRANT %s TO it", s->place, as->role, as->role);
}

static status select_rows(struct control_postgres *s, void *arg, struct err *err)
{
	struct postgres_rows *rows = arg;
	char begin[96] = "SET TRANSACTION READ ONLY";
	if (s->base.query_ms > 0)
		(void)snprintf(begin, sizeof begin, "SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = %d",
			s->base.query_ms);
	TRY(postgres_exec(s, begin, NULL, NULL, err));
	if (rows->as != NULL) TRY(act_as(s, rows->as, err));
	s->querying = true;
	const status code = postgres_each(s, rows, err);
	s->querying = false;
	return code;
}

/* Again only while no row was given out. */
static status query_once(struct control_postgres *s, void *arg, struct err *err)
{
	struct query_call *c = arg;
	err_clear(&c->err);
	c->code = postgres_transact_once(s, select_rows, &c->rows, &c->err);
	if (c->code != E_UNREACHABLE || c->rows.n > 0) return OK;
	if (err != NULL) *err = c->err;
	return c->code;
}

status postgres_query(struct control *c, const struct control_select *q, const struct control_actor *as,
	control_row_visit visit, void *arg, struct err *err)
{
	struct control_postgres *s = postgres_of(c->conn);
	struct query_call call = {.rows = {q, as, visit, arg, 0}};
	TRY(check_params(q, err));
	s->poll_cancel = !cancel_requested(); /* after a stop, what is still asked is asked to end in order */
	const status code = postgres_read(s, query_once, &call, err);
	s->poll_cancel = false;
	if (code == OK && call.code != OK && err != NULL) *err = call.err;
	return code != OK ? code : call.code;
}
