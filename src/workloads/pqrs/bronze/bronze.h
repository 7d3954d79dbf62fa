/* workloads/pqrs/bronze/bronze.h: the bronze stage of the pqrs workload; the three functions of a struct stage_def (flow/workload.h). */
#ifndef PQR_PQRS_BRONZE_H
#define PQR_PQRS_BRONZE_H

#include "flow/workload.h"

status pqrs_bronze_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err) MUST_USE;
status pqrs_bronze_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err) MUST_USE;
status pqrs_bronze_check(const struct stage_view *view, struct quality_list *out, struct err *err) MUST_USE;

#endif
