/* parquet/read/schema.c: the leaves of a file's schema and the column type each one becomes. */
#include "base/limits.h"
#include "parquet/read/reader_int.h"

enum { SCHEMA_DEPTH_MAX = 64, SCHEMA_NODES_MAX = 4 * PARQUET_LEAVES_MAX, FIXED_WIDTH_MAX = 1 << 20 };

/* ConvertedType and LogicalType of parquet.thrift, as one set: what an annotation means here. */
enum annotation {
	NOTE_NONE,
	NOTE_STRING,
	NOTE_DECIMAL,
	NOTE_DATE,
	NOTE_TIMESTAMP_MILLIS,
	NOTE_TIMESTAMP_MICROS,
	NOTE_TIMESTAMP_NANOS,
	NOTE_INT,   /* signed or unsigned by `is_unsigned`, `bits` wide */
	NOTE_OTHER, /* of a kind that is not read: `other` */
	NOTE_LIST,  /* of groups */
	NOTE_MAP,
};

struct element {
	int32_t physical; /* -1 = a group */
	int32_t width, repetition, n_children;
	int32_t precision, scale;
	struct str name;
	enum annotation note;
	int32_t bits;
	bool is_unsigned;
	bool has_logical;
	const char *other;
};

static void note_int(struct element *e, int32_t bits, bool is_unsigned)
{
	e->note = NOTE_INT;
	e->bits = bits;
	e->is_unsigned = is_unsigned;
}

static void note_other(struct element *e, const char *other)
{
	e->note = NOTE_OTHER;
	e->other = other;
}

static void note_converted(struct element *e, int32_t converted)
{
	switch (converted) {
	case 0: /* UTF8 */
	case 4: /* ENUM */
	case 19: /* JSON */ e->note = NOTE_STRING; break;
	case 1: /* MAP */
	case 2: /* MAP_KEY_VALUE, of early writers */ e->note = NOTE_MAP; break;
	case 3: e->note = NOTE_LIST; break;
	case 5: e->note = NOTE_DECIMAL; break;
	case 6: e->note = NOTE_DATE; break;
	case 7: note_other(e, "TIME_MILLIS"); break;
	case 8: note_other(e, "TIME_MICROS"); break;
	case 9: e->note = NOTE_TIMESTAMP_MILLIS; break;
	case 10: e->note = NOTE_TIMESTAMP_MICROS; break;
	case 11: note_int(e, 8, true); break;
	case 12: note_int(e, 16, true); break;
	case 13: note_int(e, 32, true); break;
	case 14: note_int(e, 64, true); break;
	case 15: note_int(e, 8, false); break;
	case 16: note_int(e, 16, false); break;
	case 17: note_int(e, 32, false); break;
	case 18: note_int(e, 64, false); break;
	case 21: note_other(e, "INTERVAL"); break;
	default: break; /* BSON: bytes; unknown ones: the bare type */
	}
}

/* union TimeUnit { 1: MILLIS 2: MICROS 3: NANOS }, each an empty struct: the id of the one that is set. */
static int32_t read_unit(struct thrift *t, const struct thrift_field *f)
{
	int32_t unit = 0;
	struct thrift_field member = {0};
	if (!thrift_struct(t, f)) return 0;
	while (thrift_field_next(t, &member)) {
		unit = member.id;
		thrift_skip(t, member.type);
	}
	return unit;
}

static void read_logical_timestamp(struct thrift *t, struct element *e)
{
	int32_t unit = 0;
	struct thrift_field f = {0};
	while (thrift_field_next(t, &f)) {
		if (f.id == 2)
			unit = read_unit(t, &f);
		else
			thrift_skip(t, f.type); /* isAdjustedToUTC: a local time is taken as UTC */
	}
	switch (unit) {
	case 1: e->note = NOTE_TIMESTAMP_MILLIS; break;
	case 2: e->note = NOTE_TIMESTAMP_MICROS; break;
	case 3: e->note = NOTE_TIMESTAMP_NANOS; break;
	default: note_other(e, "TIMESTAMP of an unknown unit");
	}
}

