/* control/stage.c: tasks, quality checks, and the record of a committed stage, in the SQL that both databases share. */
#include "control/control_int.h"

/* ---- tasks ------------------------------------------------------------------------------------------------------- */

/* What a task records is a hint: its files are checked before they are believed. So it need not wait for the disk. */

struct start_call {
	const struct control_task *task;
	int64_t attempt; /* before this one; -1 = not looked yet, so that an insert repeated after a lost answer meets its own row */
};

static status task_start(struct sql_conn *c, void *arg, struct err *err)
{
	struct start_call *call = arg;
	const struct control_task *t = call->task;
	struct sql_arg args[] = {sql_text(t->run_id), sql_text(t->stage), sql_text(t->task_id), sql_int(0),
		sql_text(t->worker), sql_time(t->started_at)};
	if (call->attempt < 0) {
		const struct sql_stmt q = {
			"SELECT max(attempt) FROM meta.tasks WHERE run_id = $1 AND stage = $2 AND task_id = $3", args,
			3};
		int64_t before = 0;
		TRY(sql_one_i64(c, &q, &before, err));
		call->attempt = before;
	}
	args[3] = sql_int(call->attempt + 1);
	return sql_exec(c,
		"INSERT INTO meta.tasks (run_id, stage, task_id, attempt, status, worker, started_at) VALUES ($1, $2, "
		"$3, $4, 'RUNNING', $5, $6) ON CONFLICT DO NOTHING",
		args, 6, err);
}

status control_task_start(struct control *c, const struct control_task *t, int64_t *attempt, struct err *err)
{
	struct start_call call = {t, -1};
	TRY(control_transact(c, SQL_HINT, task_start, &call, err));
	*attempt = call.attempt + 1;
	return OK;
}

struct finish_call {
	const struct control_lease *lease;
	const struct control_task *task;
};

static status task_finish(struct sql_conn *c, void *arg, struct err *err)
{
	const struct finish_call *call = arg;
	const struct control_task *t = call->task;
	TRY(control_lease_check(c, call->lease, err));
	const struct sql_arg args[] = {
		sql_text(t->run_id),
		sql_text(t->stage),
		sql_text(t->task_id),
		sql_int(t->attempt),
		sql_text(t->error == NULL ? "SUCCESS" : "FAILED"),
		sql_time(t->finished_at),
		sql_int(t->rows_in),
		sql_int(t->rows_out),
		sql_int(t->bytes_in),
		sql_int(t->bytes_out),
		sql_text(t->error),
	};
	TRY(sql_exec(c,
		"UPDATE meta.tasks SET status = $5, finished_at = $6, rows_in = $7, rows_out = $8, bytes_in = $9, "
		"bytes_out = $10, error = $11 WHERE run_id = $1 AND stage = $2 AND task_id = $3 AND attempt = $4",
		args, 11, err));
	if (t->error != NULL) return OK;
	const struct sql_arg result[] = {args[0], args[1], args[2], sql_str(t->spec_hash), sql_str(t->result)};
	return sql_exec(c,
		"INSERT INTO meta.task_results (run_id, stage, task_id, spec_hash, result) VALUES ($1, $2, $3, $4, $5) "
		"ON CONFLICT (run_id, stage, task_id) DO UPDATE SET spec_hash = excluded.spec_hash, result = "
		"excluded.result",
		result, 5, err);
}

status control_task_finish(
	struct control *c, const struct control_lease *l, const struct control_task *t, struct err *err)
{
	struct finish_call call = {l, t};
	return control_transact(c, SQL_HINT, task_finish, &call, err);
}

struct results_call {
	const char *run_id, *stage;
	control_task_visit visit;
	void *arg;
};

static status result_row(void *arg, const struct sql_row *row, struct err *err)
{
	const struct results_call *call = arg;
	return call->visit(call->arg, sql_col_str(row, 0), sql_col_str(row, 1), sql_col_str(row, 2), err);
}

static status results_read(struct sql_conn *c, void *arg, struct err *err)
{
	const struct results_call *call = arg;
	const struct sql_arg args[] = {sql_text(call->run_id), sql_text(call->stage)};
	const struct sql_stmt q = {
		"SELECT task_id, spec_hash, result FROM meta.task_results WHERE run_id = $1 AND stage = $2", args, 2};
	return sql_each(c, &q, result_row, arg, err);
}

status control_task_results(
	struct control *c, const char *run_id, const char *stage, control_task_visit visit, void *arg, struct err *err)
{
	struct results_call call = {run_id, stage, visit, arg};
	return control_read(c, results_read, &call, err);
}

static status results_delete(struct sql_conn *c, const char *run_id, const char *stage, struct err *err)
{
	const struct sql_arg args[] = {sql_text(run_id), sql_text(stage)};
	return sql_exec(c, "DELETE FROM meta.task_results WHERE run_id = $1 AND stage = $2", args, 2, err);
}

