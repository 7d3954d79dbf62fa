/* parquet/write/chunk.c: one column of one row group: choose the encoding by what the values would take, then cut them into pages.
 * Invariant: the choice depends on the values and the options alone, so the same rows give the same bytes. Must not know the file's
 * other columns. */
#include <string.h>

#include "parquet/encoding/encode.h"
#include "parquet/write/writer_int.h"

/* ---- rows without a value ---- */

static status write_nulls(struct writer_chunk *k, struct err *err)
{
	struct writer_page_span span = {0};
	const struct writer_range none = {0};
	while (writer_page_span_next(k, &span, 1)) {
		uint8_t *at = writer_page_begin(k, 8);
		if (at == NULL) return buf_check(&k->w->page, err);
		TRY(writer_page_end(k, &span, at, &none, err));
	}
	return OK;
}

/* ---- numbers ---- */

static void gather_i32(const int32_t *restrict src, const uint32_t *restrict rows, size_t n, int32_t *restrict dst)
{
	for (size_t i = 0; i < n; i++) dst[i] = src[rows[i]];
}
static void gather_i64(const int64_t *restrict src, const uint32_t *restrict rows, size_t n, int64_t *restrict dst)
{
	for (size_t i = 0; i < n; i++) dst[i] = src[rows[i]];
}
/* Decimals of up to 9 digits: 64 bits in memory, 32 in the file. */
static void gather_narrow(const int64_t *restrict src, const uint32_t *restrict rows, size_t n, int32_t *restrict dst)
{
	for (size_t i = 0; i < n; i++) dst[i] = (int32_t)src[rows[i]];
}

static struct writer_range range_i32(const int32_t *restrict v, size_t n)
{
	int32_t min = INT32_MAX, max = INT32_MIN;
	for (size_t i = 0; i < n; i++) {
		min = v[i] < min ? v[i] : min;
		max = v[i] > max ? v[i] : max;
	}
	return (struct writer_range){.any = n > 0, .min = min, .max = max};
}
static struct writer_range range_i64(const int64_t *restrict v, size_t n)
{
	int64_t min = INT64_MAX, max = INT64_MIN;
	for (size_t i = 0; i < n; i++) {
		min = v[i] < min ? v[i] : min;
		max = v[i] > max ? v[i] : max;
	}
	return (struct writer_range){.any = n > 0, .min = min, .max = max};
}

/* Least and greatest of floats as bits; none with a NaN, and a zero is as wide as it can be: parquet.thrift, ColumnOrder. */
static struct writer_range range_f32(const float *restrict v, size_t n)
{
	float least = n > 0 ? v[0] : 0, most = least;
	bool nan = false;
	for (size_t i = 0; i < n; i++) {
		nan |= v[i] != v[i];
		least = v[i] < least ? v[i] : least;
		most = v[i] > most ? v[i] : most;
	}
	struct writer_range r = {.any = n > 0 && !nan};
	if (least == 0) least = -0.0F;
	if (most == 0) most = 0.0F;
	memcpy(&r.min, &least, sizeof least);
	memcpy(&r.max, &most, sizeof most);
	return r;
}
static struct writer_range range_f64(const double *restrict v, size_t n)
{
	double least = n > 0 ? v[0] : 0, most = least;
	bool nan = false;
	for (size_t i = 0; i < n; i++) {
		nan |= v[i] != v[i];
		least = v[i] < least ? v[i] : least;
		most = v[i] > most ? v[i] : most;
	}
	struct writer_range r = {.any = n > 0 && !nan};
	if (least == 0) least = -0.0;
	if (most == 0) most = 0.0;
	memcpy(&r.min, &least, sizeof least);
	memcpy(&r.max, &most, sizeof most);
	return r;
}

static struct writer_range range_numbers(const struct writer_leaf *leaf, const void *values, size_t from, size_t n)
{
	if (leaf->physical == PHYSICAL_FLOAT) return range_f32((const float *)values + from, n);
	if (leaf->physical == PHYSICAL_DOUBLE) return range_f64((const double *)values + from, n);
	if (leaf->width == 4) return range_i32((const int32_t *)values + from, n);
	return range_i64((const int64_t *)values + from, n);
}

