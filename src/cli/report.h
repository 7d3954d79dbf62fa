/* cli/report.h: what a person reads after a run. */
#ifndef PQR_CLI_REPORT_H
#define PQR_CLI_REPORT_H

#include "cli/run_options.h"

/* flow_run, and its report on standard output: JSON, or as text (nothing when quiet) the stages with rows, seconds and throughput,
 * quality, and the KPIs when they are published. Also after a failure in the middle; a run that was refused reports nothing. */
status report_run(struct session *s, struct cli *c, const struct run_opts *o, struct err *err) MUST_USE;

/* "  rejects: 3 not_json, 1 missing:ts; in PLACE": the counters of l whose names begin with that kind and a colon, in its order; nothing
 * where there are none. in may be NULL. */
void report_reasons(const struct counter_list *l, const char *kind, const char *in, struct buf *out);

#endif
