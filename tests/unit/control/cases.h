/* tests/unit/control/cases.h: what every control plane must do, whatever holds it. A program defines plane_make, plane_erase and by_hand
 * before it includes this. */
#ifndef PQR_TESTS_CONTROL_CASES_H
#define PQR_TESTS_CONTROL_CASES_H

#include "../check.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "control/control.h"
#include "control/plane_tables.h"
#include "control/schedule.h"

#define RUN "11111111-1111-4111-8111-111111111111"
#define OTHER "22222222-2222-4222-8222-222222222222"
#define NOW INT64_C(1800000000000000)

struct plane {
	char dir[64], path[96], uri[320];
	struct control *c;
	struct err err;
};

static void plane_make(struct plane *p);                     /* an empty place, and its URI */
static void plane_erase(struct plane *p);                    /* nothing is left of it */
static void by_hand(const struct plane *p, const char *sql); /* behind the control plane's back; tables as meta.x */

static inline void plane_open(struct plane *p)
{
	plane_make(p);
	CHECK_OK(&p->err, control_open(p->uri, &p->c, &p->err));
}

/* Six processes open the plane at once, and all succeed. */
static inline void plane_open_by_several(struct plane *p)
{
	enum { N = 6 };
	pid_t pids[N];
	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] != 0) continue;
		struct control *c = NULL;
		const status code = control_open(p->uri, &c, &p->err);
		if (code != OK) (void)fprintf(stderr, "%s\n", p->err.message);
		control_close(c);
		_exit(code == OK ? 0 : 1);
	}
	for (int i = 0; i < N; i++) {
		int end;
		assert_int_equal(waitpid(pids[i], &end, 0), pids[i]);
		assert_true(WIFEXITED(end) && WEXITSTATUS(end) == 0);
	}
}

static inline void plane_close(struct plane *p)
{
	control_close(p->c);
	plane_erase(p);
}

static status text_visit(void *arg, const struct control_value *v, size_t n, struct err *err)
{
	struct buf *out = arg;
	(void)err;
	for (size_t i = 0; i < n; i++) {
		if (i > 0) buf_char(out, '|');
		if (v[i].kind == CONTROL_INT) buf_i64(out, v[i].i);
		if (v[i].kind == CONTROL_REAL) buf_printf(out, "%.10g", v[i].real);
		if (v[i].kind == CONTROL_TEXT) buf_add(out, v[i].text.p, v[i].text.n);
	}
	buf_char(out, '\n');
	return OK;
}

static void query_is(struct plane *p, const struct control_select *q, const char *want)
{
	struct buf out;
	buf_init(&out, 0);
	CHECK_OK(&p->err, control_query(p->c, q, text_visit, &out, &p->err));
	buf_char(&out, '\0');
	assert_string_equal((const char *)out.p, want);
	buf_deinit(&out);
}

/* ---- leases ---------------------------------------------------------------------------------------------------------- */

static void test_lease_is_exclusive(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease a, b;
	plane_open(&p);
	control_lease_init(&a, RUN);
	control_lease_init(&b, RUN);
	assert_string_not_equal(a.owner, b.owner);
	CHECK_OK(&p.err, control_lease_acquire(p.c, &a, NOW, &p.err));
	CHECK_FAILS(E_BUSY, control_lease_acquire(p.c, &b, NOW + 1, &p.err));
	char pid[32];
	(void)snprintf(pid, sizeof pid, "process %ld on", (long)getpid());
	assert_non_null(strstr(p.err.message, pid));
	assert_non_null(strstr(p.err.message, "since 2027-01-15T08:00:00Z"));
	assert_non_null(strstr(p.err.message, "ends at 2027-01-15T08:00:30Z"));
	/* Renewed: still held when the first term is over. */
	CHECK_OK(&p.err, control_lease_renew(p.c, &a, NOW + LEASE_TTL_US - 1, &p.err));
	CHECK_FAILS(E_BUSY, control_lease_acquire(p.c, &b, NOW + LEASE_TTL_US + 1, &p.err));
	/* Expired: b has it, and a is refused everything. */
	CHECK_OK(&p.err, control_lease_acquire(p.c, &b, NOW + 3 * LEASE_TTL_US, &p.err));
	CHECK_FAILS(E_BUSY, control_lease_renew(p.c, &a, NOW + 3 * LEASE_TTL_US, &p.err));
	struct control_run r;
	control_run_init(&r);
	r.run_id = RUN;
	r.workload = "w";
	CHECK_FAILS(E_BUSY, control_run_begin(p.c, &a, &r, &p.err));
	CHECK_OK(&p.err, control_run_begin(p.c, &b, &r, &p.err));
	r.status = RUN_SUCCESS;
	CHECK_FAILS(E_BUSY, control_run_update(p.c, &a, &r, &p.err));
	CHECK_FAILS(
		E_BUSY, control_stage_commit(p.c, &a,
				&(struct control_stage){.run_id = RUN, .name = "raw", .committed_at = NOW}, &p.err));
	CHECK_FAILS(E_BUSY, control_quality_put(p.c, &a,
				    &(struct control_quality_layer){.layer = "raw", .checked_at = NOW}, &p.err));
	CHECK_FAILS(E_BUSY,
		control_task_finish(p.c, &a,
			&(struct control_task){.run_id = RUN, .stage = "raw", .task_id = "t", .finished_at = NOW},
			&p.err));
	struct control_publish *publish = NULL;
	CHECK_FAILS(E_BUSY, control_publish_begin(p.c, &a, &publish, &p.err));
	assert_null(publish);
	query_is(&p, &(struct control_select){.sql = "SELECT status, attempts FROM meta.runs"}, "RUNNING|1\n");
	CHECK_OK(&p.err, control_lease_release(p.c, &a, &p.err)); /* not its own any more: b keeps it */
	CHECK_FAILS(E_BUSY, control_lease_acquire(p.c, &a, NOW + 3 * LEASE_TTL_US, &p.err));
	CHECK_OK(&p.err, control_lease_release(p.c, &b, &p.err));
	CHECK_FAILS(E_BUSY, control_run_update(p.c, &b, &r, &p.err));
	CHECK_OK(&p.err, control_lease_acquire(p.c, &a, NOW + 3 * LEASE_TTL_US, &p.err));
	plane_close(&p);
}

