/* table/maintain/zorder.h: an order of rows in which rows that lie near each other in several columns stand near each other.
 *
 * Each column's values become numbers of ZORDER_BITS bits by where they stand among the sorted values of a sample (equal shares of the
 * rows get equal shares of the numbers, whatever the values are); the numbers' bits are interleaved to a Morton code. Knows
 * columns of a batch; must not know tables.
 */
#ifndef PQR_TABLE_MAINTAIN_ZORDER_H
#define PQR_TABLE_MAINTAIN_ZORDER_H

#include "columnar/batch.h"

enum {
	ZORDER_COLUMNS_MAX = 8, /* of more than that each gets too few bits to help */
	ZORDER_BITS = 16,
	ZORDER_SAMPLE = 1 << 16, /* rows; up to so many the numbers are exact ranks */
};

/* The low `bits` bits of ids[0..k), from the highest down: bit b of ids[0], of ids[1], ..., then bit b - 1. k * bits <= 64. */
uint64_t zorder_interleave(const uint32_t *ids, size_t k, unsigned bits);

/* Numbers of one column's rows: ids[c->n] in 0 .. 2^ZORDER_BITS - 1, non-decreasing in the value; null, the lowest, first. Numbers by
 * value (NaN last), strings by bytes, false before true. */
status zorder_ids(const struct column *c, uint16_t *ids, struct err *err) MUST_USE;

/* rows[b->n_rows] = the rows of b in the order of the code over columns[0..k), k in 1 .. ZORDER_COLUMNS_MAX; rows of one code keep
 * their order. b has at most UINT32_MAX rows. Memory: 34 bytes a row besides. */
status zorder_sort(const struct batch *b, const int *columns, size_t k, uint32_t *rows, struct err *err) MUST_USE;

#endif
