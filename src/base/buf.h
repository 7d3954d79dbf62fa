/* base/buf.h: string views, growable byte buffers and JSON text.
 *
 * A buffer takes its hard maximum at init. Appends past it, or past the memory limit, poison the buffer:
 * later appends do nothing and buf_check reports it, so a long sequence of appends needs one check.
 */
#ifndef PQR_BASE_BUF_H
#define PQR_BASE_BUF_H

#include <string.h>

#include "base/err.h"

struct str { /* a view: not NUL-terminated, owns nothing */
	const char *p;
	size_t n;
};
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
static inline struct str str_of(const char *s)
{
	return (struct str){s, strlen(s)};
}
static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool str_is(struct str a, const char *s)
{
	return str_eq(a, str_of(s));
}
int str_cmp(struct str a, struct str b); /* by unsigned bytes, then by length: <0, 0, >0 */

/* How many slips of the keyboard lie between two words: a byte too many, too few, another, or two swapped (optimal
 * string alignment). Words are cut at STR_DISTANCE_MAX bytes. O(a.n * b.n). */
enum { STR_DISTANCE_MAX = 64 };
size_t str_distance(struct str a, struct str b);

struct buf {
	uint8_t *p;
	size_t n;
	size_t cap;
	size_t max;
	bool failed;
};

void buf_init(struct buf *b, size_t max_bytes); /* max_bytes 0 = BUF_MAX_DEFAULT of limits.h */
void buf_deinit(struct buf *b);
void buf_reset(struct buf *b); /* empty, capacity kept, no longer failed */
/* Room for n more bytes at the returned place, or NULL (and poisoned). buf_commit then adds them. */
uint8_t *buf_reserve(struct buf *b, size_t n);
static inline void buf_commit(struct buf *b, size_t n)
{
	b->n += n;
}
void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_i64(struct buf *b, int64_t v);                  /* decimal */
void buf_json_str(struct buf *b, struct str s);          /* quoted and escaped by RFC 8259; s is valid UTF-8 */
void buf_hex(struct buf *b, const uint8_t *p, size_t n); /* lower case */
/* Percent-encoded (RFC 3986 section 2.1): every byte but letters, digits, -._~ and those of `plain` as %XX. */
void buf_percent(struct buf *b, struct str s, const char *plain);
status buf_check(const struct buf *b, struct err *err); /* E_NOMEM or E_LIMIT once an append failed */

#endif
