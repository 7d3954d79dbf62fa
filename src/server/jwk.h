/* server/jwk.h: JSON Web Key sets (RFC 7517): the public keys of whoever signs tokens. */
#ifndef PQR_SERVER_JWK_H
#define PQR_SERVER_JWK_H

#include "base/arena.h"
#include "server/token.h"

enum { JWK_SET_BYTES_MAX = 1 << 18, JWK_KEYS_MAX = 64, JWK_RSA_BITS_MIN = 2048 };

struct jwk_list {
	struct token_key *items;
	size_t n, cap;
	struct arena *arena;
};

/* Append the keys of a set that tokens can be checked with: RSA for RS256, EC on P-256 for ES256. Others are left out, as are secrets ("oct")
 * and keys that are for something else, weak or broken: a set may hold what we don't know. E_CORRUPT: not a set. */
status jwk_set_parse(struct str text, struct jwk_list *out, struct err *err) MUST_USE;

#endif
