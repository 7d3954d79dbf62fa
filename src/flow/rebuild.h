/* flow/rebuild.h: bronze, silver and gold made again from raw, by the runs that made them.
 *
 *   manifests/rebuild.json    which runs in which order, and whether the old tables are gone; from before the first removal to the end
 *
 * For a lake that another version laid out, and for one whose refined layers are damaged. Each run is run again from its raw objects by the
 * ordinary protocol, with the configuration that it was begun with, to the stage that it had reached: first what its history
 * holds before it. Raw objects, manifests, ids and marks of dropped runs stay. While the mark stands nobody else works on the tables.
 */
#ifndef PQR_FLOW_REBUILD_H
#define PQR_FLOW_REBUILD_H

#include "flow/run.h"

struct rebuild_report {
	const char *lake; /* its URI */
	bool resumed;     /* goes on with one that was interrupted */
	int64_t n_removed, bytes_removed;
	struct run_report *runs; /* [n_runs] in the order they were made; each run_report_deinit */
	size_t n_runs;
	const char **published; /* [n_published] the runs whose pictures were published again; views runs */
	size_t n_published;
};
void rebuild_report_deinit(struct rebuild_report *r);

/* o: as run_opts_init leaves it, with lake, control, executor, threads, publish, progress and quiet; its workload is not looked at: the
 * runs of all that are known are made again. r: zeroed; filled as far as it got. Killed anywhere and called again it goes on. Before anything is removed: E_VERIFY (a raw object, a configuration or a
 * commit that tells the order is damaged), E_IO (no room), E_BUSY (a run is at work, or another rebuild). Later as flow_run. */
status flow_rebuild(const struct workload_list *known, const struct run_opts *o, struct rebuild_report *r,
	struct err *err) MUST_USE;

/* E_BUSY: a rebuild is under way in this lake, or was interrupted. One look at one object. */
status rebuild_refuse(struct store *lake, struct err *err) MUST_USE;

#endif
