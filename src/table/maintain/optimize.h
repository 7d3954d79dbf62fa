/* table/maintain/optimize.h: compaction: the same rows in fewer, larger, or better ordered files.
 *
 * Bin packing within each partition: files under three quarters of the target are gathered, in order of path, into bins of at most target
 * bytes; a bin of two files or more becomes one file, its rows in the order of path and row. With z-order all files of a partition that do
 * not say in their tags that they have that order already (DELTA_ZORDER_TAG) are one bin, and so are the small ones that do; its rows come
 * out along the curve (table/maintain/zorder.h) in files of about target bytes, of as many rows at once as sort_bytes_max lets it hold.
 *
 * A bin is the remove of its files and the add of its new ones, with dataChange = false. Bins are committed in batches of at most
 * commit_bytes_max, so that a killed run leaves whole commits and the next one goes on with what is left; files it had put and not
 * committed are left to vacuum. A bin whose file somebody removed meanwhile is left out (skipped_bins), its new file deleted; an
 * append never conflicts. Memory: of each thread a batch of input, a row group and a file of output; with z-order sort_bytes_max besides.
 * Open files: one a thread.
 */
#ifndef PQR_TABLE_MAINTAIN_OPTIMIZE_H
#define PQR_TABLE_MAINTAIN_OPTIMIZE_H

#include "table/read/predicate.h"
#include "table/log/txn.h"

#define DELTA_ZORDER_TAG "pqr.zorder" /* of an add: the columns its rows were ordered by, joined by commas */

struct delta_optimize_opts {
	int64_t target_bytes;      /* 0 = 128 MiB */
	int64_t commit_bytes_max;  /* of input in one commit, and of a bin with z-order; 0 = 8 GiB */
	int64_t sort_bytes_max;    /* of decoded rows ordered at once, all threads together; 0 = 1 GiB */
	const char *const *zorder; /* columns; NULL = keep the order of rows */
	size_t n_zorder;
	const struct delta_condition *where; /* on partition columns only */
	size_t n_where;
	int threads;              /* 0 = 1 */
	const _Atomic bool *stop; /* once set, it ends as when cancelled; may be NULL */
	/* May be NULL. Called by any of the threads, by one at a time: files rewritten so far, of those to rewrite. */
	void (*progress)(void *arg, int64_t files_done, int64_t files);
	void *progress_arg;
};
struct delta_optimize_result {
	int64_t files_removed, files_added, bytes_removed, bytes_added, rows, partitions, commits, skipped_bins;
	int64_t version; /* the newest commit, or the version found when there was nothing to do */
};
/* E_USAGE: a z-order column that is not there, is a partition's or is named twice, or over ZORDER_COLUMNS_MAX; a condition on another than a
 * partition column. E_UNSUPPORTED, naming it: a column whose values this version cannot write as they were, a deletion vector, a feature
 * of the table. E_CONFLICT: protocol or metadata changed meanwhile, or TXN races were lost too often; what was committed stays.
 * E_CANCELLED as any failure: the same. *out is written on success alone. */
status delta_optimize(struct store *store, const char *root, const struct delta_optimize_opts *opts,
	struct delta_optimize_result *out, struct err *err) MUST_USE;

#endif
