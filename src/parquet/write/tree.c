/* parquet/write/tree.c: the columns of a schema as the tree that a file has of them: its elements in the footer and its leaves.
 *
 *   struct   group f { its fields }
 *   list     group f (LIST) { repeated group list { element } }
 *   map      group f (MAP) { repeated group key_value { required key; value } }
 *
 * The names of "Nested Types" (https://parquet.apache.org/docs/file-format/types/logicaltypes/), whatever the parts are called in the
 * schema. Invariant: leaves stand in the order of the elements, so that of a column stand together. Recursion goes COLUMN_DEPTH_MAX
 * deep at most. Must not know rows.
 */
#include <string.h>

#include "base/alloc.h"
#include "parquet/nested.h"
#include "parquet/thrift/thrift_write.h"
#include "parquet/write/writer_int.h"

enum { PATH_MAX_NAMES = 3 * COLUMN_DEPTH_MAX };

/* Where a walk down one column is. */
struct walk {
	struct parquet_writer *w;
	const char *path[PATH_MAX_NAMES];
	uint32_t path_n;
	uint8_t max_def, max_rep;
	struct err *err;
};

/* ---- the tree -------------------------------------------------------------------------------------------------- */

static status refuse(const struct walk *k, const char *what)
{
	return fail(k->err, E_UNSUPPORTED, "unsupported: writing column %s of table %s, %s", k->path[0],
		k->w->schema->name, what);
}

/* The parts of def by the names that they have in a file; *parts is of def then. */
static status name_parts(struct walk *k, struct column_def *def, struct column_def **out)
{
	struct column_def *parts = ARENA_ZNEW(&k->w->names, struct column_def, def->n_children);
	if (parts == NULL) return fail_nomem(k->err);
	memcpy(parts, def->children, def->n_children * sizeof *parts);
	if (def->type == COL_LIST) parts[0].name = "element";
	if (def->type == COL_MAP) {
		parts[0].name = "key";
		parts[0].nullable = false;
		parts[1].name = "value";
	}
	def->children = *out = parts;
	return OK;
}

static status leaf_add(struct walk *k, const struct column_def *def)
{
	struct parquet_writer *w = k->w;
	if (w->n_leaves == PARQUET_LEAVES_MAX)
		return fail(k->err, E_LIMIT, "table %s: over %d leaves in its columns", w->schema->name,
			PARQUET_LEAVES_MAX);
	struct writer_leaf *leaf = &w->leaves[w->n_leaves++];
	TRY(writer_leaf_make(w->schema->name, def, leaf, k->err));
	if (k->path_n == 1) return OK;
	const char **path = ARENA_NEW(&w->names, const char *, k->path_n);
	if (path == NULL) return fail_nomem(k->err);
	memcpy(path, k->path, k->path_n * sizeof *path);
	leaf->path = path;
	leaf->path_n = k->path_n;
	leaf->max_def = k->max_def;
	leaf->max_rep = k->max_rep;
	return OK;
}

static bool well_formed(const struct column_def *def)
{
	return def->type == COL_STRUCT ? def->n_children > 0 : def->n_children == (def->type == COL_MAP ? 2u : 1u);
}

static status walk(struct walk *k, struct column_def *def, unsigned depth)
{
	const struct walk before = *k;
	struct column_def *parts = NULL;
	if (depth > COLUMN_DEPTH_MAX) return refuse(k, "whose types are nested too deeply");
	k->path[k->path_n++] = def->name;
	k->w->n_elements++;
	k->max_def = (uint8_t)(k->max_def + def->nullable);
	if (!col_type_nested(def->type)) {
		TRY(leaf_add(k, def));
		*k = before;
		return OK;
	}
	if (!well_formed(def)) return refuse(k, "which has a struct without fields");
	TRY(name_parts(k, def, &parts));
	if (def->type != COL_STRUCT) {
		k->path[k->path_n++] = def->type == COL_LIST ? "list" : "key_value";
		k->w->n_elements++;
		k->max_def++;
		k->max_rep++;
	}
	for (size_t i = 0; i < def->n_children; i++) TRY(walk(k, &parts[i], depth + 1));
	*k = before;
	return OK;
}

static size_t count_leaves(const struct column_def *def, unsigned depth)
{
	size_t n = 0;
	if (!col_type_nested(def->type) || depth > COLUMN_DEPTH_MAX) return 1;
	for (size_t i = 0; i < def->n_children && n <= PARQUET_LEAVES_MAX; i++)
		n += count_leaves(&def->children[i], depth + 1);
	return n;
}

status writer_tree_make(struct parquet_writer *w, struct err *err)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n_columns; i++) n += count_leaves(&w->schema->columns[i], 1);
	w->leaves = mem_zalloc(n > 0 ? n : 1, sizeof *w->leaves);
	w->trees = mem_zalloc(w->n_columns, sizeof *w->trees);
	if (w->leaves == NULL || w->trees == NULL) return fail_nomem(err);
	memcpy(w->trees, w->schema->columns, w->n_columns * sizeof *w->trees);
	struct walk k = {.w = w, .err = err};
	for (size_t i = 0; i < w->n_columns; i++) TRY(walk(&k, &w->trees[i], 1));
	ASSERT(w->n_leaves <= n);
	return OK;
}

/* ---- its elements ------------------------------------------------------------------------------------------------ */

static size_t element_room(const struct column_def *def)
{
	size_t n = 2 * SCHEMA_ELEMENT_ROOM + strlen(def->name);
	for (size_t i = 0; i < def->n_children; i++) n += element_room(&def->children[i]);
	return n;
}

size_t writer_tree_room(const struct parquet_writer *w)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n_columns; i++) n += element_room(&w->trees[i]);
	return n;
}

static void put_group(struct thrift_writer *t, const char *name, enum parquet_repetition repetition,
	enum parquet_group group, size_t n_children)
{
	const struct parquet_node node = {
		.name = name, .repetition = repetition, .group = group, .n_children = (uint32_t)n_children};
	writer_group_element(t, &node, false);
}

static void put(struct thrift_writer *t, const struct column_def *def, const struct writer_leaf **leaf)
{
	const enum parquet_repetition repetition = def->nullable ? PARQUET_OPTIONAL : PARQUET_REQUIRED;
	switch (def->type) {
	case COL_LIST:
		put_group(t, def->name, repetition, PARQUET_GROUP_LIST, 1);
		put_group(t, "list", PARQUET_REPEATED, PARQUET_GROUP_PLAIN, 1);
		break;
	case COL_MAP:
		put_group(t, def->name, repetition, PARQUET_GROUP_MAP, 1);
		put_group(t, "key_value", PARQUET_REPEATED, PARQUET_GROUP_PLAIN, 2);
		break;
	case COL_STRUCT: put_group(t, def->name, repetition, PARQUET_GROUP_PLAIN, def->n_children); break;
	default: writer_schema_element(t, (*leaf)++, (int)repetition); return;
	}
	for (size_t i = 0; i < def->n_children; i++) put(t, &def->children[i], leaf);
}

void writer_tree_put(const struct parquet_writer *w, struct thrift_writer *t)
{
	const struct writer_leaf *leaf = w->leaves;
	for (size_t i = 0; i < w->n_columns; i++) put(t, &w->trees[i], &leaf);
	ASSERT(leaf == w->leaves + w->n_leaves);
}
