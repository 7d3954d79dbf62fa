/* parquet/encoding/encode_x86.c: bit-packing of bytes by one PEXT a group; encode.c has the plain version. */
#include <immintrin.h>
#include <string.h>

#include "parquet/encoding/encode.h"

__attribute__((target("bmi2"))) uint8_t *encode_pack_u8_bmi2(
	const uint8_t *v, size_t n_groups, unsigned width, uint8_t *dst)
{
	const uint64_t mask = 0x0101010101010101u * ((1u << width) - 1);
	for (size_t i = 0; i < n_groups; i++, dst += width) {
		uint64_t x;
		memcpy(&x, v + 8 * i, 8);
		x = _pext_u64(x, mask);
		memcpy(dst, &x, 8);
	}
	return dst;
}
