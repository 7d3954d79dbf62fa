/* parquet/write/footer.c: FileMetaData. What is the same in every file of a writer is made once (head, tail); the rest is the records of
 * the chunks, in order. Each reserve is an upper bound of what follows it: thrift_write.h checks nothing. */
#include <string.h>

#include "parquet/thrift/thrift_write.h"
#include "parquet/write/writer_int.h"

/* parquet.thrift: FieldRepetitionType */
enum { REQUIRED = 0 };

static void key_value(struct thrift_writer *t, const char *key, const char *value)
{
	const int outer = thrift_element_begin(t);
	thrift_put_binary(t, 1, key, strlen(key));
	thrift_put_binary(t, 2, value, strlen(value));
	thrift_struct_end(t, outer);
}

static size_t text_n(const char *s)
{
	return s != NULL ? strlen(s) : 0;
}

/* FileMetaData 1 version and 2 schema: what stands before the row groups' numbers. */
static status head_make(struct parquet_writer *w, struct err *err)
{
	const size_t bound = 64 + text_n(w->schema->name) + writer_tree_room(w);
	struct thrift_writer t = {.p = buf_reserve(&w->head, bound)};
	if (t.p == NULL) return buf_check(&w->head, err);
	const uint8_t *start = t.p;
	thrift_put_i32(&t, 1, 2);
	thrift_list_begin(&t, 2, THRIFT_STRUCT, w->n_elements + 1);
	const int outer = thrift_element_begin(&t);
	thrift_put_i32(&t, 3, REQUIRED);
	thrift_put_binary(&t, 4, w->schema->name, strlen(w->schema->name));
	thrift_put_i32(&t, 5, (int32_t)w->n_columns);
	thrift_struct_end(&t, outer);
	writer_tree_put(w, &t);
	buf_commit(&w->head, (size_t)(t.p - start));
	return OK;
}

/* FileMetaData 5 key_value_metadata, 6 created_by, 7 column_orders, after field 4. */
static status tail_make(struct parquet_writer *w, struct err *err)
{
	static const char created_by[] = "pqr version " PQR_VERSION;
	const struct table_schema *s = w->schema;
	const size_t bound =
		256 + sizeof created_by + text_n(s->layer) + text_n(s->name) + text_n(s->contract) + 4 * w->n_leaves;
	struct thrift_writer t = {.p = buf_reserve(&w->tail, bound), .last = 4};
	if (t.p == NULL) return buf_check(&w->tail, err);
	const uint8_t *start = t.p;
	thrift_list_begin(&t, 5, THRIFT_STRUCT, 1u + (s->layer != NULL) + (s->contract != NULL));
	if (s->contract != NULL) key_value(&t, "pqr.contract", s->contract);
	if (s->layer != NULL) key_value(&t, "pqr.layer", s->layer);
	key_value(&t, "pqr.table", s->name);
	thrift_put_binary(&t, 6, created_by, sizeof created_by - 1);
	thrift_list_begin(&t, 7, THRIFT_STRUCT, w->n_leaves);
	for (size_t i = 0; i < w->n_leaves; i++) {
		const int outer = thrift_element_begin(&t);
		thrift_empty_struct(&t, 1); /* TYPE_ORDER */
		thrift_struct_end(&t, outer);
	}
	*t.p++ = 0;
	buf_commit(&w->tail, (size_t)(t.p - start));
	return OK;
}

status writer_footer_prepare(struct parquet_writer *w, struct err *err)
{
	TRY(head_make(w, err));
	return tail_make(w, err);
}

/* Statistics: 3 null_count, 5 max_value, 6 min_value, 7 is_max_value_exact, 8 is_min_value_exact. */
static void statistics(struct thrift_writer *t, const struct parquet_writer *w, const struct writer_chunk_record *c)
{
	const int outer = thrift_struct_begin(t, 12);
	thrift_put_i64(t, 3, c->n_null);
	if (c->has_max) thrift_put_binary(t, 5, writer_blob_at(&w->stats, c->max), c->max.n);
	if (c->has_min) thrift_put_binary(t, 6, writer_blob_at(&w->stats, c->min), c->min.n);
	if (c->has_max) thrift_put_bool(t, 7, c->max_exact);
	if (c->has_min) thrift_put_bool(t, 8, c->min_exact);
	thrift_struct_end(t, outer);
}

