/* workloads/pqrs/sim/sim_ticket.c: see sim_ticket.h, which has the invariants. Draws are by purpose: a draw more or less in one place
 * moves no other. */
#include "workloads/pqrs/sim/sim_ticket.h"

#include "base/calendar.h"

#define MINUTE (60 * US_PER_SECOND)
#define HOUR (60 * MINUTE)

enum {
	HOLD_DAYS_MAX = 5,
	LATE_DAYS_MAX = 6, /* business days after the due day */
	ARCHIVE_DAYS_MIN = 3,
	ARCHIVE_DAYS_N = 10,                /* calendar days after closing: 3..12 */
	CLOSE_DAYS_MAX = 2,                 /* business days from the answer to the closing */
	STOP_DAYS_MAX = CLOSE_DAYS_MAX + 1, /* from an answer to the reopening on the day after its closing */
	REOPEN_ROOM_DAYS = 4, /* business days a ticket needs, beside its hold and the stop, to be answered twice */
	DRAWS = 16,
	STEPS_MAX = 13,
	/* shares in 1/1024 */
	HOLD_SHARE = 186,
	REOPEN_SHARE = 34,
	ARCHIVE_SHARE = 200,
};

/* Index of each draw of SIM_TIMES. */
enum draw {
	D_RADICATED,
	D_CLASSIFIED,
	D_ASSIGNED,
	D_IN_PROGRESS,
	D_HOLD,
	D_HOLD_END,
	D_RESPONDED,
	D_CLOSED,
	D_ANSWERED_FIRST,
	D_REOPENED,
	D_IN_PROGRESS_AGAIN,
	D_RESPONDED_AGAIN,
	D_ARCHIVED,
	D_CHANNEL,
	D_PRIORITY,
	D_PLACE
};

/* What one Philox block decides: everything that bounds the ticket's end. */
struct life {
	int64_t created;
	int32_t hold_days;    /* business days on hold; 0: never */
	int32_t stop_days;    /* business days from the first answer to the reopening; 0: not reopened */
	int32_t answer_days;  /* business days from the radication to the last answer */
	int32_t close_days;   /* business days from there to the closing */
	int32_t archive_days; /* calendar days from there to the archive; 0: not archived */
	uint8_t type;
};

struct step {
	int64_t ts;
	uint8_t from, to;
};
struct chain { /* status changes in causal order */
	struct step steps[STEPS_MAX];
	size_t n;
	size_t last_answer;             /* index of the last RESPONDED */
	int64_t in_progress, responded; /* of the first time; messages lie between */
};

/* Relative weights of the hours 0-23 in 1/256: citizens write in office hours, less at noon, some at night. */
static const uint8_t hour_weights[24] = {
	2, 1, 1, 1, 1, 3, 6, 12, 21, 25, 25, 22, 15, 17, 22, 22, 19, 14, 9, 6, 4, 4, 3, 1};

/* The part draw / 2^32 of span (any non-negative number of microseconds), rounded down. */
static int64_t part(uint32_t draw, int64_t span)
{
	__extension__ typedef unsigned __int128 wide;
	return (int64_t)(((wide)(uint64_t)span * draw) >> 32);
}

/* As part, leaning to zero: the square of the draw. */
static int64_t part_early(uint32_t draw, int64_t span)
{
	return part((uint32_t)(((uint64_t)draw * draw) >> 32), span);
}

static uint8_t pick(const uint32_t *cumulative, uint32_t draw)
{
	const uint32_t at = rng_below(draw, PROB_ONE);
	uint8_t i = 0;
	while (at >= cumulative[i]) i++;
	return i;
}

static void cumulate(const uint32_t *probs, size_t n, uint32_t *out)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < n; i++) {
		sum += probs[i];
		out[i] = sum;
	}
	out[n - 1] = PROB_ONE; /* the configuration sums to it; pick must end even so */
}

status sim_shares_init(struct sim_shares *s, const struct pqrs_config *config, struct arena *arena, struct err *err)
{
	cumulate(config->simulation.type_probs, TYPE_N, s->type);
	cumulate(config->simulation.channel_probs, CHANNEL_N, s->channel);
	cumulate(config->simulation.priority_probs, PRIORITY_N, s->priority);
	const size_t n = config->simulation.n_places;
	if (n == 0 || n > UINT16_MAX)
		return fail(err, E_USAGE, "simulation: 1 to %d places are needed, found %zu", UINT16_MAX, n);
	uint64_t sum = 0;
	s->place = ARENA_NEW(arena, uint64_t, n);
	if (s->place == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) s->place[i] = sum += config->simulation.places[i].weight;
	if (sum == 0) return fail(err, E_USAGE, "simulation: all places have weight 0");
	size_t slot = 0;
	for (uint8_t hour = 0; hour < 24; hour++) {
		for (uint8_t i = 0; i < hour_weights[hour] && slot < 256; i++) s->hour[slot++] = hour;
	}
	ASSERT(slot == 256);
	return OK;
}

