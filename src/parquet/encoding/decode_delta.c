/* parquet/encoding/decode_delta.c: the delta encodings. DELTA_BINARY_PACKED is
 *
 *   block size | miniblocks a block | values | first value | block*
 *   block = smallest delta | a width for each miniblock | miniblock*       miniblock = packed (delta - smallest)
 *
 * The last block may leave out miniblocks without values. Arithmetic wraps, as the format wants. */
#include "base/alloc.h"
#include "parquet/encoding/decode.h"
#include "parquet/encoding/load.h"

enum { DELTA_BLOCK_MAX = 1 << 16, DELTA_MINIBLOCKS_MAX = 512 };

struct delta {
	const uint8_t *p, *end;
	size_t block, miniblocks, per_miniblock;
	uint64_t value; /* the last one */
	size_t done, total;
};

static status delta_bad(struct err *err, const char *what)
{
	return fail(err, E_CORRUPT, "delta encoding: %s", what);
}

static uint64_t unzigzag(uint64_t v)
{
	return (v >> 1) ^ (UINT64_C(0) - (v & 1));
}

static status delta_start(struct delta *d, const uint8_t *src, size_t n, size_t total, struct err *err)
{
	*d = (struct delta){.p = src, .end = src + n, .total = total};
	uint64_t block, miniblocks, count, first;
	if (!take_varint(&d->p, d->end, &block) || !take_varint(&d->p, d->end, &miniblocks) ||
		!take_varint(&d->p, d->end, &count) || !take_varint(&d->p, d->end, &first))
		return delta_bad(err, "ends inside its header");
	if (block == 0 || block > DELTA_BLOCK_MAX || block % 128 != 0) return delta_bad(err, "bad block size");
	if (miniblocks == 0 || miniblocks > DELTA_MINIBLOCKS_MAX || block % miniblocks != 0 ||
		block / miniblocks % 32 != 0)
		return delta_bad(err, "bad number of miniblocks");
	if (count != total)
		return fail(err, E_CORRUPT, "delta encoding: %zu values expected, its header says %llu", total,
			(unsigned long long)count);
	d->block = (size_t)block;
	d->miniblocks = (size_t)miniblocks;
	d->per_miniblock = d->block / d->miniblocks;
	d->value = unzigzag(first);
	return OK;
}

/* 32 values of `width` bits (0..64) from src, each plus `low`, summed up from *value on. */
static void delta_sum32(const uint8_t *src, unsigned width, uint64_t low, uint64_t *value, uint64_t dst[32])
{
	const uint64_t mask = width == 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;
	uint64_t sum = *value;
	for (size_t i = 0; i < 32; i++) {
		const size_t bit = i * width;
		const unsigned shift = (unsigned)(bit & 7);
		uint64_t v = load64(src + (bit >> 3)) >> shift;
		if (shift + width > 64) v |= (uint64_t)src[(bit >> 3) + 8] << (64 - shift);
		sum += (v & mask) + low;
		dst[i] = sum;
	}
	*value = sum;
}

/* Up to 32 values to either destination. */
static void delta_put(const uint64_t *from, size_t n, size_t at, int64_t *dst64, int32_t *dst32)
{
	if (dst64 != NULL) {
		for (size_t i = 0; i < n; i++) dst64[at + i] = (int64_t)from[i];
	} else {
		for (size_t i = 0; i < n; i++) dst32[at + i] = (int32_t)(uint32_t)from[i];
	}
}

static status delta_miniblock(
	struct delta *d, unsigned width, uint64_t low, int64_t *dst64, int32_t *dst32, struct err *err)
{
	const size_t bytes = d->per_miniblock / 8 * width;
	if (width > 64)
		return delta_bad(err, "a width over 64 bits"); /* over 32 for 32-bit values: DuckDB writes such */
	const size_t want = d->total - d->done < d->per_miniblock ? d->total - d->done : d->per_miniblock;
	/* The last miniblock may be cut short where only padding follows. */
	if (bytes > (size_t)(d->end - d->p) && (want * width + 7) / 8 > (size_t)(d->end - d->p))
		return delta_bad(err, "ends inside a miniblock");
	const uint8_t *src = d->p;
	d->p += bytes < (size_t)(d->end - d->p) ? bytes : (size_t)(d->end - d->p);
	for (size_t at = 0; at < want; at += 32) {
		uint64_t values[32];
		/* 32 * width bits: inside the miniblock but for a cut one, whose tail the padding may not cover */
		uint8_t cut[32 * 8 + 16];
		const uint8_t *from = src + at / 8 * width;
		if ((size_t)(d->p - from) < 4 * (size_t)width) {
			memset(cut, 0, sizeof cut);
			memcpy(cut, from, (size_t)(d->p - from));
			from = cut;
		}
		delta_sum32(from, width, low, &d->value, values);
		delta_put(values, want - at < 32 ? want - at : 32, d->done + at, dst64, dst32);
	}
	d->done += want;
	return OK;
}

