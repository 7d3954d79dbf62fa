/* flow/claims.c: open addressing by linear probing. A slot is free while `rest` is 0; there is always a free one, so probing ends. */
#include "flow/claims.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { SLOTS_MIN = 1024, OWNER_BITS = 24 };
#define OWNER_MASK ((UINT64_C(1) << OWNER_BITS) - 1)

struct claim {
	uint64_t hash;
	uint64_t rest; /* further hash bits above, owner + 1 below; 0 = free */
};

void claims_init(struct claims *c)
{
	*c = (struct claims){0};
}

void claims_deinit(struct claims *c)
{
	mem_free(c->slots);
	claims_init(c);
}

static struct claim of_key(struct str key)
{
	uint8_t bytes[XXH128_BYTES];
	struct claim made;
	hash_xxh128(key.p, key.n, bytes);
	memcpy(&made.hash, bytes, sizeof made.hash);
	memcpy(&made.rest, bytes + sizeof made.hash, sizeof made.rest);
	made.rest &= ~OWNER_MASK;
	return made;
}

/* Where the key stands, or the free slot where it would. There is a free one. */
static uint64_t slot_of(const struct claims *c, struct claim key)
{
	uint64_t at = (uint64_t)(((unsigned __int128)key.hash * c->n_slots) >> 64);
	for (;; at = at + 1 < c->n_slots ? at + 1 : 0) {
		const struct claim *s = &c->slots[at];
		if (s->rest == 0 || (s->hash == key.hash && (s->rest & ~OWNER_MASK) == key.rest)) return at;
	}
}

static status grow(struct claims *c, struct err *err)
{
	struct claims more = {.n_slots = c->n_slots == 0 ? SLOTS_MIN : c->n_slots + c->n_slots / 2, .n = c->n};
	more.slots = mem_zalloc(more.n_slots, sizeof *more.slots);
	if (more.slots == NULL) return fail_nomem(err);
	for (uint64_t i = 0; i < c->n_slots; i++) {
		const struct claim *s = &c->slots[i];
		if (s->rest != 0) more.slots[slot_of(&more, (struct claim){s->hash, s->rest & ~OWNER_MASK})] = *s;
	}
	mem_free(c->slots);
	*c = more;
	return OK;
}

status claims_take(struct claims *c, struct str key, uint32_t owner, uint32_t *out, struct err *err)
{
	ASSERT(owner < CLAIMS_OWNERS_MAX);
	if ((c->n + 1) * 5 > c->n_slots * 4) TRY(grow(c, err));
	const struct claim made = of_key(key);
	struct claim *s = &c->slots[slot_of(c, made)];
	if (s->rest == 0) {
		*s = (struct claim){made.hash, made.rest | (owner + 1)};
		c->n++;
	}
	*out = (uint32_t)(s->rest & OWNER_MASK) - 1;
	return OK;
}

uint32_t claims_owner(const struct claims *c, struct str key)
{
	if (c->n_slots == 0) return CLAIMS_NOBODY;
	const struct claim *s = &c->slots[slot_of(c, of_key(key))];
	return s->rest == 0 ? CLAIMS_NOBODY : (uint32_t)(s->rest & OWNER_MASK) - 1;
}
