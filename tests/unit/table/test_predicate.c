#include "fixture.h"
#include "table/read/predicate.h"

#include <math.h>

static struct delta_condition parse(struct fixture *f, const char *text)
{
	struct delta_condition c;
	CHECK_OK(&f->err, delta_condition_parse(&f->s.schema, str_of(text), &f->arena, &c, &f->err));
	return c;
}

static void parses(void **state)
{
	(void)state;
	static const struct {
		const char *text, *column;
		enum delta_op op;
		int64_t i64;
		const char *value; /* of strings */
	} cases[] = {{"id = 7", "id", DELTA_EQ, 7, NULL}, {"id==-7", "id", DELTA_EQ, -7, NULL},
		{"  n<>3 ", "n", DELTA_NE, 3, NULL}, {"n != 3", "n", DELTA_NE, 3, NULL},
		{"n<3", "n", DELTA_LT, 3, NULL}, {"n <= 3", "n", DELTA_LE, 3, NULL}, {"n > 3", "n", DELTA_GT, 3, NULL},
		{"n>=3", "n", DELTA_GE, 3, NULL}, {"region = new york ", "region", DELTA_EQ, 0, "new york"},
		{"region='it''s'", "region", DELTA_EQ, 0, "it's"}, {"name = ''", "name", DELTA_EQ, 0, ""},
		{"name = 'null'", "name", DELTA_EQ, 0, "null"}, {"\"name\" >= a=b", "name", DELTA_GE, 0, "a=b"},
		{"name is null", "name", DELTA_IS_NULL, 0, NULL},
		{"name IS  NOT Null", "name", DELTA_NOT_NULL, 0, NULL}, {"flag = true", "flag", DELTA_EQ, 1, NULL},
		{"at >= 1970-01-02", "at", DELTA_GE, 86400000000, NULL},
		{"at = '1970-01-01 00:00:01.5'", "at", DELTA_EQ, 1500000, NULL},
		{"at < 1970-01-01T01:00:00+01:00", "at", DELTA_LT, 0, NULL},
		{"day > 1970-01-11", "day", DELTA_GT, 10, NULL}, {"cost <= -1.50", "cost", DELTA_LE, -150, NULL}};
	struct fixture f;
	fixture_init(&f);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct delta_condition c = parse(&f, cases[i].text);
		assert_string_equal(f.columns[c.column].def.name, cases[i].column);
		CHECK_I64(c.op, cases[i].op);
		if (cases[i].value != NULL)
			assert_true(str_is(c.value.text, cases[i].value));
		else if (c.op != DELTA_IS_NULL && c.op != DELTA_NOT_NULL)
			CHECK_I64(c.value.i64, cases[i].i64);
	}
	assert_true(parse(&f, "ratio = 2.5").value.f64 == 2.5);
	fixture_deinit(&f);
}

static void refuses(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
		status code;
	} cases[] = {{"", "expected a column", E_USAGE}, {"= 3", "expected a column", E_USAGE},
		{"regoin = x", "did you mean \"region\"?", E_USAGE},
		{"qqqqqqqqq = 1", "no column \"qqqqqqqqq\"", E_USAGE}, {"id ~ 3", "expected one of", E_USAGE},
		{"id is 3", "expected one of", E_USAGE}, {"id isnull", "expected one of", E_USAGE},
		{"id = x", "no value of column id, which is long", E_USAGE}, {"id =", "no value", E_USAGE},
		{"n = 3000000000", "which is integer", E_USAGE}, {"flag = 1", "which is boolean", E_USAGE},
		{"day = ''", "which is date", E_USAGE}, {"cost = 1.234", "decimal(12,2)", E_USAGE},
		{"name = null", "is null or is not null", E_USAGE}, {"name is null x", "nothing may follow", E_USAGE},
		{"name = 'x", "quotes", E_USAGE}, {"name = 'x' y", "quotes", E_USAGE}, {"name = '", "quotes", E_USAGE},
		{"\"name = 3", "expected a column", E_USAGE}, {"tags = x", "array<string>", E_UNSUPPORTED}};
	struct fixture f;
	fixture_init(&f);
	f.s.schema.n++; /* with tags */
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct delta_condition c;
		CHECK_FAILS(
			cases[i].code, delta_condition_parse(&f.s.schema, str_of(cases[i].text), &f.arena, &c, &f.err));
		if (strstr(f.err.message, cases[i].says) == NULL)
			fail_msg("%s: %s, expected %s", cases[i].text, f.err.message, cases[i].says);
	}
	fixture_deinit(&f);
}

