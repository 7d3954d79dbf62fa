/* flow/ingest.c: foreign files to raw objects: one task, because input order must be kept within a day.
 *
 *   files in order -> windows of lines -> day of ts -> buffer of that day -> store writer of that day
 *
 * Inputs may hold any days in any order. At most OPEN_DAYS_MAX days are written at once; days that come when all places
 * are taken wait for another pass over the inputs. The first pass notes where each day ends, so that later passes give
 * a place back early: inputs in order of time need two passes at most, whatever they span. At most DAYS_MAX days, so
 * that the passes are bounded too.
 */
#include "flow/ingest.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/vec.h"
#include "io/input.h"
#include "io/input_format.h"
#include "flow/partition.h"

enum {
	OPEN_DAYS_MAX = 256,          /* open files, well under the usual limit of 1024 */
	DAY_BUFFER_BYTES = 64 * 1024, /* of lines; a longer line or piece of one goes past it */
	DAY_UNKNOWN = INT32_MAX,      /* sorts last, as its folder does */
	DAYS_MAX =
		40000, /* over a century; without a bound a hostile file could ask for a pass for each 256 of its lines */
};

enum day_state { DAY_WAITING, DAY_OPEN, DAY_DONE };

struct day {
	int32_t date;
	char text[DATE_CHARS + 1]; /* "2025-09-01", "unknown" */
	enum day_state state;
	int64_t last;   /* number of its last line, from the first pass */
	int skipped_in; /* the pass that left out a line of it, + 1: it must not begin in that one any more */
	struct task_stream stream;
	struct buf buf;
	struct file_ref file; /* rows, bytes, hashes */
};

struct tally {
	int64_t rows_in, rows_out, bytes_in, blank_lines, ts_unknown, valid;
	int64_t dated; /* of the valid ones: not after `until` */
	int64_t types[INGEST_TYPES_MAX];
	int64_t ts_min, ts_max;
};

/* One input in the first pass: enough to say what is wrong with a file of which nothing could be used. */
struct ingest_file {
	const char *path;
	int64_t at; /* lines so far, blank ones too */
	int64_t lines, valid;
	int64_t first_at; /* line number of the first one that is not blank, and why it was rejected */
	char first[INGEST_REASON_BYTES];
	size_t n_head;
	char head[INPUT_HEAD_BYTES]; /* its first bytes */
};

struct ingest_task {
	const struct task_env *env;
	const struct ingest_reader *reader;
	struct lines lines;
	struct {
		struct day **items; /* in order of appearance */
		size_t n, cap;
	} days;
	struct map by_date;
	size_t n_open;
	size_t n_waiting;
	int pass;              /* 0 first */
	int64_t line;          /* over all inputs */
	int64_t until;         /* of events dated later neither as_of nor the run's dates follow */
	struct day *piece_day; /* of the long line being read */
	struct ingest_file file;
	struct ingest_file first; /* the first of n_without inputs that hold lines, none of them valid */
	int64_t n_without;
	struct tally tally;
	struct str source;
};

/* The end of the local day: what is dated later is a typing error or waits for its day. That the clock is read here is no matter of
 * chance for the run: what follows from it, the newest event, stands in the stage's commit, and a resumed run takes that. */
static int64_t events_until(const struct tz *tz)
{
	const int64_t now = time_now_us();
	return tz != NULL ? tz_day_end(tz, tz_date(tz, now)) : ((int64_t)time_utc_date(now) + 1) * US_PER_DAY - 1;
}

/* ---- days ---- */

static uint64_t date_hash(int32_t date)
{
	return map_mix((uint32_t)date);
}

static uint64_t hash_at(const void *keys, uint32_t place)
{
	const struct ingest_task *t = keys;
	return date_hash(t->days.items[place]->date);
}

