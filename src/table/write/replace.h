/* table/write/replace.h: make a part of a table hold exactly these files, in one commit.
 *
 * The part is the files whose partition column has a value (run_id = U), or the whole table; or, of a patch, the files that it names
 * as removed. Creates the table when there is none; widens its schema by new nullable columns. What holds already commits nothing; a
 * commit that lost its race is done again on the new version. So a stage that is run again, by whoever, ends in one state.
 *
 *   replace    run_id = U: {a b}   ->  {b c}      whatever stood there of U
 *   patch      {a b}, removed a    ->  {b c}      whoever wrote a; E_CONFLICT where a does not stand any more and c does not yet
 */
#ifndef PQR_TABLE_WRITE_REPLACE_H
#define PQR_TABLE_WRITE_REPLACE_H

#include "columnar/schema.h"
#include "table/log/txn.h"

struct delta_replace {
	const struct table_schema *schema;
	const char *column, *value;    /* the part; column NULL = the whole table */
	const struct delta_add *files; /* [n_files] paths relative to the root; with stats; durable already */
	size_t n_files;
	bool patch;                /* then column is not looked at */
	const struct str *removed; /* [n_removed] of a patch: paths relative to the root */
	size_t n_removed;
	struct str app_id; /* txn; its version is the stored one plus one */
	/* Another txn action, which only one writer gets: E_CONFLICT where the table has it at this version or a later one, unless
	 * app_id committed before and the files stand. n == 0: none. */
	struct str claim_id;
	int64_t claim_version;
	const char *operation, *info; /* as delta_txn_opts */
};
struct delta_replace_result {
	int64_t version; /* the table's version that holds the files: the new one, or the one found */
	bool committed;  /* false: it held them already */
};
/* E_CONFLICT: the schema there is another one (says how); the claim is taken; a file to be removed is gone; or TXN_RETRIES_MAX races
 * were lost. Writes a checkpoint when one is due. */
status delta_replace(struct store *store, const char *root, const struct delta_replace *r,
	struct delta_replace_result *out, struct err *err) MUST_USE;

#endif
