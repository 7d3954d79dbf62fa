/* table/read/scan_int.h: what the files of the scan share. scan.c: files, row groups, rows; scan_column.c: one column of a batch;
 * scan_stream.c: the Arrow C stream. */
#ifndef PQR_TABLE_READ_SCAN_INT_H
#define PQR_TABLE_READ_SCAN_INT_H

#include "table/read/scan.h"

enum {
	LEAF_MISSING = -1,
	LEAF_CONSTANT = -2,
	LEAF_FIELD = -3
}; /* a column the file lacks: null; a partition column; by its field */

/* A column that is read: one of the result, or only for a condition. */
struct scan_column {
	const struct delta_column *column; /* of the schema */
	bool condition;                    /* read first: its values decide about the rows */
	int leaf;                          /* in the open file, or LEAF_... */
	size_t field;                      /* LEAF_FIELD: in the open file */
	struct column group;               /* LEAF_FIELD: all rows of the row group, in scan->group */
	struct delta_value constant;       /* LEAF_CONSTANT */
};

struct delta_scan {
	const struct delta_snapshot *s;
	struct arena arena; /* the lists below */
	struct scan_column *columns;
	int *indices;             /* [n_read] the schema's, of columns */
	size_t n_columns, n_read; /* of the result; with those only for conditions */
	const struct delta_condition *where;
	size_t n_where;
	int64_t batch_rows_max;
	const struct delta_add **files;
	size_t n_files, file;        /* file: of the open one, or the next */
	struct store_object *object; /* NULL = none is open */
	struct parquet_reader *reader;
	size_t row_group;
	int64_t row;               /* next, in row_group */
	bool group_read;           /* the columns by fields, of the row group */
	uint32_t *rows;            /* [batch_rows_max] that satisfy the conditions */
	struct arena group;        /* columns by fields, of one row group */
	struct arena read, kept;   /* what a batch views: read from the file, or copied out of it by conditions */
	struct arena *batch_arena; /* of the last batch: read or kept */
	struct column *out;
	bool failed;
	char key[DELTA_KEY_MAX]; /* of the open file */
};

/* Can the file's column be read as the table's? E_CORRUPT or E_UNSUPPORTED naming the column. Nested types may lack fields that may be
 * null, and have others. */
status scan_column_check(const struct delta_column *want, const struct parquet_column_info *have, struct err *err);
/* As read from a file, to the table's type; widened values are in arena. */
status scan_column_widen(const struct column_def *want, const struct column *have, struct arena *arena,
	struct column *out, struct err *err);
/* As scan_column_widen, of any type. have_def: the file's, which scan_column_check has accepted. */
status scan_column_fit(const struct column_def *want, const struct column_def *have_def, const struct column *have,
	struct arena *arena, struct column *out, struct err *err);
/* n times the same value. */
status scan_column_constant(const struct column_def *def, const struct delta_value *v, int64_t n, struct arena *arena,
	struct column *out, struct err *err);

#endif
