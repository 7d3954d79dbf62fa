/* workloads/pqrs/silver/silver_fold.c: tickets of a day get their index, its rows their verdict.
 *
 * A ticket's rows mostly come in time order already (a file is ordered by bucket, ts, event_id, and a ticket mostly has one
 * source): those are folded in the order of the files. The few tickets with a row that is not later than the one before, or
 * with a creation that is not the first, go through silver_settle_repeats, which sorts them; what is told of one instant is then
 * ordered by the state machine (pqrs/silver/instant.h).
 */
#include "base/alloc.h"
#include "workloads/pqrs/silver/instant.h"
#include "workloads/pqrs/silver/silver_int.h"

enum { AHEAD = 16 }; /* rows between a prefetch and its use */

static status known_grow(struct silver_task *t, uint32_t cap, struct err *err)
{
	if (!t->has_history) return OK;
	struct known *grown = mem_realloc(t->known, cap * sizeof *grown);
	if (grown == NULL) return fail_nomem(err);
	for (uint32_t i = t->tickets_cap; i < cap; i++)
		grown[i] = (struct known){.first_ts = INT64_MAX, .last_ts = INT64_MIN, .fresh_ts = INT64_MAX};
	t->known = grown;
	return OK;
}

/* Room for every ticket that has an index. */
static status tickets_grow(struct silver_task *t, struct err *err)
{
	if (uuid_table_n(&t->ticket_ids) <= t->tickets_cap) return OK;
	const uint32_t cap = (uint32_t)t->ticket_ids.cap; /* as many as their ids have room for: what is expected */
	struct ticket *grown = mem_realloc(t->tickets, cap * sizeof *grown);
	if (grown == NULL) return fail_nomem(err);
	memset(grown + t->tickets_cap, 0, (cap - t->tickets_cap) * sizeof *grown);
	t->tickets = grown;
	TRY(known_grow(t, cap, err));
	t->tickets_cap = cap;
	return OK;
}

status silver_ticket_add(struct silver_task *t, struct uuid id, uint32_t *index, struct err *err)
{
	bool found;
	TRY(uuid_table_add(&t->ticket_ids, id, uuid_hash(id), index, &found, err));
	if (found) return OK;
	TRY(tickets_grow(t, err));
	t->tickets[*index].seen_ts = STATE_NEVER;
	return OK;
}

/* Notice a row that is not later than the one before of its ticket, and a creation that is not its first row. The same instant
 * counts as out of order: only the state machine tells whether it is. */
static void watch_order(struct silver_task *t, struct ticket *k, const struct slice *s, uint32_t row)
{
	const int64_t ts = s->ts[row];
	const bool creation = s->type[row] == EVENT_TICKET_CREATED;
	k->unsorted |= ts <= k->seen_ts || (creation && k->seen_ts != STATE_NEVER);
	t->day.has_late_creation |= creation && k->has_early;
	k->seen_ts = ts > k->seen_ts ? ts : k->seen_ts;
}

/* With a history: rows of tickets in scope, which all have their index by now; in a rehearsal, of those with late events. */
static void slice_pick(struct silver_task *t, struct slice *s, const struct uuid *ticket_id, const uint64_t *hash)
{
	int64_t n = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		if (i + AHEAD < s->n) uuid_table_prefetch(&t->ticket_ids, hash[i + AHEAD]);
		const bool waits = silver_row_waits(t, s->ts[i]);
		const int32_t *bucket = s->buckets != NULL ? &s->buckets[slice_range_row(s, i)] : NULL;
		if (bucket != NULL && (*bucket < t->day.lo || *bucket >= t->day.hi)) {
			s->ticket[i] = NO_TICKET;
			continue;
		}
		t->sum.deferred += waits && !s->file->foreign;
		if (waits || !uuid_table_find(&t->ticket_ids, ticket_id[i], hash[i], &s->ticket[i]) ||
			(t->rehearsal && !t->known[s->ticket[i]].late)) {
			s->ticket[i] = NO_TICKET;
			continue;
		}
		watch_order(t, &t->tickets[s->ticket[i]], s, i);
		t->sum.due += s->file->foreign && silver_row_fresh(t, s, i);
		n++;
	}
	t->sum.rows_in += n;
	if (s->file->foreign) t->sum.refolded_rows += n;
}

