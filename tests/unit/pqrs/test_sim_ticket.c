/* The simulated history before it is text: volumes, lives, shares, and the outcome measured with its own SLA
 * arithmetic. */
#include "pqrs/sim_config.h"

#include "workloads/pqrs/sim/sim_ticket.h"

struct world {
	struct pqrs_config config;
	struct run_info run;
	struct arena arena;
	struct sim_world w;
	struct sim_shares shares;
};

static void world_init(struct world *x, int32_t days)
{
	struct err err;
	const int32_t from = x->config.simulation.date_from;
	x->run = sim_run(&x->config, from, from + days - 1);
	arena_init(&x->arena, 0);
	const struct sim_range made = {from - 1, from + days + 1};
	CHECK_OK(&err, sim_world_init(&x->w, &x->config, &x->run, made, &x->arena, &err));
	CHECK_OK(&err, sim_shares_init(&x->shares, &x->config, &x->arena, &err));
}

/* Business days d with a < d <= b, by walking: an oracle apart from the simulator's tables. */
static int32_t walk_business(const struct pqrs_config *c, int32_t a, int32_t b)
{
	int32_t n = 0;
	for (int32_t d = a + 1; d <= b; d++) n += calendar_is_business_day(c->calendar, d);
	return n;
}

struct tally {
	int64_t tickets, events, closed, late, held, reopened, archived, open;
	int64_t channel[CHANNEL_N], type[TYPE_N], priority[PRIORITY_N], agent[8], attachments[8], hour[24];
};

struct fold {
	int state;
	bool held, reopened;
	int64_t radicated, hold_start, answered, closed;
	int32_t hold_days;
	int citizen, agent, attachments;
};

static void fold_event(const struct world *x, const struct sim_event *e, struct fold *f)
{
	f->citizen += e->kind == SIM_CITIZEN_MESSAGE;
	f->agent += e->kind == SIM_AGENT_MESSAGE;
	f->attachments += e->kind == SIM_ATTACHMENT_ADDED;
	if (e->kind != SIM_STATUS) return;
	const int from = e->arg >> 4, to = e->arg & 15;
	CHECK_I64(from, f->state);
	if (!x->config.transitions[from][to]) fail_msg("transition %d -> %d", from, to);
	f->state = to;
	if (to == STATE_RADICATED) f->radicated = e->ts;
	if (to == STATE_ON_HOLD) f->hold_start = e->ts;
	if (to == STATE_ON_HOLD) f->held = true;
	if (from == STATE_ON_HOLD)
		f->hold_days +=
			walk_business(&x->config, tz_date(x->config.tz, f->hold_start), tz_date(x->config.tz, e->ts));
	if (to == STATE_RESPONDED) f->answered = e->ts;
	if (to == STATE_CLOSED) f->closed = e->ts;
	if (to != STATE_REOPENED) return;
	f->reopened = true;
	f->hold_days += walk_business(
		&x->config, tz_date(x->config.tz, f->answered), tz_date(x->config.tz, e->ts)); /* the clock stood */
	f->answered = f->closed = 0;
}

static bool is_late(const struct world *x, const struct sim_ticket *t, const struct fold *f)
{
	const int32_t used =
		walk_business(&x->config, tz_date(x->config.tz, f->radicated), tz_date(x->config.tz, f->answered));
	return used > x->config.sla_business_days[t->type] + f->hold_days;
}

static void check_life(const struct world *x, const struct sim_ticket *t, const struct sim_event *e, size_t n)
{
	CHECK_I64(e[0].kind, SIM_CREATED);
	CHECK_I64(tz_date(x->config.tz, e[0].ts), t->date);
	for (size_t i = 1; i < n; i++) {
		if (e[i].ts <= e[i - 1].ts) fail_msg("event %zu not after the one before", i);
	}
	if (tz_date(x->config.tz, e[n - 1].ts) > sim_ticket_last_day(&x->config, t->date))
		fail_msg("life over its bound");
}

static void tally_ticket(const struct world *x, int32_t date, uint32_t number, struct tally *a)
{
	struct sim_event e[SIM_EVENTS_MAX];
	struct sim_ticket t = {.date = date, .number = number};
	struct fold f = {.state = STATE_RECEIVED}, whole = {.state = STATE_RECEIVED};
	const size_t n = sim_ticket_events(&x->w, &x->shares, &t, 0, INT64_MAX, e);
	check_life(x, &t, e, n);
	for (size_t i = 0; i < n; i++) {
		fold_event(x, &e[i], &whole);
		if (e[i].ts > x->run.as_of) continue;
		fold_event(x, &e[i], &f);
		a->events++;
	}
	CHECK_I64(whole.citizen, 1);
	a->tickets++;
	a->channel[t.channel]++;
	a->type[t.type]++;
	a->priority[t.priority]++;
	a->agent[whole.agent]++;
	a->attachments[whole.attachments]++;
	a->hour[(e[0].ts - tz_day_start(x->config.tz, date)) / (3600 * US_PER_SECOND)]++;
	a->held += f.held;
	a->reopened += f.reopened;
	a->archived += f.state == STATE_ARCHIVED;
	a->open += f.closed == 0;
	a->closed += f.closed != 0;
	a->late += f.closed != 0 && is_late(x, &t, &f);
}

