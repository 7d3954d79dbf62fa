/* The control plane in PostgreSQL, on a server of this test's own. */
#include <pthread.h>

#include "../poll.h"
#include "base/thread.h"
#include "postgres_roles.h"

/* ---- opening --------------------------------------------------------------------------------------------------------- */

static void refuses(const char *uri, status code, const char *has)
{
	struct control *c = NULL;
	struct err err;
	err_clear(&err);
	const status got = control_open(uri, &c, &err);
	if (got != code)
		fail_msg("%s: expected %s, found %s: %s", uri, status_name(code), status_name(got), err.message);
	assert_null(c);
	if (strstr(err.message, has) == NULL) fail_msg("%s: no \"%s\" in: %s", uri, has, err.message);
	if (strstr(err.message, "s3cret") != NULL || strchr(err.message, '\n') != NULL)
		fail_msg("message: %s", err.message);
}

static void test_open_refuses(void **state)
{
	(void)state;
	struct plane p;
	char uri[512];
	plane_make(&p);
	server_uri(uri, "postgres", "nothere");
	refuses(uri, E_NOT_FOUND, "no such database");
	refuses("postgresql://u:s3cret@[", E_USAGE, "not a PostgreSQL URI");
	refuses("postgresql://u:s3cret@h/d?nonsense=1", E_USAGE, "not a PostgreSQL URI");
	(void)snprintf(uri, sizeof uri, "postgresql://u:s3cret@/d?host=%s/none", server_dir);
	refuses(uri, E_UNREACHABLE, "out of reach");
	assert_int_equal(status_exit(E_UNREACHABLE), 5);
	/* A password that is wrong, and none. */
	server_sql("postgres", "CREATE ROLE locked LOGIN PASSWORD 'other'");
	(void)snprintf(uri, sizeof uri, "postgresql://locked:s3cret@/%s?host=%s", p.path, server_dir);
	refuses(uri, E_IO, "wrong password");
	(void)snprintf(uri, sizeof uri, "postgresql://locked@/%s?host=%s", p.path, server_dir);
	refuses(uri, E_IO, "a password is asked for");
	(void)snprintf(uri, sizeof uri, "postgresql://stranger@/%s?host=%s", p.path, server_dir);
	refuses(uri, E_IO, "the server refuses this user");
	/* No right to make the schemas. */
	server_sql("postgres", "CREATE ROLE reader LOGIN");
	server_uri(uri, "reader", p.path);
	refuses(uri, E_IO, "lacks a right");
	/* A read-only database. */
	(void)snprintf(uri, sizeof uri, "%s&options=-cdefault_transaction_read_only%%3Don", p.uri);
	refuses(uri, E_IO, "read-only");
	by_hand(&p, "CREATE SCHEMA meta; CREATE TABLE meta.runs (a int)");
	refuses(p.uri, E_IO, "already exists");
	value_is(&p, "SELECT count(*) FROM pg_tables WHERE schemaname = 'meta'", "1"); /* nothing half made */
	by_hand(&p, "DROP SCHEMA meta CASCADE");
	CHECK_OK(&p.err, control_open(p.uri, &p.c, &p.err));
	control_close(p.c);
	by_hand(&p, "INSERT INTO meta.schema_migrations VALUES (999, 'later', now())");
	refuses(p.uri, E_UNSUPPORTED, "schema version 999");
	plane_erase(&p);
}

static void test_uri_without_secrets(void **state)
{
	(void)state;
	struct plane p;
	char uri[512], want[300];
	struct control *again = NULL;
	plane_open(&p);
	control_close(p.c);
	(void)snprintf(uri, sizeof uri, "postgresql://postgres:s3cret@/%s?host=%s&password=s3cret", p.path, server_dir);
	CHECK_OK(&p.err, control_open(uri, &p.c, &p.err));
	assert_null(strstr(control_uri(p.c), "s3cret"));
	(void)snprintf(want, sizeof want, ":5432/%s", p.path);
	assert_non_null(strstr(control_uri(p.c), want));
	CHECK_OK(&p.err, control_open(control_uri(p.c), &again, &p.err)); /* a URI all the same */
	control_close(again);
	/* libpq's variables alone */
	(void)setenv("PGHOST", server_dir, 1);
	(void)setenv("PGUSER", "postgres", 1);
	(void)setenv("PGDATABASE", p.path, 1);
	CHECK_OK(&p.err, control_open("postgresql:", &again, &p.err));
	assert_non_null(strstr(control_uri(again), want));
	control_close(again);
	(void)unsetenv("PGHOST");
	(void)unsetenv("PGUSER");
	(void)unsetenv("PGDATABASE");
	plane_close(&p);
}