/* A holder that was killed on this host is not waited for. */
static void test_lease_of_a_dead_process(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease mine;
	int ready[2];
	char byte;
	plane_make(&p);
	assert_int_equal(pipe(ready), 0);
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct control_lease l;
		control_lease_init(&l, RUN);
		const bool ok =
			control_open(p.uri, &p.c, &p.err) == OK && control_lease_acquire(p.c, &l, NOW, &p.err) == OK;
		if (write(ready[1], ok ? "y" : "n", 1) != 1) _exit(1);
		for (;;) (void)pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	CHECK_OK(&p.err, control_open(p.uri, &p.c, &p.err));
	control_lease_init(&mine, RUN);
	CHECK_FAILS(E_BUSY, control_lease_acquire(p.c, &mine, NOW + 1, &p.err)); /* alive */
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	CHECK_OK(&p.err, control_lease_acquire(p.c, &mine, NOW + 2, &p.err));
	/* A holder elsewhere may live: its lease counts until it expires. */
	by_hand(&p, "UPDATE meta.leases SET host = 'elsewhere', owner = 'elsewhere:1:x/1/y'");
	CHECK_FAILS(E_BUSY, control_lease_acquire(p.c, &mine, NOW + 3, &p.err));
	assert_non_null(strstr(p.err.message, "on elsewhere"));
	CHECK_OK(&p.err, control_lease_acquire(p.c, &mine, NOW + 2 + LEASE_TTL_US, &p.err));
	(void)close(ready[0]);
	(void)close(ready[1]);
	plane_close(&p);
}

static void test_heartbeat_starts_and_stops(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	struct control_heartbeat *h = NULL;
	plane_open(&p);
	control_lease_init(&l, RUN);
	CHECK_OK(&p.err, control_lease_acquire(p.c, &l, NOW, &p.err));
	CHECK_OK(&p.err, control_heartbeat_start(p.c, &l, &h, &p.err));
	assert_false(control_heartbeat_lost(h));
	const int64_t before = time_mono_us();
	control_heartbeat_stop(h); /* at once, not at the next beat */
	assert_true(time_mono_us() - before < 2000000);
	control_heartbeat_stop(NULL);
	plane_close(&p);
}

/* ---- records --------------------------------------------------------------------------------------------------------- */

