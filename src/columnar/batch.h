/* columnar/batch.h: record batches in Arrow's layout.
 *
 * `struct column` is one Arrow array seen through typed pointers; batch_export and batch_import convert to and
 * from the Arrow C Data Interface without copying values. A batch views its buffers unless its header comment
 * says otherwise. A builder owns growable buffers in the same layout; reset keeps their capacity.
 */
#ifndef PQR_COLUMNAR_BATCH_H
#define PQR_COLUMNAR_BATCH_H

#include "base/arena.h"
#include "base/buf.h"
#include "columnar/arrow_abi.h"
#include "columnar/schema.h"

struct column {
	enum col_type type;
	uint8_t precision, scale;
	int64_t n;
	int64_t n_null;          /* -1 = not counted */
	const uint8_t *validity; /* ceil(n/8) bytes, LSB first, 1 = valid; NULL = no nulls */
	const void *values;      /* fixed-width values, or int32_t dictionary indices when dict != NULL; bool: bitmap */
	const int32_t *offsets; /* string, binary without dict: n + 1 offsets into data; list, map: into the children */
	const uint8_t *data;
	const struct column *dict;     /* string values of the indices; dict->dict == NULL; NULL = plain */
	const struct column *children; /* list: the element; struct: its fields; map: keys, values */
	size_t n_children;
};

struct batch {
	const struct table_schema *schema; /* may be NULL when read from a foreign file */
	size_t n_columns;
	struct column *columns;
	int64_t n_rows;
};

static inline bool bit_get(const uint8_t *bits, int64_t i)
{
	return (bits[i >> 3] >> (i & 7)) & 1;
}
static inline void bit_set(uint8_t *bits, int64_t i)
{
	bits[i >> 3] = (uint8_t)(bits[i >> 3] | (1u << (i & 7)));
}
static inline bool column_valid(const struct column *c, int64_t i)
{
	return c->validity == NULL || bit_get(c->validity, i);
}
/* String value i; the row must be valid. */
static inline struct str column_str(const struct column *c, int64_t i)
{
	if (c->dict != NULL) {
		i = ((const int32_t *)c->values)[i];
		c = c->dict;
	}
	return (struct str){(const char *)c->data + c->offsets[i], (size_t)(c->offsets[i + 1] - c->offsets[i])};
}

/* A struct array with one child per column, sharing the batch's buffers: *array is valid until those buffers change.
 * release frees only the interface structs. Decimals are exported as decimal128 (values copied). E_NOMEM. */
status batch_export(
	const struct batch *b, struct ArrowSchema *schema, struct ArrowArray *array, struct err *err) MUST_USE;
/* The array alone, which owns what b views: arena moves into it and is freed when the array and every child that was moved out
 * of it are released, in any order and thread. On failure arena stays. */
status batch_export_owned(const struct batch *b, struct arena *arena, struct ArrowArray *out, struct err *err) MUST_USE;
/* The struct type of such arrays with plain strings. Copies. */
status schema_export(const struct column_def *const *defs, size_t n, struct ArrowSchema *out, struct err *err) MUST_USE;
/* Views a struct array; *out and its columns live in arena. Integers of 8 and 16 bits become int32, unsigned ones of 32 and 64
 * bits int64, other units of time microseconds (nanoseconds floored; a timestamp without a zone is taken as UTC), large and
 * view strings plain ones, large lists too. E_UNSUPPORTED for formats without a col_type and values without room; E_LIMIT: over 2 GiB of text. */
status batch_import(const struct ArrowSchema *schema, const struct ArrowArray *array, struct arena *arena,
	struct batch *out, struct err *err) MUST_USE;
/* The names and types that batch_import gives, in arena. */
status schema_import(const struct ArrowSchema *schema, struct arena *arena, const struct table_schema **out,
	struct err *err) MUST_USE;

/* Rows rows[0..n) of c as a column of its own in arena, strings plain. rows == NULL: all, n == c->n, and what is plain already is
 * viewed, not copied. E_LIMIT: over 2 GiB of text. */
status gather_column(const struct column *c, const uint32_t *rows, int64_t n, struct arena *arena, struct column *out,
	struct err *err) MUST_USE;

