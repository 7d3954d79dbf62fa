/* table/log/txn_int.h: a transaction's parts, shared by txn.c (what it holds), txn_check.c (may it) and txn_commit.c (the commit). */
#ifndef PQR_TABLE_LOG_TXN_INT_H
#define PQR_TABLE_LOG_TXN_INT_H

#include "base/hash.h"
#include "base/vec.h"
#include "table/log/txn.h"

struct delta_txn {
	struct store *store;
	char root[DELTA_ROOT_MAX];
	const struct delta_snapshot *s; /* NULL: creates the table */
	struct delta_txn_opts opts;
	struct arena arena;
	struct buf adds;    /* struct delta_add */
	struct buf removes; /* struct delta_remove; sorted by path once the commit begins */
	bool has_metadata, has_protocol, append_only;
	struct {
		struct delta_app_txn *items; /* in arena */
		size_t n, cap;
	} apps;
	struct delta_metadata metadata;
	struct delta_protocol protocol;
	char id[UUID_CHARS + 1]; /* txnId */
	status failed;           /* of an earlier call; OK = none */
	bool done;
};

/* May this version of the program write to the table? "Writer Version Requirements". */
status txn_check_writer(const struct delta_snapshot *s, struct err *err) MUST_USE;

/* What the commit file of a winner says, gathered by txn_winner_visit. */
struct txn_winner {
	const struct delta_txn *t;
	int64_t version;
	bool ours;            /* it has our txnId */
	const char *conflict; /* why this transaction must be done again; NULL = it need not */
	struct str what;      /* the file or application it is about */
	struct delta_commit_info info;
};
status txn_winner_visit(void *winner, const struct delta_action *a, struct err *err);
/* By path, for looking up. */
int txn_remove_cmp(const void *a, const void *b);

#endif
