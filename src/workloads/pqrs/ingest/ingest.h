/* workloads/pqrs/ingest/ingest.h: the ingest stage of the pqrs workload; the three functions of a struct stage_def (flow/workload.h). */
#ifndef PQR_PQRS_INGEST_H
#define PQR_PQRS_INGEST_H

#include "flow/workload.h"

/* See flow/ingest.h. */
status pqrs_ingest_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err) MUST_USE;
status pqrs_ingest_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err) MUST_USE;
/* As workload_folding.newest: a ticket exists that was created. */
status pqrs_ingest_newest(
	const struct task_env *env, const struct landed *landed, int64_t *out, struct err *err) MUST_USE;
struct event_parser;
struct pqrs_config;
/* Reads lines as the configuration has them, which it borrows. */
status pqrs_ingest_parser(const struct pqrs_config *config, struct event_parser **out, struct err *err) MUST_USE;
status pqrs_ingest_check(const struct stage_view *view, struct quality_list *out, struct err *err) MUST_USE;

#endif
