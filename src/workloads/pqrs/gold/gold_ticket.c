/* workloads/pqrs/gold/gold_ticket.c: see gold_ticket.h. Rows are kept as arrays in the order of silver's files and sorted by index. */
#include "workloads/pqrs/gold/gold_ticket.h"

#include <stdlib.h>

#include "base/hash.h"
#include "flow/history_column.h"

status gold_tickets_init(struct gold_tickets *t, struct arena *arena, size_t cap, struct err *err)
{
	static const struct column_def name = {.name = "current_status", .type = COL_STRING};
	*t = (struct gold_tickets){.arena = arena, .cap = cap};
	buf_init(&t->ids, INT32_MAX); /* int32 offsets */
	builder_init(&t->status_names, &name, true);
	if (cap >= UINT32_MAX) return fail(err, E_LIMIT, "over %u tickets in one gold task", UINT32_MAX);
	t->id_offsets = ARENA_NEW(arena, int32_t, cap + 1);
	t->last_update = ARENA_NEW(arena, int64_t, cap + 1);
	t->days_target = ARENA_NEW(arena, int32_t, cap + 1);
	t->days_elapsed = ARENA_NEW(arena, int32_t, cap + 1);
	t->status = ARENA_NEW(arena, int32_t, cap + 1);
	t->sla = ARENA_NEW(arena, int32_t, cap + 1);
	if (t->id_offsets == NULL || t->last_update == NULL || t->days_target == NULL || t->days_elapsed == NULL ||
		t->status == NULL || t->sla == NULL)
		return fail_nomem(err);
	t->id_offsets[0] = 0;
	return OK;
}

void gold_tickets_deinit(struct gold_tickets *t)
{
	buf_deinit(&t->ids);
	builder_deinit(&t->status_names);
}

static status never_null(const struct column *c, const char *what, struct err *err)
{
	for (int64_t i = 0; i < c->n && c->validity != NULL; i++) {
		if (!column_valid(c, i)) return fail(err, E_CORRUPT, "silver tickets: %s is null", what);
	}
	return OK;
}

static status add_ids(struct gold_tickets *t, const struct column *c, struct err *err)
{
	int32_t *offsets = t->id_offsets + t->n;
	if (c->dict == NULL && c->n > 0) { /* one block */
		const int32_t from = c->offsets[0];
		buf_add(&t->ids, c->data + from, (size_t)(c->offsets[c->n] - from));
		for (int64_t i = 0; i < c->n; i++) offsets[i + 1] = offsets[0] + c->offsets[i + 1] - from;
	} else {
		for (int64_t i = 0; i < c->n; i++) {
			const struct str s = column_str(c, i);
			buf_add(&t->ids, s.p, s.n);
			offsets[i + 1] = (int32_t)t->ids.n;
		}
	}
	return buf_check(&t->ids, err);
}

/* sla_days_elapsed of contract section 5: 0 before RADICATED; no days when answered_at or as_of is before the radication. */
static void add_elapsed(struct gold_tickets *t, const struct gold_ticket_source *in, const struct gold_clock *clock)
{
	const int64_t *radicated = in->radicated_at->values, *answered = in->answered_at->values;
	const int32_t *hold = in->hold_days->values;
	const int32_t as_of = day_map_date(clock->days, clock->as_of);
	int32_t *dst = t->days_elapsed + t->n;
	for (int64_t i = 0; i < in->n; i++) {
		dst[i] = 0;
		t->by_as_of |= !column_valid(in->answered_at, i);
		if (!column_valid(in->radicated_at, i)) continue;
		const int32_t from = day_map_date(clock->days, radicated[i]);
		const int32_t to = column_valid(in->answered_at, i) ? day_map_date(clock->days, answered[i]) : as_of;
		const int32_t days = from < to ? calendar_business_days_between(clock->calendar, from, to) : 0;
		dst[i] = days - hold[i];
	}
}

status gold_tickets_add(struct gold_tickets *t, const struct gold_ticket_source *in, const struct gold_clock *clock,
	struct arena *scratch, struct err *err)
{
	ASSERT(in->n >= 0 && (size_t)in->n <= t->cap - t->n);
	const size_t n = (size_t)in->n;
	uint8_t *sla = ARENA_NEW(scratch, uint8_t, n + 1);
	uint32_t *states = ARENA_NEW(scratch, uint32_t, n + 1);
	if (sla == NULL || states == NULL) return fail_nomem(err);
	TRY(never_null(in->ticket_id, "ticket_id", err));
	TRY(never_null(in->current_status, "current_status", err));
	TRY(never_null(in->last_update_ts, "last_update_ts", err));
	TRY(never_null(in->sla_business_days, "sla_business_days", err));
	TRY(never_null(in->hold_days, "hold_days", err));
	TRY(gold_enum_codes(in->sla_status, "sla_status", gold_sla_names, GOLD_SLA_STATES, sla, err));
	TRY(gold_text_codes(in->current_status, "", &t->status_names, scratch, states, err));
	TRY(add_ids(t, in->ticket_id, err));
	memcpy(t->last_update + t->n, in->last_update_ts->values, n * sizeof *t->last_update);
	memcpy(t->days_target + t->n, in->sla_business_days->values, n * sizeof *t->days_target);
	for (size_t i = 0; i < n; i++) {
		t->status[t->n + i] = (int32_t)states[i];
		t->sla[t->n + i] = sla[i];
	}
	add_elapsed(t, in, clock);
	t->n += n;
	return OK;
}

