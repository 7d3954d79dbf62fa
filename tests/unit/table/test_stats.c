/* Statistics of files by our own writer, written and read back: bounds hold for every value. And the stats of other writers. */
#include "table/write/stats.h"

#include "base/rng.h"
#include "base/time.h"
#include "check.h"
#include "io/utf8.h"
#include "parquet/writer.h"

enum { TEXT, CODE, SMALL, LARGE, TS, DAY, PRICE, WIDE, FLAG, EMPTY, N_COLUMNS };
static const struct column_def columns[N_COLUMNS] = {
	[TEXT] = {.name = "text", .type = COL_STRING, .nullable = true},
	[CODE] = {.name = "código \"x\"", .type = COL_STRING},
	[SMALL] = {.name = "small", .type = COL_INT32, .nullable = true},
	[LARGE] = {.name = "large", .type = COL_INT64},
	[TS] = {.name = "ts", .type = COL_TIMESTAMP, .nullable = true},
	[DAY] = {.name = "day", .type = COL_DATE},
	[PRICE] = {.name = "price", .type = COL_DECIMAL, .precision = 9, .scale = 2, .nullable = true},
	[WIDE] = {.name = "wide", .type = COL_DECIMAL, .precision = 18, .scale = 3},
	[FLAG] = {.name = "flag", .type = COL_BOOL, .nullable = true},
	[EMPTY] = {.name = "empty", .type = COL_STRING, .nullable = true},
};
static const struct table_schema table = {.name = "t", .columns = columns, .n_columns = N_COLUMNS};
static struct delta_column delta_columns[N_COLUMNS];
static const struct delta_schema schema = {delta_columns, N_COLUMNS};

static const char *type_text(enum col_type type)
{
	return type == COL_TIMESTAMP ? "timestamp" : col_type_name(type);
}

static int schema_setup(void **state)
{
	(void)state;
	for (int c = 0; c < N_COLUMNS; c++)
		delta_columns[c] = (struct delta_column){.def = columns[c],
			.supported = true,
			.type_text = type_text(columns[c].type),
			.partition_index = -1};
	return 0;
}

/* ---- a file of random rows -------------------------------------------------------------------------------- */

struct sample {
	struct builder builders[N_COLUMNS];
	struct column columns[N_COLUMNS];
	struct parquet_writer *writer;
	int64_t rows;
};