static status slice_intern(
	struct silver_task *t, struct slice *s, struct uuid *ticket_id, uint64_t *hash, struct err *err)
{
	if (!silver_load_uuids(&s->in[IN_EVENT_ID], s->n, s->id) ||
		!silver_load_uuids(&s->in[IN_TICKET_ID], s->n, ticket_id)) {
		(void)fail(err, E_CORRUPT, "a bronze file with an id that is no UUID");
		return err_at(err, E_CORRUPT, s->file->ref->path, -1, -1);
	}
	for (uint32_t i = 0; i < s->n; i++) hash[i] = uuid_hash(ticket_id[i]);
	if (t->has_history) {
		slice_pick(t, s, ticket_id, hash);
		return OK;
	}
	int64_t deferred = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		if (i + AHEAD < s->n) uuid_table_prefetch(&t->ticket_ids, hash[i + AHEAD]);
		bool found;
		if (silver_row_waits(t, s->ts[i])) {
			s->ticket[i] = NO_TICKET;
			deferred++;
			continue;
		}
		TRY(uuid_table_add(&t->ticket_ids, ticket_id[i], hash[i], &s->ticket[i], &found, err));
		if (found) {
			__builtin_prefetch(&t->tickets[s->ticket[i]].seen_ts, 1);
			continue;
		}
		TRY(tickets_grow(t, err));
		t->tickets[s->ticket[i]].seen_ts = STATE_NEVER;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->ticket[i] != NO_TICKET) watch_order(t, &t->tickets[s->ticket[i]], s, i);
	}
	t->sum.rows_in += s->n - deferred;
	t->sum.deferred += deferred;
	return OK;
}

status silver_day_intern(struct silver_task *t, struct err *err)
{
	size_t widest = 0;
	for (size_t i = 0; i < t->day.slices.n; i++)
		widest = t->day.slices.items[i].n > widest ? t->day.slices.items[i].n : widest;
	struct uuid *ids = ARENA_NEW(&t->day.arena, struct uuid, widest);
	uint64_t *hash = ARENA_NEW(&t->day.arena, uint64_t, widest);
	if (ids == NULL || hash == NULL) return fail_nomem(err);
	for (size_t i = 0; i < t->day.slices.n; i++) TRY(slice_intern(t, &t->day.slices.items[i], ids, hash, err));
	return OK;
}

/* ---- verdicts -------------------------------------------------------------------------------------------- */

#define OWN_EVENT (UINT32_C(1) << 31) /* in event_ticket: told by the run itself */

/* Whether event_id was there before: *repeat for the same ticket. An id that two tickets share is counted, both stand; but not
 * where runs before told both: they let them pass, one each, and no later run could ever be without them. */
static status meet_event(
	struct silver_task *t, struct uuid id, uint64_t hash, uint32_t ticket, bool *repeat, struct err *err)
{
	uint32_t index;
	bool found;
	TRY(uuid_table_add(&t->event_ids, id, hash, &index, &found, err));
	*repeat = found && ((t->event_ticket[index] ^ ticket) & ~OWN_EVENT) == 0;
	if (found) {
		t->sum.shared_ids += !*repeat && ((t->event_ticket[index] | ticket) & OWN_EVENT) != 0;
		return OK;
	}
	if (index >= t->event_cap) {
		const size_t cap = t->event_ids.cap;
		uint32_t *grown = mem_realloc(t->event_ticket, cap * sizeof *grown);
		if (grown == NULL) return fail_nomem(err);
		t->event_ticket = grown;
		t->event_cap = cap;
	}
	t->event_ticket[index] = ticket;
	return OK;
}