/* ---- order -------------------------------------------------------------------------------------------------- */

struct sort_row {
	uint64_t prefix;
	uint32_t row;
}; /* first 8 bytes, the first one most significant */
struct sort_tie {
	struct str s;
	uint32_t row;
};

static uint64_t prefix_of(struct str s)
{
	uint8_t bytes[8] = {0};
	memcpy(bytes, s.p, s.n < 8 ? s.n : 8);
	uint64_t v;
	memcpy(&v, bytes, 8);
	return __builtin_bswap64(v);
}

/* Stable least significant byte first radix sort; bytes that are the same everywhere are skipped. a, b: [n]; the result is
 * in the one returned. */
static struct sort_row *radix_sort(struct sort_row *a, struct sort_row *b, size_t n)
{
	for (int shift = 0; shift < 64; shift += 8) {
		size_t at[256] = {0};
		for (size_t i = 0; i < n; i++) at[a[i].prefix >> shift & 0xff]++;
		if (n == 0 || at[a[0].prefix >> shift & 0xff] == n) continue;
		size_t sum = 0;
		for (int i = 0; i < 256; i++) {
			const size_t count = at[i];
			at[i] = sum;
			sum += count;
		}
		for (size_t i = 0; i < n; i++) b[at[a[i].prefix >> shift & 0xff]++] = a[i];
		struct sort_row *swap = a;
		a = b;
		b = swap;
	}
	return a;
}

static int compare_ties(const void *a, const void *b)
{
	const struct sort_tie *x = a, *y = b;
	const int by_string = str_cmp(x->s, y->s);
	return by_string != 0 ? by_string : x->row < y->row ? -1 : x->row > y->row;
}

/* Rows [begin, end) share their prefix: sort them by the whole string. */
static status sort_ties(
	const struct column *c, uint32_t *order, size_t begin, size_t end, struct arena *arena, struct err *err)
{
	struct sort_tie *ties = ARENA_NEW(arena, struct sort_tie, end - begin);
	if (ties == NULL) return fail_nomem(err);
	for (size_t i = begin; i < end; i++) ties[i - begin] = (struct sort_tie){column_str(c, order[i]), order[i]};
	qsort(ties, end - begin, sizeof *ties, compare_ties);
	for (size_t i = begin; i < end; i++) order[i] = ties[i - begin].row;
	return OK;
}

status gold_sort_strings(const struct column *c, struct arena *arena, uint32_t *order, struct err *err)
{
	const size_t n = (size_t)c->n;
	struct sort_row *a = ARENA_NEW(arena, struct sort_row, n + 1), *b = ARENA_NEW(arena, struct sort_row, n + 1);
	if (a == NULL || b == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) a[i] = (struct sort_row){prefix_of(column_str(c, (int64_t)i)), (uint32_t)i};
	a = radix_sort(a, b, n);
	for (size_t i = 0; i < n; i++) order[i] = a[i].row;
	for (size_t begin = 0; begin < n;) {
		size_t end = begin + 1;
		while (end < n && a[end].prefix == a[begin].prefix) end++;
		if (end - begin > 1) TRY(sort_ties(c, order, begin, end, arena, err));
		begin = end;
	}
	return OK;
}

/* ---- output ------------------------------------------------------------------------------------------------- */

/* The columns in the order of the rows. Every column is read at random once, here, ahead of time (36 random bytes of ids that do
 * not fit the cache take 100 ns, with the loads 16 rows ahead 15 ns); all that follows runs straight through. */
struct ordered {
	struct column id, status, last_update, target, elapsed, sla;
	struct column status_names, sla_names;
};
enum { AHEAD = 16 };

