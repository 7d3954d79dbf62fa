/* pqrs/silver/silver_scope.c: which tickets a run with a history folds again, and from which day on earlier bronze is read.
 *
 *   ids of the run's own bronze and of late runs     -> touched
 *   tickets of the run before that are not closed, or not answered -> open
 *   creation, clock_skew_max before it, and quarantined events of these -> the first day with an event of a ticket in scope
 */
#include "base/hash.h"
#include "pqrs/silver/silver_int.h"

static bool in_buckets(const struct silver_task *t, struct uuid id)
{
	char text[UUID_CHARS];
	if (t->spec->lo <= 0 && t->spec->hi >= PQRS_BUCKETS) return true;
	uuid_store(id, text);
	const int32_t bucket = pqrs_bucket(hash_xxh64(text, sizeof text));
	return bucket >= t->spec->lo && bucket < t->spec->hi;
}

static status touch(struct silver_task *t, const struct column *ticket_id, struct err *err)
{
	struct uuid *ids;
	TRY(silver_column_uuids(t, ticket_id, &ids, err));
	for (int64_t i = 0; i < ticket_id->n; i++) {
		uint32_t index;
		if (!in_buckets(t, ids[i])) continue;
		TRY(silver_ticket_add(t, ids[i], &index, err));
		t->tickets[index].touched = true;
	}
	return OK;
}

static void reach_back(struct silver_task *t, int64_t ts)
{
	const int32_t day = time_utc_date(ts);
	if (day < t->scope_from) t->scope_from = day;
}

/* ticket_id, created_at, current_status, answered_at of the run before. */
static status open_tickets(struct silver_task *t, const struct batch *b, struct err *err)
{
	struct uuid *ids;
	TRY(silver_column_uuids(t, &b->columns[0], &ids, err));
	const int64_t *created = b->columns[1].values;
	const struct column *status_name = &b->columns[2];
	for (int64_t i = 0; i < b->n_rows; i++) {
		uint32_t index;
		if (!in_buckets(t, ids[i])) continue;
		bool known = uuid_table_find(&t->ticket_ids, ids[i], uuid_hash(ids[i]), &index);
		const struct str state = column_valid(status_name, i) ? column_str(status_name, i) : STR("");
		const bool closed = str_is(state, t->cfg->states[STATE_CLOSED].name) ||
				    str_is(state, t->cfg->states[STATE_ARCHIVED].name);
		if (!known && !(closed && column_valid(&b->columns[3], i))) {
			TRY(silver_ticket_add(t, ids[i], &index, err));
			known = true;
		}
		if (known) reach_back(t, created[i] - t->cfg->clock_skew_max);
	}
	return OK;
}

/* ticket_id, ts of what earlier runs refused: a ticket's only events before its creation. */
static status refused_events(struct silver_task *t, const struct batch *b, struct err *err)
{
	struct uuid *ids;
	TRY(silver_column_uuids(t, &b->columns[0], &ids, err));
	const int64_t *ts = b->columns[1].values;
	for (int64_t i = 0; i < b->n_rows; i++) {
		uint32_t index;
		if (uuid_table_find(&t->ticket_ids, ids[i], uuid_hash(ids[i]), &index)) reach_back(t, ts[i]);
	}
	return OK;
}

static status read_tables(struct silver_task *t, const struct silver_files *files, const struct silver_columns *which,
	rows_visit visit, struct err *err)
{
	for (size_t i = 0; i < files->n; i++) {
		TRY(cancel_check(err));
		silver_files_ahead(t, files, i);
		TRY(silver_table_read(t, &files->items[i], which, visit, err));
	}
	return OK;
}

/* Earlier files of days before the first that matters are not looked at. */
static void drop_old_files(struct silver_task *t)
{
	struct silver_files *l = &t->bronze;
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (!l->items[i].ref->earlier || l->items[i].day >= t->scope_from) l->items[n++] = l->items[i];
	}
	l->n = n;
}

/* The tickets of what no run before has folded. */
static status touch_all(struct silver_task *t, struct err *err)
{
	struct silver_files fresh = {.items = ARENA_NEW(t->result->outputs.arena, struct silver_file, t->bronze.n + 1)};
	if (fresh.items == NULL) return fail_nomem(err);
	for (size_t i = 0; i < t->bronze.n; i++) {
		if (!t->bronze.items[i].ref->earlier) fresh.items[fresh.n++] = t->bronze.items[i];
	}
	for (size_t i = 0; i < fresh.n; i++) {
		TRY(cancel_check(err));
		silver_files_ahead(t, &fresh, i);
		TRY(silver_file_ids(t, &fresh.items[i], touch, err));
	}
	return OK;
}

status silver_scope_open(struct silver_task *t, struct err *err)
{
	static const int ticket_columns[] = {TICKETS_TICKET_ID, TICKETS_CREATED_AT, TICKETS_CURRENT_STATUS,
		TICKETS_ANSWERED_AT},
			 quarantine_columns[2] = {QUARANTINE_TICKET_ID, QUARANTINE_TS};
	const struct silver_columns tickets = {&pqrs_silver_tickets, ticket_columns, 4},
				    quarantine = {&pqrs_silver_quarantine, quarantine_columns, 2};
	if (!t->has_history) return OK;
	t->scope_from = INT32_MAX;
	TRY(touch_all(t, err));
	TRY(read_tables(t, &t->base_tickets, &tickets, open_tickets, err));
	TRY(read_tables(t, &t->quarantined, &quarantine, refused_events, err));
	drop_old_files(t);
	return OK;
}
