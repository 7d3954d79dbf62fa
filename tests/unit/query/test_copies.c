/* Copies of a lake's files: made once, read through their descriptors, refused where the log says otherwise. */
#include "../table/rows.h"

#include <unistd.h>

#include "base/alloc.h"
#include "query/query_int.h"
#include "table/write/append.h"

struct lake {
	char dir[64];
	struct store *store;
	struct delta_snapshot *s;
	struct err err;
};

static void lake_open(struct lake *l)
{
	static const char *const by_id[] = {"id"};
	struct rows r;
	int64_t version;
	*l = (struct lake){0};
	err_clear(&l->err);
	CHECK_OK(&l->err, store_open(check_tmpdir(l->dir), &l->store, &l->err));
	struct ArrowArrayStream stream = rows_stream(&r, 0, 20);
	const struct delta_append_opts o = {.partition_by = by_id, .n_partition_by = 1};
	CHECK_OK(&l->err, delta_append(l->store, "silver/t", &stream, &o, &version, &l->err));
	stream.release(&stream);
	CHECK_OK(&l->err, delta_snapshot_open(l->store, "silver/t", DELTA_LATEST, &l->s, &l->err));
	CHECK_I64(l->s->n_files, 20);
}

static void lake_close(struct lake *l)
{
	delta_snapshot_close(l->s);
	store_close(l->store);
	check_rmdir(l->dir);
}

static void file_bytes(struct lake *l, size_t i, char key[DELTA_KEY_MAX], struct buf *out)
{
	buf_init(out, 0);
	CHECK_OK(&l->err, delta_key(key, l->s->root, l->s->files[i].path, &l->err));
	CHECK_OK(&l->err, store_get(l->store, key, out, &l->err));
}

static void copies_hold_the_bytes(void **state)
{
	(void)state;
	struct lake l;
	struct copies *c;
	int *fds, *again;
	char key[DELTA_KEY_MAX];
	lake_open(&l);
	CHECK_OK(&l.err, copies_open(l.store, &c, &l.err));
	CHECK_OK(&l.err, copies_take(c, l.s, &fds, &l.err));
	for (size_t i = 0; i < l.s->n_files; i++) {
		struct buf want;
		file_bytes(&l, i, key, &want);
		uint8_t *got = malloc(want.n + 1);
		assert_non_null(got);
		CHECK_I64(pread(fds[i], got, want.n + 1, 0), (int64_t)want.n);
		assert_memory_equal(got, want.p, want.n);
		free(got);
		buf_deinit(&want);
	}
	/* What was copied is not asked for again: the lake may be gone. */
	for (size_t i = 0; i < l.s->n_files; i++) {
		CHECK_OK(&l.err, delta_key(key, l.s->root, l.s->files[i].path, &l.err));
		CHECK_OK(&l.err, store_delete(l.store, key, &l.err));
	}
	CHECK_OK(&l.err, copies_take(c, l.s, &again, &l.err));
	assert_memory_equal(fds, again, l.s->n_files * sizeof *fds);
	mem_free(fds);
	mem_free(again);
	copies_close(c);
	lake_close(&l);
}

/* A file that is gone or of another size fails its statement; the copies made before it are kept and of use to the next. */
static void a_bad_file_fails_alone(void **state)
{
	(void)state;
	struct lake l;
	struct copies *c;
	int *fds = NULL;
	char key[DELTA_KEY_MAX];
	struct buf bytes;
	lake_open(&l);
	CHECK_OK(&l.err, copies_open(l.store, &c, &l.err));
	file_bytes(&l, 7, key, &bytes);
	CHECK_OK(&l.err, store_put(l.store, key, bytes.p, bytes.n - 1, &l.err));
	CHECK_FAILS(E_CORRUPT, copies_take(c, l.s, &fds, &l.err));
	assert_string_equal(l.err.where, key);
	CHECK_OK(&l.err, store_delete(l.store, key, &l.err));
	CHECK_FAILS(E_NOT_FOUND, copies_take(c, l.s, &fds, &l.err));
	assert_null(fds);
	CHECK_OK(&l.err, store_put(l.store, key, bytes.p, bytes.n, &l.err));
	CHECK_OK(&l.err, copies_take(c, l.s, &fds, &l.err));
	for (size_t i = 0; i < l.s->n_files; i++) assert_true(fds[i] >= 0);
	mem_free(fds);
	buf_deinit(&bytes);
	copies_close(c);
	lake_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_hold_the_bytes), cmocka_unit_test(a_bad_file_fails_alone)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
