/* table/maintain/check.h: does a table's log say what its files are?
 *
 * Every commit of the log is read. Of the newest version each data file must be there, of the log's size, under folders that tell the log's
 * partition values; and, when asked for, its statistics in the log must hold for the file: as many rows and nulls as the footer says, and no
 * bound inside of the footer's. So a byte of the log that decides which rows a reader sees does not change unseen. Reads only.
 */
#ifndef PQR_TABLE_MAINTAIN_CHECK_H
#define PQR_TABLE_MAINTAIN_CHECK_H

#include "table/log/snapshot.h"

struct delta_check_opts {
	struct delta_pair only; /* files with this partition value alone; key.p == NULL: all */
	bool statistics;        /* open each file's footer */
	/* Called for each difference, in no order. key: of the log's or the data file. */
	void (*difference)(void *arg, const char *key, const char *what);
	void *arg;
};
struct delta_check_result {
	int64_t commits, files; /* looked at */
	int64_t rows;           /* of those files, as the log has them; -1 = it does not say */
	int64_t differences;
};
/* E_NOT_FOUND: no table. A log that can't be read is a difference, not a failure; E_IO, E_NOMEM, E_CANCELLED are failures. */
status delta_check(struct store *store, const char *root, const struct delta_check_opts *o,
	struct delta_check_result *out, struct err *err) MUST_USE;

#endif
