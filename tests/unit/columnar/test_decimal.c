/* Decimals of 128 bits as text, at the ends of their range. */
#include "columnar/decimal.h"

#include "check.h"

__extension__ typedef __int128 i128;

static void text(void **state)
{
	(void)state;
	i128 most = 1;
	for (int i = 0; i < 38; i++) most *= 10;
	most--;
	const struct {
		i128 value;
		unsigned scale;
		const char *text;
	} cases[] = {
		{0, 0, "0"},
		{0, 3, "0.000"},
		{5, 4, "0.0005"},
		{-5, 1, "-0.5"},
		{-12345, 2, "-123.45"},
		{(i128)1 << 64, 0, "18446744073709551616"},
		{most, 0, "99999999999999999999999999999999999999"},
		{-most, 38, "-0.99999999999999999999999999999999999999"},
		{most, 4, "9999999999999999999999999999999999.9999"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf b;
		uint8_t bytes[16];
		memcpy(bytes, &cases[i].value, sizeof bytes);
		buf_init(&b, 0);
		decimal_text(&b, bytes, cases[i].scale);
		buf_char(&b, '\0');
		assert_string_equal((const char *)b.p, cases[i].text);
		buf_deinit(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(text)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
