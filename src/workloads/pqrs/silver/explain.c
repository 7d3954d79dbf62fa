/* workloads/pqrs/silver/explain.c: a ticket folded once more, with the intervals in which its clock stood kept, and the days up to its due date
 * told apart by them. The due date itself is silver's: sla_settle. */
#include "workloads/pqrs/silver/explain.h"

#include <stdlib.h>

#include "workloads/pqrs/silver/instant.h"

enum { EXPLAIN_DAYS_MAX = 36525 };

const char *const explain_reason_names[EXPLAIN_REASONS] = {"counted", "weekend", "holiday", "hold", "stop", "extended"};

static int by_time(const void *a, const void *b)
{
	const struct explain_change *x = a, *y = b;
	return (x->ts > y->ts) - (x->ts < y->ts);
}

/* changes[n] of one instant, in the order in which a ticket in `state` takes them. */
static status order_instant(const struct pqrs_config *cfg, unsigned state, struct explain_change *changes, size_t n,
	struct arena *arena, struct err *err)
{
	struct instant_change *named = ARENA_NEW(arena, struct instant_change, n);
	struct explain_change *copy = ARENA_NEW(arena, struct explain_change, n);
	uint32_t *order = ARENA_NEW(arena, uint32_t, n);
	if (named == NULL || copy == NULL || order == NULL) return fail_nomem(err);
	memcpy(copy, changes, n * sizeof *copy);
	for (size_t i = 0; i < n; i++)
		named[i] = (struct instant_change){(uint8_t)changes[i].from, (uint8_t)changes[i].to};
	instant_order(cfg, state, named, n, order);
	for (size_t i = 0; i < n; i++) changes[i] = copy[order[i]];
	return OK;
}

static void stand_add(const struct pqrs_config *cfg, struct explain_stand *stands, size_t *n, struct explain_stand s,
	int64_t from, int64_t to)
{
	s.from = tz_date(cfg->tz, from);
	s.to = tz_date(cfg->tz, to);
	if (to > from && s.from < s.to) stands[(*n)++] = s;
}

static status fold_change(const struct pqrs_config *cfg, const struct explain_change *c, struct explain_stand *stands,
	struct explain *x, struct err *err)
{
	const struct explain_stand hold = {.reason = EXPLAIN_HOLD}, stop = {.reason = EXPLAIN_STOP};
	const struct ticket_state before = x->state;
	if (state_changed(&x->state, cfg, c->ts, c->from, c->to) != REASON_NONE)
		return fail(err, E_CORRUPT, "the ticket's changes are no path of the state machine");
	if (sla_pauses(cfg, before.state)) stand_add(cfg, stands, &x->n_stands, hold, before.since, c->ts);
	if (before.answered_at != STATE_NEVER && x->state.answered_at == STATE_NEVER)
		stand_add(cfg, stands, &x->n_stands, stop, before.answered_at, c->ts);
	return OK;
}

static status fold(const struct pqrs_config *cfg, const struct explain_ticket *t, struct arena *arena,
	struct explain *x, struct err *err)
{
	struct explain_stand *stands = ARENA_NEW(arena, struct explain_stand, 2 * t->n + 1);
	if (stands == NULL) return fail_nomem(err);
	(void)state_created(&x->state, t->created_at, cfg->clock_skew_max);
	if (t->n > 0) qsort(t->changes, t->n, sizeof *t->changes, by_time);
	for (size_t i = 0, end; i < t->n; i = end) {
		for (end = i + 1; end < t->n && t->changes[end].ts == t->changes[i].ts; end++) {}
		if (end - i > 1) TRY(order_instant(cfg, x->state.state, t->changes + i, end - i, arena, err));
		for (size_t k = i; k < end; k++) TRY(fold_change(cfg, &t->changes[k], stands, x, err));
	}
	if (sla_pauses(cfg, x->state.state))
		stand_add(cfg, stands, &x->n_stands, (struct explain_stand){.reason = EXPLAIN_HOLD}, x->state.since,
			t->as_of);
	x->stands = stands;
	return OK;
}

static enum explain_reason reason_of(
	const struct pqrs_config *cfg, const struct explain *x, int32_t date, int32_t counted)
{
	if (date_weekday(date) >= 5) return EXPLAIN_WEEKEND;
	if (!calendar_is_business_day(cfg->calendar, date)) return EXPLAIN_HOLIDAY;
	for (size_t i = 0; i < x->n_stands; i++) {
		if (date > x->stands[i].from && date <= x->stands[i].to) return x->stands[i].reason;
	}
	return counted < x->sla.term ? EXPLAIN_COUNTED : EXPLAIN_EXTENDED;
}

status explain_ticket(const struct pqrs_config *cfg, const struct explain_ticket *t, struct arena *arena,
	struct explain *out, struct err *err)
{
	ASSERT(t->subject.type < TYPE_N);
	struct explain x = {.subject = t->subject};
	TRY(fold(cfg, t, arena, &x, err));
	sla_settle(cfg, &x.state, &t->subject, t->as_of, &x.sla);
	const bool radicated = x.state.radicated_at != STATE_NEVER;
	x.received = tz_date(cfg->tz, radicated ? x.state.radicated_at : t->created_at);
	(void)sla_term(cfg, &t->subject, x.received, &x.law);
	x.due = radicated ? tz_date(cfg->tz, x.sla.due_at) : x.received;
	if (x.due - (int64_t)x.received > EXPLAIN_DAYS_MAX)
		return fail(err, E_LIMIT, "the due date lies over 100 years after the reception");
	x.n_days = (size_t)(x.due - x.received);
	struct explain_day *days = ARENA_NEW(arena, struct explain_day, x.n_days + 1);
	if (days == NULL) return fail_nomem(err);
	int32_t counted = 0, extended = 0;
	for (size_t i = 0; i < x.n_days; i++) {
		const int32_t date = x.received + 1 + (int32_t)i;
		const enum explain_reason reason = reason_of(cfg, &x, date, counted);
		const int32_t n = reason == EXPLAIN_COUNTED ? ++counted : reason == EXPLAIN_EXTENDED ? ++extended : 0;
		days[i] = (struct explain_day){date, n, reason};
	}
	x.days = days;
	*out = x;
	return OK;
}