static uint16_t place_pick(const struct sim_shares *s, size_t n, uint32_t draw)
{
	const uint64_t sum = s->place[n - 1];
	__extension__ typedef unsigned __int128 wide;
	const uint64_t at = (uint64_t)(((wide)sum * draw) >> 32);
	size_t lo = 0, hi = n - 1;
	while (lo < hi) {
		const size_t mid = (lo + hi) / 2;
		if (at < s->place[mid])
			hi = mid;
		else
			lo = mid + 1;
	}
	return (uint16_t)lo;
}

static int32_t sla_max(const struct pqrs_config *config)
{
	int32_t max = 0;
	for (int type = 0; type < TYPE_N; type++)
		max = config->sla_business_days[type] > max ? config->sla_business_days[type] : max;
	return max;
}

enum { TAIL_DAYS = ARCHIVE_DAYS_MIN + ARCHIVE_DAYS_N };
static int32_t close_days_max(const struct pqrs_config *config)
{
	return sla_max(config) + HOLD_DAYS_MAX + STOP_DAYS_MAX + 1 + LATE_DAYS_MAX + CLOSE_DAYS_MAX;
}

int32_t sim_ticket_last_day(const struct pqrs_config *config, int32_t date)
{
	/* Radicated on the next day at the latest. */
	const int32_t closed = calendar_add_business_days(config->calendar, date + 1, close_days_max(config));
	const int32_t last = closed + TAIL_DAYS;
	return last < date + SIM_LIFE_DAYS_MAX ? last : date + SIM_LIFE_DAYS_MAX;
}

int32_t sim_ticket_first_day(const struct sim_world *w, int32_t date)
{
	const int32_t days = close_days_max(w->config);
	int32_t first = date;
	while (first > w->date_from && first > date - SIM_LIFE_DAYS_MAX) {
		const int32_t closed = sim_world_business_date(w, sim_world_business(w, first) + days);
		if (closed + TAIL_DAYS < date) break; /* first is the day before + 1: its tickets are all over */
		first--;
	}
	return first < w->date_from ? w->date_from : first;
}

/* Business days from radication to the last answer, by outcome. The room is [lo, term] in time, beyond term when late.
 * Answers in time lean to the due day, as those of real bodies do. */
static int32_t answer_days(uint32_t draw12, bool late, int32_t lo, int32_t term)
{
	const uint32_t square = draw12 * draw12 >> 12; /* in [0, 4095), leaning to 0 */
	if (late) return term + 1 + (int32_t)(square * LATE_DAYS_MAX >> 12);
	if (lo > term) lo = term > 1 ? term : 1;
	const int32_t room = term - lo + 1;
	return room <= 0 ? lo : term - (int32_t)((uint64_t)square * (uint32_t)room >> 12);
}

static struct life life_of(const struct sim_world *w, const struct sim_shares *s, int32_t date, uint32_t number)
{
	const struct rng4 r = rng_philox(w->seed, sim_entity(date, number), SIM_LIFE, 0);
	struct life l = {.type = pick(s->type, r.v[0])};
	const bool late = rng_below(r.v[1], PROB_ONE) < sim_world_day(w, date)->late_rate;
	const uint32_t hold = r.v[2] >> 12 & 1023;
	if (hold < HOLD_SHARE) l.hold_days = 1 + (int32_t)(hold * HOLD_DAYS_MAX / HOLD_SHARE);
	const int32_t term = w->config->sla_business_days[l.type];
	const uint32_t reopen = r.v[2] & 1023;
	if (reopen < REOPEN_SHARE && REOPEN_ROOM_DAYS <= term) l.stop_days = 1 + (int32_t)(reopen % STOP_DAYS_MAX);
	const int32_t stands = l.hold_days + l.stop_days; /* what the clock does not count */
	l.answer_days = stands + answer_days(r.v[2] >> 20 & 4095, late, l.stop_days > 0 ? REOPEN_ROOM_DAYS : 1, term);
	l.close_days = (int32_t)rng_below(r.v[1] << 16, CLOSE_DAYS_MAX + 1);
	const uint32_t archive = r.v[3] & 1023;
	if (archive < ARCHIVE_SHARE) l.archive_days = ARCHIVE_DAYS_MIN + (int32_t)(archive % ARCHIVE_DAYS_N);
	const int64_t start = sim_world_start(w, date), length = sim_world_start(w, date + 1) - start;
	const int64_t second = (int64_t)s->hour[r.v[3] >> 24] * HOUR;
	l.created = start + second + part(r.v[3] << 8, HOUR);
	if (l.created >= start + length) l.created = start + length - 1; /* a day of 23 hours */
	return l;
}

