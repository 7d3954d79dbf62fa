/* table/write/advance.h: append to a table and move positions in it, both or neither.
 *
 *   table: {a b}, topic/0 at 100      advance {c}, topic/0 100 -> 250      table: {a b c}, topic/0 at 250
 *
 * A position is a txn action of its own application: it moves only from where the writer took it to be, in whichever version the commit
 * lands. So of any number of writers that read the same positions one commits, and what each position counts is in the table once.
 */
#ifndef PQR_TABLE_WRITE_ADVANCE_H
#define PQR_TABLE_WRITE_ADVANCE_H

#include "columnar/schema.h"
#include "table/log/txn.h"

struct delta_move {
	struct str app_id;
	int64_t from; /* -1: the table has none yet */
	int64_t to;
};
struct delta_advance {
	const struct table_schema *schema;
	const struct delta_add *files; /* [n_files] durable already, dataChange */
	size_t n_files;
	const struct delta_move *moves; /* [n_moves]; none: a plain append */
	size_t n_moves;
	const struct delta_pair *properties; /* [n_properties] of a table that is created by this */
	size_t n_properties;
	const char *info; /* as delta_txn_opts */
};
/* Creates the table when there is none; widens its schema by new nullable columns. E_CONFLICT: the table has another position than
 * `from`, or TXN_RETRIES_MAX races were lost. E_UNSUPPORTED: it has another schema (says how). Writes a checkpoint when one is due. */
status delta_advance(struct store *store, const char *root, const struct delta_advance *a, int64_t *version,
	struct err *err) MUST_USE;

/* versions[i]: of apps[i] in the newest version of the table, -1: none; all -1 where there is no table. */
status delta_positions(struct store *store, const char *root, const struct str *apps, size_t n, int64_t *versions,
	struct err *err) MUST_USE;

#endif
