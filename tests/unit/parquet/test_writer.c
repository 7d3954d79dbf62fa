#include "check.h"

#include <math.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "io/compress.h"
#include "parquet/encoding/bloom.h"
#include "parquet/nested.h"
#include "parquet/writer.h"
#include "parquet/write/writer_int.h"
#include "thrift_text.h"

/* ---- a tiny file, byte by byte ---- */

static const struct column_def tiny_columns[] = {
	{.name = "n", .type = COL_INT32}, {.name = "s", .type = COL_STRING, .nullable = true}};
static const struct table_schema tiny_schema = {
	.name = "t", .contract = "c/v1", .columns = tiny_columns, .n_columns = 2};

/* clang-format off */
static const uint8_t tiny_file[] = {
	'P', 'A', 'R', '1',
	/* 4: PageHeader of column n */
	0x15, 0x00,                         /* 1 type = DATA_PAGE */
	0x15, 0x18, 0x15, 0x18,             /* 2 uncompressed size = 12, 3 compressed size = 12 */
	0x15, 0x87, 0xfc, 0xbd, 0xf6, 0x02, /* 4 crc, zigzag */
	0x1c, 0x15, 0x06,                   /* 5 data_page_header: 1 num_values = 3 */
	0x15, 0x00, 0x15, 0x06, 0x15, 0x06, /* 2 encoding = PLAIN, 3 and 4 levels = RLE */
	0x00, 0x00,
	7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 9, 0, 0, 0, /* no levels (required); 7, -1, 9 */
	/* 39: PageHeader of column s, 17 bytes */
	0x15, 0x00, 0x15, 0x22, 0x15, 0x22, 0x15, 0xf2, 0xeb, 0xeb, 0xa4, 0x03, 0x1c, 0x15, 0x06, 0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00,
	2, 0, 0, 0, 0x03, 0x05,             /* levels: 2 bytes, one group of 8 bits: 1 0 1 */
	1, 0, 0, 0, 'a', 2, 0, 0, 0, 'b', 'c',
	/* 79: ColumnIndex of n */
	0x19, 0x11, 0x02,                                     /* 1 null_pages = [false] */
	0x19, 0x18, 0x04, 0xff, 0xff, 0xff, 0xff,             /* 2 min_values = [-1] */
	0x19, 0x18, 0x04, 9, 0, 0, 0,                         /* 3 max_values = [9] */
	0x15, 0x02, 0x19, 0x16, 0x00, 0x00,                   /* 4 boundary_order = ASCENDING, 5 null_counts = [0] */
	/* 102: ColumnIndex of s */
	0x19, 0x11, 0x02, 0x19, 0x18, 0x01, 'a', 0x19, 0x18, 0x02, 'b', 'c', 0x15, 0x02, 0x19, 0x16, 0x02, 0x00,
	/* 120: OffsetIndex of n: 1 page_locations = [{1 offset = 4, 2 size = 35, 3 first row = 0}] */
	0x19, 0x1c, 0x16, 0x08, 0x15, 0x46, 0x16, 0x00, 0x00, 0x00,
	/* 130: OffsetIndex of s: offset 39, size 40 */
	0x19, 0x1c, 0x16, 0x4e, 0x15, 0x50, 0x16, 0x00, 0x00, 0x00,
	/* 140: FileMetaData */
	0x15, 0x04,                                           /* 1 version = 2 */
	0x19, 0x3c,                                           /* 2 schema: 3 elements */
	0x35, 0x00, 0x18, 0x01, 't', 0x15, 0x04, 0x00,        /* root: 3 REQUIRED, 4 name, 5 num_children = 2 */
	0x15, 0x02, 0x25, 0x00, 0x18, 0x01, 'n', 0x00,        /* 1 INT32, 3 REQUIRED, 4 name */
	0x15, 0x0c, 0x25, 0x02, 0x18, 0x01, 's', 0x25, 0x00, 0x4c, 0x1c, 0x00, 0x00, 0x00, /* BYTE_ARRAY, OPTIONAL, 6 UTF8, 10 STRING */
	0x16, 0x06,                                           /* 3 num_rows = 3 */
	0x19, 0x1c,                                           /* 4 row_groups: 1 */
	0x19, 0x2c,                                           /* 1 columns: 2 */
	0x26, 0x00, 0x1c,                                     /* 2 file_offset = 0, 3 meta_data */
	0x15, 0x02, 0x19, 0x25, 0x00, 0x06,                   /* 1 INT32, 2 encodings = [PLAIN, RLE] */
	0x19, 0x18, 0x01, 'n', 0x15, 0x00, 0x16, 0x06,        /* 3 path, 4 UNCOMPRESSED, 5 num_values = 3 */
	0x16, 0x46, 0x16, 0x46, 0x26, 0x08,                   /* 6, 7 sizes = 35, 9 data_page_offset = 4 */
	0x3c, 0x36, 0x00, 0x28, 0x04, 9, 0, 0, 0, 0x18, 0x04, 0xff, 0xff, 0xff, 0xff, 0x11, 0x11, 0x00, /* 12 null_count, max, min, exact */
	0x19, 0x1c, 0x15, 0x00, 0x15, 0x00, 0x15, 0x02, 0x00, /* 13 one DATA_PAGE in PLAIN */
	0x00, 0x16, 0xf0, 0x01, 0x15, 0x14, 0x16, 0x9e, 0x01, 0x15, 0x2e, 0x00, /* 4, 5 offset index 120, 10; 6, 7 column index 79, 23 */
	0x26, 0x00, 0x1c, 0x15, 0x0c, 0x19, 0x25, 0x00, 0x06, 0x19, 0x18, 0x01, 's', 0x15, 0x00, 0x16, 0x06, 0x16, 0x50, 0x16, 0x50, 0x26, 0x4e,
	0x3c, 0x36, 0x02, 0x28, 0x02, 'b', 'c', 0x18, 0x01, 'a', 0x11, 0x11, 0x00, 0x19, 0x1c, 0x15, 0x00, 0x15, 0x00, 0x15, 0x02, 0x00,
	0x00, 0x16, 0x84, 0x02, 0x15, 0x14, 0x16, 0xcc, 0x01, 0x15, 0x24, 0x00,
	0x16, 0x96, 0x01, 0x16, 0x06, 0x26, 0x08, 0x16, 0x96, 0x01, 0x14, 0x00, 0x00, /* 2 bytes = 75, 3 rows = 3, 5 offset, 6 bytes, 7 ordinal */
	0x19, 0x2c,                                           /* 5 key_value_metadata */
	0x18, 0x0c, 'p', 'q', 'r', '.', 'c', 'o', 'n', 't', 'r', 'a', 'c', 't', 0x18, 0x04, 'c', '/', 'v', '1', 0x00,
	0x18, 0x09, 'p', 'q', 'r', '.', 't', 'a', 'b', 'l', 'e', 0x18, 0x01, 't', 0x00};
