/* control/postgres_run.c: runs and their leases.
 *
 * The fence: a transaction that writes into a run locks the run's lease row FOR KEY SHARE before it writes. Who takes the lease
 * over locks it FOR UPDATE, and so waits for such a transaction or is seen by it. The heartbeat's UPDATE of `expires`, which is no
 * key, goes past both: a publication that takes long does not lose its lease.
 */
#include <stdio.h>

#include "control/postgres_int.h"

/* ---- leases ------------------------------------------------------------------------------------------------------ */

#define LEASE_COLUMNS "SELECT run_id, owner, host, pid, since, expires FROM meta.leases WHERE run_id = $1 "

static void copy_text(char *dst, size_t size, struct str s)
{
	(void)snprintf(dst, size, "%.*s", (int)s.n, s.p != NULL ? s.p : "");
}

static status lease_find(struct control_postgres *s, const char *sql, const char *run_id, struct control_lease *out,
	bool *found, struct err *err)
{
	struct postgres_args a = {0};
	struct pg_result *r = NULL;
	postgres_arg_text(&a, run_id);
	const status code = postgres_exec(s, sql, &a, &r, err);
	postgres_args_deinit(&a);
	*found = code == OK && postgres_rows(r) > 0;
	if (*found) {
		copy_text(out->run_id, sizeof out->run_id, postgres_str(r, 0, 0));
		copy_text(out->owner, sizeof out->owner, postgres_str(r, 0, 1));
		copy_text(out->host, sizeof out->host, postgres_str(r, 0, 2));
		out->pid = postgres_i64(r, 0, 3, 0);
		out->since = postgres_i64(r, 0, 4, 0);
		out->expires = postgres_i64(r, 0, 5, 0);
	}
	postgres_clear(r);
	return code;
}

status postgres_lease_check(struct control_postgres *s, const struct control_lease *l, struct err *err)
{
	struct control_lease holder = {0};
	bool found;
	TRY(lease_find(s, LEASE_COLUMNS "FOR KEY SHARE", l->run_id, &holder, &found, err));
	if (!found)
		return fail(err, E_BUSY, "the lease of run %s is gone: another process took the run over and finished",
			l->run_id);
	if (strcmp(holder.owner, l->owner) != 0) return control_lease_refuse(&holder, err);
	return OK;
}

struct lease_call {
	struct control_lease *lease;
	int64_t now;
};

static void lease_args(struct postgres_args *a, const struct control_lease *l)
{
	postgres_arg_text(a, l->run_id);
	postgres_arg_text(a, l->owner);
	postgres_arg_text(a, l->host);
	postgres_arg_int(a, l->pid);
	postgres_arg_int(a, l->since);
	postgres_arg_int(a, l->expires);
}

/* INSERT first: it waits for another that inserts the same, and then finds its row. */
static status acquire(struct control_postgres *s, void *arg, struct err *err)
{
	const struct lease_call *c = arg;
	struct control_lease *l = c->lease;
	struct control_lease holder = {0};
	struct postgres_args a = {0};
	int64_t inserted = 0;
	bool found = false;
	l->since = c->now;
	l->expires = c->now + LEASE_TTL_US;
	lease_args(&a, l);
	TRY(postgres_run(s,
		"INSERT INTO meta.leases (run_id, owner, host, pid, since, expires) VALUES ($1, $2, $3, $4, $5, $6) "
		"ON CONFLICT DO NOTHING",
		&a, &inserted, err));
	if (inserted == 1) return OK;
	TRY(lease_find(s, LEASE_COLUMNS "FOR UPDATE", l->run_id, &holder, &found, err));
	if (!found)
		return fail(err, E_CONFLICT, "the lease of run %s was given up meanwhile", l->run_id); /* once more */
	const bool mine = strcmp(holder.owner, l->owner) == 0;
	if (!mine && holder.expires > c->now && control_lease_alive(&holder)) return control_lease_refuse(&holder, err);
	if (mine) l->since = holder.since;
	lease_args(&a, l);
	return postgres_run(s,
		"UPDATE meta.leases SET owner = $2, host = $3, pid = $4, since = $5, expires = $6 WHERE run_id = $1",
		&a, NULL, err);
}

status postgres_lease_acquire(struct control *c, struct control_lease *l, int64_t now, struct err *err)
{
	struct lease_call call = {l, now};
	return postgres_transact(postgres_of(c), acquire, &call, err);
}

static status renew(struct control_postgres *s, void *arg, struct err *err)
{
	const struct lease_call *c = arg;
	struct postgres_args a = {0};
	TRY(postgres_lease_check(s, c->lease, err));
	postgres_arg_int(&a, c->now + LEASE_TTL_US);
	postgres_arg_text(&a, c->lease->run_id);
	return postgres_run(s, "UPDATE meta.leases SET expires = $1 WHERE run_id = $2", &a, NULL, err);
}

