#include "check.h"

#include "base/calendar.h"
#include "base/rng.h"

static struct calendar *create(const char *holidays)
{
	struct err err = {0};
	struct calendar *c = NULL;
	CHECK_OK(&err, calendar_create(holidays, &c, &err));
	return c;
}

static int32_t day(const char *text)
{
	int32_t date = 0;
	if (!date_parse(str_of(text), &date)) fail_msg("bad date %s", text);
	return date;
}

static void easter(void **state)
{
	(void)state;
	static const char *const sundays[] = {"1818-03-22", "1900-04-15", "1943-04-25", "1954-04-18", "1981-04-19",
		"1984-04-22", "2000-04-23", "2008-03-23", "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28",
		"2038-04-25", "2049-04-18", "2076-04-19", "2285-03-22"};
	for (size_t i = 0; i < sizeof sundays / sizeof sundays[0]; i++) {
		const int32_t want = day(sundays[i]);
		assert_int_equal(easter_sunday(date_to_civil(want).year), want);
	}
}

static void colombia(void **state)
{
	(void)state;
	static const struct {
		int32_t year;
		const char *days;
	} years[] = {
		{1983, ""},
		{2024, "01-01 01-08 03-25 03-28 03-29 05-01 05-13 06-03 06-10 07-01 07-20 08-07 08-19 10-14 11-04 "
		       "11-11 12-08 12-25 "},
		{2025, "01-01 01-06 03-24 04-17 04-18 05-01 06-02 06-23 06-30 07-20 08-07 08-18 10-13 11-03 11-17 "
		       "12-08 12-25 "},
		{2026, "01-01 01-12 03-23 04-02 04-03 05-01 05-18 06-08 06-15 06-29 07-13 07-20 08-07 08-17 10-12 "
		       "11-02 11-16 12-08 12-25 "},
		{2027, "01-01 01-11 03-22 03-25 03-26 05-01 05-10 05-31 06-07 07-05 07-12 07-20 08-07 08-16 10-18 "
		       "11-01 11-15 12-08 12-25 "},
	};
	struct calendar *c = create("colombia");
	for (size_t i = 0; i < sizeof years / sizeof years[0]; i++) {
		char found[256] = "";
		for (int32_t d = date_from_civil(years[i].year, 1, 1); d < date_from_civil(years[i].year + 1, 1, 1);
			d++) {
			char text[DATE_CHARS + 1] = {0};
			date_format(d, text);
			if (calendar_is_holiday(c, d)) (void)strcat(strcat(found, text + 5), " ");
			const bool want = date_weekday(d) < 5 && !calendar_is_holiday(c, d);
			assert_int_equal(calendar_is_business_day(c, d), want);
		}
		assert_string_equal(found, years[i].days);
	}
	calendar_destroy(c);
}

static void terms_of_the_contract(void **state)
{
	(void)state;
	struct calendar *c = create("colombia");
	/* A petition received on Friday 2025-12-05: 8 December, 25 December and 1 January do not count. */
	assert_int_equal(calendar_add_business_days(c, day("2025-12-05"), 15), day("2025-12-30"));
	assert_int_equal(calendar_add_business_days(c, day("2025-12-05"), 0), day("2025-12-05"));
	assert_int_equal(calendar_add_business_days(c, day("2025-12-06"), 1), day("2025-12-09"));
	assert_int_equal(calendar_business_days_between(c, day("2025-12-05"), day("2025-12-05")), 0);
	assert_int_equal(calendar_business_days_between(c, day("2025-12-05"), day("2025-12-09")), 1);
	assert_int_equal(calendar_business_days_between(c, day("2025-12-09"), day("2025-12-05")), -1);
	assert_int_equal(calendar_business_days_between(c, day("2026-07-10"), day("2026-07-14")),
		1); /* 13 July 2026: Ley 2578 */
	assert_int_equal(
		calendar_business_days_between(c, day("2025-07-11"), day("2025-07-15")), 2); /* not yet in 2025 */
	calendar_destroy(c);
}

/* Over all ranges, the table's ends and the years outside it: the quick answers equal counting day by day. */
static void questions_agree_with_counting(void **state)
{
	(void)state;
	static const char *const kinds[] = {"colombia", "none"};
	static const char *const around[] = {
		"1899-06-01", "1984-01-01", "2026-01-01", "2199-06-01", "1750-01-01", "0001-06-01", "2500-01-01"};
	for (size_t k = 0; k < 2; k++) {
		struct calendar *c = create(kinds[k]);
		for (size_t a = 0; a < sizeof around / sizeof around[0]; a++) {
			const int32_t from = day(around[a]);
			int32_t count = 0;
			for (int32_t d = from + 1; d < from + 800; d++) {
				count += calendar_is_business_day(c, d);
				assert_int_equal(calendar_business_days_between(c, from, d), count);
				assert_int_equal(calendar_business_days_between(c, d, from), -count);
				if (calendar_is_business_day(c, d))
					assert_int_equal(calendar_add_business_days(c, from, count), d);
			}
		}
		calendar_destroy(c);
	}
}

