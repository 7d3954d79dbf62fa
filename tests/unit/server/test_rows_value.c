/* Values as texts: decimals and integers are what printf would write, whichever way they are written. */
#include "server/rows_value.h"

#include <math.h>
#include <stdio.h>

#include "check.h"

static void decimal_is(double v, int scale, const char *want)
{
	char room[ROWS_NUMBER_MAX];
	char printed[512];
	const struct column_def column = {.type = COL_DECIMAL, .precision = 18, .scale = (uint8_t)scale};
	const struct control_value value = {.kind = CONTROL_REAL, .real = v};
	const struct str s = rows_value_text(&column, &value, room);
	(void)snprintf(printed, sizeof printed, "%.*f", scale, v);
	if (want == NULL) want = printed;
	if (!str_is(s, want)) fail_msg("%a at scale %d: %.*s, not %s", v, scale, (int)s.n, s.p, want);
}

static double next_up(double v)
{
	int64_t bits;
	memcpy(&bits, &v, sizeof bits);
	bits++;
	memcpy(&v, &bits, sizeof v);
	return v;
}

static void writes_decimals(void **state)
{
	(void)state;
	decimal_is(0, 2, "0.00");
	decimal_is(-0.0, 2, "-0.00");
	decimal_is(0.05, 2, "0.05");
	decimal_is(-1.5, 1, "-1.5");
	decimal_is(99.999, 2, "100.00");
	decimal_is(0.125, 2, "0.12"); /* an exact half goes to the even digit */
	decimal_is(7, 0, "7");
	decimal_is(123456789012.25, 2, "123456789012.25");
	decimal_is(NAN, 2, NULL);
	double power = 1;
	for (int scale = 0; scale <= 8; scale++, power *= 10) {
		uint64_t x = 88172645463325252u;
		for (int i = 0; i < 4000; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			const double v = (double)(int64_t)(x % 2000000000001u - 1000000000000u) / power;
			decimal_is(v, scale, NULL);
			decimal_is(next_up(v), scale, NULL);
			decimal_is((double)(int64_t)x / 3e15, scale, NULL);
		}
	}
}

static void integer_is(int64_t v, const char *want)
{
	char room[ROWS_NUMBER_MAX];
	const struct column_def column = {.type = COL_INT64};
	const struct control_value value = {.kind = CONTROL_INT, .i = v};
	const struct str s = rows_value_text(&column, &value, room);
	if (!str_is(s, want)) fail_msg("%lld: %.*s", (long long)v, (int)s.n, s.p);
}

static void writes_integers(void **state)
{
	(void)state;
	integer_is(0, "0");
	integer_is(-7, "-7");
	integer_is(10, "10");
	integer_is(INT64_MAX, "9223372036854775807");
	integer_is(INT64_MIN, "-9223372036854775808");
}

/* More digits than there is room for are cut, not read from behind it. */
static void bounds_decimals(void **state)
{
	(void)state;
	char room[ROWS_NUMBER_MAX];
	const struct column_def column = {.type = COL_DECIMAL, .precision = 18, .scale = 2};
	const struct control_value value = {.kind = CONTROL_REAL, .real = 1e300};
	assert_true(rows_value_text(&column, &value, room).n < ROWS_NUMBER_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_decimals),
		cmocka_unit_test(writes_integers),
		cmocka_unit_test(bounds_decimals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
