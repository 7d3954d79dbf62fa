#include "fake_run.h"

#include <unistd.h>

#include "flow/lineage.h"
#include "flow/verify.h"
#include "io/json/json_doc.h"

/* ---- the whole run -------------------------------------------------------------------------------------------------- */

static void test_runs_to_the_end(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	lake_open(&l);
	const struct run_opts o = options(&l);
	CHECK_OK(&l.err, run(&l, &o, &r));
	assert_string_equal(run_status_name(r.status), "SUCCESS");
	CHECK_I64(r.n_stages, 4);
	CHECK_I64(r.rows_raw, FAKE_TASKS * FAKE_ROWS);
	CHECK_I64(r.rows_bronze, FAKE_TASKS * FAKE_ROWS);
	CHECK_I64(r.quality_pass, 6);
	CHECK_I64(strlen(r.root), 64);
	assert_false(r.nothing_to_do);
	lake_query_is(&l,
		"SELECT status, attempts, raw_objects, raw_rows, bronze_rows, date_min, as_of, length(manifest_sha256) "
		"FROM meta.runs",
		"SUCCESS|1|5|200|200|2024-10-04|2024-10-06T23:59:59.999999Z|64\n");
	lake_query_is(&l,
		"SELECT count(*), count(DISTINCT item_id), sum(price), count(note), min(seen_at), count(DISTINCT "
		"run_id), max(month) FROM gold.by_id",
		"200|200|3910|100|2024-10-04T00:00:00.000000Z|1|2025-05\n");
	lake_query_is(&l,
		"SELECT typeof(price), price, coalesce(note, 'none') FROM gold.by_id WHERE item_id = "
		"'00000007-0000-4000-8000-000000000001'",
		"real|1.05|none\n");
	lake_query_is(&l, "SELECT count(*), sum(items), min(day) FROM gold.daily", "5|200|2024-10-04\n");
	lake_query_is(&l, "SELECT count(*) FROM gold.empty", "0\n");
	lake_query_is(&l, "SELECT items FROM analytics_v_items", "200\n");
	lake_query_is(&l, "SELECT name, layer, location, contract_version, rows FROM meta.datasets ORDER BY name",
		"bronze.fake|bronze|bronze/fake||200\ngold.by_id|gold|gold/by_id|fake/v1|200\ngold.daily|gold|gold/"
		"daily|fake/v1|5\nraw.fake|raw|raw/fake||200\n");
	lake_query_is(&l, "SELECT name, coalesce(delta_version, 'none') FROM meta.datasets ORDER BY name",
		"bronze.fake|none\ngold.by_id|0\ngold.daily|0\nraw.fake|none\n");
	lake_table_is(&l, "gold/by_id", 0, FAKE_TASKS, 200);
	lake_table_is(&l, "gold/daily", 0, FAKE_TASKS, 5);
	lake_table_is(&l, "gold/empty", 0, 0, 0); /* a table without a row can be queried too */
	lake_query_is(&l, "SELECT stage, input, output FROM meta.lineage ORDER BY stage, output",
		"bronze|raw.fake|bronze.fake\ngold|bronze.fake|gold.by_id\ngold|bronze.fake|gold.daily\n"
		"publish|gold.by_id|serving.gold_by_id\npublish|gold.daily|serving.gold_daily\npublish|gold.empty|"
		"serving.gold_empty\nraw|config|raw.fake\n");
	/* What a stage reads is the very version the stage before wrote. */
	lake_query_is(&l,
		"SELECT count(*) FROM meta.lineage a JOIN meta.lineage b ON a.output = b.input AND a.output_version = "
		"b.input_version",
		"3\n");
	lake_query_is(
		&l, "SELECT count(*), count(DISTINCT task_id) FROM meta.tasks WHERE status = 'SUCCESS'", "15|15\n");
	lake_query_is(&l, "SELECT count(*) FROM meta_task_results", "0\n");
	lake_query_is(&l, "SELECT count(*) FROM meta_leases", "0\n");
	run_report_deinit(&r);
	lake_close(&l);
}

