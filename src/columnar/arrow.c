/* columnar/arrow.c: batches in the Arrow C data interface. Ownership follows its specification: a parent's release releases the children
 * that are still there, and a child that a consumer moved out lives on, so every array and schema owns its private block. Buffers are
 * shared, never copied, but for decimals, which are wider there. */
#include <stdatomic.h>
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

static void format_of(const struct column_def *c, char dst[FORMAT_BYTES])
{
	static const char *const formats[] = {[COL_BOOL] = "b",
		[COL_INT32] = "i",
		[COL_INT64] = "l",
		[COL_FLOAT] = "f",
		[COL_DOUBLE] = "g",
		[COL_STRING] = "u",
		[COL_BINARY] = "z",
		[COL_TIMESTAMP] = "tsu:UTC",
		[COL_DATE] = "tdD",
		[COL_LIST] = "+l",
		[COL_STRUCT] = "+s",
		[COL_MAP] = "+m"};
	if (c->type == COL_DECIMAL || c->type == COL_DECIMAL128)
		(void)snprintf(dst, FORMAT_BYTES, "d:%u,%u", (unsigned)c->precision, (unsigned)c->scale);
	else
		(void)snprintf(dst, FORMAT_BYTES, "%s", formats[c->type]);
}

static bool schema_struct(
	const struct column_def *const *defs, const bool *dictionary, size_t n, struct ArrowSchema *out);

/* Children of a list, a struct or a map; those of a map are the fields of one struct. Recurses COLUMN_DEPTH_MAX times at most. */
static bool schema_children(const struct column_def *def, struct ArrowSchema *out)
{
	const struct column_def *fields[TABLE_COLUMNS_MAX];
	struct ArrowSchema made;
	if (def->n_children > TABLE_COLUMNS_MAX) return false;
	for (size_t i = 0; i < def->n_children; i++) fields[i] = &def->children[i];
	if (!schema_struct(fields, NULL, def->n_children, &made)) return false;
	if (def->type == COL_MAP) { /* the keys of a map, and its entries, are never null */
		made.children[0]->flags = 0;
		made.name = "entries";
	}
	struct schema_private *to = out->private_data, *from = made.private_data;
	if (def->type != COL_MAP) { /* the children move to their parent */
		to->children = from->children;
		to->storage = from->storage;
		out->children = made.children;
		out->n_children = made.n_children;
		from->children = NULL;
		from->storage = NULL;
		made.n_children = 0;
		made.release(&made);
		return true;
	}
	to->children = mem_zalloc(1, sizeof *to->children);
	to->storage = mem_zalloc(1, sizeof *to->storage);
	if (to->children == NULL || to->storage == NULL) {
		made.release(&made);
		return false;
	}
	to->storage[0] = made;
	to->children[0] = to->storage;
	out->children = to->children;
	out->n_children = 1;
	return true;
}

static bool schema_column(const struct column_def *def, bool dictionary, struct ArrowSchema *out)
{
	struct schema_private *p = schema_init(out, def->name, def->nullable);
	if (p == NULL) return false;
	if (!dictionary) {
		format_of(def, p->format);
		if (!col_type_nested(def->type) || schema_children(def, out)) return true;
		out->release(out);
		return false;
	}
	p->format[0] = 'i';
	struct schema_private *values = schema_init(&p->dictionary, "", false);
	if (values == NULL) {
		out->release(out);
		return false;
	}
	format_of(def, values->format);
	out->dictionary = &p->dictionary;
	return true;
}

/* A struct of n columns; dictionary[i] (NULL: none is) tells those that are dictionaries of strings. */
static bool schema_struct(
	const struct column_def *const *defs, const bool *dictionary, size_t n, struct ArrowSchema *out)
{
	struct schema_private *p = schema_init(out, "", false);
	if (p == NULL) return false;
	p->format[0] = '+';
	p->format[1] = 's';
	p->children = mem_zalloc(n, sizeof *p->children);
	p->storage = mem_zalloc(n, sizeof *p->storage);
	bool ok = p->children != NULL && p->storage != NULL;
	out->children = p->children;
	for (size_t i = 0; ok && i < n; i++) {
		ok = schema_column(defs[i], dictionary != NULL && dictionary[i], &p->storage[i]);
		if (!ok) break;
		p->children[i] = &p->storage[i];
		out->n_children = (int64_t)i + 1;
	}
	if (!ok) out->release(out);
	return ok;
}

status schema_export(const struct column_def *const *defs, size_t n, struct ArrowSchema *out, struct err *err)
{
	if (!schema_struct(defs, NULL, n, out)) return fail_nomem(err);
	return OK;
}

