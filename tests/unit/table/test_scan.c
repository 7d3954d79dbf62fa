#include "fixture.h"

#include <errno.h>

#define NONE INT64_MIN

static struct delta_condition parse(struct fixture *f, const char *text)
{
	struct delta_condition c;
	CHECK_OK(&f->err, delta_condition_parse(&f->s.schema, str_of(text), &f->arena, &c, &f->err));
	return c;
}

static void put_value(const struct column *c, int64_t row, char *dst, size_t room)
{
	if (!column_valid(c, row))
		(void)snprintf(dst, room, "-");
	else if (c->type == COL_STRING)
		(void)snprintf(dst, room, "%.*s", (int)column_str(c, row).n, column_str(c, row).p);
	else if (c->type == COL_BOOL)
		(void)snprintf(dst, room, "%d", bit_get(c->values, row));
	else if (c->type == COL_DOUBLE)
		(void)snprintf(dst, room, "%g", ((const double *)c->values)[row]);
	else if (col_type_width(c->type) == 4)
		(void)snprintf(dst, room, "%d", ((const int32_t *)c->values)[row]);
	else
		(void)snprintf(dst, room, "%lld", (long long)((const int64_t *)c->values)[row]);
}

/* Every row as "a,b;" and the borders of batches as "|". */
static void scan_text(struct fixture *f, const struct delta_scan_opts *o, char *dst, size_t room)
{
	struct delta_scan *scan;
	struct batch b;
	bool end;
	dst[0] = '\0';
	CHECK_OK(&f->err, delta_scan_open(&f->s, o, &scan, &f->err));
	for (;;) {
		CHECK_OK(&f->err, delta_scan_next(scan, &b, &end, &f->err));
		if (end) break;
		assert_true(b.n_rows > 0);
		CHECK_I64(b.n_columns, delta_scan_n_columns(scan));
		for (int64_t row = 0; row < b.n_rows; row++) {
			for (size_t i = 0; i < b.n_columns; i++) {
				size_t at = strlen(dst);
				CHECK_I64(b.columns[i].type, delta_scan_column(scan, i)->type);
				put_value(&b.columns[i], row, dst + at, room - at);
				at = strlen(dst);
				(void)snprintf(dst + at, room - at, "%s", i + 1 < b.n_columns ? "," : ";");
			}
		}
		const size_t at = strlen(dst);
		(void)snprintf(dst + at, room - at, "|");
	}
	delta_scan_close(scan);
}

static void check_scan(struct fixture *f, const char *const *columns, size_t n, const char *where, const char *want)
{
	char got[4096];
	struct delta_condition c;
	struct delta_scan_opts o = {.columns = columns, .n_columns = n};
	if (where != NULL) {
		c = parse(f, where);
		o.where = &c;
		o.n_where = 1;
	}
	scan_text(f, &o, got, sizeof got);
	assert_string_equal(got, want);
}

static const struct column_def full[] = {{.name = "id", .type = COL_INT64},
	{.name = "n", .type = COL_INT32, .nullable = true}, {.name = "name", .type = COL_STRING, .nullable = true}};
static const struct column_def narrow[] = {{.name = "name", .type = COL_STRING, .nullable = true},
	{.name = "id", .type = COL_INT32, .nullable = true},
	{.name = "cost", .type = COL_DECIMAL, .precision = 5, .scale = 2, .nullable = true},
	{.name = "extra", .type = COL_INT32, .nullable = true}};

/* A file as the table has it, and one with other order, a narrower type, a column less and one more. */
static void mixed(struct fixture *f)
{
	static const int64_t a[] = {1, 2, 3, 4, 5}, b[] = {7, NONE, 9};
	fixture_init(f);
	fixture_file(f, "region=x/a.parquet", "x", full, 3, a, 5, 2);
	fixture_file(f, "region=__HIVE_DEFAULT_PARTITION__/b.parquet", NULL, narrow, 4, b, 3, 3);
}

