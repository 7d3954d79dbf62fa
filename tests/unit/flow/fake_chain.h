/* tests/unit/flow/fake_chain.h: a workload that folds across runs. What each run does to each ticket stands in a script.
 *
 * Run s (its seed, from 1) accepts chain.accepted[s][t] events of ticket t, those of earlier runs included, and refuses
 * chain.refused[s][t]; it goes on from the newest run of a smaller seed. Each row stands once: a standing file that holds a row of a
 * ticket that the run touched goes, its other rows with the run's own into one new file of the month, and all other files are kept.
 */
#ifndef PQR_TESTS_FAKE_CHAIN_H
#define PQR_TESTS_FAKE_CHAIN_H

#include "fake_run.h"

#include "base/time.h"

enum { CHAIN_RUNS_MAX = 4, CHAIN_TICKETS = 12, CHAIN_MONTHS = 2, CHAIN_GROUP_ROWS = 7, CHAIN_EVENTS_MAX = 9 };

static struct {
	int accepted[CHAIN_RUNS_MAX + 1][CHAIN_TICKETS];
	int refused[CHAIN_RUNS_MAX + 1][CHAIN_TICKETS];
	char run_ids[CHAIN_RUNS_MAX + 1][UUID_CHARS + 1]; /* of those run so far, by seed */
	bool published[CHAIN_RUNS_MAX + 1];
	int before_run; /* called once when a task of this run's silver starts; 0 = never */
	status (*before)(struct err *err);
	void (*gold)(void); /* called when a task of gold starts; NULL = nothing */
} chain;

static const struct column_def chain_event_columns[] = {
	{.name = "event_id", .type = COL_STRING, .key = true, .id = true, .description = "event"},
	{.name = "judged", .type = COL_INT64, .description = "seed of the run that did"},
	{.name = "ticket_id", .type = COL_STRING, .id = true, .description = "ticket"},
	{.name = "day", .type = COL_DATE, .nullable = true, .description = "a day"},
	{.name = "price", .type = COL_DECIMAL, .precision = 9, .scale = 2, .description = "price"},
	{.name = "note", .type = COL_STRING, .nullable = true, .description = "one of few texts"},
	{.name = "month", .type = COL_STRING, .partition = true, .description = "month"},
	{.name = "run_id", .type = COL_STRING, .partition = true, .description = "run"},
};
static const struct column_def chain_refused_columns[] = {
	{.name = "ticket_id", .type = COL_STRING, .id = true, .description = "ticket"},
	{.name = "line", .type = COL_INT64, .key = true, .description = "line"},
	{.name = "month", .type = COL_STRING, .partition = true, .description = "month"},
	{.name = "run_id", .type = COL_STRING, .partition = true, .description = "run"},
};
#define CHAIN_EVENTS(table_layer, table_name)                                                                         \
	{                                                                                                             \
		.name = table_name, .layer = table_layer, .contract = "fake/v1", .description = "accepted",           \
		.columns = chain_event_columns, .n_columns = sizeof chain_event_columns / sizeof *chain_event_columns \
	}
static const struct table_schema chain_events = CHAIN_EVENTS("silver", "events");
static const struct table_schema chain_core_events = CHAIN_EVENTS("core", "events");
static const struct table_schema chain_refused = {.name = "refused",
	.layer = "silver",
	.contract = "fake/v1",
	.description = "refused",
	.columns = chain_refused_columns,
	.n_columns = sizeof chain_refused_columns / sizeof *chain_refused_columns};
static const struct table_schema *const chain_tables[] = {&chain_events, &chain_refused, &fake_daily};
static const struct workload_mirror chain_mirrors[] = {
	{.schema = &chain_core_events, .source = "silver.events"},
};

/* ---- the rows ------------------------------------------------------------------------------------------------------ */