/* Texts that are cut: long ones whose next code point is hard to find, in one, two, three and four bytes. */
static struct str random_text(struct rng4 r, char dst[256])
{
	static const char *const points[] = {
		"a", "\x7f", "ñ", "\xdf\xbf", "\xed\x9f\xbf", "\xef\xbf\xbf", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
	const uint32_t n = rng_below(r.v[0], 50), kinds = 1 + rng_below(r.v[1], 8);
	const char *kind = points[rng_below(r.v[2], 8)];
	size_t at = 0;
	for (uint32_t i = 0; i < n; i++) {
		const char *point = i % kinds ? points[(r.v[3] >> i % 29) % 8] : kind;
		const size_t bytes = strlen(point);
		memcpy(dst + at, point, bytes);
		at += bytes;
	}
	return (struct str){dst, at};
}

/* The range of a file's numbers is a random part of the type's. */
static int64_t random_int(int c, struct rng4 file, struct rng4 r)
{
	const uint64_t v = (uint64_t)r.v[0] << 32 | r.v[1];
	const unsigned shift = file.v[c % 4] % 64;
	const int64_t wide = (int64_t)v >> shift;
	switch (c) {
	case TS: return DATE_MIN * US_PER_DAY + (int64_t)(v % (uint64_t)((DATE_MAX - (int64_t)DATE_MIN) * US_PER_DAY));
	case DAY: return (int32_t)(r.v[0] >> shift % 32) % 700000;
	case PRICE: return wide % 1000000000;
	case WIDE: return wide % INT64_C(1000000000000000000);
	case SMALL: return (int32_t)wide;
	default: return wide;
	}
}

static void sample_row(struct sample *s, uint32_t seed, struct rng4 file, int64_t row)
{
	char text[256];
	for (int c = 0; c < N_COLUMNS; c++) {
		const struct rng4 r = rng_philox(seed, (uint64_t)row, (uint32_t)c, 0);
		struct builder *b = &s->builders[c];
		if (c == EMPTY || (columns[c].nullable && r.v[3] % 3 == 0)) continue;
		if (columns[c].type == COL_STRING)
			builder_set_str(b, row, random_text(r, text));
		else if (columns[c].type == COL_INT32 || columns[c].type == COL_DATE)
			builder_set_i32(b, row, (int32_t)random_int(c, file, r));
		else if (columns[c].type != COL_BOOL)
			builder_set_i64(b, row, random_int(c, file, r));
	}
}

static void sample_make(struct sample *s, uint32_t seed, int64_t rows, uint32_t groups)
{
	static const uint8_t flags[1 << 12] = {0x5a, 0xff, 0x01};
	struct err err;
	const struct rng4 file = rng_philox(seed, 0, 99, 0);
	*s = (struct sample){.rows = rows};
	for (int c = 0; c < N_COLUMNS; c++) builder_init(&s->builders[c], &columns[c], false);
	for (int64_t row = 0; row < rows; row++) sample_row(s, seed, file, row);
	for (int c = 0; c < N_COLUMNS; c++) {
		if (c == FLAG)
			s->columns[c] = (struct column){.type = COL_BOOL, .n = rows, .values = flags};
		else
			CHECK_OK(&err, builder_finish(&s->builders[c], rows, &s->columns[c], &err));
	}
	const struct batch b = {.n_columns = N_COLUMNS, .columns = s->columns, .n_rows = rows};
	uint32_t index[4096];
	CHECK_OK(&err, parquet_writer_create(&table, NULL, &s->writer, &err));
	for (uint32_t g = 0; g < groups; g++) {
		uint32_t n = 0;
		for (uint32_t row = g; row < rows; row += groups) index[n++] = row;
		CHECK_OK(&err,
			parquet_writer_row_group(s->writer, &b, &(struct parquet_rows){.rows = index, .n = n}, &err));
	}
}

static void sample_free(struct sample *s)
{
	for (int c = 0; c < N_COLUMNS; c++) builder_deinit(&s->builders[c]);
	parquet_writer_destroy(s->writer);
}

static void stats_of(const struct sample *s, struct buf *out)
{
	struct err err;
	const uint8_t *p;
	size_t n;
	int64_t rows;
	struct store_object *object;
	struct parquet_reader *r;
	CHECK_OK(&err, parquet_writer_finish(s->writer, &p, &n, &err));
	CHECK_OK(&err, store_object_from_memory(p, n, "t.parquet", &object, &err));
	CHECK_OK(&err, parquet_reader_open(object, &r, &err));
	CHECK_OK(&err, delta_stats_write(r, out, &rows, &err));
	CHECK_I64(rows, s->rows);
	parquet_reader_close(r);
	store_object_close(object);
}

static struct delta_value value_at(const struct column *c, int64_t i)
{
	if (c->type == COL_STRING) return (struct delta_value){.text = column_str(c, i)};
	if (c->type == COL_INT32 || c->type == COL_DATE)
		return (struct delta_value){.i64 = ((const int32_t *)c->values)[i]};
	return (struct delta_value){.i64 = ((const int64_t *)c->values)[i]};
}

/* Whether the Parquet file has no upper bound for the text: one that is cut, after 64 bytes of the greatest code point. */
static bool unbounded(struct str text)
{
	enum { PARQUET_BOUND_BYTES = 64 };
	size_t at = 0;
	while (at < text.n && at < PARQUET_BOUND_BYTES && memcmp(text.p + at, "\xf4\x8f\xbf\xbf", 4) == 0) at += 4;
	return at == PARQUET_BOUND_BYTES && text.n > at;
}

static void check_column(const struct column *c, const struct column_def *def, const struct delta_column_stats *s)
{
	int64_t nulls = 0;
	bool greatest = false;
	for (int64_t i = 0; i < c->n; i++) {
		if (!column_valid(c, i)) {
			nulls++;
			continue;
		}
		if (def->type == COL_BOOL) continue;
		const struct delta_value v = value_at(c, i);
		greatest |= def->type == COL_STRING && unbounded(v.text);
		assert_true(s->has_min);
		assert_true(delta_value_cmp(def, &s->min, &v) <= 0);
		if (s->has_max) assert_true(delta_value_cmp(def, &v, &s->max) <= 0);
	}
	assert_true(s->has_null_count);
	CHECK_I64(s->null_count, nulls);
	const bool bounded = nulls < c->n && def->type != COL_BOOL;
	assert_int_equal(s->has_min, bounded);
	assert_int_equal(s->has_max, bounded && !greatest);
}

static void bounds_hold(void **state)
{
	(void)state;
	struct arena arena;
	struct buf text;
	struct err err;
	arena_init(&arena, 0);
	buf_init(&text, 0);
	for (uint32_t seed = 0; seed < 600; seed += CHECK_ONE_IN) {
		struct sample s;
		struct delta_file_stats stats;
		sample_make(&s, seed, 1 + seed % 40, 1 + seed % 3);
		buf_reset(&text);
		arena_reset(&arena);
		stats_of(&s, &text);
		assert_true(utf8_valid((const char *)text.p, text.n));
		CHECK_OK(&err,
			delta_stats_read((struct str){(const char *)text.p, text.n}, &schema, &arena, &stats, &err));
		CHECK_I64(stats.rows, s.rows);
		for (int c = 0; c < N_COLUMNS; c++) check_column(&s.columns[c], &columns[c], &stats.columns[c]);
		sample_free(&s);
	}
	buf_deinit(&text);
	arena_deinit(&arena);
}

/* ---- the text --------------------------------------------------------------------------------------------- */

static void text_of_every_type(void **state)
{
	(void)state;
	static const char want[] =
		"{\"numRecords\":2,\"minValues\":{\"text\":\"a\",\"código "
		"\\\"x\\\"\":\"01234567890123456789012345678901\","
		"\"small\":-5,\"large\":-9223372036854775808,\"ts\":\"1969-12-31T23:59:59.999999Z\",\"day\":\"1970-01-"
		"01\","
		"\"price\":-0.05,\"wide\":-999999999999999.999},\"maxValues\":{\"text\":\"ñ\",\"código \\\"x\\\"\":"
		"\"0123456789012345678901234567890z\",\"small\":7,\"large\":9223372036854775807,"
		"\"ts\":\"2025-09-01T12:00:00.123456Z\",\"day\":\"2025-09-01\",\"price\":1234567.89,"
		"\"wide\":999999999999999.999},\"nullCount\":{\"text\":0,\"código "
		"\\\"x\\\"\":0,\"small\":0,\"large\":0,"
		"\"ts\":0,\"day\":0,\"price\":0,\"wide\":0,\"flag\":0,\"empty\":2}}";
	static const int64_t values[N_COLUMNS][2] = {[SMALL] = {7, -5},
		[LARGE] = {INT64_MIN, INT64_MAX},
		[TS] = {-1, INT64_C(1756728000123456)},
		[DAY] = {0, 20332},
		[PRICE] = {-5, 123456789},
		[WIDE] = {INT64_C(999999999999999999), -INT64_C(999999999999999999)}};
	static const char *const texts[N_COLUMNS][2] = {[TEXT] = {"ñ", "a"},
		[CODE] = {"0123456789012345678901234567890123456789", "0123456789012345678901234567890yy"}};
	static const uint8_t flags = 1;
	struct sample s = {.rows = 2};
	struct err err;
	struct buf text;
	for (int c = 0; c < N_COLUMNS; c++) {
		builder_init(&s.builders[c], &columns[c], false);
		for (int64_t row = 0; row < 2; row++) {
			if (texts[c][row] != NULL)
				builder_set_str(&s.builders[c], row, str_of(texts[c][row]));
			else if (c == SMALL || c == DAY)
				builder_set_i32(&s.builders[c], row, (int32_t)values[c][row]);
			else if (c != FLAG && c != EMPTY)
				builder_set_i64(&s.builders[c], row, values[c][row]);
		}
		if (c == FLAG)
			s.columns[c] = (struct column){.type = COL_BOOL, .n = 2, .values = &flags};
		else
			CHECK_OK(&err, builder_finish(&s.builders[c], 2, &s.columns[c], &err));
	}
	const struct batch b = {.n_columns = N_COLUMNS, .columns = s.columns, .n_rows = 2};
	CHECK_OK(&err, parquet_writer_create(&table, NULL, &s.writer, &err));
	CHECK_OK(&err, parquet_writer_row_group(s.writer, &b, &(struct parquet_rows){.n = 2}, &err));
	buf_init(&text, 0);
	stats_of(&s, &text);
	buf_char(&text, '\0');
	assert_string_equal((const char *)text.p, want);
	buf_deinit(&text);
	sample_free(&s);
}

/* ---- stats of others -------------------------------------------------------------------------------------- */

static struct delta_column_stats read_one(
	const char *type, struct column_def def, const char *json, struct arena *arena)
{
	struct err err;
	struct delta_file_stats stats;
	def.name = "c";
	struct delta_column column = {.def = def, .supported = true, .type_text = type, .partition_index = -1};
	const struct delta_schema one = {&column, 1};
	CHECK_OK(&err, delta_stats_read(str_of(json), &one, arena, &stats, &err));
	return stats.columns[0];
}

#define BOTH(value) "{\"minValues\":{\"c\":" value "},\"maxValues\":{\"c\":" value "}}"
#define AT INT64_C(1756728000000000)

static void values_of_others(void **state)
{
	(void)state;
	enum { NONE = 0, MIN = 1, MAX = 2, ALL = 3 };
	static const struct {
		const char *type, *json;
		struct column_def def;
		int has;
		int64_t min, max;
	} cases[] = {
		{"timestamp", BOTH("\"2025-09-01T12:00:00.000Z\""), {.type = COL_TIMESTAMP}, ALL, AT, AT + 999},
		{"timestamp", BOTH("\"2025-09-01T12:00:00Z\""), {.type = COL_TIMESTAMP}, ALL, AT, AT + 999},
		{"timestamp", BOTH("\"2025-09-01T07:00:00.123-05:00\""), {.type = COL_TIMESTAMP}, ALL, AT + 123000,
			AT + 123999},
		{"timestamp", BOTH("\"2025-09-01T12:00:00.123456Z\""), {.type = COL_TIMESTAMP}, ALL, AT + 123456,
			AT + 123456},
		{"timestamp", BOTH("\"2025-09-01T12:00:00.000\""), {.type = COL_TIMESTAMP}, NONE, 0, 0},
		{"timestamp_ntz", BOTH("\"2025-09-01T12:00:00.000\""), {.type = COL_TIMESTAMP}, ALL, AT, AT + 999},
		{"timestamp_ntz", BOTH("\"2025-09-01T12:00:00.5\""), {.type = COL_TIMESTAMP}, ALL, AT + 500000,
			AT + 500999},
		{"timestamp", BOTH("\"yesterday\""), {.type = COL_TIMESTAMP}, NONE, 0, 0},
		{"timestamp", BOTH("1756728000"), {.type = COL_TIMESTAMP}, NONE, 0, 0},
		{"date", BOTH("\"2025-09-01\""), {.type = COL_DATE}, ALL, 20332, 20332},
		{"date", BOTH("\"2025-9-1\""), {.type = COL_DATE}, NONE, 0, 0},
		{"decimal(9,2)", BOTH("12.30"), {.type = COL_DECIMAL, .precision = 9, .scale = 2}, ALL, 1230, 1230},
		{"decimal(9,2)", BOTH("1.23E+3"), {.type = COL_DECIMAL, .precision = 9, .scale = 2}, ALL, 123000,
			123000},
		{"decimal(9,2)", BOTH("12.305"), {.type = COL_DECIMAL, .precision = 9, .scale = 2}, NONE, 0, 0},
		{"decimal(9,2)", BOTH("\"12.30\""), {.type = COL_DECIMAL, .precision = 9, .scale = 2}, NONE, 0, 0},
		{"decimal(18,0)", BOTH("123456789012345678"), {.type = COL_DECIMAL, .precision = 18}, ALL,
			123456789012345678 - 28, 123456789012345678 + 28},
		{"integer", BOTH("7"), {.type = COL_INT32}, ALL, 7, 7},
		{"integer", BOTH("7.0"), {.type = COL_INT32}, ALL, 7, 7},
		{"integer", BOTH("7.5"), {.type = COL_INT32}, NONE, 0, 0},
		{"integer", BOTH("2147483648"), {.type = COL_INT32}, NONE, 0, 0},
		{"long", BOTH("-9223372036854775808"), {.type = COL_INT64}, ALL, INT64_MIN, INT64_MIN},
		{"long", BOTH("9223372036854775808"), {.type = COL_INT64}, NONE, 0, 0},
		{"long", BOTH("\"7\""), {.type = COL_INT64}, NONE, 0, 0},
		{"long", BOTH("{\"a\":[1]}"), {.type = COL_INT64}, NONE, 0, 0},
		{"long", BOTH("null"), {.type = COL_INT64}, NONE, 0, 0},
		{"boolean", BOTH("true"), {.type = COL_BOOL}, NONE, 0, 0},
		{"binary", BOTH("\"AAAA\""), {.type = COL_BINARY}, NONE, 0, 0},
		{"double", BOTH("1.5"), {.type = COL_DOUBLE}, MIN, 0, 0},
		{"double", BOTH("\"NaN\""), {.type = COL_DOUBLE}, NONE, 0, 0},
		{"string", BOTH("\"x\""), {.type = COL_STRING}, ALL, 0, 0},
	};
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct delta_column_stats s = read_one(cases[i].type, cases[i].def, cases[i].json, &arena);
		const int has = (s.has_min ? MIN : 0) | (s.has_max ? MAX : 0);
		if (has != cases[i].has) fail_msg("%s %s: has %d", cases[i].type, cases[i].json, has);
		if (s.has_min && (s.min.null || s.min.i64 != cases[i].min))
			fail_msg("%s %s: min %lld", cases[i].type, cases[i].json, (long long)s.min.i64);
		if (s.has_max && (s.max.null || s.max.i64 != cases[i].max))
			fail_msg("%s %s: max %lld", cases[i].type, cases[i].json, (long long)s.max.i64);
	}
	arena_deinit(&arena);
}

