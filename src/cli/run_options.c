/* cli/run_options.c: which flag sets which key, and which option of a run. What a flag says wrongly is told before a lake is made. */
#include "cli/run_options.h"

#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"
#include "workloads/registry.h"

/* A flag and the key of the engine's that it sets; a workload names its own. */
static const struct {
	const char *flag, *key;
	const char *value; /* of a flag that takes none */
} flag_keys[] = {
	{"--lake", "lake.uri", NULL},
	{"--control", "control.uri", NULL},
	{"--executor", "executor.uri", NULL},
	{"--threads", "executor.threads", NULL},
	{"--forward-credentials", "executor.forward_credentials", "true"},
	{"--log-level", "log.level", NULL},
	{"--log-format", "log.format", NULL},
	{"--lineage-url", "lineage.url", NULL},
	{"--unsafe-single-writer", "lake.unsafe_single_writer", "true"},
};
enum { N_FLAG_KEYS = sizeof flag_keys / sizeof flag_keys[0], N_SETTINGS = N_FLAG_KEYS + CLI_OPTIONS_MAX };

static size_t engine_settings(const struct cli *c, struct session_setting dst[N_FLAG_KEYS])
{
	size_t n = 0;
	for (size_t i = 0; i < N_FLAG_KEYS; i++) {
		const char *value = cli_get(c, flag_keys[i].flag);
		if (value == NULL) continue;
		if (flag_keys[i].value != NULL) value = flag_keys[i].value;
		dst[n++] = (struct session_setting){flag_keys[i].key, value, flag_keys[i].flag};
	}
	return n;
}

/* --from and --to choose dates that are there then, and set nothing. */
static bool is_streamed(const struct cli *c)
{
	return cli_takes(c, "--from-stream") && cli_flag(c, "--from-stream");
}

static bool chooses_dates(const struct cli *c, const char *flag)
{
	return is_streamed(c) && (strcmp(flag, "--from") == 0 || strcmp(flag, "--to") == 0);
}

static size_t settings_of(const struct cli *c, const struct workload *w, struct session_setting dst[N_SETTINGS])
{
	size_t n = engine_settings(c, dst);
	for (size_t i = 0; w != NULL && i < c->command->n_options; i++) {
		const char *flag = c->command->options[i].name;
		for (size_t k = 0; k < w->n_options; k++) {
			if (strcmp(flag + 2, w->options[k].name) != 0 || cli_get(c, flag) == NULL) continue;
			if (chooses_dates(c, flag)) continue;
			dst[n++] = (struct session_setting){w->options[k].key, cli_get(c, flag), flag};
		}
	}
	return n;
}

/* The workload that the command line names first, of commands that take one. */
static const struct workload *named_workload(const struct cli *c)
{
	return c->command->takes_workload && c->n_args > 0 ? workload_named(&registry_workloads, str_of(c->args[0]))
							   : NULL;
}

const struct workload *cli_run_named(const struct cli *c)
{
	return named_workload(c);
}

static bool has_option(const struct workload *w, const char *flag)
{
	for (size_t k = 0; k < w->n_options; k++) {
		if (strcmp(flag + 2, w->options[k].name) == 0) return true;
	}
	return false;
}

/* The first flag given that says how a workload makes events; other: of those that are not w's. NULL: none. */
static const char *simulator_flag(const struct cli *c, const struct workload *other)
{
	for (size_t i = 0; i < c->command->n_options; i++) {
		const char *flag = c->command->options[i].name;
		bool theirs = other == NULL && strcmp(flag, "--emit-from") == 0;
		if (cli_get(c, flag) == NULL || (other != NULL && has_option(other, flag))) continue;
		if (chooses_dates(c, flag)) continue;
		for (size_t k = 0; k < registry_workloads.n; k++)
			theirs |= has_option(registry_workloads.items[k], flag);
		if (theirs) return flag;
	}
	return NULL;
}

bool cli_tells_run(const struct cli *c)
{
	return c->n_lists > 0 || cli_get(c, "--as-of") != NULL || cli_get(c, "--source") != NULL ||
	       simulator_flag(c, NULL) != NULL;
}

