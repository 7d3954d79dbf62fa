/* flow/run_resume.c: what of a run was done before this call, and putting right what a kill left half recorded.
 *
 * The lake decides what is done: a stage is when its commit stands. The control plane's record, the tables' logs and the checks follow
 * from that commit; each of them that is missing is made again.
 */
#include "flow/run_int.h"

/* ---- what was done --------------------------------------------------------------------------------------------------- */

static status count_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	(void)values;
	(void)n;
	(void)err;
	++*(int64_t *)arg;
	return OK;
}

/* Has the control plane a check of this stage? Every stage that checks at all records one at least. */
static status has_checks(struct flow *f, size_t stage, bool *out, struct err *err)
{
	int64_t rows = 0;
	const char *params[] = {f->id.info.run_id, f->w->stages[stage].name};
	const struct control_select q = {
		"SELECT layer FROM meta.quality_checks WHERE run_id = $1 AND layer = $2 LIMIT 1", params, 2};
	TRY(control_query(f->control, &q, count_row, &rows, err));
	*out = rows > 0 || f->w->stages[stage].check == NULL;
	return OK;
}

/* The last stage that is asked for: until it, or it alone, which needs those before it. */
static status find_target(const struct flow *f, size_t *out, struct err *err)
{
	const struct run_opts *o = f->o;
	size_t target = o->publish ? f->w->n_stages : f->w->n_stages - 1;
	if (o->until != NULL) {
		size_t until = 0;
		TRY(workload_stage_index(f->w, o->until, &until, err));
		if (until < target) target = until;
	}
	if (o->only != NULL) TRY(workload_stage_index(f->w, o->only, &target, err));
	*out = target;
	if (o->only == NULL || f->state.n_committed >= target) return OK;
	const status code = fail(err, E_NOT_FOUND, "stage %s of run %s needs stage %s first", o->only,
		f->id.info.run_id, f->w->stages[f->state.n_committed].name);
	return err_advise(err, code, ADVICE_STAGE_FIRST, f->id.info.run_id);
}

static status find_run(struct flow *f, struct run_resume *r, struct err *err)
{
	struct control_run run;
	const status found = control_run_get(f->control, f->id.info.run_id, &f->arena, &run, err);
	if (found == E_NOT_FOUND) return OK;
	TRY(found);
	r->exists = true;
	r->status = run.status;
	return flow_spec_known(&run) ? flow_spec_check(f, str_of(run.spec), err) : OK;
}

static status find_published(struct flow *f, struct err *err)
{
	struct control_stage published;
	const status found = control_stage_get(f->control, f->id.info.run_id, "publish", &published, err);
	if (found != E_NOT_FOUND) TRY(found);
	f->state.published = found == OK;
	return OK;
}

status flow_resume_find(struct flow *f, struct run_resume *r, struct err *err)
{
	*r = (struct run_resume){.checks_whole = true};
	TRY(find_run(f, r, err));
	TRY(flow_state_load(f, err));
	TRY(flow_tables_exist(f, &r->tables_whole, err));
	TRY(find_published(f, err));
	for (size_t k = 0; k < f->state.n_committed && r->checks_whole; k++)
		TRY(has_checks(f, k, &r->checks_whole, err));
	return find_target(f, &r->target, err);
}

bool flow_resume_done(const struct flow *f, const struct run_resume *r)
{
	ASSERT(r->target <= f->w->n_stages);
	const bool publish = r->target == f->w->n_stages;
	const bool stages_done = f->state.n_committed > (publish ? r->target - 1 : r->target);
	if (!r->exists || !stages_done || !r->checks_whole || !r->tables_whole) return false;
	if (publish && (!f->state.published || f->o->only != NULL)) return false; /* publish alone publishes again */
	const bool whole = r->target + 1 >= f->w->n_stages;
	return r->status == RUN_SUCCESS || r->status == RUN_DEGRADED || (!whole && r->status == RUN_PENDING);
}

/* ---- records and reports of it ----------------------------------------------------------------------------------------- */

/* A kill between the lake's commit and its record, or a lost control plane, leaves no record: it is made again. The checks too: a
 * DEGRADED run must not come back as SUCCESS. */
static status record_again(struct flow *f, size_t stage, bool recorded, const struct stage_report *r, struct err *err)
{
	bool checked = false;
	if (recorded) TRY(has_checks(f, stage, &checked, err));
	if (!checked) TRY(flow_stage_check(f, &f->state.commits[stage], stage, err));
	return recorded ? OK : flow_stage_record(f, stage, r, err);
}

/* The numbers of then. */
static status report_stage(struct flow *f, size_t stage, bool *recorded, struct stage_report *r, struct err *err)
{
	struct control_stage s;
	r->done = r->skipped = true;
	r->n_tasks = f->state.commits[stage].n_tasks;
	stage_report_counters(r, &f->state.counters[stage]);
	const status found = control_stage_get(f->control, f->id.info.run_id, r->name, &s, err);
	*recorded = found == OK;
	if (found == E_NOT_FOUND) return OK;
	TRY(found);
	r->us = s.us;
	return OK;
}

status flow_resume_report(struct flow *f, bool record, struct err *err)
{
	for (size_t k = 0; k < f->state.n_committed; k++) {
		struct stage_report *r = flow_report_stage(f, f->w->stages[k].name);
		bool recorded = false;
		TRY(report_stage(f, k, &recorded, r, err));
		if (record) TRY(record_again(f, k, recorded, r, err));
	}
	return OK;
}

status flow_resume_report_published(struct flow *f, struct err *err)
{
	struct control_stage s;
	if (!f->state.published) return OK;
	TRY(control_stage_get(f->control, f->id.info.run_id, "publish", &s, err));
	*flow_report_stage(f, "publish") = (struct stage_report){
		.name = "publish",
		.done = true,
		.skipped = true,
		.n_tasks = s.n_tasks,
		.us = s.us,
		.rows_in = s.rows_in,
		.rows_out = s.rows_out,
		.bytes_in = s.bytes_in,
		.bytes_out = s.bytes_out,
	};
	return OK;
}
