#include "check.h"

#include <zlib.h>

#include "io/checksum.h"

static uint8_t bytes[70000];

static void fill(void)
{
	uint32_t x = 1;
	for (size_t i = 0; i < sizeof bytes; i++) {
		x = x * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(x >> 24);
	}
}

static void known_answer(void **state)
{
	(void)state;
	/* The check value of the CRC catalogue: CRC-32/ISO-HDLC of "123456789". */
	assert_int_equal(checksum_crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(checksum_crc32_plain(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(checksum_crc32(0, "", 0), 0);
}

/* Every length around the 16- and 64-byte steps, at every alignment, equals zlib and the table. */
static void equals_zlib(void **state)
{
	(void)state;
	for (size_t at = 0; at < 17; at++) {
		for (size_t n = 0; n < 400; n++) {
			const uint32_t want = (uint32_t)crc32(0, bytes + at, (uInt)n);
			if (checksum_crc32(0, bytes + at, n) != want) fail_msg("fast: offset %zu, %zu bytes", at, n);
			if (checksum_crc32_plain(0, bytes + at, n) != want)
				fail_msg("plain: offset %zu, %zu bytes", at, n);
		}
	}
	assert_int_equal(checksum_crc32(0, bytes, sizeof bytes), (uint32_t)crc32(0, bytes, sizeof bytes));
}

static void continues(void **state)
{
	(void)state;
	const uint32_t whole = checksum_crc32(0, bytes, 5000);
	for (size_t cut = 0; cut <= 5000; cut += 37)
		assert_int_equal(checksum_crc32(checksum_crc32(0, bytes, cut), bytes + cut, 5000 - cut), whole);
}

static void sees_every_bit(void **state)
{
	(void)state;
	const uint32_t whole = checksum_crc32(0, bytes, 300);
	for (size_t bit = 0; bit < 300 * 8; bit++) {
		bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
		assert_int_not_equal(checksum_crc32(0, bytes, 300), whole);
		bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
	}
}

int main(void)
{
	fill();
	const struct CMUnitTest tests[] = {cmocka_unit_test(known_answer), cmocka_unit_test(equals_zlib),
		cmocka_unit_test(continues), cmocka_unit_test(sees_every_bit)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
