/* io/utf8.c: UTF-8, one code point at a time; utf8_avx2.c has the version in bulk, whose oracle this is. */
#include "io/utf8.h"

/* Length of the code point at p[0..n), 0 when there is none. Table 3-7 of the Unicode standard. */
static size_t code_point_bytes(const unsigned char *p, size_t n)
{
	const unsigned char c = p[0];
	if (c < 0x80) return 1;
	if (c < 0xc2 || c > 0xf4) return 0;
	const size_t bytes = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (n < bytes) return 0;
	const unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	const unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (p[1] < low || p[1] > high) return 0;
	for (size_t i = 2; i < bytes; i++) {
		if ((p[i] & 0xc0) != 0x80) return 0;
	}
	return bytes;
}

size_t utf8_valid_prefix(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t i = 0;
	while (i < n) {
		const size_t bytes = code_point_bytes(u + i, n - i);
		if (bytes == 0) break;
		i += bytes;
	}
	return i;
}

bool utf8_valid_plain(const char *p, size_t n)
{
	return utf8_valid_prefix(p, n) == n;
}

bool utf8_valid(const char *p, size_t n)
{
#ifdef PQR_SIMD
	if (__builtin_cpu_supports("avx2")) return utf8_valid_avx2(p, n);
#endif
	return utf8_valid_plain(p, n);
}

size_t utf8_count(const char *p, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++) count += (signed char)p[i] > -65;
	return count;
}

size_t utf8_text_prefix(struct str s)
{
	if (s.n == 0) return 0;
	const size_t n = utf8_valid_prefix(s.p, s.n);
	const void *nul = n > 0 ? memchr(s.p, '\0', n) : NULL;
	return nul != NULL ? (size_t)((const char *)nul - s.p) : n;
}

void utf8_text_mend(struct buf *out, struct str s)
{
	while (s.n > 0) {
		const size_t good = utf8_text_prefix(s);
		buf_add(out, s.p, good);
		if (good == s.n) return;
		buf_str(out, "\xef\xbf\xbd");
		s = (struct str){s.p + good + 1, s.n - good - 1};
	}
}
