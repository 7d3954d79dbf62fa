/* table/write/replace.h: make the part of a table that one writer owns hold exactly these files, in one commit.
 *
 * The part is the files whose partition column has a value (run_id = U), or the whole table. Creates the table when there is none;
 * widens its schema by new nullable columns. What holds already commits nothing; a commit that lost its race is done again on
 * the new version. So a stage that is run again, by whoever, ends in one state.
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
	struct str app_id;            /* txn; its version is the stored one plus one */
	const char *operation, *info; /* as delta_txn_opts */
};
struct delta_replace_result {
	int64_t version; /* the table's version that holds the files: the new one, or the one found */
	bool committed;  /* false: it held them already */
};
/* E_CONFLICT: the schema there is another one (says how); or TXN_RETRIES_MAX races were lost. Writes a checkpoint when one is due. */
status delta_replace(struct store *store, const char *root, const struct delta_replace *r,
	struct delta_replace_result *out, struct err *err) MUST_USE;

#endif
