/* table/read/scan_column.c: one column of a file as the table has it: checked, widened, or made up from a partition value.
 *
 * Only widening that keeps each value is done. Must not know files.
 */
#include <stdio.h>

#include "table/read/scan_int.h"

/* ---- the file's type and the table's ---- */

static bool widens(const struct column_def *want, const struct column_def *have)
{
	if (want->type == COL_DECIMAL)
		return have->type == COL_DECIMAL && have->scale == want->scale && have->precision <= want->precision;
	if (want->type == COL_DECIMAL128)
		return (have->type == COL_DECIMAL128 || have->type == COL_DECIMAL) && have->scale == want->scale &&
		       have->precision <= want->precision;
	if (want->type == have->type) return true;
	return (want->type == COL_INT64 && have->type == COL_INT32) ||
	       (want->type == COL_DOUBLE && have->type == COL_FLOAT);
}

static void type_text(const struct column_def *def, char dst[32])
{
	if (def->type == COL_DECIMAL || def->type == COL_DECIMAL128)
		(void)snprintf(dst, 32, "decimal(%u,%u)", (unsigned)def->precision, (unsigned)def->scale);
	else
		(void)snprintf(dst, 32, "%s", col_type_name(def->type));
}

static const struct column_def *child_named(const struct column_def *def, const char *name)
{
	for (size_t i = 0; i < def->n_children; i++)
		if (strcmp(def->children[i].name, name) == 0) return &def->children[i];
	return NULL;
}

/* The first part of `want` that the file's type cannot give, or NULL. Fields are found by their names; elements, keys and values stand
 * in order, whatever they are called. Recurses COLUMN_DEPTH_MAX deep at most. */
static const struct column_def *misfit(const struct column_def *want, const struct column_def *have)
{
	if (!widens(want, have)) return want;
	for (size_t i = 0; i < want->n_children; i++) {
		const struct column_def *child = &want->children[i], *found;
		found = want->type == COL_STRUCT ? child_named(have, child->name) : &have->children[i];
		const struct column_def *bad = found != NULL ? misfit(child, found) : child->nullable ? NULL : child;
		if (bad != NULL) return bad;
	}
	return NULL;
}

status scan_column_check(const struct delta_column *want, const struct parquet_column_info *have, struct err *err)
{
	char found[32];
	if (!have->supported)
		return fail(err, E_UNSUPPORTED, "unsupported: column %s: %s", want->def.name, have->reason);
	const struct column_def *bad = misfit(&want->def, &have->def);
	if (bad == NULL) return OK;
	if (bad != &want->def)
		return fail(err, E_CORRUPT, "column %s: its part %s is missing or of another type in this file",
			want->def.name, bad->name);
	type_text(&have->def, found);
	return fail(err, E_CORRUPT, "column %s is %s in this file and %s in the table", want->def.name, found,
		want->type_text);
}

static void widen_i32(const int32_t *restrict from, int64_t n, int64_t *restrict to)
{
	for (int64_t i = 0; i < n; i++) to[i] = from[i];
}

static void widen_decimal(const int64_t *restrict from, int64_t n, int64_t *restrict to)
{
	for (int64_t i = 0; i < n; i++) {
		to[2 * i] = from[i]; /* little-endian: the low half first */
		to[2 * i + 1] = from[i] < 0 ? -1 : 0;
	}
}

static void widen_f32(const float *restrict from, int64_t n, double *restrict to)
{
	for (int64_t i = 0; i < n; i++) to[i] = (double)from[i];
}

status scan_column_widen(const struct column_def *want, const struct column *have, struct arena *arena,
	struct column *out, struct err *err)
{
	*out = *have;
	out->precision = want->precision;
	out->scale = want->scale;
	if (want->type == have->type) return OK;
	void *values = arena_alloc(arena, (size_t)(have->n + 1) * col_type_width(want->type), 8);
	if (values == NULL) return fail_nomem(err);
	if (have->type == COL_DECIMAL)
		widen_decimal(have->values, have->n, values);
	else if (have->type == COL_INT32)
		widen_i32(have->values, have->n, values);
	else
		widen_f32(have->values, have->n, values);
	out->type = want->type;
	out->values = values;
	return OK;
}

/* ---- constants ---- */

