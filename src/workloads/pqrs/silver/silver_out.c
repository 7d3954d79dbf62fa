/* workloads/pqrs/silver/silver_out.c: per-month builders of the silver tables and the parts they become. */
#include <stdio.h>

#include "base/alloc.h"
#include "flow/partition.h"
#include "workloads/pqrs/silver/silver_int.h"

enum {
	GROUP_ROWS_MAX = 1 << 16, /* what a month of one table may hold before it becomes a row group */
	GROUP_BYTES_MAX = 5 << 20,
	PART_ROWS_MAX = 1 << 20, /* and how many rows of row groups become a part */
};

/* Tables in the order of enum silver_table, with the string columns that are no dictionaries: unique or free text. */
static const struct {
	const struct table_schema *schema;
	uint32_t plain;
} tables[OUT_TABLES] = {
	[OUT_TICKETS] = {&pqrs_silver_tickets, 1u << TICKETS_TICKET_ID | 1u << TICKETS_EXTERNAL_ID},
	[OUT_MESSAGES] = {&pqrs_silver_messages, 1u << MESSAGES_MESSAGE_ID | 1u << MESSAGES_TEXT},
	[OUT_STATUS_EVENTS] = {&pqrs_silver_status_events, 1u << STATUS_EVENTS_EVENT_ID},
	[OUT_ATTACHMENTS] = {&pqrs_silver_attachments, 1u << ATTACHMENTS_ATTACHMENT_ID | 1u << ATTACHMENTS_FILE_NAME},
	[OUT_PRECLASSIFICATION] = {&pqrs_silver_preclassification,
		1u << PRECLASS_TICKET_ID | 1u << PRECLASS_EXPLAIN_JSON | 1u << PRECLASS_ENTITIES_JSON},
	[OUT_QUARANTINE] = {&pqrs_silver_quarantine, 1u << QUARANTINE_EVENT_ID},
};
_Static_assert((int)MESSAGES_TICKET_ID == (int)OUT_TICKET_ID && (int)STATUS_EVENTS_TICKET_ID == (int)OUT_TICKET_ID &&
		       (int)ATTACHMENTS_TICKET_ID == (int)OUT_TICKET_ID &&
		       (int)QUARANTINE_TICKET_ID == (int)OUT_TICKET_ID,
	"one place of ticket_id");
_Static_assert((int)OUT_N == (int)OUT_BY_KIND + (int)TICKET_KINDS, "an output for each kind");
_Static_assert((int)TICKETS_N_COLUMNS < (int)OUT_COLUMNS_MAX, "the widest table fits");
_Static_assert((int)STATE_N <= (int)OUT_CODES_MAX, "the longest fixed list fits");

const struct table_schema *silver_schema(int table)
{
	return tables[table].schema;
}

int32_t silver_month_of(struct silver_task *t, int64_t ts)
{
	if (ts >= t->month_begin && ts < t->month_end) return t->month;
	t->month = date_month_start(tz_date(t->cfg->tz, ts));
	t->month_begin = tz_day_start(t->cfg->tz, t->month);
	t->month_end = tz_day_start(t->cfg->tz, date_month_start(t->month + 31));
	return t->month;
}

/* The table that an output's rows belong to. */
static enum silver_table table_of(int out)
{
	return out >= OUT_BY_KIND ? OUT_TICKETS : (enum silver_table)(out % OUT_TABLES);
}

/* ---- parts ----------------------------------------------------------------------------------------------- */

