/* table/read/predicate.h: conditions on columns, to leave out files by partition and statistics, and rows by value.
 *
 * A conjunction of `column op value`. A comparison with null is neither true nor false, as in SQL, and drops the row. Strings compare
 * by bytes; NaN is unequal to everything and neither below nor above it.
 */
#ifndef PQR_TABLE_READ_PREDICATE_H
#define PQR_TABLE_READ_PREDICATE_H

#include "columnar/batch.h"
#include "table/log/snapshot.h"
#include "table/write/stats.h"

enum delta_op { DELTA_EQ, DELTA_NE, DELTA_LT, DELTA_LE, DELTA_GT, DELTA_GE, DELTA_IS_NULL, DELTA_NOT_NULL };
struct delta_condition {
	int column; /* of the schema */
	enum delta_op op;
	struct delta_value value;
};
/* "month >= 2025-10", "pqrs_type = Q", "closed_at is null": column, operator, the rest as the value's text. Double quotes may enclose the
 * column, single ones the value ('' in it is one quote). A date stands for its midnight on a timestamp. Copies into arena.
 * E_USAGE: unknown column (the nearest one is named), operator, or a value that is not of the column's type. */
status delta_condition_parse(const struct delta_schema *s, struct str text, struct arena *arena,
	struct delta_condition *out, struct err *err) MUST_USE;

/* Can a row of this file satisfy all conditions? true where in doubt. */
bool delta_file_may_match(const struct delta_snapshot *s, const struct delta_add *file,
	const struct delta_condition *where, size_t n, struct arena *scratch);
/* The same for one condition on a column whose statistics, over `rows` rows (-1 = unknown), are given. */
bool delta_stats_may_match(const struct column_def *def, const struct delta_condition *c,
	const struct delta_column_stats *stats, int64_t rows);
/* Keep of rows[0..n) those of b that satisfy all conditions; b has the scan's columns, columns[k] = the schema's index of
 * b->columns[k]. Returns how many. */
size_t delta_rows_match(const struct batch *b, const int *columns, const struct delta_condition *where, size_t n_where,
	uint32_t *rows, size_t n);

#endif
