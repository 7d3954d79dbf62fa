/* app/metrics.c: metrics as a table of queries: the last column is the value, those before it are labels.
 *
 * A workload adds its own (struct workload_metric). A metric without a row is left out with its head.
 */
#include "app/metrics.h"

#include <stdio.h>

#include "base/time.h"
#include "base/vec.h"
#include "flow/commit.h"
#include "workloads/registry.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Runs that count: not those that were taken out of their history. */
#define OF_RUNS " JOIN meta.run_records r ON r.run_id = c.run_id WHERE r.dropped_by IS NULL"
/* Of each workload the run that was begun last. */
#define OF_NEWEST                                                                                              \
	" JOIN meta.run_records r ON r.run_id = c.run_id WHERE r.started_at = (SELECT MAX(x.started_at) FROM " \
	"meta.run_records x WHERE x.workload = r.workload)"

struct metric {
	const char *name, *type, *help, *sql;
	const char *server_sql; /* NULL: the same */
};

static const struct metric metrics[] = {
	{"pqr_run_duration_seconds", "gauge", "seconds that each stage of the newest run took",
		"SELECT r.workload, c.stage, c.us / 1e6 AS value FROM meta.stage_commits c" OF_NEWEST " ORDER BY 1, 2",
		NULL},
	{"pqr_stage_records_total", "counter", "rows that the stages of all runs read and wrote",
		"SELECT r.workload, c.stage, 'in' AS direction, SUM(c.rows_in) AS value FROM meta.stage_commits "
		"c" OF_RUNS " GROUP BY 1, 2 UNION ALL SELECT r.workload, c.stage, 'out', SUM(c.rows_out) FROM "
		"meta.stage_commits c" OF_RUNS " GROUP BY 1, 2 ORDER BY 1, 2, 3",
		NULL},
	{"pqr_stage_bytes_total", "counter", "bytes that the stages of all runs read and wrote",
		"SELECT r.workload, c.stage, 'in' AS direction, SUM(c.bytes_in) AS value FROM meta.stage_commits "
		"c" OF_RUNS " GROUP BY 1, 2 UNION ALL SELECT r.workload, c.stage, 'out', SUM(c.bytes_out) FROM "
		"meta.stage_commits c" OF_RUNS " GROUP BY 1, 2 ORDER BY 1, 2, 3",
		NULL},
	{"pqr_task_failures_total", "counter", "attempts at tasks that failed",
		"SELECT stage, SUM(CASE WHEN error IS NOT NULL THEN 1 ELSE 0 END) AS value FROM meta.tasks GROUP BY "
		"stage "
		"ORDER BY 1",
		NULL},
	{"pqr_task_retries_total", "counter", "attempts at tasks after the first",
		"SELECT stage, SUM(CASE WHEN attempt > 1 THEN 1 ELSE 0 END) AS value FROM meta.tasks GROUP BY stage "
		"ORDER BY 1",
		NULL},
	{"pqr_quality_checks", "gauge", "quality checks of the newest run by result",
		"SELECT r.workload, c.layer, LOWER(c.result) AS result, COUNT(*) AS value FROM meta.quality_checks "
		"c" OF_NEWEST " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
		NULL},
	{"pqr_last_run_status", "gauge", "1 for the status of the newest run",
		"SELECT workload, LOWER(status) AS status, 1 AS value FROM meta.run_records r WHERE started_at = "
		"(SELECT "
		"MAX(x.started_at) FROM meta.run_records x WHERE x.workload = r.workload) ORDER BY 1",
		NULL},
	{"pqr_last_success_timestamp_seconds", "gauge",
		"when a run last ended well (SUCCESS or DEGRADED), seconds since 1970",
		"SELECT workload, CAST(STRFTIME('%s', MAX(finished_at)) AS INTEGER) AS value FROM meta.run_records "
		"WHERE "
		"status IN ('SUCCESS', 'DEGRADED') GROUP BY workload ORDER BY 1",
		"SELECT workload, CAST(EXTRACT(EPOCH FROM MAX(finished_at)) AS bigint) AS value FROM meta.run_records "
		"WHERE "
		"status IN ('SUCCESS', 'DEGRADED') GROUP BY workload ORDER BY 1"},
	{"pqr_leases_expired", "gauge", "leases whose holder did not renew them: killed, or cut off",
		"SELECT COUNT(*) AS value FROM meta.leases WHERE expires < CAST($1 AS bigint)", NULL},
	{"pqr_schedule_failures_total", "counter", "commands of a schedule that failed",
		"SELECT name AS schedule, failures AS value FROM meta.schedules ORDER BY 1", NULL},
	{"pqr_schedule_runs_total", "counter", "commands of a schedule that ended",
		"SELECT name AS schedule, runs AS value FROM meta.schedules ORDER BY 1", NULL},
};

struct writer {
	struct buf *out;
	const char *name, *type, *help;
	bool headed;
};

static void label_text(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' || s.p[i] == '"') buf_char(out, '\\');
		if (s.p[i] == '\n')
			buf_str(out, "\\n");
		else
			buf_char(out, s.p[i]);
	}
}

static void head(struct writer *w)
{
	if (!w->headed) buf_printf(w->out, "# HELP %s %s\n# TYPE %s %s\n", w->name, w->help, w->name, w->type);
	w->headed = true;
	buf_str(w->out, w->name);
}

