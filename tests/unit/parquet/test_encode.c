#include "check.h"

#include "parquet/encoding/encode.h"

enum { N_MAX = 5000 };
static uint32_t random_state = 1;

static uint32_t next(void)
{
	random_state = random_state * 1664525u + 1013904223u;
	return random_state >> 8;
}

/* A decoder written from the specification, one value at a time; n values or fewer. Counts runs of either kind. */
struct decoded {
	uint32_t v[N_MAX + 8];
	size_t n, rle, literal;
	const uint8_t *end;
};

static uint64_t take_varint(const uint8_t **p)
{
	uint64_t v = 0;
	unsigned shift = 0;
	do v |= (uint64_t)(**p & 0x7f) << shift, shift += 7;
	while (*(*p)++ & 0x80);
	return v;
}

static void decode(const uint8_t *p, size_t n, unsigned width, struct decoded *out)
{
	*out = (struct decoded){0};
	while (out->n < n) {
		const uint64_t head = take_varint(&p);
		if ((head & 1) == 0) {
			uint32_t v = 0;
			for (unsigned i = 0; i < (width + 7) / 8; i++) v |= (uint32_t)*p++ << (8 * i);
			assert_true(head >> 1 <= n - out->n);
			for (uint64_t i = 0; i < head >> 1; i++) out->v[out->n++] = v;
			out->rle++;
			continue;
		}
		const size_t count = (size_t)(head >> 1) * 8;
		for (size_t i = 0; i < count; i++) {
			uint32_t v = 0;
			for (unsigned bit = 0; bit < width; bit++)
				v |= (uint32_t)(p[(i * width + bit) / 8] >> (i * width + bit) % 8 & 1) << bit;
			if (out->n < n)
				out->v[out->n++] = v;
			else
				CHECK_I64(v, 0); /* padding */
		}
		p += count / 8 * width;
		out->literal++;
	}
	out->end = p;
}

enum shape { RANDOM, CONSTANT, RUNS, ALTERNATE, N_SHAPES };

static uint32_t value_of(enum shape shape, size_t i, uint32_t mask)
{
	static uint32_t last;
	switch (shape) {
	case CONSTANT: return mask;
	case ALTERNATE: return i & 1 ? mask : 0;
	case RUNS:
		if (i == 0 || next() % 20 == 0) last = next() & mask;
		return last;
	default: return ((next() << 16) ^ next()) & mask;
	}
}

static void round_trip(enum shape shape, unsigned width, size_t n)
{
	static uint32_t v[N_MAX];
	static uint8_t bytes[N_MAX], first[N_MAX * 8], second[N_MAX * 8];
	static struct decoded got;
	const uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1;
	const size_t bound = encode_hybrid_bound(n, width);
	for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(v[i] = value_of(shape, i, mask));
	const uint8_t *end = encode_hybrid_u32(v, n, width, first);
	decode(first, n, width, &got);
	if (got.end != end) fail_msg("u32 width %u n %zu: %td bytes unread", width, n, end - got.end);
	if (memcmp(got.v, v, n * sizeof *v) != 0) fail_msg("u32 width %u n %zu shape %d differs", width, n, (int)shape);
	assert_true((size_t)(end - first) + 8 <= bound);
	if (width > 8) return;
	for (int plain = 0; plain < 2; plain++) {
		encode_force_plain(plain);
		const uint8_t *end8 = encode_hybrid_u8(bytes, n, width, second);
		if (end8 - second != end - first || memcmp(first, second, (size_t)(end - first)) != 0)
			fail_msg("u8 width %u n %zu shape %d plain %d: other bytes than u32", width, n, (int)shape,
				plain);
	}
	encode_force_plain(false);
}

static void hybrid_round_trip(void **state)
{
	(void)state;
	static const size_t lengths[] = {1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65, 100, 127, 2500, N_MAX};
	for (int shape = 0; shape < N_SHAPES; shape++)
		for (unsigned width = 1; width <= 32; width++)
			for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
				round_trip((enum shape)shape, width, lengths[i]);
}

