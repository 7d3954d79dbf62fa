#include "check.h"

#include "base/limits.h"
#include "base/time.h"
#include "table/log/schema.h"

static status parse(
	struct arena *arena, const char *text, const char *partition, struct delta_schema *s, struct err *err)
{
	static struct str names[1];
	struct delta_metadata m = {.schema = str_of(text)};
	if (partition != NULL) {
		names[0] = str_of(partition);
		m.partition_columns = (struct delta_strings){names, 1};
	}
	err_clear(err);
	return delta_schema_parse(&m, arena, s, err);
}

#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type ",\"nullable\":true,\"metadata\":{}}"
#define SCHEMA(fields) "{\"type\":\"struct\",\"fields\":[" fields "]}"

static void test_types(void **state)
{
	(void)state;
	static const struct {
		const char *type;
		enum col_type col;
		int precision, scale;
		bool supported;
	} cases[] = {
		{"\"string\"", COL_STRING, 0, 0, true},
		{"\"long\"", COL_INT64, 0, 0, true},
		{"\"integer\"", COL_INT32, 0, 0, true},
		{"\"short\"", COL_INT32, 0, 0, true},
		{"\"byte\"", COL_INT32, 0, 0, true},
		{"\"float\"", COL_FLOAT, 0, 0, true},
		{"\"double\"", COL_DOUBLE, 0, 0, true},
		{"\"boolean\"", COL_BOOL, 0, 0, true},
		{"\"binary\"", COL_BINARY, 0, 0, true},
		{"\"date\"", COL_DATE, 0, 0, true},
		{"\"timestamp\"", COL_TIMESTAMP, 0, 0, true},
		{"\"timestamp_ntz\"", COL_TIMESTAMP, 0, 0, true},
		{"\"decimal(5,2)\"", COL_DECIMAL, 5, 2, true},
		{"\"decimal(18,0)\"", COL_DECIMAL, 18, 0, true},
		{"\"decimal\"", COL_DECIMAL, 10, 0, true},
		{"\"decimal(19,0)\"", COL_DECIMAL128, 19, 0, false},
		{"\"decimal(5,6)\"", 0, 0, 0, false},
		{"\"decimal(5,2)x\"", 0, 0, 0, false},
		{"\"void\"", 0, 0, 0, false},
		{"\"variant\"", 0, 0, 0, false},
		{"\"interval day\"", 0, 0, 0, false},
		{"{\"type\":\"array\",\"elementType\":\"integer\",\"containsNull\":false}", COL_LIST, 0, 0, false},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[512];
		struct arena arena;
		struct delta_schema s;
		struct err err;
		arena_init(&arena, 0);
		(void)snprintf(text, sizeof text,
			"{\"type\":\"struct\",\"fields\":[{\"name\":\"c\",\"type\":%s,\"nullable\":false,\"metadata\":{"
			"}}]}",
			cases[i].type);
		CHECK_OK(&err, parse(&arena, text, NULL, &s, &err));
		CHECK_I64(s.n, 1);
		if (s.columns[0].supported != cases[i].supported) fail_msg("%s", cases[i].type);
		CHECK_I64(s.columns[0].def.type, cases[i].col);
		CHECK_I64(s.columns[0].def.precision, cases[i].precision);
		CHECK_I64(s.columns[0].def.scale, cases[i].scale);
		assert_false(s.columns[0].def.nullable);
		arena_deinit(&arena);
	}
}

