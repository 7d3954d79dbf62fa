#include "fixture.h"

/* Columns of the files: those of the fixture but region. */
enum { FILE_COLUMNS = 8, BATCH_ROWS = 1000 };
static struct column_def defs[FILE_COLUMNS];
static const struct table_schema columns = {.name = "things", .columns = defs, .n_columns = FILE_COLUMNS};

static void defs_init(void)
{
	size_t n = 0;
	for (size_t i = 0; i < FIXTURE_COLUMNS; i++) {
		const struct column_def *def = &fixture_columns[i].def;
		if (!def->partition && def->type != COL_DOUBLE) defs[n++] = *def;
	}
	assert_true(n == FILE_COLUMNS);
}

/* Values of row r of the table: everything follows from r; null where it is 3 of 7. */
static bool is_null(size_t column, int64_t r)
{
	return column > 0 && (r + (int64_t)column) % 7 == 3;
}

static struct str text_of(int64_t r, char dst[32])
{
	return (struct str){dst, (size_t)snprintf(dst, 32, "%lld texto ñ", (long long)(r * 7919 % 1000003))};
}

static void make_batch(struct builder *b, struct column *out, int64_t first, int64_t n)
{
	struct err err;
	char text[32];
	for (size_t i = 0; i < FILE_COLUMNS; i++) {
		builder_reset(&b[i]);
		for (int64_t r = 0; r < n; r++) {
			if (is_null(i, first + r)) continue;
			if (defs[i].type == COL_STRING)
				builder_set_str(&b[i], r, text_of(first + r, text));
			else if (defs[i].type == COL_BOOL) {
				assert_true(builder_row(&b[i], r));
				if ((first + r) % 3 == 0) bit_set(b[i].values, r);
				b[i].n = r + 1;
			} else if (col_type_width(defs[i].type) == 4)
				builder_set_i32(&b[i], r, (int32_t)(first + r));
			else
				builder_set_i64(&b[i], r, (first + r) * 1001);
		}
		CHECK_OK(&err, builder_finish(&b[i], n, &out[i], &err));
	}
}

static void check_row(const struct batch *b, int64_t at, int64_t r)
{
	char text[32];
	for (size_t i = 0, k = 0; i < b->n_columns; i++) {
		const struct column *c = &b->columns[i];
		if (i == 3 || c->type == COL_DOUBLE) continue; /* region; no file has it */
		const size_t column = k++;
		if (column_valid(c, at) == is_null(column, r))
			fail_msg("row %lld, column %zu: null or not", (long long)r, i);
		if (is_null(column, r)) continue;
		if (c->type == COL_STRING)
			assert_true(str_eq(column_str(c, at), text_of(r, text)));
		else if (c->type == COL_BOOL)
			CHECK_I64(bit_get(c->values, at), r % 3 == 0);
		else if (col_type_width(c->type) == 4)
			CHECK_I64(((const int32_t *)c->values)[at], r);
		else
			CHECK_I64(((const int64_t *)c->values)[at], r * 1001);
	}
}

/* Write rows [0, n) in batches; the odd ones backwards by an index when asked. */
static struct delta_writer *write_rows(struct fixture *f, const struct delta_writer_opts *o, int64_t n)
{
	struct delta_writer *w;
	struct builder builders[FILE_COLUMNS];
	struct column views[FILE_COLUMNS];
	defs_init();
	CHECK_OK(&f->err, delta_writer_create(f->s.store, f->s.root, &columns, o, &w, &f->err));
	for (size_t i = 0; i < FILE_COLUMNS; i++) builder_init(&builders[i], &defs[i], defs[i].type == COL_STRING);
	for (int64_t at = 0; at < n; at += BATCH_ROWS) {
		const int64_t rows = n - at < BATCH_ROWS ? n - at : BATCH_ROWS;
		make_batch(builders, views, at, rows);
		const struct batch b = {.n_columns = FILE_COLUMNS, .columns = views, .n_rows = rows};
		CHECK_OK(&f->err, delta_writer_add(w, &b, &(struct parquet_rows){.n = (uint32_t)rows}, &f->err));
	}
	for (size_t i = 0; i < FILE_COLUMNS; i++) builder_deinit(&builders[i]);
	return w;
}