/* Rows as the next row group of a part. */
static status rows_write(
	const struct part_sink *sink, const struct part_rows *rows, struct parquet_writer *w, struct err *err)
{
	const struct table_schema *schema = sink->schema;
	struct column columns[OUT_COLUMNS_MAX], ids;
	const int64_t n = rows->n;
	const size_t n_columns = schema_n_data_columns(schema), n_own = history_column_index(schema);
	for (size_t c = 0; c < n_own; c++) {
		TRY(builder_finish(&rows->b[c], n, &columns[c], err));
		if (columns[c].n_null != 0 && !schema->columns[c].nullable)
			return fail(err, E_CORRUPT, "silver.%s: %lld nulls in %s", schema->name,
				(long long)columns[c].n_null, schema->columns[c].name);
	}
	if (rows->ids != NULL && rows->ids->n > 0) {
		TRY(builder_finish(rows->ids, rows->ids->n, &ids, err));
		columns[rows->ids_column].dict = &ids;
	}
	if (n_own < n_columns) TRY(history_column_fill(sink->history, n, &columns[n_own], err));
	const struct batch batch = {.schema = schema, .n_columns = n_columns, .columns = columns, .n_rows = n};
	const struct parquet_rows all = {.n = (uint32_t)n};
	return parquet_writer_row_group(w, &batch, &all, err);
}

static status part_finish(
	const struct part_sink *sink, struct parquet_writer *w, struct delta_pairs partition, struct err *err)
{
	const uint8_t *p;
	size_t n;
	char table[64];
	(void)snprintf(table, sizeof table, "silver.%s", sink->schema->name);
	TRY(parquet_writer_finish(w, &p, &n, err));
	const struct task_file file = {
		.table = table, .partition = partition, .p = p, .n = n, .rows = parquet_writer_rows(w)};
	return task_output(sink->env, sink->result, &file, err);
}

status silver_part_write(
	const struct part_sink *sink, const struct part_rows *rows, struct delta_pairs partition, struct err *err)
{
	ASSERT(sink->writer != NULL && rows->n > 0);
	parquet_writer_reset(sink->writer);
	TRY(rows_write(sink, rows, sink->writer, err));
	return part_finish(sink, sink->writer, partition, err);
}

static void month_reset(struct month_out *m, size_t n_columns)
{
	for (size_t c = 0; c < n_columns; c++) builder_reset(&m->b[c]);
	builder_reset(&m->ids);
	memset(m->codes, 0, sizeof m->codes);
	if (m->local != NULL) memset(m->local, 0, m->local_cap * sizeof *m->local);
	if (m->place_codes != NULL) memset(m->place_codes, 0, m->place_codes_n * sizeof *m->place_codes);
	m->n = 0;
}

static void month_destroy(struct month_out *m, size_t n_columns)
{
	for (size_t c = 0; c < n_columns; c++) builder_deinit(&m->b[c]);
	builder_deinit(&m->ids);
	mem_free(m->local);
	mem_free(m->tickets);
	mem_free(m->place_codes);
	parquet_writer_destroy(m->writer);
	mem_free(m);
}

/* A written month. Its builders and writer, empty, have the room of a month: the next one takes them, unless it was the last. */
static void month_retire(struct out_table *o, struct month_out *m, int32_t before)
{
	if (o->spare == NULL && before != INT32_MAX) {
		m->next = NULL;
		o->spare = m;
		return;
	}
	month_destroy(m, history_column_index(o->sink.schema));
}

static struct part_rows month_rows(struct month_out *m)
{
	return (struct part_rows){m->b, m->n, &m->ids, OUT_TICKET_ID};
}

static bool month_has_groups(const struct month_out *m)
{
	return m->writer != NULL && parquet_writer_rows(m->writer) > 0;
}

static status month_write(struct out_table *o, struct month_out *m, struct err *err)
{
	const struct part_sink *k = &o->sink;
	const struct part_rows rows = month_rows(m);
	struct partition_month place;
	const struct delta_pairs partition = partition_month_values(&place, m->month, k->env->run);
	if (!month_has_groups(m)) {
		if (m->n > 0) TRY(silver_part_write(k, &rows, partition, err));
	} else {
		if (m->n > 0) TRY(rows_write(k, &rows, m->writer, err));
		TRY(part_finish(k, m->writer, partition, err));
		parquet_writer_reset(m->writer);
	}
	o->rows += m->n;
	month_reset(m, history_column_index(k->schema));
	return OK;
}

