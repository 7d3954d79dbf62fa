/* control/sqlite_stage.c: tasks, quality checks, and the record of a committed stage. */
#include "control/sqlite_int.h"

static status one_i64(void *arg, struct sqlite3_stmt *row, struct err *err)
{
	(void)err;
	*(int64_t *)arg = sqlite_col_i64(row, 0, 0);
	return OK;
}

/* ---- tasks ------------------------------------------------------------------------------------------------------- */

static status task_insert(struct control_sqlite *s, const struct control_task *t, int64_t *attempt, struct err *err)
{
	struct sqlite_time at;
	int64_t before = 0;
	const struct sqlite_arg key[] = {sqlite_text(t->run_id), sqlite_text(t->stage), sqlite_text(t->task_id)};
	const struct sqlite_select q = {
		"SELECT max(attempt) FROM meta_tasks WHERE run_id = ? AND stage = ? AND task_id = ?", key, 3};
	TRY(sqlite_each(s, &q, one_i64, &before, err));
	const struct sqlite_arg args[] = {key[0], key[1], key[2], sqlite_int(before + 1), sqlite_text(t->worker),
		sqlite_time(t->started_at, &at)};
	TRY(sqlite_run(s,
		"INSERT INTO meta_tasks (run_id, stage, task_id, attempt, status, worker, started_at) VALUES (?, ?, ?, "
		"?, 'RUNNING', ?, ?)",
		args, 6, NULL, err));
	*attempt = before + 1;
	return OK;
}

status sqlite_task_start(struct control *c, const struct control_task *t, int64_t *attempt, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c);
	TRY(sqlite_begin(s, err));
	return sqlite_end(s, task_insert(s, t, attempt, err), err);
}

static status task_set(struct control_sqlite *s, const struct control_task *t, struct err *err)
{
	struct sqlite_time at;
	const bool ok = t->error == NULL;
	const struct sqlite_arg args[] = {
		sqlite_text(t->run_id),
		sqlite_text(t->stage),
		sqlite_text(t->task_id),
		sqlite_int(t->attempt),
		sqlite_text(ok ? "SUCCESS" : "FAILED"),
		sqlite_time(t->finished_at, &at),
		sqlite_int(t->rows_in),
		sqlite_int(t->rows_out),
		sqlite_int(t->bytes_in),
		sqlite_int(t->bytes_out),
		sqlite_text(t->error),
	};
	TRY(sqlite_run(s,
		"UPDATE meta_tasks SET status = ?5, finished_at = ?6, rows_in = ?7, rows_out = ?8, bytes_in = ?9, "
		"bytes_out = ?10, error = ?11"
		" WHERE run_id = ?1 AND stage = ?2 AND task_id = ?3 AND attempt = ?4",
		args, 11, NULL, err));
	if (!ok) return OK;
	const struct sqlite_arg result[] = {args[0], args[1], args[2], sqlite_str(t->spec_hash), sqlite_str(t->result)};
	return sqlite_run(s, "INSERT OR REPLACE INTO meta_task_results VALUES (?, ?, ?, ?, ?)", result, 5, NULL, err);
}

status sqlite_task_finish(
	struct control *c, const struct control_lease *l, const struct control_task *t, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c);
	TRY(sqlite_lease_begin(s, l, err));
	return sqlite_end(s, task_set(s, t, err), err);
}

struct result_visit {
	control_task_visit visit;
	void *arg;
};

static status result_row(void *arg, struct sqlite3_stmt *row, struct err *err)
{
	const struct result_visit *v = arg;
	return v->visit(v->arg, sqlite_col_str(row, 0), sqlite_col_str(row, 1), sqlite_col_str(row, 2), err);
}

status sqlite_task_results(
	struct control *c, const char *run_id, const char *stage, control_task_visit visit, void *arg, struct err *err)
{
	struct result_visit v = {visit, arg};
	const struct sqlite_arg args[] = {sqlite_text(run_id), sqlite_text(stage)};
	const struct sqlite_select q = {"SELECT task_id, spec_hash, result FROM meta_task_results WHERE run_id = ? AND "
					"stage = ? ORDER BY task_id",
		args, 2};
	return sqlite_each(sqlite_of(c), &q, result_row, &v, err);
}

