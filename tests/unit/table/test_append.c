#include "fixture.h"
#include "rows.h"
#include "table/write/append.h"

struct lake {
	char dir[64];
	struct store *store;
	struct err err;
};

static const char root[] = "scratch/rows";
static const char *const by_region[] = {"region"};

static void lake_open(struct lake *l)
{
	*l = (struct lake){0};
	err_clear(&l->err);
	CHECK_OK(&l->err, store_open(check_tmpdir(l->dir), &l->store, &l->err));
}

static void lake_close(struct lake *l)
{
	store_close(l->store);
	check_rmdir(l->dir);
}

static status append(
	struct lake *l, struct ArrowArrayStream stream, const struct delta_append_opts *o, int64_t *version)
{
	static const struct delta_append_opts none;
	const status code = delta_append(l->store, root, &stream, o != NULL ? o : &none, version, &l->err);
	stream.release(&stream);
	return code;
}

/* How often each id is in the version, and whether its row is whole. */
static void check_ids(struct lake *l, int64_t version, const int *want, int64_t n_ids)
{
	struct delta_snapshot *s;
	struct delta_scan *scan;
	struct batch b;
	bool end;
	int got[4096] = {0};
	static const char *const columns[] = {"id", "name", "region", "cost", "n"};
	CHECK_OK(&l->err, delta_snapshot_open(l->store, root, version, &s, &l->err));
	CHECK_OK(&l->err,
		delta_scan_open(s, &(struct delta_scan_opts){.columns = columns, .n_columns = 5}, &scan, &l->err));
	for (;;) {
		CHECK_OK(&l->err, delta_scan_next(scan, &b, &end, &l->err));
		if (end) break;
		for (int64_t i = 0; i < b.n_rows; i++) {
			char name[32], region[32];
			const int64_t id = ((const int64_t *)b.columns[0].values)[i];
			assert_true(id >= 0 && id < n_ids);
			got[id]++;
			(void)snprintf(name, sizeof name, "name %lld", (long long)id);
			(void)snprintf(region, sizeof region, "r%lld", (long long)(id / 7 % 3));
			assert_true(str_is(column_str(&b.columns[1], i), name));
			assert_int_equal(column_valid(&b.columns[2], i), id / 7 % 3 != 2);
			if (column_valid(&b.columns[2], i)) assert_true(str_is(column_str(&b.columns[2], i), region));
			CHECK_I64(((const int64_t *)b.columns[3].values)[i], id);
			assert_int_equal(column_valid(&b.columns[4], i), id % 10 != 9);
		}
	}
	for (int64_t id = 0; id < n_ids; id++)
		if (got[id] != want[id])
			fail_msg("id %lld is there %d times, expected %d", (long long)id, got[id], want[id]);
	delta_scan_close(scan);
	delta_snapshot_close(s);
}

/* Partitions that come up batch after batch, while the writers of the earlier ones stay open. */
static void many_partitions(void **state)
{
	(void)state;
	struct lake l;
	struct rows r;
	struct delta_snapshot *s;
	int64_t version = -1;
	int want[4096] = {0};
	enum { N = 600 };
	static const char *const by_id[] = {"id"};
	lake_open(&l);
	const struct delta_append_opts o = {.partition_by = by_id, .n_partition_by = 1};
	const struct ArrowArrayStream stream = rows_stream(&r, 0, N);
	r.batch = 20;
	CHECK_OK(&l.err, append(&l, stream, &o, &version));
	for (int i = 0; i < N; i++) want[i]++;
	check_ids(&l, 0, want, 4096);
	CHECK_OK(&l.err, delta_snapshot_open(l.store, root, DELTA_LATEST, &s, &l.err));
	CHECK_I64(s->n_files, N);
	delta_snapshot_close(s);
	lake_close(&l);
}

static void creates_and_appends(void **state)
{
	(void)state;
	struct lake l;
	struct rows r;
	struct delta_snapshot *s;
	int64_t version = -1;
	int want[4096] = {0};
	lake_open(&l);
	const struct delta_append_opts o = {.partition_by = by_region, .n_partition_by = 1};
	CHECK_OK(&l.err, append(&l, rows_stream(&r, 0, 2500), &o, &version));
	CHECK_I64(version, 0);
	CHECK_I64(r.released, 1);
	CHECK_OK(&l.err, append(&l, rows_stream(&r, 1000, 3000), NULL, &version));
	CHECK_I64(version, 1);
	CHECK_OK(&l.err, append(&l, rows_stream(&r, 1000, 3000), &o, &version)); /* the same rows again are more rows */
	CHECK_I64(version, 2);
	CHECK_OK(&l.err, append(&l, rows_stream(&r, 0, 0), NULL, &version)); /* nothing: no version */
	CHECK_I64(version, 2);
	for (int i = 0; i < 2500; i++) want[i]++;
	check_ids(&l, 0, want, 4096);
	for (int i = 1000; i < 3000; i++) want[i]++;
	check_ids(&l, 1, want, 4096);
	for (int i = 1000; i < 3000; i++) want[i]++;
	check_ids(&l, DELTA_LATEST, want, 4096);
	CHECK_OK(&l.err, delta_snapshot_open(l.store, root, DELTA_LATEST, &s, &l.err));
	CHECK_I64(s->n_files, 9); /* three partitions, three appends */
	int64_t rows = 0;
	for (size_t i = 0; i < s->n_files; i++) {
		assert_memory_equal(s->files[i].path.p, "region=", 7);
		rows += delta_add_rows(&s->files[i]);
	}
	CHECK_I64(rows, 6500);
	CHECK_I64(s->protocol.min_reader, 1);
	CHECK_I64(s->protocol.min_writer, 2);
	delta_snapshot_close(s);
	lake_close(&l);
}

