/* A text and its digest of itself: any byte that changes is seen. */
#include "base/seal.h"

#include "check.h"

static void test_every_bit(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	buf_str(&b, "before "); /* what stands in front of the text does not belong to it */
	const size_t from = b.n;
	buf_str(&b, "a text with its digest ");
	const size_t at = seal_blank(&b);
	buf_str(&b, " and an end");
	seal_close(&b, from, at);
	assert_false(b.failed);
	uint8_t *text = b.p + from;
	const size_t n = b.n - from;
	assert_true(seal_holds(text, n, at - from));
	assert_memory_not_equal(b.p + at, "00000000", 8); /* written at all */
	for (size_t i = 0; i < n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			text[i] ^= (uint8_t)(1 << bit);
			if (seal_holds(text, n, at - from)) fail_msg("bit %d of byte %zu is not seen", bit, i);
			text[i] ^= (uint8_t)(1 << bit);
		}
	}
	assert_true(seal_holds(text, n, at - from)); /* looking left it as it was */
	assert_false(seal_holds(text, n - 1, at - from));
	assert_false(seal_holds(text, n, n - SEAL_CHARS + 1));
	assert_false(seal_holds(text, n, n + 1));
	buf_deinit(&b);
}

/* XXH3-128 in its canonical order, as `xxhsum -H2` prints it. */
static void test_what_it_is(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 0);
	const size_t at = seal_blank(&b);
	seal_close(&b, 0, at);
	assert_memory_equal(b.p, "10dc5f6521479318b457ce9221e6cef4", SEAL_CHARS);
	buf_deinit(&b);
}

static void test_no_memory(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 16);
	const size_t at = seal_blank(&b);
	seal_close(&b, 0, at);
	assert_true(b.failed);
	CHECK_I64(b.n, 0);
	buf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_bit), cmocka_unit_test(test_what_it_is), cmocka_unit_test(test_no_memory)};
	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
