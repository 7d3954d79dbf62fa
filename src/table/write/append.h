/* table/write/append.h: the rows of an Arrow C stream as one transaction on a table.
 *
 *   arrays -> rows by partition values -> a data file writer for each -> store_sync -> one commit
 *
 * Until the commit nothing is to be seen; files written before a failure are left for vacuum.
 */
#ifndef PQR_TABLE_WRITE_APPEND_H
#define PQR_TABLE_WRITE_APPEND_H

#include "columnar/arrow_abi.h"
#include "table/log/txn.h"

struct delta_append_opts {
	const char *const
		*partition_by; /* columns of a table that is created by this; of one that is there: NULL, or its own */
	size_t n_partition_by;
	size_t memory_max; /* rows that are in no file yet, in bytes; beyond it the largest partition is put; 0 = 512 MiB */
	const char *info; /* as delta_txn_opts */
};
/* Columns are matched by name. Those the stream lacks are null; int32 goes into int64 and a decimal into one of more digits of the
 * same scale; timestamps without a zone are taken as UTC. A stream without rows commits nothing to a table that is there. The
 * stream is drained, not released. *version: of the table with these rows, or the one found. E_USAGE: a column that the table
 * lacks or that has another type, nulls in a column without, another partitioning. E_UNSUPPORTED: a type nobody writes. E_IO with
 * the producer's text: the stream failed. E_CONFLICT as delta_txn_commit, and when another one created the table meanwhile. */
status delta_append(struct store *store, const char *root, struct ArrowArrayStream *stream,
	const struct delta_append_opts *opts, int64_t *version, struct err *err) MUST_USE;

#endif
