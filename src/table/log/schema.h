/* table/log/schema.h: the columns of a Delta table from its schemaString ("Schema Serialization Format").
 *
 * Columns stand in the schema's order, partition columns where they stand. Types that are read but take part in no condition and no statistics
 * (array, map, struct, decimals of over 18 digits) have read_only set; of those array, map and struct are written, but for parts of types that
 * are not written as they are named (byte, short, timestamp_ntz, such decimals). A column of another type (variant, what later versions
 * add) is there too, and neither: a scan of it is refused, one that leaves it out is not. byte and short become COL_INT32. Column mapping is refused before (table/log/snapshot.h).
 */
#ifndef PQR_TABLE_LOG_SCHEMA_H
#define PQR_TABLE_LOG_SCHEMA_H

#include "columnar/schema.h"
#include "table/log/action.h"

struct delta_column {
	struct column_def
		def;    /* name, type, precision, scale, nullable, partition; description from metadata.comment */
	bool supported; /* read and written, in conditions and statistics too */
	bool read_only; /* not supported, but a scan gives its values */
	bool written;   /* supported, or a nested type that is written */
	const char *type_text;   /* "string", "timestamp_ntz", "decimal(5,2)", or a nested type's JSON: for messages */
	int partition_index;     /* in metadata.partition_columns; -1 = a column of the files */
	const char *writer_rule; /* a key of its metadata that a writer must honour: "delta.invariants"; NULL = none */
};
struct delta_schema {
	struct delta_column *columns;
	size_t n;
};

/* E_CORRUPT: not a schema; a partition column that is no column; two columns of one name (they are compared without regard
 * to case, as readers do). E_LIMIT over TABLE_COLUMNS_MAX. *out lives in arena. */
status delta_schema_parse(
	const struct delta_metadata *m, struct arena *arena, struct delta_schema *out, struct err *err) MUST_USE;
int delta_schema_index(const struct delta_schema *s, struct str name); /* -1 = none; exact case */
/* A column's type as Delta writes it in JSON, appended: "long", "decimal(7,4)", {"type":"array",...}. Elements of lists and values of maps
 * have no names there. */
void delta_type_put(struct buf *out, const struct column_def *c);
/* Is the type that is wanted the one of a column that stands, or wider: with new fields in its structs, nullable ones behind those that are
 * there? */
enum delta_fit { DELTA_TYPE_SAME, DELTA_TYPE_WIDER, DELTA_TYPE_OTHER };
enum delta_fit delta_type_fit(const struct delta_column *have, const struct column_def *want);
/* The schemaString of a table of ours, on one line: appended. */
void delta_schema_text(struct buf *out, const struct table_schema *s);

/* A partition value's text ("Partition Value Serialization") as a value of the column: INT32, DATE as int32; INT64, TIMESTAMP,
 * DECIMAL as int64; BOOL as 0 or 1 in i64; FLOAT, DOUBLE in f64; STRING, BINARY views text. A null text, or "" for any type, is null.
 * Timestamps: "2025-09-01 12:00:00[.ffffff]" (taken as UTC) and ISO 8601 with Z or an offset. E_CORRUPT: not of that type. */
struct delta_value {
	bool null;
	int64_t i64;
	double f64;
	struct str text;
};
status delta_value_parse(
	const struct column_def *def, struct str text, struct delta_value *out, struct err *err) MUST_USE;
/* The same, the other way round: appended; nothing for null (the caller writes null). */
void delta_value_text(struct buf *out, const struct column_def *def, const struct delta_value *v);
/* <0, 0, >0; neither null. Strings by bytes. */
int delta_value_cmp(const struct column_def *def, const struct delta_value *a, const struct delta_value *b);

#endif
