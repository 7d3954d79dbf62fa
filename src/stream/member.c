/* stream/member.c: see member.h.
 *
 *   part:   stored ............ next          records below next were taken, or are older than what the store has
 *             the store's        of the next record that is wanted
 *
 * 1. A part's `stored` is what the store said last, and moves by a commit that succeeded alone.
 * 2. Whatever fails on the way leaves the member out of step: nothing is taken until the positions were read anew and the source seeks them.
 * 3. The source is told to seek between its polls alone, never in what it calls.
 * 4. A part whose last record is to be compared is read from one position before `next`; nothing below `next` is taken.
 * 5. The topic's identity is asked after the last poll and before the commit: what is committed is of that topic.
 */
#include "stream/member.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/time.h"
#include "base/vec.h"

enum {
	POLL_MS = 100, /* so that a stop is seen */
	BACKOFF_FIRST_MS = 250,
	BACKOFF_LAST_MS = 30000,
};

struct part {
	int32_t partition;
	int64_t stored; /* -1: none */
	int64_t next;
	int64_t stored_mark, mark; /* of the records before them; -1: none */
	bool unsure;               /* is the record before `stored` still the one that was marked? */
};

struct member {
	const struct stream_member_opts *o;
	struct {
		struct part *items;
		size_t n, cap;
	} parts;
	struct {
		struct stream_start *items;
		size_t n, cap;
	} starts;
	struct buf scratch;  /* of one call: spans, numbers, progress */
	int64_t identity;    /* of the topic, as stored, else as first asked; -1: not known */
	bool has_identity;   /* the store has it */
	bool out_of_step;    /* positions are to be read anew */
	int64_t retry_at_us; /* not before */
	int64_t backoff_ms;
	int64_t said_us;   /* when a failure was logged last */
	int64_t polled_us; /* when the poll at hand began: its records may have come since, and wait from then on */
	int64_t due_us;    /* of the next commit; valid while records or moves are pending */
	bool pending;
	int64_t records, bytes, oldest_ms;
};

static struct part *part_find(struct member *m, int32_t partition)
{
	for (size_t i = 0; i < m->parts.n; i++)
		if (m->parts.items[i].partition == partition) return &m->parts.items[i];
	return NULL;
}

static void forget(struct member *m)
{
	m->pending = false;
	m->records = m->bytes = 0;
	m->oldest_ms = INT64_MAX;
}

static void drop(struct member *m)
{
	m->o->sink.drop(m->o->sink.ctx);
	forget(m);
	m->out_of_step = true;
}

static void *scratch(struct member *m, size_t n, size_t size)
{
	buf_reset(&m->scratch);
	size_t bytes;
	return mul_size(n, size, &bytes) ? buf_reserve(&m->scratch, bytes + 1) : NULL;
}

/* ---- positions ---------------------------------------------------------------------------------------------------------- */

int64_t stream_mark(const struct stream_record *r)
{
	if (r->timestamp_ms < 0) return -1;
	const uint64_t mixed[2] = {hash_xxh64(r->value.p, r->value.n), (uint64_t)r->timestamp_ms};
	return (int64_t)(hash_xxh64(mixed, sizeof mixed) & INT64_MAX);
}

/* What the store says of it, as where to start. */
static int64_t place_part(const struct member *m, struct part *part, const struct stream_place *at)
{
	*part = (struct part){.partition = part->partition,
		.stored = at->next,
		.next = at->next >= 0 ? at->next : 0,
		.stored_mark = at->mark,
		.mark = at->mark,
		.unsure = at->next > 0 && at->mark >= 0};
	if (at->next < 0) return m->o->from_latest ? STREAM_END : STREAM_BEGIN;
	return part->unsure ? at->next - 1 : at->next;
}

/* Is the topic the one whose records the store has? E_CONFLICT: no. Class RETRY: it can't be told now. */
static status check_topic(struct member *m, struct err *err)
{
	int64_t identity;
	TRY(stream_source_identity(m->o->source, &identity, err));
	if (identity < 0) return OK;
	if (m->identity >= 0 && m->identity != identity)
		return fail(
			err, E_CONFLICT, "%s: the topic was made again: its id is another one than before", m->o->name);
	m->identity = identity;
	return OK;
}

