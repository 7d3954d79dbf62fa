/* stream/windows.c: see windows.h. A minute's counts stand together; events come mostly in the minute of the one before, so that one is
 * found without looking. Must not know what a kind means, nor where counts go. */
#include "stream/windows.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/vec.h"

#define NO_MINUTE INT64_MIN

size_t windows_table_keys(const struct table_schema *s)
{
	size_t n = 0;
	while (n + 1 < s->n_columns && s->columns[n + 1].key) n++;
	ASSERT(n <= WINDOW_KEYS_MAX);
	return n;
}

void windows_init(struct windows *w, uint32_t n_kinds, int64_t watermark)
{
	ASSERT(n_kinds > 0 && n_kinds <= WINDOW_KINDS_MAX);
	*w = (struct windows){.watermark = watermark, .n_cells = n_kinds + 1, .last_minute = NO_MINUTE};
}

void windows_deinit(struct windows *w)
{
	map_deinit(&w->index);
	mem_free(w->minutes.items);
	mem_free(w->cells.items);
	windows_init(w, w->n_cells > 1 ? w->n_cells - 1 : 1, WATERMARK_NONE);
}

void windows_reset(struct windows *w, int64_t watermark)
{
	w->watermark = watermark;
	w->last_minute = NO_MINUTE;
	w->minutes.n = w->cells.n = 0;
	map_deinit(&w->index);
	w->index = (struct map){0};
}

static uint64_t hash_minute(const void *keys, uint32_t place)
{
	return map_mix((uint64_t)((const int64_t *)keys)[place]);
}

bool windows_find(struct windows *w, int64_t minute)
{
	ASSERT(minute != NO_MINUTE);
	if (!map_room(&w->index, hash_minute, w->minutes.items)) return false;
	struct map_probe probe = map_probe(&w->index, map_mix((uint64_t)minute));
	uint32_t at;
	while ((at = map_next(&w->index, &probe)) != MAP_NONE && w->minutes.items[at] != minute) {}
	if (at == MAP_NONE) {
		if (!VEC_ROOM(&w->minutes, 1) || !VEC_ROOM(&w->cells, w->n_cells)) return false;
		at = map_add(&w->index, &probe);
		ASSERT(at == w->minutes.n);
		w->minutes.items[w->minutes.n++] = minute;
		memset(&w->cells.items[w->cells.n], 0, w->n_cells * sizeof *w->cells.items);
		w->cells.n += w->n_cells;
	}
	w->last = at;
	w->last_minute = minute;
	return true;
}

/* ---- sums -------------------------------------------------------------------------------------------------------------- */

struct counted {
	int64_t minute;
	const int64_t *cells;
};

static int by_minute(const void *a, const void *b)
{
	const int64_t x = ((const struct counted *)a)->minute, y = ((const struct counted *)b)->minute;
	return (x > y) - (x < y);
}

static void add_up(struct window_sums *s, const struct counted *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || list[i].minute != list[i - 1].minute) s->minutes[s->n_minutes++] = list[i].minute;
		int64_t *sums = &s->cells[(s->n_minutes - 1) * s->n_cells];
		for (uint32_t c = 0; c < s->n_cells; c++) sums[c] += list[i].cells[c];
		s->late += list[i].cells[s->n_cells - 1];
	}
}

status windows_sums_make(const struct windows *const *parts, size_t n, struct window_sums *out, struct err *err)
{
	struct window_sums s = {.n_cells = n > 0 ? parts[0]->n_cells : 1};
	size_t total = 0, k = 0;
	for (size_t i = 0; i < n; i++) {
		ASSERT(parts[i]->n_cells == s.n_cells);
		total += parts[i]->minutes.n;
	}
	struct counted *list = mem_zalloc(total + 1, sizeof *list);
	s.minutes = mem_zalloc(total + 1, sizeof *s.minutes);
	s.cells = mem_zalloc(total + 1, s.n_cells * sizeof *s.cells);
	if (list == NULL || s.minutes == NULL || s.cells == NULL) {
		mem_free(list);
		windows_sums_deinit(&s);
		return fail_nomem(err);
	}
	for (size_t i = 0; i < n; i++) {
		const struct windows *w = parts[i];
		for (size_t m = 0; m < w->minutes.n; m++)
			list[k++] = (struct counted){w->minutes.items[m], &w->cells.items[m * w->n_cells]};
	}
	qsort(list, total, sizeof *list, by_minute);
	add_up(&s, list, total);
	mem_free(list);
	*out = s;
	return OK;
}

void windows_sums_deinit(struct window_sums *s)
{
	mem_free(s->minutes);
	mem_free(s->cells);
	*s = (struct window_sums){0};
}

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

static int compare_keys(const struct window_key *a, const struct window_key *b, size_t n_keys)
{
	for (size_t i = 0; i < n_keys; i++) {
		const int order = strcmp(a->texts[i], b->texts[i]);
		if (order != 0) return order;
	}
	return 0;
}

/* The kinds that a table counts, those of one key side by side. Few: insertion sort. */
static uint32_t order_kinds(const struct window_sums *s, const struct window_table *t, uint8_t order[WINDOW_KINDS_MAX])
{
	const size_t n_keys = windows_table_keys(t->schema);
	uint32_t n = 0;
	for (uint32_t kind = 0; kind + 1 < s->n_cells; kind++) {
		if (!t->keys[kind].counts) continue;
		uint32_t at = n++;
		for (; at > 0 && compare_keys(&t->keys[order[at - 1]], &t->keys[kind], n_keys) > 0; at--)
			order[at] = order[at - 1];
		order[at] = (uint8_t)kind;
	}
	return n;
}

status windows_sums_rows(
	const struct window_sums *s, const struct window_table *t, window_visit visit, void *arg, struct err *err)
{
	uint8_t order[WINDOW_KINDS_MAX];
	const size_t n_keys = windows_table_keys(t->schema);
	const uint32_t n = order_kinds(s, t, order);
	for (size_t m = 0; m < s->n_minutes; m++) {
		const int64_t *cells = &s->cells[m * s->n_cells];
		for (uint32_t i = 0, end; i < n; i = end) {
			const struct window_key *key = &t->keys[order[i]];
			struct window_row row = {.start = s->minutes[m] * WINDOW_US, .keys = key->texts};
			for (end = i; end < n && compare_keys(key, &t->keys[order[end]], n_keys) == 0; end++)
				row.count += cells[order[end]];
			if (row.count > 0) TRY(visit(arg, &row, err));
		}
	}
	return OK;
}

status windows_sums_late(const struct window_sums *s, window_visit visit, void *arg, struct err *err)
{
	for (size_t m = 0; m < s->n_minutes; m++) {
		const struct window_row row = {
			.start = s->minutes[m] * WINDOW_US, .count = s->cells[(m + 1) * s->n_cells - 1]};
		if (row.count > 0) TRY(visit(arg, &row, err));
	}
	return OK;
}