static status day_create(struct ingest_task *t, int32_t date, struct day **out, struct err *err)
{
	if (t->days.n == DAYS_MAX)
		return fail(err, E_LIMIT,
			"the inputs hold lines of more than %d days, over a century: correct their times, or ingest "
			"them in "
			"parts",
			DAYS_MAX);
	if (!VEC_ROOM(&t->days, 1)) return fail_nomem(err);
	struct day *d = mem_zalloc(1, sizeof *d);
	if (d == NULL) return fail_nomem(err);
	d->date = date;
	(void)snprintf(d->text, sizeof d->text, "unknown");
	if (date != DAY_UNKNOWN) date_format(date, d->text);
	buf_init(&d->buf, 4 * DAY_BUFFER_BYTES);
	t->days.items[t->days.n++] = d;
	t->n_waiting++;
	*out = d;
	return OK;
}

static status day_of(struct ingest_task *t, int32_t date, struct day **out, struct err *err)
{
	if (!map_room(&t->by_date, hash_at, t)) return fail_nomem(err);
	struct map_probe probe = map_probe(&t->by_date, date_hash(date));
	for (uint32_t at; (at = map_next(&t->by_date, &probe)) != MAP_NONE;) {
		*out = t->days.items[at];
		if ((*out)->date == date) return OK;
	}
	TRY(day_create(t, date, out, err));
	(void)map_add(&t->by_date, &probe);
	return OK;
}

/* Where the lines of a day go: key, and the values that it tells, which view t and d. */
struct day_place {
	struct partition_day values;
	struct delta_pairs partition;
	char key[PATH_KEY_MAX];
};

static status day_place(const struct ingest_task *t, const struct day *d, struct day_place *out, struct err *err)
{
	out->partition = partition_day_values(&out->values, t->source, str_of(d->text), t->env->run);
	char root[PATH_KEY_MAX];
	TRY(path_table_root(root, t->reader->table, err));
	return path_key(out->key, root, &out->partition, RAW_OBJECT_NAME, err);
}

static status day_open(struct ingest_task *t, struct day *d, struct err *err)
{
	struct day_place place;
	TRY(day_place(t, d, &place, err));
	TRY(task_stream_open(&d->stream, t->env->lake, place.key, err));
	d->state = DAY_OPEN;
	t->n_open++;
	t->n_waiting--;
	return OK;
}

static status day_flush(struct day *d, struct err *err)
{
	TRY(buf_check(&d->buf, err));
	TRY(task_stream_add(&d->stream, d->buf.p, d->buf.n, err));
	buf_reset(&d->buf);
	return OK;
}

static status day_add(struct day *d, const char *p, size_t n, struct err *err)
{
	if (n > DAY_BUFFER_BYTES) {
		TRY(day_flush(d, err));
		return task_stream_add(&d->stream, p, n, err);
	}
	buf_add(&d->buf, p, n);
	return OK;
}

static status day_close(struct ingest_task *t, struct day *d, struct err *err)
{
	TRY(day_flush(d, err));
	TRY(task_stream_finish(&d->stream, &d->file, err));
	buf_deinit(&d->buf);
	d->state = DAY_DONE;
	t->n_open--;
	return OK;
}

/* May d take the line at hand? Opens it when a place is free. */
static status day_ready(struct ingest_task *t, struct day *d, bool *ready, struct err *err)
{
	if (t->pass == 0) d->last = t->line;
	if (d->state == DAY_WAITING && t->n_open < OPEN_DAYS_MAX && d->skipped_in != t->pass + 1)
		TRY(day_open(t, d, err));
	*ready = d->state == DAY_OPEN;
	if (!*ready) d->skipped_in = t->pass + 1;
	return OK;
}

static status day_line_done(struct ingest_task *t, struct day *d, struct err *err)
{
	d->file.rows++;
	if (d->buf.n >= DAY_BUFFER_BYTES || d->buf.failed) TRY(day_flush(d, err));
	return t->pass > 0 && t->line == d->last ? day_close(t, d, err) : OK;
}

/* ---- lines ---- */

