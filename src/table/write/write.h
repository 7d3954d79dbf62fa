/* table/write/write.h: data files of a table from batches.
 *
 * One file of bounded size at a time, in memory, named part-<xxh128 of its bytes>.parquet in its partition's folder; put, not
 * committed: the caller adds them to a transaction after store_sync. Rows are gathered until they fill a row group.
 */
#ifndef PQR_TABLE_WRITE_WRITE_H
#define PQR_TABLE_WRITE_WRITE_H

#include "columnar/batch.h"
#include "parquet/writer.h"
#include "table/log/snapshot.h"

struct delta_writer;
struct delta_writer_opts {
	struct parquet_opts parquet;
	struct delta_pairs partition; /* the values of all its files, in metadata's order */
	int64_t file_bytes_max;       /* start a new file after about this many; 0 = 128 MiB */
	uint32_t row_group_rows;      /* 0 = 1 Mi */
	const char *
		unique; /* in the names after the hash, so that the same rows written again are files of their own: an append
				  * gives a UUID; NULL: equal bytes get the same name */
	int64_t modified_ms; /* of the adds */
	bool data_change;
};
/* columns: of the files, without partition columns; they and what opts points to are borrowed until destroy. */
status delta_writer_create(struct store *store, const char *root, const struct table_schema *columns,
	const struct delta_writer_opts *opts, struct delta_writer **out, struct err *err) MUST_USE;
void delta_writer_destroy(struct delta_writer *w);
/* rows as parquet_rows, whose cuts are not kept; b has the columns in order and may be dropped afterwards. A failure poisons. */
status delta_writer_add(
	struct delta_writer *w, const struct batch *b, const struct parquet_rows *rows, struct err *err) MUST_USE;
/* All rows of b as a row group of their own, behind those gathered so far, without gathering them; at most row_group_rows. */
status delta_writer_group(struct delta_writer *w, const struct batch *b, struct err *err) MUST_USE;
/* Bytes of rows that are in no file yet; and put them in one, whatever its size: for one who has many writers. */
size_t delta_writer_pending(const struct delta_writer *w);
status delta_writer_flush(struct delta_writer *w, struct err *err) MUST_USE;
/* Put what is left; *files [*n] with stats view the writer until destroy. */
status delta_writer_finish(struct delta_writer *w, const struct delta_add **files, size_t *n, struct err *err) MUST_USE;

#endif
