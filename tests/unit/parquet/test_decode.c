#include "parquet/encoding/decode.h"

#include "check.h"
#include "columnar/batch.h"

/* A source with the padding that decoding wants. */
struct source {
	uint8_t p[4096 + DECODE_PADDING];
	size_t n;
};
static struct source source_of(const uint8_t *p, size_t n)
{
	struct source s = {.n = n};
	memset(s.p, 0xEE, sizeof s.p);
	memcpy(s.p, p, n);
	return s;
}
#define SOURCE(...) source_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static uint32_t rng_state = 1;
static uint32_t rng(void)
{
	rng_state = rng_state * 1664525u + 1013904223u;
	return rng_state >> 8 ^ rng_state << 20;
}

/* ---- kernels ---------------------------------------------------------------------------------------------- */

static void unpack_is_plain(void **state)
{
	(void)state;
	const struct decode_kernels *a = decode_kernels_plain(), *b = decode_kernels_best();
	uint8_t src[32 * 40 + DECODE_PADDING];
	for (size_t i = 0; i < sizeof src; i++) src[i] = (uint8_t)rng();
	for (unsigned width = 0; width <= 32; width++) {
		uint32_t want[8 * 40], got[8 * 40];
		a->unpack(src, width, want, 40);
		b->unpack(src, width, got, 40);
		assert_memory_equal(got, want, sizeof want);
		for (size_t i = 0; i < 320; i++) { /* and plain is right: bit by bit */
			uint32_t v = 0;
			for (unsigned k = 0; k < width; k++) v |= (uint32_t)bit_get(src, (int64_t)(i * width + k)) << k;
			CHECK_I64(want[i], v);
		}
	}
}

static void max_is_plain(void **state)
{
	(void)state;
	uint32_t v[100];
	for (size_t i = 0; i < 100; i++) v[i] = rng();
	v[50] = UINT32_MAX - 1;
	for (size_t n = 0; n <= 100; n++)
		CHECK_I64(decode_kernels_best()->max(v, n), decode_kernels_plain()->max(v, n));
	CHECK_I64(decode_kernels_plain()->max(v, 100), UINT32_MAX - 1);
}

enum { ROWS_MAX = 300 };

/* A random bitmap of `rows` bits from bit_at on, of about 1/density nulls; returns the set bits. */
static size_t make_bits(uint8_t *bits, size_t bit_at, size_t rows, uint32_t density)
{
	size_t valid = 0;
	memset(bits, 0, (bit_at + rows) / 8 + 16);
	for (size_t i = 0; i < rows; i++) {
		if (density != 0 && rng() % density == 0) continue;
		bit_set(bits, (int64_t)(bit_at + i));
		valid++;
	}
	return valid;
}

static void spread_is_right(void **state)
{
	(void)state;
	const struct decode_kernels *const kernels[] = {decode_kernels_plain(), decode_kernels_best()};
	static const uint32_t densities[] = {0, 1, 2, 10};
	for (size_t round = 0; round < 2000; round++) {
		const struct decode_kernels *k = kernels[round % 2];
		const size_t rows = rng() % ROWS_MAX, bit_at = rng() % 70;
		uint8_t bits[ROWS_MAX / 8 + 70];
		const size_t valid = make_bits(bits, bit_at, rows, densities[rng() % 4]);
		uint32_t v32[1 + ROWS_MAX + DECODE_SLACK], ends[1 + ROWS_MAX + DECODE_SLACK];
		uint64_t v64[ROWS_MAX + DECODE_SLACK];
		ends[0] = 77;
		for (size_t i = 0; i < valid; i++) {
			v32[rows - valid + i] = (uint32_t)i + 1;
			v64[rows - valid + i] = i + 1 + (UINT64_C(9) << 40);
			ends[1 + rows - valid + i] = 77 + (uint32_t)i * 3;
		}
		k->spread32(v32, rows, valid, bits, bit_at);
		k->spread64(v64, rows, valid, bits, bit_at);
		k->spread_ends(ends + 1, rows, valid, bits, bit_at);
		size_t seen = 0;
		for (size_t i = 0; i < rows; i++) {
			const bool is_valid = bit_get(bits, (int64_t)(bit_at + i));
			seen += is_valid;
			CHECK_I64(v32[i], is_valid ? seen : 0);
			CHECK_I64(v64[i], is_valid ? seen + (UINT64_C(9) << 40) : 0);
			CHECK_I64(ends[1 + i], seen == 0 ? 77 : 77 + (seen - 1) * 3);
		}
	}
}