static void mixed_files(void **state)
{
	(void)state;
	struct fixture f;
	mixed(&f);
	static const char *const some[] = {"region", "id", "n", "name", "cost"};
	check_scan(&f, some, 5, NULL,
		"x,1,1,s1,-;x,2,2,s2,-;|x,3,3,s3,-;x,4,4,s4,-;|x,5,5,s5,-;|-,7,-,s7,7;-,-,-,-,-;-,9,-,s9,9;|");
	static const char *const only_partition[] = {"region"};
	check_scan(&f, only_partition, 1, NULL, "x;x;|x;x;|x;|-;-;-;|");
	char got[4096];
	scan_text(&f, NULL, got, sizeof got); /* all columns that can be read, in the table's order */
	assert_string_equal(strrchr(got, '|') - strlen("9,-,-,-,s9,-,-,9,-,-;"), "9,-,-,-,s9,-,-,9,-,-;|");
	scan_text(&f, &(struct delta_scan_opts){.columns = some, .n_columns = 2, .batch_rows_max = 1}, got, sizeof got);
	assert_string_equal(got, "x,1;|x,2;|x,3;|x,4;|x,5;|-,7;|-,-;|-,9;|");
	const struct delta_add *const second[] = {&f.files[1]};
	scan_text(&f, &(struct delta_scan_opts){.columns = some, .n_columns = 2, .files = second, .n_files = 1}, got,
		sizeof got);
	assert_string_equal(got, "-,7;-,-;-,9;|");
	fixture_deinit(&f);
}

static void conditions(void **state)
{
	(void)state;
	struct fixture f;
	mixed(&f);
	static const char *const id[] = {"id"}, *const both[] = {"name", "id"};
	check_scan(&f, id, 1, "id >= 4", "4;|5;|7;9;|");
	check_scan(&f, both, 2, "id = 2", "s2,2;|");
	check_scan(&f, id, 1, "name = s9", "9;|"); /* a column that is not in the result */
	check_scan(&f, both, 2, "id is null", "-,-;|");
	check_scan(&f, id, 1, "n is null", "7;-;9;|"); /* the second file has no n */
	check_scan(&f, id, 1, "n is not null", "1;2;|3;4;|5;|");
	check_scan(&f, id, 1, "region is null", "7;-;9;|");
	check_scan(&f, id, 1, "region = y", "");
	check_scan(&f, id, 1, "id > 100", "");
	fixture_deinit(&f);
}

static void remove_file(struct fixture *f, const char *path)
{
	char key[DELTA_KEY_MAX];
	CHECK_OK(&f->err, delta_key(key, f->s.root, str_of(path), &f->err));
	CHECK_OK(&f->err, store_delete(f->s.store, key, &f->err));
}

/* What is left out is never opened: the files are gone. */
static void prunes_files(void **state)
{
	(void)state;
	static const int64_t low[] = {1, 2}, mid[] = {50, 60}, high[] = {100, 200};
	struct fixture f;
	fixture_init(&f);
	fixture_file(&f, "low.parquet", "a", full, 3, low, 2, 2);
	fixture_file(&f, "mid.parquet", "b", full, 3, mid, 2, 2);
	fixture_file(&f, "high.parquet", "c", full, 3, high, 2, 2);
	f.files[0].stats = STR("{\"numRecords\":2,\"minValues\":{\"id\":1},\"maxValues\":{\"id\":2}}");
	f.files[2].stats = STR("{\"numRecords\":2,\"minValues\":{\"id\":100},\"maxValues\":{\"id\":200}}");
	static const char *const id[] = {"id"};
	remove_file(&f, "low.parquet");
	check_scan(&f, id, 1, "id > 55", "60;|100;200;|");
	check_scan(&f, id, 1, "region != a", "50;60;|100;200;|");
	remove_file(&f, "high.parquet");
	check_scan(&f, id, 1, "id = 60", "60;|");
	check_scan(&f, id, 1, "region = b", "50;60;|");
	struct delta_scan *scan;
	struct batch b;
	bool end;
	CHECK_OK(&f.err, delta_scan_open(&f.s, NULL, &scan, &f.err));
	CHECK_I64(delta_scan_n_files(scan), 3);
	CHECK_FAILS(E_NOT_FOUND, delta_scan_next(scan, &b, &end, &f.err));
	char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX];
	assert_non_null(strstr(err_text(&f.err, text, sizeof text), "silver/things/low.parquet"));
	assert_int_not_equal(delta_scan_next(scan, &b, &end, &f.err), OK); /* and stays failed */
	delta_scan_close(scan);
	fixture_deinit(&f);
}

