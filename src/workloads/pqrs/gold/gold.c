/* workloads/pqrs/gold/gold.c: the gold stage: tasks by table group.
 *
 *   silver.tickets -----------> volume   kpi_volume_daily, kpi_volume_geo_daily, kpi_volume_dept_daily, kpi_volume_national_daily
 *                    ├--------> backlog  kpi_backlog_daily, kpi_backlog_geo_daily
 *                    ├--------> service  kpi_sla_daily, kpi_sla_geo_daily, sla_daily, daily_kpis, priority_distribution
 *                    └--------> tickets  sla_metrics, tickets_snapshot: one task a month (more for months over PART_ROWS)
 *   silver.preclassification -> predictions  pqrs_metrics
 *
 * The daily groups read all months, as backlog and series run across them, but only the few columns they need; a ticket
 * costs them about 20 bytes of memory. The per-ticket tables, which are nearly all of the bytes, go by month.
 */
#include "workloads/pqrs/gold/gold.h"

#include <stdio.h>

#include "base/calendar.h"
#include "flow/history.h"
#include "parquet/writer.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/gold/gold_kept.h"
#include "workloads/pqrs/gold/gold_kpi.h"
#include "flow/part_scan.h"
#include "workloads/pqrs/gold/gold_ticket.h"
#include "flow/history_column.h"
#include "flow/partition.h"
#include "workloads/pqrs/contract/schema.h"

enum { PART_ROWS = 1 << 20, ROW_GROUP_ROWS = 1 << 20, GROUP_KERNELS_MAX = 3 };

/* ---- plan --------------------------------------------------------------------------------------------------- */

static struct task_spec *add_task(struct task_list *out, const char *part, const char *id, struct err *err)
{
	struct task_spec *t = task_list_add(out);
	const char *copy = arena_strndup(out->arena, id, strlen(id));
	if (t == NULL || copy == NULL) {
		(void)fail_nomem(err);
		return NULL;
	}
	t->stage = "gold";
	t->task_id = copy;
	t->part = part;
	return t;
}

static status add_file(struct task_spec *t, const struct file_ref *f, struct err *err)
{
	return file_list_add(&t->inputs, f) ? OK : fail_nomem(err);
}

/* One task over every file of a silver table, when it has any. */
static status plan_group(
	const struct stage_view *view, const char *table, const char *part, struct task_list *out, struct err *err)
{
	struct task_spec *t = NULL;
	char id[64];
	(void)snprintf(id, sizeof id, "gold-%s", part);
	for (size_t s = 0; s < view->n_stages; s++) {
		for (size_t i = 0; i < view->files[s].n; i++) {
			const struct file_ref *f = &view->files[s].items[i];
			if (strcmp(f->table, table) != 0) continue;
			if (t == NULL && (t = add_task(out, part, id, err)) == NULL) return E_NOMEM;
			TRY(add_file(t, f, err));
		}
	}
	return OK;
}

/* Tickets by month; files come sorted by path, so those of a month are neighbours. A ticket_id that stands in two tasks
 * would not be seen as a repeated key, but silver makes each ticket in one task and month. With a history a task a file: of a file
 * that was kept the rows are the same, unless they tell of as_of, which silver keeps apart (gold_kept.h). */
static status plan_months(const struct stage_view *view, struct task_list *out, struct err *err)
{
	struct gold_kept kept = {{.arena = out->arena}, {.arena = out->arena}};
	const bool history = view->history != NULL && view->history->n_runs > 0;
	struct task_spec *t = NULL;
	int32_t month = 0, parts = 0;
	int64_t rows = 0;
	for (size_t s = 0; s < view->n_stages; s++) {
		for (size_t i = 0; i < view->files[s].n; i++) {
			const struct file_ref *f = &view->files[s].items[i];
			int32_t file_month;
			char id[64];
			bool stands = false;
			if (strcmp(f->table, "silver.tickets") != 0) continue;
			if (history) TRY(gold_kept_find(view, f, &kept, &stands, err));
			if (stands) continue;
			TRY(partition_month_of(f, &file_month, err));
			if (t == NULL || file_month != month || rows >= PART_ROWS || history) {
				const struct civil c = date_to_civil(file_month);
				parts = t != NULL && file_month == month ? parts + 1 : 0;
				(void)snprintf(id, sizeof id, "gold-tickets-%04d-%02d-%03d", c.year, c.month, parts);
				if ((t = add_task(out, "tickets", id, err)) == NULL) return E_NOMEM;
				t->lo = month = file_month;
				t->hi = date_month_start(file_month + 31);
				rows = 0;
			}
			rows += f->rows;
			TRY(add_file(t, f, err));
		}
	}
	return gold_kept_plan(&kept, out, err);
}

