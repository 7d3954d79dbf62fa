#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"

static int entries(const char *folder)
{
	int n = 0;
	DIR *d = opendir(folder);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;) n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
	(void)closedir(d);
	return n;
}

/* Both ways of making it: nothing in the folder, and another open of /proc/self/fd/N finds the bytes. */
static void test_nameless(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		status (*make)(const char *folder, int *fd, struct err *err);
	} ways[] = {{"file_nameless", file_nameless}, {"file_unlinked", file_unlinked}};
	char folder[64], path[64];
	struct err err;
	check_tmpdir(folder);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		int fd = -1;
		struct buf got;
		buf_init(&got, 0);
		CHECK_OK(&err, ways[i].make(folder, &fd, &err));
		CHECK_OK(&err, file_write(fd, "one ", 4, &err));
		CHECK_OK(&err, file_write(fd, "", 0, &err));
		CHECK_OK(&err, file_write(fd, "two", 3, &err));
		if (entries(folder) != 0) fail_msg("%s left a name", ways[i].name);
		(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		CHECK_OK(&err, file_read(path, 100, &got, &err));
		CHECK_I64(got.n, 7);
		assert_memory_equal(got.p, "one two", 7);
		buf_deinit(&got);
		(void)close(fd);
		assert_int_not_equal(ways[i].make("/proc/no-such-folder", &fd, &err), OK);
		assert_non_null(strstr(err.message, "/proc/no-such-folder"));
	}
	check_rmdir(folder);
}

static void test_write_fails(void **state)
{
	(void)state;
	struct err err;
	const int fd = open("/dev/full", O_WRONLY);
	assert_true(fd >= 0);
	CHECK_FAILS(E_IO, file_write(fd, "x", 1, &err));
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_nameless), cmocka_unit_test(test_write_fails)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
