/* table/vacuum.h: delete data files that no version in the retention period needs.
 *
 * A file goes when it is in no active add and its tombstone, or where the log never named it its time of modification, is older than the
 * retention. Files and folders whose name begins with '_' or '.' are left alone (partition folders "_x=..." are not). Versions older
 * than the retention may not be readable afterwards.
 */
#ifndef PQR_TABLE_VACUUM_H
#define PQR_TABLE_VACUUM_H

#include "table/snapshot.h"

struct delta_vacuum_opts {
	int64_t retention_ms; /* -1 = delta.deletedFileRetentionDuration, default 7 days */
	bool unsafe;          /* allow a retention under that: E_USAGE otherwise */
	bool dry_run;
	int64_t now_ms;
	/* Called for each file to go, in order of key, before it is deleted; may be NULL. */
	void (*visit)(void *arg, const char *key, int64_t bytes);
	void *visit_arg;
};
struct delta_vacuum_result {
	int64_t files, bytes; /* deleted, or to delete in a dry run */
	int64_t kept_young;   /* files the log never named that are younger than the retention */
};
status delta_vacuum(struct store *store, const char *root, const struct delta_vacuum_opts *opts,
	struct delta_vacuum_result *out, struct err *err) MUST_USE;

#endif
