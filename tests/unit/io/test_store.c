#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"
#include "io/store.h"

struct fixture {
	char dir[64];
	struct store *store;
};

static int setup(void **state)
{
	static struct fixture f;
	struct err err;
	check_tmpdir(f.dir);
	CHECK_OK(&err, store_open(f.dir, &f.store, &err));
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	store_close(f->store);
	check_rmdir(f->dir);
	return 0;
}

static void check_content(struct store *s, const char *key, const char *want)
{
	struct err err;
	struct buf b;
	buf_init(&b, 0);
	CHECK_OK(&err, store_get(s, key, &b, &err));
	CHECK_I64(b.n, strlen(want));
	assert_memory_equal(b.p, want, b.n);
	buf_deinit(&b);
}

static void test_put_and_get(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct err err;
	int64_t size = -1;
	CHECK_OK(&err, store_put_if_absent(s, "a/b=1/c.txt", "one", 3, &err));
	CHECK_OK(&err, store_put_if_absent(s, "a/b=1/c.txt", "one", 3, &err)); /* same bytes: nothing to do */
	CHECK_FAILS(E_EXISTS, store_put_if_absent(s, "a/b=1/c.txt", "two", 3, &err));
	CHECK_FAILS(E_EXISTS, store_put_if_absent(s, "a/b=1/c.txt", "o", 1, &err));
	check_content(s, "a/b=1/c.txt", "one");
	CHECK_OK(&err, store_put(s, "a/b=1/c.txt", "three", 5, &err));
	check_content(s, "a/b=1/c.txt", "three");
	CHECK_OK(&err, store_size(s, "a/b=1/c.txt", &size, &err));
	CHECK_I64(size, 5);
	CHECK_FAILS(E_NOT_FOUND, store_size(s, "a/none", &size, &err));
	CHECK_FAILS(E_IO, store_put_if_absent(s, "a/b=1/c.txt/d", "x", 1, &err)); /* a file in the way */
	CHECK_OK(&err, store_put_if_absent(s, "empty", "", 0, &err));
	check_content(s, "empty", "");
	CHECK_OK(&err, store_sync(s, &err));
}

static status keep_time(void *arg, const struct store_entry *e, struct err *err)
{
	(void)err;
	*(int64_t *)arg = e->modified_us;
	return OK;
}

/* Who deletes by age must not take bytes that somebody put again a moment ago. */
static void test_equal_bytes_are_young(void **state)
{
	struct fixture *f = *state;
	struct err err;
	const int64_t hour_us = 3600 * US_PER_SECOND;
	for (int streamed = 0; streamed < 2; streamed++) {
		char path[128];
		int64_t at = 0;
		CHECK_OK(&err, store_put_if_absent(f->store, "young/x", "one", 3, &err));
		(void)snprintf(path, sizeof path, "%s/young/x", f->dir);
		const struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
		assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
		CHECK_FAILS(E_EXISTS, store_put_if_absent(f->store, "young/x", "two", 3, &err));
		CHECK_OK(&err, store_list(f->store, "young", keep_time, &at, &err));
		CHECK_I64(at, INT64_C(1000000000) * US_PER_SECOND);
		if (streamed) {
			struct store_writer *w = NULL;
			CHECK_OK(&err, store_writer_create(f->store, "young/x", &w, &err));
			CHECK_OK(&err, store_writer_add(w, "one", 3, &err));
			CHECK_OK(&err, store_writer_finish(w, &err));
			store_writer_destroy(w);
		} else {
			CHECK_OK(&err, store_put_if_absent(f->store, "young/x", "one", 3, &err));
		}
		CHECK_OK(&err, store_list(f->store, "young", keep_time, &at, &err));
		assert_true(at > time_now_us() - hour_us);
	}
}

