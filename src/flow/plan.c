/* flow/plan.c: the plan as a document, and one task of it run alone. */
#include "flow/layout.h"
#include "flow/rebuild.h"
#include "flow/run_int.h"
#include "flow/task_json.h"

static status stage_json(struct flow *f, size_t stage, struct buf *out, struct err *err)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct task_list plan = {.arena = &arena};
	const status code = flow_stage_plan(f, stage, &plan, err);
	buf_str(out, "{\"name\":");
	buf_json_str(out, str_of(f->w->stages[stage].name));
	buf_str(out, ",\"tasks\":[");
	for (size_t i = 0; i < plan.n && code == OK; i++) {
		if (i > 0) buf_char(out, ',');
		task_document_json(out, &f->id.info, &plan.items[i]);
	}
	buf_str(out, "]}");
	arena_deinit(&arena);
	return code;
}

static status plan_json(struct flow *f, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < f->o->n_inputs; i++) {
		if (input_is_stream(f->o->inputs[i]))
			return fail(err, E_USAGE,
				"input %s is a stream, which only one process can read: a plan takes files",
				f->o->inputs[i]);
	}
	TRY(rebuild_refuse(f->lake, err));
	TRY(flow_identify(f, err));
	TRY(flow_layout_check(f->lake, f->w, err));
	TRY(flow_state_load(f, err));
	TRY(flow_config_put(f, err));
	buf_str(out, "{\"run\":");
	run_info_json(out, &f->id.info);
	buf_str(out, ",\"stages\":[");
	for (size_t k = 0; k < f->w->n_stages; k++) {
		if (k > 0) buf_char(out, ',');
		if (k <= f->state.n_committed) {
			TRY(stage_json(f, k, out, err));
		} else {
			buf_str(out, "{\"after\":");
			buf_json_str(out, str_of(f->w->stages[k - 1].name));
			buf_str(out, ",\"name\":");
			buf_json_str(out, str_of(f->w->stages[k].name));
			buf_char(out, '}');
		}
	}
	buf_str(out, "]}");
	return buf_check(out, err);
}

status flow_plan_json(const struct run_opts *o, struct buf *out, struct err *err)
{
	struct flow f;
	status code = flow_init(&f, o, err);
	if (code == OK) code = plan_json(&f, out, err);
	flow_deinit(&f);
	return code;
}

/* ---- one task ------------------------------------------------------------------------------------------------------- */

struct lone_task {
	const struct workload *w;
	struct arena arena;
	struct run_info run;
	struct task_spec spec;
	struct buf config_text;
	void *config;
	struct task_result result;
	struct task_progress *progress;
};

static status lone_parse(struct lone_task *t, const struct workload_list *known, struct str text,
	const struct stage_def **stage, struct err *err)
{
	TRY(task_document_parse(text, &t->arena, &t->run, &t->spec, err));
	TRY(err_at(err, workload_find(known, str_of(t->run.workload), &t->w, err), t->spec.task_id, -1, -1));
	const struct workload *w = t->w;
	if (run_makes(&t->run) && (w->making.settle == NULL || !w->making.settled(&t->run)))
		return fail(
			err, E_USAGE, "task %s: the run's params are none of workload %s", t->spec.task_id, w->name);
	for (size_t i = 0; i < w->n_stages; i++) {
		if (strcmp(w->stages[i].name, t->spec.stage) != 0) continue;
		*stage = &w->stages[i];
		if (i > 0 && (t->run.as_of == INT64_MIN || t->run.date_from == INT32_MIN))
			return fail(err, E_USAGE, "task %s: stage %s needs the run's as_of and dates", t->spec.task_id,
				t->spec.stage);
		return OK;
	}
	return fail(err, E_USAGE, "task %s: workload %s has no stage %s", t->spec.task_id, w->name, t->spec.stage);
}

static status lone_run(
	struct lone_task *t, const struct workload_list *known, struct store *lake, struct str text, struct err *err)
{
	const struct stage_def *stage = NULL;
	TRY(err_at(err, lone_parse(t, known, text, &stage, err), "task document", -1, -1));
	TRY(rebuild_refuse(lake, err));
	t->run.workload = t->w->name;
	TRY(flow_config_get(lake, t->run.config_hash, &t->config_text, err));
	TRY(t->w->config_open((struct str){(const char *)t->config_text.p, t->config_text.n}, &t->config, err));
	const struct task_env env = {.lake = lake,
		.run = &t->run,
		.config = t->config,
		.progress_rows = &t->progress->rows,
		.progress_bytes = &t->progress->bytes};
	task_result_init(&t->result, &t->spec, &t->arena);
	return stage->run(&env, &t->spec, &t->result, err);
}

status flow_task_run_json(const struct workload_list *known, struct store *lake, struct str spec,
	struct task_progress *progress, struct buf *out, struct err *err)
{
	struct task_progress unseen;
	struct lone_task t = {.progress = progress != NULL ? progress : &unseen};
	atomic_store(&t.progress->rows, 0);
	atomic_store(&t.progress->bytes, 0);
	arena_init(&t.arena, 0);
	buf_init(&t.config_text, 0);
	status code = lone_run(&t, known, lake, spec, err);
	/* A result names objects that stand. On a disk they do, and the stage's commit makes them durable; elsewhere puts may be under way. */
	if (code == OK && store_is_remote(lake)) code = store_sync(lake, err);
	if (code == OK) {
		task_result_json(out, &t.result);
		code = buf_check(out, err);
	}
	if (t.config != NULL) t.w->config_close(t.config);
	buf_deinit(&t.config_text);
	arena_deinit(&t.arena);
	return code;
}
