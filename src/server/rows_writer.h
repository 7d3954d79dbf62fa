/* server/rows_writer.h: rows of a query in the format that a request asks for. */
#ifndef PQR_SERVER_ROWS_WRITER_H
#define PQR_SERVER_ROWS_WRITER_H

#include "columnar/schema.h"
#include "control/control.h"
#include "server/exchange.h"

enum rows_format { ROWS_JSON, ROWS_CSV, ROWS_NDJSON };
/* By ?format=, else by Accept, else JSON. E_USAGE: an unknown format; E_UNSUPPORTED: none of those that are accepted. */
status rows_format_of(const struct request *r, enum rows_format *out, struct err *err) MUST_USE;
const char *rows_format_type(enum rows_format f); /* "text/csv; charset=utf-8" */

struct rows_writer {
	enum rows_format format;
	struct buf *out;
	const struct column_def *columns; /* [n] what of a row is shown: its first values */
	size_t n;
	int64_t n_rows;
};
void rows_writer_begin(struct rows_writer *w);
/* values[>= n] */
void rows_writer_row(struct rows_writer *w, const struct control_value *values);
void rows_writer_end(struct rows_writer *w);

/* One value as JSON: of the column's type, whichever database it comes from. */
void rows_value_json(struct buf *out, const struct column_def *column, const struct control_value *v);
/* The same as the text of a URL's parameter (after=); p == NULL: null. dst has room for numbers. */
enum { ROWS_NUMBER_MAX = 64 };
struct str rows_value_text(const struct column_def *column, const struct control_value *v, char dst[ROWS_NUMBER_MAX]);

#endif
