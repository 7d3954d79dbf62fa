/* flow/executor_retry.c: what all executors do alike when a task fails.
 *
 * 1. Each attempt starts with an empty result: what a failed one had written down is gone.
 * 2. Only errors of class ERR_RETRY are tried again, of the task or of the job's calls around it alike.
 */
#include "base/limits.h"
#include "base/rng.h"
#include "flow/executor_int.h"

enum { RETRY_PURPOSE = 0x72747279 };

/* base * 2^attempt plus up to half of that. */
static int64_t backoff_us(const struct task_spec *spec, int64_t base, int attempt)
{
	ASSERT(base >= 0 && attempt >= 0 && attempt < TASK_RETRIES_MAX); /* the shift stays small */
	const int64_t delay = base << attempt;
	const struct rng4 draw =
		rng_philox(hash_xxh3(spec->task_id, strlen(spec->task_id)), 0, RETRY_PURPOSE, (uint32_t)attempt);
	return delay + (int64_t)(((uint64_t)delay / 2 * draw.v[0]) >> 32);
}

void executor_slot_empty(struct task_slot *slot)
{
	ASSERT(!slot->done); /* its result is the stage's already */
	arena_reset(&slot->arena);
	task_result_init(&slot->result, slot->spec, &slot->arena);
}

bool executor_tries_again(
	const struct executor_job *job, struct task_slot *slot, const struct err *why, int attempt, int64_t *after_us)
{
	if (why->class != ERR_RETRY || attempt >= TASK_RETRIES_MAX) return false;
	slot->retries++;
	*after_us = backoff_us(slot->spec, job->retry_delay_us, attempt);
	return true;
}
