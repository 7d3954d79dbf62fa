#include "check.h"

#include "base/alloc.h"
#include "columnar/batch.h"

static const struct column_def text = {.name = "t", .type = COL_STRING, .nullable = true};
static const struct column_def number = {.name = "n", .type = COL_INT64, .nullable = true};

static void check_str(const struct column *c, int64_t i, const char *want)
{
	assert_true(column_valid(c, i));
	const struct str s = column_str(c, i);
	CHECK_I64(s.n, strlen(want));
	assert_memory_equal(s.p, want, s.n);
}

static void test_rows_not_set_are_null(void **state)
{
	(void)state;
	for (int dictionary = 0; dictionary <= 1; dictionary++) {
		struct builder b;
		struct column c;
		struct err err;
		builder_init(&b, &text, dictionary == 1);
		for (int round = 0; round < 3; round++) { /* reset leaves no trace of the round before */
			builder_set_str(&b, 2, STR("two"));
			builder_set_str(&b, 5000 + round, STR(""));
			builder_set_str(&b, 5100, STR("two"));
			CHECK_OK(&err, builder_finish(&b, 6000, &c, &err));
			CHECK_I64(c.n, 6000);
			CHECK_I64(c.n_null, 5997);
			int64_t valid = 0;
			for (int64_t i = 0; i < 6000; i++) valid += column_valid(&c, i);
			CHECK_I64(valid, 3);
			check_str(&c, 2, "two");
			check_str(&c, 5000 + round, "");
			check_str(&c, 5100, "two");
			if (dictionary)
				CHECK_I64(c.dict->n, 2);
			else
				CHECK_I64(c.offsets[6000], 6);
			builder_reset(&b);
		}
		builder_deinit(&b);
	}
}

/* Rows that were expected find their room: nothing moves, whatever the type; and they read as without it. */
static void test_expected_rows_have_room(void **state)
{
	(void)state;
	enum { SAMPLE = 100, ROWS = 50000 };
	struct builder b[3];
	struct column c[3];
	struct err err;
	const void *places[4] = {NULL};
	builder_init(&b[0], &text, false);
	builder_init(&b[1], &text, true);
	builder_init(&b[2], &number, false);
	for (int i = 0; i < 3; i++) builder_expect(&b[i], ROWS); /* knows nothing yet */
	for (int row = 0; row < ROWS; row++) {
		char s[40];
		const int n = snprintf(s, sizeof s, "a text of row %05d", row);
		builder_set_str(&b[0], row, (struct str){s, (size_t)n});
		builder_set_str(&b[1], row, row % 2 == 0 ? STR("even") : STR("odd"));
		builder_set_i64(&b[2], row, row);
		const void *now[4] = {b[0].data, b[0].offsets, b[1].values, b[2].values};
		if (row < SAMPLE) continue;
		if (row > SAMPLE) assert_memory_equal(now, places, sizeof now);
		for (int i = 0; i < 3 && row == SAMPLE; i++) builder_expect(&b[i], ROWS);
		const void *after[4] = {b[0].data, b[0].offsets, b[1].values, b[2].values};
		memcpy(places, after, sizeof places);
	}
	for (int i = 0; i < 3; i++) CHECK_OK(&err, builder_finish(&b[i], ROWS, &c[i], &err));
	check_str(&c[0], 0, "a text of row 00000");
	check_str(&c[0], ROWS - 1, "a text of row 49999");
	check_str(&c[1], ROWS - 1, "odd");
	CHECK_I64(((const int64_t *)c[2].values)[ROWS - 1], ROWS - 1);
	for (int i = 0; i < 3; i++) builder_deinit(&b[i]);
}

static void test_dictionary_keeps_order(void **state)
{
	(void)state;
	struct builder b;
	struct column c;
	struct err err;
	builder_init(&b, &text, true);
	for (int i = 0; i < 100000; i++) {
		char s[16];
		const int n = snprintf(s, sizeof s, "v%d", i * 7 % 5000);
		builder_set_str(&b, i, (struct str){s, (size_t)n});
	}
	CHECK_OK(&err, builder_finish(&b, 100000, &c, &err));
	assert_null(c.validity);
	CHECK_I64(c.dict->n, 5000);
	check_str(c.dict, 1, "v7"); /* order of first use */
	check_str(&c, 99999, "v4993");
	builder_deinit(&b);
}

static void test_numbers_and_memory(void **state)
{
	(void)state;
	struct builder b;
	struct column c;
	struct err err;
	builder_init(&b, &number, false);
	builder_set_i64(&b, 0, INT64_MIN);
	builder_set_i64(&b, 9, 7);
	CHECK_OK(&err, builder_finish(&b, 10, &c, &err));
	assert_true(((const int64_t *)c.values)[0] == INT64_MIN);
	CHECK_I64(c.n_null, 8);
	mem_fail_after(0);
	builder_set_i64(&b, 1 << 20, 1); /* poisons, reported once at the end */
	builder_set_i64(&b, 1 << 21, 1);
	mem_fail_after(-1);
	CHECK_FAILS(E_NOMEM, builder_finish(&b, 1 << 22, &c, &err));
	builder_deinit(&b);
	CHECK_OK(&err, builder_finish(&b, 0, &c, &err)); /* empty is a column too */
	CHECK_I64(c.n, 0);
	builder_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows_not_set_are_null),
		cmocka_unit_test(test_expected_rows_have_room), cmocka_unit_test(test_dictionary_keeps_order),
		cmocka_unit_test(test_numbers_and_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