static void read_logical_int(struct thrift *t, struct element *e)
{
	int32_t bits = 0;
	bool is_signed = true;
	struct thrift_field f = {0};
	while (thrift_field_next(t, &f)) {
		if (f.id == 1)
			bits = thrift_i32(t, &f);
		else if (f.id == 2)
			is_signed = thrift_bool(t, &f);
		else
			thrift_skip(t, f.type);
	}
	note_int(e, bits, !is_signed);
}

static void read_logical_decimal(struct thrift *t, struct element *e)
{
	struct thrift_field f = {0};
	e->note = NOTE_DECIMAL;
	while (thrift_field_next(t, &f)) {
		if (f.id == 1)
			e->scale = thrift_i32(t, &f);
		else if (f.id == 2)
			e->precision = thrift_i32(t, &f);
		else
			thrift_skip(t, f.type);
	}
}

/* The union's members are structs; ids this reader does not know leave the bare type, as the format asks. */
static void read_logical(struct thrift *t, const struct thrift_field *field, struct element *e)
{
	struct thrift_field f = {0};
	if (!thrift_struct(t, field)) return;
	while (thrift_field_next(t, &f)) {
		if (!thrift_struct(t, &f)) return;
		e->has_logical = true;
		e->note = NOTE_NONE;
		switch (f.id) {
		case 5: read_logical_decimal(t, e); continue;
		case 8: read_logical_timestamp(t, e); continue;
		case 10: read_logical_int(t, e); continue;
		case 1:
		case 4:
		case 12: e->note = NOTE_STRING; break;
		case 2: e->note = NOTE_MAP; break;
		case 3: e->note = NOTE_LIST; break;
		case 6: e->note = NOTE_DATE; break;
		case 7: note_other(e, "TIME"); break;
		case 15: note_other(e, "FLOAT16"); break;
		default: break;
		}
		thrift_skip(t, THRIFT_STRUCT);
	}
}

static struct element read_element(struct thrift *t)
{
	struct element e = {.physical = -1};
	struct thrift_field f = {0};
	int32_t converted = -1;
	while (thrift_field_next(t, &f)) {
		switch (f.id) {
		case 1: e.physical = thrift_i32(t, &f); break;
		case 2: e.width = thrift_i32(t, &f); break;
		case 3: e.repetition = thrift_i32(t, &f); break;
		case 4: e.name = thrift_binary(t, &f); break;
		case 5: e.n_children = thrift_i32(t, &f); break;
		case 6: converted = thrift_i32(t, &f); break;
		case 7: e.scale = thrift_i32(t, &f); break;
		case 8: e.precision = thrift_i32(t, &f); break;
		case 10: read_logical(t, &f, &e); break;
		default: thrift_skip(t, f.type);
		}
	}
	if (!e.has_logical && converted >= 0) note_converted(&e, converted);
	return e;
}

static void set_type(struct reader_leaf *leaf, enum col_type type, enum conversion convert)
{
	leaf->info.def.type = type;
	leaf->convert = convert;
	leaf->info.supported = true;
}

static void set_unsupported(struct reader_leaf *leaf, struct arena *arena, const char *what)
{
	leaf->info.supported = false;
	leaf->info.reason = arena_printf(arena, "unsupported: column %s: %s", leaf->info.name, what);
	if (leaf->info.reason == NULL) leaf->info.reason = "unsupported column";
}

/* DECIMAL of over 18 digits is read by its field alone (nested.h): flat columns are of 64 bits. */
static void type_decimal128(struct reader_leaf *leaf, struct arena *arena)
{
	if (leaf->physical == PHYSICAL_FIXED)
		set_type(leaf, COL_DECIMAL128, CONVERT_FIXED_DECIMAL128);
	else if (leaf->physical == PHYSICAL_BYTE_ARRAY)
		set_type(leaf, COL_DECIMAL128, CONVERT_BYTES_DECIMAL128);
	else
		set_unsupported(leaf, arena, "DECIMAL on a type that cannot hold it");
}

