#include "check.h"
#include "failing_io.h"

#include <sys/resource.h>
#include <time.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/time.h"

static struct tz *load(const char *name)
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

static void known_offsets(void **state)
{
	(void)state;
	static const struct {
		const char *zone, *instant;
		int32_t offset;
	} cases[] = {
		{"America/Bogota", "1900-01-01T00:00:00Z", -17776},
		{"America/Bogota", "1992-07-01T12:00:00Z", -4 * 3600}, /* daylight saving in 1992-93 */
		{"America/Bogota", "2025-09-01T12:00:00Z", -5 * 3600},
		{"America/Bogota", "9999-12-31T12:00:00Z", -5 * 3600},
		{"America/New_York", "2025-03-09T06:59:59.999999Z", -5 * 3600},
		{"America/New_York", "2025-03-09T07:00:00Z", -4 * 3600},
		{"America/New_York", "2025-11-02T05:59:59.999999Z", -4 * 3600},
		{"America/New_York", "2025-11-02T06:00:00Z", -5 * 3600},
		{"America/New_York", "2400-07-01T00:00:00Z", -4 * 3600}, /* after the table's end: the rule */
		{"America/New_York", "9998-01-15T00:00:00Z", -5 * 3600},
		{"America/New_York", "9998-07-15T00:00:00Z", -4 * 3600},
		{"Europe/Madrid", "2026-03-29T00:59:59Z", 3600},
		{"Europe/Madrid", "2026-03-29T01:00:00Z", 7200},
		{"Europe/Madrid", "2077-10-31T00:59:59Z", 7200},
		{"Europe/Madrid", "2077-10-31T01:00:00Z", 3600},
		{"Europe/Dublin", "2030-01-15T00:00:00Z", 0}, /* its standard time is the summer's */
		{"Europe/Dublin", "2030-07-15T00:00:00Z", 3600},
		{"Asia/Kathmandu", "2025-01-01T00:00:00Z", 20700},
		{"Australia/Lord_Howe", "2050-01-01T00:00:00Z", 39600},
		{"Australia/Lord_Howe", "2050-06-01T00:00:00Z", 37800},
		{"UTC", "2025-01-01T00:00:00Z", 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tz *tz = load(cases[i].zone);
		const int32_t got = tz_offset_at(tz, at(cases[i].instant));
		if (got != cases[i].offset)
			fail_msg("%s %s: %d, expected %d", cases[i].zone, cases[i].instant, got, cases[i].offset);
		tz_destroy(tz);
	}
}

static const char *const zones[] = {"America/Bogota", "America/New_York", "Europe/Madrid", "Europe/Dublin",
	"Africa/Casablanca", "Asia/Tehran", "America/Sao_Paulo", "America/St_Johns", "Australia/Lord_Howe",
	"Pacific/Apia", "Antarctica/Troll", "Asia/Gaza", "America/Nuuk", "Etc/GMT+5", "Asia/Kolkata", "America/Havana",
	"America/Santiago", "Pacific/Chatham"};

/* The C library reads the same files with other code. */
static void agrees_with_libc(void **state)
{
	(void)state;
	for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
		struct tz *tz = load(zones[z]);
		assert_int_equal(setenv("TZ", zones[z], 1), 0);
		tzset();
		for (uint32_t i = 0; i < 20000; i++) {
			/* Seconds from 1900 to 9990, most of them within a day of a change of some year's. */
			const struct rng4 r = rng_philox(7, i, (uint32_t)z, 0);
			const int32_t year = i % 2 == 0 ? 1900 + (int32_t)rng_below(r.v[0], 8090)
							: 1970 + (int32_t)rng_below(r.v[0], 120);
			const int64_t second =
				date_from_civil(year, 1, 1) * INT64_C(86400) + rng_below(r.v[1], 366 * 86400);
			const time_t t = (time_t)second;
			struct tm tm;
			assert_non_null(localtime_r(&t, &tm));
			const int32_t got = tz_offset_at(tz, second * US_PER_SECOND);
			if (got != tm.tm_gmtoff)
				fail_msg("%s %lld (year %d): %d, expected %ld", zones[z], (long long)second, year, got,
					tm.tm_gmtoff);
			assert_int_equal(tz_date(tz, second * US_PER_SECOND),
				date_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday));
		}
		tz_destroy(tz);
	}
	assert_int_equal(unsetenv("TZ"), 0);
}

