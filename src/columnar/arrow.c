/* The Arrow C data interface. Ownership follows its specification: a parent's release releases the children that
 * are still there, and a child that a consumer moved out lives on, so every array and schema owns its private block. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "columnar/batch.h"

enum { FORMAT_BYTES = 16, ARRAY_BUFFERS_MAX = 3, DECIMAL128_BYTES = 16 };

static const int32_t no_offsets[1] = {0};
static const uint8_t no_data[1] = {0};

/* ---- export: schema ---- */

struct schema_private {
	char format[FORMAT_BYTES];
	struct ArrowSchema **children;
	struct ArrowSchema *storage; /* of the children */
	struct ArrowSchema dictionary;
	char name[];
};

static void schema_release(struct ArrowSchema *s)
{
	struct schema_private *p = s->private_data;
	for (int64_t i = 0; i < s->n_children; i++)
		if (s->children[i]->release != NULL) s->children[i]->release(s->children[i]);
	if (s->dictionary != NULL && s->dictionary->release != NULL) s->dictionary->release(s->dictionary);
	mem_free(p->children);
	mem_free(p->storage);
	mem_free(p);
	s->release = NULL;
}

static struct schema_private *schema_init(struct ArrowSchema *s, const char *name, bool nullable)
{
	const size_t n = strlen(name) + 1;
	struct schema_private *p = mem_zalloc(1, sizeof *p + n);
	if (p == NULL) return NULL;
	memcpy(p->name, name, n);
	*s = (struct ArrowSchema){.format = p->format,
		.name = p->name,
		.flags = nullable ? ARROW_FLAG_NULLABLE : 0,
		.release = schema_release,
		.private_data = p};
	return p;
}

static void format_of(const struct column *c, char dst[FORMAT_BYTES])
{
	static const char *const formats[] = {[COL_BOOL] = "b",
		[COL_INT32] = "i",
		[COL_INT64] = "l",
		[COL_FLOAT] = "f",
		[COL_DOUBLE] = "g",
		[COL_STRING] = "u",
		[COL_BINARY] = "z",
		[COL_TIMESTAMP] = "tsu:UTC",
		[COL_DATE] = "tdD"};
	if (c->type == COL_DECIMAL)
		(void)snprintf(dst, FORMAT_BYTES, "d:%u,%u", (unsigned)c->precision, (unsigned)c->scale);
	else
		(void)snprintf(dst, FORMAT_BYTES, "%s", formats[c->type]);
}

static bool schema_column(const struct column *c, const char *name, bool nullable, struct ArrowSchema *out)
{
	struct schema_private *p = schema_init(out, name, nullable);
	if (p == NULL) return false;
	if (c->dict == NULL) {
		format_of(c, p->format);
		return true;
	}
	p->format[0] = 'i';
	struct schema_private *values = schema_init(&p->dictionary, "", false);
	if (values == NULL) {
		out->release(out);
		return false;
	}
	format_of(c->dict, values->format);
	out->dictionary = &p->dictionary;
	return true;
}

static bool schema_batch(const struct batch *b, struct ArrowSchema *out)
{
	struct schema_private *p = schema_init(out, "", false);
	if (p == NULL) return false;
	p->format[0] = '+';
	p->format[1] = 's';
	p->children = mem_zalloc(b->n_columns, sizeof *p->children);
	p->storage = mem_zalloc(b->n_columns, sizeof *p->storage);
	bool ok = p->children != NULL && p->storage != NULL;
	out->children = p->children;
	for (size_t i = 0; ok && i < b->n_columns; i++) {
		char number[24];
		(void)snprintf(number, sizeof number, "%zu", i);
		const struct column_def *def = b->schema != NULL ? &b->schema->columns[i] : NULL;
		ok = schema_column(
			&b->columns[i], def != NULL ? def->name : number, def == NULL || def->nullable, &p->storage[i]);
		if (!ok) break;
		p->children[i] = &p->storage[i];
		out->n_children = (int64_t)i + 1;
	}
	if (!ok) out->release(out);
	return ok;
}

/* ---- export: array ---- */

struct array_private {
	const void *buffers[ARRAY_BUFFERS_MAX];
	void *copied; /* values that had to be widened */
	struct ArrowArray **children;
	struct ArrowArray *storage;
	struct ArrowArray dictionary;
};

