/* flow/part_scan.h: columns of silver files, row group by row group. */
#ifndef PQR_FLOW_PART_SCAN_H
#define PQR_FLOW_PART_SCAN_H

#include "columnar/batch.h"
#include "flow/task.h"

enum { PART_SCAN_COLUMNS_MAX = 16 };

struct part_scan {
	const struct task_env *env;
	const struct file_list *files;
	const struct column_def *const *columns; /* wanted, by name; the type must be the file's */
	size_t n_columns;
	/* Compare each file with its XXH3-128 first. Of the gold tasks that read a file exactly one does so: any of them
	 * failing keeps the stage from being committed. */
	bool check_hash;
	/* Before the row groups of a file; may be NULL. */
	status (*enter)(void *arg, const struct file_ref *file, struct err *err);
	/* One row group: b has the wanted columns in order. b and whatever is taken from scratch end with the call. */
	status (*visit)(void *arg, const struct batch *b, struct arena *scratch, struct err *err);
	void *arg;
	int64_t rows, bytes; /* out: rows seen; bytes of the files */
};

/* E_VERIFY: a file changed; E_CORRUPT: it is no Parquet file with these columns, or does not hold the rows that its stage
 * wrote. The file is named in err->where. */
status part_scan(struct part_scan *s, struct err *err) MUST_USE;

int64_t part_files_rows(const struct file_list *files);

#endif
