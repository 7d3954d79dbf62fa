/* workloads/pqrs/bronze/event_members.c: what a line holds beside the contract's members: a list of names and values as written, each name once.
 *
 * Lists are short; from HASHED_FROM members on a name is looked up by its hash, so that a line of a hundred thousand names costs no
 * square of it. Names are compared decoded. It knows neither types nor values.
 */
#include "base/alloc.h"
#include "base/vec.h"
#include "workloads/pqrs/bronze/event_int.h"

enum { HASHED_FROM = 16 };

void event_line_reset(struct event_parser *e)
{
	e->present = e->strings = e->nulls = e->escapes = e->checked_ids = 0;
	e->lone = false;
	e->unknown.n = e->unknown.hashed = 0;
	e->unknown_data.n = e->unknown_data.hashed = 0;
	e->n_spans = 0;
}

void event_unknown_deinit(struct unknown_list *l)
{
	mem_free(l->items);
	map_deinit(&l->names);
}

struct str event_name(struct event_parser *e, struct str key, bool escape)
{
	if (!escape) return key;
	uint8_t *dst = buf_reserve(&e->scratch, key.n); /* within what line_parse reserved: nothing moves */
	if (dst == NULL) return key;
	buf_commit(&e->scratch, key.n);
	return (struct str){(const char *)dst, json_unescape(key, (char *)dst)};
}

static uint64_t name_hash(struct event_parser *e, const struct unknown_member *m)
{
	const size_t mark = e->scratch.n;
	const struct str name = event_name(e, m->key, m->key_escape);
	const uint64_t hash = hash_xxh3(name.p, name.n);
	e->scratch.n = mark;
	return hash;
}

static bool name_is(struct event_parser *e, const struct unknown_member *m, struct str name)
{
	const size_t mark = e->scratch.n;
	const bool same = str_eq(event_name(e, m->key, m->key_escape), name);
	e->scratch.n = mark;
	return same;
}

struct name_keys {
	struct event_parser *e;
	const struct unknown_list *l;
};
static uint64_t hash_at(const void *keys, uint32_t place)
{
	const struct name_keys *k = keys;
	return name_hash(k->e, &k->l->items[place]);
}

/* The map holds every member of the list, and has room for one more. */
static bool names_fill(struct event_parser *e, struct unknown_list *l)
{
	const struct name_keys keys = {e, l};
	if (l->hashed == 0 && !map_reset(&l->names, 2 * l->n)) return false;
	for (;; l->hashed++) {
		if (!map_room(&l->names, hash_at, &keys)) return false;
		if (l->hashed == l->n) return true;
		struct map_probe probe = map_probe(&l->names, name_hash(e, &l->items[l->hashed]));
		while (map_next(&l->names, &probe) != MAP_NONE) {} /* names of a list differ */
		(void)map_add(&l->names, &probe);
	}
}

static struct unknown_member *find_hashed(struct event_parser *e, struct unknown_list *l, struct str name)
{
	if (!names_fill(e, l)) {
		e->failed = true;
		return NULL;
	}
	struct map_probe probe = map_probe(&l->names, hash_xxh3(name.p, name.n));
	for (uint32_t at; (at = map_next(&l->names, &probe)) != MAP_NONE;) {
		if (name_is(e, &l->items[at], name)) return &l->items[at];
	}
	l->hashed = map_add(&l->names, &probe) + 1; /* where the caller puts it */
	return NULL;
}

static struct unknown_member *unknown_find(
	struct event_parser *e, struct unknown_list *l, const struct unknown_member *m)
{
	const struct str name = event_name(e, m->key, m->key_escape);
	if (l->n >= HASHED_FROM) return find_hashed(e, l, name);
	for (size_t i = 0; i < l->n; i++) {
		if (name_is(e, &l->items[i], name)) return &l->items[i];
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