static void test_run_round_trip(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	struct control_run r, got;
	struct arena arena;
	plane_open(&p);
	arena_init(&arena, 0);
	control_lease_init(&l, RUN);
	CHECK_OK(&p.err, control_lease_acquire(p.c, &l, NOW, &p.err));
	control_run_init(&r);
	r.run_id = RUN;
	r.workload = "pqrs";
	r.seed = UINT64_MAX; /* over int64: kept all the same */
	r.config_hash = "abc";
	r.date_min = 20000;
	r.started_at = NOW;
	r.spec = "{\"a\":1}";
	CHECK_FAILS(E_NOT_FOUND, control_run_get(p.c, RUN, &arena, &got, &p.err));
	CHECK_OK(&p.err, control_run_begin(p.c, &l, &r, &p.err));
	CHECK_OK(&p.err, control_run_get(p.c, RUN, &arena, &got, &p.err));
	assert_true(got.seed == UINT64_MAX);
	CHECK_I64(got.date_min, 20000);
	CHECK_I64(got.date_max, INT32_MIN);
	CHECK_I64(got.as_of, INT64_MIN);
	CHECK_I64(got.started_at, NOW);
	CHECK_I64(got.raw_objects, -1);
	CHECK_I64(got.attempts, 1);
	assert_null(got.version);
	assert_string_equal(got.spec, "{\"a\":1}");
	r.started_at = NOW + 5;
	CHECK_OK(&p.err, control_run_begin(p.c, &l, &r, &p.err));
	static const struct control_layer_rows layers[] = {{"raw", 7}, {"other", 8}};
	struct control_run end;
	control_run_init(&end);
	end.run_id = RUN;
	end.status = RUN_DEGRADED;
	end.raw_objects = 12;
	end.rows = layers;
	end.n_rows = 2;
	assert_null(got.dropped_by);
	end.dropped_by = "77777777-7777-4777-8777-777777777777";
	CHECK_OK(&p.err, control_run_update(p.c, &l, &end, &p.err));
	CHECK_OK(&p.err, control_run_get(p.c, RUN, &arena, &got, &p.err));
	CHECK_I64(got.attempts, 2);
	CHECK_I64(got.started_at, NOW); /* the first attempt's */
	CHECK_I64(got.status, RUN_DEGRADED);
	CHECK_I64(got.raw_objects, 12);
	query_is(&p, &(struct control_select){.sql = "SELECT raw_rows, gold_rows FROM meta.runs"}, "7|\n");
	query_is(&p, &(struct control_select){.sql = "SELECT layer, rows FROM meta.run_rows ORDER BY layer DESC"},
		"raw|7\nother|8\n");
	assert_string_equal(got.dropped_by, end.dropped_by);
	CHECK_I64(got.date_min, 20000);
	arena_deinit(&arena);
	plane_close(&p);
}

/* A database of the version before had the rows in columns of meta.runs. */
static void test_rows_by_layer_of_before(void **state)
{
	(void)state;
	static const char *const undo[] = {
		"DROP TABLE meta.schedules",
		"DROP VIEW meta.etl_runs",
		"DROP VIEW meta.runs",
		"DROP TABLE meta.run_rows",
		"ALTER TABLE meta.run_records RENAME TO runs",
		"ALTER TABLE meta.runs ADD COLUMN raw_rows bigint",
		"ALTER TABLE meta.runs ADD COLUMN bronze_rows bigint",
		"ALTER TABLE meta.runs ADD COLUMN rejected_rows bigint",
		"ALTER TABLE meta.runs ADD COLUMN silver_rows bigint",
		"ALTER TABLE meta.runs ADD COLUMN gold_rows bigint",
		"CREATE VIEW meta.etl_runs AS SELECT run_id, raw_rows FROM meta.runs",
		"INSERT INTO meta.runs (run_id, workload, status, attempts, raw_rows, gold_rows) VALUES ('" RUN
		"', 'w', 'SUCCESS', 3, 11, 22)",
	};
	struct plane p;
	plane_open(&p);
	const bool server = control_is_server(p.c);
	control_close(p.c);
	by_hand(&p, server ? "DROP TABLE realtime.offsets, realtime.late_events"
			   : "DROP TABLE realtime_offsets; DROP TABLE realtime_late_events");
	for (size_t i = 0; i < sizeof undo / sizeof undo[0]; i++)
		by_hand(&p, !server && strstr(undo[i], "RENAME") != NULL
				    ? "ALTER TABLE meta.run_records RENAME TO meta.runs"
				    : undo[i]);
	by_hand(&p, server ? "DELETE FROM meta.schema_migrations WHERE version >= 6"
			   : "DELETE FROM meta.migrations WHERE version >= 4");
	CHECK_OK(&p.err, control_open(p.uri, &p.c, &p.err));
	query_is(&p,
		&(struct control_select){.sql = "SELECT attempts, raw_rows, bronze_rows, rejected_rows, silver_rows, "
						"gold_rows FROM meta.runs"},
		"3|11||||22\n");
	query_is(&p, &(struct control_select){.sql = "SELECT layer, rows FROM meta.run_rows ORDER BY layer"},
		"gold|22\nraw|11\n");
	query_is(&p, &(struct control_select){.sql = "SELECT records_read, records_written FROM meta.etl_runs"},
		"11|22\n");
	plane_close(&p);
}

