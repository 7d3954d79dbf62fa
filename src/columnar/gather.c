/* columnar/gather.c: chosen rows of a column as a column of their own. What need not move is viewed. Row numbers are the
 * caller's to have checked. */
#include "columnar/batch.h"

static int64_t row_at(const uint32_t *rows, int64_t i)
{
	return rows != NULL ? rows[i] : i;
}

static status gather_validity(const struct column *c, const uint32_t *rows, int64_t n, struct arena *arena,
	struct column *out, struct err *err)
{
	if (c->validity == NULL) return OK;
	out->n_null = c->n_null;
	out->validity = c->validity;
	if (rows == NULL) return OK;
	uint8_t *bits = arena_zalloc(arena, (size_t)(n + 7) / 8 + 1, 8);
	if (bits == NULL) return fail_nomem(err);
	int64_t n_null = 0;
	for (int64_t i = 0; i < n; i++) {
		if (bit_get(c->validity, rows[i]))
			bit_set(bits, i);
		else
			n_null++;
	}
	out->validity = n_null > 0 ? bits : NULL;
	out->n_null = n_null;
	return OK;
}

static status gather_strings(const struct column *c, const uint32_t *rows, int64_t n, struct arena *arena,
	struct column *out, struct err *err)
{
	int32_t *offsets = ARENA_NEW(arena, int32_t, n + 1);
	if (offsets == NULL) return fail_nomem(err);
	int64_t total = 0;
	offsets[0] = 0;
	for (int64_t i = 0; i < n; i++) {
		const int64_t row = row_at(rows, i);
		if (column_valid(c, row)) total += (int64_t)column_str(c, row).n;
		if (total > INT32_MAX)
			return fail(err, E_LIMIT, "over 2 GiB of text in one batch of %lld rows; read fewer at once",
				(long long)n);
		offsets[i + 1] = (int32_t)total;
	}
	uint8_t *data = ARENA_NEW(arena, uint8_t, total + 1);
	if (data == NULL) return fail_nomem(err);
	for (int64_t i = 0; i < n; i++) {
		const int64_t row = row_at(rows, i);
		if (offsets[i + 1] == offsets[i]) continue;
		memcpy(data + offsets[i], column_str(c, row).p, (size_t)(offsets[i + 1] - offsets[i]));
	}
	out->offsets = offsets;
	out->data = data;
	return OK;
}

static void gather_32(const uint32_t *restrict from, const uint32_t *restrict rows, int64_t n, uint32_t *restrict to)
{
	for (int64_t i = 0; i < n; i++) to[i] = from[rows[i]];
}

static void gather_64(const uint64_t *restrict from, const uint32_t *restrict rows, int64_t n, uint64_t *restrict to)
{
	for (int64_t i = 0; i < n; i++) to[i] = from[rows[i]];
}

static void gather_128(const uint8_t *restrict from, const uint32_t *restrict rows, int64_t n, uint8_t *restrict to)
{
	for (int64_t i = 0; i < n; i++) memcpy(to + 16 * i, from + 16 * (size_t)rows[i], 16);
}

static status gather_fixed(const struct column *c, const uint32_t *rows, int64_t n, struct arena *arena,
	struct column *out, struct err *err)
{
	const size_t width = col_type_width(c->type);
	void *to = arena_zalloc(arena, (size_t)n * (width > 0 ? width : 1) + 1, 8);
	if (to == NULL) return fail_nomem(err);
	if (width == 4) {
		gather_32(c->values, rows, n, to);
	} else if (width == 8) {
		gather_64(c->values, rows, n, to);
	} else if (width == 16) {
		gather_128(c->values, rows, n, to);
	} else {
		for (int64_t i = 0; i < n; i++)
			if (bit_get(c->values, rows[i])) bit_set(to, i);
	}
	out->values = to;
	return OK;
}

/* The same rows of each child: those of a struct, or the elements of a list. */
static status gather_children(const struct column *c, const uint32_t *rows, int64_t n, struct arena *arena,
	struct column *out, struct err *err)
{
	struct column *children = ARENA_ZNEW(arena, struct column, c->n_children + 1);
	if (children == NULL) return fail_nomem(err);
	for (size_t i = 0; i < c->n_children; i++)
		TRY(gather_column(&c->children[i], rows, n, arena, &children[i], err));
	out->children = children;
	out->n_children = c->n_children;
	return OK;
}

/* A list or a map: its elements are rows of its children. Elements of a null row are left behind. */
static status gather_lists(const struct column *c, const uint32_t *rows, int64_t n, struct arena *arena,
	struct column *out, struct err *err)
{
	int32_t *offsets = ARENA_NEW(arena, int32_t, n + 1);
	if (offsets == NULL) return fail_nomem(err);
	int64_t total = 0;
	offsets[0] = 0;
	for (int64_t i = 0; i < n; i++) {
		if (column_valid(c, rows[i])) total += c->offsets[rows[i] + 1] - c->offsets[rows[i]];
		if (total > INT32_MAX)
			return fail(err, E_LIMIT, "over 2^31 elements in one batch; read fewer rows at once");
		offsets[i + 1] = (int32_t)total;
	}
	uint32_t *elements = ARENA_NEW(arena, uint32_t, total + 1);
	if (elements == NULL) return fail_nomem(err);
	for (int64_t i = 0; i < n; i++)
		for (int32_t k = 0; k < offsets[i + 1] - offsets[i]; k++)
			elements[offsets[i] + k] = (uint32_t)(c->offsets[rows[i]] + k);
	out->offsets = offsets;
	return gather_children(c, elements, total, arena, out, err);
}

status gather_column(const struct column *c, const uint32_t *rows, int64_t n, struct arena *arena, struct column *out,
	struct err *err)
{
	ASSERT(n >= 0);
	ASSERT(rows != NULL || n == c->n);
	if (rows == NULL && c->dict == NULL) {
		*out = *c;
		return OK;
	}
	struct column made = {.type = c->type, .precision = c->precision, .scale = c->scale, .n = n};
	TRY(gather_validity(c, rows, n, arena, &made, err));
	if (c->type == COL_STRING || c->type == COL_BINARY)
		TRY(gather_strings(c, rows, n, arena, &made, err));
	else if (c->type == COL_LIST || c->type == COL_MAP)
		TRY(gather_lists(c, rows, n, arena, &made, err));
	else if (c->type == COL_STRUCT)
		TRY(gather_children(c, rows, n, arena, &made, err));
	else
		TRY(gather_fixed(c, rows, n, arena, &made, err));
	*out = made;
	return OK;
}
