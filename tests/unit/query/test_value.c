/* Values as text and JSON, and rows in each format; the vectors are made here, as DuckDB lays them out. */
#include "check.h"

#include <float.h>
#include <math.h>

#include "base/time.h"
#include "query/query_int.h"

__extension__ typedef __int128 i128;

static char *take(struct buf *b)
{
	static char text[4096];
	(void)snprintf(text, sizeof text, "%.*s", (int)b->n, (const char *)b->p);
	buf_deinit(b);
	return text;
}

static void check_both(const struct q_type *type, const void *data, const char *text, const char *json)
{
	const struct q_vector v = {.type = type, .data = data};
	struct buf out;
	buf_init(&out, 0);
	value_text(&out, &v, 0);
	assert_string_equal(take(&out), text);
	buf_init(&out, 0);
	value_json(&out, &v, 0);
	assert_string_equal(take(&out), json);
}

static void check_value(const struct q_type *type, const void *data, const char *text)
{
	char quoted[256];
	(void)snprintf(quoted, sizeof quoted, "\"%s\"", text);
	check_both(type, data, text, value_is_number(type) || type->kind == Q_BOOL ? text : quoted);
}

static i128 wide(uint64_t high, uint64_t low)
{
	i128 v = (i128)high;
	return (i128)((unsigned __int128)v << 64 | low);
}

static void test_integers(void **state)
{
	(void)state;
	static const struct q_type i64 = {.kind = Q_INT, .bytes = 8}, u64 = {.kind = Q_UINT, .bytes = 8},
				   i8 = {.kind = Q_INT, .bytes = 1}, i128_type = {.kind = Q_INT, .bytes = 16},
				   u128_type = {.kind = Q_UINT, .bytes = 16}, flag = {.kind = Q_BOOL};
	check_value(&i64, &(int64_t){INT64_MIN}, "-9223372036854775808");
	check_value(&i64, &(int64_t){9007199254740993}, "9007199254740993");
	check_value(&u64, &(uint64_t){UINT64_MAX}, "18446744073709551615");
	check_value(&i8, &(int8_t){-128}, "-128");
	check_value(&i128_type, &(i128){wide(UINT64_C(1) << 63, 0)}, "-170141183460469231731687303715884105728");
	check_value(&i128_type, &(i128){wide(INT64_MAX, UINT64_MAX)}, "170141183460469231731687303715884105727");
	check_value(&u128_type, &(i128){wide(UINT64_MAX, UINT64_MAX)}, "340282366920938463463374607431768211455");
	check_value(&flag, &(uint8_t){1}, "true");
	check_value(&flag, &(uint8_t){0}, "false");
}

static void test_decimals(void **state)
{
	(void)state;
	static const struct q_type d2 = {.kind = Q_DECIMAL, .bytes = 4, .scale = 2},
				   d0 = {.kind = Q_DECIMAL, .bytes = 2},
				   d38 = {.kind = Q_DECIMAL, .bytes = 16, .scale = 38};
	check_value(&d2, &(int32_t){-5}, "-0.05");
	check_value(&d2, &(int32_t){0}, "0.00");
	check_value(&d2, &(int32_t){123456}, "1234.56");
	check_value(&d0, &(int16_t){-9999}, "-9999");
	check_value(&d38, &(i128){1}, "0.00000000000000000000000000000000000001");
}