static void array_release(struct ArrowArray *a)
{
	struct array_private *p = a->private_data;
	for (int64_t i = 0; i < a->n_children; i++)
		if (a->children[i]->release != NULL) a->children[i]->release(a->children[i]);
	if (a->dictionary != NULL && a->dictionary->release != NULL) a->dictionary->release(a->dictionary);
	mem_free(p->children);
	mem_free(p->storage);
	mem_free(p->copied);
	mem_free(p);
	a->release = NULL;
}

static struct array_private *array_init(struct ArrowArray *a, int64_t n, int64_t n_null)
{
	struct array_private *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return NULL;
	*a = (struct ArrowArray){
		.length = n, .null_count = n_null, .buffers = p->buffers, .release = array_release, .private_data = p};
	return p;
}

/* Decimals are 64-bit here and 128-bit there: sign extension. */
static bool widen_decimals(const struct column *c, struct array_private *p)
{
	const int64_t *from = c->values;
	int64_t *to = mem_zalloc((size_t)c->n + 1, DECIMAL128_BYTES);
	if (to == NULL) return false;
	for (int64_t i = 0; i < c->n; i++) {
		to[2 * i] = from[i];
		to[2 * i + 1] = from[i] < 0 ? -1 : 0;
	}
	p->copied = to;
	p->buffers[1] = to;
	return true;
}

static bool array_values(const struct column *c, struct ArrowArray *out)
{
	struct array_private *p = array_init(out, c->n, c->validity == NULL ? 0 : c->n_null);
	if (p == NULL) return false;
	p->buffers[0] = c->validity;
	out->n_buffers = 2;
	p->buffers[1] = c->values;
	if (c->dict == NULL && (c->type == COL_STRING || c->type == COL_BINARY)) {
		out->n_buffers = 3;
		p->buffers[1] = c->offsets != NULL ? c->offsets : no_offsets;
		p->buffers[2] = c->data != NULL ? c->data : no_data;
	} else if (c->type == COL_DECIMAL && !widen_decimals(c, p)) {
		out->release(out);
		return false;
	}
	return true;
}

static bool array_column(const struct column *c, struct ArrowArray *out)
{
	if (!array_values(c, out)) return false;
	if (c->dict == NULL) return true;
	struct array_private *p = out->private_data;
	if (!array_values(c->dict, &p->dictionary)) {
		out->release(out);
		return false;
	}
	out->dictionary = &p->dictionary;
	return true;
}

static bool array_batch(const struct batch *b, struct ArrowArray *out)
{
	struct array_private *p = array_init(out, b->n_rows, 0);
	if (p == NULL) return false;
	p->children = mem_zalloc(b->n_columns, sizeof *p->children);
	p->storage = mem_zalloc(b->n_columns, sizeof *p->storage);
	bool ok = p->children != NULL && p->storage != NULL;
	out->n_buffers = 1; /* validity of the struct itself: all rows are */
	out->children = p->children;
	for (size_t i = 0; ok && i < b->n_columns; i++) {
		ok = array_column(&b->columns[i], &p->storage[i]);
		if (!ok) break;
		p->children[i] = &p->storage[i];
		out->n_children = (int64_t)i + 1;
	}
	if (!ok) out->release(out);
	return ok;
}

status batch_export(const struct batch *b, struct ArrowSchema *schema, struct ArrowArray *array, struct err *err)
{
	struct ArrowSchema made;
	if (!schema_batch(b, &made))
		return fail(err, E_NOMEM, "out of memory exporting a batch of %zu columns", b->n_columns);
	if (!array_batch(b, array)) {
		made.release(&made);
		return fail(err, E_NOMEM, "out of memory exporting a batch of %zu columns", b->n_columns);
	}
	*schema = made;
	return OK;
}

/* ---- import ---- */

/* An array seen from row `offset` on. */
struct source {
	const struct ArrowSchema *schema;
	const struct ArrowArray *array;
	int64_t offset, n;
};

static status out_of_memory(struct err *err)
{
	return fail(err, E_NOMEM, "out of memory importing a batch");
}

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

