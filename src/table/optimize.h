/* table/optimize.h: compaction: the same rows in fewer, larger, or better ordered files.
 *
 * Bin packing within each partition: files below the target are gathered, in order of path, into bins of about target bytes; each bin
 * becomes one file and one commit's worth of remove and add with dataChange = false. Bins are committed in batches of at most
 * commit_bytes_max, so that a killed run leaves whole commits and the next one goes on with what is left. A bin whose file somebody
 * removed meanwhile is left out; an append never conflicts. Memory: one row group of input and one file of output a thread (z-order: the
 * rows of one bin). Open files: one a thread.
 */
#ifndef PQR_TABLE_OPTIMIZE_H
#define PQR_TABLE_OPTIMIZE_H

#include "table/predicate.h"
#include "table/txn.h"

struct delta_optimize_opts {
	int64_t target_bytes;      /* 0 = 128 MiB */
	int64_t commit_bytes_max;  /* of input in one commit; 0 = 8 GiB */
	const char *const *zorder; /* columns; NULL = keep the order of rows */
	size_t n_zorder;
	const struct delta_condition *where; /* on partition columns only */
	size_t n_where;
	int threads;                                                    /* 0 = 1 */
	void (*progress)(void *arg, int64_t files_done, int64_t files); /* may be NULL */
	void *progress_arg;
};
struct delta_optimize_result {
	int64_t files_removed, files_added, bytes_removed, bytes_added, rows, partitions, commits, skipped_bins;
	int64_t version; /* the newest commit, or the version found when there was nothing to do */
};
status delta_optimize(struct store *store, const char *root, const struct delta_optimize_opts *opts,
	struct delta_optimize_result *out, struct err *err) MUST_USE;

#endif
