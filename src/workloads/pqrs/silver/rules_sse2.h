/* workloads/pqrs/silver/rules_sse2.h: the two loops of rules.c by vectors of x86-64, which has SSE2 always. For rules.c alone, into whose loops
 * they are inlined; the plain versions stand there. */
#ifndef PQR_PQRS_SILVER_RULES_SSE2_H
#define PQR_PQRS_SILVER_RULES_SSE2_H

#include <emmintrin.h>
#include <stdint.h>
#include <string.h>

/* 16 bytes lower-cased, anything but letters and digits a space; bytes over 0x7F are left to the caller. */
static inline __m128i rules_fold16_sse2(__m128i v)
{
	const __m128i upper =
		_mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('A' - 1)), _mm_cmplt_epi8(v, _mm_set1_epi8('Z' + 1)));
	const __m128i lower = _mm_or_si128(v, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
	const __m128i letter = _mm_and_si128(
		_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)), _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
	const __m128i digit =
		_mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8('0' - 1)), _mm_cmplt_epi8(v, _mm_set1_epi8('9' + 1)));
	const __m128i token = _mm_or_si128(letter, digit);
	return _mm_or_si128(_mm_and_si128(token, lower), _mm_andnot_si128(token, _mm_set1_epi8(' ')));
}

/* The ASCII run at p[0, n) folded into dst, whose 16 bytes past the run may be scribbled on; its length. */
static inline size_t rules_fold_ascii_sse2(const char *p, size_t n, char *dst)
{
	size_t i = 0;
	for (; i + 16 <= n; i += 16) {
		const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		_mm_storeu_si128((__m128i *)(void *)(dst + i), rules_fold16_sse2(v));
		const unsigned high = (unsigned)_mm_movemask_epi8(v);
		if (high != 0) return i + (size_t)__builtin_ctz(high);
	}
	if (i == n) return n;
	char last[16] = {0};
	memcpy(last, p + i, n - i);
	const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)last);
	_mm_storeu_si128((__m128i *)(void *)(dst + i), rules_fold16_sse2(v));
	const unsigned high = (unsigned)_mm_movemask_epi8(v);
	return high != 0 ? i + (size_t)__builtin_ctz(high) : n;
}

/* Bit i: p[i] is no space; 64 readable bytes. */
static inline uint64_t rules_token_mask_sse2(const char *p)
{
	const __m128i space = _mm_set1_epi8(' ');
	uint64_t mask = 0;
	for (int i = 0; i < 4; i++) {
		const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
		mask |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, space)) << (16 * i);
	}
	return ~mask;
}

#endif
