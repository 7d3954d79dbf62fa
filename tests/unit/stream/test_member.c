/* The member's loop against a source and a store of numbers that do what a script says: whatever happens, the store has each record once.
 *
 * A record's value is its position; the store counts what was committed, and refuses a commit from another position than its own. */
#include "stream/member.h"

#include "check.h"

#include "base/rng.h"

enum { PARTITIONS = 3, RECORDS = 400, FETCH = 16 };

/* ---- a topic and a store --------------------------------------------------------------------------------------------------- */

static struct {
	int64_t position[PARTITIONS]; /* -1: none yet */
	int64_t mark[PARTITIONS];
	int64_t identity; /* of the topic; -1: not kept */
	int count[PARTITIONS][RECORDS];
	int gaps;
} store;

struct sink {
	int pending[PARTITIONS][RECORDS];
	int64_t n;
	int fail_in; /* calls until the next commit fails: 1 as RETRY, 2 as UNKNOWN though it was committed */
	int fail_how;
	int commits, conflicts;
};

static status positions(void *ctx, const int32_t *partitions, size_t n, struct stream_place *places, struct err *err)
{
	(void)ctx;
	(void)err;
	for (size_t i = 0; i < n; i++)
		places[i] = partitions[i] == STREAM_TOPIC
				    ? (struct stream_place){store.identity < 0 ? -1 : 0, store.identity}
				    : (struct stream_place){store.position[partitions[i]], store.mark[partitions[i]]};
	return OK;
}

static status take(void *ctx, const struct stream_record *records, size_t n, bool utf8_ok, struct err *err)
{
	struct sink *s = ctx;
	(void)utf8_ok;
	(void)err;
	for (size_t i = 0; i < n; i++) s->pending[records[i].partition][records[i].position]++;
	s->n += (int64_t)n;
	return OK;
}

static void drop(void *ctx)
{
	struct sink *s = ctx;
	memset(s->pending, 0, sizeof s->pending);
	s->n = 0;
}

static void store_commit_all(struct sink *s, const struct stream_span *spans, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (spans[i].partition == STREAM_TOPIC) {
			store.identity = spans[i].mark;
			continue;
		}
		store.position[spans[i].partition] = spans[i].next;
		if (spans[i].mark >= 0) store.mark[spans[i].partition] = spans[i].mark;
	}
	for (int p = 0; p < PARTITIONS; p++)
		for (int r = 0; r < RECORDS; r++) store.count[p][r] += s->pending[p][r];
	drop(s);
}

static status commit(void *ctx, const struct stream_span *spans, size_t n, struct err *err)
{
	struct sink *s = ctx;
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		assert_true(spans[i].next > spans[i].stored); /* no empty commits */
		if (spans[i].partition == STREAM_TOPIC) {
			CHECK_I64(store.identity, -1); /* kept once */
			continue;
		}
		if (store.position[spans[i].partition] == spans[i].stored) {
			CHECK_I64(spans[i].stored_mark, store.mark[spans[i].partition]);
			continue;
		}
		s->conflicts++;
		return fail(err, E_CONFLICT, "another position");
	}
	if (s->fail_in > 0 && --s->fail_in == 0) {
		if (s->fail_how == 2) store_commit_all(s, spans, n);
		const status code = fail(err, E_IO, "scripted");
		err_set_class(err, s->fail_how == 2 ? ERR_UNKNOWN : ERR_RETRY);
		return code;
	}
	s->commits++;
	store_commit_all(s, spans, n);
	return OK;
}

/* ---- a source that is told what happens ------------------------------------------------------------------------------------ */

struct source {
	struct stream_source base;
	uint64_t seed;
	uint32_t step;
	bool owned[PARTITIONS];
	int64_t next[PARTITIONS];
	struct stream_record records[FETCH];
};

static struct source *of(struct stream_source *s)
{
	return (struct source *)(void *)s;
}

static status assign(struct source *s, int32_t p, struct err *err)
{
	struct stream_start start = {.partition = p};
	const int64_t from = store.position[p] - (store.position[p] > 0 && store.mark[p] >= 0);
	if (s->owned[p]) return OK;
	const status code = s->base.listener.assigned(s->base.listener.ctx, &start, 1, err);
	assert_true(start.position == (store.position[p] < 0 ? STREAM_BEGIN : from));
	s->next[p] = start.position < 0 ? 0 : start.position;
	s->owned[p] = true;
	return code;
}

/* Of records with time stamps; the others are not marked. */
static struct stream_record record_of(const struct source *s, int32_t p, int64_t position)
{
	return (struct stream_record){
		.partition = p, .position = position, .timestamp_ms = s->seed % 2 == 0 ? 1000 + position : -1};
}

