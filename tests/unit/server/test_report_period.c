/* Periods of reports: what names one, its days, and the days before it. */
#include "server/report_period.h"

#include "base/time.h"
#include "check.h"

static int32_t day(const char *text)
{
	int32_t date = 0;
	assert_true(date_parse(str_of(text), &date));
	return date;
}

static void test_names(void **state)
{
	static const struct {
		const char *text, *from, *to, *before;
	} cases[] = {
		{"2026Q1", "2026-01-01", "2026-03-31", "2025-10-03"},
		{"2025Q4", "2025-10-01", "2025-12-31", "2025-07-01"},
		{"2024-02", "2024-02-01", "2024-02-29", "2024-01-03"},
		{"2026-12", "2026-12-01", "2026-12-31", "2026-10-31"},
		{"2025", "2025-01-01", "2025-12-31", "2024-01-02"},
		{"2026-01-15..2026-02-10", "2026-01-15", "2026-02-10", "2025-12-19"},
		{"2026-01-15..2026-01-15", "2026-01-15", "2026-01-15", "2026-01-14"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct report_period p;
		struct err err;
		err_clear(&err);
		CHECK_OK(&err, report_period_parse(cases[i].text, &p, &err));
		assert_string_equal(p.name, cases[i].text);
		assert_int_equal(p.from, day(cases[i].from));
		assert_int_equal(p.to, day(cases[i].to));
		assert_int_equal(report_period_before(&p), day(cases[i].before));
	}
}

static void test_no_names(void **state)
{
	static const char *const cases[] = {"", "2026Q0", "2026Q5", "2026q1", "2026-00", "2026-13", "0000", "26Q1",
		"2026-Q1", "20x6", "2026-02-10..2026-01-15", "2026-02-30..2026-03-01", "2026-01-15--2026-02-10",
		"2026-01-15..2026-02-10x", "2026-1"};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct report_period p = {.from = 7};
		struct err err;
		err_clear(&err);
		assert_int_equal(report_period_parse(cases[i], &p, &err), E_USAGE);
		assert_int_equal(p.from, 7);
	}
}

static void test_clipped(void **state)
{
	struct report_period p;
	struct err err;
	(void)state;
	err_clear(&err);
	CHECK_OK(&err, report_period_parse("2026Q1", &p, &err));
	CHECK_OK(&err, report_period_clip(&p, day("2025-09-01"), day("2026-02-28"), &err));
	assert_int_equal(p.from, day("2026-01-01"));
	assert_int_equal(p.to, day("2026-02-28"));
	CHECK_OK(&err, report_period_clip(&p, day("2026-02-28"), day("2026-12-31"), &err));
	assert_int_equal(p.from, p.to);
	assert_int_equal(report_period_clip(&p, day("2026-03-01"), day("2026-03-02"), &err), E_NOT_FOUND);
	assert_int_equal(report_period_clip(&p, day("2026-01-01"), day("2026-02-27"), &err), E_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_clipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
