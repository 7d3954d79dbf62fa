/* workloads/clickstream/streamed.h: the raw stage of a run that takes what a stream has appended to bronze: nothing is written, the files
 * stand already and are the run's from there on. */
#ifndef PQR_CLICKSTREAM_STREAMED_H
#define PQR_CLICKSTREAM_STREAMED_H

#include "flow/workload.h"

/* Are these the files of bronze? Else files and streams of lines, or none. */
bool clickstream_streamed(const struct file_list *inputs);
/* One task over all of them. */
status clickstream_streamed_plan(const struct file_list *inputs, struct task_list *out, struct err *err) MUST_USE;
status clickstream_streamed_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err) MUST_USE;
/* Every row was read. For raw, and for bronze, which has nothing to do. */
status clickstream_streamed_check(const struct stage_view *view, struct quality_list *out, struct err *err) MUST_USE;

#endif
