/* parquet/read/column_fixed.c: columns of 4, 8 or (without nulls between them) 16 bytes a value, and booleans. */
#include "parquet/encoding/load.h"
#include "parquet/read/reader_int.h"

static size_t out_width(const struct reader_column *c)
{
	return col_type_width(c->leaf->info.def.type);
}

static status fixed_start(struct reader_column *c, struct err *err)
{
	c->values = arena_alloc(c->arena, (c->rows + DECODE_SLACK) * out_width(c), 64);
	return c->values == NULL ? reader_nomem(c->r, err) : OK;
}

/* Strings of exactly leaf->width bytes each stand in c->data like fixed-width values. */
static status check_widths(const struct reader_column *c, const uint32_t *ends, size_t n, struct err *err)
{
	bool same = true;
	for (size_t i = 0; i < n; i++) same &= ends[i] == (i + 1) * (size_t)c->leaf->width;
	return same ? OK : fail(err, E_CORRUPT, "a fixed-length value of another length than %u", c->leaf->width);
}

/* Values that are stored as strings, to dst. */
static status fixed_from_strings(
	struct reader_column *c, const struct reader_page_part *part, void *dst, struct err *err)
{
	const size_t take = part->slice.take;
	uint32_t *ends = arena_alloc(c->arena, (take + DECODE_SLACK) * sizeof *ends, _Alignof(uint32_t));
	if (ends == NULL) return reader_nomem(c->r, err);
	c->data_n = 0;
	TRY(reader_column_strings(c, part, ends, err));
	if (c->leaf->convert == CONVERT_BYTES_DECIMAL || c->leaf->convert == CONVERT_BYTES_DECIMAL128)
		return reader_convert_byte_decimals(c->leaf, c->data, ends, take, dst, err);
	TRY(check_widths(c, ends, take, err));
	return reader_convert(c->leaf, c->data, take, dst, err);
}

static status fixed_delta(struct reader_column *c, const struct reader_page_part *part, void *dst, struct err *err)
{
	struct reader_scratch *s = &c->r->values;
	const size_t total = part->slice.total, width = c->leaf->width;
	size_t used;
	if (!reader_scratch_reserve(s, (total + DECODE_SLACK) * width)) return reader_nomem(c->r, err);
	if (c->leaf->physical == PHYSICAL_INT32)
		TRY(decode_delta32(part->values, part->values_n, total, (int32_t *)(void *)s->p, &used, err));
	else
		TRY(decode_delta64(part->values, part->values_n, total, (int64_t *)(void *)s->p, &used, err));
	return reader_convert(c->leaf, s->p + part->slice.skip * width, part->slice.take, dst, err);
}

static status fixed_split(struct reader_column *c, const struct reader_page_part *part, void *dst, struct err *err)
{
	struct reader_scratch *s = &c->r->values;
	if (!reader_scratch_reserve(s, part->slice.take * (size_t)c->leaf->width)) return reader_nomem(c->r, err);
	TRY(decode_split(part->values, part->values_n, c->leaf->width, part->slice, s->p, err));
	return reader_convert(c->leaf, s->p, part->slice.take, dst, err);
}

static status fixed_plain(struct reader_column *c, const struct reader_page_part *part, void *dst, struct err *err)
{
	const size_t width = c->leaf->width;
	if (part->values_n / width < part->slice.total)
		return fail(err, E_CORRUPT, "%zu values of %zu bytes in %zu bytes", part->slice.total, width,
			part->values_n);
	return reader_convert(c->leaf, part->values + part->slice.skip * width, part->slice.take, dst, err);
}

static void gather64(const uint64_t *restrict dict, const uint32_t *restrict index, size_t n, uint64_t *restrict dst)
{
	for (size_t i = 0; i < n; i++) dst[i] = dict[index[i]];
}

static void gather128(const uint8_t *restrict dict, const uint32_t *restrict index, size_t n, uint8_t *restrict dst)
{
	for (size_t i = 0; i < n; i++) memcpy(dst + 16 * i, dict + 16 * (size_t)index[i], 16);
}

static void gather32(const uint32_t *restrict dict, size_t n, uint32_t *restrict in_place)
{
	for (size_t i = 0; i < n; i++) in_place[i] = dict[in_place[i]];
}

static status fixed_dict(struct reader_column *c, const struct reader_page_part *part, void *dst, struct err *err)
{
	const size_t take = part->slice.take;
	if (out_width(c) == 4) {
		TRY(reader_column_indices(c, part, dst, err));
		gather32((const uint32_t *)(const void *)c->r->dict_values.p, take, dst);
		return OK;
	}
	struct reader_scratch *s = &c->r->values;
	if (!reader_scratch_reserve(s, (take + DECODE_SLACK) * sizeof(uint32_t))) return reader_nomem(c->r, err);
	uint32_t *index = (uint32_t *)(void *)s->p;
	TRY(reader_column_indices(c, part, index, err));
	if (out_width(c) == 16)
		gather128(c->r->dict_values.p, index, take, dst);
	else
		gather64((const uint64_t *)(const void *)c->r->dict_values.p, index, take, dst);
	return OK;
}