static void place_topic(struct member *m, const struct stream_place *at)
{
	const bool had = m->has_identity; /* what was only asked, not stored, stands */
	m->has_identity = at->mark >= 0;
	if (had || m->has_identity) m->identity = at->mark;
}

/* What the store says of these; starts filled in. E_CONFLICT: the topic is another one. */
static status read_positions(struct member *m, struct stream_start *starts, size_t n, struct err *err)
{
	const bool of_topic = m->o->source->ops->identity != NULL;
	if (n == 0) return OK;
	int32_t *numbers = scratch(m, n + 1, sizeof *numbers);
	struct stream_place *places = mem_alloc((n + 1) * sizeof *places);
	if (numbers == NULL || places == NULL) {
		mem_free(places);
		return fail_nomem(err);
	}
	for (size_t i = 0; i < n; i++) numbers[i] = starts[i].partition;
	numbers[n] = STREAM_TOPIC;
	const status code = m->o->sink.positions(m->o->sink.ctx, numbers, n + of_topic, places, err);
	for (size_t i = 0; i < n && code == OK; i++) {
		struct part *part = part_find(m, starts[i].partition);
		ASSERT(part != NULL);
		starts[i].position = place_part(m, part, &places[i]);
	}
	if (code == OK && of_topic) place_topic(m, &places[n]);
	mem_free(places);
	return code == OK ? check_topic(m, err) : code;
}

static bool may_pass(const struct err *err)
{
	return err->class == ERR_RETRY || err->class == ERR_UNKNOWN || err->code == E_UNREACHABLE ||
	       err->code == E_BUSY;
}

/* A failure that may pass: out of step, and not so soon again. Said once a minute. */
static void put_off(struct member *m, const struct err *why)
{
	const int64_t now = time_mono_us();
	char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX];
	m->backoff_ms = m->backoff_ms == 0 ? BACKOFF_FIRST_MS : m->backoff_ms * 2;
	if (m->backoff_ms > BACKOFF_LAST_MS) m->backoff_ms = BACKOFF_LAST_MS;
	m->retry_at_us = now + m->backoff_ms * 1000;
	m->out_of_step = true;
	if (m->said_us != 0 && now - m->said_us < 60 * US_PER_SECOND) return;
	m->said_us = now;
	log_line(LOG_WARN, "goes on when it can", "stream", m->o->name, "why", err_text(why, text, sizeof text), NULL);
}

static status get_in_step(struct member *m, struct err *err)
{
	struct err why;
	m->starts.n = 0;
	if (!VEC_ROOM(&m->starts, m->parts.n + 1)) return fail_nomem(err);
	for (size_t i = 0; i < m->parts.n; i++)
		m->starts.items[m->starts.n++] = (struct stream_start){.partition = m->parts.items[i].partition};
	err_clear(&why);
	status code = read_positions(m, m->starts.items, m->starts.n, &why);
	if (code == OK) code = stream_source_seek(m->o->source, m->starts.items, m->starts.n, &why);
	if (code == OK)
		m->out_of_step = false;
	else if (may_pass(&why))
		put_off(m, &why);
	else if (err != NULL)
		*err = why;
	return code == OK || may_pass(&why) ? OK : code;
}

/* ---- commit --------------------------------------------------------------------------------------------------------------- */

static void report(struct member *m, int64_t began_us)
{
	const struct stream_member_opts *o = m->o;
	struct stream_progress *progress = scratch(m, m->parts.n, sizeof *progress);
	if (o->report == NULL || progress == NULL) return;
	for (size_t i = 0; i < m->parts.n; i++) {
		int64_t low, high = -1;
		const struct part *part = &m->parts.items[i];
		if (stream_source_ends(o->source, part->partition, &low, &high, NULL) != OK) high = -1;
		progress[i] = (struct stream_progress){part->partition, part->next,
			high < 0            ? -1
			: high > part->next ? high - part->next
					    : 0};
	}
	const int64_t now = time_mono_us();
	struct stream_report r = {.records = m->records,
		.bytes = m->bytes,
		.commit_us = now - began_us,
		.end_to_end_us = m->oldest_ms == INT64_MAX ? -1 : time_now_us() - m->oldest_ms * 1000,
		.partitions = progress,
		.n_partitions = m->parts.n};
	if (o->sink.tell != NULL) o->sink.tell(o->sink.ctx, &r);
	o->report(o->report_ctx, &r);
}