/* Another member had the partition for a while. */
static void other_member(const struct source *s, int32_t p, uint32_t n)
{
	int64_t at = store.position[p] < 0 ? 0 : store.position[p];
	for (; n > 0 && at < RECORDS; n--) store.count[p][at++]++;
	if (at <= 0) return;
	const struct stream_record last = record_of(s, p, at - 1);
	store.position[p] = at;
	store.mark[p] = stream_mark(&last);
}

static status act(struct source *s, const struct rng4 *r, struct err *err)
{
	const struct stream_listener *l = &s->base.listener;
	const int32_t p = (int32_t)rng_below(r->v[1], PARTITIONS);
	switch (rng_below(r->v[0], 24)) {
	case 0:
		if (s->owned[p]) l->lost(l->ctx, &p, 1);
		if (s->owned[p]) other_member(s, p, rng_below(r->v[2], 20));
		s->owned[p] = false;
		return OK;
	case 1:
		if (s->owned[p]) TRY(l->revoked(l->ctx, &p, 1, err));
		s->owned[p] = false;
		other_member(s, p, rng_below(r->v[2], 20));
		return OK;
	case 2: /* a zombie: the partition is still taken for its own */
		other_member(s, p, rng_below(r->v[2], 20));
		return OK;
	default: return s->owned[p] ? OK : assign(s, p, err);
	}
}

static status source_poll(struct stream_source *base, int timeout_ms, struct stream_fetch *out, struct err *err)
{
	struct source *s = of(base);
	const struct rng4 r = rng_philox(s->seed, s->step++, 1, 0);
	size_t n = 0;
	(void)timeout_ms;
	*out = (struct stream_fetch){.records = s->records};
	if (s->step < 300) TRY(act(s, &r, err));
	for (int32_t p = 0; s->step >= 300 && p < PARTITIONS; p++) TRY(assign(s, p, err));
	const int32_t p = (int32_t)rng_below(r.v[3], PARTITIONS);
	for (; s->owned[p] && n < FETCH && s->next[p] < RECORDS; s->next[p]++)
		if (s->next[p] % 7 != 3) /* a hole in the positions */
			s->records[n++] = record_of(s, p, s->next[p]);
	out->n = n;
	out->ended = s->step >= 300;
	for (int32_t q = 0; q < PARTITIONS; q++) out->ended = out->ended && s->owned[q] && s->next[q] == RECORDS;
	return OK;
}

static status source_seek(struct stream_source *base, const struct stream_start *starts, size_t n, struct err *err)
{
	struct source *s = of(base);
	(void)err;
	for (size_t i = 0; i < n; i++) {
		assert_true(s->owned[starts[i].partition]);
		s->next[starts[i].partition] = starts[i].position < 0 ? 0 : starts[i].position;
	}
	return OK;
}

static status source_ends(struct stream_source *base, int32_t partition, int64_t *low, int64_t *high, struct err *err)
{
	(void)base;
	(void)partition;
	(void)err;
	*low = 0;
	*high = RECORDS;
	return OK;
}

static void source_mark(struct stream_source *base, const struct stream_start *next, size_t n)
{
	(void)base;
	for (size_t i = 0; i < n; i++) assert_true(next[i].position <= store.position[next[i].partition]);
}

static void source_close(struct stream_source *base)
{
	(void)base;
}

/* ---- tests ----------------------------------------------------------------------------------------------------------------- */

static bool sink_full(void *ctx)
{
	return ((const struct sink *)ctx)->n >= 40;
}

static void run(uint64_t seed, struct sink *sink)
{
	static const struct stream_source_ops ops = {
		source_poll, source_seek, source_ends, source_mark, source_close, NULL};
	struct source source = {.base.ops = &ops, .seed = seed};
	struct err err;
	memset(&store, 0, sizeof store);
	for (int p = 0; p < PARTITIONS; p++) store.position[p] = store.mark[p] = -1;
	const struct stream_member_opts o = {.source = &source.base,
		.sink = {.ctx = sink,
			.positions = positions,
			.take = take,
			.commit = commit,
			.drop = drop,
			.full = sink_full},
		.name = "test",
		.interval_us = INT64_C(3600) * 1000000,
		.bytes_max = INT64_MAX,
		.once = true};
	CHECK_OK(&err, stream_member_run(&o, &err));
	for (int p = 0; p < PARTITIONS; p++) {
		CHECK_I64(store.position[p], RECORDS);
		for (int r = 0; r < RECORDS; r++) {
			/* another member's records have no holes in this test */
			if (store.count[p][r] > 1 || (store.count[p][r] == 0 && r % 7 != 3))
				fail_msg("seed %llu: record %d of partition %d is there %d times",
					(unsigned long long)seed, r, p, store.count[p][r]);
		}
	}
}

