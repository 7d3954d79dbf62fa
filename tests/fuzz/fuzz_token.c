/* What a stranger sends to be let in, by its first byte: an Authorization header's token (T), the claims of a token (C), a set of keys (K).
 * Refused in words, or taken by a signature that only the secret makes. */
#include "fuzz.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/time.h"
#include "server/claims.h"
#include "server/jwk.h"
#include "server/token.h"

static const char secret[] = "0123456789abcdef0123456789abcdef";
static const struct token_key key = {.algorithm = TOKEN_HS256, .key = {secret, sizeof secret - 1}};

/* Signed after all: what was signed is what stands before the last point. */
static void check_signature(struct str token)
{
	uint8_t sum[SHA256_BYTES], given[TOKEN_BYTES_MAX];
	size_t n = 0;
	const char *end = memrchr(token.p, '.', token.n);
	ASSERT(end != NULL);
	const size_t signed_n = (size_t)(end - token.p);
	hash_hmac_sha256(secret, sizeof secret - 1, token.p, signed_n, sum);
	ASSERT(base64_url_decode((struct str){end + 1, token.n - signed_n - 1}, given, &n));
	ASSERT(n == sizeof sum && memcmp(sum, given, n) == 0);
}

static void check_token(struct str token)
{
	struct buf claims;
	struct err err = {0};
	buf_init(&claims, 0);
	const status code = token_verify(token, &key, 1, &claims, &err);
	ASSERT(code == OK || code == E_USAGE || code == E_NOT_FOUND);
	ASSERT(code == OK || (err.message[0] != '\0' && claims.n == 0));
	if (code == OK) check_signature(token);
	buf_deinit(&claims);
}

static void check_claims(struct str text, struct arena *arena)
{
	static const struct claims_rules rules = {"authenticated", "", INT64_C(1770000000) * US_PER_SECOND};
	struct principal p;
	struct err err = {0};
	const status code = claims_read(text, &rules, arena, &p, &err);
	ASSERT(code == OK || (code == E_USAGE && err.message[0] != '\0'));
	ASSERT(code != OK || (p.role <= AUTH_SERVICE && str_eq(p.claims, text)));
}

static void check_keys(struct str text, struct arena *arena)
{
	struct jwk_list keys = {.arena = arena};
	struct err err = {0};
	const status code = jwk_set_parse(text, &keys, &err);
	ASSERT(code == OK || code == E_CORRUPT);
	for (size_t i = 0; i < keys.n; i++) {
		ASSERT(keys.items[i].algorithm != TOKEN_HS256);
		ASSERT(memmem(keys.items[i].key.p, keys.items[i].key.n, "BEGIN PUBLIC KEY", 16) != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	if (size == 0) return 0;
	const struct str rest = {(const char *)data + 1, size - 1};
	arena_init(&arena, 0);
	if (data[0] == 'T') check_token(rest);
	if (data[0] == 'C') check_claims(rest, &arena);
	if (data[0] == 'K') check_keys(rest, &arena);
	arena_deinit(&arena);
	return 0;
}