status postgres_lease_renew(struct control *c, struct control_lease *l, int64_t now, struct err *err)
{
	struct lease_call call = {l, now};
	TRY(postgres_transact(postgres_of(c), renew, &call, err));
	l->expires = now + LEASE_TTL_US;
	return OK;
}

static status release(struct control_postgres *s, void *arg, struct err *err)
{
	const struct control_lease *l = arg;
	struct postgres_args a = {0};
	postgres_arg_text(&a, l->run_id);
	postgres_arg_text(&a, l->owner);
	return postgres_run(s, "DELETE FROM meta.leases WHERE run_id = $1 AND owner = $2", &a, NULL, err);
}

status postgres_lease_release(struct control *c, const struct control_lease *l, struct err *err)
{
	struct control_lease copy = *l;
	return postgres_transact(postgres_of(c), release, &copy, err);
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

struct run_call {
	const struct control_lease *lease;
	const struct control_run *run;
	int64_t attempts; /* before this one; -1 = not looked yet. The lease's holder alone counts them. */
};

static status run_insert(struct control_postgres *s, const struct run_call *c, struct err *err)
{
	const struct control_run *r = c->run;
	struct postgres_args a = {0};
	postgres_arg_text(&a, r->run_id);
	postgres_arg_text(&a, r->workload);
	postgres_arg_u64(&a, r->seed);
	postgres_arg_text(&a, r->config_hash);
	postgres_arg_text(&a, r->version);
	postgres_arg_text(&a, r->git_sha);
	postgres_arg_date(&a, r->date_min);
	postgres_arg_date(&a, r->date_max);
	postgres_arg_time(&a, r->as_of);
	postgres_arg_time(&a, r->started_at);
	postgres_arg_text(&a, r->executor);
	postgres_arg_text(&a, r->executed_by);
	postgres_arg_int(&a, c->attempts + 1);
	/* The first attempt's start stays; what a new attempt runs with replaces what the last one had. */
	return postgres_run(s,
		"INSERT INTO meta.runs (run_id, workload, seed, config_hash, version, git_sha, date_min, date_max, "
		"as_of, "
		"status, started_at, executor, executed_by, attempts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
		"'RUNNING', "
		"$10, $11, $12, $13) ON CONFLICT (run_id) DO UPDATE SET status = 'RUNNING', finished_at = NULL, "
		"attempts = excluded.attempts, version = excluded.version, git_sha = excluded.git_sha, "
		"executor = excluded.executor, executed_by = excluded.executed_by",
		&a, NULL, err);
}

static status run_begin(struct control_postgres *s, void *arg, struct err *err)
{
	struct run_call *c = arg;
	struct postgres_args a = {0};
	TRY(postgres_lease_check(s, c->lease, err));
	if (c->attempts < 0) {
		int64_t before = 0;
		postgres_arg_text(&a, c->run->run_id);
		TRY(postgres_one_i64(s, "SELECT attempts FROM meta.runs WHERE run_id = $1", &a, &before, err));
		c->attempts = before;
	}
	TRY(run_insert(s, c, err));
	postgres_arg_text(&a, c->run->run_id);
	postgres_arg_text(&a, c->run->spec != NULL ? c->run->spec : "{}");
	TRY(postgres_run(
		s, "INSERT INTO meta.run_specs (run_id, spec) VALUES ($1, $2) ON CONFLICT DO NOTHING", &a, NULL, err));
	postgres_arg_text(&a, c->run->run_id);
	return postgres_run(s,
		"UPDATE meta.tasks SET status = 'FAILED', error = 'the process ended' WHERE run_id = $1 AND status = "
		"'RUNNING'",
		&a, NULL, err);
}

status postgres_run_begin(
	struct control *c, const struct control_lease *l, const struct control_run *r, struct err *err)
{
	struct run_call call = {l, r, -1};
	return postgres_transact(postgres_of(c), run_begin, &call, err);
}

static status run_update(struct control_postgres *s, void *arg, struct err *err)
{
	const struct run_call *c = arg;
	const struct control_run *r = c->run;
	struct postgres_args a = {0};
	TRY(postgres_lease_check(s, c->lease, err));
	postgres_arg_text(&a, r->run_id);
	postgres_arg_text(&a, run_status_name(r->status));
	postgres_arg_time(&a, r->finished_at);
	postgres_arg_time(&a, r->as_of);
	postgres_arg_date(&a, r->date_min);
	postgres_arg_date(&a, r->date_max);
	postgres_arg_count(&a, r->raw_objects);
	postgres_arg_count(&a, r->raw_rows);
	postgres_arg_count(&a, r->bronze_rows);
	postgres_arg_count(&a, r->rejected_rows);
	postgres_arg_count(&a, r->silver_rows);
	postgres_arg_count(&a, r->gold_rows);
	postgres_arg_text(&a, r->manifest_sha256);
	postgres_arg_text(&a, r->dropped_by);
	return postgres_run(s,
		"UPDATE meta.runs SET status = $2, finished_at = coalesce($3, finished_at), as_of = coalesce($4, "
		"as_of), "
		"date_min = coalesce($5, date_min), date_max = coalesce($6, date_max), raw_objects = coalesce($7, "
		"raw_objects), "
		"raw_rows = coalesce($8, raw_rows), bronze_rows = coalesce($9, bronze_rows), rejected_rows = "
		"coalesce($10, "
		"rejected_rows), silver_rows = coalesce($11, silver_rows), gold_rows = coalesce($12, gold_rows), "
		"manifest_sha256 = coalesce($13, manifest_sha256), dropped_by = coalesce($14, dropped_by) WHERE run_id "
		"= $1",
		&a, NULL, err);
}

status postgres_run_update(
	struct control *c, const struct control_lease *l, const struct control_run *r, struct err *err)
{
	struct run_call call = {l, r, -1};
	return postgres_transact(postgres_of(c), run_update, &call, err);
}

struct run_reader {
	const char *run_id;
	struct arena *arena;
	struct control_run run;
	bool found, failed;
};

static const char *keep(struct run_reader *reader, struct str s)
{
	if (s.p == NULL) return NULL;
	const char *copy = arena_strndup(reader->arena, s.p, s.n);
	if (copy == NULL) reader->failed = true;
	return copy;
}

static int32_t date_or_none(struct str s)
{
	int32_t date = INT32_MIN;
	return s.p != NULL && date_parse(s, &date) ? date : INT32_MIN;
}

static status run_take(struct run_reader *reader, const struct pg_result *r, struct err *err)
{
	struct control_run *run = &reader->run;
	control_run_init(run);
	run->run_id = keep(reader, postgres_str(r, 0, 0));
	run->workload = keep(reader, postgres_str(r, 0, 1));
	const struct str seed = postgres_str(r, 0, 2);
	for (size_t i = 0; i < seed.n; i++) run->seed = run->seed * 10 + (uint64_t)(seed.p[i] - '0');
	run->config_hash = keep(reader, postgres_str(r, 0, 3));
	run->version = keep(reader, postgres_str(r, 0, 4));
	run->git_sha = keep(reader, postgres_str(r, 0, 5));
	run->date_min = date_or_none(postgres_str(r, 0, 6));
	run->date_max = date_or_none(postgres_str(r, 0, 7));
	run->as_of = postgres_time(r, 0, 8);
	if (!run_status_parse(postgres_str(r, 0, 9), &run->status))
		return fail(err, E_CORRUPT, "run %s has an unknown status", reader->run_id);
	run->started_at = postgres_time(r, 0, 10);
	run->finished_at = postgres_time(r, 0, 11);
	run->executor = keep(reader, postgres_str(r, 0, 12));
	run->executed_by = keep(reader, postgres_str(r, 0, 13));
	run->attempts = postgres_i64(r, 0, 14, 0);
	run->raw_objects = postgres_i64(r, 0, 15, -1);
	run->raw_rows = postgres_i64(r, 0, 16, -1);
	run->bronze_rows = postgres_i64(r, 0, 17, -1);
	run->rejected_rows = postgres_i64(r, 0, 18, -1);
	run->silver_rows = postgres_i64(r, 0, 19, -1);
	run->gold_rows = postgres_i64(r, 0, 20, -1);
	run->manifest_sha256 = keep(reader, postgres_str(r, 0, 21));
	run->spec = keep(reader, postgres_str(r, 0, 22));
	run->dropped_by = keep(reader, postgres_str(r, 0, 23));
	return reader->failed ? fail_nomem(err) : OK;
}

static status run_read(struct control_postgres *s, void *arg, struct err *err)
{
	struct run_reader *reader = arg;
	struct postgres_args a = {0};
	struct pg_result *r = NULL;
	postgres_arg_text(&a, reader->run_id);
	status code = postgres_exec(s,
		"SELECT run_id, workload, seed, config_hash, version, git_sha, date_min, date_max, as_of, status, "
		"started_at, "
		"finished_at, executor, executed_by, attempts, raw_objects, raw_rows, bronze_rows, rejected_rows, "
		"silver_rows, "
		"gold_rows, manifest_sha256, spec, dropped_by FROM meta.runs LEFT JOIN meta.run_specs USING (run_id) "
		"WHERE run_id "
		"= $1",
		&a, &r, err);
	postgres_args_deinit(&a);
	reader->found = code == OK && postgres_rows(r) > 0;
	if (reader->found) code = run_take(reader, r, err);
	postgres_clear(r);
	return code;
}

status postgres_run_get(
	struct control *c, const char *run_id, struct arena *arena, struct control_run *out, struct err *err)
{
	struct run_reader reader = {.run_id = run_id, .arena = arena};
	TRY(postgres_read(postgres_of(c), run_read, &reader, err));
	if (!reader.found)
		return fail(err, E_NOT_FOUND, "no run %s in the control database %s (pqr runs list shows them)", run_id,
			postgres_of(c)->place);
	*out = reader.run;
	return OK;
}