static status results_delete(struct control_sqlite *s, const char *run_id, const char *stage, struct err *err)
{
	const struct sqlite_arg args[] = {sqlite_text(run_id), sqlite_text(stage)};
	return sqlite_run(s, "DELETE FROM meta_task_results WHERE run_id = ? AND stage = ?", args, 2, NULL, err);
}

status sqlite_task_forget(struct control *c, const struct control_lease *l, const char *stage, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c);
	TRY(sqlite_lease_begin(s, l, err));
	return sqlite_end(s, results_delete(s, l->run_id, stage, err), err);
}

/* ---- quality ----------------------------------------------------------------------------------------------------- */

status sqlite_quality_replace(
	struct control_sqlite *s, const char *run_id, const struct control_quality_layer *q, struct err *err)
{
	struct sqlite_time at;
	const struct sqlite_arg key[] = {sqlite_text(run_id), sqlite_text(q->layer)};
	ASSERT(sqlite_in_transaction(s)); /* nobody sees the checks deleted and not yet put */
	TRY(sqlite_run(s, "DELETE FROM meta_quality_checks WHERE run_id = ? AND layer = ?", key, 2, NULL, err));
	for (size_t i = 0; i < q->n; i++) {
		const struct control_quality *x = &q->items[i];
		const struct sqlite_arg args[] = {
			key[0],
			key[1],
			sqlite_text(x->dataset),
			sqlite_text(x->check_name),
			sqlite_text(x->severity),
			sqlite_text(x->result),
			sqlite_text(x->value),
			sqlite_text(x->threshold),
			sqlite_int(x->record_count),
			sqlite_text(x->details),
			sqlite_time(q->checked_at, &at),
		};
		TRY(sqlite_run(s, "INSERT INTO meta_quality_checks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", args, 11,
			NULL, err));
	}
	return OK;
}

status sqlite_quality_put(
	struct control *c, const struct control_lease *l, const struct control_quality_layer *q, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c);
	TRY(sqlite_lease_begin(s, l, err));
	return sqlite_end(s, sqlite_quality_replace(s, l->run_id, q, err), err);
}

static status counts_row(void *arg, struct sqlite3_stmt *row, struct err *err)
{
	int64_t *counts = arg;
	(void)err;
	for (int i = 0; i < 3; i++) counts[i] = sqlite_col_i64(row, i, 0);
	return OK;
}

status sqlite_quality_counts(struct control *c, const char *run_id, int64_t counts[3], struct err *err)
{
	const struct sqlite_arg args[] = {sqlite_text(run_id)};
	const struct sqlite_select q = {"SELECT sum(result = 'PASS'), sum(result = 'WARN'), sum(result = 'FAIL') FROM "
					"meta_quality_checks WHERE run_id = ?",
		args, 1};
	return sqlite_each(sqlite_of(c), &q, counts_row, counts, err);
}

/* ---- stages ------------------------------------------------------------------------------------------------------ */

static status dataset_put(
	struct control_sqlite *s, const struct control_stage *stage, const struct control_dataset *d, struct err *err)
{
	struct sqlite_time at;
	const struct sqlite_arg of_run[] = {
		sqlite_text(d->name),
		sqlite_text(stage->run_id),
		sqlite_text(d->version),
		sqlite_int(d->rows),
		sqlite_int(d->bytes),
	};
	TRY(sqlite_run(s, "INSERT OR REPLACE INTO meta_dataset_runs VALUES (?, ?, ?, ?, ?)", of_run, 5, NULL, err));
	const struct sqlite_arg args[] = {
		of_run[0],
		sqlite_text(d->layer),
		sqlite_text(d->location),
		sqlite_text(d->contract_version),
		sqlite_time(stage->committed_at, &at),
		d->delta_version >= 0 ? sqlite_int(d->delta_version) : sqlite_text(NULL),
		of_run[1],
		sqlite_int(d->whole),
	};
	return sqlite_run(s,
		"INSERT INTO meta_datasets (name, layer, location, contract_version, delta_version, rows, bytes, "
		"updated_at)"
		" SELECT ?1, ?2, ?3, ?4, ?6, sum(rows), sum(bytes), ?5 FROM meta_dataset_runs"
		" WHERE name = ?1 AND (run_id = ?7 OR NOT ?8)"
		" ON CONFLICT (name) DO UPDATE SET layer = excluded.layer, location = excluded.location, "
		"contract_version = excluded.contract_version, delta_version = excluded.delta_version,"
		" rows = excluded.rows, bytes = excluded.bytes, updated_at = excluded.updated_at",
		args, 8, NULL, err);
}