/* What a query may be, and what it gives, in the SQL that both databases read. */
static void test_query(void **state)
{
	(void)state;
	struct plane p;
	const char *const params[] = {"x", NULL};
	static const char *const bad[] = {
		"DELETE FROM meta.runs",
		"SELECT 1; DELETE FROM meta.runs",
		"CREATE TABLE t (a INTEGER)",
		"PRAGMA journal_mode = DELETE",
		"SELECT nothing",
		"SELECT 1 FROM meta.nothing",
		"",
		"INSERT INTO meta.run_specs (run_id, spec) VALUES ('1', '{}') RETURNING run_id",
		"ATTACH ':memory:' AS m",
	};
	plane_open(&p);
	query_is(&p, &(struct control_select){"SELECT $1, $2 IS NULL, $1 || '!'", params, 2}, "x|1|x!\n");
	/* Texts and quoted names stay as they are. */
	query_is(&p,
		&(struct control_select){.sql = "SELECT count(*), 'meta.runs', 1 AS \"gold.x\" FROM meta.runs AS r "
						"WHERE r.run_id <> 'gold.'"},
		"0|meta.runs|1\n");
	query_is(&p,
		&(struct control_select){
			.sql = "SELECT count(*) FROM meta.etl_runs UNION ALL SELECT count(*) FROM meta.data_quality"},
		"0\n0\n");
	query_is(&p,
		&(struct control_select){
			.sql = "SELECT ROUND(100.0 * 2 / 3, 2), 7 * 6, CAST(NULL AS TEXT), 'a' IS DISTINCT FROM NULL"},
		"66.67|42||1\n");
	struct buf out;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const struct control_select q = {.sql = bad[i]};
		if (control_query(p.c, &q, text_visit, &out, &p.err) != E_USAGE)
			fail_msg("accepted: %s: %s", bad[i], p.err.message);
	}
	CHECK_FAILS(
		E_USAGE, control_query(p.c, &(struct control_select){"SELECT 1", params, 1}, text_visit, &out, &p.err));
	/* None of it left the connection in a bad state. */
	query_is(&p, &(struct control_select){.sql = "SELECT count(*) FROM meta.run_specs"}, "0\n");
	buf_deinit(&out);
	plane_close(&p);
}

/* Both databases have the columns that are told of meta.*, and they can be compared as what they are told to be. */
static void test_plane_tables(void **state)
{
	(void)state;
	struct plane p;
	plane_open(&p);
	for (size_t i = 0; i < control_plane_tables_n; i++) {
		const struct table_schema *t = &control_plane_tables[i];
		struct buf sql;
		buf_init(&sql, 0);
		buf_str(&sql, "SELECT count(*) FROM (SELECT ");
		for (size_t k = 0; k < t->n_columns; k++)
			buf_printf(&sql, "%s\"%s\"", k > 0 ? ", " : "", t->columns[k].name);
		buf_printf(&sql, " FROM meta.%s) AS t", t->name);
		buf_char(&sql, '\0');
		query_is(&p, &(struct control_select){.sql = (const char *)sql.p}, "0\n");
		buf_deinit(&sql);
	}
	plane_close(&p);
}

/* A text asked again, with other values, behind many others, and after its table has become another, hides nothing of that. */
static void test_query_again(void **state)
{
	static const struct control_select all = {.sql = "SELECT * FROM meta.again"};
	(void)state;
	struct plane p;
	plane_open(&p);
	by_hand(&p, "CREATE TABLE meta.again (a INTEGER); INSERT INTO meta.again VALUES (1)");
	query_is(&p, &all, "1\n");
	for (int i = 0; i < 100; i++) {
		char sql[64], want[64], value[16];
		const char *const params[] = {value};
		(void)snprintf(value, sizeof value, "v%d", i);
		(void)snprintf(sql, sizeof sql, "SELECT CAST($1 AS TEXT), %d", i % 40);
		(void)snprintf(want, sizeof want, "v%d|%d\n", i, i % 40);
		query_is(&p, &(struct control_select){sql, params, 1}, want);
		if (i % 7 == 0) query_is(&p, &all, "1\n");
	}
	by_hand(&p, "DROP TABLE meta.again; CREATE TABLE meta.again (a INTEGER, b INTEGER); INSERT INTO meta.again "
		    "VALUES (2, 3)");
	query_is(&p, &all, "2|3\n");
	plane_close(&p);
}

static status ask_visit(void *arg, const struct control_value *v, size_t n, struct err *err)
{
	static const struct control_select again = {.sql = "SELECT 1 UNION ALL SELECT 2"};
	struct plane *p = arg;
	(void)v, (void)n;
	return control_query(p->c, &again, ask_visit, p, err);
}

