/* workloads/clickstream/silver.h: the silver stage of the clickstream workload; the three functions of a struct stage_def. */
#ifndef PQR_CLICKSTREAM_SILVER_H
#define PQR_CLICKSTREAM_SILVER_H

#include "flow/workload.h"

#define CLICK_SILVER_STAGE "bronze_to_silver"

status clickstream_silver_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err) MUST_USE;
status clickstream_silver_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err) MUST_USE;
status clickstream_silver_check(const struct stage_view *view, struct quality_list *out, struct err *err) MUST_USE;

#endif
