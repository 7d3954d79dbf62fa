/* workloads/pqrs/silver/state.h: the state machine of a ticket (contract section 3), one event at a time.
 *
 *   state_created -> { state_changed | state_message | state_attachment }*      in the order of silver_fold.c
 *
 * Knows transitions, clocks and counts; must not know where events come from, nor duplicates. Times are microseconds
 * UTC. Intervals that are still open (a hold, a running clock) are closed by sla_settle (pqrs/silver/sla.h).
 */
#ifndef PQR_PQRS_STATE_H
#define PQR_PQRS_STATE_H

#include "workloads/pqrs/config/config.h"

#define STATE_NEVER INT64_MIN /* a time that has not come */

/* Why an event is not in silver; the order is the one of pqrs_reason_names. */
enum pqrs_reason {
	REASON_NONE, /* accepted */
	REASON_INVALID_TRANSITION,
	REASON_ORPHAN,
	REASON_OUT_OF_ORDER,
	REASON_CONFLICTING_DUPLICATE,
	REASON_DUPLICATE_CREATION,
	REASON_N,
};
extern const char *const pqrs_reason_names[REASON_N]; /* "" for NONE */

/* A zeroed struct is a ticket that was never created. */
struct ticket_state {
	int64_t created_at, radicated_at, first_response_at, responded_at, closed_at,
		archived_at; /* STATE_NEVER until then */
	int64_t answered_at; /* when the clock was last stopped; STATE_NEVER while it runs or pauses */
	int64_t since;       /* when the current state began; later than a change of state told with an earlier clock */
	int64_t admits_from; /* events before it are not the ticket's */
	int64_t last_update; /* ts of the last accepted event */
	int64_t running_us;  /* closed intervals in START and RUN states */
	int32_t hold_days;   /* business days of closed PAUSE intervals, and of stops that did not last */
	uint32_t reopened, messages, attachments, changes;
	uint8_t state; /* enum pqrs_state */
	bool created;
	bool first_not_received; /* the first change that was offered did not start from RECEIVED */
	bool change_seen;
};

/* Each returns REASON_NONE when the event counts, and else leaves the ticket as it was (but for the two flags above).
 * An event of a ticket without creation is an ORPHAN here; whoever sees a later creation calls it OUT_OF_ORDER. */
/* skew: how far the clocks of other events may stand before the creation's. */
enum pqrs_reason state_created(struct ticket_state *t, int64_t ts, int64_t skew);
/* from and to: enum pqrs_state, or anything from STATE_N on for a name nobody knows. */
enum pqrs_reason state_changed(
	struct ticket_state *t, const struct pqrs_config *cfg, int64_t ts, unsigned from, unsigned to);
enum pqrs_reason state_message(struct ticket_state *t, int64_t ts, bool by_agent);
enum pqrs_reason state_attachment(struct ticket_state *t, int64_t ts);

#endif
