#include "../check.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "control/control.h"

#define RUN "11111111-1111-4111-8111-111111111111"
#define NOW INT64_C(1800000000000000)

struct plane {
	char dir[64], path[96], uri[110];
	struct control *c;
	struct err err;
};

static void plane_make(struct plane *p)
{
	*p = (struct plane){0};
	(void)check_tmpdir(p->dir);
	(void)snprintf(p->path, sizeof p->path, "%s/control.db", p->dir);
	(void)snprintf(p->uri, sizeof p->uri, "sqlite:%s", p->path);
}

static void plane_open(struct plane *p)
{
	plane_make(p);
	CHECK_OK(&p->err, control_open(p->uri, &p->c, &p->err));
}

static void plane_close(struct plane *p)
{
	control_close(p->c);
	check_rmdir(p->dir);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* Behind the control plane's back. */
static void by_hand(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static status text_visit(void *arg, const struct control_value *v, size_t n, struct err *err)
{
	struct buf *out = arg;
	(void)err;
	for (size_t i = 0; i < n; i++) {
		if (i > 0) buf_char(out, '|');
		if (v[i].kind == CONTROL_INT) buf_i64(out, v[i].i);
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

/* ---- opening --------------------------------------------------------------------------------------------------------- */

/* It can't be opened, with this code, and the one line names the file and holds `has`. */
static void refuses(struct plane *p, status code, const char *has)
{
	struct control *c = NULL;
	CHECK_FAILS(code, control_open(p->uri, &c, &p->err));
	assert_null(c);
	if (strstr(p->err.message, has) == NULL || strstr(p->err.message, p->path) == NULL)
		fail_msg("message: %s", p->err.message);
	assert_null(strchr(p->err.message, '\n'));
}

static void test_open_refuses(void **state)
{
	(void)state;
	struct plane p;
	struct control *c = NULL;
	char garbage[8192];
	plane_make(&p);
	CHECK_FAILS(E_UNSUPPORTED, control_open("postgresql://user@host/db", &c, &p.err));
	CHECK_FAILS(E_USAGE, control_open("mysql:x", &c, &p.err));
	CHECK_FAILS(E_USAGE, control_open("sqlite:", &c, &p.err));
	assert_int_equal(mkdir(p.path, 0777), 0);
	refuses(&p, E_IO, "directory is in the way");
	assert_int_equal(rmdir(p.path), 0);
	for (size_t i = 0; i < sizeof garbage; i++) garbage[i] = (char)(i * 7 + 13);
	write_file(p.path, garbage, sizeof garbage);
	refuses(&p, E_CORRUPT, "not a SQLite database");
	assert_int_equal(unlink(p.path), 0);
	by_hand(p.path, "CREATE TABLE cats (name)");
	refuses(&p, E_CORRUPT, "something else");
	assert_int_equal(unlink(p.path), 0);
	(void)snprintf(p.uri, sizeof p.uri, "sqlite:%s/none/control.db", p.dir);
	(void)snprintf(p.path, sizeof p.path, "%s/none/control.db", p.dir);
	refuses(&p, E_NOT_FOUND, "cannot open");
	check_rmdir(p.dir);
}

static void test_open_damaged_newer_and_read_only(void **state)
{
	(void)state;
	struct plane p;
	struct control *c = NULL;
	char head[4096];
	plane_open(&p);
	control_close(p.c);
	CHECK_OK(&p.err, control_open(p.uri, &p.c, &p.err)); /* a second time: migrated already */
	control_close(p.c);
	by_hand(p.path, "INSERT INTO meta_migrations VALUES (999, 'later', '')");
	refuses(&p, E_UNSUPPORTED, "schema version 999");
	by_hand(p.path, "DELETE FROM meta_migrations WHERE version = 999");
	if (geteuid() != 0) { /* root writes anywhere */
		assert_int_equal(chmod(p.path, 0444), 0);
		refuses(&p, E_IO, "read-only");
		assert_int_equal(chmod(p.path, 0644), 0);
	}
	/* The first page's tree is overwritten. */
	FILE *f = fopen(p.path, "r+b");
	assert_non_null(f);
	assert_int_equal(fread(head, 1, sizeof head, f), sizeof head);
	memset(head + 100, 0xff, sizeof head - 100);
	rewind(f);
	assert_int_equal(fwrite(head, 1, sizeof head, f), sizeof head);
	assert_int_equal(fclose(f), 0);
	CHECK_FAILS(E_CORRUPT, control_open(p.uri, &c, &p.err));
	check_rmdir(p.dir);
}

/* Several processes create the same database at once: all succeed, and it is migrated once. */
static void test_created_by_several(void **state)
{
	(void)state;
	struct plane p;
	enum { N = 6 };
	pid_t pids[N];
	plane_make(&p);
	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] != 0) continue;
		struct control *c = NULL;
		const status code = control_open(p.uri, &c, &p.err);
		if (code != OK) (void)fprintf(stderr, "%s\n", p.err.message);
		control_close(c);
		_exit(code == OK ? 0 : 1);
	}
	for (int i = 0; i < N; i++) {
		int end;
		assert_int_equal(waitpid(pids[i], &end, 0), pids[i]);
		assert_true(WIFEXITED(end) && WEXITSTATUS(end) == 0);
	}
	CHECK_OK(&p.err, control_open(p.uri, &p.c, &p.err));
	query_is(&p, &(struct control_select){.sql = "SELECT count(*) FROM meta.migrations"}, "1\n");
	query_is(&p, &(struct control_select){.sql = "SELECT page_size FROM pragma_page_size()"}, "16384\n");
	plane_close(&p);
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
	by_hand(p.path, "UPDATE meta_leases SET host = 'elsewhere', owner = 'elsewhere:1:x/1/y'");
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
	CHECK_I64(got.raw_rows, -1);
	CHECK_I64(got.attempts, 1);
	assert_null(got.version);
	assert_string_equal(got.spec, "{\"a\":1}");
	r.started_at = NOW + 5;
	CHECK_OK(&p.err, control_run_begin(p.c, &l, &r, &p.err));
	struct control_run end;
	control_run_init(&end);
	end.run_id = RUN;
	end.status = RUN_DEGRADED;
	end.raw_rows = 12;
	CHECK_OK(&p.err, control_run_update(p.c, &l, &end, &p.err));
	CHECK_OK(&p.err, control_run_get(p.c, RUN, &arena, &got, &p.err));
	CHECK_I64(got.attempts, 2);
	CHECK_I64(got.started_at, NOW); /* the first attempt's */
	CHECK_I64(got.status, RUN_DEGRADED);
	CHECK_I64(got.raw_rows, 12);
	CHECK_I64(got.date_min, 20000);
	arena_deinit(&arena);
	plane_close(&p);
}

static void test_query(void **state)
{
	(void)state;
	struct plane p;
	const char *const params[] = {"x", NULL};
	static const char *const bad[] = {
		"DELETE FROM meta.runs",
		"SELECT 1; DELETE FROM meta_runs",
		"CREATE TABLE t (a)",
		"PRAGMA journal_mode = DELETE",
		"SELECT nothing",
		"",
		"INSERT INTO meta_runs (run_id) VALUES (1) RETURNING run_id",
		"ATTACH ':memory:' AS m",
	};
	plane_open(&p);
	query_is(&p, &(struct control_select){"SELECT $1, $2 IS NULL, $1 || '!'", params, 2}, "x|1|x!\n");
	/* Names of schemas become prefixes; texts, quoted names and longer names do not change. */
	query_is(&p,
		&(struct control_select){.sql = "SELECT count(*), 'meta.runs', 1 AS \"gold.x\" FROM meta.runs AS r "
						"WHERE r.run_id <> 'gold.'"},
		"0|meta.runs|1\n");
	query_is(&p, &(struct control_select){.sql = "SELECT meta_runs.run_id FROM meta.runs"}, "");
	query_is(&p,
		&(struct control_select){
			.sql = "SELECT count(*) FROM meta.etl_runs UNION ALL SELECT count(*) FROM meta.data_quality"},
		"0\n0\n");
	struct buf out;
	buf_init(&out, 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const struct control_select q = {.sql = bad[i]};
		if (control_query(p.c, &q, text_visit, &out, &p.err) != E_USAGE) fail_msg("accepted: %s", bad[i]);
	}
	CHECK_FAILS(
		E_USAGE, control_query(p.c, &(struct control_select){"SELECT 1", params, 1}, text_visit, &out, &p.err));
	buf_deinit(&out);
	plane_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_refuses),
		cmocka_unit_test(test_open_damaged_newer_and_read_only),
		cmocka_unit_test(test_created_by_several),
		cmocka_unit_test(test_lease_is_exclusive),
		cmocka_unit_test(test_lease_of_a_dead_process),
		cmocka_unit_test(test_heartbeat_starts_and_stops),
		cmocka_unit_test(test_run_round_trip),
		cmocka_unit_test(test_query),
	};
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
