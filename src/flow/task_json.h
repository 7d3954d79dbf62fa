/* flow/task_json.h: runs, task specs, results and stage commits as canonical JSON (sorted keys, no white space), and back. */
#ifndef PQR_FLOW_TASK_JSON_H
#define PQR_FLOW_TASK_JSON_H

#include "flow/task.h"
#include "io/json/json_doc.h"

/* Writers append; check the buffer once with buf_check. */
void file_ref_json(struct buf *out, const struct file_ref *f);
void file_list_json(struct buf *out, const struct file_list *l);
void counter_list_json(struct buf *out, const struct counter_list *l); /* an object, sorted by name */
void event_stats_json(struct buf *out, const struct event_stats *e);   /* ,"events":{}; of no events nothing */
void run_info_json(struct buf *out, const struct run_info *run);
/* As it was written before there were params: an ingested run then told the seed of its configuration, which meant nothing to it. */
void run_info_former_json(struct buf *out, const struct run_info *run, uint64_t ingest_seed);
status run_info_former_seed(
	const struct json_node *n, uint64_t *out, struct err *err) MUST_USE; /* of such an object; 0 of another */
void task_spec_json(struct buf *out, const struct task_spec *spec);
/* A task that can be run anywhere: its spec with the run as one more member. */
void task_document_json(struct buf *out, const struct run_info *run, const struct task_spec *spec);
void task_result_json(struct buf *out, const struct task_result *result);

/* Readers copy texts into arena (lists: their own). E_CORRUPT names the first member that is missing or of another kind; E_NOMEM. */
status file_list_parse(const struct json_node *n, struct file_list *out, struct err *err) MUST_USE;
status counter_list_parse(const struct json_node *n, struct counter_list *out, struct err *err) MUST_USE;
status event_stats_parse(const struct json_node *n, struct event_stats *out,
	struct err *err) MUST_USE; /* n NULL: none; *out was initialised */
status run_info_parse(const struct json_node *n, struct arena *arena, struct run_info *out, struct err *err) MUST_USE;
status task_spec_parse(const struct json_node *n, struct arena *arena, struct task_spec *out, struct err *err) MUST_USE;
/* A whole task document, which anybody may have written: E_USAGE for a run that no plan makes (a range of dates that ends before it
 * starts or spans over 100 years, an as_of far from it, ids of another form) as for a member that is missing. */
status task_document_parse(
	struct str text, struct arena *arena, struct run_info *run, struct task_spec *spec, struct err *err) MUST_USE;
status task_result_parse(struct str text, struct arena *arena, struct task_result *out, struct err *err) MUST_USE;
/* The same of a part of a document; *out was initialised. */
status task_result_read(const struct json_node *n, struct task_result *out, struct err *err) MUST_USE;

#endif
