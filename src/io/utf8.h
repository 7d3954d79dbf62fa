/* io/utf8.h: is it UTF-8, in bulk; how many code points.
 *
 * Validity is that of RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. The AVX2 version is chosen
 * once at start where the processor has it; the plain version is its oracle.
 */
#ifndef PQR_IO_UTF8_H
#define PQR_IO_UTF8_H

#include "base/buf.h"

bool utf8_valid(const char *p, size_t n) MUST_USE;       /* borrows p[n]; n == 0 is valid; reads nothing beyond n */
bool utf8_valid_plain(const char *p, size_t n) MUST_USE; /* the same, one byte at a time */
#ifdef PQR_SIMD
bool utf8_valid_avx2(const char *p, size_t n) MUST_USE; /* the same, on a processor that has it */
#endif
/* Bytes of the longest valid prefix that ends on a code point; n when all of it is valid. */
size_t utf8_valid_prefix(const char *p, size_t n);
/* The same for a text that databases take: valid, and without NUL, which ends a text in most of them. */
size_t utf8_text_prefix(struct str s);
/* Append s with U+FFFD in place of each byte that can't stay in such a text. */
void utf8_text_mend(struct buf *out, struct str s);
/* Code points of valid UTF-8; of other bytes: those that are no continuation byte. */
size_t utf8_count(const char *p, size_t n);

#endif
