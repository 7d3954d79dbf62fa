/* base/map.c: see map.h. Slots hold no hash whole, so the caller tells it of each place when they are doubled. */
#include "base/map.h"

#include <string.h>

#include "base/alloc.h"

enum { PLACES_MAX = INT32_MAX };

static bool slots_empty(struct map *m, size_t n)
{
	ASSERT((n & (n - 1)) == 0); /* the mask is n - 1 */
	if (n > m->cap) {
		uint32_t *slots = mem_zalloc(n, sizeof *slots);
		if (slots == NULL) return false;
		mem_free(m->slots);
		m->slots = slots;
		m->cap = n;
	} else {
		memset(m->slots, 0, n * sizeof *m->slots);
	}
	m->mask = (uint32_t)(n - 1);
	return true;
}

bool map_reset(struct map *m, size_t n_expected)
{
	size_t n = MAP_SLOTS_MIN;
	while (n - n / 4 < n_expected && n <= PLACES_MAX) n *= 2;
	if (!slots_empty(m, n)) return false;
	m->n = 0;
	return true;
}

void map_deinit(struct map *m)
{
	mem_free(m->slots);
	*m = (struct map){.slots = NULL};
}

bool map_grow(struct map *m, map_hash_fn *hash, const void *keys)
{
	ASSERT(hash != NULL);
	ASSERT(m->slots == NULL || m->n <= m->mask);
	if (m->n >= PLACES_MAX) return false;
	if (!slots_empty(m, m->slots != NULL ? ((size_t)m->mask + 1) * 2 : MAP_SLOTS_MIN)) return false;
	for (uint32_t place = 0; place < m->n; place++) {
		struct map_probe p = map_probe(m, hash(keys, place));
		while (m->slots[p.slot] != 0) p.slot = (p.slot + 1) & m->mask;
		m->slots[p.slot] = p.tag | (place + 1);
	}
	return true;
}
