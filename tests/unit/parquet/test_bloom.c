#include "check.h"

#include "base/hash.h"
#include "parquet/encoding/bloom.h"

static uint64_t hash_of(unsigned i)
{
	char text[32];
	return hash_xxh64(text, (size_t)snprintf(text, sizeof text, "value-%u", i));
}

/* One value, worked by hand from the specification: hash 0 sets bit 0 of each word of block 0; hash 2^63 + 1 picks the
 * upper half of the blocks and the top five bits of each salt. */
static void golden(void **state)
{
	(void)state;
	static const uint32_t salts[8] = {
		0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};
	_Alignas(4) uint8_t f[64] = {0};
	uint32_t words[16];
	bloom_insert(f, sizeof f, 0);
	bloom_insert(f, sizeof f, (UINT64_C(1) << 63) + 1);
	memcpy(words, f, sizeof words);
	for (int i = 0; i < 8; i++) {
		CHECK_I64(words[i], 1);
		CHECK_I64(words[8 + i], 1u << (salts[i] >> 27));
	}
}

static void sizes(void **state)
{
	(void)state;
	static const struct {
		size_t n, want;
	} cases[] = {{0, 32}, {1, 32}, {32, 32}, {33, 64}, {2500, 4096}, {100000, 131072}, {SIZE_MAX, BLOOM_BYTES_MAX}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) CHECK_I64(bloom_bytes(cases[i].n), cases[i].want);
}

static void finds_all_and_few_others(void **state)
{
	(void)state;
	enum { N = 4000 };
	const size_t bytes = bloom_bytes(N);
	uint8_t *f = calloc(bytes, 1);
	assert_non_null(f);
	for (unsigned i = 0; i < N; i++) bloom_insert(f, bytes, hash_of(i));
	for (unsigned i = 0; i < N; i++) assert_true(bloom_contains(f, bytes, hash_of(i)));
	int wrong = 0;
	for (unsigned i = N; i < 11 * N; i++) wrong += bloom_contains(f, bytes, hash_of(i));
	free(f);
	if (wrong > 10 * N / 33) fail_msg("%d of %d absent values found, at most 3 in 100", wrong, 10 * N);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden), cmocka_unit_test(sizes), cmocka_unit_test(finds_all_and_few_others)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
