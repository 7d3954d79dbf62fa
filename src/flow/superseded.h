/* flow/superseded.h: is it right that a committed file is gone?
 *
 * A table's log may have replaced a run's file since: a run that went on from it changed rows of it, `pqr table optimize` put its rows into
 * another file, or a later run wrote the dimension anew; vacuum then deletes it in time. That is no loss when the table has seen the run's
 * commit and names the file no more. Anything else that is gone is missing.
 */
#ifndef PQR_FLOW_SUPERSEDED_H
#define PQR_FLOW_SUPERSEDED_H

#include "flow/commit.h"
#include "flow/workload.h"
#include "table/log/snapshot.h"

struct superseded; /* keeps what it read of the tables; one thread at a time */
/* All borrowed until destroy. */
status superseded_create(struct store *lake, const struct workload *w, const char *run_id, struct superseded **out,
	struct err *err) MUST_USE;
void superseded_destroy(struct superseded *s); /* NULL is fine */
/* ref: a file of a commit of the run. */
status superseded_check(struct superseded *s, const struct file_ref *ref, bool *out, struct err *err) MUST_USE;

/* A task's or table's root in the lake: "silver.tickets" -> silver/tickets, and the appId of a run's stage: txn.appId. */
void flow_table_root(const struct table_schema *t, char dst[RUN_KEY_MAX]);
struct str flow_app_id(const char *run_id, const char *layer, char dst[RUN_KEY_MAX]);

#endif
