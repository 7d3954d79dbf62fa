/* workloads/pqrs/silver/silver_emit.c: a day's rows, now with verdicts, into the builders of their tables and months. */
#include "base/alloc.h"
#include "workloads/pqrs/silver/silver_int.h"

/* What one slice gives each table: row numbers in bronze's order. */
struct picked {
	uint32_t *rows[EVENT_N + 1]; /* accepted by event type, then quarantined */
	size_t n[EVENT_N + 1];
};
enum { PICK_QUARANTINED = EVENT_N };

/* Code points of UTF-8: the bytes that don't continue one. */
static int32_t code_points(struct str s)
{
	int32_t n = 0;
	for (size_t i = 0; i < s.n; i++) n += ((uint8_t)s.p[i] & 0xC0) != 0x80;
	return n;
}

static status emit_messages(
	struct silver_task *t, const struct slice *s, const uint32_t *rows, size_t n, int32_t month, struct err *err)
{
	struct month_out *m;
	TRY(silver_month_open(t, OUT_MESSAGES, month, &m, err));
	struct arena *a = &t->day.arena;
	const struct column *id = &s->in[IN_MESSAGE_ID], *event = &s->in[IN_EVENT_ID], *text = &s->in[IN_TEXT];
	bool own_ids = true;
	for (size_t i = 0; i < n; i++) own_ids &= silver_message_id(s, rows[i]).n > 0;
	if (own_ids)
		silver_gather_str(&m->b[MESSAGES_MESSAGE_ID], m->n, id, rows, n, a);
	else
		for (size_t i = 0; i < n; i++)
			builder_set_str(&m->b[MESSAGES_MESSAGE_ID], m->n + (int64_t)i,
				column_str(silver_message_id(s, rows[i]).n > 0 ? id : event, rows[i]));
	silver_gather_tickets(t, m, s->ticket, rows, n);
	silver_gather_i64(&m->b[MESSAGES_TS], m->n, &s->in[IN_TS], rows, n);
	silver_gather_str(&m->b[MESSAGES_ROLE], m->n, &s->in[IN_ROLE], rows, n, a);
	silver_gather_str(&m->b[MESSAGES_TEXT], m->n, text, rows, n, a);
	for (size_t i = 0; i < n; i++) {
		if (column_valid(text, rows[i]))
			builder_set_i32(
				&m->b[MESSAGES_TEXT_LEN], m->n + (int64_t)i, code_points(column_str(text, rows[i])));
	}
	m->n += (int64_t)n;
	return silver_month_flush_full(t, OUT_MESSAGES, m, err);
}

static status emit_changes(
	struct silver_task *t, const struct slice *s, const uint32_t *rows, size_t n, int32_t month, struct err *err)
{
	struct month_out *m;
	TRY(silver_month_open(t, OUT_STATUS_EVENTS, month, &m, err));
	struct arena *a = &t->day.arena;
	silver_gather_str(&m->b[STATUS_EVENTS_EVENT_ID], m->n, &s->in[IN_EVENT_ID], rows, n, a);
	silver_gather_tickets(t, m, s->ticket, rows, n);
	silver_gather_i64(&m->b[STATUS_EVENTS_TS], m->n, &s->in[IN_TS], rows, n);
	silver_gather_str(&m->b[STATUS_EVENTS_STATUS_FROM], m->n, &s->in[IN_STATUS_FROM], rows, n, a);
	silver_gather_str(&m->b[STATUS_EVENTS_STATUS_TO], m->n, &s->in[IN_STATUS_TO], rows, n, a);
	silver_gather_str(&m->b[STATUS_EVENTS_ACTOR_ROLE], m->n, &s->in[IN_ACTOR_ROLE], rows, n, a);
	silver_gather_str(&m->b[STATUS_EVENTS_REASON], m->n, &s->in[IN_REASON], rows, n, a);
	m->n += (int64_t)n;
	return silver_month_flush_full(t, OUT_STATUS_EVENTS, m, err);
}

