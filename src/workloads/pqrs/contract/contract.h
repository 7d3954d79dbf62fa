/* workloads/pqrs/contract/contract.h: the tables of the pqrs workload; contracts/pqrs/v2 is derived from them. */
#ifndef PQR_PQRS_CONTRACT_H
#define PQR_PQRS_CONTRACT_H

#include "workloads/pqrs/contract/schema.h"
#include "workloads/pqrs/contract/schema_gold.h"

/* Every table: bronze, silver, gold. */
enum { PQRS_TABLES = 1 + PQRS_SILVER_TABLES + GOLD_TABLES_N };
extern const struct table_schema *const pqrs_tables[PQRS_TABLES];

#endif