/* ---- builders ---------------------------------------------------------------------------------------------
 * Rows are set in increasing order; a row that is never set is null. Failure (memory) poisons the builder and is
 * reported by builder_finish, so the setters need no check. */
struct builder {
	enum col_type type;
	uint8_t precision, scale;
	bool dictionary; /* strings are interned; values become int32 indices */
	bool failed;
	int64_t n; /* rows covered so far: last row set + 1 */
	int64_t n_set;
	int64_t cap; /* rows the buffers have room for */
	uint8_t *validity;
	void *values;
	int32_t *offsets;
	uint8_t *data;
	size_t data_n, data_cap;
	/* dictionary only */
	int32_t dict_n;
	int32_t *dict_offsets; /* [dict_n + 1] */
	size_t dict_cap;       /* of them */
	uint8_t *dict_data;
	size_t dict_data_n, dict_data_cap;
	uint32_t *slots; /* open addressing, index + 1 */
	uint32_t slots_mask;
	struct column dict_column; /* what finish hands out */
	/* list, struct, map only; data_n counts the rows of a list's child */
	const struct column_def *fields; /* [n_children] the def's, viewed */
	struct builder *children;        /* [n_children] made with the first row */
	struct column *views;            /* of them, as finish hands them out */
	size_t n_children;
};

/* Views def's children until deinit. */
void builder_init(struct builder *b, const struct column_def *def, bool dictionary);
void builder_deinit(struct builder *b);
void builder_reset(struct builder *b);                /* no rows, empty dictionary, capacity kept */
bool builder_grow(struct builder *b, int64_t rows);   /* room for rows rows; zero validity bits beyond n */
void builder_expect(struct builder *b, int64_t rows); /* room for about `rows` in all, texts as long as those so far */
void builder_fill_offsets(struct builder *b, int64_t row);  /* null rows b->n .. row-1 */
uint8_t *builder_data_reserve(struct builder *b, size_t n); /* n more string bytes, or NULL */
int32_t builder_intern(struct builder *b, struct str s);    /* dictionary index of s; -1 on failure */

/* Value setters. row >= b->n. */
static inline bool builder_row(struct builder *b, int64_t row)
{
	if (row >= b->cap && !builder_grow(b, row + 1)) return false;
	bit_set(b->validity, row);
	b->n_set++;
	return true;
}
static inline void builder_set_i32(struct builder *b, int64_t row, int32_t v)
{
	if (!builder_row(b, row)) return;
	((int32_t *)b->values)[row] = v;
	b->n = row + 1;
}
static inline void builder_set_i64(struct builder *b, int64_t row, int64_t v)
{
	if (!builder_row(b, row)) return;
	((int64_t *)b->values)[row] = v;
	b->n = row + 1;
}
static inline void builder_set_str(struct builder *b, int64_t row, struct str s)
{
	if (b->dictionary) {
		const int32_t index = builder_intern(b, s);
		if (index >= 0) builder_set_i32(b, row, index);
		return;
	}
	uint8_t *dst = builder_data_reserve(b, s.n);
	if (dst == NULL || !builder_row(b, row)) return;
	if (b->n < row) builder_fill_offsets(b, row);
	memcpy(dst, s.p, s.n);
	b->data_n += s.n;
	b->offsets[row + 1] = (int32_t)b->data_n;
	b->n = row + 1;
}
/* A struct: its fields are then set at the same row of b->children; those that are not are null. false: it failed, and may have none. */
static inline bool builder_set_struct(struct builder *b, int64_t row)
{
	if (!builder_row(b, row)) return false;
	b->n = row + 1;
	return true;
}
/* A list of n elements, or a map of n pairs: they are then set in b->children from the returned row on. -1: it failed. */
int64_t builder_set_list(struct builder *b, int64_t row, int32_t n);
/* Rows rows[0..n) of c, whose type is b's, as rows at.. of b. Of one that is null nothing is copied. */
void builder_add(struct builder *b, int64_t at, const struct column *c, const uint32_t *rows, uint32_t n);
/* Bytes of its strings, and of all below it that is nested. */
size_t builder_data_bytes(const struct builder *b);
/* Views the builder's buffers as a column of exactly `rows` rows (trailing rows null) until its next change. */
status builder_finish(struct builder *b, int64_t rows, struct column *out, struct err *err) MUST_USE;

#endif
