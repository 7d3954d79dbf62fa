/* workloads/pqrs/gold/gold_ticket.h: the tables with one row a ticket: sla_metrics and tickets_snapshot.
 *
 * All silver parts of one month are laid one behind the other, an index is sorted by ticket_id, and each column is put into
 * its order once, for both tables.
 */
#ifndef PQR_PQRS_GOLD_TICKET_H
#define PQR_PQRS_GOLD_TICKET_H

#include "base/calendar.h"
#include "workloads/pqrs/gold/gold_facts.h"
#include "workloads/pqrs/gold/gold_rows.h"

/* Columns of a silver.tickets batch. */
struct gold_ticket_source {
	int64_t n;
	const struct column *ticket_id, *current_status, *last_update_ts, *radicated_at, *answered_at,
		*sla_business_days, *hold_days, *sla_status;
};

struct gold_tickets {
	struct arena *arena;
	size_t n, cap;
	struct buf ids;                      /* bytes of all ids */
	int32_t *id_offsets;                 /* [cap + 1] */
	int64_t *last_update;                /* [cap] microseconds */
	int32_t *days_target, *days_elapsed; /* [cap] business days */
	int32_t *status, *sla;               /* [cap] dictionary codes */
	struct builder status_names;
	bool by_as_of; /* a row tells of as_of: it has no answer */
};

status gold_tickets_init(struct gold_tickets *t, struct arena *arena, size_t cap, struct err *err) MUST_USE;
void gold_tickets_deinit(struct gold_tickets *t);
/* What the elapsed days need: the zone through days, the calendar, and as_of for tickets that are not answered. */
struct gold_clock {
	struct day_map *days;
	const struct calendar *calendar;
	int64_t as_of;
};
status gold_tickets_add(struct gold_tickets *t, const struct gold_ticket_source *in, const struct gold_clock *clock,
	struct arena *scratch, struct err *err) MUST_USE;
/* Sort and write both tables of the month (its first day) to sink; a repeated ticket_id is counted in sink->totals. */
status gold_tickets_write(struct gold_tickets *t, int32_t month, struct gold_sink *sink, struct err *err) MUST_USE;

/* Row indices 0..n in byte order of the strings, equal ones by index. order[n]; the index sorts 12 bytes a row. */
status gold_sort_strings(const struct column *c, struct arena *arena, uint32_t *order, struct err *err) MUST_USE;

#endif
