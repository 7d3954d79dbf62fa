/* parquet/reader.h: read a Parquet file by ranges.
 *
 * Reads what CONTRACTS names: data pages v1 and v2; PLAIN, dictionary, RLE, DELTA_BINARY_PACKED,
 * DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY, BYTE_STREAM_SPLIT; INT96 as microseconds; snappy, gzip, lz4, lz4_raw,
 * brotli, zstd. Flat columns of the col_types; anything else is E_UNSUPPORTED naming the column. Every length, level,
 * index and CRC is checked before use: a file that lies gets E_CORRUPT with its path and byte offset.
 *
 * Types: INT 8 to 32 and UINT 8, 16 as int32; UINT 32 and 64 as int64 (a value of 2^63 or more is refused); DECIMAL up to 18
 * digits on any type; timestamps in milliseconds times 1000 (refused when that overflows), in nanoseconds floored, local ones
 * taken as UTC; INT96 wraps; ENUM and JSON as string, BSON, UUID and fixed-length bytes as binary. Unsupported: nested or
 * repeated columns and decimals of over 18 digits (whole and by levels: parquet/nested.h), TIME, INTERVAL, FLOAT16, DECIMAL of over
 * 38 digits, encryption. Strings are UTF-8, integers of 8 and 16 bits and decimals within their types: E_CORRUPT otherwise, for strings
 * with the row, counted from 1.
 * A reader belongs to one thread at a time.
 */
#ifndef PQR_PARQUET_READER_H
#define PQR_PARQUET_READER_H

#include "columnar/batch.h"
#include "io/store.h"

struct parquet_reader;

struct parquet_column_info {
	const char *name; /* dotted path for nested leaves */
	bool supported;   /* false: nested or of another type; reading it is E_UNSUPPORTED with `reason` */
	const char *reason;
	struct column_def def; /* name, type, precision, scale, nullable */
};
struct parquet_row_group_info {
	int64_t n_rows;
};

/* object is borrowed until close. Footer only; small files (<= 1 MiB) are read whole at once. */
status parquet_reader_open(struct store_object *object, struct parquet_reader **out, struct err *err) MUST_USE;
void parquet_reader_close(struct parquet_reader *r);
/* A reader of no file yet, and another file for a reader: what an earlier file needed (buffers, contexts, the columns when the
 * schema bytes are the same) is kept, so that reading many small files allocates nothing. After a failure the reader holds
 * no file, and may be given another. Everything got from the reader before is gone. */
status parquet_reader_create(struct parquet_reader **out, struct err *err) MUST_USE;
status parquet_reader_reopen(struct parquet_reader *r, struct store_object *object, struct err *err) MUST_USE;
/* The bytes of the whole open file, where the reader holds them (up to 1 MiB), until it reads another; else NULL. */
const uint8_t *parquet_reader_file(const struct parquet_reader *r);
int64_t parquet_reader_rows(const struct parquet_reader *r);
size_t parquet_reader_n_columns(const struct parquet_reader *r); /* leaves */
const struct parquet_column_info *parquet_reader_column(const struct parquet_reader *r, size_t i);
int parquet_reader_column_index(const struct parquet_reader *r, const char *name); /* -1 */
size_t parquet_reader_n_row_groups(const struct parquet_reader *r);
int64_t parquet_reader_row_group_rows(const struct parquet_reader *r, size_t row_group);
const char *parquet_reader_metadata(
	const struct parquet_reader *r, const char *key); /* key-value metadata; NULL = none */

/* For finding row ranges: every row of a row group whose value of an integer column (INT32, INT64, DATE, TIMESTAMP in
 * microseconds) is in [lo, hi] is in rows [*begin, *end). The page index, where there is one, finds the first and the last page;
 * they alone are decoded and searched, so the range begins and ends at such a row (of pages over 131072 rows: at a page).
 * Any order of values is right; sorted ones make the range short. 0, 0: there is no such row. Other columns: all rows. */
struct parquet_find {
	size_t row_group;
	int column;
	int64_t lo, hi; /* both included */
};
status parquet_reader_find_rows(
	struct parquet_reader *r, const struct parquet_find *f, int64_t *begin, int64_t *end, struct err *err) MUST_USE;

/* Decode rows [begin, end) of a row group, only the pages that hold them, of columns[0..n). *out views arena (values)
 * until its reset. Dictionary-encoded strings stay dictionaries. out->columns[k] is columns[k]. Only pages
 * that overlap the range are decompressed. */
struct parquet_range {
	size_t row_group;
	int64_t begin, end;
};
struct parquet_columns {
	const int *at; /* [n] columns, in the order of the result */
	size_t n;
};
status parquet_reader_read(struct parquet_reader *r, const struct parquet_range *range, struct parquet_columns columns,
	struct arena *arena, struct batch *out, struct err *err) MUST_USE;

#endif
