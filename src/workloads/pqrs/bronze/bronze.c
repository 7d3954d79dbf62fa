/* workloads/pqrs/bronze/bronze.c: raw lines to bronze files: one task.
 *
 *   object -> windows of lines -> event_next -> [repeat? conflict?] -> batch -> order -> Parquet part -> store
 *                                     |               |            of the objects of a month
 *                                     +-- rejects <---+
 *
 * Invariants: 1. every line that is no white space ends in exactly one of rows_out, duplicates, rejects; 2. what is
 * written of an object that ends in its part was hashed and compared before; 3. memory is bounded by one part, whatever
 * the size of an object; 4. a part is of one month, and ordered whatever the order of the objects; 5. buffers live as long
 * as the task.
 */
#include "workloads/pqrs/bronze/bronze.h"

#include <stdio.h>

#include "base/alloc.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/bronze/event.h"
#include "workloads/pqrs/bronze/event_order.h"
#include "flow/raw_read.h"
#include "flow/raw_tasks.h"
#include "workloads/pqrs/contract/raw_event.h"

enum {
	PART_BYTES = 96 << 20, /* raw bytes in one Parquet file: those of a task, whose days don't add up to its size */
	LINE_BYTES_GUESS = 256, /* to size the index: a little under the average line */
	SAMPLE_SHARE = 16,      /* of a part's bytes, after which its rows are expected to go on as they began */
};

struct tally {
	int64_t rows_out, duplicates, duplicate_members, blank_lines;
	int64_t deferred, ts_outside_day;
	int64_t types[EVENT_N], tolerated[TOLERATED_N];
	int64_t rejects[EVENT_CONFLICTING_DUPLICATE + 1][EVENT_DATA + 1];
};

struct bronze_task {
	const struct task_env *env;
	struct task_result *out;
	struct event_parser *parser;
	struct event_batch batch;
	struct event_index index;
	struct event_order order;
	struct raw_reader reader;
	struct raw_read read;
	struct parquet_writer *writer;
	struct tally tally;
	int64_t ts_max;     /* later events wait */
	int32_t month;      /* of the batch: its first UTC day */
	int64_t part_bytes; /* raw bytes in the batch */
	int64_t left_bytes; /* of the task's objects, when the part began */
	bool sampled;       /* the batch has room for what the part is expected to hold */
};

static status reject(struct bronze_task *t, struct event_reason reason, struct str raw, int64_t offset, struct err *err)
{
	char text[EVENT_REASON_BYTES];
	t->tally.rejects[reason.verdict][reason.field]++;
	return raw_read_reject(&t->read, event_reason_text(reason, text), raw, offset, err);
}

static void count_event(struct bronze_task *t, const struct event *ev)
{
	const int64_t ts = ev->num[BRONZE_TS];
	const struct raw_partition *p = &t->read.partition;
	const int64_t day_start = p->day * US_PER_DAY;
	t->tally.types[ev->type]++;
	t->tally.duplicate_members += ev->duplicate_members;
	for (uint64_t rest = ev->tolerated; rest != 0; rest &= rest - 1) t->tally.tolerated[__builtin_ctzll(rest)]++;
	t->tally.deferred += ts > t->ts_max;
	t->tally.ts_outside_day += !p->has_day || ts < day_start || ts >= day_start + US_PER_DAY;
}

static status take_valid(struct bronze_task *t, const struct event *ev, int64_t offset, struct err *err)
{
	enum event_seen seen;
	TRY(event_index_add(&t->index, &t->batch, ev, &seen, err));
	if (seen == EVENT_NEW) {
		count_event(t, ev);
		/* A row that is not there must not be in the index. */
		return event_batch_append(&t->batch, ev, t->read.line) ? OK : fail_nomem(err);
	}
	if (seen == EVENT_CONFLICT)
		return reject(t, (struct event_reason){EVENT_CONFLICTING_DUPLICATE, 0}, ev->line, offset, err);
	t->tally.duplicates++;
	return OK;
}

