/* flow/run_int.h: one run while it runs, shared by the files of this folder that are its steps.
 *
 *   run.c ──► run_identity.c, run_resume.c ──► stage.c ──► stage_commit.c ──► stage_quality.c, stage_tables.c, stage_record.c
 *        └──► run_drop.c, publish.c, run_record.c                                    all over state.c
 */
#ifndef PQR_FLOW_RUN_INT_H
#define PQR_FLOW_RUN_INT_H

#include "flow/commit.h"
#include "flow/executor.h"
#include "flow/history.h"
#include "flow/progress.h"
#include "flow/run.h"
#include "io/json/json_doc.h"

/* Which run it is, and what decides its output (run_identity.c). */
struct run_identity {
	struct run_info info;  /* as_of and dates of an ingested run become known when raw is merged (stage.c) */
	struct run_info asked; /* as it was before that: what the run was begun with */
	struct buf config_text;
	const void *config;
	void *config_own; /* the same, when it is ours to close */
	struct file_list
		inputs; /* once hashed: bytes, and rows 0 where there is no line, of what comes out when it was compressed */
	struct input_spools spools; /* the streams among them */
	bool from_lake;             /* the control plane does not know what it was begun with */
};

/* What the lake holds of the run: read by state.c, then grown as stages are committed. */
struct run_state {
	/* Committed stages, and the views of them that plans and checks get. */
	struct commit commits[RUN_STAGES_MAX];
	struct file_list files[RUN_STAGES_MAX];
	struct counter_list counters[RUN_STAGES_MAX];
	struct file_list
		shown[RUN_STAGES_MAX]; /* what plans and checks get in place of files, of a run that drops another */
	size_t n_committed;
	struct history history; /* from the folding stage's plan on; n_runs == 0 = none */
	struct file_list
		standing; /* of the stage that was planned last: what earlier runs of the history left in its layer */
	size_t n_through; /* as standing: of the history's runs those that it reckons with (flow/workload.h) */
	struct file_list events; /* of a run that drops another: what it folds, run by run, as if it were its own */
	int64_t *versions; /* [w->n_tables] of each table after its stage's commit (stage_tables.c); -1 = not known */
	bool published;
};

/* What run.c holds from the run's first write to its last. */
struct run_held {
	struct control_lease lease;
	struct control_heartbeat *heartbeat;
	struct executor *executor;
	struct progress progress;
	struct {
		int64_t run_started_at, stage_started_at;
		struct watch_stage left; /* of the stage at work; lives in the flow's arena */
	} watch;
	bool again; /* not the first attempt: look for left-overs */
};

struct flow {
	const struct run_opts *o;
	const struct workload *w;
	struct store *lake;
	struct control *control;
	int threads;
	struct run_identity id;
	struct run_state state;
	struct run_held held;
	struct run_report *report;
	struct arena arena;
};

/* What of it was done before this call (run_resume.c). */
struct run_resume {
	bool exists; /* the control plane knows the run, with this status */
	enum run_status status;
	size_t target;     /* last stage wanted; n_stages = publish */
	bool checks_whole; /* of every committed stage that has checks */
	bool tables_whole; /* every table of a committed stage has its Delta log */
};

/* state.c */
status flow_init(
	struct flow *f, const struct run_opts *o, struct err *err) MUST_USE; /* options checked, nothing touched */
void flow_deinit(struct flow *f);
/* Of a run that drops another: as of one that opens a history with the events of all the others. */
struct stage_view flow_state_view(struct flow *f, size_t n_stages);
/* What the lake holds of this run, each file's size checked. */
status flow_state_load(struct flow *f, struct err *err) MUST_USE;
/* The next of commits, files and counters. replaced: tables' logs have put other files in place of some. */
status flow_state_add(struct flow *f, const struct commit *c, bool replaced, struct err *err) MUST_USE;

/* run_inputs.c */
/* A file, a folder's event files, or a stream, to f->id.inputs. E_NOT_FOUND; E_QUALITY: of another format (io/input_format.h). */
status flow_inputs_add(struct flow *f, const char *path, struct err *err) MUST_USE;
/* The files that a stream has appended to a part of the table of events. E_NOT_FOUND: none. */
status flow_inputs_add_streamed(struct flow *f, const char *part, struct err *err) MUST_USE;
/* Streams are read to their ends; bytes and hashes of all of them. */
status flow_inputs_hash(struct flow *f, struct err *err) MUST_USE;
bool flow_inputs_blank(const struct flow *f); /* hashed: there are some, and none holds a line */