/* PageEncodingStats: 1 page_type, 2 encoding, 3 count. */
static void page_stats(
	struct thrift_writer *t, enum parquet_page_kind type, enum parquet_encoding encoding, uint32_t count)
{
	const int outer = thrift_element_begin(t);
	thrift_put_i32(t, 1, (int32_t)type);
	thrift_put_i32(t, 2, (int32_t)encoding);
	thrift_put_i32(t, 3, (int32_t)count);
	thrift_struct_end(t, outer);
}

static void path_in_schema(struct thrift_writer *t, const struct writer_leaf *leaf)
{
	if (leaf->path == NULL) {
		thrift_list_begin(t, 3, THRIFT_BINARY, 1);
		thrift_put_bytes(t, leaf->def->name, leaf->name_n);
		return;
	}
	thrift_list_begin(t, 3, THRIFT_BINARY, leaf->path_n);
	for (uint32_t i = 0; i < leaf->path_n; i++) thrift_put_bytes(t, leaf->path[i], strlen(leaf->path[i]));
}

static size_t path_room(const struct writer_leaf *leaf)
{
	size_t n = leaf->name_n;
	for (uint32_t i = 0; i < leaf->path_n; i++) n += THRIFT_VARINT_MAX + strlen(leaf->path[i]);
	return n;
}

/* ColumnMetaData: 1 type, 2 encodings, 3 path_in_schema, 4 codec, 5 num_values, 6, 7 uncompressed and compressed size,
 * 9 data_page_offset, 11 dictionary_page_offset, 12 statistics, 13 encoding_stats, 14, 15 bloom filter. */
static void column_metadata(struct thrift_writer *t, const struct parquet_writer *w, const struct writer_leaf *leaf,
	const struct writer_chunk_record *c, size_t bloom_at)
{
	const bool dictionary = c->encoding == ENCODING_RLE_DICTIONARY;
	const int outer = thrift_struct_begin(t, 3);
	thrift_put_i32(t, 1, (int32_t)leaf->physical);
	thrift_list_begin(t, 2, THRIFT_I32, dictionary ? 3 : 2);
	thrift_put_int(t, dictionary ? ENCODING_PLAIN : c->encoding);
	thrift_put_int(t, ENCODING_RLE);
	if (dictionary) thrift_put_int(t, ENCODING_RLE_DICTIONARY);
	path_in_schema(t, leaf);
	thrift_put_i32(t, 4, c->codec);
	thrift_put_i64(t, 5, c->n_values);
	thrift_put_i64(t, 6, (int64_t)c->bytes_raw);
	thrift_put_i64(t, 7, (int64_t)c->bytes);
	thrift_put_i64(t, 9, (int64_t)c->data_offset);
	if (dictionary) thrift_put_i64(t, 11, (int64_t)c->offset);
	statistics(t, w, c);
	thrift_list_begin(t, 13, THRIFT_STRUCT, dictionary ? 2 : 1);
	if (dictionary) page_stats(t, PAGE_DICTIONARY, ENCODING_PLAIN, 1);
	page_stats(t, PAGE_DATA, (enum parquet_encoding)c->encoding, c->n_data_pages);
	if (c->bloom.n > 0) {
		thrift_put_i64(t, 14, (int64_t)(bloom_at + c->bloom.at));
		thrift_put_i32(t, 15, (int32_t)c->bloom.n);
	}
	thrift_struct_end(t, outer);
}

struct index_places {
	size_t bloom, column_index, offset_index;
};