/* Names and types of a batch; columns without a schema are called by their numbers. */
static bool schema_batch(const struct batch *b, struct ArrowSchema *out)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct column_def *made = ARENA_ZNEW(&arena, struct column_def, b->n_columns);
	const struct column_def **defs = ARENA_NEW(&arena, const struct column_def *, b->n_columns);
	bool *dictionary = ARENA_NEW(&arena, bool, b->n_columns);
	bool ok = made != NULL && defs != NULL && dictionary != NULL;
	for (size_t i = 0; ok && i < b->n_columns; i++) {
		const struct column *c = &b->columns[i];
		made[i] = (struct column_def){
			.name = b->schema != NULL ? b->schema->columns[i].name : arena_printf(&arena, "%zu", i),
			.type = c->type,
			.precision = c->precision,
			.scale = c->scale,
			.nullable = b->schema == NULL || b->schema->columns[i].nullable,
			.children = b->schema != NULL ? b->schema->columns[i].children : NULL,
			.n_children = b->schema != NULL ? b->schema->columns[i].n_children : 0};
		defs[i] = &made[i];
		dictionary[i] = c->dict != NULL;
		ok = made[i].name != NULL;
	}
	ok = ok && schema_struct(defs, dictionary, b->n_columns, out);
	arena_deinit(&arena);
	return ok;
}

/* ---- export: array ---- */

/* Memory that the arrays of one batch share; children may outlive their parent, in another thread. */
struct array_owner {
	_Atomic size_t users;
	struct arena arena;
};

static void owner_leave(struct array_owner *o)
{
	if (o == NULL || atomic_fetch_sub(&o->users, 1) != 1) return;
	arena_deinit(&o->arena);
	mem_free(o);
}

struct array_private {
	struct array_owner *owner; /* of the buffers; NULL = somebody else */
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
	owner_leave(p->owner);
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

static bool array_children(const struct column *columns, size_t n, struct ArrowArray *out);

/* A list, a struct or a map. Recurses COLUMN_DEPTH_MAX times at most. */
static bool array_nested(const struct column *c, struct ArrowArray *out)
{
	struct array_private *p = array_init(out, c->n, c->validity == NULL ? 0 : c->n_null);
	if (p == NULL) return false;
	p->buffers[0] = c->validity;
	out->n_buffers = 1;
	bool ok = true;
	if (c->type != COL_STRUCT) {
		p->buffers[1] = c->offsets != NULL ? c->offsets : no_offsets;
		out->n_buffers = 2;
	}
	if (c->type != COL_MAP) {
		ok = array_children(c->children, c->n_children, out);
	} else { /* keys and values are the fields of one struct */
		const struct column entries = {.type = COL_STRUCT,
			.n = c->n_children > 0 ? c->children[0].n : 0,
			.children = c->children,
			.n_children = c->n_children};
		ok = array_children(&entries, 1, out);
	}
	if (!ok) out->release(out);
	return ok;
}

static bool array_column(const struct column *c, struct ArrowArray *out)
{
	if (col_type_nested(c->type)) return array_nested(c, out);
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

static bool array_children(const struct column *columns, size_t n, struct ArrowArray *out)
{
	struct array_private *p = out->private_data;
	p->children = mem_zalloc(n, sizeof *p->children);
	p->storage = mem_zalloc(n, sizeof *p->storage);
	if (p->children == NULL || p->storage == NULL) return false;
	out->children = p->children;
	for (size_t i = 0; i < n; i++) {
		if (!array_column(&columns[i], &p->storage[i])) return false;
		p->children[i] = &p->storage[i];
		out->n_children = (int64_t)i + 1;
	}
	return true;
}

static bool array_batch(const struct batch *b, struct ArrowArray *out)
{
	if (array_init(out, b->n_rows, 0) == NULL) return false;
	out->n_buffers = 1; /* validity of the struct itself: all rows are */
	if (array_children(b->columns, b->n_columns, out)) return true;
	out->release(out);
	return false;
}

status batch_export(const struct batch *b, struct ArrowSchema *schema, struct ArrowArray *array, struct err *err)
{
	struct ArrowSchema made;
	if (!schema_batch(b, &made)) return fail_nomem(err);
	if (!array_batch(b, array)) {
		made.release(&made);
		return fail_nomem(err);
	}
	*schema = made;
	return OK;
}

static void own(struct ArrowArray *a, struct array_owner *owner)
{
	struct array_private *p = a->private_data;
	p->owner = owner;
	owner->users++;
	if (a->dictionary != NULL) own(a->dictionary, owner);
	for (int64_t i = 0; i < a->n_children; i++) own(a->children[i], owner);
}

status batch_export_owned(const struct batch *b, struct arena *arena, struct ArrowArray *out, struct err *err)
{
	struct array_owner *owner = mem_zalloc(1, sizeof *owner);
	if (owner == NULL || !array_batch(b, out)) {
		mem_free(owner);
		return fail_nomem(err);
	}
	own(out, owner);
	owner->arena = *arena;
	*arena = (struct arena){.limit = arena->limit};
	return OK;
}
