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
static const struct column_def free_columns[] = {{.name = "a", .type = COL_STRING, .description = "x"}};
static const struct table_schema unkeyed = {.name = "u",
	.layer = "silver",
	.contract = "c/v1",
	.description = "no key",
	.columns = free_columns,
	.n_columns = 1};

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

static void test_sqlite(void **state)
{
	(void)state;
	check_text(schema_ddl_sqlite, &keyed,
		"CREATE TABLE IF NOT EXISTS \"gold_t\" ( -- a table\n"
		"\t-- key: day, type\n"
		"\t\"day\" DATE NOT NULL, -- the tenant's day\n"
		"\t\"type\" TEXT NOT NULL, -- P|Q \"quoted\"\n"
		"\t\"at\" TIMESTAMP, -- \n"
		"\t\"pct\" DECIMAL(5,2) NOT NULL, -- share [%]\n"
		"\t\"n\" INTEGER, -- count\n"
		"\t\"big\" BIGINT NOT NULL, -- large\n"
		"\t\"ok\" BOOLEAN NOT NULL, -- flag\n"
		"\t\"month\" TEXT NOT NULL, -- folder\n"
		"\t\"run_id\" TEXT NOT NULL -- run\n"
		");\n");
	check_text(schema_ddl_sqlite, &unkeyed,
		"CREATE TABLE IF NOT EXISTS \"silver_u\" ( -- no key\n\t\"a\" TEXT NOT NULL -- x\n);\n");
}

static void test_postgres(void **state)
{
	(void)state;
	check_text(schema_ddl_postgres, &keyed,
		"CREATE TABLE IF NOT EXISTS gold.t (\n"
		"\t\"day\" date NOT NULL,\n"
		"\t\"type\" text NOT NULL,\n"
		"\t\"at\" timestamp with time zone,\n"
		"\t\"pct\" numeric(5,2) NOT NULL,\n"
		"\t\"n\" integer,\n"
		"\t\"big\" bigint NOT NULL,\n"
		"\t\"ok\" boolean NOT NULL,\n"
		"\t\"month\" text NOT NULL,\n"
		"\t\"run_id\" text COLLATE \"C\" NOT NULL,\n"
		"\tPRIMARY KEY (\"day\", \"type\")\n"
		");\n"
		"COMMENT ON TABLE gold.t IS 'a table';\n"
		"COMMENT ON COLUMN gold.t.\"day\" IS 'the tenant''s day';\n"
		"COMMENT ON COLUMN gold.t.\"type\" IS 'P|Q \"quoted\"';\n"
		"COMMENT ON COLUMN gold.t.\"at\" IS '';\n"
		"COMMENT ON COLUMN gold.t.\"pct\" IS 'share [%]';\n"
		"COMMENT ON COLUMN gold.t.\"n\" IS 'count';\n"
		"COMMENT ON COLUMN gold.t.\"big\" IS 'large';\n"
		"COMMENT ON COLUMN gold.t.\"ok\" IS 'flag';\n"
		"COMMENT ON COLUMN gold.t.\"month\" IS 'folder';\n"
		"COMMENT ON COLUMN gold.t.\"run_id\" IS 'run';\n");
	check_text(schema_ddl_postgres, &unkeyed,
		"CREATE TABLE IF NOT EXISTS silver.u (\n\t\"a\" text NOT NULL\n);\n"
		"COMMENT ON TABLE silver.u IS 'no key';\nCOMMENT ON COLUMN silver.u.\"a\" IS 'x';\n");
}

/* What tells histories apart stands in the lake's files alone: the serving database has a table without it, however it is asked for. */
static void test_served(void **state)
{
	(void)state;
	const struct column_def three[] = {
		{.name = "id", .type = COL_STRING, .key = true, .description = "x"},
		{.name = "history_id", .type = COL_STRING, .lake_only = true, .description = "y"},
		{.name = "run_id", .type = COL_STRING, .partition = true, .description = "z"},
	};
	const struct table_schema lake = {
		.name = "t", .layer = "gold", .contract = "c/v1", .description = "d", .columns = three, .n_columns = 3};
	struct table_schema served;
	struct arena arena;
	struct err err;
	arena_init(&arena, 0);
	CHECK_OK(&err, schema_served(&lake, &arena, &served, &err));
	CHECK_I64(served.n_columns, 2);
	CHECK_I64(schema_n_data_columns(&served), 1);
	CHECK_I64(schema_column_index(&served, "history_id"), -1);
	assert_string_equal(served.columns[1].name, "run_id");
	for (const struct table_schema *s = &lake;; s = &served) {
		check_text(schema_ddl_sqlite, s,
			"CREATE TABLE IF NOT EXISTS \"gold_t\" ( -- d\n\t-- key: id\n\t\"id\" TEXT NOT NULL, -- x\n"
			"\t\"run_id\" TEXT NOT NULL -- z\n);\n");
		check_text(schema_ddl_postgres, s,
			"CREATE TABLE IF NOT EXISTS gold.t (\n\t\"id\" text NOT NULL,\n"
			"\t\"run_id\" text COLLATE \"C\" NOT NULL,\n\tPRIMARY KEY (\"id\")\n);\n"
			"COMMENT ON TABLE gold.t IS 'd';\nCOMMENT ON COLUMN gold.t.\"id\" IS 'x';\n"
			"COMMENT ON COLUMN gold.t.\"run_id\" IS 'z';\n");
		if (s == &served) break;
	}
	arena_deinit(&arena);
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

static void test_delta(void **state)
{
	(void)state;
	check_text(schema_delta, &keyed,
		"{\"type\":\"struct\",\"fields\":["
		"{\"name\":\"day\",\"type\":\"date\",\"nullable\":false,\"metadata\":{\"comment\":\"the tenant's "
		"day\"}},"
		"{\"name\":\"type\",\"type\":\"string\",\"nullable\":false,\"metadata\":{\"comment\":\"P|Q "
		"\\\"quoted\\\"\"}},"
		"{\"name\":\"at\",\"type\":\"timestamp\",\"nullable\":true,\"metadata\":{}},"
		"{\"name\":\"pct\",\"type\":\"decimal(5,2)\",\"nullable\":false,\"metadata\":{\"comment\":\"share\"}},"
		"{\"name\":\"n\",\"type\":\"integer\",\"nullable\":true,\"metadata\":{\"comment\":\"count\"}},"
		"{\"name\":\"big\",\"type\":\"long\",\"nullable\":false,\"metadata\":{\"comment\":\"large\"}},"
		"{\"name\":\"ok\",\"type\":\"boolean\",\"nullable\":false,\"metadata\":{\"comment\":\"flag\"}},"
		"{\"name\":\"month\",\"type\":\"string\",\"nullable\":false,\"metadata\":{\"comment\":\"folder\"}},"
		"{\"name\":\"run_id\",\"type\":\"string\",\"nullable\":false,\"metadata\":{\"comment\":\"run\"}}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sqlite),
		cmocka_unit_test(test_postgres),
		cmocka_unit_test(test_served),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_markdown),
		cmocka_unit_test(test_delta),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
