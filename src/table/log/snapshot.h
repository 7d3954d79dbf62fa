/* table/log/snapshot.h: one version of a Delta table: replayed from its newest checkpoint and the commits after it.
 *
 *   <root>/_delta_log/00000000000000000000.json         commits, one action a line
 *                     00000000000000000010.checkpoint.parquet, .checkpoint.<i>.<n>.parquet (parts), .checkpoint.<uuid>.parquet
 *                     or .json (v2, with _sidecars/)
 *                     _last_checkpoint                  a hint: may be missing, stale or wrong, and is then ignored
 *
 * "Action Reconciliation": the newest add or remove of a (path, deletion vector) wins, the newest protocol, metaData, txn of an
 * app and domainMetadata of a domain too. A snapshot is immutable; a version once read never changes. Different snapshots may be used by
 * different threads; one snapshot may be read by several.
 *
 * Read: reader versions 1 and 2 without column mapping, and 3 with the features timestampNtz, v2Checkpoint and
 * vacuumProtocolCheck; every other feature that a reader must know is E_UNSUPPORTED by its name, with the table's.
 */
#ifndef PQR_TABLE_LOG_SNAPSHOT_H
#define PQR_TABLE_LOG_SNAPSHOT_H

#include "table/log/log.h"
#include "table/log/schema.h"

enum { DELTA_LATEST = -1 };

struct delta_snapshot {
	struct store *store;
	char root[DELTA_ROOT_MAX]; /* key of the table's folder: "silver/tickets"; "" = the store's root */
	int64_t version;
	int64_t timestamp_ms; /* of that version's commit (table/log/history.h says how it is found) */
	struct delta_protocol protocol;
	struct delta_metadata metadata;
	struct delta_schema schema;
	const struct delta_add *files; /* [n_files] active, by path, bytewise */
	size_t n_files;
	const struct delta_remove *tombstones; /* [n_tombstones] removed and not added again, by path */
	size_t n_tombstones;
	const struct delta_app_txn *app_txns; /* by app_id */
	size_t n_app_txns;
	const struct delta_domain *domains; /* by domain, without removed ones */
	size_t n_domains;
	int64_t checkpoint_version; /* it was replayed from; -1 = from version 0 */
	int64_t log_bytes;          /* of the commits after that checkpoint */
	struct arena arena;         /* owns all of the above */
	struct buf *texts;          /* [n_texts] the commit files that actions view */
	size_t n_texts;
};

/* The table at root as of `version`, or DELTA_LATEST. gives *out. E_NOT_FOUND: no table there, or no such version (says which
 * there are). E_CORRUPT names the file: a gap in the versions, a broken line (its number), a checkpoint that can't be read while
 * the commits before it are gone. E_UNSUPPORTED names the feature. Cost: one listing of the log, one read a commit, the
 * checkpoint. */
status delta_snapshot_open(
	struct store *store, const char *root, int64_t version, struct delta_snapshot **out, struct err *err) MUST_USE;
void delta_snapshot_close(struct delta_snapshot *s); /* NULL is fine */

/* Leave of its files those whose partition column has one of values[n]; a table without that column stays whole. */
void delta_snapshot_keep(struct delta_snapshot *s, const char *column, const char *const *values, size_t n);

/* Is there a Delta log at root? */
status delta_table_exists(struct store *store, const char *root, bool *out, struct err *err) MUST_USE;

/* The active file of that path, or NULL; O(log n). */
const struct delta_add *delta_snapshot_file(const struct delta_snapshot *s, struct str path);
const struct delta_remove *delta_snapshot_tombstone(const struct delta_snapshot *s, struct str path);
const struct delta_app_txn *delta_snapshot_app_txn(const struct delta_snapshot *s, struct str app_id);
/* Table property, or fallback: metadata.configuration. */
struct str delta_snapshot_property(const struct delta_snapshot *s, const char *key, const char *fallback);
/* A property that is an interval, "interval 7 days", in milliseconds; fallback_ms when not set or not understood. */
int64_t delta_snapshot_interval(const struct delta_snapshot *s, const char *key, int64_t fallback_ms);
/* numRecords of the file's stats, or -1. */
int64_t delta_add_rows(const struct delta_add *a);

#endif
