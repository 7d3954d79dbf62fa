/* app/refused.c: rejects and quarantine of a run, each row with its line's text.
 *
 *   rejects/ ---------------------------------------------------------------> rows
 *   silver.quarantine --its version, run_id=U--> (object, line, reason) --sorted--> raw objects, each read once --> rows
 *
 * Must not know how rows are shown.
 */
#include "app/refused.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/vec.h"
#include "flow/commit.h"
#include "flow/picture.h"
#include "flow/rejects_read.h"
#include "io/lines.h"
#include "io/utf8.h"
#include "table/read/scan.h"

#define QUARANTINE "silver/quarantine"

struct mark {
	const char *object; /* equal texts are one pointer for as long as they come in a row */
	int64_t line;
	const char *reason;
};

struct refused {
	struct store *lake;
	struct arena arena;
	struct {
		struct mark *items; /* [n] quarantined */
		size_t n, cap;
	} marks;
	struct lines lines;
	struct buf text; /* of a line, escaped */
	refused_visit visit;
	void *arg;
};

static status reject_give(void *arg, const struct reject_row *row, struct err *err)
{
	const struct refused *r = arg;
	const struct refused_row out = {.kind = "rejects",
		.reason = row->reason,
		.object = row->object,
		.line = row->line,
		.offset = row->offset,
		.raw = row->raw,
		.base64 = row->base64,
		.cut = row->cut};
	return r->visit(r->arg, &out, err);
}

/* ---- quarantine --------------------------------------------------------------------------------------------------------- */

static const char *text_keep(struct refused *r, struct str s, const char *last)
{
	return last != NULL && str_is(s, last) ? last : arena_strndup(&r->arena, s.p, s.n);
}

static status batch_mark(struct refused *r, const struct batch *b, struct err *err)
{
	const char *object = NULL, *reason = NULL;
	if (!VEC_ROOM_IN(&r->arena, &r->marks, (size_t)b->n_rows)) return fail_nomem(err);
	for (int64_t row = 0; row < b->n_rows; row++) {
		object = text_keep(r, column_str(&b->columns[0], row), object);
		reason = text_keep(r, column_str(&b->columns[2], row), reason);
		if (object == NULL || reason == NULL) return fail_nomem(err);
		r->marks.items[r->marks.n++] =
			(struct mark){object, ((const int64_t *)b->columns[1].values)[row], reason};
	}
	return OK;
}

static status snapshot_mark(struct refused *r, struct delta_snapshot *s, const char *run_id, struct err *err)
{
	static const char *const columns[] = {"raw_object", "raw_line", "reason"};
	const struct delta_scan_opts o = {.columns = columns, .n_columns = sizeof columns / sizeof *columns};
	struct delta_scan *scan = NULL;
	struct batch b;
	bool end = false;
	delta_snapshot_keep(s, "run_id", &run_id, 1);
	TRY(delta_scan_open(s, &o, &scan, err));
	status code = delta_scan_next(scan, &b, &end, err);
	for (; code == OK && !end; code = delta_scan_next(scan, &b, &end, err)) {
		code = batch_mark(r, &b, err);
		if (code != OK) break;
	}
	delta_scan_close(scan);
	return code;
}

static status table_mark(struct refused *r, const char *run_id, struct err *err)
{
	struct picture left;
	struct delta_snapshot *s = NULL;
	int32_t date;
	bool there;
	TRY(commit_find(r->lake, run_id, &date, err)); /* tells of a run that is none */
	TRY(delta_table_exists(r->lake, QUARANTINE, &there, err));
	if (!there) return OK;
	status code = picture_load(r->lake, (struct picture_at){date, run_id, PICTURE_LEFT}, &r->arena, &left, err);
	const bool finished = code == OK;
	if (code != OK && code != E_NOT_FOUND) return code;
	const int64_t version = finished ? picture_version(&left, "silver.quarantine") : DELTA_LATEST;
	if (finished && version < 0) return OK;
	TRY(delta_snapshot_open(r->lake, QUARANTINE, version, &s, err));
	code = snapshot_mark(r, s, run_id, err);
	delta_snapshot_close(s);
	return code;
}

