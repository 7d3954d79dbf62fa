/* control/run.c: runs, in the SQL that both databases share.
 *
 * The first attempt's start stays; what a new attempt runs with replaces what the last one had. The lease's holder alone counts attempts.
 */
#include "control/control_int.h"

#define RUN_COLUMNS                                                                                              \
	"run_id, workload, seed, config_hash, version, git_sha, date_min, date_max, as_of, status, started_at, " \
	"finished_at, executor, executed_by, attempts, raw_objects, manifest_sha256, spec, dropped_by"

struct run_call {
	const struct control_run *run;
	int64_t attempts; /* before this one; -1 = not looked yet */
};

static status run_insert(struct sql_conn *c, const struct control_run *r, int64_t attempts, struct err *err)
{
	const struct sql_arg args[] = {
		sql_text(r->run_id),
		sql_text(r->workload),
		sql_u64(r->seed),
		sql_text(r->config_hash),
		sql_text(r->version),
		sql_text(r->git_sha),
		sql_date(r->date_min),
		sql_date(r->date_max),
		sql_time(r->as_of),
		sql_time(r->started_at),
		sql_text(r->executor),
		sql_text(r->executed_by),
		sql_int(attempts),
	};
	return sql_exec(c,
		"INSERT INTO meta.run_records (run_id, workload, seed, config_hash, version, git_sha, date_min, "
		"date_max, "
		"as_of, status, started_at, executor, executed_by, attempts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
		"$9, 'RUNNING', $10, $11, $12, $13) ON CONFLICT (run_id) DO UPDATE SET status = 'RUNNING', "
		"finished_at = NULL, attempts = excluded.attempts, version = excluded.version, git_sha = "
		"excluded.git_sha, executor = excluded.executor, executed_by = excluded.executed_by",
		args, 13, err);
}

static status run_begin(struct sql_conn *c, void *arg, struct err *err)
{
	struct run_call *call = arg;
	const struct control_run *r = call->run;
	const struct sql_arg args[] = {sql_text(r->run_id), sql_text(r->spec != NULL ? r->spec : "{}")};
	if (call->attempts < 0) {
		const struct sql_stmt q = {"SELECT attempts FROM meta.run_records WHERE run_id = $1", args, 1};
		int64_t before = 0;
		TRY(sql_one_i64(c, &q, &before, err));
		call->attempts = before;
	}
	TRY(run_insert(c, r, call->attempts + 1, err));
	TRY(sql_exec(
		c, "INSERT INTO meta.run_specs (run_id, spec) VALUES ($1, $2) ON CONFLICT DO NOTHING", args, 2, err));
	return sql_exec(c,
		"UPDATE meta.tasks SET status = 'FAILED', error = 'the process ended' WHERE run_id = $1 AND status = "
		"'RUNNING'",
		args, 1, err);
}

status control_run_begin(struct control *c, const struct control_lease *l, const struct control_run *r, struct err *err)
{
	struct run_call call = {r, -1};
	return control_lease_transact(c, l, run_begin, &call, err);
}

static status rows_put(struct sql_conn *c, const struct control_run *r, struct err *err)
{
	for (size_t i = 0; i < r->n_rows; i++) {
		const struct sql_arg args[] = {
			sql_text(r->run_id), sql_text(r->rows[i].layer), sql_int(r->rows[i].rows)};
		TRY(sql_exec(c,
			"INSERT INTO meta.run_rows (run_id, layer, rows) VALUES ($1, $2, $3) ON CONFLICT (run_id, "
			"layer) DO UPDATE SET rows = excluded.rows",
			args, 3, err));
	}
	return OK;
}

static status run_update(struct sql_conn *c, void *arg, struct err *err)
{
	const struct control_run *r = arg;
	const struct sql_arg args[] = {
		sql_text(r->run_id),
		sql_text(run_status_name(r->status)),
		sql_time(r->finished_at),
		sql_time(r->as_of),
		sql_date(r->date_min),
		sql_date(r->date_max),
		sql_count(r->raw_objects),
		sql_text(r->manifest_sha256),
		sql_text(r->dropped_by),
	};
	TRY(sql_exec(c,
		"UPDATE meta.run_records SET status = $2, finished_at = coalesce($3, finished_at), as_of = "
		"coalesce($4, as_of), date_min = coalesce($5, date_min), date_max = coalesce($6, date_max), "
		"raw_objects = coalesce($7, raw_objects), manifest_sha256 = coalesce($8, manifest_sha256), dropped_by "
		"= coalesce($9, dropped_by) WHERE run_id = $1",
		args, 9, err));
	return rows_put(c, r, err);
}

status control_run_update(
	struct control *c, const struct control_lease *l, const struct control_run *r, struct err *err)
{
	struct control_run copy = *r;
	return control_lease_transact(c, l, run_update, &copy, err);
}

struct run_reader {
	const char *run_id;
	struct arena *arena;
	struct control_run run;
	bool found, failed;
};

static const char *keep(struct run_reader *r, struct str s)
{
	if (s.p == NULL) return NULL;
	const char *copy = arena_strndup(r->arena, s.p, s.n);
	if (copy == NULL) r->failed = true;
	return copy;
}

static status run_row(void *arg, const struct sql_row *row, struct err *err)
{
	struct run_reader *r = arg;
	struct control_run *run = &r->run;
	control_run_init(run);
	r->found = true;
	run->run_id = keep(r, sql_col_str(row, 0));
	run->workload = keep(r, sql_col_str(row, 1));
	const struct str seed = sql_col_str(row, 2);
	for (size_t i = 0; i < seed.n; i++) run->seed = run->seed * 10 + (uint64_t)(seed.p[i] - '0');
	run->config_hash = keep(r, sql_col_str(row, 3));
	run->version = keep(r, sql_col_str(row, 4));
	run->git_sha = keep(r, sql_col_str(row, 5));
	run->date_min = sql_col_date(row, 6);
	run->date_max = sql_col_date(row, 7);
	run->as_of = sql_col_time(row, 8);
	if (!run_status_parse(sql_col_str(row, 9), &run->status))
		return fail(err, E_CORRUPT, "run %s has an unknown status", r->run_id);
	run->started_at = sql_col_time(row, 10);
	run->finished_at = sql_col_time(row, 11);
	run->executor = keep(r, sql_col_str(row, 12));
	run->executed_by = keep(r, sql_col_str(row, 13));
	run->attempts = sql_col_i64(row, 14, 0);
	run->raw_objects = sql_col_i64(row, 15, -1);
	run->manifest_sha256 = keep(r, sql_col_str(row, 16));
	run->spec = keep(r, sql_col_str(row, 17));
	run->dropped_by = keep(r, sql_col_str(row, 18));
	return r->failed ? fail_nomem(err) : OK;
}

static status run_read(struct sql_conn *c, void *arg, struct err *err)
{
	struct run_reader *r = arg;
	const struct sql_arg args[] = {sql_text(r->run_id)};
	const struct sql_stmt q = {"SELECT " RUN_COLUMNS
				   " FROM meta.run_records LEFT JOIN meta.run_specs USING (run_id) WHERE run_id = $1",
		args, 1};
	return sql_each(c, &q, run_row, r, err);
}

status control_run_get(
	struct control *c, const char *run_id, struct arena *arena, struct control_run *out, struct err *err)
{
	struct run_reader r = {.run_id = run_id, .arena = arena};
	TRY(control_read(c, run_read, &r, err));
	if (!r.found)
		return fail(err, E_NOT_FOUND, "no run %s in the control database %s (pqr runs list shows them)", run_id,
			c->conn->ops->place(c->conn));
	*out = r.run;
	return OK;
}