status pqrs_gold_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	(void)inputs; /* of the user; silver's files stand in the view */
	/* the longest first, so that no thread waits for one at the end */
	TRY(plan_group(view, "silver.tickets", "service", out, err)); /* the longest first */
	TRY(plan_group(view, "silver.tickets", "volume", out, err));
	TRY(plan_group(view, "silver.preclassification", "predictions", out, err));
	return plan_months(view, out, err);
}

/* ---- output ------------------------------------------------------------------------------------------------- */

struct store_sink {
	struct gold_sink base;
	const struct task_env *env;
	struct task_result *out;
	struct parquet_writer *writers[GOLD_TABLES_N]; /* made when a table gets its first batch */
	struct history_column history;
	const char *made_of; /* of the parts that come; NULL: of more than one */
	int64_t rows_out, bytes_out;
};

/* Rows [at, at + n) of a column without nulls. */
static struct column slice(const struct column *c, int64_t at, int64_t n)
{
	struct column part = *c;
	ASSERT(c->validity == NULL);
	part.n = n;
	if (c->offsets != NULL)
		part.offsets = c->offsets + at;
	else
		part.values = (const char *)c->values +
			      (size_t)at * (c->dict != NULL ? sizeof(int32_t) : col_type_width(c->type));
	return part;
}

/* Row groups of at most ROW_GROUP_ROWS, history_id behind the batch's columns. */
static status write_groups(struct store_sink *s, struct parquet_writer *w, const struct batch *b, struct err *err)
{
	struct column columns[GOLD_COLUMNS_MAX + 1];
	for (int64_t at = 0; at < b->n_rows; at += ROW_GROUP_ROWS) {
		const int64_t n = b->n_rows - at < ROW_GROUP_ROWS ? b->n_rows - at : ROW_GROUP_ROWS;
		for (size_t i = 0; i < b->n_columns; i++) columns[i] = slice(&b->columns[i], at, n);
		TRY(history_column_fill(&s->history, n, &columns[b->n_columns], err));
		const struct batch part = {b->schema, b->n_columns + 1, columns, n};
		const struct parquet_rows all = {.n = (uint32_t)n};
		TRY(parquet_writer_row_group(w, &part, &all, err));
	}
	return OK;
}

static status sink_write(
	struct gold_sink *base, enum gold_table table, int32_t month, const struct batch *b, struct err *err)
{
	struct store_sink *s = (struct store_sink *)base;
	const struct pqrs_config *config = s->env->config;
	const struct table_schema *schema = pqrs_gold_tables[table];
	struct parquet_writer **w = &s->writers[table];
	const uint8_t *p;
	size_t n;
	char name[64];
	if (*w == NULL)
		TRY(parquet_writer_create(schema, &config->parquet, w, err));
	else
		parquet_writer_reset(*w);
	TRY(write_groups(s, *w, b, err));
	TRY(parquet_writer_finish(*w, &p, &n, err));
	struct partition_month place;
	(void)snprintf(name, sizeof name, "gold.%s", schema->name);
	const struct task_file file = {.table = name,
		.partition = partition_month_values(&place, month, s->env->run),
		.p = p,
		.n = n,
		.rows = b->n_rows,
		.made_of = s->made_of};
	TRY(task_output(s->env, s->out, &file, err));
	s->rows_out += b->n_rows;
	s->bytes_out += (int64_t)n;
	return OK;
}

