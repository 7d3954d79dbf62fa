/* table/write/stats.h: "Per-file Statistics" of a Parquet file, written and read.
 *
 * {"numRecords":n,"minValues":{},"maxValues":{},"nullCount":{}} over the first DELTA_STATS_COLUMNS columns of the file, as the
 * format's default has it. Strings are cut to DELTA_STATS_STRING code points, a cut maximum is raised (left out where it cannot be).
 * Timestamps to the microsecond. Booleans, binary, and columns whose row groups lack statistics have no bounds, instants and
 * dates outside the years 1 to 9999 neither. Floats have no maximum: a NaN is greatest in SQL, and the bounds of a Parquet file
 * pass over it.
 */
#ifndef PQR_TABLE_WRITE_STATS_H
#define PQR_TABLE_WRITE_STATS_H

#include "base/buf.h"
#include "columnar/schema.h"
#include "parquet/reader.h"
#include "table/log/schema.h"

enum { DELTA_STATS_COLUMNS = 32, DELTA_STATS_STRING = 32 };

/* Append the statistics of the open file. Reads the footer only. *rows (may be NULL). */
status delta_stats_write(struct parquet_reader *r, struct buf *out, int64_t *rows, struct err *err) MUST_USE;

/* One column of an add's stats. min <= every value <= max; they need not be values of the column. Strings live in arena. */
struct delta_column_stats {
	bool has_min, has_max, has_null_count;
	struct delta_value min, max;
	int64_t null_count;
};
struct delta_file_stats {
	int64_t rows;                       /* -1 = not given */
	struct delta_column_stats *columns; /* [schema->n] */
};
/* text is copied. Statistics that are broken or of another type count as absent, as do those of nested columns: they only ever
 * save work. Bounds that writers are known to round are widened: a maximum in milliseconds by 999 microseconds, a string of
 * DELTA_STATS_STRING bytes or more (it may be cut) by a byte 0xFF at its end, decimals of over 15 digits by what a double
 * loses. E_NOMEM. */
status delta_stats_read(struct str text, const struct delta_schema *schema, struct arena *arena,
	struct delta_file_stats *out, struct err *err) MUST_USE;

#endif