static const char *const all_ops[] = {"=", "!=", "<", "<=", ">", ">=", "is null", "is not null"};
enum { N_OPS = 8 };

/* '1' where file i of the condition may match, for each operator of all_ops. */
static void check_ops(
	struct fixture *f, const struct delta_add *file, const char *column, const char *value, const char *want)
{
	for (size_t i = 0; i < N_OPS; i++) {
		char text[64];
		(void)snprintf(text, sizeof text, "%s %s %s", column, all_ops[i], i < 6 ? value : "");
		const struct delta_condition c = parse(f, text);
		const char got = (char)('0' + delta_file_may_match(&f->s, file, &c, 1, &f->arena));
		if (got != want[i]) fail_msg("%s: %c, expected %c", text, got, want[i]);
	}
}

static void partitions(void **state)
{
	(void)state;
	static const struct {
		const char *stored, *asked, *want; /* = != < <= > >= null, not null */
	} cases[] = {{"b", "b", "10010101"}, {"b", "a", "01001101"}, {"b", "c", "01110001"}, {NULL, "b", "00000010"},
		{"", "b", "00000010"}};
	struct fixture f;
	fixture_init(&f);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct delta_pair pair = {
			STR("region"), cases[i].stored != NULL ? str_of(cases[i].stored) : (struct str){NULL, 0}};
		const struct delta_add file = {.partition = {&pair, 1}};
		check_ops(&f, &file, "region", cases[i].asked, cases[i].want);
	}
	const struct delta_add none = {0}; /* a value that is not there is null */
	check_ops(&f, &none, "region", "b", "00000010");
	f.columns[3].def.type =
		COL_INT32; /* a value that is no number: the scan will say so, pruning must not hide it */
	const struct delta_pair bad = {STR("region"), STR("x")};
	const struct delta_add file = {.partition = {&bad, 1}};
	check_ops(&f, &file, "region", "5", "11111111");
	fixture_deinit(&f);
}

static void statistics(void **state)
{
	(void)state;
	static const struct {
		const char *stats, *column, *value, *want;
	} cases[] = {
		{"{\"numRecords\":9,\"minValues\":{\"n\":3},\"maxValues\":{\"n\":5},\"nullCount\":{\"n\":0}}", "n", "2",
			"01001101"},
		{"{\"numRecords\":9,\"minValues\":{\"n\":3},\"maxValues\":{\"n\":5},\"nullCount\":{\"n\":0}}", "n", "3",
			"11011101"},
		{"{\"numRecords\":9,\"minValues\":{\"n\":3},\"maxValues\":{\"n\":5},\"nullCount\":{\"n\":1}}", "n", "5",
			"11110111"},
		{"{\"numRecords\":9,\"minValues\":{\"n\":3},\"maxValues\":{\"n\":5},\"nullCount\":{\"n\":1}}", "n", "6",
			"01110011"},
		{"{\"numRecords\":9,\"minValues\":{\"n\":4},\"maxValues\":{\"n\":4},\"nullCount\":{\"n\":8}}", "n", "4",
			"10010111"},
		{"{\"numRecords\":9,\"minValues\":{},\"maxValues\":{},\"nullCount\":{\"n\":9}}", "n", "4", "00000010"},
		/* in doubt: nothing about the column, only one bound, broken text, none at all */
		{"{\"numRecords\":9}", "n", "4", "11111111"},
		{"{\"numRecords\":9,\"minValues\":{\"n\":3}}", "n", "2", "01001111"},
		{"{\"numRecords\":9,\"maxValues\":{\"n\":3}}", "n", "4", "01110011"},
		{"{\"numRecords\":9,\"minValues\":{\"n\":\"x\"},\"maxValues\":{\"n\":[]}}", "n", "4", "11111111"},
		{"{\"numRec", "n", "4", "11111111"},
		{"", "n", "4", "11111111"},
		/* times are cut to the millisecond: 10.0009 s may stand as 10 s */
		{"{\"numRecords\":9,\"minValues\":{\"at\":\"1970-01-01T00:00:01.000Z\"},\"maxValues\":{\"at\":\"1970-"
		 "01-01T00:00:10.000Z\"}}",
			"at", "1970-01-01T00:00:10.000900Z", "11111111"},
		{"{\"numRecords\":9,\"minValues\":{\"at\":\"1970-01-01T00:00:01.000Z\"},\"maxValues\":{\"at\":\"1970-"
		 "01-01T00:00:10.000Z\"}}",
			"at", "1970-01-01T00:00:10.001Z", "01110011"},
		/* NaN is outside the bounds and unequal; an upper bound of floats is not trusted */
		{"{\"numRecords\":9,\"minValues\":{\"ratio\":1.5},\"maxValues\":{\"ratio\":1.5},\"nullCount\":{"
		 "\"ratio\":0}}",
			"ratio", "1.5", "11011101"},
	};
	struct fixture f;
	fixture_init(&f);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct delta_add file = {.stats = str_of(cases[i].stats)};
		check_ops(&f, &file, cases[i].column, cases[i].value, cases[i].want);
	}
	fixture_deinit(&f);
}

