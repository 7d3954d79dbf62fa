/* flow/rejects_read.c: files of rejects to rows.
 *
 *   rejects/ --run_id=U--> keys --lines--> whole lines ------------------------> row
 *                                          pieces of one that is too long -> its beginning and end -> row
 *
 * 1. A row that is too long to hold is read as if its raw text ended after RAW_CUT_BYTES: members stand in their order, the reason last.
 * 2. The files of a run are found by their folder run_id=, so also those of a stage that a check has refused.
 */
#include "flow/rejects_read.h"

#include "base/vec.h"
#include "io/json/json_scan.h"
#include "io/lines.h"
#include "io/utf8.h"
#include "table/path.h"

enum {
	LINE_KEPT_MAX = 1 << 20, /* a longer row comes in pieces */
	RAW_CUT_BYTES = 4096,
	TAIL_BYTES = 256, /* holds what follows the raw text: `","reason":"missing:request_kind"}` and its '\n' */
};

struct keys {
	struct arena *arena;
	struct str run_id;
	const char **items;
	size_t n, cap;
};

struct reading {
	struct store_object *object;
	struct lines lines;
	struct buf head, tail, text; /* of a row in pieces; text: the two joined, with padding */
	struct buf name;             /* an object's, unescaped */
	int64_t at;                  /* offset in the file of the row at hand */
	reject_visit visit;
	void *arg;
};

static status bad_row(const struct reading *r, struct err *err)
{
	return fail_at(err, E_CORRUPT, store_object_key(r->object), r->at, -1, "not a reject");
}

static struct str plain(struct reading *r, const struct json_string *s)
{
	if (!s->has_escape) return s->raw;
	char *dst = (char *)buf_reserve(&r->name, s->raw.n);
	if (dst == NULL) return STR("");
	const size_t n = json_unescape(s->raw, dst);
	return (struct str){dst, n};
}

static bool take_i64(struct json_scan *s, int64_t *out)
{
	struct str text;
	return json_take_number(s, &text) && json_number_i64(text, out);
}

/* One row; JSON_SCAN_PADDING bytes follow p[n]. */
static status row_give(struct reading *r, const char *p, size_t n, bool cut, struct err *err)
{
	struct reject_row row = {.cut = cut};
	struct json_scan s;
	struct json_string key, object = {0}, raw = {0}, reason = {0};
	enum { LINE = 1, OBJECT = 2, OFFSET = 4, RAW = 8, REASON = 16, ALL = 31 };
	unsigned seen = 0, member = 0;
	json_start(&s, p, n);
	bool ok = utf8_valid(p, n) && json_object_begin(&s);
	for (; ok && json_object_next(&s, &key); seen |= member) {
		if (str_is(key.raw, "line")) {
			member = LINE;
			ok = take_i64(&s, &row.line);
		} else if (str_is(key.raw, "offset")) {
			member = OFFSET;
			ok = take_i64(&s, &row.offset);
		} else if (str_is(key.raw, "object")) {
			member = OBJECT;
			ok = json_take_string(&s, &object);
		} else if (str_is(key.raw, "reason")) {
			member = REASON;
			ok = json_take_string(&s, &reason);
		} else {
			member = RAW;
			row.base64 = str_is(key.raw, "raw_base64");
			ok = (row.base64 || str_is(key.raw, "raw")) && json_take_string(&s, &raw);
		}
	}
	if (!ok || !json_end(&s) || seen != ALL) return bad_row(r, err);
	row.object = plain(r, &object);
	TRY(buf_check(&r->name, err));
	row.reason = reason.raw;
	row.raw = raw.raw;
	return r->visit(r->arg, &row, err);
}

/* ---- rows in pieces ----------------------------------------------------------------------------------------------------- */

/* Keep the beginning of the row, and always its last TAIL_BYTES. */
static void piece_keep(struct reading *r, const struct line_window *w)
{
	const size_t room = RAW_CUT_BYTES + PATH_KEY_MAX - r->head.n;
	buf_add(&r->head, w->p, w->n < room ? w->n : room);
	const size_t n = w->n < TAIL_BYTES ? w->n : TAIL_BYTES;
	if (r->tail.n + n > TAIL_BYTES) {
		const size_t drop = r->tail.n + n - TAIL_BYTES;
		memmove(r->tail.p, r->tail.p + drop, r->tail.n - drop);
		r->tail.n -= drop;
	}
	buf_add(&r->tail, w->p + w->n - n, n);
}

