/* workloads/clickstream/bronze.c: raw lines to bronze files, one a task and UTC day.
 *
 *   object -> windows of lines (flow/raw_read) -> clickstream_next -> builders -> Parquet part -> store
 *                                                     +-- rejects
 *
 * Every line that is no white space is a row or a reject; repeats are silver's matter, where all runs' events meet.
 */
#include "base/alloc.h"
#include "columnar/batch.h"
#include "flow/raw_read.h"
#include "flow/raw_tasks.h"
#include "workloads/clickstream/config.h"
#include "workloads/clickstream/event.h"
#include "workloads/clickstream/raw.h"
#include "workloads/clickstream/streamed.h"

enum { PART_ROWS = 1 << 20 };

struct bronze_task {
	const struct task_env *env;
	struct task_result *out;
	struct clickstream_parser parser;
	struct raw_reader reader;
	struct raw_read read;
	struct parquet_writer *writer;
	struct builder columns[BRONZE_COLUMNS];
	int32_t type_index[CLICK_TYPES], source_index[CLICK_SOURCES]; /* in the dictionaries, + 1; 0: not yet */
	int64_t n;
	int32_t date; /* of the rows */
	int64_t rows_out, blank, outside, deferred;
	int64_t rejects[CLICK_VERDICTS][MEMBERS];
};

static void columns_reset(struct bronze_task *t)
{
	for (int c = 0; c < BRONZE_COLUMNS; c++) builder_reset(&t->columns[c]);
	memset(t->type_index, 0, sizeof t->type_index);
	memset(t->source_index, 0, sizeof t->source_index);
	t->n = 0;
}

static status part_write(struct bronze_task *t, struct err *err)
{
	struct column columns[BRONZE_COLUMNS];
	struct clickstream_date place;
	const uint8_t *p;
	size_t n;
	if (t->n == 0) return OK;
	for (int c = 0; c < BRONZE_COLUMNS; c++) TRY(builder_finish(&t->columns[c], t->n, &columns[c], err));
	const struct batch batch = {&clickstream_bronze_events, BRONZE_COLUMNS, columns, t->n};
	const struct parquet_rows all = {.n = (uint32_t)t->n};
	parquet_writer_reset(t->writer);
	TRY(parquet_writer_row_group(t->writer, &batch, &all, err));
	TRY(parquet_writer_finish(t->writer, &p, &n, err));
	const struct task_file file = {.table = CLICK_BRONZE,
		.partition = clickstream_date_values(&place, t->date, t->env->run),
		.p = p,
		.n = n,
		.rows = t->n};
	t->rows_out += t->n;
	columns_reset(t);
	return task_output(t->env, t->out, &file, err);
}

/* A word of few: interned once a part. */
static void set_word(struct builder *b, int64_t row, int32_t *index, const char *word)
{
	if (*index == 0) *index = builder_intern(b, str_of(word)) + 1;
	if (*index > 0) builder_set_i32(b, row, *index - 1);
}

static status take_event(struct bronze_task *t, const struct clickstream_event *ev, struct err *err)
{
	const int64_t row = t->n++;
	struct builder *c = t->columns;
	t->outside += !t->read.partition.has_day || time_utc_date(ev->ts) != t->date;
	t->deferred += ev->ts > t->env->run->as_of;
	builder_set_str(&c[EVENTS_ID], row, (struct str){ev->id, sizeof ev->id});
	builder_set_i64(&c[EVENTS_USER], row, ev->user);
	set_word(&c[EVENTS_TYPE], row, &t->type_index[ev->type], clickstream_type_names[ev->type]);
	builder_set_str(&c[EVENTS_PAGE], row, ev->page);
	builder_set_i64(&c[EVENTS_TIMESTAMP], row, ev->ts);
	set_word(&c[EVENTS_SOURCE], row, &t->source_index[ev->source], clickstream_source_names[ev->source]);
	if (ev->extra.n > 0) builder_set_str(&c[EVENTS_EXTRA], row, ev->extra);
	return t->n == PART_ROWS ? part_write(t, err) : OK;
}

