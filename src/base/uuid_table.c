/* base/uuid_table.c: see uuid_table.h. Hashes are told by the caller, who has them for many ids at once, and computed again to grow. */
#include "base/uuid_table.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/vec.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "uuid_load reads digits as little-endian words");

enum { KEYS_MIN = 1024, KEYS_MAX = INT32_MAX };

status uuid_table_init(struct uuid_table *t, size_t n_expected, struct err *err)
{
	*t = (struct uuid_table){0};
	/* Keys for a little over what is expected: doubling would hold them three times at its worst moment. */
	const size_t keys = n_expected + n_expected / 16 + KEYS_MIN;
	if (!map_reset(&t->map, n_expected)) return fail_nomem(err);
	return keys > KEYS_MAX || VEC_ROOM(t, keys) ? OK : fail_nomem(err);
}

void uuid_table_deinit(struct uuid_table *t)
{
	mem_free(t->items);
	map_deinit(&t->map);
	*t = (struct uuid_table){0};
}

static uint64_t hash_at(const void *keys, uint32_t index)
{
	const struct uuid *ids = keys;
	return uuid_hash(ids[index]);
}

static inline uint32_t find(const struct uuid_table *t, struct uuid id, uint64_t hash, struct map_probe *probe)
{
	uint32_t at;
	*probe = map_probe(&t->map, hash);
	do {
		at = map_next(&t->map, probe);
	} while (at != MAP_NONE && !uuid_eq(t->items[at], id));
	return at;
}

bool uuid_table_find(const struct uuid_table *t, struct uuid id, uint64_t hash, uint32_t *index)
{
	struct map_probe probe;
	*index = find(t, id, hash, &probe);
	return *index != MAP_NONE;
}

status uuid_table_add(
	struct uuid_table *t, struct uuid id, uint64_t hash, uint32_t *index, bool *found, struct err *err)
{
	if (t->n >= KEYS_MAX) return fail(err, E_LIMIT, "more than %d ids in one task", KEYS_MAX);
	if (!VEC_ROOM(t, 1) || !map_room(&t->map, hash_at, t->items)) return fail_nomem(err);
	struct map_probe probe;
	*index = find(t, id, hash, &probe);
	*found = *index != MAP_NONE;
	if (*found) return OK;
	t->items[t->n++] = id;
	*index = map_add(&t->map, &probe);
	return OK;
}

void uuid_store(struct uuid id, char dst[36])
{
	const uint64_t halves[2] = {__builtin_bswap64(id.hi), __builtin_bswap64(id.lo)};
	uint8_t bytes[UUID_BYTES];
	memcpy(bytes, halves, sizeof bytes);
	uuid_format(bytes, dst);
}
