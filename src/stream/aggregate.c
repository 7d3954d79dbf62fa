/* stream/aggregate.c: see aggregate.h. Per partition: the watermark that is stored, and what was counted since. Counting takes no memory but
 * for a minute that is new. Must not know what events mean, nor where records come from. */
#include "stream/aggregate.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/vec.h"
#include "stream/realtime.h"

enum { SOURCE_MAX = 600 }; /* of a topic's name, or a stream's of lines, and what follows it */

struct counted {
	int32_t partition;
	int64_t stored_watermark;
	int64_t rejected; /* since the last commit */
	struct windows windows;
};

struct stream_aggregate {
	struct stream_aggregate_opts o;
	struct realtime realtime;
	void *parser;
	struct {
		struct counted *items;
		size_t n, cap;
	} partitions; /* by rising number */
	struct {
		struct realtime_move *items;
		size_t n, cap;
	} moves;                          /* scratch of a commit */
	int64_t late, rejected;           /* of the last commit */
	struct stream_reasons reasons[2]; /* since it, and of it */
	int64_t incarnation;              /* of the topic: how often it was made again */
	bool begins;                      /* the database does not have that incarnation yet */
	char source[SOURCE_MAX];          /* o.source, in this incarnation */
};

static void set_incarnation(struct stream_aggregate *a, int64_t incarnation, bool begins)
{
	a->incarnation = incarnation;
	a->begins = begins;
	if (incarnation == 0)
		(void)snprintf(a->source, sizeof a->source, "%s", a->o.source);
	else
		(void)snprintf(a->source, sizeof a->source, "%s#%lld", a->o.source, (long long)incarnation);
	a->realtime.source = a->source;
}

status stream_aggregate_open(const struct stream_aggregate_opts *o, struct stream_aggregate **out, struct err *err)
{
	ASSERT(o->topic->windows != NULL && o->topic->windows->n_kinds > 0);
	struct stream_aggregate *a = mem_zalloc(1, sizeof *a);
	if (a == NULL) return fail_nomem(err);
	a->o = *o;
	set_incarnation(a, 0, false);
	a->realtime = (struct realtime){
		.c = o->conn, .sink = o->sink, .topic = o->topic_name, .source = a->source, .set = o->topic->windows};
	status code = realtime_init(&a->realtime, err);
	if (code == OK) code = o->topic->open(o->config, &a->parser, err);
	if (code != OK) {
		stream_aggregate_close(a);
		return code;
	}
	*out = a;
	return OK;
}

void stream_aggregate_close(struct stream_aggregate *a)
{
	if (a == NULL) return;
	for (size_t i = 0; i < a->partitions.n; i++) windows_deinit(&a->partitions.items[i].windows);
	mem_free(a->partitions.items);
	mem_free(a->moves.items);
	if (a->parser != NULL) a->o.topic->close(a->parser);
	realtime_deinit(&a->realtime);
	mem_free(a);
}

status stream_aggregate_forget(struct stream_aggregate *a, struct err *err)
{
	for (size_t i = 0; i < a->partitions.n; i++)
		TRY(realtime_forget(&a->realtime, a->partitions.items[i].partition, err));
	return OK;
}

/* ---- partitions ---------------------------------------------------------------------------------------------------------- */

/* Few: as many as the topic has. */
static struct counted *partition_of(struct stream_aggregate *a, int32_t partition)
{
	for (size_t i = 0; i < a->partitions.n; i++)
		if (a->partitions.items[i].partition == partition) return &a->partitions.items[i];
	return NULL;
}

static status add_partition(struct stream_aggregate *a, int32_t partition, struct counted **out, struct err *err)
{
	if (!VEC_ROOM(&a->partitions, 1)) return fail_nomem(err);
	size_t at = a->partitions.n++;
	for (; at > 0 && a->partitions.items[at - 1].partition > partition; at--)
		a->partitions.items[at] = a->partitions.items[at - 1];
	struct counted *c = &a->partitions.items[at];
	*c = (struct counted){.partition = partition};
	windows_init(&c->windows, a->o.topic->windows->n_kinds, WATERMARK_NONE);
	*out = c;
	return OK;
}

static void forget(struct counted *c)
{
	windows_reset(&c->windows, c->stored_watermark);
	c->rejected = 0;
}

static void anew(void *ctx)
{
	struct stream_aggregate *a = ctx;
	set_incarnation(a, a->incarnation + 1, true);
}

/* Who found the topic made again, and then that another member did so before, goes on with what that one began. */
static status find_incarnation(struct stream_aggregate *a, struct err *err)
{
	int64_t at;
	if (!a->o.kafka) return OK;
	TRY(realtime_incarnation(&a->realtime, a->o.source, &at, err));
	if (!a->begins || at >= a->incarnation) set_incarnation(a, at, false);
	return OK;
}

