/* base/seal.h: a text that holds a digest of itself, so that any byte of it that changes is seen by whoever has the text alone.
 *
 * The digest is XXH3-128 over the whole text with zeros where its own digits stand: a guard against disks and slips, never for trust.
 */
#ifndef PQR_BASE_SEAL_H
#define PQR_BASE_SEAL_H

#include "base/buf.h"
#include "base/hash.h"

enum { SEAL_CHARS = HEX_XXH128_CHARS };

/* Append the place of the digits; returns where it is in b. */
size_t seal_blank(struct buf *b);
/* The text is b from `from` on and complete: write its digits at `at`, as seal_blank gave it. A failed buffer stays as it is. */
void seal_close(struct buf *b, size_t from, size_t at);
/* Are the digits at p + at those of p[n]? Changes p while it looks. */
bool seal_holds(uint8_t *p, size_t n, size_t at);

#endif
