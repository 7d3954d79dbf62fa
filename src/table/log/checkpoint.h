/* table/log/checkpoint.h: checkpoints: the state of a table at one version as Parquet, and the log's clean-up.
 *
 * Read ("Checkpoints", "Checkpoint Schema"): classic single files, multi-part, v2 (Parquet or JSON top, sidecars); columns found
 * by name, so that additional ones (stats_parsed, partitionValues_parsed) do no harm. Written: classic single file, snappy, stats
 * as JSON, no statistics on removes; tombstones younger than delta.deletedFileRetentionDuration (default 7 days) only.
 * Written bytes depend on the snapshot and the time alone. Pages have a CRC; Parquet gives the footer none, so a flipped bit in
 * the name of an optional member there goes unseen.
 */
#ifndef PQR_TABLE_LOG_CHECKPOINT_H
#define PQR_TABLE_LOG_CHECKPOINT_H

#include "table/log/log.h"
#include "table/log/snapshot.h"

/* Visit each action of the checkpoint that at->files form; sidecars are followed, not visited. Strings of the actions live in arena, viewed from the decoded columns. Memory: in arena the text columns, and 32 bytes for each
 * entry of a map; beside it the numbers of one row group. E_CORRUPT names the file, or the sidecar that is not there; E_UNSUPPORTED:
 * a sidecar elsewhere. A failure may come after some actions were visited. */
status delta_checkpoint_read(struct store *store, const char *root, const struct delta_checkpoint_at *at,
	struct arena *arena, const struct delta_visitor *v, struct err *err) MUST_USE;

/* Write the checkpoint of s, durable, and then _last_checkpoint, which never goes back to an older one. A checkpoint that is there
 * already is left as it is; E_CORRUPT: it is no Parquet file. now_ms decides which tombstones have expired. E_UNSUPPORTED: deletion vectors, or a
 * writer feature whose state a snapshot does not keep (rowTracking, clustering, unknown ones). E_LIMIT: 2 GiB of one column. Memory
 * beside the snapshot: its strings once more, about 60 bytes of numbers and levels a file, and the compressed file. */
status delta_checkpoint_write(const struct delta_snapshot *s, int64_t now_ms, struct err *err) MUST_USE;

enum { DELTA_CHECKPOINT_COMMITS = 10, DELTA_CHECKPOINT_LOG_BYTES = 1 << 20 };
/* Is a checkpoint due after commit s->version? At every tenth version, and where 10 commits or 1 MiB of log lie after the last one. */
bool delta_checkpoint_due(const struct delta_snapshot *s);

/* "Metadata Cleanup": keep the version that the table had delta.logRetentionDuration (default 30 days) before now_ms, and all
 * after it, readable: the newest checkpoint at or below it that can be read, and every commit from that version on, stay. Older
 * commits, checkpoints, .crc and compacted files go, oldest first, and sidecars of over a day that no checkpoint names. Without
 * such a checkpoint, or with delta.enableExpiredLogCleanup = false, nothing goes. *removed (may be NULL): files. */
status delta_log_clean(
	struct store *store, const char *root, int64_t now_ms, int64_t *removed, struct err *err) MUST_USE;

#endif