/* A visitor that asks the connection that calls it is a fault of ours, told at once: it neither hangs nor begins the query anew. */
static void test_query_in_query(void **state)
{
	(void)state;
	struct plane p;
	int end;
	plane_make(&p);
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct control_value none = {.name = ""};
		const bool opened = control_open(p.uri, &p.c, &p.err) == OK && freopen("/dev/null", "w", stderr);
		_exit(opened && ask_visit(&p, &none, 1, &p.err) == OK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &end, 0), pid);
	assert_true(WIFSIGNALED(end) && WTERMSIG(end) == SIGABRT);
	plane_erase(&p);
}

/* A query that never ends, and one that does after it, on the same connection. */
static void test_query_limit(void **state)
{
	static const struct control_select endless = {
		.sql = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT 1 - n FROM t) SELECT count(*) FROM t"};
	(void)state;
	struct plane p;
	struct buf out;
	plane_open(&p);
	buf_init(&out, 0);
	control_limit_queries(p.c, 200);
	const int64_t began = time_mono_us();
	CHECK_FAILS(E_LIMIT, control_query(p.c, &endless, text_visit, &out, &p.err));
	assert_int_equal(p.err.class, ERR_RETRY);
	const int64_t us = time_mono_us() - began;
	if (us < 200000 || us > 10000000) fail_msg("it took %lld us", (long long)us);
	query_is(&p, &(struct control_select){.sql = "SELECT count(*) FROM meta.run_specs"}, "0\n");
	buf_deinit(&out);
	plane_close(&p);
}

/* ---- stages, tasks, quality ------------------------------------------------------------------------------------------ */

static inline void hold(struct plane *p, struct control_lease *l, const char *run_id)
{
	struct control_run r;
	control_lease_init(l, run_id);
	CHECK_OK(&p->err, control_lease_acquire(p->c, l, NOW, &p->err));
	control_run_init(&r);
	r.run_id = run_id;
	r.workload = "w";
	r.started_at = NOW;
	CHECK_OK(&p->err, control_run_begin(p->c, l, &r, &p->err));
}

static status result_is(void *arg, struct str task_id, struct str hash, struct str result, struct err *err)
{
	struct buf *out = arg;
	(void)err;
	buf_printf(out, "%.*s %.*s %.*s;", (int)task_id.n, task_id.p, (int)hash.n, hash.p, (int)result.n, result.p);
	return OK;
}

static inline void results_are(struct plane *p, const char *want)
{
	struct buf out;
	buf_init(&out, 0);
	CHECK_OK(&p->err, control_task_results(p->c, RUN, "raw", result_is, &out, &p->err));
	buf_char(&out, '\0');
	assert_string_equal((const char *)out.p, want);
	buf_deinit(&out);
}

