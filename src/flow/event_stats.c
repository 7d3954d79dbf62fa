/* flow/event_stats.c: first and last instant and the types of events, merged in any order to the same. */
#include "flow/event_stats.h"

#include <string.h>

void event_stats_init(struct event_stats *e, struct arena *arena)
{
	*e = (struct event_stats){.first = INT64_MAX, .last = INT64_MIN, .types.arena = arena};
}

bool event_stats_merge(struct event_stats *a, const struct event_stats *b)
{
	ASSERT(a != b && a->types.arena != NULL);
	if (b->first < a->first) a->first = b->first;
	if (b->last > a->last) a->last = b->last;
	if (a->why == NULL && b->why != NULL) {
		a->why = arena_strndup(a->types.arena, b->why, strlen(b->why));
		if (a->why == NULL) return false;
	}
	return counter_list_merge(&a->types, &b->types);
}