/* A file of another size than the log's is not the file that the log means, whatever it holds. */
static void refuses_other_sizes(void **state)
{
	(void)state;
	static const int64_t values[] = {1, 2};
	char key[DELTA_KEY_MAX];
	for (int64_t off = -1; off <= 1; off += 2) {
		struct fixture f;
		struct delta_scan *scan;
		struct batch b;
		bool end;
		fixture_init(&f);
		fixture_file(&f, "a.parquet", "a", full, 3, values, 2, 2);
		f.files[0].size += off;
		CHECK_OK(&f.err, delta_scan_open(&f.s, NULL, &scan, &f.err));
		CHECK_FAILS(E_CORRUPT, delta_scan_next(scan, &b, &end, &f.err));
		CHECK_OK(&f.err, delta_key(key, f.s.root, STR("a.parquet"), &f.err));
		assert_string_equal(f.err.where, key);
		delta_scan_close(scan);
		fixture_deinit(&f);
	}
}

/* Row groups that cannot match are not decoded: their pages are broken. */
static void prunes_row_groups(void **state)
{
	(void)state;
	int64_t values[1000];
	char key[DELTA_KEY_MAX];
	struct buf bytes;
	struct fixture f;
	fixture_init(&f);
	for (int64_t i = 0; i < 1000; i++) values[i] = i;
	fixture_file(&f, "a.parquet", "a", full, 1, values, 1000, 100);
	CHECK_OK(&f.err, delta_key(key, f.s.root, STR("a.parquet"), &f.err));
	buf_init(&bytes, 0);
	CHECK_OK(&f.err, store_get(f.s.store, key, &bytes, &f.err));
	memset(bytes.p + 4, 0xFF, 100); /* the first page of the first row group */
	CHECK_OK(&f.err, store_put(f.s.store, key, bytes.p, bytes.n, &f.err));
	static const char *const id[] = {"id"};
	check_scan(&f, id, 1, "id >= 998", "998;999;|");
	struct delta_scan *scan;
	struct batch b;
	bool end;
	CHECK_OK(&f.err, delta_scan_open(&f.s, NULL, &scan, &f.err));
	CHECK_FAILS(E_CORRUPT, delta_scan_next(scan, &b, &end, &f.err));
	assert_string_equal(f.err.where, key);
	delta_scan_close(scan);
	buf_deinit(&bytes);
	fixture_deinit(&f);
}

