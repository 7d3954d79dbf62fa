/* tests/unit/pqrs/silver_lake.h: bronze files from a list of events, silver tasks over them, silver tables back as text. */
#ifndef PQR_TESTS_SILVER_LAKE_H
#define PQR_TESTS_SILVER_LAKE_H

#include "base/hash.h"
#include "check.h"
#include "fixture.h"
#include "parquet/reader.h"
#include "parquet/writer.h"
#include "flow/history_column.h"
#include "flow/partition.h"
#include "workloads/pqrs/contract/schema.h"
#include "workloads/pqrs/silver/silver.h"

#define LAKE_HISTORY "99999999-2222-5333-8444-555555555555"
enum { LAKE_EVENTS_MAX = 8192, LAKE_FILES_MAX = 4096 };

/* One event; NULL strings are nulls. ticket and event are small numbers that make UUIDs. */
struct ev {
	int ticket, event;
	enum pqrs_event_type type;
	int64_t ts;
	const char *a, *b,
		*text; /* status: from, to; message: role, message_id; created: type, dane code; attachment: type, name */
	const char *object;
	int64_t line;
};

static inline void ev_uuid(uint64_t n, uint64_t salt, char dst[37])
{
	uint8_t bytes[16];
	const uint64_t v[2] = {n * UINT64_C(0x9E3779B97F4A7C15) ^ salt, n};
	memcpy(bytes, v, 16);
	uuid_format(bytes, dst);
	dst[36] = 0;
}
static inline void ev_ticket_id(int n, char dst[37])
{
	ev_uuid((uint64_t)n, 0x1111, dst);
}
static inline void ev_event_id(int n, char dst[37])
{
	ev_uuid((uint64_t)n, 0x2222, dst);
}
static inline int32_t ev_bucket(int ticket)
{
	char id[37];
	ev_ticket_id(ticket, id);
	return pqrs_bucket(hash_xxh64(id, 36));
}

static inline int ev_order(const void *a, const void *b)
{
	const struct ev *x = *(const struct ev *const *)a, *y = *(const struct ev *const *)b;
	const int32_t bx = ev_bucket(x->ticket), by = ev_bucket(y->ticket);
	if (bx != by) return bx < by ? -1 : 1;
	if (x->ts != y->ts) return x->ts < y->ts ? -1 : 1;
	char ix[37], iy[37];
	ev_event_id(x->event, ix);
	ev_event_id(y->event, iy);
	const int c = strcmp(ix, iy);
	if (c != 0) return c;
	return x < y ? -1 : x > y;
}

struct lake {
	char dir[64];
	struct store *store;
	struct arena arena;
	struct file_list bronze;
	struct file_list standing; /* what runs before left of silver */
	int64_t since;             /* the instant that the run before describes; INT64_MIN = none before */
	struct pqrs_config cfg;
	struct run_info run;
	struct task_result result; /* of all tasks of the last lake_silver */
};

static inline void lake_open(struct lake *l, const char *as_of)
{
	struct err err;
	memset(l, 0, sizeof *l);
	CHECK_OK(&err, store_open(check_tmpdir(l->dir), &l->store, &err));
	arena_init(&l->arena, 0);
	l->bronze.arena = &l->arena;
	l->since = INT64_MIN;
	fixture_states(&l->cfg);
	fixture_rules(&l->cfg);
	fixture_places(&l->cfg);
	l->cfg.parquet = (struct parquet_opts){.codec = PARQUET_ZSTD, .level = 1, .page_bytes_min = 256};
	l->cfg.quality.invalid_transition_rate_max = 10000;
	l->cfg.clock_skew_max = US_PER_DAY;
	CHECK_OK(&err, tz_load("America/Bogota", &l->cfg.tz, &err));
	CHECK_OK(&err, calendar_create("colombia", &l->cfg.calendar, &err));
	memcpy(l->run.run_id, "11111111-2222-5333-8444-555555555555", 37);
	l->run.workload = "pqrs";
	assert_true(time_parse(str_of(as_of), &l->run.as_of));
}

