/* io/json/json_scan_avx2.c: the end of a longer string, 32 bytes a step. */
#include <immintrin.h>

#include "io/json/json_scan_sse2.h"

__attribute__((target("avx2,bmi"))) const char *json_stop_avx2(const char *p, const char *end)
{
	const __m256i quote = _mm256_set1_epi8('"'), slash = _mm256_set1_epi8('\\'), control = _mm256_set1_epi8(0x1f);
	for (; p < end; p += 32) {
		const __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
		const __m256i hit =
			_mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(v, quote), _mm256_cmpeq_epi8(v, slash)),
				_mm256_cmpeq_epi8(_mm256_min_epu8(v, control), v));
		const uint32_t mask = (uint32_t)_mm256_movemask_epi8(hit);
		if (mask == 0) continue;
		p += __builtin_ctz(mask);
		return p < end ? p : end;
	}
	return end;
}
