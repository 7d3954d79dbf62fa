/* table/checkpoint.h: checkpoints: the state of a table at one version as Parquet, and the log's clean-up.
 *
 * Read ("Checkpoints", "Checkpoint Schema"): classic single files, multi-part, v2 (Parquet or JSON top, sidecars); columns found
 * by name, so that additional ones (stats_parsed, partitionValues_parsed) do no harm. Written: classic single file, stats as
 * JSON, no statistics on removes; tombstones younger than delta.deletedFileRetentionDuration (default 7 days) only.
 * Written bytes depend on the snapshot and the time alone.
 */
#ifndef PQR_TABLE_CHECKPOINT_H
#define PQR_TABLE_CHECKPOINT_H

#include "table/log.h"
#include "table/snapshot.h"

/* Call visit for each action of the checkpoint that l->files[at->first .. at->first + at->n) form. Strings of the actions live in
 * arena. Memory: one row group's columns beside what the arena keeps. E_CORRUPT names the file. */
status delta_checkpoint_read(struct store *store, const char *root, const struct delta_log_list *l,
	const struct delta_checkpoint_at *at, struct arena *arena, delta_visit visit, void *arg,
	struct err *err) MUST_USE;

/* Write the checkpoint of s and then _last_checkpoint. A checkpoint that is there already is left (E_EXISTS is OK).
 * now_ms decides which tombstones have expired. */
status delta_checkpoint_write(const struct delta_snapshot *s, int64_t now_ms, struct err *err) MUST_USE;

enum { DELTA_CHECKPOINT_COMMITS = 10, DELTA_CHECKPOINT_LOG_BYTES = 1 << 20 };
/* Is a checkpoint due after commit s->version? Every 10 commits, or 1 MiB of log since the last one. */
bool delta_checkpoint_due(const struct delta_snapshot *s);

/* "Metadata Cleanup": delete commits and checkpoints older than delta.logRetentionDuration (default 30 days) before now_ms, keeping
 * every version of the retention period, and the checkpoint that the oldest one needs, readable. *removed (may be NULL): files. */
status delta_log_clean(
	struct store *store, const char *root, int64_t now_ms, int64_t *removed, struct err *err) MUST_USE;

#endif
