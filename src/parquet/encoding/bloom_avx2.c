/* parquet/encoding/bloom_avx2.c: the eight bits of a value in its block at once; bloom.c has the plain version. */
#include <immintrin.h>

#include "parquet/encoding/bloom_int.h"

__attribute__((target("avx2"))) void bloom_insert_avx2(uint8_t *block, uint32_t low)
{
	const __m256i salts = _mm256_loadu_si256((const __m256i *)(const void *)bloom_salt);
	const __m256i bit = _mm256_srli_epi32(_mm256_mullo_epi32(_mm256_set1_epi32((int)low), salts), 27);
	const __m256i mask = _mm256_sllv_epi32(_mm256_set1_epi32(1), bit);
	__m256i *at = (__m256i *)(void *)block;
	_mm256_storeu_si256(at, _mm256_or_si256(_mm256_loadu_si256(at), mask));
}
