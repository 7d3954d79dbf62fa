/* table/log/txn.h: commit to a Delta table with optimistic concurrency.
 *
 *   begin(snapshot) -> add, remove, set_... -> commit      a failure leaves the table as it was; only destroy works after it
 *
 * A commit is one put-if-absent of the next version (store_commit), durable on return. Its commitInfo holds a UUID (txnId): when
 * the version is taken, or the answer was lost (class UNKNOWN), the file there is read: ours means done. Somebody else's is
 * checked against what this transaction read and removes, and the commit goes on at the next version, or ends as
 *
 *   E_CONFLICT (class CONFLICT): re-open the snapshot and do it again
 *     a winner changed protocol or metaData · committed the same app_id · removed a file this one removes ·
 *     with reads: removed (dataChange) or added (dataChange) a file in what this one read
 *
 * so that an append (no reads, no removes) and a rewrite with dataChange = false never conflict with an append.
 */
#ifndef PQR_TABLE_LOG_TXN_H
#define PQR_TABLE_LOG_TXN_H

#include "table/log/snapshot.h"

struct delta_txn;

enum delta_reads {
	DELTA_READS_NOTHING,   /* append; or a rewrite of just the files it removes (optimize) */
	DELTA_READS_PARTITION, /* the files whose partition column `column` has `value` */
	DELTA_READS_ALL,
};
struct delta_txn_opts {
	const char *operation;  /* "WRITE", "OPTIMIZE", "CREATE TABLE" */
	const char *parameters; /* operationParameters as a JSON object; NULL = {} */
	const char *metrics;    /* operationMetrics as a JSON object; NULL = none */
	const char *
		info; /* further members of commitInfo, JSON text without braces: "\"pqrRunId\":\"...\"" ; NULL = none */
	enum delta_reads reads;
	struct str column, value; /* of DELTA_READS_PARTITION */
};
/* s is borrowed until destroy, as are the strings of opts. s == NULL: create the table at store, root as version 0; then protocol and
 * metadata must be set. E_UNSUPPORTED: the table needs a writer feature this version lacks (append-only tables refuse
 * removes with dataChange; invariants and CHECK constraints are refused by name). */
status delta_txn_begin(struct store *store, const char *root, const struct delta_snapshot *s,
	const struct delta_txn_opts *opts, struct delta_txn **out, struct err *err) MUST_USE;
void delta_txn_destroy(struct delta_txn *t); /* NULL is fine */

/* Strings are copied. modified_ms and deleted_ms as given. The data file must be durable before the commit. */
status delta_txn_add(struct delta_txn *t, const struct delta_add *a, struct err *err) MUST_USE;
/* Remove an active file of the snapshot; its partition, size and dv are taken from there. */
status delta_txn_remove(struct delta_txn *t, const struct delta_add *file, bool data_change, struct err *err) MUST_USE;
/* A txn action: at most DELTA_TXN_APPS_MAX in one commit, E_LIMIT; that many partitions of a topic can be landed together. */
enum { DELTA_TXN_APPS_MAX = 4096 };
status delta_txn_app(struct delta_txn *t, struct str app_id, int64_t version, struct err *err) MUST_USE;
status delta_txn_metadata(struct delta_txn *t, const struct delta_metadata *m, struct err *err) MUST_USE;
status delta_txn_protocol(struct delta_txn *t, const struct delta_protocol *p, struct err *err) MUST_USE;

/* After a creation's commit that ended as E_CONFLICT, because somebody else's created the table: the same adds and application, on s, to be
 * committed again; protocol and metadata are s's. s is borrowed until destroy. E_UNSUPPORTED as of begin. */
status delta_txn_onto(struct delta_txn *t, const struct delta_snapshot *s, struct err *err) MUST_USE;

/* *version on success. Does no checkpoint. */
status delta_txn_commit(struct delta_txn *t, int64_t *version, struct err *err) MUST_USE;

/* After a commit: open that version, write a checkpoint when one is due and clean the log. A failure here does not undo the commit:
 * the caller logs it. */
status delta_after_commit(struct store *store, const char *root, int64_t version, struct err *err) MUST_USE;

#endif