/* Beyond the memory it may take, the largest partition goes to a file: more files, the same rows. */
static void bounded_memory(void **state)
{
	(void)state;
	struct lake l;
	struct rows r;
	struct delta_snapshot *s;
	int64_t version;
	int want[4096] = {0};
	lake_open(&l);
	const struct delta_append_opts o = {.partition_by = by_region, .n_partition_by = 1, .memory_max = 30000};
	CHECK_OK(&l.err, append(&l, rows_stream(&r, 0, 4000), &o, &version));
	for (int i = 0; i < 4000; i++) want[i]++;
	check_ids(&l, 0, want, 4096);
	CHECK_OK(&l.err, delta_snapshot_open(l.store, root, DELTA_LATEST, &s, &l.err));
	assert_true(s->n_files > 5);
	delta_snapshot_close(s);
	lake_close(&l);
}

static void refuse(struct lake *l, struct ArrowArrayStream stream, const struct delta_append_opts *o, status code,
	const char *says)
{
	int64_t version = 77;
	CHECK_FAILS(code, append(l, stream, o, &version));
	CHECK_I64(version, 77);
	if (strstr(l->err.message, says) == NULL) fail_msg("%s, expected %s", l->err.message, says);
}

/* What does not fit is refused, and nothing of it is in the table. */
static void refuses(void **state)
{
	(void)state;
	struct lake l;
	struct rows r;
	int64_t version;
	int want[4096] = {0};
	static const char *const by_name[] = {"name"}, *const by_nothing[] = {"what"};
	const struct delta_append_opts name = {.partition_by = by_name, .n_partition_by = 1};
	const struct delta_append_opts nothing = {.partition_by = by_nothing, .n_partition_by = 1};
	const struct delta_append_opts region = {.partition_by = by_region, .n_partition_by = 1};
	bool exists = true;
	struct ArrowArrayStream stream;
	lake_open(&l);
	refuse(&l, rows_stream(&r, 0, 10), &nothing, E_USAGE, "no column what to partition by");
	stream = rows_stream(&r, 0, 3000);
	r.fail_at = 2500;
	refuse(&l, stream, &region, E_IO, "the source ran dry");
	CHECK_OK(&l.err, delta_table_exists(l.store, root, &exists, &l.err));
	assert_false(exists);
	CHECK_OK(&l.err, append(&l, rows_stream(&r, 0, 100), &region, &version));
	refuse(&l, rows_stream(&r, 0, 10), &name, E_USAGE, "another partitioning");
	stream = rows_stream(&r, 0, 10);
	r.defs[1].name = "m";
	refuse(&l, stream, NULL, E_USAGE, "have a column m");
	stream = rows_stream(&r, 0, 10);
	r.defs[3].name = "n";
	refuse(&l, stream, NULL, E_USAGE, "two columns n");
	stream = rows_stream(&r, 0, 10);
	r.defs[3].name = "id";
	r.defs[0].name = "name";
	refuse(&l, stream, NULL, E_USAGE, "column id is string in the rows and long in table");
	stream = rows_stream(&r, 0, 10);
	r.defs[4].scale = 3;
	refuse(&l, stream, NULL, E_USAGE, "column cost is decimal");
	stream = rows_stream(&r, 0, 20);
	r.defs[1].name = "id"; /* an int32 with nulls into a long without */
	r.defs[0].name = "n";
	refuse(&l, stream, NULL, E_USAGE, "column n is int64");
	for (int i = 0; i < 100; i++) want[i]++;
	check_ids(&l, DELTA_LATEST, want, 4096);
	lake_close(&l);
}