/* clang-format on */

static void check_tiny(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < sizeof tiny_file && i < n; i++)
		if (p[i] != tiny_file[i]) fail_msg("byte %zu is %02x, expected %02x", i, p[i], tiny_file[i]);
	/* Then created_by, which holds the version, column_orders = [TYPE_ORDER, TYPE_ORDER], the footer's length and the magic. */
	static const char by[] = "\x18\x11pqr version " PQR_VERSION "\x19\x2c\x1c\x00\x00\x1c\x00\x00\x00";
	const uint32_t length = (uint32_t)(sizeof tiny_file + sizeof by - 1 - 140);
	CHECK_I64(n, sizeof tiny_file + sizeof by - 1 + 8);
	assert_memory_equal(p + sizeof tiny_file, by, sizeof by - 1);
	assert_memory_equal(p + n - 8, &length, 4);
	assert_memory_equal(p + n - 4, "PAR1", 4);
}

static struct batch tiny_batch(struct column columns[2])
{
	static const int32_t numbers[] = {7, -1, 9}, offsets[] = {0, 1, 1, 3};
	static const uint8_t valid[] = {0x05};
	columns[0] = (struct column){.type = COL_INT32, .n = 3, .values = numbers};
	columns[1] = (struct column){.type = COL_STRING,
		.n = 3,
		.n_null = 1,
		.validity = valid,
		.offsets = offsets,
		.data = (const uint8_t *)"abc"};
	return (struct batch){.schema = &tiny_schema, .n_columns = 2, .columns = columns, .n_rows = 3};
}

static void golden(void **state)
{
	(void)state;
	struct err err;
	struct column columns[2];
	const struct batch b = tiny_batch(columns);
	const struct parquet_opts opts = {.codec = PARQUET_UNCOMPRESSED};
	const struct parquet_rows rows = {.n = 3};
	struct parquet_writer *w;
	CHECK_OK(&err, parquet_writer_create(&tiny_schema, &opts, &w, &err));
	for (int again = 0; again < 2; again++) { /* a reused writer gives the same bytes */
		const uint8_t *p;
		size_t n;
		CHECK_OK(&err, parquet_writer_row_group(w, &b, &rows, &err));
		CHECK_I64(parquet_writer_rows(w), 3);
		CHECK_OK(&err, parquet_writer_finish(w, &p, &n, &err));
		check_tiny(p, n);
		parquet_writer_reset(w);
	}
	parquet_writer_destroy(w);
}

