/* stream/member.c: see member.h.
 *
 *   part:   stored ............ next          records below next were taken, or are older than what the store has
 *             the store's        of the next record that is wanted
 *
 * 1. A part's `stored` is what the store said last, and moves by a commit that succeeded alone.
 * 2. Whatever fails on the way leaves the member out of step: nothing is taken until the positions were read anew and the source seeks them.
 * 3. The source is told to seek between its polls alone, never in what it calls.
 */
#include "stream/member.h"

#include "base/alloc.h"
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
	bool out_of_step;    /* positions are to be read anew */
	int64_t retry_at_us; /* not before */
	int64_t backoff_ms;
	int64_t said_us; /* when a failure was logged last */
	int64_t due_us;  /* of the next commit; valid while records or moves are pending */
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

/* What the store says of these; starts filled in. */
static status read_positions(struct member *m, struct stream_start *starts, size_t n, struct err *err)
{
	int32_t *numbers = scratch(m, n, sizeof *numbers);
	int64_t *stored = mem_alloc(n * sizeof *stored);
	if (numbers == NULL || stored == NULL) {
		mem_free(stored);
		return fail_nomem(err);
	}
	for (size_t i = 0; i < n; i++) numbers[i] = starts[i].partition;
	const status code = m->o->sink.positions(m->o->sink.ctx, numbers, n, stored, err);
	for (size_t i = 0; i < n && code == OK; i++) {
		struct part *part = part_find(m, starts[i].partition);
		ASSERT(part != NULL);
		*part = (struct part){starts[i].partition, stored[i], stored[i] >= 0 ? stored[i] : 0};
		starts[i].position = stored[i] >= 0 ? stored[i] : m->o->from_latest ? STREAM_END : STREAM_BEGIN;
	}
	mem_free(stored);
	return code;
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

/* A failure that may pass, and a conflict, leave the member out of step and are no failure of it. */
static status commit(struct member *m, struct err *err)
{
	struct stream_span *spans = scratch(m, m->parts.n, sizeof *spans);
	struct err why;
	size_t n = 0;
	if (!m->pending) return OK;
	if (spans == NULL) return fail_nomem(err);
	for (size_t i = 0; i < m->parts.n; i++) {
		const struct part *part = &m->parts.items[i];
		if (part->next > (part->stored < 0 ? 0 : part->stored))
			spans[n++] = (struct stream_span){part->partition, part->stored, part->next};
	}
	ASSERT(n > 0);
	const int64_t began = time_mono_us();
	err_clear(&why);
	const status code = m->o->sink.commit(m->o->sink.ctx, spans, n, &why);
	if (code == OK) {
		for (size_t i = 0; i < n; i++) part_find(m, spans[i].partition)->stored = spans[i].next;
		m->backoff_ms = m->said_us = 0;
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
		m->parts.items[m->parts.n++] = (struct part){starts[i].partition, -1, 0};
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
	if (!m->pending) m->due_us = time_mono_us() + m->o->interval_us;
	m->pending = true;
}

static status on_gap(void *ctx, const struct stream_gap *gap, struct err *err)
{
	struct member *m = ctx;
	struct part *part = part_find(m, gap->partition);
	if (part == NULL || m->out_of_step) return OK;
	if (m->o->sink.gap == NULL)
		return fail(err, E_NOT_FOUND,
			"%lld messages of partition %d (offsets %lld to %lld) are gone: retention took them before "
			"they were read",
			(long long)(gap->to - gap->from), gap->partition, (long long)gap->from, (long long)gap->to - 1);
	TRY(m->o->sink.gap(m->o->sink.ctx, gap, err));
	part->next = gap->to;
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

/* records[n] of one partition. */
static status take_run(struct member *m, const struct stream_record *records, size_t n, bool utf8_ok, struct err *err)
{
	struct part *part = part_find(m, records[0].partition);
	if (part == NULL) return OK;
	while (n > 0 && records[0].position < part->next) records++, n--;
	if (n == 0) return OK;
	set_pending(m);
	part->next = records[n - 1].position + 1;
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

static status step(struct member *m, bool *ended, struct err *err)
{
	struct stream_fetch f;
	if (m->out_of_step && time_mono_us() >= m->retry_at_us) TRY(get_in_step(m, err));
	TRY(stream_source_poll(m->o->source, poll_ms(m), &f, err));
	if (m->out_of_step) return OK; /* these come again */
	TRY(take(m, &f, err));
	*ended = m->o->once && f.ended;
	if (is_due(m) || *ended) TRY(commit(m, err));
	*ended = *ended && !m->out_of_step;
	return OK;
}

status stream_member_run(const struct stream_member_opts *o, struct err *err)
{
	struct member m = {.o = o};
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
