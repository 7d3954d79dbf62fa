/* control/heartbeat.c: a thread that renews a lease every HEARTBEAT_SECONDS, over a connection of its own.
 *
 * Only a lease that somebody else took is lost; a plane that is busy or out of reach may answer the next time. Once lost, the thread ends
 * and `lost` stays true.
 */
#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/time.h"
#include "control/control_int.h"

#define HEARTBEAT_SECONDS 5

struct control_heartbeat {
	struct control *control;
	struct control_lease lease;
	pthread_t thread;
	pthread_mutex_t lock; /* guards stop */
	pthread_cond_t wake;
	bool stop;
	_Atomic bool lost;
};

static void *heartbeat_main(void *arg)
{
	struct control_heartbeat *h = arg;
	struct timespec at;
	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	(void)pthread_mutex_lock(&h->lock);
	while (!h->stop) {
		at.tv_sec += HEARTBEAT_SECONDS;
		while (!h->stop && pthread_cond_timedwait(&h->wake, &h->lock, &at) != ETIMEDOUT) continue;
		if (h->stop) break;
		(void)pthread_mutex_unlock(&h->lock);
		struct err err;
		err_clear(&err);
		/* A busy or full database may answer next time; only a taken lease is final. */
		if (control_lease_renew(h->control, &h->lease, time_now_us(), &err) == E_BUSY &&
			err.class != ERR_RETRY) {
			atomic_store(&h->lost, true);
			log_line(LOG_ERROR, "lease lost", "run_id", h->lease.run_id, "reason", err.message, NULL);
			return NULL;
		}
		(void)clock_gettime(CLOCK_MONOTONIC, &at);
		(void)pthread_mutex_lock(&h->lock);
	}
	(void)pthread_mutex_unlock(&h->lock);
	return NULL;
}

status control_heartbeat_start(
	const struct control *c, const struct control_lease *l, struct control_heartbeat **out, struct err *err)
{
	struct control_heartbeat *h = mem_zalloc(1, sizeof *h);
	pthread_condattr_t attr;
	if (h == NULL) return fail_nomem(err);
	h->lease = *l;
	const status code = control_open(c->source, &h->control, err);
	if (code != OK) {
		mem_free(h);
		return code;
	}
	(void)pthread_mutex_init(&h->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&h->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	const int rc = pthread_create(&h->thread, NULL, heartbeat_main, h);
	if (rc != 0) {
		control_close(h->control);
		mem_free(h);
		return fail_errno(err, rc, "cannot start the lease's heartbeat");
	}
	*out = h;
	return OK;
}

bool control_heartbeat_lost(const struct control_heartbeat *h)
{
	return atomic_load(&h->lost);
}

void control_heartbeat_stop(struct control_heartbeat *h)
{
	if (h == NULL) return;
	(void)pthread_mutex_lock(&h->lock);
	h->stop = true;
	(void)pthread_cond_signal(&h->wake);
	(void)pthread_mutex_unlock(&h->lock);
	(void)pthread_join(h->thread, NULL);
	(void)pthread_cond_destroy(&h->wake);
	(void)pthread_mutex_destroy(&h->lock);
	control_close(h->control);
	mem_free(h);
}