/* An instant of the business day with this number: from `from_us` after its start, up to span later. */
static int64_t on_business(const struct sim_world *w, int32_t business, int64_t from_us, uint32_t draw, int64_t span)
{
	return sim_world_start(w, sim_world_business_date(w, business)) + from_us + part(draw, span);
}

/* The next step of the staff: within span after t if that ends in office hours, else next morning. */
static int64_t next_step(const struct sim_world *w, int64_t t, uint32_t draw, int64_t span)
{
	const int32_t date = sim_world_date(w, t);
	const int64_t opens = sim_world_start(w, date) + 8 * HOUR;
	const int64_t begin = t > opens ? t : opens;
	if (sim_world_is_business(w, date) && begin + span <= opens + 9 * HOUR + 30 * MINUTE)
		return begin + 5 * MINUTE + part(draw, span - 5 * MINUTE);
	return on_business(w, sim_world_business(w, date) + 1, 8 * HOUR, draw, 2 * HOUR);
}

static void step_add(struct chain *c, int64_t ts, uint8_t to)
{
	const uint8_t from = c->n == 0 ? STATE_RECEIVED : c->steps[c->n - 1].to;
	c->steps[c->n++] = (struct step){ts, from, to};
}

/* Closing after an answer of business day `business`: days later, or a little after it on the day itself. */
static int64_t closed_at(const struct sim_world *w, int64_t answered, int32_t business, int32_t days, uint32_t draw)
{
	if (days == 0) return answered + 5 * MINUTE + part(draw, 2 * HOUR);
	return on_business(w, business + days, 9 * HOUR, draw, 8 * HOUR);
}

/* Times strictly increasing from `start` on: push steps forward, then those before the last answer back again, since the
 * answer's day is what the outcome hangs on. There are over 7 hours between radication and answer. */
static void chain_order(struct chain *c, int64_t start)
{
	int64_t floor = start;
	for (size_t i = 0; i < c->n; i++) {
		if (i != c->last_answer && c->steps[i].ts <= floor) c->steps[i].ts = floor + MINUTE;
		floor = c->steps[i].ts;
	}
	for (size_t i = c->last_answer; i > 0; i--) {
		if (c->steps[i - 1].ts >= c->steps[i].ts) c->steps[i - 1].ts = c->steps[i].ts - MINUTE;
	}
}

static void chain_hold(
	const struct sim_world *w, const struct life *l, const uint32_t *d, int32_t answer_business, struct chain *c)
{
	const int32_t in_progress = sim_world_business(w, sim_world_date(w, c->in_progress));
	const int32_t room = answer_business - l->hold_days - in_progress;
	const int32_t begin = in_progress + (room > 0 ? (int32_t)rng_below(d[D_HOLD], (uint32_t)room + 1) : 0);
	/* The low bits give the time: the high ones gave the day. */
	const uint32_t low = d[D_HOLD] << 12;
	if (begin == in_progress)
		step_add(c, c->in_progress + 10 * MINUTE + part(low, 2 * HOUR), STATE_ON_HOLD);
	else
		step_add(c, on_business(w, begin, 8 * HOUR + 30 * MINUTE, low, 8 * HOUR), STATE_ON_HOLD);
	step_add(c, on_business(w, begin + l->hold_days, 8 * HOUR, d[D_HOLD_END], 2 * HOUR), STATE_IN_PROGRESS);
}

static int64_t answered_at(const struct sim_world *w, int32_t business, uint32_t draw)
{
	return on_business(w, business, 10 * HOUR, draw, 7 * HOUR + 30 * MINUTE);
}

/* The first answer is taken back: reopened on business day `reopened`, answered again on `last`. */
static void chain_reopen(const struct sim_world *w, const uint32_t *d, int32_t reopened, int32_t last, struct chain *c)
{
	step_add(c, on_business(w, reopened, 8 * HOUR, d[D_REOPENED], 9 * HOUR), STATE_REOPENED);
	const int64_t again = next_step(w, c->steps[c->n - 1].ts, d[D_IN_PROGRESS_AGAIN], 2 * HOUR);
	step_add(c, again, STATE_IN_PROGRESS);
	step_add(c, answered_at(w, last, d[D_RESPONDED_AGAIN]), STATE_RESPONDED);
}

