/* parquet/encoding/load.h: unaligned loads and varints of page bytes. */
#ifndef PQR_PARQUET_ENCODING_LOAD_H
#define PQR_PARQUET_ENCODING_LOAD_H

#include <string.h>

#include "base/err.h"

static inline uint16_t load16(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline uint32_t load32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}
static inline void store64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof v);
}

/* Unsigned LEB128 at *p, at most 64 bits; false when it does not end before end. */
static inline bool take_varint(const uint8_t **p, const uint8_t *end, uint64_t *out)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (*p >= end) return false;
		const uint8_t byte = *(*p)++;
		v |= (uint64_t)(byte & 0x7F) << shift;
		if (byte < 0x80) {
			*out = v;
			return true;
		}
	}
	return false;
}

/* Copy n bytes in steps of 16; up to 15 more are read and written. */
static inline void copy_loose(uint8_t *dst, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i += 16) memcpy(dst + i, src + i, 16);
}

#endif
