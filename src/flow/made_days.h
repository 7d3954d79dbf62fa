/* flow/made_days.h: for workloads that make their events by a seed and by local days: what such a run is told, and what follows from it.
 *
 * The engine calls these only through what a workload registers (struct workload_making). The text of a run's params is
 * "seed=42", or "seed=42,emit_from=2025-10-01" where events before that day are left out.
 */
#ifndef PQR_FLOW_MADE_DAYS_H
#define PQR_FLOW_MADE_DAYS_H

#include "flow/workload.h"

/* As the configuration says. */
struct made_days {
	uint64_t seed;
	int32_t from, to; /* local days, inclusive */
};

/* For `settle`: takes the one param "emit_from", a day of the range. */
status made_days_settle(const struct made_days *configured, const struct run_params *given, struct arena *arena,
	struct run_info *run, struct err *err) MUST_USE;
/* The text of params, in arena; NULL: out of memory. emit_from: INT32_MIN and the first day are the same. */
const char *made_days_params(struct arena *arena, struct made_days days, int32_t emit_from);

/* The members of struct workload_making by these names. */
bool made_days_settled(const struct run_info *run);
void made_days_name(const struct run_info *run, struct buf *out);
uint64_t made_days_seed(const struct run_info *run);

/* The first day whose events are written. */
int32_t made_days_first(const struct run_info *run);

/* For `continues`: a run that leaves out the events before a day goes on where one of the same seed and first day ended: as far as the
 * last instant before that day, in the zone tz (NULL: UTC). */
enum continues made_days_continues(const struct tz *tz, const struct run_info *run, const struct run_info *earlier);

#endif