/* Several processes open the same empty database at once: all succeed, and it is migrated once. */
static void test_migrated_by_several(void **state)
{
	(void)state;
	struct plane p;
	plane_make(&p);
	plane_open_by_several(&p);
	CHECK_OK(&p.err, control_open(p.uri, &p.c, &p.err));
	query_is(&p, &(struct control_select){.sql = "SELECT version, name FROM meta.schema_migrations ORDER BY 1"},
		"1|control plane\n2|access\n3|roles\n4|published parts\n5|dropped runs\n6|rows by "
		"layer\n7|realtime\n8|schedules\n9|marks of streams\n");
	plane_close(&p);
}

/* ---- lost connections -------------------------------------------------------------------------------------------------- */

static void cut_all(const struct plane *p)
{
	char sql[256];
	(void)snprintf(sql, sizeof sql,
		"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '%s'", p->path);
	server_sql("postgres", sql);
}

static void test_connects_again(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	struct control_run r;
	struct arena arena;
	int64_t attempt = 0;
	plane_open(&p);
	arena_init(&arena, 0);
	hold(&p, &l, RUN);
	const struct control_task t = {.run_id = RUN, .stage = "raw", .task_id = "t", .started_at = NOW};
	cut_all(&p);
	CHECK_OK(&p.err, control_task_start(p.c, &t, &attempt, &p.err));
	CHECK_I64(attempt, 1);
	cut_all(&p);
	query_is(&p, &(struct control_select){.sql = "SELECT count(*) FROM meta.tasks"}, "1\n");
	cut_all(&p);
	CHECK_OK(&p.err, control_lease_renew(p.c, &l, NOW, &p.err));
	assert_int_equal(server("kill", ""), 0);
	assert_int_equal(server("again", ""), 0);
	CHECK_OK(&p.err, control_run_get(p.c, RUN, &arena, &r, &p.err));
	CHECK_I64(r.attempts, 1);
	CHECK_OK(&p.err, publish_rows(&p, &l, 6, 1));
	arena_deinit(&arena);
	plane_close(&p);
}

/* The server is killed while rows are staged, and before the commit: the old rows stay, and the next attempt goes through. */
static void test_server_killed_while_publishing(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	struct control_publish *publish = NULL;
	const struct control_stage stage = {.run_id = RUN, .name = "publish", .committed_at = NOW};
	const struct control_quality_layer layer = {"publish", NULL, 0, NOW};
	plane_open(&p);
	hold(&p, &l, RUN);
	CHECK_OK(&p.err, publish_rows(&p, &l, 6, 1));
	for (int late = 0; late < 2; late++) {
		struct rows r;
		const char *const partitions[] = {RUN};
		rows_make(&r, 9, 2);
		if (late) {
			CHECK_OK(&p.err, stage_rows(&p, &l, 9, 2, &publish));
		} else {
			CHECK_OK(&p.err, control_publish_begin(p.c, &l, &publish, &p.err));
			CHECK_OK(&p.err, control_publish_table(
						 publish, &(const struct control_table){.schema = &all_types}, &p.err));
			CHECK_OK(&p.err, control_publish_batch(publish, &r.batch, partitions, &p.err));
		}
		assert_int_equal(server("kill", ""), 0);
		assert_int_equal(server("again", ""), 0);
		int64_t rows = 0;
		CHECK_FAILS(E_UNREACHABLE, late ? control_publish_commit(publish, &stage, &layer, &p.err)
						: control_publish_table_end(publish, &rows, &p.err));
		assert_int_equal(p.err.class, ERR_RETRY);
		control_publish_destroy(publish);
		rows_free(&r);
		query_is(
			&p, &(struct control_select){.sql = "SELECT count(*), sum(n64) FROM gold.all_types"}, "6|15\n");
	}
	CHECK_OK(&p.err, publish_rows(&p, &l, 9, 2));
	query_is(&p, &(struct control_select){.sql = "SELECT count(*), sum(n64) FROM gold.all_types"}, "9|72\n");
	plane_close(&p);
}