/* Event e of ticket t as run `run` judged it. Ids of tickets have no order of rows in common. */
struct chain_row {
	char event_id[40], ticket_id[40];
	int64_t judged, price;
	int32_t day;
	const char *note; /* NULL = null, and the day too */
	int month;        /* from 0 */
};
static inline struct chain_row chain_row(int run, int t, int e)
{
	static const char *const notes[] = {"yes", "", NULL};
	struct chain_row r = {.judged = run, .price = 100 * e + t, .day = 20000 + e, .note = notes[(e + t) % 3]};
	(void)snprintf(r.event_id, sizeof r.event_id, "%08d-0000-4000-8000-%012d", e, t);
	(void)snprintf(r.ticket_id, sizeof r.ticket_id, "%08d-1111-4111-8111-%012d", (t * 7 + 3) % 100, t);
	r.month = (e + t) % CHAIN_MONTHS;
	return r;
}

/* The newest run up to `run` that touched ticket t; 0: none. */
static inline int chain_newest(int run, int t)
{
	while (run > 0 && chain.accepted[run][t] == 0 && chain.refused[run][t] == 0) run--;
	return run;
}

/* Has ticket t a row in that month after run `run`? */
static inline bool chain_has_rows(bool events, int run, int month, int t)
{
	const int by = chain_newest(run, t);
	const int n = by == 0 ? 0 : events ? chain.accepted[by][t] : chain.refused[by][t];
	return n >= 2 || (n == 1 && t % CHAIN_MONTHS == month);
}

/* Whose file of the month holds each ticket's rows after run `run`; 0: it has none. */
static inline void chain_holders(bool events, int run, int month, int holder[CHAIN_TICKETS])
{
	memset(holder, 0, CHAIN_TICKETS * sizeof *holder);
	for (int r = 1; r <= run; r++) {
		bool goes[CHAIN_RUNS_MAX + 1] = {false};
		if (chain.run_ids[r][0] == '\0' && r < run) continue; /* never run */
		for (int t = 0; t < CHAIN_TICKETS; t++) goes[holder[t]] |= chain_newest(r, t) == r;
		for (int t = 0; t < CHAIN_TICKETS; t++) {
			if (chain_newest(r, t) == r || (holder[t] > 0 && goes[holder[t]]))
				holder[t] = chain_has_rows(events, r, month, t) ? r : 0;
		}
	}
}

struct chain_writer {
	const struct table_schema *schema;
	struct builder b[8];
	struct column columns[8];
	struct parquet_writer *w;
	int64_t rows;
	size_t n_columns;
};

static inline status chain_put(
	const struct task_env *env, struct chain_writer *x, int64_t month, struct task_result *out, struct err *err)
{
	const uint8_t *p = NULL;
	size_t n = 0;
	char text[32];
	const struct batch batch = {
		.schema = x->schema, .n_columns = x->n_columns, .columns = x->columns, .n_rows = x->rows};
	uint32_t rows[CHAIN_TICKETS * CHAIN_EVENTS_MAX];
	for (uint32_t i = 0; i < x->rows; i++) rows[i] = i;
	for (size_t i = 0; i < x->n_columns; i++) TRY(builder_finish(&x->b[i], x->rows, &x->columns[i], err));
	for (uint32_t at = 0; at < x->rows; at += CHAIN_GROUP_ROWS) {
		const uint32_t left = (uint32_t)x->rows - at;
		const struct parquet_rows part = {
			.rows = rows + at, .n = left < CHAIN_GROUP_ROWS ? left : CHAIN_GROUP_ROWS};
		TRY(parquet_writer_row_group(x->w, &batch, &part, err));
	}
	TRY(parquet_writer_finish(x->w, &p, &n, err));
	(void)snprintf(text, sizeof text, "2025-0%lld", (long long)month + 1);
	const struct delta_pair values[2] = {{STR("month"), str_of(text)}, {STR("run_id"), str_of(env->run->run_id)}};
	const struct task_file file = {.table = x->schema == &chain_events ? "silver.events" : "silver.refused",
		.partition = {values, 2},
		.p = p,
		.n = n,
		.rows = x->rows};
	return task_output(env, out, &file, err);
}

