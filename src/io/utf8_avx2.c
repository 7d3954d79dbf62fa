/* io/utf8_avx2.c: is it UTF-8, 64 bytes a step. Reads nothing beyond its bytes and gives what utf8.c gives. */
#include <immintrin.h>
#include <string.h>

#include "io/utf8.h"

/* Keiser, Lemire, "Validating UTF-8 in less than one instruction per byte", 2020, section 6: every error of two
 * adjacent bytes shows in three nibbles (high and low of the first, high of the second). Each table gives the errors a
 * nibble allows; what all three allow is an error. Continuations owed to a lead byte two or three back are compared
 * with the bit TWO_CONTS. */
enum {
	TOO_SHORT = 1 << 0,  /* lead byte, then no continuation */
	TOO_LONG = 1 << 1,   /* ASCII, then a continuation */
	OVERLONG_3 = 1 << 2, /* e0 80..9f */
	TOO_LARGE = 1 << 3,  /* f4 90..bf, f5.. 90..bf */
	SURROGATE = 1 << 4,  /* ed a0..bf */
	OVERLONG_2 = 1 << 5, /* c0, c1 */
	OVERLONG_4 = 1 << 6, /* f0 80..8f; also f5.. 80..8f */
	TWO_CONTS = 1 << 7,  /* continuation after continuation: right only after e0.. or f0.. */
	ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTS,
	ANY_CONT = TOO_LONG | OVERLONG_2 | TWO_CONTS,
};
#define BOTH_LANES(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))
#define B(flags) (char)(flags)

#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

struct utf8_state {
	__m256i prev;    /* the last 32 bytes seen */
	__m256i pending; /* non-zero: prev ends inside a code point */
	__m256i error;
};

AVX2 static inline __m256i pair_errors(__m256i bytes, __m256i prev1)
{
	const __m256i first_high = BOTH_LANES(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
		TOO_LONG, B(TWO_CONTS), B(TWO_CONTS), B(TWO_CONTS), B(TWO_CONTS), TOO_SHORT | OVERLONG_2, TOO_SHORT,
		TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | OVERLONG_4);
	const __m256i first_low = BOTH_LANES(B(ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4), B(ANY_LOW | OVERLONG_2),
		B(ANY_LOW), B(ANY_LOW), B(ANY_LOW | TOO_LARGE), B(ANY_LOW | TOO_LARGE | OVERLONG_4),
		B(ANY_LOW | TOO_LARGE | OVERLONG_4), B(ANY_LOW | TOO_LARGE | OVERLONG_4),
		B(ANY_LOW | TOO_LARGE | OVERLONG_4), B(ANY_LOW | TOO_LARGE | OVERLONG_4),
		B(ANY_LOW | TOO_LARGE | OVERLONG_4), B(ANY_LOW | TOO_LARGE | OVERLONG_4),
		B(ANY_LOW | TOO_LARGE | OVERLONG_4), B(ANY_LOW | TOO_LARGE | OVERLONG_4 | SURROGATE),
		B(ANY_LOW | TOO_LARGE | OVERLONG_4), B(ANY_LOW | TOO_LARGE | OVERLONG_4));
	const __m256i second_high = BOTH_LANES(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
		TOO_SHORT, TOO_SHORT, B(ANY_CONT | OVERLONG_3 | OVERLONG_4), B(ANY_CONT | OVERLONG_3 | TOO_LARGE),
		B(ANY_CONT | SURROGATE | TOO_LARGE), B(ANY_CONT | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT,
		TOO_SHORT, TOO_SHORT);
	const __m256i nibble = _mm256_set1_epi8(0x0f);
	const __m256i a = _mm256_shuffle_epi8(first_high, _mm256_and_si256(_mm256_srli_epi16(prev1, 4), nibble));
	const __m256i b = _mm256_shuffle_epi8(first_low, _mm256_and_si256(prev1, nibble));
	const __m256i c = _mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
	return _mm256_and_si256(a, _mm256_and_si256(b, c));
}

AVX2 static inline void utf8_step(struct utf8_state *s, __m256i bytes)
{
	const __m256i across = _mm256_permute2x128_si256(s->prev, bytes, 0x21);
	const __m256i prev1 = _mm256_alignr_epi8(bytes, across, 15);
	const __m256i prev2 = _mm256_alignr_epi8(bytes, across, 14);
	const __m256i prev3 = _mm256_alignr_epi8(bytes, across, 13);
	const __m256i owed = _mm256_or_si256(_mm256_subs_epu8(prev2, _mm256_set1_epi8(0xe0 - 0x80)),
		_mm256_subs_epu8(prev3, _mm256_set1_epi8(0xf0 - 0x80)));
	const __m256i owed_bit = _mm256_and_si256(owed, _mm256_set1_epi8((char)0x80));
	s->error = _mm256_or_si256(s->error, _mm256_xor_si256(owed_bit, pair_errors(bytes, prev1)));
	const __m256i last = _mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
		-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, B(0xef), B(0xdf), B(0xbf));
	s->pending = _mm256_subs_epu8(bytes, last);
	s->prev = bytes;
}

AVX2 static inline void utf8_block(struct utf8_state *s, __m256i a, __m256i b)
{
	if (_mm256_movemask_epi8(_mm256_or_si256(a, b)) == 0) { /* ASCII */
		s->error = _mm256_or_si256(s->error, s->pending);
		s->pending = _mm256_setzero_si256();
		s->prev = b;
		return;
	}
	utf8_step(s, a);
	utf8_step(s, b);
}

AVX2 bool utf8_valid_avx2(const char *p, size_t n)
{
	struct utf8_state s = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
	size_t i = 0;
	for (; i + 64 <= n; i += 64) {
		utf8_block(&s, _mm256_loadu_si256((const __m256i *)(const void *)(p + i)),
			_mm256_loadu_si256((const __m256i *)(const void *)(p + i + 32)));
	}
	if (i < n) {
		char tail[64] = {0};
		memcpy(tail, p + i, n - i);
		utf8_block(&s, _mm256_loadu_si256((const __m256i *)(const void *)tail),
			_mm256_loadu_si256((const __m256i *)(const void *)(tail + 32)));
	}
	const __m256i bad = _mm256_or_si256(s.error, s.pending);
	return _mm256_testz_si256(bad, bad) != 0;
}
