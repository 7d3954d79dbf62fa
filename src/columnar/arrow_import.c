/* columnar/arrow_import.c: the Arrow C data interface from the other side: arrays of any producer as batches. What has our layout is
 * viewed, the rest is converted into the arena: 64-bit offsets, string views, narrow and unsigned integers, other units of time,
 * decimals. Offsets of lists are copied, to begin at 0, so that only the elements of the rows at hand are taken; what
 * recurses over types goes COLUMN_DEPTH_MAX deep at most. The producer is trusted about the sizes of its buffers, as the interface has none; not about its values. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/time.h"
#include "columnar/batch.h"

static const int32_t no_offsets[1] = {0};
static const uint8_t no_data[1] = {0};

enum { VIEW_BYTES = 16, VIEW_INLINE_MAX = 12 };

/* An array seen from row `offset` on. */
struct source {
	const struct ArrowSchema *schema;
	const struct ArrowArray *array;
	int64_t offset, n;
	unsigned depth; /* 0: a column of the batch */
};

static const char *name_of(const struct source *s)
{
	return s->schema->name != NULL ? s->schema->name : "";
}

/* "d:precision,scale", optionally ",128". */
static bool decimal_parse(const char *format, struct column *out)
{
	unsigned precision, scale, bits = 128;
	char rest;
	const int n = sscanf(format, "d:%2u,%2u,%3u%c", &precision, &scale, &bits, &rest);
	if ((n != 2 && n != 3) || bits != 128 || precision < 1 || precision > 18 || scale > precision) return false;
	out->type = COL_DECIMAL;
	out->precision = (uint8_t)precision;
	out->scale = (uint8_t)scale;
	return true;
}

/* How the values of a format become those of a column type. */
enum layout {
	AS_IS,
	FROM_I8,
	FROM_U8,
	FROM_I16,
	FROM_U16,
	FROM_U32,
	FROM_U64,
	FROM_SECONDS,
	FROM_MILLIS,
	FROM_NANOS,
	FROM_DATE64,
	LARGE_OFFSETS,
	STRING_VIEWS,
};

static bool time_parse_format(const char *format, struct column *out, enum layout *layout)
{
	if (strncmp(format, "ts", 2) != 0 || format[2] == '\0' || format[3] != ':') return false;
	switch (format[2]) {
	case 's': *layout = FROM_SECONDS; break;
	case 'm': *layout = FROM_MILLIS; break;
	case 'u': *layout = AS_IS; break;
	case 'n': *layout = FROM_NANOS; break;
	default: return false;
	}
	out->type = COL_TIMESTAMP; /* with any zone the values are UTC; without, they are taken so */
	return true;
}

static bool format_parse(const char *format, struct column *out, enum layout *layout)
{
	static const struct {
		const char *format;
		enum col_type type;
		enum layout layout;
	} known[] = {{"b", COL_BOOL, AS_IS}, {"c", COL_INT32, FROM_I8}, {"C", COL_INT32, FROM_U8},
		{"s", COL_INT32, FROM_I16}, {"S", COL_INT32, FROM_U16}, {"i", COL_INT32, AS_IS},
		{"I", COL_INT64, FROM_U32}, {"l", COL_INT64, AS_IS}, {"L", COL_INT64, FROM_U64},
		{"f", COL_FLOAT, AS_IS}, {"g", COL_DOUBLE, AS_IS}, {"u", COL_STRING, AS_IS},
		{"U", COL_STRING, LARGE_OFFSETS}, {"vu", COL_STRING, STRING_VIEWS}, {"z", COL_BINARY, AS_IS},
		{"Z", COL_BINARY, LARGE_OFFSETS}, {"vz", COL_BINARY, STRING_VIEWS}, {"tdD", COL_DATE, AS_IS},
		{"tdm", COL_DATE, FROM_DATE64}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(format, known[i].format) != 0) continue;
		out->type = known[i].type;
		*layout = known[i].layout;
		return true;
	}
	*layout = AS_IS;
	return time_parse_format(format, out, layout) || decimal_parse(format, out);
}