static uint8_t judge(struct silver_task *t, const struct slice *s, uint32_t row)
{
	struct ticket *ticket = &t->tickets[s->ticket[row]];
	struct ticket_state *k = &ticket->s;
	const int64_t ts = s->ts[row];
	enum pqrs_reason reason = REASON_NONE;
	switch (s->type[row]) {
	case EVENT_TICKET_CREATED: reason = state_created(k, ts, t->cfg->clock_skew_max); break;
	case EVENT_MESSAGE_ADDED: reason = state_message(k, ts, s->by_agent[row] != 0); break;
	case EVENT_STATUS_CHANGED: reason = state_changed(k, t->cfg, ts, s->from[row], s->to[row]); break;
	default: reason = state_attachment(k, ts); break;
	}
	t->sum.clock_skew += reason == REASON_NONE && ts < k->created_at && (ticket->touched || !t->has_history);
	return reason == REASON_ORPHAN ? VERDICT_PENDING : (uint8_t)reason;
}

/* Whether the row's event id was told before. */
static status meet_row(
	struct silver_task *t, const struct slice *s, uint32_t row, uint64_t hash, bool *repeat, struct err *err)
{
	*repeat = false;
	if (s->early) return OK; /* it was met on its own day */
	const uint32_t own = s->file->foreign ? 0 : OWN_EVENT;
	return meet_event(t, s->id[row], hash, s->ticket[row] | own, repeat, err);
}

/* A message whose id upstream gives: where the ticket has it by another event, that one stands. Its key in event_ids is an event's id only
 * by a chance of 2^-64. */
static status fold_message(struct silver_task *t, struct slice *s, uint32_t row, struct str id, struct err *err)
{
	uint8_t bytes[XXH128_BYTES];
	struct uuid key;
	uint32_t index;
	hash_xxh128(id.p, id.n, bytes);
	memcpy(&key, bytes, sizeof key);
	key.hi ^= s->ticket[row];
	const uint64_t hash = uuid_hash(key);
	bool again = uuid_table_find(&t->event_ids, key, hash, &index);
	s->verdict[row] = again ? REASON_CONFLICTING_DUPLICATE : judge(t, s, row);
	return s->verdict[row] == REASON_NONE ? meet_event(t, key, hash, s->ticket[row], &again, err) : OK;
}

static status fold_row(struct silver_task *t, struct slice *s, uint32_t row, uint64_t hash, struct err *err)
{
	bool repeat;
	TRY(meet_row(t, s, row, hash, &repeat, err));
	const struct str message = silver_message_id(s, row);
	if (!repeat && message.n > 0) return fold_message(t, s, row, message, err);
	s->verdict[row] = repeat ? REASON_CONFLICTING_DUPLICATE : judge(t, s, row);
	return OK;
}

/* Rows of sorted tickets are folded; the others are listed. */
static status fold_slice(
	struct silver_task *t, uint32_t slice, uint64_t *hash, struct row_ref *rest, size_t *n_rest, struct err *err)
{
	struct slice *s = &t->day.slices.items[slice];
	for (uint32_t i = 0; i < s->n; i++) hash[i] = uuid_hash(s->id[i]);
	for (uint32_t i = 0; i < s->n; i++) {
		if (s->ticket[i] == NO_TICKET) continue;
		if (i + AHEAD < s->n && s->ticket[i + AHEAD] != NO_TICKET) {
			uuid_table_prefetch(&t->event_ids, hash[i + AHEAD]);
			const struct ticket *k = &t->tickets[s->ticket[i + AHEAD]];
			__builtin_prefetch(k, 1); /* its first cache line and its last */
			__builtin_prefetch(&k->type, 1);
		}
		if (!t->tickets[s->ticket[i]].unsorted) {
			TRY(fold_row(t, s, i, hash[i], err));
			continue;
		}
		rest[(*n_rest)++] = (struct row_ref){.ts = s->ts[i],
			.id = s->id[i],
			.ticket = s->ticket[i],
			.slice = slice,
			.row = i,
			.not_creation = s->type[i] != EVENT_TICKET_CREATED};
	}
	return OK;
}

