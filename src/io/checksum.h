/* io/checksum.h: the CRC-32 of IEEE 802.3 (zlib, PNG, Parquet pages): reflected, polynomial 0xEDB88320. */
#ifndef PQR_IO_CHECKSUM_H
#define PQR_IO_CHECKSUM_H

#include "base/err.h"

/* CRC of p[n] after the bytes that gave crc (0 = none yet). Thread-safe. About 15 GB/s with PCLMULQDQ, 0.4 without. */
uint32_t checksum_crc32(uint32_t crc, const void *p, size_t n);
/* The same by table alone: the oracle of the fast one. */
uint32_t checksum_crc32_plain(uint32_t crc, const void *p, size_t n);
#ifdef PQR_SIMD
/* For checksum.c, on a processor with PCLMULQDQ and SSE4.1: n >= 64, a multiple of 16; crc is the raw register, not inverted. */
uint32_t checksum_crc32_clmul(uint32_t crc, const uint8_t *p, size_t n);
#endif

#endif