static bool format_parse(const char *format, struct column *out)
{
	static const struct {
		const char *format;
		enum col_type type;
	} known[] = {{"b", COL_BOOL}, {"i", COL_INT32}, {"l", COL_INT64}, {"f", COL_FLOAT}, {"g", COL_DOUBLE},
		{"u", COL_STRING}, {"z", COL_BINARY}, {"tdD", COL_DATE}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(format, known[i].format) != 0) continue;
		out->type = known[i].type;
		return true;
	}
	if (strncmp(format, "tsu:", 4) == 0 &&
		format[4] != '\0') { /* with a zone the values are UTC; without, nobody knows */
		out->type = COL_TIMESTAMP;
		return true;
	}
	return decimal_parse(format, out);
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
	if (out->validity == NULL) return out_of_memory(err);
	out->n_null = s->offset == 0 && s->n == s->array->length ? s->array->null_count : -1;
	return OK;
}

static status import_strings(const struct source *s, struct column *out, struct err *err)
{
	const int32_t *offsets = s->array->buffers[1];
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
	if (to == NULL) return out_of_memory(err);
	for (int64_t i = 0; i < s->n; i++) {
		to[i] = from[2 * i];
		if (column_valid(out, i) && from[2 * i + 1] != (to[i] < 0 ? -1 : 0))
			return fail(err, E_CORRUPT, "column %s: row %lld has more than 18 digits", name_of(s),
				(long long)i);
	}
	out->values = to;
	return OK;
}

static status import_plain(const struct source *s, struct arena *arena, struct column *out, struct err *err)
{
	struct column c = {0};
	if (!format_parse(s->schema->format, &c))
		return fail(err, E_UNSUPPORTED, "unsupported: Arrow format \"%s\" of column %s", s->schema->format,
			name_of(s));
	const bool strings = c.type == COL_STRING || c.type == COL_BINARY;
	if (s->array->n_buffers != (strings ? 3 : 2))
		return fail(err, E_CORRUPT, "column %s: %lld buffers", name_of(s), (long long)s->array->n_buffers);
	TRY(import_validity(s, arena, &c, err));
	const uint8_t *values = s->array->buffers[1];
	if (!strings && values == NULL && s->n > 0) return fail(err, E_CORRUPT, "column %s: no values", name_of(s));
	if (strings) {
		TRY(import_strings(s, &c, err));
	} else if (values != NULL) {
		if (c.type == COL_DECIMAL) {
			TRY(import_decimals(s, arena, &c, err));
		} else if (c.type == COL_BOOL) {
			c.values = bits_from(values, s->offset, s->n, arena);
			if (c.values == NULL) return out_of_memory(err);
		} else {
			c.values = values + (size_t)s->offset * col_type_width(c.type);
		}
	}
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
	if (indices == NULL) return out_of_memory(err);
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
	if (dict == NULL) return out_of_memory(err);
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

/* The schema that the batch of a foreign producer gets: its names and types. */
static struct table_schema *schema_make(
	const struct ArrowSchema *schema, const struct column *columns, size_t n, struct arena *arena)
{
	struct table_schema *out = ARENA_ZNEW(arena, struct table_schema, 1);
	struct column_def *defs = ARENA_ZNEW(arena, struct column_def, n);
	if (out == NULL || defs == NULL) return NULL;
	for (size_t i = 0; i < n; i++) {
		const struct ArrowSchema *child = schema->children[i];
		const char *name = child->name != NULL ? child->name : "";
		defs[i] = (struct column_def){.name = arena_strndup(arena, name, strlen(name)),
			.type = columns[i].type,
			.precision = columns[i].precision,
			.scale = columns[i].scale,
			.nullable = (child->flags & ARROW_FLAG_NULLABLE) != 0};
		if (defs[i].name == NULL) return NULL;
	}
	*out = (struct table_schema){.name = "arrow", .columns = defs, .n_columns = n};
	return out;
}

status batch_import(const struct ArrowSchema *schema, const struct ArrowArray *array, struct arena *arena,
	struct batch *out, struct err *err)
{
	TRY(check_struct(schema, array, err));
	const size_t n = (size_t)array->n_children;
	struct column *columns = ARENA_ZNEW(arena, struct column, n);
	if (columns == NULL) return out_of_memory(err);
	for (size_t i = 0; i < n; i++) {
		const struct ArrowArray *child = array->children[i];
		const struct source s = {.schema = schema->children[i],
			.array = child,
			.offset = array->offset + child->offset,
			.n = array->length};
		TRY(import_column(&s, arena, &columns[i], err));
	}
	const struct table_schema *made = schema_make(schema, columns, n, arena);
	if (made == NULL) return out_of_memory(err);
	*out = (struct batch){.schema = made, .n_columns = n, .columns = columns, .n_rows = array->length};
	return OK;
}
