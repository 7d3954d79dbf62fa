/* server/stats.c: counters and a histogram of requests. */
#include "server/stats.h"

/* Upper ends in microseconds, and as they are written. */
static const struct {
	int64_t us;
	const char *seconds;
} buckets[STATS_BUCKETS] = {{500, "0.0005"}, {1000, "0.001"}, {2500, "0.0025"}, {5000, "0.005"}, {10000, "0.01"},
	{25000, "0.025"}, {100000, "0.1"}, {500000, "0.5"}, {2500000, "2.5"}, {10000000, "10"}};

void stats_count(struct stats *s, int http_status, int64_t us)
{
	size_t bucket = 0;
	const int class = http_status / 100;
	while (bucket < STATS_BUCKETS && us > buckets[bucket].us) bucket++;
	atomic_fetch_add_explicit(&s->by_class[class < STATS_CLASSES ? class : 0], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->by_bucket[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->us, (unsigned long long)us, memory_order_relaxed);
}

void stats_write(struct stats *s, struct buf *out)
{
	unsigned long long n = 0;
	buf_str(out, "# HELP pqr_http_requests_total requests that were answered, by the first digit of the status\n"
		     "# TYPE pqr_http_requests_total counter\n");
	for (size_t i = 1; i < STATS_CLASSES; i++)
		buf_printf(out, "pqr_http_requests_total{code=\"%zuxx\"} %llu\n", i,
			atomic_load_explicit(&s->by_class[i], memory_order_relaxed));
	buf_str(out, "# HELP pqr_http_request_duration_seconds time from a request's end to its answer\n"
		     "# TYPE pqr_http_request_duration_seconds histogram\n");
	for (size_t i = 0; i <= STATS_BUCKETS; i++) {
		n += atomic_load_explicit(&s->by_bucket[i], memory_order_relaxed);
		buf_printf(out, "pqr_http_request_duration_seconds_bucket{le=\"%s\"} %llu\n",
			i < STATS_BUCKETS ? buckets[i].seconds : "+Inf", n);
	}
	buf_printf(out, "pqr_http_request_duration_seconds_sum %.6f\npqr_http_request_duration_seconds_count %llu\n",
		(double)atomic_load_explicit(&s->us, memory_order_relaxed) / 1e6, n);
}