/* Ours, as it is written. */
static void test_own_schema(void **state)
{
	(void)state;
	static const struct column_def columns[] = {
		{.name = "id", .type = COL_STRING, .description = "an \"id\"\n\xc3\xa9"},
		{.name = "amount", .type = COL_DECIMAL, .precision = 12, .scale = 3, .nullable = true},
		{.name = "at", .type = COL_TIMESTAMP}, {.name = "n", .type = COL_INT32},
		{.name = "big", .type = COL_INT64}, {.name = "ok", .type = COL_BOOL},
		{.name = "month", .type = COL_STRING, .partition = true}};
	const struct table_schema t = {.name = "t", .layer = "gold", .columns = columns, .n_columns = 7};
	struct buf text;
	struct arena arena;
	struct delta_schema s;
	struct err err;
	arena_init(&arena, 0);
	buf_init(&text, 0);
	delta_schema_text(&text, &t);
	buf_char(&text, '\0');
	assert_string_equal((char *)text.p,
		"{\"type\":\"struct\",\"fields\":["
		"{\"name\":\"id\",\"type\":\"string\",\"nullable\":false,\"metadata\":{\"comment\":\"an "
		"\\\"id\\\"\\n\xc3\xa9\"}},"
		"{\"name\":\"amount\",\"type\":\"decimal(12,3)\",\"nullable\":true,\"metadata\":{}},"
		"{\"name\":\"at\",\"type\":\"timestamp\",\"nullable\":false,\"metadata\":{}},"
		"{\"name\":\"n\",\"type\":\"integer\",\"nullable\":false,\"metadata\":{}},"
		"{\"name\":\"big\",\"type\":\"long\",\"nullable\":false,\"metadata\":{}},"
		"{\"name\":\"ok\",\"type\":\"boolean\",\"nullable\":false,\"metadata\":{}},"
		"{\"name\":\"month\",\"type\":\"string\",\"nullable\":false,\"metadata\":{}}]}");
	CHECK_OK(&err, parse(&arena, (char *)text.p, "month", &s, &err));
	CHECK_I64(s.n, 7);
	assert_string_equal(s.columns[0].def.name, "id");
	assert_string_equal(s.columns[0].def.description, "an \"id\"\n\xc3\xa9");
	assert_string_equal(s.columns[1].type_text, "decimal(12,3)");
	assert_true(s.columns[1].def.nullable);
	CHECK_I64(s.columns[6].partition_index, 0);
	assert_true(s.columns[6].def.partition);
	CHECK_I64(s.columns[1].partition_index, -1);
	CHECK_I64(delta_schema_index(&s, STR("amount")), 1);
	CHECK_I64(delta_schema_index(&s, STR("Amount")), -1);
	buf_deinit(&text);
	arena_deinit(&arena);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *partition, *message;
	} cases[] = {
		{"", NULL, "at its byte 0"},
		{"[]", NULL, "not an object"},
		{"{\"type\":\"struct\"}", NULL, "not a struct"},
		{"{\"fields\":[]}", NULL, "not a struct"},
		{"{\"type\":\"struct\",\"fields\":[", NULL, "at its byte 27"},
		{"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\"}]}", NULL, "without name or type"},
		{SCHEMA(FIELD("a", "7")), NULL, "a type is"},
		{SCHEMA(FIELD("a", "\"long\"") "," FIELD("A", "\"long\"")), NULL, "two columns named 'A'"},
		{SCHEMA(FIELD("a\\u0000b", "\"long\"")), NULL, "NUL"},
		{SCHEMA(FIELD("a", "\"long\"")), "b", "'b' is no column"},
		{SCHEMA(FIELD("a", "\"long\"")), "A", "'A' is no column"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct delta_schema s;
		struct err err;
		arena_init(&arena, 0);
		CHECK_FAILS(E_CORRUPT, parse(&arena, cases[i].text, cases[i].partition, &s, &err));
		if (strstr(err.message, cases[i].message) == NULL) fail_msg("%s: %s", cases[i].text, err.message);
		arena_deinit(&arena);
	}
}