static status take_lines(void *ctx, const struct line_window *w, struct err *err)
{
	struct bronze_task *t = ctx;
	struct line_cursor c = {w->p, w->p + w->n, w->utf8_ok};
	struct clickstream_event ev;
	while (c.p < c.limit) {
		const int64_t offset = w->offset + (c.p - w->p);
		const struct clickstream_reason reason = clickstream_next(&t->parser, &c, &ev);
		t->read.line++;
		t->blank += reason.verdict == CLICK_BLANK;
		if (reason.verdict == CLICK_BLANK) continue;
		t->read.rows_in++;
		if (reason.verdict == CLICK_VALID) {
			TRY(take_event(t, &ev, err));
			continue;
		}
		char text[CLICK_REASON_BYTES];
		t->rejects[reason.verdict][reason.member]++;
		TRY(raw_read_reject(&t->read, clickstream_reason_text(reason, text), ev.line, offset, err));
	}
	return clickstream_parser_check(&t->parser, err);
}

static status partition_start(void *ctx, const struct raw_partition *p, struct err *err)
{
	struct bronze_task *t = ctx;
	if (p->day != t->date) TRY(part_write(t, err));
	t->date = p->day;
	return OK;
}

/* ---- counters ---------------------------------------------------------------------------------------------------------- */

static const char *reason_text(int verdict, int member, char dst[RAW_REASON_BYTES])
{
	_Static_assert((int)CLICK_REASON_BYTES <= (int)RAW_REASON_BYTES, "a reason has room");
	return clickstream_reason_text((struct clickstream_reason){(enum clickstream_verdict)verdict, member}, dst);
}

static status count_all(struct bronze_task *t, struct err *err)
{
	const struct raw_counts counts = {.rows_out = t->rows_out,
		.blank_lines = t->blank,
		.deferred = t->deferred,
		.ts_outside_day = t->outside,
		.rejects = &t->rejects[0][0],
		.verdicts = CLICK_VERDICTS,
		.members = MEMBERS,
		.too_long = CLICK_TOO_LONG,
		.reason = reason_text};
	return raw_read_count(&t->read, &counts, err);
}

/* ---- the task ---------------------------------------------------------------------------------------------------------- */

static status task_init(struct bronze_task *t, struct err *err)
{
	const struct common_config *c = &((const struct clickstream_config *)t->env->config)->common;
	for (int i = 0; i < BRONZE_COLUMNS; i++) {
		const bool words = i == EVENTS_TYPE || i == EVENTS_PAGE || i == EVENTS_SOURCE;
		builder_init(&t->columns[i], &clickstream_bronze_events.columns[i], words);
	}
	clickstream_parser_init(&t->parser, c->line_bytes_max);
	t->reader =
		(struct raw_reader){CLICK_RAW, CLICK_REJECTS, c->line_bytes_max, t, partition_start, NULL, take_lines};
	TRY(raw_read_init(&t->read, &t->reader, t->env, t->out, err));
	return parquet_writer_create(&clickstream_bronze_events, &c->parquet, &t->writer, err);
}

static void task_deinit(struct bronze_task *t)
{
	parquet_writer_destroy(t->writer);
	raw_read_deinit(&t->read);
	clickstream_parser_deinit(&t->parser);
	for (int i = 0; i < BRONZE_COLUMNS; i++) builder_deinit(&t->columns[i]);
}

static status task_do(struct bronze_task *t, const struct file_list *inputs, struct err *err)
{
	TRY(task_init(t, err));
	TRY(raw_read_run(&t->read, inputs, err));
	TRY(part_write(t, err));
	TRY(raw_read_finish(&t->read, err));
	return count_all(t, err);
}

status clickstream_bronze_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	ASSERT(env->config != NULL && env->lake != NULL);
	struct bronze_task *t = mem_zalloc(1, sizeof *t);
	if (t == NULL) return fail_nomem(err);
	t->env = env;
	t->out = out;
	const status code = task_do(t, &spec->inputs, err);
	task_deinit(t);
	mem_free(t);
	return code;
}

status clickstream_bronze_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	(void)inputs;
	return raw_tasks_plan(view, CLICK_RAW, out, err);
}

status clickstream_bronze_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	static const struct raw_tables tables = {CLICK_RAW, CLICK_BRONZE, CLICK_REJECTS};
	const struct clickstream_config *c = view->config;
	if (clickstream_streamed(&view->files[0])) return clickstream_streamed_check(view, out, err);
	return raw_tasks_check(view, &tables, c->common.reject_rate_max, "events after as_of", out, err);
}
