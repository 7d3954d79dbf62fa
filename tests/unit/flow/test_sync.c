#include "check.h"

#include <unistd.h>

#include "failing_sync.h"
#include "fake_run.h"

static void reopen(struct lake *l)
{
	lake_detach(l);
	lake_attach(l);
}

/* Whichever sync fails, the run does; run again it does every task of the stage again, and ends as a run without trouble. */
static void test_each_sync_fails_once(void **state)
{
	(void)state;
	struct lake l;
	lake_open(&l);
	syncs = fail_at_sync = 0;
	struct run_opts o = options(&l);
	CHECK_OK(&l.err, run_plain(&l, &o));
	const int n_syncs = syncs;
	const int64_t n_tasks = fault.runs;
	struct lake_digest want = lake_digest(&l);
	lake_close(&l);
	assert_true(n_syncs >= 3);
	for (int n = 1; n <= n_syncs; n++) {
		lake_open(&l);
		syncs = 0;
		fail_at_sync = n;
		fault.runs = 0;
		o = options(&l);
		CHECK_FAILS(E_IO, run_plain(&l, &o));
		status_is(&l, "FAILED");
		const int64_t done = fault.runs;
		reopen(&l);
		o = options(&l);
		CHECK_OK(&l.err, run_plain(&l, &o));
		status_is(&l, "SUCCESS");
		/* The last sync follows the last stage's commit: its tasks were synced before. */
		CHECK_I64(fault.runs > n_tasks, n < n_syncs);
		assert_true(fault.runs >= done);
		struct lake_digest got = lake_digest(&l);
		lake_digest_same(&got, &want);
		lake_close(&l);
	}
	buf_deinit(&want.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_each_sync_fails_once, reset)};
	return cmocka_run_group_tests_name("flow/sync", tests, NULL, NULL);
}