static status stage_forget(struct sql_conn *c, void *arg, struct err *err)
{
	const struct results_call *call = arg;
	const struct sql_arg args[] = {sql_text(call->run_id), sql_text(call->stage)};
	TRY(results_delete(c, call->run_id, call->stage, err));
	return sql_exec(c, "DELETE FROM meta.stage_commits WHERE run_id = $1 AND stage = $2", args, 2, err);
}

status control_stage_forget(struct control *c, const struct control_lease *l, const char *stage, struct err *err)
{
	struct results_call call = {.run_id = l->run_id, .stage = stage};
	return control_lease_transact(c, l, stage_forget, &call, err);
}

/* ---- quality ----------------------------------------------------------------------------------------------------- */

status control_quality_replace(
	struct sql_conn *c, const char *run_id, const struct control_quality_layer *q, struct err *err)
{
	const struct sql_arg key[] = {sql_text(run_id), sql_text(q->layer)};
	ASSERT(c->ops->in_transaction(c)); /* nobody sees the checks deleted and not yet put */
	TRY(sql_exec(c, "DELETE FROM meta.quality_checks WHERE run_id = $1 AND layer = $2", key, 2, err));
	for (size_t i = 0; i < q->n; i++) {
		const struct control_quality *x = &q->items[i];
		const struct sql_arg args[] = {
			key[0],
			key[1],
			sql_text(x->dataset),
			sql_text(x->check_name),
			sql_text(x->severity),
			sql_text(x->result),
			sql_text(x->value),
			sql_text(x->threshold),
			sql_int(x->record_count),
			sql_text(x->details),
			sql_time(q->checked_at),
		};
		TRY(sql_exec(c,
			"INSERT INTO meta.quality_checks (run_id, layer, dataset, check_name, severity, result, value, "
			"threshold, record_count, details, checked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
			"$10, $11)",
			args, 11, err));
	}
	return OK;
}

struct quality_call {
	const char *run_id;
	const struct control_quality_layer *layer;
	int64_t *counts;
};

static status quality_put(struct sql_conn *c, void *arg, struct err *err)
{
	const struct quality_call *call = arg;
	return control_quality_replace(c, call->run_id, call->layer, err);
}

status control_quality_put(
	struct control *c, const struct control_lease *l, const struct control_quality_layer *q, struct err *err)
{
	struct quality_call call = {.run_id = l->run_id, .layer = q};
	return control_lease_transact(c, l, quality_put, &call, err);
}

static status counts_row(void *arg, const struct sql_row *row, struct err *err)
{
	int64_t *counts = arg;
	(void)err;
	for (int i = 0; i < 3; i++) counts[i] = sql_col_i64(row, i, 0);
	return OK;
}

static status counts_read(struct sql_conn *c, void *arg, struct err *err)
{
	const struct quality_call *call = arg;
	const struct sql_arg args[] = {sql_text(call->run_id)};
	const struct sql_stmt q = {
		"SELECT count(*) FILTER (WHERE result = 'PASS'), count(*) FILTER (WHERE result = 'WARN'), count(*) "
		"FILTER (WHERE result = 'FAIL') FROM meta.quality_checks WHERE run_id = $1",
		args, 1};
	return sql_each(c, &q, counts_row, call->counts, err);
}

status control_quality_counts(struct control *c, const char *run_id, int64_t counts[3], struct err *err)
{
	struct quality_call call = {.run_id = run_id, .counts = counts};
	return control_read(c, counts_read, &call, err);
}

/* ---- stages ------------------------------------------------------------------------------------------------------ */

static status sums_row(void *arg, const struct sql_row *row, struct err *err)
{
	int64_t *sums = arg;
	(void)err;
	for (int i = 0; i < 2; i++) sums[i] = sql_col_i64(row, i, 0);
	return OK;
}

static status dataset_put(
	struct sql_conn *c, const struct control_stage *stage, const struct control_dataset *d, struct err *err)
{
	int64_t sums[2] = {0, 0};
	const struct sql_arg of_run[] = {
		sql_text(d->name),
		sql_text(stage->run_id),
		sql_text(d->version),
		sql_int(d->rows),
		sql_int(d->bytes),
	};
	TRY(sql_exec(c,
		"INSERT INTO meta.dataset_runs (name, run_id, version, rows, bytes) VALUES ($1, $2, $3, $4, $5) ON "
		"CONFLICT (name, run_id) DO UPDATE SET version = excluded.version, rows = excluded.rows, bytes = "
		"excluded.bytes",
		of_run, 5, err));
	const struct sql_arg which[] = {of_run[0], of_run[1], sql_int(d->whole)};
	const struct sql_stmt q = {
		"SELECT sum(rows), sum(bytes) FROM meta.dataset_runs WHERE name = $1 AND (run_id = $2 OR $3 = 0)",
		which, 3};
	TRY(sql_each(c, &q, sums_row, sums, err));
	const struct sql_arg args[] = {
		of_run[0],
		sql_text(d->layer),
		sql_text(d->location),
		sql_text(d->contract_version),
		sql_count(d->delta_version),
		sql_int(sums[0]),
		sql_int(sums[1]),
		sql_time(stage->committed_at),
	};
	return sql_exec(c,
		"INSERT INTO meta.datasets (name, layer, location, contract_version, delta_version, rows, bytes, "
		"updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO UPDATE SET layer = "
		"excluded.layer, location = excluded.location, contract_version = excluded.contract_version, "
		"delta_version = excluded.delta_version, rows = excluded.rows, bytes = excluded.bytes, updated_at = "
		"excluded.updated_at",
		args, 8, err);
}