/* A maximum of 32 bytes may be a cut one without being raised: a string that goes on must still lie below. */
static void cut_strings_of_others(void **state)
{
	(void)state;
	const struct column_def def = {.type = COL_STRING};
	struct arena arena;
	arena_init(&arena, 0);
	struct delta_column_stats s = read_one("string", def, BOTH("\"0123456789012345678901234567890\""), &arena);
	assert_true(str_is(s.max.text, "0123456789012345678901234567890"));
	s = read_one("string", def, BOTH("\"01234567890123456789012345678901\""), &arena);
	const struct delta_value more = {.text = STR("01234567890123456789012345678901\xf4\x8f\xbf\xbf")};
	assert_true(str_is(s.min.text, "01234567890123456789012345678901"));
	assert_true(delta_value_cmp(&def, &more, &s.max) < 0);
	s = read_one("string", def, BOTH("\"\\\"\\u00f1\\n\\ud83d\\ude00\""), &arena);
	assert_true(str_is(s.min.text, "\"ñ\n😀"));
	assert_true(str_is(s.max.text, "\"ñ\n😀"));
	s = read_one("string", def, BOTH("\"\""), &arena);
	assert_true(s.has_min && s.min.text.n == 0 && !s.min.null);
	arena_deinit(&arena);
}

