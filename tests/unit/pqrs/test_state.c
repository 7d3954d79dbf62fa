#include "workloads/pqrs/silver/state.h"

#include "check.h"
#include "fixture.h"
#include "workloads/pqrs/silver/sla.h"

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
	unsigned to;
};

static struct ticket_state play(const char *created, const struct step *steps, size_t n)
{
	struct ticket_state t = {0};
	CHECK_I64(state_created(&t, bog(created), 0), REASON_NONE);
	for (size_t i = 0; i < n; i++)
		CHECK_I64(state_changed(&t, &cfg, bog(steps[i].ts), t.state, steps[i].to), REASON_NONE);
	return t;
}

#define STEPS(...) (const struct step[]){__VA_ARGS__}, sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step)

static void test_transitions(void **state)
{
	(void)state;
	static const char *const allowed[STATE_N] = {
		/* from -> one letter a target, by index */
		[STATE_RECEIVED] = "1",
		[STATE_RADICATED] = "2",
		[STATE_CLASSIFIED] = "3",
		[STATE_ASSIGNED] = "4",
		[STATE_IN_PROGRESS] = "56",
		[STATE_ON_HOLD] = "4",
		[STATE_RESPONDED] = "7",
		[STATE_CLOSED] = "89",
		[STATE_ARCHIVED] = "",
		[STATE_REOPENED] = "4",
	};
	for (unsigned from = 0; from < STATE_N; from++) {
		for (unsigned to = 0; to < STATE_N + 2; to++) {
			struct ticket_state t = {0};
			CHECK_I64(state_created(&t, 1000, 0), REASON_NONE);
			t.state = (uint8_t)from;
			const struct ticket_state before = t;
			const bool want = to < STATE_N && strchr(allowed[from], (int)('0' + to)) != NULL;
			const enum pqrs_reason got = state_changed(&t, &cfg, 2000, from, to);
			if (got != (want ? REASON_NONE : REASON_INVALID_TRANSITION))
				fail_msg("%u -> %u: %s", from, to, pqrs_reason_names[got]);
			CHECK_I64(t.state, want ? to : from);
			CHECK_I64(t.last_update, want ? 2000 : 1000);
			CHECK_I64(t.since, want ? 2000 : before.since);
			/* From a state the ticket is not in. */
			t = before;
			CHECK_I64(state_changed(&t, &cfg, 2000, (from + 1) % STATE_N, to), REASON_INVALID_TRANSITION);
			CHECK_I64(t.state, from);
			CHECK_I64(state_changed(&t, &cfg, 2000, 255, to), REASON_INVALID_TRANSITION);
		}
	}
}

static void test_order(void **state)
{
	(void)state;
	struct ticket_state t = {0};
	CHECK_I64(state_changed(&t, &cfg, 5, STATE_RECEIVED, STATE_RADICATED), REASON_ORPHAN);
	CHECK_I64(state_message(&t, 5, true), REASON_ORPHAN);
	CHECK_I64(state_attachment(&t, 5), REASON_ORPHAN);
	CHECK_I64(state_created(&t, 100, 0), REASON_NONE);
	CHECK_I64(state_created(&t, 200, 0), REASON_DUPLICATE_CREATION);
	CHECK_I64(t.created_at, 100);
	CHECK_I64(state_changed(&t, &cfg, 99, STATE_RECEIVED, STATE_RADICATED), REASON_OUT_OF_ORDER);
	CHECK_I64(state_message(&t, 99, true), REASON_OUT_OF_ORDER);
	CHECK_I64(state_attachment(&t, 99), REASON_OUT_OF_ORDER);
	CHECK_I64(t.messages + t.attachments + t.changes, 0);
	assert_false(t.change_seen);
	CHECK_I64(state_changed(&t, &cfg, 100, STATE_RECEIVED, STATE_RADICATED),
		REASON_NONE); /* the same instant is fine */
	CHECK_I64(state_message(&t, 150, false), REASON_NONE);
	CHECK_I64(t.first_response_at, STATE_NEVER);
	CHECK_I64(state_message(&t, 160, true), REASON_NONE);
	CHECK_I64(state_message(&t, 170, true), REASON_NONE);
	CHECK_I64(t.first_response_at, 160);
	CHECK_I64(t.messages, 3);
	CHECK_I64(state_attachment(&t, 180), REASON_NONE);
	CHECK_I64(t.attachments, 1);
	CHECK_I64(t.last_update, 180);
	assert_false(t.first_not_received);
	struct ticket_state u = {0};
	CHECK_I64(state_created(&u, 1, 0), REASON_NONE);
	CHECK_I64(state_changed(&u, &cfg, 2, STATE_ASSIGNED, STATE_IN_PROGRESS), REASON_INVALID_TRANSITION);
	assert_true(u.first_not_received);
	CHECK_I64(state_changed(&u, &cfg, 3, STATE_RECEIVED, STATE_RADICATED), REASON_NONE);
	assert_true(u.first_not_received);
}

