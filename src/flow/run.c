/* flow/run.c: a run from its options to its end, as steps. From the outside in:
 *
 *   flow_run          all steps, the tasks by an executor
 *   run_steps_begin   who we are: the configuration and the inputs give the run its id; the lease makes us the only one to run it;
 *                     what was done before; a row RUNNING and a heartbeat; what is half recorded is put right
 *   run_stage         each stage that is left: planned, run, committed; the last is published
 *   run_steps_end     one sync and the row's end
 *
 * 1. Nothing is written before the lease is held, and nothing is committed after it was lost.
 * 2. A stage is done when its commit object stands in the lake (flow/stage_commit.c). All else can be made again from that.
 * 3. However it ends, the run's row says so, unless another process holds the run by then.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"
#include "flow/error_json.h"
#include "flow/layout.h"
#include "flow/picture.h"
#include "flow/proof.h"
#include "flow/rebuild.h"
#include "flow/run_int.h"
#include "flow/run_steps.h"

enum { STAGE_PLANS_MAX = 16 }; /* how often a stage is planned again: each time another run has committed */

struct run_steps {
	struct flow f;
	struct run_resume before;
	bool leased, begun;     /* a lease is held; the row says RUNNING */
	bool published;         /* in this call */
	const char *watched;    /* the stage whose begin watchers were told of, and not its end */
	struct stage_run *open; /* the stage that is planned; NULL = none */
	int plans;              /* of the next stage, so far */
	struct proof proof;
};

/* ---- begin ----------------------------------------------------------------------------------------------------------- */

/* A disk that fills after hours is known before the first file. */
static status check_space(struct flow *f, struct err *err)
{
	const struct workload_making *making = &f->w->making;
	if (making->bytes_expected == NULL || !run_makes(&f->id.info) || f->state.n_committed > 0) return OK;
	return flow_space_check(f->lake, making->bytes_expected(f->id.config, &f->id.info), 0,
		"make room, or simulate fewer days or tickets a day", err);
}

static status open_executor(struct flow *f, struct err *err)
{
	const struct executor_opts o = {
		.name = f->o->executor != NULL ? f->o->executor : "threads",
		.threads = f->threads,
		.silence_us = f->o->executor_silence_us,
		.forward_credentials = f->o->forward_credentials,
	};
	return executor_open(&o, &f->held.executor, err);
}

static status report_nothing(struct flow *f, const struct run_resume *before, struct err *err)
{
	TRY(flow_resume_report(f, false, err));
	TRY(flow_resume_report_published(f, err));
	TRY(flow_run_report(f, err));
	f->report->status = before->status;
	f->report->nothing_to_do = true;
	return OK;
}

static status remove_left_overs(struct flow *f, struct err *err)
{
	int64_t removed = 0;
	TRY(store_sweep(f->lake, "", &removed, err));
	TRY(proof_forget(f->lake, f->id.info.run_id, err));
	for (size_t k = 0; k < f->state.n_committed; k++) TRY(flow_left_overs_remove(f, &f->state.commits[k], err));
	return OK;
}

static status put_again(struct flow *f, const char *name, struct err *err)
{
	char key[RUN_KEY_MAX];
	struct buf text;
	run_key(key, flow_run_date(f), f->id.info.run_id, name);
	buf_init(&text, 0);
	status code = store_get(f->lake, key, &text, err);
	if (code == OK) code = store_put(f->lake, key, text.p, text.n, err);
	buf_deinit(&text);
	return code;
}

/* The last sync may have failed: what was put since the one before is written again. All else stands under a later sync. */
static status renew_last(struct flow *f, struct err *err)
{
	char name[64];
	if (f->state.n_committed == 0 || store_is_remote(f->lake)) return OK;
	(void)snprintf(name, sizeof name, "stages/%s.json", f->state.commits[f->state.n_committed - 1].stage);
	TRY(put_again(f, name, err));
	const status code = put_again(f, PICTURE_LEFT, err);
	return code == E_NOT_FOUND ? OK : code;
}

/* A kill may have come between a stage's commit and what follows from it. */
static status complete_committed(struct flow *f, struct err *err)
{
	for (size_t k = 0; k < f->state.n_committed; k++) TRY(flow_tables_commit(f, &f->state.commits[k], true, err));
	TRY(flow_resume_report(f, true, err));
	TRY(flow_manifest_put(f, err));
	if (f->held.again) TRY(renew_last(f, err));
	if (f->held.again) TRY(remove_left_overs(f, err));
	return f->state.n_committed == f->w->n_stages ? flow_versions_put(f, err) : OK;
}

