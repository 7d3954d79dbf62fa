/* base/rng.h: counter-based random numbers, Philox4x32-10.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11. Known-answer
 * vectors of the authors' Random123 library stand in tests/unit/base.
 * A draw is a pure function of (seed, entity, purpose, index): key = seed, counter = (entity lo, entity hi,
 * purpose, index). There is no state, so any draw can be made alone and in any order.
 */
#ifndef PQR_BASE_RNG_H
#define PQR_BASE_RNG_H

#include "base/err.h"

struct rng4 {
	uint32_t v[4];
};

static inline struct rng4 rng_philox(uint64_t key, uint64_t entity, uint32_t purpose, uint32_t index)
{
	uint32_t c0 = (uint32_t)entity, c1 = (uint32_t)(entity >> 32), c2 = purpose, c3 = index;
	uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
	for (int round = 0; round < 10; round++) {
		const uint64_t p0 = (uint64_t)0xD2511F53u * c0;
		const uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
		c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)p1;
		c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)p0;
		k0 += 0x9E3779B9u;
		k1 += 0xBB67AE85u;
	}
	return (struct rng4){{c0, c1, c2, c3}};
}

/* Uniform in [0, n), n >= 1, from one 32-bit draw by multiply-shift: bias under n / 2^32. */
static inline uint32_t rng_below(uint32_t draw, uint32_t n)
{
	return (uint32_t)(((uint64_t)draw * n) >> 32);
}

#endif