/* What the clock says of whole lives. Times are Bogotá's. */
static void test_lives(void **state)
{
	(void)state;
	const int64_t hour = 3600;
	static const struct step life[] = {
		{"2025-09-01T09:00:00", STATE_RADICATED},
		{"2025-09-01T10:00:00", STATE_CLASSIFIED},
		{"2025-09-01T11:00:00", STATE_ASSIGNED},
		{"2025-09-01T12:00:00", STATE_IN_PROGRESS},
		{"2025-09-05T12:00:00", STATE_ON_HOLD},
		{"2025-09-10T12:00:00", STATE_IN_PROGRESS},
		{"2025-09-11T12:00:00", STATE_RESPONDED},
		{"2025-09-12T12:00:00", STATE_CLOSED},
		{"2025-09-13T12:00:00", STATE_REOPENED},
		{"2025-09-14T12:00:00", STATE_IN_PROGRESS},
		{"2025-09-15T12:00:00", STATE_RESPONDED},
		{"2025-09-16T12:00:00", STATE_CLOSED},
		{"2025-09-17T12:00:00", STATE_ARCHIVED},
	};
	struct sla_result s;
	/* Archived: the clock ran 3 + 96 hours, stood for the hold, ran 24 to the answer, stood until it was reopened, and ran 48. */
	const struct sla_subject r = {TYPE_R, REQUEST_GENERAL};
	struct ticket_state t = play("2025-09-01T08:00:00", life, 13);
	sla_settle(&cfg, &t, &r, bog("2025-09-30T23:59:59.999999"), &s);
	CHECK_I64(s.elapsed_seconds, (3 + 96 + 24 + 48) * hour);
	CHECK_I64(s.hold_days, 3 + 1); /* Fri 5 to Wed 10: Mon, Tue, Wed; Thu 11, answered, to Sat 13, reopened: Fri */
	CHECK_I64(s.closed_at, bog("2025-09-16T12:00:00"));
	CHECK_I64(s.archived_at, bog("2025-09-17T12:00:00"));
	CHECK_I64(t.responded_at, bog("2025-09-15T12:00:00"));
	CHECK_I64(t.answered_at, bog("2025-09-15T12:00:00")); /* closing and archiving change nothing */
	CHECK_I64(t.reopened, 1);
	CHECK_I64(s.term, 8);
	CHECK_I64(s.due_at, bog("2025-09-17T23:59:59.999999")); /* 8 + 4 business days after Mon 1 */
	CHECK_I64(s.status, SLA_STATUS_IN_TIME);
	CHECK_I64(s.risk, SLA_RISK_NONE);
	/* Reopened and still open: no closed_at, no answer, risk is back. */
	t = play("2025-09-01T08:00:00", life, 10);
	sla_settle(&cfg, &t, &r, bog("2025-09-14T18:00:00"), &s);
	CHECK_I64(s.closed_at, STATE_NEVER);
	CHECK_I64(t.answered_at, STATE_NEVER);
	CHECK_I64(s.elapsed_seconds, (3 + 96 + 24 + 24 + 6) * hour);
	CHECK_I64(s.hold_days, 4);
	CHECK_I64(s.risk, SLA_RISK_HEALTHY); /* Mon 15, Tue 16, Wed 17 are left */
	/* as_of inside the hold: business days up to it count, the clock stands. */
	t = play("2025-09-01T08:00:00", life, 5);
	sla_settle(&cfg, &t, &(struct sla_subject){TYPE_R, REQUEST_GENERAL}, bog("2025-09-08T18:00:00"), &s);
	CHECK_I64(s.hold_days, 1);
	CHECK_I64(s.elapsed_seconds, (3 + 96) * hour);
	CHECK_I64(s.due_at, bog("2025-09-12T23:59:59.999999"));
	/* as_of before the last change: an open interval has no negative length. */
	sla_settle(&cfg, &t, &(struct sla_subject){TYPE_R, REQUEST_GENERAL}, bog("2025-09-02T18:00:00"), &s);
	CHECK_I64(s.hold_days, 0);
	CHECK_I64(s.elapsed_seconds, (3 + 96) * hour);
	/* Never radicated. */
	t = play("2025-09-01T08:00:00", life, 0);
	sla_settle(&cfg, &t, &(struct sla_subject){TYPE_R, REQUEST_GENERAL}, bog("2026-02-28T23:59:59.999999"), &s);
	CHECK_I64(s.status, SLA_STATUS_NOT_STARTED);
	CHECK_I64(s.due_at, STATE_NEVER);
	CHECK_I64(s.elapsed_seconds, 0);
	CHECK_I64(s.risk, SLA_RISK_HEALTHY);
	/* Answered, then nothing: the clock stopped, and a stop that nobody undid is no hold. */
	for (size_t n = 7; n <= 8; n++) {
		t = play("2025-09-01T08:00:00", life, n);
		sla_settle(&cfg, &t, &r, bog("2026-02-28T23:59:59.999999"), &s);
		CHECK_I64(s.elapsed_seconds, (3 + 96 + 24) * hour);
		CHECK_I64(s.hold_days, 3);
		CHECK_I64(t.answered_at, bog("2025-09-11T12:00:00"));
		CHECK_I64(s.closed_at, n == 8 ? bog("2025-09-12T12:00:00") : STATE_NEVER);
		CHECK_I64(s.archived_at, STATE_NEVER);
		CHECK_I64(s.status, SLA_STATUS_IN_TIME);
		CHECK_I64(s.risk, SLA_RISK_NONE);
	}
}