static status nulls(const struct column_def *def, int64_t n, struct arena *arena, struct column *out, struct err *err)
{
	/* One block of zeros is validity, values and offsets alike: none is a value, every string and list is empty. */
	void *zeros = arena_zalloc(arena, (size_t)(n + 1) * 16, 16);
	struct column *children = ARENA_ZNEW(arena, struct column, def->n_children + 1);
	if (zeros == NULL || children == NULL) return fail_nomem(err);
	for (size_t i = 0; i < def->n_children; i++)
		TRY(nulls(&def->children[i], def->type == COL_STRUCT ? n : 0, arena, &children[i], err));
	*out = (struct column){.type = def->type,
		.precision = def->precision,
		.scale = def->scale,
		.n = n,
		.n_null = n,
		.validity = zeros,
		.children = children,
		.n_children = def->n_children};
	if (def->type == COL_LIST || def->type == COL_MAP) {
		out->offsets = zeros;
	} else if (def->type == COL_STRING || def->type == COL_BINARY) {
		out->offsets = zeros;
		out->data = zeros;
	} else {
		out->values = zeros;
	}
	return OK;
}

/* Children of `have` as those of `want`; fields the file lacks are null. */
static status fit_children(const struct column_def *want, const struct column_def *have_def, const struct column *have,
	struct arena *arena, struct column *out, struct err *err)
{
	struct column *children = ARENA_ZNEW(arena, struct column, want->n_children);
	if (children == NULL) return fail_nomem(err);
	for (size_t i = 0; i < want->n_children; i++) {
		const struct column_def *child = &want->children[i];
		size_t at = i;
		if (want->type == COL_STRUCT)
			for (at = 0; at < have_def->n_children; at++)
				if (strcmp(have_def->children[at].name, child->name) == 0) break;
		if (at < have_def->n_children)
			TRY(scan_column_fit(
				child, &have_def->children[at], &have->children[at], arena, &children[i], err));
		else
			TRY(nulls(child, have->n, arena, &children[i], err));
	}
	*out = *have;
	out->children = children;
	out->n_children = want->n_children;
	return OK;
}

status scan_column_fit(const struct column_def *want, const struct column_def *have_def, const struct column *have,
	struct arena *arena, struct column *out, struct err *err)
{
	ASSERT(col_type_nested(want->type) == col_type_nested(have->type));
	if (col_type_nested(want->type)) return fit_children(want, have_def, have, arena, out, err);
	return scan_column_widen(want, have, arena, out, err);
}

/* A dictionary of the one string. */
static status strings(struct str text, int64_t n, struct arena *arena, struct column *out, struct err *err)
{
	int32_t *indices = arena_zalloc(arena, (size_t)(n + 1) * sizeof *indices, _Alignof(int32_t));
	int32_t *offsets = ARENA_NEW(arena, int32_t, 2);
	struct column *dict = ARENA_ZNEW(arena, struct column, 1);
	char *copy = arena_strndup(arena, text.p, text.n);
	if (indices == NULL || offsets == NULL || dict == NULL || copy == NULL) return fail_nomem(err);
	offsets[0] = 0;
	offsets[1] = (int32_t)text.n;
	*dict = (struct column){.type = out->type, .n = 1, .offsets = offsets, .data = (const uint8_t *)copy};
	out->dict = dict;
	out->values = indices;
	return OK;
}

static void fill_64(int64_t v, int64_t n, int64_t *to)
{
	for (int64_t i = 0; i < n; i++) to[i] = v;
}

static void fill_32(int32_t v, int64_t n, int32_t *to)
{
	for (int64_t i = 0; i < n; i++) to[i] = v;
}

status scan_column_constant(const struct column_def *def, const struct delta_value *v, int64_t n, struct arena *arena,
	struct column *out, struct err *err)
{
	if (v->null) return nulls(def, n, arena, out, err);
	*out = (struct column){.type = def->type, .precision = def->precision, .scale = def->scale, .n = n};
	if (def->type == COL_STRING || def->type == COL_BINARY) return strings(v->text, n, arena, out, err);
	void *values = arena_alloc(arena, (size_t)(n + 1) * 8, 8);
	if (values == NULL) return fail_nomem(err);
	const float f32 = (float)v->f64;
	int64_t bits = v->i64;
	if (def->type == COL_BOOL) {
		memset(values, v->i64 != 0 ? 0xFF : 0, (size_t)(n + 7) / 8);
	} else if (col_type_width(def->type) == 4) {
		int32_t narrow = (int32_t)v->i64;
		if (def->type == COL_FLOAT) memcpy(&narrow, &f32, sizeof narrow);
		fill_32(narrow, n, values);
	} else {
		if (def->type == COL_DOUBLE) memcpy(&bits, &v->f64, sizeof bits);
		fill_64(bits, n, values);
	}
	out->values = values;
	return OK;
}