static void test_tasks_and_stages(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	int64_t attempt = 0, counts[3];
	plane_open(&p);
	hold(&p, &l, RUN);
	struct control_task t = {
		.run_id = RUN, .stage = "raw", .task_id = "b", .worker = "thread-0", .started_at = NOW};
	CHECK_OK(&p.err, control_task_start(p.c, &t, &attempt, &p.err));
	CHECK_I64(attempt, 1);
	t.attempt = attempt;
	t.finished_at = NOW + 1;
	t.error = "cut \xc3"; /* a message may end within a character */
	CHECK_OK(&p.err, control_task_finish(p.c, &l, &t, &p.err));
	CHECK_OK(&p.err, control_task_start(p.c, &t, &attempt, &p.err));
	CHECK_I64(attempt, 2);
	t.attempt = attempt;
	t.error = NULL;
	t.rows_out = 5;
	t.spec_hash = STR("h");
	t.result = STR("{\"x\":\"it's\"}");
	CHECK_OK(&p.err, control_task_finish(p.c, &l, &t, &p.err));
	t.task_id = "a";
	t.attempt = 1;
	CHECK_OK(&p.err, control_task_finish(p.c, &l, &t, &p.err));
	results_are(&p, "a h {\"x\":\"it's\"};b h {\"x\":\"it's\"};");
	query_is(&p,
		&(struct control_select){
			.sql = "SELECT task_id, attempt, status, rows_out FROM meta.tasks ORDER BY attempt"},
		"b|1|FAILED|0\nb|2|SUCCESS|5\n");
	const struct control_quality checks[] = {{"raw.x", "one", "CRITICAL", "PASS", "1", "1", "d", 1},
		{"raw.x", "two", "WARNING", "WARN", "", "", "", 0}};
	const struct control_quality_layer layer = {"raw", checks, 2, NOW};
	for (int twice = 0; twice < 2; twice++) CHECK_OK(&p.err, control_quality_put(p.c, &l, &layer, &p.err));
	CHECK_OK(&p.err, control_quality_counts(p.c, RUN, counts, &p.err));
	CHECK_I64(counts[0], 1);
	CHECK_I64(counts[1], 1);
	CHECK_I64(counts[2], 0);
	const struct control_dataset whole = {"raw.x", "raw", "x/", "w/v1", "v", 5, 50, 3, true};
	const struct control_edge edge = {"in", "1", "raw.x", NULL};
	const struct control_stage stage = {.run_id = RUN,
		.name = "raw",
		.location = "k",
		.sha256 = "s",
		.n_tasks = 2,
		.us = 1500000,
		.rows_out = 5,
		.committed_at = NOW + 2,
		.datasets = &whole,
		.n_datasets = 1,
		.edges = &edge,
		.n_edges = 1};
	for (int twice = 0; twice < 2; twice++) CHECK_OK(&p.err, control_stage_commit(p.c, &l, &stage, &p.err));
	results_are(&p, "");
	struct control_stage got;
	CHECK_FAILS(E_NOT_FOUND, control_stage_get(p.c, RUN, "gold", &got, &p.err));
	CHECK_OK(&p.err, control_stage_get(p.c, RUN, "raw", &got, &p.err));
	CHECK_I64(got.committed_at, NOW + 2);
	CHECK_I64(got.us, 1500000);
	query_is(&p,
		&(struct control_select){
			.sql = "SELECT name, rows, bytes, delta_version, updated_at FROM meta.datasets"},
		"raw.x|5|50|3|2027-01-15T08:00:00.000002Z\n");
	query_is(&p, &(struct control_select){.sql = "SELECT input, output, output_version FROM meta.lineage"},
		"in|raw.x|\n");
	CHECK_OK(&p.err, control_stage_forget(p.c, &l, "raw", &p.err));
	CHECK_FAILS(E_NOT_FOUND, control_stage_get(p.c, RUN, "raw", &got, &p.err));
	plane_close(&p);
}

/* ---- publishing ------------------------------------------------------------------------------------------------------ */

static const struct column_def all_columns[] = {
	{.name = "id", .type = COL_STRING, .key = true, .id = true, .description = "it's a key"},
	{.name = "n32", .type = COL_INT32, .nullable = true},
	{.name = "n64", .type = COL_INT64},
	{.name = "money", .type = COL_DECIMAL, .precision = 18, .scale = 3},
	{.name = "yes", .type = COL_BOOL},
	{.name = "day", .type = COL_DATE},
	{.name = "at", .type = COL_TIMESTAMP, .nullable = true},
	{.name = "kind", .type = COL_STRING, .nullable = true},
	{.name = "run_id", .type = COL_STRING, .partition = true},
};
static const struct table_schema all_types = {.name = "all_types",
	.layer = "gold",
	.contract = "w/v1",
	.description = "every type that is published",
	.columns = all_columns,
	.n_columns = 9};

/* n rows, made from `seed`, in buffers of their own. */
struct rows {
	struct builder b[8];
	struct column columns[8];
	struct batch batch;
};

/* Of a row with an odd text: ids of rows 0 and 1, and their kind; p == NULL: as the others. */
static struct str odd_ids[2], odd_kind;

static inline void rows_make(struct rows *r, int64_t n, int64_t seed)
{
	uint8_t *bits = calloc((size_t)n / 8 + 1, 1);
	for (size_t i = 0; i < 8; i++) {
		struct column_def def = all_columns[i];
		if (def.type == COL_BOOL) def.type = COL_INT32; /* no builder of bits */
		builder_init(&r->b[i], &def, i == 7);
	}
	for (int64_t row = 0; row < n; row++) {
		char id[32];
		(void)snprintf(id, sizeof id, "id-%08lld", (long long)row);
		const bool odd = row < 2 && odd_ids[row].p != NULL;
		builder_set_str(&r->b[0], row, odd ? odd_ids[row] : str_of(id));
		if (row % 3 != 0) builder_set_i32(&r->b[1], row, (int32_t)(seed - row));
		builder_set_i64(&r->b[2], row, seed * row);
		builder_set_i64(&r->b[3], row, row % 2 == 0 ? seed * 1000 + row * 37 : -row);
		builder_set_i32(&r->b[4], row, 0);
		if (row % 2 == 1) bit_set(bits, row);
		builder_set_i32(&r->b[5], row, (int32_t)(row - 5));
		if (row % 4 != 1) builder_set_i64(&r->b[6], row, NOW + row);
		if (odd)
			builder_set_str(&r->b[7], row, odd_kind);
		else if (row % 5 != 2)
			builder_set_str(
				&r->b[7], row, row % 2 == 0 ? STR("ni\xc3\xb1o") : STR("'; DROP TABLE x; --\n\t\\"));
	}
	for (size_t i = 0; i < 8; i++) assert_int_equal(builder_finish(&r->b[i], n, &r->columns[i], NULL), OK);
	r->columns[4].type = COL_BOOL;
	r->columns[4].values = bits;
	r->columns[3].scale = 3;
	r->batch = (struct batch){.schema = &all_types, .n_columns = 8, .columns = r->columns, .n_rows = n};
}

