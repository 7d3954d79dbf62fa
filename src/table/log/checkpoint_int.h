/* table/log/checkpoint_int.h: what the files of checkpoints share.
 *
 *   checkpoint_read.c   files: Parquet, JSON, sidecars        checkpoint_write.c  a snapshot as one file, and the hint
 *   checkpoint_rows.c   columns of one file into actions      log_clean.c         what no retained version needs
 */
#ifndef PQR_TABLE_LOG_CHECKPOINT_INT_H
#define PQR_TABLE_LOG_CHECKPOINT_INT_H

#include "parquet/reader.h"
#include "table/log/checkpoint.h"

/* A set of kinds of actions: only their columns are read. */
#define CHECKPOINT_KIND(kind) (1u << (kind))
enum {
	CHECKPOINT_FILES = CHECKPOINT_KIND(DELTA_ADD) | CHECKPOINT_KIND(DELTA_REMOVE),
	CHECKPOINT_ALL = CHECKPOINT_FILES | CHECKPOINT_KIND(DELTA_PROTOCOL) | CHECKPOINT_KIND(DELTA_METADATA) |
			 CHECKPOINT_KIND(DELTA_APP_TXN) | CHECKPOINT_KIND(DELTA_DOMAIN) |
			 CHECKPOINT_KIND(DELTA_SIDECAR),
};

struct checkpoint_visit {
	unsigned kinds;
	struct arena *arena; /* of the strings */
	struct delta_visitor to;
};

/* Each action of the open file, in the order of its rows; key is for messages. A file that breaks late has been visited in part. */
status checkpoint_rows_read(
	struct parquet_reader *r, const char *key, const struct checkpoint_visit *v, struct err *err) MUST_USE;

/* Add the keys of the sidecars that one file of a checkpoint names to keys, in arena. Reads no other column. */
struct checkpoint_keys {
	const char **items;
	size_t n, cap;
};
status checkpoint_sidecars(struct store *store, const char *root, const char *key, struct arena *arena,
	struct checkpoint_keys *keys, struct err *err) MUST_USE;

/* _last_checkpoint for a checkpoint that is there; left alone where it names a newer one that is there too. */
struct checkpoint_hint {
	int64_t version, actions, bytes, adds; /* bytes, adds: -1 = left out */
	int32_t parts;                         /* of a multi-part checkpoint; 0 = left out */
};
status checkpoint_hint_write(
	struct store *store, const char *root, const struct checkpoint_hint *h, struct err *err) MUST_USE;
/* The version that _last_checkpoint names; -1: there is none, or it is broken. E_IO when it can't be read. */
status checkpoint_hint_version(struct store *store, const char *root, int64_t *version, struct err *err) MUST_USE;

#endif
