/* err, alloc, arena, buf, hash and rng: the small modules everything stands on. */
#include "check.h"

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/time.h"

static void test_err_text(void **state)
{
	(void)state;
	struct err err;
	char text[1024];
	CHECK_FAILS(E_CORRUPT, err_at(&err, fail(&err, E_CORRUPT, "page of %d bytes", 7), "a/b.parquet", 12, -1));
	assert_string_equal(err_text(&err, text, sizeof text), "a/b.parquet: page of 7 bytes (byte offset 12)");
	assert_int_equal(err.class, ERR_DATA);
	/* The first cause stays. */
	CHECK_FAILS(E_CORRUPT, err_at(&err, E_CORRUPT, "elsewhere", 99, 3));
	assert_string_equal(err.where, "a/b.parquet");
	CHECK_I64(err.offset, 12);
	CHECK_FAILS(E_IO, fail_errno(&err, ENOSPC, "cannot write %s", "x"));
	assert_non_null(strstr(err.message, "No space left on device; free some space"));
	CHECK_FAILS(E_NOT_FOUND, fail_errno(NULL, ENOENT, "x"));
	CHECK_I64(status_exit(E_QUALITY), 3);
	CHECK_I64(status_exit(E_VERIFY), 4);
	CHECK_I64(status_exit(E_CANCELLED), 130);
}

static void test_alloc_limit_and_failure(void **state)
{
	(void)state;
	const size_t before = mem_in_use();
	void *p = mem_alloc(1000);
	assert_non_null(p);
	assert_true(mem_in_use() >= before + 1000);
	mem_limit_set(mem_in_use() + 100);
	assert_null(mem_alloc(1000));
	assert_null(mem_realloc(p, 100000));
	mem_limit_set(0);
	mem_fail_after(1);
	void *q = mem_alloc(1);
	assert_non_null(q);
	assert_null(mem_alloc(1));
	assert_null(mem_zalloc(1, 1));
	mem_fail_after(-1);
	mem_free(p);
	mem_free(q);
	CHECK_I64(mem_in_use(), before);
	assert_null(mem_zalloc(SIZE_MAX, 2));
}

static void test_realloc_large(void **state)
{
	(void)state;
	const size_t before = mem_in_use();
	enum { N = 100, STEP = 40000 }; /* sizes from blocks that realloc copies to those that mem_realloc does */
	uint8_t *p = NULL;
	mem_setup();
	for (size_t i = 0; i < N; i++) {
		uint8_t *q = mem_realloc(p, (i + 1) * STEP);
		assert_non_null(q);
		p = q;
		memset(p + i * STEP, (int)i, STEP);
		assert_true(mem_in_use() >= before + (i + 1) * STEP && mem_in_use() < before + (i + 2) * STEP);
	}
	mem_fail_after(0);
	assert_null(mem_realloc(p, (N + 1) * STEP));
	mem_fail_after(-1);
	uint8_t *q = mem_realloc(p, N / 2 * STEP);
	assert_non_null(q);
	for (size_t i = 0; i < N / 2 * STEP; i++) assert_int_equal(q[i], i / STEP);
	mem_free(q);
	CHECK_I64(mem_in_use(), before);
}

static void test_arena(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 1 << 20);
	for (size_t align = 1; align <= 64; align *= 2) {
		void *p = arena_alloc(&a, 100, align);
		assert_non_null(p);
		CHECK_I64((uintptr_t)p % align, 0);
		memset(p, 0xab, 100);
	}
	assert_null(arena_alloc(&a, 2 << 20, 1));
	assert_non_null(arena_alloc(&a, 300 * 1024, 8)); /* a chunk of its own */
	assert_string_equal(arena_printf(&a, "%d-%s", 5, "x"), "5-x");
	const size_t largest = 300 * 1024;
	arena_reset(&a);
	assert_true(a.total >= largest); /* the largest chunk stays */
	const size_t held = a.total;
	assert_non_null(arena_alloc(&a, largest, 8));
	CHECK_I64(a.total, held);
	arena_deinit(&a);
	CHECK_I64(a.total, 0);
}

