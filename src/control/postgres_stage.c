/* control/postgres_stage.c: tasks, quality checks, and the record of a committed stage. */
#include "control/postgres_int.h"

/* A write under a lease. */
struct stage_call {
	const struct control_lease *lease;
	const struct control_task *task;
	const struct control_stage *stage;
	const struct control_quality_layer *quality;
	const char *name; /* of a stage */
	int64_t attempt;  /* of a task, before this one; -1 = not looked yet */
};

/* ---- tasks ------------------------------------------------------------------------------------------------------- */

/* What a task records is a hint: its files are checked before they are believed. So it need not wait for the disk. */
static status no_wait(struct control_postgres *s, struct err *err)
{
	return postgres_exec(s, "SET LOCAL synchronous_commit = off", NULL, NULL, err);
}

static void task_key(struct postgres_args *a, const struct control_task *t)
{
	postgres_arg_text(a, t->run_id);
	postgres_arg_text(a, t->stage);
	postgres_arg_text(a, t->task_id);
}

/* The number is found once, so that an insert repeated after a lost answer meets its own row. */
static status task_start(struct control_postgres *s, void *arg, struct err *err)
{
	struct stage_call *c = arg;
	struct postgres_args a = {0};
	TRY(no_wait(s, err));
	if (c->attempt < 0) {
		int64_t before = 0;
		task_key(&a, c->task);
		TRY(postgres_one_i64(s,
			"SELECT max(attempt) FROM meta.tasks WHERE run_id = $1 AND stage = $2 AND task_id = $3", &a,
			&before, err));
		c->attempt = before;
	}
	task_key(&a, c->task);
	postgres_arg_int(&a, c->attempt + 1);
	postgres_arg_text(&a, c->task->worker);
	postgres_arg_time(&a, c->task->started_at);
	return postgres_run(s,
		"INSERT INTO meta.tasks (run_id, stage, task_id, attempt, status, worker, started_at) VALUES ($1, $2, "
		"$3, $4, "
		"'RUNNING', $5, $6) ON CONFLICT DO NOTHING",
		&a, NULL, err);
}

status postgres_task_start(struct control *c, const struct control_task *t, int64_t *attempt, struct err *err)
{
	struct stage_call call = {.task = t, .attempt = -1};
	TRY(postgres_transact(postgres_of(c), task_start, &call, err));
	*attempt = call.attempt + 1;
	return OK;
}

static status task_finish(struct control_postgres *s, void *arg, struct err *err)
{
	const struct stage_call *c = arg;
	const struct control_task *t = c->task;
	struct postgres_args a = {0};
	TRY(no_wait(s, err));
	TRY(postgres_lease_check(s, c->lease, err));
	task_key(&a, t);
	postgres_arg_int(&a, t->attempt);
	postgres_arg_text(&a, t->error == NULL ? "SUCCESS" : "FAILED");
	postgres_arg_time(&a, t->finished_at);
	postgres_arg_int(&a, t->rows_in);
	postgres_arg_int(&a, t->rows_out);
	postgres_arg_int(&a, t->bytes_in);
	postgres_arg_int(&a, t->bytes_out);
	postgres_arg_text(&a, t->error);
	TRY(postgres_run(s,
		"UPDATE meta.tasks SET status = $5, finished_at = $6, rows_in = $7, rows_out = $8, bytes_in = $9, "
		"bytes_out = "
		"$10, error = $11 WHERE run_id = $1 AND stage = $2 AND task_id = $3 AND attempt = $4",
		&a, NULL, err));
	if (t->error != NULL) return OK;
	task_key(&a, t);
	postgres_arg_str(&a, t->spec_hash);
	postgres_arg_str(&a, t->result);
	return postgres_run(s,
		"INSERT INTO meta.task_results (run_id, stage, task_id, spec_hash, result) VALUES ($1, $2, $3, $4, $5) "
		"ON "
		"CONFLICT (run_id, stage, task_id) DO UPDATE SET spec_hash = excluded.spec_hash, result = "
		"excluded.result",
		&a, NULL, err);
}