static status count(struct store_sink *s, const char *what, const char *table, int64_t value, struct err *err)
{
	char name[96];
	(void)snprintf(name, sizeof name, "%s%s", what, table);
	return counter_add(&s->out->counters, name, value) ? OK : fail_nomem(err);
}

static status count_totals(struct store_sink *s, struct err *err)
{
	TRY(count(s, "rows_out", "", s->rows_out, err));
	TRY(count(s, "bytes_out", "", s->bytes_out, err));
	for (int i = 0; i < GOLD_TABLES_N; i++) {
		const struct gold_totals *t = &s->base.totals[i];
		const char *name = pqrs_gold_tables[i]->name;
		if (t->rows == 0) continue;
		TRY(count(s, "rows:", name, t->rows, err));
		TRY(count(s, "sum:", name, t->sum, err));
		TRY(count(s, "sum_last:", name, t->sum_last, err));
		TRY(count(s, "keys_repeated:", name, t->keys_repeated, err));
		TRY(count(s, "keys_unordered:", name, t->keys_unordered, err));
		TRY(count(s, "out_of_range:", name, t->out_of_range, err));
	}
	return OK;
}

/* ---- input -------------------------------------------------------------------------------------------------- */

/* What a group reads: a column of silver, and where gold_source or gold_ticket_source has its place for it. */
struct wanted {
	int column;
	size_t place;
};
#define TICKET_FACT(silver, field)                                    \
	{                                                             \
		TICKETS_##silver, offsetof(struct gold_source, field) \
	}
#define PREDICTED_FACT(silver, field)                                  \
	{                                                              \
		PRECLASS_##silver, offsetof(struct gold_source, field) \
	}
#define TICKET_COLUMN(silver, field)                                         \
	{                                                                    \
		TICKETS_##silver, offsetof(struct gold_ticket_source, field) \
	}
static const struct wanted volume_columns[] = {
	TICKET_FACT(CREATED_AT, created_at),
	TICKET_FACT(SOURCE_CHANNEL, channel),
	TICKET_FACT(PQRS_TYPE, type),
	TICKET_FACT(DEPARTMENT_NAME, department),
	TICKET_FACT(DANE_CITY_CODE, dane),
};
static const struct wanted service_columns[] = {
	TICKET_FACT(CREATED_AT, created_at),
	TICKET_FACT(CLOSED_AT, closed_at),
	TICKET_FACT(ANSWERED_AT, answered_at),
	TICKET_FACT(SLA_DUE_AT, sla_due_at),
	TICKET_FACT(PQRS_TYPE, type),
	TICKET_FACT(PRIORITY, priority),
	TICKET_FACT(SLA_STATUS, sla_status),
	TICKET_FACT(DEPARTMENT_NAME, department),
	TICKET_FACT(DANE_CITY_CODE, dane),
	TICKET_FACT(TENANT_ID, tenant),
};
static const struct wanted predicted_columns[] = {
	PREDICTED_FACT(CREATED_AT, created_at),
	PREDICTED_FACT(PREDICTED_TYPE, type),
	PREDICTED_FACT(PREDICTED_PRIORITY, priority),
	PREDICTED_FACT(SCORE, score),
};
static const struct wanted ticket_columns[] = {
	TICKET_COLUMN(TICKET_ID, ticket_id),
	TICKET_COLUMN(CURRENT_STATUS, current_status),
	TICKET_COLUMN(LAST_UPDATE_TS, last_update_ts),
	TICKET_COLUMN(RADICATED_AT, radicated_at),
	TICKET_COLUMN(ANSWERED_AT, answered_at),
	TICKET_COLUMN(SLA_BUSINESS_DAYS, sla_business_days),
	TICKET_COLUMN(HOLD_DAYS, hold_days),
	TICKET_COLUMN(SLA_STATUS, sla_status),
};

