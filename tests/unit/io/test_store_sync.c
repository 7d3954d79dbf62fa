#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "failing_sync.h"
#include "io/store.h"

static ino_t inode(const char *dir, const char *key)
{
	char path[128];
	struct stat st;
	(void)snprintf(path, sizeof path, "%s/%s", dir, key);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void put_all(struct store *s)
{
	struct err err;
	struct store_writer *w = NULL;
	CHECK_OK(&err, store_put_if_absent(s, "a/put", "one", 3, &err));
	CHECK_OK(&err, store_commit(s, "a/commit", "two", 3, &err));
	CHECK_OK(&err, store_writer_create(s, "a/written", &w, &err));
	CHECK_OK(&err, store_writer_add(w, "three", 5, &err));
	CHECK_OK(&err, store_writer_finish(w, &err));
	store_writer_destroy(w);
}

/* A sync that failed stays failed for this store; the next one's puts of the same bytes are new files, with nothing beside them. */
static void test_a_failed_sync_is_not_forgotten(void **state)
{
	(void)state;
	static const char *const keys[] = {"a/put", "a/commit", "a/written"};
	struct store *s = NULL;
	struct err err;
	char dir[64];
	ino_t before[3];
	check_tmpdir(dir);
	syncs = 0;
	fail_at_sync = 2;
	CHECK_OK(&err, store_open(dir, &s, &err));
	CHECK_OK(&err, store_sync(s, &err));
	put_all(s);
	for (int i = 0; i < 3; i++) before[i] = inode(dir, keys[i]);
	for (int i = 0; i < 3; i++) {
		CHECK_FAILS(E_IO, store_sync(s, &err));
		assert_non_null(strstr(err.message, "cannot make the lake durable"));
	}
	store_close(s);
	CHECK_OK(&err, store_open(dir, &s, &err));
	put_all(s);
	for (int i = 0; i < 3; i++) assert_true(inode(dir, keys[i]) != before[i]);
	CHECK_OK(&err, store_sync(s, &err));
	CHECK_FAILS(E_EXISTS, store_put_if_absent(s, "a/put", "eno", 3, &err));
	CHECK_FAILS(E_EXISTS, store_commit(s, "a/commit", "owt", 3, &err));
	int64_t removed = -1;
	CHECK_OK(&err, store_sweep(s, "", &removed, &err));
	CHECK_I64(removed, 0);
	store_close(s);
	check_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_failed_sync_is_not_forgotten)};
	return cmocka_run_group_tests_name("io/store_sync", tests, NULL, NULL);
}