/* From here on the row says that somebody is at work. */
static status begin_work(struct run_steps *s, struct err *err)
{
	struct flow *f = &s->f;
	f->held.again = s->before.exists || f->state.n_committed > 0;
	TRY(flow_run_begin(f, err));
	f->report->status = RUN_RUNNING;
	s->begun = true;
	flow_watch_begun(f, NULL);
	TRY(control_heartbeat_start(f->control, &f->held.lease, &f->held.heartbeat, err));
	progress_start(&f->held.progress, f->o->progress && !f->o->quiet);
	TRY(flow_config_put(f, err));
	return complete_committed(f, err);
}

/* Watchers are told once of a stage, however often it is planned. */
static void watch_stage(struct run_steps *s, const char *name)
{
	if (s->watched == NULL) flow_watch_begun(&s->f, name);
	s->watched = name;
}

static void watch_end(struct run_steps *s, status code, const struct err *why)
{
	if (s->watched != NULL) flow_watch_ended(&s->f, s->watched, code, why);
	s->watched = NULL;
}

static status begin_leased(struct run_steps *s, struct err *err)
{
	struct flow *f = &s->f;
	bool superseded;
	if (!f->o->rebuild) TRY(rebuild_refuse(f->lake, err));
	TRY(flow_resume_find(f, &s->before, err));
	if (!f->o->rebuild) TRY(flow_drop_refuse(f, err));
	TRY(flow_history_superseded(f, &superseded, err));
	if (superseded)
		log_line(LOG_INFO, "a later run went on from this one: nothing is left to do", "run", f->id.info.run_id,
			NULL);
	if (superseded || flow_resume_done(f, &s->before)) return report_nothing(f, &s->before, err);
	TRY(flow_history_check_as_of(f, err));
	TRY(flow_history_check_published(f, err));
	TRY(check_space(f, err));
	TRY(flow_drop_mark(f, err));
	return begin_work(s, err);
}

static status begin(struct run_steps *s, struct err *err)
{
	struct flow *f = &s->f;
	if (!f->o->rebuild) TRY(rebuild_refuse(f->lake, err));
	TRY(open_executor(f, err));
	TRY(f->o->drop != NULL ? flow_drop_identify(f, err) : flow_identify(f, err));
	TRY(flow_layout_check(f->lake, f->w, err));
	memcpy(f->report->run_id, f->id.info.run_id, sizeof f->report->run_id);
	if (flow_inputs_blank(f)) {
		f->report->status = RUN_SUCCESS;
		f->report->nothing_to_do = true;
		return OK;
	}
	control_lease_init(&f->held.lease, f->id.info.run_id);
	TRY(control_lease_acquire(f->control, &f->held.lease, time_now_us(), err));
	s->leased = true;
	return begin_leased(s, err);
}

status run_steps_begin(const struct run_opts *o, struct run_report *r, struct run_steps **out, struct err *err)
{
	ASSERT(o->lake != NULL && o->control != NULL);
	struct run_steps *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	status code = flow_init(&s->f, o, err);
	s->f.report = r;
	r->workload = o->workload->name;
	r->lake = arena_strndup(&r->arena, store_uri(o->lake), strlen(store_uri(o->lake)));
	if (code == OK) code = begin(s, err);
	if (code != OK) return run_steps_end(s, code, err);
	*out = s;
	return OK;
}

/* ---- end ------------------------------------------------------------------------------------------------------------- */

/* Interrupted is no failure: it waits to be resumed. A lost lease leaves the status to the new holder. */
static void end_early(struct flow *f, status why)
{
	struct err later;
	err_clear(&later);
	if (flow_run_end(f, why == E_CANCELLED ? RUN_PENDING : RUN_FAILED, &later) != OK && later.code != E_BUSY)
		log_line(LOG_WARN, "cannot record the run's end", "error", later.message, NULL);
}

/* The end of a run whose tasks are done, before its row is written. */
static status complete(struct run_steps *s, struct err *err)
{
	struct flow *f = &s->f;
	const bool stood = f->state.published && !s->published && f->o->only == NULL;
	if (stood && s->before.target == f->w->n_stages) TRY(flow_resume_report_published(f, err));
	return store_sync(f->lake, err);
}

