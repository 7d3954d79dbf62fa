/* base/map.h: an index from hashes to places in an array of the caller's, who keeps the keys there and compares them.
 *
 *	if (!map_room(&m, hash_at, keys)) ...                         room for one more
 *	struct map_probe probe = map_probe(&m, hash);
 *	uint32_t at;
 *	while ((at = map_next(&m, &probe)) != MAP_NONE && !equal(keys[at], key)) {}
 *	if (at == MAP_NONE) keys[at = map_add(&m, &probe)] = key;     places are given as 0, 1, 2, ...
 *
 * Open addressing, three quarters full at most. A slot takes 4 bytes: of 2^k slots each needs k bits for its place and keeps bits of
 * the hash in the others, so that a probe seldom touches a key with another hash. The low half of the hash chooses the slot and the
 * high half gives the bits kept: both are to be well mixed (map_mix). A zeroed struct is an empty map. One thread at a time.
 */
#ifndef PQR_BASE_MAP_H
#define PQR_BASE_MAP_H

#include "base/err.h"

enum { MAP_SLOTS_MIN = 64, MAP_NONE = UINT32_MAX };

struct map {
	uint32_t *slots; /* [mask + 1]: hash bits above mask, place + 1 within it; 0: empty */
	uint32_t mask;
	uint32_t n; /* places given */
	size_t cap; /* slots allocated */
};
struct map_probe {
	uint32_t slot, tag;
};

/* Forgets all places; room for about n_expected without growing, in memory that the map may hold already. false: no memory. */
bool map_reset(struct map *m, size_t n_expected) MUST_USE;
void map_deinit(struct map *m);

/* The hash of the key at a place, told again when the map grows. */
typedef uint64_t map_hash_fn(const void *keys, uint32_t place);
bool map_grow(struct map *m, map_hash_fn *hash, const void *keys) MUST_USE; /* what map_room calls */

/* Room for one more place. Probes of before are void. false: no memory, or 2^31 places: the map is as it was. */
MUST_USE static inline bool map_room(struct map *m, map_hash_fn *hash, const void *keys)
{
	return (uint64_t)m->n * 4 < (uint64_t)m->mask * 3 || map_grow(m, hash, keys);
}

/* Where keys of this hash are looked for. After a map_reset or map_room that succeeded. */
static inline struct map_probe map_probe(const struct map *m, uint64_t hash)
{
	ASSERT(m->slots != NULL);
	return (struct map_probe){(uint32_t)hash & m->mask, (uint32_t)(hash >> 32) & ~m->mask};
}

/* The next place that may hold the key; MAP_NONE: none does, and the probe stands where map_add puts it. */
static inline uint32_t map_next(const struct map *m, struct map_probe *p)
{
	for (;;) {
		const uint32_t slot = m->slots[p->slot];
		if (slot == 0) return MAP_NONE;
		p->slot = (p->slot + 1) & m->mask;
		if ((slot & ~m->mask) == p->tag) return (slot & m->mask) - 1;
	}
}

/* A place for the key that the probe did not find; map_room came before. */
static inline uint32_t map_add(struct map *m, const struct map_probe *p)
{
	ASSERT(m->slots[p->slot] == 0);
	m->slots[p->slot] = p->tag | (m->n + 1);
	return m->n++;
}

static inline void map_prefetch(const struct map *m, uint64_t hash)
{
	__builtin_prefetch(&m->slots[(uint32_t)hash & m->mask]);
}

/* A number that is a key, mixed to a hash (one to one). */
static inline uint64_t map_mix(uint64_t x)
{
	x = (x ^ x >> 32) * UINT64_C(0xD6E8FEB86659FD93);
	x = (x ^ x >> 32) * UINT64_C(0xD6E8FEB86659FD93);
	return x ^ x >> 32;
}

#endif
