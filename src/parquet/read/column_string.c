/* parquet/read/column_string.c: strings and bytes.
 *
 * A column stays a dictionary while all its pages are dictionary-encoded. At the first other page the rows so far are
 * written out as plain strings, and later dictionary pages are looked up.
 *
 *   NONE (only nulls) --> DICT --> PLAIN
 *          \______________________^ */
#include "base/alloc.h"
#include "io/utf8.h"
#include "parquet/encoding/load.h"
#include "parquet/read/reader_int.h"

static status too_long(struct err *err)
{
	return fail(err, E_LIMIT, "more than 2 GiB of strings in one column; read fewer rows at once");
}

/* Room for n more bytes (and padding) in c->data. Doubles; the first time it looks ahead over the pages to come, but no
 * further than eight times what this page proves to be there. */
static status data_reserve(struct reader_column *c, size_t n, struct err *err)
{
	if (n > (size_t)INT32_MAX - c->data_n) return too_long(err);
	const size_t need = c->data_n + n + DECODE_PADDING;
	if (need <= c->data_cap) return OK;
	size_t ahead = 0;
	for (size_t i = 0; c->data == NULL && i < c->list->n; i++) ahead += c->list->pages[i].values_n;
	if (ahead > n * 8) ahead = n * 8;
	size_t cap = c->data_cap * 2 > need ? c->data_cap * 2 : need;
	if (ahead + DECODE_PADDING > cap) cap = ahead + DECODE_PADDING;
	uint8_t *data = arena_alloc(c->arena, cap, 16);
	if (data == NULL) return reader_nomem(c->r, err);
	if (c->data_n > 0) memcpy(data, c->data, c->data_n);
	c->data = data;
	c->data_cap = cap;
	return OK;
}

static status fixed_strings_plain(
	struct reader_column *c, const struct reader_page_part *part, uint32_t *ends, struct err *err)
{
	const size_t width = c->leaf->width, take = part->slice.take;
	if (part->values_n / width < part->slice.total)
		return fail(err, E_CORRUPT, "%zu values of %zu bytes in %zu bytes", part->slice.total, width,
			part->values_n);
	TRY(data_reserve(c, take * width, err));
	memcpy(c->data + c->data_n, part->values + part->slice.skip * width, take * width);
	for (size_t i = 0; i < take; i++) ends[i] = (uint32_t)(c->data_n + (i + 1) * width);
	c->data_n += take * width;
	return OK;
}

static status fixed_strings_split(
	struct reader_column *c, const struct reader_page_part *part, uint32_t *ends, struct err *err)
{
	const size_t width = c->leaf->width, take = part->slice.take;
	if (part->values_n / width < part->slice.total) return fail(err, E_CORRUPT, "byte stream split: too few bytes");
	TRY(data_reserve(c, take * width, err));
	TRY(decode_split(part->values, part->values_n, width, part->slice, c->data + c->data_n, err));
	for (size_t i = 0; i < take; i++) ends[i] = (uint32_t)(c->data_n + (i + 1) * width);
	c->data_n += take * width;
	return OK;
}

static status strings_plain(
	struct reader_column *c, const struct reader_page_part *part, uint32_t *ends, struct err *err)
{
	TRY(data_reserve(c, part->values_n, err));
	struct decode_strings out = {.data = c->data, .data_n = c->data_n, .ends = ends};
	TRY(decode_strings_plain(part->values, part->values_n, part->slice, &out, err));
	c->data_n = out.data_n;
	return OK;
}

static status strings_delta_length(
	struct reader_column *c, const struct reader_page_part *part, uint32_t *ends, struct err *err)
{
	struct reader_scratch *s = &c->r->values;
	TRY(data_reserve(c, part->values_n, err));
	if (!reader_scratch_reserve(s, (part->slice.total + DECODE_SLACK) * sizeof(int32_t)))
		return reader_nomem(c->r, err);
	struct decode_strings out = {.data = c->data, .data_n = c->data_n, .ends = ends};
	TRY(decode_strings_delta_length(part->values, part->values_n, part->slice, (int32_t *)(void *)s->p, &out, err));
	c->data_n = out.data_n;
	return OK;
}

static status strings_delta(
	struct reader_column *c, const struct reader_page_part *part, uint32_t *ends, struct err *err)
{
	struct reader_scratch *s = &c->r->values;
	struct decode_delta_parts delta;
	size_t room;
	if (!reader_scratch_reserve(s, (part->slice.total + DECODE_SLACK) * 2 * sizeof(int32_t)))
		return reader_nomem(c->r, err);
	TRY(decode_delta_strings_sizes((struct decode_source){part->values, part->values_n}, part->slice.total,
		(int32_t *)(void *)s->p, &delta, &room, err));
	TRY(data_reserve(c, room, err));
	struct decode_strings out = {.data = c->data, .data_n = c->data_n, .ends = ends};
	decode_delta_strings(&delta, part->slice, &out);
	c->data_n = out.data_n;
	return OK;
}

