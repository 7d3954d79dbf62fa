/* sla_metrics and tickets_snapshot: order, elapsed days, repeated ids. */
#include "gold_data.h"
#include "workloads/pqrs/gold/gold_ticket.h"

struct setup {
	struct arena arena, scratch;
	struct tz *tz;
	struct calendar *calendar;
	struct day_map days;
	struct gold_clock clock;
};

static int64_t at(const char *text)
{
	int64_t us;
	if (!time_parse(str_of(text), &us)) fail_msg("not a time: %s", text);
	return us;
}

static void setup_init(struct setup *s, const char *as_of)
{
	struct err err;
	arena_init(&s->arena, 0);
	arena_init(&s->scratch, 0);
	CHECK_OK(&err, tz_load("America/Bogota", &s->tz, &err));
	CHECK_OK(&err, calendar_create("colombia", &s->calendar, &err));
	CHECK_OK(&err, day_map_init(&s->days, s->tz, &s->arena, &err));
	s->clock = (struct gold_clock){&s->days, s->calendar, at(as_of)};
}

static void setup_deinit(struct setup *s)
{
	calendar_destroy(s->calendar);
	tz_destroy(s->tz);
	arena_deinit(&s->arena);
	arena_deinit(&s->scratch);
}

static struct gold_ticket_source ticket_source(struct columns *cs, const struct ticket *t, size_t n, bool dictionary)
{
	return (struct gold_ticket_source){.n = (int64_t)n,
		.ticket_id = id_column(cs, t, n),
		.current_status = TEXT(status),
		.last_update_ts = TIME(last_update),
		.radicated_at = TIME(radicated),
		.answered_at = TIME(answered),
		.sla_business_days = int_column(cs, t, n, offsetof(struct ticket, target), COL_INT32),
		.hold_days = int_column(cs, t, n, offsetof(struct ticket, hold), COL_INT32),
		.sla_status = TEXT(sla)};
}

static void run_tables(struct setup *s, const struct ticket *t, size_t n, size_t step, struct text_sink *sink)
{
	struct err err;
	struct gold_tickets tickets;
	CHECK_OK(&err, gold_tickets_init(&tickets, &s->arena, n, &err));
	for (size_t i = 0; i < n; i += step) {
		struct columns cs = {0};
		const size_t m = n - i < step ? n - i : step;
		const struct gold_ticket_source in = ticket_source(&cs, t + i, m, i / step % 2 == 0);
		CHECK_OK(&err, gold_tickets_add(&tickets, &in, &s->clock, &s->scratch, &err));
		columns_deinit(&cs);
		arena_reset(&s->scratch);
	}
	CHECK_OK(&err, gold_tickets_write(&tickets, date_from_civil(2025, 12, 1), &sink->base, &err));
	gold_tickets_deinit(&tickets);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct ticket *)a)->id, ((const struct ticket *)b)->id);
}

/* Local days after the radication up to the end that are business days, one by one; less the holds. */
static int elapsed(const struct setup *s, const struct ticket *t)
{
	int days = 0;
	if (t->radicated == NONE) return 0;
	const int32_t end = tz_date(s->tz, t->answered != NONE ? t->answered : s->clock.as_of);
	for (int32_t d = tz_date(s->tz, t->radicated) + 1; d <= end; d++)
		days += calendar_is_business_day(s->calendar, d);
	return days - t->hold;
}

static void want_tables(const struct setup *s, const struct ticket *t, size_t n, struct text_sink *want)
{
	for (size_t i = 0; i < n; i++) {
		char ts[TIME_RFC3339_CHARS];
		time_format(t[i].last_update, ts);
		buf_printf(&want->rows[GOLD_SLA_METRICS], "%s|%d|%d|%s\n", t[i].id, t[i].target, elapsed(s, &t[i]),
			t[i].sla);
		buf_printf(&want->rows[GOLD_TICKETS_SNAPSHOT], "%s|%s|%.*s|%d|%d|%s\n", t[i].id, t[i].status,
			TIME_RFC3339_CHARS, ts, t[i].target, elapsed(s, &t[i]), t[i].sla);
	}
}

