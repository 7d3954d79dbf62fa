/* tests/unit/pqrs/gold_silver.h: tickets as silver files in a lake, the way the silver stage lays them out. */
#ifndef PQR_TESTS_GOLD_SILVER_H
#define PQR_TESTS_GOLD_SILVER_H

#include "base/calendar.h"
#include "flow/workload.h"
#include "gold_data.h"
#include "parquet/writer.h"
#include "workloads/pqrs/config/config.h"
#include "flow/history_column.h"
#include "flow/partition.h"
#include "workloads/pqrs/contract/schema.h"

#define LAKE_HISTORY "99999999-2222-5333-8444-555555555555"

struct lake {
	char dir[64];
	struct store *store;
	struct arena arena;
	struct tz *tz;
	struct calendar *calendar;
	struct pqrs_config config;
	struct run_info run;
	struct task_env env;
	struct task_result silver; /* outputs of the silver stage */
};

static inline void lake_init(struct lake *l, const char *as_of)
{
	struct err err;
	*l = (struct lake){.run = {.run_id = "11111111-2222-5333-8444-555555555555", .workload = "pqrs"}};
	CHECK_OK(&err, store_open(check_tmpdir(l->dir), &l->store, &err));
	arena_init(&l->arena, 0);
	CHECK_OK(&err, tz_load("America/Bogota", &l->tz, &err));
	CHECK_OK(&err, calendar_create("colombia", &l->calendar, &err));
	assert_true(time_parse(str_of(as_of), &l->run.as_of));
	l->config.tz = l->tz;
	l->config.calendar = l->calendar;
	l->config.parquet = (struct parquet_opts){.codec = PARQUET_ZSTD, .level = 1, .bloom = true};
	l->env = (struct task_env){.lake = l->store, .run = &l->run, .config = &l->config};
	task_result_init(&l->silver, NULL, &l->arena);
}

static inline void lake_deinit(struct lake *l)
{
	store_close(l->store);
	calendar_destroy(l->calendar);
	tz_destroy(l->tz);
	arena_deinit(&l->arena);
	check_rmdir(l->dir);
}

static inline void set_str(struct builder *b, int64_t row, const char *s)
{
	if (s != NULL) builder_set_str(b, row, str_of(s));
}
static inline void set_us(struct builder *b, int64_t row, int64_t us)
{
	if (us != NONE) builder_set_i64(b, row, us);
}

static inline void set_ticket(struct builder *b, int64_t row, const struct ticket *t)
{
	set_str(&b[TICKETS_TICKET_ID], row, t->id);
	set_str(&b[TICKETS_SOURCE_CHANNEL], row, t->channel);
	set_str(&b[TICKETS_PQRS_TYPE], row, t->type);
	set_str(&b[TICKETS_PRIORITY], row, t->priority);
	set_us(&b[TICKETS_CREATED_AT], row, t->created);
	set_us(&b[TICKETS_RADICATED_AT], row, t->radicated);
	set_us(&b[TICKETS_ANSWERED_AT], row, t->answered);
	set_us(&b[TICKETS_CLOSED_AT], row, t->closed);
	set_str(&b[TICKETS_CURRENT_STATUS], row, t->status);
	set_str(&b[TICKETS_DEPARTMENT_NAME], row, t->department);
	set_str(&b[TICKETS_DANE_CITY_CODE], row, t->dane);
	builder_set_i32(&b[TICKETS_SLA_BUSINESS_DAYS], row, t->target);
	set_us(&b[TICKETS_SLA_DUE_AT], row, t->due);
	builder_set_i64(&b[TICKETS_SLA_ELAPSED_SECONDS], row, 0);
	builder_set_i32(&b[TICKETS_HOLD_DAYS], row, t->hold);
	set_str(&b[TICKETS_SLA_STATUS], row, t->sla);
	builder_set_i32(&b[TICKETS_REOPENED_COUNT], row, 0);
	builder_set_i32(&b[TICKETS_MESSAGE_COUNT], row, 0);
	builder_set_i32(&b[TICKETS_ATTACHMENT_COUNT], row, 0);
	set_str(&b[TICKETS_TENANT_ID], row, t->tenant);
	set_us(&b[TICKETS_LAST_UPDATE_TS], row, t->last_update);
}

