/* tests/unit/flow/fake_workload.h: a small workload with three stages, deterministic files and faults on demand. */
#ifndef PQR_TESTS_FAKE_WORKLOAD_H
#define PQR_TESTS_FAKE_WORKLOAD_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "flow/made_days.h"
#include "flow/run.h"
#include "parquet/writer.h"

enum { FAKE_TASKS = 5, FAKE_ROWS = 40 };
static const char fake_config_text[] = "{\"name\":\"fake\",\"rows\":40}";

/* What shall go wrong; reset by the tests. */
static struct {
	const char *task; /* this task fails ... */
	int times;        /* ... this often (left) */
	status code;
	enum err_class class;
	const char *check_stage; /* a check of this stage fails ... */
	int check_times;         /* ... this often (left) */
	enum quality_severity severity;
	const char *cancel_task;             /* requests cancellation while it runs */
	void (*before)(const char *task_id); /* called when a task starts */
	_Atomic int64_t runs;                /* tasks started */
} fault;

static inline void fault_reset(void)
{
	memset((void *)&fault, 0, sizeof fault);
}

static const struct column_def fake_by_id_columns[] = {
	{.name = "item_id", .type = COL_STRING, .key = true, .id = true, .description = "identifier"},
	{.name = "seen_at", .type = COL_TIMESTAMP, .description = "instant"},
	{.name = "price", .type = COL_DECIMAL, .precision = 9, .scale = 2, .description = "price"},
	{.name = "note", .type = COL_STRING, .nullable = true, .description = "text"},
	{.name = "month", .type = COL_STRING, .partition = true, .description = "month"},
	{.name = "run_id", .type = COL_STRING, .partition = true, .description = "run"},
};
static const struct table_schema fake_by_id = {.name = "by_id",
	.layer = "gold",
	.contract = "fake/v1",
	.description = "items",
	.columns = fake_by_id_columns,
	.n_columns = 6};
static const struct column_def fake_daily_columns[] = {
	{.name = "day", .type = COL_DATE, .key = true, .description = "day"},
	{.name = "items", .type = COL_INT64, .description = "count"},
	{.name = "month", .type = COL_STRING, .partition = true, .description = "month"},
	{.name = "run_id", .type = COL_STRING, .partition = true, .description = "run"},
};
static const struct table_schema fake_daily = {.name = "daily",
	.layer = "gold",
	.contract = "fake/v1",
	.description = "items a day",
	.columns = fake_daily_columns,
	.n_columns = 4};
static const struct table_schema fake_empty = {.name = "empty",
	.layer = "gold",
	.contract = "fake/v1",
	.description = "never a row",
	.columns = fake_daily_columns,
	.n_columns = 4};
static const struct table_schema *const fake_tables[] = {&fake_by_id, &fake_daily, &fake_empty};
static const struct column_def fake_view_columns[] = {{.name = "items", .type = COL_INT64, .nullable = true}};
static const struct table_schema fake_view = {
	.name = "v_items", .layer = "analytics", .contract = "fake/v1", .columns = fake_view_columns, .n_columns = 1};
static const struct workload_view fake_views[] = {
	{"analytics.v_items", "SELECT sum(items) AS items FROM gold.daily", &fake_view},
};

static inline status fake_enter(const struct task_spec *spec, struct err *err)
{
	atomic_fetch_add(&fault.runs, 1);
	if (fault.before != NULL) fault.before(spec->task_id);
	if (fault.cancel_task != NULL && strcmp(fault.cancel_task, spec->task_id) == 0) {
		cancel_request();
		return cancel_check(err);
	}
	if (fault.task == NULL || strcmp(fault.task, spec->task_id) != 0 || fault.times <= 0) return OK;
	fault.times--;
	const status code = fail(err, fault.code, "injected");
	err_set_class(err, fault.class);
	return code;
}

static inline status fake_count(struct task_result *out, int64_t rows_in, int64_t rows_out, struct err *err)
{
	int64_t bytes = 0;
	for (size_t i = 0; i < out->outputs.n; i++) bytes += out->outputs.items[i].bytes;
	const bool ok = counter_add(&out->counters, "rows_in", rows_in) &&
			counter_add(&out->counters, "rows_out", rows_out) &&
			counter_add(&out->counters, "bytes_in", 0) && counter_add(&out->counters, "bytes_out", bytes);
	return ok ? OK : fail(err, E_NOMEM, "counters");
}

/* A file of a part and the run; without a name a Parquet file of a month. */
static inline status fake_put(
	const struct task_env *env, struct task_result *out, struct task_file file, int64_t part, struct err *err)
{
	char text[32];
	const bool month = file.name == NULL;
	(void)snprintf(text, sizeof text, month ? "2025-0%lld" : "%lld", (long long)part + month);
	const struct delta_pair values[2] = {
		{month ? STR("month") : STR("part"), str_of(text)}, {STR("run_id"), str_of(env->run->run_id)}};
	file.partition = (struct delta_pairs){values, 2};
	return task_output(env, out, &file, err);
}

