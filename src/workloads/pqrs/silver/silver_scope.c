/* workloads/pqrs/silver/silver_scope.c: which tickets a run with a history folds again, and from which day on earlier bronze is read.
 *
 *   ids of the run's own bronze, and of earlier rows that waited for it     -> touched
 *   standing tickets that are not answered: their row depends on as_of       -> their file is written again (silver_kinds.c)
 *   creation, clock_skew_max before it, and quarantined events of these -> the first day with an event of a ticket in scope
 *
 * Standing rows of tickets out of scope are counted here, as those that are folded are when they are written.
 */
#include "base/alloc.h"
#include "base/hash.h"
#include "workloads/pqrs/silver/silver_int.h"

static void reach_back(struct silver_task *t, int64_t ts)
{
	const int32_t day = time_utc_date(ts);
	if (day < t->scope_from) t->scope_from = day;
}

static status touch(struct silver_task *t, const struct batch *b, struct err *err)
{
	struct uuid *ids;
	TRY(silver_column_uuids(t, &b->columns[0], &ids, err));
	const int64_t *ts = b->columns[1].values;
	for (int64_t i = 0; i < b->n_rows; i++) {
		uint32_t index;
		if (silver_row_waits(t, ts[i]) || (t->visiting->foreign && ts[i] <= t->since)) continue;
		TRY(silver_ticket_add(t, ids[i], &index, err));
		t->tickets[index].touched = true;
		reach_back(t, ts[i]);
		if (ts[i] < t->known[index].fresh_ts) t->known[index].fresh_ts = ts[i];
	}
	return OK;
}

static void meet(struct known *k, int64_t ts)
{
	if (ts < k->first_ts) k->first_ts = ts;
	if (ts > k->last_ts) k->last_ts = ts;
}

/* ---- standing tickets ---------------------------------------------------------------------------------------------- */

enum {
	S_TICKET_ID,
	S_CREATED_AT,
	S_LAST_UPDATE,
	S_ANSWERED_AT,
	S_CLOSED_AT,
	S_SLA_STATUS,
	S_STATUS,
	S_TYPE,
	S_PRIORITY,
	S_CHANNEL,
	S_N
};
static const int ticket_columns[S_N] = {TICKETS_TICKET_ID, TICKETS_CREATED_AT, TICKETS_LAST_UPDATE_TS,
	TICKETS_ANSWERED_AT, TICKETS_CLOSED_AT, TICKETS_SLA_STATUS, TICKETS_CURRENT_STATUS, TICKETS_PQRS_TYPE,
	TICKETS_PRIORITY, TICKETS_SOURCE_CHANNEL};

/* A batch of standing tickets, its texts as codes. */
struct standing {
	const struct batch *b;
	struct uuid *ids;
	uint8_t *state, *type, *priority, *channel, *sla;
};

static status standing_load(struct silver_task *t, const struct batch *b, struct standing *out, struct err *err)
{
	*out = (struct standing){.b = b};
	TRY(silver_column_uuids(t, &b->columns[S_TICKET_ID], &out->ids, err));
	TRY(silver_column_states(t, &b->columns[S_STATUS], (size_t)b->n_rows, &out->state, err));
	TRY(silver_column_codes(t, &b->columns[S_TYPE], pqrs_type_names, TYPE_N, &out->type, err));
	TRY(silver_column_codes(t, &b->columns[S_PRIORITY], pqrs_priority_names, PRIORITY_N, &out->priority, err));
	TRY(silver_column_codes(t, &b->columns[S_CHANNEL], pqrs_channel_names, CHANNEL_N, &out->channel, err));
	return silver_column_codes(t, &b->columns[S_SLA_STATUS], &sla_status_names[SLA_STATUS_LATE], 1, &out->sla, err);
}

/* As silver_tickets.c counts the tickets that were folded. set_on: silver_kinds.c sets its clock on. */
static void count_standing(struct silver_task *t, const struct standing *s, int64_t row, bool set_on)
{
	const bool closed = column_valid(&s->b->columns[S_CLOSED_AT], row), late = s->sla[row] == 0;
	if (s->type[row] < TYPE_N) t->sum.types[s->type[row]]++;
	if (s->priority[row] < PRIORITY_N) t->sum.priorities[s->priority[row]]++;
	if (s->channel[row] < CHANNEL_N) t->sum.channels[s->channel[row]]++;
	if (set_on) return; /* and counts it then */
	t->sum.closed += closed;
	t->sum.late_closed += closed && late;
	t->sum.late += late;
}

static status standing_tickets(struct silver_task *t, const struct batch *b, struct err *err)
{
	struct standing s;
	TRY(standing_load(t, b, &s, err));
	const int64_t *created = b->columns[S_CREATED_AT].values, *last = b->columns[S_LAST_UPDATE].values;
	for (int64_t i = 0; i < b->n_rows; i++) {
		uint32_t index;
		const enum ticket_kind kind =
			silver_ticket_kind(t, column_valid(&b->columns[S_ANSWERED_AT], i), s.state[i]);
		bool in_scope = uuid_table_find(&t->ticket_ids, s.ids[i], uuid_hash(s.ids[i]), &index);
		t->visiting->moves |= kind != TICKET_FINAL;
		if (!in_scope && kind == TICKET_OPEN && t->refolds_open) {
			TRY(silver_ticket_add(t, s.ids[i], &index, err));
			in_scope = true;
		}
		if (!in_scope) {
			const bool set_on = kind == TICKET_OPEN && t->time_passes;
			t->visiting->changed |= set_on;
			count_standing(t, &s, i, set_on);
			continue;
		}
		t->visiting->changed = true;
		t->known[index].stands = true;
		meet(&t->known[index], created[i]);
		meet(&t->known[index], last[i]);
		reach_back(t, created[i] - t->cfg->clock_skew_max);
	}
	return OK;
}