status sqlite_stage_record(struct control_sqlite *s, const struct control_stage *stage, struct err *err)
{
	struct sqlite_time at;
	const struct sqlite_arg args[] = {
		sqlite_text(stage->run_id),
		sqlite_text(stage->name),
		sqlite_int(stage->ordinal),
		sqlite_text(stage->location),
		sqlite_text(stage->sha256),
		sqlite_int(stage->n_tasks),
		sqlite_int(stage->us),
		sqlite_int(stage->rows_in),
		sqlite_int(stage->rows_out),
		sqlite_int(stage->bytes_in),
		sqlite_int(stage->bytes_out),
		sqlite_time(stage->committed_at, &at),
	};
	TRY(sqlite_run(s, "INSERT OR REPLACE INTO meta_stage_commits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", args,
		12, NULL, err));
	for (size_t i = 0; i < stage->n_datasets; i++) TRY(dataset_put(s, stage, &stage->datasets[i], err));
	TRY(sqlite_run(s, "DELETE FROM meta_lineage WHERE run_id = ? AND stage = ?", args, 2, NULL, err));
	for (size_t i = 0; i < stage->n_edges; i++) {
		const struct control_edge *e = &stage->edges[i];
		const struct sqlite_arg edge[] = {
			args[0],
			args[1],
			sqlite_text(e->input),
			sqlite_text(e->input_version),
			sqlite_text(e->output),
			sqlite_text(e->output_version),
		};
		TRY(sqlite_run(s, "INSERT INTO meta_lineage VALUES (?, ?, ?, ?, ?, ?)", edge, 6, NULL, err));
	}
	return results_delete(s, stage->run_id, stage->name, err);
}

status sqlite_stage_commit(
	struct control *c, const struct control_lease *l, const struct control_stage *stage, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c);
	TRY(sqlite_lease_begin(s, l, err));
	return sqlite_end(s, sqlite_stage_record(s, stage, err), err);
}

struct stage_reader {
	struct control_stage *out;
	bool found;
};

static status stage_row(void *arg, struct sqlite3_stmt *row, struct err *err)
{
	struct stage_reader *r = arg;
	struct control_stage *s = r->out;
	(void)err;
	r->found = true;
	*s = (struct control_stage){
		.ordinal = sqlite_col_i64(row, 0, 0),
		.n_tasks = sqlite_col_i64(row, 1, 0),
		.us = sqlite_col_i64(row, 2, 0),
		.rows_in = sqlite_col_i64(row, 3, 0),
		.rows_out = sqlite_col_i64(row, 4, 0),
		.bytes_in = sqlite_col_i64(row, 5, 0),
		.bytes_out = sqlite_col_i64(row, 6, 0),
		.committed_at = INT64_MIN,
	};
	const struct str at = sqlite_col_str(row, 7);
	if (at.p != NULL && !time_parse(at, &s->committed_at)) s->committed_at = INT64_MIN;
	return OK;
}

status sqlite_stage_get(
	struct control *c, const char *run_id, const char *name, struct control_stage *out, struct err *err)
{
	struct control_stage found;
	struct stage_reader r = {&found, false};
	const struct sqlite_arg args[] = {sqlite_text(run_id), sqlite_text(name)};
	const struct sqlite_select q = {"SELECT ordinal, n_tasks, us, rows_in, rows_out, bytes_in, bytes_out, "
					"committed_at FROM meta_stage_commits"
					" WHERE run_id = ? AND stage = ?",
		args, 2};
	TRY(sqlite_each(sqlite_of(c), &q, stage_row, &r, err));
	if (!r.found) return fail(err, E_NOT_FOUND, "stage %s of run %s is not committed", name, run_id);
	*out = found;
	return OK;
}