/* One sample; a value that is NULL is none. */
static status sample(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct writer *w = arg;
	const struct control_value *value = &values[n - 1];
	(void)err;
	ASSERT(n > 0);
	if (value->kind == CONTROL_NULL) return OK;
	head(w);
	for (size_t i = 0; i + 1 < n; i++) {
		buf_printf(w->out, "%s%s=\"", i == 0 ? "{" : ",", values[i].name);
		label_text(w->out, values[i].text);
		buf_str(w->out, i + 2 == n ? "\"}" : "\"");
	}
	buf_char(w->out, ' ');
	if (value->kind == CONTROL_INT)
		buf_i64(w->out, value->i);
	else if (value->kind == CONTROL_REAL)
		buf_printf(w->out, "%.10g", value->real);
	else
		buf_add(w->out, value->text.p, value->text.n); /* a decimal of the server's */
	buf_char(w->out, '\n');
	return OK;
}

static status of_engine(struct session *s, struct buf *out, struct err *err)
{
	char now[24];
	const char *params[] = {now};
	const bool server = control_is_server(s->control);
	(void)snprintf(now, sizeof now, "%lld", (long long)time_now_us());
	for (size_t i = 0; i < N_OF(metrics); i++) {
		const struct metric *m = &metrics[i];
		struct writer w = {out, m->name, m->type, m->help, false};
		const struct control_select q = {server && m->server_sql != NULL ? m->server_sql : m->sql, params,
			strstr(m->sql, "$1") != NULL ? 1 : 0};
		TRY(control_query(s->control, &q, sample, &w, err));
	}
	return OK;
}

/* ---- rejects: their reasons stand in the commits of the stages that found them ---------------------------------------- */

struct reasons {
	struct session *session;
	struct arena arena, locations_arena;
	struct {
		const char **items;
		size_t n, cap;
	} locations;
	struct counter_list sums;
};

static status location_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct reasons *r = arg;
	(void)n;
	if (values[0].kind != CONTROL_TEXT) return OK;
	if (!VEC_ROOM_IN(&r->locations_arena, &r->locations, 1)) return fail_nomem(err);
	const char *copy = arena_strndup(&r->locations_arena, values[0].text.p, values[0].text.n);
	if (copy == NULL) return fail_nomem(err);
	r->locations.items[r->locations.n++] = copy;
	return OK;
}

static status reasons_of_commit(struct reasons *r, const char *location, struct err *err)
{
	static const char prefix[] = "rejects:";
	struct commit commit;
	arena_reset(&r->arena);
	const status code = commit_load(r->session->lake, location, &r->arena, &commit, err);
	if (code == E_NOT_FOUND) { /* a rebuild is making it again */
		err_clear(err);
		return OK;
	}
	TRY(code);
	for (size_t i = 0; i < commit.counters.n; i++) {
		const struct counter *c = &commit.counters.items[i];
		if (strncmp(c->name, prefix, sizeof prefix - 1) != 0) continue;
		if (!counter_add(&r->sums, c->name + sizeof prefix - 1, c->value)) return fail_nomem(err);
	}
	return OK;
}

static status reasons_read(struct reasons *r, struct err *err)
{
	static const struct control_select q = {.sql = "SELECT c.location FROM meta.stage_commits c JOIN "
						       "meta.run_records r ON r.run_id = c.run_id JOIN "
						       "meta.run_rows l ON l.run_id = c.run_id WHERE r.dropped_by IS "
						       "NULL AND l.layer = 'rejected' AND l.rows "
						       "> 0 ORDER BY r.started_at, c.ordinal"};
	TRY(control_query(r->session->control, &q, location_row, r, err));
	for (size_t i = 0; i < r->locations.n; i++) TRY(reasons_of_commit(r, r->locations.items[i], err));
	return OK;
}

static status of_rejects(struct session *s, struct buf *out, struct err *err)
{
	struct reasons r = {.session = s};
	struct writer w = {
		out, "pqr_rejected_records_total", "counter", "raw lines that broke the contract, by reason", false};
	arena_init(&r.arena, 0);
	arena_init(&r.locations_arena, 0);
	r.sums.arena = &r.locations_arena;
	const status code = reasons_read(&r, err);
	for (size_t i = 0; code == OK && i < r.sums.n; i++) {
		const struct control_value values[] = {
			{.name = "reason", .kind = CONTROL_TEXT, .text = str_of(r.sums.items[i].name)},
			{.name = "value", .kind = CONTROL_INT, .i = r.sums.items[i].value}};
		(void)sample(&w, values, N_OF(values), err);
	}
	arena_deinit(&r.arena);
	arena_deinit(&r.locations_arena);
	return code;
}

/* ---- a workload's own -------------------------------------------------------------------------------------------------- */

static status count_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	(void)n;
	(void)err;
	*(bool *)arg = values[0].kind == CONTROL_INT && values[0].i > 0;
	return OK;
}

static status published(struct session *s, const char *table, bool *out, struct err *err)
{
	const struct control_select q = {"SELECT COUNT(*) FROM meta.published_parts WHERE name = $1", &table, 1};
	return control_query(s->control, &q, count_row, out, err);
}

static status of_workload(struct session *s, const struct workload *w, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < w->n_metrics; i++) {
		const struct workload_metric *m = &w->metrics[i];
		struct writer writer = {out, m->name, "gauge", m->help, false};
		const struct control_select q = {.sql = m->sql};
		bool there = false;
		TRY(published(s, m->table, &there, err));
		if (there) TRY(control_query(s->control, &q, sample, &writer, err));
	}
	return OK;
}

status metrics_collect(struct session *s, struct buf *out, struct err *err)
{
	ASSERT(s->lake != NULL && s->control != NULL);
	TRY(of_engine(s, out, err));
	TRY(of_rejects(s, out, err));
	for (size_t i = 0; i < registry_workloads.n; i++) TRY(of_workload(s, registry_workloads.items[i], out, err));
	return buf_check(out, err);
}
