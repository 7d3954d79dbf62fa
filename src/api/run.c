/* api/run.c: a run step by step: options from JSON, the steps of flow/run_steps.h, answers as JSON. */
#include "api/api_int.h"

#include "app/session.h"
#include "base/alloc.h"
#include "base/thread.h"
#include "flow/run_steps.h"
#include "workloads/registry.h"

enum { SETTINGS_MAX = 64 };

struct pqr_run {
	struct pqr_context *context;
	struct session session;
	struct run_opts opts;
	struct run_param emit_from; /* opts.params views it */
	struct run_report report;
	struct run_steps *steps;
	char run_id[UUID_CHARS + 1];
	struct json_doc *options; /* its texts are the opts' */
};

/* ---- options ----------------------------------------------------------------------------------------------------------- */

struct settings {
	struct session_setting items[SETTINGS_MAX];
	size_t n;
};

static status setting_add(struct settings *s, const char *key, struct str value, const char *origin, struct err *err)
{
	if (s->n == SETTINGS_MAX) return fail(err, E_LIMIT, "more than %d settings", SETTINGS_MAX);
	s->items[s->n++] = (struct session_setting){key, value.p, origin};
	return OK;
}

static status get_text(const struct json_node *root, const char *name, const char **out, struct err *err)
{
	struct str text;
	const struct json_node *n = json_node_get(root, name);
	*out = NULL;
	if (n == NULL || json_node_kind(n) == JSON_DOC_NULL) return OK;
	if (!json_node_str(n, &text)) return fail(err, E_USAGE, "option %s: expected a string", name);
	*out = text.p;
	return OK;
}

static status get_flag(const struct json_node *root, const char *name, bool *out, struct err *err)
{
	const struct json_node *n = json_node_get(root, name);
	if (n == NULL || json_node_bool(n, out)) return OK;
	return fail(err, E_USAGE, "option %s: expected true or false", name);
}

/* Keys of the configuration, and what the workload calls some of them ("seed"). All values are strings. */
static status read_settings(const struct pqr_run *run, const struct json_node *root, const struct workload *w,
	struct settings *out, struct err *err)
{
	struct str key, text;
	const struct json_node *value, *settings = json_node_get(root, "settings");
	TRY(setting_add(out, "lake.uri", str_of(store_uri(run->context->lake)), "the context's lake", err));
	TRY(setting_add(out, "executor.uri", STR("threads"), "executor", err));
	for (const void *at = NULL; json_node_next(settings, &at, &key, &value);) {
		if (!json_node_str(value, &text)) return fail(err, E_USAGE, "setting %.80s: expected a string", key.p);
		TRY(setting_add(out, key.p, text, key.p, err));
	}
	for (size_t i = 0; i < w->n_options; i++) {
		const char *given;
		TRY(get_text(root, w->options[i].name, &given, err));
		if (given != NULL) TRY(setting_add(out, w->options[i].key, str_of(given), w->options[i].name, err));
	}
	const char *control;
	TRY(get_text(root, "control", &control, err));
	return control != NULL ? setting_add(out, "control.uri", str_of(control), "control", err) : OK;
}

static bool is_option(const struct workload *w, struct str name)
{
	static const char *const names[] = {"workload", "config", "control", "settings", "run_id", "as_of", "emit_from",
		"inputs", "source", "until", "only", "publish", "replace_published", "executed_by", "executor"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_is(name, names[i])) return true;
	for (size_t i = 0; i < w->n_options; i++)
		if (str_is(name, w->options[i].name)) return true;
	return false;
}

static status check_names(const struct workload *w, const struct json_node *root, struct err *err)
{
	struct str name;
	const struct json_node *value;
	if (json_node_kind(root) != JSON_DOC_OBJECT) return fail(err, E_USAGE, "the options are no JSON object");
	for (const void *at = NULL; json_node_next(root, &at, &name, &value);) {
		if (!is_option(w, name))
			return fail(err, E_USAGE, "no option %.80s of a run of workload %s", name.p, w->name);
	}
	return OK;
}

