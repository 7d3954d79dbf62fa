/* control/sqlite_run.c: runs and their leases. */
#include "control/sqlite_int.h"

#include <stdio.h>

/* ---- leases ------------------------------------------------------------------------------------------------------ */

struct held {
	struct control_lease lease;
	bool found;
};

static void copy_text(char *dst, size_t size, struct str s)
{
	(void)snprintf(dst, size, "%.*s", (int)s.n, s.p != NULL ? s.p : "");
}

static status held_row(void *arg, struct sqlite3_stmt *row, struct err *err)
{
	struct held *h = arg;
	(void)err;
	h->found = true;
	copy_text(h->lease.run_id, sizeof h->lease.run_id, sqlite_col_str(row, 0));
	copy_text(h->lease.owner, sizeof h->lease.owner, sqlite_col_str(row, 1));
	copy_text(h->lease.host, sizeof h->lease.host, sqlite_col_str(row, 2));
	h->lease.pid = sqlite_col_i64(row, 3, 0);
	h->lease.since = sqlite_col_i64(row, 4, 0);
	h->lease.expires = sqlite_col_i64(row, 5, 0);
	return OK;
}

static status lease_find(struct control_sqlite *s, const char *run_id, struct held *out, struct err *err)
{
	const struct sqlite_arg args[] = {sqlite_text(run_id)};
	const struct sqlite_select q = {
		"SELECT run_id, owner, host, pid, since, expires FROM meta_leases WHERE run_id = ?", args, 1};
	*out = (struct held){0};
	return sqlite_each(s, &q, held_row, out, err);
}

status sqlite_lease_check(struct control_sqlite *s, const struct control_lease *l, struct err *err)
{
	struct held h;
	ASSERT(sqlite_in_transaction(s)); /* what is found must stand until what relies on it is committed */
	TRY(lease_find(s, l->run_id, &h, err));
	if (!h.found)
		return fail(err, E_BUSY, "the lease of run %s is gone: another process took the run over and finished",
			l->run_id);
	if (strcmp(h.lease.owner, l->owner) != 0) return control_lease_refuse(&h.lease, err);
	return OK;
}

status sqlite_lease_begin(struct control_sqlite *s, const struct control_lease *l, struct err *err)
{
	TRY(sqlite_begin(s, err));
	const status code = sqlite_lease_check(s, l, err);
	return code == OK ? OK : sqlite_end(s, code, err);
}

static status acquire(struct control_sqlite *s, struct control_lease *l, int64_t now, struct err *err)
{
	struct held h;
	TRY(lease_find(s, l->run_id, &h, err));
	const bool mine = h.found && strcmp(h.lease.owner, l->owner) == 0;
	if (h.found && !mine && h.lease.expires > now && control_lease_alive(&h.lease))
		return control_lease_refuse(&h.lease, err);
	l->since = mine ? h.lease.since : now;
	l->expires = now + LEASE_TTL_US;
	const struct sqlite_arg args[] = {
		sqlite_text(l->run_id),
		sqlite_text(l->owner),
		sqlite_text(l->host),
		sqlite_int(l->pid),
		sqlite_int(l->since),
		sqlite_int(l->expires),
	};
	return sqlite_run(s, "INSERT OR REPLACE INTO meta_leases VALUES (?, ?, ?, ?, ?, ?)", args, 6, NULL, err);
}

status sqlite_lease_acquire(struct control *c, struct control_lease *l, int64_t now, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c);
	TRY(sqlite_begin(s, err));
	return sqlite_end(s, acquire(s, l, now, err), err);
}

static status renew(struct control_sqlite *s, struct control_lease *l, int64_t now, struct err *err)
{
	TRY(sqlite_lease_check(s, l, err));
	const struct sqlite_arg args[] = {sqlite_int(now + LEASE_TTL_US), sqlite_text(l->run_id)};
	TRY(sqlite_run(s, "UPDATE meta_leases SET expires = ? WHERE run_id = ?", args, 2, NULL, err));
	l->expires = now + LEASE_TTL_US;
	return OK;
}

status sqlite_lease_renew(struct control *c, struct control_lease *l, int64_t now, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c);
	TRY(sqlite_begin(s, err));
	return sqlite_end(s, renew(s, l, now, err), err);
}

