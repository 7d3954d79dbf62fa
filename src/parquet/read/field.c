/* parquet/read/field.c: top-level columns from the tree of the schema: what a list, a map or a struct is.
 *
 *   list   optional group f (LIST) { repeated group list { optional element } }
 *   map    optional group f (MAP)  { repeated group key_value { required key; optional value } }
 *
 * Each node of a field becomes one of the column's type; the repeated group of a list or a map becomes none. Recursion goes down the
 * tree, COLUMN_DEPTH_MAX deep at most. Must not know pages. */
#include "parquet/read/field_int.h"

/* A node becomes a column: *def and the shape beside it. element: its repetition is that of the list around it. *why: not read. */
struct making {
	const struct parquet_reader *r;
	struct arena *arena;
	const char *why;
	bool no_memory;
};

static bool make(struct making *m, uint32_t at, bool element, unsigned depth, struct column_def *def,
	struct reader_shape *shape);

static bool refuse(struct making *m, const char *why)
{
	m->why = why;
	return false;
}

/* Room for n children of def and shape. */
static bool make_room(struct making *m, size_t n, struct column_def *def, struct reader_shape *shape,
	struct column_def **defs, struct reader_shape **shapes)
{
	*defs = ARENA_ZNEW(m->arena, struct column_def, n);
	*shapes = ARENA_ZNEW(m->arena, struct reader_shape, n);
	if (*defs == NULL || *shapes == NULL) {
		m->no_memory = true;
		return false;
	}
	def->children = *defs;
	def->n_children = n;
	shape->children = *shapes;
	shape->n_children = n;
	return true;
}

/* The children of node `at`, in order. */
static bool make_children(
	struct making *m, uint32_t at, unsigned depth, struct column_def *def, struct reader_shape *shape)
{
	const struct reader_node *nodes = m->r->nodes;
	struct column_def *defs;
	struct reader_shape *shapes;
	if (nodes[at].n_children == 0) return refuse(m, "a struct without fields");
	if (!make_room(m, nodes[at].n_children, def, shape, &defs, &shapes)) return false;
	uint32_t child = at + 1;
	for (uint32_t i = 0; i < nodes[at].n_children; i++, child = nodes[child].end)
		if (!make(m, child, false, depth + 1, &defs[i], &shapes[i])) return false;
	return true;
}

/* Does the repeated node stand for the elements itself, not for a group around each? ("Backward-compatibility rules") */
static bool is_element(const struct reader_node *nodes, uint32_t list, uint32_t repeated)
{
	const struct reader_node *n = &nodes[repeated];
	const size_t name_n = strlen(nodes[list].name);
	if (n->leaf >= 0 || n->n_children != 1 || nodes[repeated + 1].repetition == PARQUET_REPEATED) return true;
	return strcmp(n->name, "array") == 0 ||
	       (strncmp(n->name, nodes[list].name, name_n) == 0 && strcmp(n->name + name_n, "_tuple") == 0);
}

static bool make_list(struct making *m, uint32_t repeated, bool element, unsigned depth, struct column_def *def,
	struct reader_shape *shape)
{
	struct column_def *defs;
	struct reader_shape *shapes;
	def->type = COL_LIST;
	shape->item_def = m->r->nodes[repeated].def;
	if (!make_room(m, 1, def, shape, &defs, &shapes)) return false;
	return make(m, element ? repeated : repeated + 1, element, depth + 1, &defs[0], &shapes[0]);
}

static bool make_group(
	struct making *m, uint32_t at, unsigned depth, struct column_def *def, struct reader_shape *shape)
{
	const struct reader_node *nodes = m->r->nodes, *n = &nodes[at];
	const bool around = n->n_children == 1 && nodes[at + 1].repetition == PARQUET_REPEATED;
	if (n->group == PARQUET_GROUP_LIST && around)
		return make_list(m, at + 1, is_element(nodes, at, at + 1), depth, def, shape);
	if (n->group == PARQUET_GROUP_MAP && around && nodes[at + 1].n_children == 1) /* a set: the keys alone */
		return make_list(m, at + 1, false, depth, def, shape);
	if (n->group == PARQUET_GROUP_MAP && around && nodes[at + 1].n_children == 2) {
		def->type = COL_MAP;
		shape->item_def = nodes[at + 1].def;
		return make_children(m, at + 1, depth, def, shape);
	}
	def->type = COL_STRUCT;
	return make_children(m, at, depth, def, shape);
}

static bool make(
	struct making *m, uint32_t at, bool element, unsigned depth, struct column_def *def, struct reader_shape *shape)
{
	const struct reader_node *n = &m->r->nodes[at];
	if (depth > COLUMN_DEPTH_MAX) return refuse(m, "types nested too deeply");
	def->name = n->name;
	shape->leaf = n->leaf;
	shape->valid_def = n->def;
	if (n->repetition == PARQUET_REPEATED && !element) { /* a list of its own, that is never null */
		shape->leaf = -1;
		shape->valid_def = (uint8_t)(n->def - 1);
		return make_list(m, at, true, depth, def, shape);
	}
	if (n->leaf < 0) {
		if (!make_group(m, at, depth, def, shape)) return false;
	} else {
		const struct reader_leaf *leaf = &m->r->leaves[n->leaf];
		if (leaf->unreadable != NULL) return refuse(m, leaf->unreadable);
		*def = leaf->info.def;
		def->name = n->name;
	}
	def->nullable = n->repetition == PARQUET_OPTIONAL;
	return true;
}

status reader_field_shape(
	const struct parquet_reader *r, uint32_t node, struct arena *arena, struct reader_field *out, struct err *err)
{
	struct making m = {.r = r, .arena = arena};
	ASSERT(node > 0 && node < r->n_nodes);
	*out = (struct reader_field){0};
	if (make(&m, node, false, 1, &out->def, &out->shape)) return OK;
	if (m.no_memory) return reader_nomem(r, err);
	out->why = m.why;
	return OK;
}

/* The field of a node; a leaf right below the root is a column of parquet_reader_read too, if that can read it. */
static status field_make(struct parquet_reader *r, uint32_t node, struct parquet_field *out, struct err *err)
{
	const struct reader_node *n = &r->nodes[node];
	struct reader_field made;
	struct parquet_field f = {.column = -1, .node = node};
	if (n->leaf >= 0 && r->leaves[n->leaf].info.supported) {
		f.column = n->leaf;
		f.info = r->leaves[n->leaf].info;
	} else {
		TRY(reader_field_shape(r, node, &r->schema_arena, &made, err));
		f.info.def = made.def;
		f.info.reason = made.why;
		f.info.def.name = f.info.name = n->name;
		f.info.supported = f.info.reason == NULL;
	}
	*out = f;
	return OK;
}

status parquet_reader_fields(struct parquet_reader *r, const struct parquet_field **out, size_t *n, struct err *err)
{
	ASSERT(r->object != NULL);
	const size_t count = r->nodes[0].n_children;
	if (r->n_fields == 0 && count > 0) {
		struct parquet_field *fields = ARENA_ZNEW(&r->schema_arena, struct parquet_field, count);
		if (fields == NULL) return reader_nomem(r, err);
		uint32_t node = 1;
		for (size_t i = 0; i < count; i++, node = r->nodes[node].end) TRY(field_make(r, node, &fields[i], err));
		r->fields = fields;
		r->n_fields = count;
	}
	*out = r->fields;
	*n = count;
	return OK;
}