status postgres_task_finish(
	struct control *c, const struct control_lease *l, const struct control_task *t, struct err *err)
{
	struct stage_call call = {.lease = l, .task = t};
	return postgres_transact(postgres_of(c), task_finish, &call, err);
}

struct results_call {
	const char *run_id, *stage;
	struct pg_result *r;
};

static status results_read(struct control_postgres *s, void *arg, struct err *err)
{
	struct results_call *c = arg;
	struct postgres_args a = {0};
	postgres_arg_text(&a, c->run_id);
	postgres_arg_text(&a, c->stage);
	const status code = postgres_exec(s,
		"SELECT task_id, spec_hash, result FROM meta.task_results WHERE run_id = $1 AND stage = $2 ORDER BY "
		"task_id "
		"COLLATE \"C\"",
		&a, &c->r, err);
	postgres_args_deinit(&a);
	return code;
}

status postgres_task_results(
	struct control *c, const char *run_id, const char *stage, control_task_visit visit, void *arg, struct err *err)
{
	struct results_call call = {run_id, stage, NULL};
	TRY(postgres_read(postgres_of(c), results_read, &call, err));
	status code = OK;
	for (int i = 0; i < postgres_rows(call.r) && code == OK; i++)
		code = visit(
			arg, postgres_str(call.r, i, 0), postgres_str(call.r, i, 1), postgres_str(call.r, i, 2), err);
	postgres_clear(call.r);
	return code;
}

static status results_delete(struct control_postgres *s, const char *run_id, const char *stage, struct err *err)
{
	struct postgres_args a = {0};
	postgres_arg_text(&a, run_id);
	postgres_arg_text(&a, stage);
	return postgres_run(s, "DELETE FROM meta.task_results WHERE run_id = $1 AND stage = $2", &a, NULL, err);
}

static status task_forget(struct control_postgres *s, void *arg, struct err *err)
{
	const struct stage_call *c = arg;
	TRY(postgres_lease_check(s, c->lease, err));
	return results_delete(s, c->lease->run_id, c->name, err);
}

status postgres_task_forget(struct control *c, const struct control_lease *l, const char *stage, struct err *err)
{
	struct stage_call call = {.lease = l, .name = stage};
	return postgres_transact(postgres_of(c), task_forget, &call, err);
}

/* ---- quality ----------------------------------------------------------------------------------------------------- */

status postgres_quality_replace(
	struct control_postgres *s, const char *run_id, const struct control_quality_layer *q, struct err *err)
{
	struct postgres_args a = {0};
	postgres_arg_text(&a, run_id);
	postgres_arg_text(&a, q->layer);
	TRY(postgres_run(s, "DELETE FROM meta.quality_checks WHERE run_id = $1 AND layer = $2", &a, NULL, err));
	for (size_t i = 0; i < q->n; i++) {
		const struct control_quality *x = &q->items[i];
		postgres_arg_text(&a, run_id);
		postgres_arg_text(&a, q->layer);
		postgres_arg_text(&a, x->dataset);
		postgres_arg_text(&a, x->check_name);
		postgres_arg_text(&a, x->severity);
		postgres_arg_text(&a, x->result);
		postgres_arg_text(&a, x->value);
		postgres_arg_text(&a, x->threshold);
		postgres_arg_int(&a, x->record_count);
		postgres_arg_text(&a, x->details);
		postgres_arg_time(&a, q->checked_at);
		TRY(postgres_run(s,
			"INSERT INTO meta.quality_checks (run_id, layer, dataset, check_name, severity, result, value, "
			"threshold, "
			"record_count, details, checked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
			&a, NULL, err));
	}
	return OK;
}

static status quality_put(struct control_postgres *s, void *arg, struct err *err)
{
	const struct stage_call *c = arg;
	TRY(postgres_lease_check(s, c->lease, err));
	return postgres_quality_replace(s, c->lease->run_id, c->quality, err);
}

status postgres_quality_put(
	struct control *c, const struct control_lease *l, const struct control_quality_layer *q, struct err *err)
{
	struct stage_call call = {.lease = l, .quality = q};
	return postgres_transact(postgres_of(c), quality_put, &call, err);
}

struct counts_call {
	const char *run_id;
	int64_t counts[3];
};