/* Write the batch as one file. */
static status part_write(struct bronze_task *t, struct err *err)
{
	struct column columns[BRONZE_N_COLUMNS];
	struct partition_month place;
	const uint8_t *p;
	size_t n;
	t->left_bytes -= t->part_bytes;
	t->part_bytes = 0;
	t->sampled = false;
	if (t->batch.n_rows == 0) return OK;
	TRY(event_batch_finish(&t->batch, columns, err));
	TRY(event_order_make(&t->order, &t->batch, err));
	const struct batch batch = {&pqrs_bronze_events, BRONZE_N_COLUMNS, columns, t->batch.n_rows};
	const struct parquet_rows rows = {t->order.rows, (uint32_t)t->batch.n_rows, t->order.cuts, t->order.n_cuts};
	parquet_writer_reset(t->writer);
	TRY(parquet_writer_row_group(t->writer, &batch, &rows, err));
	TRY(parquet_writer_finish(t->writer, &p, &n, err));
	t->tally.rows_out += t->batch.n_rows;
	const struct task_file file = {.table = "bronze.pqrs_events",
		.partition = partition_month_values(&place, t->month, t->env->run),
		.p = p,
		.n = n,
		.rows = t->batch.n_rows};
	event_batch_reset(&t->batch);
	return task_output(t->env, t->out, &file, err);
}

static status batch_origin(struct bronze_task *t, struct err *err)
{
	const struct raw_read *r = &t->read;
	return event_batch_origin(&t->batch, str_of(r->file->path), r->partition.source, r->partition.day, err);
}

/* A part is full and its object goes on. */
static status part_next(struct bronze_task *t, struct err *err)
{
	TRY(event_index_seal(&t->index, &t->batch, err));
	TRY(part_write(t, err));
	return batch_origin(t, err);
}

/* The first rows tell how much room all will take; growing by doubling copies each byte once more and touches twice the memory. */
static void part_expect(struct bronze_task *t)
{
	const int64_t whole = t->left_bytes < PART_BYTES ? t->left_bytes : PART_BYTES;
	if (t->sampled || t->part_bytes < whole / SAMPLE_SHARE || t->part_bytes == 0) return;
	t->sampled = true;
	event_batch_expect(&t->batch, (int64_t)((double)t->batch.n_rows * (double)whole / (double)t->part_bytes));
}

static status take_lines(void *ctx, const struct line_window *w, struct err *err)
{
	struct bronze_task *t = ctx;
	struct line_cursor c = {w->p, w->p + w->n, w->utf8_ok};
	struct event ev;
	while (c.p < c.limit) {
		const int64_t offset = w->offset + (c.p - w->p);
		const struct event_reason reason = event_next(t->parser, &c, &ev);
		t->read.line++;
		if (reason.verdict == EVENT_BLANK) {
			t->tally.blank_lines++;
			continue;
		}
		t->read.rows_in++;
		if (reason.verdict == EVENT_VALID)
			TRY(take_valid(t, &ev, offset, err));
		else
			TRY(reject(t, reason, ev.line, offset, err));
		t->part_bytes += (int64_t)ev.line.n + 1;
		if (t->part_bytes >= PART_BYTES) TRY(part_next(t, err));
	}
	part_expect(t);
	return event_parser_check(t->parser, err);
}

static status object_start(void *ctx, const struct file_ref *file, int64_t bytes, struct err *err)
{
	struct bronze_task *t = ctx;
	(void)file;
	TRY(batch_origin(t, err));
	return event_index_start(&t->index, t->batch.n_rows, bytes / LINE_BYTES_GUESS, err);
}

/* The events of one month go into one file. */
static status partition_start(void *ctx, const struct raw_partition *p, struct err *err)
{
	struct bronze_task *t = ctx;
	const int32_t month = date_month_start(p->day);
	if (month != t->month) TRY(part_write(t, err));
	t->month = month;
	return OK;
}

/* ---- counters ---- */

