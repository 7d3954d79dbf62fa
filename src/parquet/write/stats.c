/* parquet/write/stats.c: least and greatest value, and bounds of strings that are short enough for a footer. A lower bound is a prefix; an
 * upper one a prefix with its last code point raised: never below the value, and UTF-8 if the value is. */
#include <string.h>

#include "parquet/write/writer_int.h"

void writer_range_add_str(struct writer_range *r, struct str s)
{
	if (!r->any) {
		r->any = true;
		r->smin = r->smax = s;
		return;
	}
	if (str_cmp(s, r->smin) < 0) r->smin = s;
	if (str_cmp(s, r->smax) > 0) r->smax = s;
}

void writer_range_add(struct writer_range *all, const struct writer_range *part, bool strings)
{
	if (!part->any) return;
	if (!all->any) {
		*all = *part;
		return;
	}
	if (strings) {
		writer_range_add_str(all, part->smin);
		writer_range_add_str(all, part->smax);
		return;
	}
	if (part->min < all->min) all->min = part->min;
	if (part->max > all->max) all->max = part->max;
}

static bool is_continuation(uint8_t b)
{
	return (b & 0xC0) == 0x80;
}

/* The longest prefix of at most max bytes that ends on a code point; of bytes that are no UTF-8, max bytes. */
static size_t prefix_bytes(struct str s, size_t max)
{
	if (s.n <= max) return s.n;
	const uint8_t *p = (const uint8_t *)s.p;
	size_t n = max;
	while (n > 0 && max - n < 4 && is_continuation(p[n])) n--;
	return n == 0 || is_continuation(p[n]) ? max : n;
}

/* Code point that p[n] is, whole and alone; -1 when it is none (RFC 3629 section 4). */
static int32_t utf8_decode(const uint8_t *p, size_t n)
{
	static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	if (n == 1) return p[0] < 0x80 ? p[0] : -1;
	if (n > 4 || n == 0 || p[0] >> (7 - n) != (1 << (n + 1)) - 2) return -1;
	int32_t c = p[0] & (0x7F >> n);
	for (size_t i = 1; i < n; i++) {
		if (!is_continuation(p[i])) return -1;
		c = c << 6 | (p[i] & 0x3F);
	}
	return c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) ? -1 : c;
}

static size_t utf8_encode(int32_t c, uint8_t *p)
{
	if (c < 0x80) {
		p[0] = (uint8_t)c;
		return 1;
	}
	const size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--, c >>= 6) p[i] = (uint8_t)(0x80 | (c & 0x3F));
	p[0] = (uint8_t)((0xF00 >> n & 0xFF) | c);
	return n;
}

size_t writer_stat_lower(struct str s, uint8_t dst[WRITER_STAT_BYTES_MAX], bool *exact)
{
	const size_t n = prefix_bytes(s, WRITER_STAT_BYTES_MAX);
	if (n > 0) memcpy(dst, s.p, n);
	*exact = n == s.n;
	return n;
}

/* The last code point of dst[n] replaced by the next one: the new length, or where that code point began with
 * *grown false when there is no next one or no room for it. Bytes that are no UTF-8 count as one code point each. */
static size_t increment_last(uint8_t *dst, size_t n, bool *grown)
{
	size_t start = n - 1;
	while (start > 0 && n - start < 4 && is_continuation(dst[start])) start--;
	const int32_t c = utf8_decode(dst + start, n - start);
	if (c < 0) {
		*grown = dst[n - 1] < 0xFF;
		if (!*grown) return n - 1;
		dst[n - 1]++;
		return n;
	}
	const int32_t next = c == 0xD7FF ? 0xE000 : c + 1;
	uint8_t text[4];
	if (next <= 0x10FFFF) {
		const size_t k = utf8_encode(next, text);
		if (start + k <= WRITER_STAT_BYTES_MAX) {
			memcpy(dst + start, text, k);
			*grown = true;
			return start + k;
		}
	}
	*grown = false;
	return start;
}

size_t writer_stat_upper(struct str s, uint8_t dst[WRITER_STAT_BYTES_MAX], bool *exact)
{
	size_t n = writer_stat_lower(s, dst, exact);
	if (*exact) return n;
	while (n > 0) {
		bool grown;
		n = increment_last(dst, n, &grown);
		if (grown) return n;
	}
	*exact = true;
	return s.n;
}

static struct writer_blob put(struct buf *b, const void *p, size_t n)
{
	const size_t at = b->n;
	buf_add(b, p, n);
	return (struct writer_blob){.at = at, .n = n};
}

struct writer_blob writer_stat_put(
	struct buf *b, const struct writer_leaf *leaf, const struct writer_range *r, bool upper, bool *exact)
{
	const int64_t v = upper ? r->max : r->min;
	*exact = true;
	switch (leaf->physical) {
	case PHYSICAL_BOOLEAN: return put(b, &v, 1); /* little endian, as everything here */
	case PHYSICAL_INT32:
	case PHYSICAL_FLOAT: return put(b, &v, 4);
	case PHYSICAL_INT64:
	case PHYSICAL_DOUBLE: return put(b, &v, 8);
	default: break;
	}
	uint8_t bound[WRITER_STAT_BYTES_MAX];
	const struct str s = upper ? r->smax : r->smin;
	const size_t n = upper ? writer_stat_upper(s, bound, exact) : writer_stat_lower(s, bound, exact);
	return n > sizeof bound ? put(b, s.p, n) : put(b, bound, n);
}
