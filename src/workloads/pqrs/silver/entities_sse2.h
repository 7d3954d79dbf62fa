/* workloads/pqrs/silver/entities_sse2.h: the search of entities.c for a place to begin, by vectors of x86-64, which has SSE2 always. */
#ifndef PQR_PQRS_SILVER_ENTITIES_SSE2_H
#define PQR_PQRS_SILVER_ENTITIES_SSE2_H

#include <emmintrin.h>
#include <stddef.h>

/* A place from which no digit, '$' or '@' stands in p[at, n) before it: one of them, or fewer than 16 bytes before n. */
static inline size_t entities_skip_sse2(const char *p, size_t at, size_t n)
{
	const __m128i below_zero = _mm_set1_epi8('0' - 1), above_nine = _mm_set1_epi8('9' + 1);
	const __m128i dollar = _mm_set1_epi8('$'), sign_at = _mm_set1_epi8('@');
	for (; at + 16 <= n; at += 16) {
		const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + at));
		const __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(v, below_zero), _mm_cmplt_epi8(v, above_nine));
		const __m128i symbol = _mm_or_si128(_mm_cmpeq_epi8(v, dollar), _mm_cmpeq_epi8(v, sign_at));
		const unsigned hit = (unsigned)_mm_movemask_epi8(_mm_or_si128(digit, symbol));
		if (hit != 0) return at + (size_t)__builtin_ctz(hit);
	}
	return at;
}

#endif
