/* tests/unit/table/checkpoint_file.h: checkpoint files as other writers lay them out, from actions. Small ones: arrays are fixed. */
#ifndef PQR_TESTS_CHECKPOINT_FILE_H
#define PQR_TESTS_CHECKPOINT_FILE_H

#include "../check.h"

#include "parquet/nested.h"
#include "table/log/action.h"

enum file_layout {
	FILE_SPARK,  /* all optional; key_value, list.element */
	FILE_STRICT, /* delta-rs: members that the protocol requires are required */
	FILE_BAG,    /* old parquet-mr: map.key, bag.array_element */
	FILE_FLAT,   /* entries; a list of two levels: repeated values below the annotated group */
	N_FILE_LAYOUTS
};

enum { FILE_ENTRIES_MAX = 4096, FILE_BYTES_MAX = 1 << 18, FILE_LEAVES_MAX = 32, FILE_NODES_MAX = 80 };

struct file_leaf {
	uint8_t def[FILE_ENTRIES_MAX], rep[FILE_ENTRIES_MAX], bits[FILE_ENTRIES_MAX / 8];
	int64_t i64[FILE_ENTRIES_MAX];
	int32_t i32[FILE_ENTRIES_MAX], offsets[FILE_ENTRIES_MAX + 1];
	char data[FILE_BYTES_MAX];
	uint8_t max_def, max_rep;
	int64_t n, n_values;
	enum col_type type;
	enum delta_kind kind;
};
struct file_out {
	struct parquet_node nodes[FILE_NODES_MAX];
	size_t n_nodes;
	struct file_leaf leaves[FILE_LEAVES_MAX];
	size_t n_leaves;
	enum file_layout layout;
	int64_t n_rows;
};

static inline void file_node(struct file_out *f, const char *name, enum parquet_repetition r, enum parquet_group g,
	uint32_t children, enum col_type type)
{
	assert_true(f->n_nodes < FILE_NODES_MAX);
	f->nodes[f->n_nodes++] = (struct parquet_node){name, r, g, children, type};
}
static inline void file_group(struct file_out *f, const char *name, uint32_t children)
{
	file_node(f, name, PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, children, 0);
}
static inline void file_leaf_of(struct file_out *f, enum delta_kind kind, enum col_type type, int def, int rep)
{
	assert_true(f->n_leaves < FILE_LEAVES_MAX);
	struct file_leaf *l = &f->leaves[f->n_leaves++];
	l->type = type;
	l->kind = kind;
	l->max_def = (uint8_t)def;
	l->max_rep = (uint8_t)rep;
}
static inline void file_one(
	struct file_out *f, enum delta_kind kind, const char *name, enum col_type type, bool required)
{
	const bool strict = required && f->layout == FILE_STRICT;
	file_node(f, name, strict ? PARQUET_REQUIRED : PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 0, type);
	file_leaf_of(f, kind, type, strict ? 1 : 2, 0);
}
static inline void file_map(struct file_out *f, enum delta_kind kind, const char *name, bool required)
{
	static const char *const middle[] = {"key_value", "key_value", "map", "entries"};
	const bool strict = required && f->layout == FILE_STRICT;
	file_node(f, name, strict ? PARQUET_REQUIRED : PARQUET_OPTIONAL, PARQUET_GROUP_MAP, 1, 0);
	file_node(f, middle[f->layout], PARQUET_REPEATED, PARQUET_GROUP_PLAIN, 2, 0);
	file_node(f, "key", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 0, COL_STRING);
	file_node(f, "value", PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 0, COL_STRING);
	file_leaf_of(f, kind, COL_STRING, strict ? 2 : 3, 1);
	file_leaf_of(f, kind, COL_STRING, strict ? 3 : 4, 1);
}
static inline void file_list(struct file_out *f, enum delta_kind kind, const char *name)
{
	file_node(f, name, PARQUET_OPTIONAL, PARQUET_GROUP_LIST, 1, 0);
	if (f->layout == FILE_FLAT) {
		file_node(f, "array", PARQUET_REPEATED, PARQUET_GROUP_PLAIN, 0, COL_STRING);
		file_leaf_of(f, kind, COL_STRING, 3, 1);
		return;
	}
	const bool strict = f->layout == FILE_STRICT, bag = f->layout == FILE_BAG;
	file_node(f, bag ? "bag" : "list", PARQUET_REPEATED, PARQUET_GROUP_PLAIN, 1, 0);
	file_node(f, bag ? "array_element" : "element", strict ? PARQUET_REQUIRED : PARQUET_OPTIONAL,
		PARQUET_GROUP_PLAIN, 0, COL_STRING);
	file_leaf_of(f, kind, COL_STRING, strict ? 3 : 4, 1);
}

