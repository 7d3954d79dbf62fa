/* parquet/encoding/decode_kernels.c: the inner loops of decoding, one value at a time: the oracle of the vector versions, which
 * finish their last values with them. Must not know pages; sizes were checked before. */
#include "parquet/encoding/decode_int.h"

void decode_unpack_plain(const uint8_t *src, unsigned width, uint32_t *dst, size_t groups)
{
	const uint64_t mask = (UINT64_C(1) << width) - 1;
	for (size_t i = 0; i < groups * 8; i++) {
		const size_t bit = i * width;
		dst[i] = (uint32_t)((load64(src + (bit >> 3)) >> (bit & 7)) & mask);
	}
}

uint32_t decode_max_plain(const uint32_t *v, size_t n)
{
	uint32_t max = 0;
	for (size_t i = 0; i < n; i++) max = v[i] > max ? v[i] : max;
	return max;
}

static inline uint32_t bit_at_of(const uint8_t *bits, size_t i)
{
	return (uint32_t)(bits[i >> 3] >> (i & 7)) & 1u;
}

void decode_spread32_plain(uint32_t *v, size_t rows, size_t n_valid, const uint8_t *bits, size_t bit_at)
{
	size_t from = rows - n_valid;
	for (size_t i = 0; i < rows; i++) {
		const uint32_t bit = bit_at_of(bits, bit_at + i);
		v[i] = v[from] & (0u - bit);
		from += bit;
	}
}

void decode_spread64_plain(uint64_t *v, size_t rows, size_t n_valid, const uint8_t *bits, size_t bit_at)
{
	size_t from = rows - n_valid;
	for (size_t i = 0; i < rows; i++) {
		const uint64_t bit = bit_at_of(bits, bit_at + i);
		v[i] = v[from] & (UINT64_C(0) - bit);
		from += bit;
	}
}

void decode_spread_ends_plain(uint32_t *v, size_t rows, size_t n_valid, const uint8_t *bits, size_t bit_at)
{
	size_t from = rows - n_valid;
	uint32_t end = v[-1];
	for (size_t i = 0; i < rows; i++) {
		const uint32_t bit = bit_at_of(bits, bit_at + i);
		end = bit ? v[from] : end;
		v[i] = end;
		from += bit;
	}
}

static const struct decode_kernels plain = {
	decode_unpack_plain, decode_max_plain, decode_spread32_plain, decode_spread64_plain, decode_spread_ends_plain};

const struct decode_kernels *decode_kernels_plain(void)
{
	return &plain;
}