static void test_limits(void **state)
{
	(void)state;
	struct buf text;
	struct arena arena;
	struct delta_schema s;
	struct err err;
	for (int n = TABLE_COLUMNS_MAX; n <= TABLE_COLUMNS_MAX + 1; n++) {
		arena_init(&arena, 0);
		buf_init(&text, 0);
		buf_str(&text, "{\"type\":\"struct\",\"fields\":[");
		for (int i = 0; i < n; i++)
			buf_printf(&text, "%s{\"name\":\"c%d\",\"type\":\"long\"}", i > 0 ? "," : "", i);
		buf_str(&text, "]}");
		buf_char(&text, '\0');
		CHECK_FAILS(n <= TABLE_COLUMNS_MAX ? OK : E_LIMIT, parse(&arena, (char *)text.p, NULL, &s, &err));
		buf_deinit(&text);
		arena_deinit(&arena);
	}
	/* Nesting beyond JSON_DEPTH_MAX: an error, not a deep stack. */
	arena_init(&arena, 0);
	buf_init(&text, 0);
	buf_str(&text, "{\"type\":\"struct\",\"fields\":[{\"name\":\"c\",\"type\":");
	for (int i = 0; i < 100000; i++) buf_str(&text, "{\"type\":");
	buf_char(&text, '\0');
	CHECK_FAILS(E_CORRUPT, parse(&arena, (char *)text.p, NULL, &s, &err));
	buf_deinit(&text);
	arena_deinit(&arena);
}

static void test_writer_rules(void **state)
{
	(void)state;
	struct arena arena;
	struct delta_schema s;
	struct err err;
	arena_init(&arena, 0);
	CHECK_OK(&err, parse(&arena,
			       "{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"long\",\"metadata\":{"
			       "\"delta.invariants\":\"{}\"}},"
			       "{\"name\":\"b\",\"type\":{\"type\":\"struct\",\"fields\":[{\"name\":\"x\",\"type\":"
			       "\"long\",\"metadata\":"
			       "{\"delta.generationExpression\":\"y\"}}]}}," FIELD("c", "\"long\"") "]}",
			       NULL, &s, &err));
	assert_string_equal(s.columns[0].writer_rule, "delta.invariants");
	assert_string_equal(s.columns[1].writer_rule, "delta.generationExpression");
	assert_null(s.columns[2].writer_rule);
	arena_deinit(&arena);
}

