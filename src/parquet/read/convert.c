/* parquet/read/convert.c: stored values as values of the column types. Sources may be unaligned. Invariant: what leaves here is a value
 * of the logical type (INT of 8 and 16 bits, DECIMAL): a file that stores another is refused. */
#include "base/time.h"
#include "parquet/encoding/load.h"
#include "parquet/read/reader_int.h"

static status out_of_range(const struct reader_leaf *leaf, struct err *err)
{
	return fail(err, E_UNSUPPORTED, "unsupported: column %s: a value out of the range of %s", leaf->info.name,
		col_type_name(leaf->info.def.type));
}

static void widen_i32(const uint8_t *src, size_t n, int64_t *dst)
{
	for (size_t i = 0; i < n; i++) dst[i] = (int32_t)load32(src + 4 * i);
}

static void widen_u32(const uint8_t *src, size_t n, int64_t *dst)
{
	for (size_t i = 0; i < n; i++) dst[i] = load32(src + 4 * i);
}

/* false: a value of 2^63 or more. */
static bool copy_u64(const uint8_t *src, size_t n, int64_t *dst)
{
	uint64_t any = 0;
	for (size_t i = 0; i < n; i++) {
		const uint64_t v = load64(src + 8 * i);
		any |= v;
		dst[i] = (int64_t)v;
	}
	return any >> 63 == 0;
}

static bool millis_to_micros(const uint8_t *src, size_t n, int64_t *dst)
{
	bool overflow = false;
	for (size_t i = 0; i < n; i++)
		overflow |= __builtin_mul_overflow((int64_t)load64(src + 8 * i), INT64_C(1000), &dst[i]);
	return !overflow;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	const int64_t q = a / b;
	return a % b < 0 ? q - 1 : q;
}

static void nanos_to_micros(const uint8_t *src, size_t n, int64_t *dst)
{
	for (size_t i = 0; i < n; i++) dst[i] = floor_div((int64_t)load64(src + 8 * i), 1000);
}

/* INT96: nanoseconds of the day (int64), then the Julian day (int32; day 2440588 is 1970-01-01), little-endian. Wraps:
 * Spark's own arithmetic overflows for years near 290000, and the wrapped sum is the instant it meant. */
static void int96_to_micros(const uint8_t *src, size_t n, int64_t *dst)
{
	for (size_t i = 0; i < n; i++) {
		const int64_t nanos = (int64_t)load64(src + 12 * i);
		const int64_t day = (int64_t)(int32_t)load32(src + 12 * i + 8) - 2440588;
		dst[i] = (int64_t)((uint64_t)day * (uint64_t)US_PER_DAY + (uint64_t)floor_div(nanos, 1000));
	}
}

/* Big-endian two's complement of n bytes; false when it does not fit 64 bits. n == 0 is 0. */
static bool big_endian(const uint8_t *p, size_t n, int64_t *out)
{
	const uint8_t sign = n > 0 && (p[0] & 0x80) ? 0xFF : 0;
	for (; n > 8; n--, p++) {
		if (*p != sign) return false;
	}
	uint64_t v = sign ? ~UINT64_C(0) : 0;
	for (size_t i = 0; i < n; i++) v = v << 8 | p[i];
	*out = (int64_t)v;
	return n < 8 || (sign != 0) == (*out < 0);
}

/* The same to 128 bits, little-endian. */
static bool big_endian128(const uint8_t *p, size_t n, uint8_t out[16])
{
	const uint8_t sign = n > 0 && (p[0] & 0x80) ? 0xFF : 0;
	for (; n > 16; n--, p++) {
		if (*p != sign) return false;
	}
	memset(out, sign, 16);
	for (size_t i = 0; i < n; i++) out[i] = p[n - 1 - i];
	return n < 16 || (sign != 0) == (out[15] >> 7 != 0);
}