static status emit_attachments(
	struct silver_task *t, const struct slice *s, const uint32_t *rows, size_t n, int32_t month, struct err *err)
{
	struct month_out *m;
	TRY(silver_month_open(t, OUT_ATTACHMENTS, month, &m, err));
	struct arena *a = &t->day.arena;
	silver_gather_str(&m->b[ATTACHMENTS_ATTACHMENT_ID], m->n, &s->in[IN_EVENT_ID], rows, n, a);
	silver_gather_tickets(t, m, s->ticket, rows, n);
	silver_gather_i64(&m->b[ATTACHMENTS_TS], m->n, &s->in[IN_TS], rows, n);
	silver_gather_str(&m->b[ATTACHMENTS_FILE_TYPE], m->n, &s->in[IN_FILE_TYPE], rows, n, a);
	silver_gather_i64(&m->b[ATTACHMENTS_SIZE_KB], m->n, &s->in[IN_SIZE_KB], rows, n);
	silver_gather_str(&m->b[ATTACHMENTS_FILE_NAME], m->n, &s->in[IN_FILE_NAME], rows, n, a);
	silver_gather_str(&m->b[ATTACHMENTS_SOURCE_CHANNEL], m->n, &s->in[IN_SOURCE_CHANNEL], rows, n, a);
	m->n += (int64_t)n;
	return silver_month_flush_full(t, OUT_ATTACHMENTS, m, err);
}

static status emit_quarantined(
	struct silver_task *t, const struct slice *s, const uint32_t *rows, size_t n, int32_t month, struct err *err)
{
	struct month_out *m;
	TRY(silver_month_open(t, OUT_QUARANTINE, month, &m, err));
	struct arena *a = &t->day.arena;
	silver_gather_str(&m->b[QUARANTINE_EVENT_ID], m->n, &s->in[IN_EVENT_ID], rows, n, a);
	silver_gather_tickets(t, m, s->ticket, rows, n);
	silver_gather_str(&m->b[QUARANTINE_EVENT_TYPE], m->n, &s->in[IN_EVENT_TYPE], rows, n, a);
	silver_gather_i64(&m->b[QUARANTINE_TS], m->n, &s->in[IN_TS], rows, n);
	for (size_t i = 0; i < n; i++) {
		silver_set_code(m, QUARANTINE_REASON, m->n + (int64_t)i, s->verdict[rows[i]], pqrs_reason_names);
	}
	silver_gather_str(&m->b[QUARANTINE_STATUS_FROM], m->n, &s->in[IN_STATUS_FROM], rows, n, a);
	silver_gather_str(&m->b[QUARANTINE_STATUS_TO], m->n, &s->in[IN_STATUS_TO], rows, n, a);
	silver_gather_str(&m->b[QUARANTINE_RAW_OBJECT], m->n, &s->raw_object, rows, n, a);
	silver_gather_i64(&m->b[QUARANTINE_RAW_LINE], m->n, &s->raw_line, rows, n);
	m->n += (int64_t)n;
	return silver_month_flush_full(t, OUT_QUARANTINE, m, err);
}

/* ---- pending events -------------------------------------------------------------------------------------- */

static int32_t keep_name(struct silver_task *t, const struct column *c, uint32_t row)
{
	return column_valid(c, row) ? builder_intern(&t->names, column_str(c, row)) : -1;
}

status silver_keep_pending(struct silver_task *t, struct slice *s, uint32_t row, struct err *err)
{
	TRY(silver_load_origin(t, s, err));
	if (!VEC_ROOM(&t->pending, 1)) return fail_nomem(err);
	struct pending *p = &t->pending.items[t->pending.n];
	*p = (struct pending){.id = s->id[row],
		.ts = s->ts[row],
		.file = s->file,
		.row_group = s->range.row_group,
		.row = slice_file_row(s, row),
		.ticket = s->ticket[row],
		.type = s->type[row],
		.fresh = silver_row_fresh(t, s, row)};
	t->tickets[p->ticket].has_early = true;
	p->from = keep_name(t, &s->in[IN_STATUS_FROM], row);
	p->to = keep_name(t, &s->in[IN_STATUS_TO], row);
	p->raw_object = keep_name(t, &s->raw_object, row);
	p->raw_line = ((const int64_t *)s->raw_line.values)[row];
	if (t->names.failed) return fail_nomem(err);
	t->pending.n++;
	return OK;
}

static struct str pending_name(const struct silver_task *t, int32_t name)
{
	const int32_t from = t->names.dict_offsets[name];
	return (struct str){(const char *)t->names.dict_data + from, (size_t)(t->names.dict_offsets[name + 1] - from)};
}

