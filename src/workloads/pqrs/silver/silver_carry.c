/* workloads/pqrs/silver/silver_carry.c: standing files that hold a row that is told anew are written again without it; all others are kept.
 *
 *   tickets            rows of tickets that were folded are told anew
 *   the other tables   rows of dirty tickets are
 *
 * A ticket in scope whose creation is in no bronze any more (somebody deleted old files) keeps its row.
 */
#include "workloads/pqrs/silver/silver_int.h"

enum { FINAL_FILES_MAX = 12 }; /* of a month of tickets */

/* The table whose file is being read, and the column with the ids. */
struct carried {
	enum silver_table table;
	int id;
};
static const struct carried tables[OUT_TABLES] = {
	[OUT_TICKETS] = {OUT_TICKETS, TICKETS_TICKET_ID},
	[OUT_PRECLASSIFICATION] = {OUT_PRECLASSIFICATION, PRECLASS_TICKET_ID},
	[OUT_MESSAGES] = {OUT_MESSAGES, MESSAGES_TICKET_ID},
	[OUT_STATUS_EVENTS] = {OUT_STATUS_EVENTS, STATUS_EVENTS_TICKET_ID},
	[OUT_ATTACHMENTS] = {OUT_ATTACHMENTS, ATTACHMENTS_TICKET_ID},
	[OUT_QUARANTINE] = {OUT_QUARANTINE, QUARANTINE_TICKET_ID},
};

static bool told_anew(const struct silver_task *t, enum silver_table table, struct uuid id)
{
	uint32_t index;
	if (!uuid_table_find(&t->ticket_ids, id, uuid_hash(id), &index)) return false;
	return table == OUT_TICKETS ? t->tickets[index].s.created : t->known[index].dirty;
}

/* ---- which files ----------------------------------------------------------------------------------------------------- */

static status look(struct silver_task *t, const struct batch *b, struct err *err)
{
	struct uuid *ids;
	TRY(silver_column_uuids(t, &b->columns[0], &ids, err));
	for (int64_t i = 0; i < b->n_rows; i++) t->visiting->changed |= told_anew(t, OUT_MESSAGES, ids[i]);
	return OK;
}

/* May a file of this month hold an earlier event of a dirty ticket? */
static bool in_dirty_months(struct silver_task *t, int32_t month)
{
	return t->dirty_from <= t->dirty_to && month >= silver_month_of(t, t->dirty_from) &&
	       month <= silver_month_of(t, t->dirty_to);
}

static status mark_dirty(struct silver_task *t, const struct carried *k, struct err *err)
{
	const int columns[1] = {k->id};
	const struct silver_columns which = {t->out[k->table].sink.schema, columns, 1};
	struct silver_files *files = &t->standing[k->table];
	for (size_t i = 0; i < files->n; i++) {
		if (!in_dirty_months(t, files->items[i].month)) continue;
		TRY(cancel_check(err));
		t->visiting = &files->items[i];
		TRY(silver_table_read(t, &files->items[i], &which, look, err));
	}
	return OK;
}

/* ---- writing them again ------------------------------------------------------------------------------------------------ */

static status carry(struct silver_task *t, const struct batch *b, struct err *err)
{
	const enum silver_table table = t->visiting_table;
	struct uuid *ids;
	struct month_out *m;
	uint32_t *rows = ARENA_NEW(&t->day.arena, uint32_t, (size_t)b->n_rows);
	size_t n = 0;
	if (rows == NULL) return fail_nomem(err);
	TRY(silver_column_uuids(t, &b->columns[tables[table].id], &ids, err));
	for (int64_t i = 0; i < b->n_rows; i++) {
		if (!told_anew(t, table, ids[i])) rows[n++] = (uint32_t)i;
	}
	if (n == 0) return OK;
	const struct silver_rows in = {b, rows, n};
	if (table == OUT_TICKETS) return silver_kinds_add(t, t->visiting->month, &in, true, err);
	TRY(silver_month_open(t, OUT_CARRIED + table, t->visiting->month, &m, err));
	silver_month_append(t, m, &in);
	return silver_month_flush_full(t, OUT_CARRIED + table, m, err);
}

/* Write and close what is open of a carried table. Of tickets: the months up to this one, what was folded of them with it. */
static status close_carried(struct silver_task *t, enum silver_table table, int32_t month, struct err *err)
{
	if (table != OUT_TICKETS) return silver_months_close(t, OUT_CARRIED + table, INT32_MAX, err);
	for (unsigned k = 0; k < TICKET_KINDS; k++)
		TRY(silver_months_close(t, OUT_BY_KIND + k, date_month_start(month + 31), err));
	return OK;
}

static status carry_table(struct silver_task *t, const struct carried *k, struct err *err)
{
	int all[OUT_COLUMNS_MAX];
	const struct table_schema *schema = t->out[k->table].sink.schema;
	const struct silver_columns which = {schema, all, history_column_index(schema)};
	struct silver_files *files = &t->standing[k->table];
	for (size_t i = 0; i < which.n; i++) all[i] = (int)i;
	t->visiting_table = k->table;
	for (size_t i = 0; i < files->n; i++) {
		struct silver_file *f = &files->items[i];
		TRY(cancel_check(err));
		if (!f->changed) {
			TRY(task_output_keep(t->result, f->ref, err));
			continue;
		}
		t->visiting = f;
		TRY(silver_table_read(t, f, &which, carry, err));
		/* What a month carries is written when its files are done: years never stand in memory at once. */
		if (i + 1 == files->n || files->items[i + 1].month != f->month)
			TRY(close_carried(t, k->table, f->month, err));
	}
	return OK;
}

/* Of a month that has gathered many files of final tickets, all are written as one. */
static void gather_final(struct silver_files *files)
{
	for (size_t from = 0, to; from < files->n; from = to) {
		size_t n = 0;
		for (to = from; to < files->n && files->items[to].month == files->items[from].month; to++)
			n += !files->items[to].moves;
		for (size_t i = from; i < to && n > FINAL_FILES_MAX; i++)
			files->items[i].changed |= !files->items[i].moves;
	}
}

status silver_carry(struct silver_task *t, struct err *err)
{
	if (!t->has_history) return OK;
	gather_final(&t->standing[OUT_TICKETS]);
	for (int table = 0; table < OUT_TABLES; table++) {
		if (table != OUT_TICKETS) TRY(mark_dirty(t, &tables[table], err));
		TRY(carry_table(t, &tables[table], err));
	}
	return OK;
}
