/* base/hash.c: SHA-256, HMAC, XXH64 and XXH3 by their libraries (the only file that includes them), and texts of hashes and ids.
 *
 * Invariants: 1. the same bytes give the same hash on every machine: digests are canonical (big-endian) bytes; 2. no digest needs
 * memory: libcrypto's functions of before 3.0 are the same code without a search for a provider, which fails, or crashes, where
 * memory has run out.
 */
#define OPENSSL_API_COMPAT 0x10100000L
#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <sys/random.h>
#include <xxhash.h>

#include "base/alloc.h"

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
	SHA256_CTX c;
	(void)SHA256_Init(&c);
	(void)SHA256_Update(&c, p, n);
	(void)SHA256_Final(out, &c);
}

void hash_hmac_sha256(const void *key, size_t key_n, const void *p, size_t n, uint8_t out[SHA256_BYTES])
{
	enum { BLOCK = SHA256_CBLOCK };
	uint8_t block[BLOCK] = {0}, inner[BLOCK], outer[BLOCK]; /* RFC 2104 section 2 */
	SHA256_CTX c;
	if (key_n > BLOCK)
		hash_sha256(key, key_n, block);
	else if (key_n > 0)
		memcpy(block, key, key_n);
	for (size_t i = 0; i < BLOCK; i++) {
		inner[i] = block[i] ^ 0x36;
		outer[i] = block[i] ^ 0x5c;
	}
	(void)SHA256_Init(&c);
	(void)SHA256_Update(&c, inner, BLOCK);
	(void)SHA256_Update(&c, p, n);
	(void)SHA256_Final(out, &c);
	(void)SHA256_Init(&c);
	(void)SHA256_Update(&c, outer, BLOCK);
	(void)SHA256_Update(&c, out, SHA256_BYTES);
	(void)SHA256_Final(out, &c);
}

void hash_md5(const void *p, size_t n, uint8_t out[MD5_BYTES])
{
	MD5_CTX c;
	(void)MD5_Init(&c);
	(void)MD5_Update(&c, p, n);
	(void)MD5_Final(out, &c);
}

status hash_stream_init(struct hash_stream *h, bool with_sha256, struct err *err)
{
	*h = (struct hash_stream){0};
	h->xxh = XXH3_createState();
	if (with_sha256) h->sha = mem_alloc(sizeof(SHA256_CTX));
	if (h->xxh == NULL || (with_sha256 && h->sha == NULL)) {
		hash_stream_deinit(h);
		return fail_nomem(err);
	}
	(void)XXH3_128bits_reset(h->xxh);
	if (with_sha256) (void)SHA256_Init(h->sha);
	return OK;
}

void hash_stream_add(struct hash_stream *h, const void *p, size_t n)
{
	(void)XXH3_128bits_update(h->xxh, p, n);
	if (h->sha != NULL) (void)SHA256_Update(h->sha, p, n);
}

void hash_stream_final(struct hash_stream *h, uint8_t xxh128[XXH128_BYTES], uint8_t *sha256)
{
	canonical128(XXH3_128bits_digest(h->xxh), xxh128);
	if (sha256 == NULL) return;
	ASSERT(h->sha != NULL);
	(void)SHA256_Final(sha256, h->sha);
}

void hash_stream_deinit(struct hash_stream *h)
{
	(void)XXH3_freeState(h->xxh);
	mem_free(h->sha);
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

bool base64_url_decode(struct str text, uint8_t *dst, size_t *n)
{
	size_t out = 0;
	uint32_t bits = 0;
	if (text.n % 4 == 1) return false;
	for (size_t i = 0; i < text.n; i++) {
		const char c = text.p[i];
		const int digit = c == '-' ? 62 : c == '_' ? 63 : c == '+' || c == '/' ? -1 : base64_digit(c);
		if (digit < 0) return false;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4 != 0) dst[out++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	const unsigned spare = text.n % 4 == 2 ? 4 : text.n % 4 == 3 ? 2 : 0;
	if ((bits & ((1u << spare) - 1)) != 0) return false;
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

const uint8_t hex_digits[256] = {['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16,
	['A'] = 11,
	['B'] = 12,
	['C'] = 13,
	['D'] = 14,
	['E'] = 15,
	['F'] = 16};

bool hex_decode(struct str text, uint8_t *dst, size_t n)
{
	if (text.n != 2 * n) return false;
	for (size_t i = 0; i < n; i++) {
		const int hi = hex_digits[(uint8_t)text.p[2 * i]] - 1;
		const int lo = hex_digits[(uint8_t)text.p[2 * i + 1]] - 1;
		if (hi < 0 || lo < 0) return false;
		dst[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

/* Without branches, so that it becomes vectors: producers and ids of tickets come here once an event. */
void uuid_format(const uint8_t id[UUID_BYTES], char dst[UUID_CHARS])
{
	enum { LETTERS = 'a' - '9' - 1 };
	char hex[2 * UUID_BYTES];
	for (size_t i = 0; i < UUID_BYTES; i++) {
		const uint8_t hi = id[i] >> 4, lo = id[i] & 15;
		hex[2 * i] = (char)('0' + hi + (hi > 9 ? LETTERS : 0));
		hex[2 * i + 1] = (char)('0' + lo + (lo > 9 ? LETTERS : 0));
	}
	memcpy(dst, hex, 8);
	for (size_t i = 0; i < 3; i++) memcpy(dst + 9 + 5 * i, hex + 8 + 4 * i, 4);
	memcpy(dst + 24, hex + 20, 12);
	dst[8] = dst[13] = dst[18] = dst[23] = '-';
}

/* No branch a digit: every event has one. */
bool uuid_parse(struct str text, uint8_t id[UUID_BYTES])
{
	static const uint8_t places[UUID_BYTES] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
	if (text.n != UUID_CHARS) return false;
	const uint8_t *p = (const uint8_t *)text.p;
	uint8_t out[UUID_BYTES];
	bool valid = p[8] == '-' && p[13] == '-' && p[18] == '-' && p[23] == '-';
	for (size_t i = 0; i < UUID_BYTES; i++) {
		const uint8_t hi = hex_digits[p[places[i]]], lo = hex_digits[p[places[i] + 1]];
		valid &= hi != 0 && lo != 0;
		out[i] = (uint8_t)((unsigned)(hi - 1) << 4 | (unsigned)(lo - 1));
	}
	if (valid) memcpy(id, out, sizeof out);
	return valid;
}

void uuid_v5(const uint8_t name_space[UUID_BYTES], struct str name, uint8_t out[UUID_BYTES])
{
	uint8_t digest[20];
	SHA_CTX c;
	(void)SHA1_Init(&c);
	(void)SHA1_Update(&c, name_space, UUID_BYTES);
	(void)SHA1_Update(&c, name.p, name.n);
	(void)SHA1_Final(digest, &c);
	memcpy(out, digest, UUID_BYTES);
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x50);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void uuid_random(uint8_t out[UUID_BYTES])
{
	const int rc = getentropy(out, UUID_BYTES);
	ASSERT(rc == 0);
	out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
	out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}