static void test_schedules(void **state)
{
	(void)state;
	int conflicts = 0;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct sink sink = {.n = 0};
		run(seed, &sink);
		conflicts += sink.conflicts;
	}
	assert_true(conflicts > 100); /* the schedules do what they are for */
}

static void test_failing_commits(void **state)
{
	(void)state;
	for (int at = 1; at <= 3; at++) {
		for (int how = 1; how <= 2; how++) {
			struct sink sink = {.fail_in = at, .fail_how = how};
			run(7, &sink);
			CHECK_I64(sink.fail_in, 0);
		}
	}
}

/* Records that are gone end the stream, unless the sink takes the news; then they count as taken. */
static status gap_poll(struct stream_source *base, int timeout_ms, struct stream_fetch *out, struct err *err)
{
	struct source *s = of(base);
	(void)timeout_ms;
	*out = (struct stream_fetch){.ended = true};
	TRY(assign(s, 0, err));
	return s->base.listener.gap(s->base.listener.ctx, &(struct stream_gap){0, 0, 10}, err);
}

static status take_gap(void *ctx, const struct stream_gap *gap, struct err *err)
{
	(void)ctx;
	(void)err;
	store.gaps += (int)(gap->to - gap->from);
	return OK;
}

static void test_gap(void **state)
{
	(void)state;
	static const struct stream_source_ops ops = {
		gap_poll, source_seek, source_ends, source_mark, source_close, NULL};
	struct source source = {.base.ops = &ops};
	struct sink sink = {.n = 0};
	struct err err;
	memset(&store, 0, sizeof store);
	store.position[0] = store.mark[0] = -1;
	struct stream_member_opts o = {.source = &source.base,
		.sink = {.ctx = &sink, .positions = positions, .take = take, .commit = commit, .drop = drop},
		.name = "test",
		.interval_us = 1,
		.bytes_max = 1,
		.once = true};
	CHECK_FAILS(E_NOT_FOUND, stream_member_run(&o, &err));
	assert_non_null(strstr(err.message, "10 messages of partition 0 (offsets 0 to 9) are gone"));
	CHECK_I64(store.position[0], -1);
	source = (struct source){.base.ops = &ops};
	o.sink.gap = take_gap;
	CHECK_OK(&err, stream_member_run(&o, &err));
	CHECK_I64(store.position[0], 10);
	CHECK_I64(store.gaps, 10);
}

/* ---- a topic that was made again ---------------------------------------------------------------------------------------------- */

static int begun;
static void begin_anew(void *ctx)
{
	(void)ctx;
	begun++;
	memset(&store, 0, sizeof store);
	store.identity = -1;
	for (int p = 0; p < PARTITIONS; p++) store.position[p] = store.mark[p] = -1;
}

/* A member that reads to the end; accept: of a topic made again, too. */
static struct stream_member_opts until_end(struct source *source, struct sink *sink, bool accept)
{
	return (struct stream_member_opts){.source = &source->base,
		.sink = {.ctx = sink,
			.positions = positions,
			.take = take,
			.commit = commit,
			.drop = drop,
			.full = sink_full,
			.anew = accept ? begin_anew : NULL},
		.name = "test",
		.interval_us = INT64_C(3600) * 1000000,
		.bytes_max = INT64_MAX,
		.once = true};
}

static void test_made_again(void **state)
{
	(void)state;
	static const struct {
		int64_t stored, mark;
		bool same;
		uint64_t seed; /* odd: the records have no time stamps */
	} cases[] = {
		{9, -1, true, 0},           /* nothing is known of the record */
		{4, 1, true, 0},            /* the record is gone: a hole */
		{9, 1, false, 0},           /* another record stands there */
		{9, 1, true, 1},            /* the record tells nothing of itself; the mark is of an earlier one */
		{RECORDS + 1, 1, false, 0}, /* the topic ends before it */
	};
	static const struct stream_source_ops ops = {
		source_poll, source_seek, source_ends, source_mark, source_close, NULL};
	for (size_t i = 0; i < 2 * sizeof cases / sizeof *cases; i++) {
		const size_t k = i / 2;
		const bool accept = i % 2 == 1;
		struct source source = {.base.ops = &ops, .seed = cases[k].seed, .step = 300};
		struct sink sink = {.n = 0};
		struct err err;
		err_clear(&err);
		begin_anew(NULL);
		begun = 0;
		store.position[1] = cases[k].stored;
		store.mark[1] = cases[k].mark;
		const struct stream_member_opts o = until_end(&source, &sink, accept);
		const status code = stream_member_run(&o, &err);
		if (!accept && !cases[k].same) {
			CHECK_FAILS(E_CONFLICT, code);
			assert_non_null(strstr(err.message, "the topic was made again"));
			CHECK_I64(store.position[1], cases[k].stored);
			continue;
		}
		CHECK_OK(&err, code);
		CHECK_I64(begun, cases[k].same ? 0 : 1);
		CHECK_I64(store.position[1], RECORDS);
		for (int r = 0; r < RECORDS; r++)
			CHECK_I64(store.count[1][r], r % 7 != 3 && (begun == 1 || r >= cases[k].stored));
	}
}