/* A month is open until the next one is done: what it has so far waits as a row group, in a sixth of the memory. */
static status month_spill(struct silver_task *t, struct out_table *o, struct month_out *m, struct err *err)
{
	const struct part_rows rows = month_rows(m);
	if (m->writer == NULL) TRY(parquet_writer_create(o->sink.schema, &t->cfg->parquet, &m->writer, err));
	TRY(rows_write(&o->sink, &rows, m->writer, err));
	o->rows += m->n;
	month_reset(m, history_column_index(o->sink.schema));
	return parquet_writer_rows(m->writer) < PART_ROWS_MAX ? OK : month_write(o, m, err);
}

status silver_month_flush_full(struct silver_task *t, enum silver_table table, struct month_out *m, struct err *err)
{
	struct out_table *o = &t->out[table];
	size_t bytes = 0;
	for (size_t c = 0; c < history_column_index(o->sink.schema); c++) bytes += m->b[c].data_n;
	if (m->n < GROUP_ROWS_MAX && bytes < GROUP_BYTES_MAX) return OK;
	return month_spill(t, o, m, err);
}

status silver_months_close(struct silver_task *t, enum silver_table table, int32_t before, struct err *err)
{
	struct out_table *o = &t->out[table];
	for (struct month_out **at = &o->open; *at != NULL;) {
		struct month_out *m = *at;
		if (date_month_start(m->month + 31) > before) {
			at = &m->next;
			continue;
		}
		if (o->settle != NULL) TRY(o->settle(t, m, err));
		TRY(month_write(o, m, err));
		*at = m->next;
		month_retire(o, m, before);
	}
	return OK;
}

/* ---- months ---------------------------------------------------------------------------------------------- */

static struct month_out *month_create(enum silver_table table)
{
	struct month_out *m = mem_zalloc(1, sizeof *m);
	if (m == NULL) return NULL;
	const enum silver_table kind = table_of((int)table);
	const struct table_schema *schema = tables[kind].schema;
	for (size_t c = 0; c < history_column_index(schema); c++) {
		const bool dictionary = schema->columns[c].type == COL_STRING && !(tables[kind].plain >> c & 1);
		builder_init(&m->b[c], &schema->columns[c], dictionary);
	}
	builder_init(&m->ids, &schema->columns[OUT_TICKET_ID], false);
	return m;
}

static bool local_room(const struct silver_task *t, struct month_out *m)
{
	if (m->local_cap >= t->tickets_cap) return true;
	uint32_t *grown = mem_realloc(m->local, t->tickets_cap * sizeof *grown);
	if (grown == NULL) return false;
	memset(grown + m->local_cap, 0, (t->tickets_cap - m->local_cap) * sizeof *grown);
	m->local = grown;
	m->local_cap = t->tickets_cap;
	return true;
}

status silver_month_open(
	struct silver_task *t, enum silver_table table, int32_t month, struct month_out **out, struct err *err)
{
	ASSERT((int)table >= 0 && (int)table < OUT_N);
	struct out_table *o = &t->out[table];
	struct month_out **at = &o->open;
	while (*at != NULL && (*at)->month != month) at = &(*at)->next;
	struct month_out *m = *at;
	if (m == NULL) {
		m = o->spare != NULL ? o->spare : month_create(table);
		if (m == NULL) return fail_nomem(err);
		o->spare = NULL;
		m->month = month;
		*at = m;
	}
	if ((int)table < (int)OUT_CARRIED && !local_room(t, m)) return fail_nomem(err);
	*out = m;
	return OK;
}

status silver_out_open(struct silver_task *t, struct err *err)
{
	t->month_begin = t->month_end = 0;
	TRY(history_column_init(&t->history, t->spec, err));
	for (int i = 0; i < OUT_N; i++) {
		const struct table_schema *schema = tables[table_of(i)].schema;
		t->out[i].sink = (struct part_sink){
			.env = t->env, .result = t->result, .schema = schema, .history = &t->history};
		TRY(parquet_writer_create(schema, &t->cfg->parquet, &t->out[i].sink.writer, err));
	}
	return OK;
}

