/* parquet/read/column.c: one column over its pages; what all kinds of columns share. */
#include <stdio.h>

#include "parquet/read/reader_int.h"

const struct reader_column_kind *reader_column_kind_of(const struct reader_leaf *leaf)
{
	switch (leaf->info.def.type) {
	case COL_BOOL: return &reader_column_kind_bool;
	case COL_STRING:
	case COL_BINARY: return &reader_column_kind_string;
	default: return &reader_column_kind_fixed;
	}
}

status reader_column_dictionary(struct reader_column *c, const struct reader_column_kind *kind, struct err *err)
{
	const struct reader_page *page = &c->list->dictionary;
	bool used = false;
	for (size_t i = 0; i < c->list->n; i++) used |= encoding_is_dict(c->list->pages[i].encoding);
	if (!used || page->body == NULL) return OK;
	struct reader_page_bytes bytes;
	TRY(reader_page_open(c->r, c->leaf, c->chunk, page, &bytes, err));
	const struct reader_page_part part = {.page = page,
		.values = bytes.values,
		.values_n = bytes.values_n,
		.rows = page->n,
		.slice = {.take = page->n, .total = page->n}};
	c->dict_n = page->n;
	if (page->encoding != ENCODING_PLAIN && page->encoding != ENCODING_PLAIN_DICTIONARY)
		return reader_encoding_unsupported(c, &part, err);
	return kind->dictionary(c, &part, err);
}

/* The row of the k-th valid value of a part, among the part's. */
static int64_t row_of_value(const struct reader_column *c, const struct reader_page_part *part, int64_t k)
{
	int64_t row = 0;
	if (part->slice.take == part->rows) return k;
	for (; (size_t)row < part->rows; row++)
		if (bit_get(c->validity, (int64_t)c->row + row) && k-- == 0) break;
	return row;
}

static status read_page(struct reader_column *c, const struct reader_column_kind *kind, const struct reader_page *page,
	const struct parquet_range *range, struct err *err)
{
	struct reader_page_bytes bytes;
	TRY(reader_page_open(c->r, c->leaf, c->chunk, page, &bytes, err));
	const int64_t begin = range->begin > page->row ? range->begin - page->row : 0;
	const int64_t end = range->end - page->row < page->n ? range->end - page->row : page->n;
	struct reader_page_part part = {
		.page = page, .values = bytes.values, .values_n = bytes.values_n, .rows = (size_t)(end - begin)};
	part.slice = (struct decode_slice){.skip = (size_t)begin, .take = part.rows, .total = page->n};
	if (c->leaf->optional) {
		struct decode_bit_counts counts;
		TRY(decode_bits((struct decode_source){bytes.levels, bytes.levels_n}, part.slice, c->validity, c->row,
			&counts, err));
		part.slice = (struct decode_slice){.skip = counts.before, .take = counts.valid, .total = counts.all};
	}
	const status code = kind->page(c, &part, err);
	if (code != OK) {
		if (c->bad_value >= 0)
			c->bad_row = c->first_row + (int64_t)c->row + row_of_value(c, &part, c->bad_value);
		return code;
	}
	c->row += part.rows;
	c->n_null += part.rows - part.slice.take;
	return OK;
}

status reader_column_error(const struct reader_column *c, status code, const struct reader_page *page, struct err *err)
{
	if (err == NULL || err->code != code) return code;
	if (strncmp(err->message, "unsupported: ", 13) != 0 && code != E_NOMEM) {
		char message[ERR_MESSAGE_MAX];
		memcpy(message, err->message, sizeof message);
		if (c->bad_row >= 0)
			(void)snprintf(err->message, sizeof err->message, "column %.100s, row %lld: %.350s",
				c->leaf->info.name, (long long)c->bad_row + 1, message);
		else
			(void)snprintf(err->message, sizeof err->message, "column %.100s: %.380s", c->leaf->info.name,
				message);
	}
	return err_at(err, code, c->r->key, page->at, -1);
}

static status read_pages(struct reader_column *c, const struct reader_column_kind *kind,
	const struct parquet_range *range, struct err *err)
{
	status code = reader_column_dictionary(c, kind, err);
	if (code != OK) return reader_column_error(c, code, &c->list->dictionary, err);
	for (size_t i = 0; i < c->list->n; i++) {
		code = read_page(c, kind, &c->list->pages[i], range, err);
		if (code != OK) return reader_column_error(c, code, &c->list->pages[i], err);
	}
	return OK;
}

static status read_column(
	struct reader_column *c, const struct parquet_range *range, struct column *out, struct err *err)
{
	const struct reader_column_kind *kind = reader_column_kind_of(c->leaf);
	if (c->leaf->optional) {
		c->validity = arena_zalloc(c->arena, (c->rows + 7) / 8 + DECODE_PADDING, 8);
		if (c->validity == NULL) return reader_nomem(c->r, err);
	}
	TRY(kind->start(c, err));
	TRY(read_pages(c, kind, range, err));
	*out = (struct column){
		.type = c->leaf->info.def.type,
		.precision = c->leaf->info.def.precision,
		.scale = c->leaf->info.def.scale,
		.n = (int64_t)c->rows,
		.n_null = (int64_t)c->n_null,
		.validity = c->n_null > 0 ? c->validity : NULL,
		.values = c->values,
	};
	return kind->finish(c, out, err);
}

int64_t reader_first_row(const struct parquet_reader *r, size_t row_group)
{
	int64_t rows = 0;
	for (size_t i = 0; i < row_group; i++) rows += r->row_groups[i].n_rows;
	return rows;
}

status reader_column_read(struct parquet_reader *r, const struct parquet_range *range, size_t leaf, struct arena *arena,
	struct column *out, struct err *err)
{
	const struct reader_row_group *g = &r->row_groups[range->row_group];
	struct reader_page_list list = {0};
	struct reader_column c = {.r = r,
		.leaf = &r->leaves[leaf],
		.chunk = &g->chunks[leaf],
		.list = &list,
		.arena = arena,
		.rows = (size_t)(range->end - range->begin),
		.first_row = reader_first_row(r, range->row_group) + range->begin,
		.bad_value = -1,
		.bad_row = -1};
	if (!c.leaf->info.supported) return fail_at(err, E_UNSUPPORTED, r->key, -1, -1, "%s", c.leaf->info.reason);
	if (c.chunk->unreadable != NULL)
		return fail_at(
			err, E_UNSUPPORTED, r->key, -1, -1, "%s (column %s)", c.chunk->unreadable, c.leaf->info.name);
	if (c.chunk->n_values != g->n_rows)
		return reader_corrupt(r, err, r->data_end, "column %s: %lld values in a row group of %lld rows",
			c.leaf->info.name, (long long)c.chunk->n_values, (long long)g->n_rows);
	if (c.rows > 0) TRY(reader_pages_list(r, range, leaf, &list, err));
	struct column column;
	TRY(read_column(&c, range, &column, err));
	*out = column;
	return OK;
}
