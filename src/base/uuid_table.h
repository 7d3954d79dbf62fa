/* base/uuid_table.h: a growing set of UUIDs that gives each a dense index, 0, 1, 2, ... in order of arrival.
 *
 * 16 bytes a key and 4 bytes a slot (base/map.h). The index depends on the order of arrival alone. One thread at a time.
 */
#ifndef PQR_BASE_UUID_TABLE_H
#define PQR_BASE_UUID_TABLE_H

#include <string.h>

#include "base/hash.h"
#include "base/map.h"

struct uuid {
	uint64_t hi, lo;
}; /* big-endian halves: compares as its lower-case text does */

struct uuid_table {
	struct uuid *items; /* by index */
	size_t n, cap;
	struct map map;
};

/* Room for about n_expected keys; more are fine. */
status uuid_table_init(struct uuid_table *t, size_t n_expected, struct err *err) MUST_USE;
void uuid_table_deinit(struct uuid_table *t); /* fine on a zeroed table */
/* The index of id; *found says whether it was there. E_NOMEM, E_LIMIT at 2^31 keys. */
status uuid_table_add(
	struct uuid_table *t, struct uuid id, uint64_t hash, uint32_t *index, bool *found, struct err *err) MUST_USE;

static inline uint32_t uuid_table_n(const struct uuid_table *t)
{
	return (uint32_t)t->n;
}

/* The index of id; false: it is not there. */
bool uuid_table_find(const struct uuid_table *t, struct uuid id, uint64_t hash, uint32_t *index) MUST_USE;

static inline uint64_t uuid_hash(struct uuid id)
{
	uint64_t h = (id.lo + UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xBF58476D1CE4E5B9);
	h ^= h >> 29;
	h = (h ^ id.hi) * UINT64_C(0x94D049BB133111EB);
	return h ^ h >> 32;
}
static inline void uuid_table_prefetch(const struct uuid_table *t, uint64_t hash)
{
	map_prefetch(&t->map, hash);
}
static inline bool uuid_eq(struct uuid a, struct uuid b)
{
	return a.hi == b.hi && a.lo == b.lo;
}
static inline int uuid_cmp(struct uuid a, struct uuid b)
{
	if (a.hi != b.hi) return a.hi < b.hi ? -1 : 1;
	return a.lo < b.lo ? -1 : a.lo > b.lo;
}

/* Eight hexadecimal digits, first digit in the lowest byte, as a number. */
static inline uint64_t uuid_hex8(uint64_t x)
{
	x = (x & UINT64_C(0x0F0F0F0F0F0F0F0F)) + (x >> 6 & UINT64_C(0x0101010101010101)) * 9;
	x = __builtin_bswap64(x);
	x = (x | x >> 4) & UINT64_C(0x00FF00FF00FF00FF);
	x = (x | x >> 8) & UINT64_C(0x0000FFFF0000FFFF);
	return (x | x >> 16) & UINT64_C(0xFFFFFFFF);
}
/* The 36 characters of a checked UUID text (bronze's columns are), in either case; little-endian machines. */
static inline struct uuid uuid_load(const char *p)
{
	uint64_t a, d;
	uint32_t b[4]; /* two groups of 4 digits each, dashes left out */
	memcpy(&a, p, 8);
	memcpy(&b[0], p + 9, 4);
	memcpy(&b[1], p + 14, 4);
	memcpy(&b[2], p + 19, 4);
	memcpy(&b[3], p + 24, 4);
	memcpy(&d, p + 28, 8);
	return (struct uuid){
		uuid_hex8(a) << 32 | uuid_hex8((uint64_t)b[1] << 32 | b[0]),
		uuid_hex8((uint64_t)b[3] << 32 | b[2]) << 32 | uuid_hex8(d),
	};
}
/* Is p[36] a UUID, in either case? No branch a digit, so that it becomes vectors. */
static inline bool uuid_is_text(const char *p)
{
	static const uint8_t dash[UUID_CHARS] = {[8] = 1, [13] = 1, [18] = 1, [23] = 1};
	uint8_t wrong = 0;
	for (size_t i = 0; i < UUID_CHARS; i++) {
		const uint8_t c = (uint8_t)p[i], lower = c | 0x20;
		const uint8_t hex = (uint8_t)((uint8_t)(c - '0') < 10) | (uint8_t)((uint8_t)(lower - 'a') < 6);
		wrong |= (uint8_t)(dash[i] ? c != '-' : !hex);
	}
	return wrong == 0;
}
void uuid_store(struct uuid id, char dst[36]); /* lower case, no NUL */

#endif