static void test_values(void **state)
{
	(void)state;
	static const struct {
		struct column_def def;
		const char *text;
		int64_t i64;
		const char *back; /* as delta_value_text writes it; NULL = text */
	} cases[] = {
		{{.type = COL_BOOL}, "true", 1, NULL},
		{{.type = COL_BOOL}, "false", 0, NULL},
		{{.type = COL_INT32}, "-2147483648", INT32_MIN, NULL},
		{{.type = COL_INT32}, "+7", 7, "7"},
		{{.type = COL_INT64}, "-9223372036854775808", INT64_MIN, NULL},
		{{.type = COL_INT64}, "9223372036854775807", INT64_MAX, NULL},
		{{.type = COL_DATE}, "1970-01-01", 0, NULL},
		{{.type = COL_DATE}, "1969-12-31", -1, NULL},
		{{.type = COL_DATE}, "0001-01-01", DATE_MIN, NULL},
		{{.type = COL_TIMESTAMP}, "1970-01-01 00:00:01", 1000000, "1970-01-01T00:00:01.000000Z"},
		{{.type = COL_TIMESTAMP}, "1970-01-01 00:00:00.123456", 123456, "1970-01-01T00:00:00.123456Z"},
		{{.type = COL_TIMESTAMP}, "1970-01-01 00:00:00.5", 500000, "1970-01-01T00:00:00.500000Z"},
		{{.type = COL_TIMESTAMP}, "1970-01-01T00:00:00.123456Z", 123456, NULL},
		{{.type = COL_TIMESTAMP}, "1970-01-01T02:00:00+02:00", 0, "1970-01-01T00:00:00.000000Z"},
		{{.type = COL_TIMESTAMP}, "1969-12-31 23:59:59.999999", -1, "1969-12-31T23:59:59.999999Z"},
		{{.type = COL_DECIMAL, .precision = 5, .scale = 2}, "-123.45", -12345, NULL},
		{{.type = COL_DECIMAL, .precision = 5, .scale = 2}, "1", 100, "1.00"},
		{{.type = COL_DECIMAL, .precision = 5, .scale = 2}, "-0.05", -5, NULL},
		{{.type = COL_DECIMAL, .precision = 5, .scale = 2}, "1.5000", 150, "1.50"},
		{{.type = COL_DECIMAL, .precision = 5, .scale = 2}, "1E+2", 10000, "100.00"},
		{{.type = COL_DECIMAL, .precision = 18, .scale = 18}, "0E-18", 0, "0.000000000000000000"},
		{{.type = COL_DECIMAL, .precision = 18, .scale = 0}, "999999999999999999", INT64_C(999999999999999999),
			NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct column_def def = cases[i].def;
		struct delta_value v;
		struct err err;
		struct buf b;
		def.name = "c";
		buf_init(&b, 0);
		CHECK_OK(&err, delta_value_parse(&def, str_of(cases[i].text), &v, &err));
		if (v.null || v.i64 != cases[i].i64) fail_msg("%s: %lld", cases[i].text, (long long)v.i64);
		delta_value_text(&b, &def, &v);
		buf_char(&b, '\0');
		assert_string_equal((char *)b.p, cases[i].back != NULL ? cases[i].back : cases[i].text);
		buf_deinit(&b);
	}
}

static void test_values_other(void **state)
{
	(void)state;
	static const struct {
		enum col_type type;
		const char *text;
	} bad[] = {{COL_BOOL, "TRUE"}, {COL_BOOL, "1"}, {COL_INT32, "2147483648"}, {COL_INT32, "1.0"},
		{COL_INT32, " 1"}, {COL_INT32, "-"}, {COL_INT64, "9223372036854775808"},
		{COL_INT64, "-9223372036854775809"}, {COL_INT64, "0x1"}, {COL_DOUBLE, "0x1p3"}, {COL_DOUBLE, "1.5 "},
		{COL_DOUBLE, "e"}, {COL_DOUBLE, "nan(1)"}, {COL_DATE, "2025-02-29"}, {COL_DATE, "2025-1-1"},
		{COL_DATE, "10000-01-01"}, {COL_TIMESTAMP, "2025-01-01"}, {COL_TIMESTAMP, "2025-01-01 25:00:00"},
		{COL_TIMESTAMP, "__HIVE_DEFAULT_PARTITION__"}, {COL_DECIMAL, "1234.5"}, {COL_DECIMAL, "1.234"},
		{COL_DECIMAL, "."}, {COL_DECIMAL, "1E999999999999"}, {COL_DECIMAL, "99999999999999999999999"}};
	struct delta_value v, w;
	struct err err;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const struct column_def def = {.name = "col", .type = bad[i].type, .precision = 5, .scale = 2};
		if (delta_value_parse(&def, str_of(bad[i].text), &v, &err) != E_CORRUPT)
			fail_msg("accepted '%s'", bad[i].text);
		assert_non_null(strstr(err.message, "'col'"));
	}
	for (int type = COL_BOOL; type <= COL_DECIMAL; type++) {
		const struct column_def def = {.name = "col", .type = (enum col_type)type, .precision = 5};
		CHECK_OK(&err, delta_value_parse(&def, (struct str){NULL, 0}, &v, &err));
		assert_true(v.null);
		CHECK_OK(&err, delta_value_parse(&def, STR(""), &v, &err));
		assert_true(v.null);
	}
	static const char *const doubles[] = {
		"0.1", "1e+300", "-2.5", "NaN", "Infinity", "-Infinity", "3.141592653589793", "1.0E10"};
	const struct column_def def = {.name = "d", .type = COL_DOUBLE};
	for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
		struct buf b;
		buf_init(&b, 0);
		CHECK_OK(&err, delta_value_parse(&def, str_of(doubles[i]), &v, &err));
		delta_value_text(&b, &def, &v);
		CHECK_OK(&err, delta_value_parse(&def, (struct str){(char *)b.p, b.n}, &w, &err));
		CHECK_I64(delta_value_cmp(&def, &v, &w), 0);
		buf_deinit(&b);
	}
	const struct column_def text = {.name = "s", .type = COL_STRING};
	CHECK_OK(&err, delta_value_parse(&text, STR("\xc3\xa9"), &v, &err));
	CHECK_OK(&err, delta_value_parse(&text, STR("z"), &w, &err));
	assert_true(delta_value_cmp(&text, &v, &w) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_own_schema),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_writer_rules),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_values_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
