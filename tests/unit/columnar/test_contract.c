/* One small schema in every language, word by word. */
#include "check.h"
#include "columnar/contract.h"

static const struct column_def columns[] = {
	{.name = "day", .type = COL_DATE, .key = true, .description = "the tenant's day"},
	{.name = "type", .type = COL_STRING, .key = true, .description = "P|Q \"quoted\""},
	{.name = "at", .type = COL_TIMESTAMP, .nullable = true},
	{.name = "pct", .type = COL_DECIMAL, .precision = 5, .scale = 2, .unit = "%", .description = "share"},
	{.name = "n", .type = COL_INT32, .nullable = true, .description = "count"},
	{.name = "big", .type = COL_INT64, .description = "large"},
	{.name = "ok", .type = COL_BOOL, .description = "flag"},
	{.name = "month", .type = COL_STRING, .partition = true, .description = "folder"},
	{.name = "run_id", .type = COL_STRING, .partition = true, .description = "run"},
};
static const struct table_schema keyed = {
	.name = "t", .layer = "gold", .contract = "c/v1", .description = "a table", .columns = columns, .n_columns = 9};

static void check_text(
	void (*document)(struct buf *, const struct table_schema *), const struct table_schema *s, const char *want)
{
	struct buf out;
	buf_init(&out, 0);
	document(&out, s);
	buf_char(&out, '\0');
	assert_false(out.failed);
	assert_string_equal((const char *)out.p, want);
	buf_deinit(&out);
}

static void test_json(void **state)
{
	(void)state;
	check_text(schema_json, &keyed,
		"{\n"
		"\t\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
		"\t\"$id\": \"urn:pqr:c/v1:gold.t\",\n"
		"\t\"title\": \"gold.t\",\n"
		"\t\"description\": \"a table\",\n"
		"\t\"type\": \"object\",\n"
		"\t\"properties\": {\n"
		"\t\t\"day\": {\"type\": \"string\", \"format\": \"date\", \"x-type\": \"date\", \"description\": "
		"\"the tenant's day\"},\n"
		"\t\t\"type\": {\"type\": \"string\", \"x-type\": \"string\", \"description\": \"P|Q "
		"\\\"quoted\\\"\"},\n"
		"\t\t\"at\": {\"type\": [\"string\", \"null\"], \"format\": \"date-time\", \"x-type\": "
		"\"timestamp\"},\n"
		"\t\t\"pct\": {\"type\": \"number\", \"x-type\": \"decimal(5,2)\", \"x-unit\": \"%\", \"description\": "
		"\"share\"},\n"
		"\t\t\"n\": {\"type\": [\"integer\", \"null\"], \"minimum\": -2147483648, \"maximum\": 2147483647, "
		"\"x-type\": \"int32\", \"description\": \"count\"},\n"
		"\t\t\"big\": {\"type\": \"integer\", \"x-type\": \"int64\", \"description\": \"large\"},\n"
		"\t\t\"ok\": {\"type\": \"boolean\", \"x-type\": \"bool\", \"description\": \"flag\"},\n"
		"\t\t\"month\": {\"type\": \"string\", \"x-type\": \"string\", \"description\": \"folder\"},\n"
		"\t\t\"run_id\": {\"type\": \"string\", \"x-type\": \"string\", \"description\": \"run\"}\n"
		"\t},\n"
		"\t\"required\": [\"day\", \"type\", \"pct\", \"big\", \"ok\", \"month\", \"run_id\"],\n"
		"\t\"additionalProperties\": false,\n"
		"\t\"x-key\": [\"day\", \"type\"],\n"
		"\t\"x-partition\": [\"month\", \"run_id\"]\n"
		"}\n");
}

static void test_markdown(void **state)
{
	(void)state;
	check_text(schema_markdown, &keyed,
		"## gold.t\n\na table. Contract c/v1.\n\n"
		"| column | type | key | unit | description |\n|---|---|---|---|---|\n"
		"| `day` | date | key |  | the tenant's day |\n"
		"| `type` | string | key |  | P\\|Q \"quoted\" |\n"
		"| `at` | timestamp? | |  |  |\n"
		"| `pct` | decimal(5,2) | | % | share |\n"
		"| `n` | int32? | |  | count |\n"
		"| `big` | int64 | |  | large |\n"
		"| `ok` | bool | |  | flag |\n"
		"| `month` | string | partition |  | folder |\n"
		"| `run_id` | string | partition |  | run |\n\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_markdown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