static void refuses(void **state)
{
	(void)state;
	static const struct {
		struct column_def def;
		status code;
		const char *says;
	} cases[] = {{{.name = "n", .type = COL_INT64}, E_CORRUPT,
			     "column n is int64 in this file and integer in the table"},
		{{.name = "n", .type = COL_STRING}, E_CORRUPT, "column n is string"},
		{{.name = "id", .type = COL_TIMESTAMP}, E_CORRUPT, "column id is timestamp"},
		{{.name = "day", .type = COL_INT32}, E_CORRUPT, "column day is int32"},
		{{.name = "cost", .type = COL_DECIMAL, .precision = 13, .scale = 2}, E_CORRUPT,
			"column cost is decimal(13,2)"},
		{{.name = "cost", .type = COL_DECIMAL, .precision = 5, .scale = 1}, E_CORRUPT,
			"column cost is decimal(5,1)"},
		{{.name = "name", .type = COL_BINARY}, E_CORRUPT, "column name is binary"}};
	static const int64_t values[] = {1};
	struct delta_scan *scan;
	struct batch b;
	bool end;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture f;
		if (cases[i].def.type == COL_BINARY) continue; /* the builder of the fixture sets no bytes */
		fixture_init(&f);
		fixture_file(&f, "a.parquet", "a", &cases[i].def, 1, values, 1, 1);
		const struct delta_scan_opts that = {.columns = &cases[i].def.name, .n_columns = 1};
		CHECK_OK(&f.err, delta_scan_open(&f.s, &that, &scan, &f.err));
		CHECK_FAILS(cases[i].code, delta_scan_next(scan, &b, &end, &f.err));
		if (strstr(f.err.message, cases[i].says) == NULL)
			fail_msg("%s, expected %s", f.err.message, cases[i].says);
		assert_string_equal(f.err.where, "silver/things/a.parquet");
		delta_scan_close(scan);
		fixture_deinit(&f);
	}
	struct fixture f;
	mixed(&f);
	static const char *const unknown[] = {"id", "what"}, *const nested[] = {"tags"}, *const twice[] = {"id", "id"};
	CHECK_FAILS(E_USAGE,
		delta_scan_open(&f.s, &(struct delta_scan_opts){.columns = unknown, .n_columns = 2}, &scan, &f.err));
	CHECK_FAILS(E_USAGE,
		delta_scan_open(&f.s, &(struct delta_scan_opts){.columns = twice, .n_columns = 2}, &scan, &f.err));
	f.s.schema
		.n++; /* a column that is not read is refused by name, also when none is named; leaving it out is fine */
	CHECK_FAILS(E_UNSUPPORTED,
		delta_scan_open(&f.s, &(struct delta_scan_opts){.columns = nested, .n_columns = 1}, &scan, &f.err));
	CHECK_FAILS(E_UNSUPPORTED, delta_scan_open(&f.s, NULL, &scan, &f.err));
	assert_non_null(strstr(f.err.message, "column tags of type array<string>"));
	CHECK_OK(&f.err,
		delta_scan_open(&f.s, &(struct delta_scan_opts){.columns = unknown, .n_columns = 1}, &scan, &f.err));
	delta_scan_close(scan);
	f.s.schema.n--;
	/* A file without a column that may not be null. */
	f.columns[0].def.nullable = false;
	f.columns[0].def.name = "must";
	CHECK_OK(&f.err, delta_scan_open(&f.s, NULL, &scan, &f.err));
	CHECK_FAILS(E_CORRUPT, delta_scan_next(scan, &b, &end, &f.err));
	assert_non_null(strstr(f.err.message, "column must, which may not be null, is not in this file"));
	assert_non_null(strstr(f.err.where, "silver/things/"));
	delta_scan_close(scan);
	f.columns[0].def.nullable = true;
	f.columns[0].def.name = "id";
	f.files[1].dv.unique_id = STR("uab^-aqEH.-t@S}K{vb[*k^");
	CHECK_FAILS(E_UNSUPPORTED, delta_scan_open(&f.s, NULL, &scan, &f.err));
	f.files[1].dv.unique_id.n = 0;
	f.columns[3].def.type = COL_DATE; /* x is no date */
	CHECK_OK(&f.err, delta_scan_open(&f.s, NULL, &scan, &f.err));
	CHECK_FAILS(E_CORRUPT, delta_scan_next(scan, &b, &end, &f.err));
	delta_scan_close(scan);
	fixture_deinit(&f);
}

/* ---- the stream ---- */

static struct ArrowArrayStream open_stream(struct fixture *f)
{
	struct ArrowArrayStream stream;
	struct delta_scan *scan;
	CHECK_OK(&f->err, delta_scan_open(&f->s, NULL, &scan, &f->err));
	CHECK_OK(&f->err, delta_scan_stream(scan, NULL, &stream, &f->err));
	return stream;
}

