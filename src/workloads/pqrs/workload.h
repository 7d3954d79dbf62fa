/* workloads/pqrs/workload.h: the pqrs workload, as it registers itself. */
#ifndef PQR_PQRS_WORKLOAD_H
#define PQR_PQRS_WORKLOAD_H

#include "flow/workload.h"

extern const struct workload pqrs_workload;

#endif