static status read_inputs(struct pqr_run *run, const struct json_node *n, struct err *err)
{
	struct str path;
	const char **paths = ARENA_NEW(&run->session.arena, const char *, json_node_n(n) + 1);
	if (paths == NULL) return fail_nomem(err);
	for (size_t i = 0; i < json_node_n(n); i++) {
		if (!json_node_str(json_node_at(n, i), &path))
			return fail(err, E_USAGE, "option inputs: expected paths");
		if (input_is_stream(path.p))
			return fail(err, E_USAGE, "input %s is a stream, which only `pqr run` can read", path.p);
		paths[i] = path.p;
	}
	run->opts.inputs = paths;
	run->opts.n_inputs = json_node_n(n);
	return OK;
}

static status read_opts(struct pqr_run *run, const struct json_node *root, struct err *err)
{
	const char *as_of, *emit_from;
	struct run_opts *o = &run->opts;
	session_run_opts(&run->session, o);
	o->progress = false;
	o->quiet = true;
	TRY(get_text(root, "run_id", &o->run_id, err));
	TRY(get_text(root, "source", &o->source, err));
	TRY(get_text(root, "until", &o->until, err));
	TRY(get_text(root, "only", &o->only, err));
	TRY(get_text(root, "executed_by", &o->executed_by, err));
	TRY(get_text(root, "as_of", &as_of, err));
	TRY(get_text(root, "emit_from", &emit_from, err));
	TRY(get_flag(root, "publish", &o->publish, err));
	TRY(get_flag(root, "replace_published", &o->replace_published, err));
	if (as_of != NULL) TRY(session_instant(&run->session, "as_of", as_of, &o->as_of, err));
	run->emit_from = (struct run_param){"emit_from", emit_from, "emit_from"};
	if (emit_from != NULL) o->params = (struct run_params){&run->emit_from, 1};
	if (json_node_get(root, "inputs") != NULL) TRY(read_inputs(run, json_node_get(root, "inputs"), err));
	return OK;
}

static status open_session(struct pqr_run *run, const struct json_node *root, struct err *err)
{
	const char *name, *config;
	const struct workload *w = registry_workloads.items[0];
	struct settings settings = {.n = 0};
	TRY(get_text(root, "workload", &name, err));
	if (name != NULL) TRY(workload_find(&registry_workloads, str_of(name), &w, err));
	TRY(check_names(w, root, err));
	TRY(get_text(root, "config", &config, err));
	TRY(read_settings(run, root, w, &settings, err));
	const struct session_opts o = {
		.config_file = config,
		.settings = settings.items,
		.n_settings = settings.n,
		.workload = w,
		.ingested = json_node_n(json_node_get(root, "inputs")) > 0,
		.quiet = true,
	};
	TRY(session_open(&run->session, &o, err));
	TRY(read_opts(run, root, err));
	TRY(run_opts_check(&run->opts, err));
	TRY(session_connect(&run->session, SESSION_LAKE | SESSION_CONTROL, err));
	run->opts.lake = run->session.lake;
	run->opts.control = run->session.control;
	return OK;
}

/* ---- steps ------------------------------------------------------------------------------------------------------------- */

static status begin(struct pqr_run *run, const char *options, struct err *err)
{
	const char *executor;
	if (run->context->lake == NULL) return fail(err, E_USAGE, "pqr_run_begin: the lake could not be opened");
	TRY(json_doc_parse(str_of(options != NULL ? options : "{}"), &run->options, err));
	const struct json_node *root = json_doc_root(run->options);
	TRY(open_session(run, root, err));
	TRY(get_text(root, "executor", &executor, err));
	if (executor != NULL) run->opts.executed_with = executor;
	TRY(run_steps_begin(&run->opts, &run->report, &run->steps, err));
	memcpy(run->run_id, run->report.run_id, sizeof run->run_id);
	return OK;
}

static void run_free(struct pqr_run *run)
{
	run_report_deinit(&run->report);
	session_close(&run->session);
	json_doc_destroy(run->options);
	mem_free(run);
}

int pqr_run_begin(struct pqr_context *context, const char *options, struct pqr_run **out)
{
	struct err err;
	if (context == NULL) return PQR_USAGE;
	err_clear(&err);
	struct pqr_run *run = out != NULL ? mem_zalloc(1, sizeof *run) : NULL;
	if (run == NULL)
		return api_finish(context,
			out != NULL ? fail_nomem(&err) : fail(&err, E_USAGE, "pqr_run_begin: out is NULL"), &err);
	run->context = context;
	run_report_init(&run->report);
	const status code = begin(run, options, &err);
	if (code == OK)
		*out = run;
	else
		run_free(run);
	return api_finish(context, code, &err);
}