/* ---- new tables: loaded under another name in the transaction that publishes them ---------------------------------------- */

#define GOLD_RELATIONS "SELECT count(*) FROM pg_class WHERE relnamespace = 'gold'::regnamespace"

static void test_new_table_leaves_nothing(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	struct control_publish *publish = NULL;
	const struct control_stage stage = {.run_id = RUN, .name = "publish", .committed_at = NOW};
	const struct control_quality_layer layer = {"publish", NULL, 0, NOW};
	plane_open(&p);
	hold(&p, &l, RUN);
	CHECK_OK(&p.err, stage_rows(&p, &l, 6, 1, &publish));
	value_is(&p, GOLD_RELATIONS, "0"); /* for anybody else */
	control_publish_destroy(publish);
	value_is(&p, GOLD_RELATIONS, "0");
	CHECK_OK(&p.err, stage_rows(&p, &l, 6, 1, &publish));
	assert_int_equal(server("kill", ""), 0);
	assert_int_equal(server("again", ""), 0);
	CHECK_FAILS(E_UNREACHABLE, control_publish_commit(publish, &stage, &layer, &p.err));
	assert_int_equal(p.err.class, ERR_RETRY);
	control_publish_destroy(publish);
	value_is(&p, GOLD_RELATIONS, "0");
	CHECK_OK(&p.err, publish_rows(&p, &l, 9, 2));
	query_is(&p, &(struct control_select){.sql = "SELECT count(*), sum(n64) FROM gold.all_types"}, "9|72\n");
	plane_close(&p);
}

/* Two publishers find no table and load one each; the later commit finds the other's, and its rows take the others' place. */
static void test_new_table_of_two_publishers(void **state)
{
	(void)state;
	struct plane p, q;
	struct control_lease a, b;
	struct control_publish *first = NULL, *second = NULL;
	const struct control_stage stages[] = {{.run_id = RUN, .name = "publish", .committed_at = NOW},
		{.run_id = OTHER, .name = "publish", .committed_at = NOW}};
	const struct control_quality_layer layer = {"publish", NULL, 0, NOW};
	plane_open(&p);
	q = p;
	CHECK_OK(&p.err, control_open(p.uri, &q.c, &p.err));
	hold(&p, &a, RUN);
	hold(&q, &b, OTHER);
	CHECK_OK(&p.err, stage_rows(&p, &a, 6, 1, &first));
	CHECK_OK(&q.err, stage_rows(&q, &b, 9, 2, &second));
	CHECK_OK(&p.err, control_publish_commit(first, &stages[0], &layer, &p.err));
	control_publish_destroy(first);
	query_is(&p, &(struct control_select){.sql = "SELECT count(*), sum(n64) FROM gold.all_types"}, "6|15\n");
	CHECK_OK(&q.err, control_publish_commit(second, &stages[1], &layer, &q.err));
	control_publish_destroy(second);
	query_is(&p, &(struct control_select){.sql = "SELECT count(*), max(run_id) FROM gold.all_types"},
		"9|" OTHER "\n");
	value_is(&p, GOLD_RELATIONS " AND relkind = 'r'", "1");
	value_is(&p, "SELECT conname FROM pg_constraint WHERE conrelid = 'gold.all_types'::regclass AND contype = 'p'",
		"all_types_pkey");
	control_close(q.c);
	plane_close(&p);
}

