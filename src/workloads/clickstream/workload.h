/* workloads/clickstream/workload.h: the clickstream workload, for the registry. */
#ifndef PQR_CLICKSTREAM_WORKLOAD_H
#define PQR_CLICKSTREAM_WORKLOAD_H

#include "flow/workload.h"

extern const struct workload clickstream_workload;

#endif