static inline status fake_read(const struct task_env *env, const struct file_ref *ref, struct buf *out, struct err *err)
{
	uint8_t hash[XXH128_BYTES];
	TRY(store_get(env->lake, ref->path, out, err));
	hash_xxh128(out->p, out->n, hash);
	if (memcmp(hash, ref->xxh128, sizeof hash) != 0)
		return err_at(err, fail(err, E_VERIFY, "changed"), ref->path, -1, -1);
	return OK;
}

static status fake_raw_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	const size_t n = inputs->n > 0 ? inputs->n : FAKE_TASKS;
	for (size_t i = 0; i < n; i++) {
		struct task_spec *t = task_list_add(out);
		if (t == NULL) return fail(err, E_NOMEM, "plan");
		t->stage = "raw";
		t->task_id = arena_printf(out->arena, "raw-%04zu", i);
		t->lo = (int64_t)i;
		t->hi = (int64_t)i + 1;
		if (inputs->n > 0 && !file_list_add(&t->inputs, &inputs->items[i])) return fail(err, E_NOMEM, "plan");
	}
	(void)view;
	return OK;
}

static inline int64_t fake_time(const struct run_info *run, int64_t task, int64_t row)
{
	const int64_t day = run_makes(run) ? run->date_from : 20000;
	return (day + row % 3) * US_PER_DAY + task * 3600000000 + row;
}

static status fake_raw_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	struct buf text;
	TRY(fake_enter(spec, err));
	buf_init(&text, 0);
	for (int64_t row = 0; row < FAKE_ROWS; row++)
		buf_printf(&text, "%llu %lld %lld %lld\n", (unsigned long long)made_days_seed(env->run),
			(long long)spec->lo, (long long)row, (long long)fake_time(env->run, spec->lo, row));
	status code = buf_check(&text, err);
	const struct task_file file = {
		.table = "raw.fake", .name = "events.txt", .p = text.p, .n = text.n, .rows = FAKE_ROWS};
	if (code == OK) code = fake_put(env, out, file, spec->lo, err);
	if (code == OK) code = fake_count(out, 0, FAKE_ROWS, err);
	if (code == OK && !counter_add(&out->events.types, "SEEN", FAKE_ROWS)) code = fail_nomem(err);
	out->events.first = fake_time(env->run, spec->lo, 0);
	out->events.last = fake_time(env->run, spec->lo, 38);
	task_progress(env, FAKE_ROWS, (int64_t)text.n);
	buf_deinit(&text);
	return code;
}

static status fake_next_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	const struct file_list *from = &view->files[view->n_stages - 1];
	const char *stage = view->n_stages == 1 ? "bronze" : "gold";
	(void)inputs;
	for (size_t i = 0; i < from->n; i++) {
		struct task_spec *t = task_list_add(out);
		if (t == NULL || !file_list_add(&t->inputs, &from->items[i])) return fail(err, E_NOMEM, "plan");
		t->stage = stage;
		t->task_id = arena_printf(out->arena, "%s-%04zu", stage, i);
		t->lo = (int64_t)i;
	}
	return OK;
}

static status fake_bronze_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	struct buf text;
	TRY(fake_enter(spec, err));
	buf_init(&text, 0);
	status code = fake_read(env, &spec->inputs.items[0], &text, err);
	for (size_t i = 0; code == OK && i < text.n; i++) text.p[i] = text.p[i] == ' ' ? ',' : text.p[i];
	const struct task_file file = {
		.table = "bronze.fake", .name = "part.csv", .p = text.p, .n = text.n, .rows = FAKE_ROWS};
	if (code == OK) code = fake_put(env, out, file, spec->lo, err);
	if (code == OK) code = fake_count(out, FAKE_ROWS, FAKE_ROWS, err);
	buf_deinit(&text);
	return code;
}

