/* control/postgres_copy.h: record batches as PostgreSQL's COPY BINARY (documentation, COPY, "Binary Format"): big-endian, an
 * int16 count of fields a row, and before each field its length as int32, -1 for null. Knows no connection. */
#ifndef PQR_CONTROL_POSTGRES_COPY_H
#define PQR_CONTROL_POSTGRES_COPY_H

#include "base/limits.h"
#include "columnar/batch.h"

/* The first bytes and the last of a stream. */
void postgres_copy_binary_begin(struct buf *out);
void postgres_copy_binary_end(struct buf *out);

/* Rows [from, to) of b, with the texts partitions[n_partitions] after each row's columns. Decimals become numeric, dates date,
 * timestamps timestamptz, strings text: bytes a text can't hold there (no UTF-8, NUL) go as U+FFFD. Returns the row after the last
 * one encoded: fewer than asked for when `out` has reached bytes_max, which one row at least may exceed. Nothing is allocated but
 * out's own room. */
struct postgres_copy_rows {
	const struct batch *batch;
	const char *const *partitions;
	size_t n_partitions;
	int64_t from, to;
	size_t bytes_max;
	bool looked, clean[TABLE_COLUMNS_MAX]; /* its own: string columns found to hold nothing that must be replaced */
};
int64_t postgres_copy_binary_rows(struct buf *out, struct postgres_copy_rows *rows);

#endif
