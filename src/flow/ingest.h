/* flow/ingest.h: lines from outside the lake to raw objects, one a UTC day: the raw stage of a run that was given files.
 *
 * What a line is, an event or none, and when, the workload says through a reader; each line's bytes are kept as they came.
 */
#ifndef PQR_FLOW_INGEST_H
#define PQR_FLOW_INGEST_H

#include "flow/workload.h"
#include "io/lines.h"

enum { INGEST_TYPES_MAX = 16, INGEST_REASON_BYTES = 64 };

struct ingest_line {
	struct str text; /* without '\n'; views the window */
	bool blank;      /* white space: no line */
	bool has_ts;     /* ts is told, whatever else is wrong with it */
	bool valid;
	int type; /* of a valid one: an index of the reader's types */
	int64_t ts;
};
struct ingest_reader {
	void *ctx;
	/* The line at c->p, which moves behind it. */
	void (*next)(void *ctx, struct line_cursor *c, struct ingest_line *out);
	/* Why the line that came last is no event: "missing:page"; returns dst. */
	const char *(*reason)(void *ctx, char dst[INGEST_REASON_BYTES]);
	status (*check)(void *ctx, struct err *err); /* E_NOMEM; NULL: reading needs no memory */
	const char *const *types;                    /* [n_types] their names, for the manifest's counts */
	size_t n_types;
	const char *table; /* "raw.pqrs" */
	size_t line_bytes_max;
	const struct tz *tz; /* whose day of today ends what as_of may follow from; NULL: UTC */
};

/* inputs: files, and streams that env->spools will know, with the bytes and hashes of what comes out of them. */
status ingest_plan(const struct file_list *inputs, struct task_list *out, struct err *err) MUST_USE;
/* E_QUALITY: all lines of an input are rejected, and it looks like another format. Where all of all inputs are, out->events says why.
 * E_VERIFY: an input has changed. */
status ingest_run(const struct ingest_reader *reader, const struct task_env *env, const struct task_spec *spec,
	struct task_result *out, struct err *err) MUST_USE;
/* Every line landed. table: the reader's. */
status ingest_check(
	const struct stage_view *view, const char *table, struct quality_list *out, struct err *err) MUST_USE;

#endif