static inline void lake_close(struct lake *l)
{
	calendar_destroy(l->cfg.calendar);
	tz_destroy(l->cfg.tz);
	store_close(l->store);
	arena_deinit(&l->arena);
	check_rmdir(l->dir);
}

static inline void lake_set(struct builder *b, int column, int64_t row, const char *s)
{
	if (s != NULL) builder_set_str(&b[column], row, str_of(s));
}

static inline void lake_row(struct builder *b, int64_t row, const struct ev *e)
{
	char id[37];
	ev_event_id(e->event, id);
	lake_set(b, BRONZE_EVENT_ID, row, id);
	ev_ticket_id(e->ticket, id);
	lake_set(b, BRONZE_TICKET_ID, row, id);
	lake_set(b, BRONZE_EVENT_TYPE, row, pqrs_event_type_names[e->type]);
	builder_set_i64(&b[BRONZE_TS], row, e->ts);
	builder_set_i32(&b[BRONZE_TICKET_BUCKET], row, ev_bucket(e->ticket));
	lake_set(b, BRONZE_RAW_OBJECT, row, e->object);
	builder_set_i32(&b[BRONZE_DAY], row, time_utc_date(e->ts));
	builder_set_i64(&b[BRONZE_RAW_LINE], row, e->line);
	lake_set(b, BRONZE_TEXT, row, e->text);
	switch (e->type) {
	case EVENT_TICKET_CREATED:
		lake_set(b, BRONZE_EXTERNAL_ID, row, "PQRS-1");
		lake_set(b, BRONZE_SOURCE_CHANNEL, row, "email");
		lake_set(b, BRONZE_PQRS_TYPE, row, e->a);
		lake_set(b, BRONZE_DANE_CITY_CODE, row, e->b);
		lake_set(b, BRONZE_GEO_REGION, row, "Region");
		lake_set(b, BRONZE_GEO_MUNICIPIO, row, "Ciudad");
		break;
	case EVENT_MESSAGE_ADDED:
		lake_set(b, BRONZE_ROLE, row, e->a);
		lake_set(b, BRONZE_MESSAGE_ID, row, e->b);
		break;
	case EVENT_STATUS_CHANGED:
		lake_set(b, BRONZE_STATUS_FROM, row, e->a);
		lake_set(b, BRONZE_STATUS_TO, row, e->b);
		break;
	default:
		lake_set(b, BRONZE_FILE_TYPE, row, e->a);
		lake_set(b, BRONZE_FILE_NAME, row, e->b);
		builder_set_i64(&b[BRONZE_SIZE_KB], row, 12);
		break;
	}
}