/* DECIMAL(precision, scale): any type that can hold an integer of so many digits. */
static void type_decimal(struct reader_leaf *leaf, const struct element *e, struct arena *arena)
{
	if (e->precision < 1 || e->scale < 0 || e->scale > e->precision) {
		set_unsupported(leaf, arena, "DECIMAL with a bad precision or scale");
		return;
	}
	if (e->precision > 38) {
		set_unsupported(leaf, arena, "DECIMAL of a precision over 38");
		return;
	}
	leaf->info.def.precision = (uint8_t)e->precision;
	leaf->info.def.scale = (uint8_t)e->scale;
	leaf->bounded = true;
	for (int i = 0; i < e->precision && i < 18; i++) leaf->hi = leaf->hi * 10 + 9;
	leaf->lo = -leaf->hi;
	if (e->precision > 18) {
		type_decimal128(leaf, arena);
		return;
	}
	switch (leaf->physical) {
	case PHYSICAL_INT32: set_type(leaf, COL_DECIMAL, CONVERT_I32_I64); break;
	case PHYSICAL_INT64: set_type(leaf, COL_DECIMAL, CONVERT_NONE); break;
	case PHYSICAL_FIXED: set_type(leaf, COL_DECIMAL, CONVERT_FIXED_DECIMAL); break;
	case PHYSICAL_BYTE_ARRAY: set_type(leaf, COL_DECIMAL, CONVERT_BYTES_DECIMAL); break;
	default: set_unsupported(leaf, arena, "DECIMAL on a type that cannot hold it");
	}
}

static void type_int32(struct reader_leaf *leaf, const struct element *e)
{
	if (e->note == NOTE_INT && (e->bits == 8 || e->bits == 16)) {
		const int64_t n = INT64_C(1) << e->bits;
		leaf->bounded = true;
		leaf->lo = e->is_unsigned ? 0 : -n / 2;
		leaf->hi = e->is_unsigned ? n - 1 : n / 2 - 1;
	}
	if (e->note == NOTE_DATE)
		set_type(leaf, COL_DATE, CONVERT_NONE);
	else if (e->note == NOTE_INT && e->is_unsigned && e->bits >= 32)
		set_type(leaf, COL_INT64, CONVERT_U32_I64);
	else
		set_type(leaf, COL_INT32, CONVERT_NONE);
}

static void type_int64(struct reader_leaf *leaf, const struct element *e)
{
	switch (e->note) {
	case NOTE_TIMESTAMP_MILLIS: set_type(leaf, COL_TIMESTAMP, CONVERT_MILLIS); break;
	case NOTE_TIMESTAMP_MICROS: set_type(leaf, COL_TIMESTAMP, CONVERT_NONE); break;
	case NOTE_TIMESTAMP_NANOS: set_type(leaf, COL_TIMESTAMP, CONVERT_NANOS); break;
	case NOTE_INT: set_type(leaf, COL_INT64, e->is_unsigned ? CONVERT_U64_I64 : CONVERT_NONE); break;
	default: set_type(leaf, COL_INT64, CONVERT_NONE);
	}
}

