/* workloads/pqrs/bronze/event_avx2.c: a line against the layouts learnt, 32 bytes of text at a time, and ids by vectors. Reads at most
 * JSON_SCAN_PADDING bytes past the range; what it accepts, the scanner would accept with the same values. */
#include <immintrin.h>

#include "workloads/pqrs/bronze/event_int.h"

#define AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))

/* Digits of the four groups side by side, then nibble pairs to bytes. */
AVX2 static inline bool uuid_avx2(const char *p, uint8_t id[UUID_BYTES], bool *upper)
{
	if (((p[8] ^ '-') | (p[13] ^ '-') | (p[18] ^ '-') | (p[23] ^ '-')) != 0) return false;
	const __m128i at0 = _mm_loadu_si128((const __m128i *)(const void *)p);
	const __m128i at2 = _mm_loadu_si128((const __m128i *)(const void *)(p + 2));
	const __m128i at19 = _mm_loadu_si128((const __m128i *)(const void *)(p + 19));
	const __m128i at20 = _mm_loadu_si128((const __m128i *)(const void *)(p + 20));
	const __m128i shifted =
		_mm_shuffle_epi8(at2, _mm_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1, 7, 8, 9, 10, 12, 13, 14, 15));
	const __m128i high = _mm_blend_epi16(shifted, at0, 0x0f);
	const __m128i low = _mm_blend_epi16(at20, at19, 0x03);
	const __m256i text = _mm256_set_m128i(low, high);
	const __m256i digit = _mm256_sub_epi8(text, _mm256_set1_epi8('0'));
	const __m256i is_digit = _mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8(9)), digit);
	const __m256i letter = _mm256_sub_epi8(_mm256_or_si256(text, _mm256_set1_epi8(0x20)), _mm256_set1_epi8('a'));
	const __m256i is_letter = _mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(5)), letter);
	if (_mm256_movemask_epi8(_mm256_or_si256(is_digit, is_letter)) != -1) return false;
	const __m256i lower_bit = _mm256_slli_epi16(text, 2); /* bit 5 to the sign of each byte */
	*upper = _mm256_movemask_epi8(_mm256_andnot_si256(lower_bit, is_letter)) != 0;
	const __m256i nibbles = _mm256_blendv_epi8(_mm256_add_epi8(letter, _mm256_set1_epi8(10)), digit, is_digit);
	const __m256i bytes = _mm256_maddubs_epi16(nibbles, _mm256_set1_epi16(0x0110));
	const __m128i packed = _mm_packus_epi16(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
	_mm_storeu_si128((__m128i *)(void *)id, packed);
	return true;
}

AVX2 bool event_uuid_parse_avx2(const char *p, uint8_t id[UUID_BYTES], bool *upper)
{
	return uuid_avx2(p, id, upper);
}

AVX2 static inline bool text_matches(const struct layout_node *node, const char *p)
{
	const __m256i a = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)node->text),
		_mm256_loadu_si256((const __m256i *)(const void *)p));
	if (((uint32_t)_mm256_movemask_epi8(a) & node->mask_low) != node->mask_low) return false;
	if (node->mask_high == 0) return true;
	const __m256i b = _mm256_cmpeq_epi8(_mm256_loadu_si256((const __m256i *)(const void *)(node->text + 32)),
		_mm256_loadu_si256((const __m256i *)(const void *)(p + 32)));
	return ((uint32_t)_mm256_movemask_epi8(b) & node->mask_high) == node->mask_high;
}

AVX2 static inline const struct layout_node *child_matching(
	const struct event_parser *e, const struct layout_node *node, const char *p)
{
	for (unsigned i = 0; i < node->n_children; i++) {
		const struct layout_node *child = &e->nodes[node->children[i]];
		if (text_matches(child, p)) return child;
	}
	return NULL;
}

/* First byte from p that is a quote, a backslash or a control; there is one before the range ends. */
AVX2 static inline const char *string_stop(const char *p)
{
	for (;; p += 32) {
		const __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
		const __m256i hit = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')),
							    _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'))),
			_mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v));
		const uint32_t mask = (uint32_t)_mm256_movemask_epi8(hit);
		if (mask != 0) return p + __builtin_ctz(mask);
	}
}

/* A value the short way does not know: an escape, a fraction, a literal, a container. Byte behind it or NULL. */
__attribute__((noinline)) static const char *value_by_scanner(
	struct event_parser *e, unsigned field, const char *p, const char *limit)
{
	struct json_scan s;
	struct json_string string;
	struct str text;
	json_start(&s, p, (size_t)(limit - p));
	s.lone_allowed = true;
	s.depth = event_field_depth(field);
	if (*p == '"') {
		if (!json_take_string(&s, &string)) return NULL;
		if (field < FIELD_N) {
			event_set_value(e, field, string.raw.p, string.raw.n, true);
			if (string.has_escape) e->escapes |= BIT(field);
		}
		e->lone |= s.lone;
		return s.p;
	}
	const enum json_kind kind = json_peek(&s);
	if (kind == JSON_NONE || s.p != p || !json_skip(&s, &text)) return NULL;
	if (field < FIELD_N) {
		event_set_value(e, field, text.p, text.n, false);
		if (kind == JSON_NULL) e->nulls |= BIT(field);
	}
	e->lone |= s.lone;
	return s.p;
}

AVX2 static inline const char *value_match(struct event_parser *e, unsigned field, const char *p, const char *limit)
{
	if (*p == '"') {
		if (field <= BRONZE_TICKET_ID && limit - p > UUID_CHARS + 2 && p[UUID_CHARS + 1] == '"' &&
			uuid_avx2(p + 1, e->ids[field], &e->upper[field])) {
			e->checked_ids |= BIT(field);
			event_set_value(e, field, p + 1, UUID_CHARS, true);
			return p + UUID_CHARS + 2;
		}
		const char *stop = string_stop(p + 1);
		if (*stop != '"') return *stop == '\\' ? value_by_scanner(e, field, p, limit) : NULL;
		if (field < FIELD_N) event_set_value(e, field, p + 1, (size_t)(stop - p - 1), true);
		return stop + 1;
	}
	if (*p >= '1' && *p <= '9' && field < FIELD_N) {
		const char *q = p + 1;
		while ((unsigned char)(*q - '0') <= 9) q++;
		if (*q != '.' && *q != 'e' && *q != 'E') {
			event_set_value(e, field, p, (size_t)(q - p), false);
			return q;
		}
	}
	return value_by_scanner(e, field, p, limit);
}

AVX2 const char *event_layout_match_avx2(struct event_parser *e, const char *p, const char *limit)
{
	const struct layout_node *node = &e->nodes[0];
	for (;;) {
		node = child_matching(e, node, p);
		if (node == NULL) return NULL;
		const char *from = p;
		p += node->n;
		if (node->field == FIELD_N) return p;
		const char *after = value_match(e, node->field, p, limit);
		if (after == NULL) return NULL;
		if (node->field >= FIELD_UNKNOWN) {
			const struct unknown_member m = {
				.key = {from + node->key_at, node->key_n}, .value = {p, (size_t)(after - p)}};
			struct unknown_list *list = node->field == FIELD_UNKNOWN ? &e->unknown : &e->unknown_data;
			if (!event_unknown_add(e, list, &m)) return NULL;
		}
		p = after;
	}
}