struct group {
	const char *part;
	const struct table_schema *table;
	const struct wanted *wanted;
	size_t n_wanted;
	bool check_hash;
	status (*kernels[GROUP_KERNELS_MAX])(const struct gold_facts *f, struct gold_sink *sink, struct arena *arena,
		struct err *err); /* none: tickets */
};
#define WANTED(a) .wanted = (a), .n_wanted = sizeof(a) / sizeof(a)[0]
static const struct group groups[] = {
	{.part = "service",
		.table = &pqrs_silver_tickets,
		WANTED(service_columns),
		.kernels = {gold_backlog, gold_sla, gold_daily}},
	{.part = "volume", .table = &pqrs_silver_tickets, WANTED(volume_columns), .kernels = {gold_volume}},
	{.part = "predictions",
		.table = &pqrs_silver_preclassification,
		WANTED(predicted_columns),
		.check_hash = true,
		.kernels = {gold_predicted}},
	{.part = "tickets", .table = &pqrs_silver_tickets, WANTED(ticket_columns), .check_hash = true},
};

/* Set the pointers of a gold_source or gold_ticket_source to columns[0..n). */
static void place(const struct group *g, const struct column *columns, void *source)
{
	for (size_t i = 0; i < g->n_wanted; i++) {
		const struct column *c = &columns[i];
		memcpy((char *)source + g->wanted[i].place, &c, sizeof c);
	}
}

/* ---- run ---------------------------------------------------------------------------------------------------- */

struct task {
	const struct group *group;
	const struct task_env *env;
	struct arena arena;
	struct day_map days;
	struct gold_facts facts;     /* daily groups */
	struct gold_tickets tickets; /* the tickets group */
	struct gold_clock clock;
	struct part_scan scan;
	struct store_sink sink;
};

static status visit_facts(void *arg, const struct batch *b, struct arena *scratch, struct err *err)
{
	struct task *t = arg;
	struct gold_source in = {.n = b->n_rows};
	place(t->group, b->columns, &in);
	task_progress(t->env, b->n_rows, 0);
	return gold_facts_add(&t->facts, &in, &t->days, scratch, err);
}

static status visit_tickets(void *arg, const struct batch *b, struct arena *scratch, struct err *err)
{
	struct task *t = arg;
	struct gold_ticket_source in = {.n = b->n_rows};
	place(t->group, b->columns, &in);
	task_progress(t->env, b->n_rows, 0);
	return gold_tickets_add(&t->tickets, &in, &t->clock, scratch, err);
}

static status scan(struct task *t, const struct task_spec *spec,
	status (*visit)(void *, const struct batch *, struct arena *, struct err *), struct err *err)
{
	const struct column_def *columns[PART_SCAN_COLUMNS_MAX];
	for (size_t i = 0; i < t->group->n_wanted; i++)
		columns[i] = &t->group->table->columns[t->group->wanted[i].column];
	t->scan = (struct part_scan){.env = t->env,
		.files = &spec->inputs,
		.columns = columns,
		.n_columns = t->group->n_wanted,
		.check_hash = t->group->check_hash,
		.visit = visit,
		.arg = t};
	const status code = part_scan(&t->scan, err);
	t->scan.columns = NULL;
	return code;
}

static status run_daily(struct task *t, const struct task_spec *spec, struct err *err)
{
	static const struct column any = {0};
	struct column all[PART_SCAN_COLUMNS_MAX];
	struct gold_source which = {0};
	struct gold_sink *sink = &t->sink.base;
	for (size_t i = 0; i < t->group->n_wanted; i++) all[i] = any;
	place(t->group, all, &which);
	TRY(gold_facts_init(&t->facts, &t->arena, (size_t)part_files_rows(&spec->inputs), &which, err));
	t->facts.as_of = t->env->run->as_of;
	TRY(scan(t, spec, visit_facts, err));
	TRY(gold_facts_rank(&t->facts, err));
	for (int i = 0; i < GROUP_KERNELS_MAX && t->group->kernels[i] != NULL; i++)
		TRY(t->group->kernels[i](&t->facts, sink, &t->arena, err));
	if (t->facts.closed == NULL || t->facts.tenant == NULL) return OK;
	/* the service group counts what the checks of the other groups are held to */
	int64_t in_range = 0;
	for (size_t i = 0; i < t->facts.n; i++) in_range += t->facts.created[i] <= sink->last_day;
	TRY(count(&t->sink, "tickets_in_range", "", in_range, err));
	return count(&t->sink, "tickets_open", "", gold_open_tickets(&t->facts, sink->last_day), err);
}