static void test_bad_keys(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	static const char *const bad[] = {"", "/a", "a//b", "../a", "a/..", "a/./b", "a/", "a\nb"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err err;
		CHECK_FAILS(E_USAGE, store_put(s, bad[i], "x", 1, &err));
	}
	struct store *other = NULL;
	CHECK_FAILS(E_USAGE, store_open("http://x", &other, NULL));
	CHECK_FAILS(E_USAGE, store_open("", &other, NULL));
}

static void test_read_at(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct err err;
	struct store_object *o = NULL;
	char got[4] = "";
	CHECK_OK(&err, store_put(s, "k", "0123456789", 10, &err));
	CHECK_OK(&err, store_object_open(s, "k", &o, &err));
	CHECK_I64(store_object_size(o), 10);
	CHECK_OK(&err, store_object_read_at(o, 7, got, 3, &err));
	assert_string_equal(got, "789");
	CHECK_FAILS(E_CORRUPT, store_object_read_at(o, 8, got, 3, &err));
	assert_string_equal(err.where, "k");
	CHECK_I64(err.offset, 10);
	store_object_close(o);
}

/* What is no regular file in an object's place is refused at once: a fifo has nobody to wait for. */
static void test_special_files(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct buf b;
	struct store_object *o = NULL;
	char path[128];
	(void)snprintf(path, sizeof path, "%s/fifo", f->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)alarm(30); /* the test hangs no longer than this */
	CHECK_FAILS(E_IO, store_object_open(f->store, "fifo", &o, &err));
	assert_non_null(strstr(err.message, "not a regular file"));
	buf_init(&b, 0);
	CHECK_FAILS(E_IO, store_get(f->store, "fifo", &b, &err));
	buf_deinit(&b);
	CHECK_FAILS(E_EXISTS, store_put_if_absent(f->store, "fifo", "one", 3, &err));
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof path, "%s/null", f->dir);
	assert_int_equal(symlink("/dev/zero", path), 0);
	CHECK_FAILS(E_IO, store_object_open(f->store, "null", &o, &err));
	CHECK_FAILS(E_EXISTS, store_put_if_absent(f->store, "null", "one", 3, &err));
	assert_int_equal(unlink(path), 0);
	(void)alarm(0);
}

static void test_writer(void **state)
{
	struct store *s = ((struct fixture *)*state)->store;
	struct err err;
	int64_t size;
	struct store_writer *w = NULL;
	CHECK_OK(&err, store_writer_create(s, "w/x", &w, &err));
	CHECK_OK(&err, store_writer_add(w, "ab", 2, &err));
	CHECK_OK(&err, store_writer_add(w, "cd", 2, &err));
	CHECK_FAILS(E_NOT_FOUND, store_size(s, "w/x", &size, &err)); /* not before finish */
	CHECK_OK(&err, store_writer_finish(w, &err));
	store_writer_destroy(w);
	check_content(s, "w/x", "abcd");
	CHECK_OK(&err, store_writer_create(s, "w/y", &w, &err));
	CHECK_OK(&err, store_writer_add(w, "ab", 2, &err));
	store_writer_destroy(w); /* abandoned */
	CHECK_FAILS(E_NOT_FOUND, store_size(s, "w/y", &size, &err));
	CHECK_OK(&err, store_writer_create(s, "w/x", &w, &err));
	CHECK_OK(&err, store_writer_add(w, "other", 5, &err));
	CHECK_FAILS(E_EXISTS, store_writer_finish(w, &err));
	store_writer_destroy(w);
	check_content(s, "w/x", "abcd");
}

struct listing {
	char keys[1024];
	int n;
};

static status visit(void *arg, const struct store_entry *e, struct err *err)
{
	struct listing *l = arg;
	(void)err;
	/* its time of modification is now, give or take a slow machine */
	assert_true(e->modified_us > time_now_us() - 600 * US_PER_SECOND && e->modified_us <= time_now_us());
	(void)strncat(l->keys, e->key, sizeof l->keys - strlen(l->keys) - 1);
	(void)strncat(l->keys, " ", sizeof l->keys - strlen(l->keys) - 1);
	l->n++;
	return OK;
}