/* ---- footer and pages as text ---- */

struct file {
	const uint8_t *p;
	size_t n;
	char *footer;
};

static struct file file_finish(struct parquet_writer *w)
{
	struct err err;
	struct file f;
	CHECK_OK(&err, parquet_writer_finish(w, &f.p, &f.n, &err));
	uint32_t length;
	memcpy(&length, f.p + f.n - 8, 4);
	f.footer = thrift_text(f.p + f.n - 8 - length, length, NULL);
	return f;
}

/* The text of ColumnChunk `column` of the only row group. */
static const char *chunk_text(const struct file *f, int column)
{
	return thrift_text_find(f->footer, "{2:0,3:{1:", column);
}

static int64_t number_after(const char *text, const char *key)
{
	return strtoll(thrift_text_find(text, key, 0), NULL, 10);
}

/* The struct whose place the ColumnChunk gives in two fields after its meta_data. */
static char *struct_at(const struct file *f, const char *chunk, const char *offset_key, const char *length_key)
{
	const char *tail = thrift_text_find(chunk, "}", 0) - 1;
	tail = strstr(tail, "},4:");
	assert_non_null(tail);
	const int64_t at = number_after(tail, offset_key);
	const int64_t n = number_after(tail, length_key);
	size_t used;
	char *text = thrift_text(f->p + at, (size_t)n, &used);
	CHECK_I64(used, n);
	return text;
}

static char *column_index_text(const struct file *f, int column)
{
	return struct_at(f, chunk_text(f, column), ",6:", ",7:");
}

/* ---- helpers to build columns ---- */

struct table {
	struct column_def defs[8];
	struct table_schema schema;
	struct builder builders[8];
	struct column columns[8];
	struct batch batch;
};

static void table_init(struct table *t, const struct column_def *defs, size_t n, unsigned dictionaries)
{
	memset(t, 0, sizeof *t);
	memcpy(t->defs, defs, n * sizeof *defs);
	t->schema = (struct table_schema){.name = "test", .columns = t->defs, .n_columns = n};
	for (size_t i = 0; i < n; i++) builder_init(&t->builders[i], &t->defs[i], dictionaries >> i & 1);
}
static void table_finish(struct table *t, int64_t rows)
{
	struct err err;
	for (size_t i = 0; i < t->schema.n_columns; i++)
		CHECK_OK(&err, builder_finish(&t->builders[i], rows, &t->columns[i], &err));
	t->batch = (struct batch){
		.schema = &t->schema, .n_columns = t->schema.n_columns, .columns = t->columns, .n_rows = rows};
}
static void table_deinit(struct table *t)
{
	for (size_t i = 0; i < t->schema.n_columns; i++) builder_deinit(&t->builders[i]);
}

static struct parquet_writer *write_table(
	const struct table *t, const struct parquet_opts *opts, const struct parquet_rows *rows)
{
	struct err err;
	struct parquet_writer *w;
	CHECK_OK(&err, parquet_writer_create(&t->schema, opts, &w, &err));
	CHECK_OK(&err, parquet_writer_row_group(w, &t->batch, rows, &err));
	return w;
}

/* Numbers of 64 bits whose differences are as large. */
static int64_t scattered(int64_t row)
{
	const uint64_t x = (uint64_t)row * 0x9e3779b97f4a7c15u;
	return (int64_t)((x ^ x >> 32) * 0xd6e8feb86659fd93u);
}

/* ---- pages end at cuts ---- */

static void check_page_rows(const struct file *f, const struct parquet_rows *rows, int64_t rows_max, size_t n_pages_min)
{
	char *index = struct_at(f, chunk_text(f, 0), ",4:", ",5:");
	size_t n_pages = 0;
	int64_t before = 0;
	for (const char *at = index; (at = strstr(at, ",3:")) != NULL; at++, n_pages++) {
		const int64_t row = strtoll(at + 3, NULL, 10);
		bool is_cut = row == 0 || row - before == rows_max;
		for (uint32_t i = 0; i < rows->n_cuts; i++) is_cut = is_cut || rows->cuts[i] == row;
		if (!is_cut) fail_msg("a page starts at row %lld, which is no cut: %s", (long long)row, index);
		assert_true(row - before <= rows_max);
		before = row;
	}
	if (n_pages < n_pages_min) fail_msg("%zu pages, expected at least %zu: %s", n_pages, n_pages_min, index);
	free(index);
}