const char *pqr_run_id(const struct pqr_run *run)
{
	return run->run_id;
}

const char *pqr_run_stage(const struct pqr_run *run)
{
	return run_steps_stage(run->steps);
}

/* Gives the text of a buffer as a result of the API. */
static status give(struct buf *text, status code, char **out, struct err *err)
{
	buf_char(text, '\0');
	if (code == OK) code = buf_check(text, err);
	if (code == OK)
		*out = (char *)text->p;
	else
		buf_deinit(text);
	return code;
}

int pqr_run_plan(struct pqr_run *run, char **plan)
{
	struct err err;
	struct buf text;
	err_clear(&err);
	buf_init(&text, 0);
	const status code = run_steps_plan(run->steps, &text, &err);
	return api_finish(run->context, give(&text, code, plan, &err), &err);
}

static status record(struct pqr_run *run, const char *ended, int64_t *after_us, struct err *err)
{
	struct json_doc *doc = NULL;
	if (ended == NULL) return fail(err, E_USAGE, "pqr_task_record: the document is NULL");
	TRY(json_doc_parse(str_of(ended), &doc, err));
	const status code = run_steps_record(run->steps, json_doc_root(doc), after_us, err);
	json_doc_destroy(doc);
	return code;
}

int pqr_task_record(struct pqr_run *run, const char *ended, long long *retry_after_us)
{
	struct err err;
	int64_t after_us = -1;
	err_clear(&err);
	const status code = record(run, ended, &after_us, &err);
	if (code == OK && retry_after_us != NULL) *retry_after_us = after_us;
	return api_finish(run->context, code, &err);
}

static status commit(struct pqr_run *run, const char *results, struct err *err)
{
	struct json_doc *doc = NULL;
	int64_t after_us = -1;
	status code = OK;
	if (results != NULL) {
		TRY(json_doc_parse(str_of(results), &doc, err));
		const struct json_node *all = json_doc_root(doc);
		if (json_node_kind(all) != JSON_DOC_ARRAY)
			code = fail(err, E_USAGE, "pqr_stage_commit: expected an array of results");
		for (size_t i = 0; i < json_node_n(all) && code == OK; i++)
			code = run_steps_record(run->steps, json_node_at(all, i), &after_us, err);
		json_doc_destroy(doc);
	}
	return code == OK ? run_steps_commit(run->steps, err) : code;
}

int pqr_stage_commit(struct pqr_run *run, const char *results)
{
	struct err err;
	err_clear(&err);
	const status code = commit(run, results, &err);
	return api_finish(run->context, code, &err);
}

int pqr_run_publish(struct pqr_run *run)
{
	struct err err;
	const char *stage = run_steps_stage(run->steps);
	err_clear(&err);
	status code = stage != NULL && strcmp(stage, "publish") == 0
			      ? OK
			      : fail(&err, E_USAGE, "pqr_run_publish: the run's next stage is %s",
					stage != NULL ? stage : "none");
	if (code == OK) code = run_steps_commit(run->steps, &err);
	return api_finish(run->context, code, &err);
}

int pqr_run_end(struct pqr_run *run, int outcome, char **report)
{
	struct err err;
	struct buf text;
	if (run == NULL) return PQR_OK;
	struct pqr_context *context = run->context;
	err_clear(&err);
	buf_init(&text, 0);
	const status ran = outcome == PQR_OK ? OK : outcome == PQR_CANCELLED ? E_CANCELLED : E_IO;
	if (ran != OK) (void)fail(&err, ran, "the run was given up");
	status code = run_steps_end(run->steps, ran, &err);
	if (code == ran) code = OK; /* as the caller said */
	if (report != NULL) {
		run_report_json(&run->report, &text);
		code = give(&text, code, report, &err);
	}
	run_free(run);
	return api_finish(context, code, &err);
}

void pqr_cancel(int on)
{
	if (on != 0)
		cancel_request();
	else
		cancel_reset();
}
