/* parquet/read/assemble.c: columns of nested types from the levels of their leaves.
 *
 *   leaf levels --slots--> offsets and validity of lists and structs;  values --spread--> the leaf's column
 *
 * Each leaf is decoded once; the first leaf below a list or a struct tells its slots. Invariant: children that come from other leaves must
 * agree with it in their number, else the file is corrupt, so that what leaves here is consistent. Must not know pages. */
#include "parquet/read/field_int.h"

struct assembly {
	struct parquet_reader *r;
	size_t row_group;
	struct arena *arena;
	struct parquet_levels *levels; /* [n] of leaves first_leaf on; values.n == -1: not decoded yet */
	int first_leaf;
};

/* Which entries are slots of the column at hand: inside `rep` lists, where an element has definition level `def`. */
struct slots {
	uint8_t rep, def;
};

static bool is_slot(const struct parquet_levels *l, int64_t i, struct slots s)
{
	return (l->rep == NULL || l->rep[i] <= s.rep) && (l->def == NULL || l->def[i] >= s.def);
}

static int64_t count_slots(const struct parquet_levels *l, struct slots s)
{
	int64_t n = 0;
	for (int64_t i = 0; i < l->n; i++) n += is_slot(l, i, s);
	return n;
}

static int first_leaf(const struct reader_shape *shape)
{
	while (shape->leaf < 0) shape = &shape->children[0];
	return shape->leaf;
}

static status leaf_levels(struct assembly *a, int leaf, const struct parquet_levels **out, struct err *err)
{
	struct parquet_levels *l = &a->levels[leaf - a->first_leaf];
	if (l->values.n < 0) TRY(parquet_reader_levels(a->r, a->row_group, leaf, a->arena, l, err));
	*out = l;
	return OK;
}

static status contradiction(const struct assembly *a, int leaf, struct err *err)
{
	return reader_corrupt(a->r, err, a->r->row_groups[a->row_group].chunks[leaf].at,
		"column %s: its levels contradict each other or those beside it", a->r->leaves[leaf].info.name);
}

/* The validity of out's slots: from valid_def on. */
static status put_validity(struct assembly *a, const struct parquet_levels *l, struct slots s, uint8_t valid_def,
	struct column *out, struct err *err)
{
	if (l->def == NULL || valid_def <= s.def) return OK; /* every slot is valid */
	uint8_t *bits = arena_zalloc(a->arena, (size_t)out->n / 8 + 1, 8);
	if (bits == NULL) return reader_nomem(a->r, err);
	int64_t slot = 0, valid = 0;
	for (int64_t i = 0; i < l->n; i++) {
		if (!is_slot(l, i, s)) continue;
		if (l->def[i] >= valid_def) {
			bit_set(bits, slot);
			valid++;
		}
		slot++;
	}
	out->n_null = out->n - valid;
	if (out->n_null > 0) out->validity = bits;
	return OK;
}

/* ---- leaves ----------------------------------------------------------------------------------------------- */

static void spread_offsets(const struct column *from, const uint8_t *validity, int64_t n, int32_t *to)
{
	int64_t k = 0;
	to[0] = 0;
	for (int64_t i = 0; i < n; i++) {
		k += bit_get(validity, i);
		to[i + 1] = from->offsets[k];
	}
}

static void spread_values(const struct column *from, size_t width, const uint8_t *validity, int64_t n, uint8_t *to)
{
	const uint8_t *values = from->values;
	for (int64_t i = 0; i < n; i++) {
		if (!bit_get(validity, i)) continue;
		memcpy(to + (size_t)i * width, values, width);
		values += width;
	}
}

static void spread_bits(const struct column *from, const uint8_t *validity, int64_t n, uint8_t *to)
{
	int64_t k = 0;
	for (int64_t i = 0; i < n; i++) {
		if (!bit_get(validity, i)) continue;
		if (bit_get(from->values, k++)) bit_set(to, i);
	}
}

/* Values stand packed; each goes to its slot. */
static status spread(struct assembly *a, const struct column *from, struct column *out, struct err *err)
{
	const bool strings = out->type == COL_STRING || out->type == COL_BINARY;
	const size_t width = strings ? sizeof(int32_t) : col_type_width(out->type);
	uint8_t *to = arena_zalloc(a->arena, ((size_t)out->n + 1) * (width > 0 ? width : 1), 16);
	if (to == NULL) return reader_nomem(a->r, err);
	if (strings) {
		spread_offsets(from, out->validity, out->n, (int32_t *)(void *)to);
		out->offsets = (const int32_t *)(const void *)to;
		out->data = from->data;
		return OK;
	}
	if (width > 0)
		spread_values(from, width, out->validity, out->n, to);
	else
		spread_bits(from, out->validity, out->n, to);
	out->values = to;
	return OK;
}