static inline void rows_free(struct rows *r)
{
	free((void *)(uintptr_t)r->columns[4].values);
	for (size_t i = 0; i < 8; i++) builder_deinit(&r->b[i]);
}

/* Everything up to the commit. */
static inline status stage_rows(
	struct plane *p, const struct control_lease *l, int64_t n, int64_t seed, struct control_publish **out)
{
	struct rows r;
	int64_t rows = -1;
	const char *const partitions[] = {l->run_id};
	struct control_publish *publish = NULL;
	status code = control_publish_begin(p->c, l, &publish, &p->err);
	if (code != OK) return code;
	rows_make(&r, n, seed);
	code = control_publish_table(publish, &(const struct control_table){.schema = &all_types}, &p->err);
	if (code == OK) code = control_publish_batch(publish, &r.batch, partitions, &p->err);
	if (code == OK) code = control_publish_table_end(publish, &rows, &p->err);
	if (code == OK && rows != n) fail_msg("%lld rows of %lld", (long long)rows, (long long)n);
	if (code == OK)
		code = control_publish_view(publish, "analytics.v_kinds",
			"SELECT kind, CAST(COUNT(*) AS BIGINT) AS n FROM gold.all_types GROUP BY kind", &p->err);
	rows_free(&r);
	if (code != OK) control_publish_destroy(publish);
	if (code == OK) *out = publish;
	return code;
}

static inline status publish_rows(struct plane *p, const struct control_lease *l, int64_t n, int64_t seed)
{
	struct control_publish *publish = NULL;
	const struct control_stage stage = {
		.run_id = l->run_id, .name = "publish", .rows_out = n, .committed_at = time_now_us()};
	const struct control_quality check = {"gold.all_types", "published_rows", "CRITICAL", "PASS", "", "", "", n};
	const struct control_quality_layer layer = {"publish", &check, 1, NOW};
	status code = stage_rows(p, l, n, seed, &publish);
	if (code != OK) return code;
	code = control_publish_commit(publish, &stage, &layer, &p->err);
	control_publish_destroy(publish);
	return code;
}

#define ALL_ROWS "SELECT id, n32, n64, money, yes, day, at, kind FROM gold.all_types ORDER BY id"

static void test_publish(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease a, b;
	plane_open(&p);
	hold(&p, &a, RUN);
	hold(&p, &b, OTHER);
	CHECK_OK(&p.err, publish_rows(&p, &a, 6, 2));
	static const char six[] =
		"id-00000000||0|2|0|1969-12-27|2027-01-15T08:00:00.000000Z|ni\xc3\xb1o\n"
		"id-00000001|1|2|-0.001|1|1969-12-28||'; DROP TABLE x; --\n\t\\\n"
		"id-00000002|0|4|2.074|0|1969-12-29|2027-01-15T08:00:00.000002Z|\n"
		"id-00000003||6|-0.003|1|1969-12-30|2027-01-15T08:00:00.000003Z|'; DROP TABLE x; --\n\t\\\n"
		"id-00000004|-2|8|2.148|0|1969-12-31|2027-01-15T08:00:00.000004Z|ni\xc3\xb1o\n"
		"id-00000005|-3|10|-0.005|1|1970-01-01||'; DROP TABLE x; --\n\t\\\n";
	query_is(&p, &(struct control_select){.sql = ALL_ROWS}, six);
	CHECK_OK(&p.err, publish_rows(&p, &a, 6, 2)); /* once more: the same */
	query_is(&p, &(struct control_select){.sql = ALL_ROWS}, six);
	query_is(&p, &(struct control_select){.sql = "SELECT n FROM analytics.v_kinds ORDER BY n"}, "1\n2\n3\n");
	/* Another run takes their place; what is staged but not committed changes nothing. */
	CHECK_OK(&p.err, publish_rows(&p, &b, 40, 3));
	struct control_publish *publish = NULL;
	CHECK_OK(&p.err, stage_rows(&p, &a, 7, 1, &publish));
	control_publish_destroy(publish);
	query_is(&p, &(struct control_select){.sql = "SELECT count(*), min(run_id), max(run_id) FROM gold.all_types"},
		"40|" OTHER "|" OTHER "\n");
	query_is(&p,
		&(struct control_select){
			.sql = "SELECT layer, record_count FROM meta.quality_checks ORDER BY record_count"},
		"publish|6\npublish|40\n");
	/* An owner whose lease was taken over while it staged can't commit. */
	CHECK_OK(&p.err, stage_rows(&p, &a, 7, 1, &publish));
	if (publish != NULL) {
		control_publish_destroy(publish);
		by_hand(&p,
			"UPDATE meta.leases SET owner = 'elsewhere:1:x/1/y', host = 'elsewhere' WHERE run_id = '" RUN
			"'");
		CHECK_FAILS(E_BUSY, publish_rows(&p, &a, 7, 1));
	}
	query_is(&p, &(struct control_select){.sql = "SELECT count(*) FROM gold.all_types"}, "40\n");
	plane_close(&p);
}