static status run_tickets(struct task *t, const struct task_spec *spec, struct err *err)
{
	const struct pqrs_config *config = t->env->config;
	char made_of[HEX_XXH128_CHARS + 1];
	if (spec->lo < DATE_MIN || spec->lo > DATE_MAX || date_month_start((int32_t)spec->lo) != spec->lo ||
		spec->hi != date_month_start((int32_t)spec->lo + 31))
		return fail(err, E_USAGE, "task %s: days [%lld, %lld) are no month", spec->task_id, (long long)spec->lo,
			(long long)spec->hi);
	t->clock = (struct gold_clock){&t->days, config->calendar, t->env->run->as_of};
	TRY(gold_tickets_init(&t->tickets, &t->arena, (size_t)part_files_rows(&spec->inputs), err));
	TRY(scan(t, spec, visit_tickets, err));
	if (spec->inputs.n == 1) {
		gold_made_of(t->env->run, &spec->inputs.items[0], t->tickets.by_as_of, made_of);
		t->sink.made_of = made_of;
	}
	return gold_tickets_write(&t->tickets, (int32_t)spec->lo, &t->sink.base, err);
}

static status run_task(struct task *t, const struct task_spec *spec, struct err *err)
{
	const struct pqrs_config *config = t->env->config;
	TRY(day_map_init(&t->days, config->tz, &t->arena, err));
	t->sink.base.last_day = day_map_date(&t->days, t->env->run->as_of);
	if (t->group->kernels[0] != NULL)
		TRY(run_daily(t, spec, err));
	else
		TRY(run_tickets(t, spec, err));
	TRY(count(&t->sink, "rows_in", "", t->scan.rows, err));
	TRY(count(&t->sink, "bytes_in", "", t->scan.bytes, err));
	return count_totals(&t->sink, err);
}

/* Rows are counted in 32 bits. */
static status rows_check(const struct task_spec *spec, struct err *err)
{
	int64_t rows = 0;
	for (size_t i = 0; i < spec->inputs.n; i++) {
		const struct file_ref *f = &spec->inputs.items[i];
		if (f->rows < 0 || f->rows > INT32_MAX - rows)
			return fail(err, E_USAGE, "task %s: %lld rows of %s, and up to there %lld: expected at most %d",
				spec->task_id, (long long)f->rows, f->path, (long long)rows, INT32_MAX);
		rows += f->rows;
	}
	return OK;
}

status pqrs_gold_run(const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	if (strcmp(spec->part, GOLD_PART_KEPT) == 0) return gold_kept_run(spec, out, err);
	struct task t = {.env = env, .sink = {.base = {.write = sink_write}, .env = env, .out = out}};
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
		if (strcmp(groups[i].part, spec->part) == 0) t.group = &groups[i];
	}
	if (t.group == NULL) return fail(err, E_USAGE, "gold has no table group \"%s\"", spec->part);
	if (env->run->as_of < DATE_MIN * US_PER_DAY || env->run->as_of >= (DATE_MAX + 1) * US_PER_DAY)
		return fail(err, E_USAGE, "task %s: gold needs the instant that the run describes", spec->task_id);
	TRY(rows_check(spec, err));
	TRY(history_column_init(&t.sink.history, spec, err));
	arena_init(&t.arena, 0);
	const status code = run_task(&t, spec, err);
	history_column_deinit(&t.sink.history);
	for (int i = 0; i < GOLD_TABLES_N; i++) {
		if (t.sink.writers[i] != NULL) parquet_writer_destroy(t.sink.writers[i]);
	}
	gold_facts_deinit(&t.facts);
	gold_tickets_deinit(&t.tickets);
	arena_deinit(&t.arena);
	return code;
}