static void test_list_and_delete(void **state)
{
	struct fixture *f = *state;
	struct err err;
	static const char *const keys[] = {"l/b/2", "l/b/1", "l/a", "l/b.x", "l/a-b/c", "m/z"};
	for (size_t i = 0; i < 6; i++) CHECK_OK(&err, store_put(f->store, keys[i], "x", 1, &err));
	char tmp[128];
	(void)snprintf(tmp, sizeof tmp, "%s/l/.tmp-999999999-0", f->dir);
	FILE *left = fopen(tmp, "w");
	assert_non_null(left);
	(void)fclose(left);
	struct listing l = {0};
	CHECK_OK(&err, store_list(f->store, "l", visit, &l, &err));
	assert_string_equal(
		l.keys, "l/a l/a-b/c l/b.x l/b/1 l/b/2 "); /* byte order of the whole key; no temporary file */
	int64_t swept = 0;
	CHECK_OK(&err, store_sweep(f->store, "", &swept, &err));
	CHECK_I64(swept, 1);
	CHECK_OK(&err, store_delete(f->store, "l/a-b/c", &err));
	CHECK_OK(&err, store_delete(f->store, "l/a-b/c", &err));
	(void)snprintf(tmp, sizeof tmp, "%s/l/a-b", f->dir);
	struct stat st;
	assert_int_not_equal(stat(tmp, &st), 0); /* its empty folder went with it */
	l = (struct listing){0};
	CHECK_OK(&err, store_list(f->store, "nowhere", visit, &l, &err));
	CHECK_I64(l.n, 0);
}

/* What may be a living writer's is left alone: another host's, until it is a day old. */
static void test_sweep_of_others(void **state)
{
	struct fixture *f = *state;
	struct err err;
	static const char *const names[] = {".tmp-999999999-3-elsewhere.1", ".tmp-999999998-3-elsewhere.1"};
	char path[2][128];
	CHECK_OK(&err, store_put(f->store, "o/a", "x", 1, &err));
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path[i], sizeof path[i], "%s/o/%s", f->dir, names[i]);
		FILE *left = fopen(path[i], "w");
		assert_non_null(left);
		(void)fclose(left);
	}
	const time_t old = (time_t)(time_now_us() / US_PER_SECOND - 25 * 3600);
	assert_int_equal(utimensat(AT_FDCWD, path[1], (struct timespec[]){{.tv_sec = old}, {.tv_sec = old}}, 0), 0);
	int64_t swept = 0;
	CHECK_OK(&err, store_sweep(f->store, "", &swept, &err));
	CHECK_I64(swept, 1);
	assert_int_equal(access(path[0], F_OK), 0);
	assert_int_not_equal(access(path[1], F_OK), 0);
	assert_int_equal(unlink(path[0]), 0);
}

/* Each thread of a worker has a store of its own of the same folder. */
static void test_two_stores_of_a_folder(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct store *stores[2];
	struct store_writer *writers[2];
	static const char *const keys[] = {"two/a", "two/b"};
	for (int i = 0; i < 2; i++) {
		CHECK_OK(&err, store_open(f->dir, &stores[i], &err));
		CHECK_OK(&err, store_writer_create(stores[i], keys[i], &writers[i], &err));
		CHECK_OK(&err, store_writer_add(writers[i], keys[i], 5, &err));
	}
	for (int i = 0; i < 2; i++) {
		CHECK_OK(&err, store_writer_finish(writers[i], &err));
		store_writer_destroy(writers[i]);
	}
	for (int i = 0; i < 2; i++) {
		check_content(stores[i], keys[i], keys[i]);
		store_close(stores[i]);
	}
}

static status visit_name(void *arg, const char *name, bool is_folder, struct err *err)
{
	struct listing *l = arg;
	(void)err;
	(void)strncat(l->keys, name, sizeof l->keys - strlen(l->keys) - 1);
	(void)strncat(l->keys, is_folder ? "/ " : " ", sizeof l->keys - strlen(l->keys) - 1);
	l->n++;
	return OK;
}

