/* pqrs/bronze/event_members.c: what a line holds beside the contract's members: a list of names and values as written, each name once.
 *
 * Lists are short; from HASHED_FROM members on a name is looked up by its hash, so that a line of a hundred thousand names costs no
 * square of it. Names are compared decoded. It knows neither types nor values.
 */
#include "base/alloc.h"
#include "base/vec.h"
#include "pqrs/bronze/event_int.h"

enum { HASHED_FROM = 16 };

void event_line_reset(struct event_parser *e)
{
	e->present = e->strings = e->nulls = e->escapes = e->checked_ids = 0;
	e->unknown.n = e->unknown.hashed = 0;
	e->unknown_data.n = e->unknown_data.hashed = 0;
	e->n_spans = 0;
}

void event_unknown_deinit(struct unknown_list *l)
{
	mem_free(l->items);
	mem_free(l->slots);
}

struct str event_name(struct event_parser *e, struct str key, bool escape)
{
	if (!escape) return key;
	uint8_t *dst = buf_reserve(&e->scratch, key.n); /* within what line_parse reserved: nothing moves */
	if (dst == NULL) return key;
	buf_commit(&e->scratch, key.n);
	return (struct str){(const char *)dst, json_unescape(key, (char *)dst)};
}

static uint32_t *slot_of(struct event_parser *e, struct unknown_list *l, struct str name)
{
	size_t at = (size_t)hash_xxh3(name.p, name.n) & (l->slots_n - 1);
	for (; l->slots[at] != 0; at = (at + 1) & (l->slots_n - 1)) {
		const struct unknown_member *m = &l->items[l->slots[at] - 1];
		char *copy = NULL;
		struct str other = m->key;
		if (m->key_escape) { /* rare: names with escapes are decoded again */
			copy = mem_alloc(m->key.n);
			if (copy == NULL) {
				e->failed = true;
				continue;
			}
			other = (struct str){copy, json_unescape(m->key, copy)};
		}
		const bool same = str_eq(other, name);
		mem_free(copy);
		if (same) break;
	}
	return &l->slots[at];
}

/* The table holds every member of the list, at most half full. */
static bool slots_fill(struct event_parser *e, struct unknown_list *l)
{
	if (l->hashed > 0 && l->hashed == l->n && l->n * 2 < l->slots_n) return true;
	size_t want = 64;
	while (want <= l->n * 4) want *= 2;
	if (want > l->slots_cap) {
		uint32_t *slots = mem_realloc(l->slots, want * sizeof *slots);
		if (slots == NULL) return false;
		l->slots = slots;
		l->slots_cap = want;
	}
	l->slots_n = want;
	memset(l->slots, 0, want * sizeof *l->slots);
	for (size_t i = 0; i < l->n; i++) {
		const size_t mark = e->scratch.n;
		*slot_of(e, l, event_name(e, l->items[i].key, l->items[i].key_escape)) = (uint32_t)i + 1;
		e->scratch.n = mark;
	}
	l->hashed = l->n;
	return true;
}

static struct unknown_member *unknown_find(
	struct event_parser *e, struct unknown_list *l, const struct unknown_member *m)
{
	const struct str name = event_name(e, m->key, m->key_escape);
	if (l->n >= HASHED_FROM) {
		if (!slots_fill(e, l)) {
			e->failed = true;
			return NULL;
		}
		uint32_t *slot = slot_of(e, l, name);
		if (*slot != 0) return &l->items[*slot - 1];
		*slot = (uint32_t)l->n + 1; /* where the caller puts it */
		l->hashed = l->n + 1;
		return NULL;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct unknown_member *other = &l->items[i];
		const size_t mark = e->scratch.n;
		const bool same = str_eq(event_name(e, other->key, other->key_escape), name);
		e->scratch.n = mark;
		if (same) return other;
	}
	return NULL;
}

bool event_unknown_add(struct event_parser *e, struct unknown_list *l, const struct unknown_member *m)
{
	if (!VEC_ROOM(l, 1)) {
		e->failed = true;
		return false;
	}
	const size_t mark = e->scratch.n;
	struct unknown_member *known = unknown_find(e, l, m);
	e->scratch.n = mark;
	if (known != NULL) {
		known->value = m->value;
		return false;
	}
	l->items[l->n++] = *m;
	return true;
}
