/* server/token.c: tokens by libjwt, the one file that knows it.
 *
 * libjwt 1.10 (Debian 12) checks a signature by the algorithm that the token's own header names, with whatever key it is given. So the header
 * is read here first, strictly, and libjwt sees a token only with a key of the algorithm that it names, which is not "none".
 *
 * It is loaded when the first token is met: Debian 12 and 13 have it by different names, for the same calls, and one package serves both.
 */
#include "server/token.h"

#include <dlfcn.h>
#include <jwt.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "io/json/json_doc.h"

static const struct {
	const char *name;
	jwt_alg_t alg;
} algorithms[] = {
	[TOKEN_HS256] = {"HS256", JWT_ALG_HS256},
	[TOKEN_RS256] = {"RS256", JWT_ALG_RS256},
	[TOKEN_ES256] = {"ES256", JWT_ALG_ES256},
};
enum { N_ALGORITHMS = sizeof algorithms / sizeof algorithms[0] };

/* ---- the library ------------------------------------------------------------------------------------------------------ */

static struct {
	__typeof__(jwt_new) *new;
	__typeof__(jwt_free) *free;
	__typeof__(jwt_decode) *decode;
	__typeof__(jwt_get_alg) *get_alg;
	__typeof__(jwt_set_alg) *set_alg;
	__typeof__(jwt_add_grants_json) *add_grants_json;
	__typeof__(jwt_encode_str) *encode_str;
} libjwt; /* written once; new is NULL where there is no library */
static pthread_once_t libjwt_once = PTHREAD_ONCE_INIT;

static const struct {
	const char *name;
	void *to;
} symbols[] = {{"jwt_free", &libjwt.free}, {"jwt_decode", &libjwt.decode}, {"jwt_get_alg", &libjwt.get_alg},
	{"jwt_set_alg", &libjwt.set_alg}, {"jwt_add_grants_json", &libjwt.add_grants_json},
	{"jwt_encode_str", &libjwt.encode_str}, {"jwt_new", &libjwt.new}};

static void libjwt_load(void)
{
	static const char *const names[] = {"libjwt.so.0", "libjwt.so.2"}; /* 1.10 and 1.17 */
	void *handle = NULL;
	for (size_t i = 0; i < sizeof names / sizeof names[0] && handle == NULL; i++)
		handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL) return;
	for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
		void *symbol = dlsym(handle, symbols[i].name);
		if (symbol == NULL) return; /* before new was found */
		memcpy(symbols[i].to, &symbol, sizeof symbol);
	}
}

status token_library(struct err *err)
{
	(void)pthread_once(&libjwt_once, libjwt_load);
	if (libjwt.new != NULL) return OK;
	return fail(
		err, E_NOT_FOUND, "tokens need libjwt, which is not here: apt install libjwt2 (libjwt0 on Debian 12)");
}

struct parts {
	struct str header, payload, signature;
};

static bool split(struct str token, struct parts *out)
{
	const char *first = memchr(token.p, '.', token.n);
	if (first == NULL) return false;
	const char *end = token.p + token.n;
	const char *second = memchr(first + 1, '.', (size_t)(end - first) - 1);
	if (second == NULL || memchr(second + 1, '.', (size_t)(end - second) - 1) != NULL) return false;
	out->header = (struct str){token.p, (size_t)(first - token.p)};
	out->payload = (struct str){first + 1, (size_t)(second - first) - 1};
	out->signature = (struct str){second + 1, (size_t)(end - second) - 1};
	return out->header.n > 0 && out->payload.n > 0 && out->signature.n > 0;
}

/* libjwt passes over what is no base64url, so that a signature would have many texts. */
static bool signature_strict(struct str text)
{
	uint8_t dst[TOKEN_BYTES_MAX];
	size_t n;
	return base64_url_decode(text, dst, &n);
}

static status decode(struct str text, struct buf *out, struct err *err)
{
	uint8_t *dst = buf_reserve(out, (text.n * 3 + 3) / 4);
	size_t n = 0;
	if (dst == NULL) return buf_check(out, err);
	if (!base64_url_decode(text, dst, &n)) return fail(err, E_USAGE, "the token is not base64url");
	buf_commit(out, n);
	return OK;
}

/* ---- the header ------------------------------------------------------------------------------------------------------- */

struct header {
	enum token_algorithm algorithm;
	struct str kid; /* p == NULL: none */
	struct json_doc *doc;
	struct buf text;
};

