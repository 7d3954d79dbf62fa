/* base/hash.h: hashes, by library (xxHash, OpenSSL). Digests are raw bytes; XXH3-128 in canonical (big-endian) order. */
#ifndef PQR_BASE_HASH_H
#define PQR_BASE_HASH_H

#include "base/buf.h"

enum {
	SHA256_BYTES = 32,
	XXH128_BYTES = 16,
	HEX_SHA256_CHARS = 64,
	HEX_XXH128_CHARS = 32,
	UUID_CHARS = 36,
	UUID_BYTES = 16
};

uint64_t hash_xxh64(const void *p, size_t n); /* seed 0: Parquet's bloom filters and the ticket bucket use it */
uint64_t hash_xxh3(const void *p, size_t n);  /* for tables in memory only, never stored */
void hash_xxh128(const void *p, size_t n, uint8_t out[XXH128_BYTES]);
void hash_sha256(const void *p, size_t n, uint8_t out[SHA256_BYTES]);
/* HMAC-SHA-256 (RFC 2104). */
void hash_hmac_sha256(const void *key, size_t key_n, const void *p, size_t n, uint8_t out[SHA256_BYTES]);
enum { MD5_BYTES = 16 };
void hash_md5(const void *p, size_t n, uint8_t out[MD5_BYTES]); /* against slips of a network only, never for trust */

/* Streaming forms; the state is heap-owned by the struct. */
struct hash_stream {
	void *xxh;
	void *sha;
};
status hash_stream_init(struct hash_stream *h, bool with_sha256, struct err *err) MUST_USE;
void hash_stream_add(struct hash_stream *h, const void *p, size_t n);
void hash_stream_final(struct hash_stream *h, uint8_t xxh128[XXH128_BYTES], uint8_t *sha256 /* [32] or NULL */);
void hash_stream_deinit(struct hash_stream *h);

void base64_encode(const uint8_t *p, size_t n, char *dst /* [(n + 2) / 3 * 4 + 1] */); /* RFC 4648 section 4 */
/* The other way: dst has room for text.n / 4 * 3 bytes, and may be written to on failure. false: not base64. */
bool base64_decode(struct str text, uint8_t *dst, size_t *n) MUST_USE;
/* RFC 4648 section 5 without padding, as tokens have it; dst has room for (text.n * 3 + 3) / 4 bytes. false: another alphabet, an impossible
 * length, or bits that belong to no byte: there is one text for each sequence of bytes. */
bool base64_url_decode(struct str text, uint8_t *dst, size_t *n) MUST_USE;
extern const uint8_t hex_digits[256]; /* of a character: its value as a hexadecimal digit + 1; 0: none */
void hex_encode(const uint8_t *p, size_t n, char *dst /* [2n + 1] */);
bool hex_decode(struct str text, uint8_t *dst, size_t n) MUST_USE; /* exactly 2n digits, either case */

/* UUID text is 8-4-4-4-12 hexadecimal digits (RFC 9562 section 4); written in lower case. */
void uuid_format(const uint8_t id[UUID_BYTES], char dst[UUID_CHARS]); /* no NUL */
bool uuid_parse(struct str text, uint8_t id[UUID_BYTES]) MUST_USE;    /* either case */
/* UUIDv5 (RFC 9562 section 5.5): SHA-1 over name space and name. */
void uuid_v5(const uint8_t name_space[UUID_BYTES], struct str name, uint8_t out[UUID_BYTES]);
void uuid_random(
	uint8_t out[UUID_BYTES]); /* v4 from the operating system; for names of things that reach no data file */

#endif