static void test_buf(void **state)
{
	(void)state;
	struct buf b;
	struct err err;
	buf_init(&b, 64);
	buf_i64(&b, INT64_MIN);
	buf_char(&b, ' ');
	buf_i64(&b, 0);
	buf_json_str(&b, STR("a\"\\\n\x01é"));
	CHECK_OK(&err, buf_check(&b, &err));
	const char want[] = "-9223372036854775808 0\"a\\\"\\\\\\n\\u0001é\"";
	CHECK_I64(b.n, sizeof want - 1);
	assert_memory_equal(b.p, want, b.n);
	for (int i = 0; i < 40; i++) buf_char(&b, 'x');
	CHECK_FAILS(E_LIMIT, buf_check(&b, &err));
	CHECK_I64(b.n, 64); /* what fitted is there, nothing beyond the maximum */
	buf_reset(&b);
	CHECK_OK(&err, buf_check(&b, &err));
	buf_percent(&b, (struct str){"aZ09-._~ /%\0\xc3\xa9=", 15}, "/ ");
	CHECK_OK(&err, buf_check(&b, &err));
	assert_true(str_is((struct str){(const char *)b.p, b.n}, "aZ09-._~ /%25%00%C3%A9%3D"));
	buf_deinit(&b);
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
}

static void check_hex(const uint8_t *p, size_t n, const char *want)
{
	char hex[129];
	hex_encode(p, n, hex);
	assert_string_equal(hex, want);
}

/* RFC 4648 section 10. */
static void test_base64(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
		{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		char text[16];
		uint8_t bytes[16];
		size_t n = 99;
		base64_encode((const uint8_t *)pairs[i][0], strlen(pairs[i][0]), text);
		assert_string_equal(text, pairs[i][1]);
		assert_true(base64_decode(str_of(text), bytes, &n));
		assert_true(str_is((struct str){(const char *)bytes, n}, pairs[i][0]));
	}
	static const char *const bad[] = {"Zg", "Zg=", "Z===", "Zm9\n", " m9v", "Zm9-", "Zm9v=", "Zg==Zg=="};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t bytes[16];
		size_t n;
		if (base64_decode(str_of(bad[i]), bytes, &n)) fail_msg("taken: %s", bad[i]);
	}
}