/* Every row of the files, in their order, is rows 0, 1, ... */
static void check_files(struct fixture *f, const struct delta_add *files, size_t n_files, int64_t n)
{
	struct delta_scan *scan;
	struct batch b;
	bool end = false;
	int64_t row = 0;
	const struct delta_add **list = mem_zalloc(n_files, sizeof *list);
	for (size_t i = 0; i < n_files; i++) list[i] = &files[i];
	const struct delta_scan_opts o = {.files = list, .n_files = n_files};
	CHECK_OK(&f->err, delta_scan_open(&f->s, &o, &scan, &f->err));
	for (;;) {
		CHECK_OK(&f->err, delta_scan_next(scan, &b, &end, &f->err));
		if (end) break;
		for (int64_t i = 0; i < b.n_rows; i++) check_row(&b, i, row++);
	}
	CHECK_I64(row, n);
	delta_scan_close(scan);
	mem_free(list);
}

static const struct parquet_opts zstd = {.codec = PARQUET_ZSTD};

static void round_trip(void **state)
{
	(void)state;
	struct fixture f;
	const struct delta_add *files;
	size_t n;
	char key[DELTA_KEY_MAX];
	int64_t size;
	fixture_init(&f);
	const struct delta_pair pair = {STR("region"), STR("São Paulo/é=1%")};
	const struct delta_pairs partition = {&pair, 1};
	const struct delta_writer_opts o = {.parquet = zstd,
		.partition = partition,
		.row_group_rows = 700,
		.modified_ms = 1234,
		.data_change = true};
	struct delta_writer *w = write_rows(&f, &o, 12345);
	CHECK_OK(&f.err, delta_writer_finish(w, &files, &n, &f.err));
	CHECK_I64(n, 1);
	const char folder[] = "region=S%C3%A3o%20Paulo%2F%C3%A9%3D1%25/part-";
	assert_memory_equal(files[0].path.p, folder, sizeof folder - 1);
	CHECK_I64(files[0].path.n, sizeof folder - 1 + 32 + strlen(".parquet"));
	CHECK_OK(&f.err, delta_key(key, f.s.root, files[0].path, &f.err));
	CHECK_OK(&f.err, store_size(f.s.store, key, &size, &f.err));
	CHECK_I64(files[0].size, size);
	CHECK_I64(files[0].modified_ms, 1234);
	assert_true(files[0].data_change && str_eq(files[0].partition.items[0].value, pair.value));
	struct delta_file_stats stats;
	CHECK_OK(&f.err, delta_stats_read(files[0].stats, &f.s.schema, &f.arena, &stats, &f.err));
	CHECK_I64(stats.rows, 12345);
	assert_true(stats.columns[0].has_max);
	CHECK_I64(stats.columns[0].max.i64, 12344 * 1001);
	CHECK_I64(stats.columns[2].null_count, 1764);
	check_files(&f, files, n, 12345);
	delta_writer_destroy(w);
	fixture_deinit(&f);
}