/* run_identity.c */
/* Info and inputs, these not hashed yet; no lake needed. */
status flow_identify_options(struct flow *f, struct err *err) MUST_USE;
status flow_identify(struct flow *f, struct err *err) MUST_USE; /* info, config, inputs */
void flow_spec_json(const struct flow *f, struct buf *out);     /* {"inputs":[],"run":{}} of what was asked */
bool flow_spec_known(const struct control_run *run);            /* false: its row was made again from the lake */
/* E_CONFLICT: begun with something else. */
status flow_spec_check(const struct flow *f, struct str spec, struct err *err) MUST_USE;
int32_t flow_local_date(const struct flow *f, int64_t us);
int64_t flow_day_end(const struct flow *f, int32_t date);
int32_t flow_run_date(
	const struct flow *f); /* of the run's folder: raw's as_of, also where later stages describe a later instant */
/* E_LIMIT: days from date_from to as_of that no output should have a row for each of. E_USAGE: as_of before date_from. */
status flow_span_check(const struct flow *f, int32_t date_from, int64_t as_of, struct err *err) MUST_USE;
status flow_config_put(struct flow *f, struct err *err) MUST_USE;
/* The configuration that runs with info.config_hash had, in place of the one that is open. */
status flow_config_open(struct flow *f, struct err *err) MUST_USE;
status flow_run_id_derive(
	struct flow *f, struct err *err) MUST_USE; /* info.run_id from the rest of info and the inputs */

/* run_resume.c */
/* Fills f->state and *r. E_CONFLICT: begun with something else; E_NOT_FOUND: the stage before the one asked for is missing. */
status flow_resume_find(struct flow *f, struct run_resume *r, struct err *err) MUST_USE;
bool flow_resume_done(const struct flow *f, const struct run_resume *r); /* all that is asked for */
/* Report committed stages; record: make again what the control plane lost of them. */
status flow_resume_report(struct flow *f, bool record, struct err *err) MUST_USE;
status flow_resume_report_published(struct flow *f, struct err *err) MUST_USE;

/* run_record.c */
status flow_run_begin(struct flow *f, struct err *err) MUST_USE;
/* Totals and counts of checks into f->report. */
status flow_run_report(struct flow *f, struct err *err) MUST_USE;
/* The report, and the run's row; SUCCESS is DEGRADED where a check warned. */
status flow_run_end(struct flow *f, enum run_status end, struct err *err) MUST_USE;

/* stage.c */
status flow_stage_plan(struct flow *f, size_t stage, struct task_list *out, struct err *err) MUST_USE;
struct stage_run;
/* Plan a stage, and find which of its tasks an earlier attempt has done. */
status flow_stage_open(struct flow *f, size_t stage, struct stage_run **out, struct err *err) MUST_USE;
void flow_stage_close(struct stage_run *s); /* NULL is fine */
/* All tasks that are left, by the flow's executor. */
status flow_stage_execute(struct stage_run *s, struct err *err) MUST_USE;
/* All tasks are done: merge, check, commit. */
status flow_stage_finish(struct stage_run *s, struct err *err) MUST_USE;
/* Where somebody else runs the tasks (flow/run_steps.h): their documents; what one of them gave; is none left (else E_USAGE)? */
bool flow_stage_reads_here(const struct stage_run *s); /* the tasks read files of this machine */
void flow_stage_documents(const struct stage_run *s, struct buf *out);
status flow_stage_record_task(
	struct stage_run *s, const struct json_node *ended, int64_t *after_us, struct err *err) MUST_USE;
status flow_stage_whole(const struct stage_run *s, struct err *err) MUST_USE;

/* stage_history.c */
struct history_search flow_history_search(const struct flow *f);                         /* views f */
status flow_history_find(struct flow *f, struct history *out, struct err *err) MUST_USE; /* see history_find */
/* The run that opened the history that a prepared stage writes; "": a stage before the folding one, or the workload has none. */
const char *flow_history_id(const struct flow *f, size_t stage);
/* Before a stage is planned: f->state.history, standing and n_through. E_BUSY: another run goes on from the same head and is not done. */
status flow_history_prepare(struct flow *f, size_t stage, struct err *err) MUST_USE;
/* Of what the tasks gave: c->files are the new ones, c->removed what stood and was not kept; the stage's files for its checks. */
status flow_history_split(struct flow *f, struct commit *c, struct err *err) MUST_USE;
/* Before the first stage: E_USAGE where the run is to describe an instant before its head's. */
status flow_history_check_as_of(struct flow *f, struct err *err) MUST_USE;
/* Before the first stage: E_USAGE where publishing would replace another history's tables, and nobody asked for that. */
status flow_history_check_published(struct flow *f, struct err *err) MUST_USE;
/* The run of workload $1 that was published last, if any. */
#define FLOW_SELECT_PUBLISHED                                                                            \
	"SELECT c.run_id FROM meta.stage_commits AS c JOIN meta.runs AS r ON r.run_id = c.run_id WHERE " \
	"c.stage = 'publish' AND r.workload = $1 ORDER BY c.committed_at DESC, c.run_id LIMIT 1"
