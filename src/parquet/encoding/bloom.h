/* parquet/encoding/bloom.h: split block bloom filter, hashed with XXH64 seed 0.
 *
 * Source: https://parquet.apache.org/docs/file-format/bloomfilter/
 * A filter is n_blocks blocks of 256 bits, 8 words of 32 bits each. The upper half of the hash picks the block,
 * the lower half times eight odd constants picks one bit in each word.
 */
#ifndef PQR_PARQUET_ENCODING_BLOOM_H
#define PQR_PARQUET_ENCODING_BLOOM_H

#include "base/err.h"

enum { BLOOM_BLOCK_BYTES = 32, BLOOM_BYTES_MAX = 1 << 24 };

/* Bytes of a filter for n_values values: the power of two (readers accept nothing else) that gives 8 to 16 bits a
 * value, so 0.1 to 2.5 % false positives; BLOOM_BLOCK_BYTES at least, BLOOM_BYTES_MAX at most. */
size_t bloom_bytes(size_t n_values);

/* filter[bytes], 4-byte aligned, bytes from bloom_bytes. */
void bloom_insert(uint8_t *filter, size_t bytes, uint64_t hash);
bool bloom_contains(const uint8_t *filter, size_t bytes, uint64_t hash); /* any multiple of 32 bytes */

#endif
