/* parquet/encoding/decode.c: bitmaps, levels, indices, split bytes and plain strings of a page. Every count and length is checked
 * against the bytes given before the loop that uses it; no loop writes beyond its slice and DECODE_SLACK. Must not know pages. */
#include "parquet/encoding/decode.h"

#include "base/alloc.h"
#include "parquet/encoding/decode_int.h"

const struct decode_kernels *decode_kernels_best(void)
{
#ifdef PQR_SIMD
	const struct decode_kernels *avx2 = decode_kernels_avx2();
	if (avx2 != NULL) return avx2;
#endif
	return decode_kernels_plain();
}

/* ---- bitmaps ---------------------------------------------------------------------------------------------- */

/* 64 bits of the bitmap from bit i on; reads 9 bytes. */
static inline uint64_t bits64(const uint8_t *bits, size_t i)
{
	const uint8_t *p = bits + (i >> 3);
	const unsigned shift = (unsigned)(i & 7);
	const uint64_t low = load64(p) >> shift;
	return shift == 0 ? low : low | (uint64_t)p[8] << (64 - shift);
}

/* Replace the n < 8 bits of *byte from bit `at` on; at + n <= 8. */
static inline void byte_put(uint8_t *byte, unsigned at, unsigned n, unsigned value)
{
	const unsigned mask = ((1u << n) - 1) << at;
	*byte = (uint8_t)((*byte & ~mask) | ((value << at) & mask));
}

void decode_bits_copy(uint8_t *dst, size_t dst_at, const uint8_t *src, size_t src_at, size_t n)
{
	if (n > 0 && (dst_at & 7) != 0) {
		const unsigned room = 8 - (unsigned)(dst_at & 7);
		const unsigned head = n < room ? (unsigned)n : room;
		byte_put(dst + (dst_at >> 3), (unsigned)(dst_at & 7), head,
			(unsigned)(load16(src + (src_at >> 3)) >> (src_at & 7)));
		dst_at += head;
		src_at += head;
		n -= head;
	}
	uint8_t *to = dst + (dst_at >> 3);
	if ((src_at & 7) == 0) {
		if (n >= 8) memcpy(to, src + (src_at >> 3), n >> 3);
		to += n >> 3;
		src_at += n & ~(size_t)7;
		n &= 7;
	}
	for (; n >= 64; n -= 64, src_at += 64, to += 8) store64(to, bits64(src, src_at));
	for (; n >= 8; n -= 8, src_at += 8, to++) *to = (uint8_t)(load16(src + (src_at >> 3)) >> (src_at & 7));
	if (n > 0) byte_put(to, 0, (unsigned)n, (unsigned)(load16(src + (src_at >> 3)) >> (src_at & 7)));
}

void decode_bits_fill(uint8_t *dst, size_t at, size_t n, bool value)
{
	const unsigned all = value ? 0xFFu : 0u;
	if (n > 0 && (at & 7) != 0) {
		const unsigned room = 8 - (unsigned)(at & 7);
		const unsigned head = n < room ? (unsigned)n : room;
		byte_put(dst + (at >> 3), (unsigned)(at & 7), head, all);
		at += head;
		n -= head;
	}
	memset(dst + (at >> 3), (int)all, n >> 3);
	if ((n & 7) != 0) byte_put(dst + (at >> 3) + (n >> 3), 0, (unsigned)(n & 7), all);
}

size_t decode_bits_count(const uint8_t *bits, size_t at, size_t n)
{
	size_t count = 0;
	for (; n >= 64; n -= 64, at += 64) count += (size_t)__builtin_popcountll(bits64(bits, at));
	if (n > 0) count += (size_t)__builtin_popcountll(bits64(bits, at) & ((UINT64_C(1) << n) - 1));
	return count;
}

/* ---- RLE / bit-packed hybrid ------------------------------------------------------------------------------ */

/* One run: `n` values, either all `value` or packed at `packed`. */
struct run {
	size_t n;
	uint32_t value;
	const uint8_t *packed;
};

/* The next run at *p. A packed run that claims more bytes than are left ends with them (some writers cut the last
 * group short); its caller notices when values are missing. */
static status run_next(const uint8_t **p, const uint8_t *end, unsigned width, struct run *out, struct err *err)
{
	uint64_t head;
	if (!take_varint(p, end, &head))
		return fail(err, E_CORRUPT, "run-length data ends %s", *p >= end ? "too early" : "in a bad header");
	const size_t left = (size_t)(end - *p);
	if (head & 1) {
		const uint64_t groups = head >> 1;
		const size_t max = width > 0 ? left / width : SIZE_MAX / 8; /* whole groups in the bytes left */
		if (width > 0 && groups > max) {
			*out = (struct run){.n = left * 8 / width, .packed = *p};
			*p = end;
			return OK;
		}
		*out = (struct run){.n = (size_t)(groups > max ? max : groups) * 8, .packed = *p};
		*p += (size_t)groups * width;
		return OK;
	}
	const unsigned bytes = (width + 7) / 8;
	if (bytes > left) return fail(err, E_CORRUPT, "run-length data ends inside a run");
	uint32_t value = 0;
	for (unsigned i = 0; i < bytes; i++) value |= (uint32_t)(*p)[i] << (8 * i);
	*p += bytes;
	if (width < 32 && value >> width != 0)
		return fail(err, E_CORRUPT, "run-length value %u does not fit %u bits", value, width);
	*out = (struct run){.n = (size_t)(head >> 1), .value = value};
	return OK;
}