static void cuts(void **state)
{
	(void)state;
	static const struct column_def kinds[] = {{.name = "plain_string", .type = COL_STRING},
		{.name = "number", .type = COL_INT64}, {.name = "optional", .type = COL_INT64, .nullable = true},
		{.name = "dict", .type = COL_STRING}};
	static uint32_t at[400];
	struct parquet_rows rows = {.n = 4000, .cuts = at};
	for (uint32_t row = 7; row < rows.n; row += 5 + row % 23) at[rows.n_cuts++] = row;
	for (size_t kind = 0; kind < 4; kind++) {
		struct table t;
		table_init(&t, &kinds[kind], 1, kind == 3);
		for (int64_t row = 0; row < rows.n; row++) {
			char text[32];
			const int n =
				snprintf(text, sizeof text, "%lld", (long long)(kind == 3 ? row % 7 : row * 1000003));
			if (kind == 2 && row % 3 == 0) continue;
			if (t.defs[0].type == COL_STRING)
				builder_set_str(&t.builders[0], row, (struct str){text, (size_t)n});
			else
				builder_set_i64(&t.builders[0], row, scattered(row));
		}
		table_finish(&t, rows.n);
		const struct parquet_opts opts = {
			.codec = PARQUET_UNCOMPRESSED, .page_bytes_min = kind == 3 ? 200 : 1000, .page_rows_max = 1500};
		struct parquet_writer *w = write_table(&t, &opts, &rows);
		struct file f = file_finish(w);
		check_page_rows(&f, &rows, 1500, 6);
		free(f.footer);
		parquet_writer_destroy(w);
		table_deinit(&t);
	}
}

static void without_cuts_pages_end_at_rows_max(void **state)
{
	(void)state;
	static const struct column_def def = {.name = "n", .type = COL_INT64};
	struct table t;
	table_init(&t, &def, 1, 0);
	for (int64_t row = 0; row < 1000; row++) builder_set_i64(&t.builders[0], row, row << 20);
	table_finish(&t, 1000);
	const struct parquet_opts opts = {.codec = PARQUET_ZSTD, .page_rows_max = 300};
	const struct parquet_rows rows = {.n = 1000};
	struct parquet_writer *w = write_table(&t, &opts, &rows);
	struct file f = file_finish(w);
	check_page_rows(&f, &rows, 300, 4);
	char *index = column_index_text(&f, 0);
	assert_non_null(strstr(index, "4:1")); /* ascending */
	free(index);
	free(f.footer);
	parquet_writer_destroy(w);
	table_deinit(&t);
}

/* ---- choices ---- */

static void choices(void **state)
{
	(void)state;
	static const struct column_def defs[] = {{.name = "nulls", .type = COL_STRING, .nullable = true},
		{.name = "constant", .type = COL_STRING}, {.name = "words", .type = COL_STRING},
		{.name = "unique", .type = COL_STRING}, {.name = "bucket", .type = COL_INT32},
		{.name = "large", .type = COL_INT64}, {.name = "times", .type = COL_TIMESTAMP}};
	struct table t;
	struct err err;
	table_init(&t, defs, 7, 0x0e);
	for (int64_t row = 0; row < 3000; row++) {
		char text[32];
		builder_set_str(&t.builders[1], row, STR("siempre"));
		builder_set_str(&t.builders[2], row,
			(struct str){text, (size_t)snprintf(text, sizeof text, "word %d", (int)(row * 7 % 11))});
		builder_set_str(&t.builders[3], row,
			(struct str){text, (size_t)snprintf(text, sizeof text, "%016llx",
						   (unsigned long long)row * 0x9e3779b97f4a7c15u)});
		builder_set_i32(&t.builders[4], row, (int32_t)(row / 12));
		builder_set_i64(&t.builders[5], row, scattered(row));
		builder_set_i64(&t.builders[6], row, 1756702800000000 + row * 60000000 + scattered(row) % 1000000);
	}
	table_finish(&t, 3000);
	struct parquet_writer *w;
	CHECK_OK(&err, parquet_writer_create(&t.schema, NULL, &w, &err));
	const struct parquet_rows rows = {.n = 3000};
	CHECK_OK(&err, parquet_writer_row_group(w, &t.batch, &rows, &err));
	struct file f = file_finish(w);
	/* 2 encodings, 4 codec: dictionary is 8, differences are 5; zstd is 6 */
	static const char *const want[] = {"6,2:[0,3],3:[\"nulls\"],4:0,5:3000,", "6,2:[0,3,8],3:[\"constant\"],4:0,",
		"6,2:[0,3,8],3:[\"words\"],4:", "6,2:[0,3],3:[\"unique\"],4:6,", "1,2:[0,3,8],3:[\"bucket\"],4:6,",
		"2,2:[0,3],3:[\"large\"],4:", "2,2:[5,3],3:[\"times\"],4:0,"};
	for (int i = 0; i < 7; i++)
		if (strncmp(chunk_text(&f, i), want[i], strlen(want[i])) != 0)
			fail_msg("column %d: %.120s, expected %s", i, chunk_text(&f, i), want[i]);
	assert_non_null(strstr(chunk_text(&f, 0), "12:{3:3000}")); /* statistics: null_count alone */
	assert_non_null(strstr(chunk_text(&f, 2), "12:{3:0,5:\"word 9\",6:\"word 0\",7:true,8:true}"));
	free(f.footer);
	parquet_writer_destroy(w);
	table_deinit(&t);
}

