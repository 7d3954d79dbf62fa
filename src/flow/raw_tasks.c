/* flow/raw_tasks.c: see raw_tasks.h. Opens no object. */
#include "flow/raw_tasks.h"

#include <stdio.h>
#include <stdlib.h>

#include "flow/raw_read.h"

enum {
	TASK_BYTES =
		64
		<< 20, /* about this much raw a task: long enough to keep start-up cost out of sight, short enough to share */
	MILLION = 1000000,
};

static status task_start(struct task_list *out, struct task_spec **task, struct err *err)
{
	const size_t index = out->n;
	struct task_spec *t = task_list_add(out);
	if (t == NULL) return fail_nomem(err);
	t->stage = "bronze";
	t->task_id = arena_printf(out->arena, "bronze-%04zu", index);
	if (t->task_id == NULL) return fail_nomem(err);
	*task = t;
	return OK;
}

struct raw_object {
	const struct file_ref *file;
	struct raw_partition partition;
};
struct raw_objects {
	struct raw_object *items; /* by day, source, path */
	size_t n;
	int64_t bytes;
};

static int by_day(const void *a, const void *b)
{
	const struct raw_object *x = a, *y = b;
	if (x->partition.day != y->partition.day) return x->partition.day < y->partition.day ? -1 : 1;
	const int c = str_cmp(x->partition.source, y->partition.source);
	return c != 0 ? c : strcmp(x->file->path, y->file->path);
}

static status raw_objects_make(
	const struct file_list *raw, const char *table, struct arena *arena, struct raw_objects *out, struct err *err)
{
	*out = (struct raw_objects){.items = ARENA_NEW(arena, struct raw_object, raw->n + 1)};
	if (out->items == NULL) return fail_nomem(err);
	for (size_t i = 0; i < raw->n; i++) {
		struct raw_object *o = &out->items[out->n];
		if (strcmp(raw->items[i].table, table) != 0) continue;
		o->file = &raw->items[i];
		TRY(raw_partition_of(o->file, table, &o->partition, err));
		out->bytes += o->file->bytes;
		out->n++;
	}
	if (out->n > 1) qsort(out->items, out->n, sizeof *out->items, by_day);
	return OK;
}

/* Objects of one day, or of one source of it, from `from` on: end (exclusive); their bytes. */
static size_t unit_end(const struct raw_objects *raw, size_t from, bool whole_day, int64_t *bytes)
{
	const struct raw_partition *first = &raw->items[from].partition;
	size_t i = from;
	for (*bytes = 0; i < raw->n; i++) {
		const struct raw_partition *p = &raw->items[i].partition;
		if (p->day != first->day || (!whole_day && !raw_partition_eq(p, first))) break;
		*bytes += raw->items[i].file->bytes;
	}
	return i;
}

static size_t unit_next(const struct raw_objects *raw, size_t from, int64_t *bytes)
{
	const size_t end = unit_end(raw, from, true, bytes);
	return *bytes <= TASK_BYTES ? end : unit_end(raw, from, false, bytes);
}

/* Tasks of about the same size: a unit belongs where its middle falls. */
status raw_tasks_plan(const struct stage_view *view, const char *table, struct task_list *out, struct err *err)
{
	ASSERT(view->n_stages >= 1);
	struct raw_objects raw;
	TRY(raw_objects_make(&view->files[0], table, out->arena, &raw, err));
	const int64_t n_tasks = (raw.bytes + TASK_BYTES - 1) / TASK_BYTES;
	struct task_spec *task = NULL;
	int64_t before = 0, last = -1;
	for (size_t from = 0; from < raw.n;) {
		int64_t bytes;
		const size_t end = unit_next(&raw, from, &bytes);
		const int64_t at = raw.bytes > 0 ? (before + bytes / 2) * n_tasks / raw.bytes : 0;
		if (at != last) {
			TRY(task_start(out, &task, err));
			task->lo = (int64_t)from;
		}
		last = at;
		before += bytes;
		for (; from < end; from++) {
			if (!file_list_add(&task->inputs, raw.items[from].file)) return fail_nomem(err);
		}
		task->hi = (int64_t)end;
	}
	return OK;
}

/* ---- checks ---- */

struct check {
	const char *name;
	enum quality_severity severity;
	bool pass;
	int64_t value, threshold, count;
	const char *details;
};

static status check_add(struct quality_list *out, const char *dataset, const struct check *c, struct err *err)
{
	const struct quality q = {.dataset = dataset,
		.check_name = c->name,
		.severity = c->severity,
		.details = c->details,
		.record_count = c->count};
	return quality_add_numbers(out, c->pass, q, c->value, c->threshold) ? OK : fail_nomem(err);
}

static int64_t rows_of(const struct file_list *files, const char *table)
{
	int64_t rows = 0;
	for (size_t i = 0; i < files->n; i++)
		rows += strcmp(files->items[i].table, table) == 0 ? files->items[i].rows : 0;
	return rows;
}

