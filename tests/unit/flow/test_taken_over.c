/* Runs that go on from what another left: a lost control plane, a damaged commit. */
#include "fake_run.h"

#include <unistd.h>

#include "base/seal.h"

/* What a run is worth does not get lost with the control plane: the checks are done again from the commits. */
static void test_quality_outlives_the_control_plane(void **state)
{
	(void)state;
	static const char rows[] = "SELECT layer, severity, result FROM meta.quality_checks WHERE layer <> 'publish' "
				   "ORDER BY layer";
	static const char want[] = "bronze|WARNING|WARN\ngold|CRITICAL|PASS\nraw|CRITICAL|PASS\n";
	struct lake l;
	lake_open(&l);
	struct run_opts o = options(&l);
	fault.check_stage = "bronze";
	fault.check_times = 1000;
	fault.severity = QUALITY_WARNING;
	CHECK_OK(&l.err, run_plain(&l, &o));
	const int64_t runs = fault.runs;
	for (int whole = 0; whole < 2; whole++) {
		char command[200];
		if (whole)
			(void)snprintf(command, sizeof command, "rm -f %s/control.db*", l.dir);
		else /* the checks alone; the status follows from what is left */
			(void)snprintf(command, sizeof command,
				"sqlite3 %s/control.db \"DELETE FROM meta_quality_checks WHERE layer <> 'publish'; "
				"UPDATE meta_run_records SET status = 'SUCCESS'\"",
				l.dir);
		lake_detach(&l);
		assert_int_equal(system(command), 0);
		lake_attach(&l);
		o.lake = l.store;
		o.control = l.control;
		CHECK_OK(&l.err, run_plain(&l, &o));
		CHECK_I64(fault.runs, runs);
		status_is(&l, "DEGRADED");
		lake_query_is(&l, rows, want);
	}
	/* A CRITICAL check that fails now stops the run that is taken over. */
	fault.severity = QUALITY_CRITICAL;
	lake_detach(&l);
	char command[160];
	(void)snprintf(command, sizeof command, "rm -f %s/control.db*", l.dir);
	assert_int_equal(system(command), 0);
	lake_attach(&l);
	o.lake = l.store;
	o.control = l.control;
	CHECK_FAILS(E_QUALITY, run_plain(&l, &o));
	status_is(&l, "FAILED");
	lake_query_is(&l, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'gold_%'", "0\n");
	lake_close(&l);
}

static void seal_again(struct buf *text)
{
	static const char name[] = "\"seal\":\"";
	const uint8_t *at = memmem(text->p, text->n, name, strlen(name));
	assert_non_null(at);
	seal_close(text, 0, (size_t)(at - text->p) + strlen(name));
}

/* A commit that was cut or edited is named with what helps, and nothing is done on top of it. */
static void test_a_damaged_commit_stops_the_run(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to, *says;
		bool sealed; /* anew, as a program would that writes such a commit */
	} edits[] = {
		{"\"stage\":\"bronze\"", "\"stage\":\"bronze", "damaged", false},   /* no JSON */
		{"\"stage\":\"bronze\"", "\"stagy\":\"bronze\"", "damaged", false}, /* a member gone */
		{"\"rows\":40", "\"rows\":\"x\"", "damaged", false},                /* of another type */
		{"{\"counters\"", "{ \"counters\"", "changed", false},              /* not canonical */
		{"\"rows_out\":200", "\"rows_out\":201", "changed", false},         /* not what its digest says */
		{"\"rows_out\"", "\"rows_ouT\"", "changed", false},
		{"\"rows_out\":200", "\"rows_out\":201", "changed", true},        /* not what was recorded */
		{"\"stage\":\"bronze\"", "\"stage\":\"gold\"", "replaced", true}, /* of another stage */
	};
	struct lake l;
	struct run_report r;
	char key[200];
	lake_open(&l);
	struct run_opts o = options(&l);
	o.until = "bronze";
	CHECK_OK(&l.err, run(&l, &o, &r));
	o.until = NULL;
	(void)snprintf(key, sizeof key, "manifests/day=2024-10-06/run_id=%s/stages/bronze.json", r.run_id);
	run_report_deinit(&r);
	struct buf whole;
	buf_init(&whole, 0);
	CHECK_OK(&l.err, store_get(l.store, key, &whole, &l.err));
	buf_char(&whole, '\0');
	for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
		struct buf text;
		const char *at = strstr((const char *)whole.p, edits[i].from);
		assert_non_null(at);
		buf_init(&text, 0);
		buf_add(&text, whole.p, (size_t)(at - (const char *)whole.p));
		buf_str(&text, edits[i].to);
		buf_str(&text, at + strlen(edits[i].from));
		if (edits[i].sealed) seal_again(&text);
		CHECK_OK(&l.err, store_put(l.store, key, text.p, text.n, &l.err));
		buf_deinit(&text);
		CHECK_FAILS(E_VERIFY, run_plain(&l, &o));
		assert_string_equal(l.err.where, key);
		assert_non_null(strstr(l.err.message, edits[i].says));
		CHECK_I64(l.err.advice, ADVICE_OR_NEW_RUN);
	}
	CHECK_OK(&l.err, store_put(l.store, key, whole.p, 100, &l.err));
	CHECK_FAILS(E_VERIFY, run_plain(&l, &o));
	lake_query_is(&l, "SELECT count(*) FROM meta_stage_commits", "2\n");
	CHECK_OK(&l.err, store_put(l.store, key, whole.p, whole.n - 1, &l.err));
	CHECK_OK(&l.err, run_plain(&l, &o));
	buf_deinit(&whole);
	lake_close(&l);
}

int main(void)
{
	if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 0); /* syncs cost nothing there */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_quality_outlives_the_control_plane, reset),
		cmocka_unit_test_setup(test_a_damaged_commit_stops_the_run, reset),
	};
	return cmocka_run_group_tests_name("taken over", tests, NULL, NULL);
}