/* Columns by name: fewer of them are null, a narrower integer is widened; a missing one without nulls is refused. */
static void matches_by_name(void **state)
{
	(void)state;
	struct lake l;
	struct rows r;
	int64_t version;
	lake_open(&l);
	struct ArrowArrayStream stream = rows_stream(&r, 0, 5);
	r.defs[4] = (struct column_def){.name = "wide", .type = COL_INT64, .nullable = true};
	CHECK_OK(&l.err, append(&l, stream, NULL, &version));
	stream = rows_stream(&r, 5, 9);
	r.defs[1].name = "wide"; /* int32 */
	r.n_columns = 2;
	CHECK_OK(&l.err, append(&l, stream, NULL, &version));
	stream = rows_stream(&r, 5, 10);
	r.defs[0].name = "wide";
	r.n_columns = 1;
	refuse(&l, stream, NULL, E_USAGE, "lack column id");
	struct delta_snapshot *s;
	struct delta_scan *scan;
	struct batch b;
	bool end;
	int64_t sum = 0, n_null = 0;
	static const char *const columns[] = {"wide", "region"};
	CHECK_OK(&l.err, delta_snapshot_open(l.store, root, DELTA_LATEST, &s, &l.err));
	CHECK_OK(&l.err,
		delta_scan_open(s, &(struct delta_scan_opts){.columns = columns, .n_columns = 2}, &scan, &l.err));
	for (;;) {
		CHECK_OK(&l.err, delta_scan_next(scan, &b, &end, &l.err));
		if (end) break;
		for (int64_t i = 0; i < b.n_rows; i++) {
			sum += ((const int64_t *)b.columns[0].values)[i];
			n_null += !column_valid(&b.columns[1], i);
		}
	}
	CHECK_I64(sum, 36); /* 0 .. 8 */
	CHECK_I64(n_null, 4);
	delta_scan_close(scan);
	delta_snapshot_close(s);
	lake_close(&l);
}

/* What nobody could read again is refused before anything is committed. */
static void refuses_bytes_that_are_no_text(void **state)
{
	(void)state;
	struct lake l;
	struct rows r;
	bool exists = true;
	static const char *const by_name[] = {"name"};
	const struct delta_append_opts region = {.partition_by = by_region, .n_partition_by = 1};
	const struct delta_append_opts name = {.partition_by = by_name, .n_partition_by = 1};
	static const struct str odd[] = {
		{"\xff", 1}, {"cut \xc3", 5}, {"\xed\xa0\x80", 3}, {"\xc0\x80", 2}, {"a\x80z", 3}};
	lake_open(&l);
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		for (int by = 0; by < 2; by++) {
			struct ArrowArrayStream stream = rows_stream(&r, 0, 20);
			r.odd_text = odd[i];
			refuse(&l, stream, by == 0 ? &region : NULL, E_USAGE, "in UTF-8");
		}
	}
	struct ArrowArrayStream stream = rows_stream(&r, 0, 20);
	r.defs[3].type = COL_BINARY;
	refuse(&l, stream, &name, E_UNSUPPORTED, "by binary column name");
	CHECK_OK(&l.err, delta_table_exists(l.store, root, &exists, &l.err));
	assert_false(exists);
	stream = rows_stream(&r, 0, 20); /* any bytes are fine in a binary column that is no partition's */
	r.defs[3].type = COL_BINARY;
	r.defs[2].type = COL_BINARY;
	r.odd_text = odd[0];
	int64_t version = -1;
	CHECK_OK(&l.err, append(&l, stream, NULL, &version));
	CHECK_I64(version, 0);
	lake_close(&l);
}

/* Somebody creates the table while the first rows of another creation are on their way. */
static struct {
	struct lake *lake;
	struct rows rows;
	int64_t from, to;
	bool narrow; /* with other columns */
} rival;

static int rows_after_rival(struct ArrowArrayStream *s, struct ArrowArray *out)
{
	if (rival.lake != NULL) {
		struct lake *l = rival.lake;
		int64_t version = -1;
		rival.lake = NULL;
		const struct delta_append_opts o = {.partition_by = by_region, .n_partition_by = 1};
		struct ArrowArrayStream other = rows_stream(&rival.rows, rival.from, rival.to);
		if (rival.narrow) rival.rows.n_columns = 3;
		CHECK_OK(&l->err, append(l, other, &o, &version));
		CHECK_I64(version, 0);
	}
	return rows_next(s, out);
}

static void two_create_one_table(void **state)
{
	(void)state;
	for (int narrow = 0; narrow < 2; narrow++) {
		struct lake l;
		struct rows r;
		int64_t version = -1;
		int want[4096] = {0};
		lake_open(&l);
		const struct delta_append_opts o = {.partition_by = by_region, .n_partition_by = 1};
		struct ArrowArrayStream stream = rows_stream(&r, 0, 1500);
		stream.get_next = rows_after_rival;
		rival.lake = &l;
		rival.from = 1000;
		rival.to = 2000;
		rival.narrow = narrow == 1;
		if (narrow == 1) { /* its files don't fit: nothing of them is in the table */
			refuse(&l, stream, &o, E_CONFLICT, "with other columns");
			lake_close(&l);
			continue;
		}
		CHECK_OK(&l.err, append(&l, stream, &o, &version));
		CHECK_I64(version, 1);
		for (int i = 1000; i < 2000; i++) want[i]++;
		check_ids(&l, 0, want, 4096);
		for (int i = 0; i < 1500; i++) want[i]++;
		check_ids(&l, 1, want, 4096);
		lake_close(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(creates_and_appends), cmocka_unit_test(many_partitions),
		cmocka_unit_test(bounded_memory), cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_bytes_that_are_no_text), cmocka_unit_test(two_create_one_table),
		cmocka_unit_test(matches_by_name)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
