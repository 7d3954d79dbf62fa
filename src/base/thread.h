/* base/thread.h: threads, a bounded parallel-for and the process's cancel flag. */
#ifndef PQR_BASE_THREAD_H
#define PQR_BASE_THREAD_H

#include "base/err.h"

int thread_cores(void); /* cores this process may use (sched_getaffinity), at least 1 */

/* Run job(arg, i, worker) for every i in [0, n) on `threads` threads (the caller is one of them), each i
 * once, in increasing order of start. worker is in [0, threads). The first failure stops the start of
 * further i; the error returned is the one of the lowest failing i, so it does not depend on timing when
 * one i alone is at fault. threads is clamped to [1, n]. */
typedef status (*thread_job)(void *arg, size_t i, int worker, struct err *err);
status thread_for(size_t n, int threads, thread_job job, void *arg, struct err *err) MUST_USE;

/* Set by SIGINT/SIGTERM (async-signal-safe); kernels poll it at least every 50 ms of work. */
void cancel_request(void);
void cancel_reset(void);
bool cancel_requested(void);
status cancel_check(struct err *err) MUST_USE; /* E_CANCELLED once requested */

#endif
