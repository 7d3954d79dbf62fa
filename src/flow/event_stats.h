/* flow/event_stats.h: what the events of raw are.
 *
 * The types become the manifest's counts, the instants give an ingested run its dates.
 */
#ifndef PQR_FLOW_EVENT_STATS_H
#define PQR_FLOW_EVENT_STATS_H

#include "flow/counter.h"

struct event_stats {
	int64_t first, last; /* ts of the oldest and newest valid event, microseconds; first > last: none was told */
	struct counter_list types; /* how many of each type */
	const char *
		why; /* where no event is valid, what is wrong with the lines; NULL = nothing was told. In types' arena */
};
void event_stats_init(struct event_stats *e, struct arena *arena);
/* b into a; the first text stands. false: out of memory. */
bool event_stats_merge(struct event_stats *a, const struct event_stats *b) MUST_USE;
static inline bool event_stats_dated(const struct event_stats *e)
{
	return e->first <= e->last;
}

#endif
