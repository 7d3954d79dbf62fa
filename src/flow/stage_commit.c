/* flow/stage_commit.c: from merged results to a committed stage.
 *
 *   check -> quality rows -> sync data -> tables' Delta commits -> put the commit object -> control plane -> left-overs
 *                                                                  ^ here, and only here, the stage becomes done
 *
 * A kill between two tables' commits leaves some at the new version and some at the old: each is one or the other, and the run
 * resumed commits the rest.
 */
#include "flow/manifest.h"
#include "flow/run_int.h"

static status put_buf(struct flow *f, const char *key, const struct buf *b, struct err *err)
{
	TRY(buf_check(b, err));
	const status code = store_put_if_absent(f->lake, key, b->p, b->n, err);
	if (code != E_EXISTS) return code;
	const status differs = fail_at(err, E_CONFLICT, key, -1, -1,
		"run %s has committed other content here (another version of the program?)", f->id.info.run_id);
	return err_advise(err, differs, ADVICE_NEW_RUN, NULL);
}

/* manifest.json once raw is committed, checksums.json once the last stage is; the same bytes again are fine. */
static status manifest_put(struct flow *f, struct buf *text, struct err *err)
{
	char key[RUN_KEY_MAX];
	const int32_t date = flow_run_date(f);
	run_key(key, date, f->id.info.run_id, "manifest.json");
	TRY(manifest_json(text, f->w, &f->state.commits[0], err));
	TRY(put_buf(f, key, text, err));
	if (f->state.n_committed < f->w->n_stages) return OK;
	buf_reset(text);
	run_key(key, date, f->id.info.run_id, "checksums.json");
	TRY(manifest_checksums_json(text, f->state.commits, f->state.n_committed, err));
	return put_buf(f, key, text, err);
}

status flow_manifest_put(struct flow *f, struct err *err)
{
	struct buf text;
	if (f->state.n_committed == 0) return OK; /* nor may as_of be known */
	buf_init(&text, 0);
	const status code = manifest_put(f, &text, err);
	buf_deinit(&text);
	return code;
}

status flow_stage_commit(struct flow *f, struct commit *c, struct stage_report *report, struct err *err)
{
	const size_t stage = f->state.n_committed;
	char key[RUN_KEY_MAX];
	struct buf text;
	ASSERT(stage < f->w->n_stages && strcmp(c->stage, f->w->stages[stage].name) == 0);
	TRY(flow_stage_check(f, c, stage, err));
	if (control_heartbeat_lost(f->held.heartbeat))
		return fail(err, E_BUSY, "run %s was taken over by another process", f->id.info.run_id);
	TRY(control_lease_renew(f->control, &f->held.lease, time_now_us(), err));
	const status synced = store_sync(f->lake, err);
	if (synced != OK) flow_stage_forget(f, c->stage); /* what the disk lost, its cache still shows */
	TRY(synced);
	TRY(flow_tables_commit(f, c, false, err));
	commit_key(key, flow_run_date(f), f->id.info.run_id, c->stage);
	buf_init(&text, 0);
	commit_json(&text, c);
	const status code = put_buf(f, key, &text, err);
	buf_deinit(&text);
	TRY(code);
	TRY(flow_state_add(f, c, false, err));
	report->done = true;
	TRY(flow_manifest_put(f, err));
	TRY(flow_stage_record(f, stage, report, err));
	return f->held.again ? flow_left_overs_remove(f, c, err) : OK;
}
