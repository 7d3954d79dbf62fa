/* Rebuilds of a chain of runs: as before in every object, gone on with where they stopped, and refused before anything is removed. */
#include "fake_chain.h"

#include <unistd.h>

#include "flow/rebuild.h"

#define MARK "manifests/rebuild.json"
#define UUID "00000000-0000-5000-8000-000000000001"
#define RUN(published, id, until, name)                                                                     \
	"{\"removed\":true,\"runs\":[{\"published\":" published ",\"run_id\":\"" id "\",\"until\":\"" until \
	"\",\"workload\":\"" name "\"}]}"

static void three_runs(struct lake *l)
{
	memset(&chain, 0, sizeof chain);
	for (int run = 1; run <= CHAIN_RUNS_MAX; run++) {
		chain.accepted[run][run] = 3;
		chain.accepted[run][run + 1] = 2;
		chain.refused[run][run + 4] = 1;
	}
	lake_open(l);
	for (int run = 1; run <= 3; run++) chain_run(l, run);
}

static status rebuild(struct lake *l, struct rebuild_report *r)
{
	static const struct workload *const all[] = {&fake_workload, &chain_workload};
	static const struct workload_list known = {all, 2};
	struct run_opts o = chain_options(l, 0);
	o.config = (struct str){0};
	*r = (struct rebuild_report){0};
	return flow_rebuild(&known, &o, r, &l->err);
}

static void is_as(struct lake *l, struct lake_digest *want)
{
	struct lake_digest d = lake_digest(l);
	lake_digest_same(&d, want);
	chain_is(l, 3);
}

static void test_as_before(void **state)
{
	(void)state;
	struct lake l;
	struct rebuild_report r;
	three_runs(&l);
	struct lake_digest before = lake_digest(&l);
	for (int again = 0; again < 2; again++) {
		CHECK_OK(&l.err, rebuild(&l, &r));
		CHECK_I64(r.n_runs, 3);
		assert_true(r.n_removed > 10 && r.bytes_removed > 0 && !r.resumed);
		for (size_t i = 0; i < r.n_runs; i++) {
			assert_string_equal(r.runs[i].run_id, chain.run_ids[i + 1]);
			CHECK_I64(r.runs[i].status, RUN_SUCCESS);
			CHECK_I64(r.runs[i].n_history, i);
		}
		CHECK_I64(r.n_published, 1);
		assert_string_equal(r.published[0], chain.run_ids[3]);
		rebuild_report_deinit(&r);
		is_as(&l, &before);
	}
	buf_deinit(&before.text);
	chain_run(&l, 4);
	chain_is(&l, 4);
	lake_close(&l);
}

static status stop_here(struct err *err)
{
	return fail(err, E_CORRUPT, "stopped");
}

/* One of its runs fails: the mark stands, others are refused, and it goes on there. */
static void test_goes_on(void **state)
{
	(void)state;
	struct lake l;
	struct rebuild_report r;
	int64_t bytes;
	three_runs(&l);
	struct lake_digest before = lake_digest(&l);
	chain.before_run = 2;
	chain.before = stop_here;
	CHECK_FAILS(E_CORRUPT, rebuild(&l, &r));
	assert_non_null(strstr(l.err.where, chain.run_ids[2]));
	CHECK_I64(r.n_runs, 2);
	CHECK_I64(r.runs[0].status, RUN_SUCCESS);
	rebuild_report_deinit(&r);
	CHECK_OK(&l.err, store_size(l.store, MARK, &bytes, &l.err));
	CHECK_FAILS(E_BUSY, chain_run_try(&l, 4, true));
	CHECK_I64(l.err.advice, ADVICE_REBUILD_ON);
	CHECK_OK(&l.err, rebuild(&l, &r));
	assert_true(r.resumed);
	CHECK_I64(r.n_removed, 0);
	CHECK_I64(r.n_runs, 3);
	rebuild_report_deinit(&r);
	is_as(&l, &before);
	buf_deinit(&before.text);
	lake_close(&l);
}

/* The mark may be damaged as any other object: any byte of it. */
static void test_mark_damaged(void **state)
{
	(void)state;
	struct lake l;
	struct rebuild_report r;
	struct buf text;
	three_runs(&l);
	struct lake_digest before = lake_digest(&l);
	chain.before_run = 2;
	chain.before = stop_here;
	CHECK_FAILS(E_CORRUPT, rebuild(&l, &r));
	rebuild_report_deinit(&r);
	buf_init(&text, 0);
	CHECK_OK(&l.err, store_get(l.store, MARK, &text, &l.err));
	for (size_t i = 0; i < text.n; i++) {
		text.p[i] ^= 1;
		CHECK_OK(&l.err, store_put(l.store, MARK, text.p, text.n, &l.err));
		if (rebuild(&l, &r) != E_VERIFY) fail_msg("byte %zu: taken", i);
		rebuild_report_deinit(&r);
		text.p[i] ^= 1;
	}
	CHECK_OK(&l.err, store_put(l.store, MARK, text.p, text.n, &l.err));
	CHECK_OK(&l.err, rebuild(&l, &r));
	rebuild_report_deinit(&r);
	is_as(&l, &before);
	buf_deinit(&before.text);
	buf_deinit(&text);
	lake_close(&l);
}

/* What is none is not taken for one. */
static void test_mark_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"{\"removed\":true}",
		"{\"removed\":1,\"runs\":[]}",
		"{\"removed\":true,\"runs\":[{}]}",
		RUN("true", "", "gold", "chain"),
		RUN("1", UUID, "gold", "chain"),
		RUN("true", UUID, "publish", "chain"),
		RUN("true", UUID, "platinum", "chain"),
		RUN("true", UUID, "gold", "else"),
	};
	struct lake l;
	struct rebuild_report r;
	lake_open(&l);
	CHECK_OK(&l.err, rebuild_refuse(l.store, &l.err));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CHECK_OK(&l.err, store_put(l.store, MARK, bad[i], strlen(bad[i]), &l.err));
		CHECK_FAILS(E_BUSY, rebuild_refuse(l.store, &l.err));
		if (rebuild(&l, &r) != E_VERIFY) fail_msg("taken: %s", bad[i]);
		assert_string_equal(l.err.where, MARK);
		rebuild_report_deinit(&r);
	}
	lake_close(&l);
}

static void test_refused_before(void **state)
{
	(void)state;
	struct lake l;
	struct rebuild_report r;
	struct control_lease lease;
	three_runs(&l);
	struct lake_digest before = lake_digest(&l);
	control_lease_init(&lease, chain.run_ids[2]);
	CHECK_OK(&l.err, control_lease_acquire(l.control, &lease, time_now_us(), &l.err));
	CHECK_FAILS(E_BUSY, rebuild(&l, &r));
	assert_non_null(strstr(l.err.message, chain.run_ids[2]));
	is_as(&l, &before);
	CHECK_OK(&l.err, control_lease_release(l.control, &lease, &l.err));
	CHECK_OK(&l.err, rebuild(&l, &r));
	rebuild_report_deinit(&r);
	is_as(&l, &before);
	buf_deinit(&before.text);
	lake_close(&l);
}

int main(void)
{
	if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 0); /* syncs cost nothing there */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_as_before, reset),
		cmocka_unit_test_setup(test_goes_on, reset),
		cmocka_unit_test_setup(test_mark_damaged, reset),
		cmocka_unit_test_setup(test_mark_refused, reset),
		cmocka_unit_test_setup(test_refused_before, reset),
	};
	return cmocka_run_group_tests_name("rebuild", tests, NULL, NULL);
}
