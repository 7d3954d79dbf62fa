/* parquet/writer.h: one Parquet file, written into memory.
 *
 * Format: https://parquet.apache.org/docs/file-format/ and parquet.thrift. Data page v1 with CRC, dictionary, else
 * DELTA_BINARY_PACKED for numbers where that is smaller, else plain; RLE levels, column and offset index, bloom filters on id columns, statistics with column orders,
 * no wall-clock time: the same calls give the same bytes.
 *
 * Lists, structs and maps (https://parquet.apache.org/docs/file-format/nestedencoding/, and "Nested Types" of LogicalTypes.md: three-level
 * lists) are a chunk a leaf, each as a flat column's, in pages that end between rows. E_UNSUPPORTED at creation: decimals of over 18 digits,
 * a struct without fields, types within types deeper than COLUMN_DEPTH_MAX.
 *
 *   create -> row_group* -> finish -> (bytes) -> destroy         any failure poisons: only destroy works after it
 */
#ifndef PQR_PARQUET_WRITER_H
#define PQR_PARQUET_WRITER_H

#include "columnar/batch.h"

enum parquet_codec {
	PARQUET_UNCOMPRESSED = 0,
	PARQUET_SNAPPY = 1,
	PARQUET_GZIP = 2,
	PARQUET_BROTLI = 4,
	PARQUET_LZ4 = 5,
	PARQUET_ZSTD = 6,
	PARQUET_LZ4_RAW = 7
};

struct parquet_opts {
	enum parquet_codec codec; /* uncompressed, snappy, zstd */
	int level;                /* zstd: 1 by default */
	uint32_t page_rows_max;   /* 0 = 20000 */
	uint32_t page_bytes_min;  /* a page ends at the first cut after this many encoded bytes, one of text after eight
				   * times as many; 0 = 16 KiB */
	bool bloom;               /* bloom filters on columns whose def has id set */
};

struct parquet_writer;

/* schema and opts are borrowed until destroy (schema) and copied (opts). The file holds the data columns only. */
status parquet_writer_create(const struct table_schema *schema, const struct parquet_opts *opts,
	struct parquet_writer **out, struct err *err) MUST_USE;
void parquet_writer_destroy(struct parquet_writer *w);

/* Start the next file with the same schema, buffers kept. */
void parquet_writer_reset(struct parquet_writer *w);

/* Write rows[0..n) of b (in that order; rows == NULL: rows 0..n) as one row group. A nested column takes 6 bytes an entry of scratch at each
 * depth; E_LIMIT: over 2^31 entries. E_CORRUPT: a null where none may be. b has the schema's data columns in
 * order. cuts (may be NULL): increasing positions in 0..n, exclusive ends, where a page may end (bucket borders);
 * without them, and in nested columns, pages end at page_rows_max. Columns cut independently of each other. Every row index < b->n_rows. */
struct parquet_rows {
	const uint32_t *rows;
	uint32_t n;
	const uint32_t *cuts;
	uint32_t n_cuts;
};
status parquet_writer_row_group(
	struct parquet_writer *w, const struct batch *b, const struct parquet_rows *rows, struct err *err) MUST_USE;

int64_t parquet_writer_rows(const struct parquet_writer *w);
size_t parquet_writer_bytes(const struct parquet_writer *w); /* encoded so far, without what finish appends */

/* Append footer; *p, *n view the whole file until reset or destroy. */
status parquet_writer_finish(struct parquet_writer *w, const uint8_t **p, size_t *n, struct err *err) MUST_USE;

#endif
