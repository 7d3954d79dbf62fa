/* parquet/write/page.c: where a page ends, and its bytes: levels, values, compression, checksum, header. Invariant: offsets of page
 * records are those of headers in w->out; when compression is given up, the chunk's first page is written again from its offset. */
#include <string.h>

#include "io/checksum.h"
#include "parquet/encoding/encode.h"
#include "parquet/thrift/thrift_write.h"
#include "parquet/write/writer_int.h"

/* Upper bound of a page header: 13 fields of at most THRIFT_FIELD_MAX and 5 bytes would be more than enough. */
enum { PAGE_HEADER_ROOM = 128, LEVELS_LENGTH = 4 };

/* PageHeader of parquet.thrift: 1 type, 2 uncompressed size, 3 compressed size, 4 crc, 5 data_page_header
 * {1 num_values, 2 encoding, 3, 4 level encodings}, 7 dictionary_page_header {1 num_values, 2 encoding}. The CRC is
 * that of the stored body. */
static size_t header_write(uint8_t *dst, const struct writer_page_head *h, size_t n_raw, size_t n_stored, uint32_t crc)
{
	struct thrift_writer t = {.p = dst};
	ASSERT(h->type == PAGE_DATA || h->type == PAGE_DICTIONARY);
	thrift_put_i32(&t, 1, (int32_t)h->type);
	thrift_put_i32(&t, 2, (int32_t)n_raw);
	thrift_put_i32(&t, 3, (int32_t)n_stored);
	thrift_put_i32(&t, 4, (int32_t)crc);
	const int outer = thrift_struct_begin(&t, h->type == PAGE_DATA ? 5 : 7);
	thrift_put_i32(&t, 1, (int32_t)h->n_values);
	thrift_put_i32(&t, 2, (int32_t)h->encoding);
	if (h->type == PAGE_DATA) {
		thrift_put_i32(&t, 3, ENCODING_RLE);
		thrift_put_i32(&t, 4, ENCODING_RLE);
	}
	thrift_struct_end(&t, outer);
	*t.p++ = 0;
	ASSERT((size_t)(t.p - dst) <= PAGE_HEADER_ROOM);
	return (size_t)(t.p - dst);
}

status writer_page_append(const struct writer_page_target *t, const struct writer_page_head *h, const uint8_t *body,
	size_t n, size_t *bytes_raw, struct err *err)
{
	struct buf *out = t->out;
	uint8_t *dst = buf_reserve(out, PAGE_HEADER_ROOM + compress_bound(t->codec, n));
	if (dst == NULL) return buf_check(out, err);
	size_t head_n, stored = n;
	if (t->codec == CODEC_NONE) {
		head_n = header_write(dst, h, n, n, checksum_crc32(0, body, n));
		memcpy(dst + head_n, body, n);
	} else {
		uint8_t *packed = dst + PAGE_HEADER_ROOM;
		const struct compress_src src = {body, n};
		struct compress_dst block = {packed, compress_bound(t->codec, n)};
		TRY(compress_block(t->compressor, t->codec, t->level, src, &block, err));
		stored = block.n;
		head_n = header_write(dst, h, n, stored, checksum_crc32(0, packed, stored));
		memmove(dst + head_n, packed, stored);
	}
	buf_commit(out, head_n + stored);
	*bytes_raw += head_n + n;
	return OK;
}

static status page_put(
	struct writer_chunk *k, const struct writer_page_head *h, const uint8_t *body, size_t n, struct err *err)
{
	const struct writer_page_target t = {&k->w->out, k->w->compressor, k->codec, k->level};
	return writer_page_append(&t, h, body, n, &k->bytes_raw, err);
}

uint32_t writer_page_border(const struct writer_chunk *k, uint32_t at)
{
	if (k->levels == NULL || k->levels->rep == NULL) return at;
	while (at < k->plan->n && k->levels->rep[at] != 0) at++;
	return at;
}

bool writer_page_span_next(struct writer_chunk *k, struct writer_page_span *span, size_t value_bits)
{
	const struct writer_row_plan *plan = k->plan;
	const struct parquet_opts *opts = &k->w->opts;
	ASSERT(value_bits > 0 && opts->page_rows_max > 0);
	ASSERT(span->row_end <= plan->n && span->value_end <= k->selection->n_valid);
	span->row = span->row_end;
	span->value = span->value_end;
	if (span->row == plan->n) return false;
	const uint32_t limit = plan->n - span->row < opts->page_rows_max
				       ? plan->n
				       : writer_page_border(k, span->row + opts->page_rows_max);
	span->row_end = limit;
	const size_t values_min = (size_t)opts->page_bytes_min * 8 / value_bits;
	if (k->selection->n_valid - span->value > values_min) { /* else no cut can end it */
		while (k->cut < plan->n_cuts && plan->cuts[k->cut] < limit) {
			const uint32_t at = plan->cuts[k->cut++];
			if (at <= span->row || writer_selection_rank(k->selection, plan, at) - span->value < values_min)
				continue;
			span->row_end = at;
			break;
		}
	}
	span->value_end = writer_selection_rank(k->selection, plan, span->row_end);
	return true;
}

/* Where values start in the page buffer: levels go right before them, once it is known how many rows the page has. */
static size_t levels_room(const struct writer_chunk *k)
{
	const size_t rows = k->plan->n < k->w->opts.page_rows_max ? k->plan->n : k->w->opts.page_rows_max;
	if (k->levels != NULL) { /* a page may go on to the end of its last row */
		const size_t entries = rows + k->levels->row_entries_max;
		return (2 * (LEVELS_LENGTH + encode_hybrid_bound(entries, 8)) + 63) & ~(size_t)63;
	}
	if (!k->leaf->def->nullable) return 0;
	return (ENCODE_LEVELS_ROOM + rows / 8 + 63) & ~(size_t)63;
}

