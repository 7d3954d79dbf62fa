/* parquet/write/index.c: page index and bloom filter of a chunk. A chunk whose bounds are not all known (a NaN) has no column index, as
 * the format asks. Must not know how pages were encoded. */
#include <string.h>

#include "base/hash.h"
#include "parquet/encoding/bloom.h"
#include "parquet/thrift/thrift_write.h"
#include "parquet/write/writer_int.h"

/* parquet.thrift: ColumnIndex.boundary_order */
enum boundary_order { ORDER_UNORDERED = 0, ORDER_ASCENDING = 1, ORDER_DESCENDING = 2 };

/* The bounds as stored decide, not the values: a reader searches the former, and cutting may change their order. */
struct page_bounds {
	struct writer_blob min, max;
};

/* Least and greatest value of floats are no NaN. */
static int bound_cmp_floats(const struct buf *b, struct writer_blob x, struct writer_blob y)
{
	float narrow[2];
	double v[2];
	if (x.n == 4) {
		memcpy(&narrow[0], b->p + x.at, 4);
		memcpy(&narrow[1], b->p + y.at, 4);
		return narrow[0] < narrow[1] ? -1 : narrow[0] > narrow[1];
	}
	memcpy(&v[0], b->p + x.at, 8);
	memcpy(&v[1], b->p + y.at, 8);
	return v[0] < v[1] ? -1 : v[0] > v[1];
}

static int64_t bound_i64(const struct buf *b, struct writer_blob at)
{
	int64_t v = 0;
	if (at.n == 4) {
		int32_t narrow;
		memcpy(&narrow, b->p + at.at, 4);
		v = narrow;
	} else if (at.n == 8) {
		memcpy(&v, b->p + at.at, 8);
	} else if (at.n == 1) {
		v = b->p[at.at];
	}
	return v;
}

static int bound_cmp(const struct writer_chunk *k, const struct buf *b, struct writer_blob x, struct writer_blob y)
{
	if (k->leaf->physical == PHYSICAL_FLOAT || k->leaf->physical == PHYSICAL_DOUBLE)
		return bound_cmp_floats(b, x, y);
	if (k->leaf->physical != PHYSICAL_BYTE_ARRAY) {
		const int64_t vx = bound_i64(b, x), vy = bound_i64(b, y);
		return vx < vy ? -1 : vx > vy;
	}
	return str_cmp((struct str){(const char *)writer_blob_at(b, x), x.n},
		(struct str){(const char *)writer_blob_at(b, y), y.n});
}

static enum boundary_order boundary_order(
	const struct writer_chunk *k, const struct buf *b, const struct page_bounds *bounds)
{
	const struct writer_page_record *pages = writer_chunk_pages(k);
	bool up = true, down = true;
	const struct page_bounds *before = NULL;
	for (uint32_t i = 0; i < k->n_pages; i++) {
		if (pages[i].n_valid == 0) continue;
		if (before != NULL) {
			const int min = bound_cmp(k, b, before->min, bounds[i].min);
			const int max = bound_cmp(k, b, before->max, bounds[i].max);
			up = up && min <= 0 && max <= 0;
			down = down && min >= 0 && max >= 0;
		}
		before = &bounds[i];
	}
	return up ? ORDER_ASCENDING : down ? ORDER_DESCENDING : ORDER_UNORDERED;
}

/* Bounds of every page into w->bounds_bytes; NULL: out of memory. */
static struct page_bounds *bounds_make(struct writer_chunk *k)
{
	const struct writer_page_record *pages = writer_chunk_pages(k);
	struct parquet_writer *w = k->w;
	struct page_bounds *bounds = writer_scratch(&w->bounds, k->n_pages * sizeof *bounds);
	if (bounds == NULL) return NULL;
	buf_reset(&w->bounds_bytes);
	for (uint32_t i = 0; i < k->n_pages; i++) {
		bool exact;
		bounds[i] = (struct page_bounds){0};
		if (pages[i].n_valid == 0) continue;
		bounds[i].min = writer_stat_put(&w->bounds_bytes, k->leaf, &pages[i].range, false, &exact);
		bounds[i].max = writer_stat_put(&w->bounds_bytes, k->leaf, &pages[i].range, true, &exact);
	}
	return w->bounds_bytes.failed ? NULL : bounds;
}

/* ColumnIndex: 1 null_pages, 2 min_values, 3 max_values, 4 boundary_order, 5 null_counts. */
static void column_index_put(const struct writer_chunk *k, const struct page_bounds *bounds, struct thrift_writer *t)
{
	const struct writer_page_record *pages = writer_chunk_pages(k);
	const struct buf *bytes = &k->w->bounds_bytes;
	thrift_list_begin(t, 1, THRIFT_TRUE, k->n_pages);
	for (uint32_t i = 0; i < k->n_pages; i++) *t->p++ = pages[i].n_valid == 0 ? THRIFT_TRUE : THRIFT_FALSE;
	thrift_list_begin(t, 2, THRIFT_BINARY, k->n_pages);
	for (uint32_t i = 0; i < k->n_pages; i++)
		thrift_put_bytes(t, writer_blob_at(bytes, bounds[i].min), bounds[i].min.n);
	thrift_list_begin(t, 3, THRIFT_BINARY, k->n_pages);
	for (uint32_t i = 0; i < k->n_pages; i++)
		thrift_put_bytes(t, writer_blob_at(bytes, bounds[i].max), bounds[i].max.n);
	thrift_put_i32(t, 4, (int32_t)boundary_order(k, bytes, bounds));
	thrift_list_begin(t, 5, THRIFT_I64, k->n_pages);
	for (uint32_t i = 0; i < k->n_pages; i++) thrift_put_int(t, pages[i].n_rows - pages[i].n_valid);
	*t->p++ = 0;
}

