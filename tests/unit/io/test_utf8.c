#include "check.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "io/utf8.h"

struct sample {
	const char *bytes;
	size_t n;
	bool valid;
};
#define BYTES(s) s, sizeof(s) - 1
static const struct sample samples[] = {
	{BYTES(""), true},
	{BYTES("a"), true},
	{BYTES("\x00"), true},
	{BYTES("\xc3\xb1"), true},
	{BYTES("\xe2\x82\xac"), true},
	{BYTES("\xf0\x9f\x98\x80"), true},
	{BYTES("\xf4\x8f\xbf\xbf"), true},
	{BYTES("\xed\x9f\xbf"), true},
	{BYTES("\xee\x80\x80"), true},
	{BYTES("\xe0\xa0\x80"), true},
	{BYTES("\xf0\x90\x80\x80"), true},
	{BYTES("\xc2\x80"), true},
	{BYTES("\xef\xbf\xbf"), true},
	{BYTES("\x80"), false},
	{BYTES("\xbf"), false},
	{BYTES("\xc3"), false},
	{BYTES("\xe2\x82"), false},
	{BYTES("\xf0\x9f\x98"), false},
	{BYTES("\xc0\x80"), false},
	{BYTES("\xc1\xbf"), false},
	{BYTES("\xe0\x80\x80"), false},
	{BYTES("\xe0\x9f\xbf"), false},
	{BYTES("\xf0\x80\x80\x80"), false},
	{BYTES("\xf0\x8f\xbf\xbf"), false},
	{BYTES("\xed\xa0\x80"), false},
	{BYTES("\xed\xbf\xbf"), false},
	{BYTES("\xf4\x90\x80\x80"), false},
	{BYTES("\xf5\x80\x80\x80"), false},
	{BYTES("\xff"), false},
	{BYTES("\xfe"), false},
	{BYTES("\xc3\xb1\xb1"), false},
	{BYTES("\xe2\x82\xac\x80"), false},
	{BYTES("\xc3\xc3\xb1"), false},
	{BYTES("\xf8\x88\x80\x80\x80"), false},
	{BYTES("\xe2\x28\xa1"), false},
	{BYTES("\xf0\x28\x8c\xbc"), false},
	{BYTES("\xf0\x9f\x98\x80\x80"), false},
};

/* Each sample at every position around the borders of 32 and 64 byte blocks, followed by up to 3 bytes. */
static void test_samples_at_every_place(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof samples / sizeof samples[0]; k++) {
		for (size_t lead = 0; lead <= 130; lead++) {
			for (size_t after = 0; after <= 3; after++) {
				const size_t n = lead + samples[k].n + after;
				char *text = mem_alloc(n);
				assert_non_null(text);
				memset(text, 'x', n);
				memcpy(text + lead, samples[k].bytes, samples[k].n);
				if (utf8_valid(text, n) != samples[k].valid ||
					utf8_valid_plain(text, n) != samples[k].valid)
					fail_msg("sample %zu at %zu, %zu after: expected %d", k, lead, after,
						samples[k].valid);
				mem_free(text);
			}
		}
	}
}

static void test_all_three_byte_strings(void **state)
{
	(void)state;
	char text[64];
	for (uint32_t v = 0; v < 1u << 24; v += 1 + (v & 3)) { /* two thirds of them, every lead byte */
		memset(text, 'a', sizeof text);
		text[30] = (char)(v >> 16);
		text[31] = (char)(v >> 8);
		text[32] = (char)v;
		if (utf8_valid(text, sizeof text) != utf8_valid_plain(text, sizeof text)) fail_msg("bytes %06x", v);
	}
}

/* Random code points, then random damage: the fast version agrees with the plain one. */
static void test_random_damage(void **state)
{
	(void)state;
	static const char *const points[] = {"a", "\xc3\xb3", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "~"};
	char text[400];
	int valid = 0;
	for (uint32_t round = 0; round < 100000 / CHECK_ONE_IN; round++) {
		size_t n = 0;
		const size_t want = rng_below(rng_philox(1, round, 0, 0).v[0], 380);
		for (uint32_t i = 0; n < want; i++) {
			const char *point = points[rng_below(rng_philox(1, round, 1, i).v[0], 6)];
			memcpy(text + n, point, strlen(point));
			n += strlen(point);
		}
		const struct rng4 r = rng_philox(1, round, 2, 0);
		if (n > 0 && (r.v[0] & 3) != 0) text[rng_below(r.v[1], (uint32_t)n)] = (char)r.v[2];
		const bool plain = utf8_valid_plain(text, n);
		valid += plain;
		if (utf8_valid(text, n) != plain) fail_msg("round %u: plain says %d", round, plain);
	}
	assert_in_range(valid, 20000 / CHECK_ONE_IN, 80000 / CHECK_ONE_IN); /* both answers occur */
}

static void test_prefix_and_count(void **state)
{
	(void)state;
	CHECK_I64(utf8_valid_prefix("ab\xc3\xb1\xc3", 5), 4);
	CHECK_I64(utf8_valid_prefix("ab\xc3\xb1", 4), 4);
	CHECK_I64(utf8_valid_prefix("\x80", 1), 0);
	CHECK_I64(utf8_count("", 0), 0);
	CHECK_I64(utf8_count("a\xc3\xb1\xe2\x82\xac\xf0\x9f\x98\x80z", 11), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_at_every_place),
		cmocka_unit_test(test_all_three_byte_strings),
		cmocka_unit_test(test_random_damage),
		cmocka_unit_test(test_prefix_and_count),
	};
	return cmocka_run_group_tests_name("io/utf8", tests, NULL, NULL);
}
