/* table/read/scan.h: the rows of a snapshot as record batches.
 *
 * Files in order of path, row groups in order; a batch has rows of one row group. Partition columns come from the log, columns a
 * file does not have are null if they may be, a narrower integer type of a file is widened. Conditions leave out files, row groups and
 * rows. Lists, maps, structs and decimals of over 18 digits of a row group are decoded at once, and given out by batches.
 */
#ifndef PQR_TABLE_READ_SCAN_H
#define PQR_TABLE_READ_SCAN_H

#include "table/read/predicate.h"

struct delta_scan;
struct delta_scan_opts {
	const char *const *columns; /* NULL: all; E_UNSUPPORTED: one that is not readable */
	size_t n_columns;
	const struct delta_condition *where; /* borrowed until close, the texts of its values too */
	size_t n_where;
	int64_t batch_rows_max;               /* 0 = 65536 */
	const struct delta_add *const *files; /* NULL: all of the snapshot */
	size_t n_files;
};
/* s is borrowed until close. Opens no file yet. E_USAGE: no such column. E_UNSUPPORTED: a file with a deletion vector. */
status delta_scan_open(const struct delta_snapshot *s, const struct delta_scan_opts *opts, struct delta_scan **out,
	struct err *err) MUST_USE;
void delta_scan_close(struct delta_scan *scan);
size_t delta_scan_n_columns(const struct delta_scan *scan);
const struct column_def *delta_scan_column(const struct delta_scan *scan, size_t i);
size_t delta_scan_n_files(const struct delta_scan *scan); /* left by pruning */
const struct delta_add *delta_scan_file(const struct delta_scan *scan, size_t i);

/* The next batch, of at least one row; *end at the end. Views the scan until its next call. E_CORRUPT, E_NOT_FOUND with the
 * file's key: a file the log names is damaged or gone. */
status delta_scan_next(struct delta_scan *scan, struct batch *out, bool *end, struct err *err) MUST_USE;

/* The type of the arrays of a stream: every column nullable, as files may have it otherwise than the table. */
status delta_scan_schema(const struct delta_scan *scan, struct ArrowSchema *out, struct err *err) MUST_USE;
/* The rest of the scan as an Arrow C stream, which takes scan, also on failure. owner (may be NULL): what the scan borrows, released
 * after it. Strings are utf8, decimals decimal128. Each array owns its buffers: it may outlive the stream. Errors: EIO, EINVAL,
 * ENOMEM with the text of err in get_last_error. One thread at a time; it need not be always the same. */
struct delta_scan_owner {
	void (*release)(void *arg);
	void *arg;
};
status delta_scan_stream(struct delta_scan *scan, const struct delta_scan_owner *owner, struct ArrowArrayStream *out,
	struct err *err) MUST_USE;

#endif