/* Of the first line of a file that has no event so far, why. */
static void count_line(struct ingest_task *t, const struct ingest_line *line)
{
	struct tally *a = &t->tally;
	struct ingest_file *f = &t->file;
	if (f->lines == 0) {
		f->first_at = f->at;
		if (!line->valid) (void)t->reader->reason(t->reader->ctx, f->first);
	}
	f->lines++;
	f->valid += line->valid;
	a->rows_in++;
	a->ts_unknown += !line->has_ts;
	if (!line->valid) return;
	const int64_t ts = line->ts;
	ASSERT(line->type >= 0 && (size_t)line->type < t->reader->n_types);
	a->types[line->type]++;
	a->valid++;
	if (ts > t->until) return;
	if (a->dated == 0 || ts < a->ts_min) a->ts_min = ts;
	if (a->dated == 0 || ts > a->ts_max) a->ts_max = ts;
	a->dated++;
}

static status take_lines(struct ingest_task *t, const struct line_window *w, struct err *err)
{
	struct line_cursor c = {w->p, w->p + w->n, w->utf8_ok};
	struct ingest_line line;
	struct day *d = NULL;
	const int64_t lines_before = t->line;
	while (c.p < c.limit) {
		t->reader->next(t->reader->ctx, &c, &line);
		t->file.at++;
		if (line.blank) {
			t->tally.blank_lines += t->pass == 0;
			continue;
		}
		t->line++;
		if (t->pass == 0) count_line(t, &line);
		const int32_t date = line.has_ts ? time_utc_date(line.ts) : DAY_UNKNOWN;
		if (d == NULL || d->date != date) TRY(day_of(t, date, &d, err));
		bool ready = false;
		TRY(day_ready(t, d, &ready, err));
		if (!ready) continue;
		TRY(day_add(d, line.text.p, line.text.n, err));
		buf_char(&d->buf, '\n');
		TRY(day_line_done(t, d, err));
	}
	if (t->reader->check != NULL) TRY(t->reader->check(t->reader->ctx, err));
	if (t->pass == 0) task_progress(t->env, t->line - lines_before, (int64_t)w->n);
	return OK;
}

/* Part of a line over the limit: its ts is not read, it lands under day=unknown, whole. */
static status take_piece(struct ingest_task *t, const struct line_window *w, struct err *err)
{
	if (t->piece_day == NULL) {
		t->line++;
		TRY(day_of(t, DAY_UNKNOWN, &t->piece_day, err));
		t->file.at++;
		if (t->pass == 0) {
			t->tally.rows_in++;
			t->tally.ts_unknown++;
			if (t->file.lines++ == 0) {
				t->file.first_at = t->file.at;
				(void)strcpy(t->file.first, "too_long");
			}
		}
	}
	struct day *d = t->piece_day;
	bool ready = false;
	if (w->piece_end) t->piece_day = NULL;
	if (t->pass == 0) task_progress(t->env, w->piece_end, (int64_t)w->n);
	TRY(day_ready(t, d, &ready, err));
	if (!ready) return OK;
	TRY(day_add(d, w->p, w->n, err));
	if (!w->piece_end) return OK;
	if (w->p[w->n - 1] != '\n') buf_char(&d->buf, '\n');
	return day_line_done(t, d, err);
}

/* ---- inputs ---- */

struct reading {
	struct input *input;
	const char *path;
};

/* lines ask for one piece after the other. */
static status reading_read(void *ctx, int64_t offset, void *dst, size_t n, struct err *err)
{
	const struct reading *r = ctx;
	(void)offset;
	for (size_t done = 0; done < n;) {
		size_t got = 0;
		TRY(input_read(r->input, (char *)dst + done, n - done, &got, err));
		if (got == 0) return fail(err, E_VERIFY, "input %s became shorter while it was read", r->path);
		done += got;
	}
	return OK;
}