uint8_t *writer_page_begin(struct writer_chunk *k, size_t bytes)
{
	const size_t room = levels_room(k);
	uint8_t *p = writer_scratch(&k->w->page, room + bytes);
	return p == NULL ? NULL : p + room;
}

uint8_t *writer_page_grow(struct writer_chunk *k, uint8_t *at, size_t bytes)
{
	struct buf *page = &k->w->page;
	page->n = (size_t)(at - page->p);
	return buf_reserve(page, bytes);
}

size_t writer_page_bytes(const struct writer_chunk *k, const uint8_t *at)
{
	return (size_t)(at - k->w->page.p) - levels_room(k);
}

/* Levels of at most `max`, behind their length. */
static uint8_t *nested_levels(const uint8_t *levels, size_t n, unsigned max, uint8_t *dst)
{
	if (max == 0) return dst;
	const uint8_t *end = encode_hybrid_u8(levels, n, encode_bit_width(max + 1), dst + LEVELS_LENGTH);
	const uint32_t bytes = (uint32_t)(end - dst - LEVELS_LENGTH);
	memcpy(dst, &bytes, sizeof bytes);
	return dst + LEVELS_LENGTH + bytes;
}

/* "Data Pages": repetition levels, then definition levels. */
static const uint8_t *levels_encode(const struct writer_chunk *k, const struct writer_page_span *span, uint8_t *dst)
{
	const size_t n = span->row_end - span->row;
	if (k->levels == NULL)
		return encode_levels(k->selection->bits, span->row, n, span->value_end - span->value, dst);
	if (k->levels->rep != NULL) dst = nested_levels(k->levels->rep + span->row, n, k->leaf->max_rep, dst);
	return nested_levels(k->levels->def + span->row, n, k->leaf->max_def, dst);
}

/* Levels, moved up against the values; the start of the page's body. */
static uint8_t *levels_put(struct writer_chunk *k, const struct writer_page_span *span)
{
	uint8_t *values = k->w->page.p + levels_room(k);
	if (levels_room(k) == 0) return values;
	uint8_t *start = k->w->page.p;
	const uint8_t *end = levels_encode(k, span, start);
	const size_t n = (size_t)(end - start);
	ASSERT(n <= levels_room(k));
	memmove(values - n, start, n);
	return values - n;
}

/* Compression that saves less than an eighth is not worth a reader's time: write the chunk's first pages again. */
static status drop_codec(
	struct writer_chunk *k, const struct writer_page_head *h, const uint8_t *body, size_t n, struct err *err)
{
	ASSERT(k->n_pages == 0); /* else records would tell of bytes that are gone */
	k->codec = CODEC_NONE;
	k->w->out.n = k->offset;
	k->bytes_raw = 0;
	if (k->dict_n > 0) TRY(writer_page_dictionary(k, err));
	k->data_offset = k->w->out.n;
	return page_put(k, h, body, n, err);
}

/* The number of the page's first row in its row group. Pages come in order. */
static uint32_t page_row(struct writer_chunk *k, const struct writer_page_span *span)
{
	if (k->levels == NULL || k->levels->rep == NULL) return span->row;
	const uint32_t row = k->n_rows;
	for (uint32_t i = span->row; i < span->row_end; i++) k->n_rows += k->levels->rep[i] == 0;
	return row;
}

status writer_page_end(struct writer_chunk *k, const struct writer_page_span *span, uint8_t *end,
	const struct writer_range *range, struct err *err)
{
	struct buf *out = &k->w->out;
	const uint8_t *body = levels_put(k, span);
	const size_t n = (size_t)(end - body);
	const struct writer_page_head h = {
		.type = PAGE_DATA, .encoding = k->encoding, .n_values = span->row_end - span->row};
	if (n > PARQUET_PAGE_BYTES_MAX)
		return fail(err, E_LIMIT, "page of column %s: %zu bytes", k->leaf->def->name, n);
	const bool first = k->n_pages == 0;
	if (first) {
		k->data_offset = out->n;
		if (k->dict_n == 0 && n <= WRITER_RAW_BYTES_MAX) k->codec = CODEC_NONE;
	}
	size_t at = out->n;
	TRY(page_put(k, &h, body, n, err));
	if (first && k->codec != CODEC_NONE && out->n - k->offset > k->bytes_raw - k->bytes_raw / 8) {
		TRY(drop_codec(k, &h, body, n, err));
		at = k->data_offset;
	}
	struct writer_page_record *rec = (struct writer_page_record *)(void *)buf_reserve(&k->w->pages, sizeof *rec);
	if (rec == NULL) return buf_check(&k->w->pages, err);
	*rec = (struct writer_page_record){.offset = at,
		.bytes = (uint32_t)(out->n - at),
		.row = page_row(k, span),
		.n_rows = h.n_values,
		.n_valid = span->value_end - span->value,
		.range = *range};
	buf_commit(&k->w->pages, sizeof *rec);
	k->n_pages++;
	return OK;
}

status writer_page_dictionary(struct writer_chunk *k, struct err *err)
{
	const struct writer_page_head h = {.type = PAGE_DICTIONARY, .encoding = ENCODING_PLAIN, .n_values = k->dict_n};
	return page_put(k, &h, k->w->dict.p, k->w->dict.n, err);
}