static const void *gather_numbers(struct writer_chunk *k)
{
	const struct writer_selection *s = k->selection;
	void *dst = writer_scratch(&k->w->values, (size_t)s->n_valid * k->leaf->width);
	if (dst == NULL) return NULL;
	if (k->leaf->width == 8)
		gather_i64(k->column->values, s->rows, s->n_valid, dst);
	else if (k->column->type == COL_DECIMAL)
		gather_narrow(k->column->values, s->rows, s->n_valid, dst);
	else
		gather_i32(k->column->values, s->rows, s->n_valid, dst);
	return dst;
}

static struct writer_range page_range(
	const struct writer_chunk *k, const struct writer_page_span *span, const void *values)
{
	const size_t n = span->value_end - span->value;
	return n == k->selection->n_valid ? k->range : range_numbers(k->leaf, values, span->value, n);
}

static status write_plain(struct writer_chunk *k, const void *values, struct err *err)
{
	const size_t width = k->leaf->width;
	struct writer_page_span span = {0};
	while (writer_page_span_next(k, &span, width * 8)) {
		const size_t n = span.value_end - span.value;
		uint8_t *at = writer_page_begin(k, n * width);
		if (at == NULL) return buf_check(&k->w->page, err);
		memcpy(at, (const uint8_t *)values + span.value * width, n * width);
		const struct writer_range range = page_range(k, &span, values);
		TRY(writer_page_end(k, &span, at + n * width, &range, err));
	}
	return OK;
}

/* bytes: what the whole chunk takes. Packed bits are not compressed again: zstd saves nothing on them. */
static status write_delta(struct writer_chunk *k, const void *values, size_t bytes, struct err *err)
{
	const unsigned width = k->leaf->width;
	const size_t value_bits = bytes * 8 / k->selection->n_valid;
	struct writer_page_span span = {0};
	k->encoding = ENCODING_DELTA_BINARY_PACKED;
	k->codec = CODEC_NONE;
	while (writer_page_span_next(k, &span, value_bits > 0 ? value_bits : 1)) {
		const size_t n = span.value_end - span.value;
		uint8_t *at = writer_page_begin(k, encode_delta_bound(n, width));
		if (at == NULL) return buf_check(&k->w->page, err);
		uint8_t *end = encode_delta((const uint8_t *)values + span.value * width, n, width, at);
		const struct writer_range range = page_range(k, &span, values);
		TRY(writer_page_end(k, &span, end, &range, err));
	}
	return OK;
}

static status write_numbers(struct writer_chunk *k, struct err *err)
{
	const size_t n = k->selection->n_valid;
	const void *values = gather_numbers(k);
	if (values == NULL) return buf_check(&k->w->values, err);
	k->range = range_numbers(k->leaf, values, 0, n);
	const size_t plain_bytes = n * k->leaf->width;
	/* A dictionary costs a reader less than anything else, where it saves half. */
	bool done = false;
	TRY(writer_chunk_numbers_dict(k, values, plain_bytes / 2, &done, err));
	if (done) return OK;
	const size_t delta_bytes = encode_delta_size(values, n, k->leaf->width);
	return delta_bytes < plain_bytes ? write_delta(k, values, delta_bytes, err) : write_plain(k, values, err);
}

/* Without a dictionary or differences: floats of contract tables there are none. */
static status write_floats(struct writer_chunk *k, struct err *err)
{
	const void *values = gather_numbers(k);
	if (values == NULL) return buf_check(&k->w->values, err);
	k->range = range_numbers(k->leaf, values, 0, k->selection->n_valid);
	return write_plain(k, values, err);
}

/* ---- booleans ---- */

static size_t pack_bools(const uint8_t *restrict src, const uint32_t *restrict rows, size_t n, uint8_t *restrict dst)
{
	size_t n_true = 0;
	memset(dst, 0, (n + 7) / 8);
	for (size_t i = 0; i < n; i++) {
		const unsigned bit = src[rows[i] >> 3] >> (rows[i] & 7) & 1;
		dst[i >> 3] = (uint8_t)(dst[i >> 3] | bit << (i & 7));
		n_true += bit;
	}
	return n_true;
}

static status write_bools(struct writer_chunk *k, struct err *err)
{
	struct writer_page_span span = {0};
	while (writer_page_span_next(k, &span, 1)) {
		const size_t n = span.value_end - span.value;
		uint8_t *at = writer_page_begin(k, n / 8 + 1);
		if (at == NULL) return buf_check(&k->w->page, err);
		const size_t n_true = pack_bools(k->column->values, k->selection->rows + span.value, n, at);
		const struct writer_range range = {.any = n > 0, .min = n_true == n, .max = n_true > 0};
		writer_range_add(&k->range, &range, false);
		TRY(writer_page_end(k, &span, at + (n + 7) / 8, &range, err));
	}
	return OK;
}