static void test_threads_do_not_show(void **state)
{
	(void)state;
	static const int threads[] = {1, 2, 7};
	struct lake_digest first = {0};
	for (size_t i = 0; i < 3; i++) {
		struct lake l;
		lake_open(&l);
		struct run_opts o = options(&l);
		o.threads = threads[i];
		CHECK_OK(&l.err, run_plain(&l, &o));
		struct lake_digest d = lake_digest(&l);
		if (i == 0) {
			first = d;
			CHECK_I64(d.objects, 5 + 5 + 10 + 1 + 2 + 3 +
						     1); /* raw, bronze, gold, config, manifests, commits, versions */
		} else {
			lake_digest_same(&d, &first);
		}
		lake_close(&l);
	}
	buf_deinit(&first.text);
}

static void test_a_finished_run_does_nothing(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	lake_open(&l);
	const struct run_opts o = options(&l);
	CHECK_OK(&l.err, run_plain(&l, &o));
	struct lake_digest before = lake_digest(&l);
	const int64_t runs = fault.runs;
	CHECK_OK(&l.err, run(&l, &o, &r));
	assert_true(r.nothing_to_do);
	assert_string_equal(run_status_name(r.status), "SUCCESS");
	CHECK_I64(r.n_stages, 4);
	CHECK_I64(r.stages[1].rows_out, 200);
	assert_true(r.stages[1].skipped);
	CHECK_I64(fault.runs, runs);
	struct lake_digest after = lake_digest(&l);
	lake_digest_same(&after, &before);
	buf_deinit(&before.text);
	lake_query_is(&l, "SELECT attempts FROM meta.runs", "1\n");
	run_report_deinit(&r);
	lake_close(&l);
}

static void test_stage_by_stage(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	char id[UUID_CHARS + 1];
	lake_open(&l);
	struct run_opts o = options(&l);
	o.until = "raw";
	CHECK_OK(&l.err, run(&l, &o, &r));
	assert_string_equal(run_status_name(r.status), "PENDING");
	memcpy(id, r.run_id, sizeof id);
	run_report_deinit(&r);
	CHECK_OK(&l.err, run(&l, &o, &r));
	assert_true(r.nothing_to_do);
	run_report_deinit(&r);
	/* From here on the id says it all. */
	struct run_opts by_id = options(&l);
	by_id.config = (struct str){0};
	by_id.run_id = id;
	by_id.only = "gold";
	CHECK_FAILS(E_NOT_FOUND, run_plain(&l, &by_id));
	assert_non_null(strstr(l.err.message, "needs stage bronze first"));
	by_id.only = "bronze";
	CHECK_OK(&l.err, run_plain(&l, &by_id));
	by_id.only = "gold";
	CHECK_OK(&l.err, run_plain(&l, &by_id));
	status_is(&l, "SUCCESS");
	by_id.only = "publish";
	CHECK_OK(&l.err, run_plain(&l, &by_id));
	CHECK_OK(&l.err, run_plain(&l, &by_id)); /* publishing again replaces */
	lake_query_is(&l, "SELECT count(*) FROM gold.by_id", "200\n");
	/* The same bytes as in one go. */
	struct lake whole;
	lake_open(&whole);
	o = options(&whole);
	CHECK_OK(&whole.err, run_plain(&whole, &o));
	struct lake_digest a = lake_digest(&l), b = lake_digest(&whole);
	lake_digest_same(&a, &b);
	buf_deinit(&b.text);
	lake_close(&whole);
	by_id.only = "brass";
	CHECK_FAILS(E_USAGE, run_plain(&l, &by_id));
	by_id.only = NULL;
	by_id.run_id = "00000000-0000-4000-8000-000000000000";
	CHECK_FAILS(E_NOT_FOUND, run_plain(&l, &by_id));
	by_id.run_id = "seven";
	CHECK_FAILS(E_USAGE, run_plain(&l, &by_id));
	lake_close(&l);
}