/* A part that one publisher leaves alone is told by another before it commits: it has to begin again. */
static void test_part_changed_meanwhile(void **state)
{
	(void)state;
	struct plane p, q;
	struct control_lease l, other;
	struct control_part parts[MONTHS];
	const struct control_stage stage = {.run_id = RUN, .name = "publish", .committed_at = NOW};
	const struct control_quality_layer layer = {"publish", NULL, 0, NOW};
	plane_open(&p);
	hold(&p, &l, RUN);
	q = p;
	CHECK_OK(&q.err, control_open(p.uri, &q.c, &q.err));
	hold(&q, &other, OTHER);
	struct month months[MONTHS] = {{"2025-1", "a", 5, 10, RUN}, {"2025-2", "b", 3, 20, RUN}}, theirs[MONTHS];
	months[2].name = months[3].name = "";
	publish_months(&p, &l, months, "12");
	memcpy(theirs, months, sizeof theirs);
	months[0] = (struct month){"2025-1", "A", 6, 11, RUN};
	theirs[1] = (struct month){"2025-2", "B", 4, 21, OTHER};
	struct control_publish *publish = stage_months(&p, &l, months, parts, "1");
	publish_months(&q, &other, theirs, "2");
	CHECK_FAILS(E_CONFLICT, control_publish_commit(publish, &stage, &layer, &p.err));
	assert_int_equal(p.err.class, ERR_RETRY);
	control_publish_destroy(publish);
	months_are(&p, "2025-1|5|10|5\n2025-2|4|21|2\n");
	publish_months(&p, &l, months, "12");
	months_are(&p, "2025-1|6|11|6\n2025-2|3|20|3\n");
	control_close(q.c);
	plane_close(&p);
}

/* Texts that are too long for the key that stands, in one part: the rows of the others stay where they are. */
static void test_long_key_of_a_part(void **state)
{
	(void)state;
	enum { LONG = 9000 };
	static char name[LONG + 1];
	struct plane p;
	struct control_lease l;
	uint32_t seed = 1;
	plane_open(&p);
	hold(&p, &l, RUN);
	for (size_t i = 0; i < LONG; i++) { /* nothing that a database could compress */
		seed = seed * 1664525 + 1013904223;
		name[i] = (char)('A' + (seed >> 16) % 50);
	}
	struct month months[MONTHS] = {{"2025-1", "a", 5, 10, RUN}};
	months[1].name = months[2].name = months[3].name = "";
	publish_months(&p, &l, months, "1");
	months[1] = (struct month){"2025-2", "b", 3, 20, RUN};
	months_long_id = name;
	for (int again = 0; again < 2; again++) {
		publish_months(&p, &l, months, again == 0 ? "2" : "");
		query_is(&p,
			&(struct control_select){.sql = "SELECT count(*), sum(n), max(length(id)) FROM gold.monthly"},
			"8|30|9000\n");
	}
	months_long_id = NULL;
	months[1].files = NULL;
	publish_months(&p, &l, months, "");
	months_are(&p, "2025-1|5|10|5\n");
	plane_close(&p);
}

/* A session holds the lease's row and then asks for what the publisher holds: the publisher waited first, and is the one that
 * the server stops. What it had loaded in the same transaction is still there. */
static void test_deadlock_keeps_new_tables(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	struct control_publish *publish = NULL;
	const struct control_stage stage = {.run_id = RUN, .name = "publish", .committed_at = NOW};
	const struct control_quality_layer layer = {"publish", NULL, 0, NOW};
	char uri[512], command[256];
	plane_open(&p);
	hold(&p, &l, RUN);
	CHECK_OK(&p.err, stage_rows(&p, &l, 9, 2, &publish));
	server_uri(uri, "postgres", p.path);
	PGconn *other = PQconnectdb(uri);
	PQclear(PQexec(other, "SET deadlock_timeout = '30s'; BEGIN; SELECT FROM meta.leases FOR UPDATE"));
	assert_int_equal(
		PQsendQuery(other,
			"DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND "
			"granted) LOOP PERFORM pg_sleep(0.001); END LOOP; PERFORM pg_advisory_xact_lock(7381208); "
			"END $$; COMMIT"),
		1);
	CHECK_OK(&p.err, control_publish_commit(publish, &stage, &layer, &p.err));
	control_publish_destroy(publish);
	for (PGresult *r; (r = PQgetResult(other)) != NULL; PQclear(r)) {
		if (PQresultStatus(r) != PGRES_COMMAND_OK) fail_msg("%s", PQerrorMessage(other));
	}
	PQfinish(other);
	query_is(&p, &(struct control_select){.sql = "SELECT count(*), sum(n64) FROM gold.all_types"}, "9|72\n");
	(void)snprintf(command, sizeof command, "grep -q 'deadlock detected' %s/log", server_dir);
	assert_int_equal(system(command), 0);
	plane_close(&p);
}

