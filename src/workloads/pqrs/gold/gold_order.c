/* workloads/pqrs/gold/gold_order.c: days and cells, the two indexes that the daily kernels share. */
#include "workloads/pqrs/gold/gold_kpi.h"

status gold_order_by_day(const int32_t *day, size_t n, struct arena *arena, struct gold_order *out, struct err *err)
{
	int32_t first = INT32_MAX, last = INT32_MIN;
	for (size_t i = 0; i < n; i++) {
		if (day[i] == GOLD_NO_DAY) continue;
		if (day[i] < first) first = day[i];
		if (day[i] > last) last = day[i];
	}
	ASSERT(n < UINT32_MAX);
	const size_t n_days = first <= last ? (size_t)((int64_t)last - first + 1) : 0;
	uint32_t *start = ARENA_ZNEW(arena, uint32_t, n_days + 2);
	uint32_t *rows = ARENA_NEW(arena, uint32_t, n + 1);
	if (start == NULL || rows == NULL) return fail_nomem(err);
	/* counting sort; start is shifted by one so that filling leaves it in place */
	uint32_t *next = start + 1;
	for (size_t i = 0; i < n; i++) {
		if (day[i] != GOLD_NO_DAY && (size_t)(day[i] - first) + 1 < n_days) next[day[i] - first + 1]++;
	}
	for (size_t d = 1; d < n_days; d++) next[d] += next[d - 1];
	for (size_t i = 0; i < n; i++) {
		if (day[i] != GOLD_NO_DAY) rows[next[day[i] - first]++] = (uint32_t)i;
	}
	*out = (struct gold_order){first, (uint32_t)n_days, start, rows};
	return OK;
}

struct gold_span gold_order_day(const struct gold_order *o, int32_t day)
{
	const int64_t d = (int64_t)day - o->first;
	if (d < 0 || d >= o->n_days) return (struct gold_span){o->rows, o->rows};
	return (struct gold_span){o->rows + o->start[d], o->rows + o->start[d + 1]};
}

status gold_bits_init(struct gold_bits *b, size_t n, struct arena *arena, struct err *err)
{
	const size_t n_words = n / 64 + 1;
	uint64_t *words = ARENA_ZNEW(arena, uint64_t, n_words);
	if (words == NULL) return fail_nomem(err);
	*b = (struct gold_bits){words, n_words};
	return OK;
}

int64_t gold_open_tickets(const struct gold_facts *f, int32_t last_day)
{
	int64_t n = 0;
	for (size_t i = 0; i < f->n; i++) {
		n += f->created[i] <= last_day && (f->closed[i] == GOLD_NO_DAY || f->closed[i] > last_day);
	}
	return n;
}