static int by_place(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;
	const int object = strcmp(x->object, y->object);
	if (object != 0) return object;
	if (x->line != y->line) return x->line < y->line ? -1 : 1;
	return strcmp(x->reason, y->reason);
}

/* ---- the lines of quarantined events ------------------------------------------------------------------------------------ */

/* The marks from *at on of that line; text p NULL: it can't be had. */
static status line_give(struct refused *r, size_t *at, struct str text, int64_t offset, struct err *err)
{
	const struct mark first = r->marks.items[*at];
	struct refused_row row = {
		.kind = "quarantine", .object = str_of(first.object), .line = first.line, .offset = -1};
	if (text.p != NULL && utf8_valid(text.p, text.n)) { /* an accepted line is, unless somebody changed it since */
		buf_reset(&r->text);
		buf_json_str(&r->text, text);
		TRY(buf_check(&r->text, err));
		row.raw = (struct str){(const char *)r->text.p + 1, r->text.n - 2};
		row.offset = offset;
	}
	for (; *at < r->marks.n; ++*at) {
		const struct mark *m = &r->marks.items[*at];
		if (m->line != first.line || strcmp(m->object, first.object) != 0) break;
		row.reason = str_of(m->reason);
		TRY(r->visit(r->arg, &row, err));
	}
	return OK;
}

/* The marks from *at to end that are within the window, whose first line is number *line. */
static status window_give(
	struct refused *r, const struct line_window *w, int64_t *line, size_t *at, size_t end, struct err *err)
{
	for (size_t from = 0; from < w->n && *at < end; ++*line) {
		const char *newline = memchr(w->p + from, '\n', w->n - from);
		const size_t n = newline != NULL ? (size_t)(newline - w->p) - from : w->n - from;
		if (r->marks.items[*at].line == *line)
			TRY(line_give(r, at, (struct str){w->p + from, n}, w->offset + (int64_t)from, err));
		from += n + 1;
	}
	return OK;
}

/* The marks from *at to end, all of one object. */
static status object_lines(struct refused *r, struct store_object *o, size_t *at, size_t end, struct err *err)
{
	struct line_window w;
	int64_t line = 1;
	const struct line_source source = lines_source_of_object(o);
	TRY(lines_start(&r->lines, &source, false, err));
	while (*at < end) {
		TRY(lines_next(&r->lines, &w, err));
		if (w.n == 0) return OK;
		if (w.piece) /* too long to be an event */
			line += w.piece_end;
		else
			TRY(window_give(r, &w, &line, at, end, err));
	}
	return OK;
}

static status object_give(struct refused *r, size_t *at, struct err *err)
{
	struct store_object *o = NULL;
	size_t end = *at;
	const char *object = r->marks.items[*at].object;
	while (end < r->marks.n && strcmp(r->marks.items[end].object, object) == 0) end++;
	const status found = store_object_open(r->lake, object, &o, err);
	if (found != OK && found != E_NOT_FOUND) return found;
	status code = found == OK ? object_lines(r, o, at, end, err) : OK;
	store_object_close(o);
	while (code == OK && *at < end) code = line_give(r, at, (struct str){0}, -1, err);
	return code;
}

static status quarantine_give(struct refused *r, const char *run_id, struct err *err)
{
	TRY(table_mark(r, run_id, err));
	if (r->marks.n == 0) return OK;
	qsort(r->marks.items, r->marks.n, sizeof *r->marks.items, by_place);
	TRY(lines_init(&r->lines, LINE_BYTES_MAX, err));
	for (size_t at = 0; at < r->marks.n;) TRY(object_give(r, &at, err));
	return OK;
}

status refused_read(struct store *lake, const char *run_id, refused_visit visit, void *arg, struct err *err)
{
	struct refused r = {.lake = lake, .visit = visit, .arg = arg};
	arena_init(&r.arena, 0);
	buf_init(&r.text, 0);
	status code = rejects_read(lake, run_id, reject_give, &r, err);
	if (code == OK) code = quarantine_give(&r, run_id, err);
	lines_deinit(&r.lines);
	buf_deinit(&r.text);
	arena_deinit(&r.arena);
	return code;
}