static void test_hash(void **state)
{
	(void)state;
	uint8_t out[32];
	struct err err;
	hash_sha256("abc", 3, out); /* FIPS 180-2, appendix B.1 */
	check_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(hash_xxh64("", 0) == UINT64_C(0xEF46DB3751D8E999)); /* xxHash specification, seed 0 */
	hash_xxh128("", 0, out);
	check_hex(out, 16, "99aa06d3014798d86001c324468d497f");
	struct hash_stream h;
	uint8_t xxh[16];
	uint8_t sha[32];
	CHECK_OK(&err, hash_stream_init(&h, true, &err));
	hash_stream_add(&h, "a", 1);
	hash_stream_add(&h, "bc", 2);
	hash_stream_final(&h, xxh, sha);
	hash_stream_deinit(&h);
	check_hex(sha, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	hash_xxh128("abc", 3, out);
	assert_memory_equal(out, xxh, 16);
}

static void test_uuid(void **state)
{
	(void)state;
	uint8_t id[UUID_BYTES];
	char text[UUID_CHARS + 1] = "";
	assert_true(uuid_parse(STR("6BA7B810-9dad-11d1-80b4-00c04fd430c8"), id));
	uuid_format(id, text);
	assert_string_equal(text, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	static const char *const bad[] = {"", "6ba7b810-9dad-11d1-80b4-00c04fd430c",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8a", "6ba7b8109-dad-11d1-80b4-00c04fd430c8",
		"6ba7b810-9dad-11d1-80b4-00c04fd430cg"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(uuid_parse(str_of(bad[i]), id));
	uint8_t out[UUID_BYTES];
	uuid_v5(id, STR("www.example.com"), out); /* RFC 9562, appendix A.4 */
	uuid_format(out, text);
	assert_string_equal(text, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

/* Known answers of the Random123 distribution (kat_vectors, philox4x32 10 rounds). */
static void test_philox(void **state)
{
	(void)state;
	static const struct {
		uint32_t counter[4], key[2], want[4];
	} cases[] = {
		{{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff},
			{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
			{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	};
	for (size_t i = 0; i < 3; i++) {
		const struct rng4 r = rng_philox((uint64_t)cases[i].key[1] << 32 | cases[i].key[0],
			(uint64_t)cases[i].counter[1] << 32 | cases[i].counter[0], cases[i].counter[2],
			cases[i].counter[3]);
		for (int k = 0; k < 4; k++) CHECK_I64(r.v[k], cases[i].want[k]);
	}
	CHECK_I64(rng_below(UINT32_MAX, 10), 9);
	CHECK_I64(rng_below(0, 10), 0);
}

/* Advice stays with its own failure: the first that is given holds, the next failure has none. */
static void test_err_advice(void **state)
{
	(void)state;
	struct err err;
	err_clear(&err);
	assert_int_equal(err.advice, ADVICE_NONE);
	CHECK_FAILS(E_QUALITY, err_advise(&err, fail(&err, E_QUALITY, "x"), ADVICE_SEE_QUALITY, "a run"));
	assert_int_equal(err.advice, ADVICE_SEE_QUALITY);
	assert_string_equal(err.about, "a run");
	CHECK_FAILS(E_QUALITY, err_advise(&err, E_QUALITY, ADVICE_NEW_RUN, NULL));
	assert_int_equal(err.advice, ADVICE_SEE_QUALITY);
	assert_string_equal(err.about, "a run");
	CHECK_FAILS(E_IO, fail(&err, E_IO, "y"));
	assert_int_equal(err.advice, ADVICE_NONE);
	assert_string_equal(err.about, "");
	assert_int_equal(err_advise(&err, OK, ADVICE_NEW_RUN, NULL), OK);
	assert_int_equal(err.advice, ADVICE_NONE);
	CHECK_FAILS(E_IO, fail_errno(&err, EACCES, "z"));
	assert_int_equal(err.advice, ADVICE_OTHER_LAKE);
	assert_int_equal(err.class, ERR_DENIED);
	CHECK_FAILS(E_NOT_FOUND, fail_errno(&err, ENOENT, "z"));
	assert_int_equal(err.advice, ADVICE_NONE);
	CHECK_FAILS(E_IO, err_advise(NULL, E_IO, ADVICE_NEW_RUN, NULL));
}

static void test_dates_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
	} cases[] = {{"2025-13-01", ": there is no month 13"}, {"2025-00-01", ": there is no month 0"},
		{"2025-02-29", ": 2025-02 has 28 days"}, {"2024-02-30", ": 2024-02 has 29 days"},
		{"2025-04-00", ": 2025-04 has 30 days"}, {"2025-1-01", ""}, {"yesterday", ""}, {"2025-0x-01", ""},
		{"", ""}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char why[DATE_WRONG_CHARS];
		assert_string_equal(date_wrong(str_of(cases[i].text), why), cases[i].why);
	}
}

/* Of what cannot be read, the hint is about reading. */
static void test_err_read(void **state)
{
	(void)state;
	struct err err;
	CHECK_FAILS(E_IO, fail_errno_read(&err, EACCES, "cannot read x"));
	assert_string_equal(err.message, "cannot read x: Permission denied; give this user the right to read it");
	assert_int_equal(err.advice, ADVICE_NONE);
	CHECK_FAILS(E_IO, fail_errno(&err, EACCES, "cannot write x"));
	assert_string_equal(err.message, "cannot write x: Permission denied; give this user the right to write there");
	CHECK_FAILS(E_NOT_FOUND, fail_errno_read(NULL, ENOENT, "x"));
}

/* Out of memory for good, the error is still told. */
static void test_log_no_memory(void **state)
{
	(void)state;
	char text[128] = "";
	int ends[2];
	const int before = dup(STDERR_FILENO);
	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	mem_fail_after(0);
	log_line(LOG_ERROR, "out of memory (in here)", "key", "value", NULL);
	mem_fail_after(-1);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	(void)close(ends[1]);
	assert_true(read(ends[0], text, sizeof text - 1) > 0);
	(void)close(ends[0]);
	(void)close(before);
	assert_string_equal(text, "pqr: error: out of memory (in here)\n");
}

static void test_distance(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		size_t want;
	} cases[] = {{"", "", 0}, {"seed", "seed", 0}, {"", "abc", 3}, {"runs", "run", 1}, {"rnus", "runs", 1},
		{"rnus", "run", 2}, {"sede", "seed", 1}, {"quaility", "quality", 1}, {"ca", "abc", 3},
		{"abcdef", "badcfe", 3}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK_I64(str_distance(str_of(cases[i].a), str_of(cases[i].b)), cases[i].want);
		CHECK_I64(str_distance(str_of(cases[i].b), str_of(cases[i].a)), cases[i].want);
	}
	char a[200];
	memset(a, 'a', sizeof a); /* cut, not overrun */
	CHECK_I64(str_distance((struct str){a, sizeof a}, STR("")), STR_DISTANCE_MAX);
	CHECK_I64(str_distance((struct str){a, sizeof a}, (struct str){a, sizeof a}), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_err_text), cmocka_unit_test(test_err_advice),
		cmocka_unit_test(test_err_read), cmocka_unit_test(test_dates_wrong),
		cmocka_unit_test(test_log_no_memory), cmocka_unit_test(test_distance),
		cmocka_unit_test(test_alloc_limit_and_failure), cmocka_unit_test(test_realloc_large),
		cmocka_unit_test(test_arena), cmocka_unit_test(test_buf), cmocka_unit_test(test_base64),
		cmocka_unit_test(test_hash), cmocka_unit_test(test_uuid), cmocka_unit_test(test_philox)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
