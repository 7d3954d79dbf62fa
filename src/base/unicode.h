/* base/unicode.h: fold text for keyword matching, by library (utf8proc). The only file that includes it.
 *
 * Knows one code point at a time; fast paths for ASCII and Latin-1 belong to the callers, who can build their tables
 * from this.
 */
#ifndef PQR_BASE_UNICODE_H
#define PQR_BASE_UNICODE_H

#include "base/err.h"

enum { UNICODE_FOLD_MAX = 80 }; /* bytes one code point folds to at most (U+FDFA decomposes to 18 code points) */

/* Fold the code point at the start of p[n], n >= 1: compatibility decomposition, marks (accents) stripped, case folded
 * (Unicode NFKD and full case folding), letters and digits kept as UTF-8, anything else one space; nothing for a mark alone.
 * *n_out bytes go to dst[UNICODE_FOLD_MAX]. Returns the bytes read, 1..4; a byte that is no UTF-8 reads as one symbol. */
size_t unicode_fold(const char *p, size_t n, char *dst, size_t *n_out);

#endif