static inline void chain_add_event(struct chain_writer *x, const struct chain_row *r)
{
	const int64_t row = x->rows++;
	builder_set_str(&x->b[0], row, str_of(r->event_id));
	builder_set_i64(&x->b[1], row, r->judged);
	builder_set_str(&x->b[2], row, str_of(r->ticket_id));
	builder_set_i64(&x->b[4], row, r->price);
	if (r->note == NULL) return;
	builder_set_i32(&x->b[3], row, r->day);
	builder_set_str(&x->b[5], row, str_of(r->note));
}

/* Rows of all tickets take turns, so that a row group has of each kind. */
static inline void chain_fill(struct chain_writer *x, int run, int month)
{
	const bool events = x->schema == &chain_events;
	int holder[CHAIN_TICKETS];
	chain_holders(events, run, month, holder);
	for (int e = 0; e < CHAIN_EVENTS_MAX; e++) {
		for (int t = 0; t < CHAIN_TICKETS; t++) {
			const int by = holder[t] == run ? chain_newest(run, t) : 0;
			const struct chain_row r = chain_row(by, t, e);
			const int n = events ? chain.accepted[by][t] : chain.refused[by][t];
			if (e >= n || r.month != month) continue;
			if (events) {
				chain_add_event(x, &r);
				continue;
			}
			builder_set_str(&x->b[0], x->rows, str_of(r.ticket_id));
			builder_set_i64(&x->b[1], x->rows++, e);
		}
	}
}

static status chain_table(const struct task_env *env, const struct table_schema *schema, int64_t month,
	struct task_result *out, struct err *err)
{
	struct chain_writer x = {.schema = schema, .n_columns = schema_n_data_columns(schema)};
	const struct parquet_opts opts = {.codec = PARQUET_ZSTD, .level = 1};
	TRY(parquet_writer_create(schema, &opts, &x.w, err));
	for (size_t i = 0; i < x.n_columns; i++) builder_init(&x.b[i], &schema->columns[i], false);
	chain_fill(&x, (int)made_days_seed(env->run), (int)month);
	const status code = x.rows > 0 ? chain_put(env, &x, month, out, err) : OK;
	for (size_t i = 0; i < x.n_columns; i++) builder_deinit(&x.b[i]);
	parquet_writer_destroy(x.w);
	return code;
}

/* Of the files that stand in that month those that hold nothing of a touched ticket. */
static inline status chain_keep(const struct task_env *env, const struct task_spec *spec, bool events, int64_t month,
	struct task_result *out, struct err *err)
{
	char text[32];
	int before[CHAIN_TICKETS];
	const int run = (int)made_days_seed(env->run);
	chain_holders(events, run - 1, (int)month, before);
	(void)snprintf(text, sizeof text, "2025-0%lld", (long long)month + 1);
	for (size_t i = 0; i < spec->standing.n; i++) {
		const struct file_ref *f = &spec->standing.items[i];
		struct str run_id, of_month;
		bool touched = false;
		if (strcmp(f->table, events ? "silver.events" : "silver.refused") != 0) continue;
		TRY(file_ref_value(f, "month", &of_month, err));
		TRY(file_ref_value(f, "run_id", &run_id, err));
		if (!str_is(of_month, text)) continue;
		for (int t = 0; t < CHAIN_TICKETS; t++)
			touched |= before[t] > 0 && str_is(run_id, chain.run_ids[before[t]]) &&
				   chain_newest(run, t) == run;
		if (!touched) TRY(task_output_keep(out, f, err));
	}
	return OK;
}

/* ---- the workload -------------------------------------------------------------------------------------------------- */

