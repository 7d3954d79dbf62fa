/* parquet/encoding/decode_kernels_avx2.c: the inner loops of decoding for AVX2 with BMI2. They read and write whole vectors within
 * DECODE_PADDING and DECODE_SLACK, and give what decode_kernels.c gives. */
#include <immintrin.h>

#include "parquet/encoding/decode_int.h"

#define AVX2 __attribute__((target("avx2,bmi2,popcnt")))

/* Eight values of up to 25 bits: each lies in the 4 bytes from its first byte on. Bytes come by two 16-byte loads, one
 * for each half of the group; a shuffle brings each value's 4 bytes to its lane, then shift and mask. */
static AVX2 void unpack_avx2(const uint8_t *src, unsigned width, uint32_t *dst, size_t groups)
{
	if (width > 25 || width == 0) {
		decode_unpack_plain(src, width, dst, groups);
		return;
	}
	const unsigned half = width * 4; /* bits before the fifth value */
	const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3);
	const __m256i odd =
		_mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1); /* an odd width starts its second half at bit 4 */
	const __m256i bit = _mm256_add_epi32(_mm256_mullo_epi32(lane, _mm256_set1_epi32((int)width)),
		_mm256_mullo_epi32(odd, _mm256_set1_epi32((int)(half & 7))));
	const __m256i byte = _mm256_srli_epi32(bit, 3);
	const __m256i shuffle = _mm256_add_epi32(
		_mm256_mullo_epi32(byte, _mm256_set1_epi32(0x01010101)), _mm256_set1_epi32(0x03020100));
	const __m256i shift = _mm256_and_si256(bit, _mm256_set1_epi32(7));
	const __m256i mask = _mm256_set1_epi32((int)((1u << width) - 1));
	for (size_t g = 0; g < groups; g++) {
		const __m128i lo = _mm_loadu_si128((const __m128i *)(const void *)src);
		const __m128i hi = _mm_loadu_si128((const __m128i *)(const void *)(src + (half >> 3)));
		const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(lo), hi, 1);
		const __m256i v = _mm256_and_si256(_mm256_srlv_epi32(_mm256_shuffle_epi8(both, shuffle), shift), mask);
		_mm256_storeu_si256((__m256i *)(void *)dst, v);
		src += width;
		dst += 8;
	}
}

static AVX2 uint32_t max_avx2(const uint32_t *v, size_t n)
{
	__m256i max = _mm256_setzero_si256();
	size_t i = 0;
	for (; i + 8 <= n; i += 8)
		max = _mm256_max_epu32(max, _mm256_loadu_si256((const __m256i *)(const void *)(v + i)));
	uint32_t lanes[8];
	_mm256_storeu_si256((__m256i *)(void *)lanes, max);
	const uint32_t a = decode_max_plain(lanes, 8);
	const uint32_t b = decode_max_plain(v + i, n - i);
	return a > b ? a : b;
}

/* Eight bits of the bitmap from bit i on. */
static inline uint32_t byte_at(const uint8_t *bits, size_t i)
{
	return (uint32_t)(load16(bits + (i >> 3)) >> (i & 7)) & 0xFFu;
}

/* Spreading in place never overtakes its source: after i rows with z nulls among them the source stands at
 * rows - n_valid + i - z, and z <= rows - n_valid. */
static AVX2 void spread32_avx2(uint32_t *v, size_t rows, size_t n_valid, const uint8_t *bits, size_t bit_at)
{
	const uint32_t *from = v + (rows - n_valid);
	size_t i = 0;
	for (; i + 8 <= rows; i += 8) {
		const uint32_t valid = byte_at(bits, bit_at + i);
		const uint64_t mask = _pdep_u64(valid, UINT64_C(0x0101010101010101)) * 0xFF;
		const uint64_t lanes = _pdep_u64(UINT64_C(0x0706050403020100), mask);
		const __m256i index = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)lanes));
		const __m256i keep = _mm256_cvtepi8_epi32(_mm_cvtsi64_si128((long long)mask));
		const __m256i dense = _mm256_loadu_si256((const __m256i *)(const void *)from);
		_mm256_storeu_si256(
			(__m256i *)(void *)(v + i), _mm256_and_si256(_mm256_permutevar8x32_epi32(dense, index), keep));
		from += _mm_popcnt_u32(valid);
	}
	decode_spread32_plain(v + i, rows - i, rows - (size_t)(from - v), bits, bit_at + i);
}

static AVX2 void spread64_avx2(uint64_t *v, size_t rows, size_t n_valid, const uint8_t *bits, size_t bit_at)
{
	const uint64_t *from = v + (rows - n_valid);
	size_t i = 0;
	for (; i + 4 <= rows; i += 4) {
		const uint32_t valid = byte_at(bits, bit_at + i) & 15u;
		const uint64_t mask = _pdep_u64(valid, UINT64_C(0x0001000100010001)) * 0xFFFF;
		const uint64_t lanes = _pdep_u64(UINT64_C(0x0706050403020100), mask);
		const __m256i index = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)lanes));
		const __m256i keep = _mm256_cvtepi8_epi32(_mm_cvtsi64_si128((long long)mask));
		const __m256i dense = _mm256_loadu_si256((const __m256i *)(const void *)from);
		_mm256_storeu_si256(
			(__m256i *)(void *)(v + i), _mm256_and_si256(_mm256_permutevar8x32_epi32(dense, index), keep));
		from += _mm_popcnt_u32(valid);
	}
	decode_spread64_plain(v + i, rows - i, rows - (size_t)(from - v), bits, bit_at + i);
}

/* A row's end is the dense end of as many valid rows as stand up to it: lane index = inclusive count of set bits, counted
 * from the end before the group. Eight valid rows need no shuffle (and lane 8 does not exist). */
static AVX2 void spread_ends_avx2(uint32_t *v, size_t rows, size_t n_valid, const uint8_t *bits, size_t bit_at)
{
	const uint32_t *from = v + (rows - n_valid);
	if (rows > n_valid) v[rows - n_valid - 1] = v[-1];
	size_t i = 0;
	for (; i + 8 <= rows; i += 8) {
		const uint32_t valid = byte_at(bits, bit_at + i);
		__m256i ends = _mm256_loadu_si256((const __m256i *)(const void *)from);
		if (valid != 0xFF) {
			const uint64_t ones = _pdep_u64(valid, UINT64_C(0x0101010101010101));
			const uint64_t counts = ones * UINT64_C(0x0101010101010101);
			const __m256i index = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)counts));
			ends = _mm256_permutevar8x32_epi32(
				_mm256_loadu_si256((const __m256i *)(const void *)(from - 1)), index);
		}
		_mm256_storeu_si256((__m256i *)(void *)(v + i), ends);
		from += _mm_popcnt_u32(valid);
	}
	decode_spread_ends_plain(v + i, rows - i, rows - (size_t)(from - v), bits, bit_at + i);
}

static const struct decode_kernels avx2 = {unpack_avx2, max_avx2, spread32_avx2, spread64_avx2, spread_ends_avx2};

const struct decode_kernels *decode_kernels_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") ? &avx2 : NULL;
}