/* Leaves, in the order of file_begin. */
enum {
	FILE_ADD_PATH,
	FILE_ADD_PARTITION,
	FILE_ADD_SIZE = FILE_ADD_PARTITION + 2,
	FILE_ADD_MODIFIED,
	FILE_ADD_CHANGE,
	FILE_ADD_STATS,
	FILE_ADD_TAGS,
	FILE_REMOVE_PATH = FILE_ADD_TAGS + 2,
	FILE_REMOVE_DELETED,
	FILE_REMOVE_CHANGE,
	FILE_PROTOCOL_READER,
	FILE_PROTOCOL_WRITER,
	FILE_READER_FEATURES,
	FILE_WRITER_FEATURES,
	FILE_META_ID,
	FILE_META_SCHEMA,
	FILE_META_PARTITION,
	FILE_META_CONFIGURATION,
	FILE_TXN_APP = FILE_META_CONFIGURATION + 2,
	FILE_TXN_VERSION,
	FILE_SIDECAR_PATH,
	FILE_SIDECAR_SIZE,
};

static inline struct file_out *file_begin(enum file_layout layout)
{
	struct file_out *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->layout = layout;
	file_node(f, "root", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 6, 0);
	file_group(f, "add", 7);
	file_one(f, DELTA_ADD, "path", COL_STRING, true);
	file_map(f, DELTA_ADD, "partitionValues", true);
	file_one(f, DELTA_ADD, "size", layout == FILE_BAG ? COL_INT32 : COL_INT64, true);
	file_one(f, DELTA_ADD, "modificationTime", COL_INT64, true);
	file_one(f, DELTA_ADD, "dataChange", COL_BOOL, true);
	file_one(f, DELTA_ADD, "stats", COL_STRING, false);
	file_map(f, DELTA_ADD, "tags", false);
	file_group(f, "remove", 3);
	file_one(f, DELTA_REMOVE, "path", COL_STRING, true);
	file_one(f, DELTA_REMOVE, "deletionTimestamp", COL_INT64, false);
	file_one(f, DELTA_REMOVE, "dataChange", COL_BOOL, true);
	file_group(f, "protocol", 4);
	file_one(f, DELTA_PROTOCOL, "minReaderVersion", COL_INT32, true);
	file_one(f, DELTA_PROTOCOL, "minWriterVersion", COL_INT32, true);
	file_list(f, DELTA_PROTOCOL, "readerFeatures");
	file_list(f, DELTA_PROTOCOL, "writerFeatures");
	file_group(f, "metaData", 4);
	file_one(f, DELTA_METADATA, "id", COL_STRING, true);
	file_one(f, DELTA_METADATA, "schemaString", COL_STRING, true);
	file_list(f, DELTA_METADATA, "partitionColumns");
	file_map(f, DELTA_METADATA, "configuration", true);
	file_group(f, "txn", 2);
	file_one(f, DELTA_APP_TXN, "appId", COL_STRING, true);
	file_one(f, DELTA_APP_TXN, "version", COL_INT64, true);
	file_group(f, "sidecar", 2);
	file_one(f, DELTA_SIDECAR, "path", COL_STRING, true);
	file_one(f, DELTA_SIDECAR, "sizeInBytes", COL_INT64, true);
	return f;
}

static inline void file_level(struct file_leaf *l, int def, int rep)
{
	assert_true(l->n < FILE_ENTRIES_MAX && def >= 0);
	l->def[l->n] = (uint8_t)def;
	l->rep[l->n++] = (uint8_t)rep;
}
static inline void file_value(struct file_leaf *l, struct str s)
{
	const int32_t at = l->offsets[l->n_values];
	assert_true((size_t)at + s.n < FILE_BYTES_MAX);
	if (s.n > 0) memcpy(l->data + at, s.p, s.n);
	l->offsets[++l->n_values] = at + (int32_t)s.n;
}
/* A text member; p == NULL: null. */
static inline void file_text(struct file_out *f, int leaf, struct str s)
{
	struct file_leaf *l = &f->leaves[leaf];
	file_level(l, s.p != NULL ? l->max_def : 1, 0);
	if (s.p != NULL) file_value(l, s);
}
static inline void file_number(struct file_out *f, int leaf, int64_t v)
{
	struct file_leaf *l = &f->leaves[leaf];
	file_level(l, l->max_def, 0);
	if (v != 0) l->bits[l->n_values >> 3] |= (uint8_t)(1u << (l->n_values & 7));
	l->i32[l->n_values] = (int32_t)v;
	l->i64[l->n_values++] = v;
}
static inline void file_pairs(struct file_out *f, int leaf, const struct delta_pairs *map)
{
	struct file_leaf *k = &f->leaves[leaf], *v = &f->leaves[leaf + 1];
	if (map->n == 0) {
		file_level(k, k->max_def - 1, 0);
		file_level(v, k->max_def - 1, 0);
	}
	for (size_t i = 0; i < map->n; i++) {
		const bool null = map->items[i].value.p == NULL;
		file_level(k, k->max_def, i > 0);
		file_value(k, map->items[i].key);
		file_level(v, v->max_def - null, i > 0);
		if (!null) file_value(v, map->items[i].value);
	}
}
static inline void file_strings(struct file_out *f, int leaf, const struct delta_strings *list)
{
	struct file_leaf *l = &f->leaves[leaf];
	if (list->n == 0) file_level(l, 2, 0);
	for (size_t i = 0; i < list->n; i++) {
		file_level(l, l->max_def, i > 0);
		file_value(l, list->items[i]);
	}
}