/* After a month all that comes is later: an unsorted ticket starts anew. */
static void forget_order(struct silver_task *t, uint32_t ticket)
{
	t->tickets[ticket].unsorted = false;
	t->tickets[ticket].seen_ts = (int64_t)silver_month_end(t->day.month) * US_PER_DAY - 1;
}

/* rows[n] of one ticket and one instant, creations first, then by event_id. Only changes of state depend on each other. */
struct instant_scratch {
	struct instant_change *changes;
	uint32_t *rows, *order;
};

static status fold_instant(
	struct silver_task *t, const struct row_ref *rows, size_t n, const struct instant_scratch *x, struct err *err)
{
	size_t n_changes = 0;
	for (size_t i = 0; i < n; i++) {
		struct slice *s = &t->day.slices.items[rows[i].slice];
		const uint32_t row = rows[i].row;
		if (s->type[row] != EVENT_STATUS_CHANGED) {
			TRY(fold_row(t, s, row, uuid_hash(rows[i].id), err));
			continue;
		}
		bool repeat;
		TRY(meet_row(t, s, row, uuid_hash(rows[i].id), &repeat, err));
		if (repeat) {
			s->verdict[row] = REASON_CONFLICTING_DUPLICATE;
			continue;
		}
		x->changes[n_changes] = (struct instant_change){s->from[row], s->to[row]};
		x->rows[n_changes++] = (uint32_t)i;
	}
	instant_order(t->cfg, t->tickets[rows[0].ticket].s.state, x->changes, n_changes, x->order);
	for (size_t i = 0; i < n_changes; i++) {
		const struct row_ref *r = &rows[x->rows[x->order[i]]];
		struct slice *s = &t->day.slices.items[r->slice];
		s->verdict[r->row] = judge(t, s, r->row);
	}
	return OK;
}

/* rows[n] in the order of silver_settle_repeats. */
static status fold_sorted(struct silver_task *t, const struct row_ref *rows, size_t n, struct err *err)
{
	const struct instant_scratch x = {
		.changes = ARENA_NEW(&t->day.arena, struct instant_change, n),
		.rows = ARENA_NEW(&t->day.arena, uint32_t, n),
		.order = ARENA_NEW(&t->day.arena, uint32_t, n),
	};
	if (x.changes == NULL || x.rows == NULL || x.order == NULL) return fail_nomem(err);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && rows[end].ticket == rows[i].ticket && rows[end].ts == rows[i].ts; end++) {}
		TRY(fold_instant(t, rows + i, end - i, &x, err));
	}
	return OK;
}

static size_t count_unsorted(const struct silver_task *t)
{
	size_t n = 0;
	for (size_t i = 0; i < t->day.slices.n; i++) {
		const struct slice *s = &t->day.slices.items[i];
		for (uint32_t row = 0; row < s->n; row++)
			n += s->ticket[row] != NO_TICKET && t->tickets[s->ticket[row]].unsorted;
	}
	return n;
}

status silver_day_fold(struct silver_task *t, struct err *err)
{
	size_t widest = 0;
	for (size_t i = 0; i < t->day.slices.n; i++)
		widest = t->day.slices.items[i].n > widest ? t->day.slices.items[i].n : widest;
	uint64_t *hash = ARENA_NEW(&t->day.arena, uint64_t, widest);
	struct row_ref *rest = ARENA_NEW(&t->day.arena, struct row_ref, count_unsorted(t));
	if (hash == NULL || rest == NULL) return fail_nomem(err);
	size_t n_rest = 0;
	for (size_t i = 0; i < t->day.slices.n; i++) TRY(fold_slice(t, (uint32_t)i, hash, rest, &n_rest, err));
	if (n_rest == 0) return OK;
	for (size_t i = 0; i < n_rest; i++) forget_order(t, rest[i].ticket);
	size_t n_left;
	struct repeats repeats;
	TRY(silver_settle_repeats(t, rest, n_rest, &n_left, &repeats, err));
	TRY(fold_sorted(t, rest, n_left, err));
	silver_repeats_finish(t, &repeats);
	return OK;
}