static status order_ids(const struct gold_tickets *t, const uint32_t *order, struct column *out, struct err *err)
{
	uint8_t *ids = arena_alloc(t->arena, t->ids.n + 1, 1);
	int32_t *offsets = ARENA_NEW(t->arena, int32_t, t->n + 1);
	if (ids == NULL || offsets == NULL) return fail_nomem(err);
	offsets[0] = 0;
	for (size_t i = 0; i < t->n; i++) {
		if (i + AHEAD < t->n) __builtin_prefetch(t->ids.p + t->id_offsets[order[i + AHEAD]]);
		const int32_t from = t->id_offsets[order[i]], n = t->id_offsets[order[i] + 1] - from;
		if (n == UUID_CHARS)
			memcpy(ids + offsets[i], t->ids.p + from,
				UUID_CHARS); /* a copy of known length needs no call */
		else
			memcpy(ids + offsets[i], t->ids.p + from, (size_t)n);
		offsets[i + 1] = offsets[i] + n;
	}
	*out = (struct column){.type = COL_STRING, .n = (int64_t)t->n, .offsets = offsets, .data = ids};
	return OK;
}

static status order_i32(
	const struct gold_tickets *t, const uint32_t *order, const int32_t *v, struct column *out, struct err *err)
{
	int32_t *dst = ARENA_NEW(t->arena, int32_t, t->n);
	if (dst == NULL) return fail_nomem(err);
	for (size_t i = 0; i < t->n; i++) dst[i] = v[order[i]];
	*out = (struct column){.type = COL_INT32, .n = (int64_t)t->n, .values = dst};
	return OK;
}

static status order_columns(struct gold_tickets *t, struct ordered *o, struct err *err)
{
	const struct column ids = {.type = COL_STRING, .n = (int64_t)t->n, .offsets = t->id_offsets, .data = t->ids.p};
	uint32_t *order = ARENA_NEW(t->arena, uint32_t, t->n);
	int64_t *last_update = ARENA_NEW(t->arena, int64_t, t->n);
	if (order == NULL || last_update == NULL) return fail_nomem(err);
	TRY(gold_sort_strings(&ids, t->arena, order, err));
	TRY(order_ids(t, order, &o->id, err));
	TRY(order_i32(t, order, t->days_target, &o->target, err));
	TRY(order_i32(t, order, t->days_elapsed, &o->elapsed, err));
	TRY(order_i32(t, order, t->status, &o->status, err));
	TRY(order_i32(t, order, t->sla, &o->sla, err));
	for (size_t i = 0; i < t->n; i++) last_update[i] = t->last_update[order[i]];
	o->last_update = (struct column){.type = COL_TIMESTAMP, .n = (int64_t)t->n, .values = last_update};
	struct column states;
	TRY(builder_finish(&t->status_names, 0, &states, err)); /* the dictionary alone */
	o->status_names = *states.dict;
	TRY(gold_names_column(gold_sla_names, GOLD_SLA_STATES, t->arena, &o->sla_names, err));
	o->status.type = o->sla.type = COL_STRING;
	o->status.dict = &o->status_names;
	o->sla.dict = &o->sla_names;
	return OK;
}

static int64_t count_repeated(const struct column *id)
{
	int64_t repeated = 0;
	for (int64_t i = 1; i < id->n; i++) repeated += str_eq(column_str(id, i - 1), column_str(id, i));
	return repeated;
}

static status write_table(
	struct gold_sink *sink, enum gold_table table, int32_t month, struct column *columns, struct err *err)
{
	const struct table_schema *s = pqrs_gold_tables[table];
	const struct batch b = {s, history_column_index(s), columns, columns[0].n};
	sink->totals[table].rows += b.n_rows;
	sink->totals[table].sum += b.n_rows;
	sink->totals[table].keys_repeated += count_repeated(&columns[0]);
	return sink->write(sink, table, month, &b, err);
}

status gold_tickets_write(struct gold_tickets *t, int32_t month, struct gold_sink *sink, struct err *err)
{
	struct ordered o;
	if (t->n == 0) return OK;
	TRY(order_columns(t, &o, err));
	struct column metrics[METRICS_N_COLUMNS] = {[METRICS_TICKET_ID] = o.id,
		[METRICS_SLA_DAYS_TARGET] = o.target,
		[METRICS_SLA_DAYS_ELAPSED] = o.elapsed,
		[METRICS_SLA_STATUS] = o.sla};
	struct column snapshot[SNAPSHOT_N_COLUMNS] = {[SNAPSHOT_TICKET_ID] = o.id,
		[SNAPSHOT_CURRENT_STATUS] = o.status,
		[SNAPSHOT_LAST_UPDATE_TS] = o.last_update,
		[SNAPSHOT_SLA_DAYS_TARGET] = o.target,
		[SNAPSHOT_SLA_DAYS_ELAPSED] = o.elapsed,
		[SNAPSHOT_SLA_STATUS] = o.sla};
	TRY(write_table(sink, GOLD_SLA_METRICS, month, metrics, err));
	return write_table(sink, GOLD_TICKETS_SNAPSHOT, month, snapshot, err);
}