/* The state machine decides what stops the clock: with RESPONDED as RUN it is the closing, with CLOSED as NONE nothing is. */
static void test_behaviours(void **state)
{
	(void)state;
	static const struct step life[] = {
		{"2025-09-01T09:00:00", STATE_RADICATED},
		{"2025-09-01T10:00:00", STATE_CLASSIFIED},
		{"2025-09-01T11:00:00", STATE_ASSIGNED},
		{"2025-09-01T12:00:00", STATE_IN_PROGRESS},
		{"2025-09-11T12:00:00", STATE_RESPONDED},
		{"2025-09-12T12:00:00", STATE_CLOSED},
		{"2025-09-15T12:00:00", STATE_REOPENED},
	};
	static const struct {
		enum sla_behaviour responded, closed;
		size_t steps;
		const char *answered; /* NULL: not */
		int32_t hold_days, hours;
		enum sla_status status;
	} cases[] = {
		{SLA_STOP, SLA_STOP, 6, "2025-09-11T12:00:00", 0, 243, SLA_STATUS_IN_TIME},
		{SLA_RUN, SLA_STOP, 6, "2025-09-12T12:00:00", 0, 267, SLA_STATUS_LATE}, /* due Thu 11 */
		{SLA_RUN, SLA_NONE, 6, NULL, 0, 267, SLA_STATUS_LATE},
		{SLA_STOP, SLA_NONE, 6, "2025-09-11T12:00:00", 0, 243, SLA_STATUS_IN_TIME},
		{SLA_STOP, SLA_PAUSE, 6, NULL, 1 + 12, 243, SLA_STATUS_IN_TIME}, /* a pause is no answer: due Tue 30 */
		{SLA_PAUSE, SLA_STOP, 6, "2025-09-12T12:00:00", 1, 243, SLA_STATUS_IN_TIME},
		{SLA_STOP, SLA_STOP, 7, NULL, 2, 243 + 15 * 24 + 11, SLA_STATUS_LATE}, /* Fri 12, Mon 15 */
		{SLA_STOP, SLA_NONE, 7, NULL, 2, 243 + 15 * 24 + 11, SLA_STATUS_LATE},
		{SLA_RUN, SLA_STOP, 7, NULL, 1, 267 + 15 * 24 + 11, SLA_STATUS_LATE},
	};
	const enum sla_behaviour before[2] = {cfg.states[STATE_RESPONDED].sla, cfg.states[STATE_CLOSED].sla};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sla_result s;
		cfg.states[STATE_RESPONDED].sla = cases[i].responded;
		cfg.states[STATE_CLOSED].sla = cases[i].closed;
		const struct ticket_state t = play("2025-09-01T08:00:00", life, cases[i].steps);
		sla_settle(&cfg, &t, &(struct sla_subject){TYPE_R, REQUEST_GENERAL}, bog("2025-09-30T23:59:59.999999"),
			&s);
		const int64_t answered = cases[i].answered != NULL ? bog(cases[i].answered) : STATE_NEVER;
		if (t.answered_at != answered || s.hold_days != cases[i].hold_days || s.status != cases[i].status ||
			s.elapsed_seconds / 3600 != cases[i].hours)
			fail_msg("case %zu: answered %d, %d hold days, %lld hours, %s", i, t.answered_at == answered,
				(int)s.hold_days, (long long)s.elapsed_seconds / 3600, sla_status_names[s.status]);
	}
	cfg.states[STATE_RESPONDED].sla = before[0];
	cfg.states[STATE_CLOSED].sla = before[1];
	/* Closed from RECEIVED, where a configured machine lets it: answered, without a term. */
	struct sla_result s;
	cfg.transitions[STATE_RECEIVED][STATE_CLOSED] = true;
	static const struct step straight[] = {{"2025-09-12T12:00:00", STATE_CLOSED}};
	const struct ticket_state t = play("2025-09-01T08:00:00", straight, 1);
	cfg.transitions[STATE_RECEIVED][STATE_CLOSED] = false;
	sla_settle(&cfg, &t, &(struct sla_subject){TYPE_R, REQUEST_GENERAL}, bog("2025-09-30T23:59:59.999999"), &s);
	CHECK_I64(s.status, SLA_STATUS_NOT_STARTED);
	CHECK_I64(s.due_at, STATE_NEVER);
	CHECK_I64(s.closed_at, bog("2025-09-12T12:00:00"));
	CHECK_I64(t.answered_at, bog("2025-09-12T12:00:00"));
	CHECK_I64(s.risk, SLA_RISK_NONE);
	CHECK_I64(s.elapsed_seconds, 0);
}

