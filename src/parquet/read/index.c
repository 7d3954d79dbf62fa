/* parquet/read/index.c: the page index. Structures at the end of the file, read only when a range of rows is asked for. */
#include "parquet/encoding/load.h"
#include "parquet/read/reader_int.h"

/* The bytes of an index structure, if the file has it in a place that can be true. */
static status index_bytes(struct parquet_reader *r, int64_t at, int32_t n, const uint8_t **out, struct err *err)
{
	if (at < 4 || n <= 0 || at > r->data_end || n > r->data_end - at)
		return reader_corrupt(r, err, at, "page index of %d bytes lies outside the file", n);
	return reader_view(r, &r->index_bytes, at, (size_t)n, out, err);
}

enum {
	LOCATION_BYTES_MIN = 7,  /* three required fields and the end mark */
	FIND_ROWS_MAX = 1 << 17, /* a page of more rows is not searched for its first and last row in range */
};

static void read_location(struct thrift *t, struct reader_page_location *l)
{
	struct thrift_field f = {0};
	*l = (struct reader_page_location){.at = -1, .bytes = -1, .row = -1};
	while (thrift_field_next(t, &f)) {
		switch (f.id) {
		case 1: l->at = thrift_i64(t, &f); break;
		case 2: l->bytes = thrift_i32(t, &f); break;
		case 3: l->row = thrift_i64(t, &f); break;
		default: thrift_skip(t, f.type);
		}
	}
}

static bool locations_good(
	const struct reader_page_location *l, size_t n, const struct reader_chunk *chunk, int64_t n_rows)
{
	int64_t at = chunk->at, row = 0;
	const int64_t end = chunk->at + chunk->bytes;
	for (size_t i = 0; i < n; i++) {
		if (l[i].at < at || l[i].bytes <= 0 || l[i].at > end || l[i].bytes > end - l[i].at) return false;
		/* A page of no rows may share the next one's row. */
		if (l[i].row < row || l[i].row > n_rows || (i == 0 && l[i].row != 0)) return false;
		at = l[i].at + l[i].bytes;
		row = l[i].row;
	}
	return true;
}

status reader_index_locations(struct parquet_reader *r, size_t row_group, size_t leaf,
	struct reader_page_location **out, size_t *n, struct err *err)
{
	const struct reader_row_group *g = &r->row_groups[row_group];
	const struct reader_chunk *chunk = &g->chunks[leaf];
	*n = 0;
	if (chunk->offset_index_at == 0 || chunk->offset_index_bytes == 0) return OK;
	const uint8_t *bytes;
	TRY(index_bytes(r, chunk->offset_index_at, chunk->offset_index_bytes, &bytes, err));
	struct thrift t;
	struct thrift_field f = {0};
	struct reader_page_location *locations = NULL;
	uint32_t count = 0;
	thrift_start(&t, bytes, (size_t)chunk->offset_index_bytes);
	while (thrift_field_next(&t, &f)) {
		if (f.id != 1 || locations != NULL) {
			thrift_skip(&t, f.type);
			continue;
		}
		count = thrift_list(&t, &f, THRIFT_STRUCT);
		if (count > (size_t)(t.end - t.p) / LOCATION_BYTES_MIN)
			thrift_fail(&t, "more pages than its bytes can hold");
		if (t.error != NULL) break;
		if (!reader_scratch_reserve(&r->locations, count * sizeof *locations)) return reader_nomem(r, err);
		locations = (struct reader_page_location *)(void *)r->locations.p;
		for (uint32_t i = 0; i < count; i++) read_location(&t, &locations[i]);
	}
	if (t.error != NULL) return reader_corrupt(r, err, chunk->offset_index_at, "offset index: %s", t.error);
	if (!locations_good(locations, count, chunk, g->n_rows))
		return reader_corrupt(r, err, chunk->offset_index_at, "offset index: pages outside their column");
	*out = locations;
	*n = count;
	return OK;
}

/* ---- column index ----------------------------------------------------------------------------------------- */

/* The three lists of a ColumnIndex of a column (leaf, chunk), each at its first element, of n elements. */
struct bounds {
	const struct reader_leaf *leaf;
	const struct reader_chunk *chunk;
	struct thrift nulls, mins, maxs;
	uint32_t n;
};