/* Set bits among `n` values of a run from value `at` on. */
static size_t run_count(const struct run *run, size_t at, size_t n)
{
	if (run->packed == NULL) return run->value ? n : 0;
	return decode_bits_count(run->packed, at, n);
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

status decode_bits(struct decode_source src, struct decode_slice rows, uint8_t *bits, size_t bit_at,
	struct decode_bit_counts *counts, struct err *err)
{
	struct decode_bit_counts c = {0};
	const uint8_t *p = src.p, *const end = src.p + src.n;
	for (size_t row = 0; row < rows.total;) {
		struct run run = {0};
		TRY(run_next(&p, end, 1, &run, err));
		const size_t length = min_size(run.n, rows.total - row);
		const size_t skip = row < rows.skip ? min_size(length, rows.skip - row) : 0;
		const size_t begin = row + skip; /* the first row of the run that may be taken */
		const size_t take_end = rows.skip + rows.take;
		const size_t take = begin < take_end ? min_size(length - skip, take_end - begin) : 0;
		if (skip > 0) c.before += run_count(&run, 0, skip);
		if (take > 0) {
			const size_t to = bit_at + (begin - rows.skip);
			if (run.packed == NULL)
				decode_bits_fill(bits, to, take, run.value != 0);
			else
				decode_bits_copy(bits, to, run.packed, skip, take);
			c.valid += run_count(&run, skip, take);
		}
		if (skip + take < length) c.all += run_count(&run, skip + take, length - skip - take);
		row += length;
	}
	c.all += c.before + c.valid;
	*counts = c;
	return OK;
}

/* Values [at, at + n) of a packed run into dst. */
static void unpack_run(
	const struct decode_kernels *k, const struct run *run, unsigned width, size_t at, size_t n, uint32_t *dst)
{
	const uint8_t *src = run->packed + at / 8 * width;
	if (at % 8 != 0) {
		uint32_t group[8];
		const size_t first = at % 8, head = min_size(8 - first, n);
		k->unpack(src, width, group, 1);
		memcpy(dst, group + first, head * sizeof *dst);
		src += width;
		dst += head;
		n -= head;
	}
	k->unpack(src, width, dst, (n + 7) / 8); /* up to 7 values into the slack */
}

static void fill_u32(uint32_t *dst, uint32_t value, size_t n)
{
	for (size_t i = 0; i < n; i++) dst[i] = value;
}

status decode_hybrid(const struct decode_kernels *k, struct decode_source src, unsigned width,
	struct decode_slice values, uint32_t *dst, struct err *err)
{
	const uint8_t *p = src.p, *const end = src.p + src.n;
	size_t skip = values.skip, left = values.take;
	while (left > 0) {
		struct run run = {0};
		TRY(run_next(&p, end, width, &run, err));
		if (run.n <= skip) {
			skip -= run.n;
			continue;
		}
		const size_t take = min_size(run.n - skip, left);
		if (run.packed != NULL)
			unpack_run(k, &run, width, skip, take, dst);
		else
			fill_u32(dst, run.value, take);
		dst += take;
		left -= take;
		skip = 0;
	}
	return OK;
}

/* ---- byte stream split ------------------------------------------------------------------------------------ */

status decode_split(
	const uint8_t *src, size_t n, size_t width, struct decode_slice values, uint8_t *dst, struct err *err)
{
	size_t want;
	if (!mul_size(values.total, width, &want) || want != n)
		return fail(err, E_CORRUPT, "byte stream split: %zu values of %zu bytes, found %zu bytes", values.total,
			width, n);
	for (size_t b = 0; b < width; b++) {
		const uint8_t *stream = src + b * values.total + values.skip;
		for (size_t i = 0; i < values.take; i++) dst[i * width + b] = stream[i];
	}
	return OK;
}

/* ---- strings ---------------------------------------------------------------------------------------------- */

/* Skip `count` length-prefixed strings; NULL when they run over the end. */
static const uint8_t *strings_skip(const uint8_t *p, const uint8_t *end, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (end - p < 4 || load32(p) > (size_t)(end - p) - 4) return NULL;
		p += 4 + (size_t)load32(p);
	}
	return p;
}

status decode_strings_plain(
	const uint8_t *src, size_t n, struct decode_slice values, struct decode_strings *out, struct err *err)
{
	const uint8_t *const end = src + n;
	const uint8_t *p = strings_skip(src, end, values.skip);
	if (p == NULL) return fail(err, E_CORRUPT, "a string is longer than its page");
	uint8_t *to = out->data + out->data_n;
	if ((size_t)(end - p) > (size_t)INT32_MAX - out->data_n)
		return fail(err, E_LIMIT, "more than 2 GiB of strings in one column; read fewer rows at once");
	uint32_t at = (uint32_t)out->data_n;
	for (size_t i = 0; i < values.take; i++) {
		if (end - p < 4)
			return fail(err, E_CORRUPT, "strings end after %zu of %zu", values.skip + i, values.total);
		const uint32_t length = load32(p);
		p += 4;
		if (length > (size_t)(end - p))
			return fail(err, E_CORRUPT, "a string of %u bytes is longer than its page", length);
		copy_loose(to, p, length);
		to += length;
		p += length;
		at += length;
		out->ends[i] = at;
	}
	out->data_n = at;
	return OK;
}
