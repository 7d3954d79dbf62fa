/* workloads/pqrs/sim/sim_world.c: the tables of a simulated history. Draws depend on the day alone, never on the range asked for. */
#include "workloads/pqrs/sim/sim_world.h"

#include "base/time.h"

enum {
	NORMAL_UNIFORMS = 12, /* their sum has variance 1 and mean 6: the normal, without a logarithm */
	WARM_UP_DAYS = 26,    /* see late_rate */
};

/* avg + sigma * z for a standard normal z, in integers: z is the sum of twelve 32-bit uniforms (Irwin-Hall), in
 * 1/65536. */
static uint32_t volume_normal(const struct sim_world *w, int32_t date)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < NORMAL_UNIFORMS / 4; i++) {
		const struct rng4 r = rng_philox(w->seed, sim_entity(date, 0), SIM_VOLUME, i);
		sum += (int64_t)r.v[0] + r.v[1] + r.v[2] + r.v[3];
	}
	const int64_t z = (sum - ((int64_t)NORMAL_UNIFORMS / 2 << 32)) >> 16; /* within 6 * 65536 */
	const int64_t avg = w->config->simulation.volume_daily_avg;
	const int64_t sigma = avg * w->config->simulation.volume_sigma / PROB_ONE;
	const int64_t volume = avg + z * sigma / 65536;
	return volume > 0 ? (uint32_t)volume : 0;
}

static uint32_t volume_of(const struct sim_world *w, int32_t date, bool spike)
{
	const struct spike *s = &w->config->simulation.spike;
	const uint32_t normal = volume_normal(w, date);
	if (!spike) return normal;
	const uint32_t draw = rng_philox(w->seed, sim_entity(date, 0), SIM_SPIKE, 1).v[0];
	const uint32_t peak = (uint32_t)s->volume_min + rng_below(draw, (uint32_t)(s->volume_max - s->volume_min) + 1);
	return peak > normal ? peak : normal; /* at many times the volume, the configured peak would be a dip */
}

static void place_spike(struct sim_world *w)
{
	const struct spike *s = &w->config->simulation.spike;
	w->spike_from = w->date_from;
	w->spike_to = w->date_from - 1;
	if (!s->enabled) return;
	const struct rng4 r = rng_philox(w->seed, sim_entity(w->date_from, 0), SIM_SPIKE, 0);
	const int64_t range = (int64_t)w->date_to - w->date_from + 1;
	const uint32_t horizon = range < SIM_SPIKE_HORIZON_DAYS ? (uint32_t)range : SIM_SPIKE_HORIZON_DAYS;
	uint32_t length = (uint32_t)s->days_min + rng_below(r.v[0], (uint32_t)(s->days_max - s->days_min) + 1);
	if (length > horizon) length = horizon;
	w->spike_from = w->date_from + (int32_t)rng_below(r.v[1], horizon - length + 1);
	w->spike_to = w->spike_from + (int32_t)length - 1;
}

/* A late ticket is answered about a week after one in time, so in a young history few of them are closed yet and the
 * share of late ones among the closed would start near zero. In return tickets of the first weeks are late more often:
 * twice as often on the first day, falling evenly to once after WARM_UP_DAYS. That keeps the share near the rate
 * for ranges of a month and longer; in shorter ones hardly a term has run out. */
static uint32_t late_rate(const struct sim_world *w, int32_t date)
{
	const int64_t rate = w->config->simulation.sla_breach_rate;
	const int64_t age = (int64_t)date - w->date_from;
	const int64_t extra = age < WARM_UP_DAYS ? rate * (WARM_UP_DAYS - age) / WARM_UP_DAYS : 0;
	return rate + extra < PROB_ONE ? (uint32_t)(rate + extra) : PROB_ONE;
}

static status fill_days(struct sim_world *w, struct arena *arena, struct err *err)
{
	const int64_t n = (int64_t)w->date_to - w->date_from + 1;
	struct sim_day *days = n > 0 ? ARENA_NEW(arena, struct sim_day, n) : NULL;
	if (n > 0 && days == NULL) return fail_nomem(err);
	uint32_t sequence = 0;
	int32_t year = 0;
	for (int64_t i = 0; i < n; i++) {
		const int32_t date = w->date_from + (int32_t)i;
		const int32_t this_year = date_to_civil(date).year;
		if (this_year != year) sequence = 0;
		year = this_year;
		const bool spike = date >= w->spike_from && date <= w->spike_to;
		const uint32_t volume = volume_of(w, date, spike);
		days[i] = (struct sim_day){volume, sequence, late_rate(w, date), year, spike};
		sequence += volume;
	}
	w->days = days;
	return OK;
}

static status fill_tables(struct sim_world *w, int32_t first, int32_t last, struct arena *arena, struct err *err)
{
	const int32_t n = last - first + 1;
	int64_t *start = ARENA_NEW(arena, int64_t, (size_t)n + 1);
	int32_t *business = ARENA_NEW(arena, int32_t, n);
	int32_t *business_date = ARENA_NEW(arena, int32_t, (size_t)n + 1);
	if (start == NULL || business == NULL || business_date == NULL) return fail_nomem(err);
	int32_t count = 0;
	business_date[0] = first;
	for (int32_t i = 0; i < n; i++) {
		start[i] = tz_day_start(w->config->tz, first + i);
		if (i > 0 && calendar_is_business_day(w->config->calendar, first + i))
			business_date[++count] = first + i;
		business[i] = count;
	}
	start[n] = tz_day_start(w->config->tz, first + n);
	w->table_from = first;
	w->n_table = n;
	w->day_start = start;
	w->business = business;
	w->business_date = business_date;
	w->n_business = count;
	return OK;
}

status sim_world_init(struct sim_world *w, const struct pqrs_config *config, const struct run_info *run,
	struct sim_range made, struct arena *arena, struct err *err)
{
	ASSERT(run->date_from <= run->date_to && made.lo < made.hi);
	*w = (struct sim_world){.config = config,
		.seed = config->simulation.seed,
		.date_from = run->date_from,
		.date_to = run->date_to};
	place_spike(w);
	TRY(fill_days(w, arena, err));
	/* Two days before any ticket that can reach made.lo, and its whole life after any ticket made before made.hi. */
	int32_t first = made.lo - SIM_LIFE_DAYS_MAX - 4;
	if (first < w->date_from - 4) first = w->date_from - 4;
	if (first > made.lo - 4) first = made.lo - 4;
	return fill_tables(w, first, made.hi + SIM_LIFE_DAYS_MAX + 4, arena, err);
}
