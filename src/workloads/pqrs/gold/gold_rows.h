/* workloads/pqrs/gold/gold_rows.h: the rows of one daily gold table on their way to a sink, month by month.
 *
 *   kernel: gold_rows_day(d) -> set the columns of row r->n, r->n++ ... -> next day ... -> gold_rows_finish
 *                  └ the month changed: the rows held go to sink->write as one batch
 *
 * Strings are dictionary codes in byte order, so that comparing codes compares keys. On its way out each batch is
 * checked: keys strictly ascending, percentages and ratios in their range, and what the stage's checks compare is summed.
 */
#ifndef PQR_PQRS_GOLD_ROWS_H
#define PQR_PQRS_GOLD_ROWS_H

#include "columnar/batch.h"
#include "workloads/pqrs/contract/schema_gold.h"

enum { GOLD_COLUMNS_MAX = 10 };

/* What went out of one table. */
struct gold_totals {
	int64_t rows;
	int64_t sum;                           /* of the table's count column */
	int64_t sum_last;                      /* the same over the rows of sink->last_day */
	int64_t keys_repeated, keys_unordered; /* neighbours with equal or descending keys: both must stay 0 */
	int64_t out_of_range; /* values outside the range that their definition gives them: must stay 0 */
};

/* Where batches go. write borrows b; it has no nulls and no history_id. month is the first day of the month. */
struct gold_sink {
	status (*write)(
		struct gold_sink *s, enum gold_table table, int32_t month, const struct batch *b, struct err *err);
	int32_t last_day; /* local date of as_of */
	struct gold_totals totals[GOLD_TABLES_N];
};

struct gold_rows {
	enum gold_table table;
	struct gold_sink *sink;
	size_t n_columns;
	struct column columns[GOLD_COLUMNS_MAX];
	void *values[GOLD_COLUMNS_MAX]; /* int32 for dates and strings, int64 for counts and decimals; [cap] */
	int64_t n, cap;
	int32_t month, month_next; /* first day of the month held, and of the next; month == month_next: none yet */
};

/* names[i] is the dictionary of column i, NULL for columns that are no strings; borrowed until deinit. */
void gold_rows_init(
	struct gold_rows *r, enum gold_table table, const struct column *const *names, struct gold_sink *sink);
void gold_rows_deinit(struct gold_rows *r);
/* Rows of day follow, at most n of them. Days come in ascending order. */
status gold_rows_day(struct gold_rows *r, int32_t day, size_t n, struct err *err) MUST_USE;
status gold_rows_finish(struct gold_rows *r, struct err *err) MUST_USE;

static inline void gold_set_i32(struct gold_rows *r, int column, int32_t v)
{
	((int32_t *)r->values[column])[r->n] = v;
}
static inline void gold_set_i64(struct gold_rows *r, int column, int64_t v)
{
	((int64_t *)r->values[column])[r->n] = v;
}

/* n / d to the nearest integer, half away from zero. d > 0. */
static inline int64_t gold_divide(int64_t n, int64_t d)
{
	const int64_t q = n / d, rest = n % d;
	const int64_t twice = rest < 0 ? -rest : rest; /* < d <= INT64_MAX, so compare without doubling */
	return twice >= d - twice ? q + (n < 0 ? -1 : 1) : q;
}

#endif
