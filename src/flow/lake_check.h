/* flow/lake_check.h: does a lake hold what its runs left?
 *
 * Every run's own objects (flow/records.h), and of each table that a finished run left (versions.json) that it is there and no older. Reads
 * no data file and no row of a log: those are table/maintain/check.h's. Reads only.
 */
#ifndef PQR_FLOW_LAKE_CHECK_H
#define PQR_FLOW_LAKE_CHECK_H

#include "flow/picture.h"
#include "flow/workload.h"

struct lake_check {
	struct store *lake;
	/* Called for each difference, from the calling thread. May be NULL. */
	void (*difference)(void *arg, const char *key, const char *what);
	void *arg;
	int64_t runs, differences; /* written: looked at, found */
};
status lake_check_runs(struct lake_check *c, const struct workload_list *known, struct err *err) MUST_USE;
/* The tables of one run's versions. */
status lake_check_versions(struct lake_check *c, const struct picture *left, struct err *err) MUST_USE;

#endif