static void test_list_names(void **state)
{
	struct fixture *f = *state;
	struct err err;
	static const char *const keys[] = {"n/b/2", "n/b/1", "n/a", "n/b.x", "n/a-b/c"};
	for (size_t i = 0; i < 5; i++) CHECK_OK(&err, store_put(f->store, keys[i], "x", 1, &err));
	struct listing l = {0};
	CHECK_OK(&err, store_list_names(f->store, "n", visit_name, &l, &err));
	assert_string_equal(l.keys, "a a-b/ b/ b.x ");
	l = (struct listing){0};
	CHECK_OK(&err, store_list_names(f->store, "nowhere", visit_name, &l, &err));
	CHECK_OK(&err, store_list_names(f->store, "n/a", visit_name, &l, &err)); /* an object is no folder */
	CHECK_I64(l.n, 0);
	l = (struct listing){0};
	CHECK_OK(&err, store_list_names(f->store, "", visit_name, &l, &err));
	assert_non_null(strstr(l.keys, "n/ "));
}

static void test_commit(void **state)
{
	struct fixture *f = *state;
	struct err err;
	CHECK_OK(&err, store_commit(f->store, "c/new/folder/x", "one", 3, &err));
	CHECK_OK(&err, store_commit(f->store, "c/new/folder/x", "one", 3, &err)); /* these very bytes: ours */
	CHECK_FAILS(E_EXISTS, store_commit(f->store, "c/new/folder/x", "two", 3, &err));
	check_content(f->store, "c/new/folder/x", "one");
	CHECK_OK(&err, store_commit(f->store, "c-top", "top", 3, &err)); /* in the root itself */
	check_content(f->store, "c-top", "top");
}

struct race {
	struct store *store;
	_Atomic int winners;
	_Atomic int id;
};

static void *racer(void *arg)
{
	struct race *r = arg;
	char content[16];
	const int n = snprintf(content, sizeof content, "%d", atomic_fetch_add(&r->id, 1));
	if (store_put_if_absent(r->store, "race/x", content, (size_t)n, NULL) == OK) atomic_fetch_add(&r->winners, 1);
	return NULL;
}

static void test_one_winner(void **state)
{
	struct race r = {.store = ((struct fixture *)*state)->store};
	for (int round = 0; round < 50; round++) {
		pthread_t threads[8];
		r.winners = 0;
		for (int i = 0; i < 8; i++) assert_int_equal(pthread_create(&threads[i], NULL, racer, &r), 0);
		for (int i = 0; i < 8; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
		CHECK_I64(r.winners, 1);
		CHECK_OK((struct err *)NULL, store_delete(r.store, "race/x", NULL));
	}
}

static void test_full_disk_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct err err;
	struct rlimit old;
	static char big[1 << 20];
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	const struct rlimit small = {4096, old.rlim_max};
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	const status code = store_put_if_absent(f->store, "full/x", big, sizeof big, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	CHECK_FAILS(E_IO, code);
	struct listing l = {0};
	CHECK_OK(&err, store_list(f->store, "full", visit, &l, &err));
	CHECK_I64(l.n, 0);
	int64_t swept = -1;
	CHECK_OK(&err, store_sweep(f->store, "", &swept, &err));
	CHECK_I64(swept, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_put_and_get),
		cmocka_unit_test(test_equal_bytes_are_young), cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_read_at), cmocka_unit_test(test_special_files), cmocka_unit_test(test_writer),
		cmocka_unit_test(test_list_and_delete), cmocka_unit_test(test_sweep_of_others),
		cmocka_unit_test(test_two_stores_of_a_folder), cmocka_unit_test(test_commit),
		cmocka_unit_test(test_list_names), cmocka_unit_test(test_one_winner),
		cmocka_unit_test(test_full_disk_leaves_nothing)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
