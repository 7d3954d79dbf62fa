/* flow/run.c: a run from its options to its end. The protocol, from the outside in:
 *
 *   flow_run       options, arena and report
 *   run_identified who we are: the configuration and the inputs give the run its id; the lease makes us the only one to run it
 *   run_leased     what was done before; nothing left: its report, and no write at all
 *   run_begun      a row RUNNING and a heartbeat, then the stages, then one sync and the row's end
 *   run_stages     what was half recorded is put right; each stage that is left is run and committed; the last is published
 *
 * 1. Nothing is written before the lease is held, and nothing is committed after it was lost.
 * 2. A stage is done when its commit object stands in the lake (flow/stage_commit.c). All else can be made again from that.
 * 3. However it ends, the run's row says so, unless another process holds the run by then.
 */
#include <stdio.h>

#include "base/log.h"
#include "base/thread.h"
#include "flow/layout.h"
#include "flow/picture.h"
#include "flow/rebuild.h"
#include "flow/run_int.h"

enum { STAGE_PLANS_MAX = 16 }; /* how often a stage is planned again: each time another run has committed */

static status run_identified(struct flow *f, struct err *err);

/* A disk that fills after hours is known before the first file. */
static status check_space(struct flow *f, struct err *err)
{
	if (f->w->bytes_expected == NULL || !f->id.info.simulated || f->state.n_committed > 0) return OK;
	return flow_space_check(f->lake, f->w->bytes_expected(f->id.config, &f->id.info), 0,
		"make room, or simulate fewer days or tickets a day", err);
}

static status run_leased(struct flow *f, struct err *err);
static status run_begun(struct flow *f, const struct run_resume *before, struct err *err);
static status run_stages(struct flow *f, const struct run_resume *before, struct err *err);