static int64_t radicated_at(const struct life *l, uint8_t channel, uint32_t draw)
{
	static const int64_t span[CHANNEL_N] = {
		/* a form is registered at once, a letter to a mailbox by hand */
		[CHANNEL_EMAIL] = 4 * HOUR,
		[CHANNEL_WEBFORM] = 25 * MINUTE,
		[CHANNEL_CHAT] = 40 * MINUTE,
		[CHANNEL_CALL] = 90 * MINUTE,
		[CHANNEL_OTHER_DIGITAL] = 8 * HOUR,
	};
	return l->created + 2 * MINUTE + part_early(draw, span[channel]);
}

static void chain_build(
	const struct sim_world *w, const struct life *l, uint8_t channel, const uint32_t *d, struct chain *c)
{
	c->n = 0;
	const int64_t radicated = radicated_at(l, channel, d[D_RADICATED]);
	const int64_t classified = radicated + MINUTE + part_early(d[D_CLASSIFIED], 90 * MINUTE);
	const int64_t assigned = next_step(w, classified, d[D_ASSIGNED], 2 * HOUR);
	c->in_progress = next_step(w, assigned, d[D_IN_PROGRESS], 4 * HOUR);
	step_add(c, radicated, STATE_RADICATED);
	step_add(c, classified, STATE_CLASSIFIED);
	step_add(c, assigned, STATE_ASSIGNED);
	step_add(c, c->in_progress, STATE_IN_PROGRESS);
	const int32_t base = sim_world_business(w, sim_world_date(w, radicated));
	const int32_t last = base + l->answer_days;
	int32_t first = last;
	if (l->stop_days > 0) { /* a business day must be left to be worked on again */
		const int32_t lo = l->hold_days + 2, hi = l->answer_days - l->stop_days - 1;
		first = base + lo + (hi > lo ? (int32_t)rng_below(d[D_ANSWERED_FIRST], (uint32_t)(hi - lo) + 1) : 0);
	}
	if (l->hold_days > 0) chain_hold(w, l, d, first, c);
	const size_t responded = c->last_answer = c->n;
	step_add(c, answered_at(w, first, d[D_RESPONDED]), STATE_RESPONDED);
	if (l->stop_days > 0) {
		const uint32_t low = d[D_ANSWERED_FIRST] << 8;
		step_add(c, closed_at(w, c->steps[responded].ts, first, l->stop_days - 1, low), STATE_CLOSED);
		chain_reopen(w, d, first + l->stop_days, last, c);
		c->last_answer = c->n - 1;
	}
	step_add(c, closed_at(w, c->steps[c->last_answer].ts, last, l->close_days, d[D_CLOSED]), STATE_CLOSED);
	if (l->archive_days > 0) {
		const int32_t day = sim_world_date(w, c->steps[c->last_answer + 1].ts) + l->archive_days;
		step_add(c, sim_world_start(w, day) + 19 * HOUR + part(d[D_ARCHIVED], 2 * HOUR), STATE_ARCHIVED);
	}
	chain_order(c, l->created);
	c->in_progress = c->steps[3].ts;
	c->responded = c->steps[responded].ts;
}

static void event_add(struct sim_event *events, size_t *n, int64_t ts, enum sim_kind kind, uint8_t arg)
{
	events[*n] = (struct sim_event){.ts = ts, .kind = (uint8_t)kind, .sequence = (uint8_t)*n, .arg = arg};
	(*n)++;
}

/* How many of something, by a share in 1/256 for each number from the first on. */
static uint32_t how_many(const uint8_t *shares, uint32_t draw8)
{
	uint32_t i = 0;
	while (draw8 >= shares[i]) draw8 -= shares[i++];
	return i;
}

/* One message of the staff, on a business day between work and answer. */
static int64_t agent_message_at(const struct sim_world *w, const struct chain *c, uint32_t i, uint32_t n, uint32_t draw)
{
	if (i + 1 == n) return c->responded - MINUTE - part(draw, 20 * MINUTE); /* the answer itself */
	if (i == 0) return c->in_progress + 3 * MINUTE + part(draw, HOUR);
	const int32_t lo = sim_world_business(w, sim_world_date(w, c->in_progress));
	const int32_t hi = sim_world_business(w, sim_world_date(w, c->responded));
	const int32_t at = lo + (hi > lo ? (int32_t)rng_below(draw, (uint32_t)(hi - lo) + 1) : 0);
	return on_business(w, at, 8 * HOUR, draw << 10, 9 * HOUR);
}