static status input_verify(
	struct ingest_task *t, const struct reading *r, const struct file_ref *input, struct err *err)
{
	uint8_t hash[XXH128_BYTES], more;
	size_t got = 0;
	lines_hash(&t->lines, hash, NULL);
	TRY(input_read(r->input, &more, 1, &got, err));
	if (got == 0 && memcmp(hash, input->xxh128, sizeof hash) == 0) return OK;
	return fail(err, E_VERIFY, "input %s changed since the run was planned", input->path);
}

static void keep_head(struct ingest_file *f, const struct line_window *w)
{
	const size_t room = sizeof f->head - f->n_head, n = w->n < room ? w->n : room;
	memcpy(f->head + f->n_head, w->p, n);
	f->n_head += n;
}

static status reading_lines(struct ingest_task *t, struct err *err)
{
	struct line_window w;
	for (;;) {
		TRY(cancel_check(err));
		TRY(lines_next(&t->lines, &w, err));
		if (w.n == 0) return OK;
		if (t->file.n_head < sizeof t->file.head) keep_head(&t->file, &w);
		if (w.piece)
			TRY(take_piece(t, &w, err));
		else
			TRY(take_lines(t, &w, err));
	}
}

enum { WRONG_BYTES = INGEST_REASON_BYTES + 96 }; /* the numbers and words around a reason */

/* "line 1: missing event_id; all 12 lines are rejected" */
static const char *what_is_wrong(const struct ingest_file *f, char dst[WRONG_BYTES])
{
	char reason[INGEST_REASON_BYTES], all[48];
	memcpy(reason, f->first, sizeof reason);
	char *colon = strchr(reason, ':');
	if (colon != NULL) *colon = ' ';
	(void)snprintf(all, sizeof all, "all %lld lines are", (long long)f->lines);
	(void)snprintf(dst, WRONG_BYTES, "line %lld: %s; %s rejected", (long long)f->first_at, reason,
		f->lines == 1 ? "its only line is" : all);
	return dst;
}

/* A file of which no line can be used: of another format it ends the run, being a whole file given by mistake. Else it may be one of many
 * with one bad line each. */
static status file_judge(struct ingest_task *t, struct err *err)
{
	const struct ingest_file *f = &t->file;
	char why[WRONG_BYTES];
	if (t->pass > 0 || f->lines == 0 || f->valid > 0) return OK;
	const enum input_format format = input_format_of(f->head, f->n_head);
	if (!input_format_has_lines(format)) return input_format_refuse(format, f->path, what_is_wrong(f, why), err);
	if (t->n_without++ == 0) t->first = *f;
	return OK;
}

/* At the end. Where all lines of all inputs are rejects, bronze keeps them before the run ends for it, saying what is told here. */
static status files_judge(const struct ingest_task *t, struct task_result *out, struct err *err)
{
	const struct ingest_file *f = &t->first;
	char why[WRONG_BYTES], n[24];
	if (t->n_without == 0) return OK;
	(void)what_is_wrong(f, why);
	if (t->tally.valid == 0) {
		struct err text;
		err_clear(&text);
		(void)input_format_refuse(input_format_of(f->head, f->n_head), f->path, why, &text);
		out->events.why = arena_strndup(out->events.types.arena, text.message, strlen(text.message));
		return out->events.why != NULL ? OK : fail_nomem(err);
	}
	(void)snprintf(n, sizeof n, "%lld", (long long)t->n_without);
	log_line(LOG_WARN, "inputs without an event", "n", n, "first", f->path, "why", why, NULL);
	return OK;
}

static status source_lines(struct ingest_task *t, const struct line_source *source, struct err *err)
{
	TRY(lines_start(&t->lines, source, false, err));
	return reading_lines(t, err);
}

static status input_read_all(struct ingest_task *t, const struct file_ref *input, struct err *err)
{
	struct reading r = {.path = input->path};
	TRY(input_open(input->path, t->env->spools, &r.input, err));
	const struct line_source source = {reading_read, &r, input->bytes};
	t->file.path = input->path;
	t->file.at = t->file.lines = t->file.valid = 0;
	t->file.n_head = 0;
	status code = source_lines(t, &source, err);
	if (code == OK) code = input_verify(t, &r, input, err);
	input_close(r.input);
	TRY(code);
	if (t->pass == 0) t->tally.bytes_in += source.bytes;
	return file_judge(t, err);
}