static void bloom_filter_is_written(void **state)
{
	(void)state;
	static const struct column_def defs[] = {
		{.name = "id", .type = COL_STRING, .id = true}, {.name = "text", .type = COL_STRING}};
	struct table t;
	table_init(&t, defs, 2, 0);
	for (int64_t row = 0; row < 200; row++) {
		char text[32];
		const struct str s = {text, (size_t)snprintf(text, sizeof text, "id-%d", (int)row)};
		builder_set_str(&t.builders[0], row, s);
		builder_set_str(&t.builders[1], row, s);
	}
	table_finish(&t, 200);
	const struct parquet_opts opts = {.codec = PARQUET_SNAPPY, .bloom = true};
	const struct parquet_rows rows = {.n = 200};
	struct parquet_writer *w = write_table(&t, &opts, &rows);
	struct file f = file_finish(w);
	const char *first = chunk_text(&f, 0), *second = chunk_text(&f, 1);
	const char *at = strstr(first, ",14:");
	assert_true(at != NULL && at < second);
	assert_null(strstr(second, ",14:"));
	const uint8_t *p = f.p + strtoll(at + 4, NULL, 10);
	size_t head;
	char *text = thrift_text(p, 64, &head);
	assert_string_equal(text, "{1:256,2:{1:{}},3:{1:{}},4:{1:{}}}");
	CHECK_I64(number_after(at, ",15:"), head + 256);
	for (int i = 0; i < 200; i++) {
		char id[32];
		assert_true(bloom_contains(p + head, 256, hash_xxh64(id, (size_t)snprintf(id, sizeof id, "id-%d", i))));
	}
	free(text);
	free(f.footer);
	parquet_writer_destroy(w);
	table_deinit(&t);
}

/* ---- bounds of strings ---- */

static void repeat(char *dst, const char *s, size_t times)
{
	for (size_t i = 0; i < times; i++) memcpy(dst + i * strlen(s), s, strlen(s) + 1);
}

