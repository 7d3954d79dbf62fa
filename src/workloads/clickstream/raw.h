/* workloads/clickstream/raw.h: the raw and bronze stages of the clickstream workload (flow/workload.h). */
#ifndef PQR_CLICKSTREAM_RAW_H
#define PQR_CLICKSTREAM_RAW_H

#include "flow/workload.h"

status clickstream_raw_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err) MUST_USE;
status clickstream_raw_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err) MUST_USE;
status clickstream_raw_check(const struct stage_view *view, struct quality_list *out, struct err *err) MUST_USE;

status clickstream_bronze_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err) MUST_USE;
status clickstream_bronze_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err) MUST_USE;
status clickstream_bronze_check(const struct stage_view *view, struct quality_list *out, struct err *err) MUST_USE;

#endif
