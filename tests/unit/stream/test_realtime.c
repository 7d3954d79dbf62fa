/* Counts by window into SQLite; a member killed at each system call of a commit counts each event once. */
#include "../check.h"
#include "../failing_malloc.h"
#include "realtime_cases.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void base_make(struct base *b)
{
	*b = (struct base){0};
	(void)check_tmpdir(b->dir);
	(void)snprintf(b->name, sizeof b->name, "%s/control.db", b->dir);
	(void)snprintf(b->uri, sizeof b->uri, "sqlite:%s", b->name);
}

static void base_erase(struct base *b)
{
	check_rmdir(b->dir);
}

static void base_value_is(const struct base *b, const char *sql, const char *want)
{
	char text[512];
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	(void)snprintf(text, sizeof text, "%s", sql);
	for (char *at; (at = strstr(text, "realtime.")) != NULL;) at[8] = '_';
	assert_int_equal(sqlite3_open(b->name, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK) fail_msg("%s: %s", text, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	const char *got = (const char *)sqlite3_column_text(stmt, 0);
	if (got == NULL || strcmp(got, want) != 0) fail_msg("%s: %s, expected %s", sql, got, want);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
}

/* ---- killed at each system call -------------------------------------------------------------------------------------------- */

static void child_main(const struct base *b)
{
	struct member m;
	struct err err;
	if (sql_open(b->uri, &m.c, &err) != OK) _exit(1);
	member_init(&m, "t");
	if (realtime_init(&m.r, &err) != OK) _exit(1);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(77);
	(void)raise(SIGSTOP);
	const status code = go_on(&m, &err);
	member_close(&m);
	_exit(code == OK ? 0 : 1);
}

/* Go on in a child that is killed at its n-th stop at a system call; its wait status. */
static int killed_at(const struct base *b, int n, int *seen)
{
	int state = 0;
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) child_main(b);
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

/* The database as a member's opening leaves it. */
static void base_copy(const struct base *of, struct base *b)
{
	char command[400];
	base_make(b);
	(void)snprintf(command, sizeof command, "cp %s %s", of->name, b->name);
	assert_int_equal(system(command), 0);
}

static void test_killed_at_each_call(void **state)
{
	(void)state;
	struct base made, b;
	struct member m;
	int total = 1, seen = 0, killed = 0;
	base_make(&made);
	member_open(&made, &m, "t");
	member_close(&m);
	for (int n = -1; n < total; n++) {
		base_copy(&made, &b);
		const int end = killed_at(&b, n, &seen);
		if (WIFEXITED(end) && WEXITSTATUS(end) == 77) {
			print_message("SKIPPED: ptrace is not allowed here\n");
			skip();
		}
		if (n < 0) total = seen; /* the one that is let run to its end tells how many there are */
		/* a sanitizer's own calls are not always as many: the last ones may not be reached */
		assert_true(WIFEXITED(end) ? WEXITSTATUS(end) == 0 : n >= 0);
		killed += WIFSIGNALED(end);
		member_open(&b, &m, "t");
		CHECK_OK(&b.err, go_on(&m, &b.err));
		member_close(&m);
		counts_are_whole(&b);
		base_value_is(&b, "PRAGMA integrity_check", "ok");
		base_erase(&b);
	}
	assert_true(total > 80); /* two stops a call */
	assert_true(killed > total * 9 / 10);
	base_erase(&made);
}

/* Memory that fails at any call: an error, and the same again counts each event once. */
static void test_no_memory(void **state)
{
	(void)state;
	struct base b;
	struct member m;
	if (!MALLOC_FAILS) skip();
	const int64_t live = malloc_live;
	base_make(&b);
	member_open(&b, &m, "t");
	int64_t n = 1;
	for (bool again = true; again; n++) {
		struct windows w;
		windows_init(&w, KINDS, WATERMARK_NONE);
		add(&w, AT(n, 0), LOGIN_WEB, 1);
		const struct realtime_move move = {(int32_t)n, -1, 1, &w, -1};
		malloc_fail_from(n);
		const status code = realtime_commit(&m.r, &move, 1, NOW, &b.err);
		again = malloc_hits > 0;
		malloc_fail_from(0);
		if (code != OK) CHECK_OK(&b.err, realtime_commit(&m.r, &move, 1, NOW, &b.err));
		windows_deinit(&w);
	}
	char want[16];
	(void)snprintf(want, sizeof want, "%d", (int)n - 1);
	base_value_is(&b, LOGINS, want);
	assert_true(n > 5);
	member_close(&m);
	if (malloc_live != live) fail_msg("%lld blocks lost", (long long)(malloc_live - live));
	base_erase(&b);
}

static const struct CMUnitTest own_tests[] = {
	cmocka_unit_test(test_killed_at_each_call),
	cmocka_unit_test(test_no_memory),
};

int main(void)
{
	(void)setenv("TMPDIR", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", 0); /* syncs cost nothing there */
	const int failed = cmocka_run_group_tests_name("realtime", realtime_tests, NULL, NULL);
	return failed + cmocka_run_group_tests_name("sqlite", own_tests, NULL, NULL);
}
