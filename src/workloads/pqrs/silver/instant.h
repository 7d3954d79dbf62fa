/* workloads/pqrs/silver/instant.h: the order of the state changes that a ticket's events tell of one instant.
 *
 * Clocks of one second give many changes one ts, and then neither the order in a file nor an id says what came first: the state
 * machine does. Pure; must not know where changes come from. */
#ifndef PQR_PQRS_INSTANT_H
#define PQR_PQRS_INSTANT_H

#include "workloads/pqrs/config/config.h"

enum { INSTANT_MAX = 1000 }; /* changes of one instant that are weighed; what comes after these is taken as it stands */

struct instant_change {
	uint8_t from, to; /* enum pqrs_state, or anything from STATE_N on for a name nobody knows */
};

/* order[n]: the indices of changes[n] in the order in which a ticket in `state` takes them. Each step is a change that the state
 * machine allows; of several one after which all others that it allows can still follow, then one that another leads on from,
 * then the first in the list. Those that never get their turn stand at the end, in the order of the list. */
void instant_order(
	const struct pqrs_config *cfg, unsigned state, const struct instant_change *changes, size_t n, uint32_t *order);

#endif