static void test_identity(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	lake_open(&l);
	struct run_opts o = options(&l);
	o.until = "raw";
	CHECK_OK(&l.err, run(&l, &o, &r));
	char first[UUID_CHARS + 1];
	memcpy(first, r.run_id, sizeof first);
	assert_int_equal(first[14], '5'); /* a version 5 UUID */
	run_report_deinit(&r);
	static const char *const other_configs[] = {
		"{\"name\":\"fake\",\"rows\":41}", "{\"name\":\"fake\",\"rows\":40}"};
	for (int i = 0; i < 5; i++) { /* each of these is another run */
		o = options(&l);
		o.until = "raw";
		if (i == 0) o.params = fake_told("seed", "8");
		if (i == 1) o.config = str_of(other_configs[0]);
		if (i == 2) o.params = fake_told("to", "20003");
		if (i == 3) o.params = fake_told("emit_from", "2024-10-05");
		if (i == 4) o.as_of = INT64_C(1728000000000000);
		CHECK_OK(&l.err, run(&l, &o, &r));
		assert_string_not_equal(r.run_id, first);
		run_report_deinit(&r);
	}
	lake_query_is(&l, "SELECT count(*) FROM meta.runs", "6\n");
	/* The same id for something else is refused before anything is written. */
	o = options(&l);
	o.run_id = first;
	o.config = str_of(other_configs[0]);
	CHECK_FAILS(E_CONFLICT, run_plain(&l, &o));
	o.config = str_of(other_configs[1]);
	o.params = fake_told("seed", "9");
	CHECK_FAILS(E_CONFLICT, run_plain(&l, &o));
	o = options(&l);
	static const char *const refused[][2] = {
		{"to", "19999"}, {"emit_from", "2024-10-03"}, {"emit_from", "tomorrow"}, {"colour", "red"}};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		o.params = fake_told(refused[i][0], refused[i][1]);
		CHECK_FAILS(E_USAGE, run_plain(&l, &o));
	}
	o = options(&l);
	o.executor = "dask://host:8786";
	assert_int_equal(setenv("PQR_PYTHON", "/no/python", 1), 0);
	CHECK_FAILS(E_NOT_FOUND, run_plain(&l, &o));
	assert_int_equal(unsetenv("PQR_PYTHON"), 0);
	o.executor = "steam";
	CHECK_FAILS(E_USAGE, run_plain(&l, &o));
	lake_close(&l);
}

/* ---- faults --------------------------------------------------------------------------------------------------------- */

static void test_retries_what_may_pass(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	lake_open(&l);
	const struct run_opts o = options(&l);
	fault.task = "bronze-0002";
	fault.times = 3;
	fault.code = E_IO;
	fault.class = ERR_RETRY;
	CHECK_OK(&l.err, run(&l, &o, &r));
	CHECK_I64(r.task_retries, 3);
	lake_query_is(&l,
		"SELECT attempt, status, error FROM meta.tasks WHERE task_id = 'bronze-0002' ORDER BY attempt",
		"1|FAILED|injected\n2|FAILED|injected\n3|FAILED|injected\n4|SUCCESS|\n");
	run_report_deinit(&r);
	lake_close(&l);
}

static void test_resumes_after_a_failed_task(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	lake_open(&l);
	struct run_opts o = options(&l);
	o.threads = 1;
	fault.task = "bronze-0003";
	fault.times = 100;
	fault.code = E_IO;
	fault.class = ERR_RETRY; /* and the retries end */
	CHECK_FAILS(E_IO, run(&l, &o, &r));
	assert_string_equal(l.err.message, "injected");
	assert_string_equal(run_status_name(r.status), "FAILED");
	run_report_deinit(&r);
	CHECK_I64(fault.times, 96);
	status_is(&l, "FAILED");
	fault_reset();
	CHECK_OK(&l.err, run(&l, &o, &r));
	CHECK_I64(fault.runs, 2 + 5); /* bronze-0003, bronze-0004 and gold */
	CHECK_I64(r.stages[1].n_tasks_resumed, 3);
	assert_true(r.stages[0].skipped);
	lake_query_is(&l, "SELECT status, attempts FROM meta.runs", "SUCCESS|2\n");
	run_report_deinit(&r);
	lake_close(&l);
}