/* Bounds of a day by their definition, searched hour by hour and then bisected. */
static void day_bounds_hold(void **state)
{
	(void)state;
	for (size_t z = 0; z < sizeof zones / sizeof zones[0]; z++) {
		struct tz *tz = load(zones[z]);
		for (int32_t date = date_from_civil(1987, 1, 1); date < date_from_civil(2030, 1, 1); date++) {
			const int64_t start = tz_day_start(tz, date);
			const int64_t end = tz_day_end(tz, date);
			if (start == end + 1) continue; /* skipped by the zone: tested by name below */
			if (tz_date(tz, start) != date || tz_date(tz, start - 1) >= date || tz_date(tz, end) != date ||
				tz_date(tz, end + 1) <= date)
				fail_msg("%s day %d: %lld..%lld", zones[z], date, (long long)start, (long long)end);
		}
		tz_destroy(tz);
	}
}

static void day_bounds_known(void **state)
{
	(void)state;
	static const struct {
		const char *zone, *date, *start, *end;
	} cases[] = {
		{"America/Bogota", "2026-02-28", "2026-02-28T05:00:00Z", "2026-03-01T04:59:59.999999Z"},
		{"America/New_York", "2025-03-09", "2025-03-09T05:00:00Z", "2025-03-10T03:59:59.999999Z"},
		{"America/New_York", "2025-11-02", "2025-11-02T04:00:00Z", "2025-11-03T04:59:59.999999Z"},
		{"America/New_York", "2599-07-04", "2599-07-04T04:00:00Z", "2599-07-05T03:59:59.999999Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z",
			"2018-11-05T01:59:59.999999Z"}, /* midnight did not exist */
		{"Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T09:59:59.999999Z"},
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T09:59:59.999999Z"}, /* skipped */
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T09:59:59.999999Z"},
		/* At 00:01 the clock went back to 23:01: the 7th has a first minute before the 6th ends. */
		{"America/St_Johns", "2010-11-06", "2010-11-06T02:30:00Z", "2010-11-07T03:29:59.999999Z"},
		{"America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", "2010-11-08T03:29:59.999999Z"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct tz *tz = load(cases[i].zone);
		int32_t date = 0;
		char start[TIME_RFC3339_CHARS];
		char end[TIME_RFC3339_CHARS];
		assert_true(date_parse(str_of(cases[i].date), &date));
		time_format(tz_day_start(tz, date), start);
		time_format(tz_day_end(tz, date), end);
		if (tz_day_start(tz, date) != at(cases[i].start))
			fail_msg("%s %s starts %.27s", cases[i].zone, cases[i].date, start);
		if (tz_day_end(tz, date) != at(cases[i].end))
			fail_msg("%s %s ends %.27s", cases[i].zone, cases[i].date, end);
		tz_destroy(tz);
	}
}

static void names_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "/etc/passwd", "../zoneinfo/UTC", "America/../UTC", "America//Bogota",
		"America/", "America", "America/Bogotá", "America/Bogota\n", "Mars/Olympus", "zone.tab", ".."};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err err = {0};
		struct tz *tz = NULL;
		if (tz_load(bad[i], &tz, &err) != E_USAGE) fail_msg("\"%s\": %s", bad[i], status_name(err.code));
		assert_null(tz);
		assert_true(strlen(err.message) > 0);
	}
}

