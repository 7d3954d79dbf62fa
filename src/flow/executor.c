/* flow/executor.c: tasks of a stage on the threads of this process.
 *
 * 1. Each attempt starts with an empty result: what a failed one had written down is gone.
 * 2. Only errors of class ERR_RETRY are tried again, of the task or of the job's calls around it alike.
 * What a task does, and where results are kept, is the caller's.
 */
#include "flow/executor.h"

#include <time.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/rng.h"
#include "base/thread.h"

enum { RETRY_PURPOSE = 0x72747279, BACKOFF_SLICE_US = 20000 };

struct executor {
	status (*run)(struct executor *e, const struct executor_job *job, struct err *err);
	int threads;
};

/* base * 2^attempt plus up to half of that. */
static int64_t backoff_us(const struct task_spec *spec, int64_t base, int attempt)
{
	ASSERT(base >= 0 && attempt >= 0 && attempt < TASK_RETRIES_MAX); /* the shift stays small */
	const int64_t delay = base << attempt;
	const struct rng4 draw =
		rng_philox(hash_xxh3(spec->task_id, strlen(spec->task_id)), 0, RETRY_PURPOSE, (uint32_t)attempt);
	return delay + (int64_t)(((uint64_t)delay / 2 * draw.v[0]) >> 32);
}

static status back_off(int64_t us, struct err *err)
{
	const int64_t until = time_mono_us() + us;
	for (int64_t left = us; left > 0; left = until - time_mono_us()) {
		TRY(cancel_check(err));
		const int64_t slice = left < BACKOFF_SLICE_US ? left : BACKOFF_SLICE_US;
		(void)nanosleep(&(struct timespec){.tv_sec = slice / 1000000, .tv_nsec = slice % 1000000 * 1000}, NULL);
	}
	return OK;
}

static void slot_empty(struct task_slot *slot)
{
	arena_reset(&slot->arena);
	task_result_init(&slot->result, slot->spec, &slot->arena);
}

static status attempt_task(const struct executor_job *job, struct task_slot *slot, int worker, struct err *err)
{
	struct err why;
	ASSERT(!slot->done); /* its result is the stage's already */
	slot_empty(slot);
	err_clear(&why);
	TRY(job->started(job->arg, slot, worker, err));
	const status code = job->stage->run(job->env, slot->spec, &slot->result, &why);
	TRY(job->finished(job->arg, slot, code == OK ? NULL : &why, err));
	if (code != OK && err != NULL) *err = why;
	return code;
}

static status thread_task(void *arg, size_t i, int worker, struct err *err)
{
	const struct executor_job *job = arg;
	struct task_slot *slot = &job->slots[i];
	struct err why;
	if (slot->done) return OK;
	status code = OK;
	for (int attempt = 0;; attempt++) {
		TRY(cancel_check(err));
		err_clear(&why);
		code = attempt_task(job, slot, worker, &why);
		if (code == OK || why.class != ERR_RETRY || attempt == TASK_RETRIES_MAX) break;
		slot->retries++;
		TRY(back_off(backoff_us(slot->spec, job->retry_delay_us, attempt), err));
	}
	slot->done = code == OK;
	if (code != OK && err != NULL) *err = why;
	return code;
}

static status run_on_threads(struct executor *e, const struct executor_job *job, struct err *err)
{
	struct executor_job copy = *job;
	return thread_for(job->n, e->threads, thread_task, &copy, err);
}

status executor_open(const char *name, int threads, struct executor **out, struct err *err)
{
	if (strncmp(name, "dask:", 5) == 0 || strncmp(name, "spark:", 6) == 0 || strncmp(name, "spark-local", 11) == 0)
		return fail(err, E_UNSUPPORTED, "unsupported: executor %s is not in this version; use threads", name);
	if (strcmp(name, "threads") != 0) return fail(err, E_USAGE, "executor %s: expected threads", name);
	struct executor *e = mem_zalloc(1, sizeof *e);
	if (e == NULL) return fail_nomem(err);
	e->run = run_on_threads;
	e->threads = threads > 0 ? threads : 1;
	*out = e;
	return OK;
}

void executor_close(struct executor *e)
{
	mem_free(e);
}

status executor_run(struct executor *e, const struct executor_job *job, struct err *err)
{
	ASSERT(job->n == 0 || job->slots != NULL);
	ASSERT(job->retry_delay_us >= 0 && job->started != NULL && job->finished != NULL);
	return e->run(e, job, err);
}