/* ---- bits and runs ---------------------------------------------------------------------------------------- */

static void bits_copy_any_place(void **state)
{
	(void)state;
	uint8_t src[64 + 16], dst[64 + 16], want[64 + 16];
	for (size_t round = 0; round < 5000; round++) {
		for (size_t i = 0; i < sizeof src; i++) {
			src[i] = (uint8_t)rng();
			dst[i] = want[i] = (uint8_t)rng();
		}
		const size_t n = rng() % 200, from = rng() % 100, to = rng() % 100;
		size_t set = 0;
		for (size_t i = 0; i < n; i++) {
			const bool bit = bit_get(src, (int64_t)(from + i));
			set += bit;
			want[(to + i) / 8] = (uint8_t)((want[(to + i) / 8] & ~(1u << ((to + i) % 8))) |
						       (unsigned)bit << ((to + i) % 8));
		}
		decode_bits_copy(dst, to, src, from, n);
		assert_memory_equal(dst, want, sizeof dst);
		CHECK_I64(decode_bits_count(src, from, n), set);
		const bool value = rng() % 2;
		for (size_t i = 0; i < n; i++) {
			want[(to + i) / 8] = (uint8_t)((want[(to + i) / 8] & ~(1u << ((to + i) % 8))) |
						       (unsigned)value << ((to + i) % 8));
		}
		decode_bits_fill(dst, to, n, value);
		assert_memory_equal(dst, want, sizeof dst);
	}
}

/* Example of the format's own text: 1, 2, 3... of width 3 packed as 0x88 0xC6 0xFA, and a run of 100 times 4. */
static void hybrid_by_hand(void **state)
{
	(void)state;
	struct err err;
	const struct source s =
		SOURCE(0x03, 0x88, 0xC6, 0xFA, 0xC8, 0x01, 0x04, 0x05, 0x88, 0xC6, 0xFA, 0x88, 0xC6, 0xFA);
	for (size_t skip = 0; skip < 124; skip++) {
		for (size_t take = 0; skip + take <= 124; take += 1 + take / 7) {
			uint32_t got[124 + DECODE_SLACK];
			CHECK_OK(&err, decode_hybrid(decode_kernels_best(), (struct decode_source){s.p, s.n}, 3,
					       (struct decode_slice){skip, take, 124}, got, &err));
			for (size_t i = 0; i < take; i++) {
				const size_t at = skip + i;
				CHECK_I64(got[i], at < 8 ? at : at < 108 ? 4 : (at - 108) % 8);
			}
		}
	}
}

