#include "check.h"

#include "base/rng.h"
#include "base/time.h"

static void dates_agree_with_counting(void **state)
{
	(void)state;
	int32_t date = DATE_MIN;
	int weekday = 0; /* 0001-01-01 was a Monday */
	for (int32_t year = 1; year <= 9999; year++) {
		for (int32_t month = 1; month <= 12; month++) {
			const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
			const int32_t days = month == 2                                              ? (leap ? 29 : 28)
					     : month == 4 || month == 6 || month == 9 || month == 11 ? 30
												     : 31;
			assert_int_equal(date_month_days(year, month), days);
			for (int32_t day = 1; day <= days; day++, date++, weekday = weekday == 6 ? 0 : weekday + 1) {
				const struct civil c = date_to_civil(date);
				if (c.year != year || c.month != month || c.day != day ||
					date_from_civil(year, month, day) != date || date_weekday(date) != weekday ||
					date_month_start(date) != date - day + 1)
					fail_msg("%d-%d-%d: %d-%d-%d", year, month, day, c.year, c.month, c.day);
			}
		}
	}
	assert_int_equal(date - 1, DATE_MAX);
}

static void date_text(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int32_t date;
	} good[] = {
		{"1970-01-01", 0},
		{"1969-12-31", -1},
		{"2000-02-29", 11016},
		{"2024-02-29", 19782},
		{"0001-01-01", DATE_MIN},
		{"9999-12-31", DATE_MAX},
		{"1900-03-01", -25508},
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		int32_t date = 99;
		char text[DATE_CHARS + 1] = {0};
		if (!date_parse(str_of(good[i].text), &date)) fail_msg("%s refused", good[i].text);
		assert_int_equal(date, good[i].date);
		date_format(date, text);
		assert_string_equal(text, good[i].text);
	}
	static const char *const bad[] = {"", "2025-02-29", "1900-02-29", "2025-13-01", "2025-00-01", "2025-01-00",
		"2025-04-31", "0000-01-01", "2025-1-01", "2025-01-1", "2025/01/01", " 2025-01-01", "2025-01-01 ",
		"20250101", "2025-01-0a", "+025-01-01"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int32_t date = 99;
		if (date_parse(str_of(bad[i]), &date)) fail_msg("\"%s\" accepted", bad[i]);
		assert_int_equal(date, 99);
	}
	char low[DATE_CHARS + 1] = {0};
	date_format(INT32_MIN, low);
	assert_string_equal(low, "0001-01-01");
	date_format(INT32_MAX, low);
	assert_string_equal(low, "9999-12-31");
}

#define T0 INT64_C(1756728000000000) /* 2025-09-01T12:00:00Z */

static void times_accepted(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {
		{"2025-09-01T12:00:00Z", T0},
		{"2025-09-01T12:00:00.000000Z", T0},
		{"2025-09-01T12:00:00.123456Z", T0 + 123456},
		{"2025-09-01t12:00:00z", T0},
		{"2025-09-01 12:00:00Z", T0},
		{"2025-09-01T12:00:00.5Z", T0 + 500000},
		{"2025-09-01T12:00:00.12Z", T0 + 120000},
		{"2025-09-01T12:00:00.1234567Z", T0 + 123456},
		{"2025-09-01T12:00:00.123456999Z", T0 + 123456},
		{"2025-09-01T12:00:00.999999999Z", T0 + 999999},
		{"2025-09-01T07:00:00-05:00", T0},
		{"2025-09-01T07:00:00.25-05:00", T0 + 250000},
		{"2025-09-02T11:59:00+23:59", T0},
		{"2025-09-01T12:00:00+00:00", T0},
		{"2025-09-01T12:00:00-00:00", T0},
		{"1970-01-01T00:00:00Z", 0},
		{"1969-12-31T23:59:59.999999Z", -1},
		{"2024-02-29T00:00:00Z", INT64_C(1709164800000000)},
		{"0001-01-01T00:00:00Z", DATE_MIN * US_PER_DAY},
		{"9999-12-31T23:59:59.999999Z", (DATE_MAX + INT64_C(1)) * US_PER_DAY - 1},
		{"2016-12-31T23:59:60Z", INT64_C(1483228800000000) - 1},
		{"2016-12-31T23:59:60.5Z", INT64_C(1483228800000000) - 1},
		{"2016-12-31T18:59:60-05:00", INT64_C(1483228800000000) - 1},
		{"2017-01-01T08:59:60.250000+09:00", INT64_C(1483228800000000) - 1},
		{"1969-12-31T23:59:60Z", -1},
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		int64_t us = 99;
		int64_t plain = 99;
		if (!time_parse(str_of(good[i].text), &us)) fail_msg("%s refused", good[i].text);
		if (us != good[i].us)
			fail_msg("%s: %lld, expected %lld", good[i].text, (long long)us, (long long)good[i].us);
		if (!time_parse_plain(str_of(good[i].text), &plain))
			fail_msg("%s refused by the plain parser", good[i].text);
		CHECK_I64(plain, good[i].us);
	}
}

