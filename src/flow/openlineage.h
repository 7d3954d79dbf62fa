/* flow/openlineage.h: OpenLineage run events (https://openlineage.io/spec/2-0-2/OpenLineage.json) as JSON text.
 *
 *   run     job <workload>           its run is ours
 *   stage   job <workload>.<stage>   its run's id follows from ours and the stage; the facet `parent` names ours
 *
 * Appends and never fails by itself: check the buffer. Must not know where the events go.
 */
#ifndef PQR_FLOW_OPENLINEAGE_H
#define PQR_FLOW_OPENLINEAGE_H

#include "base/hash.h"
#include "flow/watch.h"

#define OPENLINEAGE_NAMESPACE "pqr-lakehouse"

/* Who made us run: a job and its run; run_id "" = nobody. */
struct openlineage_parent {
	const char *namespace, *job, *run_id;
};
struct openlineage_opts {
	const char *namespace; /* of our jobs and tables */
	struct openlineage_parent parent;
};

/* What a watcher was told, as one event without a newline; false and nothing for what is no run event: a task.
 *   WATCH_RUN_BEGUN, WATCH_STAGE_BEGUN   START
 *   WATCH_STAGE_ENDED, WATCH_RUN_ENDED   COMPLETE, FAIL, or ABORT of what was interrupted */
bool openlineage_event(const struct watch_event *e, const struct openlineage_opts *o, struct buf *out);
/* The run's own RUNNING with the tables of a stage that was committed; false for all else. */
bool openlineage_running(const struct watch_event *e, const struct openlineage_opts *o, struct buf *out);

/* ---- parts, of who writes an event of something else ------------------------------------------------------------------ */

struct openlineage_head {
	const char *type; /* "COMPLETE" */
	struct str at;    /* RFC 3339 */
	const char *namespace;
	struct str workload, stage; /* stage "" = the run itself */
	struct str run_id;          /* ours */
};
/* From "{" to the job's end, with more facets of the run in `facets` ("" or "\"name\":{...},..."). */
void openlineage_begin(
	const struct openlineage_head *h, const struct openlineage_parent *parent, struct str facets, struct buf *out);
void openlineage_end(struct buf *out); /* producer, schema and "}" */
/* {"namespace":...,"name":...,"facets":{ and the version where there is one; *some says whether a facet stands. Closed by "}}". */
void openlineage_dataset(const char *namespace, struct str name, struct str version, bool *some, struct buf *out);

#endif