static status find_positions(
	void *ctx, const int32_t *partitions, size_t n, struct stream_place *places, struct err *err)
{
	struct stream_aggregate *a = ctx;
	TRY(find_incarnation(a, err));
	for (size_t i = 0; i < n; i++) {
		struct realtime_position at;
		struct counted *c = partition_of(a, partitions[i]);
		TRY(realtime_find(&a->realtime, partitions[i], &at, err));
		if (c == NULL) TRY(add_partition(a, partitions[i], &c, err));
		c->stored_watermark = at.watermark;
		forget(c);
		places[i] = (struct stream_place){at.next, at.mark};
	}
	return OK;
}

static void drop(void *ctx)
{
	struct stream_aggregate *a = ctx;
	for (size_t i = 0; i < a->partitions.n; i++) forget(&a->partitions.items[i]);
	a->reasons[0].n = 0;
}

/* ---- records ------------------------------------------------------------------------------------------------------------- */

/* NULL: it is an event. */
static const char *judge(
	const struct stream_aggregate *a, const struct stream_record *r, bool utf8_ok, int64_t *event_us)
{
	if (r->is_null) return "null_value";
	const char *reason = a->o.topic->parse(a->parser, r, utf8_ok, event_us);
	return reason == NULL && stream_in_future(r, *event_us, a->o.ahead_us) ? "in_future" : reason;
}

static status take(void *ctx, const struct stream_record *records, size_t n, bool utf8_ok, struct err *err)
{
	struct stream_aggregate *a = ctx;
	const struct stream_topic *t = a->o.topic;
	if (n == 0) return OK;
	struct counted *c = partition_of(a, records[0].partition);
	ASSERT(c != NULL);
	for (size_t i = 0; i < n; i++) {
		const struct stream_record *r = &records[i];
		int64_t event_us = 0;
		const char *reason = judge(a, r, utf8_ok, &event_us);
		if (reason != NULL) {
			c->rejected++;
			stream_reasons_count(&a->reasons[0], reason, 1);
			continue;
		}
		if (!windows_add(&c->windows, event_us, t->kind(a->parser))) return fail_nomem(err);
	}
	return t->check(a->parser, err);
}

/* ---- commits ------------------------------------------------------------------------------------------------------------- */

static int by_partition(const void *a, const void *b)
{
	const int32_t x = ((const struct realtime_move *)a)->partition,
		      y = ((const struct realtime_move *)b)->partition;
	return (x > y) - (x < y);
}

static void count(struct stream_aggregate *a, const struct counted *c)
{
	const struct windows *w = &c->windows;
	for (size_t i = w->n_cells - 1; i < w->cells.n; i += w->n_cells) a->late += w->cells.items[i];
	a->rejected += c->rejected;
}

static status commit(void *ctx, const struct stream_span *spans, size_t n, struct err *err)
{
	struct stream_aggregate *a = ctx;
	a->moves.n = 0;
	if (!VEC_ROOM(&a->moves, n)) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		const struct counted *c = partition_of(a, spans[i].partition);
		ASSERT(c != NULL);
		a->moves.items[a->moves.n++] = (struct realtime_move){
			spans[i].partition, spans[i].stored, spans[i].next, &c->windows, spans[i].mark};
	}
	qsort(a->moves.items, n, sizeof *a->moves.items, by_partition);
	TRY(realtime_commit(&a->realtime, a->moves.items, n, time_now_us(), err));
	a->late = a->rejected = 0;
	a->reasons[1] = a->reasons[0];
	a->reasons[0].n = 0;
	for (size_t i = 0; i < n; i++) {
		struct counted *c = partition_of(a, spans[i].partition);
		count(a, c);
		c->stored_watermark = c->windows.watermark;
		forget(c);
	}
	return OK;
}

static void tell(void *ctx, struct stream_report *r)
{
	const struct stream_aggregate *a = ctx;
	r->late = a->late;
	r->rejected = a->rejected;
	r->reasons = &a->reasons[1];
}

static status go_on_at_gap(void *ctx, const struct stream_gap *gap, struct err *err)
{
	const struct stream_aggregate *a = ctx;
	(void)err;
	log_printf(LOG_WARN,
		"topic %s: %lld messages of partition %d (offsets %lld to %lld) are gone: they are not counted",
		a->o.topic_name, (long long)(gap->to - gap->from), gap->partition, (long long)gap->from,
		(long long)gap->to - 1);
	return OK;
}

struct stream_sink stream_aggregate_sink(struct stream_aggregate *a)
{
	return (struct stream_sink){.ctx = a,
		.positions = find_positions,
		.take = take,
		.commit = commit,
		.drop = drop,
		.tell = tell,
		.gap = a->o.go_on_at_gap ? go_on_at_gap : NULL,
		.anew = a->o.accept_new && a->o.kafka ? anew : NULL};
}