/* One bronze file of events of one UTC month, in two row groups when there are more than 100. */
static inline void lake_bronze(struct lake *l, const char *source, const struct ev **events, size_t n)
{
	struct err err;
	struct builder b[BRONZE_N_COLUMNS];
	struct column columns[BRONZE_N_COLUMNS];
	struct parquet_writer *w;
	qsort(events, n, sizeof *events, ev_order);
	for (int c = 0; c < BRONZE_N_COLUMNS; c++) {
		const bool ids =
			c == BRONZE_EVENT_ID || c == BRONZE_TICKET_ID || c == BRONZE_TEXT || c == BRONZE_FILE_NAME;
		builder_init(&b[c], &pqrs_bronze_events.columns[c],
			pqrs_bronze_events.columns[c].type == COL_STRING && !ids);
	}
	for (size_t i = 0; i < n; i++) {
		lake_row(b, (int64_t)i, events[i]);
		lake_set(b, BRONZE_SOURCE, (int64_t)i, source);
	}
	for (int c = 0; c < BRONZE_N_COLUMNS; c++) CHECK_OK(&err, builder_finish(&b[c], (int64_t)n, &columns[c], &err));
	const struct batch batch = {
		.schema = &pqrs_bronze_events, .n_columns = BRONZE_N_COLUMNS, .columns = columns, .n_rows = (int64_t)n};
	CHECK_OK(&err, parquet_writer_create(&pqrs_bronze_events, &l->cfg.parquet, &w, &err));
	uint32_t *rows = calloc(n, sizeof *rows), *cuts = calloc(n + 1, sizeof *cuts);
	assert_true(rows != NULL && cuts != NULL);
	for (uint32_t i = 0; i < n; i++) rows[i] = i;
	const size_t first = n > 100 ? n / 2 : n;
	for (size_t at = 0, end; at < n; at = end) {
		end = at == 0 ? first : n;
		uint32_t n_cuts = 0;
		for (size_t i = at + 1; i < end; i++) {
			if (ev_bucket(events[i]->ticket) != ev_bucket(events[i - 1]->ticket))
				cuts[n_cuts++] = (uint32_t)(i - at);
		}
		const struct parquet_rows some = {rows + at, (uint32_t)(end - at), cuts, n_cuts};
		CHECK_OK(&err, parquet_writer_row_group(w, &batch, &some, &err));
	}
	const uint8_t *p;
	size_t size;
	struct partition_month place;
	CHECK_OK(&err, parquet_writer_finish(w, &p, &size, &err));
	struct task_result result;
	task_result_init(&result, NULL, &l->arena);
	const struct task_env env = {.lake = l->store, .run = &l->run, .config = &l->cfg};
	const struct task_file file = {.table = "bronze.pqrs_events",
		.partition = partition_month_values(&place, date_month_start(time_utc_date(events[0]->ts)), &l->run),
		.p = p,
		.n = size,
		.rows = (int64_t)n};
	CHECK_OK(&err, task_output(&env, &result, &file, &err));
	assert_true(file_list_add(&l->bronze, &result.outputs.items[0]));
	parquet_writer_destroy(w);
	for (int c = 0; c < BRONZE_N_COLUMNS; c++) builder_deinit(&b[c]);
	free(rows);
	free(cuts);
}

/* Events into files, one a UTC day, so that a month has many; each day is dealt out over n_sources sources by the event's place and deal. */
static inline void lake_load(struct lake *l, const struct ev *events, size_t n, unsigned n_sources, unsigned deal)
{
	const struct ev **picked = calloc(n, sizeof *picked);
	assert_non_null(picked);
	int32_t lo = INT32_MAX, hi = INT32_MIN;
	for (size_t i = 0; i < n; i++) {
		const int32_t day = time_utc_date(events[i].ts);
		lo = day < lo ? day : lo;
		hi = day > hi ? day : hi;
	}
	l->bronze.n = 0;
	for (unsigned s = 0; s < n_sources; s++) {
		for (int32_t day = lo; day <= hi; day++) {
			size_t k = 0;
			for (size_t i = 0; i < n; i++) {
				if (time_utc_date(events[i].ts) == day &&
					((unsigned)i * 2654435761u + deal) / 7 % n_sources == s)
					picked[k++] = &events[i];
			}
			char source[16];
			(void)snprintf(source, sizeof source, "s%u", (s + deal) % n_sources);
			if (k > 0) lake_bronze(l, source, picked, k);
		}
	}
	free(picked);
}

static inline status lake_silver(struct lake *l, int n_tasks, struct err *err)
{
	const struct task_env env = {.lake = l->store, .run = &l->run, .config = &l->cfg};
	task_result_init(&l->result, NULL, &l->arena);
	for (int i = 0; i <= n_tasks; i++) {
		struct task_spec spec = {.stage = "silver",
			.task_id = "t",
			.part = i < n_tasks ? "" : "dimensions",
			.history = LAKE_HISTORY};
		if (i < n_tasks) {
			spec.lo = PQRS_BUCKETS * i / n_tasks;
			spec.hi = PQRS_BUCKETS * (i + 1) / n_tasks;
			spec.inputs = l->bronze;
			spec.standing = l->standing;
			spec.since = l->since;
		}
		TRY(pqrs_silver_run(&env, &spec, &l->result, err));
	}
	return OK;
}

