#include "base/uuid_table.h"

#include "base/alloc.h"
#include "base/hash.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "uuid_load reads digits as little-endian words");

enum { SLOTS_MIN = 1024 };

status uuid_table_init(struct uuid_table *t, size_t n_expected, struct err *err)
{
	*t = (struct uuid_table){0};
	size_t slots = SLOTS_MIN;
	while (slots < n_expected + n_expected / 3 && slots <= UINT32_MAX / 2) slots *= 2;
	t->slots = mem_zalloc(slots, sizeof *t->slots);
	if (t->slots == NULL) return fail_nomem(err);
	t->mask = (uint32_t)(slots - 1);
	/* A little over what is expected: doubling would hold the keys three times at its worst moment. */
	const size_t keys = n_expected + n_expected / 16 + SLOTS_MIN;
	if (keys >= UINT32_MAX / 2) return OK; /* grows when that is true */
	t->keys = mem_alloc(keys * sizeof *t->keys);
	if (t->keys == NULL) return fail_nomem(err);
	t->cap = (uint32_t)keys;
	return OK;
}

void uuid_table_deinit(struct uuid_table *t)
{
	mem_free(t->keys);
	mem_free(t->slots);
	*t = (struct uuid_table){0};
}

/* The hash bits of a slot: those that the index doesn't need, of the half that doesn't choose the slot. */
static uint32_t tag_of(const struct uuid_table *t, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & ~t->mask;
}

static status slots_grow(struct uuid_table *t, struct err *err)
{
	const uint32_t mask = t->mask * 2 + 1;
	uint32_t *slots = mem_zalloc((size_t)mask + 1, sizeof *slots);
	if (slots == NULL) return fail_nomem(err);
	mem_free(t->slots);
	t->slots = slots;
	t->mask = mask;
	for (uint32_t i = 0; i < t->n; i++) {
		const uint64_t hash = uuid_hash(t->keys[i]);
		uint32_t at = (uint32_t)hash & mask;
		while (slots[at] != 0) at = (at + 1) & mask;
		slots[at] = tag_of(t, hash) | (i + 1);
	}
	return OK;
}

static status keys_grow(struct uuid_table *t, struct err *err)
{
	if (t->cap >= UINT32_MAX / 2) return fail(err, E_LIMIT, "more than %u ids in one task", t->cap);
	const uint32_t cap = t->cap != 0 ? t->cap * 2 : SLOTS_MIN;
	struct uuid *keys = mem_realloc(t->keys, cap * sizeof *keys);
	if (keys == NULL) return fail_nomem(err);
	t->keys = keys;
	t->cap = cap;
	return OK;
}

/* The slot of id, or the empty one where it would stand. */
static inline uint32_t slot_of(const struct uuid_table *t, struct uuid id, uint64_t hash)
{
	const uint32_t tag = tag_of(t, hash);
	uint32_t at = (uint32_t)hash & t->mask;
	for (; t->slots[at] != 0; at = (at + 1) & t->mask) {
		if ((t->slots[at] & ~t->mask) != tag) continue;
		if (uuid_eq(t->keys[(t->slots[at] & t->mask) - 1], id)) break;
	}
	return at;
}

bool uuid_table_find(const struct uuid_table *t, struct uuid id, uint64_t hash, uint32_t *index)
{
	const uint32_t slot = t->slots[slot_of(t, id, hash)];
	*index = (slot & t->mask) - 1;
	return slot != 0;
}

status uuid_table_add(
	struct uuid_table *t, struct uuid id, uint64_t hash, uint32_t *index, bool *found, struct err *err)
{
	const uint32_t at = slot_of(t, id, hash);
	*found = t->slots[at] != 0;
	if (*found) {
		*index = (t->slots[at] & t->mask) - 1;
		return OK;
	}
	if (t->n == t->cap) TRY(keys_grow(t, err));
	t->keys[t->n] = id;
	t->slots[at] = tag_of(t, hash) | (t->n + 1);
	*index = t->n++;
	/* Three quarters full at most. */
	return (uint64_t)t->n * 4 > ((uint64_t)t->mask + 1) * 3 ? slots_grow(t, err) : OK;
}

void uuid_store(struct uuid id, char dst[36])
{
	const uint64_t halves[2] = {__builtin_bswap64(id.hi), __builtin_bswap64(id.lo)};
	uint8_t bytes[UUID_BYTES];
	memcpy(bytes, halves, sizeof bytes);
	uuid_format(bytes, dst);
}