/* The part's valid values to dst, without gaps. */
static status fixed_values(struct reader_column *c, const struct reader_page_part *part, void *dst, struct err *err)
{
	const enum parquet_physical type = c->leaf->physical;
	const bool integer = type == PHYSICAL_INT32 || type == PHYSICAL_INT64;
	const uint8_t encoding = part->page->encoding;
	if (encoding_is_dict(encoding)) return fixed_dict(c, part, dst, err);
	if (type == PHYSICAL_BYTE_ARRAY || (type == PHYSICAL_FIXED && encoding == ENCODING_DELTA_STRINGS))
		return fixed_from_strings(c, part, dst, err);
	if (encoding == ENCODING_PLAIN) return fixed_plain(c, part, dst, err);
	if (encoding == ENCODING_DELTA_BINARY_PACKED && integer) return fixed_delta(c, part, dst, err);
	if (encoding == ENCODING_SPLIT && type != PHYSICAL_INT96) return fixed_split(c, part, dst, err);
	return reader_encoding_unsupported(c, part, err);
}

static status fixed_page(struct reader_column *c, const struct reader_page_part *part, struct err *err)
{
	const size_t width = out_width(c), take = part->slice.take, nulls = part->rows - take;
	uint8_t *dst = (uint8_t *)c->values + c->row * width;
	if (take == 0) {
		memset(dst, 0, part->rows * width);
		return OK;
	}
	TRY(fixed_values(c, part, dst + nulls * width, err));
	if (nulls == 0) return OK;
	ASSERT(width <= 8); /* wider ones are read by levels, where no null has a place */
	if (width == 4)
		c->r->kernels->spread32((uint32_t *)(void *)dst, part->rows, take, c->validity, c->row);
	else
		c->r->kernels->spread64((uint64_t *)(void *)dst, part->rows, take, c->validity, c->row);
	return OK;
}

static status fixed_dictionary(struct reader_column *c, const struct reader_page_part *part, struct err *err)
{
	struct reader_scratch *s = &c->r->dict_values;
	if (!reader_scratch_reserve(s, ((size_t)c->dict_n + 1) * out_width(c))) return reader_nomem(c->r, err);
	const struct reader_page plain = {.encoding = ENCODING_PLAIN, .n = part->page->n};
	struct reader_page_part values = *part;
	values.page = &plain;
	return fixed_values(c, &values, s->p, err);
}

static status fixed_finish(struct reader_column *c, struct column *out, struct err *err)
{
	(void)c;
	(void)out;
	(void)err;
	return OK;
}

const struct reader_column_kind reader_column_kind_fixed = {fixed_start, fixed_dictionary, fixed_page, fixed_finish};

/* ---- booleans --------------------------------------------------------------------------------------------- */

static status bool_start(struct reader_column *c, struct err *err)
{
	c->values = arena_zalloc(c->arena, (c->rows + 7) / 8 + DECODE_PADDING, 8);
	return c->values == NULL ? reader_nomem(c->r, err) : OK;
}

/* The part's valid values as bits from bit `at` of dst on. */
static status bool_values(
	struct reader_column *c, const struct reader_page_part *part, uint8_t *dst, size_t at, struct err *err)
{
	if (part->page->encoding == ENCODING_PLAIN) {
		if (part->values_n < (part->slice.total + 7) / 8)
			return fail(err, E_CORRUPT, "%zu booleans in %zu bytes", part->slice.total, part->values_n);
		decode_bits_copy(dst, at, part->values, part->slice.skip, part->slice.take);
		return OK;
	}
	if (part->page->encoding != ENCODING_RLE) return reader_encoding_unsupported(c, part, err);
	if (part->values_n < 4 || load32(part->values) > part->values_n - 4)
		return fail(err, E_CORRUPT, "booleans longer than their page");
	struct decode_bit_counts counts;
	return decode_bits(
		(struct decode_source){part->values + 4, load32(part->values)}, part->slice, dst, at, &counts, err);
}

/* dense[k] to the place of the k-th valid row. dst is zero there. */
static void spread_bits(const uint8_t *dense, const uint8_t *validity, size_t row, size_t rows, uint8_t *dst)
{
	int64_t from = 0;
	for (size_t i = row; i < row + rows; i++) {
		if (!bit_get(validity, (int64_t)i)) continue;
		if (bit_get(dense, from++)) bit_set(dst, (int64_t)i);
	}
}

static status bool_page(struct reader_column *c, const struct reader_page_part *part, struct err *err)
{
	const size_t take = part->slice.take;
	if (take == 0) return OK;
	if (take == part->rows) return bool_values(c, part, c->values, c->row, err);
	if (!reader_scratch_reserve(&c->r->values, (take + 7) / 8)) return reader_nomem(c->r, err);
	TRY(bool_values(c, part, c->r->values.p, 0, err));
	spread_bits(c->r->values.p, c->validity, c->row, part->rows, c->values);
	return OK;
}

static status bool_dictionary(struct reader_column *c, const struct reader_page_part *part, struct err *err)
{
	return reader_encoding_unsupported(c, part, err);
}

const struct reader_column_kind reader_column_kind_bool = {bool_start, bool_dictionary, bool_page, fixed_finish};