static void add_and_between_agree(void **state)
{
	(void)state;
	struct calendar *c = create("colombia");
	for (uint32_t i = 0; i < 300000; i++) {
		const struct rng4 r = rng_philox(3, i, 0, 0);
		const int32_t date = DATE_MIN + (int32_t)rng_below(r.v[0], (uint32_t)(DATE_MAX - DATE_MIN - 5000));
		const int32_t n = 1 + (int32_t)rng_below(r.v[1], 3000);
		const int32_t end = calendar_add_business_days(c, date, n);
		assert_true(end > date);
		assert_true(calendar_is_business_day(c, end));
		assert_int_equal(calendar_business_days_between(c, date, end), n);
		assert_int_equal(calendar_business_days_between(c, date, end - 1), n - 1);
	}
	assert_int_equal(calendar_add_business_days(c, DATE_MAX - 3, 1000), DATE_MAX);
	assert_int_equal(calendar_add_business_days(c, 0, INT32_MAX), DATE_MAX);
	calendar_destroy(c);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static void holidays_file(void **state)
{
	(void)state;
	char dir[64];
	char path[128];
	(void)snprintf(path, sizeof path, "%s/holidays.txt", check_tmpdir(dir));
	write_file(path, "\xEF\xBB\xBF# two days\r\n2026-01-02 # Friday\r\n\n  2026-01-05\n2026-01-02");
	struct calendar *c = create(path);
	assert_true(calendar_is_holiday(c, day("2026-01-02")));
	assert_true(calendar_is_holiday(c, day("2026-01-05")));
	assert_false(calendar_is_holiday(c, day("2026-01-01")));
	assert_int_equal(calendar_business_days_between(c, day("2025-12-31"), day("2026-01-06")), 2);
	calendar_destroy(c);

	static const struct {
		const char *text;
		int64_t line;
	} bad[] = {
		{"2026-01-01\n2026-02-30\n", 2},
		{"tomorrow", 1},
		{"2026-01-01 2026-01-02", 1},
		{"\n\n#\n2026-1-1", 4},
		{"1899-12-31", 1},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err err = {0};
		struct calendar *none = NULL;
		write_file(path, bad[i].text);
		CHECK_FAILS(E_USAGE, calendar_create(path, &none, &err));
		CHECK_I64(err.line, bad[i].line);
		assert_string_equal(err.where, path);
		assert_null(none);
	}
	struct calendar *none = NULL;
	CHECK_FAILS(E_NOT_FOUND, calendar_create("/nonexistent/holidays", &none, NULL));
	check_rmdir(dir);
}

/* Every holiday has a name, two where two fall on one day, and no other day has one. */
static void names_of_holidays(void **state)
{
	(void)state;
	static const struct {
		const char *date;
		const char *names[3];
	} cases[] = {
		{"2025-06-30", {"San Pedro y San Pablo", "Sagrado Corazón de Jesús"}},
		{"2026-06-29", {"San Pedro y San Pablo"}},
		{"2026-03-23", {"San José"}},
		{"2026-03-19", {NULL}}, /* moved */
		{"2026-04-02", {"Jueves Santo"}},
		{"2026-07-13", {"9 de julio (Ley 2578 de 2026)"}},
		{"2025-07-14", {NULL}},
		{"1983-12-25", {NULL}},
		{"1984-12-25", {"Navidad"}},
	};
	struct calendar *c = create("colombia");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t k = 0; k < 3; k++) {
			const char *name = calendar_holiday_name(c, day(cases[i].date), k);
			if ((name == NULL) != (cases[i].names[k] == NULL)) fail_msg("%s: name %zu", cases[i].date, k);
			if (name != NULL) assert_string_equal(name, cases[i].names[k]);
			if (name == NULL) break;
		}
	}
	for (int32_t d = day("1980-01-01"); d < day("2100-01-01"); d++)
		assert_int_equal(calendar_holiday_name(c, d, 0) != NULL, calendar_is_holiday(c, d));
	calendar_destroy(c);
	const int32_t own = day("2026-01-02");
	struct err err = {0};
	CHECK_OK(&err, calendar_create_dates(&own, 1, &c, &err));
	assert_string_equal(calendar_holiday_name(c, own, 0), "holiday");
	assert_null(calendar_holiday_name(c, own, 1));
	assert_null(calendar_holiday_name(c, own + 3, 0));
	calendar_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(easter),
		cmocka_unit_test(colombia),
		cmocka_unit_test(terms_of_the_contract),
		cmocka_unit_test(questions_agree_with_counting),
		cmocka_unit_test(add_and_between_agree),
		cmocka_unit_test(holidays_file),
		cmocka_unit_test(names_of_holidays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
