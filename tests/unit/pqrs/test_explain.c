/* The days between reception and due date, told apart; what it says of a ticket is what the clock says. */
#include "check.h"
#include "fixture.h"
#include "workloads/pqrs/silver/explain.h"

static struct pqrs_config cfg;

static int setup(void **state)
{
	(void)state;
	fixture_clock(&cfg);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_clock_free(&cfg);
	return 0;
}

struct step {
	const char *ts;
	unsigned from, to;
};

/* One letter a day: c counted, w week-end, f holiday, h hold, s stop, x extended. */
static void check(const struct step *steps, size_t n, const char *want)
{
	static const char letters[EXPLAIN_REASONS] = {'c', 'w', 'f', 'h', 's', 'x'};
	struct explain_change changes[16];
	struct arena arena;
	struct explain x;
	struct err err;
	char got[256] = "";
	arena_init(&arena, 0);
	for (size_t i = 0; i < n; i++)
		changes[i] = (struct explain_change){bog(steps[i].ts), steps[i].from, steps[i].to};
	const struct explain_ticket t = {.created_at = bog("2026-03-24T08:00:00"),
		.changes = changes,
		.n = n,
		.subject = {TYPE_R, REQUEST_GENERAL},
		.as_of = bog("2026-04-30T23:59:59.999999")};
	CHECK_OK(&err, explain_ticket(&cfg, &t, &arena, &x, &err));
	int32_t counted = 0;
	assert_true(x.n_days < sizeof got);
	for (size_t i = 0; i < x.n_days; i++) {
		got[i] = letters[x.days[i].reason];
		CHECK_I64(x.days[i].date, x.received + 1 + (int32_t)i);
		counted += x.days[i].reason == EXPLAIN_COUNTED;
		if (x.days[i].reason == EXPLAIN_COUNTED) CHECK_I64(x.days[i].n, counted);
	}
	assert_string_equal(got, want);
	struct sla_result s;
	sla_settle(&cfg, &x.state, &t.subject, t.as_of, &s);
	CHECK_I64(s.due_at, x.sla.due_at);
	CHECK_I64(s.hold_days, x.sla.hold_days);
	if (x.n_days > 0) CHECK_I64(tz_date(cfg.tz, s.due_at), x.days[x.n_days - 1].date);
	arena_deinit(&arena);
}

#define RADICATED                                                      \
	{                                                              \
		"2026-03-24T09:00:00", STATE_RECEIVED, STATE_RADICATED \
	}
#define TO_WORK                                                                \
	RADICATED, {"2026-03-24T10:00:00", STATE_RADICATED, STATE_CLASSIFIED}, \
		{"2026-03-24T11:00:00", STATE_CLASSIFIED, STATE_ASSIGNED},     \
	{                                                                      \
		"2026-03-24T12:00:00", STATE_ASSIGNED, STATE_IN_PROGRESS       \
	}
#define CHECK_DAYS(want, ...)                                         \
	do {                                                          \
		const struct step steps[] = {__VA_ARGS__};            \
		check(steps, sizeof steps / sizeof steps[0], (want)); \
	} while (0)

static void days(void **state)
{
	(void)state;
	/* From Tue 24 March 2026, 8 business days; 2 and 3 April are holidays. */
	check(NULL, 0, "");
	CHECK_DAYS("cccwwcccffwwcc", RADICATED);
	/* Held from Wed 1 to Mon 6 April: that Monday. */
	CHECK_DAYS("cccwwcccffwwhcc", TO_WORK, {"2026-04-01T17:00:00", STATE_IN_PROGRESS, STATE_ON_HOLD},
		{"2026-04-06T08:00:00", STATE_ON_HOLD, STATE_IN_PROGRESS});
	/* Held over a week-end, and a second time on one day: nothing. */
	CHECK_DAYS("cccwwcccffwwcc", TO_WORK, {"2026-03-27T17:00:00", STATE_IN_PROGRESS, STATE_ON_HOLD},
		{"2026-03-29T08:00:00", STATE_ON_HOLD, STATE_IN_PROGRESS},
		{"2026-03-30T08:00:00", STATE_IN_PROGRESS, STATE_ON_HOLD},
		{"2026-03-30T18:00:00", STATE_ON_HOLD, STATE_IN_PROGRESS});
	/* Answered on Thu 26 March, closed, reopened on Tue 31: Fri, Mon and Tue. */
	CHECK_DAYS("ccswwsscffwwccccc", TO_WORK, {"2026-03-26T10:00:00", STATE_IN_PROGRESS, STATE_RESPONDED},
		{"2026-03-27T10:00:00", STATE_RESPONDED, STATE_CLOSED},
		{"2026-03-31T10:00:00", STATE_CLOSED, STATE_REOPENED});
	/* Answered for good: days after the answer are shown as they would have counted. */
	CHECK_DAYS("cccwwcccffwwcc", TO_WORK, {"2026-03-26T10:00:00", STATE_IN_PROGRESS, STATE_RESPONDED});
	/* Held only after the term had run out on Tue 7 April: two days are given back before they were held. */
	CHECK_DAYS("cccwwcccffwwccxx", TO_WORK, {"2026-04-13T10:00:00", STATE_IN_PROGRESS, STATE_ON_HOLD},
		{"2026-04-15T10:00:00", STATE_ON_HOLD, STATE_IN_PROGRESS});
	/* Of one instant, told in any order. */
	CHECK_DAYS("cccwwcccffwwcc", {"2026-03-24T09:00:00", STATE_CLASSIFIED, STATE_ASSIGNED},
		{"2026-03-24T09:00:00", STATE_RADICATED, STATE_CLASSIFIED},
		{"2026-03-24T09:00:00", STATE_RECEIVED, STATE_RADICATED});
}

static void broken(void **state)
{
	(void)state;
	struct arena arena;
	struct explain x;
	struct explain_change change = {bog("2026-03-25T08:00:00"), STATE_CLOSED, STATE_ARCHIVED};
	const struct explain_ticket t = {.created_at = bog("2026-03-24T08:00:00"), .changes = &change, .n = 1};
	arena_init(&arena, 0);
	CHECK_FAILS(E_CORRUPT, explain_ticket(&cfg, &t, &arena, &x, NULL));
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days),
		cmocka_unit_test(broken),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