struct str silver_pending_object(const struct silver_task *t, const struct pending *p)
{
	return pending_name(t, p->raw_object);
}

static void set_name(const struct silver_task *t, struct builder *b, int64_t row, int32_t name)
{
	if (name >= 0) builder_set_str(b, row, pending_name(t, name));
}

static status emit_pending(struct silver_task *t, const struct pending *p, struct err *err)
{
	static const uint32_t only[1] = {0};
	const enum pqrs_reason reason = t->tickets[p->ticket].s.created ? REASON_OUT_OF_ORDER : REASON_ORPHAN;
	struct month_out *m;
	TRY(silver_month_open(t, OUT_QUARANTINE, silver_month_of(t, p->ts), &m, err));
	char id[36];
	uuid_store(p->id, id);
	builder_set_str(&m->b[QUARANTINE_EVENT_ID], m->n, (struct str){id, sizeof id});
	silver_gather_tickets(t, m, &p->ticket, only, 1);
	builder_set_str(&m->b[QUARANTINE_EVENT_TYPE], m->n, str_of(pqrs_event_type_names[p->type]));
	builder_set_i64(&m->b[QUARANTINE_TS], m->n, p->ts);
	silver_set_code(m, QUARANTINE_REASON, m->n, reason, pqrs_reason_names);
	set_name(t, &m->b[QUARANTINE_STATUS_FROM], m->n, p->from);
	set_name(t, &m->b[QUARANTINE_STATUS_TO], m->n, p->to);
	set_name(t, &m->b[QUARANTINE_RAW_OBJECT], m->n, p->raw_object);
	builder_set_i64(&m->b[QUARANTINE_RAW_LINE], m->n, p->raw_line);
	if (p->fresh) t->sum.quarantined[reason]++;
	m->n++;
	return silver_month_flush_full(t, OUT_QUARANTINE, m, err);
}

/* Of an earlier event: it stands in quarantine already, unless its ticket is told anew. */
static bool pending_whole(const struct silver_task *t, const struct pending *p)
{
	return p->fresh || t->known[p->ticket].dirty;
}

status silver_pending_emit(struct silver_task *t, struct err *err)
{
	for (size_t i = 0; i < t->pending.n; i++) {
		struct pending *p = &t->pending.items[i];
		if (!pending_whole(t, p)) continue;
		if (!p->fresh) {
			const struct str object = silver_pending_object(t, p);
			t->sum.flipped[OUT_QUARANTINE] += silver_refused_before(t, object, p->raw_line) == REASON_NONE;
		}
		TRY(emit_pending(t, p, err));
	}
	return OK;
}

/* ---- a day ----------------------------------------------------------------------------------------------- */

/* A row of an earlier event that is told anew: which tables it leaves and enters. */
static status count_flip(struct silver_task *t, struct slice *s, uint32_t row, struct err *err)
{
	static const enum silver_table tables[EVENT_N] = {
		[EVENT_TICKET_CREATED] = OUT_TICKETS,
		[EVENT_MESSAGE_ADDED] = OUT_MESSAGES,
		[EVENT_STATUS_CHANGED] = OUT_STATUS_EVENTS,
		[EVENT_ATTACHMENT_ADDED] = OUT_ATTACHMENTS,
	};
	const unsigned verdict = s->verdict[row];
	if (verdict == VERDICT_DUPLICATE) return OK;
	TRY(silver_load_origin(t, s, err));
	const struct str object = column_str(&s->raw_object, row);
	const bool stood = silver_refused_before(t, object, ((const int64_t *)s->raw_line.values)[row]) == REASON_NONE,
		   stands = verdict == REASON_NONE;
	t->sum.flipped[tables[s->type[row]]] += (int64_t)stands - (int64_t)stood;
	t->sum.flipped[OUT_QUARANTINE] += (int64_t)stood - (int64_t)stands;
	return OK;
}

/* Where a row with a verdict goes; -1: nowhere. */
static int place_of(const struct slice *s, uint32_t row)
{
	const unsigned verdict = s->verdict[row];
	if (verdict == VERDICT_DUPLICATE) return -1;
	return verdict == REASON_NONE ? s->type[row] : PICK_QUARANTINED;
}

