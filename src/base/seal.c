/* base/seal.c: see seal.h. It knows a place in a text, and not what the text is. */
#include "base/seal.h"

static void digits_of(uint8_t *p, size_t n, size_t at, char digits[SEAL_CHARS + 1])
{
	uint8_t hash[XXH128_BYTES];
	memset(p + at, '0', SEAL_CHARS);
	hash_xxh128(p, n, hash);
	hex_encode(hash, sizeof hash, digits);
}

size_t seal_blank(struct buf *b)
{
	const size_t at = b->n;
	uint8_t *blank = buf_reserve(b, SEAL_CHARS);
	if (blank == NULL) return at;
	memset(blank, '0', SEAL_CHARS);
	buf_commit(b, SEAL_CHARS);
	return at;
}

void seal_close(struct buf *b, size_t from, size_t at)
{
	char digits[SEAL_CHARS + 1];
	if (b->failed) return;
	ASSERT(from <= at && at <= b->n && b->n - at >= SEAL_CHARS);
	digits_of(b->p + from, b->n - from, at - from, digits);
	memcpy(b->p + at, digits, SEAL_CHARS);
}

bool seal_holds(uint8_t *p, size_t n, size_t at)
{
	char found[SEAL_CHARS], digits[SEAL_CHARS + 1];
	if (at > n || n - at < SEAL_CHARS) return false;
	memcpy(found, p + at, SEAL_CHARS);
	digits_of(p, n, at, digits);
	memcpy(p + at, found, SEAL_CHARS);
	return memcmp(found, digits, SEAL_CHARS) == 0;
}