static void test_due(void **state)
{
	(void)state;
	static const struct {
		const char *radicated;
		int32_t term;
		const char *due;
	} cases[] = {
		{"2025-09-01T09:00:00", 8, "2025-09-11"},
		{"2025-09-01T23:59:59.999999", 8, "2025-09-11"}, /* already 2 Sep in UTC */
		{"2025-09-06T09:00:00", 1, "2025-09-08"},        /* Saturday: Monday is day 1 */
		{"2025-09-05T09:00:00", 1, "2025-09-08"},        /* so it is from Friday */
		{"2025-09-05T09:00:00", 0, "2025-09-05"},
		{"2025-10-10T09:00:00", 1, "2025-10-14"},  /* Mon 13 Oct: 12 Oct moved */
		{"2025-12-05T09:00:00", 15, "2025-12-30"}, /* 8 and 25 Dec */
		{"2026-03-27T09:00:00", 5, "2026-04-07"},  /* Holy Thursday and Friday */
		{"2026-07-03T09:00:00", 6, "2026-07-14"},  /* 9 Jul 2026 moved to Mon 13 */
		{"2025-07-04T09:00:00", 6, "2025-07-14"},  /* no such holiday in 2025 */
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char end[64];
		(void)snprintf(end, sizeof end, "%sT23:59:59.999999", cases[i].due);
		const int64_t got = sla_due_at(&cfg, bog(cases[i].radicated), cases[i].term);
		char text[TIME_RFC3339_CHARS + 1] = {0};
		time_format(got, text);
		if (got != bog(end)) fail_msg("case %zu: due %s, expected %s local", i, text, end);
	}
}

static void test_holds(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
		int32_t days;
	} cases[] = {
		{"2025-09-05T12:00:00", "2025-09-05T18:00:00", 0},
		{"2025-09-05T12:00:00", "2025-09-07T18:00:00", 0}, /* a weekend */
		{"2025-09-05T12:00:00", "2025-09-08T00:00:00", 1},
		{"2025-09-04T23:59:59.999999", "2025-09-05T00:00:00", 1}, /* an instant over midnight */
		{"2025-10-10T12:00:00", "2025-10-14T12:00:00", 1},        /* over the holiday of Mon 13 */
		{"2026-07-10T12:00:00", "2026-07-14T12:00:00", 1},        /* Ley 2578 de 2026 */
		{"2026-03-31T12:00:00", "2026-04-06T12:00:00", 2},        /* Wed 1, Mon 6 */
		{"2025-09-05T12:00:00", "2025-09-01T12:00:00", 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const int32_t got = sla_hold_days(&cfg, bog(cases[i].from), bog(cases[i].to));
		if (got != cases[i].days) fail_msg("case %zu: %d days, expected %d", i, (int)got, (int)cases[i].days);
	}
}

