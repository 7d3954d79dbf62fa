/* flow/executor_threads.c: tasks of a stage on the threads of this process. */
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "flow/executor_int.h"

enum { BACKOFF_SLICE_US = 20000 };

struct threads {
	struct executor executor; /* first */
	int threads;
};

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

static status attempt_task(const struct executor_job *job, struct task_slot *slot, int worker, struct err *err)
{
	struct err why;
	char name[32];
	executor_slot_empty(slot);
	err_clear(&why);
	(void)snprintf(name, sizeof name, "thread-%d", worker);
	TRY(job->started(job->arg, slot, name, err));
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
		int64_t after_us;
		TRY(cancel_check(err));
		err_clear(&why);
		code = attempt_task(job, slot, worker, &why);
		if (code == OK || !executor_tries_again(job, slot, &why, attempt, &after_us)) break;
		TRY(back_off(after_us, err));
	}
	slot->done = code == OK;
	if (code != OK && err != NULL) *err = why;
	return code;
}

static status run_on_threads(struct executor *e, const struct executor_job *job, struct err *err)
{
	struct executor_job copy = *job;
	return thread_for(job->n, ((struct threads *)e)->threads, thread_task, &copy, err);
}

static void threads_close(struct executor *e)
{
	mem_free(e);
}

status executor_threads_open(int threads, struct executor **out, struct err *err)
{
	struct threads *t = mem_zalloc(1, sizeof *t);
	if (t == NULL) return fail_nomem(err);
	t->executor = (struct executor){run_on_threads, threads_close};
	t->threads = threads > 0 ? threads : 1;
	*out = &t->executor;
	return OK;
}
