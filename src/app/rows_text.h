/* app/rows_text.h: rows of whatever source as JSON, and texts as CSV. */
#ifndef PQR_APP_ROWS_TEXT_H
#define PQR_APP_ROWS_TEXT_H

#include "control/control.h"

/* Whatever gives rows: calls visit for each, with the same names in the same order. */
typedef status (*rows_source)(void *arg, control_row_visit visit, void *visit_arg, struct err *err);

/* Append a row as a JSON object. */
void rows_json_row(struct buf *out, const struct control_value *values, size_t n);
/* Append the rows as a JSON array of objects. */
status rows_json_of(rows_source source, void *arg, struct buf *out, struct err *err) MUST_USE;
/* The same of q's rows. */
status rows_json(struct control *c, const struct control_select *q, struct buf *out, struct err *err) MUST_USE;

/* Append s as a field of CSV (RFC 4180), quoted where it must be; the empty text is "". */
void rows_csv_text(struct buf *out, struct str s);

#endif
