/* stream/produce.h: events of a topic at a rate, into a sink. Each is a function of its number, the configuration and its time stamp. */
#ifndef PQR_STREAM_PRODUCE_H
#define PQR_STREAM_PRODUCE_H

#include <signal.h>

#include "stream/topic.h"

/* Where events go. value and key are borrowed for the call. */
struct stream_out {
	void *ctx;
	status (*put)(void *ctx, struct str key, struct str value, int64_t timestamp_ms, struct err *err);
	/* Nothing more comes for up to wait_us: hand on what is held back, and do what is to be done meanwhile. */
	status (*rest)(void *ctx, int64_t wait_us, struct err *err);
	status (*finish)(void *ctx, struct err *err); /* every event is where it belongs, or it fails */
};

struct stream_produce_opts {
	const struct stream_topic *topic;
	const void *config;
	uint64_t seed;
	int64_t rate;  /* millionths of events a second; 0: as fast as possible */
	int64_t limit; /* events; -1: no end */
	int64_t first; /* number of the first one */
	int64_t start_us; /* time stamp of the first one, the others follow at the rate; -1: each has the time at which it is made */
	int64_t late_share;                /* millionths of events that tell of 3 to 10 minutes before their time */
	int64_t out_of_order_us;           /* up to so much before its time tells any of them */
	const volatile sig_atomic_t *stop; /* not 0: end; may be NULL */
};
struct stream_produced {
	int64_t events, bytes;
};
status stream_produce(const struct stream_produce_opts *o, const struct stream_out *out, struct stream_produced *done,
	struct err *err) MUST_USE;

#endif