void silver_out_close(struct silver_task *t)
{
	for (int i = 0; i < OUT_N; i++) {
		struct out_table *o = &t->out[i];
		for (struct month_out *m = o->open, *next; m != NULL; m = next) {
			next = m->next;
			month_destroy(m, history_column_index(o->sink.schema));
		}
		if (o->spare != NULL) month_destroy(o->spare, history_column_index(o->sink.schema));
		if (o->sink.writer != NULL) parquet_writer_destroy(o->sink.writer);
	}
	history_column_deinit(&t->history);
}

/* ---- gathering -------------------------------------------------------------------------------------------
 * Rows of a slice to the end of a builder, column by column: room is made once, so the loops only copy. */

/* Room for rows [at, at + n); rows before at that were not set are null. */
static bool rows_begin(struct builder *b, int64_t at, size_t n)
{
	return builder_grow(b, at + (int64_t)n);
}

/* Rows [at, at + n) are set, but those whose src row is null. */
static void rows_end(struct builder *b, int64_t at, const struct column *src, const uint32_t *rows, size_t n)
{
	size_t n_set = n;
	if (src == NULL || src->validity == NULL) {
		size_t i = 0;
		for (; i < n && ((at + (int64_t)i) & 7) != 0; i++) bit_set(b->validity, at + (int64_t)i);
		memset(b->validity + ((at + (int64_t)i) >> 3), 0xFF, (n - i) / 8);
		for (i += (n - i) & ~(size_t)7; i < n; i++) bit_set(b->validity, at + (int64_t)i);
	} else {
		n_set = 0;
		for (size_t i = 0; i < n; i++) {
			if (!bit_get(src->validity, rows[i])) continue;
			bit_set(b->validity, at + (int64_t)i);
			n_set++;
		}
	}
	b->n_set += (int64_t)n_set;
	b->n = at + (int64_t)n;
}

/* Dictionary to dictionary: each value is interned once a call. Null rows keep index 0. */
static void gather_dictionary(
	struct builder *b, int64_t at, const struct column *src, const uint32_t *rows, size_t n, int32_t *map)
{
	const int32_t *index = src->values;
	if (!rows_begin(b, at, n)) return;
	int32_t *dst = (int32_t *)b->values + at;
	for (size_t i = 0; i < n; i++) {
		if (src->validity != NULL && !bit_get(src->validity, rows[i])) continue;
		const int32_t k = index[rows[i]];
		if (map[k] == 0) map[k] = builder_intern(b, column_str(src->dict, k)) + 1;
		if (map[k] == 0) return; /* out of memory; the builder remembers */
		dst[i] = map[k] - 1;
	}
	rows_end(b, at, src, rows, n);
}

static bool rows_valid(const struct column *src, const uint32_t *rows, size_t n)
{
	bool valid = true;
	for (size_t i = 0; src->validity != NULL && i < n; i++) valid &= bit_get(src->validity, rows[i]);
	return valid;
}

/* n bytes without a call for what ids and names are made of. */
static inline void copy_value(uint8_t *dst, const uint8_t *src, size_t n)
{
	if (n > 64) {
		memcpy(dst, src, n);
	} else if (n >= 32) {
		memcpy(dst, src, 32);
		memcpy(dst + n - 32, src + n - 32, 32);
	} else if (n >= 16) {
		memcpy(dst, src, 16);
		memcpy(dst + n - 16, src + n - 16, 16);
	} else {
		for (size_t i = 0; i < n; i++) dst[i] = src[i];
	}
}

/* Plain to plain, rows that are all valid. */
static void gather_bytes(struct builder *b, int64_t at, const struct column *src, const uint32_t *rows, size_t n)
{
	size_t bytes = 0;
	for (size_t i = 0; i < n; i++) bytes += (size_t)(src->offsets[rows[i] + 1] - src->offsets[rows[i]]);
	uint8_t *dst = builder_data_reserve(b, bytes);
	if (dst == NULL || !rows_begin(b, at, n)) return;
	builder_fill_offsets(b, at);
	int32_t *offsets = b->offsets + at + 1;
	for (size_t i = 0; i < n; i++) {
		const int32_t from = src->offsets[rows[i]];
		const size_t len = (size_t)(src->offsets[rows[i] + 1] - from);
		copy_value(dst, src->data + from, len);
		dst += len;
		offsets[i] = (int32_t)(dst - b->data);
	}
	b->data_n += bytes;
	rows_end(b, at, NULL, rows, n);
}

