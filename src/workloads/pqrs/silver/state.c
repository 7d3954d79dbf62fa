/* workloads/pqrs/silver/state.c: see state.h.
 *
 * Invariants: 1. a refused event leaves the state, its clock and the counts as they were; 2. what lasted before `since` is in running_us
 * and hold_days, what lasts since then in neither; 3. answered_at stands only while no reopening followed the answer.
 */
#include "workloads/pqrs/silver/state.h"

#include "workloads/pqrs/silver/sla.h"

const char *const pqrs_reason_names[REASON_N] = {
	"",
	"invalid_transition",
	"orphan",
	"out_of_order",
	"conflicting_duplicate",
	"duplicate_creation",
};

/* Whether an event at ts may touch the ticket. */
static enum pqrs_reason admit(const struct ticket_state *t, int64_t ts)
{
	if (!t->created) return REASON_ORPHAN;
	return ts < t->admits_from ? REASON_OUT_OF_ORDER : REASON_NONE;
}

static void touch(struct ticket_state *t, int64_t ts)
{
	if (ts > t->last_update) t->last_update = ts;
}

enum pqrs_reason state_created(struct ticket_state *t, int64_t ts, int64_t skew)
{
	if (t->created) return REASON_DUPLICATE_CREATION;
	*t = (struct ticket_state){
		.created_at = ts,
		.radicated_at = STATE_NEVER,
		.first_response_at = STATE_NEVER,
		.responded_at = STATE_NEVER,
		.answered_at = STATE_NEVER,
		.closed_at = STATE_NEVER,
		.archived_at = STATE_NEVER,
		.since = ts,
		.admits_from = ts - skew,
		.last_update = ts,
		.state = STATE_RECEIVED,
		.created = true,
	};
	return REASON_NONE;
}

/* Close the interval of the state the ticket is in. */
static void leave(struct ticket_state *t, const struct pqrs_config *cfg, int64_t ts)
{
	if (sla_runs(cfg, t->state) && ts > t->since) t->running_us += ts - t->since;
	if (sla_pauses(cfg, t->state)) t->hold_days += sla_hold_days(cfg, t->since, ts);
}

/* A stop lasts over further STOP states and NONE (an archive); what follows it else is a reopening, and the time until then does
 * not count. */
static void set_clock(struct ticket_state *t, const struct pqrs_config *cfg, unsigned to, int64_t ts)
{
	const bool answered = t->answered_at != STATE_NEVER;
	if (cfg->states[to].sla == SLA_STOP && !answered) t->answered_at = ts;
	if (cfg->states[to].sla == SLA_STOP || cfg->states[to].sla == SLA_NONE || !answered) return;
	t->hold_days += sla_hold_days(cfg, t->answered_at, ts);
	t->answered_at = STATE_NEVER;
}

static void enter(struct ticket_state *t, const struct pqrs_config *cfg, unsigned to, int64_t ts)
{
	set_clock(t, cfg, to, ts);
	t->state = (uint8_t)to;
	t->since = ts;
	if (to == STATE_RADICATED && t->radicated_at == STATE_NEVER) t->radicated_at = ts;
	if (to == STATE_RESPONDED) t->responded_at = ts;
	if (to == STATE_CLOSED) t->closed_at = ts;
	if (to == STATE_ARCHIVED) t->archived_at = ts;
	if (to == STATE_REOPENED) t->reopened++;
}

enum pqrs_reason state_changed(
	struct ticket_state *t, const struct pqrs_config *cfg, int64_t ts, unsigned from, unsigned to)
{
	const enum pqrs_reason reason = admit(t, ts);
	if (reason != REASON_NONE) return reason;
	if (!t->change_seen) t->first_not_received = from != STATE_RECEIVED;
	t->change_seen = true;
	if (from != t->state || to >= STATE_N || !cfg->transitions[from][to]) return REASON_INVALID_TRANSITION;
	leave(t, cfg, ts);
	enter(t, cfg, to, ts);
	t->changes++;
	touch(t, ts);
	return REASON_NONE;
}

enum pqrs_reason state_message(struct ticket_state *t, int64_t ts, bool by_agent)
{
	const enum pqrs_reason reason = admit(t, ts);
	if (reason != REASON_NONE) return reason;
	t->messages++;
	if (by_agent && t->first_response_at == STATE_NEVER) t->first_response_at = ts;
	touch(t, ts);
	return REASON_NONE;
}

enum pqrs_reason state_attachment(struct ticket_state *t, int64_t ts)
{
	const enum pqrs_reason reason = admit(t, ts);
	if (reason != REASON_NONE) return reason;
	t->attachments++;
	touch(t, ts);
	return REASON_NONE;
}