static void counts(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		int64_t rows, nulls; /* -1: absent */
	} cases[] = {
		{"{\"numRecords\":10,\"nullCount\":{\"c\":3}}", 10, 3},
		{"{\"numRecords\":10,\"nullCount\":{\"c\":3},\"tightBounds\":true}", 10, 3},
		{"{\"numRecords\":10,\"nullCount\":{\"c\":3},\"tightBounds\":false}", 10, -1},
		{"{\"numRecords\":10,\"nullCount\":{\"c\":10},\"tightBounds\":false}", 10, 10},
		{"{\"tightBounds\":false,\"nullCount\":{\"c\":0},\"numRecords\":10}", 10, 0},
		{"{\"nullCount\":{\"c\":{\"d\":1}},\"numRecords\":null}", -1, -1},
		{"{\"numRecords\":-1,\"nullCount\":{\"c\":-1}}", -1, -1},
		{"{\"numRecords\":10,\"nullCount\":{\"c\":3}", -1, -1},
		{"{\"numRecords\":10,\"nullCount\":{\"c\":3}}x", -1, -1},
		{"{\"numRecords\":10,\"nullCount\":[{\"c\":3}],\"more\":[{}]}", 10, -1},
		{"{\"n\\u0075mRecords\":10,\"nullCount\":{\"\\u0063\":3}}", 10, 3},
		{"[]", -1, -1},
		{"", -1, -1},
		{"{}", -1, -1},
	};
	struct delta_column column = {.def = {.name = "c", .type = COL_INT64}, .supported = true, .type_text = "long"};
	const struct delta_schema one = {&column, 1};
	struct arena arena;
	struct err err;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct delta_file_stats stats;
		CHECK_OK(&err, delta_stats_read(str_of(cases[i].json), &one, &arena, &stats, &err));
		CHECK_I64(stats.rows, cases[i].rows);
		CHECK_I64(stats.columns[0].has_null_count ? stats.columns[0].null_count : -1, cases[i].nulls);
	}
	arena_deinit(&arena);
}