static void times_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "2025-09-01", "2025-09-01T12:00:00", "2025-09-01T12:00Z",
		"2025-09-01T12:00:00.Z", "2025-09-01T12:00:00.1234567890Z", "2025-09-01T12:00:00,5Z",
		"2025-09-01T24:00:00Z", "2025-09-01T12:60:00Z", "2025-09-01T12:00:61Z", "2025-09-01T12:00:60Z",
		"2025-09-01T23:59:60-05:00", "2025-02-29T12:00:00Z", "2025-13-01T12:00:00Z", "0000-01-01T00:00:00Z",
		"2025-09-01T12:00:00+24:00", "2025-09-01T12:00:00+05:60", "2025-09-01T12:00:00+0500",
		"2025-09-01T12:00:00+05", "2025-09-01  12:00:00Z", "2025-09-01T12:00:00 Z", "2025-09-01T12:00:00Z ",
		" 2025-09-01T12:00:00Z", "2025-09-01T12:00:00ZZ", "2025/09/01T12:00:00Z", "2025-09-01T12.00.00Z",
		"2025-09-01X12:00:00Z", "2025-09-01T1a:00:00Z", "2025-09-01T12:00:00.12345aZ",
		"0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "-025-09-01T12:00:00Z",
		"2025-09-01T12:00:00.123456z0"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int64_t us = 99;
		if (time_parse(str_of(bad[i]), &us)) fail_msg("\"%s\" accepted", bad[i]);
		if (time_parse_plain(str_of(bad[i]), &us)) fail_msg("\"%s\" accepted by the plain parser", bad[i]);
		CHECK_I64(us, 99);
	}
}

/* Every byte at every place of the two fast shapes: fast and plain parser agree on verdict and value. */
static void fast_agrees_with_plain(void **state)
{
	(void)state;
	static const char *const shapes[] = {
		"2025-09-19T12:34:56Z", "2025-09-19T12:34:56.123456Z", "2016-12-31T23:59:60.123456Z"};
	for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
		const size_t n = strlen(shapes[s]);
		for (size_t at = 0; at < n; at++) {
			for (int byte = 0; byte < 256; byte++) {
				char text[32];
				memcpy(text, shapes[s], n);
				text[at] = (char)byte;
				int64_t fast = 1;
				int64_t plain = 1;
				const bool ok = time_parse((struct str){text, n}, &fast);
				if (ok != time_parse_plain((struct str){text, n}, &plain) || fast != plain)
					fail_msg("%.*s", (int)n, text);
			}
		}
	}
}

static void format_then_parse(void **state)
{
	(void)state;
	const uint64_t span = (uint64_t)((DATE_MAX - DATE_MIN + INT64_C(1)) * US_PER_DAY);
	for (uint32_t i = 0; i < 200000; i++) {
		const struct rng4 r = rng_philox(1, i, 0, 0);
		const int64_t us = DATE_MIN * US_PER_DAY + (int64_t)(((uint64_t)r.v[0] << 32 | r.v[1]) % span);
		char text[TIME_RFC3339_CHARS];
		int64_t back = 0;
		time_format(us, text);
		assert_true(time_parse((struct str){text, sizeof text}, &back));
		CHECK_I64(back, us);
		/* Whole seconds, cut short. */
		text[19] = 'Z';
		assert_true(time_parse((struct str){text, 20}, &back));
		CHECK_I64(back, us - (us % US_PER_SECOND + US_PER_SECOND) % US_PER_SECOND);
	}
	char text[TIME_RFC3339_CHARS + 1] = {0};
	time_format(INT64_MIN, text);
	assert_string_equal(text, "0001-01-01T00:00:00.000000Z");
	time_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
	time_format(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
}

static void utc_dates(void **state)
{
	(void)state;
	assert_int_equal(time_utc_date(0), 0);
	assert_int_equal(time_utc_date(US_PER_DAY - 1), 0);
	assert_int_equal(time_utc_date(US_PER_DAY), 1);
	assert_int_equal(time_utc_date(-1), -1);
	assert_int_equal(time_utc_date(-US_PER_DAY), -1);
	assert_int_equal(time_utc_date(-US_PER_DAY - 1), -2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_agree_with_counting),
		cmocka_unit_test(date_text),
		cmocka_unit_test(times_accepted),
		cmocka_unit_test(times_refused),
		cmocka_unit_test(fast_agrees_with_plain),
		cmocka_unit_test(format_then_parse),
		cmocka_unit_test(utc_dates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
