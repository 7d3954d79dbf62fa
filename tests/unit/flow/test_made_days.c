/* What runs that make their events by seed and day are told, and which of them go on from which. */
#include "flow/made_days.h"

#include "check.h"

enum { DAY = 20000 }; /* 2024-10-04 */
static const struct made_days configured = {7, DAY, DAY + 20};

static status settle(struct arena *arena, const char *name, const char *value, struct run_info *run, struct err *err)
{
	const struct run_param param = {name, value, "--its-flag"};
	const struct run_params given = {&param, name != NULL ? 1 : 0};
	*run = (struct run_info){.date_from = -1};
	return made_days_settle(&configured, &given, arena, run, err);
}

static void test_settle(void **state)
{
	static const struct {
		const char *name, *value, *params, *id;
		int32_t first;
	} cases[] = {
		{NULL, NULL, "seed=7", "7|c0ffee|2024-10-04|2024-10-24", DAY},
		{"emit_from", "2024-10-04", "seed=7", "7|c0ffee|2024-10-04|2024-10-24", DAY},
		{"emit_from", "2024-10-24", "seed=7,emit_from=2024-10-24",
			"7|c0ffee|2024-10-04|2024-10-24|emit_from=2024-10-24", DAY + 20},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena;
		struct err err;
		struct run_info run;
		struct buf id;
		arena_init(&arena, 0);
		buf_init(&id, 0);
		CHECK_OK(&err, settle(&arena, cases[i].name, cases[i].value, &run, &err));
		assert_string_equal(run.params, cases[i].params);
		CHECK_I64(run.date_from, DAY);
		CHECK_I64(run.date_to, DAY + 20);
		CHECK_I64(made_days_first(&run), cases[i].first);
		CHECK_I64(made_days_seed(&run), 7);
		assert_true(made_days_settled(&run));
		memcpy(run.config_hash, "c0ffee", 7);
		made_days_name(&run, &id);
		assert_true(str_is((struct str){(const char *)id.p, id.n}, cases[i].id));
		buf_deinit(&id);
		arena_deinit(&arena);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[][3] = {
		{"emit_from", "2024-10-03", "lies outside the run's days, 2024-10-04 to 2024-10-24"},
		{"emit_from", "2024-10-25", "lies outside the run's days"},
		{"emit_from", "2024-02-30", "--its-flag: expected a date"},
		{"colour", "red", "--its-flag: nothing that this workload can be told"},
	};
	struct arena arena;
	struct err err;
	struct run_info run;
	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK_FAILS(E_USAGE, settle(&arena, cases[i][0], cases[i][1], &run, &err));
		assert_non_null(strstr(err.message, cases[i][2]));
		CHECK_I64(run.date_from, -1); /* nothing is written */
	}
	const struct run_params none = {NULL, 0};
	const struct made_days empty = {7, DAY, DAY - 1};
	CHECK_FAILS(E_USAGE, made_days_settle(&empty, &none, &arena, &run, &err));
	arena_deinit(&arena);
}

/* A document may say anything: one meaning has one text, and the days are the run's. */
static void test_settled(void **state)
{
	static const struct {
		const char *params;
		bool settled;
		uint64_t seed;
	} cases[] = {
		{"seed=0", true, 0},
		{"seed=18446744073709551615", true, UINT64_MAX},
		{"seed=18446744073709551616", false, 0},
		{"seed=1,emit_from=2024-10-05", true, 1},
		{"seed=1,emit_from=2024-10-04", false, 0}, /* the first day is left out */
		{"seed=1,emit_from=2024-10-03", false, 1},
		{"seed=1,emit_from=2024-10-25", false, 1},
		{"seed=1,emit_from=2024-10-05 ", false, 0},
		{"seed=1,emit_from=", false, 0},
		{"seed=1,", false, 0},
		{"seed=01", false, 0},
		{"seed=", false, 0},
		{"seed=-1", false, 0},
		{"see", false, 0},
		{"", false, 0},
		{NULL, false, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct run_info run = {.params = cases[i].params, .date_from = DAY, .date_to = DAY + 20};
		if (made_days_settled(&run) != cases[i].settled) print_error("%s\n", cases[i].params);
		assert_true(made_days_settled(&run) == cases[i].settled);
		assert_true(made_days_seed(&run) == cases[i].seed);
	}
}

/* Days by number; an instant is the last of its day but where a row says so. */
static void test_continues(void **state)
{
	static const struct row {
		const char *params; /* of the earlier run */
		int from, as_of;    /* as_of: its last whole day */
		int64_t less;       /* microseconds that it ends before */
		enum continues want;
	} rows[] = {
		{"seed=7", DAY, DAY + 9, 0, CONTINUES_SAME_EVENTS},
		{"seed=7,emit_from=2024-10-07", DAY, DAY + 9, 0, CONTINUES_SAME_EVENTS},
		{"seed=7", DAY, DAY + 15, 0, CONTINUES_SAME_EVENTS}, /* further than needed */
		{"seed=7", DAY, DAY + 9, 1, CONTINUES_NOT},          /* an instant is missing */
		{"seed=7", DAY, DAY + 20, 0, CONTINUES_NOT},         /* nothing is left */
		{"seed=8", DAY, DAY + 9, 0, CONTINUES_NOT},
		{"seed=7", DAY + 1, DAY + 9, 0, CONTINUES_NOT},
		{"seed=7,emit_from=2024-10-14", DAY, DAY + 12, 0, CONTINUES_NOT}, /* begins where this one does */
		{"", DAY, DAY + 9, 0, CONTINUES_NOT},
	};
	struct run_info run = {.params = "seed=7,emit_from=2024-10-14",
		.date_from = DAY,
		.date_to = DAY + 20,
		.as_of = (DAY + 21) * US_PER_DAY - 1};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];
		const struct run_info earlier = {
			.params = r->params, .date_from = r->from, .as_of = (r->as_of + 1) * US_PER_DAY - 1 - r->less};
		CHECK_I64(made_days_continues(NULL, &run, &earlier), r->want);
	}
	CHECK_I64(made_days_continues(NULL, &run, NULL), CONTINUES_SAME_EVENTS);
	run.params = "seed=7"; /* leaves out nothing: a history of its own */
	CHECK_I64(made_days_continues(NULL, &run, NULL), CONTINUES_NOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_settle), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_settled), cmocka_unit_test(test_continues)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
