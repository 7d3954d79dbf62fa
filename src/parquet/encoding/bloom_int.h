/* parquet/encoding/bloom_int.h: what the plain and the vector version of the filter share. */
#ifndef PQR_PARQUET_ENCODING_BLOOM_INT_H
#define PQR_PARQUET_ENCODING_BLOOM_INT_H

#include "parquet/encoding/bloom.h"

/* The odd constants of the specification. */
static const uint32_t bloom_salt[8] = {
	0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU, 0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};

#ifdef PQR_SIMD
void bloom_insert_avx2(uint8_t *block, uint32_t low); /* for bloom.c, on a processor that has it */
#endif

#endif