static void leaf_type(struct reader_leaf *leaf, const struct element *e, struct arena *arena)
{
	static const uint8_t widths[] = {[PHYSICAL_INT32] = 4,
		[PHYSICAL_INT64] = 8,
		[PHYSICAL_INT96] = 12,
		[PHYSICAL_FLOAT] = 4,
		[PHYSICAL_DOUBLE] = 8,
		[PHYSICAL_FIXED] = 0};
	leaf->physical = (enum parquet_physical)e->physical;
	leaf->width = leaf->physical == PHYSICAL_FIXED ? (uint32_t)e->width : widths[leaf->physical];
	if (e->note == NOTE_OTHER) {
		set_unsupported(leaf, arena, e->other);
		return;
	}
	if (e->note == NOTE_DECIMAL) {
		type_decimal(leaf, e, arena);
		return;
	}
	switch (leaf->physical) {
	case PHYSICAL_BOOLEAN: set_type(leaf, COL_BOOL, CONVERT_NONE); break;
	case PHYSICAL_INT32: type_int32(leaf, e); break;
	case PHYSICAL_INT64: type_int64(leaf, e); break;
	case PHYSICAL_INT96: set_type(leaf, COL_TIMESTAMP, CONVERT_INT96); break;
	case PHYSICAL_FLOAT: set_type(leaf, COL_FLOAT, CONVERT_NONE); break;
	case PHYSICAL_DOUBLE: set_type(leaf, COL_DOUBLE, CONVERT_NONE); break;
	case PHYSICAL_BYTE_ARRAY: set_type(leaf, e->note == NOTE_STRING ? COL_STRING : COL_BINARY, CONVERT_NONE); break;
	case PHYSICAL_FIXED: set_type(leaf, COL_BINARY, CONVERT_NONE); break;
	}
}

static status check_leaf(const struct element *e, struct err *err)
{
	if (e->physical < PHYSICAL_BOOLEAN || e->physical > PHYSICAL_FIXED)
		return fail(err, E_CORRUPT, "schema: unknown type %d of a column", e->physical);
	if (e->physical == PHYSICAL_FIXED && (e->width < 1 || e->width > FIXED_WIDTH_MAX))
		return fail(err, E_CORRUPT, "schema: a fixed-length column of %d bytes", e->width);
	return OK;
}

/* Groups that are open while the flattened tree is walked: a name and the children still to come. */
struct group {
	const char *path;
	int32_t left;
	uint8_t def, rep; /* levels of a value right below */
};

struct walk {
	struct thrift *t;
	struct arena *arena;
	struct group stack[SCHEMA_DEPTH_MAX];
	size_t depth;
	struct reader_leaf *leaves;
	size_t n_leaves;
	struct reader_node *nodes;
	size_t n_nodes, nodes_max;
};

static status add_node(
	struct walk *w, const struct element *e, const struct group *parent, const char *path, struct err *err)
{
	static const uint8_t groups[] = {[NOTE_LIST] = PARQUET_GROUP_LIST, [NOTE_MAP] = PARQUET_GROUP_MAP};
	if (w->n_nodes == w->nodes_max) return fail(err, E_LIMIT, "schema of more than %zu nodes", w->nodes_max);
	const size_t name_n = e->name.n > 0 ? strnlen(e->name.p, e->name.n) : 0;
	w->nodes[w->n_nodes++] = (struct reader_node){.name = path + strlen(path) - name_n,
		.n_children = e->physical >= 0 ? 0 : (uint32_t)e->n_children,
		.leaf = e->physical >= 0 ? (int)w->n_leaves : -1,
		.def = (uint8_t)(parent->def + (e->repetition != 0)),
		.rep = (uint8_t)(parent->rep + (e->repetition == 2)),
		.repetition = (uint8_t)e->repetition,
		.group = (size_t)e->note < sizeof groups ? groups[e->note] : (uint8_t)PARQUET_GROUP_PLAIN};
	return OK;
}

static status add_leaf(
	struct walk *w, const struct element *e, const struct group *parent, const char *path, struct err *err)
{
	TRY(check_leaf(e, err));
	if (w->n_leaves == PARQUET_LEAVES_MAX) return fail(err, E_LIMIT, "more than %d columns", PARQUET_LEAVES_MAX);
	struct reader_leaf *leaf = &w->leaves[w->n_leaves++];
	*leaf = (struct reader_leaf){.info = {.name = path}, .optional = e->repetition == 1};
	leaf->info.def.name = path;
	leaf->info.def.nullable = leaf->optional;
	leaf_type(leaf, e, w->arena);
	leaf->max_def = (uint8_t)(parent->def + (e->repetition != 0));
	leaf->max_rep = (uint8_t)(parent->rep + (e->repetition == 2));
	if (!leaf->info.supported) leaf->unreadable = leaf->info.reason;
	if (leaf->info.supported && leaf->info.def.type == COL_DECIMAL128)
		set_unsupported(leaf, w->arena, "DECIMAL of a precision over 18");
	if (w->depth > 1)
		set_unsupported(leaf, w->arena, "nested");
	else if (e->repetition == 2)
		set_unsupported(leaf, w->arena, "repeated");
	return OK;
}

