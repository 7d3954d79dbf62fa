/* pqrs/silver/silver_carry.c: the rows of tickets and preclassification that a run takes over from the run before.
 *
 * Those of every ticket that was not folded again: closed, and no event since. A ticket in scope whose creation is in no bronze any
 * more (somebody deleted old files) keeps its row too.
 */
#include "base/hash.h"
#include "pqrs/silver/silver_int.h"

/* A table that is carried: its columns are read all, in the schema's order. */
struct carried {
	enum silver_table out;
	int id, created_at; /* columns */
};

static bool was_folded(const struct silver_task *t, struct uuid id)
{
	uint32_t index;
	return uuid_table_find(&t->ticket_ids, id, uuid_hash(id), &index) && t->tickets[index].s.created;
}

/* The task's rows of b; rows[b->n_rows]. */
static status select_rows(
	struct silver_task *t, const struct batch *b, int id_column, uint32_t *rows, size_t *n, struct err *err)
{
	struct uuid *ids;
	const struct column *c = &b->columns[id_column];
	TRY(silver_column_uuids(t, c, &ids, err));
	*n = 0;
	for (int64_t i = 0; i < b->n_rows; i++) {
		const int32_t bucket = pqrs_bucket(hash_xxh64(column_str(c, i).p, UUID_CHARS));
		if (bucket < t->spec->lo || bucket >= t->spec->hi || was_folded(t, ids[i])) continue;
		rows[(*n)++] = (uint32_t)i;
	}
	return OK;
}

static void append(struct silver_task *t, struct month_out *m, const struct batch *b, const uint32_t *rows, size_t n)
{
	for (size_t c = 0; c < b->n_columns; c++) {
		const struct column *src = &b->columns[c];
		if (src->type == COL_STRING)
			out_gather_str(&m->b[c], m->n, src, rows, n, &t->day.arena);
		else if (col_type_width(src->type) == sizeof(int32_t))
			out_gather_i32(&m->b[c], m->n, src, rows, n);
		else
			out_gather_i64(&m->b[c], m->n, src, rows, n);
	}
	m->n += (int64_t)n;
}

/* Month by month in row order; files are of one month each, so there is mostly one. rows is used up. */
static status carry_rows(struct silver_task *t, const struct carried *k, const struct batch *b, uint32_t *rows,
	size_t n, struct err *err)
{
	const int64_t *created = b->columns[k->created_at].values;
	uint32_t *same = ARENA_NEW(&t->day.arena, uint32_t, n + 1);
	if (same == NULL) return fail_nomem(err);
	while (n > 0) {
		const int32_t month = silver_month_of(t, created[rows[0]]);
		struct month_out *m;
		size_t n_same = 0, left = 0;
		for (size_t i = 0; i < n; i++) {
			if (silver_month_of(t, created[rows[i]]) == month)
				same[n_same++] = rows[i];
			else
				rows[left++] = rows[i];
		}
		n = left;
		TRY(silver_month_open(t, k->out, month, &m, err));
		append(t, m, b, same, n_same);
		TRY(silver_month_flush_full(t, k->out, m, err));
	}
	return OK;
}

static unsigned code_in(const struct column *c, uint32_t row, const char *const *names, unsigned n)
{
	const struct str s = column_valid(c, row) ? column_str(c, row) : STR("");
	for (unsigned i = 0; i < n; i++) {
		if (str_is(s, names[i])) return i;
	}
	return n;
}

/* As silver_tickets.c counts the tickets that were folded. */
static void count_ticket(struct silver_task *t, const struct batch *b, uint32_t row)
{
	const unsigned type = code_in(&b->columns[TICKETS_PQRS_TYPE], row, pqrs_type_names, TYPE_N),
		       priority = code_in(&b->columns[TICKETS_PRIORITY], row, pqrs_priority_names, PRIORITY_N),
		       channel = code_in(&b->columns[TICKETS_SOURCE_CHANNEL], row, pqrs_channel_names, CHANNEL_N);
	const bool closed = column_valid(&b->columns[TICKETS_CLOSED_AT], row),
		   late = code_in(&b->columns[TICKETS_SLA_STATUS], row, &sla_status_names[SLA_STATUS_LATE], 1) == 0;
	if (type < TYPE_N) t->sum.types[type]++;
	if (priority < PRIORITY_N) t->sum.priorities[priority]++;
	if (channel < CHANNEL_N) t->sum.channels[channel]++;
	t->sum.closed += closed;
	t->sum.late_closed += closed && late;
	t->sum.late += late;
	t->sum.tickets_carried++;
}

static status carry(struct silver_task *t, const struct carried *k, const struct batch *b, struct err *err)
{
	size_t n;
	uint32_t *rows = ARENA_NEW(&t->day.arena, uint32_t, (size_t)b->n_rows);
	if (rows == NULL) return fail_nomem(err);
	TRY(select_rows(t, b, k->id, rows, &n, err));
	for (size_t i = 0; i < n && k->out == OUT_CARRIED_TICKETS; i++) count_ticket(t, b, rows[i]);
	return carry_rows(t, k, b, rows, n, err);
}

static status carry_tickets(struct silver_task *t, const struct batch *b, struct err *err)
{
	static const struct carried tickets = {OUT_CARRIED_TICKETS, TICKETS_TICKET_ID, TICKETS_CREATED_AT};
	return carry(t, &tickets, b, err);
}

static status carry_predictions(struct silver_task *t, const struct batch *b, struct err *err)
{
	static const struct carried predictions = {OUT_CARRIED_PREDICTIONS, PRECLASS_TICKET_ID, PRECLASS_CREATED_AT};
	return carry(t, &predictions, b, err);
}

/* The length of the folder of a path: files of one month stand together, and share it. */
static size_t folder_chars(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? (size_t)(slash - path) : 0;
}

static bool same_folder(const char *a, const char *b)
{
	const size_t n = folder_chars(a);
	return n == folder_chars(b) && strncmp(a, b, n) == 0;
}

/* What a month carries is written when its files are done: years of tickets never stand in memory at once. */
static status carry_files(struct silver_task *t, const struct silver_files *files, enum silver_table out,
	rows_visit visit, struct err *err)
{
	int all[OUT_COLUMNS_MAX];
	const struct table_schema *schema = t->out[out].sink.schema;
	const struct silver_columns which = {schema, all, schema_n_data_columns(schema)};
	for (size_t i = 0; i < which.n; i++) all[i] = (int)i;
	for (size_t i = 0; i < files->n; i++) {
		const char *path = files->items[i].ref->path;
		TRY(cancel_check(err));
		silver_files_ahead(t, files, i);
		TRY(silver_table_read(t, &files->items[i], &which, visit, err));
		if (i + 1 < files->n && same_folder(path, files->items[i + 1].ref->path)) continue;
		TRY(silver_months_close(t, out, INT32_MAX, err));
	}
	return OK;
}

status silver_carry(struct silver_task *t, struct err *err)
{
	TRY(carry_files(t, &t->base_tickets, OUT_CARRIED_TICKETS, carry_tickets, err));
	return carry_files(t, &t->base_predictions, OUT_CARRIED_PREDICTIONS, carry_predictions, err);
}
