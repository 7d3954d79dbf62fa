/* parquet/encoding/decode.h: the encodings of Parquet pages, over bytes in memory. Knows bytes and arrays; must not know files.
 *
 * Format: https://parquet.apache.org/docs/file-format/data-pages/encodings/
 * Sources are untrusted: lengths, counts and indices are checked against the n bytes given, and broken bytes give
 * E_CORRUPT. DECODE_PADDING bytes after every source must be readable (any content) and DECODE_SLACK elements after
 * every destination writable, so that the loops can work in whole vectors.
 *
 * Nulls: a page stores only its valid values. They are decoded to the end of their rows' place and then spread forward,
 * in place:    rows    [ . . . . a b c ]  --spread by validity-->  [ a 0 b 0 0 c 0 ]
 */
#ifndef PQR_PARQUET_ENCODING_DECODE_H
#define PQR_PARQUET_ENCODING_DECODE_H

#include "base/arena.h"

enum { DECODE_PADDING = 64, DECODE_SLACK = 16 };

/* Inner loops with a version for AVX2. Every function of every table gives the same results. */
struct decode_kernels {
	/* 8 * groups values of `width` bits (0..32), LSB first, into dst. */
	void (*unpack)(const uint8_t *src, unsigned width, uint32_t *dst, size_t groups);
	/* The largest of v[n]; 0 for n = 0. */
	uint32_t (*max)(const uint32_t *v, size_t n);
	/* v[rows] with its valid values dense at the end (see above): bit bit_at + i of bits says whether row i is valid. Null
	 * rows become 0. n_valid must be the number of set bits. bits has 2 readable bytes after its last. */
	void (*spread32)(uint32_t *v, size_t rows, size_t n_valid, const uint8_t *bits, size_t bit_at);
	void (*spread64)(uint64_t *v, size_t rows, size_t n_valid, const uint8_t *bits, size_t bit_at);
	/* As spread32 for ends of strings: a null row repeats the end before it. v[-1] is the end before the first row. */
	void (*spread_ends)(uint32_t *v, size_t rows, size_t n_valid, const uint8_t *bits, size_t bit_at);
};
const struct decode_kernels *decode_kernels_plain(void); /* the oracle */
const struct decode_kernels *decode_kernels_best(void);  /* for this processor */

/* Bitmaps, LSB first. dst bits outside [at, at + n) are kept. */
void decode_bits_copy(
	uint8_t *dst, size_t dst_at, const uint8_t *src, size_t src_at, size_t n); /* reads 8 bytes past src's last */
void decode_bits_fill(uint8_t *dst, size_t at, size_t n, bool value);
size_t decode_bits_count(const uint8_t *bits, size_t at, size_t n); /* set bits; reads up to 8 bytes past the last */

/* Bytes to decode. */
struct decode_source {
	const uint8_t *p;
	size_t n;
};

/* A slice of a page's rows or values: skip, then take, of total. */
struct decode_slice {
	size_t skip, take, total;
};

/* RLE/bit-packed hybrid of width 1 (levels, booleans) as a bitmap: rows skip.. of src to bits at bit_at.
 * *before and *valid: set bits among the skipped and the taken rows; *all: among all. */
struct decode_bit_counts {
	size_t before, valid, all;
};
status decode_bits(struct decode_source src, struct decode_slice rows, uint8_t *bits, size_t bit_at,
	struct decode_bit_counts *counts, struct err *err) MUST_USE;

/* RLE/bit-packed hybrid of `width` bits (0..32) from src: values skip.. into dst[take]. */
status decode_hybrid(const struct decode_kernels *k, struct decode_source src, unsigned width,
	struct decode_slice values, uint32_t *dst, struct err *err) MUST_USE;

/* DELTA_BINARY_PACKED from src[n]: exactly `total` values (else E_CORRUPT) as 64-bit (or, wrapping, 32-bit) integers to
 * dst[total]; *used = bytes taken. */
status decode_delta64(const uint8_t *src, size_t n, size_t total, int64_t *dst, size_t *used, struct err *err) MUST_USE;
status decode_delta32(const uint8_t *src, size_t n, size_t total, int32_t *dst, size_t *used, struct err *err) MUST_USE;

/* BYTE_STREAM_SPLIT of `total` values of `width` bytes from src[n]: values skip.. to dst[take * width]. */
status decode_split(
	const uint8_t *src, size_t n, size_t width, struct decode_slice values, uint8_t *dst, struct err *err) MUST_USE;

/* Strings: the bytes of values skip.. go to data from byte data_n on, and the end of each to ends[take]. data must have
 * room for what the function's comment says, plus DECODE_PADDING. *data_n moves on; it stays <= INT32_MAX. */
struct decode_strings {
	uint8_t *data;
	size_t data_n;
	uint32_t *ends;
};
/* PLAIN: a 4-byte length before each. Room: n. */
status decode_strings_plain(
	const uint8_t *src, size_t n, struct decode_slice values, struct decode_strings *out, struct err *err) MUST_USE;
/* DELTA_LENGTH_BYTE_ARRAY. Room: n. scratch holds int32 of total. */
status decode_strings_delta_length(const uint8_t *src, size_t n, struct decode_slice values, int32_t *scratch,
	struct decode_strings *out, struct err *err) MUST_USE;
/* DELTA_BYTE_ARRAY in two steps: sizes reads both length lists (scratch holds 2 * total int32), checks them and gives the
 * bytes of all `total` strings in *room; then strings builds them. */
struct decode_delta_parts {
	const int32_t *prefix, *suffix;
	const uint8_t *bytes;
};
status decode_delta_strings_sizes(struct decode_source src, size_t total, int32_t *scratch,
	struct decode_delta_parts *out, size_t *room, struct err *err) MUST_USE;
void decode_delta_strings(const struct decode_delta_parts *d, struct decode_slice values, struct decode_strings *out);

#endif
