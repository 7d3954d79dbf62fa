/* flow/run_steps.h: a run step by step, for who runs its tasks himself; flow_run takes the same steps.
 *
 *	run_steps_begin ─► { run_steps_stage ─► run_steps_plan ─► [ run_steps_record ]* ─► run_steps_commit }* ─► run_steps_end
 *
 * From begin to end the caller holds the run's lease, which a thread renews. Once another process took it, record and commit fail with
 * E_BUSY: what tasks still write then is named by its content, and committed by nobody. One thread.
 */
#ifndef PQR_FLOW_RUN_STEPS_H
#define PQR_FLOW_RUN_STEPS_H

#include "flow/run.h"
#include "io/json/json_doc.h"

struct run_steps;

/* Identity, lease, and what a kill left half done. o and r are borrowed until the end. The errors of flow_run; *out is set on success. */
status run_steps_begin(
	const struct run_opts *o, struct run_report *r, struct run_steps **out, struct err *err) MUST_USE;

/* The name of the stage that comes next, "publish" included; NULL: all that was asked for is done. */
const char *run_steps_stage(const struct run_steps *s);

/* Append the next stage as one JSON document: its name, the proof that their workers owe, and the tasks that are not
 * done: {"here":false,"proof":{},"stage":"bronze","tasks":[...]}. here: the tasks read files of this machine. Called again it gives what is left. E_USAGE: no stage is left. */
status run_steps_plan(struct run_steps *s, struct buf *out, struct err *err) MUST_USE;

/* Write down how an attempt of a planned task ended: {"task_id":"","worker":"","result":{}} or with "error" in place of the result.
 * *after_us: -1, or after how long the task has to be tried again. An error that is not tried again is returned. E_USAGE: no such
 * task, or it is done. */
status run_steps_record(
	struct run_steps *s, const struct json_node *ended, int64_t *after_us, struct err *err) MUST_USE;

/* Commit the planned stage, all of whose tasks are recorded; "publish" has none, and is published here. Where the tables changed since it
 * was planned nothing is committed and it comes next again. E_USAGE: a task is missing. */
status run_steps_commit(struct run_steps *s, struct err *err) MUST_USE;

/* The end, also after a failure: ran is how the caller's part went. SUCCESS, PENDING where stages are left or ran is E_CANCELLED, else
 * FAILED; frees s. */
status run_steps_end(struct run_steps *s, status ran, struct err *err) MUST_USE;

#endif
