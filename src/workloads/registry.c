/* workloads/registry.c: the one place that names every workload. A new one is its folder and a line here. */
#include "workloads/registry.h"

#include "workloads/clickstream/workload.h"
#include "workloads/pqrs/workload.h"

static const struct workload *const all[] = {
	&pqrs_workload,
	&clickstream_workload,
};

const struct workload_list registry_workloads = {all, sizeof all / sizeof all[0]};