static status delta_decode(struct delta *d, int64_t *dst64, int32_t *dst32, struct err *err)
{
	if (d->total == 0) return OK;
	delta_put(&d->value, 1, 0, dst64, dst32);
	d->done = 1;
	while (d->done < d->total) {
		uint64_t low;
		if (!take_varint(&d->p, d->end, &low)) return delta_bad(err, "ends inside a block header");
		if ((size_t)(d->end - d->p) < d->miniblocks) return delta_bad(err, "ends inside its widths");
		const uint8_t *widths = d->p;
		d->p += d->miniblocks;
		for (size_t m = 0; m < d->miniblocks && d->done < d->total; m++)
			TRY(delta_miniblock(d, widths[m], unzigzag(low), dst64, dst32, err));
	}
	return OK;
}

status decode_delta64(const uint8_t *src, size_t n, size_t total, int64_t *dst, size_t *used, struct err *err)
{
	struct delta d;
	TRY(delta_start(&d, src, n, total, err));
	TRY(delta_decode(&d, dst, NULL, err));
	*used = (size_t)(d.p - src);
	return OK;
}

status decode_delta32(const uint8_t *src, size_t n, size_t total, int32_t *dst, size_t *used, struct err *err)
{
	struct delta d;
	TRY(delta_start(&d, src, n, total, err));
	TRY(delta_decode(&d, NULL, dst, err));
	*used = (size_t)(d.p - src);
	return OK;
}

/* ---- strings ---------------------------------------------------------------------------------------------- */

/* Sum of lengths[n], each >= 0; false otherwise. */
static bool lengths_sum(const int32_t *lengths, size_t n, size_t *out)
{
	size_t sum = 0;
	int32_t any = 0;
	for (size_t i = 0; i < n; i++) {
		any |= lengths[i];
		sum += (uint32_t)lengths[i]; /* at most 2^32 values of a page, each below 2^32: no wrap */
	}
	*out = sum;
	return any >= 0;
}

static status too_long(struct err *err)
{
	return fail(err, E_LIMIT, "more than 2 GiB of strings in one column; read fewer rows at once");
}

status decode_strings_delta_length(const uint8_t *src, size_t n, struct decode_slice values, int32_t *scratch,
	struct decode_strings *out, struct err *err)
{
	size_t used, before, bytes, all;
	TRY(decode_delta32(src, n, values.total, scratch, &used, err));
	if (!lengths_sum(scratch, values.total, &all) || all > n - used)
		return fail(err, E_CORRUPT, "string lengths run over the end of their page");
	if (!lengths_sum(scratch, values.skip, &before) || !lengths_sum(scratch + values.skip, values.take, &bytes))
		return delta_bad(err, "negative length");
	if (bytes > (size_t)INT32_MAX - out->data_n) return too_long(err);
	memcpy(out->data + out->data_n, src + used + before, bytes);
	uint32_t at = (uint32_t)out->data_n;
	for (size_t i = 0; i < values.take; i++) {
		at += (uint32_t)scratch[values.skip + i];
		out->ends[i] = at;
	}
	out->data_n = at;
	return OK;
}

status decode_delta_strings_sizes(struct decode_source src, size_t total, int32_t *scratch,
	struct decode_delta_parts *out, size_t *room, struct err *err)
{
	size_t used, used2, sum;
	int32_t *prefix = scratch, *suffix = scratch + total;
	TRY(decode_delta32(src.p, src.n, total, prefix, &used, err));
	TRY(decode_delta32(src.p + used, src.n - used, total, suffix, &used2, err));
	used += used2;
	if (!lengths_sum(suffix, total, &sum) || sum > src.n - used)
		return fail(err, E_CORRUPT, "string suffixes run over the end of their page");
	size_t all = 0, before = 0;
	for (size_t i = 0; i < total; i++) {
		if (prefix[i] < 0 || (size_t)prefix[i] > before)
			return fail(err, E_CORRUPT, "a string's prefix is longer than the string before it");
		before = (size_t)prefix[i] + (size_t)suffix[i];
		all += before; /* before <= n and total <= n / 1: checked against the limit on the way */
		if (all > INT32_MAX) return too_long(err);
	}
	*out = (struct decode_delta_parts){.prefix = prefix, .suffix = suffix, .bytes = src.p + used};
	*room = all;
	return OK;
}

void decode_delta_strings(const struct decode_delta_parts *d, struct decode_slice values, struct decode_strings *out)
{
	/* Skipped strings are built too, as prefixes refer to them; the taken ones then move down over them. */
	uint8_t *const base = out->data + out->data_n;
	const uint8_t *bytes = d->bytes, *before = base;
	uint8_t *to = base;
	size_t skipped = 0;
	for (size_t i = 0; i < values.skip + values.take; i++) {
		if (i == values.skip) skipped = (size_t)(to - base);
		const size_t prefix = (size_t)d->prefix[i], suffix = (size_t)d->suffix[i];
		if (prefix > 0) memcpy(to, before, prefix);
		memcpy(to + prefix, bytes, suffix);
		before = to;
		bytes += suffix;
		to += prefix + suffix;
		if (i >= values.skip)
			out->ends[i - values.skip] = (uint32_t)(out->data_n + (size_t)(to - base) - skipped);
	}
	if (values.skip + values.take == values.skip) return;
	memmove(base, base + skipped, (size_t)(to - base) - skipped);
	out->data_n += (size_t)(to - base) - skipped;
}