static void sizes(void **state)
{
	(void)state;
	static const struct {
		int64_t file_bytes;
		uint32_t group;
	} cases[] = {{250000, 0}, {100000, 0}, {150000, 1000}};
	int64_t total = 0;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture f;
		const struct delta_add *files;
		size_t n;
		int64_t bytes = 0;
		fixture_init(&f);
		const struct delta_writer_opts o = {
			.parquet = zstd, .file_bytes_max = cases[i].file_bytes, .row_group_rows = cases[i].group};
		struct delta_writer *w = write_rows(&f, &o, 60000);
		CHECK_OK(&f.err, delta_writer_finish(w, &files, &n, &f.err));
		for (size_t k = 0; k < n; k++) {
			bytes += files[k].size;
			if (files[k].size > cases[i].file_bytes * 5 / 4 ||
				(k + 1 < n && files[k].size < cases[i].file_bytes * 3 / 4))
				fail_msg("file %zu of %zu has %lld bytes, wanted about %lld", k, n,
					(long long)files[k].size, (long long)cases[i].file_bytes);
			assert_null(memchr(files[k].path.p, '/', files[k].path.n));
		}
		if (n < 2) fail_msg("%lld bytes in %zu files", (long long)bytes, n);
		assert_true(total == 0 || bytes < total * 2);
		total = bytes;
		check_files(&f, files, n, 60000);
		delta_writer_destroy(w);
		fixture_deinit(&f);
	}
}

/* The same rows twice are two files with a name each, in one writer and, with `unique`, over two; without, they are one object. */
static void names(void **state)
{
	(void)state;
	struct fixture f;
	const struct delta_add *a, *b, *c;
	size_t n;
	fixture_init(&f);
	struct delta_writer_opts o = {.parquet = zstd};
	struct delta_writer *first = write_rows(&f, &o, 10), *again = write_rows(&f, &o, 10);
	CHECK_OK(&f.err, delta_writer_finish(first, &a, &n, &f.err));
	CHECK_OK(&f.err, delta_writer_finish(again, &b, &n, &f.err));
	assert_true(str_eq(a[0].path, b[0].path));
	o.unique = "0197";
	struct delta_writer *other = write_rows(&f, &o, 10);
	CHECK_OK(&f.err, delta_writer_finish(other, &c, &n, &f.err));
	assert_false(str_eq(a[0].path, c[0].path));
	assert_memory_equal(c[0].path.p + c[0].path.n - 13, "-0197.parquet", 13);
	delta_writer_destroy(first);
	delta_writer_destroy(again);
	delta_writer_destroy(other);

	struct builder builders[FILE_COLUMNS];
	struct column views[FILE_COLUMNS];
	const struct batch same = {.n_columns = FILE_COLUMNS, .columns = views, .n_rows = 10};
	for (size_t i = 0; i < FILE_COLUMNS; i++) builder_init(&builders[i], &defs[i], false);
	make_batch(builders, views, 0, 10);
	CHECK_OK(&f.err, delta_writer_create(f.s.store, f.s.root, &columns, &o, &first, &f.err));
	for (int i = 0; i < 2; i++) {
		CHECK_OK(&f.err, delta_writer_add(first, &same, &(struct parquet_rows){.n = 10}, &f.err));
		assert_true(delta_writer_pending(first) > 0);
		CHECK_OK(&f.err, delta_writer_flush(first, &f.err));
	}
	CHECK_OK(&f.err, delta_writer_finish(first, &a, &n, &f.err));
	CHECK_I64(n, 2);
	assert_false(str_eq(a[0].path, a[1].path));
	CHECK_I64(a[0].size, a[1].size);
	delta_writer_destroy(first);
	for (size_t i = 0; i < FILE_COLUMNS; i++) builder_deinit(&builders[i]);
	fixture_deinit(&f);
}

static void empty(void **state)
{
	(void)state;
	struct fixture f;
	const struct delta_add *files;
	size_t n = 9;
	fixture_init(&f);
	const struct delta_writer_opts o = {.parquet = zstd};
	struct delta_writer *w = write_rows(&f, &o, 0);
	CHECK_OK(&f.err, delta_writer_finish(w, &files, &n, &f.err));
	CHECK_I64(n, 0);
	delta_writer_destroy(w);
	const struct table_schema nothing = {.name = "t"};
	CHECK_FAILS(E_UNSUPPORTED, delta_writer_create(f.s.store, f.s.root, &nothing, &o, &w, &f.err));
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(sizes),
		cmocka_unit_test(names), cmocka_unit_test(empty)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
