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
#include "base/thread.h"
#include "workloads/pqrs/bronze/bronze_int.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/bronze/event.h"
#include "workloads/pqrs/bronze/event_order.h"
#include "io/lines.h"
#include "flow/rejects.h"

enum {
	PART_BYTES = 96 << 20, /* raw bytes in one Parquet file: those of a task, whose days don't add up to its size */
	LINE_BYTES_GUESS = 256, /* to size the index: a little under the average line */
};

struct tally {
	int64_t rows_in, rows_out, bytes_in, duplicates, duplicate_members, blank_lines;
	int64_t deferred, ts_outside_day, objects_verified;
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
	struct lines lines;
	struct rejects rejects;
	struct parquet_writer *writer;
	struct tally tally;
	int64_t ts_max; /* later events wait */
	/* the object at hand */
	const struct file_ref *file;
	struct line_source source;
	struct bronze_partition partition;
	struct pqrs_day place;
	struct delta_pairs values;     /* of its rejects; view place */
	int64_t line;                  /* lines of the object so far, blank ones included */
	int32_t month;                 /* of the batch: its first UTC day */
	int64_t part_bytes;            /* raw bytes in the batch */
	int64_t piece_at, piece_bytes; /* the long line being read */
};

static status reject(struct bronze_task *t, struct event_reason reason, struct str raw, int64_t offset, struct err *err)
{
	char text[EVENT_REASON_BYTES];
	const struct reject why = {t->file->path, t->line, offset, event_reason_text(reason, text)};
	t->tally.rejects[reason.verdict][reason.field]++;
	return rejects_add(&t->rejects, &why, raw, err);
}

static void count_event(struct bronze_task *t, const struct event *ev)
{
	const int64_t ts = ev->num[BRONZE_TS];
	const int64_t day_start = t->partition.day * US_PER_DAY;
	t->tally.types[ev->type]++;
	t->tally.duplicate_members += ev->duplicate_members;
	for (uint64_t rest = ev->tolerated; rest != 0; rest &= rest - 1) t->tally.tolerated[__builtin_ctzll(rest)]++;
	t->tally.deferred += ts > t->ts_max;
	t->tally.ts_outside_day += !t->partition.has_day || ts < day_start || ts >= day_start + US_PER_DAY;
}

static status take_valid(struct bronze_task *t, const struct event *ev, int64_t offset, struct err *err)
{
	enum event_seen seen;
	TRY(event_index_add(&t->index, &t->batch, ev, &seen, err));
	if (seen == EVENT_NEW) {
		count_event(t, ev);
		/* A row that is not there must not be in the index. */
		return event_batch_append(&t->batch, ev, t->line) ? OK : fail_nomem(err);
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
	struct pqrs_month place;
	const uint8_t *p;
	size_t n;
	t->part_bytes = 0;
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
		.partition = pqrs_month_values(&place, t->month, t->env->run),
		.p = p,
		.n = n,
		.rows = t->batch.n_rows};
	event_batch_reset(&t->batch);
	return task_output(t->env, t->out, &file, err);
}

static status batch_origin(struct bronze_task *t, struct err *err)
{
	return event_batch_origin(&t->batch, str_of(t->file->path), t->partition.source, t->partition.day, err);
}

/* A part is full and its object goes on. */
static status part_next(struct bronze_task *t, struct err *err)
{
	TRY(event_index_seal(&t->index, &t->batch, err));
	TRY(part_write(t, err));
	return batch_origin(t, err);
}

static status take_lines(struct bronze_task *t, const struct line_window *w, struct err *err)
{
	struct event_cursor c = {w->p, w->p + w->n, w->utf8_ok};
	struct event ev;
	const int64_t lines_before = t->tally.rows_in;
	while (c.p < c.limit) {
		const int64_t offset = w->offset + (c.p - w->p);
		const struct event_reason reason = event_next(t->parser, &c, &ev);
		t->line++;
		if (reason.verdict == EVENT_BLANK) {
			t->tally.blank_lines++;
			continue;
		}
		t->tally.rows_in++;
		if (reason.verdict == EVENT_VALID)
			TRY(take_valid(t, &ev, offset, err));
		else
			TRY(reject(t, reason, ev.line, offset, err));
		t->part_bytes += (int64_t)ev.line.n + 1;
		if (t->part_bytes >= PART_BYTES) TRY(part_next(t, err));
	}
	TRY(event_parser_check(t->parser, err));
	task_progress(t->env, t->tally.rows_in - lines_before, (int64_t)w->n);
	return OK;
}