static void string_bounds(void **state)
{
	(void)state;
	enum { LONG = 80 };
	char a64[LONG * 4 + 1], a65[LONG * 4 + 1], enye[LONG * 4 + 1], last[LONG * 4 + 1], mixed[LONG * 4 + 1],
		surrogate[LONG * 4 + 1], wide[LONG * 4 + 1], ff[LONG * 4 + 1], odd[LONG * 4 + 1];
	repeat(a64, "a", 64);
	repeat(a65, "a", 65);
	repeat(enye, "ñ", LONG);                /* 2 bytes each: 32 fit */
	repeat(last, "\xF4\x8F\xBF\xBF", LONG); /* U+10FFFF has no successor */
	repeat(mixed, "b", 60);
	repeat(mixed + 60, "\xF4\x8F\xBF\xBF", 5);
	repeat(surrogate, "c", 61);
	repeat(surrogate + 61, "\xED\x9F\xBF", 5); /* U+D7FF: the next scalar value is U+E000 */
	repeat(wide, "d", 63);
	repeat(wide + 63, "\x7F", 5); /* U+0080 takes 2 bytes, one too many */
	repeat(ff, "\xFF", LONG);
	repeat(odd, "\xC3", LONG); /* no UTF-8 at all */
	const struct {
		const char *name, *value;
		size_t lower_n;
		const char *upper;
		size_t upper_n;
		bool exact;
	} cases[] = {
		{"empty", "", 0, "", 0, true},
		{"64 bytes", a64, 64, a64, 64, true},
		{"65 bytes", a65, 64, "b", 64, false},
		{"two-byte characters", enye, 64, "\xC3\xB2", 64, false},
		{"greatest code points alone", last, 64, last, LONG * 4, true},
		{"greatest code point last", mixed, 64, "c", 60, false},
		{"before the surrogates", surrogate, 64, "\xEE\x80\x80", 64, false},
		{"no room to grow", wide, 64, "e", 63, false},
		{"bytes 0xFF", ff, 64, ff, LONG, true},
		{"no UTF-8", odd, 64, "\xC4", 64, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t low[WRITER_STAT_BYTES_MAX], high[WRITER_STAT_BYTES_MAX];
		const struct str s = str_of(cases[i].value);
		bool exact_low, exact_high;
		const size_t n_low = writer_stat_lower(s, low, &exact_low);
		const size_t n_high = writer_stat_upper(s, high, &exact_high);
		const char *top = n_high > sizeof high ? s.p : (const char *)high;
		if (n_low != cases[i].lower_n || memcmp(low, s.p, n_low) != 0)
			fail_msg("%s: lower bound of %zu bytes", cases[i].name, n_low);
		if (exact_low != (n_low == s.n)) fail_msg("%s: lower exact %d", cases[i].name, exact_low);
		if (n_high != cases[i].upper_n || exact_high != cases[i].exact)
			fail_msg("%s: upper bound of %zu bytes, exact %d", cases[i].name, n_high, exact_high);
		const size_t end = strlen(cases[i].upper);
		if (memcmp(top + n_high - end, cases[i].upper, end) != 0)
			fail_msg("%s: upper bound ends otherwise", cases[i].name);
		assert_true(str_cmp((struct str){(const char *)low, n_low}, s) <= 0);
		assert_true(str_cmp((struct str){top, n_high}, s) >= 0);
	}
}

/* Any bytes at all: lower <= value <= upper. */
static void string_bounds_hold(void **state)
{
	(void)state;
	static const uint8_t letters[] = {
		0x00, 'a', 'z', 0x7F, 0x80, 0xBF, 0xC2, 0xDF, 0xE0, 0xED, 0x9F, 0xEF, 0xF0, 0xF4, 0x8F, 0xFF};
	uint32_t x = 1;
	for (int round = 0; round < 200000; round++) {
		uint8_t value[80], low[WRITER_STAT_BYTES_MAX], high[WRITER_STAT_BYTES_MAX];
		for (size_t i = 0; i < sizeof value; i++) {
			x = x * 1664525u + 1013904223u;
			value[i] = i < 58 ? 'a' : letters[x >> 28];
		}
		const struct str s = {(const char *)value, 58 + (x >> 8) % 22};
		bool exact;
		const size_t n_low = writer_stat_lower(s, low, &exact);
		assert_true(str_cmp((struct str){(const char *)low, n_low}, s) <= 0);
		const size_t n_high = writer_stat_upper(s, high, &exact);
		assert_true(n_high <= sizeof high);
		const int order = str_cmp((struct str){(const char *)high, n_high}, s);
		assert_true(exact ? order == 0 : order > 0);
	}
}

static void long_strings_in_statistics(void **state)
{
	(void)state;
	static const struct column_def def = {.name = "s", .type = COL_STRING};
	struct table t;
	char low[100], high[401];
	repeat(low, "a", 99);
	repeat(high, "\xF4\x8F\xBF\xBF", 100);
	table_init(&t, &def, 1, 0);
	builder_set_str(&t.builders[0], 0, str_of(low));
	builder_set_str(&t.builders[0], 1, str_of(high));
	table_finish(&t, 2);
	const struct parquet_rows rows = {.n = 2};
	struct parquet_writer *w = write_table(&t, NULL, &rows);
	struct file f = file_finish(w);
	char want[128];
	(void)snprintf(want, sizeof want, "12:{3:0,6:\"%.64s\",8:false}",
		low); /* no max in the footer: it has no short bound */
	if (strstr(f.footer, want) == NULL) fail_msg("no %s in %s", want, f.footer);
	char *index = column_index_text(&f, 0); /* the page index must have one: the value itself */
	CHECK_I64(strlen(thrift_text_find(index, "3:[\"", 0)) > 1200, 1);
	free(index);
	free(f.footer);
	parquet_writer_destroy(w);
	table_deinit(&t);
}

/* ---- errors ---- */

static void null_in_required_column(void **state)
{
	(void)state;
	struct err err;
	static const uint8_t valid[] = {0x05};
	struct column columns[2];
	const struct batch b = tiny_batch(columns);
	columns[0].validity = valid;
	columns[0].n_null = -1;
	struct parquet_writer *w;
	const struct parquet_rows rows = {.n = 3};
	const uint32_t two[] = {2, 0};
	const struct parquet_rows valid_rows = {.rows = two, .n = 2};
	CHECK_OK(&err, parquet_writer_create(&tiny_schema, NULL, &w, &err));
	CHECK_OK(&err, parquet_writer_row_group(w, &b, &valid_rows, &err)); /* only the valid rows: fine */
	CHECK_FAILS(E_CORRUPT, parquet_writer_row_group(w, &b, &rows, &err));
	assert_non_null(strstr(err.message, "column n of table t: 1 of 3 rows"));
	CHECK_FAILS(E_CORRUPT, parquet_writer_row_group(w, &b, &valid_rows, &err)); /* poisoned */
	parquet_writer_reset(w);
	const uint8_t *p;
	size_t n;
	CHECK_FAILS(E_CORRUPT, parquet_writer_finish(w, &p, &n, &err));
	parquet_writer_destroy(w);
}

/* Floats read back bit by bit; their bounds are by value, zeros both ways, and there are none beside a NaN. */
static void floats(void **state)
{
	(void)state;
	enum { N = 3000 };
	struct err err;
	static float f32[N];
	static double f64[N], with_nan[N];
	static uint8_t validity[N / 8 + 1];
	for (int i = 0; i < N; i++) {
		f32[i] = (float)(i - 2000) / 8;
		f64[i] = i == 7 ? 0.0 : -(double)i * 1e10;
		with_nan[i] = i == 2500 ? (double)NAN : i;
		if (i % 3 != 0) bit_set(validity, i);
	}
	static const struct column_def defs[] = {{.name = "f", .type = COL_FLOAT},
		{.name = "d", .type = COL_DOUBLE, .nullable = true}, {.name = "n", .type = COL_DOUBLE}};
	static const struct table_schema schema = {.name = "t", .columns = defs, .n_columns = 3};
	struct column columns[] = {{.type = COL_FLOAT, .n = N, .values = f32},
		{.type = COL_DOUBLE, .n = N, .n_null = -1, .values = f64, .validity = validity},
		{.type = COL_DOUBLE, .n = N, .values = with_nan}};
	const struct batch b = {.n_columns = 3, .columns = columns, .n_rows = N};
	const struct parquet_opts opts = {.codec = PARQUET_ZSTD, .page_rows_max = 1000};
	struct parquet_writer *w;
	CHECK_OK(&err, parquet_writer_create(&schema, &opts, &w, &err));
	CHECK_OK(&err, parquet_writer_row_group(w, &b, &(struct parquet_rows){.n = N}, &err));
	struct file f = file_finish(w);
	char *index = column_index_text(&f, 1);
	assert_non_null(strstr(index, ",4:2")); /* falling */
	free(index);
	const char *tail = strstr(chunk_text(&f, 2), "},4:"); /* an offset index, no column index */
	assert_non_null(tail);
	const char *six = strstr(tail, ",6:");
	assert_true(six == NULL || six > strchr(tail + 1, '}'));

	struct store_object *o = NULL;
	struct parquet_reader *r = NULL;
	struct arena arena;
	struct batch got;
	arena_init(&arena, 0);
	CHECK_OK(&err, store_object_from_memory(f.p, f.n, "f", &o, &err));
	CHECK_OK(&err, parquet_reader_open(o, &r, &err));
	CHECK_OK(&err, parquet_reader_read(r, &(struct parquet_range){.end = N},
			       (struct parquet_columns){(const int[]){0, 1, 2}, 3}, &arena, &got, &err));
	for (int i = 0; i < N; i++) {
		assert_memory_equal((const float *)got.columns[0].values + i, &f32[i], 4);
		assert_int_equal(column_valid(&got.columns[1], i), i % 3 != 0);
		if (i % 3 != 0) assert_memory_equal((const double *)got.columns[1].values + i, &f64[i], 8);
		assert_memory_equal((const double *)got.columns[2].values + i, &with_nan[i], 8);
	}
	struct parquet_stats s;
	CHECK_OK(&err, parquet_reader_stats(r, 0, 0, &s, &err));
	assert_true(s.has_min && s.has_max && s.min_f64 == -250 && s.max_f64 == 999.0 / 8);
	CHECK_OK(&err, parquet_reader_stats(r, 0, 1, &s, &err));
	assert_true(s.has_min && s.has_max && s.min_f64 == -2999e10 && s.max_f64 == 0 && !signbit(s.max_f64));
	CHECK_I64(s.null_count, N / 3);
	CHECK_OK(&err, parquet_reader_stats(r, 0, 2, &s, &err));
	assert_false(s.has_min || s.has_max);
	parquet_reader_close(r);
	store_object_close(o);
	arena_deinit(&arena);
	free(f.footer);
	parquet_writer_destroy(w);
}

static void unsupported(void **state)
{
	(void)state;
	struct err err;
	struct parquet_writer *w;
	const struct parquet_opts gzip = {.codec = PARQUET_GZIP};
	CHECK_FAILS(E_UNSUPPORTED, parquet_writer_create(&tiny_schema, &gzip, &w, &err));
}

static status write_all(const struct table *t, struct err *err)
{
	struct parquet_writer *w = NULL;
	const uint8_t *p;
	size_t n;
	const struct parquet_rows rows = {.n = (uint32_t)t->batch.n_rows};
	status s = parquet_writer_create(&t->schema, NULL, &w, err);
	if (s == OK) s = parquet_writer_row_group(w, &t->batch, &rows, err);
	if (s == OK) s = parquet_writer_finish(w, &p, &n, err);
	parquet_writer_destroy(w);
	return s;
}

static void fill_mixed(struct table *t, int64_t rows)
{
	static const struct column_def defs[] = {{.name = "id", .type = COL_STRING, .id = true},
		{.name = "word", .type = COL_STRING, .nullable = true},
		{.name = "day", .type = COL_DATE, .nullable = true}, {.name = "flag", .type = COL_BOOL},
		{.name = "price", .type = COL_DECIMAL, .precision = 9, .nullable = true}};
	table_init(t, defs, 5, 2);
	for (int64_t row = 0; row < rows; row++) {
		char text[40];
		builder_set_str(&t->builders[0], row,
			(struct str){text, (size_t)snprintf(text, sizeof text, "%032llx",
						   (unsigned long long)row * 0x9e3779b97f4a7c15u)});
		if (row % 3 != 0) builder_set_str(&t->builders[1], row, row % 2 == 0 ? STR("even") : STR("odd"));
		if (row % 3 != 0) builder_set_i32(&t->builders[2], row, (int32_t)(row % 50));
		assert_true(builder_row(&t->builders[3], row));
		t->builders[3].n = row + 1;
		if (row % 7 != 0) builder_set_i64(&t->builders[4], row, row * 1000);
	}
	table_finish(t, rows);
}

static void survives_lack_of_memory(void **state)
{
	(void)state;
	struct table t;
	struct err err;
	fill_mixed(&t, 3000);
	const size_t before = mem_in_use();
	status s = E_NOMEM;
	int64_t n = 0;
	for (; s != OK && n < 1000; n++) {
		mem_fail_after(n);
		s = write_all(&t, &err);
		mem_fail_after(-1);
		if (s != OK && s != E_NOMEM) fail_msg("allocation %lld: %s", (long long)n, status_name(s));
		CHECK_I64(mem_in_use(), before);
	}
	assert_true(s == OK && n > 10);
	table_deinit(&t);
}

static void reuse_allocates_nothing(void **state)
{
	(void)state;
	struct table t;
	struct err err;
	fill_mixed(&t, 3000);
	const struct parquet_rows rows = {.n = 3000};
	struct parquet_writer *w = write_table(&t, NULL, &rows);
	struct file first = file_finish(w);
	uint8_t *copy = malloc(first.n);
	assert_non_null(copy);
	memcpy(copy, first.p, first.n);
	parquet_writer_reset(w);
	mem_fail_after(0);
	const status s = parquet_writer_row_group(w, &t.batch, &rows, &err);
	const uint8_t *p = NULL;
	size_t n = 0;
	const status done = s == OK ? parquet_writer_finish(w, &p, &n, &err) : s;
	mem_fail_after(-1);
	CHECK_OK(&err, done);
	CHECK_I64(n, first.n);
	assert_memory_equal(p, copy, n);
	free(copy);
	free(first.footer);
	parquet_writer_destroy(w);
	table_deinit(&t);
}

static void empty_file(void **state)
{
	(void)state;
	struct err err;
	struct column columns[2];
	const struct batch b = tiny_batch(columns);
	struct parquet_writer *w;
	const struct parquet_rows none = {.n = 0};
	CHECK_OK(&err, parquet_writer_create(&tiny_schema, NULL, &w, &err));
	CHECK_OK(&err, parquet_writer_row_group(w, &b, &none, &err));
	struct file f = file_finish(w);
	assert_non_null(strstr(f.footer, ",3:0,4:[],"));
	free(f.footer);
	parquet_writer_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(golden), cmocka_unit_test(cuts),
		cmocka_unit_test(without_cuts_pages_end_at_rows_max), cmocka_unit_test(choices),
		cmocka_unit_test(bloom_filter_is_written), cmocka_unit_test(string_bounds),
		cmocka_unit_test(string_bounds_hold), cmocka_unit_test(long_strings_in_statistics),
		cmocka_unit_test(null_in_required_column), cmocka_unit_test(floats), cmocka_unit_test(unsupported),
		cmocka_unit_test(survives_lack_of_memory), cmocka_unit_test(reuse_allocates_nothing),
		cmocka_unit_test(empty_file)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
