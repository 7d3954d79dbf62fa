/* table/maintain/optimize_held.c: rows of many batches as one, copied, to be ordered.
 *
 * Dictionaries are undone: columns of many batches share none. Rows and bytes of text stay under limits that int32 offsets and indices can't
 * leave.
 */
#include "base/alloc.h"
#include "table/maintain/optimize_int.h"

enum { HELD_ROWS_MAX = 1 << 30, HELD_TEXT_MAX = 1 << 29 };

static size_t width_of(const struct held_column *c)
{
	const size_t width = col_type_width(c->def.type);
	return width > 0 ? width : sizeof(int32_t); /* offsets; a bool takes one bit of it */
}

static bool is_text(const struct held_column *c)
{
	return c->def.type == COL_STRING || c->def.type == COL_BINARY;
}

status optimize_held_init(struct optimize_held *h, const struct table_schema *schema, struct err *err)
{
	*h = (struct optimize_held){.n_columns = schema->n_columns};
	h->columns = mem_zalloc(h->n_columns, sizeof *h->columns);
	h->views = mem_zalloc(h->n_columns, sizeof *h->views);
	if (h->columns == NULL || h->views == NULL) {
		optimize_held_deinit(h);
		return fail_nomem(err);
	}
	for (size_t i = 0; i < h->n_columns; i++) h->columns[i].def = schema->columns[i];
	return OK;
}

void optimize_held_deinit(struct optimize_held *h)
{
	for (size_t i = 0; h->columns != NULL && i < h->n_columns; i++) {
		mem_free(h->columns[i].validity);
		mem_free(h->columns[i].values);
		mem_free(h->columns[i].data);
	}
	mem_free(h->columns);
	mem_free(h->views);
	*h = (struct optimize_held){0};
}

void optimize_held_reset(struct optimize_held *h)
{
	h->n = 0;
	for (size_t i = 0; i < h->n_columns; i++) h->columns[i].data_n = 0;
}

size_t optimize_held_bytes(const struct optimize_held *h)
{
	size_t bytes = 0;
	for (size_t i = 0; i < h->n_columns; i++)
		bytes += (size_t)h->n * width_of(&h->columns[i]) + h->columns[i].data_n;
	return bytes;
}

bool optimize_held_full(const struct optimize_held *h, size_t bytes_max)
{
	if (h->n >= HELD_ROWS_MAX || optimize_held_bytes(h) >= bytes_max) return h->n > 0;
	for (size_t i = 0; i < h->n_columns; i++)
		if (h->columns[i].data_n >= HELD_TEXT_MAX) return true;
	return false;
}

static bool resize(uint8_t **p, size_t bytes)
{
	uint8_t *more = mem_realloc(*p, bytes);
	if (more != NULL) *p = more;
	return more != NULL;
}

/* Room for rows rows in every column. Twice as much each time. */
static bool grow_rows(struct optimize_held *h, int64_t rows)
{
	if (rows <= h->cap) return true;
	int64_t cap = h->cap == 0 ? 1 << 16 : h->cap;
	while (cap < rows) cap *= 2;
	for (size_t i = 0; i < h->n_columns; i++) {
		struct held_column *c = &h->columns[i];
		if (!resize(&c->validity, (size_t)cap / 8 + 1) || !resize(&c->values, ((size_t)cap + 1) * width_of(c)))
			return false;
	}
	h->cap = cap;
	return true;
}

static void bit_put(uint8_t *bits, int64_t i, bool value)
{
	const uint8_t mask = (uint8_t)(1u << (i & 7));
	bits[i >> 3] = (uint8_t)(value ? bits[i >> 3] | mask : bits[i >> 3] & ~mask);
}

static void add_validity(uint8_t *bits, int64_t at, const struct column *from, int64_t n)
{
	for (int64_t i = 0; i < n; i++) bit_put(bits, at + i, column_valid(from, i));
}

static status add_text(struct held_column *c, int64_t at, const struct column *from, int64_t n, struct err *err)
{
	size_t total = 0;
	for (int64_t i = 0; i < n; i++)
		if (column_valid(from, i)) total += column_str(from, i).n;
	const size_t need = c->data_n + total;
	if (need > INT32_MAX)
		return fail(err, E_LIMIT, "column %s: over 2 GiB of text in %lld rows", c->def.name, (long long)n);
	if (need > c->data_cap) {
		const size_t cap = need > 2 * c->data_cap ? need : 2 * c->data_cap;
		if (!resize(&c->data, cap)) return fail_nomem(err);
		c->data_cap = cap;
	}
	int32_t *offsets = (int32_t *)(void *)c->values;
	offsets[at] = (int32_t)c->data_n;
	for (int64_t i = 0; i < n; i++) {
		if (column_valid(from, i)) {
			const struct str s = column_str(from, i);
			if (s.n > 0) memcpy(c->data + c->data_n, s.p, s.n);
			c->data_n += s.n;
		}
		offsets[at + i + 1] = (int32_t)c->data_n;
	}
	return OK;
}

status optimize_held_add(struct optimize_held *h, const struct batch *b, struct err *err)
{
	ASSERT(b->n_columns == h->n_columns);
	const int64_t at = h->n;
	const int64_t n = b->n_rows;
	if (!grow_rows(h, at + n)) return fail_nomem(err);
	for (size_t k = 0; k < h->n_columns; k++) {
		struct held_column *c = &h->columns[k];
		const struct column *from = &b->columns[k];
		ASSERT(from->type == c->def.type);
		add_validity(c->validity, at, from, n);
		if (is_text(c)) {
			TRY(add_text(c, at, from, n, err));
		} else if (c->def.type == COL_BOOL) {
			for (int64_t i = 0; i < n; i++) bit_put(c->values, at + i, bit_get(from->values, i));
		} else {
			const size_t width = width_of(c);
			memcpy(c->values + (size_t)at * width, from->values, (size_t)n * width);
		}
	}
	h->n = at + n;
	return OK;
}

struct batch optimize_held_view(struct optimize_held *h)
{
	for (size_t k = 0; k < h->n_columns; k++) {
		const struct held_column *c = &h->columns[k];
		struct column *v = &h->views[k];
		*v = (struct column){.type = c->def.type,
			.precision = c->def.precision,
			.scale = c->def.scale,
			.n = h->n,
			.n_null = -1,
			.validity = c->validity};
		if (is_text(c)) {
			v->offsets = (const int32_t *)(const void *)c->values;
			v->data = c->data;
		} else {
			v->values = c->values;
		}
	}
	return (struct batch){.n_columns = h->n_columns, .columns = h->views, .n_rows = h->n};
}