void silver_gather_str(
	struct builder *b, int64_t at, const struct column *src, const uint32_t *rows, size_t n, struct arena *arena)
{
	if (b->dictionary && src->dict != NULL) {
		int32_t *map = ARENA_ZNEW(arena, int32_t, src->dict->n);
		if (map == NULL)
			b->failed = true;
		else
			gather_dictionary(b, at, src, rows, n, map);
		return;
	}
	if (!b->dictionary && src->dict == NULL && rows_valid(src, rows, n)) {
		gather_bytes(b, at, src, rows, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (column_valid(src, rows[i])) builder_set_str(b, at + (int64_t)i, column_str(src, rows[i]));
	}
}

void silver_gather_i32(struct builder *b, int64_t at, const struct column *src, const uint32_t *rows, size_t n)
{
	const int32_t *values = src->values;
	if (!rows_begin(b, at, n)) return;
	int32_t *dst = (int32_t *)b->values + at;
	for (size_t i = 0; i < n; i++) dst[i] = values[rows[i]];
	rows_end(b, at, src, rows, n);
}

void silver_gather_i64(struct builder *b, int64_t at, const struct column *src, const uint32_t *rows, size_t n)
{
	const int64_t *values = src->values;
	if (!rows_begin(b, at, n)) return;
	int64_t *dst = (int64_t *)b->values + at;
	for (size_t i = 0; i < n; i++) dst[i] = values[rows[i]];
	rows_end(b, at, src, rows, n);
}

void silver_month_append(struct silver_task *t, struct month_out *m, const struct silver_rows *in)
{
	for (size_t c = 0; c < in->b->n_columns; c++) {
		const struct column *src = &in->b->columns[c];
		if (src->type == COL_STRING)
			silver_gather_str(&m->b[c], m->n, src, in->rows, in->n, &t->day.arena);
		else if (col_type_width(src->type) == sizeof(int32_t))
			silver_gather_i32(&m->b[c], m->n, src, in->rows, in->n);
		else
			silver_gather_i64(&m->b[c], m->n, src, in->rows, in->n);
	}
	m->n += (int64_t)in->n;
}

void silver_set_code(struct month_out *m, int column, int64_t row, unsigned code, const char *const *names)
{
	int32_t *known = &m->codes[column][code];
	if (*known == 0) *known = builder_intern(&m->b[column], str_of(names[code])) + 1;
	if (*known != 0) builder_set_i32(&m->b[column], row, *known - 1);
}

void silver_gather_tickets(
	const struct silver_task *t, struct month_out *m, const uint32_t *ticket, const uint32_t *rows, size_t n)
{
	enum { TICKETS_AHEAD = 12 }; /* rows between a prefetch and its use */
	struct builder *b = &m->b[OUT_TICKET_ID];
	if (!rows_begin(b, m->n, n)) return;
	int32_t *dst = (int32_t *)b->values + m->n;
	for (size_t i = 0; i < n; i++) {
		if (i + TICKETS_AHEAD < n) {
			const uint32_t next = ticket[rows[i + TICKETS_AHEAD]];
			__builtin_prefetch(&m->local[next], 1);
			__builtin_prefetch(&t->ticket_ids.items[next]);
		}
		uint32_t *known = &m->local[ticket[rows[i]]];
		if (*known == 0) {
			char text[36];
			uuid_store(t->ticket_ids.items[ticket[rows[i]]], text);
			*known = (uint32_t)m->ids.n + 1;
			builder_set_str(&m->ids, m->ids.n, (struct str){text, sizeof text});
		}
		dst[i] = (int32_t)*known - 1;
	}
	rows_end(b, m->n, NULL, rows, n);
}