status flow_run(const struct run_opts *o, struct run_report *r, struct err *err)
{
	struct flow f;
	ASSERT(o->lake != NULL && o->control != NULL);
	status code = flow_init(&f, o, err);
	f.report = r;
	r->workload = o->workload->name;
	r->lake = arena_strndup(&r->arena, store_uri(o->lake), strlen(store_uri(o->lake)));
	if (code == OK) code = run_identified(&f, err);
	flow_deinit(&f);
	return code;
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

static status run_identified(struct flow *f, struct err *err)
{
	struct err later;
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
	const status code = run_leased(f, err);
	err_clear(&later);
	if (control_lease_release(f->control, &f->held.lease, &later) != OK)
		log_line(LOG_WARN, "cannot release the run's lease", "error", later.message, NULL);
	return code;
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

static status run_leased(struct flow *f, struct err *err)
{
	struct run_resume before;
	bool superseded;
	if (!f->o->rebuild) TRY(rebuild_refuse(f->lake, err));
	TRY(flow_resume_find(f, &before, err));
	if (!f->o->rebuild) TRY(flow_drop_refuse(f, err));
	TRY(flow_history_superseded(f, &superseded, err));
	if (superseded)
		log_line(LOG_INFO, "a later run went on from this one: nothing is left to do", "run", f->id.info.run_id,
			NULL);
	if (superseded || flow_resume_done(f, &before)) return report_nothing(f, &before, err);
	TRY(flow_history_check_as_of(f, err));
	TRY(flow_history_check_published(f, err));
	TRY(check_space(f, err));
	TRY(flow_drop_mark(f, err));
	f->held.again = before.exists || f->state.n_committed > 0;
	TRY(flow_run_begin(f, err));
	f->report->status = RUN_RUNNING;
	return run_begun(f, &before, err);
}

/* Interrupted is no failure: it waits to be resumed. A lost lease leaves the status to the new holder. */
static void end_early(struct flow *f, status why)
{
	struct err later;
	err_clear(&later);
	if (flow_run_end(f, why == E_CANCELLED ? RUN_PENDING : RUN_FAILED, &later) != OK && later.code != E_BUSY)
		log_line(LOG_WARN, "cannot record the run's end", "error", later.message, NULL);
}

static status run_begun(struct flow *f, const struct run_resume *before, struct err *err)
{
	struct err own;
	if (err == NULL) err = &own; /* watchers are told why */
	err_clear(err);
	TRY(control_heartbeat_start(f->control, &f->held.lease, &f->held.heartbeat, err));
	progress_start(&f->held.progress, f->o->progress && !f->o->quiet);
	flow_watch_begun(f, NULL);
	const status ran = run_stages(f, before, err);
	status code = ran == OK ? store_sync(f->lake, err) : ran;
	progress_stop(&f->held.progress);
	if (code == OK)
		code = flow_run_end(f, f->state.n_committed == f->w->n_stages ? RUN_SUCCESS : RUN_PENDING, err);
	else
		end_early(f, ran);
	control_heartbeat_stop(f->held.heartbeat);
	f->held.heartbeat = NULL;
	flow_watch_ended(f, NULL, code, err);
	return code;
}

/* ---- the stages ------------------------------------------------------------------------------------------------------ */

static void say_done(struct flow *f, const char *stage)
{
	char rows[24], seconds[32];
	if (f->o->quiet) return;
	const struct stage_report *r = flow_report_stage(f, stage);
	(void)snprintf(rows, sizeof rows, "%lld", (long long)r->rows_out);
	(void)snprintf(seconds, sizeof seconds, "%.2f", (double)r->us / 1e6);
	log_line(LOG_INFO, "stage done", "stage", stage, "rows", rows, "seconds", seconds, NULL);
}

static status remove_left_overs(struct flow *f, struct err *err)
{
	int64_t removed = 0;
	TRY(store_sweep(f->lake, "", &removed, err));
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
	return f->held.again ? remove_left_overs(f, err) : OK;
}

/* A stage that meets other commits than those it was planned on is planned again: on a new head, or on files that compaction has put
 * in place of those it would replace. */
static status run_stage_planned(struct flow *f, size_t stage, struct err *err)
{
	for (int attempt = 0;; attempt++) {
		struct err why;
		err_clear(&why);
		const status code = flow_stage_run(f, stage, &why);
		const bool moved = code == E_CONFLICT && why.class == ERR_CONFLICT &&
				   (f->state.history.n_runs > 0 || workload_folds(f->w, f->w->stages[stage].name));
		/* What an earlier plan wrote, of this process or one before. */
		if (code == OK && f->state.history.n_runs > 0 && (attempt > 0 || f->held.again))
			return flow_left_overs_remove(f, &f->state.commits[stage], err);
		if (!moved || attempt == STAGE_PLANS_MAX) {
			if (code != OK && err != NULL) *err = why;
			return code;
		}
		log_line(LOG_WARN, "the tables changed meanwhile: planning the stage again", "stage",
			f->w->stages[stage].name, "why", why.message, NULL);
	}
}

static status run_stage(struct flow *f, size_t stage, struct err *err)
{
	const bool publish = stage == f->w->n_stages;
	const char *name = publish ? "publish" : f->w->stages[stage].name;
	struct err why;
	err_clear(&why);
	TRY(cancel_check(err));
	flow_watch_begun(f, name);
	const status code = publish ? flow_publish(f, &why) : run_stage_planned(f, stage, &why);
	flow_watch_ended(f, name, code, &why);
	if (code == OK)
		say_done(f, name);
	else if (err != NULL)
		*err = why;
	return code;
}

static status run_stages(struct flow *f, const struct run_resume *before, struct err *err)
{
	TRY(flow_config_put(f, err));
	TRY(complete_committed(f, err));
	while (f->state.n_committed < f->w->n_stages && f->state.n_committed <= before->target)
		TRY(run_stage(f, f->state.n_committed, err));
	if (f->state.n_committed == f->w->n_stages) TRY(flow_versions_put(f, err));
	if (before->target < f->w->n_stages) return OK;
	if (f->state.published && f->o->only == NULL) return flow_resume_report_published(f, err);
	return run_stage(f, f->w->n_stages, err);
}

/* ---- options --------------------------------------------------------------------------------------------------------- */

void run_opts_init(struct run_opts *o)
{
	*o = (struct run_opts){
		.date_from = INT32_MIN,
		.date_to = INT32_MIN,
		.emit_from = INT32_MIN,
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