static int64_t count_of(const struct file_list *files, const char *table)
{
	int64_t n = 0;
	for (size_t i = 0; i < files->n; i++) n += strcmp(files->items[i].table, table) == 0;
	return n;
}

struct rate {
	int64_t raw, rejects, max;
};

static status check_rate(const char *dataset, const struct rate *r, struct quality_list *out, struct err *err)
{
	const int64_t raw = r->raw, rejects = r->rejects, max = r->max;
	char value[32], threshold[32];
	const int64_t rate = raw > 0 ? (int64_t)((__int128)rejects * MILLION / raw) : 0;
	const struct quality q = {.dataset = dataset,
		.check_name = "reject_rate",
		.severity = QUALITY_WARNING,
		.value = quality_fraction(rate, value),
		.threshold = quality_fraction(max, threshold),
		.details = "rejected lines / raw lines",
		.record_count = rejects};
	const bool pass = (__int128)rejects * MILLION <= (__int128)max * raw;
	return quality_add(out, pass, &q) ? OK : fail_nomem(err);
}

/* What the lines were refused for: as raw told, or for what the most of them. */
static void refused_text(
	const struct counter_list *c, const struct event_stats *events, bool all, char *dst, size_t size)
{
	if (all && events != NULL && events->why != NULL) {
		(void)snprintf(dst, size, "%s; docs/events.md says what events are and how to make them", events->why);
		return;
	}
	const struct counter *most = NULL;
	for (size_t i = 0; i < c->n; i++) {
		if (strncmp(c->items[i].name, "rejects:", 8) != 0) continue;
		if (most == NULL || c->items[i].value > most->value) most = &c->items[i];
	}
	if (all && most != NULL)
		(void)snprintf(dst, size,
			"every line was rejected, %lld of them for %s: are these events in JSON Lines?",
			(long long)most->value, most->name + 8);
	else
		(void)snprintf(dst, size, "lines that are not rejected");
}

/* The newest day of the run's raw objects. */
static void newest_text(
	const struct file_list *raw, const char *table, const char *what, bool deferred, char *dst, size_t size)
{
	int64_t day = INT64_MIN;
	char text[DATE_CHARS + 1] = "";
	for (size_t i = 0; i < raw->n; i++) {
		struct raw_partition p;
		if (raw_partition_of(&raw->items[i], table, &p, NULL) != OK || !p.has_day) continue;
		day = p.day > day ? p.day : day;
	}
	if (deferred && day != INT64_MIN) date_format((int32_t)day, text);
	(void)snprintf(
		dst, size, "%s: kept in bronze, counted nowhere%s%s", what, text[0] != '\0' ? "; newest: " : "", text);
}

status raw_tasks_check(const struct stage_view *view, const struct raw_tables *tables, int64_t reject_rate_max,
	const char *deferred_text, struct quality_list *out, struct err *err)
{
	ASSERT(view->n_stages >= 2);
	const struct counter_list *c = &view->counters[1];
	const struct file_list *raw_files = &view->files[0], *files = &view->files[1];
	const int64_t raw = rows_of(raw_files, tables->raw);
	const int64_t rows = counter_get(c, "rows_out"), duplicates = counter_get(c, "duplicates"),
		      rejects = counter_get(c, "rejects");
	const int64_t kept = rows + duplicates + rejects;
	const int64_t objects = count_of(raw_files, tables->raw), verified = counter_get(c, "raw_objects_verified");
	const int64_t deferred = counter_get(c, "deferred"), day = counter_get(c, "ts_outside_day");
	const int64_t stored = rows_of(files, tables->bronze), rejected = rows_of(files, tables->rejects);
	char refused[ERR_MESSAGE_MAX], newest[96];
	refused_text(c, view->events, rejects == raw, refused, sizeof refused);
	newest_text(raw_files, tables->raw, deferred_text, deferred > 0, newest, sizeof newest);
	const struct check checks[] = {
		{"raw_hashes_match", QUALITY_CRITICAL, verified == objects, verified, objects, objects,
			"raw objects whose XXH3-128 is the one they landed with"},
		{"counts_conserve", QUALITY_CRITICAL, kept == raw && counter_get(c, "rows_in") == raw, kept, raw, raw,
			"bronze rows + duplicates + rejects = raw lines"},
		{"files_hold_every_row", QUALITY_CRITICAL, stored == rows && rejected == rejects, stored + rejected,
			rows + rejects, stored + rejected, "rows of the bronze and reject files = rows counted"},
		{"some_line_accepted", QUALITY_CRITICAL, raw == 0 || rejects < raw, raw - rejects, 1, raw, refused},
		{"deferred_events", QUALITY_WARNING, deferred == 0, deferred, 0, rows, newest},
		{"timestamps_in_partition", QUALITY_CRITICAL, day == 0, day, 0, rows,
			"ts outside the UTC day of its raw folder"},
	};
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		TRY(check_add(out, tables->bronze, &checks[i], err));
	return check_rate(tables->bronze, &(struct rate){raw, rejects, reject_rate_max}, out, err);
}
