/* workloads/pqrs/sim/sim_ticket.h: the life of one simulated ticket, from its creation to its archive.
 *
 *   created - RADICATED - CLASSIFIED - ASSIGNED - IN_PROGRESS [- ON_HOLD - IN_PROGRESS] - RESPONDED - CLOSED
 *             [- REOPENED - IN_PROGRESS - RESPONDED - CLOSED] [- ARCHIVED]     and messages and attachments between
 *
 * Knows times and states; must not know texts or JSON. Invariants:
 * 1. a ticket is a pure function of (configuration, seed, first day of the history, its day, its number);
 * 2. the outcome (in time or late) is drawn first, and the last answer is placed on a business day before or after the due
 *    day, counted as silver counts it: sla_business_days of the type, plus the business days on hold and from an answer that
 *    was taken back to the reopening;
 * 3. times increase strictly, and status changes follow the state machine of config/pqrs_status_v1.yaml.
 */
#ifndef PQR_PQRS_SIM_TICKET_H
#define PQR_PQRS_SIM_TICKET_H

#include "workloads/pqrs/sim/sim_world.h"

enum sim_kind { SIM_CREATED, SIM_STATUS, SIM_CITIZEN_MESSAGE, SIM_AGENT_MESSAGE, SIM_ATTACHMENT_ADDED };
enum { SIM_EVENTS_MAX = 24, SIM_AGENT_MESSAGES_MAX = 5, SIM_ATTACHMENTS_MAX = 3 };

struct sim_event {        /* 16 bytes: a task sorts many */
	int64_t ts;       /* microseconds */
	uint32_t ticket;  /* the caller's own index */
	uint8_t kind;     /* enum sim_kind */
	uint8_t sequence; /* in the ticket, by creation in here: the event id's index */
	uint8_t arg;      /* SIM_STATUS: from << 4 | to; else which message or attachment, from 0 */
	uint8_t channel;
};

struct sim_ticket {
	int32_t date;    /* local day of creation */
	uint32_t number; /* in that day, from 0 */
	uint16_t place;  /* index of config's places */
	uint8_t type, priority, channel;
};

/* Shares as running sums, built once per task. */
struct sim_shares {
	uint32_t type[TYPE_N], channel[CHANNEL_N], priority[PRIORITY_N]; /* cumulative, in millionths */
	uint64_t *place;                                                 /* [n_places] cumulative weights */
	uint8_t hour[256];                                               /* hour of the day by 1/256 */
};
status sim_shares_init(
	struct sim_shares *s, const struct pqrs_config *config, struct arena *arena, struct err *err) MUST_USE;

/* First local day whose tickets may have events on or after the local day `date`; not before the history's first. */
int32_t sim_ticket_first_day(const struct sim_world *w, int32_t date);
/* The last local day on which a ticket created on `date` may have an event; calendar arithmetic without a world. */
int32_t sim_ticket_last_day(const struct pqrs_config *config, int32_t date);

/* The ticket t->date, t->number (the caller sets both) and its events in order of time: n in 0..SIM_EVENTS_MAX.
 * Returns 0 early, without the cost of a whole life, when all its events are certainly before `since`, or after
 * `until`; then the rest of *t is unset. t->date in [w->date_from, w->date_to]. */
size_t sim_ticket_events(const struct sim_world *w, const struct sim_shares *s, struct sim_ticket *t, int64_t since,
	int64_t until, struct sim_event events[SIM_EVENTS_MAX]);

#endif