static inline int64_t lake_counter(const struct lake *l, const char *name)
{
	return counter_get(&l->result.counters, name);
}

/* ---- reading back ---------------------------------------------------------------------------------------- */

static inline void lake_value(struct buf *out, const struct column *c, int64_t row)
{
	if (!column_valid(c, row)) {
		buf_str(out, "-");
		return;
	}
	char text[TIME_RFC3339_CHARS];
	switch (c->type) {
	case COL_STRING: {
		const struct str s = column_str(c, row);
		buf_add(out, s.p, s.n);
		break;
	}
	case COL_TIMESTAMP:
		time_format(((const int64_t *)c->values)[row], text);
		buf_add(out, text, sizeof text);
		break;
	case COL_INT32: buf_i64(out, ((const int32_t *)c->values)[row]); break;
	case COL_BOOL: buf_i64(out, bit_get(c->values, row)); break;
	default: buf_i64(out, ((const int64_t *)c->values)[row]); break;
	}
}

static inline int lake_line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Rows of a table as "month|value|value...", sorted, without history_id, which is LAKE_HISTORY in each; n lines in *lines (arena). */
static inline size_t lake_table(struct lake *l, const struct table_schema *schema, char ***lines)
{
	struct err err;
	struct buf b;
	size_t n = 0;
	char table[64];
	buf_init(&b, 0);
	(void)snprintf(table, sizeof table, "silver.%s", schema->name);
	*lines = ARENA_NEW(&l->arena, char *, 65536);
	for (size_t f = 0; f < l->result.outputs.n; f++) {
		const struct file_ref *ref = &l->result.outputs.items[f];
		if (strcmp(ref->table, table) != 0) continue;
		struct store_object *object;
		struct parquet_reader *r;
		CHECK_OK(&err, store_object_open(l->store, ref->path, &object, &err));
		CHECK_OK(&err, parquet_reader_open(object, &r, &err));
		CHECK_I64(parquet_reader_rows(r), ref->rows);
		int columns[64];
		const size_t n_columns = schema_n_data_columns(schema), n_own = history_column_index(schema);
		for (size_t c = 0; c < n_columns; c++) columns[c] = (int)c;
		const char *month = strstr(ref->path, "month=");
		for (size_t g = 0; g < parquet_reader_n_row_groups(r); g++) {
			struct batch batch;
			const struct parquet_range range = {g, 0, parquet_reader_row_group_rows(r, g)};
			CHECK_OK(&err, parquet_reader_read(r, &range, (struct parquet_columns){columns, n_columns},
					       &l->arena, &batch, &err));
			for (int64_t row = 0; row < batch.n_rows; row++) {
				buf_reset(&b);
				if (month != NULL) buf_add(&b, month + 6, 7);
				for (size_t c = 0; c < n_own; c++) {
					buf_char(&b, '|');
					lake_value(&b, &batch.columns[c], row);
				}
				if (n_own < n_columns)
					assert_true(str_is(column_str(&batch.columns[n_own], row), LAKE_HISTORY));
				(*lines)[n++] = arena_strndup(&l->arena, (char *)b.p, b.n);
			}
		}
		parquet_reader_close(r);
		store_object_close(object);
	}
	buf_deinit(&b);
	if (n > 0) qsort(*lines, n, sizeof **lines, lake_line_cmp);
	return n;
}

/* The one row whose text contains needle. */
static inline const char *lake_find(struct lake *l, const struct table_schema *schema, const char *needle)
{
	char **lines;
	const char *found = NULL;
	const size_t n = lake_table(l, schema, &lines);
	for (size_t i = 0; i < n; i++) {
		if (strstr(lines[i], needle) == NULL) continue;
		if (found != NULL) fail_msg("silver.%s: more than one row with %s", schema->name, needle);
		found = lines[i];
	}
	if (found == NULL) fail_msg("silver.%s: no row with %s", schema->name, needle);
	return found;
}

#endif
