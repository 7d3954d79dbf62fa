/* flow/watch.h: what a run tells, while it runs, to those who watch it (lineage, traces).
 *
 *   RUN_BEGUN -> (STAGE_BEGUN -> TASK_ENDED* -> STAGE_ENDED)* -> RUN_ENDED
 *
 * Told once something is so, and of what this call does alone: stages of before are not told of again. A watcher can neither fail nor
 * hold up the run. Must not know who watches.
 */
#ifndef PQR_FLOW_WATCH_H
#define PQR_FLOW_WATCH_H

#include "control/control.h"
#include "flow/workload.h"

enum watch_kind { WATCH_RUN_BEGUN, WATCH_STAGE_BEGUN, WATCH_TASK_ENDED, WATCH_STAGE_ENDED, WATCH_RUN_ENDED };

/* What a stage left: numbers, tables and edges, as the control plane has them; its checks also where it failed by them. */
struct watch_stage {
	bool committed;
	struct control_stage record; /* when committed */
	const struct control_quality *checks;
	size_t n_checks;
};

/* Everything is valid during the call alone. */
struct watch_event {
	enum watch_kind kind;
	const struct workload *workload;
	const struct run_info *run;
	int64_t started_at, at; /* of what begins: both its beginning; microseconds UTC */
	status code;            /* of what ended */
	const char *error;      /* NULL: it ended well */
	const char *stage;      /* of stages and tasks; "publish" is one */
	const struct control_task *task;
	const struct watch_stage *left; /* WATCH_STAGE_ENDED */
};

/* tell: from the run's thread; of tasks from any thread, several at once. */
struct run_watch {
	void (*tell)(void *arg, const struct watch_event *e);
	void *arg;
};

#endif
