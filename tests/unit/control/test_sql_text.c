/* One small schema in both databases, word by word. */
#include "check.h"
#include "control/sql_text.h"

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
	check_text(sql_text_table_sqlite, &keyed,
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
	check_text(sql_text_table_sqlite, &unkeyed,
		"CREATE TABLE IF NOT EXISTS \"silver_u\" ( -- no key\n\t\"a\" TEXT NOT NULL -- x\n);\n");
}

static void test_postgres(void **state)
{
	(void)state;
	check_text(sql_text_table_postgres, &keyed,
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
	check_text(sql_text_table_postgres, &unkeyed,
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
		check_text(sql_text_table_sqlite, s,
			"CREATE TABLE IF NOT EXISTS \"gold_t\" ( -- d\n\t-- key: id\n\t\"id\" TEXT NOT NULL, -- x\n"
			"\t\"run_id\" TEXT NOT NULL -- z\n);\n");
		check_text(sql_text_table_postgres, s,
			"CREATE TABLE IF NOT EXISTS gold.t (\n\t\"id\" text NOT NULL,\n"
			"\t\"run_id\" text COLLATE \"C\" NOT NULL,\n\tPRIMARY KEY (\"id\")\n);\n"
			"COMMENT ON TABLE gold.t IS 'd';\nCOMMENT ON COLUMN gold.t.\"id\" IS 'x';\n"
			"COMMENT ON COLUMN gold.t.\"run_id\" IS 'z';\n");
		if (s == &served) break;
	}
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sqlite),
		cmocka_unit_test(test_postgres),
		cmocka_unit_test(test_served),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