/* A text of any length is a key, and what a text can't hold in PostgreSQL is in no plane: both hold the same. */
static void test_publish_odd_texts(void **state)
{
	(void)state;
	enum { LONG = 100000 };
	struct plane p;
	struct control_lease l;
	static char ids[2][LONG];
	plane_open(&p);
	hold(&p, &l, RUN);
	uint32_t seed = 1;
	for (size_t i = 0; i < LONG; i++) { /* nothing that a database could compress; a backslash and quotes too */
		seed = seed * 1664525 + 1013904223;
		ids[0][i] = ids[1][i] = (char)(' ' + (seed >> 16) % 95);
	}
	ids[1][LONG - 1] ^= 1; /* unlike at their very end */
	odd_kind = (struct str){"a\0b\xff", 4};
	static const char odd[] =
		"SELECT count(*), min(length(id)), max(length(id)), count(DISTINCT id) FROM gold.all_types";
	for (int round = 0; round < 2; round++) { /* the table is made; it stands, with another key */
		odd_ids[0] = odd_ids[1] = (struct str){NULL, 0};
		if (round == 1) CHECK_OK(&p.err, publish_rows(&p, &l, 5, 2));
		for (int i = 0; i < 2; i++) odd_ids[i] = (struct str){ids[i], LONG};
		for (int again = 0; again < 2; again++) {
			CHECK_OK(&p.err, publish_rows(&p, &l, 5, 2 + again));
			query_is(&p, &(struct control_select){.sql = odd}, "5|11|100000|5\n");
		}
		query_is(&p,
			&(struct control_select){.sql = "SELECT count(*) FROM gold.all_types WHERE id = $1",
				.params = (const char *const[]){"id-00000003"},
				.n_params = 1},
			"1\n");
		query_is(&p,
			&(struct control_select){
				.sql = "SELECT DISTINCT kind FROM gold.all_types WHERE length(id) > 11"},
			"a\xef\xbf\xbd"
			"b\xef\xbf\xbd\n");
		/* A key is still unique. */
		odd_ids[1] = odd_ids[0];
		if (control_is_server(p.c)) assert_int_not_equal(publish_rows(&p, &l, 5, 9), OK);
		query_is(&p, &(struct control_select){.sql = odd}, "5|11|100000|5\n");
	}
	odd_ids[0] = odd_ids[1] = (struct str){NULL, 0};
	CHECK_OK(&p.err, publish_rows(&p, &l, 5, 2));
	query_is(&p, &(struct control_select){.sql = odd}, "5|11|11|5\n");
	plane_close(&p);
}

#include "cases_parts.h" /* over the rows and planes above */
#include "cases_schedules.h"

#define CONTROL_CASES                                                                                     \
	cmocka_unit_test(test_lease_is_exclusive), cmocka_unit_test(test_lease_of_a_dead_process),        \
		cmocka_unit_test(test_heartbeat_starts_and_stops), cmocka_unit_test(test_run_round_trip), \
		cmocka_unit_test(test_rows_by_layer_of_before), cmocka_unit_test(test_query),             \
		cmocka_unit_test(test_query_again), cmocka_unit_test(test_plane_tables),                  \
		cmocka_unit_test(test_query_limit), cmocka_unit_test(test_query_in_query),                \
		cmocka_unit_test(test_tasks_and_stages), cmocka_unit_test(test_publish),                  \
		cmocka_unit_test(test_publish_odd_texts), cmocka_unit_test(test_parts),                   \
		cmocka_unit_test(test_parts_changes), cmocka_unit_test(test_parts_changes_far),           \
		cmocka_unit_test(test_parts_given_up), cmocka_unit_test(test_parts_killed),               \
		cmocka_unit_test(test_schedules)

#endif
