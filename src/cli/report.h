/* cli/report.h: what a person reads after a run. */
#ifndef PQR_CLI_REPORT_H
#define PQR_CLI_REPORT_H

#include "cli/session.h"

/* The stages with rows, seconds and throughput, quality, and (when published) the KPIs. */
status report_text(
	struct session *s, const struct run_report *r, bool finished, struct buf *out, struct err *err) MUST_USE;

#endif