static status count(struct bronze_task *t, const char *name, int64_t value, struct err *err)
{
	return counter_add(&t->out->counters, name, value) ? OK : fail_nomem(err);
}

static const char *reason_text(int verdict, int field, char dst[RAW_REASON_BYTES])
{
	_Static_assert((int)EVENT_REASON_BYTES <= (int)RAW_REASON_BYTES, "a reason has room");
	return event_reason_text((struct event_reason){(enum event_verdict)verdict, field}, dst);
}

static status count_all(struct bronze_task *t, struct err *err)
{
	static const char *const types[EVENT_N] = {
		"events:TICKET_CREATED", "events:MESSAGE_ADDED", "events:STATUS_CHANGED", "events:ATTACHMENT_ADDED"};
	const struct tally *a = &t->tally;
	const struct raw_counts counts = {.rows_out = a->rows_out,
		.duplicates = a->duplicates,
		.blank_lines = a->blank_lines,
		.deferred = a->deferred,
		.ts_outside_day = a->ts_outside_day,
		.rejects = &a->rejects[0][0],
		.verdicts = EVENT_CONFLICTING_DUPLICATE + 1,
		.members = EVENT_DATA + 1,
		.too_long = EVENT_TOO_LONG,
		.reason = reason_text};
	TRY(count(t, "duplicate_members", a->duplicate_members, err));
	for (int i = 0; i < TOLERATED_N; i++) {
		char name[EVENT_REASON_BYTES];
		(void)snprintf(name, sizeof name, "tolerated:%s", event_tolerance_names[i]);
		if (a->tolerated[i] > 0) TRY(count(t, name, a->tolerated[i], err));
	}
	for (int i = 0; i < EVENT_N; i++) TRY(count(t, types[i], a->types[i], err));
	return raw_read_count(&t->read, &counts, err);
}

static status task_init(struct bronze_task *t, struct err *err)
{
	const struct pqrs_config *config = t->env->config;
	/* A simulation that goes on after as_of was told to. */
	t->ts_max = run_makes(t->env->run) ? INT64_MAX : t->env->run->as_of;
	event_batch_init(&t->batch);
	event_batch_reset(&t->batch);
	event_index_init(&t->index);
	event_order_init(&t->order);
	t->reader = (struct raw_reader){
		PQRS_RAW, "rejects.pqrs", config->line_bytes_max, t, partition_start, object_start, take_lines};
	TRY(raw_read_init(&t->read, &t->reader, t->env, t->out, err));
	TRY(event_parser_create(&t->parser, err));
	event_parser_set_zone(t->parser, config->tz);
	event_parser_set_line_max(t->parser, config->line_bytes_max);
	return parquet_writer_create(&pqrs_bronze_events, &config->parquet, &t->writer, err);
}

static void task_deinit(struct bronze_task *t)
{
	parquet_writer_destroy(t->writer);
	event_parser_destroy(t->parser);
	raw_read_deinit(&t->read);
	event_order_deinit(&t->order);
	event_index_deinit(&t->index);
	event_batch_deinit(&t->batch);
}

static status task_do(struct bronze_task *t, const struct file_list *inputs, struct err *err)
{
	TRY(task_init(t, err));
	for (size_t i = 0; i < inputs->n; i++) t->left_bytes += inputs->items[i].bytes;
	TRY(raw_read_run(&t->read, inputs, err));
	TRY(part_write(t, err));
	TRY(raw_read_finish(&t->read, err));
	return count_all(t, err);
}

status pqrs_bronze_run(
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

status pqrs_bronze_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	(void)inputs;
	return raw_tasks_plan(view, PQRS_RAW, out, err);
}

status pqrs_bronze_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	static const struct raw_tables tables = {PQRS_RAW, "bronze.pqrs_events", "rejects.pqrs"};
	const struct pqrs_config *config = view->config;
	return raw_tasks_check(view, &tables, config->quality.reject_rate_max, "events after as_of", out, err);
}
