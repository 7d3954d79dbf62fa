/* columnar/builder.c: columns that grow row by row.
 *
 * Invariants: 1. rows [0, n) are set or null, and the bits of validity beyond n are zero. 2. A failed builder stays so until it is
 * reset; its buffers may hold half a row. 3. Entries of a dictionary are distinct. Must not know where rows come from. */
#include "base/alloc.h"
#include "base/hash.h"
#include "base/vec.h"
#include "columnar/batch.h"

enum { ROWS_MIN = 1024, SLOTS_MIN = 64, DATA_MIN = 16 * 1024 };

static size_t value_bytes(const struct builder *b, int64_t rows)
{
	if (b->dictionary) return (size_t)rows * sizeof(int32_t);
	if (b->type == COL_BOOL) return (size_t)(rows + 7) / 8;
	return (size_t)rows * col_type_width(b->type);
}

static bool is_plain_string(const struct builder *b)
{
	return !b->dictionary && (b->type == COL_STRING || b->type == COL_BINARY);
}

static bool has_offsets(const struct builder *b)
{
	return is_plain_string(b) || b->type == COL_LIST || b->type == COL_MAP;
}

void builder_init(struct builder *b, const struct column_def *def, bool dictionary)
{
	*b = (struct builder){.type = def->type,
		.precision = def->precision,
		.scale = def->scale,
		.dictionary = dictionary,
		.fields = def->children,
		.n_children = def->n_children};
	ASSERT(!dictionary || def->type == COL_STRING || def->type == COL_BINARY);
}

void builder_deinit(struct builder *b)
{
	mem_free(b->validity);
	mem_free(b->values);
	mem_free(b->offsets);
	mem_free(b->data);
	mem_free(b->dict_offsets);
	mem_free(b->dict_data);
	mem_free(b->slots);
	for (size_t i = 0; b->children != NULL && i < b->n_children; i++) builder_deinit(&b->children[i]);
	mem_free(b->children);
	mem_free(b->views);
	*b = (struct builder){.type = b->type,
		.precision = b->precision,
		.scale = b->scale,
		.dictionary = b->dictionary,
		.fields = b->fields,
		.n_children = b->n_children};
}

void builder_reset(struct builder *b)
{
	if (b->n > 0) memset(b->validity, 0, (size_t)(b->n + 7) / 8);
	if (b->type == COL_BOOL && b->n > 0) memset(b->values, 0, (size_t)(b->n + 7) / 8);
	b->n = b->n_set = 0;
	b->data_n = 0;
	if (b->dict_n > 0) memset(b->slots, 0, ((size_t)b->slots_mask + 1) * sizeof *b->slots);
	b->dict_n = 0;
	b->dict_data_n = 0;
	for (size_t i = 0; b->children != NULL && i < b->n_children; i++) builder_reset(&b->children[i]);
	b->failed = false;
}

static bool grow_to(void *pp, size_t bytes)
{
	void **at = pp;
	void *p = mem_realloc(*at, bytes);
	if (p == NULL) return false;
	*at = p;
	return true;
}

/* Recursion over types: COLUMN_DEPTH_MAX deep at most. */
static bool children_make(struct builder *b)
{
	if (b->n_children == 0 || b->children != NULL) return true;
	struct builder *children = mem_zalloc(b->n_children, sizeof *children);
	b->views = children != NULL ? mem_zalloc(b->n_children, sizeof *b->views) : NULL;
	if (b->views == NULL) {
		mem_free(children);
		return false;
	}
	for (size_t i = 0; i < b->n_children; i++) builder_init(&children[i], &b->fields[i], false);
	b->children = children;
	return true;
}

/* What stands in `values`: none of a struct. */
static bool values_grow(struct builder *b, int64_t cap)
{
	const size_t before = value_bytes(b, b->cap), after = value_bytes(b, cap);
	if (b->type == COL_STRUCT) return true;
	if (!grow_to(&b->values, after)) return false;
	memset((char *)b->values + before, 0, after - before);
	return true;
}

bool builder_grow(struct builder *b, int64_t rows)
{
	ASSERT(rows >= 0 && b->n <= b->cap);
	if (b->failed) return false;
	if (rows <= b->cap) return true;
	int64_t cap = ROWS_MIN;
	while (cap < rows) cap *= 2;
	const size_t bits_before = (size_t)b->cap / 8;
	const size_t bits_after = (size_t)cap / 8;
	b->failed = true;
	if (cap >= INT32_MAX) return false;
	if (!children_make(b) || !grow_to(&b->validity, bits_after)) return false;
	memset(b->validity + bits_before, 0, bits_after - bits_before);
	if (has_offsets(b)) {
		if (!grow_to(&b->offsets, ((size_t)cap + 1) * sizeof *b->offsets)) return false;
		b->offsets[0] = 0;
	} else if (!values_grow(b, cap)) {
		return false;
	}
	b->cap = cap;
	b->failed = false;
	return true;
}

void builder_fill_offsets(struct builder *b, int64_t row)
{
	ASSERT(has_offsets(b));
	ASSERT(b->n <= row && row <= b->cap);
	const int32_t at = b->offsets[b->n];
	for (int64_t i = b->n; i < row; i++) b->offsets[i + 1] = at;
}

/* Room for more bytes after data[n]; offsets are int32. */
static bool data_room(struct builder *b, uint8_t **data, size_t *cap, size_t n, size_t more)
{
	if (*data != NULL && *cap - n >= more) return true;
	if (more <= INT32_MAX - n && vec_grow(NULL, data, cap, n, more > DATA_MIN ? more : DATA_MIN, 1)) return true;
	b->failed = true;
	return false;
}

