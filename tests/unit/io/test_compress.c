#include "check.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "io/compress.h"

/* Literals hold commas, which the macros of check.h take for their own. */
static struct compress_src from(const void *p, size_t n)
{
	return (struct compress_src){p, n};
}
static struct compress_dst to(void *p, size_t n)
{
	return (struct compress_dst){p, n};
}

static const enum compress_codec writable[] = {CODEC_NONE, CODEC_SNAPPY, CODEC_ZSTD, CODEC_LZ4_RAW};

static void test_round_trip(void **state)
{
	(void)state;
	struct err err;
	struct compressor *c = NULL;
	CHECK_OK(&err, compress_create(&c, &err));
	enum { N = 100000 };
	uint8_t *src = mem_alloc(N);
	uint8_t *back = mem_alloc(N);
	for (size_t i = 0; i < N; i++) src[i] = (uint8_t)(rng_philox(1, i / 7, 0, 0).v[0] & 15);
	static const size_t sizes[] = {0, 1, 100, N};
	for (size_t k = 0; k < sizeof writable / sizeof writable[0]; k++) {
		for (size_t j = 0; j < 4; j++) {
			const size_t cap = compress_bound(writable[k], sizes[j]) + 1;
			uint8_t *packed = mem_alloc(cap);
			struct compress_dst block = {packed, cap};
			CHECK_OK(&err, compress_block(c, writable[k], 1, from(src, sizes[j]), &block, &err));
			const size_t n = block.n;
			CHECK_OK(&err, compress_expand(c, writable[k], from(packed, n), to(back, sizes[j]), &err));
			assert_memory_equal(src, back, sizes[j]);
			/* A wrong claim of the size, and a truncated block. */
			CHECK_FAILS(E_CORRUPT, compress_expand(c, writable[k], from(packed, n),
						       to(back, sizes[j] > 0 ? sizes[j] - 1 : 1), &err));
			if (sizes[j] > 1)
				CHECK_FAILS(E_CORRUPT,
					compress_expand(c, writable[k], from(packed, n - 1), to(back, sizes[j]), &err));
			mem_free(packed);
		}
	}
	struct compress_dst none = {back, N};
	CHECK_FAILS(E_UNSUPPORTED, compress_block(c, CODEC_GZIP, 1, from(src, 1), &none, &err));
	mem_free(src);
	mem_free(back);
	compress_destroy(c);
}

/* gzip of "hello\n", twice: members concatenate (RFC 1952 section 2.2). */
static void test_gzip_members(void **state)
{
	(void)state;
	static const uint8_t member[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xe7, 2, 0,
		0x20, 0x30, 0x3a, 0x36, 6, 0, 0, 0};
	uint8_t two[2 * sizeof member];
	char out[13] = "";
	struct err err;
	struct compressor *c = NULL;
	CHECK_OK(&err, compress_create(&c, &err));
	memcpy(two, member, sizeof member);
	memcpy(two + sizeof member, member, sizeof member);
	CHECK_OK(&err, compress_expand(c, CODEC_GZIP, from(two, sizeof two), to(out, 12), &err));
	assert_string_equal(out, "hello\nhello\n");
	CHECK_FAILS(E_CORRUPT, compress_expand(c, CODEC_GZIP, from(two, sizeof two - 1), to(out, 12), &err));
	CHECK_FAILS(E_CORRUPT, compress_expand(c, CODEC_LZ4_HADOOP, from(two, sizeof two), to(out, 12), &err));
	compress_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_gzip_members)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