static void add_messages(const struct sim_world *w, const struct life *l, uint64_t entity, const struct chain *c,
	struct sim_event *events, size_t *n)
{
	static const uint8_t agent_shares[] = {186, 44, 16, 7, 3};   /* 1 to 5 */
	static const uint8_t attachment_shares[] = {184, 52, 15, 5}; /* 0 to 3 */
	const struct rng4 a = rng_philox(w->seed, entity, SIM_MESSAGES, 0);
	const struct rng4 b = rng_philox(w->seed, entity, SIM_MESSAGES, 1);
	const uint32_t agents = 1 + how_many(agent_shares, a.v[0] >> 24);
	const uint32_t attachments = how_many(attachment_shares, a.v[0] >> 16 & 255);
	const int64_t closed = c->steps[c->last_answer + 1].ts;
	int64_t at = l->created + 10 * MINUTE + part_early(a.v[1], 60 * HOUR);
	if (at >= closed) at = l->created + (closed - l->created) / 2;
	event_add(events, n, at, SIM_CITIZEN_MESSAGE, 0);
	const uint32_t draws[SIM_AGENT_MESSAGES_MAX] = {a.v[2], a.v[3], b.v[0], b.v[1], b.v[2]};
	for (uint32_t i = 0; i < agents; i++) {
		at = agent_message_at(w, c, i, agents, draws[i]);
		if (at >= c->responded) at = c->responded - 25 * MINUTE;
		if (at <= c->in_progress) at = c->in_progress + US_PER_SECOND;
		event_add(events, n, at, SIM_AGENT_MESSAGE, (uint8_t)i);
	}
	for (uint32_t i = 0; i < attachments; i++) {
		at = l->created + 15 * US_PER_SECOND + part(b.v[3] * (2 * i + 1), 20 * MINUTE);
		event_add(events, n, at, SIM_ATTACHMENT_ADDED, (uint8_t)i);
	}
}

/* By time; equal times are moved apart, so that they increase strictly. */
static void sort_events(struct sim_event *e, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct sim_event x = e[i];
		size_t j = i;
		for (; j > 0 && e[j - 1].ts > x.ts; j--) e[j] = e[j - 1];
		e[j] = x;
	}
	for (size_t i = 1; i < n; i++) {
		if (e[i].ts <= e[i - 1].ts) e[i].ts = e[i - 1].ts + 1;
	}
}

/* Local days after which nothing happens any more: the cheap bound that spares most tickets of older days. */
static int64_t life_end(const struct sim_world *w, const struct life *l, int32_t date)
{
	const int32_t days = l->answer_days + l->close_days;
	const int32_t closed = sim_world_business_date(w, sim_world_business(w, date + 1) + days);
	return sim_world_start(w, closed + l->archive_days + 2);
}

size_t sim_ticket_events(const struct sim_world *w, const struct sim_shares *s, struct sim_ticket *t, int64_t since,
	int64_t until, struct sim_event events[SIM_EVENTS_MAX])
{
	const uint64_t entity = sim_entity(t->date, t->number);
	const struct life l = life_of(w, s, t->date, t->number);
	if (l.created > until || life_end(w, &l, t->date) <= since) return 0;
	uint32_t d[DRAWS];
	for (uint32_t i = 0; i < DRAWS / 4; i++) {
		const struct rng4 r = rng_philox(w->seed, entity, SIM_TIMES, i);
		for (uint32_t j = 0; j < 4; j++) d[4 * i + j] = r.v[j];
	}
	t->type = l.type;
	t->channel = pick(s->channel, d[D_CHANNEL]);
	t->priority = pick(s->priority, d[D_PRIORITY]);
	t->place = place_pick(s, w->config->simulation.n_places, d[D_PLACE]);
	struct chain c;
	chain_build(w, &l, t->channel, d, &c);
	size_t n = 0;
	event_add(events, &n, l.created, SIM_CREATED, 0);
	for (size_t i = 0; i < c.n; i++)
		event_add(events, &n, c.steps[i].ts, SIM_STATUS, (uint8_t)(c.steps[i].from << 4 | c.steps[i].to));
	add_messages(w, &l, entity, &c, events, &n);
	ASSERT(n <= SIM_EVENTS_MAX);
	sort_events(events, n);
	const int64_t end = sim_world_start(w, t->date + SIM_LIFE_DAYS_MAX);
	while (n > 0 && events[n - 1].ts >= end) n--;
	for (size_t i = 0; i < n; i++) events[i].channel = t->channel;
	return n;
}
