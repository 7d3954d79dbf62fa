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

/* Days of 2025 by number; an instant is the last of its day but where a row says so. */
static void test_continues(void **state)
{
	enum { DAY = 20000 };
	static const struct row {
		bool simulated;
		int seed, from, emit_from, as_of; /* of the earlier run; as_of: its last whole day */
		int64_t less;                     /* microseconds that it ends before */
		enum continues want;
	} rows[] = {
		{true, 7, DAY, DAY, DAY + 9, 0, CONTINUES_SAME_EVENTS},
		{true, 7, DAY, DAY + 3, DAY + 9, 0, CONTINUES_SAME_EVENTS},
		{true, 7, DAY, DAY, DAY + 15, 0, CONTINUES_SAME_EVENTS}, /* further than needed */
		{true, 7, DAY, DAY, DAY + 9, 1, CONTINUES_NOT},          /* an instant is missing */
		{true, 7, DAY, DAY, DAY + 20, 0, CONTINUES_NOT},         /* nothing is left */
		{true, 8, DAY, DAY, DAY + 9, 0, CONTINUES_NOT},
		{true, 7, DAY + 1, DAY + 1, DAY + 9, 0, CONTINUES_NOT},
		{true, 7, DAY, DAY + 10, DAY + 12, 0, CONTINUES_NOT}, /* begins where this one does */
		{false, 7, DAY, DAY, DAY + 9, 0, CONTINUES_NOT},
	};
	struct run_info run = {.simulated = true,
		.seed = 7,
		.date_from = DAY,
		.date_to = DAY + 20,
		.emit_from = DAY + 10,
		.as_of = (DAY + 21) * US_PER_DAY - 1};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];
		const struct run_info earlier = {.simulated = r->simulated,
			.seed = (uint64_t)r->seed,
			.date_from = r->from,
			.emit_from = r->emit_from,
			.as_of = (r->as_of + 1) * US_PER_DAY - 1 - r->less};
		CHECK_I64(workload_continues(&steps, NULL, &run, &earlier), r->want);
	}
	CHECK_I64(workload_continues(&steps, NULL, &run, NULL), CONTINUES_SAME_EVENTS);
	const struct run_info simulated = run, ingested = {.emit_from = INT32_MIN, .date_from = INT32_MIN};
	CHECK_I64(workload_continues(&steps, NULL, &ingested, NULL), CONTINUES_ANY);
	CHECK_I64(workload_continues(&steps, NULL, &ingested, &ingested), CONTINUES_ANY);
	CHECK_I64(workload_continues(&steps, NULL, &ingested, &simulated), CONTINUES_NOT);
	run.emit_from = run.date_from; /* leaves out nothing: a history of its own */
	CHECK_I64(workload_continues(&steps, NULL, &run, NULL), CONTINUES_NOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles), cmocka_unit_test(test_names), cmocka_unit_test(test_continues)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