static void streams(void **state)
{
	(void)state;
	static const char *const formats[FIXTURE_COLUMNS] = {
		"l", "b", "i", "u", "u", "tsu:UTC", "tdD", "d:12,2", "g", "tsu:"};
	struct fixture f;
	mixed(&f);
	const size_t before = mem_in_use();
	struct ArrowArrayStream stream = open_stream(&f);
	struct ArrowSchema schema;
	struct ArrowArray arrays[4], end;
	CHECK_I64(stream.get_schema(&stream, &schema), 0);
	CHECK_I64(schema.n_children, FIXTURE_COLUMNS);
	for (int i = 0; i < FIXTURE_COLUMNS; i++) {
		assert_string_equal(schema.children[i]->name, fixture_columns[i].def.name);
		assert_string_equal(schema.children[i]->format, formats[i]);
		CHECK_I64(schema.children[i]->flags, ARROW_FLAG_NULLABLE);
	}
	for (int i = 0; i < 4; i++) CHECK_I64(stream.get_next(&stream, &arrays[i]), 0);
	CHECK_I64(stream.get_next(&stream, &end), 0);
	assert_null(end.release);
	CHECK_I64(stream.get_next(&stream, &end), 0); /* and again */
	assert_null(end.release);
	stream.release(&stream);
	assert_null(stream.release);
	/* the arrays outlive the stream, and a child its array */
	struct ArrowArray child = *arrays[3].children[4];
	arrays[3].children[4]->release = NULL;
	struct arena arena;
	struct batch b;
	arena_init(&arena, 0);
	CHECK_OK(&f.err, batch_import(&schema, &arrays[1], &arena, &b, &f.err));
	CHECK_I64(b.n_rows, 2);
	assert_true(str_is(column_str(&b.columns[3], 1), "x") && str_is(column_str(&b.columns[4], 1), "s4"));
	CHECK_I64(((const int64_t *)b.columns[0].values)[1], 4);
	arena_deinit(&arena);
	for (int i = 3; i >= 0; i--) arrays[i].release(&arrays[i]);
	schema.release(&schema);
	const struct column names = {.type = COL_STRING,
		.n = 3,
		.validity = child.buffers[0],
		.offsets = child.buffers[1],
		.data = child.buffers[2]};
	assert_true(
		str_is(column_str(&names, 0), "s7") && !column_valid(&names, 1) && str_is(column_str(&names, 2), "s9"));
	child.release(&child);
	CHECK_I64(mem_in_use(), before);
	fixture_deinit(&f);
}

static void stream_errors(void **state)
{
	(void)state;
	struct fixture f;
	struct ArrowArray array;
	struct ArrowSchema schema;
	mixed(&f);
	struct ArrowArrayStream stream = open_stream(&f);
	assert_null(stream.get_last_error(&stream));
	for (int i = 0; i < 3; i++) {
		CHECK_I64(stream.get_next(&stream, &array), 0);
		array.release(&array);
	}
	remove_file(&f, "region=__HIVE_DEFAULT_PARTITION__/b.parquet");
	CHECK_I64(stream.get_next(&stream, &array), EIO);
	assert_null(array.release);
	assert_non_null(strstr(stream.get_last_error(&stream), "region=__HIVE_DEFAULT_PARTITION__/b.parquet"));
	CHECK_I64(stream.get_schema(&stream, &schema), 0);
	schema.release(&schema);
	stream.release(&stream);
	fixture_deinit(&f);
}

/* The whole scan through a stream; every n-th allocation of it is made to fail, once each. */
static int drain(struct fixture *f)
{
	struct delta_scan *scan;
	struct ArrowArrayStream stream;
	struct ArrowArray array;
	if (delta_scan_open(&f->s, NULL, &scan, &f->err) != OK) return ENOMEM;
	if (delta_scan_stream(scan, NULL, &stream, &f->err) != OK) return ENOMEM;
	int code = stream.get_next(&stream, &array);
	while (code == 0 && array.release != NULL) {
		array.release(&array);
		code = stream.get_next(&stream, &array);
	}
	stream.release(&stream);
	return code;
}

static void survives_lack_of_memory(void **state)
{
	(void)state;
	struct fixture f;
	mixed(&f);
	const size_t before = mem_in_use();
	int64_t n = 0;
	for (int code = ENOMEM; code != 0; n++) {
		assert_true(n < 1000);
		mem_fail_after(n);
		code = drain(&f);
		mem_fail_after(-1);
		CHECK_I64(mem_in_use(), before);
	}
	assert_true(n > 10);
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(mixed_files), cmocka_unit_test(conditions),
		cmocka_unit_test(prunes_files), cmocka_unit_test(refuses_other_sizes),
		cmocka_unit_test(prunes_row_groups), cmocka_unit_test(refuses), cmocka_unit_test(streams),
		cmocka_unit_test(stream_errors), cmocka_unit_test(survives_lack_of_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
