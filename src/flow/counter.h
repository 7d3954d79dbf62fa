/* flow/counter.h: named sums, so that the results of tasks merge by addition. Names are few: a look-up goes through all. */
#ifndef PQR_FLOW_COUNTER_H
#define PQR_FLOW_COUNTER_H

#include "base/arena.h"

struct counter {
	const char *name;
	int64_t value;
};
struct counter_list {
	struct counter *items;
	size_t n, cap;
	struct arena *arena;
};
/* Add to the counter of that name, or append one; the name is copied. false: out of memory. */
bool counter_add(struct counter_list *l, const char *name, int64_t value) MUST_USE;
int64_t counter_get(const struct counter_list *l, const char *name);                    /* 0 when absent */
bool counter_list_merge(struct counter_list *a, const struct counter_list *b) MUST_USE; /* b into a */

#endif
