/* workloads/pqrs/silver/silver_repeat.c: rows of a day that are out of time order, and the same event told twice.
 *
 * A repeat has the same ticket, ts and event_id; the first by (run, raw_object, raw_line) stands, one with the same content is a
 * duplicate, one with another content a conflict. (The same event_id at another ts meets the table of event ids when it is
 * folded, and is a conflict there.)
 */
#include <stdlib.h>

#include "workloads/pqrs/silver/silver_int.h"

static int by_event(const void *a, const void *b)
{
	const struct row_ref *x = a, *y = b;
	if (x->ticket != y->ticket) return x->ticket < y->ticket ? -1 : 1;
	if (x->ts != y->ts) return x->ts < y->ts ? -1 : 1;
	return uuid_cmp(x->id, y->id);
}

static int by_fold(const void *a, const void *b)
{
	const struct row_ref *x = a, *y = b;
	if (x->ticket != y->ticket) return x->ticket < y->ticket ? -1 : 1;
	if (x->ts != y->ts) return x->ts < y->ts ? -1 : 1;
	if (x->not_creation != y->not_creation) return x->not_creation ? 1 : -1;
	return uuid_cmp(x->id, y->id);
}

static int by_origin(const void *a, const void *b)
{
	const struct row_ref *x = a, *y = b;
	if (x->run != y->run) return x->run < y->run ? -1 : 1;
	const int c = str_cmp(x->raw_object, y->raw_object);
	return c != 0 ? c : (x->raw_line > y->raw_line) - (x->raw_line < y->raw_line);
}

static bool fixed_eq(const struct column *a, int64_t i, const struct column *b, int64_t j)
{
	if (a->type == COL_BOOL) return bit_get(a->values, i) == bit_get(b->values, j);
	const size_t width = col_type_width(a->type);
	return memcmp((const char *)a->values + (size_t)i * width, (const char *)b->values + (size_t)j * width,
		       width) == 0;
}

/* Same parsed content: every column but where the line stood, and what the export alone says (event_content_of). */
static bool same_content(const struct column *a, int64_t i, const struct column *b, int64_t j)
{
	for (int c = 0; c < BRONZE_N_COLUMNS; c++) {
		if (c == BRONZE_RAW_OBJECT || c == BRONZE_RAW_LINE || c == BRONZE_TICKET_BUCKET || c == BRONZE_SOURCE ||
			c == BRONZE_DAY || c == BRONZE_SCHEMA_VERSION || c == BRONZE_EXTRA)
			continue;
		const bool valid = column_valid(&a[c], i);
		if (valid != column_valid(&b[c], j)) return false;
		if (!valid) continue;
		const bool same = a[c].type == COL_STRING ? str_eq(column_str(&a[c], i), column_str(&b[c], j))
							  : fixed_eq(&a[c], i, &b[c], j);
		if (!same) return false;
	}
	return true;
}

/* rows[n], n > 1, tell the same event. */
static status settle_run(
	struct silver_task *t, struct row_ref *rows, size_t n, struct repeats *repeats, struct err *err)
{
	struct slice *slices = t->day.slices.items;
	for (size_t i = 0; i < n; i++) {
		struct slice *s = &slices[rows[i].slice];
		TRY(silver_load_origin(t, s, err));
		TRY(silver_load_all(t, s, err));
		rows[i].raw_object = column_str(&s->raw_object, rows[i].row);
		rows[i].run = s->file->run;
		rows[i].raw_line = ((const int64_t *)s->raw_line.values)[rows[i].row];
	}
	qsort(rows, n, sizeof *rows, by_origin);
	const struct slice *first = &slices[rows[0].slice];
	for (size_t i = 1; i < n; i++) {
		struct slice *s = &slices[rows[i].slice];
		const bool same = same_content(first->all, rows[0].row, s->all, rows[i].row);
		s->verdict[rows[i].row] = same ? VERDICT_DUPLICATE : REASON_CONFLICTING_DUPLICATE;
		if (same)
			repeats->items[repeats->n++] =
				(struct repeat){rows[i].slice, rows[i].row, rows[0].slice, rows[0].row};
	}
	return OK;
}

/* A ticket's creation comes before what is told with a clock that stands up to clock_skew_max before it. rows[n] by event; the
 * creation that counts is the first. */
static void move_creations(const struct silver_task *t, struct row_ref *rows, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		size_t creation = n;
		for (end = i; end < n && rows[end].ticket == rows[i].ticket; end++) {
			if (creation == n && !rows[end].not_creation) creation = end;
		}
		if (creation < n && !t->tickets[rows[i].ticket].s.created) rows[creation].ts -= t->cfg->clock_skew_max;
	}
}

status silver_settle_repeats(
	struct silver_task *t, struct row_ref *rows, size_t n, size_t *n_left, struct repeats *repeats, struct err *err)
{
	*repeats = (struct repeats){.items = ARENA_NEW(&t->day.arena, struct repeat, n)};
	if (repeats->items == NULL) return fail_nomem(err);
	qsort(rows, n, sizeof *rows, by_event);
	size_t left = 0;
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && by_event(&rows[i], &rows[end]) == 0; end++) {}
		if (end - i > 1) TRY(settle_run(t, rows + i, end - i, repeats, err));
		rows[left++] = rows[i];
	}
	move_creations(t, rows, left);
	qsort(rows, left, sizeof *rows, by_fold);
	*n_left = left;
	return OK;
}

void silver_repeats_finish(struct silver_task *t, const struct repeats *repeats)
{
	for (size_t i = 0; i < repeats->n; i++) {
		const struct repeat *r = &repeats->items[i];
		if (t->day.slices.items[r->of_slice].verdict[r->of_row] != REASON_CONFLICTING_DUPLICATE) continue;
		t->day.slices.items[r->slice].verdict[r->row] = REASON_CONFLICTING_DUPLICATE;
	}
}