status reader_column_strings(
	struct reader_column *c, const struct reader_page_part *part, uint32_t *ends, struct err *err)
{
	const bool fixed = c->leaf->physical == PHYSICAL_FIXED;
	switch (part->page->encoding) {
	case ENCODING_PLAIN:
	case ENCODING_PLAIN_DICTIONARY: /* the old name, on a dictionary page */
		return fixed ? fixed_strings_plain(c, part, ends, err) : strings_plain(c, part, ends, err);
	case ENCODING_DELTA_LENGTH:
		if (!fixed) return strings_delta_length(c, part, ends, err);
		break;
	case ENCODING_DELTA_STRINGS: return strings_delta(c, part, ends, err);
	case ENCODING_SPLIT:
		if (fixed) return fixed_strings_split(c, part, ends, err);
		break;
	default: break;
	}
	return reader_encoding_unsupported(c, part, err);
}

/* ---- UTF-8 ------------------------------------------------------------------------------------------------ */

static status not_utf8(struct reader_column *c, size_t value, struct err *err)
{
	c->bad_value = (int64_t)value;
	return fail(err, E_CORRUPT, "a string that is not UTF-8");
}

/* Strings data[from, ends[0]), ... : all of them together are UTF-8, and none begins inside a character. */
static bool strings_valid(const uint8_t *data, uint32_t from, const uint32_t *ends, size_t n)
{
	bool begins = true;
	uint32_t at = from;
	for (size_t i = 0; i < n; i++) {
		begins &= at == ends[i] || (data[at] & 0xC0) != 0x80;
		at = ends[i];
	}
	return begins && utf8_valid((const char *)data + from, at - from);
}

/* The n strings that were just decoded. */
static status check_utf8(struct reader_column *c, uint32_t from, const uint32_t *ends, size_t n, struct err *err)
{
	if (c->leaf->info.def.type != COL_STRING || strings_valid(c->data, from, ends, n)) return OK;
	for (size_t i = 0; i < n; from = ends[i++])
		if (!utf8_valid((const char *)c->data + from, ends[i] - from)) return not_utf8(c, i, err);
	ASSERT(false);
	return OK;
}

/* An entry of the dictionary that is not UTF-8 harms only who uses it. */
static status mark_bad(struct reader_column *c, struct err *err)
{
	const uint32_t *offsets = (const uint32_t *)c->dict->offsets;
	if (c->leaf->info.def.type != COL_STRING) return OK;
	if (c->dict_n == 0 || strings_valid(c->dict->data, 0, offsets + 1, c->dict_n)) return OK;
	uint8_t *bad = ARENA_ZNEW(c->arena, uint8_t, c->dict_n);
	if (bad == NULL) return reader_nomem(c->r, err);
	for (uint32_t i = 0; i < c->dict_n; i++)
		bad[i] = !utf8_valid((const char *)c->dict->data + offsets[i], offsets[i + 1] - offsets[i]);
	c->dict_bad = bad;
	return OK;
}

static status check_entries(struct reader_column *c, const uint32_t *index, size_t n, struct err *err)
{
	for (size_t i = 0; c->dict_bad != NULL && i < n; i++)
		if (c->dict_bad[index[i]]) return not_utf8(c, i, err);
	return OK;
}

/* ---- the column ------------------------------------------------------------------------------------------- */

static status string_start(struct reader_column *c, struct err *err)
{
	(void)c;
	(void)err;
	return OK;
}

/* The dictionary gets buffers of its own: it is handed out as a column. */
static status string_dictionary(struct reader_column *c, const struct reader_page_part *part, struct err *err)
{
	struct column *dict = ARENA_NEW(c->arena, struct column, 1);
	uint32_t *offsets = ARENA_NEW(c->arena, uint32_t, (size_t)c->dict_n + 1 + DECODE_SLACK);
	if (dict == NULL || offsets == NULL) return reader_nomem(c->r, err);
	const struct reader_page_list none = {0};
	struct reader_column d = {.r = c->r, .leaf = c->leaf, .list = &none, .arena = c->arena};
	offsets[0] = 0;
	TRY(reader_column_strings(&d, part, offsets + 1, err));
	*dict = (struct column){
		.type = c->leaf->info.def.type, .n = c->dict_n, .offsets = (const int32_t *)offsets, .data = d.data};
	c->dict = dict;
	return mark_bad(c, err);
}

static status to_dict(struct reader_column *c, struct err *err)
{
	c->values = arena_alloc(c->arena, (c->rows + DECODE_SLACK) * sizeof(int32_t), 64);
	if (c->values == NULL) return reader_nomem(c->r, err);
	memset(c->values, 0, c->row * sizeof(int32_t));
	c->mode = STRINGS_DICT;
	return OK;
}

