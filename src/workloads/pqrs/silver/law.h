/* workloads/pqrs/silver/law.h: which row of the law decides a term (config/law_co_v1.yaml, docs/law.md).
 *
 * Rows are effective-dated: a request keeps the law of the day it was received on, unless a later row says that it reached
 * requests in course: those not yet due by their earlier term on the day the row came into force.
 */
#ifndef PQR_PQRS_LAW_H
#define PQR_PQRS_LAW_H

#include "workloads/pqrs/config/config.h"

/* The row for a request received on a local date; requests older than the law take its first row. cfg has a law. */
const struct law_row *law_of(const struct pqrs_config *cfg, enum request_kind kind, int32_t received);

#endif