static void test_doubles(void **state)
{
	(void)state;
	static const struct q_type d = {.kind = Q_DOUBLE}, f = {.kind = Q_FLOAT};
	static const struct {
		double v;
		const char *text;
	} cases[] = {{0, "0.0"}, {-0.0, "-0.0"}, {1, "1.0"}, {0.1, "0.1"}, {1.0 / 3, "0.3333333333333333"},
		{1e15, "1000000000000000.0"}, {1e16, "1e+16"}, {123456789012345680, "1.2345678901234568e+17"},
		{0.0001, "0.0001"}, {0.00001, "1e-05"}, {DBL_MAX, "1.7976931348623157e+308"}, {5e-324, "5e-324"},
		{-100, "-100.0"}, {2.5, "2.5"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_value(&d, &cases[i].v, cases[i].text);
	check_value(&f, &(float){0.1F}, "0.1");
	check_value(&f, &(float){3e20F}, "3e+20");
	check_value(&f, &(float){16777216}, "16777216.0");
	check_both(&d, &(double){(double)NAN}, "nan", "\"nan\"");
	check_both(&d, &(double){-(double)INFINITY}, "-inf", "\"-inf\"");
}

static void test_times(void **state)
{
	(void)state;
	static const struct q_type date = {.kind = Q_DATE}, time = {.kind = Q_TIME, .scale = 6},
				   ts = {.kind = Q_TIMESTAMP, .scale = 6}, ns = {.kind = Q_TIMESTAMP, .scale = 9},
				   s = {.kind = Q_TIMESTAMP, .scale = 0}, tz = {.kind = Q_TIMESTAMP_TZ, .scale = 6},
				   ttz = {.kind = Q_TIME_TZ, .scale = 6}, interval = {.kind = Q_INTERVAL};
	check_value(&date, &(int32_t){0}, "1970-01-01");
	check_value(&date, &(int32_t){DATE_MIN - 1}, "0001-12-31 (BC)");
	check_value(&date, &(int32_t){DATE_MAX + 1}, "10000-01-01");
	check_value(&date, &(int32_t){INT32_MAX}, "infinity");
	check_value(&date, &(int32_t){-INT32_MAX}, "-infinity");
	check_value(&time, &(int64_t){86399999999}, "23:59:59.999999");
	check_value(&time, &(int64_t){86400000000}, "24:00:00");
	check_both(&ts, &(int64_t){1}, "1970-01-01 00:00:00.000001", "\"1970-01-01T00:00:00.000001\"");
	check_both(&ts, &(int64_t){-1}, "1969-12-31 23:59:59.999999", "\"1969-12-31T23:59:59.999999\"");
	check_both(&ns, &(int64_t){-10}, "1969-12-31 23:59:59.99999999", "\"1969-12-31T23:59:59.99999999\"");
	check_both(&s, &(int64_t){60}, "1970-01-01 00:01:00", "\"1970-01-01T00:01:00\"");
	check_both(&tz, &(int64_t){1500000}, "1970-01-01 00:00:01.5+00", "\"1970-01-01T00:00:01.5Z\"");
	check_value(&tz, &(int64_t){INT64_MAX}, "infinity");
	check_value(&ttz, &(uint64_t){UINT64_C(3600000000) << 24 | (57599 - 7200)}, "01:00:00+02");
	check_value(&ttz, &(uint64_t){57599 + 5 * 3600 + 30 * 60}, "00:00:00-05:30");
	check_value(&interval, &(struct q_interval){0, 0, 0}, "00:00:00");
	check_value(&interval, &(struct q_interval){14, -1, 0}, "1 year 2 months -1 day");
	check_value(&interval, &(struct q_interval){0, 2, -1500000}, "2 days -00:00:01.5");
}

static void test_bytes(void **state)
{
	(void)state;
	/* texts of up to 12 bytes stand in the vector itself */
	static const struct q_type text = {.kind = Q_TEXT}, blob = {.kind = Q_BLOB}, bits = {.kind = Q_BIT},
				   uuid = {.kind = Q_UUID}, big = {.kind = Q_BIGNUM}, json = {.kind = Q_JSON};
	struct {
		uint32_t n;
		char bytes[12];
	} v = {4, "a\"\n\xc3"};
	v.n = 3;
	check_both(&text, &v, "a\"\n", "\"a\\\"\\n\"");
	memcpy(v.bytes, "\x00'z", 3);
	check_both(&blob, &v, "\\x00\\x27z", "\"\\\\x00\\\\x27z\"");
	memcpy(v.bytes, "\x03\xea\x01", 3);
	check_value(&bits, &v, "0101000000001");
	check_value(&uuid,
		&(i128){wide(UINT64_C(0x8123456789abcdef) ^ (UINT64_C(1) << 63), UINT64_C(0xfedcba9876543210))},
		"81234567-89ab-cdef-fedc-ba9876543210");
	v.n = 5;
	memcpy(v.bytes, "\x80\x00\x02\x01\x00", 5);
	check_value(&big, &v, "256");
	memcpy(v.bytes, "\x7f\xff\xfd\xfe\xff", 5);
	check_value(&big, &v, "-256");
	v.n = 7;
	memcpy(v.bytes, "{\"a\":\n1", 7);
	check_both(&json, &v, "{\"a\":\n1", "{\"a\": 1");
}

static void test_nested(void **state)
{
	(void)state;
	static const struct q_type number = {.kind = Q_INT, .bytes = 4};
	static const char *words[] = {"red", "green"};
	static const char *members[] = {"n", "w"};
	struct q_type fields[] = {number, {.kind = Q_ENUM, .bytes = 1, .n = 2, .names = words}};
	const struct q_type row = {.kind = Q_STRUCT, .n = 2, .children = fields, .names = members};
	const struct q_type list = {.kind = Q_LIST, .n = 1, .children = fields};
	const struct q_type map = {.kind = Q_MAP, .n = 2, .children = fields};
	const struct q_type either = {.kind = Q_UNION, .n = 2, .children = fields, .names = members};
	const int32_t numbers[] = {7, 8, 9};
	const uint8_t colours[] = {1, 0, 1}, tags[] = {1, 0};
	const uint64_t valid = 5; /* rows 0 and 2 */
	const struct q_span spans[] = {{1, 2}, {0, 0}};
	struct q_vector children[] = {
		{.type = &fields[0], .data = numbers, .validity = &valid}, {.type = &fields[1], .data = colours}};
	const struct {
		struct q_vector v;
		size_t row;
		const char *text;
	} cases[] = {
		{{.type = &row, .children = children}, 0, "{\"n\":7,\"w\":\"green\"}"},
		{{.type = &row, .children = children}, 1, "{\"n\":null,\"w\":\"red\"}"},
		{{.type = &list, .data = spans, .children = children}, 0, "[null,9]"},
		{{.type = &list, .data = spans, .children = children}, 1, "[]"},
		{{.type = &either, .data = tags, .children = children}, 0, "{\"w\":\"green\"}"},
		{{.type = &either, .data = tags, .children = children}, 1, "{\"n\":null}"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out;
		buf_init(&out, 0);
		value_text(&out, &cases[i].v, cases[i].row);
		assert_string_equal(take(&out), cases[i].text);
	}
	struct q_vector pairs[] = {{.type = &fields[0], .data = numbers}, {.type = &fields[1], .data = colours}};
	const struct q_vector v = {.type = &map, .data = spans, .children = pairs};
	struct buf out;
	buf_init(&out, 0);
	value_json(&out, &v, 0);
	assert_string_equal(take(&out), "{\"8\":\"red\",\"9\":\"green\"}");
}

/* ---- rows ---- */

static status collect(void *arg, const void *p, size_t n, struct err *err)
{
	buf_add(arg, p, n);
	return buf_check(arg, err);
}

union text_cell { /* as DuckDB has it: 16 bytes */
	struct {
		uint32_t n;
		char bytes[12];
	} here;
	struct {
		uint32_t n;
		char prefix[4];
		const char *p;
	} far;
};

static const char *render(enum query_format format, int width, int64_t rows_max)
{
	static const struct q_type types[] = {
		{.kind = Q_INT, .bytes = 4}, {.kind = Q_TEXT}, {.kind = Q_INT, .bytes = 4}};
	static const char *names[] = {"n", "text", "n"};
	static const int32_t numbers[] = {1, -20, 3};
	static const char tab[] = "a long text with a\ttab";
	const uint64_t valid = 3;
	union text_cell texts[] = {{{0}}, {{4, "\"x,\n"}}, {.far = {sizeof tab - 1, "a lo", tab}}};
	struct q_vector columns[] = {{.type = &types[0], .data = numbers}, {.type = &types[1], .data = texts},
		{.type = &types[2], .data = numbers, .validity = &valid}};
	const struct q_result result = {3, names, types};
	const struct q_chunk chunk = {3, columns};
	struct buf got;
	struct err err;
	struct output *o;
	buf_init(&got, 0);
	const struct query_output to = {format, width, rows_max, collect, &got};
	CHECK_OK(&err, output_create(&to, &result, false, &o, &err));
	CHECK_OK(&err, output_add(o, &chunk, &err));
	CHECK_OK(&err, output_finish(o, 3, &err));
	output_destroy(o);
	return take(&got);
}

static void test_formats(void **state)
{
	(void)state;
	assert_string_equal(
		render(QUERY_CSV, 0, 0), "n,text,n\n1,\"\",1\n-20,\"\"\"x,\n\",-20\n3,a long text with a\ttab,\n");
	assert_string_equal(render(QUERY_JSON, 0, 0),
		"[\n{\"n\":1,\"text\":\"\",\"n_1\":1},\n"
		"{\"n\":-20,\"text\":\"\\\"x,\\n\",\"n_1\":-20},\n"
		"{\"n\":3,\"text\":\"a long text with a\\ttab\",\"n_1\":null}\n]\n");
	assert_string_equal(render(QUERY_TABLE, 0, 0), "  n  text                        n\n"
						       "  1                              1\n"
						       "-20  \"x,\\n                     -20\n"
						       "  3  a long text with a\\ttab  NULL\n");
	assert_string_equal(render(QUERY_TABLE, 20, 0), "  n  text          n\n"
							"  1                1\n"
							"-20  \"x,\\n       -20\n"
							"  3  a long t…  NULL\n");
	assert_string_equal(render(QUERY_TABLE, 0, 1), "n  text  n\n1        1\n(3 rows, the first 1 shown)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_integers), cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_doubles), cmocka_unit_test(test_times), cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_nested), cmocka_unit_test(test_formats)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