static inline void set_prediction(struct builder *b, int64_t row, const struct ticket *t)
{
	set_str(&b[PRECLASS_TICKET_ID], row, t->id);
	set_us(&b[PRECLASS_CREATED_AT], row, t->created);
	set_str(&b[PRECLASS_MODEL_TYPE], row, "rules");
	set_str(&b[PRECLASS_MODEL_VERSION], row, "v1");
	set_str(&b[PRECLASS_PREDICTED_TYPE], row, t->type);
	set_str(&b[PRECLASS_PREDICTED_PRIORITY], row, t->priority);
	builder_set_i64(&b[PRECLASS_SCORE], row, t->score);
	set_str(&b[PRECLASS_EXPLAIN_JSON], row, "{\"P\":[\"peticion\"]}");
	set_str(&b[PRECLASS_ENTITIES_JSON], row, "{}");
}

/* One part of a silver table with the tickets of one month among t[0..n). */
static inline void silver_part(
	struct lake *l, const struct table_schema *schema, int32_t month, const struct ticket *t, size_t n)
{
	struct err err;
	struct builder b[32];
	struct column c[32];
	struct parquet_writer *w = NULL;
	struct history_column history = {0};
	const struct task_spec spec = {.history = LAKE_HISTORY};
	const size_t n_columns = history_column_index(schema);
	char name[64];
	const uint8_t *p;
	size_t size;
	int64_t rows = 0;
	for (size_t k = 0; k < n_columns; k++) {
		const struct column_def *def = &schema->columns[k];
		builder_init(&b[k], def, def->type == COL_STRING && !def->id);
	}
	for (size_t i = 0; i < n; i++) {
		if (date_month_start(tz_date(l->tz, t[i].created)) != month) continue;
		if (schema == &pqrs_silver_tickets)
			set_ticket(b, rows++, &t[i]);
		else
			set_prediction(b, rows++, &t[i]);
	}
	for (size_t k = 0; k < n_columns; k++) CHECK_OK(&err, builder_finish(&b[k], rows, &c[k], &err));
	if (rows > 0) {
		CHECK_OK(&err, history_column_init(&history, &spec, &err));
		CHECK_OK(&err, history_column_fill(&history, rows, &c[n_columns], &err));
		const struct batch batch = {schema, n_columns + 1, c, rows};
		const struct parquet_rows all = {.n = (uint32_t)rows};
		struct partition_month place;
		(void)snprintf(name, sizeof name, "silver.%s", schema->name);
		CHECK_OK(&err, parquet_writer_create(schema, &l->config.parquet, &w, &err));
		CHECK_OK(&err, parquet_writer_row_group(w, &batch, &all, &err));
		CHECK_OK(&err, parquet_writer_finish(w, &p, &size, &err));
		const struct task_file file = {.table = name,
			.partition = partition_month_values(&place, month, &l->run),
			.p = p,
			.n = size,
			.rows = rows};
		CHECK_OK(&err, task_output(&l->env, &l->silver, &file, &err));
		parquet_writer_destroy(w);
	}
	history_column_deinit(&history);
	for (size_t k = 0; k < n_columns; k++) builder_deinit(&b[k]);
}

static inline int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct file_ref *)a)->path, ((const struct file_ref *)b)->path);
}

/* Both tables, each month in `parts` files; leaves l->silver.outputs sorted by path. */
static inline void silver_write(struct lake *l, const struct ticket *t, size_t n, size_t parts)
{
	int32_t first = INT32_MAX, last = INT32_MIN;
	for (size_t i = 0; i < n; i++) {
		const int32_t day = tz_date(l->tz, t[i].created);
		if (day < first) first = day;
		if (day > last) last = day;
	}
	for (int32_t month = date_month_start(first); month <= last; month = date_month_start(month + 31)) {
		for (size_t p = 0; p < parts; p++) {
			const size_t from = n * p / parts, to = n * (p + 1) / parts;
			silver_part(l, &pqrs_silver_tickets, month, t + from, to - from);
			silver_part(l, &pqrs_silver_preclassification, month, t + from, to - from);
		}
	}
	int64_t closed = 0;
	for (size_t i = 0; i < n; i++) closed += t[i].closed != NONE;
	assert_true(counter_add(&l->silver.counters, "sla:closed", closed));
	qsort(l->silver.outputs.items, l->silver.outputs.n, sizeof *l->silver.outputs.items, compare_paths);
}

#endif