static status end_work(struct run_steps *s, status ran, struct err *err)
{
	struct flow *f = &s->f;
	watch_end(s, ran, err);
	status code = ran == OK ? complete(s, err) : ran;
	progress_stop(&f->held.progress);
	if (code == OK)
		code = flow_run_end(f, f->state.n_committed == f->w->n_stages ? RUN_SUCCESS : RUN_PENDING, err);
	else
		end_early(f, code);
	control_heartbeat_stop(f->held.heartbeat);
	f->held.heartbeat = NULL;
	flow_watch_ended(f, NULL, code, err);
	return code;
}

status run_steps_end(struct run_steps *s, status ran, struct err *err)
{
	struct err own, later;
	status code = ran;
	err_clear(&own);
	if (err == NULL) err = &own; /* watchers are told why */
	if (ran == OK) err_clear(err);
	flow_stage_close(s->open);
	proof_remove(s->f.lake, &s->proof);
	if (s->begun) code = end_work(s, ran, err);
	err_clear(&later);
	if (s->leased && control_lease_release(s->f.control, &s->f.held.lease, &later) != OK)
		log_line(LOG_WARN, "cannot release the run's lease", "error", later.message, NULL);
	flow_deinit(&s->f);
	mem_free(s);
	mem_trim();
	return code;
}

/* ---- one stage ------------------------------------------------------------------------------------------------------- */

static void say_done(struct flow *f, const char *stage)
{
	char rows[24], seconds[32];
	if (f->o->quiet) return;
	const struct stage_report *r = flow_report_stage(f, stage);
	(void)snprintf(rows, sizeof rows, "%lld", (long long)r->rows_out);
	(void)snprintf(seconds, sizeof seconds, "%.2f", (double)r->us / 1e6);
	log_line(LOG_INFO, "stage done", "stage", stage, "rows", rows, "seconds", seconds, NULL);
}

/* Which comes next: the index of a stage, n_stages for publishing, more where nothing is left. */
static size_t next_stage(const struct run_steps *s)
{
	const struct flow *f = &s->f;
	const size_t nothing = f->w->n_stages + 1;
	if (!s->begun) return nothing;
	if (f->state.n_committed < f->w->n_stages)
		return f->state.n_committed <= s->before.target ? f->state.n_committed : nothing;
	if (s->before.target < f->w->n_stages || s->published) return nothing;
	return f->state.published && f->o->only == NULL ? nothing : f->w->n_stages;
}

const char *run_steps_stage(const struct run_steps *s)
{
	const size_t stage = next_stage(s);
	if (stage > s->f.w->n_stages) return NULL;
	return stage == s->f.w->n_stages ? "publish" : s->f.w->stages[stage].name;
}

/* A stage that meets other commits than those it was planned on is planned again: on a new head, or on files that compaction has put
 * in place of those it would replace. */
static bool plans_again(struct run_steps *s, size_t stage, const struct err *why)
{
	const struct flow *f = &s->f;
	const bool moved = why->code == E_CONFLICT && why->class == ERR_CONFLICT &&
			   (f->state.history.n_runs > 0 || workload_folds(f->w, f->w->stages[stage].name));
	if (!moved || s->plans == STAGE_PLANS_MAX) return false;
	s->plans++;
	log_line(LOG_WARN, "the tables changed meanwhile: planning the stage again", "stage", f->w->stages[stage].name,
		"why", why->message, NULL);
	return true;
}

static status stage_committed(struct run_steps *s, size_t stage, struct err *err)
{
	struct flow *f = &s->f;
	/* What an earlier plan wrote, of this process or one before. */
	if (f->state.history.n_runs > 0 && (s->plans > 0 || f->held.again))
		TRY(flow_left_overs_remove(f, &f->state.commits[stage], err));
	s->plans = 0;
	return f->state.n_committed == f->w->n_stages ? flow_versions_put(f, err) : OK;
}

static status stage_open(struct run_steps *s, size_t stage, struct err *err)
{
	TRY(cancel_check(err));
	watch_stage(s, s->f.w->stages[stage].name);
	return s->open != NULL ? OK : flow_stage_open(&s->f, stage, &s->open, err);
}

static status stage_finish(struct run_steps *s, size_t stage, struct err *err)
{
	TRY(flow_stage_finish(s->open, err));
	return stage_committed(s, stage, err);
}

/* How a step of a stage went: done with it, or it comes next again, or it failed. */
static status stage_went(
	struct run_steps *s, size_t stage, status code, bool done, const struct err *why, struct err *err)
{
	if (code == OK && !done) return OK;
	flow_stage_close(s->open);
	s->open = NULL;
	if (code != OK && stage < s->f.w->n_stages && plans_again(s, stage, why)) return OK;
	const char *name = s->watched;
	watch_end(s, code, why);
	if (code == OK)
		say_done(&s->f, name);
	else if (err != NULL)
		*err = *why;
	return code;
}

