/* parquet/encoding/encode.h: Parquet's RLE / bit-packing hybrid and definition levels.
 *
 * Source: https://parquet.apache.org/docs/file-format/data-pages/encodings/
 *
 *   hybrid      run*            run = RLE | literal
 *   RLE         varint(count << 1)       value in ceil(width / 8) bytes, little endian
 *   literal     varint(groups << 1 | 1)  groups of 8 values, width bytes each, packed from the low bit on
 *
 * The encoders write without checking room: dst has encode_hybrid_bound bytes. Values must be < 2^width.
 */
#ifndef PQR_PARQUET_ENCODING_ENCODE_H
#define PQR_PARQUET_ENCODING_ENCODE_H

#include "base/err.h"

/* Bits that hold 0..n_values-1; at least 1, because some readers refuse a width of 0. */
unsigned encode_bit_width(uint32_t n_values);

/* Bytes that n values of that width may take, and the slack that the 8-byte stores of the packers need. */
size_t encode_hybrid_bound(size_t n, unsigned width);

/* Append v[n] to dst; the end of what was written. width 1..8 and 1..32. n > 0. */
uint8_t *encode_hybrid_u8(const uint8_t *v, size_t n, unsigned width, uint8_t *dst);
uint8_t *encode_hybrid_u32(const uint32_t *v, size_t n, unsigned width, uint8_t *dst);
/* n times the same value, as one RLE run. */
uint8_t *encode_run(uint32_t value, size_t n, unsigned width, uint8_t *dst);

/* DELTA_BINARY_PACKED, blocks of 128 values in 4 miniblocks: differences less the block's least one, bit-packed. Differences
 * wrap at the values' width, 4 or 8 bytes, as readers undo them.
 *   varint 128, varint 4, varint n, zigzag first value, (zigzag least difference, 4 widths, miniblocks of 32 values)*
 * values[n]; of none, as on a page of NULLs, the first value is 0 and values is not read. encode_delta appends to dst, encode_delta_bound bytes; encode_delta_size is what it would write. */
size_t encode_delta_bound(size_t n, unsigned bytes);
size_t encode_delta_size(const void *values, size_t n, unsigned bytes);
uint8_t *encode_delta(const void *values, size_t n, unsigned bytes, uint8_t *dst);

/* n bits from bit `from` on into dst, LSB first; unused bits of the last byte are 0. bits is readable in whole
 * 64-bit words, one word past the last bit included. Writes ceil(n / 8) bytes, touches up to 8 more. */
void encode_bits_copy(const uint64_t *bits, size_t from, size_t n, uint8_t *dst);

/* Definition levels of a page of an optional flat column (data page v1): 4-byte length and the hybrid.
 *   bits     validity of the row group's rows; not read when n_valid is 0 or n
 *   from, n  the page's rows; n > 0
 * Writes at most ENCODE_LEVELS_ROOM + n / 8 bytes; returns the end. */
enum { ENCODE_LEVELS_ROOM = 4 + 5 + 8 };
uint8_t *encode_levels(const uint64_t *bits, size_t from, size_t n, size_t n_valid, uint8_t *dst);

#ifdef PQR_SIMD
/* 8 * n_groups bytes of width 1..8 to dst, `width` bytes a group; touches up to 7 bytes more. For encode.c, on a processor that has it. */
uint8_t *encode_pack_u8_bmi2(const uint8_t *v, size_t n_groups, unsigned width, uint8_t *dst);
#endif
void encode_force_plain(bool plain); /* tests only; not thread-safe */

#endif
