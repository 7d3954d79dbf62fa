/* workloads/pqrs/contract/contract.h: the published contract of the pqrs workload, derived from its schemas: contracts/pqrs/v2. */
#ifndef PQR_PQRS_CONTRACT_H
#define PQR_PQRS_CONTRACT_H

#include "base/buf.h"
#include "workloads/pqrs/contract/schema.h"
#include "workloads/pqrs/contract/schema_gold.h"

/* Every table: bronze, silver, gold. */
enum { PQRS_TABLES = 1 + PQRS_SILVER_TABLES + GOLD_TABLES_N };
extern const struct table_schema *const pqrs_tables[PQRS_TABLES];

/* The whole contract as one document, appended to out. format: json-schema (an object: "raw.event" and "<layer>.<table>"
 * to JSON Schema), delta (the same to schemaString), ddl-postgres, ddl-sqlite (the serving tables and views), markdown.
 * E_USAGE: another. */
status pqrs_contract_format(const char *format, struct buf *out, struct err *err) MUST_USE;

/* Each file of contracts/pqrs/v2: its name and content, in a fixed order. */
typedef status (*contract_visit)(void *arg, const char *name, struct str text, struct err *err);
status pqrs_contract_files(contract_visit visit, void *arg, struct err *err) MUST_USE;
/* Write those files into dir, which is created when missing. */
status pqrs_contract_write_all(const char *dir, struct err *err) MUST_USE;

#endif