static status counts_read(struct control_postgres *s, void *arg, struct err *err)
{
	struct counts_call *c = arg;
	struct postgres_args a = {0};
	struct pg_result *r = NULL;
	postgres_arg_text(&a, c->run_id);
	const status code = postgres_exec(s,
		"SELECT count(*) FILTER (WHERE result = 'PASS'), count(*) FILTER (WHERE result = 'WARN'), count(*) "
		"FILTER (WHERE "
		"result = 'FAIL') FROM meta.quality_checks WHERE run_id = $1",
		&a, &r, err);
	postgres_args_deinit(&a);
	for (int i = 0; code == OK && i < 3; i++) c->counts[i] = postgres_i64(r, 0, i, 0);
	postgres_clear(r);
	return code;
}

status postgres_quality_counts(struct control *c, const char *run_id, int64_t counts[3], struct err *err)
{
	struct counts_call call = {.run_id = run_id};
	TRY(postgres_read(postgres_of(c), counts_read, &call, err));
	memcpy(counts, call.counts, sizeof call.counts);
	return OK;
}

/* ---- stages ------------------------------------------------------------------------------------------------------ */

static status dataset_put(
	struct control_postgres *s, const struct control_stage *stage, const struct control_dataset *d, struct err *err)
{
	struct postgres_args a = {0};
	postgres_arg_text(&a, d->name);
	postgres_arg_text(&a, stage->run_id);
	postgres_arg_text(&a, d->version);
	postgres_arg_int(&a, d->rows);
	postgres_arg_int(&a, d->bytes);
	TRY(postgres_run(s,
		"INSERT INTO meta.dataset_runs (name, run_id, version, rows, bytes) VALUES ($1, $2, $3, $4, $5) ON "
		"CONFLICT (name, "
		"run_id) DO UPDATE SET version = excluded.version, rows = excluded.rows, bytes = excluded.bytes",
		&a, NULL, err));
	postgres_arg_text(&a, d->name);
	postgres_arg_text(&a, d->layer);
	postgres_arg_text(&a, d->location);
	postgres_arg_text(&a, d->contract_version);
	postgres_arg_time(&a, stage->committed_at);
	postgres_arg_count(&a, d->delta_version);
	postgres_arg_text(&a, stage->run_id);
	postgres_arg_int(&a, d->whole);
	return postgres_run(s,
		"INSERT INTO meta.datasets (name, layer, location, contract_version, delta_version, rows, bytes, "
		"updated_at) "
		"SELECT $1::text, $2::text, $3::text, $4::text, $6::bigint, coalesce(sum(rows), 0)::bigint, "
		"coalesce(sum(bytes), "
		"0)::bigint, $5::timestamptz FROM meta.dataset_runs WHERE name = $1::text AND (run_id = $7::text OR "
		"$8::int = 0) "
		"ON CONFLICT (name) DO UPDATE SET layer = excluded.layer, location = excluded.location, "
		"contract_version = "
		"excluded.contract_version, delta_version = excluded.delta_version, rows = excluded.rows, bytes = "
		"excluded.bytes, "
		"updated_at = excluded.updated_at",
		&a, NULL, err);
}

static status edges_put(struct control_postgres *s, const struct control_stage *stage, struct err *err)
{
	struct postgres_args a = {0};
	postgres_arg_text(&a, stage->run_id);
	postgres_arg_text(&a, stage->name);
	TRY(postgres_run(s, "DELETE FROM meta.lineage WHERE run_id = $1 AND stage = $2", &a, NULL, err));
	for (size_t i = 0; i < stage->n_edges; i++) {
		const struct control_edge *e = &stage->edges[i];
		postgres_arg_text(&a, stage->run_id);
		postgres_arg_text(&a, stage->name);
		postgres_arg_text(&a, e->input);
		postgres_arg_text(&a, e->input_version);
		postgres_arg_text(&a, e->output);
		postgres_arg_text(&a, e->output_version);
		TRY(postgres_run(s,
			"INSERT INTO meta.lineage (run_id, stage, input, input_version, output, output_version) VALUES "
			"($1, $2, $3, "
			"$4, $5, $6)",
			&a, NULL, err));
	}
	return OK;
}