/* Strings of the dictionary, appended to c->data; ends to ends[n]. */
static status look_up(struct reader_column *c, const uint32_t *index, size_t n, uint32_t *ends, struct err *err)
{
	const uint32_t *offsets = (const uint32_t *)c->dict->offsets;
	size_t bytes = 0;
	for (size_t i = 0; i < n; i++) bytes += offsets[index[i] + 1] - offsets[index[i]];
	TRY(data_reserve(c, bytes, err));
	uint32_t at = (uint32_t)c->data_n;
	for (size_t i = 0; i < n; i++) {
		const uint32_t length = offsets[index[i] + 1] - offsets[index[i]];
		copy_loose(c->data + at, c->dict->data + offsets[index[i]], length);
		at += length;
		ends[i] = at;
	}
	c->data_n = at;
	return OK;
}

/* Write out what stands as indices. Null rows get the strings of index 0 first, then lose them: the rows so far are
 * packed, looked up and spread again. */
static status to_plain(struct reader_column *c, struct err *err)
{
	uint32_t *offsets = arena_alloc(c->arena, (c->rows + 1 + DECODE_SLACK) * sizeof *offsets, 64);
	if (offsets == NULL) return reader_nomem(c->r, err);
	offsets[0] = 0;
	c->ends = offsets + 1;
	if (c->mode == STRINGS_DICT && c->row > 0) {
		const size_t valid = c->row - c->n_null;
		uint32_t *index = c->values;
		size_t n = 0;
		for (size_t i = 0; i < c->row; i++) {
			index[n] = index[i];
			n += c->n_null == 0 || bit_get(c->validity, (int64_t)i);
		}
		TRY(look_up(c, index, valid, c->ends + c->n_null, err));
		if (c->n_null > 0) c->r->kernels->spread_ends(c->ends, c->row, valid, c->validity, 0);
	} else {
		memset(c->ends, 0, c->row * sizeof *c->ends);
	}
	c->values = NULL;
	c->mode = STRINGS_PLAIN;
	return OK;
}

static status string_page_dict(struct reader_column *c, const struct reader_page_part *part, struct err *err)
{
	const size_t take = part->slice.take, nulls = part->rows - take;
	if (c->mode == STRINGS_NONE) TRY(to_dict(c, err));
	uint32_t *dst = (uint32_t *)c->values + c->row;
	TRY(reader_column_indices(c, part, dst + nulls, err));
	TRY(check_entries(c, dst + nulls, take, err));
	if (nulls > 0) c->r->kernels->spread32(dst, part->rows, take, c->validity, c->row);
	return OK;
}

static status string_page_plain(struct reader_column *c, const struct reader_page_part *part, struct err *err)
{
	const size_t take = part->slice.take, nulls = part->rows - take;
	if (c->mode != STRINGS_PLAIN) TRY(to_plain(c, err));
	uint32_t *ends = c->ends + c->row;
	if (encoding_is_dict(part->page->encoding)) {
		struct reader_scratch *s = &c->r->values;
		if (!reader_scratch_reserve(s, (take + DECODE_SLACK) * sizeof(uint32_t)))
			return reader_nomem(c->r, err);
		uint32_t *index = (uint32_t *)(void *)s->p;
		TRY(reader_column_indices(c, part, index, err));
		TRY(check_entries(c, index, take, err));
		TRY(look_up(c, index, take, ends + nulls, err));
	} else {
		const uint32_t from = (uint32_t)c->data_n;
		TRY(reader_column_strings(c, part, ends + nulls, err));
		TRY(check_utf8(c, from, ends + nulls, take, err));
	}
	if (nulls > 0) c->r->kernels->spread_ends(ends, part->rows, take, c->validity, c->row);
	return OK;
}

static void string_page_null(struct reader_column *c, size_t rows)
{
	if (c->mode == STRINGS_DICT) memset((uint32_t *)c->values + c->row, 0, rows * sizeof(uint32_t));
	if (c->mode != STRINGS_PLAIN) return;
	for (size_t i = 0; i < rows; i++) c->ends[c->row + i] = (uint32_t)c->data_n;
}

static status string_page(struct reader_column *c, const struct reader_page_part *part, struct err *err)
{
	if (part->slice.take == 0) {
		string_page_null(c, part->rows);
		return OK;
	}
	if (encoding_is_dict(part->page->encoding) && c->mode != STRINGS_PLAIN && !c->plain)
		return string_page_dict(c, part, err);
	return string_page_plain(c, part, err);
}

static status string_finish(struct reader_column *c, struct column *out, struct err *err)
{
	if (c->mode == STRINGS_NONE) TRY(to_plain(c, err));
	if (c->mode == STRINGS_DICT) {
		out->dict = c->dict;
		return OK;
	}
	if (c->data == NULL) TRY(data_reserve(c, 0, err));
	out->offsets = (const int32_t *)(c->ends - 1);
	out->data = c->data;
	return OK;
}

const struct reader_column_kind reader_column_kind_string = {
	string_start, string_dictionary, string_page, string_finish};
