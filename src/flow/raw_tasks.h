/* flow/raw_tasks.h: raw objects cut into the tasks of bronze, and the checks that every bronze stage owes: nothing lost, nothing changed.
 */
#ifndef PQR_FLOW_RAW_TASKS_H
#define PQR_FLOW_RAW_TASKS_H

#include "flow/workload.h"

struct raw_tables {
	const char *raw, *bronze, *rejects; /* "raw.pqrs" "bronze.pqrs_events" "rejects.pqrs" */
};
/* A task is a range of days, all sources of them; of a day larger than a task, a range of its sources. A (source, day) is in one task,
 * whole: its rejects are one file. The cut depends on the raw files alone. The stage's name is "bronze". */
status raw_tasks_plan(const struct stage_view *view, const char *raw, struct task_list *out, struct err *err) MUST_USE;
/* Of counters raw_objects_verified, rows_in, rows_out, duplicates, rejects, deferred, ts_outside_day. reject_rate_max in millionths;
 * deferred: what a deferred event is, "events after as_of". */
status raw_tasks_check(const struct stage_view *view, const struct raw_tables *tables, int64_t reject_rate_max,
	const char *deferred, struct quality_list *out, struct err *err) MUST_USE;

#endif
