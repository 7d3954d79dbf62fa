/* workloads/pqrs/explain/explain_lake.h: one ticket of a lake, explained. */
#ifndef PQR_PQRS_EXPLAIN_LAKE_H
#define PQR_PQRS_EXPLAIN_LAKE_H

#include "base/buf.h"
#include "io/store.h"

/* Append how the due date of a ticket (its id, or the number that the citizen was given) came to be, as the newest run left the ticket:
 * text, or one JSON object and a newline. E_NOT_FOUND: no such ticket; E_USAGE: several have the number; E_CORRUPT: silver holds
 * another date. */
status explain_lake(struct store *lake, const char *ticket, bool json, struct buf *out, struct err *err) MUST_USE;

#endif