static uint32_t list_at(struct thrift *t, const struct thrift_field *f, enum thrift_type element, struct thrift *list)
{
	struct thrift head = *t;
	const uint32_t n = thrift_list(&head, f, element);
	*list = head;
	thrift_skip(t, f->type);
	return n;
}

static status read_bounds(
	const struct parquet_reader *r, const uint8_t *bytes, size_t n_pages, struct bounds *out, struct err *err)
{
	const struct reader_chunk *chunk = out->chunk;
	struct thrift t;
	struct thrift_field f = {0};
	uint32_t n[4] = {0};
	thrift_start(&t, bytes, (size_t)chunk->column_index_bytes);
	while (thrift_field_next(&t, &f)) {
		switch (f.id) {
		case 1: n[1] = list_at(&t, &f, THRIFT_TRUE, &out->nulls); break;
		case 2: n[2] = list_at(&t, &f, THRIFT_BINARY, &out->mins); break;
		case 3: n[3] = list_at(&t, &f, THRIFT_BINARY, &out->maxs); break;
		default: thrift_skip(&t, f.type);
		}
	}
	const char *error = t.error != NULL            ? t.error
			    : out->nulls.error != NULL ? out->nulls.error
			    : out->mins.error != NULL  ? out->mins.error
						       : out->maxs.error;
	if (error != NULL) return reader_corrupt(r, err, chunk->column_index_at, "column index: %s", error);
	if (n[1] != n_pages || n[2] != n_pages || n[3] != n_pages)
		return reader_corrupt(
			r, err, chunk->column_index_at, "column index of %u pages, offset index of %zu", n[1], n_pages);
	out->n = n[1];
	return OK;
}

/* A bound in PLAIN encoding. */
static bool bound_value(struct thrift *t, uint32_t width, int64_t *out)
{
	const struct str s = thrift_binary_element(t);
	if (t->error != NULL || s.n != width) return false;
	const uint8_t *p = (const uint8_t *)s.p;
	*out = width == 4 ? (int32_t)load32(p) : (int64_t)load64(p);
	return true;
}

/* The first and the end of the pages that may hold a value in [lo, hi]; first == end: none may. */
static status pages_holding(
	const struct parquet_reader *r, struct bounds *b, const int64_t range[2], size_t out[2], struct err *err)
{
	size_t first = 0, end = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		if (thrift_bool_element(&b->nulls)) {
			(void)thrift_binary_element(&b->mins); /* there, but means nothing */
			(void)thrift_binary_element(&b->maxs);
			continue;
		}
		int64_t min, max;
		if (!bound_value(&b->mins, b->leaf->width, &min) || !bound_value(&b->maxs, b->leaf->width, &max))
			return reader_corrupt(r, err, b->chunk->column_index_at,
				"column index: a bound of the wrong width for column %s", b->leaf->info.name);
		if (max < range[0] || min > range[1]) continue;
		if (first == end) first = i;
		end = i + 1;
	}
	out[0] = first;
	out[1] = end;
	return OK;
}

status reader_index_candidates(struct parquet_reader *r, size_t row_group, size_t column, const int64_t range[2],
	struct reader_candidates *out, struct err *err)
{
	const struct reader_row_group *g = &r->row_groups[row_group];
	const struct reader_chunk *chunk = &g->chunks[column];
	struct reader_page_location *locations = NULL;
	size_t n = 0, pages[2] = {0};
	const uint8_t *bytes;
	struct bounds bounds = {.leaf = &r->leaves[column], .chunk = chunk};
	*out = (struct reader_candidates){.first_end = g->n_rows, .last_end = g->n_rows};
	if (chunk->column_index_at == 0) return OK;
	TRY(reader_index_locations(r, row_group, column, &locations, &n, err));
	if (n == 0) return OK;
	TRY(index_bytes(r, chunk->column_index_at, chunk->column_index_bytes, &bytes, err));
	TRY(read_bounds(r, bytes, n, &bounds, err));
	TRY(pages_holding(r, &bounds, range, pages, err));
	if (pages[0] == pages[1]) {
		out->none = true;
		return OK;
	}
	out->first_begin = locations[pages[0]].row;
	out->first_end = pages[0] + 1 < n ? locations[pages[0] + 1].row : g->n_rows;
	out->last_begin = locations[pages[1] - 1].row;
	out->last_end = pages[1] < n ? locations[pages[1]].row : g->n_rows;
	return OK;
}