static status build_leaf(
	struct assembly *a, const struct reader_shape *shape, struct slots s, struct column *out, struct err *err)
{
	const struct parquet_levels *l;
	TRY(leaf_levels(a, shape->leaf, &l, err));
	struct column c = l->values;
	c.n = count_slots(l, s);
	c.n_null = 0;
	TRY(put_validity(a, l, s, shape->valid_def, &c, err));
	if (c.n - c.n_null != l->values.n) return contradiction(a, shape->leaf, err);
	if (c.n_null > 0) TRY(spread(a, &l->values, &c, err));
	*out = c;
	return OK;
}

/* ---- structs, lists, maps --------------------------------------------------------------------------------- */

static status build(struct assembly *a, const struct column_def *def, const struct reader_shape *shape, struct slots s,
	struct column *out, struct err *err);

/* The children, all of n slots. */
static status build_children(struct assembly *a, const struct column_def *def, const struct reader_shape *shape,
	struct slots s, struct column *out, struct err *err)
{
	const int64_t n = def->type == COL_STRUCT ? out->n : out->offsets[out->n];
	struct column *children = ARENA_ZNEW(a->arena, struct column, shape->n_children);
	if (children == NULL) return reader_nomem(a->r, err);
	for (size_t i = 0; i < shape->n_children; i++) {
		TRY(build(a, &def->children[i], &shape->children[i], s, &children[i], err));
		if (children[i].n != n) return contradiction(a, first_leaf(&shape->children[i]), err);
	}
	if (def->type == COL_MAP && children[0].n_null > 0)
		return contradiction(a, first_leaf(&shape->children[0]), err);
	out->children = children;
	out->n_children = shape->n_children;
	return OK;
}

/* Where each slot's elements end. An element may only continue a list that has one. */
static status put_offsets(struct assembly *a, const struct reader_shape *shape, const struct parquet_levels *l,
	struct slots s, struct column *out, struct err *err)
{
	int32_t *offsets = ARENA_NEW(a->arena, int32_t, (size_t)out->n + 1);
	if (offsets == NULL) return reader_nomem(a->r, err);
	int64_t slot = 0;
	int32_t elements = 0;
	bool open = false; /* the slot at hand has an element */
	offsets[0] = 0;
	for (int64_t i = 0; i < l->n; i++) {
		const uint8_t rep = l->rep[i], level = l->def[i];
		if (is_slot(l, i, s)) {
			open = level >= shape->item_def;
			elements += open;
			offsets[++slot] = elements;
		} else if (rep == s.rep + 1) {
			if (!open || level < shape->item_def) return contradiction(a, first_leaf(shape), err);
			offsets[slot] = ++elements;
		} else if (rep <= s.rep) {
			open = false; /* inside a list around this one that is empty or null */
		}
	}
	out->offsets = offsets;
	return OK;
}

static status build_group(struct assembly *a, const struct column_def *def, const struct reader_shape *shape,
	struct slots s, struct column *out, struct err *err)
{
	const struct parquet_levels *l;
	TRY(leaf_levels(a, first_leaf(shape), &l, err));
	struct column c = {.type = def->type, .n = count_slots(l, s)};
	TRY(put_validity(a, l, s, shape->valid_def, &c, err));
	if (def->type != COL_STRUCT) {
		TRY(put_offsets(a, shape, l, s, &c, err));
		s = (struct slots){.rep = (uint8_t)(s.rep + 1), .def = shape->item_def};
	}
	TRY(build_children(a, def, shape, s, &c, err));
	*out = c;
	return OK;
}

static status build(struct assembly *a, const struct column_def *def, const struct reader_shape *shape, struct slots s,
	struct column *out, struct err *err)
{
	return shape->leaf >= 0 ? build_leaf(a, shape, s, out, err) : build_group(a, def, shape, s, out, err);
}

/* Leaves of a node stand in a row. */
static int last_leaf(const struct reader_shape *shape)
{
	while (shape->leaf < 0) shape = &shape->children[shape->n_children - 1];
	return shape->leaf;
}

status parquet_reader_field_read(struct parquet_reader *r, size_t row_group, size_t field, struct arena *arena,
	struct column *out, struct err *err)
{
	const struct parquet_field *fields;
	struct reader_field made;
	size_t n;
	ASSERT(row_group < r->n_row_groups);
	TRY(parquet_reader_fields(r, &fields, &n, err));
	ASSERT(field < n);
	TRY(reader_field_shape(r, fields[field].node, arena, &made, err));
	if (made.why != NULL)
		return fail_at(err, E_UNSUPPORTED, r->key, -1, -1, "column %s: %s", fields[field].info.name, made.why);
	struct assembly a = {.r = r, .row_group = row_group, .arena = arena, .first_leaf = first_leaf(&made.shape)};
	const size_t n_leaves = (size_t)(last_leaf(&made.shape) - a.first_leaf) + 1;
	a.levels = ARENA_ZNEW(arena, struct parquet_levels, n_leaves);
	if (a.levels == NULL) return reader_nomem(r, err);
	for (size_t i = 0; i < n_leaves; i++) a.levels[i].values.n = -1;
	struct column column;
	TRY(build(&a, &made.def, &made.shape, (struct slots){0}, &column, err));
	*out = column;
	return OK;
}