static void mark(struct member *m)
{
	m->starts.n = 0;
	if (!VEC_ROOM(&m->starts, m->parts.n + 1)) return; /* only monitors miss it */
	for (size_t i = 0; i < m->parts.n; i++) {
		const struct part *part = &m->parts.items[i];
		if (part->stored < 0) continue;
		m->starts.items[m->starts.n++] = (struct stream_start){part->partition, part->stored};
	}
	stream_source_mark(m->o->source, m->starts.items, m->starts.n);
}

/* The topic is another one: E_CONFLICT of err, unless that is wanted. What was taken of the others is dropped, too. */
static status begin_anew(struct member *m, const struct err *why, struct err *err)
{
	if (m->o->sink.anew == NULL) {
		if (err != NULL) *err = *why;
		return E_CONFLICT;
	}
	log_line(LOG_WARN, "begins anew", "stream", m->o->name, "why", why->message, NULL);
	drop(m);
	m->o->sink.anew(m->o->sink.ctx);
	m->identity = -1;
	m->retry_at_us = 0;
	return OK;
}

/* spans[m->parts.n + 1] filled in, rising n. */
static size_t collect_spans(const struct member *m, struct stream_span *spans)
{
	size_t n = 0;
	for (size_t i = 0; i < m->parts.n; i++) {
		const struct part *part = &m->parts.items[i];
		if (part->next > (part->stored < 0 ? 0 : part->stored))
			spans[n++] = (struct stream_span){
				part->partition, part->stored, part->next, part->stored_mark, part->mark};
	}
	ASSERT(n > 0);
	if (m->identity >= 0 && !m->has_identity)
		spans[n++] = (struct stream_span){
			.partition = STREAM_TOPIC, .stored = -1, .next = 0, .stored_mark = -1, .mark = m->identity};
	return n;
}

static void committed(struct member *m, const struct stream_span *spans, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct part *part = part_find(m, spans[i].partition);
		if (part == NULL) { /* STREAM_TOPIC */
			m->has_identity = true;
			continue;
		}
		part->stored = spans[i].next;
		if (spans[i].mark >= 0) part->stored_mark = spans[i].mark;
	}
	m->backoff_ms = m->said_us = 0;
}

/* A failure that may pass, and a conflict, leave the member out of step and are no failure of it. */
static status commit(struct member *m, struct err *err)
{
	struct stream_span *spans = scratch(m, m->parts.n + 1, sizeof *spans);
	struct err why;
	if (!m->pending) return OK;
	if (spans == NULL) return fail_nomem(err);
	const int64_t began = time_mono_us();
	err_clear(&why);
	status code = check_topic(m, &why);
	if (code == E_CONFLICT) return begin_anew(m, &why, err);
	if (code == OK) {
		const size_t n = collect_spans(m, spans);
		code = m->o->sink.commit(m->o->sink.ctx, spans, n, &why);
		if (code == OK) committed(m, spans, n);
	}
	if (code == OK) {
		mark(m);
		report(m, began);
		forget(m);
		return OK;
	}
	drop(m);
	if (code == E_CONFLICT)
		log_line(LOG_INFO, "another member was first: what was taken is dropped", "stream", m->o->name, "why",
			why.message, NULL);
	else if (may_pass(&why))
		put_off(m, &why);
	else if (err != NULL)
		*err = why;
	return code == E_CONFLICT || may_pass(&why) ? OK : code;
}

/* ---- what the source tells ------------------------------------------------------------------------------------------------ */

