/* server/jwk.c: from a key's numbers to the PEM that libjwt takes; the one file of the room that knows OpenSSL. */
#include "server/jwk.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "base/hash.h"
#include "base/vec.h"
#include "io/json/json_doc.h"

enum { NUMBER_BYTES_MAX = 1024 /* RSA of 8192 bits */, P256_BYTES = 32 };

struct number {
	uint8_t p[NUMBER_BYTES_MAX];
	size_t n;
};

static bool number_of(const struct json_node *key, const char *name, struct number *out)
{
	struct str text;
	if (!json_node_str(json_node_get(key, name), &text)) return false;
	return (text.n * 3 + 3) / 4 <= sizeof out->p && base64_url_decode(text, out->p, &out->n) && out->n > 0;
}

static bool is(const struct json_node *key, const char *name, const char *want)
{
	struct str text;
	return json_node_str(json_node_get(key, name), &text) && str_is(text, want);
}

/* A member that is not there says nothing. */
static bool is_or_absent(const struct json_node *key, const char *name, const char *want)
{
	return json_node_get(key, name) == NULL || is(key, name, want);
}

/* ---- OpenSSL ---------------------------------------------------------------------------------------------------------- */

static EVP_PKEY *make(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *rsa(const struct json_node *jwk)
{
	struct number n, e;
	EVP_PKEY *key = NULL;
	if (!number_of(jwk, "n", &n) || !number_of(jwk, "e", &e)) return NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *modulus = BN_bin2bn(n.p, (int)n.n, NULL), *exponent = BN_bin2bn(e.p, (int)e.n, NULL);
	if (build != NULL && modulus != NULL && exponent != NULL &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		key = make("RSA", build);
	BN_free(modulus);
	BN_free(exponent);
	OSSL_PARAM_BLD_free(build);
	if (key == NULL || EVP_PKEY_get_bits(key) >= JWK_RSA_BITS_MIN) return key;
	EVP_PKEY_free(key);
	return NULL;
}

static EVP_PKEY *ec(const struct json_node *jwk)
{
	struct number x, y;
	uint8_t point[1 + 2 * P256_BYTES] = {4}; /* uncompressed */
	EVP_PKEY *key = NULL;
	if (!is(jwk, "crv", "P-256") || !number_of(jwk, "x", &x) || !number_of(jwk, "y", &y)) return NULL;
	if (x.n != P256_BYTES || y.n != P256_BYTES) return NULL;
	memcpy(point + 1, x.p, P256_BYTES);
	memcpy(point + 1 + P256_BYTES, y.p, P256_BYTES);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	if (build != NULL && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) == 1)
		key = make("EC", build); /* refuses a point that is not on the curve */
	OSSL_PARAM_BLD_free(build);
	return key;
}

/* NULL: no memory. */
static const char *pem(EVP_PKEY *key, struct arena *arena, size_t *n)
{
	char *text = NULL;
	const char *copy = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	if (bio != NULL && PEM_write_bio_PUBKEY(bio, key) == 1) {
		const long length = BIO_get_mem_data(bio, &text);
		*n = length > 0 ? (size_t)length : 0;
		copy = arena_strndup(arena, text, *n);
	}
	(void)BIO_free(bio);
	return copy;
}

/* ---- sets ------------------------------------------------------------------------------------------------------------- */

static status add_key(const struct json_node *jwk, struct jwk_list *out, struct err *err)
{
	struct str kid;
	struct token_key k = {.algorithm = TOKEN_RS256};
	EVP_PKEY *key = NULL;
	if (!is_or_absent(jwk, "use", "sig")) return OK;
	if (is(jwk, "kty", "RSA") && is_or_absent(jwk, "alg", "RS256")) {
		key = rsa(jwk);
	} else if (is(jwk, "kty", "EC") && is_or_absent(jwk, "alg", "ES256")) {
		k.algorithm = TOKEN_ES256;
		key = ec(jwk);
	}
	if (key == NULL) return OK;
	k.key.p = pem(key, out->arena, &k.key.n);
	EVP_PKEY_free(key);
	const bool named = json_node_str(json_node_get(jwk, "kid"), &kid);
	if (named) k.kid = arena_strndup(out->arena, kid.p, kid.n);
	if (k.key.p == NULL || (named && k.kid == NULL) || !VEC_ROOM_IN(out->arena, out, 1)) return fail_nomem(err);
	out->items[out->n++] = k;
	return OK;
}

status jwk_set_parse(struct str text, struct jwk_list *out, struct err *err)
{
	struct json_doc *doc;
	if (text.n > JWK_SET_BYTES_MAX)
		return fail(err, E_CORRUPT, "a set of keys of more than %d bytes", JWK_SET_BYTES_MAX);
	TRY(json_doc_parse(text, &doc, err));
	const struct json_node *keys = json_node_get(json_doc_root(doc), "keys");
	const size_t n = json_node_n(keys);
	status code = OK;
	if (json_node_kind(keys) != JSON_DOC_ARRAY || n > JWK_KEYS_MAX)
		code = fail(err, E_CORRUPT, "not a set of keys: an object with \"keys\", a list of at most %d",
			JWK_KEYS_MAX);
	for (size_t i = 0; code == OK && i < n; i++) code = add_key(json_node_at(keys, i), out, err);
	json_doc_destroy(doc);
	return code;
}
