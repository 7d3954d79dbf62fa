/* server/rows_batch.h: rows of a query as one record batch, and that as an Arrow stream or a Parquet file. */
#ifndef PQR_SERVER_ROWS_BATCH_H
#define PQR_SERVER_ROWS_BATCH_H

#include "columnar/batch.h"
#include "control/control.h"

struct rows_batch {
	const struct column_def *columns; /* [n] */
	size_t n;
	int64_t n_rows;
	struct builder *builders; /* [n] */
};
status rows_batch_init(struct rows_batch *b, const struct column_def *columns, size_t n, struct arena *arena,
	struct err *err) MUST_USE;
void rows_batch_deinit(struct rows_batch *b); /* zeroed is fine */
/* values[>= n]. E_CORRUPT: one that is none of its column's type. */
status rows_batch_add(struct rows_batch *b, const struct control_value *values, struct err *err) MUST_USE;
status rows_batch_arrow(struct rows_batch *b, struct arena *arena, struct buf *out, struct err *err) MUST_USE;
status rows_batch_parquet(struct rows_batch *b, struct arena *arena, struct buf *out, struct err *err) MUST_USE;

#endif