static void tell_owned(struct member *m)
{
	int32_t *numbers = scratch(m, m->parts.n, sizeof *numbers);
	if (m->o->sink.owned == NULL || numbers == NULL) return;
	for (size_t i = 0; i < m->parts.n; i++) numbers[i] = m->parts.items[i].partition;
	m->o->sink.owned(m->o->sink.ctx, numbers, m->parts.n);
}

static status on_assigned(void *ctx, struct stream_start *starts, size_t n, struct err *err)
{
	struct member *m = ctx;
	struct err why;
	if (!VEC_ROOM(&m->parts, n)) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		ASSERT(part_find(m, starts[i].partition) == NULL);
		m->parts.items[m->parts.n++] = (struct part){.partition = starts[i].partition, .stored = -1};
		starts[i].position = STREAM_BEGIN;
	}
	err_clear(&why);
	const status code = read_positions(m, starts, n, &why);
	if (code != OK && may_pass(&why))
		put_off(m, &why); /* nothing is taken before they are known */
	else if (code != OK && err != NULL)
		*err = why;
	tell_owned(m);
	return code == OK || may_pass(&why) ? OK : code;
}

static void remove_parts(struct member *m, const int32_t *partitions, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct part *part = part_find(m, partitions[i]);
		if (part != NULL) *part = m->parts.items[--m->parts.n];
	}
	tell_owned(m);
}

static status on_revoked(void *ctx, const int32_t *partitions, size_t n, struct err *err)
{
	struct member *m = ctx;
	const status code = m->out_of_step ? OK : commit(m, err);
	remove_parts(m, partitions, n);
	return code;
}

/* What the others had pending is mixed with what is lost: they go back to where the store has them. */
static void on_lost(void *ctx, const int32_t *partitions, size_t n)
{
	struct member *m = ctx;
	if (m->pending) drop(m);
	remove_parts(m, partitions, n);
}

static void set_pending(struct member *m)
{
	if (!m->pending) m->due_us = m->polled_us + m->o->interval_us;
	m->pending = true;
}

static status on_gap(void *ctx, const struct stream_gap *gap, struct err *err)
{
	struct member *m = ctx;
	struct part *part = part_find(m, gap->partition);
	if (part == NULL || m->out_of_step) return OK;
	struct stream_gap rest = *gap;
	if (rest.from < part->next) rest.from = part->next; /* what was only to be compared is no loss */
	part->unsure = false;
	if (rest.from >= rest.to) return OK;
	struct err why;
	err_clear(&why);
	if (check_topic(m, &why) == E_CONFLICT) { /* of another topic it is no gap */
		if (err != NULL) *err = why;
		return E_CONFLICT;
	}
	gap = &rest;
	if (m->o->sink.gap == NULL)
		return fail(err, E_NOT_FOUND,
			"%lld messages of partition %d (offsets %lld to %lld) are gone: retention took them before "
			"they were read",
			(long long)(gap->to - gap->from), gap->partition, (long long)gap->from, (long long)gap->to - 1);
	TRY(m->o->sink.gap(m->o->sink.ctx, gap, err));
	part->next = gap->to;
	part->mark = -1;
	set_pending(m);
	return OK;
}

/* ---- records -------------------------------------------------------------------------------------------------------------- */

static void count(struct member *m, const struct stream_record *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		m->bytes += (int64_t)records[i].value.n;
		if (records[i].timestamp_ms >= 0 && records[i].timestamp_ms < m->oldest_ms)
			m->oldest_ms = records[i].timestamp_ms;
	}
	m->records += (int64_t)n;
}

static status made_again(const struct member *m, const struct part *part, struct err *err)
{
	return fail(err, E_CONFLICT,
		"%s: what stands before offset %lld of partition %d is not what was read there: the topic was made "
		"again",
		m->o->name, (long long)part->stored, part->partition);
}

