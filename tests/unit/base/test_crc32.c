#include "base/crc32.h"

#include "check.h"

/* Check values: "123456789" is the one of the CRC catalogue (CRC-32/ISO-HDLC); the others are zlib's. */
static void known_values(void **state)
{
	(void)state;
	static const struct { const char *text; uint32_t want; } cases[] = {
		{"", 0}, {"a", 0xE8B7BE43}, {"123456789", 0xCBF43926},
		{"The quick brown fox jumps over the lazy dog", 0x414FA339},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK_I64(crc32_of(cases[i].text, strlen(cases[i].text)), cases[i].want);
		CHECK_I64(crc32_of_plain(cases[i].text, strlen(cases[i].text)), cases[i].want);
	}
}

/* Every length around the folding steps, at every alignment: fast == plain. */
static void fast_is_plain(void **state)
{
	(void)state;
	uint8_t bytes[1200];
	uint32_t x = 1;
	for (size_t i = 0; i < sizeof bytes; i++) {
		x = x * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(x >> 24);
	}
	for (size_t at = 0; at < 17; at++) {
		for (size_t n = 0; n <= sizeof bytes - at; n += n < 300 ? 1 : 37)
			CHECK_I64(crc32_of(bytes + at, n), crc32_of_plain(bytes + at, n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(known_values), cmocka_unit_test(fast_is_plain)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