/* Levels of a row in every leaf of other kinds. */
static inline void file_others(struct file_out *f, enum delta_kind kind)
{
	for (size_t i = 0; i < f->n_leaves; i++) {
		if (f->leaves[i].kind != kind) file_level(&f->leaves[i], 0, 0);
	}
	f->n_rows++;
}
/* A path as it stands, not encoded. */
static inline void file_add(struct file_out *f, const struct delta_add *a)
{
	file_text(f, FILE_ADD_PATH, a->path);
	file_pairs(f, FILE_ADD_PARTITION, &a->partition);
	file_number(f, FILE_ADD_SIZE, a->size);
	file_number(f, FILE_ADD_MODIFIED, a->modified_ms);
	file_number(f, FILE_ADD_CHANGE, a->data_change);
	file_text(f, FILE_ADD_STATS, a->stats);
	file_pairs(f, FILE_ADD_TAGS, &a->tags);
	file_others(f, DELTA_ADD);
}
static inline void file_remove(struct file_out *f, const struct delta_remove *a)
{
	file_text(f, FILE_REMOVE_PATH, a->path);
	file_number(f, FILE_REMOVE_DELETED, a->deleted_ms);
	file_number(f, FILE_REMOVE_CHANGE, a->data_change);
	file_others(f, DELTA_REMOVE);
}
static inline void file_protocol(struct file_out *f, const struct delta_protocol *p)
{
	file_number(f, FILE_PROTOCOL_READER, p->min_reader);
	file_number(f, FILE_PROTOCOL_WRITER, p->min_writer);
	file_strings(f, FILE_READER_FEATURES, &p->reader_features);
	file_strings(f, FILE_WRITER_FEATURES, &p->writer_features);
	file_others(f, DELTA_PROTOCOL);
}
static inline void file_metadata(struct file_out *f, const struct delta_metadata *m)
{
	file_text(f, FILE_META_ID, m->id);
	file_text(f, FILE_META_SCHEMA, m->schema);
	file_strings(f, FILE_META_PARTITION, &m->partition_columns);
	file_pairs(f, FILE_META_CONFIGURATION, &m->configuration);
	file_others(f, DELTA_METADATA);
}
static inline void file_txn(struct file_out *f, const struct delta_app_txn *t)
{
	file_text(f, FILE_TXN_APP, t->app_id);
	file_number(f, FILE_TXN_VERSION, t->version);
	file_others(f, DELTA_APP_TXN);
}
static inline void file_sidecar(struct file_out *f, struct str path)
{
	file_text(f, FILE_SIDECAR_PATH, path);
	file_number(f, FILE_SIDECAR_SIZE, 1);
	file_others(f, DELTA_SIDECAR);
}

/* The bytes, appended; f is gone. */
static inline void file_end(struct file_out *f, struct buf *out)
{
	struct parquet_levels levels[FILE_LEAVES_MAX];
	struct err err;
	for (size_t i = 0; i < f->n_leaves; i++) {
		struct file_leaf *l = &f->leaves[i];
		levels[i] = (struct parquet_levels){
			.values = {.type = l->type, .n = l->n_values, .n_null = 0},
			.n = l->n,
			.def = l->def,
			.rep = l->max_rep > 0 ? l->rep : NULL,
			.max_def = l->max_def,
			.max_rep = l->max_rep,
		};
		struct column *c = &levels[i].values;
		switch (l->type) {
		case COL_STRING:
			c->offsets = l->offsets;
			c->data = (const uint8_t *)l->data;
			break;
		case COL_BOOL: c->values = l->bits; break;
		case COL_INT32: c->values = l->i32; break;
		default: c->values = l->i64;
		}
	}
	const struct parquet_nested n = {f->nodes, f->n_nodes, levels, f->n_leaves, f->n_rows, false};
	const struct parquet_opts opts = {.codec = PARQUET_ZSTD, .level = 1};
	CHECK_OK(&err, parquet_nested_write(&n, &opts, out, &err));
	free(f);
}

#endif