status postgres_stage_record(struct control_postgres *s, const struct control_stage *stage, struct err *err)
{
	struct postgres_args a = {0};
	postgres_arg_text(&a, stage->run_id);
	postgres_arg_text(&a, stage->name);
	postgres_arg_int(&a, stage->ordinal);
	postgres_arg_text(&a, stage->location);
	postgres_arg_text(&a, stage->sha256);
	postgres_arg_int(&a, stage->n_tasks);
	postgres_arg_int(&a, stage->us);
	postgres_arg_int(&a, stage->rows_in);
	postgres_arg_int(&a, stage->rows_out);
	postgres_arg_int(&a, stage->bytes_in);
	postgres_arg_int(&a, stage->bytes_out);
	postgres_arg_time(&a, stage->committed_at);
	TRY(postgres_run(s,
		"INSERT INTO meta.stage_commits (run_id, stage, ordinal, location, sha256, n_tasks, us, rows_in, "
		"rows_out, bytes_in, "
		"bytes_out, committed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT "
		"(run_id, stage) DO "
		"UPDATE SET ordinal = excluded.ordinal, location = excluded.location, sha256 = excluded.sha256, "
		"n_tasks = "
		"excluded.n_tasks, us = excluded.us, rows_in = excluded.rows_in, rows_out = excluded.rows_out, "
		"bytes_in = "
		"excluded.bytes_in, bytes_out = excluded.bytes_out, committed_at = excluded.committed_at",
		&a, NULL, err));
	for (size_t i = 0; i < stage->n_datasets; i++) TRY(dataset_put(s, stage, &stage->datasets[i], err));
	TRY(edges_put(s, stage, err));
	return results_delete(s, stage->run_id, stage->name, err);
}

static status stage_commit(struct control_postgres *s, void *arg, struct err *err)
{
	const struct stage_call *c = arg;
	TRY(postgres_lease_check(s, c->lease, err));
	return postgres_stage_record(s, c->stage, err);
}

status postgres_stage_commit(
	struct control *c, const struct control_lease *l, const struct control_stage *stage, struct err *err)
{
	struct stage_call call = {.lease = l, .stage = stage};
	return postgres_transact(postgres_of(c), stage_commit, &call, err);
}

struct stage_reader {
	const char *run_id, *name;
	struct control_stage stage;
	bool found;
};

static status stage_read(struct control_postgres *s, void *arg, struct err *err)
{
	struct stage_reader *reader = arg;
	struct postgres_args a = {0};
	struct pg_result *r = NULL;
	postgres_arg_text(&a, reader->run_id);
	postgres_arg_text(&a, reader->name);
	const status code = postgres_exec(s,
		"SELECT ordinal, n_tasks, us, rows_in, rows_out, bytes_in, bytes_out, committed_at FROM "
		"meta.stage_commits WHERE "
		"run_id = $1 AND stage = $2",
		&a, &r, err);
	postgres_args_deinit(&a);
	reader->found = code == OK && postgres_rows(r) > 0;
	if (reader->found)
		reader->stage = (struct control_stage){
			.ordinal = postgres_i64(r, 0, 0, 0),
			.n_tasks = postgres_i64(r, 0, 1, 0),
			.us = postgres_i64(r, 0, 2, 0),
			.rows_in = postgres_i64(r, 0, 3, 0),
			.rows_out = postgres_i64(r, 0, 4, 0),
			.bytes_in = postgres_i64(r, 0, 5, 0),
			.bytes_out = postgres_i64(r, 0, 6, 0),
			.committed_at = postgres_time(r, 0, 7),
		};
	postgres_clear(r);
	return code;
}

status postgres_stage_get(
	struct control *c, const char *run_id, const char *name, struct control_stage *out, struct err *err)
{
	struct stage_reader reader = {.run_id = run_id, .name = name};
	TRY(postgres_read(postgres_of(c), stage_read, &reader, err));
	if (!reader.found) return fail(err, E_NOT_FOUND, "stage %s of run %s is not committed", name, run_id);
	*out = reader.stage;
	return OK;
}
