/* io/json/json_scan_sse2.h: where a string stops, by vectors of x86. SSE2 belongs to x86-64 and needs no check. For json_scan.c alone,
 * into whose loops it is inlined; the plain version stands there. */
#ifndef PQR_IO_JSON_JSON_SCAN_SSE2_H
#define PQR_IO_JSON_JSON_SCAN_SSE2_H

#include <emmintrin.h>
#include <stdint.h>

enum { JSON_STRING_HEAD = 16 }; /* bytes of a string looked at in place; most keys and values end within them */

const char *json_stop_avx2(const char *p, const char *end); /* as json_stop_sse2, on a processor that has it */

/* Bit i: byte i is a quote, a backslash or a control. */
static inline uint32_t json_special_sse2(const char *p)
{
	const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	const __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	const __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
	const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
	return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control));
}

static inline const char *json_stop_rest_sse2(const char *p, const char *end)
{
	for (; p < end; p += 16) {
		const uint32_t mask = json_special_sse2(p);
		if (mask == 0) continue;
		p += __builtin_ctz(mask);
		return p < end ? p : end;
	}
	return end;
}

/* The first quote, backslash or control in [p, end), or end. JSON_SCAN_PADDING readable bytes follow. */
static inline const char *json_stop_sse2(const char *p, const char *end)
{
	const uint32_t mask = json_special_sse2(p); /* within the padding even when p == end */
	if (mask == 0) {
		p += JSON_STRING_HEAD;
		if (p >= end) return end;
		return __builtin_cpu_supports("avx2") ? json_stop_avx2(p, end) : json_stop_rest_sse2(p, end);
	}
	p += __builtin_ctz(mask);
	return p < end ? p : end;
}

#endif
