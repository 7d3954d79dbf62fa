/* stream/compact.c: see compact.h. A failure is logged and costs nothing but another try after as many commits. */
#include "stream/compact.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/log.h"
#include "table/maintain/optimize.h"

enum { EVERY_COMMITS = 20 };

struct stream_compact {
	struct store *lake;
	const char *root;
	bool mine;
	int commits;      /* since the last start */
	bool started;     /* thread is to be joined */
	atomic_bool done; /* it has nothing left to do */
	atomic_bool stop;
	pthread_t thread;
};

static void *work(void *arg)
{
	struct stream_compact *c = arg;
	const struct delta_optimize_opts o = {.threads = 1, .stop = &c->stop};
	struct delta_optimize_result r;
	struct err err;
	err_clear(&err);
	const status code = delta_optimize(c->lake, c->root, &o, &r, &err);
	if (code == OK)
		log_printf(LOG_DEBUG, "%s: %lld files into %lld", c->root, (long long)r.files_removed,
			(long long)r.files_added);
	else if (code != E_CANCELLED)
		log_printf(LOG_WARN, "%s: its small files stay as they are for now: %s", c->root, err.message);
	atomic_store(&c->done, true);
	return NULL;
}

static void join(struct stream_compact *c)
{
	if (c->started) (void)pthread_join(c->thread, NULL);
	c->started = false;
}

status stream_compact_open(struct store *lake, const char *root, struct stream_compact **out, struct err *err)
{
	struct stream_compact *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) return fail_nomem(err);
	c->lake = lake;
	c->root = root;
	*out = c;
	return OK;
}

void stream_compact_close(struct stream_compact *c)
{
	if (c == NULL) return;
	atomic_store(&c->stop, true);
	join(c);
	mem_free(c);
}

void stream_compact_claim(struct stream_compact *c, bool mine)
{
	c->mine = mine;
	atomic_store(&c->stop, !mine);
}

void stream_compact_added(struct stream_compact *c)
{
	c->commits++;
	if (!c->mine || c->commits < EVERY_COMMITS) return;
	if (c->started && !atomic_load(&c->done)) return;
	join(c);
	atomic_store(&c->done, false);
	c->commits = 0;
	c->started = pthread_create(&c->thread, NULL, work, c) == 0;
}
