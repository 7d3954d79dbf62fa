/* workloads/pqrs/sim/sim_feed.h: the simulator's events one after the other, as they would arrive: in order of time, days without end in memory. */
#ifndef PQR_PQRS_SIM_FEED_H
#define PQR_PQRS_SIM_FEED_H

#include "base/buf.h"
#include "workloads/pqrs/config/config.h"

/* The events of a run of the same configuration from its first day to its last, each once; their times rise. */
struct sim_feed;
status sim_feed_open(const struct pqrs_config *config, struct sim_feed **out, struct err *err) MUST_USE;
void sim_feed_close(struct sim_feed *f); /* NULL is fine */

struct sim_fed {
	struct str line;   /* without its '\n' */
	struct str ticket; /* the ticket's id */
};
/* *out views f until the next call; line.p NULL: the end. */
status sim_feed_next(struct sim_feed *f, struct sim_fed *out, struct err *err) MUST_USE;

#endif
