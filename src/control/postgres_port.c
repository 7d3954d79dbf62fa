/* control/postgres_port.c: the port of sql_conn.h over a connection to PostgreSQL. */
#include "base/alloc.h"
#include "control/postgres_int.h"

static void port_close(struct sql_conn *c)
{
	struct control_postgres *s = postgres_of(c);
	postgres_disconnect(s);
	mem_free(s->conninfo);
	mem_free(s->place);
	mem_free(s);
}

static const char *port_place(const struct sql_conn *c)
{
	return ((const struct control_postgres *)c)->place;
}

static void add_arg(struct postgres_args *dst, const struct sql_arg *a)
{
	switch (a->kind) {
	case SQL_NULL: postgres_arg_text(dst, NULL); return;
	case SQL_INT: postgres_arg_int(dst, a->i); return;
	case SQL_DIGITS: postgres_arg_u64(dst, (uint64_t)a->i); return;
	case SQL_TEXT: postgres_arg_str(dst, a->text); return;
	case SQL_TIME: postgres_arg_time(dst, a->i); return;
	case SQL_DATE: postgres_arg_date(dst, (int32_t)a->i); return;
	}
}

static void args_of(struct postgres_args *dst, const struct sql_stmt *q)
{
	dst->n = 0;
	dst->failed = false;
	ASSERT(q->n <= POSTGRES_ARGS_MAX);
	for (size_t i = 0; i < q->n; i++) add_arg(dst, &q->args[i]);
}

static status run(struct sql_conn *c, const struct sql_stmt *q, int64_t *changed, struct err *err)
{
	struct postgres_args a;
	if (q->n == 0) return postgres_run(postgres_of(c), q->sql, NULL, changed, err);
	args_of(&a, q);
	return postgres_run(postgres_of(c), q->sql, &a, changed, err);
}

static status each(struct sql_conn *c, const struct sql_stmt *q, sql_visit visit, void *arg, struct err *err)
{
	struct postgres_args a;
	struct pg_result *r = NULL;
	args_of(&a, q);
	status code = postgres_exec(postgres_of(c), q->sql, &a, &r, err);
	postgres_args_deinit(&a);
	const int n = code == OK ? postgres_rows(r) : 0;
	for (int i = 0; i < n && code == OK; i++) code = visit(arg, &(struct sql_row){c, r, i}, err);
	postgres_clear(r);
	return code;
}

struct port_call {
	sql_body body;
	void *arg;
	enum sql_durable durable;
};

static status call_body(struct control_postgres *s, void *arg, struct err *err)
{
	const struct port_call *call = arg;
	if (call->durable == SQL_HINT) TRY(postgres_exec(s, "SET LOCAL synchronous_commit = off", NULL, NULL, err));
	return call->body(&s->base, call->arg, err);
}

static status transact(struct sql_conn *c, enum sql_durable durable, sql_body body, void *arg, struct err *err)
{
	struct port_call call = {body, arg, durable};
	return postgres_transact(postgres_of(c), call_body, &call, err);
}

static status read_body(struct sql_conn *c, sql_body body, void *arg, struct err *err)
{
	struct port_call call = {body, arg, SQL_DURABLE};
	return postgres_read(postgres_of(c), call_body, &call, err);
}

static bool in_transaction(const struct sql_conn *c)
{
	return postgres_in_transaction((const struct control_postgres *)c);
}

static void set_patience(struct sql_conn *c, int ms)
{
	(void)c, (void)ms; /* rows are locked, not the database: they are waited for */
}

static struct str col_str(const struct sql_row *row, int i)
{
	return postgres_str(row->result, row->at, i);
}

const struct sql_ops postgres_port = {
	.dialect = {.is_server = true, .for_key_share = " FOR KEY SHARE", .for_update = " FOR UPDATE"},
	.close = port_close,
	.place = port_place,
	.run = run,
	.each = each,
	.transact = transact,
	.read = read_body,
	.in_transaction = in_transaction,
	.set_patience = set_patience,
	.col_str = col_str,
	.time = postgres_time_parse,
};