/* A zone that is there and cannot be read is not called missing. */
static void unreadable_zone(void **state)
{
	(void)state;
	struct rlimit before, none;
	struct err err = {0};
	struct tz *tz = NULL;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	const status code = tz_load("America/Bogota", &tz, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK_FAILS(E_IO, code);
	assert_null(tz);
	assert_non_null(strstr(err.message, "Too many open files; raise the limit of open files"));
	assert_null(strstr(err.message, "no zone"));
	/* nor one on a disk that fails: at the opening, and at each read */
	int64_t n = 0;
	do {
		err_clear(&err);
		io_fail_at(++n, true);
		const status failed = tz_load("America/Bogota", &tz, &err);
		io_fail_at(0, false);
		if (io_hits == 0) break;
		CHECK_FAILS(E_IO, failed);
		assert_non_null(strstr(err.message, "Input/output error"));
		assert_null(strstr(err.message, "no zone"));
	} while (n < 100);
	assert_true(n > 2);
	tz_destroy(tz);
}

static void read_zone(const char *name, struct buf *out)
{
	char path[256];
	struct err err = {0};
	const char *dir = getenv("TZDIR");
	(void)snprintf(path, sizeof path, "%s/%s", dir != NULL ? dir : "/usr/share/zoneinfo", name);
	CHECK_OK(&err, file_read(path, 1 << 20, out, &err));
}

/* A cut file is refused; a file with any byte changed is refused or gives a zone that can be asked. */
static void hostile_files(void **state)
{
	(void)state;
	struct buf file;
	buf_init(&file, 0);
	read_zone("America/New_York", &file);
	for (size_t n = 0; n < file.n; n++) {
		struct tz *tz = NULL;
		uint8_t *copy = malloc(n + 1);
		assert_non_null(copy);
		memcpy(copy, file.p, n);
		CHECK_FAILS(E_CORRUPT, tz_parse(copy, n, &tz, NULL));
		free(copy);
	}
	size_t refused = 0;
	for (size_t i = 0; i < file.n * 4; i++) {
		static const uint8_t values[] = {0, 1, 0x7f, 0xff};
		struct tz *tz = NULL;
		const uint8_t before = file.p[i / 4];
		file.p[i / 4] = values[i % 4];
		if (tz_parse(file.p, file.n, &tz, NULL) != OK) {
			refused++;
		} else {
			for (int64_t us = DATE_MIN * US_PER_DAY; us < DATE_MAX * US_PER_DAY; us += 997 * US_PER_DAY) {
				const int32_t offset = tz_offset_at(tz, us);
				assert_in_range(offset + 100000, 0, 200000);
			}
			tz_destroy(tz);
		}
		file.p[i / 4] = before;
	}
	assert_true(refused > 100);
	buf_deinit(&file);
}

/* A file made here: no table, only a rule. Daylight saving all the year must give one offset. */
static status parse_footer(const char *footer, struct tz **out, struct err *err)
{
	uint8_t file[44 + 7 + 44 + 7 + 128] = {0};
	size_t n = 0;
	for (int block = 0; block < 2; block++) {
		memcpy(file + n, "TZif2", 5);
		file[n + 39] = 1; /* one type */
		file[n + 43] = 1; /* one byte of abbreviations */
		n += 44 + 7;
	}
	memcpy(file + n, footer, strlen(footer));
	return tz_parse(file, n + strlen(footer), out, err);
}

static void footers(void **state)
{
	(void)state;
	static const struct {
		const char *footer, *instant;
		int32_t offset;
	} good[] = {
		{"\n<-05>5\n", "2025-01-01T00:00:00Z", -18000},
		{"\n\n", "2025-01-01T00:00:00Z", 0},
		{"\nEST5EDT,0/0,J365/25\n", "2025-01-01T04:59:59Z", -14400},
		{"\nEST5EDT,0/0,J365/25\n", "2025-07-01T00:00:00Z", -14400},
		{"\nEST5EDT,0/0,J365/25\n", "2025-12-31T23:59:59Z", -14400},
		{"\nXXX3YYY2:30:15,J60/0,J61/0\n", "2024-03-01T02:59:59Z",
			-10800}, /* J60 is 1 March in leap years, too */
		{"\nXXX3YYY2:30:15,J60/0,J61/0\n", "2024-03-01T03:00:00Z", -9015},
		{"\nXXX3YYY2:30:15,59/0,60/0\n", "2024-02-29T03:00:00Z", -9015}, /* day 59 is 29 February */
		{"\nXXX0YYY,M2.5.0/-167,M3.1.0/167\n", "2025-02-16T01:00:00Z",
			3600}, /* the last Sunday of February is the 23rd */
		{"\nXXX0YYY,M2.5.0/-167,M3.1.0/167\n", "2025-02-16T00:59:59Z", 0},
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct err err = {0};
		struct tz *tz = NULL;
		CHECK_OK(&err, parse_footer(good[i].footer, &tz, &err));
		const int32_t got = tz_offset_at(tz, at(good[i].instant));
		if (got != good[i].offset)
			fail_msg("%s %s: %d, expected %d", good[i].footer, good[i].instant, got, good[i].offset);
		tz_destroy(tz);
	}
	static const char *const bad[] = {"", "\n", "\nEST5", "EST5\n", "\nES5\n", "\nEST\n", "\nEST25\n",
		"\nEST5EDT\n", "\nEST5EDT,M3.2.0\n", "\nEST5EDT,M13.2.0,M11.1.0\n", "\nEST5EDT,M3.6.0,M11.1.0\n",
		"\nEST5EDT,J0,J5\n", "\nEST5EDT,J366,J5\n", "\nEST5EDT,366,5\n", "\nEST5EDT,M3.2.0/168,M11.1.0\n",
		"\n<>5\n", "\n<-05 5\n", "\nEST5 \n", "\nEST5EDT,M3.2.0,M11.1.0,\n"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct tz *tz = NULL;
		if (parse_footer(bad[i], &tz, NULL) != E_CORRUPT) fail_msg("accepted: %s", bad[i]);
	}
}

int main(void)
{
	struct tz *probe = NULL;
	if (tz_load("America/Bogota", &probe, NULL) != OK) {
		printf("SKIPPED: no tz database on this machine\n");
		return 0;
	}
	tz_destroy(probe);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_offsets),
		cmocka_unit_test(agrees_with_libc),
		cmocka_unit_test(day_bounds_hold),
		cmocka_unit_test(day_bounds_known),
		cmocka_unit_test(names_refused),
		cmocka_unit_test(unreadable_zone),
		cmocka_unit_test(hostile_files),
		cmocka_unit_test(footers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
