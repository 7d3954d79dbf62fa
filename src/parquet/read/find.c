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

/* Rows [begin, end) of the column, decoded: the first row in range and the one after the last; end and begin when there is none. */
static status scan_rows(struct parquet_reader *r, struct parquet_range rows, const struct parquet_find *f,
	int64_t out[2], struct err *err)
{
	const int64_t range[2] = {f->lo, f->hi};
	struct column c;
	out[0] = rows.end;
	out[1] = rows.begin;
	if (rows.begin == rows.end) return OK;
	arena_reset(&r->find_arena);
	TRY(reader_column_read(r, &rows, (size_t)f->column, &r->find_arena, &c, err));
	int64_t i = 0, j = c.n;
	while (i < j && !in_range(&c, i, range)) i++;
	while (j > i && !in_range(&c, j - 1, range)) j--;
	if (i == j) return OK;
	out[0] = rows.begin + i;
	out[1] = rows.begin + j;
	return OK;
}

status parquet_reader_find_rows(
	struct parquet_reader *r, const struct parquet_find *f, int64_t *begin, int64_t *end, struct err *err)
{
	ASSERT(f->row_group < r->n_row_groups && f->column >= 0 && (size_t)f->column < r->n_leaves);
	const size_t leaf = (size_t)f->column;
	const struct reader_row_group *g = &r->row_groups[f->row_group];
	const int64_t range[2] = {f->lo, f->hi};
	struct reader_candidates c = {.first_end = g->n_rows, .last_end = g->n_rows};
	const bool integers = has_integer_bounds(&r->leaves[leaf]) && g->chunks[leaf].unreadable == NULL;
	if (integers) TRY(reader_index_candidates(r, f->row_group, leaf, range, &c, err));
	if (c.none) {
		*begin = *end = 0;
		return OK;
	}
	int64_t first[2] = {c.first_begin, c.last_end}, last[2];
	if (integers && c.first_end - c.first_begin <= FIND_ROWS_MAX)
		TRY(scan_rows(r, (struct parquet_range){f->row_group, c.first_begin, c.first_end}, f, first, err));
	if (c.last_begin > c.first_begin) {
		first[1] = c.last_end;
		if (c.last_end - c.last_begin <= FIND_ROWS_MAX) {
			TRY(scan_rows(r, (struct parquet_range){f->row_group, c.last_begin, c.last_end}, f, last, err));
			first[1] = last[1];
		}
	}
	*begin = first[0] < first[1] ? first[0] : 0;
	*end = first[0] < first[1] ? first[1] : 0;
	return OK;
}
