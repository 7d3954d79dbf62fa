/* server/rows_writer.h: rows of a query in the format that a request asks for. */
#ifndef PQR_SERVER_ROWS_WRITER_H
#define PQR_SERVER_ROWS_WRITER_H

#include "columnar/schema.h"
#include "control/control.h"
#include "server/exchange.h"
#include "server/rows_batch.h"

enum rows_format { ROWS_JSON, ROWS_CSV, ROWS_NDJSON, ROWS_ARROW, ROWS_PARQUET };
/* By ?format=, else by Accept, else JSON. E_USAGE: an unknown format; E_UNSUPPORTED: none of those that are accepted. */
status rows_format_of(const struct request *r, enum rows_format *out, struct err *err) MUST_USE;
const char *rows_format_type(enum rows_format f); /* "text/csv; charset=utf-8" */

struct rows_writer {
	enum rows_format format;
	struct buf *out;
	const struct column_def *columns; /* [n] what of a row is shown: its first values */
	size_t n;
	int64_t n_rows;
	struct arena *arena;    /* for as long as the writer */
	const struct str *keys; /* [n] of JSON: what stands before each value; in arena */
	struct rows_batch batch;
};
status rows_writer_begin(struct rows_writer *w, struct err *err) MUST_USE;
/* values[>= n] */
status rows_writer_row(struct rows_writer *w, const struct control_value *values, struct err *err) MUST_USE;
status rows_writer_end(struct rows_writer *w, struct err *err) MUST_USE;
void rows_writer_deinit(struct rows_writer *w); /* zeroed is fine */

#endif
