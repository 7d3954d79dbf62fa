/* stream/produce.c: the producer's clock: which event is due, what its time stamp says, when to wait.
 *
 *   number -> when (rate) -> time stamp (late, out of order by draws of base/rng.h) -> topic.make -> sink
 *
 * 1. Event i is due i / rate after the first, whatever was late before it: a rate holds on average.
 * 2. All but the clock is a function of (seed, number): with start_us the events are the same in every run.
 */
#include "stream/produce.h"

#include "base/rng.h"
#include "base/time.h"

enum {
	DRAW_TIME = 16, /* the topic's own draws have lower numbers */
	MILLION = 1000000,
	LATE_MIN_US = 180 * MILLION,
	LATE_SPAN_US = 420 * MILLION,
	WAIT_US = 100 * 1000, /* at most, so that a stop is seen */
	LOOK_EVERY = 256,     /* events between two looks at clock and stop */
};
#define NOMINAL_RATE (INT64_C(1000) * MILLION) /* of time stamps, where there is no other */

struct producer {
	const struct stream_produce_opts *o;
	const struct stream_out *out;
	void *maker;
	struct stream_made made;
	int64_t began_us; /* monotonic: when the first event was due */
	int64_t now_us;   /* wall clock, as of the last look */
};

static int64_t after_us(int64_t i, int64_t rate)
{
	return (int64_t)((__int128)i * MILLION * MILLION / rate);
}

static int64_t stamp_of(const struct producer *p, int64_t i)
{
	const struct stream_produce_opts *o = p->o;
	int64_t at = p->now_us;
	if (o->start_us >= 0) at = o->start_us + after_us(i, o->rate > 0 ? o->rate : NOMINAL_RATE);
	if (o->late_share == 0 && o->out_of_order_us == 0) return at;
	const struct rng4 r = rng_philox(o->seed, (uint64_t)(o->first + i), DRAW_TIME, 0);
	if ((int64_t)rng_below(r.v[0], MILLION) < o->late_share)
		return at - LATE_MIN_US - rng_below(r.v[1], LATE_SPAN_US);
	const int64_t most = o->out_of_order_us < UINT32_MAX ? o->out_of_order_us : UINT32_MAX;
	return most > 0 ? at - rng_below(r.v[2], (uint32_t)most) : at;
}

static bool stopped(const struct producer *p)
{
	return p->o->stop != NULL && *p->o->stop != 0;
}

/* Until event i is due, or the stop. */
static status wait_for(struct producer *p, int64_t i, struct err *err)
{
	const int64_t due = p->o->rate > 0 ? p->began_us + after_us(i, p->o->rate) : 0;
	for (;;) {
		const int64_t left = due - time_mono_us();
		if (left <= 0 || stopped(p)) break;
		TRY(p->out->rest(p->out->ctx, left < WAIT_US ? left : WAIT_US, err));
	}
	p->now_us = time_now_us();
	return OK;
}

static status make(struct producer *p, int64_t i, int64_t at_us, struct err *err)
{
	buf_reset(&p->made.value);
	buf_reset(&p->made.key);
	TRY(p->o->topic->make(p->maker, i, at_us, &p->made, err));
	TRY(buf_check(&p->made.value, err));
	return buf_check(&p->made.key, err);
}

static status one(struct producer *p, int64_t i, struct stream_produced *done, struct err *err)
{
	const struct buf *value = &p->made.value, *key = &p->made.key;
	TRY(make(p, p->o->first + i, stamp_of(p, i), err));
	if (p->made.end) return OK;
	TRY(p->out->put(p->out->ctx, (struct str){(const char *)key->p, key->n},
		(struct str){(const char *)value->p, value->n}, p->now_us / 1000, err));
	done->events++;
	done->bytes += (int64_t)value->n;
	return OK;
}

static status all(struct producer *p, struct stream_produced *done, struct err *err)
{
	const int64_t limit = p->o->limit;
	for (int64_t i = 0; p->o->topic->own_times && i < p->o->first && !p->made.end; i++) TRY(make(p, i, 0, err));
	p->began_us = time_mono_us();
	for (int64_t i = 0; (limit < 0 || i < limit) && !stopped(p) && !p->made.end; i++) {
		if (p->o->rate > 0 || i % LOOK_EVERY == 0) TRY(wait_for(p, i, err));
		if (!stopped(p)) TRY(one(p, i, done, err));
	}
	return p->out->finish(p->out->ctx, err);
}

status stream_produce(const struct stream_produce_opts *o, const struct stream_out *out, struct stream_produced *done,
	struct err *err)
{
	struct producer p = {.o = o, .out = out};
	ASSERT(o->topic->make != NULL);
	*done = (struct stream_produced){0};
	p.maker = (void *)(uintptr_t)o->config;
	if (o->topic->maker_open != NULL) TRY(o->topic->maker_open(o->config, &p.maker, err));
	buf_init(&p.made.value, 0);
	buf_init(&p.made.key, 0);
	const status code = all(&p, done, err);
	buf_deinit(&p.made.value);
	buf_deinit(&p.made.key);
	if (o->topic->maker_close != NULL) o->topic->maker_close(p.maker);
	return code;
}
