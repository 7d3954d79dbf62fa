/* pqrs/silver/silver_carry.c: standing files that hold a row that is told anew are written again without it; all others are kept.
 *
 *   tickets            rows of tickets that were folded are told anew
 *   the other tables   rows of dirty tickets are
 *
 * A ticket in scope whose creation is in no bronze any more (somebody deleted old files) keeps its row.
 */
#include "pqrs/silver/silver_int.h"

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
		if (!in_dirty_months(t, files->items[i].day)) continue;
		TRY(cancel_check(err));
		t->visiting = &files->items[i];
		TRY(silver_table_read(t, &files->items[i], &which, look, err));
	}
	return OK;
}

/* ---- writing them again ------------------------------------------------------------------------------------------------ */

static void append(struct silver_task *t, struct month_out *m, const struct batch *b, const uint32_t *rows, size_t n)
{
	for (size_t c = 0; c < b->n_columns; c++) {
		const struct column *src = &b->columns[c];
		if (src->type == COL_STRING)
			silver_gather_str(&m->b[c], m->n, src, rows, n, &t->day.arena);
		else if (col_type_width(src->type) == sizeof(int32_t))
			silver_gather_i32(&m->b[c], m->n, src, rows, n);
		else
			silver_gather_i64(&m->b[c], m->n, src, rows, n);
	}
	m->n += (int64_t)n;
}

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
	TRY(silver_month_open(t, OUT_CARRIED + table, t->visiting->day, &m, err));
	append(t, m, b, rows, n);
	return silver_month_flush_full(t, OUT_CARRIED + table, m, err);
}

static status carry_table(struct silver_task *t, const struct carried *k, struct err *err)
{
	int all[OUT_COLUMNS_MAX];
	const struct table_schema *schema = t->out[k->table].sink.schema;
	const struct silver_columns which = {schema, all, schema_n_data_columns(schema)};
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
		if (i + 1 == files->n || files->items[i + 1].day != f->day)
			TRY(silver_months_close(t, OUT_CARRIED + k->table, INT32_MAX, err));
	}
	return silver_months_close(t, OUT_CARRIED + k->table, INT32_MAX, err);
}

status silver_carry(struct silver_task *t, struct err *err)
{
	if (!t->has_history) return OK;
	for (int table = 0; table < OUT_TABLES; table++) {
		if (table != OUT_TICKETS) TRY(mark_dirty(t, &tables[table], err));
		TRY(carry_table(t, &tables[table], err));
	}
	return OK;
}