status sqlite_lease_release(struct control *c, const struct control_lease *l, struct err *err)
{
	const struct sqlite_arg args[] = {sqlite_text(l->run_id), sqlite_text(l->owner)};
	return sqlite_run(sqlite_of(c), "DELETE FROM meta_leases WHERE run_id = ? AND owner = ?", args, 2, NULL, err);
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

/* Integers only up to int64: a larger seed is kept as its decimal text (the column has no type). */
static struct sqlite_arg seed_arg(uint64_t seed, char room[24])
{
	if (seed <= INT64_MAX) return sqlite_int((int64_t)seed);
	(void)snprintf(room, 24, "%llu", (unsigned long long)seed);
	return sqlite_text(room);
}

static status run_insert(struct control_sqlite *s, const struct control_run *r, struct err *err)
{
	struct sqlite_time at[4];
	char seed[24];
	const struct sqlite_arg args[] = {
		sqlite_text(r->run_id),
		sqlite_text(r->workload),
		seed_arg(r->seed, seed),
		sqlite_text(r->config_hash),
		sqlite_text(r->version),
		sqlite_text(r->git_sha),
		sqlite_date(r->date_min, &at[0]),
		sqlite_date(r->date_max, &at[1]),
		sqlite_time(r->as_of, &at[2]),
		sqlite_time(r->started_at, &at[3]),
		sqlite_text(r->executor),
		sqlite_text(r->executed_by),
	};
	/* The first attempt's start stays; what a new attempt runs with replaces what the last one had. */
	TRY(sqlite_run(s,
		"INSERT INTO meta_runs (run_id, workload, seed, config_hash, version, git_sha, date_min, date_max, "
		"as_of, status, started_at,"
		" executor, executed_by, attempts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'RUNNING', ?10, ?11, "
		"?12, 1)"
		" ON CONFLICT (run_id) DO UPDATE SET status = 'RUNNING', finished_at = NULL, attempts = attempts + 1, "
		"version = ?5, git_sha = ?6,"
		" executor = ?11, executed_by = ?12",
		args, 12, NULL, err));
	const struct sqlite_arg spec[] = {sqlite_text(r->run_id), sqlite_text(r->spec != NULL ? r->spec : "{}")};
	TRY(sqlite_run(s, "INSERT OR IGNORE INTO meta_run_specs VALUES (?, ?)", spec, 2, NULL, err));
	return sqlite_run(s,
		"UPDATE meta_tasks SET status = 'FAILED', error = 'the process ended' WHERE run_id = ? AND status = "
		"'RUNNING'",
		spec, 1, NULL, err);
}

status sqlite_run_begin(struct control *c, const struct control_lease *l, const struct control_run *r, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c);
	TRY(sqlite_lease_begin(s, l, err));
	return sqlite_end(s, run_insert(s, r, err), err);
}

static status run_set(struct control_sqlite *s, const struct control_run *r, struct err *err)
{
	struct sqlite_time at[4];
	const struct sqlite_arg args[] = {
		sqlite_text(r->run_id),
		sqlite_text(run_status_name(r->status)),
		sqlite_time(r->finished_at, &at[0]),
		sqlite_time(r->as_of, &at[1]),
		sqlite_date(r->date_min, &at[2]),
		sqlite_date(r->date_max, &at[3]),
		sqlite_count(r->raw_objects),
		sqlite_count(r->raw_rows),
		sqlite_count(r->bronze_rows),
		sqlite_count(r->rejected_rows),
		sqlite_count(r->silver_rows),
		sqlite_count(r->gold_rows),
		sqlite_text(r->manifest_sha256),
		sqlite_text(r->dropped_by),
	};
	return sqlite_run(s,
		"UPDATE meta_runs SET status = ?2, finished_at = coalesce(?3, finished_at), as_of = coalesce(?4, "
		"as_of), date_min = coalesce(?5, date_min),"
		" date_max = coalesce(?6, date_max), raw_objects = coalesce(?7, raw_objects), raw_rows = coalesce(?8, "
		"raw_rows),"
		" bronze_rows = coalesce(?9, bronze_rows), rejected_rows = coalesce(?10, rejected_rows), silver_rows = "
		"coalesce(?11, silver_rows),"
		" gold_rows = coalesce(?12, gold_rows), manifest_sha256 = coalesce(?13, manifest_sha256), dropped_by = "
		"coalesce(?14, dropped_by) WHERE run_id = ?1",
		args, 14, NULL, err);
}