static status chain_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	const struct file_list *from = &view->files[view->n_stages - 1];
	const char *stage = view->n_stages == 1 ? "fold" : "gold";
	(void)inputs;
	for (int64_t i = 0; i < (view->n_stages == 1 ? CHAIN_MONTHS : 1); i++) {
		struct task_spec *t = task_list_add(out);
		if (t == NULL || (from->n > 0 && !file_list_add(&t->inputs, &from->items[0])))
			return fail(err, E_NOMEM, "plan");
		t->stage = stage;
		t->task_id = arena_printf(out->arena, "%s-%04lld", stage, (long long)i);
		t->lo = i;
	}
	return OK;
}

static status chain_silver_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	if (spec->lo == 0 && chain.before != NULL && chain.before_run == (int)made_days_seed(env->run)) {
		status (*before)(struct err * err) = chain.before;
		chain.before = NULL;
		TRY(before(err));
	}
	TRY(chain_keep(env, spec, true, spec->lo, out, err));
	TRY(chain_keep(env, spec, false, spec->lo, out, err));
	TRY(chain_table(env, &chain_events, spec->lo, out, err));
	TRY(chain_table(env, &chain_refused, spec->lo, out, err));
	return fake_count(out, FAKE_ROWS, FAKE_ROWS, err);
}

static status chain_gold_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	if (chain.gold != NULL) chain.gold();
	TRY(fake_table(env, spec, true, out, err));
	return fake_count(out, FAKE_ROWS, 1, err);
}

static enum continues chain_continues(const void *config, const struct run_info *run, const struct run_info *earlier)
{
	(void)config;
	return earlier == NULL || made_days_seed(earlier) < made_days_seed(run) ? CONTINUES_ANY : CONTINUES_NOT;
}

static bool chain_mirrors_on(const void *config)
{
	(void)config;
	return true;
}

static const struct stage_def chain_stages[] = {
	{.name = "raw", .plan = fake_raw_plan, .run = fake_raw_run, .check = NULL},
	{.name = "fold", .plan = chain_plan, .run = chain_silver_run, .check = NULL, .layer = "silver"},
	{.name = "gold", .plan = chain_plan, .run = chain_gold_run, .check = NULL},
};
static const struct workload chain_workload = {
	.name = "chain",
	.stages = chain_stages,
	.n_stages = 3,
	.tables = chain_tables,
	.n_tables = 3,
	.config_open = fake_config_open,
	.config_close = fake_config_close,
	.making = FAKE_MAKING,
	.mirrors = chain_mirrors,
	.n_mirrors = 1,
	.mirrors_on = chain_mirrors_on,
	.folding = {.stage = "fold",
		.events = "silver.events",
		.claims = "silver.events",
		.continues = chain_continues},
};

/* ---- runs ---------------------------------------------------------------------------------------------------------- */

static inline struct run_opts chain_options(const struct lake *l, int run)
{
	static const char *const seeds[CHAIN_RUNS_MAX + 1] = {"0", "1", "2", "3", "4"};
	struct run_opts o = options(l);
	o.workload = &chain_workload;
	o.params = fake_told("seed", seeds[run]);
	return o;
}

static inline status chain_run_try(struct lake *l, int run, bool publish)
{
	struct run_report r;
	struct run_opts o = chain_options(l, run);
	o.publish = publish;
	run_report_init(&r);
	const status code = flow_run(&o, &r, &l->err);
	memcpy(chain.run_ids[run], r.run_id, sizeof chain.run_ids[run]);
	chain.published[run] |= publish && code == OK;
	run_report_deinit(&r);
	return code;
}

static inline void chain_run(struct lake *l, int run)
{
	CHECK_OK(&l->err, chain_run_try(l, run, true));
}

/* All but the publishing. */
static inline void chain_write(struct lake *l, int run)
{
	CHECK_OK(&l->err, chain_run_try(l, run, false));
}

static inline status chain_publish_try(struct lake *l, int run)
{
	struct run_opts o = chain_options(l, run);
	o.only = "publish";
	const status code = run_plain(l, &o);
	chain.published[run] |= code == OK;
	return code;
}