/* How much of raw can stand alone, RAW_CUT_BYTES at most: no escape, no character and no group of base64 is cut. */
static size_t cut_at(struct str raw, bool base64)
{
	enum { GROUP_CHARS = 4, ESCAPE_BYTES = 2, UNICODE_ESCAPE_BYTES = 6 };
	size_t whole = 0;
	for (size_t i = 0; i <= raw.n && i <= RAW_CUT_BYTES;) {
		whole = i;
		if (base64)
			i += GROUP_CHARS;
		else if (i < raw.n && raw.p[i] == '\\')
			i += i + 1 < raw.n && raw.p[i + 1] == 'u' ? UNICODE_ESCAPE_BYTES : ESCAPE_BYTES;
		else
			for (i++; i < raw.n && ((unsigned char)raw.p[i] & 0xc0) == 0x80;) i++;
	}
	return whole;
}

static status pieces_give(struct reading *r, struct err *err)
{
	static const char begin[] = ",\"raw", end[] = "\",\"reason\":\"";
	static const char padding[JSON_SCAN_PADDING] = "";
	TRY(buf_check(&r->head, err));
	TRY(buf_check(&r->tail, err));
	const char *head = (const char *)r->head.p;
	const char *name = memmem(head, r->head.n, begin, sizeof begin - 1);
	const char *quote = name == NULL ? NULL : memmem(name, r->head.n - (size_t)(name - head), "\":\"", 3);
	const char *rest = memmem(r->tail.p, r->tail.n, end, sizeof end - 1);
	if (quote == NULL || rest == NULL) return bad_row(r, err);
	const size_t before = (size_t)(quote + 3 - head);
	const bool base64 = quote - name > (ptrdiff_t)sizeof begin - 1;
	const size_t raw = cut_at((struct str){head + before, r->head.n - before}, base64);
	buf_reset(&r->text);
	buf_add(&r->text, head, before + raw);
	buf_add(&r->text, rest, r->tail.n - (size_t)(rest - (const char *)r->tail.p));
	const size_t n = r->text.n;
	buf_add(&r->text, padding, sizeof padding);
	TRY(buf_check(&r->text, err));
	buf_reset(&r->head);
	buf_reset(&r->tail);
	return row_give(r, (const char *)r->text.p, n, true, err);
}

/* ---- files -------------------------------------------------------------------------------------------------------------- */

static status window_give(struct reading *r, const struct line_window *w, struct err *err)
{
	for (size_t from = 0; from < w->n;) {
		const char *newline = memchr(w->p + from, '\n', w->n - from);
		const size_t n = newline != NULL ? (size_t)(newline - w->p) - from : w->n - from;
		r->at = w->offset + (int64_t)from;
		TRY(row_give(r, w->p + from, n, false, err));
		from += n + 1;
	}
	return OK;
}

static status file_rows(struct reading *r, struct err *err)
{
	struct line_window w;
	const struct line_source source = lines_source_of_object(r->object);
	TRY(lines_start(&r->lines, &source, false, err));
	buf_reset(&r->head);
	buf_reset(&r->tail);
	for (;;) {
		TRY(lines_next(&r->lines, &w, err));
		if (w.n == 0) return OK;
		if (!w.piece) {
			TRY(window_give(r, &w, err));
			continue;
		}
		if (r->head.n == 0) r->at = w.offset;
		piece_keep(r, &w);
		if (w.piece_end) TRY(pieces_give(r, err));
	}
}

static status note_key(void *arg, const struct store_entry *e, struct err *err)
{
	struct keys *k = arg;
	if (!path_has(e->key, STR("run_id"), k->run_id)) return OK;
	const char *copy = arena_strndup(k->arena, e->key, strlen(e->key));
	if (copy == NULL || !VEC_ROOM_IN(k->arena, k, 1)) return fail_nomem(err);
	k->items[k->n++] = copy;
	return OK;
}

static status files_rows(struct reading *r, struct store *lake, const struct keys *keys, struct err *err)
{
	TRY(lines_init(&r->lines, LINE_KEPT_MAX, err));
	for (size_t i = 0; i < keys->n; i++) {
		TRY(store_object_open(lake, keys->items[i], &r->object, err));
		const status code = file_rows(r, err);
		store_object_close(r->object);
		TRY(code);
	}
	return OK;
}

status rejects_read(struct store *lake, const char *run_id, reject_visit visit, void *arg, struct err *err)
{
	struct arena arena;
	struct reading r = {.visit = visit, .arg = arg};
	arena_init(&arena, 0);
	struct keys keys = {.arena = &arena, .run_id = str_of(run_id)};
	buf_init(&r.head, 0);
	buf_init(&r.tail, 0);
	buf_init(&r.text, 0);
	buf_init(&r.name, 0);
	status code = store_list(lake, "rejects", note_key, &keys, err);
	if (code == OK && keys.n > 0) code = files_rows(&r, lake, &keys, err);
	lines_deinit(&r.lines);
	buf_deinit(&r.name);
	buf_deinit(&r.text);
	buf_deinit(&r.tail);
	buf_deinit(&r.head);
	arena_deinit(&arena);
	return code;
}