static void test_status_and_risk(void **state)
{
	(void)state;
	static const struct step radicated[] = {{"2025-09-01T09:00:00", STATE_RADICATED}};
	const struct ticket_state t = play("2025-09-01T08:00:00", radicated, 1);
	static const struct {
		const char *as_of;
		enum sla_status status;
		enum sla_risk risk;
	} cases[] = {
		{"2025-09-01T10:00:00", SLA_STATUS_IN_TIME, SLA_RISK_HEALTHY},
		{"2025-09-08T23:59:59.999999", SLA_STATUS_IN_TIME, SLA_RISK_HEALTHY}, /* due Thu 11: 3 days left */
		{"2025-09-09T00:00:00", SLA_STATUS_IN_TIME, SLA_RISK_AT_RISK},        /* 2 left */
		{"2025-09-11T23:59:59.999999", SLA_STATUS_IN_TIME, SLA_RISK_AT_RISK}, /* exactly at due */
		{"2025-09-12T00:00:00", SLA_STATUS_LATE, SLA_RISK_OVERDUE},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct sla_result s;
		sla_settle(&cfg, &t, &(struct sla_subject){TYPE_R, REQUEST_GENERAL}, bog(cases[i].as_of), &s);
		if (s.status != cases[i].status || s.risk != cases[i].risk)
			fail_msg("as of %s: %s %s", cases[i].as_of, sla_status_names[s.status], sla_risk_names[s.risk]);
	}
	/* Answered exactly at due is in time, a microsecond later is late, whenever one looks and however late it is closed. */
	struct ticket_state closed = t;
	closed.state = STATE_CLOSED;
	closed.closed_at = bog("2025-10-11T00:00:00");
	closed.answered_at = bog("2025-09-11T23:59:59.999999");
	struct sla_result s;
	const struct sla_subject r = {TYPE_R, REQUEST_GENERAL};
	sla_settle(&cfg, &closed, &r, bog("2026-01-01T00:00:00"), &s);
	CHECK_I64(s.status, SLA_STATUS_IN_TIME);
	CHECK_I64(s.risk, SLA_RISK_NONE);
	closed.answered_at++;
	sla_settle(&cfg, &closed, &r, bog("2026-01-01T00:00:00"), &s);
	CHECK_I64(s.status, SLA_STATUS_LATE);
	/* Terms differ by type. */
	sla_settle(&cfg, &t, &(struct sla_subject){TYPE_S, REQUEST_GENERAL}, bog("2025-09-12T00:00:00"), &s);
	CHECK_I64(s.due_at, bog("2025-09-29T23:59:59.999999"));
	CHECK_I64(s.status, SLA_STATUS_IN_TIME);
}

/* Looked at later, without an event in between: what the row said before, set on, is what a fold would say. */
static void test_later(void **state)
{
	(void)state;
	static const struct step steps[] = {{"2025-09-01T09:00:00.25", STATE_RADICATED},
		{"2025-09-01T10:00:00", STATE_CLASSIFIED}, {"2025-09-02T10:00:00.5", STATE_ASSIGNED},
		{"2025-09-02T11:00:00", STATE_IN_PROGRESS}, {"2025-09-03T11:00:00.75", STATE_ON_HOLD},
		{"2025-09-09T11:00:00", STATE_IN_PROGRESS}, {"2025-09-10T11:00:00", STATE_RESPONDED},
		{"2025-09-11T11:00:00", STATE_CLOSED}, {"2025-09-20T11:00:00.125", STATE_REOPENED}};
	static const char *const instants[] = {"2025-09-20T12:00:00.999999", "2025-09-20T23:59:59.999999",
		"2025-09-21T00:00:00.999999", "2025-10-13T23:59:59.999999", "2027-01-01T12:00:00.999999"};
	enum { STEPS = sizeof steps / sizeof steps[0], INSTANTS = sizeof instants / sizeof instants[0] };
	for (size_t n = 0; n <= STEPS; n++) {
		const struct ticket_state t = play("2025-09-01T08:00:00", steps, n);
		if (t.answered_at != STATE_NEVER) continue;
		for (size_t i = 0; i < INSTANTS; i++) {
			for (size_t k = i; k < INSTANTS; k++) {
				const struct sla_subject of = {TYPE_R, REQUEST_GENERAL};
				struct sla_result before, want, got;
				sla_settle(&cfg, &t, &of, bog(instants[i]), &before);
				sla_settle(&cfg, &t, &of, bog(instants[k]), &want);
				const struct sla_open row = {
					t.radicated_at, before.elapsed_seconds, before.term, before.hold_days, t.state};
				sla_later(&cfg, &row, bog(instants[i]), bog(instants[k]), &got);
				CHECK_I64(got.due_at, want.due_at);
				CHECK_I64(got.elapsed_seconds, want.elapsed_seconds);
				CHECK_I64(got.term, want.term);
				CHECK_I64(got.hold_days, want.hold_days);
				CHECK_I64(got.status, want.status);
				CHECK_I64(got.risk, want.risk);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transitions),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_lives),
		cmocka_unit_test(test_behaviours),
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_status_and_risk),
		cmocka_unit_test(test_later),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
