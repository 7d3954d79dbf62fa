/* stream/metrics.h: what a member has done since it began, as metrics in Prometheus' text format 0.0.4. Added to by the thread that runs the
 * member, read by any other. */
#ifndef PQR_STREAM_METRICS_H
#define PQR_STREAM_METRICS_H

#include "stream/member.h"

struct stream_metrics;
/* Labels of every metric: what the member does ("land"), and of which topic ("" of lines). Copies. */
status stream_metrics_create(
	const char *command, const char *topic, struct stream_metrics **out, struct err *err) MUST_USE;
void stream_metrics_destroy(struct stream_metrics *m); /* NULL is fine */
/* One interval. Of partitions, those of the newest report are told. */
void stream_metrics_add(struct stream_metrics *m, const struct stream_report *r);
/* Append all of them; buf_check tells of failure. */
void stream_metrics_write(struct stream_metrics *m, struct buf *out);

#endif
