/* The producer: pure draws, times that rise, users that grow; and the ratio of gold, which rounds half away from zero. */
#include "workloads/clickstream/produce.h"

#include "check.h"

#include "workloads/clickstream/gold.h"

static const struct clickstream_config config = {
	.seed = 42, .date_from = 20332, .date_to = 20340, .rate = 500000, .users = 100, .users_per_day = 20};

static void test_day(void **state)
{
	(void)state;
	const int64_t n = clickstream_events_of_day(&config);
	int64_t types[CLICK_TYPES] = {0}, active = 0, last = INT64_MIN, most = 0;
	const int32_t day = config.date_from + 3;
	CHECK_I64(n, 43200);
	for (int64_t i = 0; i < n; i++) {
		struct clickstream_made e;
		clickstream_make(&config, day, i, n, &e);
		assert_true(e.ts > last && time_utc_date(e.ts) == day);
		assert_true(e.page[0] == '/' && e.user >= 1 && e.user <= 100 + 3 * 20 + 20 * i / n);
		last = e.ts;
		types[e.type]++;
		active += (e.user + day) % 5 == 0;
		most = e.user > most ? e.user : most;
	}
	assert_true(types[CLICK_CLICK] > types[CLICK_LOGIN] && types[CLICK_LOGIN] > types[CLICK_PURCHASE]);
	assert_true(types[CLICK_PURCHASE] > 0 && types[CLICK_LOGOUT] > 0);
	assert_true(active * 100 > n * 79 && active * 100 < n * 81);
	assert_true(most > 160); /* grown since the first day, and within the day */
}

static void test_draws_are_pure(void **state)
{
	(void)state;
	struct clickstream_made a, b, other;
	struct clickstream_config seed = config;
	seed.seed++;
	clickstream_make(&config, 20335, 7, 43200, &a);
	clickstream_make(&config, 20335, 8, 43200, &other);
	clickstream_make(&config, 20335, 7, 43200, &b);
	assert_memory_equal(&a.id, &b.id, UUID_BYTES);
	CHECK_I64(a.ts, b.ts);
	CHECK_I64(a.user, b.user);
	assert_memory_not_equal(&a.id, &other.id, UUID_BYTES);
	clickstream_make(&seed, 20335, 7, 43200, &other);
	assert_memory_not_equal(&a.id, &other.id, UUID_BYTES);
	CHECK_I64(a.id[6] >> 4, 4);
	CHECK_I64(a.id[8] >> 6, 2);
}

static void test_few_users(void **state)
{
	(void)state;
	struct clickstream_config c = config;
	c.users_per_day = 0;
	for (c.users = 1; c.users <= 12; c.users++) {
		for (int32_t day = c.date_from; day < c.date_from + 5; day++) {
			for (int64_t i = 0; i < 300; i++) {
				struct clickstream_made e;
				clickstream_make(&c, day, i, 300, &e);
				assert_true(e.user >= 1 && e.user <= c.users);
			}
		}
	}
}

static void test_ratio(void **state)
{
	(void)state;
	static const struct {
		int64_t n, of, want;
	} cases[] = {{0, 3, 0}, {3, 3, 10000}, {1, 3, 3333}, {2, 3, 6667}, {1, 20000, 1}, {1, 20001, 0}, {3, 20000, 2},
		{INT64_MAX / 3, INT64_MAX, 3333}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		CHECK_I64(clickstream_ratio(cases[i].n, cases[i].of), cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_day), cmocka_unit_test(test_draws_are_pure),
		cmocka_unit_test(test_few_users), cmocka_unit_test(test_ratio)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
