/* server/keys.h: what tokens are checked with: a secret, and a set of public keys (JWKS) from a file or an address, kept fresh.
 *
 * A thread reads the set again once it is old, and after a token of a key that is not in it, though not more than every few seconds,
 * whatever is sent. Where that fails the keys of before go on being good. Any thread.
 */
#ifndef PQR_SERVER_KEYS_H
#define PQR_SERVER_KEYS_H

#include "server/token.h"

struct keys_opts {
	struct str secret; /* empty: none */
	const char *jwks;  /* a path, http://... or https://...; NULL or "": none */
};

struct keys;
/* Copies. E_USAGE: a secret that is too short; neither secret nor set; a file that can't be read, or is no set. An address that does not answer
 * is warned of: it may be there later. */
status keys_open(const struct keys_opts *o, struct keys **out, struct err *err) MUST_USE;
void keys_close(struct keys *k); /* NULL is fine */
/* token_verify with the keys of now; waits for nothing. */
status keys_verify(struct keys *k, struct str token, struct buf *claims, struct err *err) MUST_USE;

#endif