/* One pass over all inputs; days still open are finished. */
static status pass_run(struct ingest_task *t, const struct task_spec *spec, struct err *err)
{
	t->line = 0;
	for (size_t i = 0; i < spec->inputs.n; i++) TRY(input_read_all(t, &spec->inputs.items[i], err));
	for (size_t i = 0; i < t->days.n; i++) {
		if (t->days.items[i]->state == DAY_OPEN) TRY(day_close(t, t->days.items[i], err));
	}
	t->pass++;
	return OK;
}

/* ---- the task ---- */

static int by_date(const void *a, const void *b)
{
	const struct day *const *x = a, *const *y = b;
	return ((*x)->date > (*y)->date) - ((*x)->date < (*y)->date);
}

static status outputs_add(struct ingest_task *t, struct task_result *out, int64_t *bytes_out, struct err *err)
{
	struct day_place place;
	if (t->days.n > 0) qsort(t->days.items, t->days.n, sizeof *t->days.items, by_date);
	*bytes_out = 0;
	for (size_t i = 0; i < t->days.n; i++) {
		struct day *d = t->days.items[i];
		ASSERT(d->state == DAY_DONE);
		TRY(day_place(t, d, &place, err));
		d->file.table = t->reader->table;
		d->file.path = place.key;
		d->file.partition = place.partition;
		t->tally.rows_out += d->file.rows;
		*bytes_out += d->file.bytes;
		if (!file_list_add(&out->outputs, &d->file)) return fail_nomem(err);
	}
	return OK;
}

static status count_all(struct ingest_task *t, struct task_result *out, int64_t bytes_out, struct err *err)
{
	const struct tally *a = &t->tally;
	const struct counter counters[] = {{"rows_in", a->rows_in}, {"rows_out", a->rows_out},
		{"bytes_in", a->bytes_in}, {"bytes_out", bytes_out}, {"blank_lines", a->blank_lines},
		{"ts_unknown", a->ts_unknown}};
	bool ok = true;
	for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
		ok = ok && counter_add(&out->counters, counters[i].name, counters[i].value);
	for (size_t i = 0; i < t->reader->n_types; i++)
		ok = ok && (a->types[i] == 0 || counter_add(&out->events.types, t->reader->types[i], a->types[i]));
	if (a->dated > 0) {
		out->events.first = a->ts_min;
		out->events.last = a->ts_max;
	}
	return ok ? OK : fail_nomem(err);
}

static void task_deinit(struct ingest_task *t)
{
	for (size_t i = 0; i < t->days.n; i++) {
		task_stream_deinit(&t->days.items[i]->stream);
		buf_deinit(&t->days.items[i]->buf);
		mem_free(t->days.items[i]);
	}
	mem_free(t->days.items);
	map_deinit(&t->by_date);
	lines_deinit(&t->lines);
}

static status task_run(struct ingest_task *t, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	int64_t bytes_out = 0;
	t->source = str_of(t->env->run->source != NULL ? t->env->run->source : "mixed");
	ASSERT(t->reader->n_types <= INGEST_TYPES_MAX);
	TRY(lines_init(&t->lines, t->reader->line_bytes_max, err));
	t->until = events_until(t->reader->tz);
	do {
		TRY(pass_run(t, spec, err));
	} while (t->n_waiting > 0);
	TRY(files_judge(t, out, err));
	TRY(outputs_add(t, out, &bytes_out, err));
	return count_all(t, out, bytes_out, err);
}

status ingest_run(const struct ingest_reader *reader, const struct task_env *env, const struct task_spec *spec,
	struct task_result *out, struct err *err)
{
	struct ingest_task t = {.env = env, .reader = reader};
	const status code = task_run(&t, spec, out, err);
	task_deinit(&t);
	return code;
}