static inline void chain_publish(struct lake *l, int run)
{
	CHECK_OK(&l->err, chain_publish_try(l, run));
}

/* The run that the row names which run `by` judged: whose file held it when it was published first. */
static inline int chain_named(int by, int run, int month, int t)
{
	int holder[CHAIN_TICKETS];
	while (by < run && !chain.published[by]) by++;
	chain_holders(true, by, month, holder);
	return holder[t];
}

/* Every row as text, in the order of event ids, from the script alone; n: how many. */
static inline int64_t chain_expected(struct buf *out, int run)
{
	int64_t n = 0;
	for (int e = 0; e < CHAIN_EVENTS_MAX; e++) {
		for (int t = 0; t < CHAIN_TICKETS; t++) {
			const int by = chain_newest(run, t);
			if (by == 0 || e >= chain.accepted[by][t]) continue;
			const struct chain_row r = chain_row(by, t, e);
			char day[DATE_CHARS + 1] = "";
			if (r.note != NULL) date_format(r.day, day);
			day[r.note != NULL ? DATE_CHARS : 0] = '\0';
			buf_printf(out, "%s|%lld|%s|%s|%lld|%s|2025-0%d|%s\n", r.event_id, (long long)r.judged,
				r.ticket_id, r.note != NULL ? day : "-", (long long)r.price,
				r.note != NULL ? r.note : "-", r.month + 1,
				chain.run_ids[chain_named(by, run, r.month, t)]);
			n++;
		}
	}
	buf_char(out, '\0');
	return n;
}

/* The serving table shows the picture as of this run. */
static inline void chain_is(struct lake *l, int run)
{
	struct buf want;
	buf_init(&want, 0);
	(void)chain_expected(&want, run);
	lake_query_is(l,
		"SELECT event_id, judged, ticket_id, coalesce(CAST(day AS TEXT), '-'), CAST(round(price * 100) AS "
		"INTEGER), coalesce(note, '-'), month, run_id FROM core.events ORDER BY event_id, judged",
		(const char *)want.p);
	buf_deinit(&want);
}

/* Tickets of every kind: what runs 1, 2 and 3 accept and refuse. */
static inline void chain_three_runs(void)
{
	static const int script[][2][3] = {
		{{2, 0, 0}, {0, 0, 0}},                                                 /* the first run alone */
		{{0, 3, 0}, {0, 0, 0}}, {{0, 0, 1}, {0, 0, 0}}, {{2, 4, 0}, {0, 0, 0}}, /* judged anew */
		{{1, 2, 3}, {0, 0, 0}}, {{2, 0, 5}, {0, 0, 0}},
		{{2, 0, 0}, {0, 3, 0}},                         /* refused by a later run: gone */
		{{0, 2, 0}, {0, 0, 2}}, {{3, 0, 1}, {0, 3, 2}}, /* refused, and some of it accepted again */
		{{3, 0, 0}, {1, 0, 0}},                         /* a refused event beside accepted ones */
		{{4, 2, 0}, {0, 2, 0}},                         /* half of it refused */
		{{0, 0, 0}, {2, 0, 1}},                         /* never accepted */
	};
	memset(&chain, 0, sizeof chain);
	for (int t = 0; t < CHAIN_TICKETS; t++) {
		for (int run = 1; run <= 3; run++) {
			chain.accepted[run][t] = script[t][0][run - 1];
			chain.refused[run][t] = script[t][1][run - 1];
		}
	}
}

/* Run after run, each published, and again, and an earlier one once more: it has nothing to do. */
static inline void chain_scenario(struct lake *l)
{
	chain_three_runs();
	for (int run = 1; run <= 3; run++) {
		chain_run(l, run);
		chain_is(l, run);
		chain_publish(l, run);
		chain_is(l, run);
	}
	chain_publish(l, 2);
	chain_is(l, 3);
	chain_publish(l, 3);
	chain_is(l, 3);
}

#endif