static void hybrid_golden(void **state)
{
	(void)state;
	/* The example of the specification: 0..7 with 3 bits is 0x88 0xc6 0xfa, after the header of one group. */
	const uint32_t v[8] = {0, 1, 2, 3, 4, 5, 6, 7};
	uint8_t b[64];
	const uint8_t want[] = {0x03, 0x88, 0xc6, 0xfa};
	assert_int_equal(encode_hybrid_u32(v, 8, 3, b) - b, sizeof want);
	assert_memory_equal(b, want, sizeof want);
	const uint32_t same[100] = {0};
	const uint8_t run[] = {0xc8, 0x01, 0x00}; /* 100 << 1 as a varint, value 0 */
	assert_int_equal(encode_hybrid_u32(same, 100, 3, b) - b, sizeof run);
	assert_memory_equal(b, run, sizeof run);
	const uint8_t wide[] = {0x0a, 0x34, 0x12}; /* 5 times 0x1234 of 13 bits */
	assert_int_equal(encode_run(0x1234, 5, 13, b) - b, sizeof wide);
	assert_memory_equal(b, wide, sizeof wide);
}

static void hybrid_chooses_runs(void **state)
{
	(void)state;
	static uint8_t v[1000];
	static struct decoded got;
	uint8_t b[4096];
	for (size_t i = 0; i < 1000; i++) v[i] = (uint8_t)(i / 100);
	(void)encode_hybrid_u8(v, 1000, 4, b);
	decode(b, 1000, 4, &got);
	CHECK_I64(got.rle, 10);
	CHECK_I64(got.literal, 0);
	for (size_t i = 0; i < 1000; i++) v[i] = (uint8_t)(i & 15);
	(void)encode_hybrid_u8(v, 1000, 4, b);
	decode(b, 1000, 4, &got);
	CHECK_I64(got.rle, 0);
	CHECK_I64(got.literal, 1);
}

/* The decoder of the specification, by 64-bit values. */
static void decode_delta(const uint8_t *p, size_t n, unsigned bytes, int64_t *out, const uint8_t **end)
{
	CHECK_I64(take_varint(&p), 128);
	CHECK_I64(take_varint(&p), 4);
	CHECK_I64(take_varint(&p), n);
	uint64_t v = take_varint(&p);
	uint64_t last = (v >> 1) ^ (0 - (v & 1));
	out[0] = (int64_t)last;
	for (size_t i = 1; i < n;) {
		v = take_varint(&p);
		const uint64_t least = (v >> 1) ^ (0 - (v & 1));
		const uint8_t *widths = p;
		p += 4;
		for (size_t m = 0; m < 4 && i < n; m++) {
			for (size_t k = 0; k < 32; k++) {
				uint64_t rest = 0;
				for (size_t bit = 0; bit < widths[m]; bit++)
					rest |= (uint64_t)(p[(k * widths[m] + bit) / 8] >> (k * widths[m] + bit) % 8 &
							   1)
						<< bit;
				if (i == n) continue;
				last += least + rest;
				out[i++] = bytes == 4 ? (int32_t)(uint32_t)last : (int64_t)last;
			}
			p += (size_t)widths[m] * 4;
		}
	}
	*end = p;
}

