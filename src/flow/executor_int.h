/* flow/executor_int.h: what the kinds of executor share: how they are called, and when a task is tried again. */
#ifndef PQR_FLOW_EXECUTOR_INT_H
#define PQR_FLOW_EXECUTOR_INT_H

#include "flow/executor.h"

struct executor {
	status (*run)(struct executor *e, const struct executor_job *job, struct err *err);
	void (*close)(struct executor *e);
};

/* Before each attempt: what a failed one had written down is gone. */
void executor_slot_empty(struct task_slot *slot);
/* After the attempt-th (0 = the first) failed: is the task tried again? Then *after_us is how long to wait, and the slot counts it. */
bool executor_tries_again(
	const struct executor_job *job, struct task_slot *slot, const struct err *why, int attempt, int64_t *after_us);

status executor_threads_open(int threads, struct executor **out, struct err *err) MUST_USE;
status executor_driver_open(const struct executor_opts *o, struct executor **out, struct err *err) MUST_USE;

#endif
