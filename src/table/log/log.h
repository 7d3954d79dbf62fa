/* table/log/log.h: the files of a table's _delta_log, and one commit file's actions.
 *
 * Knows names and lines; must not know which action wins (table/log/snapshot.h) or Parquet (table/log/checkpoint.h).
 */
#ifndef PQR_TABLE_LOG_LOG_H
#define PQR_TABLE_LOG_LOG_H

#include "io/store.h"
#include "table/log/action.h"

enum { DELTA_ROOT_MAX = 512, DELTA_KEY_MAX = 1024 };

/* dst[DELTA_KEY_MAX] = store key of a file of the table. E_LIMIT. */
status delta_key(char dst[DELTA_KEY_MAX], const char *root, struct str path, struct err *err) MUST_USE;
/* "<root>/_delta_log/<20 digits>.json" */
status delta_commit_key(char dst[DELTA_KEY_MAX], const char *root, int64_t version, struct err *err) MUST_USE;

enum delta_log_kind {
	DELTA_LOG_COMMIT,     /* <v>.json */
	DELTA_LOG_CHECKPOINT, /* classic, <v>.checkpoint.parquet */
	DELTA_LOG_PART,       /* <v>.checkpoint.<part>.<parts>.parquet */
	DELTA_LOG_V2,         /* <v>.checkpoint.<uuid>.parquet or .json */
	DELTA_LOG_SIDECAR,    /* _sidecars/... */
	DELTA_LOG_OTHER,      /* .crc, compacted <a>.<b>.compacted.json, anything else */
};
struct delta_log_file {
	enum delta_log_kind kind;
	int64_t version;            /* -1: it has none */
	int32_t part, parts;        /* of DELTA_LOG_PART, 1-based */
	int64_t bytes, modified_ms; /* -1: not asked for */
	const char *key;            /* in the store */
};
struct delta_log_list {
	struct delta_log_file *files; /* by version, kind, part */
	size_t n;
};
/* Every file of <root>/_delta_log; a commit before a listed one that the listing passed over is asked for by name. A name of more than 20 digits or a version over 2^63-1 counts as OTHER. In arena. */
status delta_log_list(struct store *store, const char *root, struct arena *arena, struct delta_log_list *out,
	struct err *err) MUST_USE;

/* The same without sidecars, sizes and times: on a disk a look at each file less, and a log keeps its commits for a month. */
status delta_log_list_names(struct store *store, const char *root, struct arena *arena, struct delta_log_list *out,
	struct err *err) MUST_USE;

/* The newest complete checkpoint at or below `version`: files[n], which view the list; n == 0: none. skip: ignore
 * checkpoints of versions >= skip (they could not be read); INT64_MAX = none. */
struct delta_checkpoint_at {
	int64_t version;
	const struct delta_log_file *files;
	size_t n;
};
struct delta_checkpoint_at delta_log_checkpoint(const struct delta_log_list *l, int64_t version, int64_t skip);

/* Is the text of a commit what pqr wrote? true: it carries no digest and is not pqr's. Changes p while it looks. */
bool delta_log_seal_holds(uint8_t *p, size_t n);

typedef status (*delta_visit)(void *arg, const struct delta_action *a, struct err *err);
struct delta_visitor {
	delta_visit visit;
	void *arg;
};
/* Read a commit file into *text (appended, padded for the scanner) and visit each action, in order. Actions view *text.
 * E_CORRUPT names the file and line. */
status delta_log_read(struct store *store, const char *key, struct buf *text, struct arena *arena,
	const struct delta_visitor *v, struct err *err) MUST_USE;

#endif
