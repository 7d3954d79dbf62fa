/* base/buf.c: bytes that grow up to a maximum.
 *
 * Invariant: the first failure sticks: what is added later is dropped, and buf_check tells it, so that a sequence of additions needs
 * one check.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/limits.h"

int str_cmp(struct str a, struct str b)
{
	const size_t n = a.n < b.n ? a.n : b.n;
	const int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
	if (c != 0) return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

size_t str_distance(struct str a, struct str b)
{
	size_t rows[3][STR_DISTANCE_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	a.n = a.n < STR_DISTANCE_MAX ? a.n : STR_DISTANCE_MAX;
	b.n = b.n < STR_DISTANCE_MAX ? b.n : STR_DISTANCE_MAX;
	for (size_t j = 0; j <= b.n; j++) row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *spare = before;
		before = above;
		above = row;
		row = spare;
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			const bool differ = a.p[i - 1] != b.p[j - 1];
			const size_t shift = (above[j] < row[j - 1] ? above[j] : row[j - 1]) + 1;
			const size_t replace = above[j - 1] + differ;
			row[j] = replace < shift ? replace : shift;
			const bool swapped =
				i > 1 && j > 1 && differ && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
			if (swapped && before[j - 2] + 1 < row[j]) row[j] = before[j - 2] + 1;
		}
	}
	return row[b.n];
}

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){.max = max_bytes != 0 ? max_bytes : BUF_MAX_DEFAULT};
}

void buf_deinit(struct buf *b)
{
	mem_free(b->p);
	*b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

static bool buf_grow(struct buf *b, size_t n)
{
	ASSERT(b->n <= b->cap && b->cap <= b->max);
	if (b->failed || n > b->max || b->n > b->max - n) {
		b->failed = true;
		return false;
	}
	size_t cap = b->cap != 0 ? b->cap : 256;
	while (cap < b->n + n) cap += cap / 2 + 64;
	if (cap > b->max) cap = b->max;
	uint8_t *p = mem_realloc(b->p, cap);
	if (p == NULL) {
		b->failed = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	if (b->failed) return NULL;
	if ((b->p == NULL || b->cap - b->n < n) && !buf_grow(b, n)) return NULL;
	return b->p + b->n;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0) return;
	uint8_t *dst = buf_reserve(b, n);
	if (dst == NULL) return;
	memcpy(dst, p, n);
	b->n += n;
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	va_list again;
	va_copy(again, args);
	const int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	uint8_t *dst = n < 0 ? NULL : buf_reserve(b, (size_t)n + 1);
	if (dst != NULL) {
		(void)vsnprintf((char *)dst, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void buf_i64(struct buf *b, int64_t v)
{
	char text[24];
	size_t at = sizeof text;
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	do {
		text[--at] = (char)('0' + u % 10);
		u /= 10;
	} while (u != 0);
	if (v < 0) text[--at] = '-';
	buf_add(b, text + at, sizeof text - at);
}

void buf_json_str(struct buf *b, struct str s)
{
	static const char hex[] = "0123456789abcdef";
	buf_char(b, '"');
	size_t from = 0;
	for (size_t i = 0; i < s.n; i++) {
		const unsigned char c = (unsigned char)s.p[i];
		if (c >= 0x20 && c != '"' && c != '\\') continue;
		buf_add(b, s.p + from, i - from);
		from = i + 1;
		const char *at = c == '\b'   ? "\\b"
				 : c == '\f' ? "\\f"
				 : c == '\n' ? "\\n"
				 : c == '\r' ? "\\r"
				 : c == '\t' ? "\\t"
					     : NULL;
		if (at != NULL) {
			buf_add(b, at, 2);
		} else if (c == '"' || c == '\\') {
			const char esc[2] = {'\\', (char)c};
			buf_add(b, esc, 2);
		} else {
			const char esc[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
			buf_add(b, esc, 6);
		}
	}
	if (s.n > from) buf_add(b, s.p + from, s.n - from);
	buf_char(b, '"');
}

void buf_hex(struct buf *b, const uint8_t *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		const char two[2] = {hex[p[i] >> 4], hex[p[i] & 15]};
		buf_add(b, two, 2);
	}
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

void buf_percent(struct buf *b, struct str s, const char *plain)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t from = 0;
	for (size_t i = 0; i < s.n; i++) {
		const unsigned char c = (unsigned char)s.p[i];
		if (is_unreserved(s.p[i]) || (c != '\0' && strchr(plain, c) != NULL)) continue;
		const char code[3] = {'%', hex[c >> 4], hex[c & 15]};
		buf_add(b, s.p + from, i - from);
		buf_add(b, code, sizeof code);
		from = i + 1;
	}
	if (s.n > from) buf_add(b, s.p + from, s.n - from);
}

status buf_check(const struct buf *b, struct err *err)
{
	if (!b->failed) return OK;
	if (b->n >= b->max / 2) return fail(err, E_LIMIT, "buffer: at most %zu bytes", b->max);
	return fail_nomem(err);
}