static void test_random_tickets(void **state)
{
	enum { N = 3000 };
	static struct ticket t[N];
	(void)state;
	for (size_t step = 100; step <= N; step *= 30) {
		struct setup s;
		struct text_sink got, want;
		struct dice d = {step, 0};
		setup_init(&s, "2026-01-31T04:59:59.999999Z");
		random_tickets(&d, t, N, date_from_civil(2025, 12, 1), 31);
		for (int i = 0; i < 500; i++) memcpy(t[i].id, "0123abcd", 8); /* ids that differ late */
		text_sink_init(&got, 0);
		text_sink_init(&want, 0);
		run_tables(&s, t, N, step, &got);
		qsort(t, N, sizeof *t, compare_ids);
		want_tables(&s, t, N, &want);
		check_lines("sla_metrics", &got.rows[GOLD_SLA_METRICS], &want.rows[GOLD_SLA_METRICS]);
		check_lines("tickets_snapshot", &got.rows[GOLD_TICKETS_SNAPSHOT], &want.rows[GOLD_TICKETS_SNAPSHOT]);
		CHECK_I64(got.base.totals[GOLD_SLA_METRICS].rows, N);
		CHECK_I64(got.base.totals[GOLD_SLA_METRICS].keys_repeated, 0);
		text_sink_deinit(&got);
		text_sink_deinit(&want);
		setup_deinit(&s);
	}
}

