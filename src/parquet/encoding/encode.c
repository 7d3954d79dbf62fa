/* parquet/encoding/encode.c: levels and indices as runs and packed groups. The same values give the same bytes on every processor:
 * where a run starts depends on the values alone. Room is the caller's (encode_hybrid_bound). */
#include "parquet/encoding/encode.h"

#include <string.h>

#include "parquet/thrift/thrift_write.h"

static bool plain_only; /* set by tests before any thread starts */

void encode_force_plain(bool plain)
{
	plain_only = plain;
}

unsigned encode_bit_width(uint32_t n_values)
{
	return n_values <= 2 ? 1 : 32 - (unsigned)__builtin_clz(n_values - 1);
}

/* Worst case: every literal run is one group long and an RLE run of the shortest length follows it, which takes
 * no more than the literal would; each run start costs one header of at most 5 bytes per 8 values. */
size_t encode_hybrid_bound(size_t n, unsigned width)
{
	return (n / 8 + 1) * (width + 2) + 16;
}

uint8_t *encode_run(uint32_t value, size_t n, unsigned width, uint8_t *dst)
{
	dst = thrift_put_varint(dst, (uint64_t)n << 1);
	for (unsigned bits = 0; bits < width; bits += 8) *dst++ = (uint8_t)(value >> bits);
	return dst;
}

/* An RLE run costs its header, its value and the header of the literal run after it: about 4 bytes. It starts
 * only where the literal would take more: 40 values of 1 bit, 8 of 5 and more. */
static size_t run_min(unsigned width)
{
	return width >= 5 ? 8 : (40 / width + 7) & ~(size_t)7;
}

static size_t run_length_u8(const uint8_t *v, size_t n)
{
	const uint64_t same = v[0] * 0x0101010101010101u;
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		uint64_t x;
		memcpy(&x, v + i, 8);
		if (x != same) return i + (size_t)__builtin_ctzll(x ^ same) / 8;
	}
	while (i < n && v[i] == v[0]) i++;
	return i;
}

static size_t run_length_u32(const uint32_t *v, size_t n)
{
	size_t i = 1;
	while (i < n && v[i] == v[0]) i++;
	return i;
}

/* 8 values of 1..8 bits each into the low 8 * width bits. */
static inline uint64_t squeeze_u8(uint64_t x, unsigned width)
{
	uint64_t packed = 0;
	for (unsigned k = 0; k < 8; k++) packed |= (x >> (8 * k) & 0xff) << (width * k);
	return packed;
}

static uint8_t *pack_u8_plain(const uint8_t *v, size_t n_groups, unsigned width, uint8_t *dst)
{
	for (size_t i = 0; i < n_groups; i++, dst += width) {
		uint64_t x;
		memcpy(&x, v + 8 * i, 8);
		x = squeeze_u8(x, width);
		memcpy(dst, &x, 8);
	}
	return dst;
}

static uint8_t *pack_u32(const uint32_t *v, size_t n, unsigned width, uint8_t *dst)
{
	uint64_t acc = 0;
	unsigned bits = 0;
	for (size_t i = 0; i < n; i++) {
		acc |= (uint64_t)v[i] << bits;
		bits += width;
		if (bits >= 32) {
			const uint32_t word = (uint32_t)acc;
			memcpy(dst, &word, 4);
			dst += 4;
			acc >>= 32;
			bits -= 32;
		}
	}
	for (; bits > 0; bits -= 8, acc >>= 8) *dst++ = (uint8_t)acc; /* n is a multiple of 8: whole bytes are left */
	return dst;
}

typedef uint8_t *pack_u8_fn(const uint8_t *v, size_t n_groups, unsigned width, uint8_t *dst);
static pack_u8_fn *pack_u8_best(void)
{
#ifdef PQR_SIMD
	if (!plain_only && __builtin_cpu_supports("bmi2")) return encode_pack_u8_bmi2;
#endif
	return pack_u8_plain;
}

/* The literal run [from, to) of v[n]; to - from is a multiple of 8 unless to == n, whose last group is padded with 0. */
static uint8_t *literal_u8(const uint8_t *v, size_t n, unsigned width, uint8_t *dst)
{
	pack_u8_fn *pack = pack_u8_best();
	dst = thrift_put_varint(dst, (uint64_t)((n + 7) / 8) << 1 | 1);
	dst = pack(v, n / 8, width, dst);
	if (n % 8 == 0) return dst;
	uint8_t last[8] = {0};
	memcpy(last, v + n / 8 * 8, n % 8);
	return pack(last, 1, width, dst);
}

static uint8_t *literal_u32(const uint32_t *v, size_t n, unsigned width, uint8_t *dst)
{
	dst = thrift_put_varint(dst, (uint64_t)((n + 7) / 8) << 1 | 1);
	dst = pack_u32(v, n / 8 * 8, width, dst);
	if (n % 8 == 0) return dst;
	uint32_t last[8] = {0};
	memcpy(last, v + n / 8 * 8, n % 8 * sizeof *v);
	return pack_u32(last, 8, width, dst);
}

uint8_t *encode_hybrid_u8(const uint8_t *v, size_t n, unsigned width, uint8_t *dst)
{
	const size_t least = run_min(width);
	size_t literal = 0; /* start of the values not written yet */
	for (size_t i = 0; i < n;) {
		if (i + 8 <= n) {
			uint64_t x;
			memcpy(&x, v + i, 8);
			if (x != v[i] * 0x0101010101010101u) {
				i += 8;
				continue;
			}
		}
		const size_t run = run_length_u8(v + i, n - i);
		if (run < least) {
			i += 8;
			continue;
		}
		if (literal < i) dst = literal_u8(v + literal, i - literal, width, dst);
		dst = encode_run(v[i], run, width, dst);
		i += run;
		literal = i;
	}
	return literal < n ? literal_u8(v + literal, n - literal, width, dst) : dst;
}

uint8_t *encode_hybrid_u32(const uint32_t *v, size_t n, unsigned width, uint8_t *dst)
{
	const size_t least = run_min(width);
	size_t literal = 0;
	for (size_t i = 0; i < n;) {
		const size_t run = run_length_u32(v + i, n - i);
		if (run < least) {
			i += 8;
			continue;
		}
		if (literal < i) dst = literal_u32(v + literal, i - literal, width, dst);
		dst = encode_run(v[i], run, width, dst);
		i += run;
		literal = i;
	}
	return literal < n ? literal_u32(v + literal, n - literal, width, dst) : dst;
}

void encode_bits_copy(const uint64_t *bits, size_t from, size_t n, uint8_t *dst)
{
	const uint64_t *w = bits + from / 64;
	const unsigned shift = from % 64;
	for (size_t i = 0; i < n; i += 64, w++) {
		uint64_t x = shift == 0 ? w[0] : w[0] >> shift | w[1] << (64 - shift);
		if (n - i < 64) x &= ((uint64_t)1 << (n - i)) - 1;
		memcpy(dst + i / 8, &x, 8);
	}
}

uint8_t *encode_levels(const uint64_t *bits, size_t from, size_t n, size_t n_valid, uint8_t *dst)
{
	uint8_t *at = dst + 4;
	if (n_valid == 0 || n_valid == n) {
		at = encode_run(n_valid != 0, n, 1, at);
	} else {
		const size_t n_groups = (n + 7) / 8;
		at = thrift_put_varint(at, (uint64_t)n_groups << 1 | 1);
		encode_bits_copy(bits, from, n, at);
		at += n_groups;
	}
	const uint32_t length = (uint32_t)(at - dst - 4);
	memcpy(dst, &length, 4);
	return at;
}