/* records[n] of one partition. E_CONFLICT: of another topic. */
static status take_run(struct member *m, const struct stream_record *records, size_t n, bool utf8_ok, struct err *err)
{
	struct part *part = part_find(m, records[0].partition);
	if (part == NULL) return OK;
	for (; n > 0 && records[0].position < part->next; records++, n--) {
		const bool last = part->unsure && records[0].position == part->stored - 1;
		const int64_t mark = stream_mark(&records[0]); /* a record without a time stamp tells nothing */
		if (last && mark >= 0 && mark != part->stored_mark) return made_again(m, part, err);
	}
	if (n == 0) return OK;
	part->unsure = false; /* seen, or no longer there to be seen */
	set_pending(m);
	part->next = records[n - 1].position + 1;
	part->mark = stream_mark(&records[n - 1]);
	count(m, records, n);
	return m->o->sink.take(m->o->sink.ctx, records, n, utf8_ok, err);
}

static status take(struct member *m, const struct stream_fetch *f, struct err *err)
{
	for (size_t at = 0, end; at < f->n; at = end) {
		for (end = at + 1; end < f->n && f->records[end].partition == f->records[at].partition;) end++;
		TRY(take_run(m, f->records + at, end - at, f->utf8_ok, err));
	}
	return OK;
}

/* ---- the loop ------------------------------------------------------------------------------------------------------------- */

static bool stopped(const struct member *m)
{
	return m->o->stop != NULL && *m->o->stop != 0;
}

static bool is_due(const struct member *m)
{
	const struct stream_member_opts *o = m->o;
	if (!m->pending) return false;
	return m->bytes >= o->bytes_max || time_mono_us() >= m->due_us ||
	       (o->sink.full != NULL && o->sink.full(o->sink.ctx));
}

static int poll_ms(const struct member *m)
{
	const int64_t until = m->out_of_step ? m->retry_at_us
			      : m->pending   ? m->due_us
					     : INT64_MAX,
		      now = time_mono_us();
	const int64_t left = until <= now ? 0 : until == INT64_MAX ? POLL_MS : (until - now) / 1000 + 1;
	return (int)(left < POLL_MS ? left : POLL_MS);
}

/* At the end of the topic: a partition that ends before what was read of it. */
static status check_ends(const struct member *m, struct err *err)
{
	for (size_t i = 0; i < m->parts.n; i++) {
		const struct part *part = &m->parts.items[i];
		int64_t low, high = -1;
		if (!part->unsure || stream_source_ends(m->o->source, part->partition, &low, &high, NULL) != OK)
			continue;
		if (high >= 0 && high < part->stored) return made_again(m, part, err);
	}
	return OK;
}

static status fetch(struct member *m, struct stream_fetch *f, struct err *err)
{
	m->polled_us = time_mono_us();
	const status code = stream_source_poll(m->o->source, poll_ms(m), f, err);
	if (m->out_of_step && (code == OK || code == E_CONFLICT))
		return OK; /* these come again, and that is told again */
	TRY(code);
	TRY(take(m, f, err));
	return m->o->once && f->ended ? check_ends(m, err) : OK;
}

static status step(struct member *m, bool *ended, struct err *err)
{
	struct stream_fetch f = {.ended = false};
	struct err why;
	err_clear(&why);
	status code = OK;
	if (m->out_of_step && time_mono_us() >= m->retry_at_us) code = get_in_step(m, &why);
	if (code == OK) code = fetch(m, &f, &why);
	if (code == E_CONFLICT) return begin_anew(m, &why, err);
	if (code != OK && err != NULL) *err = why;
	TRY(code);
	if (m->out_of_step) return OK;
	*ended = m->o->once && f.ended;
	if (is_due(m) || *ended) TRY(commit(m, err));
	*ended = *ended && !m->out_of_step;
	return OK;
}

status stream_member_run(const struct stream_member_opts *o, struct err *err)
{
	struct member m = {.o = o, .identity = -1};
	status code = OK;
	buf_init(&m.scratch, 0);
	forget(&m);
	o->source->listener = (struct stream_listener){&m, on_assigned, on_revoked, on_lost, on_gap};
	for (bool ended = false; code == OK && !ended && !stopped(&m);) code = step(&m, &ended, err);
	if (code == OK && !m.out_of_step) code = commit(&m, err);
	if (m.pending) drop(&m);
	o->source->listener = (struct stream_listener){0};
	buf_deinit(&m.scratch);
	mem_free(m.parts.items);
	mem_free(m.starts.items);
	return code;
}