/* Has a later run of the history replaced what this one left? */
status flow_history_superseded(struct flow *f, bool *out, struct err *err) MUST_USE;
/* Before a stage that was committed is checked again: f->state.standing and n_through as the stage found them. */
status flow_history_stood(struct flow *f, size_t stage, struct err *err) MUST_USE;
/* After the last stage: versions.json, unless it stands. */
status flow_versions_put(struct flow *f, struct err *err) MUST_USE;
/* All files of the stage's tables after its commits: of the history and the run. */
status flow_picture_files(struct flow *f, const struct commit *c, struct file_list *out, struct err *err) MUST_USE;

/* space.c */
/* E_IO where about `need` bytes will not fit the lake's disk, `freed` of them after something went; `instead`: what to do. */
status flow_space_check(struct store *lake, int64_t need, int64_t freed, const char *instead, struct err *err) MUST_USE;

/* run_drop.c */
status flow_drop_identify(struct flow *f, struct err *err) MUST_USE; /* f->o->drop: info and configuration */

/* drop.c: a run that takes another out of its history */
bool flow_drops(const struct flow *f);
status flow_drop_mark(
	struct flow *f, struct err *err) MUST_USE; /* before the first write; E_BUSY: the other is at work */
status flow_drop_refuse(struct flow *f, struct err *err) MUST_USE; /* E_CONFLICT: this run was dropped */
/* of's runs without the dropped one. */
status flow_drop_runs(
	struct flow *f, const struct picture *of, const char *const **out, size_t *n, struct err *err) MUST_USE;
/* as_of and dates of what is left of the history. */
status flow_drop_dates(struct flow *f, const struct history *h, struct err *err) MUST_USE;
/* E_UNSUPPORTED: what one of the other runs took from a stream is there no more. */
status flow_drop_check_streamed(struct flow *f, const struct history *h, struct err *err) MUST_USE;
status flow_drop_events(struct flow *f, const struct picture *base, struct err *err) MUST_USE; /* f->state.events */

/* stage_commit.c */
/* Check, sync, commit to the tables, put the commit object, record. */
status flow_stage_commit(struct flow *f, struct commit *c, struct stage_report *report, struct err *err) MUST_USE;
status flow_manifest_put(struct flow *f, struct err *err) MUST_USE;

/* stage_quality.c */
/* The stage's tasks are all done again by the next attempt: what they left is not to be relied on. */
void flow_stage_forget(struct flow *f, const char *stage);
/* Checks of a stage over what its commit holds, written to the control plane; E_QUALITY. */
status flow_stage_check(struct flow *f, const struct commit *c, size_t stage, struct err *err) MUST_USE;
/* The checks as the control plane takes them; views l, lives in its arena. */
status flow_quality_rows(
	const char *layer, const struct quality_list *l, struct control_quality_layer *out, struct err *err) MUST_USE;
/* Record a layer's checks; E_QUALITY when a CRITICAL one failed. */
status flow_quality_record(struct flow *f, const char *layer, const struct quality_list *l, struct err *err) MUST_USE;

/* stage_record.c */
status flow_stage_record(struct flow *f, size_t stage, const struct stage_report *report, struct err *err) MUST_USE;

/* watch.c; stage NULL: the run */
void flow_watch_begun(struct flow *f, const char *stage);
void flow_watch_ended(struct flow *f, const char *stage, status code, const struct err *why);
void flow_watch_task(struct flow *f, const struct control_task *t, status code);    /* from any thread */
void flow_watch_checks(struct flow *f, const struct control_quality_layer *checks); /* copies */
void flow_watch_committed(struct flow *f, const struct control_stage *s);           /* copies */

/* left_overs.c */
status flow_left_overs_remove(struct flow *f, const struct commit *c, struct err *err) MUST_USE;

/* stage_tables.c */
/* Make the tables of the stage's layer hold the commit's files, each in one Delta commit; what holds already commits nothing. Sets
 * f->state.versions. adopt: the stage was done before; a table that has seen that commit is left as it is. */
status flow_tables_commit(struct flow *f, const struct commit *c, bool adopt, struct err *err) MUST_USE;
/* Has every table of a committed stage its log? */
status flow_tables_exist(struct flow *f, bool *out, struct err *err) MUST_USE;
int64_t flow_table_version(const struct flow *f, const char *table); /* "silver.tickets"; -1 */

/* publish.c */
status flow_publish(struct flow *f, struct err *err) MUST_USE;

/* report.c */
struct stage_report *flow_report_stage(struct flow *f, const char *name);
void stage_report_counters(
	struct stage_report *r, const struct counter_list *counters); /* rows and bytes, in and out */
bool flow_layer_done(const struct flow *f, const char *layer);        /* are its stages, one at least, committed? */
status flow_report_totals(struct flow *f, struct err *err) MUST_USE;

#endif