/* Any prefix of good stats: absent, without reading past its end (AddressSanitizer looks). */
static void cut_anywhere(void **state)
{
	(void)state;
	struct sample s;
	struct buf text;
	struct arena arena;
	struct err err;
	buf_init(&text, 0);
	arena_init(&arena, 0);
	sample_make(&s, 3, 20, 2);
	stats_of(&s, &text);
	for (size_t n = 0; n < text.n; n++) {
		struct delta_file_stats stats;
		char *copy = malloc(n > 0 ? n : 1);
		memcpy(copy, text.p, n);
		arena_reset(&arena);
		CHECK_OK(&err, delta_stats_read((struct str){copy, n}, &schema, &arena, &stats, &err));
		free(copy);
		CHECK_I64(stats.rows, -1);
		for (int c = 0; c < N_COLUMNS; c++)
			assert_false(stats.columns[c].has_min || stats.columns[c].has_max ||
				     stats.columns[c].has_null_count);
	}
	arena_deinit(&arena);
	buf_deinit(&text);
	sample_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(text_of_every_type),
		cmocka_unit_test(values_of_others),
		cmocka_unit_test(cut_strings_of_others),
		cmocka_unit_test(counts),
		cmocka_unit_test(cut_anywhere),
	};
	return cmocka_run_group_tests(tests, schema_setup, NULL);
}
