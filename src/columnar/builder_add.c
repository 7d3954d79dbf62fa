/* columnar/builder_add.c: chosen rows of a column behind those of a builder. Recurses over types, COLUMN_DEPTH_MAX deep at most. */
#include "base/alloc.h"
#include "columnar/batch.h"

static void add_bools(struct builder *b, int64_t to, const struct column *c, const uint32_t *rows, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!column_valid(c, rows[i]) || !builder_row(b, to + i)) continue;
		if (bit_get(c->values, rows[i])) bit_set(b->values, to + i);
		b->n = to + i + 1;
	}
}

static void add_32(struct builder *b, int64_t to, const struct column *c, const uint32_t *rows, uint32_t n)
{
	const int32_t *values = c->values;
	for (uint32_t i = 0; i < n; i++)
		if (column_valid(c, rows[i])) builder_set_i32(b, to + i, values[rows[i]]);
}

static void add_64(struct builder *b, int64_t to, const struct column *c, const uint32_t *rows, uint32_t n)
{
	const int64_t *values = c->values;
	for (uint32_t i = 0; i < n; i++)
		if (column_valid(c, rows[i])) builder_set_i64(b, to + i, values[rows[i]]);
}

static void add_strings(struct builder *b, int64_t to, const struct column *c, const uint32_t *rows, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (column_valid(c, rows[i])) builder_set_str(b, to + i, column_str(c, rows[i]));
}

static void add_structs(struct builder *b, int64_t to, const struct column *c, const uint32_t *rows, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (column_valid(c, rows[i])) (void)builder_set_struct(b, to + i);
	for (size_t k = 0; b->children != NULL && k < b->n_children; k++)
		builder_add(&b->children[k], to, &c->children[k], rows, n);
}

/* The elements of the rows' lists are rows of the child; they stand one behind the other in b, too. */
static void add_lists(struct builder *b, int64_t to, const struct column *c, const uint32_t *rows, uint32_t n)
{
	const int64_t first = (int64_t)b->data_n;
	for (uint32_t i = 0; i < n; i++)
		if (column_valid(c, rows[i]))
			(void)builder_set_list(b, to + i, c->offsets[rows[i] + 1] - c->offsets[rows[i]]);
	const size_t total = b->data_n - (size_t)first;
	if (b->failed || total == 0) return;
	uint32_t *elements = mem_alloc(total * sizeof *elements);
	if (elements == NULL) {
		b->failed = true;
		return;
	}
	size_t at = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (!column_valid(c, rows[i])) continue;
		for (int32_t e = c->offsets[rows[i]]; e < c->offsets[rows[i] + 1]; e++) elements[at++] = (uint32_t)e;
	}
	ASSERT(at == total);
	for (size_t k = 0; k < b->n_children; k++)
		builder_add(&b->children[k], first, &c->children[k], elements, (uint32_t)total);
	mem_free(elements);
}

void builder_add(struct builder *b, int64_t at, const struct column *c, const uint32_t *rows, uint32_t n)
{
	const size_t width = col_type_width(c->type);
	ASSERT(c->type == b->type && c->n_children == b->n_children && width <= 8);
	if (c->type == COL_BOOL)
		add_bools(b, at, c, rows, n);
	else if (c->type == COL_STRUCT)
		add_structs(b, at, c, rows, n);
	else if (c->type == COL_LIST || c->type == COL_MAP)
		add_lists(b, at, c, rows, n);
	else if (width == 4)
		add_32(b, at, c, rows, n);
	else if (width == 8)
		add_64(b, at, c, rows, n);
	else
		add_strings(b, at, c, rows, n);
}

size_t builder_data_bytes(const struct builder *b)
{
	size_t bytes = b->n_children == 0 ? b->data_n : 0;
	for (size_t i = 0; b->children != NULL && i < b->n_children; i++) {
		const size_t width = col_type_width(b->children[i].type);
		bytes += (size_t)b->children[i].n * (width > 0 ? width : 1) + builder_data_bytes(&b->children[i]);
	}
	return bytes;
}
