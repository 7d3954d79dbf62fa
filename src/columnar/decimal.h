/* columnar/decimal.h: the text of a decimal of over 18 digits. */
#ifndef PQR_COLUMNAR_DECIMAL_H
#define PQR_COLUMNAR_DECIMAL_H

#include "base/buf.h"

/* Append p[16], little-endian two's complement, of `scale` (0 to 38) digits after the point: "-12.340". */
void decimal_text(struct buf *out, const uint8_t p[16], unsigned scale);

#endif