static struct tally tally_run(struct world *x, int32_t days)
{
	struct tally a = {0};
	world_init(x, days);
	for (int32_t date = x->w.date_from; date <= x->w.date_to; date++) {
		for (uint32_t number = 0; number < sim_world_day(&x->w, date)->volume; number++)
			tally_ticket(x, date, number, &a);
	}
	return a;
}

static void between(const char *what, int64_t part, int64_t whole, double lo, double hi)
{
	const double share = 100.0 * (double)part / (double)whole;
	if (share < lo || share > hi) fail_msg("%s: %.2f %%, expected %.2f to %.2f", what, share, lo, hi);
}

static void test_default_run(void **state)
{
	(void)state;
	static const double channels[CHANNEL_N] = {38, 31, 14, 11, 6}, types[TYPE_N] = {30, 25, 30, 15},
			    priorities[PRIORITY_N] = {10, 50, 40};
	struct world x;
	sim_config_init(&x.config);
	const struct tally a = tally_run(&x, 181);
	for (int i = 0; i < CHANNEL_N; i++)
		between(pqrs_channel_names[i], a.channel[i], a.tickets, channels[i] - 0.5, channels[i] + 0.5);
	for (int i = 0; i < TYPE_N; i++)
		between(pqrs_type_names[i], a.type[i], a.tickets, types[i] - 0.5, types[i] + 0.5);
	for (int i = 0; i < PRIORITY_N; i++)
		between(pqrs_priority_names[i], a.priority[i], a.tickets, priorities[i] - 0.5, priorities[i] + 0.5);
	between("answered late, of closed", a.late, a.closed, 9, 11.5);
	between("held", a.held, a.tickets, 15, 20);
	between("reopened", a.reopened, a.tickets, 2, 4);
	between("open", a.open, a.tickets, 3, 15);
	between("archived", a.archived, a.tickets, 5, 60);
	CHECK_I64(a.agent[0] + a.agent[6] + a.agent[7], 0);
	CHECK_I64(a.attachments[4] + a.attachments[5], 0);
	for (int i = 1; i <= 5; i++) assert_true(a.agent[i] > 0);
	for (int i = 0; i <= 3; i++) assert_true(a.attachments[i] > 0);
	assert_true(a.hour[10] > 4 * a.hour[22]);
	between("events a ticket", a.events, a.tickets, 960, 1080);
	if (a.tickets < 205000 || a.tickets > 240000) fail_msg("%lld tickets", (long long)a.tickets);
	arena_deinit(&x.arena);
	sim_config_deinit(&x.config);
}

static void test_month(void **state)
{
	(void)state;
	static const uint64_t seeds[] = {42, 99, 100};
	for (size_t i = 0; i < SIM_N(seeds); i++) {
		struct world x;
		sim_config_init(&x.config);
		x.config.simulation.seed = seeds[i];
		const struct tally a = tally_run(&x, 30);
		between("answered late, of closed in a month", a.late, a.closed, 7, 12);
		arena_deinit(&x.arena);
		sim_config_deinit(&x.config);
	}
}

/* Another configuration: rate, terms without room to be reopened, no holidays, a zone with daylight saving. */
static void test_other_config(void **state)
{
	(void)state;
	struct world x;
	struct err err;
	sim_config_init(&x.config);
	tz_destroy(x.config.tz);
	calendar_destroy(x.config.calendar);
	CHECK_OK(&err, tz_load("America/New_York", &x.config.tz, &err));
	CHECK_OK(&err, calendar_create("none", &x.config.calendar, &err));
	x.config.simulation.sla_breach_rate = 300000;
	x.config.simulation.spike.enabled = false;
	x.config.simulation.volume_daily_avg = 300;
	x.config.sla_business_days[TYPE_P] = 30;
	x.config.sla_business_days[TYPE_Q] = 2;
	x.config.sla_business_days[TYPE_R] = 1;
	const struct tally a = tally_run(&x, 200);
	between("late of closed", a.late, a.closed, 28, 34);
	between("held", a.held, a.tickets, 15, 20);
	arena_deinit(&x.arena);
	sim_config_deinit(&x.config);
}