status sqlite_run_update(struct control *c, const struct control_lease *l, const struct control_run *r, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c);
	TRY(sqlite_lease_begin(s, l, err));
	return sqlite_end(s, run_set(s, r, err), err);
}

struct run_reader {
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

static int64_t time_or_none(struct str s)
{
	int64_t us = INT64_MIN;
	return s.p != NULL && time_parse(s, &us) ? us : INT64_MIN;
}

static int32_t date_or_none(struct str s)
{
	int32_t date = INT32_MIN;
	return s.p != NULL && date_parse(s, &date) ? date : INT32_MIN;
}

static status run_row(void *arg, struct sqlite3_stmt *row, struct err *err)
{
	struct run_reader *r = arg;
	struct control_run *run = &r->run;
	control_run_init(run);
	r->found = true;
	run->run_id = keep(r, sqlite_col_str(row, 0));
	run->workload = keep(r, sqlite_col_str(row, 1));
	const struct str seed = sqlite_col_str(row, 2);
	for (size_t i = 0; i < seed.n; i++) run->seed = run->seed * 10 + (uint64_t)(seed.p[i] - '0');
	run->config_hash = keep(r, sqlite_col_str(row, 3));
	run->version = keep(r, sqlite_col_str(row, 4));
	run->git_sha = keep(r, sqlite_col_str(row, 5));
	run->date_min = date_or_none(sqlite_col_str(row, 6));
	run->date_max = date_or_none(sqlite_col_str(row, 7));
	run->as_of = time_or_none(sqlite_col_str(row, 8));
	if (!run_status_parse(sqlite_col_str(row, 9), &run->status))
		return fail(err, E_CORRUPT, "run %s has an unknown status", run->run_id);
	run->started_at = time_or_none(sqlite_col_str(row, 10));
	run->finished_at = time_or_none(sqlite_col_str(row, 11));
	run->executor = keep(r, sqlite_col_str(row, 12));
	run->executed_by = keep(r, sqlite_col_str(row, 13));
	run->attempts = sqlite_col_i64(row, 14, 0);
	run->raw_objects = sqlite_col_i64(row, 15, -1);
	run->raw_rows = sqlite_col_i64(row, 16, -1);
	run->bronze_rows = sqlite_col_i64(row, 17, -1);
	run->rejected_rows = sqlite_col_i64(row, 18, -1);
	run->silver_rows = sqlite_col_i64(row, 19, -1);
	run->gold_rows = sqlite_col_i64(row, 20, -1);
	run->manifest_sha256 = keep(r, sqlite_col_str(row, 21));
	run->spec = keep(r, sqlite_col_str(row, 22));
	run->dropped_by = keep(r, sqlite_col_str(row, 23));
	return r->failed ? fail_nomem(err) : OK;
}

status sqlite_run_get(
	struct control *c, const char *run_id, struct arena *arena, struct control_run *out, struct err *err)
{
	struct run_reader r = {.arena = arena};
	const struct sqlite_arg args[] = {sqlite_text(run_id)};
	const struct sqlite_select q = {"SELECT run_id, workload, seed, config_hash, version, git_sha, date_min, "
					"date_max, as_of, status, started_at, finished_at, executor,"
					" executed_by, attempts, raw_objects, raw_rows, bronze_rows, rejected_rows, "
					"silver_rows, gold_rows, manifest_sha256, spec, dropped_by"
					" FROM meta_runs LEFT JOIN meta_run_specs USING (run_id) WHERE run_id = ?",
		args, 1};
	TRY(sqlite_each(sqlite_of(c), &q, run_row, &r, err));
	if (!r.found)
		return fail(err, E_NOT_FOUND, "no run %s in the control database %s (pqr runs list shows them)", run_id,
			sqlite_of(c)->path);
	*out = r.run;
	return OK;
}