static bool takes_paths(const struct cli *c)
{
	return strcmp(c->command->name, "ingest") == 0;
}

/* Whether the command line names files to take events from. */
static bool names_inputs(const struct cli *c)
{
	return c->n_lists > 0 || takes_paths(c) || is_streamed(c);
}

/* Of commands that make a run --run-id names one that may not be there yet, in full; of the others one that is there. */
static bool names_new_run(const struct cli *c)
{
	size_t index;
	const struct cli_option *o = cli_option_find(c->command, "--run-id", strlen("--run-id"), &index);
	return cli_get(c, "--run-id") != NULL && o != NULL && strcmp(o->value, "UUID") == 0;
}

status cli_session_open(struct session *s, const struct cli *c, unsigned need, struct err *err)
{
	struct session_setting settings[N_SETTINGS];
	const struct workload *named = named_workload(c);
	const struct workload *w = named != NULL ? named : registry_workloads.items[0];
	struct run_opts checked;
	char run_id[UUID_CHARS + 1];
	const struct session_opts o = {
		.config_file = cli_get(c, "--config"),
		.settings = settings,
		.n_settings = settings_of(c, need & CLI_CONFIG ? w : NULL, settings),
		.workload = need & CLI_CONFIG ? w : NULL,
		.ingested = names_inputs(c),
		/* --quiet wins over a level in a file or variable, not over --log-level. */
		.quiet = c->quiet && cli_get(c, "--log-level") == NULL,
	};
	*s = (struct session){0};
	const char *stray = need & CLI_CONFIG ? simulator_flag(c, w) : NULL;
	if (stray != NULL)
		return fail(err, E_USAGE, "%s is no option of workload %s; `pqr help run` tells whose it is", stray,
			w->name);
	TRY(session_open(s, &o, err));
	if (cli_get(c, "--run-id") != NULL) TRY(session_run_check(cli_get(c, "--run-id"), cli_run_option(c), err));
	if (need & CLI_CONFIG) {
		if (names_new_run(c)) TRY(cli_uuid(cli_get(c, "--run-id"), cli_run_option(c), run_id, err));
		TRY(cli_run_opts(s, c, &checked, err));
		if (need & SESSION_LAKE) TRY(run_opts_check(&checked, err));
	}
	return session_connect(s, need, err);
}

status cli_with_session(struct cli *c, unsigned need, cli_work work, void *arg, struct err *err)
{
	struct session s;
	const status opened = cli_session_open(&s, c, need, err);
	const status code = opened == OK ? work(&s, c, arg, err) : opened;
	session_close(&s);
	return code;
}

status cli_session_open_as(struct session *s, const struct cli *c, const struct workload *w,
	const struct session_setting *more, size_t n_more, struct err *err)
{
	struct session_setting settings[N_SETTINGS];
	size_t n = engine_settings(c, settings);
	ASSERT(n_more <= N_SETTINGS - n);
	for (size_t i = 0; i < n_more; i++) settings[n++] = more[i];
	const struct session_opts o = {.config_file = cli_get(c, "--config"),
		.settings = settings,
		.n_settings = n,
		.workload = w,
		.quiet = c->quiet && cli_get(c, "--log-level") == NULL};
	*s = (struct session){0};
	return session_open(s, &o, err);
}

/* A word before the paths that is neither a workload nor looks like a path. */
static status check_first(const struct cli *c, struct err *err)
{
	const struct workload *named;
	const bool path = strpbrk(c->args[0], "./") != NULL || access(c->args[0], F_OK) == 0;
	return path ? OK : workload_find(&registry_workloads, str_of(c->args[0]), &named, err);
}

