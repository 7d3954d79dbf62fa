/* parquet/encoding/bloom.c: the split block filter, a value at a time; bloom_avx2.c has the version for whole blocks. A filter never
 * says no to a hash that was inserted. Must not know how values are hashed. */
#include "parquet/encoding/bloom_int.h"

#include <string.h>

size_t bloom_bytes(size_t n_values)
{
	size_t bytes = BLOOM_BLOCK_BYTES;
	while (bytes < n_values && bytes < BLOOM_BYTES_MAX) bytes *= 2;
	return bytes;
}

static size_t block_at(size_t bytes, uint64_t hash)
{
	return (size_t)((hash >> 32) * (bytes / BLOOM_BLOCK_BYTES) >> 32) * BLOOM_BLOCK_BYTES;
}

static void insert_plain(uint8_t *block, uint32_t low)
{
	uint32_t words[8];
	memcpy(words, block, sizeof words);
	for (int i = 0; i < 8; i++) words[i] |= 1u << (low * bloom_salt[i] >> 27);
	memcpy(block, words, sizeof words);
}

void bloom_insert(uint8_t *filter, size_t bytes, uint64_t hash)
{
	uint8_t *block = filter + block_at(bytes, hash);
#ifdef PQR_SIMD
	if (__builtin_cpu_supports("avx2")) {
		bloom_insert_avx2(block, (uint32_t)hash);
		return;
	}
#endif
	insert_plain(block, (uint32_t)hash);
}

bool bloom_contains(const uint8_t *filter, size_t bytes, uint64_t hash)
{
	uint32_t words[8];
	memcpy(words, filter + block_at(bytes, hash), sizeof words);
	for (int i = 0; i < 8; i++)
		if ((words[i] >> ((uint32_t)hash * bloom_salt[i] >> 27) & 1) == 0) return false;
	return true;
}
