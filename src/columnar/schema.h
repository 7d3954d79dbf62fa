/* columnar/schema.h: what a table's columns are. The one place a table is described; Parquet and SQL schemas,
 * contract files and documentation are derived from these structs. */
#ifndef PQR_COLUMNAR_SCHEMA_H
#define PQR_COLUMNAR_SCHEMA_H

#include "base/arena.h"
#include "base/err.h"

enum col_type {
	COL_BOOL, /* bitmap, LSB first */
	COL_INT32,
	COL_INT64,
	COL_FLOAT,     /* no contract table has one: of tables of other writers */
	COL_DOUBLE,    /* the same */
	COL_STRING,    /* UTF-8, int32 offsets */
	COL_BINARY,    /* read only */
	COL_TIMESTAMP, /* int64 microseconds UTC */
	COL_DATE,      /* int32 days */
	COL_DECIMAL,   /* int64 unscaled value, precision <= 18 */
	/* of tables of other writers, read only */
	COL_DECIMAL128, /* 16 bytes, little-endian two's complement, precision 19 to 38 */
	COL_LIST,       /* int32 offsets into its one child */
	COL_STRUCT,     /* a child a field, each as long as the column */
	COL_MAP,        /* int32 offsets into its two children, keys and values */
};

struct column_def {
	const char *name;
	enum col_type type;
	uint8_t precision, scale; /* COL_DECIMAL, COL_DECIMAL128 */
	bool nullable;
	bool key;         /* part of the table's unique key */
	bool id;          /* random identifier: bloom filter, no dictionary attempt */
	bool partition;   /* a hive folder, not a column of the file; must be the last columns */
	bool lake_only;   /* the serving database leaves it out; no key */
	const char *unit; /* "days", "KiB", NULL */
	const char *description;
	const struct column_def *children; /* COL_LIST: the element; COL_STRUCT: its fields; COL_MAP: key, value */
	size_t n_children;
};
enum { COLUMN_DEPTH_MAX = 32 }; /* of types within types; what recurses over them relies on it */

#define SCHEMA_UPDATED_AT "when this row was written here last" /* what updated_at tells */
struct table_schema {
	const char *name;     /* "kpi_volume_daily" */
	const char *layer;    /* "bronze", "silver", "gold" */
	const char *contract; /* "pqrs/v2" */
	const char *description;
	const struct column_def *columns; /* n_columns, partition columns last */
	size_t n_columns;
	const char *
		parent; /* "tickets": the table of the same layer that these rows are part of, found by parent_key; NULL = none */
	const char *parent_key; /* column of both */
	bool updated_at;        /* the serving databases add this column: when they wrote the row last */
};

size_t schema_n_data_columns(const struct table_schema *s);              /* without the partition columns */
int schema_column_index(const struct table_schema *s, const char *name); /* -1 = none */
/* The partition column that says which part of the table a row is of, whichever run wrote it: the first that is not run_id. -1 = none:
 * the table is one part. */
int schema_part_column(const struct table_schema *s);
/* The table as the serving database has it, without lake_only columns: in arena, views s. E_NOMEM. */
status schema_served(
	const struct table_schema *s, struct arena *arena, struct table_schema *out, struct err *err) MUST_USE;
const char *col_type_name(enum col_type type); /* "timestamp" */
size_t col_type_width(enum col_type type);     /* bytes a value; 0 for bool, string, binary and what has children */
bool col_type_nested(enum col_type type);      /* list, struct, map */

#endif
