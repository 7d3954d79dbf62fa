#include "base/crc32.h"

#include <immintrin.h>
#include <string.h>

/* Entry i of the byte table, computed by the compiler: eight steps of the reflected polynomial. */
#define STEP1(c) (((c) >> 1) ^ ((c) & 1 ? 0xEDB88320u : 0u))
#define STEP2(c) STEP1(STEP1(c))
#define STEP4(c) STEP2(STEP2(c))
#define NIBBLE(i) STEP4((uint32_t)(i))

/* Sixteen entries are enough for a nibble at a time; the folded path leaves at most 15 bytes to it. */
static const uint32_t nibble_table[16] = {NIBBLE(0), NIBBLE(1), NIBBLE(2), NIBBLE(3), NIBBLE(4), NIBBLE(5), NIBBLE(6), NIBBLE(7),
	NIBBLE(8), NIBBLE(9), NIBBLE(10), NIBBLE(11), NIBBLE(12), NIBBLE(13), NIBBLE(14), NIBBLE(15)};

static uint32_t update_plain(uint32_t crc, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		crc = nibble_table[crc & 15] ^ (crc >> 4);
		crc = nibble_table[crc & 15] ^ (crc >> 4);
	}
	return crc;
}

uint32_t crc32_of_plain(const void *p, size_t n)
{
	return ~update_plain(~0u, p, n);
}

#define CLMUL __attribute__((target("sse4.1,pclmul")))

static CLMUL inline __m128i load(const uint8_t *p)
{
	__m128i v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* x * 2^k + y over GF(2), by halves: k holds the two constants for the low and the high half of x. */
static CLMUL inline __m128i fold(__m128i x, __m128i k, __m128i y)
{
	return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(x, k, 0x00), _mm_clmulepi64_si128(x, k, 0x11)), y);
}

/* n >= 64, a multiple of 16. Method and constants: Gopal et al., "Fast CRC computation for generic polynomials
 * using the PCLMULQDQ instruction", Intel 2009, for the reflected polynomial 0x1DB710641: x^(4*128+32), x^(4*128-32),
 * x^(128+32), x^(128-32), x^64 modulo it, and Barrett's mu. */
static CLMUL uint32_t update_folded(uint32_t crc, const uint8_t *p, size_t n)
{
	const __m128i by4 = _mm_set_epi64x(0x01C6E41596, 0x0154442BD4);
	const __m128i by1 = _mm_set_epi64x(0x00CCAA009E, 0x01751997D0);
	const __m128i to64 = _mm_set_epi64x(0, 0x0163CD6124);
	const __m128i barrett = _mm_set_epi64x(0x01F7011641, 0x01DB710641);
	const __m128i low32 = _mm_set_epi32(0, 0, 0, -1);
	__m128i a = _mm_xor_si128(load(p), _mm_cvtsi32_si128((int)crc));
	__m128i b = load(p + 16), c = load(p + 32), d = load(p + 48);
	p += 64;
	n -= 64;
	for (; n >= 64; n -= 64, p += 64) {
		a = fold(a, by4, load(p));
		b = fold(b, by4, load(p + 16));
		c = fold(c, by4, load(p + 32));
		d = fold(d, by4, load(p + 48));
	}
	a = fold(fold(fold(a, by1, b), by1, c), by1, d);
	for (; n >= 16; n -= 16, p += 16) a = fold(a, by1, load(p));
	/* 128 -> 96 -> 64 bits */
	a = _mm_xor_si128(_mm_clmulepi64_si128(a, by1, 0x10), _mm_srli_si128(a, 8));
	a = _mm_xor_si128(_mm_clmulepi64_si128(_mm_and_si128(a, low32), to64, 0x00), _mm_srli_si128(a, 4));
	/* Barrett: 64 -> 32 bits */
	__m128i t = _mm_clmulepi64_si128(_mm_and_si128(a, low32), barrett, 0x10);
	t = _mm_clmulepi64_si128(_mm_and_si128(t, low32), barrett, 0x00);
	return (uint32_t)_mm_extract_epi32(_mm_xor_si128(a, t), 1);
}

uint32_t crc32_of(const void *p, size_t n)
{
	const uint8_t *bytes = p;
	uint32_t crc = ~0u;
	if (n >= 64 && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) {
		const size_t folded = n & ~(size_t)15;
		crc = update_folded(crc, bytes, folded);
		bytes += folded;
		n -= folded;
	}
	return ~update_plain(crc, bytes, n);
}
