/* workloads/pqrs/sim/simulate.h: the simulate stage of the pqrs workload; the three functions of a struct stage_def (flow/workload.h). */
#ifndef PQR_PQRS_SIMULATE_H
#define PQR_PQRS_SIMULATE_H

#include "flow/workload.h"

status pqrs_simulate_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err) MUST_USE;
status pqrs_simulate_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err) MUST_USE;
/* The same, holding at most this many events at once; pqrs_simulate_run chooses. The files are the same. */
status pqrs_simulate_run_within(const struct task_env *env, const struct task_spec *spec, size_t events_max,
	struct task_result *out, struct err *err) MUST_USE;
status pqrs_simulate_check(const struct stage_view *view, struct quality_list *out, struct err *err) MUST_USE;

/* About what a simulated run writes to the lake: raw, and half as much again for what is made of it. */
int64_t pqrs_simulate_bytes(const void *config, const struct run_info *run);

#endif
