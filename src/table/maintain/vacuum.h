/* table/maintain/vacuum.h: delete data files that no version in the retention period needs.
 *
 * Kept, whatever its age:
 *   1 a file of the newest version;
 *   2 a file removed, or named at all, by a commit inside the retention period: the version before that commit was current in it;
 *   3 a file whose tombstone is younger than the retention;
 *   4 any file put inside the retention period: its writer may be about to commit it.
 * Everything else below the table's folder goes, but for names that begin with '_' or '.' and what lies in folders of such names
 * (partition folders "_x=..." and _change_data are data). The folder is listed before the log is read, so that what was committed
 * meanwhile counts as named. Versions older than the retention may not be readable afterwards.
 *
 * A run that deletes anything writes two commits without data, VACUUM START before and VACUUM END after, as Spark and delta-rs do, so
 * that the history shows it. A killed run leaves files for the next one and nothing else.
 */
#ifndef PQR_TABLE_MAINTAIN_VACUUM_H
#define PQR_TABLE_MAINTAIN_VACUUM_H

#include "table/log/snapshot.h"

struct delta_vacuum_opts {
	int64_t retention_ms; /* -1 = delta.deletedFileRetentionDuration, else default_ms */
	int64_t default_ms;   /* of a table that names none; 0 keeps nothing that was removed */
	bool unsafe;          /* allow a retention under that: E_USAGE otherwise */
	bool dry_run;         /* delete nothing, commit nothing */
	int64_t now_ms;
	/* Called for each file to go, in order of key, before it is deleted; may be NULL. */
	void (*visit)(void *arg, const char *key, int64_t bytes);
	void *visit_arg;
};
struct delta_vacuum_result {
	int64_t files, bytes; /* deleted, or to delete in a dry run */
	int64_t kept_young;   /* files that 4 alone keeps */
	int64_t version;      /* of VACUUM END, or the version found when nothing was deleted */
};
/* E_USAGE: a retention under the table's. E_UNSUPPORTED: the table needs a reader or writer feature that may keep files this version
 * does not know of, or a file has a deletion vector; checked before anything is deleted. Memory: the keys of the folder and the
 * log. Cost: one listing, one snapshot, one read of each commit inside the retention period. */
status delta_vacuum(struct store *store, const char *root, const struct delta_vacuum_opts *opts,
	struct delta_vacuum_result *out, struct err *err) MUST_USE;

#endif