/* ---- fencing and turns ------------------------------------------------------------------------------------------------- */

static void test_stale_owner_cannot_commit(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease a, b;
	struct control *other = NULL;
	struct control_publish *publish = NULL;
	const struct control_stage stage = {.run_id = RUN, .name = "publish", .committed_at = NOW};
	const struct control_quality_layer layer = {"publish", NULL, 0, NOW};
	plane_open(&p);
	hold(&p, &a, RUN);
	CHECK_OK(&p.err, stage_rows(&p, &a, 6, 1, &publish)); /* and then it slept past its lease */
	CHECK_OK(&p.err, control_open(p.uri, &other, &p.err));
	control_lease_init(&b, RUN);
	CHECK_OK(&p.err, control_lease_acquire(other, &b, NOW + 2 * LEASE_TTL_US, &p.err));
	CHECK_FAILS(E_BUSY, control_publish_commit(publish, &stage, &layer, &p.err));
	control_publish_destroy(publish);
	value_is(&p, "SELECT to_regclass('gold.all_types') IS NULL", "t");
	query_is(&p, &(struct control_select){.sql = "SELECT count(*) FROM meta.stage_commits"}, "0\n");
	control_close(other);
	plane_close(&p);
}

/* A transaction of the holder is open: who wants the lease waits for it, the heartbeat does not. */
static void test_lease_row_is_fenced(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease a, b;
	char uri[512];
	plane_open(&p);
	hold(&p, &a, RUN);
	server_uri(uri, "postgres", p.path);
	PGconn *writer = PQconnectdb(uri);
	PQclear(PQexec(writer, "BEGIN; SELECT FROM meta.leases FOR KEY SHARE")); /* as each write does */
	CHECK_OK(&p.err, control_lease_renew(p.c, &a, NOW + 1, &p.err));
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct control *c = NULL;
		control_lease_init(&b, RUN);
		const bool ok = control_open(p.uri, &c, &p.err) == OK &&
				control_lease_acquire(c, &b, NOW + 3 * LEASE_TTL_US, &p.err) == OK;
		_exit(ok ? 0 : 1);
	}
	poll_until(answers_yes, &(struct question){p.path, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"});
	PQclear(PQexec(writer, "COMMIT"));
	PQfinish(writer);
	int end;
	assert_int_equal(waitpid(pid, &end, 0), pid);
	assert_true(WIFEXITED(end) && WEXITSTATUS(end) == 0);
	CHECK_FAILS(E_BUSY, control_lease_renew(p.c, &a, NOW, &p.err));
	plane_close(&p);
}

struct publisher {
	char uri[512];
	const char *run_id;
	int64_t n, seed;
	int times;
	pthread_barrier_t *start;
	bool ok;
	char message[512];
};

static void *publisher_main(void *arg)
{
	struct publisher *x = arg;
	struct plane p = {0};
	struct control_lease l;
	if (control_open(x->uri, &p.c, &p.err) == OK) {
		control_lease_init(&l, x->run_id);
		x->ok = control_lease_acquire(p.c, &l, NOW, &p.err) == OK;
		(void)pthread_barrier_wait(x->start);
		for (int i = 0; i < x->times && x->ok; i++) x->ok = publish_rows(&p, &l, x->n, x->seed) == OK;
	}
	(void)snprintf(x->message, sizeof x->message, "%s", p.err.message);
	control_close(p.c);
	return NULL;
}

/* Two runs publish at once, several times over, while a reader looks: it sees the whole of one or of the other, and so does who
 * comes last. */
static void test_two_publishers_and_a_reader(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	pthread_t threads[2];
	pthread_barrier_t start;
	plane_open(&p);
	assert_int_equal(pthread_barrier_init(&start, NULL, 2), 0);
	hold(&p, &l, "33333333-3333-4333-8333-333333333333");
	CHECK_OK(&p.err, publish_rows(&p, &l, 300, 1));
	struct publisher both[2] = {{.run_id = RUN, .n = 300, .seed = 1, .times = 12, .start = &start},
		{.run_id = OTHER, .n = 500, .seed = 2, .times = 12, .start = &start}};
	for (int i = 0; i < 2; i++) {
		(void)snprintf(both[i].uri, sizeof both[i].uri, "%s", p.uri);
		assert_int_equal(pthread_create(&threads[i], NULL, publisher_main, &both[i]), 0);
	}
	for (int i = 0; i < 300; i++)
		value_is(&p,
			"SELECT count(DISTINCT run_id) = 1 AND count(*) IN (300, 500) AND sum(n64) IN (44850, 249500) "
			"FROM "
			"gold.all_types",
			"t");
	for (int i = 0; i < 2; i++) (void)pthread_join(threads[i], NULL);
	(void)pthread_barrier_destroy(&start);
	for (int i = 0; i < 2; i++) {
		if (!both[i].ok) fail_msg("publisher %d: %s", i, both[i].message);
	}
	value_is(&p,
		"SELECT count(*) || ' ' || sum(n64) IN ('300 44850', '500 249500') FROM gold.all_types GROUP BY run_id",
		"t");
	plane_close(&p);
}

/* ---- stopping ---------------------------------------------------------------------------------------------------------- */

static void *stop_when_it_works(void *arg)
{
	poll_until(
		answers_yes, &(struct question){arg,
				     "SELECT count(*) > 0 FROM pg_stat_activity WHERE state = 'active' AND query LIKE "
				     "'%generate_series(1,%' AND pid <> pg_backend_pid()"});
	cancel_request();
	return NULL;
}

static void test_stop_cancels_the_server(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	struct buf out;
	pthread_t thread;
	plane_open(&p);
	hold(&p, &l, RUN);
	buf_init(&out, 0);
	const int64_t started = time_mono_us();
	assert_int_equal(pthread_create(&thread, NULL, stop_when_it_works, p.path), 0);
	const struct control_select q = {.sql = "SELECT count(*) FROM generate_series(1, 100000000000)"};
	CHECK_FAILS(E_CANCELLED, control_query(p.c, &q, text_visit, &out, &p.err));
	(void)pthread_join(thread, NULL);
	if (time_mono_us() - started > 5000000) fail_msg("it took too long");
	value_is(&p,
		"SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%generate_series(1,%' "
		"AND pid <> "
		"pg_backend_pid()",
		"0");
	/* What ends a run is recorded all the same; publishing is not begun. */
	struct control_run r;
	control_run_init(&r);
	r.run_id = RUN;
	r.status = RUN_PENDING;
	CHECK_OK(&p.err, control_run_update(p.c, &l, &r, &p.err));
	CHECK_FAILS(E_CANCELLED, publish_rows(&p, &l, 5, 1));
	query_is(&p, &(struct control_select){.sql = "SELECT status FROM meta.runs"}, "PENDING\n");
	cancel_reset();
	CHECK_OK(&p.err, publish_rows(&p, &l, 5, 1));
	buf_deinit(&out);
	plane_close(&p);
}

/* ---- numbers ----------------------------------------------------------------------------------------------------------- */

/* numeric of every scale, at its limits, as PostgreSQL prints it. */
static void test_decimals(void **state)
{
	(void)state;
	enum { SCALES = 19, VALUES = 15 };
	static const int64_t values[VALUES] = {0, 1, -1, 9, 10, 9999, 10000, -10001, 99999999, 100000000,
		123456789012345678, -123456789012345678, 999999999999999999, -999999999999999999, 100000000000000000};
	struct column_def defs[SCALES + 1];
	char names[SCALES][16];
	struct builder b[SCALES];
	struct column columns[SCALES];
	struct plane p;
	struct control_lease l;
	struct control_publish *publish = NULL;
	int64_t rows = 0;
	for (int i = 0; i < SCALES; i++) {
		(void)snprintf(names[i], sizeof names[i], "s%d", i);
		defs[i] = (struct column_def){
			.name = names[i], .type = COL_DECIMAL, .precision = 18, .scale = (uint8_t)i};
		builder_init(&b[i], &defs[i], false);
		for (int k = 0; k < VALUES; k++) builder_set_i64(&b[i], k, values[k]);
		assert_int_equal(builder_finish(&b[i], VALUES, &columns[i], NULL), OK);
		columns[i].scale = (uint8_t)i;
	}
	const struct table_schema schema = {.name = "decimals",
		.layer = "gold",
		.contract = "w/v1",
		.description = "d",
		.columns = defs,
		.n_columns = SCALES};
	struct batch batch = {.schema = &schema, .n_columns = SCALES, .columns = columns, .n_rows = VALUES};
	const struct control_stage stage = {.run_id = RUN, .name = "publish", .committed_at = NOW};
	const struct control_quality_layer layer = {"publish", NULL, 0, NOW};
	plane_open(&p);
	hold(&p, &l, RUN);
	CHECK_OK(&p.err, control_publish_begin(p.c, &l, &publish, &p.err));
	CHECK_OK(&p.err, control_publish_table(publish, &(const struct control_table){.schema = &schema}, &p.err));
	CHECK_OK(&p.err, control_publish_batch(publish, &batch, NULL, &p.err));
	CHECK_OK(&p.err, control_publish_table_end(publish, &rows, &p.err));
	CHECK_OK(&p.err, control_publish_commit(publish, &stage, &layer, &p.err));
	control_publish_destroy(publish);
	for (int i = 0; i < SCALES; i++) {
		for (int k = 0; k < VALUES; k++) {
			char sql[200], want[40];
			(void)snprintf(sql, sizeof sql,
				"SELECT s%d::text || '|' || (s%d * 10::numeric ^ %d = s0) FROM gold.decimals "
				"WHERE s0 = %lld",
				i, i, i, (long long)values[k]);
			const long long whole = values[k] < 0 ? -values[k] : values[k];
			char digits[24];
			(void)snprintf(digits, sizeof digits, "%0*lld", i + 1, whole);
			const int point = (int)strlen(digits) - i;
			(void)snprintf(want, sizeof want, "%s%.*s%s%s|true", values[k] < 0 ? "-" : "", point, digits,
				i > 0 ? "." : "", digits + point);
			if (k == 6 || k == 11 || i % 6 == 0)
				value_is(&p, sql, want); /* a connection each: a part of them */
		}
		builder_deinit(&b[i]);
	}
	plane_close(&p);
}

static int start_server(void **state)
{
	(void)state;
	(void)setenv("TMPDIR", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", 0); /* syncs cost nothing there */
	(void)check_tmpdir(server_dir);
	return 0;
}

int main(void)
{
	(void)start_server(NULL);
	const int rc = server("start", "");
	if (rc != 0) {
		check_rmdir(server_dir);
		return rc == 77 ? 0 : 1; /* the script has said SKIPPED and why */
	}
	char hba[400]; /* a password for one user */
	(void)snprintf(hba, sizeof hba, "sed -i '1i local all locked scram-sha-256' %s/data/pg_hba.conf", server_dir);
	if (system(hba) != 0) return 1;
	server_sql("postgres", "SELECT pg_reload_conf()");
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_migrated_by_several),
		cmocka_unit_test(test_without_right_to_make_roles),
		CONTROL_CASES,
		cmocka_unit_test(test_open_refuses),
		cmocka_unit_test(test_uri_without_secrets),
		cmocka_unit_test(test_connects_again),
		cmocka_unit_test(test_server_killed_while_publishing),
		cmocka_unit_test(test_new_table_leaves_nothing),
		cmocka_unit_test(test_new_table_of_two_publishers),
		cmocka_unit_test(test_part_changed_meanwhile),
		cmocka_unit_test(test_long_key_of_a_part),
		cmocka_unit_test(test_deadlock_keeps_new_tables),
		cmocka_unit_test(test_stale_owner_cannot_commit),
		cmocka_unit_test(test_lease_row_is_fenced),
		cmocka_unit_test(test_two_publishers_and_a_reader),
		cmocka_unit_test(test_stop_cancels_the_server),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_loader),
	};
	const int failed = cmocka_run_group_tests_name("control in PostgreSQL", tests, NULL, NULL);
	const int stopped = server("stop", "");
	check_rmdir(server_dir);
	return failed != 0 || stopped != 0;
}
