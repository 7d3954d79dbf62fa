/* flow/claims.h: a set of keys, each with who claimed it first.
 *
 * Open addressing in slots of 16 bytes, four fifths full at most, growing by half: 20 to 30 bytes a key, and the slots before
 * besides while it grows. A slot holds 104 bits of the key's XXH3-128 and 24 bits of its owner, not the key: of n keys two are
 * taken for one with a probability of n^2 / 2^105, under 10^-15 for a hundred million. One thread at a time.
 */
#ifndef PQR_FLOW_CLAIMS_H
#define PQR_FLOW_CLAIMS_H

#include "base/buf.h"

enum { CLAIMS_OWNERS_MAX = (1 << 24) - 1 };
#define CLAIMS_NOBODY UINT32_MAX

struct claim;
struct claims {
	struct claim *slots; /* [n_slots]; NULL while empty */
	uint64_t n_slots, n;
};
void claims_init(struct claims *c);
void claims_deinit(struct claims *c);
/* Claim the key for owner (below CLAIMS_OWNERS_MAX) unless somebody has it; *out is whose it is now. O(1). E_NOMEM. */
status claims_take(struct claims *c, struct str key, uint32_t owner, uint32_t *out, struct err *err) MUST_USE;
uint32_t claims_owner(const struct claims *c, struct str key); /* or CLAIMS_NOBODY */

#endif
