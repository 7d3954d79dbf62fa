/* control/control.c: what the two backends have in common: names, defaults, and a lock around each call.
 *
 * A handle's lock is held for the length of a call, of a publication's for each step of it; a backend is never entered by two threads, and
 * no call-back may call back. Must not know how a backend keeps anything.
 */
#include "control/control_int.h"

#include "base/alloc.h"

static const char *const run_status_names[] = {
	[RUN_PENDING] = "PENDING",
	[RUN_RUNNING] = "RUNNING",
	[RUN_SUCCESS] = "SUCCESS",
	[RUN_DEGRADED] = "DEGRADED",
	[RUN_FAILED] = "FAILED",
};

const char *run_status_name(enum run_status s)
{
	return run_status_names[s];
}

bool run_status_parse(struct str name, enum run_status *out)
{
	for (int i = RUN_PENDING; i <= RUN_FAILED; i++) {
		if (!str_is(name, run_status_names[i])) continue;
		*out = (enum run_status)i;
		return true;
	}
	return false;
}

void control_run_init(struct control_run *r)
{
	*r = (struct control_run){
		.date_min = INT32_MIN,
		.date_max = INT32_MIN,
		.as_of = INT64_MIN,
		.started_at = INT64_MIN,
		.finished_at = INT64_MIN,
		.raw_objects = -1,
	};
}

void control_close(struct control *c)
{
	if (c == NULL) return;
	if (c->conn != NULL) c->conn->ops->close(c->conn);
	mem_free(c->uri);
	mem_free(c->source);
	(void)pthread_mutex_destroy(&c->lock);
	mem_free(c);
}

const char *control_uri(const struct control *c)
{
	return c->uri;
}

bool control_may_write(const struct control *c)
{
	return !c->conn->only_reads;
}

bool control_is_server(const struct control *c)
{
	return c->conn->ops->dialect.is_server;
}

static void lock(struct control *c)
{
	const int held_by_caller = pthread_mutex_lock(&c->lock);
	ASSERT(!held_by_caller);
}

static status unlock(struct control *c, status code)
{
	(void)pthread_mutex_unlock(&c->lock);
	return code;
}

status control_transact(struct control *c, enum sql_durable durable, sql_body body, void *arg, struct err *err)
{
	lock(c);
	return unlock(c, c->conn->ops->transact(c->conn, durable, body, arg, err));
}

status control_read(struct control *c, sql_body body, void *arg, struct err *err)
{
	lock(c);
	return unlock(c, c->conn->ops->read(c->conn, body, arg, err));
}

status control_query(
	struct control *c, const struct control_select *q, control_row_visit visit, void *arg, struct err *err)
{
	return control_query_as(c, q, NULL, visit, arg, err);
}

status control_query_as(struct control *c, const struct control_select *q, const struct control_actor *as,
	control_row_visit visit, void *arg, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->query(c, q, as, visit, arg, err));
}

status control_query_late(int ms, struct err *err)
{
	const status code = fail(err, E_LIMIT, "the query took longer than %g s, and was ended", ms / 1000.0);
	err_set_class(err, ERR_RETRY);
	return code;
}

void control_limit_queries(struct control *c, int ms)
{
	lock(c);
	c->conn->query_ms = ms;
	(void)unlock(c, OK);
}

/* ---- publishing: each step under the lock, the transaction open between them ---------------------------------- */

status control_publish_begin(
	struct control *c, const struct control_lease *l, struct control_publish **out, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->publish_begin(c, l, out, err));
}

status control_publish_look(struct control_publish *p, struct control_table *tables, size_t n, struct err *err)
{
	lock(p->control);
	return unlock(p->control, p->ops->look(p, tables, n, err));
}

status control_publish_table(struct control_publish *p, const struct control_table *t, struct err *err)
{
	for (size_t i = 0; i < t->n_parts; i++) {
		if (t->parts[i].told && !t->changes) t->parts[i].rows = 0;
	}
	lock(p->control);
	return unlock(p->control, p->ops->table(p, t, err));
}

status control_publish_batch(
	struct control_publish *p, const struct batch *b, const char *const *partitions, struct err *err)
{
	lock(p->control);
	return unlock(p->control, p->ops->batch(p, b, partitions, err));
}

status control_publish_change(struct control_publish *p, const struct batch *b, const char *const *partitions,
	const struct control_change *change, struct err *err)
{
	if (change->n == 0) return OK;
	ASSERT(change->rows[change->n - 1] < b->n_rows);
	lock(p->control);
	return unlock(p->control, p->ops->change(p, b, partitions, change, err));
}

status control_publish_table_end(struct control_publish *p, int64_t *rows, struct err *err)
{
	lock(p->control);
	return unlock(p->control, p->ops->table_end(p, rows, err));
}

status control_publish_view(struct control_publish *p, const char *name, const char *sql, struct err *err)
{
	lock(p->control);
	return unlock(p->control, p->ops->view(p, name, sql, err));
}

status control_publish_commit(struct control_publish *p, const struct control_stage *s,
	const struct control_quality_layer *q, struct err *err)
{
	lock(p->control);
	return unlock(p->control, p->ops->commit(p, s, q, err));
}

void control_publish_destroy(struct control_publish *p)
{
	if (p == NULL) return;
	struct control *c = p->control;
	lock(c);
	p->ops->destroy(p);
	(void)unlock(c, OK);
}