/* ColumnChunk: 2 file_offset (0, as deprecated), 3 meta_data, 4, 5 offset index, 6, 7 column index. */
static void column_chunk(struct parquet_writer *w, const struct writer_leaf *leaf, const struct writer_chunk_record *c,
	const struct index_places *at)
{
	struct thrift_writer t = {.p = buf_reserve(&w->out, 320 + path_room(leaf) + c->min.n + c->max.n)};
	if (t.p == NULL) return;
	const uint8_t *start = t.p;
	thrift_put_i64(&t, 2, 0);
	column_metadata(&t, w, leaf, c, at->bloom);
	thrift_put_i64(&t, 4, (int64_t)(at->offset_index + c->offset_index.at));
	thrift_put_i32(&t, 5, (int32_t)c->offset_index.n);
	if (c->column_index.n > 0) {
		thrift_put_i64(&t, 6, (int64_t)(at->column_index + c->column_index.at));
		thrift_put_i32(&t, 7, (int32_t)c->column_index.n);
	}
	*t.p++ = 0;
	buf_commit(&w->out, (size_t)(t.p - start));
}

/* RowGroup: 1 columns, 2 total_byte_size, 3 num_rows, 5 file_offset, 6 total_compressed_size, 7 ordinal (16 bits, so
 * only while it fits). */
static void row_group(struct parquet_writer *w, size_t index, const struct index_places *at)
{
	const struct writer_group_record *g = (const struct writer_group_record *)(const void *)w->groups.p + index;
	const struct writer_chunk_record *chunks =
		(const struct writer_chunk_record *)(const void *)w->chunks.p + index * w->n_leaves;
	struct thrift_writer t = {.p = buf_reserve(&w->out, 32)};
	if (t.p == NULL) return;
	const uint8_t *start = t.p;
	thrift_list_begin(&t, 1, THRIFT_STRUCT, w->n_leaves);
	buf_commit(&w->out, (size_t)(t.p - start));
	for (size_t i = 0; i < w->n_leaves; i++) column_chunk(w, &w->leaves[i], &chunks[i], at);
	t.p = buf_reserve(&w->out, 64);
	if (t.p == NULL) return;
	start = t.p;
	thrift_put_i64(&t, 2, (int64_t)g->bytes_raw);
	thrift_put_i64(&t, 3, g->n_rows);
	thrift_put_i64(&t, 5, (int64_t)g->offset);
	thrift_put_i64(&t, 6, (int64_t)g->bytes);
	if (index <= INT16_MAX) {
		thrift_put_field(&t, 7, THRIFT_I16);
		thrift_put_int(&t, (int64_t)index);
	}
	*t.p++ = 0;
	buf_commit(&w->out, (size_t)(t.p - start));
}

static size_t append(struct buf *out, const struct buf *part)
{
	const size_t at = out->n;
	buf_add(out, part->p, part->n);
	return at;
}

/* FileMetaData: 3 num_rows, 4 row_groups between head and tail; then its length and the magic. */
void writer_footer_write(struct parquet_writer *w)
{
	struct buf *out = &w->out;
	const struct index_places at = {.bloom = append(out, &w->bloom),
		.column_index = append(out, &w->column_index),
		.offset_index = append(out, &w->offset_index)};
	const size_t footer = append(out, &w->head);
	const size_t n_groups = w->groups.n / sizeof(struct writer_group_record);
	struct thrift_writer t = {.p = buf_reserve(out, 32), .last = 2};
	if (t.p == NULL) return;
	const uint8_t *start = t.p;
	thrift_put_i64(&t, 3, w->n_rows);
	thrift_list_begin(&t, 4, THRIFT_STRUCT, n_groups);
	buf_commit(out, (size_t)(t.p - start));
	for (size_t i = 0; i < n_groups; i++) row_group(w, i, &at);
	buf_add(out, w->tail.p, w->tail.n);
	const uint32_t length = (uint32_t)(out->n - footer);
	buf_add(out, &length, sizeof length);
	buf_add(out, "PAR1", 4);
}
