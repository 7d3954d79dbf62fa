/* Delta types as DuckDB's, and the view of a table with and without hive paths. */
#include "check.h"

#include "query/query_int.h"

static void check_type(const char *delta, const char *duckdb)
{
	struct err err;
	struct buf out;
	buf_init(&out, 0);
	CHECK_OK(&err, view_type(&out, str_of(delta), &err));
	buf_char(&out, '\0');
	assert_string_equal((const char *)out.p, duckdb);
	buf_deinit(&out);
}

static void check_refused(status code, const char *delta)
{
	struct buf out;
	buf_init(&out, 0);
	CHECK_FAILS(code, view_type(&out, str_of(delta), NULL));
	buf_deinit(&out);
}

static void test_types(void **state)
{
	(void)state;
	check_type("string", "VARCHAR");
	check_type("timestamp", "TIMESTAMP WITH TIME ZONE");
	check_type("timestamp_ntz", "TIMESTAMP");
	check_type("decimal(38,10)", "decimal(38,10)");
	check_type("{\"type\":\"array\",\"elementType\":\"long\",\"containsNull\":true}", "BIGINT[]");
	check_type("{\"type\":\"struct\",\"fields\":[{\"name\":\"a\\\"b\",\"type\":\"byte\"},{\"name\":\"c\",\"type\":{"
		   "\"type\":"
		   "\"map\",\"keyType\":\"string\",\"valueType\":\"date\"}}]}",
		"STRUCT(\"a\"\"b\" TINYINT, \"c\" MAP(VARCHAR, DATE))");
	check_refused(E_UNSUPPORTED, "variant");
	check_refused(E_UNSUPPORTED, "");
	check_refused(E_UNSUPPORTED, "decimal(1,2); DROP");
	check_refused(E_UNSUPPORTED, "decimal(");
	check_refused(E_UNSUPPORTED, "{\"type\":\"struct\",\"fields\":[]}");
	check_refused(E_CORRUPT, "{\"type\":");
	check_refused(E_CORRUPT, "{\"type\":\"array\"}");
}

static void test_deep_type(void **state)
{
	(void)state;
	struct buf text;
	buf_init(&text, 0);
	for (int i = 0; i < 200; i++) buf_str(&text, "{\"type\":\"array\",\"elementType\":");
	buf_str(&text, "\"long\"");
	for (int i = 0; i < 200; i++) buf_char(&text, '}');
	buf_char(&text, '\0');
	check_refused(E_LIMIT, (const char *)text.p);
	buf_deinit(&text);
}

/* A table of one partition column and one file; the SQL holds `has`, and not `lacks`. */
static void check_view(const char *path, struct str value, const char *has, const char *lacks)
{
	struct delta_column columns[] = {
		{.def = {.name = "id"}, .type_text = "long", .partition_index = -1},
		{.def = {.name = "day"}, .type_text = "date", .partition_index = 0},
	};
	const struct str names[] = {STR("day")};
	const struct delta_pair pair = {STR("day"), value};
	const struct delta_add file = {.path = str_of(path), .partition = {&pair, 1}};
	struct delta_snapshot snapshot = {.root = "silver/t",
		.metadata = {.partition_columns = {names, 1}},
		.schema = {columns, 2},
		.files = &file,
		.n_files = path[0] != '\0'};
	char schema[] = "silver", name[] = "t";
	const struct catalog_table t = {.schema = schema, .name = name, .snapshot = &snapshot};
	struct err err;
	struct buf out;
	buf_init(&out, 0);
	CHECK_OK(&err, view_sql(&out, &t, "/lake's", &err));
	buf_char(&out, '\0');
	const char *sql = (const char *)out.p;
	if (strstr(sql, has) == NULL) fail_msg("no %s in %s", has, sql);
	if (strstr(sql, lacks) != NULL) fail_msg("%s in %s", lacks, sql);
	buf_deinit(&out);
}

static void test_views(void **state)
{
	(void)state;
	static const char hive[] = "CAST(url_decode(nullif(substr(split_part(\"filename\", '/', 5), 5)",
			  joined[] = "JOIN (VALUES";
	check_view("day=2025-09-01/f.parquet", STR("2025-09-01"), hive, joined);
	check_view("day=__HIVE_DEFAULT_PARTITION__/f.parquet", (struct str){NULL, 0}, hive, joined);
	check_view("day=__HIVE_DEFAULT_PARTITION__/f.parquet", STR(""), hive, joined);
	check_view("day=2025%2D09-01/f.parquet", STR("2025-09-01"), hive, joined);
	check_view("day=2025-09-02/f.parquet", STR("2025-09-01"), joined, hive); /* the log is right */
	check_view("day=2025-09-0/f.parquet", STR("2025-09-01"), joined, hive);
	check_view("day=2025-09-011/f.parquet", STR("2025-09-01"), joined, hive);
	check_view("f.parquet", STR("2025-09-01"), joined, hive);
	check_view("days=2025-09-01/f.parquet", STR("2025-09-01"), joined, hive);
	check_view("day=__HIVE_DEFAULT_PARTITION__/f.parquet", STR("__HIVE_DEFAULT_PARTITION__"), joined, hive);
	check_view("f.parquet", STR("it's"), "('/lake''s/silver/t/f.parquet', 'it''s')", hive);
	check_view("", STR(""), "CAST(NULL AS DATE) AS \"day\" WHERE false", "read_parquet");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types), cmocka_unit_test(test_deep_type), cmocka_unit_test(test_views)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
