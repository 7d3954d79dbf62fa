/* base/hash.c: SHA-256, HMAC, XXH64 and XXH3 by their libraries (the only file that includes them), and texts of hashes and ids.
 *
 * Invariant: the same bytes give the same hash on every machine: digests are canonical (big-endian) bytes.
 */
#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <xxhash.h>

uint64_t hash_xxh64(const void *p, size_t n)
{
	return XXH64(p, n, 0);
}

uint64_t hash_xxh3(const void *p, size_t n)
{
	return XXH3_64bits(p, n);
}

static void canonical128(XXH128_hash_t h, uint8_t out[XXH128_BYTES])
{
	XXH128_canonical_t c;
	XXH128_canonicalFromHash(&c, h);
	memcpy(out, c.digest, XXH128_BYTES);
}

void hash_xxh128(const void *p, size_t n, uint8_t out[XXH128_BYTES])
{
	canonical128(XXH3_128bits(p, n), out);
}

void hash_sha256(const void *p, size_t n, uint8_t out[SHA256_BYTES])
{
	unsigned int size = SHA256_BYTES;
	const int ok = EVP_Digest(p, n, out, &size, EVP_sha256(), NULL);
	ASSERT(ok == 1);
}

void hash_hmac_sha256(const void *key, size_t key_n, const void *p, size_t n, uint8_t out[SHA256_BYTES])
{
	unsigned int size = SHA256_BYTES;
	ASSERT(key_n <= INT32_MAX);
	const uint8_t *mac = HMAC(EVP_sha256(), key, (int)key_n, p, n, out, &size);
	ASSERT(mac != NULL && size == SHA256_BYTES);
}

void hash_md5(const void *p, size_t n, uint8_t out[MD5_BYTES])
{
	unsigned int size = MD5_BYTES;
	const int ok = EVP_Digest(p, n, out, &size, EVP_md5(), NULL);
	ASSERT(ok == 1);
}

status hash_stream_init(struct hash_stream *h, bool with_sha256, struct err *err)
{
	*h = (struct hash_stream){0};
	h->xxh = XXH3_createState();
	if (with_sha256) h->sha = EVP_MD_CTX_new();
	if (h->xxh == NULL || (with_sha256 && h->sha == NULL)) {
		hash_stream_deinit(h);
		return fail_nomem(err);
	}
	(void)XXH3_128bits_reset(h->xxh);
	if (with_sha256) {
		const int ok = EVP_DigestInit_ex(h->sha, EVP_sha256(), NULL);
		ASSERT(ok == 1);
	}
	return OK;
}

void hash_stream_add(struct hash_stream *h, const void *p, size_t n)
{
	(void)XXH3_128bits_update(h->xxh, p, n);
	if (h->sha != NULL) (void)EVP_DigestUpdate(h->sha, p, n);
}

void hash_stream_final(struct hash_stream *h, uint8_t xxh128[XXH128_BYTES], uint8_t *sha256)
{
	canonical128(XXH3_128bits_digest(h->xxh), xxh128);
	if (sha256 == NULL) return;
	ASSERT(h->sha != NULL);
	unsigned int size = SHA256_BYTES;
	(void)EVP_DigestFinal_ex(h->sha, sha256, &size);
}

void hash_stream_deinit(struct hash_stream *h)
{
	(void)XXH3_freeState(h->xxh);
	EVP_MD_CTX_free(h->sha);
	*h = (struct hash_stream){0};
}

void base64_encode(const uint8_t *p, size_t n, char *dst)
{
	ASSERT(n <= INT32_MAX / 2);
	(void)EVP_EncodeBlock((unsigned char *)dst, p, (int)n);
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

bool base64_decode(struct str text, uint8_t *dst, size_t *n)
{
	size_t digits = text.n, out = 0;
	uint32_t bits = 0;
	if (text.n % 4 != 0) return false;
	while (digits + 2 > text.n && digits > 0 && text.p[digits - 1] == '=') digits--;
	for (size_t i = 0; i < digits; i++) {
		const int digit = base64_digit(text.p[i]);
		if (digit < 0) return false;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4 != 0) dst[out++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	*n = out;
	return true;
}

void hex_encode(const uint8_t *p, size_t n, char *dst)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = hex[p[i] >> 4];
		dst[2 * i + 1] = hex[p[i] & 15];
	}
	dst[2 * n] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	if (c >= 'A' && c <= 'F') return c - 'A' + 10;
	return -1;
}

bool hex_decode(struct str text, uint8_t *dst, size_t n)
{
	if (text.n != 2 * n) return false;
	for (size_t i = 0; i < n; i++) {
		const int hi = hex_digit(text.p[2 * i]);
		const int lo = hex_digit(text.p[2 * i + 1]);
		if (hi < 0 || lo < 0) return false;
		dst[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

void uuid_format(const uint8_t id[UUID_BYTES], char dst[UUID_CHARS])
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0, at = 0; i < UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10) dst[at++] = '-';
		dst[at++] = hex[id[i] >> 4];
		dst[at++] = hex[id[i] & 15];
	}
}

bool uuid_parse(struct str text, uint8_t id[UUID_BYTES])
{
	if (text.n != UUID_CHARS) return false;
	uint8_t out[UUID_BYTES];
	size_t at = 0;
	for (size_t i = 0; i < UUID_BYTES; i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && text.p[at++] != '-') return false;
		if (!hex_decode((struct str){text.p + at, 2}, &out[i], 1)) return false;
		at += 2;
	}
	memcpy(id, out, sizeof out);
	return true;
}

void uuid_v5(const uint8_t name_space[UUID_BYTES], struct str name, uint8_t out[UUID_BYTES])
{
	uint8_t digest[20];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ASSERT(ctx != NULL);
	const int ok = EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) == 1 &&
		       EVP_DigestUpdate(ctx, name_space, UUID_BYTES) == 1 &&
		       EVP_DigestUpdate(ctx, name.p, name.n) == 1 && EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
	ASSERT(ok);
	EVP_MD_CTX_free(ctx);
	memcpy(out, digest, UUID_BYTES);
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x50);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void uuid_random(uint8_t out[UUID_BYTES])
{
	const int ok = RAND_bytes(out, UUID_BYTES);
	ASSERT(ok == 1);
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}
