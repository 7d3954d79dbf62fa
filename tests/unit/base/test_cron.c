#include "check.h"

#include "base/cron.h"

static struct tz *zone(const char *name)
{
	struct err err = {0};
	struct tz *tz = NULL;
	CHECK_OK(&err, tz_load(name, &tz, &err));
	return tz;
}

static int64_t at(const char *text)
{
	int64_t us = 0;
	if (!time_parse(str_of(text), &us)) fail_msg("bad time %s", text);
	return us;
}

static struct cron parsed(const char *text)
{
	struct err err = {0};
	struct cron c = {0};
	CHECK_OK(&err, cron_parse(str_of(text), &c, &err));
	return c;
}

static void known_instants(void **state)
{
	(void)state;
	static const struct {
		const char *zone, *cron, *after, *due;
	} cases[] = {
		{"America/Bogota", "30 2 * * *", "2026-11-30T00:00:00Z", "2026-11-30T07:30:00Z"},
		{"America/Bogota", "30 2 * * *", "2026-11-30T07:30:00Z", "2026-12-01T07:30:00Z"},
		{"America/Bogota", "30 2 * * *", "2026-11-30T07:29:59.999999Z", "2026-11-30T07:30:00Z"},
		{"America/Bogota", "*/15 8-17 * * mon-fri", "2026-11-27T22:45:00Z", "2026-11-30T13:00:00Z"},
		{"UTC", "@daily", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"UTC", "@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"UTC", "0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"UTC", "0 0 29 2 */7", "2026-01-01T00:00:00Z",
			"2032-02-29T00:00:00Z"}, /* a star: both days must fit */
		{"UTC", "0 0 13 * 5", "2026-11-07T00:00:00Z", "2026-11-13T00:00:00Z"},
		{"UTC", "0 0 13 * 5", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"}, /* no star: one of them */
		{"UTC", "0 12 * * 7", "2026-11-30T00:00:00Z", "2026-12-06T12:00:00Z"},
		{"UTC", "59 23 31 DEC Fri,sat", "2026-01-01T00:00:00Z", "2026-12-04T23:59:00Z"},
		/* clocks go forward at 07:00Z from 02:00 to 03:00, and back at 06:00Z on 2 November */
		{"America/New_York", "30 2 * * *", "2025-03-09T00:00:00Z", "2025-03-09T07:00:00Z"},
		{"America/New_York", "30 2 * * *", "2025-03-09T07:00:00Z", "2025-03-10T06:30:00Z"},
		{"America/New_York", "30 1 * * *", "2025-11-02T05:00:00Z", "2025-11-02T05:30:00Z"},
		{"America/New_York", "30 1 * * *", "2025-11-02T05:30:00Z", "2025-11-03T06:30:00Z"},
		{"America/New_York", "30 * * * *", "2025-11-02T05:30:00Z", "2025-11-02T06:30:00Z"},
		{"America/New_York", "30 * * * *", "2025-03-09T06:30:00Z", "2025-03-09T07:30:00Z"},
		/* 30 December 2011 was left out */
		{"Pacific/Apia", "0 12 30 12 *", "2011-12-01T00:00:00Z", "2011-12-30T10:00:00Z"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tz *tz = zone(cases[i].zone);
		const struct cron c = parsed(cases[i].cron);
		char text[TIME_RFC3339_CHARS];
		int64_t due = 0;
		assert_true(cron_next(&c, tz, at(cases[i].after), &due));
		time_format(due, text);
		if (due != at(cases[i].due))
			fail_msg("'%s' in %s after %s: %.27s, expected %s", cases[i].cron, cases[i].zone,
				cases[i].after, text, cases[i].due);
		tz_destroy(tz);
	}
}

static void refused_with_the_field(void **state)
{
	(void)state;
	static const struct {
		const char *cron, *says;
	} cases[] = {
		{"", "there is no minute"},
		{"* * * *", "there is no day of week"},
		{"* * * * * *", "more than five fields"},
		{"60 * * * *", "'60' is no minute; expected numbers from 0 to 59"},
		{"* 24 * * *", "'24' is no hour"},
		{"* * 0 * *", "'0' is no day of month"},
		{"* * * 13 *", "'13' is no month"},
		{"* * * * 8", "'8' is no day of week"},
		{"* * * * monday", "'monday' is no day of week"},
		{"5-1 * * * *", "'5-1' is no minute"},
		{"*/0 * * * *", "'*/0' is no minute"},
		{"5/2 * * * *", "'5/2' is no minute"},
		{"1,,2 * * * *", "'1,,2' is no minute"},
		{"1, * * * *", "'1,' is no minute"},
		{"-1 * * * *", "'-1' is no minute"},
		{"0000000060 * * * *", "is no minute"},
		{"@never", "'@never' is no minute"},
		{"0 0 31 2 *", "no such day"},
		{"0 0 31 4,6 *", "no such day"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct cron c;
		assert_int_equal(cron_parse(str_of(cases[i].cron), &c, &err), E_USAGE);
		if (strstr(err.message, cases[i].says) == NULL) fail_msg("'%s': %s", cases[i].cron, err.message);
	}
}

static bool fits(const struct cron *c, int64_t local)
{
	const int32_t date = time_utc_date(local);
	const int64_t minute = (local - date * US_PER_DAY) / (60 * US_PER_SECOND);
	const struct civil day = date_to_civil(date);
	const bool d = (c->days >> day.day & 1) != 0, w = (c->weekdays >> (date_weekday(date) + 1) % 7 & 1) != 0;
	return (c->minutes >> minute % 60 & 1) != 0 && (c->hours >> minute / 60 & 1) != 0 &&
	       (c->months >> day.month & 1) != 0 && (c->any_day || c->any_weekday ? d && w : d || w);
}

static int64_t local_of(const struct tz *tz, int64_t us)
{
	return us + tz_offset_at(tz, us) * US_PER_SECOND;
}

/* The definition, minute by minute: is it due at us? */
static bool due_by_definition(const struct cron *c, const struct tz *tz, int64_t us)
{
	const int64_t minute = 60 * US_PER_SECOND, local = local_of(tz, us), before = local_of(tz, us - minute);
	if (!c->every_hour) {
		for (int64_t skipped = before + minute; skipped < local; skipped += minute)
			if (fits(c, skipped)) return true;
		for (int64_t back = us - minute; back >= us - 3 * US_PER_HOUR; back -= minute)
			if (local_of(tz, back) == local) return false;
	}
	return fits(c, local);
}

static void as_defined_through_changes_of_clocks(void **state)
{
	(void)state;
	static const char *const zones[] = {
		"America/New_York", "Australia/Lord_Howe", "America/Bogota", "Europe/Madrid"};
	static const char *const starts[] = {
		"2025-03-08T00:00:00Z", "2025-10-04T00:00:00Z", "1993-02-01T00:00:00Z", "2026-10-24T00:00:00Z"};
	static const char *const crons[] = {"*/7 * * * *", "0,30 1-3 * * *", "15 */2 * * *", "30 2 * * sun",
		"0 0 * * *", "59 23 8-10 3 *", "1 2 * * 1-5"};
	for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
		struct tz *tz = zone(zones[z]);
		for (size_t i = 0; i < sizeof crons / sizeof crons[0]; i++) {
			const struct cron c = parsed(crons[i]);
			const int64_t start = at(starts[z]), end = start + 10 * US_PER_DAY;
			int64_t next = 0;
			assert_true(cron_next(&c, tz, start, &next));
			for (int64_t us = start + 60 * US_PER_SECOND; us < end; us += 60 * US_PER_SECOND) {
				if (!due_by_definition(&c, tz, us)) continue;
				if (next != us)
					fail_msg("'%s' in %s: expected %lld after the start, not %lld", crons[i],
						zones[z], (long long)((us - start) / 60000000),
						(long long)((next - start) / 60000000));
				if (!cron_next(&c, tz, us, &next)) next = INT64_MAX;
			}
			if (next < end) fail_msg("'%s' in %s: one too many", crons[i], zones[z]);
		}
		tz_destroy(tz);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_instants),
		cmocka_unit_test(refused_with_the_field),
		cmocka_unit_test(as_defined_through_changes_of_clocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