static status header_read(struct header *h, struct str part, struct err *err)
{
	struct str alg;
	size_t i = 0;
	TRY(decode(part, &h->text, err));
	const struct str text = {(const char *)h->text.p, h->text.n};
	if (json_doc_parse(text, &h->doc, NULL) != OK) return fail(err, E_USAGE, "the token's header is not JSON");
	const struct json_node *root = json_doc_root(h->doc);
	if (!json_node_str(json_node_get(root, "alg"), &alg)) return fail(err, E_USAGE, "the token names no algorithm");
	while (i < N_ALGORITHMS && !str_is(alg, algorithms[i].name)) i++;
	if (i == N_ALGORITHMS) return fail(err, E_USAGE, "the token's algorithm is not taken here");
	h->algorithm = (enum token_algorithm)i;
	/* RFC 7515 section 4.1.11: what must be understood, and is not. */
	if (json_node_get(root, "crit") != NULL) return fail(err, E_USAGE, "the token has critical extensions");
	const struct json_node *kid = json_node_get(root, "kid");
	return kid == NULL || json_node_str(kid, &h->kid) ? OK : fail(err, E_USAGE, "the token's kid is no text");
}

static bool key_fits(const struct token_key *k, const struct header *h)
{
	return k->algorithm == h->algorithm && (k->kid == NULL || h->kid.p == NULL || str_is(h->kid, k->kid));
}

/* ---- signatures ------------------------------------------------------------------------------------------------------- */

static bool signature_good(const char *token, const struct token_key *k)
{
	jwt_t *jwt = NULL;
	ASSERT(k->key.n > 0 && k->key.n <= INT32_MAX);
	const int failed = libjwt.decode(&jwt, token, (const unsigned char *)k->key.p, (int)k->key.n);
	const bool good = failed == 0 && jwt != NULL && libjwt.get_alg(jwt) == algorithms[k->algorithm].alg;
	if (failed == 0) libjwt.free(jwt);
	return good;
}

static status verify(struct str token, const struct header *h, const struct token_key *keys, size_t n, struct err *err)
{
	char text[TOKEN_BYTES_MAX + 1];
	bool tried = false;
	memcpy(text, token.p, token.n);
	text[token.n] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (!key_fits(&keys[i], h)) continue;
		if (signature_good(text, &keys[i])) return OK;
		tried = true;
	}
	return tried ? fail(err, E_USAGE, "the token's signature is wrong")
		     : fail(err, E_NOT_FOUND, "the token is signed with a key that is not known here");
}

status token_verify(struct str token, const struct token_key *keys, size_t n, struct buf *claims, struct err *err)
{
	struct parts parts;
	struct header h = {.doc = NULL};
	TRY(token_library(err));
	if (token.n > TOKEN_BYTES_MAX) return fail(err, E_USAGE, "the token is longer than %d bytes", TOKEN_BYTES_MAX);
	if (memchr(token.p, '\0', token.n) != NULL || !split(token, &parts))
		return fail(err, E_USAGE, "the token is not of three parts");
	if (!signature_strict(parts.signature)) return fail(err, E_USAGE, "the token is not base64url");
	buf_init(&h.text, TOKEN_BYTES_MAX);
	status code = header_read(&h, parts.header, err);
	if (code == OK) code = verify(token, &h, keys, n, err);
	json_doc_destroy(h.doc);
	buf_deinit(&h.text);
	TRY(code);
	return decode(parts.payload, claims, err);
}

status token_sign(struct str claims, const struct token_key *key, struct buf *out, struct err *err)
{
	jwt_t *jwt = NULL;
	struct buf text;
	TRY(token_library(err));
	ASSERT(key->algorithm == TOKEN_HS256 && key->key.n <= INT32_MAX);
	buf_init(&text, TOKEN_BYTES_MAX);
	buf_add(&text, claims.p, claims.n);
	buf_char(&text, '\0');
	const bool made = !text.failed && libjwt.new(&jwt) == 0 &&
			  libjwt.add_grants_json(jwt, (const char *)text.p) == 0 &&
			  libjwt.set_alg(jwt, algorithms[key->algorithm].alg, (const unsigned char *)key->key.p,
				  (int)key->key.n) == 0;
	buf_deinit(&text);
	char *token = made ? libjwt.encode_str(jwt) : NULL;
	if (jwt != NULL) libjwt.free(jwt);
	if (token == NULL) return fail_nomem(err);
	buf_str(out, token);
	free(token);
	return buf_check(out, err);
}
