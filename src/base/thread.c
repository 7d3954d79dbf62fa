/* base/thread.c: a loop over indexes by threads, and the wish to stop.
 *
 * Invariants: 1. no index is worked on twice; 2. the failure told is that of the lowest index that failed; 3. after a failure or
 * cancellation nothing new is begun. Setting the wish is safe in a signal handler.
 */
#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/alloc.h"

static _Atomic bool cancelled;

int thread_cores(void)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
	const int n = CPU_COUNT(&set);
	return n > 0 ? n : 1;
}

struct pool {
	thread_job job;
	void *arg;
	size_t n;
	_Atomic size_t next;
	_Atomic bool stop;
	pthread_mutex_t lock; /* guards failed_at, code, err */
	size_t failed_at;     /* n = none */
	status code;
	struct err err;
};

struct pool_worker {
	struct pool *pool;
	int worker;
	pthread_t thread;
};

static void pool_fail(struct pool *pool, size_t i, status code, const struct err *err)
{
	atomic_store(&pool->stop, true);
	(void)pthread_mutex_lock(&pool->lock);
	if (i < pool->failed_at) {
		pool->failed_at = i;
		pool->code = code;
		pool->err = *err;
	}
	(void)pthread_mutex_unlock(&pool->lock);
}

static void *pool_main(void *arg)
{
	struct pool_worker *self = arg;
	struct pool *pool = self->pool;
	while (!atomic_load(&pool->stop)) {
		const size_t i = atomic_fetch_add(&pool->next, 1);
		if (i >= pool->n) break;
		struct err err;
		err_clear(&err);
		const status code = pool->job(pool->arg, i, self->worker, &err);
		if (code != OK) pool_fail(pool, i, code, &err);
	}
	return NULL;
}

status thread_for(size_t n, int threads, thread_job job, void *arg, struct err *err)
{
	ASSERT(job != NULL);
	if (n == 0) return OK;
	if (threads < 1) threads = 1;
	if ((size_t)threads > n) threads = (int)n;
	struct pool pool = {.job = job, .arg = arg, .n = n, .failed_at = n, .lock = PTHREAD_MUTEX_INITIALIZER};
	struct pool_worker *workers = mem_zalloc((size_t)threads, sizeof *workers);
	if (workers == NULL) return fail_nomem(err);
	int started = 1;
	workers[0] = (struct pool_worker){.pool = &pool, .worker = 0};
	for (; started < threads; started++) {
		workers[started] = (struct pool_worker){.pool = &pool, .worker = started};
		/* Fewer threads than asked for still do all the work. */
		if (pthread_create(&workers[started].thread, NULL, pool_main, &workers[started]) != 0) break;
	}
	(void)pool_main(&workers[0]);
	for (int i = 1; i < started; i++) (void)pthread_join(workers[i].thread, NULL);
	mem_free(workers);
	if (pool.failed_at == n) return OK;
	if (err != NULL) *err = pool.err;
	return pool.code;
}

void cancel_request(void)
{
	atomic_store(&cancelled, true);
}

void cancel_reset(void)
{
	atomic_store(&cancelled, false);
}

bool cancel_requested(void)
{
	return atomic_load_explicit(&cancelled, memory_order_relaxed);
}

status cancel_check(struct err *err)
{
	if (!cancel_requested()) return OK;
	return fail(err, E_CANCELLED, "interrupted; what was committed is kept, run the same command again to resume");
}
