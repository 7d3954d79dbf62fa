/* Dates of instants in zones, as SQLite finds them by the SQL and as base/tz.c does. */
#include "server/local_date.h"

#include "check.h"
#include "control/control_pool.h"

struct fixture {
	char dir[64];
	struct arena arena;
	struct control_pool *pool;
	struct tz *tz;
	struct local_offsets zone;
	struct buf sql;
};

static void begin(struct fixture *f, const char *zone)
{
	char uri[96];
	struct err err;
	*f = (struct fixture){.pool = NULL};
	(void)check_tmpdir(f->dir);
	(void)snprintf(uri, sizeof uri, "sqlite:%s/control.db", f->dir);
	arena_init(&f->arena, 0);
	assert_int_equal(control_pool_create(uri, 1, &f->pool, &err), OK);
	assert_int_equal(tz_load(zone, &f->tz, &err), OK);
	assert_int_equal(local_offsets_make(f->tz, &f->arena, &f->zone, &err), OK);
	buf_init(&f->sql, 0);
	buf_str(&f->sql, "SELECT ");
	local_date_sql(&f->sql, TABLE_SQLITE, STR("t.x"), &f->zone);
	buf_str(&f->sql, " AS d FROM (SELECT $1 AS x) AS t");
	buf_char(&f->sql, '\0');
}

static void done(struct fixture *f)
{
	buf_deinit(&f->sql);
	tz_destroy(f->tz);
	control_pool_destroy(f->pool);
	arena_deinit(&f->arena);
	check_rmdir(f->dir);
}

static status on_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	(void)n;
	(void)err;
	assert_int_equal(values[0].text.n, DATE_CHARS);
	memcpy(arg, values[0].text.p, DATE_CHARS);
	return OK;
}

static void date_is_that_of_the_zone(struct fixture *f, int64_t us)
{
	char text[TIME_RFC3339_CHARS + 1] = "";
	char want[DATE_CHARS + 1] = "";
	char got[DATE_CHARS + 1] = "";
	struct err err;
	const char *param = text;
	const struct control_select q = {(const char *)f->sql.p, &param, 1};
	time_format(us, text);
	date_format(tz_date(f->tz, us), want);
	assert_int_equal(control_pool_query(f->pool, &q, on_row, got, &err), OK);
	if (strcmp(got, want) != 0) fail_msg("%s: expected %s, found %s", text, want, got);
}

/* Does the offset change about then? */
static bool is_near_change(const struct tz *tz, int64_t us)
{
	return tz_offset_at(tz, us - 3 * US_PER_DAY) != tz_offset_at(tz, us + 3 * US_PER_DAY);
}

/* Both sides of midnight, the last microsecond of a day and the first of the next: of the days about changes, and some others. */
static void check_days(const char *zone, int32_t year, int32_t n_days)
{
	struct fixture f;
	begin(&f, zone);
	const int32_t first = date_from_civil(year, 1, 1);
	for (int32_t date = first; date < first + n_days; date++) {
		const int64_t end = tz_day_end(f.tz, date);
		if (!is_near_change(f.tz, end) && date % 32 != 0) continue;
		date_is_that_of_the_zone(&f, end);
		date_is_that_of_the_zone(&f, end + 1);
	}
	done(&f);
}

static void with_daylight_saving(void **state)
{
	(void)state;
	check_days("America/New_York", 2025, 366);
	check_days("Pacific/Auckland", 2026, 366);
	check_days("America/Santiago", 2025, 366); /* it begins at midnight */
}

static void without(void **state)
{
	struct fixture f;
	(void)state;
	check_days("America/Bogota", 2025, 30);
	check_days("Asia/Kathmandu", 2025, 30);
	begin(&f, "America/Bogota");
	assert_true(f.zone.n > 1); /* it had daylight saving in 1992 */
	date_is_that_of_the_zone(&f, tz_day_end(f.tz, date_from_civil(1992, 7, 1)));
	done(&f);
}

static void far_away(void **state)
{
	(void)state;
	check_days("America/New_York", 1974, 366);
	check_days("Europe/London", 2097, 366);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_daylight_saving),
		cmocka_unit_test(without),
		cmocka_unit_test(far_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
