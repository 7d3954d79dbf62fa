/* flow/run_int.h: the state of one flow_run, shared by run*.c, stage.c, commit and publish steps of this folder. */
#ifndef PQR_FLOW_RUN_INT_H
#define PQR_FLOW_RUN_INT_H

#include "flow/commit.h"
#include "flow/executor.h"
#include "flow/history.h"
#include "flow/progress.h"
#include "flow/run.h"

struct flow {
	const struct run_opts *o;
	const struct workload *w;
	struct store *lake;
	struct control *control;
	int threads;

	/* Identity (run_identity.c). */
	struct run_info info;  /* as_of and dates of an ingested run are filled when raw is merged */
	struct run_info asked; /* as it was before that: what the run was begun with */
	struct buf config_text;
	const void *config;
	void *config_own; /* the same, when it is ours to close */
	struct file_list inputs;

	/* Held while running. */
	struct control_lease lease;
	struct control_heartbeat *heartbeat;
	struct executor *executor;
	struct progress progress;
	bool again; /* not the first attempt: look for left-overs */

	/* Stages committed so far, and the views of them that plans and checks get. */
	struct commit commits[RUN_STAGES_MAX];
	struct file_list files[RUN_STAGES_MAX];
	struct counter_list counters[RUN_STAGES_MAX];
	size_t n_committed;
	struct history history; /* once the folding stage was planned; n_runs == 0 = none */
	int64_t *versions;      /* [w->n_tables] of each table after its stage's commit; -1 = not known */
	bool published;

	struct run_report *report;
	struct arena arena;
};

status flow_init(
	struct flow *f, const struct run_opts *o, struct err *err) MUST_USE; /* options checked, nothing touched */
void flow_deinit(struct flow *f);

/* run_identity.c */
status flow_options_take(
	struct flow *f, struct err *err) MUST_USE; /* info and inputs, these not hashed yet; no lake needed */
status flow_identify(struct flow *f, struct err *err) MUST_USE; /* info, config, inputs */
void flow_spec_json(const struct flow *f, struct buf *out);     /* {"inputs":[],"run":{}} of what was asked */
status flow_spec_check(
	const struct flow *f, struct str spec, struct err *err) MUST_USE; /* E_CONFLICT: begun with something else */
int32_t flow_local_date(const struct flow *f, int64_t us);
int64_t flow_day_end(const struct flow *f, int32_t date);
/* E_LIMIT: days from date_from to as_of that no output should have a row for each of. E_USAGE: as_of before date_from. */
status flow_span_check(const struct flow *f, int32_t date_from, int64_t as_of, struct err *err) MUST_USE;
status flow_config_put(struct flow *f, struct err *err) MUST_USE;
status flow_config_get(struct store *lake, const char *config_hash, struct buf *out, struct err *err) MUST_USE;

/* stage.c */
struct stage_view flow_view(const struct flow *f, size_t n_stages);
status flow_commits_load(
	struct flow *f, struct err *err) MUST_USE; /* what the lake holds of this run, each file's size checked */
void flow_commit_adopt(struct flow *f, const struct commit *c); /* the next of commits, files, counters */
status flow_stage_plan(struct flow *f, size_t stage, struct task_list *out, struct err *err) MUST_USE;
status flow_stage_run(struct flow *f, size_t stage, struct err *err) MUST_USE;

/* stage_commit.c */
status flow_stage_settle(struct flow *f, struct commit *c, struct stage_report *report, struct err *err) MUST_USE;
/* Checks of a stage over what its commit holds, written to the control plane; E_QUALITY. */
status flow_stage_check(struct flow *f, const struct commit *c, size_t stage, struct err *err) MUST_USE;
status flow_stage_record(struct flow *f, size_t stage, const struct stage_report *report, struct err *err) MUST_USE;
status flow_manifest_put(struct flow *f, struct err *err) MUST_USE;
/* The checks as the control plane takes them; views l, lives in its arena. */
status flow_quality_rows(
	const char *layer, const struct quality_list *l, struct control_quality_layer *out, struct err *err) MUST_USE;
/* Record a layer's checks; E_QUALITY when a CRITICAL one failed. */
status flow_quality_settle(struct flow *f, const char *layer, const struct quality_list *l, struct err *err) MUST_USE;
status flow_left_overs_remove(struct flow *f, const struct commit *c, struct err *err) MUST_USE;

/* stage_tables.c */
/* Make the tables of the stage's layer hold the commit's files, each in one Delta commit; what holds already commits nothing. Sets
 * f->versions. adopt: the stage was done before; a table that has seen that commit is left as it is. */
status flow_tables_commit(struct flow *f, const struct commit *c, bool adopt, struct err *err) MUST_USE;
/* Has every table of a committed stage its log? */
status flow_tables_exist(struct flow *f, bool *out, struct err *err) MUST_USE;
int64_t flow_table_version(const struct flow *f, const char *table); /* "silver.tickets"; -1 */

/* publish.c */
status flow_publish(struct flow *f, struct err *err) MUST_USE;

/* report.c */
struct stage_report *flow_report_stage(struct flow *f, const char *name);
void flow_report_totals(struct flow *f);

#endif
