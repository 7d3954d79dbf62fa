/* workloads/pqrs/silver/silver_early.c: events told in the month before their ticket's creation, by clocks that disagree.
 *
 * An event of a ticket without creation is pending (silver_emit.c): its texts are not kept, only where it stands. When the
 * creation comes in a later month and the event's clock is at most clock_skew_max before it, its row is read once more and joins
 * the window of the creation. All others stay pending, and end in quarantine.
 */
#include <stdlib.h>

#include "workloads/pqrs/silver/silver_int.h"

enum { JOIN_GAP_MAX = 1 << 10 }; /* rows that are read for nothing, rather than opening the file again */

struct creation {
	uint32_t ticket;
	int64_t admits_from;
};
struct creations {
	struct creation *items; /* by ticket, each once */
	size_t n;
};

static int by_ticket(const void *a, const void *b)
{
	const struct creation *x = a, *y = b;
	if (x->ticket != y->ticket) return x->ticket < y->ticket ? -1 : 1;
	return (x->admits_from > y->admits_from) - (x->admits_from < y->admits_from);
}

/* The first creation of each ticket that has pending events. */
static status find_creations(struct silver_task *t, struct creations *out, struct err *err)
{
	size_t n = 0, cap = 0;
	for (size_t i = 0; i < t->day.slices.n; i++) cap += t->day.slices.items[i].n;
	struct creation *items = ARENA_NEW(&t->day.arena, struct creation, cap);
	if (items == NULL) return fail_nomem(err);
	for (size_t i = 0; i < t->day.slices.n; i++) {
		const struct slice *s = &t->day.slices.items[i];
		for (uint32_t row = 0; row < s->n; row++) {
			if (s->type[row] != EVENT_TICKET_CREATED || s->ticket[row] == NO_TICKET) continue;
			const struct ticket *k = &t->tickets[s->ticket[row]];
			if (!k->has_early || k->s.created) continue;
			items[n++] = (struct creation){s->ticket[row], s->ts[row] - t->cfg->clock_skew_max};
		}
	}
	if (n > 1) qsort(items, n, sizeof *items, by_ticket);
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || items[kept - 1].ticket != items[i].ticket) items[kept++] = items[i];
	}
	*out = (struct creations){items, kept};
	return OK;
}

static bool joins(const struct silver_task *t, const struct creations *c, const struct pending *p)
{
	if (!t->tickets[p->ticket].has_early || c->n == 0) return false;
	size_t lo = 0, hi = c->n;
	while (lo + 1 < hi) {
		const size_t mid = (lo + hi) / 2;
		if (c->items[mid].ticket <= p->ticket)
			lo = mid;
		else
			hi = mid;
	}
	return c->items[lo].ticket == p->ticket && p->ts >= c->items[lo].admits_from;
}

/* p[n]: pending events of one row group that join, by row. */
static status join_rows(struct silver_task *t, const struct pending *p, size_t n, struct err *err)
{
	const struct parquet_range range = {p[0].row_group, p[0].row, p[n - 1].row + 1};
	TRY(silver_rows_read(t, p[0].file, &range, err));
	struct slice *s = &t->day.slices.items[t->day.slices.n - 1];
	struct uuid *ids;
	TRY(silver_column_uuids(t, &s->in[IN_EVENT_ID], &ids, err));
	s->id = ids;
	s->early = true;
	for (uint32_t row = 0; row < s->n; row++) s->ticket[row] = NO_TICKET;
	for (size_t i = 0; i < n; i++) s->ticket[p[i].row - range.begin] = p[i].ticket;
	return OK;
}

status silver_early_join(struct silver_task *t, struct err *err)
{
	struct creations creations = {NULL, 0};
	if (!t->day.has_late_creation) return OK;
	TRY(find_creations(t, &creations, err));
	struct pending *joining = ARENA_NEW(&t->day.arena, struct pending, t->pending.n);
	if (joining == NULL) return fail_nomem(err);
	size_t left = 0, n = 0;
	for (size_t i = 0; i < t->pending.n; i++) {
		if (joins(t, &creations, &t->pending.items[i]))
			joining[n++] = t->pending.items[i];
		else
			t->pending.items[left++] = t->pending.items[i];
	}
	t->pending.n = left;
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1;
			end < n && joining[end].file == joining[i].file &&
			joining[end].row_group == joining[i].row_group && joining[end].row > joining[end - 1].row &&
			joining[end].row - joining[end - 1].row < JOIN_GAP_MAX;
			end++) {}
		TRY(join_rows(t, joining + i, end - i, err));
	}
	return OK;
}