/* Has the value at most `precision` (19 to 38) digits? */
static bool fits128(const uint8_t p[16], unsigned precision)
{
	__extension__ typedef unsigned __int128 u128;
	u128 v, limit = 1;
	for (unsigned i = 0; i < precision; i++) limit *= 10;
	memcpy(&v, p, sizeof v);
	return (p[15] >> 7 != 0 ? -v : v) < limit;
}

static bool fixed_decimals(const uint8_t *src, size_t n, size_t width, int64_t *dst)
{
	bool good = true;
	for (size_t i = 0; i < n; i++) good &= big_endian(src + i * width, width, &dst[i]);
	return good;
}

static bool decimals128(const struct reader_leaf *leaf, const uint8_t *src, size_t n, uint8_t *dst)
{
	bool good = true;
	for (size_t i = 0; i < n; i++)
		good &= big_endian128(src + i * leaf->width, leaf->width, dst + 16 * i) &&
			fits128(dst + 16 * i, leaf->info.def.precision);
	return good;
}

static status outside(const struct reader_leaf *leaf, struct err *err)
{
	return fail(err, E_CORRUPT, "a value outside its type: %s of %lld to %lld", col_type_name(leaf->info.def.type),
		(long long)leaf->lo, (long long)leaf->hi);
}

/* Values of 32 or 64 bits against the bounds of their logical type. */
static status check_bounds(const struct reader_leaf *leaf, const void *values, size_t n, struct err *err)
{
	bool good = true;
	if (!leaf->bounded || leaf->info.def.type == COL_DECIMAL128) return OK;
	if (col_type_width(leaf->info.def.type) == 4) {
		const int32_t lo = (int32_t)leaf->lo, hi = (int32_t)leaf->hi, *v = values;
		for (size_t i = 0; i < n; i++) good &= v[i] >= lo && v[i] <= hi;
	} else {
		const int64_t lo = leaf->lo, hi = leaf->hi, *v = values;
		for (size_t i = 0; i < n; i++) good &= v[i] >= lo && v[i] <= hi;
	}
	return good ? OK : outside(leaf, err);
}

status reader_convert_byte_decimals(
	const struct reader_leaf *leaf, const uint8_t *data, const uint32_t *ends, size_t n, void *dst, struct err *err)
{
	const bool wide = leaf->convert == CONVERT_BYTES_DECIMAL128;
	uint32_t begin = 0;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *p = data + begin;
		const size_t bytes = ends[i] - begin;
		const bool good = wide ? big_endian128(p, bytes, (uint8_t *)dst + 16 * i) &&
						  fits128((uint8_t *)dst + 16 * i, leaf->info.def.precision)
				       : big_endian(p, bytes, (int64_t *)dst + i);
		if (!good) return out_of_range(leaf, err);
		begin = ends[i];
	}
	return wide ? OK : check_bounds(leaf, dst, n, err);
}

status reader_convert(const struct reader_leaf *leaf, const uint8_t *src, size_t n, void *dst, struct err *err)
{
	bool good = true;
	switch (leaf->convert) {
	case CONVERT_NONE: memcpy(dst, src, n * leaf->width); break;
	case CONVERT_I32_I64: widen_i32(src, n, dst); break;
	case CONVERT_U32_I64: widen_u32(src, n, dst); break;
	case CONVERT_U64_I64: good = copy_u64(src, n, dst); break;
	case CONVERT_MILLIS: good = millis_to_micros(src, n, dst); break;
	case CONVERT_NANOS: nanos_to_micros(src, n, dst); break;
	case CONVERT_INT96: int96_to_micros(src, n, dst); break;
	case CONVERT_FIXED_DECIMAL: good = fixed_decimals(src, n, leaf->width, dst); break;
	case CONVERT_FIXED_DECIMAL128: good = decimals128(leaf, src, n, dst); break;
	case CONVERT_BYTES_DECIMAL:
	case CONVERT_BYTES_DECIMAL128: ASSERT(false); break;
	}
	return good ? check_bounds(leaf, dst, n, err) : out_of_range(leaf, err);
}
