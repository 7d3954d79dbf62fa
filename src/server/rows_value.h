/* server/rows_value.h: one value of a query as text, by its column's type. */
#ifndef PQR_SERVER_ROWS_VALUE_H
#define PQR_SERVER_ROWS_VALUE_H

#include "columnar/schema.h"
#include "control/control.h"

/* One value as JSON: of the column's type, whichever database it comes from. */
void rows_value_json(struct buf *out, const struct column_def *column, const struct control_value *v);
/* The same as the text of a URL's parameter (after=); p == NULL: null. dst has room for numbers. */
enum { ROWS_NUMBER_MAX = 64 };
struct str rows_value_text(const struct column_def *column, const struct control_value *v, char dst[ROWS_NUMBER_MAX]);

#endif