/* OffsetIndex: 1 page_locations of {1 offset, 2 compressed_page_size with the header, 3 first_row_index}. */
static void offset_index_put(const struct writer_chunk *k, struct thrift_writer *t)
{
	const struct writer_page_record *pages = writer_chunk_pages(k);
	thrift_list_begin(t, 1, THRIFT_STRUCT, k->n_pages);
	for (uint32_t i = 0; i < k->n_pages; i++) {
		const int outer = thrift_element_begin(t);
		thrift_put_i64(t, 1, (int64_t)pages[i].offset);
		thrift_put_i32(t, 2, (int32_t)pages[i].bytes);
		thrift_put_i64(t, 3, pages[i].row);
		thrift_struct_end(t, outer);
	}
	*t->p++ = 0;
}

/* A page whose floats have a NaN has no bounds, and a column index must have those of every page with values. */
static bool has_bounds(const struct writer_chunk *k)
{
	const struct writer_page_record *pages = writer_chunk_pages(k);
	for (uint32_t i = 0; i < k->n_pages; i++)
		if (pages[i].n_valid > 0 && !pages[i].range.any) return false;
	return true;
}

static status column_index_write(struct writer_chunk *k, struct writer_chunk_record *rec, struct err *err)
{
	enum { LISTS = 8 * THRIFT_LIST_MAX, EACH = 1 + 3 * THRIFT_VARINT_MAX };
	struct buf *b = &k->w->column_index;
	const struct page_bounds *bounds = bounds_make(k);
	if (bounds == NULL) return fail_nomem(err);
	struct thrift_writer t = {.p = buf_reserve(b, LISTS + (size_t)k->n_pages * EACH + k->w->bounds_bytes.n)};
	if (t.p == NULL) return buf_check(b, err);
	column_index_put(k, bounds, &t);
	rec->column_index = (struct writer_blob){.at = b->n, .n = (size_t)(t.p - b->p) - b->n};
	buf_commit(b, rec->column_index.n);
	return OK;
}

status writer_chunk_index(struct writer_chunk *k, struct writer_chunk_record *rec, struct err *err)
{
	struct parquet_writer *w = k->w;
	enum { LISTS = 8 * THRIFT_LIST_MAX, LOCATION = 3 * (1 + THRIFT_VARINT_MAX) + 1 };
	if (has_bounds(k)) TRY(column_index_write(k, rec, err));
	struct buf *b = &w->offset_index;
	struct thrift_writer t = {.p = buf_reserve(b, LISTS + (size_t)k->n_pages * LOCATION)};
	if (t.p == NULL) return buf_check(b, err);
	offset_index_put(k, &t);
	rec->offset_index = (struct writer_blob){.at = b->n, .n = (size_t)(t.p - b->p) - b->n};
	buf_commit(b, rec->offset_index.n);
	return OK;
}

/* ---- bloom filter ---- */

enum { BLOOM_HEADER_ROOM = 64 };

/* BloomFilterHeader: 1 numBytes, 2 algorithm.BLOCK, 3 hash.XXHASH, 4 compression.UNCOMPRESSED. */
static size_t bloom_header(uint8_t *dst, size_t bytes)
{
	struct thrift_writer t = {.p = dst};
	thrift_put_i32(&t, 1, (int32_t)bytes);
	for (int field = 2; field <= 4; field++) {
		const int outer = thrift_struct_begin(&t, field);
		thrift_empty_struct(&t, 1);
		thrift_struct_end(&t, outer);
	}
	*t.p++ = 0;
	return (size_t)(t.p - dst);
}

status writer_chunk_bloom_begin(struct writer_chunk *k, struct err *err)
{
	struct buf *b = &k->w->bloom;
	const size_t bytes = bloom_bytes(k->selection->n_valid);
	uint8_t *at = buf_reserve(b, BLOOM_HEADER_ROOM + bytes);
	if (at == NULL) return buf_check(b, err);
	const size_t head_n = bloom_header(at, bytes);
	memset(at + head_n, 0, bytes);
	k->bloom = (struct writer_blob){.at = b->n, .n = head_n + bytes};
	k->bloom_bits = (struct writer_blob){.at = b->n + head_n, .n = bytes};
	buf_commit(b, head_n + bytes);
	return OK;
}

void writer_chunk_bloom_add(struct writer_chunk *k, const uint8_t *p, const uint8_t *end)
{
	const size_t bytes = k->bloom_bits.n;
	if (bytes == 0) return; /* then there is no buffer either */
	uint8_t *filter = k->w->bloom.p + k->bloom_bits.at;
	while (p < end) {
		uint32_t n;
		memcpy(&n, p, sizeof n);
		bloom_insert(filter, bytes, hash_xxh64(p + sizeof n, n));
		p += sizeof n + n;
	}
}
