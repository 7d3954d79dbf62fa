/* server/token.h: JSON Web Tokens (RFC 7519) in their compact form, signed by one of three algorithms.
 *
 * A key is for one algorithm: what a token's header says only chooses among the keys, so no token can have a public key taken for a secret,
 * or go without a signature. Must not know what the claims mean.
 */
#ifndef PQR_SERVER_TOKEN_H
#define PQR_SERVER_TOKEN_H

#include "base/buf.h"

enum { TOKEN_BYTES_MAX = 8192, TOKEN_SECRET_BYTES_MIN = 32 /* RFC 7518 section 3.2 */ };

enum token_algorithm { TOKEN_HS256, TOKEN_RS256, TOKEN_ES256 };
struct token_key {
	enum token_algorithm algorithm;
	const char *kid; /* NULL: for every token of its algorithm */
	struct str key;  /* the secret's bytes, or a public key as PEM; a NUL follows */
};

/* Is the library here that reads and signs them? E_NOT_FOUND says what to install. */
status token_library(struct err *err) MUST_USE;

/* The claims, as JSON text, of a token that one of keys[n] signed, appended to claims. E_USAGE says in a line for people what is wrong with
 * it, without a part of it; E_NOT_FOUND: well-formed, but there is no key of that name and algorithm. */
status token_verify(
	struct str token, const struct token_key *keys, size_t n, struct buf *claims, struct err *err) MUST_USE;

/* Append a token of these claims (a JSON object), signed with a secret. */
status token_sign(struct str claims, const struct token_key *key, struct buf *out, struct err *err) MUST_USE;

#endif
