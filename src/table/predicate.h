/* table/predicate.h: conditions on columns, to leave out files by partition and statistics, and rows by value.
 *
 * A conjunction of `column op value`. A condition on null is false, as in SQL.
 */
#ifndef PQR_TABLE_PREDICATE_H
#define PQR_TABLE_PREDICATE_H

#include "columnar/batch.h"
#include "table/snapshot.h"
#include "table/stats.h"

enum delta_op { DELTA_EQ, DELTA_NE, DELTA_LT, DELTA_LE, DELTA_GT, DELTA_GE, DELTA_IS_NULL, DELTA_NOT_NULL };
struct delta_condition {
	int column; /* of the schema */
	enum delta_op op;
	struct delta_value value;
};
/* "month >= 2025-10", "pqrs_type = Q", "closed_at is null": column, operator, the rest as the value's text (quotes '...' may enclose it).
 * E_USAGE: unknown column (the nearest one is named), operator, or a value that is not of the column's type. */
status delta_condition_parse(const struct delta_schema *s, struct str text, struct arena *arena,
	struct delta_condition *out, struct err *err) MUST_USE;

/* Can a row of this file satisfy all conditions? true where in doubt. */
bool delta_file_may_match(const struct delta_snapshot *s, const struct delta_add *file,
	const struct delta_condition *where, size_t n, struct arena *scratch);
/* Keep of rows[0..n) those of b that satisfy all conditions; b has the scan's columns, columns[k] = the schema's index of
 * b->columns[k]. Returns how many. */
size_t delta_rows_match(const struct batch *b, const int *columns, const struct delta_condition *where, size_t n_where,
	uint32_t *rows, size_t n);

#endif
