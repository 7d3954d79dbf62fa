/* io/checksum_x86.c: CRC-32 by carry-less multiplication; checksum.c has the plain version and finishes the last bytes. */
#include <immintrin.h>

#include "io/checksum.h"

/* Folding by carry-less multiplication. Source: Gopal et al., "Fast CRC Computation for Generic Polynomials Using
 * PCLMULQDQ Instruction", Intel, 2009. A constant is x^k mod P, bit-reflected and shifted left by one:
 * k = 544 and 480 carry 128 bits over 512, 160 and 96 over 128, 64 over the last 64; MU is x^64 / P. */
#define FOLD_512_LO 0x154442bd4
#define FOLD_512_HI 0x1c6e41596
#define FOLD_128_LO 0x1751997d0
#define FOLD_128_HI 0x0ccaa009e
#define FOLD_64 0x163cd6124
#define POLY 0x1db710641
#define MU 0x1f7011641

#define CLMUL __attribute__((target("pclmul,sse4.1")))

CLMUL static inline __m128i load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

CLMUL static inline __m128i fold(__m128i acc, __m128i k, __m128i next)
{
	const __m128i lo = _mm_clmulepi64_si128(acc, k, 0x00);
	const __m128i hi = _mm_clmulepi64_si128(acc, k, 0x11);
	return _mm_xor_si128(_mm_xor_si128(lo, hi), next);
}

/* 128 bits to the 32-bit remainder: fold to 96, to 64, then Barrett. */
CLMUL static uint32_t reduce(__m128i x)
{
	const __m128i low32 = _mm_set_epi32(0, 0, 0, -1);
	const __m128i k128 = _mm_set_epi64x(FOLD_128_HI, FOLD_128_LO);
	x = _mm_xor_si128(_mm_srli_si128(x, 8), _mm_clmulepi64_si128(x, k128, 0x10));
	const __m128i k64 = _mm_set_epi64x(0, FOLD_64);
	x = _mm_xor_si128(_mm_srli_si128(x, 4), _mm_clmulepi64_si128(_mm_and_si128(x, low32), k64, 0x00));
	const __m128i barrett = _mm_set_epi64x(MU, POLY);
	__m128i t = _mm_clmulepi64_si128(_mm_and_si128(x, low32), barrett, 0x10);
	t = _mm_clmulepi64_si128(_mm_and_si128(t, low32), barrett, 0x00);
	return (uint32_t)_mm_extract_epi32(_mm_xor_si128(x, t), 1);
}

CLMUL uint32_t checksum_crc32_clmul(uint32_t crc, const uint8_t *p, size_t n)
{
	__m128i a = _mm_xor_si128(load(p), _mm_cvtsi32_si128((int)crc));
	__m128i b = load(p + 16), c = load(p + 32), d = load(p + 48);
	const __m128i k512 = _mm_set_epi64x(FOLD_512_HI, FOLD_512_LO);
	const __m128i k128 = _mm_set_epi64x(FOLD_128_HI, FOLD_128_LO);
	for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
		a = fold(a, k512, load(p));
		b = fold(b, k512, load(p + 16));
		c = fold(c, k512, load(p + 32));
		d = fold(d, k512, load(p + 48));
	}
	a = fold(fold(fold(a, k128, b), k128, c), k128, d);
	for (; n >= 16; p += 16, n -= 16) a = fold(a, k128, load(p));
	return reduce(a);
}
