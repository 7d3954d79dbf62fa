/* Appends that move positions: only from where the table has them, whoever was first; a rewrite by others stands in nobody's way. */
#include "table/write/advance.h"

#include "check.h"

#include "base/thread.h"
#include "io/store.h"
#include "table/maintain/optimize.h"
#include "table/write/write.h"

static const struct column_def columns[] = {{.name = "n", .type = COL_INT64}};
static const struct column_def wider[] = {
	{.name = "n", .type = COL_INT64}, {.name = "m", .type = COL_INT64, .nullable = true}};
static const struct table_schema schema = {.name = "t", .layer = "bronze", .columns = columns, .n_columns = 1};
static const struct table_schema wide = {.name = "t", .layer = "bronze", .columns = wider, .n_columns = 2};
#define ROOT "bronze/t"

static char dir[64];
static struct store *store;
static int64_t next_value;

/* A file of one row, and these moves. */
static status put(
	const struct table_schema *s, const struct delta_move *moves, size_t n, int64_t *version, struct err *err)
{
	struct delta_writer *w = NULL;
	const struct delta_writer_opts opts = {.data_change = true};
	const int64_t value = next_value++;
	const struct column values[2] = {
		{.type = COL_INT64, .n = 1, .values = &value}, {.type = COL_INT64, .n = 1, .values = &value}};
	struct column copy[2] = {values[0], values[1]};
	const struct batch b = {s, s->n_columns, copy, 1};
	struct delta_advance a = {.schema = s, .moves = moves, .n_moves = n};
	TRY(delta_writer_create(store, ROOT, s, &opts, &w, err));
	status code = delta_writer_group(w, &b, err);
	if (code == OK) code = delta_writer_finish(w, &a.files, &a.n_files, err);
	if (code == OK) code = delta_advance(store, ROOT, &a, version, err);
	delta_writer_destroy(w);
	return code;
}

static void positions(int64_t *first, int64_t *second)
{
	struct err err;
	const struct str apps[] = {STR("a/0"), STR("a/1")};
	int64_t at[2];
	CHECK_OK(&err, delta_positions(store, ROOT, apps, 2, at, &err));
	*first = at[0];
	*second = at[1];
}

static size_t files(void)
{
	struct delta_snapshot *s = NULL;
	struct err err;
	CHECK_OK(&err, delta_snapshot_open(store, ROOT, DELTA_LATEST, &s, &err));
	const size_t n = s->n_files;
	delta_snapshot_close(s);
	return n;
}

static void test_moves(void **state)
{
	(void)state;
	struct err err;
	int64_t version = -1, first, second;
	positions(&first, &second);
	CHECK_I64(first, -1);
	CHECK_I64(second, -1);
	/* a position that is not there yet, expected to be */
	CHECK_FAILS(E_CONFLICT, put(&schema, &(struct delta_move){STR("a/0"), 0, 5}, 1, &version, &err));
	CHECK_OK(&err, put(&schema, &(struct delta_move){STR("a/0"), -1, 5}, 1, &version, &err));
	CHECK_I64(version, 0);
	/* the same again: a zombie */
	CHECK_FAILS(E_CONFLICT, put(&schema, &(struct delta_move){STR("a/0"), -1, 5}, 1, &version, &err));
	assert_int_equal(err.class, ERR_CONFLICT);
	/* both move, or none */
	const struct delta_move two[] = {{STR("a/1"), -1, 7}, {STR("a/0"), 4, 9}},
				right[] = {{STR("a/1"), -1, 7}, {STR("a/0"), 5, 9}};
	CHECK_FAILS(E_CONFLICT, put(&schema, two, 2, &version, &err));
	positions(&first, &second);
	CHECK_I64(first, 5);
	CHECK_I64(second, -1);
	CHECK_OK(&err, put(&schema, right, 2, &version, &err));
	CHECK_I64(version, 1);
	positions(&first, &second);
	CHECK_I64(first, 9);
	CHECK_I64(second, 7);
	CHECK_I64(files(), 2);
	/* a plain append moves nothing; a new nullable column is taken up, another type is not */
	CHECK_OK(&err, put(&schema, NULL, 0, &version, &err));
	CHECK_OK(&err, put(&wide, &(struct delta_move){STR("a/1"), 7, 8}, 1, &version, &err));
	const struct column_def text[] = {{.name = "n", .type = COL_STRING}};
	const struct table_schema other = {.name = "t", .layer = "bronze", .columns = text, .n_columns = 1};
	const struct delta_advance a = {
		.schema = &other, .moves = &(struct delta_move){STR("a/1"), 8, 9}, .n_moves = 1};
	CHECK_FAILS(E_UNSUPPORTED, delta_advance(store, ROOT, &a, &version, &err));
	positions(&first, &second);
	CHECK_I64(second, 8);
	CHECK_I64(files(), 4);
}

/* Four writers of one position: each batch of theirs is in the table once. */
static status race(void *arg, size_t i, int worker, struct err *err)
{
	_Atomic int *committed = arg;
	(void)worker;
	(void)i;
	for (int k = 0; k < 8; k++) {
		int64_t at, version;
		const struct str app = STR("race");
		struct err lost;
		TRY(delta_positions(store, "bronze/race", &app, 1, &at, err));
		const struct delta_move move = {app, at, at < 0 ? 1 : at + 1};
		const struct delta_advance a = {.schema = &schema, .moves = &move, .n_moves = 1};
		err_clear(&lost);
		const status code = delta_advance(store, "bronze/race", &a, &version, &lost);
		if (code == OK) (*committed)++;
		if (code != OK && code != E_CONFLICT) {
			*err = lost;
			return code;
		}
	}
	return OK;
}

static void test_race(void **state)
{
	(void)state;
	struct err err;
	_Atomic int committed = 0;
	int64_t at;
	const struct str app = STR("race");
	CHECK_OK(&err, thread_for(4, 4, race, &committed, &err));
	CHECK_OK(&err, delta_positions(store, "bronze/race", &app, 1, &at, &err));
	CHECK_I64(at, committed);
	assert_true(committed >= 8);
}

/* Compaction between the look and the commit. */
static void test_compacted(void **state)
{
	(void)state;
	struct err err;
	struct delta_optimize_result r;
	int64_t version, first, second;
	_Atomic bool stop = true;
	struct delta_optimize_opts o = {.stop = &stop};
	CHECK_FAILS(E_CANCELLED, delta_optimize(store, ROOT, &o, &r, &err));
	CHECK_I64(files(), 4);
	stop = false;
	CHECK_OK(&err, delta_optimize(store, ROOT, &o, &r, &err));
	CHECK_I64(files(), 1);
	positions(&first, &second); /* a rewrite keeps them */
	CHECK_I64(first, 9);
	CHECK_OK(&err, put(&wide, &(struct delta_move){STR("a/0"), 9, 10}, 1, &version, &err));
	CHECK_I64(files(), 2);
}

static int setup(void **state)
{
	(void)state;
	struct err err;
	return store_open(check_tmpdir(dir), &store, &err) == OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	check_rmdir(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves), cmocka_unit_test(test_race), cmocka_unit_test(test_compacted)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
