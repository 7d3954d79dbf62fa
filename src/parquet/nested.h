/* parquet/nested.h: columns of nested schemas by their levels, for the files whose schema is fixed by a specification (Delta
 * checkpoints). Rows of tables go through reader.h and writer.h.
 *
 * Repetition and definition levels as in https://parquet.apache.org/docs/file-format/nestedencoding/ : an entry with
 * def == max_def has a value; rep == 0 starts a row.
 */
#ifndef PQR_PARQUET_NESTED_H
#define PQR_PARQUET_NESTED_H

#include "parquet/reader.h"
#include "parquet/writer.h"

struct parquet_levels {
	struct column values; /* those there are, packed: no validity, n = entries with def == max_def */
	int64_t n;            /* entries */
	const uint8_t *def;   /* [n]; NULL when max_def == 0 */
	const uint8_t *rep;   /* [n]; NULL when max_rep == 0 */
	uint8_t max_def, max_rep;
};

/* Any leaf, by its dotted path ("add.partitionValues.key_value.key"): its index, or -1. */
int parquet_reader_leaf(const struct parquet_reader *r, const char *path);
/* The whole column of one row group. *out lives in arena. Strings come plain, never as a dictionary. E_UNSUPPORTED for a value type that is
 * not read;
 * E_CORRUPT for levels above the schema's, a first value that continues a row, or other rows than the row group has. That an entry
 * continues a group which its definition level says is null is not looked for. */
status parquet_reader_levels(struct parquet_reader *r, size_t row_group, int leaf, struct arena *arena,
	struct parquet_levels *out, struct err *err) MUST_USE;

/* Top-level columns as their readers see them, nested ones whole: def is a tree (columnar/schema.h). Lists and maps are found by their
 * annotations, as in "Nested Types" of the format, the forms of early writers included; a repeated field without one is a list of its
 * values. Not supported, with a reason: one with a leaf that is not read, or deeper than COLUMN_DEPTH_MAX. */
struct parquet_field {
	struct parquet_column_info info;
	int column; /* the column of parquet_reader_read that it is; -1: only parquet_reader_field_read gives it */
	uint32_t node;
};
/* Made at the first call for a schema; *out views r until it reads a file of another schema. E_NOMEM. */
status parquet_reader_fields(
	struct parquet_reader *r, const struct parquet_field **out, size_t *n, struct err *err) MUST_USE;
/* All rows of a field of one row group, without dictionaries; *out lives in arena. Takes 2 bytes of levels for each value besides.
 * E_UNSUPPORTED: the field is not; E_CORRUPT: levels that contradict each other, or as parquet_reader_levels. */
status parquet_reader_field_read(struct parquet_reader *r, size_t row_group, size_t field, struct arena *arena,
	struct column *out, struct err *err) MUST_USE;

enum parquet_repetition { PARQUET_REQUIRED, PARQUET_OPTIONAL, PARQUET_REPEATED };
enum parquet_group { PARQUET_GROUP_PLAIN, PARQUET_GROUP_LIST, PARQUET_GROUP_MAP };
/* A schema tree in preorder: a node, then its children. A leaf has n_children == 0 and a type. */
struct parquet_node {
	const char *name;
	enum parquet_repetition repetition;
	enum parquet_group group; /* of a group: its annotation */
	uint32_t n_children;
	enum col_type type;
};
/* Write a whole file of one row group into *out (appended). nodes[0] is the root. leaves[k] is the k-th leaf in preorder;
 * values plain, levels as above with rep[0] == 0, anything else is an ASSERT. Pages, CRC and codec as the writer's (opts NULL:
 * zstd); no dictionary, no statistics. E_UNSUPPORTED: FLOAT, DOUBLE. After a failure *out holds a part. */
struct parquet_nested {
	const struct parquet_node *nodes;
	size_t n_nodes;
	const struct parquet_levels *leaves;
	size_t n_leaves;
	int64_t n_rows;
	bool sealed; /* with the file's digest of itself in its metadata: parquet_seal_holds finds a byte that changed */
};
/* As what pqr writes into a file, is the file p[n]? true: it was not sealed, nor written by this program. Changes p while it looks. */
bool parquet_seal_holds(uint8_t *p, size_t n);
status parquet_nested_write(
	const struct parquet_nested *f, const struct parquet_opts *opts, struct buf *out, struct err *err) MUST_USE;

/* Statistics of a column over one row group, of a flat leaf (E_UNSUPPORTED: one that is not supported). Views the reader until
 * it reads another file. What a file lacks, or gives in a form that does not decode, is absent. Floats: a file's bounds pass
 * over NaNs, so some value may be NaN. A zero bound is -0.0 as the least and +0.0 as the greatest. */
struct parquet_stats {
	bool has_min, has_max;    /* of min_value, max_value in the column's order; never for INT96 */
	int64_t null_count;       /* -1 = not given */
	int64_t min_i64, max_i64; /* BOOL, INT32, INT64, DATE, TIMESTAMP, DECIMAL: converted as values are */
	double min_f64, max_f64;
	struct str min_bytes, max_bytes; /* STRING, BINARY: bounds, may be cut */
};
status parquet_reader_stats(const struct parquet_reader *r, size_t row_group, int column, struct parquet_stats *out,
	struct err *err) MUST_USE;

#endif
