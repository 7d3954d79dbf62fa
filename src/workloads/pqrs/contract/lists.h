/* workloads/pqrs/contract/lists.h: what the API lists of cases: those that wait for an answer, and what happened to each. */
#ifndef PQR_PQRS_LISTS_H
#define PQR_PQRS_LISTS_H

#include "flow/workload.h"

enum { PQRS_LISTS = 2 };
extern const struct workload_list_view pqrs_lists[PQRS_LISTS];

#endif
