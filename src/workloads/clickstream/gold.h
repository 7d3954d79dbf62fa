/* workloads/clickstream/gold.h: the four gold stages of the clickstream workload, one a table; the three functions of a struct stage_def. */
#ifndef PQR_CLICKSTREAM_GOLD_H
#define PQR_CLICKSTREAM_GOLD_H

#include "flow/workload.h"
#include "workloads/clickstream/schema.h"

extern const char *const clickstream_gold_stages[GOLD_TABLES]; /* "silver_to_gold_dau", ... */

status clickstream_gold_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err) MUST_USE;
status clickstream_gold_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err) MUST_USE;
status clickstream_gold_check(const struct stage_view *view, struct quality_list *out, struct err *err) MUST_USE;

/* numerator / denominator in ten-thousandths, half away from zero; 0 <= numerator <= denominator > 0 */
int64_t clickstream_ratio(int64_t numerator, int64_t denominator);

#endif