static void test_elapsed_days(void **state)
{
	(void)state;
	static const struct {
		const char *name, *radicated, *answered;
		int32_t hold;
		int32_t want;
	} cases[] = {
		{"never radicated", NULL, NULL, 0, 0},
		{"answered on the day", "2025-12-01T13:00:00Z", "2025-12-01T20:00:00Z", 0, 0},
		{"next day", "2025-12-01T13:00:00Z", "2025-12-02T20:00:00Z", 0, 1},
		{"before and after local midnight", "2025-12-02T04:59:59Z", "2025-12-02T05:00:00Z", 0, 1},
		{"same local day, two UTC days", "2025-12-02T05:00:00Z", "2025-12-03T04:59:59Z", 0, 0},
		{"over a weekend", "2025-12-05T15:00:00Z", "2025-12-09T15:00:00Z", 0,
			1}, /* Friday to Tuesday; Monday 8 is a holiday */
		{"less the holds", "2025-12-01T15:00:00Z", "2025-12-05T15:00:00Z", 3, 1},
		{"open: up to as_of", "2025-12-09T15:00:00Z", NULL, 0, 3},
		{"radicated after as_of", "2025-12-15T15:00:00Z", NULL, 0, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct setup s;
		struct text_sink got;
		char want[128];
		struct ticket t = {.id = "00000000-0000-0000-0000-000000000000",
			.radicated = cases[i].radicated != NULL ? at(cases[i].radicated) : NONE,
			.answered = cases[i].answered != NULL ? at(cases[i].answered) : NONE,
			.sla = "IN_TIME",
			.status = "ASSIGNED",
			.target = 8,
			.hold = cases[i].hold};
		setup_init(&s, "2025-12-13T04:59:59.999999Z"); /* Friday the 12th */
		text_sink_init(&got, 0);
		run_tables(&s, &t, 1, 1, &got);
		(void)snprintf(want, sizeof want, "%s|8|%d|IN_TIME\n", t.id, cases[i].want);
		buf_char(&got.rows[GOLD_SLA_METRICS], '\0');
		if (strcmp((const char *)got.rows[GOLD_SLA_METRICS].p, want) != 0)
			fail_msg("%s: %s expected %s", cases[i].name, (const char *)got.rows[GOLD_SLA_METRICS].p, want);
		text_sink_deinit(&got);
		setup_deinit(&s);
	}
}

static void test_repeated_ids_are_counted(void **state)
{
	(void)state;
	struct setup s;
	struct text_sink got;
	struct ticket t[5];
	static const char *const ids[5] = {"b0000000-0000-0000-0000-000000000000",
		"a0000000-0000-0000-0000-000000000000", "b0000000-0000-0000-0000-000000000000",
		"b0000000-0000-0000-0000-000000000001", "b0000000-0000-0000-0000-000000000000"};
	for (int i = 0; i < 5; i++) {
		t[i] = (struct ticket){.radicated = NONE,
			.answered = NONE,
			.closed = NONE,
			.sla = "NOT_STARTED",
			.status = "RECEIVED"};
		memcpy(t[i].id, ids[i], sizeof t[i].id);
	}
	setup_init(&s, "2025-12-13T04:59:59.999999Z");
	text_sink_init(&got, 0);
	run_tables(&s, t, 5, 2, &got);
	CHECK_I64(got.base.totals[GOLD_SLA_METRICS].keys_repeated, 2);
	CHECK_I64(got.base.totals[GOLD_TICKETS_SNAPSHOT].keys_repeated, 2);
	text_sink_deinit(&got);
	setup_deinit(&s);
}

static void test_strings_sort_as_bytes(void **state)
{
	(void)state;
	static const char *const sorted[] = {
		"", "a", "aaaaaaaa", "aaaaaaaa0", "aaaaaaaa1", "aaaaaaaab", "b", "z", "\xc3\xa1"};
	enum { N = sizeof sorted / sizeof sorted[0] };
	struct err err;
	struct arena arena;
	arena_init(&arena, 0);
	for (uint64_t seed = 0; seed < 50; seed++) {
		static const struct column_def def = {.name = "x", .type = COL_STRING};
		struct builder b;
		struct column c;
		struct dice d = {seed, 0};
		uint32_t order[N];
		const char *shuffled[N];
		memcpy(shuffled, sorted, sizeof sorted);
		for (uint32_t i = N; i-- > 1;) {
			const uint32_t k = roll(&d, i + 1);
			const char *swap = shuffled[i];
			shuffled[i] = shuffled[k];
			shuffled[k] = swap;
		}
		builder_init(&b, &def, seed % 2 == 0);
		for (int i = 0; i < N; i++) builder_set_str(&b, i, str_of(shuffled[i]));
		CHECK_OK(&err, builder_finish(&b, N, &c, &err));
		CHECK_OK(&err, gold_sort_strings(&c, &arena, order, &err));
		for (int i = 0; i < N; i++) assert_string_equal(shuffled[order[i]], sorted[i]);
		builder_deinit(&b);
	}
	arena_deinit(&arena);
}

static void test_nulls_are_refused(void **state)
{
	(void)state;
	struct setup s;
	struct err err = {0};
	struct gold_tickets tickets;
	struct columns cs = {0};
	struct ticket t[2] = {{.id = "a",
				      .radicated = NONE,
				      .answered = NONE,
				      .closed = NONE,
				      .sla = "IN_TIME",
				      .status = "RECEIVED"},
		{.id = "b", .radicated = NONE, .answered = NONE, .closed = NONE, .sla = "IN_TIME"}};
	setup_init(&s, "2025-12-13T04:59:59.999999Z");
	CHECK_OK(&err, gold_tickets_init(&tickets, &s.arena, 2, &err));
	const struct gold_ticket_source in = ticket_source(&cs, t, 2, true);
	CHECK_FAILS(E_CORRUPT, gold_tickets_add(&tickets, &in, &s.clock, &s.scratch, &err));
	assert_string_equal(err.message, "silver tickets: current_status is null");
	CHECK_I64(tickets.n, 0);
	columns_deinit(&cs);
	gold_tickets_deinit(&tickets);
	setup_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_tickets),
		cmocka_unit_test(test_elapsed_days),
		cmocka_unit_test(test_repeated_ids_are_counted),
		cmocka_unit_test(test_strings_sort_as_bytes),
		cmocka_unit_test(test_nulls_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
