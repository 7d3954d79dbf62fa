/* base/crc32.h: the CRC-32 of gzip, PNG and Parquet pages (polynomial 0x04C11DB7, reflected; ITU-T V.42). */
#ifndef PQR_BASE_CRC32_H
#define PQR_BASE_CRC32_H

#include "base/err.h"

/* Of p[n]; 0 for n = 0. Folds 64 bytes a step with PCLMULQDQ where the processor has it (about 10 GB/s). */
uint32_t crc32_of(const void *p, size_t n);
uint32_t crc32_of_plain(const void *p, size_t n); /* a table look-up per byte: the oracle */

#endif
