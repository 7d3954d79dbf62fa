/* server/stats.h: how many requests were answered, with what, and how fast: for /metrics. Counted by many threads at once, without a lock. */
#ifndef PQR_SERVER_STATS_H
#define PQR_SERVER_STATS_H

#include <stdatomic.h>

#include "base/buf.h"

enum { STATS_BUCKETS = 10, STATS_CLASSES = 6 };
struct stats {
	atomic_ullong by_class[STATS_CLASSES];      /* of a status' first digit */
	atomic_ullong by_bucket[STATS_BUCKETS + 1]; /* each request in one; the last: longer than all */
	atomic_ullong us;                           /* all of them together */
};
void stats_count(struct stats *s, int http_status, int64_t us);
/* Append pqr_http_requests_total and pqr_http_request_duration_seconds, as Prometheus reads them. */
void stats_write(struct stats *s, struct buf *out);

#endif
