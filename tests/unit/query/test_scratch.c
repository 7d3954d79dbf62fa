/* The folder for DuckDB's own files: of each query another, for this user alone, gone with its owner however that ends. */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "query/query_int.h"

static char dir[64];

static int set_up(void **state)
{
	(void)state;
	return setenv("TMPDIR", check_tmpdir(dir), 1);
}

static int tear_down(void **state)
{
	(void)state;
	check_rmdir(dir);
	return 0;
}

static bool there(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

static void put_file(const char *folder, const char *name)
{
	char path[SCRATCH_FOLDER_MAX + 32];
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
}

static void each_has_its_own(void **state)
{
	(void)state;
	struct scratch a = {0}, b = {0};
	struct err err;
	struct stat st;
	CHECK_OK(&err, scratch_open(&a, &err));
	CHECK_OK(&err, scratch_open(&b, &err)); /* sweeps, and leaves what another holds */
	assert_string_not_equal(a.folder, b.folder);
	assert_int_equal(stat(a.folder, &st), 0);
	CHECK_I64(st.st_mode & 0777, 0700);
	put_file(a.folder, "spill");
	scratch_close(&a);
	assert_string_equal(a.folder, "");
	assert_true(there(b.folder));
	scratch_close(&a); /* again, and one that was never opened: nothing */
	scratch_close(&(struct scratch){0});
	char folder[SCRATCH_FOLDER_MAX];
	memcpy(folder, b.folder, sizeof folder);
	scratch_close(&b);
	assert_false(there(folder));
}

/* What a process that was killed left goes with the next; another's files and links do not. */
static void sweeps_what_nobody_holds(void **state)
{
	(void)state;
	struct scratch s = {0};
	struct err err;
	char left[SCRATCH_FOLDER_MAX] = "", link[128], others[128], inner[128];
	int from_child[2];
	assert_int_equal(pipe(from_child), 0);
	const pid_t child = fork();
	if (child == 0) {
		struct scratch mine = {0};
		if (scratch_open(&mine, NULL) != OK) _exit(1);
		put_file(mine.folder, "spill");
		(void)!write(from_child[1], mine.folder, sizeof mine.folder);
		_exit(0); /* as if killed: it closes nothing */
	}
	assert_int_equal(read(from_child[0], left, sizeof left), sizeof left);
	int ended;
	assert_int_equal(waitpid(child, &ended, 0), child);
	CHECK_I64(ended, 0);
	(void)close(from_child[0]);
	(void)close(from_child[1]);
	assert_true(there(left));
	(void)snprintf(others, sizeof others, "%s/other-folder", dir);
	(void)snprintf(inner, sizeof inner, "%s/other-folder/kept", dir);
	(void)snprintf(link, sizeof link, "%s/pqr-sql-linked", dir);
	assert_int_equal(mkdir(others, 0700), 0);
	put_file(others, "kept");
	assert_int_equal(symlink(others, link), 0);
	CHECK_OK(&err, scratch_open(&s, &err));
	assert_false(there(left));
	assert_true(there(inner));
	assert_true(there(link));
	scratch_close(&s);
}

static void says_where_it_cannot_be(void **state)
{
	(void)state;
	struct scratch s = {0};
	struct err err;
	char nowhere[128];
	(void)snprintf(nowhere, sizeof nowhere, "%s/nowhere", dir);
	(void)setenv("TMPDIR", nowhere, 1);
	CHECK_FAILS(E_NOT_FOUND, scratch_open(&s, &err));
	assert_non_null(strstr(err.message, nowhere));
	assert_string_equal(s.folder, "");
	scratch_close(&s);
	(void)setenv("TMPDIR", dir, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_has_its_own),
		cmocka_unit_test(sweeps_what_nobody_holds), cmocka_unit_test(says_where_it_cannot_be)};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