static void test_does_not_believe_a_changed_output(void **state)
{
	(void)state;
	struct lake l, whole;
	struct run_report r;
	lake_open(&l);
	struct run_opts o = options(&l);
	o.threads = 1;
	fault.task = "raw-0004";
	fault.times = 1;
	fault.code = E_IO;
	CHECK_FAILS(E_IO, run(&l, &o, &r));
	char key[200];
	(void)snprintf(key, sizeof key, "raw/fake/part=1/run_id=%s/events.txt", r.run_id);
	CHECK_OK(&l.err, store_put(l.store, key, "not it", 6, &l.err));
	(void)snprintf(key, sizeof key, "raw/fake/part=2/run_id=%s/events.txt", r.run_id);
	CHECK_OK(&l.err, store_delete(l.store, key, &l.err));
	(void)snprintf(key, sizeof key, "raw/fake/part=99/run_id=%s/left-over.txt", r.run_id);
	CHECK_OK(&l.err, store_put(l.store, key, "rest", 4, &l.err)); /* of an attempt with other tasks */
	CHECK_OK(&l.err, store_put(l.store, "raw/fake/part=99/run_id=another/events.txt", "kept", 4, &l.err));
	run_report_deinit(&r);
	fault_reset();
	CHECK_OK(&l.err, run(&l, &o, &r));
	CHECK_I64(r.stages[0].n_tasks_resumed, 2);
	run_report_deinit(&r);
	int64_t size;
	CHECK_FAILS(E_NOT_FOUND, store_size(l.store, key, &size, NULL));
	CHECK_OK(&l.err, store_size(l.store, "raw/fake/part=99/run_id=another/events.txt", &size, &l.err));
	CHECK_OK(&l.err, store_delete(l.store, "raw/fake/part=99/run_id=another/events.txt", &l.err));
	lake_open(&whole);
	o = options(&whole);
	CHECK_OK(&whole.err, run_plain(&whole, &o));
	struct lake_digest a = lake_digest(&l), b = lake_digest(&whole);
	lake_digest_same(&a, &b);
	buf_deinit(&b.text);
	lake_close(&whole);
	lake_close(&l);
}

