/* parquet/write/shred.c: a nested column to the levels and values of its leaves.
 *
 *   rows of the column -> entries of each node below it, level by level -> entries of a leaf: (definition, repetition, row of the leaf)
 *
 * Dremel's encoding, as in https://parquet.apache.org/docs/file-format/nestedencoding/ : a definition level counts the optional and
 * repeated nodes that are there, a repetition level tells the list that an entry continues, 0 a new row. A node turns the entries of the
 * node above it into its own: what is null, or an empty list, stays one entry without a row; a list with elements becomes one each.
 *
 * Invariants: 1. entries of a depth stand until the next node of that depth. 2. What a null leaves below it is never looked at. Recursion
 * goes COLUMN_DEPTH_MAX deep at most. Must not know pages.
 */
#include <string.h>

#include "base/alloc.h"
#include "parquet/write/writer_int.h"

#define NO_ROW UINT32_MAX /* cut off above */

/* Of one node; def and rep NULL: all 0. */
struct entries {
	const uint32_t *rows; /* of the node's column, or NO_ROW */
	const uint8_t *def, *rep;
	uint32_t n;
};

struct writer_shred {
	struct shred_depth {
		struct buf rows, def, rep;
	} depths[COLUMN_DEPTH_MAX + 1];
	struct writer_selection selection; /* of the leaf at hand */
};

/* A node of the tree, and the column of its values. */
struct node {
	const struct column_def *def;
	const struct column *column;
	unsigned depth;
	uint8_t lists; /* around it, and itself */
};

/* One column being shredded. */
struct shredding {
	struct parquet_writer *w;
	const struct writer_leaf *leaf; /* the next one */
	const char *column;
};

static void bufs_each(struct writer_shred *s, void (*each)(struct buf *b))
{
	for (size_t i = 0; i < sizeof s->depths / sizeof *s->depths; i++) {
		each(&s->depths[i].rows);
		each(&s->depths[i].def);
		each(&s->depths[i].rep);
	}
	each(&s->selection.rows_mem);
	each(&s->selection.bits_mem);
	each(&s->selection.rank_mem);
}

static void init_each(struct buf *b)
{
	buf_init(b, 0);
}

status writer_shred_create(struct writer_shred **out, struct err *err)
{
	struct writer_shred *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	bufs_each(s, init_each);
	*out = s;
	return OK;
}

void writer_shred_destroy(struct writer_shred *s)
{
	if (s == NULL) return;
	bufs_each(s, buf_deinit);
	mem_free(s);
}

static status null_found(const struct shredding *x, const struct column_def *def, struct err *err)
{
	return fail(err, E_CORRUPT, "column %s of table %s: a null in its part %s, where none may be", x->column,
		x->w->schema->name, def->name);
}

/* ---- the entries of a node --------------------------------------------------------------------------------------- */

/* Entry i of `in` at the node: the row it has there, its definition level so far. false: a null where none may be. */
static inline bool entry_at(
	const struct entries *in, uint32_t i, const struct node *node, uint32_t *row, uint8_t *level)
{
	*row = in->rows[i];
	*level = in->def != NULL ? in->def[i] : 0;
	if (*row == NO_ROW) return true;
	if (column_valid(node->column, *row)) {
		*level = (uint8_t)(*level + node->def->nullable);
		return true;
	}
	*row = NO_ROW;
	return node->def->nullable;
}

/* Of a struct or a leaf: as many as above. */
static status pass(const struct shredding *x, const struct node *node, const struct entries *in, struct entries *out,
	struct err *err)
{
	struct shred_depth *d = &x->w->shred->depths[node->depth];
	uint32_t *rows = writer_scratch(&d->rows, (size_t)in->n * sizeof *rows);
	uint8_t *levels = writer_scratch(&d->def, in->n);
	if (rows == NULL || levels == NULL) return fail_nomem(err);
	for (uint32_t i = 0; i < in->n; i++)
		if (!entry_at(in, i, node, &rows[i], &levels[i])) return null_found(x, node->def, err);
	*out = (struct entries){.rows = rows, .def = levels, .rep = in->rep, .n = in->n};
	return OK;
}

static uint32_t length_of(const struct column *c, uint32_t row)
{
	return row != NO_ROW ? (uint32_t)(c->offsets[row + 1] - c->offsets[row]) : 0;
}

/* How many entries a list has, its nulls and empty ones one each. */
static status count(
	const struct shredding *x, const struct column *c, const struct entries *in, uint32_t *out, struct err *err)
{
	uint64_t n = 0;
	for (uint32_t i = 0; i < in->n; i++) {
		const uint32_t row = in->rows[i];
		const uint32_t length = row != NO_ROW && column_valid(c, row) ? length_of(c, row) : 0;
		n += length > 0 ? length : 1;
	}
	if (n > INT32_MAX)
		return fail(err, E_LIMIT, "column %s of table %s: over 2^31 elements in one row group", x->column,
			x->w->schema->name);
	*out = (uint32_t)n;
	return OK;
}

