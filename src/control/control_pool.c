/* control/control_pool.c: a stack of idle connections: the one given back last is taken next, so that few are open where few are wanted. */
#include "control/control_pool.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/alloc.h"

enum {
	QUERY_PATIENCE_MS = 5000,
	QUERY_LIMIT_MS = 30000, /* many wait for few connections */
};

struct control_pool {
	char *uri;
	size_t n_max;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t given;
	size_t n_open, n_idle; /* open ones are idle or taken */
	struct control **idle; /* [n_max] */
};

static status make(struct control_pool *p, const char *uri, size_t n_max, struct err *err)
{
	pthread_condattr_t attr;
	p->n_max = n_max;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&p->given, &attr);
	(void)pthread_condattr_destroy(&attr);
	p->uri = mem_strdup(uri);
	p->idle = mem_zalloc(n_max, sizeof(struct control *));
	return p->uri != NULL && p->idle != NULL ? OK : fail_nomem(err);
}

status control_pool_create(const char *uri, size_t n_max, struct control_pool **out, struct err *err)
{
	ASSERT(n_max > 0);
	struct control_pool *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	const status code = make(p, uri, n_max, err);
	if (code == OK)
		*out = p;
	else
		control_pool_destroy(p);
	return code;
}

void control_pool_destroy(struct control_pool *p)
{
	if (p == NULL) return;
	ASSERT(p->n_idle == p->n_open);
	for (size_t i = 0; i < p->n_idle; i++) control_close(p->idle[i]);
	(void)pthread_cond_destroy(&p->given);
	(void)pthread_mutex_destroy(&p->lock);
	mem_free(p->idle);
	mem_free(p->uri);
	mem_free(p);
}

/* Under the lock: an idle one into *out, or *out NULL and one more may be opened. false: none came. */
static bool wait_for(struct control_pool *p, int patience_ms, struct control **out)
{
	struct timespec until;
	int rc = 0;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += patience_ms / 1000;
	until.tv_nsec += patience_ms % 1000 * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	*out = NULL;
	while (p->n_idle == 0 && p->n_open == p->n_max && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&p->given, &p->lock, &until);
	if (p->n_idle > 0)
		*out = p->idle[--p->n_idle];
	else if (p->n_open < p->n_max)
		p->n_open++;
	else
		return false;
	return true;
}

/* One that was counted as open isn't. */
static void forget(struct control_pool *p)
{
	(void)pthread_mutex_lock(&p->lock);
	p->n_open--;
	(void)pthread_cond_signal(&p->given);
	(void)pthread_mutex_unlock(&p->lock);
}

status control_pool_take(struct control_pool *p, int patience_ms, struct control **out, struct err *err)
{
	struct control *c = NULL;
	(void)pthread_mutex_lock(&p->lock);
	const bool found = wait_for(p, patience_ms, &c);
	(void)pthread_mutex_unlock(&p->lock);
	if (!found) {
		const status code =
			fail(err, E_BUSY, "all %zu connections to the database have been at work for %d s; try again",
				p->n_max, patience_ms / 1000);
		err_set_class(err, ERR_RETRY);
		return code;
	}
	const status code = c != NULL ? OK : control_open_to_look(p->uri, &c, err);
	if (code != OK) {
		forget(p);
		return code;
	}
	control_limit_queries(c, QUERY_LIMIT_MS);
	*out = c;
	return OK;
}

void control_pool_give(struct control_pool *p, struct control *c)
{
	(void)pthread_mutex_lock(&p->lock);
	ASSERT(p->n_idle < p->n_open);
	p->idle[p->n_idle++] = c;
	(void)pthread_cond_signal(&p->given);
	(void)pthread_mutex_unlock(&p->lock);
}

status control_pool_query_as(struct control_pool *p, const struct control_select *q, const struct control_actor *as,
	control_row_visit visit, void *arg, struct err *err)
{
	struct control *c = NULL;
	TRY(control_pool_take(p, QUERY_PATIENCE_MS, &c, err));
	const status code = control_query_as(c, q, as, visit, arg, err);
	control_pool_give(p, c);
	return code;
}

status control_pool_query(
	struct control_pool *p, const struct control_select *q, control_row_visit visit, void *arg, struct err *err)
{
	return control_pool_query_as(p, q, NULL, visit, arg, err);
}
