/* table/log/replay_int.h: "Action Reconciliation": which actions of a log are in force at a version.
 *
 * Commits are given newest first, then the checkpoint below them: an action counts unless a newer one of its key was seen.
 * So only what the commits name stands in the hash table; the checkpoint's many files are looked up and appended.
 *
 *   init -> (replay_commit_begin -> replay_visit...)* -> replay_checkpoint_begin -> replay_visit... -> finish -> deinit
 */
#ifndef PQR_TABLE_LOG_REPLAY_INT_H
#define PQR_TABLE_LOG_REPLAY_INT_H

#include "table/log/snapshot.h"

struct replay_entry {
	uint64_t hash;
	int64_t version;
	enum delta_kind key_kind; /* ADD for adds and removes, APP_TXN, DOMAIN */
	struct str key, dv;
	struct delta_action action;
};
/* Actions by kind: struct delta_add each, delta_remove, delta_app_txn, delta_domain. */
enum replay_list { REPLAY_ADDS, REPLAY_REMOVES, REPLAY_APP_TXNS, REPLAY_DOMAINS, REPLAY_LISTS };
struct replay_lists {
	struct buf of[REPLAY_LISTS];
};
struct replay {
	struct arena *arena;                        /* of the snapshot */
	int64_t version;                            /* of the commit at hand; -1 = the checkpoint */
	int64_t protocol_version, metadata_version; /* INT64_MIN = none seen */
	struct delta_protocol protocol;
	struct delta_metadata metadata;
	struct delta_commit_info info; /* of the commit at hand */
	struct buf entries;            /* struct replay_entry, of the commits */
	uint32_t *slots;               /* [mask + 1] index + 1 into entries */
	size_t mask;
	struct replay_lists checkpoint;
};
void replay_init(struct replay *r, struct arena *arena);
void replay_deinit(struct replay *r);
void replay_commit_begin(struct replay *r, int64_t version);
void replay_checkpoint_begin(struct replay *r);
status replay_visit(void *replay, const struct delta_action *a, struct err *err);
/* The lists of s, sorted. E_CORRUPT: the checkpoint has a key twice. */
status replay_finish(struct replay *r, struct delta_snapshot *s, struct err *err) MUST_USE;

#endif
