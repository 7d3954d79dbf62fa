/* workloads/registry.h: the workloads of this program. */
#ifndef PQR_WORKLOADS_REGISTRY_H
#define PQR_WORKLOADS_REGISTRY_H

#include "flow/workload.h"

extern const struct workload_list registry_workloads;

#endif