/* ---- standing quarantine ------------------------------------------------------------------------------------------- */

enum { Q_TICKET_ID, Q_TS, Q_REASON, Q_OBJECT, Q_LINE, Q_N };
static const int quarantine_columns[Q_N] = {
	QUARANTINE_TICKET_ID, QUARANTINE_TS, QUARANTINE_REASON, QUARANTINE_RAW_OBJECT, QUARANTINE_RAW_LINE};

static struct uuid row_key(struct str raw_object, int64_t raw_line)
{
	uint8_t hash[XXH128_BYTES];
	struct uuid key;
	hash_xxh128(raw_object.p, raw_object.n, hash);
	memcpy(&key, hash, sizeof key);
	key.lo ^= (uint64_t)raw_line * UINT64_C(0x9E3779B97F4A7C15); /* of one object, lines differ: a bijection */
	return key;
}

enum pqrs_reason silver_refused_before(const struct silver_task *t, struct str raw_object, int64_t raw_line)
{
	const struct uuid key = row_key(raw_object, raw_line);
	uint32_t index;
	if (t->refused_rows.n == 0 || !uuid_table_find(&t->refused_rows, key, uuid_hash(key), &index))
		return REASON_NONE;
	return (enum pqrs_reason)t->refused_reason[index];
}

static status remember_refused(struct silver_task *t, struct uuid key, unsigned reason, struct err *err)
{
	uint32_t index;
	bool found;
	TRY(uuid_table_add(&t->refused_rows, key, uuid_hash(key), &index, &found, err));
	if (index >= t->refused_cap) {
		uint8_t *grown = mem_realloc(t->refused_reason, t->refused_rows.cap);
		if (grown == NULL) return fail_nomem(err);
		t->refused_reason = grown;
		t->refused_cap = t->refused_rows.cap;
	}
	t->refused_reason[index] = (uint8_t)reason;
	return OK;
}

/* What earlier runs refused of tickets in scope: a ticket's only events before its creation. */
static status standing_refused(struct silver_task *t, const struct batch *b, struct err *err)
{
	struct uuid *ids;
	TRY(silver_column_uuids(t, &b->columns[Q_TICKET_ID], &ids, err));
	uint8_t *reason;
	TRY(silver_column_codes(t, &b->columns[Q_REASON], pqrs_reason_names, REASON_N, &reason, err));
	const int64_t *ts = b->columns[Q_TS].values, *line = b->columns[Q_LINE].values;
	for (int64_t i = 0; i < b->n_rows; i++) {
		uint32_t index;
		if (!uuid_table_find(&t->ticket_ids, ids[i], uuid_hash(ids[i]), &index)) continue;
		reach_back(t, ts[i]);
		meet(&t->known[index], ts[i]);
		t->known[index].refused = true;
		const unsigned why = reason[i] < REASON_N ? reason[i] : REASON_N;
		TRY(remember_refused(t, row_key(column_str(&b->columns[Q_OBJECT], i), line[i]), why, err));
	}
	return OK;
}

/* ---- all ------------------------------------------------------------------------------------------------------------- */

static status read_standing(struct silver_task *t, enum silver_table table, const struct silver_columns *which,
	rows_visit visit, struct err *err)
{
	struct silver_files *files = &t->standing[table];
	for (size_t i = 0; i < files->n; i++) {
		TRY(cancel_check(err));
		silver_files_ahead(t, files, 0, i);
		t->visiting = &files->items[i];
		TRY(silver_table_read(t, &files->items[i], which, visit, err));
	}
	return OK;
}

/* May the file hold a row of the first day that matters, or later? */
static bool reaches_scope(const struct silver_task *t, const struct silver_file *f)
{
	if (silver_month_end(f->month) <= t->scope_from) return false;
	return f->ref->last_us == 0 || f->ref->last_us >= (int64_t)t->scope_from * US_PER_DAY;
}

/* Earlier files that don't are not looked at. */
static void drop_old_files(struct silver_task *t)
{
	struct silver_files *l = &t->bronze;
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (!l->items[i].foreign || reaches_scope(t, &l->items[i])) l->items[n++] = l->items[i];
	}
	l->n = n;
}

static status touch_all(struct silver_task *t, struct err *err)
{
	static const int columns[2] = {BRONZE_TICKET_ID, BRONZE_TS};
	const struct silver_columns which = {&pqrs_bronze_events, columns, 2};
	for (size_t i = 0; i < t->bronze.n; i++) {
		if (t->bronze.items[i].foreign && t->bronze.items[i].ref->earlier) continue;
		TRY(cancel_check(err));
		t->visiting = &t->bronze.items[i];
		TRY(silver_table_read(t, &t->bronze.items[i], &which, touch, err));
	}
	return OK;
}

status silver_scope_open(struct silver_task *t, struct err *err)
{
	const struct silver_columns tickets = {&pqrs_silver_tickets, ticket_columns, S_N},
				    quarantine = {&pqrs_silver_quarantine, quarantine_columns, Q_N};
	if (!t->has_history) return OK;
	const int64_t as_of = t->env->run->as_of;
	t->time_passes = t->since != INT64_MIN && as_of > t->since;
	t->refolds_open = t->since == INT64_MIN || (t->time_passes && (as_of - t->since) % US_PER_SECOND != 0);
	t->scope_from = INT32_MAX;
	TRY(uuid_table_init(&t->refused_rows, 0, err));
	TRY(touch_all(t, err));
	TRY(read_standing(t, OUT_TICKETS, &tickets, standing_tickets, err));
	TRY(read_standing(t, OUT_QUARANTINE, &quarantine, standing_refused, err));
	drop_old_files(t);
	return OK;
}