static status publish(struct run_steps *s, struct err *err)
{
	struct err why;
	err_clear(&why);
	TRY(cancel_check(err));
	watch_stage(s, "publish");
	const status code = flow_publish(&s->f, &why);
	s->published = code == OK;
	return stage_went(s, s->f.w->n_stages, code, true, &why, err);
}

static status stage_through(struct run_steps *s, size_t stage, struct err *err)
{
	TRY(stage_open(s, stage, err));
	TRY(flow_stage_execute(s->open, err));
	return stage_finish(s, stage, err);
}

/* Planned, run and committed by this process's executor. */
static status run_stage(struct run_steps *s, size_t stage, struct err *err)
{
	struct err why;
	if (stage == s->f.w->n_stages) return publish(s, err);
	err_clear(&why);
	const status code = stage_through(s, stage, &why);
	return stage_went(s, stage, code, true, &why, err);
}

static status run_stages(struct run_steps *s, struct err *err)
{
	for (size_t stage; (stage = next_stage(s)) <= s->f.w->n_stages;) TRY(run_stage(s, stage, err));
	return OK;
}

status flow_run(const struct run_opts *o, struct run_report *r, struct err *err)
{
	struct run_steps *s = NULL;
	TRY(run_steps_begin(o, r, &s, err));
	return run_steps_end(s, run_stages(s, err), err);
}

/* ---- by somebody else ------------------------------------------------------------------------------------------------ */

static status open_stage(struct run_steps *s, size_t stage, struct err *err)
{
	struct err why;
	while (s->open == NULL) {
		err_clear(&why);
		const status code = stage_open(s, stage, &why);
		TRY(stage_went(s, stage, code, false, &why, err));
	}
	return s->proof.key[0] != '\0' ? OK : proof_make(s->f.lake, s->f.w, s->f.id.info.run_id, &s->proof, err);
}

status run_steps_plan(struct run_steps *s, struct buf *out, struct err *err)
{
	const size_t stage = next_stage(s);
	if (stage > s->f.w->n_stages) return fail(err, E_USAGE, "no stage of the run is left to plan");
	const bool publishes = stage == s->f.w->n_stages;
	if (!publishes) TRY(open_stage(s, stage, err));
	buf_printf(out, "{\"here\":%s,\"proof\":%s,\"stage\":\"%s\",\"tasks\":[",
		!publishes && flow_stage_reads_here(s->open) ? "true" : "false",
		s->proof.key[0] != '\0' ? s->proof.text : "null", run_steps_stage(s));
	if (!publishes) flow_stage_documents(s->open, out);
	buf_str(out, "]}");
	return buf_check(out, err);
}

static status need_open(const struct run_steps *s, struct err *err)
{
	return s->open != NULL ? OK : fail(err, E_USAGE, "no stage is planned: plan the next one first");
}

status run_steps_record(struct run_steps *s, const struct json_node *ended, int64_t *after_us, struct err *err)
{
	TRY(need_open(s, err));
	return flow_stage_record_task(s->open, ended, after_us, err);
}

status run_steps_commit(struct run_steps *s, struct err *err)
{
	const size_t stage = next_stage(s);
	struct err why;
	if (stage == s->f.w->n_stages) return publish(s, err);
	TRY(cancel_check(err));
	TRY(need_open(s, err));
	TRY(flow_stage_whole(s->open, err));
	err_clear(&why);
	const status code = stage_finish(s, stage, &why);
	return stage_went(s, stage, code, true, &why, err);
}

/* ---- options --------------------------------------------------------------------------------------------------------- */

void run_opts_init(struct run_opts *o)
{
	*o = (struct run_opts){
		.as_of = INT64_MIN,
		.publish = true,
		.progress = true,
		.retry_delay_us = -1,
	};
}

static status opts_check(struct flow *f, const struct run_opts *o, struct err *err)
{
	TRY(flow_init(f, o, err));
	TRY(open_executor(f, err));
	return o->config.n > 0 ? flow_identify_options(f, err) : OK;
}

status run_opts_check(const struct run_opts *o, struct err *err)
{
	struct flow f;
	const status code = opts_check(&f, o, err);
	flow_deinit(&f);
	return code;
}