/* Part of a line that is too long, wherever it ends. */
static status take_piece(struct bronze_task *t, const struct line_window *w, struct err *err)
{
	if (t->piece_bytes == 0) t->piece_at = w->offset;
	t->piece_bytes += (int64_t)w->n;
	task_progress(t->env, w->piece_end, (int64_t)w->n);
	if (!w->piece_end) return OK;
	char text[EVENT_REASON_BYTES];
	const struct event_reason reason = {EVENT_TOO_LONG, 0};
	const int64_t n = t->piece_bytes - (w->n > 0 && w->p[w->n - 1] == '\n');
	t->line++;
	t->tally.rows_in++;
	t->tally.rejects[EVENT_TOO_LONG][0]++;
	t->piece_bytes = 0;
	const struct reject why = {t->file->path, t->line, t->piece_at, event_reason_text(reason, text)};
	return rejects_add_range(&t->rejects, &why, &t->source, n, err);
}

static status object_verify(struct bronze_task *t, struct err *err)
{
	uint8_t hash[XXH128_BYTES];
	char found[HEX_XXH128_CHARS + 1], landed[HEX_XXH128_CHARS + 1];
	lines_hash(&t->lines, hash, NULL);
	if (memcmp(hash, t->file->xxh128, sizeof hash) == 0) {
		t->tally.objects_verified++;
		return OK;
	}
	hex_encode(hash, sizeof hash, found);
	hex_encode(t->file->xxh128, sizeof hash, landed);
	const status code = fail(
		err, E_VERIFY, "the raw object changed after it was landed: XXH3-128 was %s, is %s", landed, found);
	return err_at(err, code, t->file->path, -1, -1);
}

static status object_lines(struct bronze_task *t, struct err *err)
{
	struct line_window w;
	TRY(lines_start(&t->lines, &t->source, false, err));
	for (;;) {
		TRY(cancel_check(err));
		TRY(lines_next(&t->lines, &w, err));
		if (w.n == 0) break;
		if (w.piece)
			TRY(take_piece(t, &w, err));
		else
			TRY(take_lines(t, &w, err));
	}
	t->tally.bytes_in += t->source.bytes;
	return object_verify(t, err);
}

static status object_run(struct bronze_task *t, const struct file_ref *file, struct err *err)
{
	struct store_object *object = NULL;
	t->file = file;
	t->line = t->piece_bytes = 0;
	TRY(store_object_open(t->env->lake, file->path, &object, err));
	t->source = lines_source_of_object(object);
	status code = batch_origin(t, err);
	if (code == OK) code = event_index_start(&t->index, t->batch.n_rows, t->source.bytes / LINE_BYTES_GUESS, err);
	if (code == OK) code = object_lines(t, err);
	store_object_close(object);
	return code == OK ? OK : err_at(err, code, file->path, -1, -1);
}

/* The rejects of one partition go into one file, the events of one month. */
static status partition_start(struct bronze_task *t, const struct bronze_partition *p, struct err *err)
{
	TRY(rejects_close(&t->rejects, t->out, err));
	const int32_t month = date_month_start(p->day);
	if (month != t->month) TRY(part_write(t, err));
	t->month = month;
	t->partition = *p;
	t->values = pqrs_day_values(&t->place, p->source, p->day_text, t->env->run);
	return rejects_start(&t->rejects, "rejects.pqrs", &t->values, err);
}

static status objects_run(struct bronze_task *t, const struct task_spec *spec, struct err *err)
{
	for (size_t i = 0; i < spec->inputs.n; i++) {
		struct bronze_partition p;
		TRY(bronze_partition_of(&spec->inputs.items[i], &p, err));
		if (i == 0 || !bronze_partition_eq(&p, &t->partition)) TRY(partition_start(t, &p, err));
		task_ahead(t->env, spec->inputs.items, spec->inputs.n, i);
		TRY(object_run(t, &spec->inputs.items[i], err));
	}
	TRY(part_write(t, err));
	return rejects_close(&t->rejects, t->out, err);
}

