/* flow/executor.h: runs the tasks of one stage, in any order, somewhere.
 *
 *   threads                     of this process (executor_threads.c)
 *   dask://..., spark://...     a driver process, which hands them to that engine (executor_driver.c)
 *
 * An executor keeps no task between stages. Each task is tried 1 + TASK_RETRIES_MAX times while its errors are of class
 * ERR_RETRY, with exponential backoff; the jitter is a function of the task's id and the attempt.
 */
#ifndef PQR_FLOW_EXECUTOR_H
#define PQR_FLOW_EXECUTOR_H

#include "flow/workload.h"

/* One task and its result; the result's lists live in arena. */
struct task_slot {
	const struct task_spec *spec;
	char spec_hash[HEX_XXH128_CHARS + 1];
	bool done;       /* already, before the executor saw it */
	int64_t attempt; /* as the control plane counts; for started and finished */
	int64_t retries; /* in this call */
	int64_t started_at;
	struct arena arena;
	struct task_result result;
};

struct executor_job {
	const struct workload *workload;
	const struct stage_def *stage;
	const struct task_env *env;
	struct task_slot *slots; /* [n]; those not done are run */
	size_t n;
	int64_t retry_delay_us;
	/* Around each attempt, from any thread, several at once. worker: its name, for people. why is NULL when the attempt succeeded. Their failure is the attempt's. */
	status (*started)(void *arg, struct task_slot *slot, const char *worker, struct err *err);
	status (*finished)(void *arg, struct task_slot *slot, const struct err *why, struct err *err);
	void *arg;
};

struct executor;
struct executor_opts {
	const char *
		name; /* "threads", "dask://HOST:PORT", "spark://HOST:PORT", "spark-local[N]"; borrowed while it is open */
	int threads; /* of threads: workers, at least 1 */
	/* Of the others: how long the driver may be silent before it is given up, and whether it hands this process's credentials of the
	 * lake to the workers over the engine's own connection. */
	int64_t silence_us;
	bool forward_credentials;
};
bool executor_known(const char *name); /* of one of these forms? */
/* Starts nothing. E_USAGE: no such thing. */
status executor_open(const struct executor_opts *o, struct executor **out, struct err *err) MUST_USE;
void executor_close(struct executor *e); /* NULL is fine */
/* All slots done, or the error of the first that failed for good (threads: running tasks are waited for;
 * elsewhere they may go on, and what they write is nobody's). E_CANCELLED. E_UNREACHABLE: the driver died, was silent for too long or
 * answered what it should not, or its engine is out of reach; what was done is done. */
status executor_run(struct executor *e, const struct executor_job *job, struct err *err) MUST_USE;

#endif
