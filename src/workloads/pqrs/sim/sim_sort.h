/* workloads/pqrs/sim/sim_sort.h: a task's events laid out object by object, each in the order of its lines: (ts, event_id). */
#ifndef PQR_PQRS_SIM_SORT_H
#define PQR_PQRS_SIM_SORT_H

#include "workloads/pqrs/sim/sim_write.h"

struct sim_objects {
	struct sim_event *events; /* [begin[n]] object after object; object = channel * days + (UTC day - lo) */
	size_t *begin;            /* [n + 1] */
	uint32_t n;
	uint64_t *keys, *spare;  /* [largest object] scratch of the sort */
	struct sim_event *moved; /* [largest object] */
};

/* Distribute events[n], all on the UTC days [lo, hi). E_NOMEM. */
status sim_objects_init(struct sim_objects *o, const struct sim_event *events, size_t n, int32_t lo, int32_t hi,
	struct err *err) MUST_USE;
void sim_objects_deinit(struct sim_objects *o); /* also after a failed init */
/* Bring one object's events, of UTC day `day`, into order; event ids are made only where times are equal. */
void sim_objects_sort(struct sim_objects *o, uint32_t object, int32_t day, const struct sim_row *rows, uint64_t seed);

#endif