/* ---- counters ---- */

static status count(struct bronze_task *t, const char *name, int64_t value, struct err *err)
{
	return counter_add(&t->out->counters, name, value) ? OK : fail_nomem(err);
}

static status count_rejects(struct bronze_task *t, struct err *err)
{
	int64_t all = 0;
	for (int verdict = EVENT_TOO_LONG; verdict <= EVENT_CONFLICTING_DUPLICATE; verdict++) {
		for (int field = 0; field <= EVENT_DATA; field++) {
			char text[EVENT_REASON_BYTES], name[EVENT_REASON_BYTES + 8];
			const int64_t n = t->tally.rejects[verdict][field];
			if (n == 0) continue;
			all += n;
			(void)snprintf(name, sizeof name, "rejects:%s",
				event_reason_text((struct event_reason){(enum event_verdict)verdict, field}, text));
			TRY(count(t, name, n, err));
		}
	}
	return count(t, "rejects", all, err);
}

static status count_all(struct bronze_task *t, struct err *err)
{
	static const char *const types[EVENT_N] = {
		"events:TICKET_CREATED", "events:MESSAGE_ADDED", "events:STATUS_CHANGED", "events:ATTACHMENT_ADDED"};
	const struct tally *a = &t->tally;
	int64_t bytes_out = 0;
	for (size_t i = 0; i < t->out->outputs.n; i++) bytes_out += t->out->outputs.items[i].bytes;
	TRY(count(t, "rows_in", a->rows_in, err));
	TRY(count(t, "rows_out", a->rows_out, err));
	TRY(count(t, "bytes_in", a->bytes_in, err));
	TRY(count(t, "bytes_out", bytes_out, err));
	TRY(count(t, "duplicates", a->duplicates, err));
	TRY(count(t, "duplicate_members", a->duplicate_members, err));
	TRY(count(t, "blank_lines", a->blank_lines, err));
	TRY(count(t, "deferred", a->deferred, err));
	for (int i = 0; i < TOLERATED_N; i++) {
		char name[EVENT_REASON_BYTES];
		(void)snprintf(name, sizeof name, "tolerated:%s", event_tolerance_names[i]);
		if (a->tolerated[i] > 0) TRY(count(t, name, a->tolerated[i], err));
	}
	TRY(count(t, "ts_outside_day", a->ts_outside_day, err));
	TRY(count(t, "raw_objects_verified", a->objects_verified, err));
	for (int i = 0; i < EVENT_N; i++) TRY(count(t, types[i], a->types[i], err));
	return count_rejects(t, err);
}

static status task_init(struct bronze_task *t, struct err *err)
{
	const struct pqrs_config *config = t->env->config;
	t->ts_max = pqrs_deferred_after(t->env->run->as_of);
	event_batch_init(&t->batch);
	event_batch_reset(&t->batch);
	event_index_init(&t->index);
	event_order_init(&t->order);
	rejects_init(&t->rejects, t->env->lake);
	TRY(lines_init(&t->lines, config->line_bytes_max, err));
	TRY(event_parser_create(&t->parser, err));
	event_parser_set_zone(t->parser, config->tz);
	event_parser_set_line_max(t->parser, config->line_bytes_max);
	return parquet_writer_create(&pqrs_bronze_events, &config->parquet, &t->writer, err);
}

static void task_deinit(struct bronze_task *t)
{
	parquet_writer_destroy(t->writer);
	event_parser_destroy(t->parser);
	lines_deinit(&t->lines);
	rejects_deinit(&t->rejects);
	event_order_deinit(&t->order);
	event_index_deinit(&t->index);
	event_batch_deinit(&t->batch);
}

status pqrs_bronze_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	struct bronze_task *t = mem_zalloc(1, sizeof *t);
	if (t == NULL) return fail_nomem(err);
	t->env = env;
	t->out = out;
	status code = task_init(t, err);
	if (code == OK) code = objects_run(t, spec, err);
	if (code == OK) code = count_all(t, err);
	task_deinit(t);
	mem_free(t);
	return code;
}