/* ---- a chunk ---- */

static status write_values(struct writer_chunk *k, struct err *err)
{
	if (k->selection->n_valid == 0) return write_nulls(k, err);
	switch (k->leaf->physical) {
	case PHYSICAL_BOOLEAN: return write_bools(k, err);
	case PHYSICAL_INT32:
	case PHYSICAL_INT64: return write_numbers(k, err);
	case PHYSICAL_FLOAT:
	case PHYSICAL_DOUBLE: return write_floats(k, err);
	default: return writer_chunk_strings(k, err);
	}
}

static void record_stats(struct writer_chunk *k, struct writer_chunk_record *rec)
{
	if (!k->range.any) return;
	rec->min = writer_stat_put(&k->w->stats, k->leaf, &k->range, false, &rec->min_exact);
	rec->max = writer_stat_put(&k->w->stats, k->leaf, &k->range, true, &rec->max_exact);
	/* Without a short upper bound there is the value itself, which may be long: readers do without. */
	rec->has_min = true;
	rec->has_max = rec->max.n <= WRITER_STAT_BYTES_MAX;
}

static status chunk_begin(struct parquet_writer *w, const struct writer_leaf *leaf, const struct column *c,
	struct writer_chunk *out, struct err *err)
{
	*out = (struct writer_chunk){
		.w = w, .leaf = leaf, .column = c, .codec = (enum compress_codec)w->opts.codec, .offset = w->out.n};
	/* At the fastest level ids and 64-bit numbers need no search for matches (times and line numbers hold none that pay);
	 * a higher level is the user's wish for small files. */
	const bool entropy = leaf->def->id || leaf->physical == PHYSICAL_INT64;
	out->level = entropy && w->opts.level == 1 ? COMPRESS_LEVEL_ENTROPY : w->opts.level;
	buf_reset(&w->pages);
	return buf_check(&w->out, err);
}

static status chunk_finish(struct writer_chunk *k, struct err *err)
{
	struct parquet_writer *w = k->w;
	const struct writer_leaf *leaf = k->leaf;
	const bool bloom = w->opts.bloom && leaf->physical == PHYSICAL_BYTE_ARRAY && leaf->def->id;
	if (bloom && k->selection->n_valid > 0) TRY(writer_chunk_bloom_begin(k, err));
	TRY(write_values(k, err));
	struct writer_chunk_record *rec = (struct writer_chunk_record *)(void *)buf_reserve(&w->chunks, sizeof *rec);
	if (rec == NULL) return buf_check(&w->chunks, err);
	*rec = (struct writer_chunk_record){.codec = (uint8_t)k->codec,
		.encoding = (uint8_t)k->encoding,
		.n_values = k->plan->n,
		.n_null = k->plan->n - k->selection->n_valid,
		.n_data_pages = k->n_pages,
		.offset = k->offset,
		.data_offset = k->data_offset,
		.bytes = w->out.n - k->offset,
		.bytes_raw = k->bytes_raw,
		.bloom = k->bloom};
	record_stats(k, rec);
	TRY(writer_chunk_index(k, rec, err));
	buf_commit(&w->chunks, sizeof *rec);
	return OK;
}

status writer_chunk_write(struct parquet_writer *w, const struct writer_leaf *leaf, const struct column *c,
	const struct writer_row_plan *plan, struct err *err)
{
	struct writer_chunk k;
	TRY(chunk_begin(w, leaf, c, &k, err));
	k.plan = plan;
	TRY(writer_selection_get(w, plan, c, &k.selection, err));
	if (!leaf->def->nullable && k.selection->n_valid != plan->n)
		return fail(err, E_CORRUPT, "column %s of table %s: %u of %u rows are null, none may be",
			leaf->def->name, w->schema->name, plan->n - k.selection->n_valid, plan->n);
	return chunk_finish(&k, err);
}

status writer_chunk_write_levels(struct parquet_writer *w, const struct writer_leaf *leaf, const struct column *c,
	const struct writer_levels *levels, struct err *err)
{
	struct writer_chunk k;
	TRY(chunk_begin(w, leaf, c, &k, err));
	k.plan = &levels->plan;
	k.selection = levels->selection;
	k.levels = levels;
	return chunk_finish(&k, err);
}
