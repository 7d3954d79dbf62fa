/* flow/contract.h: the published contract of a workload, derived from its schemas: contracts/pqrs/v2. */
#ifndef PQR_FLOW_CONTRACT_H
#define PQR_FLOW_CONTRACT_H

#include "flow/workload.h"

/* The whole contract as one document, appended to out. format: json-schema (an object: "raw.event" and "<layer>.<table>"
 * to JSON Schema), delta (the same to schemaString), ddl-postgres, ddl-sqlite (the serving tables and views), markdown.
 * E_USAGE: another. */
status contract_format(const struct workload *w, const char *format, struct buf *out, struct err *err) MUST_USE;

/* Each file of contracts/<version>: its name and content, in a fixed order. */
typedef status (*contract_visit)(void *arg, const char *name, struct str text, struct err *err);
status contract_files(const struct workload *w, contract_visit visit, void *arg, struct err *err) MUST_USE;
/* Write those files into dir, which is created when missing. */
status contract_write_all(const struct workload *w, const char *dir, struct err *err) MUST_USE;

/* CREATE VIEW statements. PostgreSQL: the names as analytics.<view> and gold.<table>. */
void contract_view_sqlite(struct buf *out, const struct workload_view *v);
void contract_view_postgres(struct buf *out, const struct workload_view *v);

#endif