/* ---- a topic with an id --------------------------------------------------------------------------------------------------------- */

static struct {
	int asked, changes_at; /* the other topic is there from that question on; 0: never */
	int fails_at;          /* that one is not answered */
} asking;

static status source_identity(struct stream_source *s, int64_t *identity, struct err *err)
{
	(void)s;
	if (++asking.asked == asking.fails_at) {
		const status code = fail(err, E_UNREACHABLE, "scripted");
		err_set_class(err, ERR_RETRY);
		return code;
	}
	*identity = asking.changes_at > 0 && asking.asked >= asking.changes_at ? 22 : 11;
	return OK;
}

/* The records are the same in both topics, so that their marks tell nothing. */
static status run_with_identity(bool accept, struct sink *sink, struct err *err)
{
	static const struct stream_source_ops ops = {
		source_poll, source_seek, source_ends, source_mark, source_close, source_identity};
	struct source source = {.base.ops = &ops, .step = 300};
	const struct stream_member_opts o = until_end(&source, sink, accept);
	asking.asked = begun = 0;
	err_clear(err);
	return stream_member_run(&o, err);
}

static void test_another_id(void **state)
{
	(void)state;
	struct err err;
	for (int at = 0; at <= 12; at++) {
		struct sink sink = {.n = 0};
		asking.changes_at = at;
		asking.fails_at = 0;
		begin_anew(NULL);
		const status code = run_with_identity(false, &sink, &err);
		if (at < 2) { /* one topic all along */
			CHECK_OK(&err, code);
			CHECK_I64(store.identity, at == 1 ? 22 : 11);
			continue;
		}
		CHECK_FAILS(E_CONFLICT, code);
		assert_non_null(strstr(err.message, "its id is another one"));
		CHECK_I64(store.identity, sink.commits > 0 ? 11 : -1);
		int64_t stored = 0, counted = 0; /* nothing of the other topic */
		for (int p = 0; p < PARTITIONS; p++) {
			for (int r = 0; r < RECORDS; r++) counted += store.count[p][r];
			for (int64_t r = 0; r < store.position[p]; r++) stored += r % 7 != 3;
		}
		CHECK_I64(counted, stored);
		const int commits = sink.commits; /* a start finds it at once, and takes nothing */
		asking.changes_at = 1;
		if (commits == 0) continue;
		CHECK_FAILS(E_CONFLICT, run_with_identity(false, &sink, &err));
		CHECK_I64(sink.commits, commits);
		CHECK_OK(&err, run_with_identity(true, &sink, &err));
		CHECK_I64(begun, 1);
		CHECK_I64(store.identity, 22);
		for (int p = 0; p < PARTITIONS; p++)
			for (int r = 0; r < RECORDS; r++) CHECK_I64(store.count[p][r], r % 7 != 3);
	}
}

static void test_no_id_for_a_while(void **state)
{
	(void)state;
	struct err err;
	asking.changes_at = 0;
	for (int at = 1; at <= 6; at++) {
		struct sink sink = {.n = 0};
		asking.fails_at = at;
		begin_anew(NULL);
		CHECK_OK(&err, run_with_identity(true, &sink, &err));
		assert_true(asking.asked > at);
		CHECK_I64(store.identity, 11);
		for (int p = 0; p < PARTITIONS; p++)
			for (int r = 0; r < RECORDS; r++) CHECK_I64(store.count[p][r], r % 7 != 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedules), cmocka_unit_test(test_failing_commits),
		cmocka_unit_test(test_gap), cmocka_unit_test(test_made_again), cmocka_unit_test(test_another_id),
		cmocka_unit_test(test_no_id_for_a_while)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
