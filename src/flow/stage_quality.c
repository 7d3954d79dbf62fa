/* flow/stage_quality.c: the checks of a stage, run, recorded and judged.
 *
 * A check that failed is recorded before the run stops for it, and the stage's stored results are forgotten: the next attempt does
 * every task again.
 */
#include "base/log.h"
#include "flow/run_int.h"

static const char *const severity_names[] = {[QUALITY_CRITICAL] = "CRITICAL", [QUALITY_WARNING] = "WARNING"};
static const char *const result_names[] = {[QUALITY_PASS] = "PASS", [QUALITY_WARN] = "WARN", [QUALITY_FAIL] = "FAIL"};

status flow_quality_rows(
	const char *layer, const struct quality_list *l, struct control_quality_layer *out, struct err *err)
{
	struct control_quality *rows = ARENA_ZNEW(l->arena, struct control_quality, l->n + 1);
	if (rows == NULL) return fail_nomem(err);
	for (size_t i = 0; i < l->n; i++) {
		const struct quality *q = &l->items[i];
		rows[i] = (struct control_quality){
			.dataset = q->dataset,
			.check_name = q->check_name,
			.severity = severity_names[q->severity],
			.result = result_names[q->result],
			.value = q->value,
			.threshold = q->threshold,
			.details = q->details,
			.record_count = q->record_count,
		};
	}
	*out = (struct control_quality_layer){.layer = layer, .items = rows, .n = l->n, .checked_at = time_now_us()};
	return OK;
}

status flow_quality_record(struct flow *f, const char *layer, const struct quality_list *l, struct err *err)
{
	const struct quality *failed = NULL;
	struct control_quality_layer rows;
	TRY(flow_quality_rows(layer, l, &rows, err));
	TRY(control_quality_put(f->control, &f->held.lease, &rows, err));
	flow_watch_checks(f, &rows);
	for (size_t i = 0; i < l->n; i++) {
		const struct quality *q = &l->items[i];
		if (q->result == QUALITY_PASS) continue;
		log_line(q->result == QUALITY_FAIL ? LOG_ERROR : LOG_WARN, "quality check failed", "dataset",
			q->dataset, "check", q->check_name, "value", q->value, "threshold", q->threshold, NULL);
		if (q->result == QUALITY_FAIL && failed == NULL) failed = q;
	}
	if (failed == NULL) return OK;
	const status code = fail(err, E_QUALITY, "CRITICAL check %s of %s failed: %s (wanted %s)%s%s; the run stops",
		failed->check_name, failed->dataset, failed->value, failed->threshold,
		failed->details[0] != '\0' ? ": " : "", failed->details);
	return err_advise(err, code, ADVICE_SEE_QUALITY, f->id.info.run_id);
}

void flow_stage_forget(struct flow *f, const char *stage)
{
	if (control_stage_forget(f->control, &f->held.lease, stage, NULL) != OK)
		log_line(LOG_WARN, "cannot forget the stage's results", "stage", stage, NULL);
}

status flow_stage_check(struct flow *f, const struct commit *c, size_t stage, struct err *err)
{
	struct arena arena;
	if (stage < f->state.n_committed) TRY(flow_history_stood(f, stage, err));
	arena_init(&arena, 0);
	struct quality_list list = {.arena = &arena};
	const struct stage_def *def = &f->w->stages[stage];
	ASSERT(stage <= f->state.n_committed && strcmp(c->stage, def->name) == 0);
	if (stage >= f->state.n_committed) {
		if (c->n_history == 0) f->state.files[stage] = c->files;
		f->state.counters[stage] = c->counters;
	}
	const struct stage_view view = flow_state_view(f, stage + 1);
	status code = def->check != NULL ? def->check(&view, &list, err) : OK;
	if (code == OK) code = flow_quality_record(f, def->name, &list, err);
	/* The retry does every task again: it may be the code or a file that changed, and neither shows in a task's spec. */
	if (code == E_QUALITY) flow_stage_forget(f, def->name);
	arena_deinit(&arena);
	return code;
}