/* Two tables as Parquet: one row an item, and one a day. */
static status fake_table(
	const struct task_env *env, const struct task_spec *spec, bool daily, struct task_result *out, struct err *err)
{
	const struct table_schema *schema = daily ? &fake_daily : &fake_by_id;
	struct builder b[4];
	struct column columns[4];
	struct parquet_writer *w = NULL;
	const uint8_t *p = NULL;
	size_t n = 0;
	const size_t n_columns = schema_n_data_columns(schema);
	const int64_t rows = daily ? 1 : FAKE_ROWS;
	for (size_t i = 0; i < n_columns; i++) builder_init(&b[i], &schema->columns[i], false);
	for (int64_t row = 0; row < rows; row++) {
		char id[40];
		const int len = snprintf(id, sizeof id, "%08llx-0000-4000-8000-%04lld%08lld",
			(unsigned long long)made_days_seed(env->run), (long long)spec->lo, (long long)row);
		if (daily) {
			builder_set_i32(&b[0], row, 20000 + (int32_t)spec->lo);
			builder_set_i64(&b[1], row, FAKE_ROWS);
			continue;
		}
		builder_set_str(&b[0], row, (struct str){id, (size_t)len});
		builder_set_i64(&b[1], row, fake_time(env->run, spec->lo, row));
		builder_set_i64(&b[2], row, row * 100 + 5);
		if (row % 2 == 0) builder_set_str(&b[3], row, row % 4 == 0 ? STR("even") : STR(""));
	}
	const struct parquet_opts opts = {.codec = PARQUET_ZSTD, .level = 1};
	const struct batch batch = {.schema = schema, .n_columns = n_columns, .columns = columns, .n_rows = rows};
	status code = parquet_writer_create(schema, &opts, &w, err);
	for (size_t i = 0; i < n_columns && code == OK; i++) code = builder_finish(&b[i], rows, &columns[i], err);
	if (code == OK) code = parquet_writer_row_group(w, &batch, &(struct parquet_rows){.n = (uint32_t)rows}, err);
	if (code == OK) code = parquet_writer_finish(w, &p, &n, err);
	const struct task_file file = {.table = daily ? "gold.daily" : "gold.by_id", .p = p, .n = n, .rows = rows};
	if (code == OK) code = fake_put(env, out, file, spec->lo, err);
	if (w != NULL) parquet_writer_destroy(w);
	for (size_t i = 0; i < n_columns; i++) builder_deinit(&b[i]);
	return code;
}

static status fake_gold_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	struct buf text;
	TRY(fake_enter(spec, err));
	buf_init(&text, 0);
	status code = fake_read(env, &spec->inputs.items[0], &text, err);
	if (code == OK) code = fake_table(env, spec, false, out, err);
	if (code == OK) code = fake_table(env, spec, true, out, err);
	if (code == OK) code = fake_count(out, FAKE_ROWS, FAKE_ROWS + 1, err);
	buf_deinit(&text);
	return code;
}

static status fake_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	static const char *const names[] = {"raw", "bronze", "gold"};
	const char *stage = names[view->n_stages - 1];
	bool pass = true;
	struct quality q = {.dataset = stage,
		.check_name = "fake",
		.severity = QUALITY_CRITICAL,
		.value = "1",
		.threshold = "1",
		.details = "",
		.record_count = 1};
	if (fault.check_stage != NULL && strcmp(fault.check_stage, stage) == 0 && fault.check_times > 0) {
		fault.check_times--;
		q.severity = fault.severity;
		pass = false;
	}
	return quality_add(out, pass, &q) ? OK : fail(err, E_NOMEM, "quality");
}

static status fake_config_open(struct str canonical, void **config, struct err *err)
{
	char *copy = mem_strndup(canonical.p, canonical.n);
	if (copy == NULL) return fail(err, E_NOMEM, "config");
	*config = copy;
	return OK;
}

static void fake_config_close(void *config)
{
	mem_free(config);
}

/* Seed 7 and days 20000 to 20002, unless the run was given "seed", or "from" and "to" as numbers of days. */
static status fake_settle(
	const void *config, const struct run_params *given, struct arena *arena, struct run_info *run, struct err *err)
{
	struct made_days days = {7, 20000, 20002};
	struct run_param rest[4];
	struct run_params others = {rest, 0};
	(void)config;
	for (size_t i = 0; i < given->n; i++) {
		const struct run_param *p = &given->items[i];
		const long value = atol(p->value);
		if (strcmp(p->name, "seed") == 0)
			days.seed = (uint64_t)value;
		else if (strcmp(p->name, "from") == 0)
			days.from = (int32_t)value;
		else if (strcmp(p->name, "to") == 0)
			days.to = (int32_t)value;
		else
			rest[others.n++] = *p;
	}
	return made_days_settle(&days, &others, arena, run, err);
}
/* Of a run that is told one thing. Borrows both texts; views one of the last eight results. */
static inline struct run_params fake_told(const char *name, const char *value)
{
	static struct run_param told[8];
	static size_t n;
	struct run_param *p = &told[n++ % 8];
	*p = (struct run_param){name, value, name};
	return (struct run_params){p, 1};
}

static const struct stage_def fake_stages[] = {
	{.name = "raw", .plan = fake_raw_plan, .run = fake_raw_run, .check = fake_check},
	{.name = "bronze", .plan = fake_next_plan, .run = fake_bronze_run, .check = fake_check},
	{.name = "gold", .plan = fake_next_plan, .run = fake_gold_run, .check = fake_check},
};
#define FAKE_MAKING                                                                                                 \
	{                                                                                                           \
		.settle = fake_settle, .settled = made_days_settled, .name = made_days_name, .seed = made_days_seed \
	}
static const struct workload fake_workload = {
	.name = "fake",
	.stages = fake_stages,
	.n_stages = 3,
	.tables = fake_tables,
	.n_tables = 3,
	.config_open = fake_config_open,
	.config_close = fake_config_close,
	.making = FAKE_MAKING,
	.views = fake_views,
	.n_views = 1,
};

#endif
