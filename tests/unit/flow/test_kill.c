/* A run that is killed at any system call and run again ends as if it had never been killed. */
#include "fake_run.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"

enum { TRIALS = 60, KILLS_MAX = 4, NEVER = 1 << 30 };

static status run_here(struct lake *l, struct run_report *r)
{
	struct run_opts o = options(l);
	o.threads = 1; /* the traced thread does the tasks itself */
	return run(l, &o, r);
}

/* The child: open the lake, run, and say how it went. */
static void child_main(const char *dir)
{
	struct lake l = {0};
	struct run_report r;
	(void)snprintf(l.dir, sizeof l.dir, "%s", dir);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(77);
	(void)raise(SIGSTOP);
	lake_attach(&l);
	const status code = run_here(&l, &r);
	run_report_deinit(&r);
	lake_detach(&l);
	_exit(code == OK ? 0 : 1);
}

/* Run in a child that is killed at its n-th system call; its wait status. *seen: the calls it got to. */
static int run_killed(const char *dir, int n, int *seen)
{
	int state = 0;
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) child_main(dir);
	assert_int_equal(waitpid(pid, &state, 0), pid);
	for (*seen = 0; WIFSTOPPED(state); (*seen)++) {
		if (*seen == n) {
			assert_int_equal(kill(pid, SIGKILL), 0);
			assert_int_equal(waitpid(pid, &state, 0), pid);
			return state;
		}
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &state, 0), pid);
	}
	return state;
}

static void check_end(struct lake *l, const struct lake_digest *want)
{
	struct lake_digest d = lake_digest(l);
	lake_digest_same(&d, want);
	lake_query_is(l, "SELECT status, raw_rows FROM meta.runs", "SUCCESS|200\n");
	lake_query_is(l, "SELECT count(*), count(DISTINCT item_id) FROM gold.by_id", "200|200\n");
	lake_query_is(l, "SELECT sum(rows) FROM meta.datasets", "605\n");
	lake_query_is(l, "SELECT count(*), count(DISTINCT stage || input || output) FROM meta.lineage", "7|7\n");
	lake_query_is(l, "SELECT count(*) FROM meta.quality_checks", "6\n");
	lake_query_is(l, "SELECT count(*) FROM meta_stage_commits", "4\n");
	lake_query_is(l, "SELECT count(*) FROM meta_leases", "0\n");
	lake_query_is(l, "PRAGMA integrity_check", "ok\n");
	lake_table_is(l, "gold/by_id", 0, FAKE_TASKS, 200); /* one commit however often it was killed */
	lake_table_is(l, "gold/daily", 0, FAKE_TASKS, 5);
	lake_table_is(l, "gold/empty", 0, 0, 0);
	char command[160];
	(void)snprintf(command, sizeof command, "test -z \"$(find %s -name '.tmp-*')\"", l->dir);
	assert_int_equal(system(command), 0);
}

static void trial(uint64_t number, int total, const struct lake_digest *want)
{
	struct lake l = {0};
	struct run_report r;
	(void)check_tmpdir(l.dir);
	const struct rng4 draw = rng_philox(2026, number, 0, 0);
	const uint32_t kills = 1 + rng_below(draw.v[0], KILLS_MAX);
	for (uint32_t k = 0; k < kills; k++) {
		int seen;
		const struct rng4 at = rng_philox(2026, number, 1, k);
		const int state = run_killed(l.dir, (int)rng_below(at.v[0], (uint32_t)total), &seen);
		if (WIFEXITED(state) && WEXITSTATUS(state) != 0)
			fail_msg("trial %d: a resumed run failed", (int)number);
	}
	lake_attach(&l);
	CHECK_OK(&l.err, run_here(&l, &r));
	run_report_deinit(&r);
	check_end(&l, want);
	lake_close(&l);
}

static void test_killed_anywhere(void **state)
{
	(void)state;
	struct lake l = {0};
	int total;
	(void)check_tmpdir(l.dir);
	const int end = run_killed(l.dir, NEVER, &total);
	if (WIFEXITED(end) && WEXITSTATUS(end) == 77) {
		print_message("SKIPPED: ptrace is not allowed here\n");
		check_rmdir(l.dir);
		skip();
	}
	assert_true(WIFEXITED(end) && WEXITSTATUS(end) == 0);
	assert_true(total > 500); /* two stops a call; the run is long enough to be cut anywhere */
	lake_attach(&l);
	struct lake_digest want = lake_digest(&l);
	check_end(&l, &want);
	for (uint64_t i = 0; i < TRIALS; i++) trial(i, total, &want);
	buf_deinit(&want.text);
	lake_close(&l);
}

/* ---- a disk that is full: no file may grow beyond a limit ------------------------------------------------------------- */

static void test_full_disk(void **state)
{
	(void)state;
	struct lake l, whole;
	struct run_report r;
	struct rlimit before;
	lake_open(&whole);
	CHECK_OK(&whole.err, run_here(&whole, &r));
	run_report_deinit(&r);
	struct lake_digest want = lake_digest(&whole);
	lake_close(&whole);
	lake_open(&l);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	/* Under the size of a raw object; then under what the database needs. */
	for (rlim_t limit = 1000; limit <= 16384; limit += 15384) {
		const struct rlimit tight = {.rlim_cur = limit, .rlim_max = before.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
		const status code = run_here(&l, &r);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		if (code != E_IO) fail_msg("a full disk gave %s", status_name(code));
		assert_true(l.err.message[0] != '\0');
		run_report_deinit(&r);
	}
	lake_query_is(&l, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'gold_%'", "0\n");
	CHECK_OK(&l.err, run_here(&l, &r));
	run_report_deinit(&r);
	check_end(&l, &want);
	buf_deinit(&want.text);
	lake_close(&l);
}

int main(void)
{
	/* Memory instead of a disk where there is such a place: a trial syncs a dozen times, which here proves nothing. */
	if (access("/dev/shm", W_OK) == 0) (void)setenv("TMPDIR", "/dev/shm", 0);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_killed_anywhere, reset),
		cmocka_unit_test_setup(test_full_disk, reset),
	};
	return cmocka_run_group_tests_name("kill", tests, NULL, NULL);
}
