/* workloads/pqrs/silver/silver_late.c: which earlier verdicts the run's own events change.
 *
 * An event that is told late, at or before what was known of its ticket, may change what was said of the events after it: a change
 * of state that was refused is allowed now, or one that was accepted is not. Such tickets are folded once in a rehearsal, and each of
 * their earlier rows is held against what stands: quarantine says what was refused, and everything else was not. A ticket whose
 * earlier rows are all judged as before is not dirty: its new rows are appended as those of any other.
 */
#include "workloads/pqrs/silver/silver_int.h"

/* At the same instant the state machine orders events, whoever told them first. Where a ticket has no row yet all that was said is that
 * its creation is missing. */
static bool is_late(const struct known *k)
{
	return k->stands ? k->fresh_ts <= k->last_ts : k->refused;
}

bool silver_late_any(struct silver_task *t)
{
	bool any = false;
	t->dirty_from = INT64_MAX;
	t->dirty_to = INT64_MIN;
	for (uint32_t i = 0; t->has_history && i < t->ticket_ids.n; i++) {
		t->known[i].late = t->tickets[i].touched && is_late(&t->known[i]);
		any |= t->known[i].late;
	}
	return any;
}

static void soil(struct silver_task *t, uint32_t ticket)
{
	struct known *k = &t->known[ticket];
	k->dirty = true;
	if (k->first_ts < t->dirty_from) t->dirty_from = k->first_ts;
	if (k->last_ts > t->dirty_to) t->dirty_to = k->last_ts;
}

static enum pqrs_reason reason_of(unsigned verdict)
{
	return verdict < REASON_N ? (enum pqrs_reason)verdict : REASON_NONE;
}

static status compare(struct silver_task *t, struct slice *s, uint32_t row, struct err *err)
{
	struct known *k = &t->known[s->ticket[row]];
	TRY(silver_load_origin(t, s, err));
	if (s->ts[row] < k->first_ts) k->first_ts = s->ts[row];
	if (s->ts[row] > k->last_ts) k->last_ts = s->ts[row];
	const enum pqrs_reason before =
		silver_refused_before(t, column_str(&s->raw_object, row), ((const int64_t *)s->raw_line.values)[row]);
	if (before != reason_of(s->verdict[row])) soil(t, s->ticket[row]);
	return OK;
}

status silver_late_day(struct silver_task *t, struct err *err)
{
	for (size_t i = 0; i < t->day.slices.n; i++) {
		struct slice *s = &t->day.slices.items[i];
		for (uint32_t row = 0; row < s->n; row++) {
			if (s->ticket[row] == NO_TICKET) continue;
			if (s->verdict[row] == VERDICT_PENDING)
				TRY(silver_keep_pending(t, s, row, err));
			else if (!silver_row_fresh(t, s, row))
				TRY(compare(t, s, row, err));
		}
	}
	return OK;
}

/* Forget what was folded; what is known stays. */
static status forget(struct silver_task *t, struct err *err)
{
	for (uint32_t i = 0; i < t->ticket_ids.n; i++) {
		const bool touched = t->tickets[i].touched;
		t->tickets[i] = (struct ticket){.seen_ts = STATE_NEVER, .touched = touched};
	}
	t->pending.n = 0;
	uuid_table_deinit(&t->event_ids);
	return uuid_table_init(&t->event_ids, 0, err);
}

status silver_late_end(struct silver_task *t, struct err *err)
{
	for (size_t i = 0; i < t->pending.n; i++) {
		const struct pending *p = &t->pending.items[i];
		if (p->fresh) continue;
		const enum pqrs_reason now = t->tickets[p->ticket].s.created ? REASON_OUT_OF_ORDER : REASON_ORPHAN;
		if (silver_refused_before(t, silver_pending_object(t, p), p->raw_line) != now) soil(t, p->ticket);
	}
	return forget(t, err);
}