uint8_t *builder_data_reserve(struct builder *b, size_t n)
{
	if (b->failed || !data_room(b, &b->data, &b->data_cap, b->data_n, n)) return NULL;
	return b->data + b->data_n;
}

void builder_expect(struct builder *b, int64_t rows)
{
	if (b->n == 0 || rows <= b->n || rows > INT32_MAX / 2 || !builder_grow(b, rows)) return;
	const size_t bytes = b->data_n * (size_t)rows / (size_t)b->n, room = bytes + bytes / 16;
	if (is_plain_string(b) && room <= INT32_MAX) (void)builder_data_reserve(b, room - b->data_n);
}

static struct str dict_value(const struct builder *b, uint32_t index)
{
	const int32_t from = b->dict_offsets[index];
	return (struct str){(const char *)b->dict_data + from, (size_t)(b->dict_offsets[index + 1] - from)};
}

/* The slot that holds s, or the empty one where it belongs. */
static uint32_t dict_slot(const struct builder *b, struct str s)
{
	uint32_t at = (uint32_t)hash_xxh3(s.p, s.n) & b->slots_mask;
	while (b->slots[at] != 0 && !str_eq(dict_value(b, b->slots[at] - 1), s)) at = (at + 1) & b->slots_mask;
	return at;
}

static bool slots_grow(struct builder *b)
{
	const uint32_t n = b->slots == NULL ? SLOTS_MIN : (b->slots_mask + 1) * 2;
	uint32_t *slots = mem_zalloc(n, sizeof *slots);
	if (slots == NULL) return false;
	mem_free(b->slots);
	b->slots = slots;
	b->slots_mask = n - 1;
	for (int32_t i = 0; i < b->dict_n; i++) b->slots[dict_slot(b, dict_value(b, (uint32_t)i))] = (uint32_t)i + 1;
	return true;
}

static bool dict_append(struct builder *b, struct str s)
{
	if ((size_t)b->dict_n + 2 > b->dict_cap &&
		!vec_grow(NULL, &b->dict_offsets, &b->dict_cap, (size_t)b->dict_n, 2, sizeof *b->dict_offsets))
		return false;
	if (!data_room(b, &b->dict_data, &b->dict_data_cap, b->dict_data_n, s.n)) return false;
	b->dict_offsets[0] = 0;
	if (s.n > 0) memcpy(b->dict_data + b->dict_data_n, s.p, s.n);
	b->dict_data_n += s.n;
	b->dict_offsets[++b->dict_n] = (int32_t)b->dict_data_n;
	return true;
}

int32_t builder_intern(struct builder *b, struct str s)
{
	ASSERT(b->dictionary);
	if (b->failed) return -1;
	/* Half full at most, so that probes stay short. */
	if ((b->slots == NULL || (uint32_t)b->dict_n * 2 > b->slots_mask) && !slots_grow(b)) goto failed;
	const uint32_t at = dict_slot(b, s);
	if (b->slots[at] == 0) {
		if (!dict_append(b, s)) goto failed;
		b->slots[at] = (uint32_t)b->dict_n;
	}
	return (int32_t)b->slots[at] - 1;
failed:
	b->failed = true;
	return -1;
}

static void finish_dictionary(struct builder *b)
{
	static const int32_t no_offsets[1] = {0};
	static const uint8_t no_data[1] = {0};
	b->dict_column = (struct column){.type = b->type, .n = b->dict_n};
	b->dict_column.offsets = b->dict_n > 0 ? b->dict_offsets : no_offsets;
	b->dict_column.data = b->dict_data != NULL ? b->dict_data : no_data;
}

int64_t builder_set_list(struct builder *b, int64_t row, int32_t n)
{
	ASSERT(n >= 0 && (b->type == COL_LIST || b->type == COL_MAP));
	if (b->failed || n > INT32_MAX - (int32_t)b->data_n || !builder_row(b, row)) {
		b->failed = true;
		return -1;
	}
	if (b->n < row) builder_fill_offsets(b, row);
	const int64_t first = (int64_t)b->data_n;
	b->data_n += (size_t)n;
	b->offsets[row + 1] = (int32_t)b->data_n;
	b->n = row + 1;
	return first;
}

static status finish_children(struct builder *b, int64_t rows, struct err *err)
{
	const int64_t n = b->type == COL_STRUCT ? rows : (int64_t)b->data_n;
	for (size_t i = 0; i < b->n_children; i++) TRY(builder_finish(&b->children[i], n, &b->views[i], err));
	return OK;
}

status builder_finish(struct builder *b, int64_t rows, struct column *out, struct err *err)
{
	ASSERT(rows >= b->n);
	if (!b->failed && (rows > b->cap || b->cap == 0)) (void)builder_grow(b, rows > 0 ? rows : 1);
	if (b->failed) return fail_nomem(err);
	if (has_offsets(b)) builder_fill_offsets(b, rows);
	if (is_plain_string(b) && b->data == NULL && builder_data_reserve(b, 1) == NULL) return fail_nomem(err);
	TRY(finish_children(b, rows, err));
	b->n = rows;
	struct column c = {
		.type = b->type, .precision = b->precision, .scale = b->scale, .n = rows, .n_null = rows - b->n_set};
	c.validity = c.n_null != 0 ? b->validity : NULL;
	c.values = b->values;
	c.offsets = b->offsets;
	c.data = b->data;
	c.children = b->views;
	c.n_children = b->n_children;
	if (b->dictionary) {
		finish_dictionary(b);
		c.dict = &b->dict_column;
	}
	*out = c;
	return OK;
}
