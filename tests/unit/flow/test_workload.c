/* What a workload says of itself: which stage has which role and writes which table, and by what names a step is found. */
#include "flow/workload.h"

#include "check.h"

static const struct table_schema events = {.layer = "bronze", .name = "events"};
static const struct table_schema daily = {.layer = "gold", .name = "daily"};
static const struct table_schema pages = {.layer = "gold", .name = "pages"};
static const struct table_schema *const tables[] = {&events, &daily, &pages};
static const struct stage_def stages[] = {
	{.name = "raw"},
	{.name = "bronze"},
	{.name = "to_daily", .layer = "gold", .table = "daily"},
	{.name = "to_pages", .layer = "gold", .table = "pages"},
};
static const struct workload steps = {
	.name = "steps", .stages = stages, .n_stages = 4, .tables = tables, .n_tables = 3, .publish_name = "to_sql"};

static void test_roles(void **state)
{
	(void)state;
	assert_string_equal(stage_layer(&stages[1]), "bronze");
	assert_string_equal(stage_layer(&stages[3]), "gold");
	assert_true(workload_writes(&steps, "bronze", &events));
	assert_false(workload_writes(&steps, "raw", &events));
	assert_true(workload_writes(&steps, "to_daily", &daily));
	assert_false(workload_writes(&steps, "to_daily", &pages));
	assert_false(workload_writes(&steps, "gold", &pages)); /* a layer's name is no stage's here */
}

static void test_names(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		size_t index;
	} cases[] = {{"raw", 0}, {"to_daily", 2}, {"gold", 3}, {"publish", 4}, {"to_sql", 4}};
	struct err err = {0};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t found = 99;
		CHECK_OK(&err, workload_stage_index(&steps, cases[i].name, &found, &err));
		CHECK_I64(found, cases[i].index);
	}
	size_t found = 99;
	CHECK_FAILS(E_USAGE, workload_stage_index(&steps, "silver", &found, &err));
	assert_non_null(strstr(err.message, "which has raw, bronze, to_daily, to_pages or to_sql"));
	CHECK_I64(found, 99);
	char cut[12];
	assert_string_equal(workload_stage_names(&steps, cut, sizeof cut), "raw, bronze");
}

/* An ingested run takes up those before it; what makes its events goes by the workload's own rule, which steps has none of. */
static void test_continues(void **state)
{
	const struct run_info makes = {.params = "anything"}, ingested = {.params = ""};
	(void)state;
	CHECK_I64(workload_continues(&steps, NULL, &ingested, NULL), CONTINUES_ANY);
	CHECK_I64(workload_continues(&steps, NULL, &ingested, &ingested), CONTINUES_ANY);
	CHECK_I64(workload_continues(&steps, NULL, &ingested, &makes), CONTINUES_NOT);
	CHECK_I64(workload_continues(&steps, NULL, &makes, NULL), CONTINUES_NOT);
	CHECK_I64(workload_continues(&steps, NULL, &makes, &makes), CONTINUES_NOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles), cmocka_unit_test(test_names), cmocka_unit_test(test_continues)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
