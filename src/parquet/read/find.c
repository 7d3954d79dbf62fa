/* parquet/read/find.c: the range of rows that hold values in a range: the index names the first and the last page, which are
 * decoded and searched. Without an index, and for columns that are no integers, it is all rows. */
#include "parquet/read/reader_int.h"

enum { FIND_ROWS_MAX = 1 << 17 }; /* a page of more rows is not searched for its first and last row in range */

static bool has_integer_bounds(const struct reader_leaf *leaf)
{
	return leaf->info.supported && leaf->convert == CONVERT_NONE &&
	       (leaf->physical == PHYSICAL_INT32 || leaf->physical == PHYSICAL_INT64);
}

static bool in_range(const struct column *c, int64_t i, const int64_t range[2])
{
	const int64_t v =
		col_type_width(c->type) == 4 ? ((const int32_t *)c->values)[i] : ((const int64_t *)c->values)[i];
	return column_valid(c, i) && v >= range[0] && v <= range[1];
}

/* Rows [begin, end) of the column, decoded: *first and *last, the first row in range and the one after the last; both end
 * and begin when there is none. */
static status scan_rows(struct parquet_reader *r, struct parquet_range rows, size_t column, const int64_t range[2],
	int64_t *first, int64_t *last, struct err *err)
{
	struct column c;
	*first = rows.end;
	*last = rows.begin;
	if (rows.begin == rows.end) return OK;
	arena_reset(&r->find_arena);
	TRY(reader_column_read(r, &rows, column, &r->find_arena, &c, err));
	int64_t i = 0, j = c.n;
	while (i < j && !in_range(&c, i, range)) i++;
	while (j > i && !in_range(&c, j - 1, range)) j--;
	if (i == j) return OK;
	*first = rows.begin + i;
	*last = rows.begin + j;
	return OK;
}

status parquet_reader_find_rows(struct parquet_reader *r, size_t row_group, int column, int64_t lo, int64_t hi,
	int64_t *begin, int64_t *end, struct err *err)
{
	ASSERT(row_group < r->n_row_groups && column >= 0 && (size_t)column < r->n_leaves);
	const size_t leaf = (size_t)column;
	const struct reader_row_group *g = &r->row_groups[row_group];
	const int64_t range[2] = {lo, hi};
	struct reader_candidates c = {.first_end = g->n_rows, .last_end = g->n_rows};
	const bool integers = has_integer_bounds(&r->leaves[leaf]) && g->chunks[leaf].unreadable == NULL;
	if (integers) TRY(reader_index_candidates(r, row_group, leaf, range, &c, err));
	if (c.none) {
		*begin = *end = 0;
		return OK;
	}
	int64_t first = c.first_begin, last = c.last_end, unused;
	if (integers && c.first_end - c.first_begin <= FIND_ROWS_MAX)
		TRY(scan_rows(r, (struct parquet_range){row_group, c.first_begin, c.first_end}, leaf, range, &first,
			&last, err));
	if (c.last_begin > c.first_begin) {
		last = c.last_end;
		if (c.last_end - c.last_begin <= FIND_ROWS_MAX)
			TRY(scan_rows(r, (struct parquet_range){row_group, c.last_begin, c.last_end}, leaf, range,
				&unused, &last, err));
	}
	*begin = first < last ? first : 0;
	*end = first < last ? last : 0;
	return OK;
}
