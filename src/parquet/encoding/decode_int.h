/* parquet/encoding/decode_int.h: the plain kernels, which the vector versions finish their last values with. */
#ifndef PQR_PARQUET_ENCODING_DECODE_INT_H
#define PQR_PARQUET_ENCODING_DECODE_INT_H

#include "parquet/encoding/decode.h"
#include "parquet/encoding/load.h"

void decode_unpack_plain(const uint8_t *src, unsigned width, uint32_t *dst, size_t groups);
uint32_t decode_max_plain(const uint32_t *v, size_t n);
void decode_spread32_plain(uint32_t *v, size_t rows, size_t n_valid, const uint8_t *bits, size_t bit_at);
void decode_spread64_plain(uint64_t *v, size_t rows, size_t n_valid, const uint8_t *bits, size_t bit_at);
void decode_spread_ends_plain(uint32_t *v, size_t rows, size_t n_valid, const uint8_t *bits, size_t bit_at);

#ifdef PQR_SIMD
const struct decode_kernels *decode_kernels_avx2(void); /* NULL: this processor lacks it */
#endif

#endif