/* Bits from `offset` on as a bitmap from bit 0 on: a view when they are whole bytes. NULL: out of memory. */
static const uint8_t *bits_from(const uint8_t *bits, int64_t offset, int64_t n, struct arena *arena)
{
	if (offset % 8 == 0) return bits + offset / 8;
	uint8_t *out = arena_zalloc(arena, (size_t)(n + 7) / 8, 8);
	if (out == NULL) return NULL;
	for (int64_t i = 0; i < n; i++)
		if (bit_get(bits, offset + i)) bit_set(out, i);
	return out;
}

static status import_validity(const struct source *s, struct arena *arena, struct column *out, struct err *err)
{
	const uint8_t *bits = s->array->buffers[0];
	out->n = s->n;
	if (bits == NULL || s->array->null_count == 0) return OK;
	out->validity = bits_from(bits, s->offset, s->n, arena);
	if (out->validity == NULL) return fail_nomem(err);
	out->n_null = s->offset == 0 && s->n == s->array->length ? s->array->null_count : -1;
	return OK;
}

static status import_strings(const struct source *s, struct column *out, struct err *err)
{
	const int32_t *offsets = s->n > 0 ? s->array->buffers[1] : NULL; /* of no rows, a buffer may have no bytes */
	out->data = s->array->buffers[2] != NULL ? s->array->buffers[2] : no_data;
	out->offsets = offsets != NULL ? offsets + s->offset : no_offsets;
	if (offsets == NULL && s->n > 0) return fail(err, E_CORRUPT, "column %s: no offsets", name_of(s));
	if (out->offsets[0] < 0) return fail(err, E_CORRUPT, "column %s: offset %d", name_of(s), (int)out->offsets[0]);
	for (int64_t i = 0; i < s->n; i++)
		if (out->offsets[i + 1] < out->offsets[i])
			return fail(err, E_CORRUPT, "column %s: offsets fall from %d to %d", name_of(s),
				(int)out->offsets[i], (int)out->offsets[i + 1]);
	return OK;
}

static status import_decimals(const struct source *s, struct arena *arena, struct column *out, struct err *err)
{
	const int64_t *from = (const int64_t *)s->array->buffers[1] + 2 * s->offset;
	int64_t *to = ARENA_NEW(arena, int64_t, s->n + 1);
	if (to == NULL) return fail_nomem(err);
	for (int64_t i = 0; i < s->n; i++) {
		to[i] = from[2 * i];
		if (column_valid(out, i) && from[2 * i + 1] != (to[i] < 0 ? -1 : 0))
			return fail(err, E_CORRUPT, "column %s: row %lld has more than 18 digits", name_of(s),
				(long long)i);
	}
	out->values = to;
	return OK;
}

static status too_long(const struct source *s, struct err *err)
{
	return fail(err, E_LIMIT, "column %s: over 2 GiB of text in one batch; send smaller ones", name_of(s));
}

static status import_large_strings(const struct source *s, struct arena *arena, struct column *out, struct err *err)
{
	const int64_t *from = s->array->buffers[1];
	out->data = s->array->buffers[2] != NULL ? s->array->buffers[2] : no_data;
	out->offsets = no_offsets;
	if (from == NULL && s->n > 0) return fail(err, E_CORRUPT, "column %s: no offsets", name_of(s));
	if (from == NULL) return OK;
	from += s->offset;
	int32_t *to = ARENA_NEW(arena, int32_t, s->n + 1);
	if (to == NULL) return fail_nomem(err);
	if (from[0] < 0) return fail(err, E_CORRUPT, "column %s: offset %lld", name_of(s), (long long)from[0]);
	for (int64_t i = 0; i < s->n; i++)
		if (from[i + 1] < from[i])
			return fail(err, E_CORRUPT, "column %s: offsets fall from %lld to %lld", name_of(s),
				(long long)from[i], (long long)from[i + 1]);
	if (from[s->n] - from[0] > INT32_MAX) return too_long(s, err);
	for (int64_t i = 0; i <= s->n; i++) to[i] = (int32_t)(from[i] - from[0]);
	out->data += from[0];
	out->offsets = to;
	return OK;
}