static status walk_element(struct walk *w, struct err *err)
{
	const struct element e = read_element(w->t);
	if (w->t->error != NULL) return OK; /* reported by the caller, with the place */
	while (w->depth > 0 && w->stack[w->depth - 1].left == 0) w->depth--;
	if (w->depth == 0) return fail(err, E_CORRUPT, "schema: columns outside its root");
	struct group *parent = &w->stack[w->depth - 1];
	parent->left--;
	const char *path = parent->path == NULL
				   ? arena_strndup(w->arena, e.name.p, e.name.n)
				   : arena_printf(w->arena, "%s.%.*s", parent->path, (int)e.name.n, e.name.p);
	if (path == NULL) return fail(err, E_LIMIT, "schema: names too long");
	if (e.repetition < 0 || e.repetition > 2)
		return fail(err, E_CORRUPT, "schema: unknown repetition %d of %s", e.repetition, path);
	if (e.physical < 0 && e.n_children < 0)
		return fail(err, E_CORRUPT, "schema: a group of %d columns", e.n_children);
	TRY(add_node(w, &e, parent, path, err));
	if (e.physical >= 0) return add_leaf(w, &e, parent, path, err);
	if (w->depth == SCHEMA_DEPTH_MAX) return fail(err, E_LIMIT, "schema nested deeper than %d", SCHEMA_DEPTH_MAX);
	w->stack[w->depth++] = (struct group){.path = path,
		.left = e.n_children,
		.def = (uint8_t)(parent->def + (e.repetition != 0)),
		.rep = (uint8_t)(parent->rep + (e.repetition == 2))};
	return OK;
}

/* Where each subtree ends: children stand behind their parent, so from the last node to the first. */
static void close_nodes(struct reader_node *nodes, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		uint32_t end = (uint32_t)i + 1;
		for (uint32_t k = 0; k < nodes[i].n_children; k++) end = nodes[end].end;
		nodes[i].end = end;
	}
}

status reader_schema_read(struct parquet_reader *r, struct thrift *t, uint32_t n, struct err *err)
{
	struct arena *arena = &r->schema_arena;
	if (n == 0) return fail(err, E_CORRUPT, "schema without a root");
	const struct element root = read_element(t);
	if (t->error != NULL) return OK;
	if (root.n_children < 0) return fail(err, E_CORRUPT, "schema: a root of %d columns", root.n_children);
	struct walk w = {.t = t, .arena = arena, .depth = 1, .nodes_max = n < SCHEMA_NODES_MAX ? n : SCHEMA_NODES_MAX};
	w.stack[0] = (struct group){.left = root.n_children};
	w.leaves = ARENA_NEW(arena, struct reader_leaf, n < PARQUET_LEAVES_MAX ? n : PARQUET_LEAVES_MAX);
	w.nodes = ARENA_NEW(arena, struct reader_node, w.nodes_max);
	if (w.leaves == NULL || w.nodes == NULL) return fail_nomem(err);
	w.nodes[w.n_nodes++] = (struct reader_node){.name = "", .n_children = (uint32_t)root.n_children, .leaf = -1};
	for (uint32_t i = 1; i < n && t->error == NULL; i++) TRY(walk_element(&w, err));
	while (w.depth > 0 && w.stack[w.depth - 1].left == 0) w.depth--;
	if (t->error != NULL) return OK;
	if (w.depth > 0) return fail(err, E_CORRUPT, "schema: fewer columns than its groups say");
	close_nodes(w.nodes, w.n_nodes);
	r->leaves = w.leaves;
	r->n_leaves = w.n_leaves;
	r->nodes = w.nodes;
	r->n_nodes = w.n_nodes;
	return OK;
}
