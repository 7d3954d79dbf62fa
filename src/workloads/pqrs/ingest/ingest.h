/* workloads/pqrs/ingest/ingest.h: the ingest stage of the pqrs workload; the three functions of a struct stage_def (flow/workload.h). */
#ifndef PQR_PQRS_INGEST_H
#define PQR_PQRS_INGEST_H

#include "flow/workload.h"

/* See flow/ingest.h. */
status pqrs_ingest_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err) MUST_USE;
status pqrs_ingest_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err) MUST_USE;
status pqrs_ingest_check(const struct stage_view *view, struct quality_list *out, struct err *err) MUST_USE;

#endif