/* The bytes of one view: up to 12 in the view itself, more in one of the array's data buffers, whose sizes come last. */
static status view_bytes(const struct source *s, const uint8_t *view, struct str *out, struct err *err)
{
	int32_t field[4];
	memcpy(field, view, sizeof field);
	const int64_t n_data = s->array->n_buffers - 3;
	const int64_t *sizes = s->array->buffers[s->array->n_buffers - 1];
	if (field[0] >= 0 && field[0] <= VIEW_INLINE_MAX) {
		*out = (struct str){(const char *)view + 4, (size_t)field[0]};
		return OK;
	}
	if (field[0] < 0 || field[2] < 0 || field[2] >= n_data || field[3] < 0 || sizes == NULL ||
		(int64_t)field[3] + field[0] > sizes[field[2]])
		return fail(err, E_CORRUPT, "column %s: a string of %d bytes at byte %d of buffer %d", name_of(s),
			(int)field[0], (int)field[3], (int)field[2]);
	*out = (struct str){(const char *)s->array->buffers[2 + field[2]] + field[3], (size_t)field[0]};
	return OK;
}

static status import_views(const struct source *s, struct arena *arena, struct column *out, struct err *err)
{
	const uint8_t *views = s->array->buffers[1];
	if (views == NULL && s->n > 0) return fail(err, E_CORRUPT, "column %s: no values", name_of(s));
	int32_t *offsets = ARENA_NEW(arena, int32_t, s->n + 1);
	if (offsets == NULL) return fail_nomem(err);
	int64_t total = 0;
	struct str text;
	offsets[0] = 0;
	for (int64_t i = 0; i < s->n; i++) {
		text.n = 0;
		if (column_valid(out, i)) TRY(view_bytes(s, views + (s->offset + i) * VIEW_BYTES, &text, err));
		total += (int64_t)text.n;
		if (total > INT32_MAX) return too_long(s, err);
		offsets[i + 1] = (int32_t)total;
	}
	uint8_t *data = ARENA_NEW(arena, uint8_t, total + 1);
	if (data == NULL) return fail_nomem(err);
	for (int64_t i = 0; i < s->n; i++) {
		if (!column_valid(out, i)) continue;
		TRY(view_bytes(s, views + (s->offset + i) * VIEW_BYTES, &text, err));
		memcpy(data + offsets[i], text.p, text.n);
	}
	out->offsets = offsets;
	out->data = data;
	return OK;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* One value as stored by a producer; *ok = false where the column type has no room for it. */
static int64_t value_at(const void *values, enum layout layout, int64_t i, bool *ok)
{
	int64_t v = 0;
	switch (layout) {
	case FROM_I8: return ((const int8_t *)values)[i];
	case FROM_U8: return ((const uint8_t *)values)[i];
	case FROM_I16: return ((const int16_t *)values)[i];
	case FROM_U16: return ((const uint16_t *)values)[i];
	case FROM_U32: return ((const uint32_t *)values)[i];
	case FROM_SECONDS: *ok = !__builtin_mul_overflow(((const int64_t *)values)[i], US_PER_SECOND, &v); return v;
	case FROM_MILLIS: *ok = !__builtin_mul_overflow(((const int64_t *)values)[i], INT64_C(1000), &v); return v;
	case FROM_NANOS: return floor_div(((const int64_t *)values)[i], 1000);
	case FROM_DATE64:
		v = floor_div(((const int64_t *)values)[i], US_PER_DAY / 1000);
		*ok = v >= INT32_MIN && v <= INT32_MAX;
		return v;
	default:
		v = ((const int64_t *)values)[i];
		*ok = v >= 0;
		return v; /* FROM_U64 */
	}
}

static status import_converted(
	const struct source *s, enum layout layout, struct arena *arena, struct column *out, struct err *err)
{
	const bool narrow = col_type_width(out->type) == 4;
	void *to = arena_alloc(arena, (size_t)(s->n + 1) * (narrow ? 4 : 8), 8);
	if (to == NULL) return fail_nomem(err);
	for (int64_t i = 0; i < s->n; i++) {
		bool ok = true;
		int64_t v = column_valid(out, i) ? value_at(s->array->buffers[1], layout, s->offset + i, &ok) : 0;
		if (!ok)
			return fail(err, E_UNSUPPORTED, "unsupported: column %s: row %lld is out of the range of %s",
				name_of(s), (long long)i, col_type_name(out->type));
		if (narrow)
			((int32_t *)to)[i] = (int32_t)v;
		else
			((int64_t *)to)[i] = v;
	}
	out->values = to;
	return OK;
}

static status import_fixed(
	const struct source *s, enum layout layout, struct arena *arena, struct column *out, struct err *err)
{
	const uint8_t *values = s->array->buffers[1];
	if (values == NULL && s->n > 0) return fail(err, E_CORRUPT, "column %s: no values", name_of(s));
	if (values == NULL) return OK;
	if (layout != AS_IS) return import_converted(s, layout, arena, out, err);
	if (out->type == COL_DECIMAL) return import_decimals(s, arena, out, err);
	if (out->type != COL_BOOL) {
		out->values = values + (size_t)s->offset * col_type_width(out->type);
		return OK;
	}
	out->values = bits_from(values, s->offset, s->n, arena);
	return out->values != NULL ? OK : fail_nomem(err);
}

static status unsupported_format(const char *format, const char *name, struct err *err)
{
	return fail(err, E_UNSUPPORTED, "unsupported: Arrow format \"%s\" of column %s", format, name);
}

static bool import_nested_type(const char *format, enum col_type *type)
{
	if (strcmp(format, "+l") == 0 || strcmp(format, "+L") == 0)
		*type = COL_LIST;
	else if (strcmp(format, "+s") == 0)
		*type = COL_STRUCT;
	else if (strcmp(format, "+m") == 0)
		*type = COL_MAP;
	else
		return false;
	return true;
}

/* ---- lists, structs, maps --------------------------------------------------------------------------------------------------------- */

/* The schema whose children are the parts: of a map that of its entries. NULL: it is none. */
static const struct ArrowSchema *parts_of(const struct ArrowSchema *schema, enum col_type type)
{
	const struct ArrowSchema *of = schema;
	if (type == COL_MAP) of = schema->n_children == 1 ? schema->children[0] : NULL;
	if (of == NULL || of->n_children < 1 || of->n_children > TABLE_COLUMNS_MAX) return NULL;
	if (type == COL_MAP && (of->n_children != 2 || strcmp(of->format, "+s") != 0)) return NULL;
	return type != COL_LIST || of->n_children == 1 ? of : NULL;
}

static status import_column(const struct source *s, struct arena *arena, struct column *out, struct err *err);

static status corrupt(const struct source *s, const char *what, struct err *err)
{
	return fail(err, E_CORRUPT, "column %s: %s", name_of(s), what);
}

static int64_t offset_at(const struct source *s, int64_t i)
{
	const void *offsets = s->array->buffers[1];
	i += s->offset;
	return s->schema->format[1] == 'L' ? ((const int64_t *)offsets)[i] : ((const int32_t *)offsets)[i];
}

/* *first, *end: of the elements in the child. */
static status import_offsets(
	const struct source *s, struct arena *arena, struct column *out, int64_t *first, int64_t *end, struct err *err)
{
	int32_t *to = ARENA_ZNEW(arena, int32_t, s->n + 1);
	if (to == NULL) return fail_nomem(err);
	out->offsets = to;
	*first = *end = 0;
	if (s->n == 0) return OK; /* its buffer may have no bytes */
	if (s->array->buffers[1] == NULL) return corrupt(s, "no offsets", err);
	*first = *end = offset_at(s, 0);
	if (*first < 0) return corrupt(s, "an offset below 0", err);
	for (int64_t i = 1; i <= s->n; i++) {
		const int64_t next = offset_at(s, i);
		if (next < *end) return corrupt(s, "offsets that fall", err);
		if (next - *first > INT32_MAX)
			return fail(err, E_LIMIT, "column %s: over 2^31 elements in one batch; send smaller ones",
				name_of(s));
		*end = next;
		to[i] = (int32_t)(next - *first);
	}
	return OK;
}

/* Rows [from, from + n) of a child, counted without its own offset. */
static status child_source(
	const struct source *s, int64_t i, int64_t from, int64_t n, struct source *out, struct err *err)
{
	const struct ArrowArray *child = s->array->children[i];
	if (child->offset < 0 || child->length < from + n) return corrupt(s, "a child of too few rows", err);
	*out = (struct source){.schema = s->schema->children[i],
		.array = child,
		.offset = child->offset + from,
		.n = n,
		.depth = s->depth + 1};
	return OK;
}

static status import_parts(
	const struct source *s, int64_t from, int64_t n, struct arena *arena, struct column *out, struct err *err)
{
	const size_t n_children = (size_t)s->schema->n_children;
	struct column *children = ARENA_ZNEW(arena, struct column, n_children);
	if (children == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n_children; i++) {
		struct source child;
		TRY(child_source(s, (int64_t)i, from, n, &child, err));
		TRY(import_column(&child, arena, &children[i], err));
	}
	out->children = children;
	out->n_children = n_children;
	return OK;
}

/* The pairs of a map are the rows of a struct that is never null. */
static status import_entries(
	const struct source *s, int64_t from, int64_t n, struct arena *arena, struct column *out, struct err *err)
{
	struct source entries = {0};
	TRY(child_source(s, 0, from, n, &entries, err));
	if (entries.array->n_children != entries.schema->n_children) return corrupt(s, "a map without its pairs", err);
	return import_parts(&entries, entries.offset, n, arena, out, err);
}

static status import_nested(
	const struct source *s, enum col_type type, struct arena *arena, struct column *out, struct err *err)
{
	struct column c = {.type = type};
	int64_t first = 0, end = 0;
	if (s->depth >= COLUMN_DEPTH_MAX || parts_of(s->schema, type) == NULL)
		return fail(err, E_UNSUPPORTED, "unsupported: column %s: Arrow format \"%s\" of %lld children",
			name_of(s), s->schema->format, (long long)s->schema->n_children);
	if (s->array->n_children != s->schema->n_children) return corrupt(s, "other children than its schema has", err);
	if (s->array->n_buffers != (type == COL_STRUCT ? 1 : 2)) return corrupt(s, "another number of buffers", err);
	TRY(import_validity(s, arena, &c, err));
	if (type == COL_STRUCT) {
		TRY(import_parts(s, s->offset, s->n, arena, &c, err));
	} else {
		TRY(import_offsets(s, arena, &c, &first, &end, err));
		TRY(type == COL_MAP ? import_entries(s, first, end - first, arena, &c, err)
				    : import_parts(s, first, end - first, arena, &c, err));
	}
	*out = c;
	return OK;
}

static status import_plain(const struct source *s, struct arena *arena, struct column *out, struct err *err)
{
	struct column c = {0};
	enum layout layout;
	if (import_nested_type(s->schema->format, &c.type)) return import_nested(s, c.type, arena, out, err);
	if (!format_parse(s->schema->format, &c, &layout))
		return unsupported_format(s->schema->format, name_of(s), err);
	const bool strings = c.type == COL_STRING || c.type == COL_BINARY;
	const int64_t n_buffers = s->array->n_buffers;
	if (layout == STRING_VIEWS ? n_buffers < 3 : n_buffers != (strings ? 3 : 2))
		return fail(err, E_CORRUPT, "column %s: %lld buffers", name_of(s), (long long)n_buffers);
	TRY(import_validity(s, arena, &c, err));
	if (!strings)
		TRY(import_fixed(s, layout, arena, &c, err));
	else if (layout == STRING_VIEWS)
		TRY(import_views(s, arena, &c, err));
	else if (layout == LARGE_OFFSETS)
		TRY(import_large_strings(s, arena, &c, err));
	else
		TRY(import_strings(s, &c, err));
	*out = c;
	return OK;
}

/* Dictionary indices of any integer format; -1 for one that no int32 holds. */
static int64_t index_at(const void *values, char format, int64_t i)
{
	switch (format) {
	case 'c': return ((const int8_t *)values)[i];
	case 'C': return ((const uint8_t *)values)[i];
	case 's': return ((const int16_t *)values)[i];
	case 'S': return ((const uint16_t *)values)[i];
	case 'i': return ((const int32_t *)values)[i];
	case 'I': return ((const uint32_t *)values)[i];
	default: return ((const int64_t *)values)[i];
	}
}

static status import_indices(const struct source *s, struct arena *arena, struct column *c, struct err *err)
{
	const char *format = s->schema->format;
	if (strlen(format) != 1 || strchr("cCsSiIlL", format[0]) == NULL)
		return fail(
			err, E_UNSUPPORTED, "unsupported: dictionary indices \"%s\" of column %s", format, name_of(s));
	const void *values = s->array->buffers[1];
	if (values == NULL && s->n > 0) return fail(err, E_CORRUPT, "column %s: no indices", name_of(s));
	int32_t *indices = ARENA_NEW(arena, int32_t, s->n + 1);
	if (indices == NULL) return fail_nomem(err);
	for (int64_t i = 0; i < s->n; i++) {
		const int64_t index = column_valid(c, i) ? index_at(values, format[0], s->offset + i) : 0;
		if (column_valid(c, i) && (index < 0 || index >= c->dict->n))
			return fail(err, E_CORRUPT, "column %s: dictionary index %lld of %lld", name_of(s),
				(long long)index, (long long)c->dict->n);
		indices[i] = (int32_t)index;
	}
	c->values = indices;
	return OK;
}

static status import_dictionary(const struct source *s, struct arena *arena, struct column *out, struct err *err)
{
	const struct source values = {.schema = s->schema->dictionary,
		.array = s->array->dictionary,
		.offset = s->array->dictionary->offset,
		.n = s->array->dictionary->length};
	struct column *dict = ARENA_NEW(arena, struct column, 1);
	if (dict == NULL) return fail_nomem(err);
	TRY(import_plain(&values, arena, dict, err));
	if ((dict->type != COL_STRING && dict->type != COL_BINARY) || dict->validity != NULL)
		return fail(err, E_UNSUPPORTED,
			"unsupported: column %s: a dictionary of anything but strings without nulls", name_of(s));
	struct column c = {.type = dict->type, .dict = dict};
	if (s->array->n_buffers != 2)
		return fail(err, E_CORRUPT, "column %s: %lld buffers", name_of(s), (long long)s->array->n_buffers);
	TRY(import_validity(s, arena, &c, err));
	TRY(import_indices(s, arena, &c, err));
	*out = c;
	return OK;
}

static status import_column(const struct source *s, struct arena *arena, struct column *out, struct err *err)
{
	if ((s->schema->dictionary == NULL) != (s->array->dictionary == NULL))
		return fail(err, E_CORRUPT, "column %s: schema and array disagree about a dictionary", name_of(s));
	return s->schema->dictionary != NULL ? import_dictionary(s, arena, out, err) : import_plain(s, arena, out, err);
}

static status check_struct(const struct ArrowSchema *schema, const struct ArrowArray *array, struct err *err)
{
	if (strcmp(schema->format, "+s") != 0)
		return fail(err, E_UNSUPPORTED, "unsupported: Arrow format \"%s\" instead of a struct", schema->format);
	if (schema->n_children != array->n_children || array->n_children < 0 || array->length < 0 || array->offset < 0)
		return fail(err, E_CORRUPT, "Arrow struct: %lld children, its array %lld of %lld rows",
			(long long)schema->n_children, (long long)array->n_children, (long long)array->length);
	if (array->n_children > TABLE_COLUMNS_MAX)
		return fail(err, E_LIMIT, "Arrow struct: %lld columns, at most %d", (long long)array->n_children,
			(int)TABLE_COLUMNS_MAX);
	if (array->length > INT32_MAX) return fail(err, E_LIMIT, "Arrow struct: %lld rows", (long long)array->length);
	if (array->n_buffers > 0 && array->buffers[0] != NULL && array->null_count != 0)
		return fail(err, E_UNSUPPORTED, "unsupported: Arrow struct with null rows");
	for (int64_t i = 0; i < array->n_children; i++)
		if (array->children[i]->length < array->offset + array->length || array->children[i]->offset < 0)
			return fail(err, E_CORRUPT, "Arrow struct: column %lld has %lld rows, the struct %lld",
				(long long)i, (long long)array->children[i]->length,
				(long long)(array->offset + array->length));
	return OK;
}

static status import_def(
	const struct ArrowSchema *schema, struct arena *arena, unsigned depth, struct column_def *out, struct err *err);

/* The children of def, whose type is set. */
static status import_nested_def(
	const struct ArrowSchema *schema, struct arena *arena, unsigned depth, struct column_def *def, struct err *err)
{
	const char *name = schema->name != NULL ? schema->name : "";
	const struct ArrowSchema *parts = parts_of(schema, def->type);
	if (depth >= COLUMN_DEPTH_MAX)
		return fail(err, E_UNSUPPORTED, "unsupported: column %s: types nested over %d deep", name,
			COLUMN_DEPTH_MAX);
	if (parts == NULL)
		return fail(err, E_UNSUPPORTED, "unsupported: column %s: Arrow format \"%s\" of %lld children", name,
			schema->format, (long long)schema->n_children);
	const size_t n = (size_t)parts->n_children;
	struct column_def *children = ARENA_ZNEW(arena, struct column_def, n);
	if (children == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) TRY(import_def(parts->children[i], arena, depth + 1, &children[i], err));
	if (def->type == COL_MAP) children[0].nullable = false;
	def->children = children;
	def->n_children = n;
	return OK;
}

static status import_def(
	const struct ArrowSchema *schema, struct arena *arena, unsigned depth, struct column_def *out, struct err *err)
{
	const struct ArrowSchema *values = schema->dictionary != NULL ? schema->dictionary : schema;
	const char *name = schema->name != NULL ? schema->name : "";
	struct column c = {0};
	enum layout layout;
	const bool nested = import_nested_type(values->format, &c.type);
	if (!nested && !format_parse(values->format, &c, &layout)) return unsupported_format(values->format, name, err);
	*out = (struct column_def){.name = arena_strndup(arena, name, strlen(name)),
		.type = c.type,
		.precision = c.precision,
		.scale = c.scale,
		.nullable = (schema->flags & ARROW_FLAG_NULLABLE) != 0};
	if (out->name == NULL) return fail_nomem(err);
	return nested ? import_nested_def(values, arena, depth, out, err) : OK;
}

status schema_import(
	const struct ArrowSchema *schema, struct arena *arena, const struct table_schema **out, struct err *err)
{
	if (strcmp(schema->format, "+s") != 0)
		return fail(err, E_UNSUPPORTED, "unsupported: Arrow format \"%s\" instead of a struct", schema->format);
	if (schema->n_children < 0 || schema->n_children > TABLE_COLUMNS_MAX)
		return fail(err, E_LIMIT, "Arrow struct: %lld columns, at most %d", (long long)schema->n_children,
			(int)TABLE_COLUMNS_MAX);
	const size_t n = (size_t)schema->n_children;
	struct table_schema *made = ARENA_ZNEW(arena, struct table_schema, 1);
	struct column_def *defs = ARENA_ZNEW(arena, struct column_def, n);
	if (made == NULL || defs == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) TRY(import_def(schema->children[i], arena, 1, &defs[i], err));
	*made = (struct table_schema){.name = "arrow", .columns = defs, .n_columns = n};
	*out = made;
	return OK;
}

status batch_import(const struct ArrowSchema *schema, const struct ArrowArray *array, struct arena *arena,
	struct batch *out, struct err *err)
{
	TRY(check_struct(schema, array, err));
	const size_t n = (size_t)array->n_children;
	struct column *columns = ARENA_ZNEW(arena, struct column, n);
	if (columns == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		const struct ArrowArray *child = array->children[i];
		const struct source s = {.schema = schema->children[i],
			.array = child,
			.offset = array->offset + child->offset,
			.n = array->length};
		TRY(import_column(&s, arena, &columns[i], err));
	}
	const struct table_schema *made;
	TRY(schema_import(schema, arena, &made, err));
	*out = (struct batch){.schema = made, .n_columns = n, .columns = columns, .n_rows = array->length};
	return OK;
}