static status pick_row(struct silver_task *t, struct slice *s, uint32_t row, struct picked *out, struct err *err)
{
	const bool whole = silver_row_whole(t, s, row);
	const int to = place_of(s, row);
	const bool fresh = silver_row_fresh(t, s, row);
	if (whole && !fresh) TRY(count_flip(t, s, row, err));
	if (fresh) {
		t->sum.duplicates += to < 0;
		if (to >= 0 && to < EVENT_N) t->sum.events[to]++;
		if (to == PICK_QUARANTINED) t->sum.quarantined[s->verdict[row]]++;
	}
	if (!whole && to != EVENT_TICKET_CREATED) return OK; /* its rows stand, but for what the ticket became */
	if (to >= 0) out->rows[to][out->n[to]++] = row;
	return OK;
}

/* Whatever goes to another table than that of tickets is whole. */
static bool wants_texts(const struct silver_task *t, const struct slice *s, const struct picked *p)
{
	bool wanted = false;
	for (int e = 0; e < EVENT_N; e++) wanted |= e != EVENT_TICKET_CREATED && p->n[e] > 0;
	for (size_t i = 0; i < p->n[EVENT_TICKET_CREATED] && !wanted; i++)
		wanted = silver_row_classified(t, s, p->rows[EVENT_TICKET_CREATED][i]);
	return s->lean && wanted;
}

static status pick(struct silver_task *t, struct slice *s, struct picked *out, struct err *err)
{
	*out = (struct picked){0};
	for (int i = 0; i <= EVENT_N; i++) {
		out->rows[i] = ARENA_NEW(&t->day.arena, uint32_t, s->n);
		if (out->rows[i] == NULL) return fail_nomem(err);
	}
	for (uint32_t row = 0; row < s->n; row++) {
		if (s->ticket[row] == NO_TICKET) continue;
		if (s->verdict[row] == VERDICT_PENDING)
			TRY(silver_keep_pending(t, s, row, err));
		else
			TRY(pick_row(t, s, row, out, err));
	}
	if (out->n[PICK_QUARANTINED] > 0) TRY(silver_load_origin(t, s, err));
	return wants_texts(t, s, out) ? silver_load_texts(t, s, err) : OK;
}

typedef status (*emit_rows)(
	struct silver_task *t, const struct slice *s, const uint32_t *rows, size_t n, int32_t month, struct err *err);

/* Hand rows[n] on month by month, each month in row order. scratch[n]. */
static status by_month(
	struct silver_task *t, const struct slice *s, uint32_t *rows, size_t n, emit_rows emit, struct err *err)
{
	uint32_t *later = NULL;
	while (n > 0) {
		const int32_t month = silver_month_of(t, s->ts[rows[0]]);
		size_t same = 0;
		while (same < n && silver_month_of(t, s->ts[rows[same]]) == month) same++;
		size_t left = 0;
		if (same < n && later == NULL) later = ARENA_NEW(&t->day.arena, uint32_t, n);
		if (same < n && later == NULL) return fail_nomem(err);
		for (size_t i = same; i < n; i++) {
			if (silver_month_of(t, s->ts[rows[i]]) == month)
				rows[same++] = rows[i];
			else
				later[left++] = rows[i];
		}
		TRY(emit(t, s, rows, same, month, err));
		if (left > 0) memcpy(rows, later, left * sizeof *rows);
		n = left;
	}
	return OK;
}

status silver_day_emit(struct silver_task *t, struct err *err)
{
	static const emit_rows emitters[EVENT_N + 1] = {
		[EVENT_TICKET_CREATED] = silver_created_emit,
		[EVENT_MESSAGE_ADDED] = emit_messages,
		[EVENT_STATUS_CHANGED] = emit_changes,
		[EVENT_ATTACHMENT_ADDED] = emit_attachments,
		[PICK_QUARANTINED] = emit_quarantined,
	};
	for (size_t i = 0; i < t->day.slices.n; i++) {
		struct slice *s = &t->day.slices.items[i];
		struct picked picked;
		TRY(pick(t, s, &picked, err));
		for (int e = 0; e <= EVENT_N; e++) TRY(by_month(t, s, picked.rows[e], picked.n[e], emitters[e], err));
	}
	return OK;
}
