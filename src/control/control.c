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
		.raw_rows = -1,
		.bronze_rows = -1,
		.rejected_rows = -1,
		.silver_rows = -1,
		.gold_rows = -1,
	};
}

void control_close(struct control *c)
{
	if (c == NULL) return;
	mem_free(c->uri);
	mem_free(c->source);
	(void)pthread_mutex_destroy(&c->lock);
	c->ops->close(c);
}

const char *control_uri(const struct control *c)
{
	return c->uri;
}

bool control_may_write(const struct control *c)
{
	return !c->only_reads;
}

bool control_is_server(const struct control *c)
{
	return c->ops->is_server;
}

static void lock(struct control *c)
{
	(void)pthread_mutex_lock(&c->lock);
}

static status unlock(struct control *c, status code)
{
	(void)pthread_mutex_unlock(&c->lock);
	return code;
}

status control_lease_acquire(struct control *c, struct control_lease *l, int64_t now, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->lease_acquire(c, l, now, err));
}

status control_lease_renew(struct control *c, struct control_lease *l, int64_t now, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->lease_renew(c, l, now, err));
}

status control_lease_release(struct control *c, const struct control_lease *l, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->lease_release(c, l, err));
}

status control_run_begin(struct control *c, const struct control_lease *l, const struct control_run *r, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->run_begin(c, l, r, err));
}

status control_run_update(
	struct control *c, const struct control_lease *l, const struct control_run *r, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->run_update(c, l, r, err));
}

status control_run_get(
	struct control *c, const char *run_id, struct arena *arena, struct control_run *out, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->run_get(c, run_id, arena, out, err));
}

status control_task_start(struct control *c, const struct control_task *t, int64_t *attempt, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->task_start(c, t, attempt, err));
}

status control_task_finish(
	struct control *c, const struct control_lease *l, const struct control_task *t, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->task_finish(c, l, t, err));
}

status control_task_results(
	struct control *c, const char *run_id, const char *stage, control_task_visit visit, void *arg, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->task_results(c, run_id, stage, visit, arg, err));
}

status control_task_forget(struct control *c, const struct control_lease *l, const char *stage, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->task_forget(c, l, stage, err));
}

status control_quality_put(
	struct control *c, const struct control_lease *l, const struct control_quality_layer *q, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->quality_put(c, l, q, err));
}

status control_quality_counts(struct control *c, const char *run_id, int64_t counts[3], struct err *err)
{
	lock(c);
	return unlock(c, c->ops->quality_counts(c, run_id, counts, err));
}

status control_stage_commit(
	struct control *c, const struct control_lease *l, const struct control_stage *s, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->stage_commit(c, l, s, err));
}

status control_stage_get(
	struct control *c, const char *run_id, const char *name, struct control_stage *out, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->stage_get(c, run_id, name, out, err));
}

status control_query(
	struct control *c, const struct control_select *q, control_row_visit visit, void *arg, struct err *err)
{
	lock(c);
	return unlock(c, c->ops->query(c, q, visit, arg, err));
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
