/* columnar/decimal.c: see decimal.h. A value has at most 38 digits: its readers have checked it. */
#include "columnar/decimal.h"

#include <string.h>

__extension__ typedef unsigned __int128 u128;

void decimal_text(struct buf *out, const uint8_t p[16], unsigned scale)
{
	char digits[40];
	size_t at = sizeof digits;
	u128 v;
	ASSERT(scale <= 38);
	memcpy(&v, p, sizeof v);
	const bool negative = p[15] >> 7 != 0;
	if (negative) v = -v;
	for (unsigned n = 0; v != 0 || n <= scale; n++, v /= 10) {
		ASSERT(at > 0);
		digits[--at] = (char)('0' + (unsigned)(v % 10));
	}
	const size_t whole = sizeof digits - at - scale;
	if (negative) buf_char(out, '-');
	buf_add(out, digits + at, whole);
	if (scale == 0) return;
	buf_char(out, '.');
	buf_add(out, digits + at + whole, scale);
}