static void test_quality_policy(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	lake_open(&l);
	const struct run_opts o = options(&l);
	fault.check_stage = "bronze";
	fault.check_times = 1;
	fault.severity = QUALITY_CRITICAL;
	CHECK_FAILS(E_QUALITY, run(&l, &o, &r));
	assert_string_equal(run_status_name(r.status), "FAILED");
	CHECK_I64(r.quality_fail, 1);
	run_report_deinit(&r);
	lake_query_is(&l, "SELECT layer, severity, result FROM meta.quality_checks ORDER BY layer",
		"bronze|CRITICAL|FAIL\nraw|CRITICAL|PASS\n");
	lake_query_is(&l, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'gold_%'", "0\n");
	lake_query_is(&l, "SELECT stage FROM meta_stage_commits", "raw\n");
	/* The retry does the stage again, and a warning lets it through. */
	fault_reset();
	fault.check_stage = "bronze";
	fault.check_times = 1;
	fault.severity = QUALITY_WARNING;
	CHECK_OK(&l.err, run(&l, &o, &r));
	CHECK_I64(fault.runs, 10);
	assert_string_equal(run_status_name(r.status), "DEGRADED");
	CHECK_I64(r.quality_warn, 1);
	CHECK_I64(r.quality_fail, 0);
	run_report_deinit(&r);
	status_is(&l, "DEGRADED");
	CHECK_OK(&l.err, run(&l, &o, &r));
	assert_true(r.nothing_to_do);
	assert_string_equal(run_status_name(r.status), "DEGRADED");
	run_report_deinit(&r);
	lake_close(&l);
}

static void test_cancel_leaves_it_resumable(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	lake_open(&l);
	struct run_opts o = options(&l);
	o.threads = 1;
	fault.cancel_task = "gold-0003";
	CHECK_FAILS(E_CANCELLED, run(&l, &o, &r));
	assert_string_equal(run_status_name(r.status), "PENDING");
	run_report_deinit(&r);
	status_is(&l, "PENDING");
	fault_reset();
	cancel_reset();
	CHECK_OK(&l.err, run(&l, &o, &r));
	CHECK_I64(fault.runs, 2);
	status_is(&l, "SUCCESS");
	run_report_deinit(&r);
	lake_close(&l);
}

static void test_a_changed_input_stops_the_next_stage(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	char key[200];
	struct buf text;
	lake_open(&l);
	struct run_opts o = options(&l);
	o.until = "raw";
	CHECK_OK(&l.err, run(&l, &o, &r));
	(void)snprintf(key, sizeof key, "raw/fake/part=3/run_id=%s/events.txt", r.run_id);
	run_report_deinit(&r);
	buf_init(&text, 0);
	CHECK_OK(&l.err, store_get(l.store, key, &text, &l.err));
	text.p[5] ^= 1;
	CHECK_OK(&l.err, store_put(l.store, key, text.p, text.n, &l.err));
	o.until = NULL;
	CHECK_FAILS(E_VERIFY, run_plain(&l, &o));
	assert_string_equal(l.err.where, key);
	/* Of another size, or gone: seen before a task starts. */
	fault_reset();
	CHECK_OK(&l.err, store_put(l.store, key, text.p, text.n - 1, &l.err));
	CHECK_FAILS(E_VERIFY, run_plain(&l, &o));
	assert_string_equal(l.err.where, key);
	CHECK_OK(&l.err, store_delete(l.store, key, &l.err));
	CHECK_FAILS(E_VERIFY, run_plain(&l, &o));
	assert_string_equal(l.err.where, key);
	CHECK_I64(fault.runs, 0);
	text.p[5] ^= 1;
	CHECK_OK(&l.err, store_put(l.store, key, text.p, text.n, &l.err));
	CHECK_OK(&l.err, run_plain(&l, &o));
	buf_deinit(&text);
	lake_close(&l);
}

/* Memory runs out at the n-th allocation, n = 1, 2, 3 ...: an error every time, and in the end the same lake. */
static void test_out_of_memory_anywhere(void **state)
{
	(void)state;
	struct lake l, whole;
	lake_open(&l);
	lake_open(&whole);
	struct run_opts o = options(&whole);
	CHECK_OK(&whole.err, run_plain(&whole, &o));
	o = options(&l);
	o.threads = 1;
	int64_t failures = 0;
	for (int64_t n = 0;; n += 1 + n / 40) {
		mem_fail_after(n);
		const status code = run_plain(&l, &o);
		mem_fail_after(-1);
		if (code == OK) break;
		if (code != E_NOMEM)
			fail_msg("allocation %lld: %s: %s", (long long)n, status_name(code), l.err.message);
		failures++;
	}
	assert_true(failures > 50);
	struct lake_digest a = lake_digest(&l), b = lake_digest(&whole);
	lake_digest_same(&a, &b);
	buf_deinit(&b.text);
	lake_query_is(&l, "SELECT count(*), count(DISTINCT item_id) FROM gold.by_id", "200|200\n");
	lake_close(&whole);
	lake_close(&l);
}

/* ---- leases ---------------------------------------------------------------------------------------------------------- */

static struct lake *thief_lake;
static char thief_run[UUID_CHARS + 1];

static void steal_lease(const char *task_id)
{
	struct control_lease l;
	struct control *c = NULL;
	struct err err;
	if (strcmp(task_id, "bronze-0001") != 0) return;
	CHECK_OK(&err, control_open(thief_lake->uri, &c, &err));
	control_lease_init(&l, thief_run);
	CHECK_OK(&err,
		control_lease_acquire(c, &l, time_now_us() + 2 * LEASE_TTL_US, &err)); /* as if ours had run out */
	control_close(c);
}

static void test_a_lost_lease_stops_the_run(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	lake_open(&l);
	struct run_opts o = options(&l);
	o.threads = 1;
	o.until = "raw";
	CHECK_OK(&l.err, run(&l, &o, &r));
	memcpy(thief_run, r.run_id, sizeof thief_run);
	thief_lake = &l;
	run_report_deinit(&r);
	o.until = NULL;
	fault.before = steal_lease;
	CHECK_FAILS(E_BUSY, run_plain(&l, &o));
	/* Nothing of it was recorded: the status is the thief's to set now. */
	lake_query_is(&l, "SELECT stage FROM meta_stage_commits", "raw\n");
	status_is(&l, "RUNNING");
	fault_reset();
	CHECK_FAILS(E_BUSY, run_plain(&l, &o));
	assert_non_null(strstr(l.err.message, "is held by process"));
	lake_close(&l);
}

/* ---- other ways in ---------------------------------------------------------------------------------------------------- */

static void test_ingested_run(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r, again;
	char folder[96], a[128], b[128];
	lake_open(&l);
	(void)snprintf(folder, sizeof folder, "%s-in", l.dir);
	(void)snprintf(a, sizeof a, "%s/a.jsonl", folder);
	(void)snprintf(b, sizeof b, "%s/b.ndjson", folder);
	struct store *in = NULL;
	CHECK_OK(&l.err, store_open(folder, &in, &l.err));
	CHECK_OK(&l.err, store_put(in, "b.ndjson", "two", 3, &l.err));
	CHECK_OK(&l.err, store_put(in, "a.jsonl", "one", 3, &l.err));
	/* what stands beside the events is no event */
	CHECK_OK(&l.err, store_put(in, "README.md", "what", 4, &l.err));
	CHECK_OK(&l.err, store_put(in, "c.json", "{}", 2, &l.err));
	CHECK_OK(&l.err, store_put(in, ".hidden.jsonl", "no", 2, &l.err));
	CHECK_OK(&l.err, store_put(in, "deeper/d.jsonl", "no", 2, &l.err));
	const char *const whole[] = {folder};
	const char *const files[] = {a, b};
	struct run_opts o = options(&l);
	o.inputs = whole;
	o.n_inputs = 1;
	CHECK_OK(&l.err, run(&l, &o, &r));
	CHECK_I64(r.rows_raw, 2 * FAKE_ROWS);
	/* as_of: the end of the newest event's day, not the sum of what the tasks say. */
	lake_query_is(&l, "SELECT date_min, date_max, as_of FROM meta.runs",
		"2024-10-04|2024-10-06|2024-10-06T23:59:59.999999Z\n");
	o.inputs = files;
	o.n_inputs = 2;
	CHECK_OK(&l.err, run(&l, &o, &again));
	assert_string_equal(again.run_id, r.run_id); /* by content, whatever the way to name it */
	assert_true(again.nothing_to_do);
	run_report_deinit(&again);
	CHECK_OK(&l.err, store_put(in, "b.ndjson", "TWO", 3, &l.err));
	o.replace_published = true;
	CHECK_OK(&l.err, run(&l, &o, &again));
	assert_string_not_equal(again.run_id, r.run_id);
	run_report_deinit(&again);
	o.n_inputs = 1;
	(void)snprintf(a, sizeof a, "%s/nowhere/at/all", folder);
	o.inputs = (const char *const[]){a};
	CHECK_FAILS(E_NOT_FOUND, run_plain(&l, &o));
	(void)snprintf(a, sizeof a, "%s/none", folder);
	CHECK_OK(&l.err, store_put(in, "none/README.md", "what", 4, &l.err));
	o.inputs = (const char *const[]){a};
	CHECK_FAILS(E_NOT_FOUND, run_plain(&l, &o));
	/* An event file that can't be looked at is not left out of its folder. */
	CHECK_OK(&l.err, store_put(in, "none/a.jsonl", "three", 5, &l.err));
	(void)snprintf(b, sizeof b, "%s/none/b.jsonl", folder);
	assert_int_equal(symlink("/no/such/file", b), 0);
	CHECK_FAILS(E_NOT_FOUND, run_plain(&l, &o));
	assert_non_null(strstr(l.err.message, "b.jsonl"));
	run_report_deinit(&r);
	store_close(in);
	check_rmdir(folder);
	lake_close(&l);
}

static void test_plan_and_lone_tasks(void **state)
{
	(void)state;
	struct lake l, other;
	struct buf plan, result;
	struct json_doc *doc = NULL;
	lake_open(&l);
	lake_open(&other);
	buf_init(&plan, 0);
	buf_init(&result, 0);
	struct run_opts o = options(&l);
	o.control = NULL;
	CHECK_OK(&l.err, flow_plan_json(&o, &plan, &l.err));
	const struct str text = {(const char *)plan.p, plan.n};
	CHECK_OK(&l.err, json_doc_parse(text, &doc, &l.err));
	const struct json_node *stages = json_node_get(json_doc_root(doc), "stages");
	CHECK_I64(json_node_n(stages), 3);
	CHECK_I64(json_node_n(json_node_get(json_node_at(stages, 0), "tasks")), FAKE_TASKS);
	struct str after;
	assert_true(json_node_str(json_node_get(json_node_at(stages, 2), "after"), &after) && str_is(after, "bronze"));
	json_doc_destroy(doc);
	/* A task of it, run alone, writes what the run writes. */
	const char *task_at = strstr(text.p, "\"tasks\":[") + 9;
	const char *task_end = strstr(task_at, "},{\"hi\"");
	char spec[2048];
	(void)snprintf(spec, sizeof spec, "%.*s", (int)(task_end + 1 - task_at), task_at);
	CHECK_OK(
		&l.err, flow_task_run_json(&(struct workload_list){(const struct workload *const[]){&fake_workload}, 1},
				l.store, str_of(spec), NULL, &result, &l.err));
	buf_char(&result, '\0');
	struct run_opts full = options(&other);
	full.until = "raw";
	CHECK_OK(&other.err, run_plain(&other, &full));
	struct lake_digest d = lake_digest(&other);
	const char *sha = strstr((const char *)result.p, "\"sha256\":\"") + 10;
	char wanted[65];
	(void)snprintf(wanted, sizeof wanted, "%.64s", sha);
	assert_non_null(strstr((const char *)d.text.p, wanted));
	buf_deinit(&d.text);
	static const char *const bad[] = {"", "{}", "[1]", "{\"run\":{}}"};
	for (size_t i = 0; i < 4; i++)
		CHECK_FAILS(E_USAGE,
			flow_task_run_json(&(struct workload_list){(const struct workload *const[]){&fake_workload}, 1},
				l.store, str_of(bad[i]), NULL, &result, &l.err));
	buf_deinit(&plan);
	buf_deinit(&result);
	lake_close(&other);
	lake_close(&l);
}

struct differences {
	int n;
	char paths[8][200];
	char what[8][40];
};

static void difference(void *arg, const char *path, const char *what)
{
	struct differences *d = arg;
	if (d->n == 8) return;
	(void)snprintf(d->paths[d->n], sizeof d->paths[0], "%s", path);
	(void)snprintf(d->what[d->n++], sizeof d->what[0], "%s", what);
}

static void test_verify(void **state)
{
	(void)state;
	struct lake l;
	struct run_report r;
	struct verify_report v;
	struct differences d = {0};
	char key[3][200];
	lake_open(&l);
	const struct run_opts o = options(&l);
	CHECK_OK(&l.err, run(&l, &o, &r));
	const struct verify_opts vo = {.workload = &fake_workload,
		.lake = l.store,
		.run_id = r.run_id,
		.threads = 2,
		.difference = difference,
		.arg = &d};
	CHECK_OK(&l.err, flow_verify(&vo, &v, &l.err));
	CHECK_I64(v.objects, 20);
	assert_string_equal(v.root, r.root);
	for (int i = 0; i < 3; i++)
		(void)snprintf(key[i], sizeof key[i], "raw/fake/part=%d/run_id=%s/events.txt", i, r.run_id);
	struct buf text;
	buf_init(&text, 0);
	CHECK_OK(&l.err, store_get(l.store, key[0], &text, &l.err));
	text.p[0] ^= 1;
	CHECK_OK(&l.err, store_put(l.store, key[0], text.p, text.n, &l.err));
	CHECK_OK(&l.err, store_put(l.store, key[1], text.p, 3, &l.err));
	CHECK_OK(&l.err, store_delete(l.store, key[2], &l.err));
	buf_deinit(&text);
	CHECK_FAILS(E_VERIFY, flow_verify(&vo, &v, &l.err));
	CHECK_I64(v.differences, 3);
	static const char *const what[] = {"changed", "of another size", "missing"};
	for (int i = 0; i < 3; i++) {
		assert_string_equal(d.paths[i], key[i]);
		assert_string_equal(d.what[i], what[i]);
	}
	const struct verify_opts none = {
		.workload = &fake_workload, .lake = l.store, .run_id = "00000000-0000-4000-8000-000000000000"};
	CHECK_FAILS(E_NOT_FOUND, flow_verify(&none, &v, &l.err));
	run_report_deinit(&r);
	lake_close(&l);
}

static void test_publishing_replaces(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	struct run_opts o = options(&l);
	CHECK_OK(&l.err, run_plain(&l, &o));
	o.params = fake_told("seed", "8");
	/* A run that does not go on from what is shown says so before any work, and is not begun. */
	const int64_t before = fault.runs;
	CHECK_FAILS(E_USAGE, run_plain(&l, &o));
	CHECK_I64(fault.runs, before);
	lake_query_is(&l, "SELECT count(*), min(seed) FROM meta.runs", "1|7\n");
	o.replace_published = true;
	CHECK_OK(&l.err, run_plain(&l, &o));
	lake_query_is(&l, "SELECT count(*), count(DISTINCT run_id), min(substr(item_id, 1, 8)) FROM gold.by_id",
		"200|1|00000008\n");
	/* Rows that are the same in both name the run that made them. */
	lake_query_is(&l, "SELECT count(*) FROM gold.daily g JOIN meta.runs r ON g.run_id = r.run_id WHERE r.seed = 7",
		"5\n");
	/* Not published: the tables stay as they are. */
	o.params = fake_told("seed", "9");
	o.publish = false;
	CHECK_OK(&l.err, run_plain(&l, &o));
	lake_query_is(&l, "SELECT min(substr(item_id, 1, 8)) FROM gold.by_id", "00000008\n");
	lake_query_is(&l, "SELECT status FROM meta.runs WHERE seed = 9", "SUCCESS\n");
	/* Without its control plane a lake still knows its runs: nothing is computed again. */
	const int64_t runs = fault.runs;
	lake_detach(&l);
	char command[160];
	(void)snprintf(command, sizeof command, "rm -f %s/control.db*", l.dir);
	assert_int_equal(system(command), 0);
	lake_attach(&l);
	o.lake = l.store;
	o.control = l.control;
	o.publish = true;
	CHECK_OK(&l.err, run_plain(&l, &o));
	CHECK_I64(fault.runs, runs);
	lake_query_is(&l, "SELECT min(substr(item_id, 1, 8)) FROM gold.by_id", "00000009\n");
	lake_query_is(&l, "SELECT count(*) FROM meta.lineage", "7\n");
	lake_close(&l);
}

static void test_lineage_formats(void **state)
{
	(void)state;
	static const struct {
		const char *name, *has;
	} cases[] = {
		{"text", "raw.fake@"},
		{"json", "\"input\":\"bronze.fake\""},
		{"openlineage", "\"eventType\":\"COMPLETE\""},
		{"dot", "\"raw.fake\" -> \"bronze.fake\" [label=\"bronze\"];"},
		{"cypher", "MERGE (a:Dataset {name: 'raw.fake'})"},
	};
	struct lake l;
	enum lineage_format format;
	struct buf out;
	lake_open(&l);
	buf_init(&out, 0);
	CHECK_FAILS(E_NOT_FOUND, lineage_export(l.control, NULL, LINEAGE_TEXT, &out, &l.err));
	const struct run_opts o = options(&l);
	CHECK_OK(&l.err, run_plain(&l, &o));
	for (size_t i = 0; i < 5; i++) {
		assert_true(lineage_format_parse(cases[i].name, &format));
		buf_reset(&out);
		CHECK_OK(&l.err, lineage_export(l.control, NULL, format, &out, &l.err));
		if (format == LINEAGE_JSON) {
			struct json_doc *doc = NULL;
			CHECK_OK(&l.err, json_doc_parse((struct str){(const char *)out.p, out.n}, &doc, &l.err));
			CHECK_I64(json_node_n(json_doc_root(doc)), 7);
			json_doc_destroy(doc);
		}
		int64_t lines = 0;
		for (size_t k = 0; k < out.n; k++) lines += out.p[k] == '\n';
		if (format == LINEAGE_OPENLINEAGE) CHECK_I64(lines, 4);
		buf_char(&out, '\0');
		if (strstr((const char *)out.p, cases[i].has) == NULL)
			fail_msg("%s without %s:\n%s", cases[i].name, cases[i].has, (const char *)out.p);
	}
	assert_false(lineage_format_parse("xml", &format));
	buf_deinit(&out);
	lake_close(&l);
}

int main(void)
{
	if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 0); /* syncs cost nothing there */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_runs_to_the_end, reset),
		cmocka_unit_test_setup(test_threads_do_not_show, reset),
		cmocka_unit_test_setup(test_a_finished_run_does_nothing, reset),
		cmocka_unit_test_setup(test_stage_by_stage, reset),
		cmocka_unit_test_setup(test_identity, reset),
		cmocka_unit_test_setup(test_retries_what_may_pass, reset),
		cmocka_unit_test_setup(test_resumes_after_a_failed_task, reset),
		cmocka_unit_test_setup(test_does_not_believe_a_changed_output, reset),
		cmocka_unit_test_setup(test_quality_policy, reset),
		cmocka_unit_test_setup(test_cancel_leaves_it_resumable, reset),
		cmocka_unit_test_setup(test_a_changed_input_stops_the_next_stage, reset),
		cmocka_unit_test_setup(test_out_of_memory_anywhere, reset),
		cmocka_unit_test_setup(test_a_lost_lease_stops_the_run, reset),
		cmocka_unit_test_setup(test_ingested_run, reset),
		cmocka_unit_test_setup(test_plan_and_lone_tasks, reset),
		cmocka_unit_test_setup(test_verify, reset),
		cmocka_unit_test_setup(test_publishing_replaces, reset),
		cmocka_unit_test_setup(test_lineage_formats, reset),
	};
	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
