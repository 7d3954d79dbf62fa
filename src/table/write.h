/* table/write.h: data files of a table from batches.
 *
 * One file of bounded size at a time, in memory, named part-<xxh128 of its bytes>.parquet in its partition's folder; put, not
 * committed: the caller adds them to a transaction after store_sync.
 */
#ifndef PQR_TABLE_WRITE_H
#define PQR_TABLE_WRITE_H

#include "columnar/batch.h"
#include "parquet/writer.h"
#include "table/snapshot.h"

struct delta_writer;
struct delta_writer_opts {
	struct parquet_opts parquet;
	int64_t file_bytes_max;  /* start a new file after about this many; 0 = 128 MiB */
	uint32_t row_group_rows; /* 0 = 1 Mi */
	int64_t modified_ms;     /* of the adds */
	bool data_change;
};
/* columns: of the files, without partition columns; partition: the values of all files of this writer, in metadata's order. Borrowed
 * until destroy. */
status delta_writer_create(struct store *store, const char *root, const struct table_schema *columns,
	const struct delta_pairs *partition, const struct delta_writer_opts *opts, struct delta_writer **out,
	struct err *err) MUST_USE;
void delta_writer_destroy(struct delta_writer *w);
/* rows as parquet_rows; b may be dropped afterwards. */
status delta_writer_add(
	struct delta_writer *w, const struct batch *b, const struct parquet_rows *rows, struct err *err) MUST_USE;
/* Put what is left; *files [*n] with stats view the writer until destroy. */
status delta_writer_finish(struct delta_writer *w, const struct delta_add **files, size_t *n, struct err *err) MUST_USE;

/* Hive folder of partition values: "month=2025-09/run_id=U"; null is __HIVE_DEFAULT_PARTITION__; other bytes than letters, digits and
 * -._~ and spaces are %XX, as Hive does. Appends, without a '/' at the end; "" for no partition columns. */
void delta_partition_folder(struct buf *out, const struct delta_pairs *partition);

#endif
