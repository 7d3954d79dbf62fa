#include "check.h"

#include "parquet/thrift/thrift_write.h"

static void check_bytes(const char *what, const uint8_t *got, const uint8_t *end, const uint8_t *want, size_t n)
{
	if ((size_t)(end - got) != n) fail_msg("%s: %zu bytes, expected %zu", what, (size_t)(end - got), n);
	for (size_t i = 0; i < n; i++)
		if (got[i] != want[i]) fail_msg("%s: byte %zu is %02x, expected %02x", what, i, got[i], want[i]);
}
#define CHECK_BYTES(what, w, buffer, ...)                              \
	do {                                                           \
		const uint8_t want_[] = {__VA_ARGS__};                 \
		check_bytes(what, buffer, (w).p, want_, sizeof want_); \
	} while (0)

static void varints(void **state)
{
	(void)state;
	static const struct {
		uint64_t v;
		size_t n;
		uint8_t bytes[10];
	} cases[] = {{0, 1, {0}}, {1, 1, {1}}, {127, 1, {0x7f}}, {128, 2, {0x80, 1}}, {300, 2, {0xac, 2}},
		{16384, 3, {0x80, 0x80, 1}},
		{UINT64_MAX, 10, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t b[16];
		check_bytes("varint", b, thrift_put_varint(b, cases[i].v), cases[i].bytes, cases[i].n);
	}
}

static void zigzag(void **state)
{
	(void)state;
	static const struct {
		int64_t v;
		uint64_t want;
	} cases[] = {{0, 0}, {-1, 1}, {1, 2}, {-2, 3}, {INT64_MAX, UINT64_MAX - 1}, {INT64_MIN, UINT64_MAX}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_true(thrift_zigzag_of(cases[i].v) == cases[i].want);
}

static void fields(void **state)
{
	(void)state;
	uint8_t b[64];
	struct thrift_writer w = {.p = b};
	thrift_put_i32(&w, 1, 2);      /* delta 1 */
	thrift_put_bool(&w, 16, true); /* delta 15 */
	thrift_put_i64(&w, 32, -1);    /* delta 16: long form */
	thrift_put_bool(&w, 33, false);
	thrift_put_binary(&w, 3, "ab", 2); /* backwards: long form */
	CHECK_BYTES("fields", w, b, 0x15, 0x04, 0xf1, 0x06, 0x40, 0x01, 0x12, 0x08, 0x06, 0x02, 'a', 'b');
}

static void structs_and_lists(void **state)
{
	(void)state;
	uint8_t b[64];
	struct thrift_writer w = {.p = b};
	const int outer = thrift_struct_begin(&w, 5);
	thrift_put_i32(&w, 1, 1);
	thrift_empty_struct(&w, 2);
	thrift_struct_end(&w, outer);
	thrift_put_i32(&w, 6, 0); /* delta counts from 5, not from the inner 2 */
	thrift_list_begin(&w, 7, THRIFT_I32, 14);
	thrift_list_begin(&w, 8, THRIFT_STRUCT, 15);
	thrift_list_begin(&w, 9, THRIFT_BINARY, 300);
	CHECK_BYTES("structs", w, b, 0x5c, 0x15, 0x02, 0x1c, 0x00, 0x00, 0x15, 0x00, 0x19, 0xe5, 0x19, 0xfc, 0x0f, 0x19,
		0xf8, 0xac, 0x02);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(varints), cmocka_unit_test(zigzag),
		cmocka_unit_test(fields), cmocka_unit_test(structs_and_lists)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
