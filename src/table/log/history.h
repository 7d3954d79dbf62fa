/* table/log/history.h: the versions of a table: when, by whom, what.
 *
 * The time of a version is commitInfo.inCommitTimestamp, else commitInfo.timestamp, else the commit file's time of modification, raised
 * where needed so that times never go backwards: over those that are read, so a limited history may tell an earlier time.
 */
#ifndef PQR_TABLE_LOG_HISTORY_H
#define PQR_TABLE_LOG_HISTORY_H

#include "table/log/snapshot.h"

struct delta_version {
	int64_t version;
	int64_t timestamp_ms;
	struct delta_commit_info info;   /* empty where the commit has none */
	int64_t n_added, n_removed;      /* files */
	int64_t bytes_added, rows_added; /* rows: where every add has statistics, else -1 */
	bool data_change;
};
struct delta_history {
	struct delta_version *versions; /* oldest first */
	size_t n;
	struct arena arena; /* owns versions and what they view */
};
/* limit: that many newest; 0 = all the log still has. gives *out (deinit it). E_NOT_FOUND: no table. */
status delta_history_read(
	struct store *store, const char *root, size_t limit, struct delta_history *out, struct err *err) MUST_USE;
void delta_history_deinit(struct delta_history *h);
/* The text of a member of a version's commitInfo, quoted_name as "\"pqrRunId\":\"": views it; empty: there is none. */
struct str delta_history_member(const struct delta_version *v, const char *quoted_name);

/* The newest version at or before at_ms that can be read. E_NOT_FOUND: the table is younger, or that version was cleaned up (says the
 * oldest readable one). */
status delta_version_at(
	struct store *store, const char *root, int64_t at_ms, int64_t *version, struct err *err) MUST_USE;

#endif