static void test_volume(void **state)
{
	(void)state;
	enum { DAYS = 2000 };
	struct world x;
	sim_config_init(&x.config);
	world_init(&x, DAYS);
	int64_t sum = 0, squares = 0, n = 0, spikes = 0;
	for (int32_t date = x.w.date_from; date <= x.w.date_to; date++) {
		const struct sim_day *day = sim_world_day(&x.w, date);
		if (day->spike) {
			spikes++;
			if (day->volume < 3000 || day->volume > 4000) fail_msg("spike of %u", day->volume);
			CHECK_I64(date >= x.w.spike_from && date <= x.w.spike_to, 1);
			continue;
		}
		n++;
		sum += day->volume;
		squares += ((int64_t)day->volume - 1150) * ((int64_t)day->volume - 1150);
	}
	if (spikes < 5 || spikes > 10) fail_msg("%lld spike days", (long long)spikes);
	if (sum / n < 1143 || sum / n > 1157) fail_msg("average volume %lld", (long long)(sum / n));
	const int64_t variance = squares / n; /* 92 squared is 8464 */
	if (variance < 7600 || variance > 9400) fail_msg("variance of the volume %lld", (long long)variance);
	arena_deinit(&x.arena);
	x.config.simulation.spike.enabled = false;
	world_init(&x, DAYS);
	for (int32_t date = x.w.date_from; date <= x.w.date_to; date++) {
		const struct sim_day *day = sim_world_day(&x.w, date);
		if (day->spike || day->volume > 1700) fail_msg("a spike of %u though there is none", day->volume);
	}
	arena_deinit(&x.arena);
	sim_config_deinit(&x.config);
}

/* The spike is where the seed puts it, inside the range, and the range's end does not move it once there is a month. */
static void test_spike_place(void **state)
{
	(void)state;
	int different = 0;
	int32_t last = 0;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct world x;
		sim_config_init(&x.config);
		x.config.simulation.seed = seed;
		world_init(&x, 181);
		const int32_t from = x.w.spike_from, to = x.w.spike_to;
		assert_true(from >= x.w.date_from && to <= x.w.date_to && to - from >= 4 && to - from <= 9);
		different += from != last;
		last = from;
		arena_deinit(&x.arena);
		world_init(&x, 28);
		CHECK_I64(x.w.spike_from, from);
		CHECK_I64(x.w.spike_to, to);
		arena_deinit(&x.arena);
		world_init(&x, 3);
		assert_true(x.w.spike_from >= x.w.date_from && x.w.spike_to <= x.w.date_to);
		arena_deinit(&x.arena);
		sim_config_deinit(&x.config);
	}
	assert_true(different > 5);
}

/* A ticket skipped early has no event left, and the first day a task must look at misses none. */
static void test_skips(void **state)
{
	(void)state;
	struct world x;
	sim_config_init(&x.config);
	x.config.simulation.volume_daily_avg = 40;
	world_init(&x, 150);
	int64_t skipped = 0, kept = 0;
	for (int32_t at = x.w.date_from + 100; at < x.w.date_from + 140; at += 13) {
		const int64_t since = tz_day_start(x.config.tz, at);
		const int32_t first = sim_ticket_first_day(&x.w, at);
		if (first >= at || first < at - 80) fail_msg("first day %d days before", at - first);
		for (int32_t date = x.w.date_from; date < at; date++) {
			for (uint32_t number = 0; number < sim_world_day(&x.w, date)->volume; number++) {
				struct sim_event all[SIM_EVENTS_MAX], some[SIM_EVENTS_MAX];
				struct sim_ticket t = {.date = date, .number = number}, u = t;
				const size_t n = sim_ticket_events(&x.w, &x.shares, &t, 0, INT64_MAX, all);
				const bool reaches = all[n - 1].ts >= since;
				if (sim_ticket_events(&x.w, &x.shares, &u, 0, all[0].ts - 1, some) != 0 ||
					sim_ticket_events(&x.w, &x.shares, &u, 0, all[0].ts, some) != n)
					fail_msg("a ticket is of the instant of its creation, and of none before");
				const size_t m = sim_ticket_events(&x.w, &x.shares, &u, since, INT64_MAX, some);
				if (reaches && (date < first || m != n || memcmp(all, some, n * sizeof *all) != 0))
					fail_msg("lost events");
				skipped += m == 0;
				kept += m > 0;
			}
		}
	}
	assert_true(skipped > kept);
	arena_deinit(&x.arena);
	sim_config_deinit(&x.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_run),
		cmocka_unit_test(test_month),
		cmocka_unit_test(test_other_config),
		cmocka_unit_test(test_volume),
		cmocka_unit_test(test_spike_place),
		cmocka_unit_test(test_skips),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