/* Of the elements of a list or the pairs of a map. */
static status expand(const struct shredding *x, const struct node *node, const struct entries *in, struct entries *out,
	struct err *err)
{
	struct shred_depth *d = &x->w->shred->depths[node->depth];
	const struct column *c = node->column;
	uint32_t n = 0, at = 0;
	TRY(count(x, c, in, &n, err));
	uint32_t *rows = writer_scratch(&d->rows, (size_t)n * sizeof *rows);
	uint8_t *levels = writer_scratch(&d->def, n), *rep = writer_scratch(&d->rep, n);
	if (rows == NULL || levels == NULL || rep == NULL) return fail_nomem(err);
	for (uint32_t i = 0; i < in->n; i++) {
		uint32_t row;
		uint8_t level;
		if (!entry_at(in, i, node, &row, &level)) return null_found(x, node->def, err);
		const uint32_t length = length_of(c, row);
		const uint8_t first = in->rep != NULL ? in->rep[i] : 0;
		rows[at] = length > 0 ? (uint32_t)c->offsets[row] : NO_ROW;
		levels[at] = (uint8_t)(level + (length > 0));
		rep[at++] = first;
		for (uint32_t k = 1; k < length; k++, at++) {
			rows[at] = (uint32_t)c->offsets[row] + k;
			levels[at] = (uint8_t)(level + 1);
			rep[at] = node->lists;
		}
	}
	ASSERT(at == n);
	*out = (struct entries){.rows = rows, .def = levels, .rep = rep, .n = n};
	return OK;
}

/* ---- a leaf -------------------------------------------------------------------------------------------------------- */

/* The entries that have a row. */
static status select_rows(struct writer_selection *s, const struct entries *e, struct err *err)
{
	const size_t words = e->n / 64 + 2;
	uint32_t *rows = writer_scratch(&s->rows_mem, ((size_t)e->n + 1) * sizeof *rows);
	uint64_t *bits = writer_scratch(&s->bits_mem, words * sizeof *bits);
	uint32_t *rank = writer_scratch(&s->rank_mem, words * sizeof *rank);
	if (rows == NULL || bits == NULL || rank == NULL) return fail_nomem(err);
	memset(bits, 0, words * sizeof *bits);
	uint32_t n = 0;
	for (uint32_t i = 0; i < e->n; i++) {
		const bool has = e->rows[i] != NO_ROW;
		if (i % 64 == 0) rank[i / 64] = n;
		bits[i / 64] |= (uint64_t)has << i % 64;
		rows[n] = e->rows[i];
		n += has;
	}
	s->n_valid = n;
	s->rows = rows;
	s->bits = n == 0 || n == e->n ? NULL : bits;
	s->rank = rank;
	return OK;
}

static uint32_t longest_row(const struct entries *e)
{
	uint32_t most = 1, n = 0;
	for (uint32_t i = 0; e->rep != NULL && i < e->n; i++) {
		n = e->rep[i] == 0 ? 1 : n + 1;
		most = n > most ? n : most;
	}
	return most;
}

static status leaf_write(struct shredding *x, const struct column *c, const struct entries *e, struct err *err)
{
	struct writer_selection *selection = &x->w->shred->selection;
	TRY(select_rows(selection, e, err));
	const struct writer_levels levels = {.def = e->def,
		.rep = e->rep,
		.row_entries_max = longest_row(e),
		.plan = {.n = e->n},
		.selection = selection};
	return writer_chunk_write_levels(x->w, x->leaf++, c, &levels, err);
}

/* ---- the tree ------------------------------------------------------------------------------------------------------- */

static status shred(struct shredding *x, struct node node, const struct entries *in, struct err *err)
{
	const struct column_def *def = node.def;
	struct entries own;
	ASSERT(node.column->type == def->type && node.column->n_children == def->n_children);
	ASSERT(node.depth <= COLUMN_DEPTH_MAX);
	if (def->type == COL_LIST || def->type == COL_MAP) {
		node.lists++;
		TRY(expand(x, &node, in, &own, err));
	} else {
		TRY(pass(x, &node, in, &own, err));
	}
	if (!col_type_nested(def->type)) return leaf_write(x, node.column, &own, err);
	for (size_t i = 0; i < def->n_children; i++) {
		const struct node child = {&def->children[i], &node.column->children[i], node.depth + 1, node.lists};
		TRY(shred(x, child, &own, err));
	}
	return OK;
}

status writer_shred_write(struct parquet_writer *w, const struct writer_shred_column *c,
	const struct writer_row_plan *plan, size_t *n, struct err *err)
{
	struct shredding x = {.w = w, .leaf = c->leaves, .column = c->tree->name};
	const struct entries rows = {.rows = plan->rows, .n = plan->n};
	ASSERT(w->shred != NULL);
	TRY(shred(&x, (struct node){c->tree, c->column, 0, 0}, &rows, err));
	*n = (size_t)(x.leaf - c->leaves);
	return OK;
}