/* Three-valued logic: a null satisfies only "is null". */
static void rows(void **state)
{
	(void)state;
	static const int64_t values[] = {3, INT64_MIN, 1, 2, 3};
	static const struct {
		const char *text, *want; /* rows kept */
	} cases[] = {{"id = 2", "3"}, {"id != 2", "024"}, {"id < 2", "2"}, {"id <= 2", "23"}, {"id > 2", "04"},
		{"id >= 2", "034"}, {"id is null", "1"}, {"id is not null", "0234"}, {"n != 2", "024"},
		{"n >= 2", "034"}, {"day < 1970-01-03", "2"}, {"at >= 1970-01-02", ""}, {"cost > 0.01", "034"},
		{"name = s3", "04"}, {"name > s1", "034"}, {"name is null", "1"}, {"ratio != 2", "01234"}};
	struct fixture f;
	fixture_init(&f);
	struct builder builders[FIXTURE_COLUMNS] = {0};
	struct column columns[FIXTURE_COLUMNS] = {0};
	int indices[FIXTURE_COLUMNS];
	const double nans[] = {NAN, NAN, NAN, NAN, NAN};
	for (int i = 0; i < FIXTURE_COLUMNS; i++) {
		indices[i] = i;
		if (i == 1) continue; /* flag: below */
		fixture_column(&builders[i], &f.columns[i].def, values, 5, &columns[i]);
	}
	columns[8] = (struct column){.type = COL_DOUBLE, .n = 5, .values = nans};
	static const uint8_t bits = 0x09; /* rows 0 and 3 */
	columns[1] = (struct column){.type = COL_BOOL, .n = 5, .values = &bits};
	const struct batch b = {.n_columns = FIXTURE_COLUMNS, .columns = columns, .n_rows = 5};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct delta_condition c = parse(&f, cases[i].text);
		uint32_t kept[5] = {0, 1, 2, 3, 4};
		char got[8] = "";
		const size_t n = delta_rows_match(&b, indices, &c, 1, kept, 5);
		for (size_t k = 0; k < n; k++) got[k] = (char)('0' + kept[k]);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: rows %s, expected %s", cases[i].text, got, cases[i].want);
	}
	const struct delta_condition both[] = {parse(&f, "id >= 2"), parse(&f, "flag = true")};
	uint32_t kept[4] = {0, 1, 3, 4};
	CHECK_I64(delta_rows_match(&b, indices, both, 2, kept, 4), 2);
	assert_true(kept[0] == 0 && kept[1] == 3);
	for (size_t i = 0; i < FIXTURE_COLUMNS; i++) builder_deinit(&builders[i]);
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(parses), cmocka_unit_test(refuses),
		cmocka_unit_test(partitions), cmocka_unit_test(statistics), cmocka_unit_test(rows)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