static status edges_put(struct sql_conn *c, const struct control_stage *stage, struct err *err)
{
	const struct sql_arg key[] = {sql_text(stage->run_id), sql_text(stage->name)};
	TRY(sql_exec(c, "DELETE FROM meta.lineage WHERE run_id = $1 AND stage = $2", key, 2, err));
	for (size_t i = 0; i < stage->n_edges; i++) {
		const struct control_edge *e = &stage->edges[i];
		const struct sql_arg args[] = {key[0], key[1], sql_text(e->input), sql_text(e->input_version),
			sql_text(e->output), sql_text(e->output_version)};
		TRY(sql_exec(c,
			"INSERT INTO meta.lineage (run_id, stage, input, input_version, output, output_version) VALUES "
			"($1, $2, $3, $4, $5, $6)",
			args, 6, err));
	}
	return OK;
}

status control_stage_record(struct sql_conn *c, const struct control_stage *stage, struct err *err)
{
	const struct sql_arg args[] = {
		sql_text(stage->run_id),
		sql_text(stage->name),
		sql_int(stage->ordinal),
		sql_text(stage->location),
		sql_text(stage->sha256),
		sql_int(stage->n_tasks),
		sql_int(stage->us),
		sql_int(stage->rows_in),
		sql_int(stage->rows_out),
		sql_int(stage->bytes_in),
		sql_int(stage->bytes_out),
		sql_time(stage->committed_at),
	};
	ASSERT(c->ops->in_transaction(c));
	TRY(sql_exec(c,
		"INSERT INTO meta.stage_commits (run_id, stage, ordinal, location, sha256, n_tasks, us, rows_in, "
		"rows_out, bytes_in, bytes_out, committed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
		"$12) ON CONFLICT (run_id, stage) DO UPDATE SET ordinal = excluded.ordinal, location = "
		"excluded.location, sha256 = excluded.sha256, n_tasks = excluded.n_tasks, us = excluded.us, rows_in = "
		"excluded.rows_in, rows_out = excluded.rows_out, bytes_in = excluded.bytes_in, bytes_out = "
		"excluded.bytes_out, committed_at = excluded.committed_at",
		args, 12, err));
	for (size_t i = 0; i < stage->n_datasets; i++) TRY(dataset_put(c, stage, &stage->datasets[i], err));
	TRY(edges_put(c, stage, err));
	return results_delete(c, stage->run_id, stage->name, err);
}

static status stage_commit(struct sql_conn *c, void *arg, struct err *err)
{
	return control_stage_record(c, arg, err);
}

status control_stage_commit(
	struct control *c, const struct control_lease *l, const struct control_stage *stage, struct err *err)
{
	struct control_stage copy = *stage;
	return control_lease_transact(c, l, stage_commit, &copy, err);
}

struct stage_reader {
	const char *run_id, *name;
	struct control_stage stage;
	bool found;
};

static status stage_row(void *arg, const struct sql_row *row, struct err *err)
{
	struct stage_reader *r = arg;
	(void)err;
	r->found = true;
	r->stage = (struct control_stage){
		.ordinal = sql_col_i64(row, 0, 0),
		.n_tasks = sql_col_i64(row, 1, 0),
		.us = sql_col_i64(row, 2, 0),
		.rows_in = sql_col_i64(row, 3, 0),
		.rows_out = sql_col_i64(row, 4, 0),
		.bytes_in = sql_col_i64(row, 5, 0),
		.bytes_out = sql_col_i64(row, 6, 0),
		.committed_at = sql_col_time(row, 7),
	};
	return OK;
}

static status stage_read(struct sql_conn *c, void *arg, struct err *err)
{
	struct stage_reader *r = arg;
	const struct sql_arg args[] = {sql_text(r->run_id), sql_text(r->name)};
	const struct sql_stmt q = {
		"SELECT ordinal, n_tasks, us, rows_in, rows_out, bytes_in, bytes_out, committed_at FROM "
		"meta.stage_commits WHERE run_id = $1 AND stage = $2",
		args, 2};
	return sql_each(c, &q, stage_row, r, err);
}

status control_stage_get(
	struct control *c, const char *run_id, const char *name, struct control_stage *out, struct err *err)
{
	struct stage_reader r = {.run_id = run_id, .name = name};
	TRY(control_read(c, stage_read, &r, err));
	if (!r.found) return fail(err, E_NOT_FOUND, "stage %s of run %s is not committed", name, run_id);
	*out = r.stage;
	return OK;
}