static void hybrid_refuses(void **state)
{
	(void)state;
	struct err err;
	uint32_t got[64 + DECODE_SLACK];
	static const struct {
		const char *name;
		uint8_t bytes[6];
		size_t n;
		unsigned width;
		const char *message;
	} cases[] = {
		{"empty", {0}, 0, 3, "run-length data ends too early"},
		{"too few values", {0x03, 0x88, 0xC6, 0xFA}, 4, 3, "run-length data ends too early"},
		{"a run without its value", {0x20}, 1, 3, "run-length data ends inside a run"},
		{"a value over its width", {0x20, 0x08}, 2, 3, "run-length value 8 does not fit 3 bits"},
		{"a header that does not end", {0x80, 0x80}, 2, 3, "run-length data ends too early"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct source s = source_of(cases[i].bytes, cases[i].n);
		CHECK_FAILS(E_CORRUPT, decode_hybrid(decode_kernels_plain(), (struct decode_source){s.p, s.n},
					       cases[i].width, (struct decode_slice){0, 17, 17}, got, &err));
		assert_string_equal(err.message, cases[i].message);
	}
}

/* Any mix of runs and packed groups, any slice: as bits and as 32-bit values. */
static void bits_are_hybrid(void **state)
{
	(void)state;
	struct err err;
	for (size_t round = 0; round < 2000; round++) {
		uint8_t bytes[256];
		size_t n = 0, total = 0;
		while (n < 60) {
			const uint32_t kind = rng();
			if (kind & 1) {
				const uint8_t groups = (uint8_t)(1 + rng() % 20);
				bytes[n++] = (uint8_t)(groups << 1 | 1);
				for (uint8_t i = 0; i < groups; i++) bytes[n++] = (uint8_t)rng();
				total += groups * 8u;
			} else {
				const uint8_t count = (uint8_t)(rng() % 60);
				bytes[n++] = (uint8_t)(count << 1);
				bytes[n++] = (uint8_t)(rng() & 1);
				total += count;
			}
		}
		total -= total > 5 ? rng() % 5 : 0;
		const struct source s = source_of(bytes, n);
		struct decode_slice slice = {.skip = rng() % (total + 1), .total = total};
		slice.take = rng() % (total - slice.skip + 1);
		uint32_t values[5000 + DECODE_SLACK];
		uint8_t bits[700 + 16] = {0};
		struct decode_bit_counts counts;
		const size_t at = rng() % 17;
		CHECK_OK(&err, decode_hybrid(decode_kernels_best(), (struct decode_source){s.p, s.n}, 1,
				       (struct decode_slice){0, total, total}, values, &err));
		CHECK_OK(&err, decode_bits((struct decode_source){s.p, s.n}, slice, bits, at, &counts, &err));
		size_t before = 0, valid = 0, all = 0;
		for (size_t i = 0; i < total; i++) {
			all += values[i];
			if (i < slice.skip) before += values[i];
			if (i < slice.skip || i >= slice.skip + slice.take) continue;
			valid += values[i];
			CHECK_I64(bit_get(bits, (int64_t)(at + i - slice.skip)), values[i]);
		}
		CHECK_I64(counts.before, before);
		CHECK_I64(counts.valid, valid);
		CHECK_I64(counts.all, all);
	}
}

/* ---- delta ------------------------------------------------------------------------------------------------ */

/* The two examples of the format's text: 1..5 with deltas of 1, and 7 5 3 1 2 3 4 5 with deltas -2 -2 -2 1 1 1 1. */
static void delta_by_hand(void **state)
{
	(void)state;
	struct err err;
	int64_t got[8 + 32];
	int32_t got32[8 + 32];
	size_t used;
	const struct source ones = SOURCE(0x80, 0x01, 0x04, 0x05, 0x02, 0x02, 0, 0, 0, 0);
	CHECK_OK(&err, decode_delta64(ones.p, ones.n, 5, got, &used, &err));
	CHECK_I64(used, ones.n);
	for (int i = 0; i < 5; i++) CHECK_I64(got[i], i + 1);
	static const int want[] = {7, 5, 3, 1, 2, 3, 4, 5};
	/* smallest delta -2, widths 2 0 0 0, packed 0 0 0 3 3 3 3 */
	const struct source both =
		SOURCE(0x80, 0x01, 0x04, 0x08, 0x0E, 0x03, 2, 0, 0, 0, 0xC0, 0x3F, 0, 0, 0, 0, 0, 0, 0x55);
	CHECK_OK(&err, decode_delta32(both.p, both.n, 8, got32, &used, &err));
	CHECK_I64(used, both.n - 1);
	for (int i = 0; i < 8; i++) CHECK_I64(got32[i], want[i]);
	/* 64-bit extremes: INT64_MAX then INT64_MIN is a delta of 1, by wrapping */
	const struct source wrap = SOURCE(
		0x80, 0x01, 0x04, 0x02, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x02, 0, 0, 0, 0);
	CHECK_OK(&err, decode_delta64(wrap.p, wrap.n, 2, got, &used, &err));
	CHECK_I64(got[0], INT64_MAX);
	CHECK_I64(got[1], INT64_MIN);
}

static void delta_refuses(void **state)
{
	(void)state;
	struct err err;
	int64_t got[300];
	size_t used;
	static const struct {
		const char *name;
		uint8_t bytes[12];
		size_t n;
		size_t total;
		const char *message;
	} cases[] = {
		{"empty", {0}, 0, 1, "delta encoding: ends inside its header"},
		{"block of 100", {100, 4, 5, 2}, 4, 5, "delta encoding: bad block size"},
		{"block of 0", {0, 4, 5, 2}, 4, 5, "delta encoding: bad block size"},
		{"no miniblocks", {0x80, 1, 0, 5, 2}, 5, 5, "delta encoding: bad number of miniblocks"},
		{"miniblocks of 16", {0x80, 1, 8, 5, 2}, 5, 5, "delta encoding: bad number of miniblocks"},
		{"another count", {0x80, 1, 4, 5, 2, 2, 0, 0, 0, 0}, 10, 6,
			"delta encoding: 6 values expected, its header says 5"},
		{"no block", {0x80, 1, 4, 5, 2}, 5, 5, "delta encoding: ends inside a block header"},
		{"no widths", {0x80, 1, 4, 5, 2, 2, 0}, 7, 5, "delta encoding: ends inside its widths"},
		{"width 65", {0x80, 1, 4, 5, 2, 2, 65, 0, 0, 0}, 10, 5, "delta encoding: a width over 64 bits"},
		{"cut miniblock", {0x80, 1, 4, 5, 2, 2, 8, 0, 0, 0, 1, 1}, 12, 5,
			"delta encoding: ends inside a miniblock"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct source s = source_of(cases[i].bytes, cases[i].n);
		CHECK_FAILS(E_CORRUPT, decode_delta64(s.p, s.n, cases[i].total, got, &used, &err));
		assert_string_equal(err.message, cases[i].message);
	}
}

/* ---- strings ---------------------------------------------------------------------------------------------- */

static void check_strings(const struct decode_strings *out, size_t from, size_t n, const char *const *want)
{
	size_t begin = from;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(out->ends[i] - begin, strlen(want[i]));
		assert_memory_equal(out->data + begin, want[i], strlen(want[i]));
		begin = out->ends[i];
	}
	assert_int_equal(out->data_n, begin);
}

static void strings_by_hand(void **state)
{
	(void)state;
	struct err err;
	static const char *const want[] = {"axis", "axle", "babble", "", "babyhood"};
	const struct source plain = SOURCE(4, 0, 0, 0, 'a', 'x', 'i', 's', 4, 0, 0, 0, 'a', 'x', 'l', 'e', 6, 0, 0, 0,
		'b', 'a', 'b', 'b', 'l', 'e', 0, 0, 0, 0, 8, 0, 0, 0, 'b', 'a', 'b', 'y', 'h', 'o', 'o', 'd');
	/* lengths 4 4 6 0 8: deltas 0 2 -6 8, smallest -6, of width 4: 6 8 0 14 */
	const struct source lengths = SOURCE(0x80, 0x01, 0x04, 0x05, 0x08, 0x0B, 4, 0, 0, 0, 0x86, 0xE0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 'a', 'x', 'i', 's', 'a', 'x', 'l', 'e', 'b', 'a', 'b', 'b', 'l', 'e', 'b',
		'a', 'b', 'y', 'h', 'o', 'o', 'd');
	for (size_t skip = 0; skip <= 5; skip++) {
		for (size_t take = 0; skip + take <= 5; take++) {
			uint8_t data[64 + DECODE_PADDING] = {'!', '!', '!'};
			uint32_t ends[5 + DECODE_SLACK];
			int32_t scratch[64];
			struct decode_strings out = {.data = data, .data_n = 3, .ends = ends};
			CHECK_OK(&err, decode_strings_plain(
					       plain.p, plain.n, (struct decode_slice){skip, take, 5}, &out, &err));
			check_strings(&out, 3, take, want + skip);
			out.data_n = 3;
			CHECK_OK(&err, decode_strings_delta_length(lengths.p, lengths.n,
					       (struct decode_slice){skip, take, 5}, scratch, &out, &err));
			check_strings(&out, 3, take, want + skip);
		}
	}
}

/* DELTA_BYTE_ARRAY: "axis", "axle" (prefix 2), "axled" (prefix 4), "b". */
static void prefixes_by_hand(void **state)
{
	(void)state;
	struct err err;
	static const char *const want[] = {"axis", "axle", "axled", "b"};
	/* prefixes 0 2 4 0: deltas 2 2 -4, smallest -4, width 3: 6 6 0; suffixes 4 2 1 1: deltas -2 -1 0, smallest -2, width 2: 0 1 2 */
	const struct source s = SOURCE(0x80, 0x01, 0x04, 0x04, 0x00, 0x07, 3, 0, 0, 0, 0x36, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0x80, 0x01, 0x04, 0x04, 0x08, 0x03, 2, 0, 0, 0, 0x24, 0, 0, 0, 0, 0, 0, 0, 'a', 'x', 'i', 's',
		'l', 'e', 'd', 'b');
	for (size_t skip = 0; skip <= 4; skip++) {
		for (size_t take = 0; skip + take <= 4; take++) {
			uint8_t data[64 + DECODE_PADDING] = {'!'};
			uint32_t ends[4 + DECODE_SLACK];
			int32_t scratch[64];
			size_t room;
			struct decode_delta_parts d;
			struct decode_strings out = {.data = data, .data_n = 1, .ends = ends};
			CHECK_OK(&err, decode_delta_strings_sizes(
					       (struct decode_source){s.p, s.n}, 4, scratch, &d, &room, &err));
			CHECK_I64(room, 14);
			decode_delta_strings(&d, (struct decode_slice){skip, take, 4}, &out);
			check_strings(&out, 1, take, want + skip);
		}
	}
	struct source bad = s;
	bad.p[4] = 0x02; /* the first prefix is 1: nothing stands before it */
	int32_t scratch[64];
	size_t room;
	struct decode_delta_parts d;
	CHECK_FAILS(E_CORRUPT,
		decode_delta_strings_sizes((struct decode_source){bad.p, bad.n}, 4, scratch, &d, &room, &err));
	assert_string_equal(err.message, "a string's prefix is longer than the string before it");
	CHECK_FAILS(E_CORRUPT,
		decode_delta_strings_sizes((struct decode_source){s.p, s.n - 1}, 4, scratch, &d, &room, &err));
	assert_string_equal(err.message, "string suffixes run over the end of their page");
}

static void strings_refuse(void **state)
{
	(void)state;
	struct err err;
	uint8_t data[64 + DECODE_PADDING];
	uint32_t ends[8 + DECODE_SLACK];
	int32_t scratch[64];
	struct decode_strings out = {.data = data, .ends = ends};
	const struct source s = SOURCE(2, 0, 0, 0, 'a', 'b', 9, 0, 0, 0, 'c');
	CHECK_FAILS(E_CORRUPT, decode_strings_plain(s.p, s.n, (struct decode_slice){0, 2, 2}, &out, &err));
	assert_string_equal(err.message, "a string of 9 bytes is longer than its page");
	CHECK_FAILS(E_CORRUPT, decode_strings_plain(s.p, s.n, (struct decode_slice){2, 1, 3}, &out, &err));
	assert_string_equal(err.message, "a string is longer than its page");
	CHECK_FAILS(E_CORRUPT, decode_strings_plain(s.p, 6, (struct decode_slice){0, 2, 2}, &out, &err));
	assert_string_equal(err.message, "strings end after 1 of 2");
	CHECK_I64(out.data_n, 0);
	/* lengths 1 -1 */
	const struct source negative = SOURCE(0x80, 0x01, 0x04, 0x02, 0x02, 0x03, 0, 0, 0, 0, 'a', 'b');
	CHECK_FAILS(E_CORRUPT, decode_strings_delta_length(
				       negative.p, negative.n, (struct decode_slice){0, 2, 2}, scratch, &out, &err));
}

static void split_by_hand(void **state)
{
	(void)state;
	struct err err;
	const struct source s = SOURCE(1, 2, 3, 0x10, 0x20, 0x30);
	uint8_t got[6] = {0};
	CHECK_OK(&err, decode_split(s.p, s.n, 2, (struct decode_slice){1, 2, 3}, got, &err));
	assert_memory_equal(got, ((const uint8_t[]){2, 0x20, 3, 0x30}), 4);
	CHECK_FAILS(E_CORRUPT, decode_split(s.p, s.n, 2, (struct decode_slice){0, 4, 4}, got, &err));
	CHECK_FAILS(E_CORRUPT, decode_split(s.p, s.n, 4, (struct decode_slice){0, 1, 1}, got, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(unpack_is_plain), cmocka_unit_test(max_is_plain),
		cmocka_unit_test(spread_is_right), cmocka_unit_test(bits_copy_any_place),
		cmocka_unit_test(hybrid_by_hand), cmocka_unit_test(hybrid_refuses), cmocka_unit_test(bits_are_hybrid),
		cmocka_unit_test(delta_by_hand), cmocka_unit_test(delta_refuses), cmocka_unit_test(strings_by_hand),
		cmocka_unit_test(prefixes_by_hand), cmocka_unit_test(strings_refuse), cmocka_unit_test(split_by_hand)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