/* Inputs: every --input, and positional paths (a leading workload name apart). */
static status collect_inputs(struct session *s, const struct cli *c, struct run_opts *out, struct err *err)
{
	const size_t from = named_workload(c) != NULL ? 1 : 0;
	if (!c->command->takes_workload) return OK;
	if (!takes_paths(c) && c->n_args > from && c->n_lists == 0) {
		TRY(check_first(c, err));
		return fail(err, E_USAGE, "unexpected argument '%s'%s", c->args[from],
			cli_takes(c, "--input") ? ": files are given with --input" : "");
	}
	const size_t n = c->n_lists + c->n_args - from;
	if (n == 0 && takes_paths(c)) return fail(err, E_USAGE, "pqr ingest %s: expected PATH...", c->args[0]);
	if (n == 0) return OK;
	const char **inputs = ARENA_NEW(&s->arena, const char *, n);
	if (inputs == NULL) return fail_nomem(err);
	for (size_t i = 0; i < c->n_lists; i++) inputs[i] = c->lists[i];
	for (size_t i = from; i < c->n_args; i++) inputs[c->n_lists + i - from] = c->args[i];
	out->inputs = inputs;
	out->n_inputs = n;
	return OK;
}

/* What a person sets beside the configuration: the workload judges it. */
static status collect_params(struct session *s, const struct cli *c, struct run_opts *out, struct err *err)
{
	const char *value = cli_get(c, "--emit-from");
	if (value == NULL) return OK;
	struct run_param *param = ARENA_NEW(&s->arena, struct run_param, 1);
	if (param == NULL) return fail_nomem(err);
	*param = (struct run_param){"emit_from", value, "--emit-from"};
	out->params = (struct run_params){param, 1};
	return OK;
}

static status check_stage(const struct workload *w, const char *flag, const char *name, struct err *err)
{
	size_t index;
	char names[512];
	if (workload_stage_index(w, name, &index, NULL) == OK) return OK;
	return fail(
		err, E_USAGE, "%s: expected %s, found '%s'", flag, workload_stage_names(w, names, sizeof names), name);
}

/* What the simulator alone obeys means nothing where files are given: a mistake, not something to pass over. */
static status check_no_simulator(const struct cli *c, struct err *err)
{
	const char *flag = simulator_flag(c, NULL);
	if (flag == NULL) return OK;
	return fail(err, E_USAGE, "%s is the simulator's, and %s instead: leave one of them out", flag,
		is_streamed(c) ? "--from-stream takes what stands in bronze" : "--input takes files");
}

status cli_run_opts(struct session *s, const struct cli *c, struct run_opts *out, struct err *err)
{
	struct run_opts o;
	session_run_opts(s, &o);
	o.progress = c->progress;
	o.quiet = c->quiet;
	if (s->config != NULL) {
		if (cli_get(c, "--as-of") != NULL)
			TRY(session_instant(s, "--as-of", cli_get(c, "--as-of"), &o.as_of, err));
		TRY(collect_params(s, c, &o, err));
		TRY(collect_inputs(s, c, &o, err));
		if (o.n_inputs > 0 && is_streamed(c))
			return fail(err, E_USAGE, "--input and --from-stream: one of them");
		if (is_streamed(c)) o.streamed = ""; /* each date in turn */
		if (o.n_inputs > 0 || o.streamed != NULL) TRY(check_no_simulator(c, err));
		o.source = cli_get(c, "--source");
	}
	if (s->config != NULL && names_new_run(c)) {
		char *run_id = ARENA_NEW(&s->arena, char, UUID_CHARS + 1);
		if (run_id == NULL) return fail_nomem(err);
		TRY(cli_uuid(cli_get(c, "--run-id"), cli_run_option(c), run_id, err));
		o.run_id = run_id;
	}
	o.until = cli_get(c, "--until");
	if (o.until != NULL) TRY(check_stage(s->workload, "--until", o.until, err));
	if (cli_get(c, "--only") != NULL) TRY(check_stage(s->workload, "--only", cli_get(c, "--only"), err));
	o.publish = !cli_flag(c, "--no-publish");
	o.replace_published = cli_flag(c, "--replace-published");
	*out = o;
	return OK;
}

unsigned cli_run_needs(const struct cli *c)
{
	const char *given = cli_get(c, "--run-id");
	return given == NULL || !session_run_is_whole(given) ? SESSION_CONTROL | SESSION_LOOK : 0;
}

status cli_run_id(struct session *s, const struct cli *c, char dst[37], struct err *err)
{
	const char *given = cli_get(c, "--run-id");
	return session_run_find(s, given != NULL ? given : "latest", cli_run_option(c), dst, err);
}
