/* parquet/encoding/encode_delta.c: DELTA_BINARY_PACKED. encode_delta_size and encode_delta walk the same blocks, so that what was
 * counted is what is written. Must not know what the numbers mean. */
#include <string.h>

#include "parquet/encoding/encode.h"
#include "parquet/thrift/thrift_write.h"

enum { BLOCK = 128, MINI = 32, MINIS = BLOCK / MINI, HEADER_MAX = 2 + 1 + 10 + 10, BLOCK_HEADER_MAX = 10 + MINIS };

/* The differences of one block, those of 4-byte values wrapped to 32 bits and sign-extended. */
struct block {
	int64_t least;
	uint64_t rest[BLOCK]; /* difference - least; 0 past the end */
	uint8_t width[MINIS];
	size_t n_minis; /* with a value */
};

static inline int64_t value_at(const void *values, size_t i, unsigned bytes)
{
	return bytes == 4 ? ((const int32_t *)values)[i] : ((const int64_t *)values)[i];
}

static inline __attribute__((always_inline)) void block_make(
	const void *values, size_t from, size_t n, unsigned bytes, struct block *b)
{
	int64_t difference[BLOCK];
	int64_t least = INT64_MAX;
	for (size_t i = 0; i < n; i++) {
		const uint64_t wrapped =
			(uint64_t)value_at(values, from + i, bytes) - (uint64_t)value_at(values, from + i - 1, bytes);
		difference[i] = bytes == 4 ? (int32_t)(uint32_t)wrapped : (int64_t)wrapped;
		least = difference[i] < least ? difference[i] : least;
	}
	b->least = least;
	b->n_minis = (n + MINI - 1) / MINI;
	for (size_t i = 0; i < n; i++) b->rest[i] = (uint64_t)difference[i] - (uint64_t)least;
	if (bytes == 4)
		for (size_t i = 0; i < n; i++) b->rest[i] &= UINT32_MAX;
	memset(b->rest + n, 0, (BLOCK - n) * sizeof *b->rest);
	for (size_t m = 0; m < MINIS; m++) {
		uint64_t any = 0;
		for (size_t i = 0; i < MINI; i++) any |= b->rest[m * MINI + i];
		b->width[m] = any == 0 ? 0 : (uint8_t)(64 - __builtin_clzll(any));
	}
}

static void block_at(const void *values, size_t from, size_t n, unsigned bytes, struct block *b)
{
	if (bytes == 4)
		block_make(values, from, n, 4, b);
	else
		block_make(values, from, n, 8, b);
}

/* 32 values of `width` bits: 4 * width bytes. */
static uint8_t *pack(const uint64_t *v, unsigned width, uint8_t *dst)
{
	uint64_t acc = 0;
	unsigned bits = 0;
	for (size_t i = 0; width > 0 && i < MINI; i++) {
		acc |= v[i] << bits;
		bits += width;
		if (bits < 64) continue;
		memcpy(dst, &acc, 8);
		dst += 8;
		bits -= 64;
		acc = bits == 0 ? 0 : v[i] >> (width - bits);
	}
	memcpy(dst, &acc, bits / 8); /* 32 * width bits are whole 32-bit words */
	return dst + bits / 8;
}

size_t encode_delta_bound(size_t n, unsigned bytes)
{
	return HEADER_MAX + (n / BLOCK + 1) * (BLOCK_HEADER_MAX + (size_t)BLOCK * bytes) + 8;
}

static uint8_t *header(const void *values, size_t n, unsigned bytes, uint8_t *dst)
{
	dst = thrift_put_varint(dst, BLOCK);
	dst = thrift_put_varint(dst, MINIS);
	dst = thrift_put_varint(dst, n);
	return thrift_put_varint(
		dst, thrift_zigzag_of(n > 0 ? value_at(values, 0, bytes) : 0)); /* a page may be all NULL */
}

size_t encode_delta_size(const void *values, size_t n, unsigned bytes)
{
	uint8_t text[HEADER_MAX];
	struct block b;
	size_t size = (size_t)(header(values, n, bytes, text) - text);
	for (size_t i = 1; i < n; i += BLOCK) {
		block_at(values, i, n - i < BLOCK ? n - i : BLOCK, bytes, &b);
		size += (size_t)(thrift_put_varint(text, thrift_zigzag_of(b.least)) - text) + MINIS;
		for (size_t m = 0; m < b.n_minis; m++) size += (size_t)b.width[m] * MINI / 8;
	}
	return size;
}

uint8_t *encode_delta(const void *values, size_t n, unsigned bytes, uint8_t *dst)
{
	struct block b;
	dst = header(values, n, bytes, dst);
	for (size_t i = 1; i < n; i += BLOCK) {
		block_at(values, i, n - i < BLOCK ? n - i : BLOCK, bytes, &b);
		dst = thrift_put_varint(dst, thrift_zigzag_of(b.least));
		memcpy(dst, b.width, MINIS);
		dst += MINIS;
		for (size_t m = 0; m < b.n_minis; m++) dst = pack(b.rest + m * MINI, b.width[m], dst);
	}
	return dst;
}
