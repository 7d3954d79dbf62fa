/* app/observe.c: which watchers there are, from what the process was told. */
#include "app/observe.h"

#include "app/lineage_post.h"
#include "app/trace.h"
#include "base/log.h"

static void warn(const char *what, const struct err *err)
{
	log_line(LOG_WARN, what, "why", err->message, NULL);
}

void observe_start(struct observe *o, const char *lineage_url, struct run_opts *run)
{
	struct err err;
	*o = (struct observe){0};
	run->watches = o->watches;
	run->n_watches = 0;
	err_clear(&err);
	if (lineage_post_open(lineage_url, &o->lineage, &err) != OK) warn("no lineage events are sent", &err);
	if (o->lineage != NULL) o->watches[run->n_watches++] = lineage_post_watch(o->lineage);
	err_clear(&err);
	if (trace_open(&o->trace, &err) != OK) warn("no traces are sent", &err);
	if (o->trace != NULL) o->watches[run->n_watches++] = trace_watch(o->trace);
}

void observe_stop(struct observe *o)
{
	lineage_post_close(o->lineage);
	trace_close(o->trace);
	*o = (struct observe){0};
}