static void delta_round_trip(void **state)
{
	(void)state;
	static int64_t v[N_MAX], got[N_MAX];
	static int32_t narrow[N_MAX];
	static uint8_t b[N_MAX * 10];
	static const size_t lengths[] = {1, 2, 32, 33, 34, 128, 129, 130, 161, 257, 2500};
	for (unsigned shape = 0; shape < 70; shape++) {
		for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
			const size_t n = lengths[k];
			for (size_t i = 0; i < n; i++) {
				const uint64_t any = (uint64_t)next() << 48 ^ (uint64_t)next() << 24 ^ next();
				v[i] = shape < 64    ? (int64_t)(any >> shape)
				       : shape == 64 ? (int64_t)i
				       : shape == 65 ? ((i & 1) != 0 ? INT64_MAX : INT64_MIN)
				       : shape == 66 ? 7
						     : (int64_t)(i % 3) - 1;
				narrow[i] = (int32_t)(uint32_t)(uint64_t)v[i];
			}
			for (unsigned bytes = 4; bytes <= 8; bytes += 4) {
				const void *values = bytes == 4 ? (const void *)narrow : v;
				const uint8_t *end = encode_delta(values, n, bytes, b), *read;
				CHECK_I64(end - b, encode_delta_size(values, n, bytes));
				assert_true((size_t)(end - b) + 8 <= encode_delta_bound(n, bytes));
				decode_delta(b, n, bytes, got, &read);
				assert_ptr_equal(read, end);
				for (size_t i = 0; i < n; i++) CHECK_I64(got[i], bytes == 4 ? narrow[i] : v[i]);
			}
		}
	}
}

static void delta_golden(void **state)
{
	(void)state;
	/* The specification's second example: 7, 5, 3, 1, 2, 3, 4, 5 has differences -2 -2 -2 1 1 1 1, least -2, rest 0 0 0 3 3 3 3. */
	static const int32_t v[] = {7, 5, 3, 1, 2, 3, 4, 5};
	static const uint8_t want[] = {0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0};
	uint8_t b[1024];
	CHECK_I64(encode_delta(v, 8, 4, b) - b, sizeof want);
	assert_memory_equal(b, want, sizeof want);

	static const uint8_t none[] = {0x80, 0x01, 0x04, 0x00, 0x00};
	CHECK_I64(encode_delta(NULL, 0, 8, b) - b, sizeof none);
	assert_memory_equal(b, none, sizeof none);
	CHECK_I64(encode_delta_size(NULL, 0, 8), sizeof none);
}

static void bit_width(void **state)
{
	(void)state;
	static const struct {
		uint32_t n;
		unsigned want;
	} cases[] = {{0, 1}, {1, 1}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {256, 8}, {257, 9}, {65536, 16}, {65537, 17},
		{UINT32_MAX, 32}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		CHECK_I64(encode_bit_width(cases[i].n), cases[i].want);
}

static void bits_copy(void **state)
{
	(void)state;
	static uint64_t bits[20];
	uint8_t b[160];
	for (size_t i = 0; i < 20; i++) bits[i] = (uint64_t)next() << 40 ^ (uint64_t)next() << 20 ^ next();
	for (size_t from = 0; from < 130; from++) {
		for (size_t n = 1; n < 600; n += 13) {
			encode_bits_copy(bits, from, n, b);
			for (size_t i = 0; i < (n + 7) / 8 * 8; i++) {
				const unsigned want = i < n && (bits[(from + i) / 64] >> (from + i) % 64 & 1) != 0;
				if ((b[i / 8] >> i % 8 & 1) != want) fail_msg("from %zu n %zu bit %zu", from, n, i);
			}
		}
	}
}

static void levels(void **state)
{
	(void)state;
	const uint64_t bits[3] = {0x5a5, 0, 0};
	uint8_t b[64];
	const uint8_t all[] = {2, 0, 0, 0, 24, 1}, none[] = {2, 0, 0, 0, 24, 0}, some[] = {3, 0, 0, 0, 5, 0xa5, 0x05};
	assert_int_equal(encode_levels(NULL, 0, 12, 12, b) - b, sizeof all);
	assert_memory_equal(b, all, sizeof all);
	assert_int_equal(encode_levels(NULL, 0, 12, 0, b) - b, sizeof none);
	assert_memory_equal(b, none, sizeof none);
	assert_int_equal(encode_levels(bits, 0, 12, 6, b) - b, sizeof some);
	assert_memory_equal(b, some, sizeof some);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(hybrid_golden), cmocka_unit_test(hybrid_round_trip),
		cmocka_unit_test(hybrid_chooses_runs), cmocka_unit_test(delta_golden),
		cmocka_unit_test(delta_round_trip), cmocka_unit_test(bit_width), cmocka_unit_test(bits_copy),
		cmocka_unit_test(levels)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
