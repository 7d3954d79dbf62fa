#include "cli/session.h"

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "flow/engine_config.h"
#include "pqrs/config/config.h"
#include "pqrs/workload.h"

/* A flag and the key it sets. */
static const struct {
	const char *flag, *key;
} flag_keys[] = {
	{"--lake", "lake.uri"},
	{"--control", "control.uri"},
	{"--executor", "executor.uri"},
	{"--threads", "executor.threads"},
	{"--log-level", "log.level"},
	{"--log-format", "log.format"},
	{"--seed", "simulation.seed"},
	{"--from", "simulation.date_range.from"},
	{"--to", "simulation.date_range.to"},
	{"--volume", "simulation.volume_daily_avg"},
};

static status config_layers(struct config *tree, const struct cli *c, struct err *err)
{
	const struct config_keys tables[] = {engine_config_keys, pqrs_config_keys};
	const size_t n_tables = sizeof tables / sizeof tables[0];
	TRY(config_defaults(tree, tables, n_tables, err));
	const char *path = cli_get(c, "--config");
	if (path != NULL || access("pqr.yaml", F_OK) == 0) {
		struct config_node *file = NULL;
		TRY(config_parse_file(tree, path != NULL ? path : "pqr.yaml", &file, err));
		TRY(config_merge(tree, tree->root, file, err));
	}
	TRY(config_environment(tree, tables, n_tables, (const char *const *)environ, err));
	for (size_t i = 0; i < sizeof flag_keys / sizeof flag_keys[0]; i++) {
		const char *value = cli_get(c, flag_keys[i].flag);
		if (value != NULL) TRY(config_set(tree, flag_keys[i].key, value, flag_keys[i].flag, err));
	}
	if (cli_flag(c, "--unsafe-single-writer"))
		TRY(config_set(tree, "lake.unsafe_single_writer", "true", "--unsafe-single-writer", err));
	return config_check(tree, tables, n_tables, err);
}

const char *session_path(const char *uri)
{
	static const char *const schemes[] = {"file://", "sqlite:"};
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		if (strncmp(uri, schemes[i], strlen(schemes[i])) == 0) return uri + strlen(schemes[i]);
	}
	return uri;
}

bool session_missing(const char *uri)
{
	const char *path = session_path(uri);
	const bool remote = strstr(path, "://") != NULL || strncmp(path, "postgres", 8) == 0;
	return !remote && access(path, F_OK) != 0 && errno == ENOENT;
}

static status lake_must_exist(const char *uri, struct err *err)
{
	if (!session_missing(uri)) return OK;
	return fail(err, E_NOT_FOUND,
		"no lake at %s: go to the folder that holds it, name it with --lake, or make it with `pqr run`",
		session_path(uri));
}

/* --quiet wins over a level in a file or variable, not over --log-level. */
static void open_logs(const struct engine_config *engine, const struct cli *c)
{
	const bool quiet = c->quiet && cli_get(c, "--log-level") == NULL;
	log_setup(quiet ? LOG_ERROR : engine->log_level, engine->log_format);
}

static status open_planes(struct session *s, const struct engine_config *engine, unsigned need, struct err *err)
{
	s->threads = engine->threads;
	s->executor = arena_strndup(&s->arena, engine->executor, strlen(engine->executor));
	s->lake_uri = arena_strndup(&s->arena, engine->lake_uri, strlen(engine->lake_uri));
	s->control_uri = arena_strndup(&s->arena, engine->control_uri, strlen(engine->control_uri));
	if (s->executor == NULL || s->lake_uri == NULL || s->control_uri == NULL) return fail_nomem(err);
	if (need & SESSION_EXISTING) TRY(lake_must_exist(engine->lake_uri, err));
	if (need & (SESSION_LAKE | SESSION_CONTROL)) TRY(store_open(engine->lake_uri, &s->lake, err));
	if (s->lake != NULL && engine->single_writer) store_single_writer(s->lake);
	if (need & SESSION_CONTROL) TRY(control_open(engine->control_uri, &s->control, err));
	return OK;
}

/* Whether the command line names files to take events from. */
static bool names_inputs(const struct cli *c)
{
	return c->n_lists > 0 || (strcmp(c->command->name, "ingest") == 0 && c->n_args > 0);
}

static status open_config(struct session *s, const struct cli *c, const struct config *tree, struct err *err)
{
	TRY(pqrs_config_canonical(tree, names_inputs(c) ? PQRS_INGESTED : PQRS_SIMULATED, &s->canonical, err));
	TRY(buf_check(&s->canonical, err));
	return pqrs_workload.config_open((struct str){(const char *)s->canonical.p, s->canonical.n}, &s->config, err);
}

status session_open(struct session *s, const struct cli *c, unsigned need, struct err *err)
{
	struct config tree;
	struct engine_config engine = {0};
	char run_id[UUID_CHARS + 1];
	*s = (struct session){0};
	arena_init(&s->arena, 0);
	buf_init(&s->canonical, 0);
	if (cli_get(c, "--run-id") != NULL) TRY(cli_uuid(cli_get(c, "--run-id"), "--run-id", run_id, err));
	TRY(config_init(&tree, err));
	status code = config_layers(&tree, c, err);
	if (code == OK) code = engine_config_open(&tree, &engine, err);
	if (code == OK) open_logs(&engine, c);
	/* Configuration, flags and inputs first: a mistake in them must not leave a lake behind. */
	if (code == OK && (need & SESSION_CONFIG)) {
		struct run_opts checked;
		code = open_config(s, c, &tree, err);
		if (code == OK) code = session_run_opts(s, c, &checked, err);
		if (code == OK) checked.executor = engine.executor;
		if (code == OK && (need & SESSION_LAKE)) code = run_opts_check(&checked, err);
	}
	if (code == OK) code = open_planes(s, &engine, need, err);
	engine_config_close(&engine);
	config_deinit(&tree);
	return code;
}

void session_close(struct session *s)
{
	if (s->config != NULL) pqrs_workload.config_close(s->config);
	control_close(s->control);
	store_close(s->lake);
	buf_deinit(&s->canonical);
	arena_deinit(&s->arena);
}

status session_instant(const struct session *s, const char *option, const char *text, int64_t *out, struct err *err)
{
	const struct pqrs_config *config = s->config;
	int32_t date;
	ASSERT(config != NULL);
	if (date_parse(str_of(text), &date)) {
		*out = tz_day_end(config->tz, date);
		return OK;
	}
	if (time_parse(str_of(text), out)) return OK;
	return fail(err, E_USAGE,
		"%s: expected a date as 2026-02-28 or a time as 2026-02-28T23:59:59-05:00, found '%s'", option, text);
}

/* Inputs: every --input, and positional paths (a leading workload name apart). */
static status collect_inputs(struct session *s, const struct cli *c, struct run_opts *out, struct err *err)
{
	const bool takes_paths = strcmp(c->command->name, "ingest") == 0;
	size_t from = 0;
	if (!takes_paths && !cli_takes(c, "--input")) return OK;
	if (!takes_paths && c->n_args > 0) {
		if (strcmp(c->args[0], pqrs_workload.name) == 0)
			from = 1;
		else if (c->n_lists == 0)
			return fail(err, E_USAGE,
				"unknown workload '%s': this version has %s; files are given with --input", c->args[0],
				pqrs_workload.name);
	}
	const size_t n = c->n_lists + c->n_args - from;
	if (n == 0) return OK;
	if (!takes_paths && c->n_lists == 0)
		return fail(err, E_USAGE, "unexpected argument '%s': files are given with --input", c->args[from]);
	const char **inputs = ARENA_NEW(&s->arena, const char *, n);
	if (inputs == NULL) return fail_nomem(err);
	for (size_t i = 0; i < c->n_lists; i++) inputs[i] = c->lists[i];
	for (size_t i = from; i < c->n_args; i++) inputs[c->n_lists + i - from] = c->args[i];
	out->inputs = inputs;
	out->n_inputs = n;
	return OK;
}

static status check_stage(const char *name, struct err *err)
{
	bool known = strcmp(name, "publish") == 0;
	for (size_t i = 0; i < pqrs_workload.n_stages; i++) known |= strcmp(name, pqrs_workload.stages[i].name) == 0;
	return known ? OK
		     : fail(err, E_USAGE, "--until: expected raw, bronze, silver, gold or publish, found '%s'", name);
}

status session_run_opts(struct session *s, const struct cli *c, struct run_opts *out, struct err *err)
{
	struct run_opts o;
	run_opts_init(&o);
	o.workload = &pqrs_workload;
	o.lake = s->lake;
	o.control = s->control;
	o.executor = s->executor;
	o.threads = s->threads;
	o.progress = c->progress;
	o.quiet = c->quiet;
	const struct pqrs_config *config = s->config;
	if (config != NULL) {
		o.config = (struct str){(const char *)s->canonical.p, s->canonical.n};
		o.config_opened = config;
		o.seed = config->simulation.seed;
		o.date_from = config->simulation.date_from;
		o.date_to = config->simulation.date_to;
		if (cli_get(c, "--as-of") != NULL)
			TRY(session_instant(s, "--as-of", cli_get(c, "--as-of"), &o.as_of, err));
		TRY(cli_get_date(c, "--emit-from", &o.emit_from, err));
		TRY(collect_inputs(s, c, &o, err));
		o.source = cli_get(c, "--source");
	}
	if (cli_get(c, "--run-id") != NULL) {
		char *run_id = ARENA_NEW(&s->arena, char, UUID_CHARS + 1);
		if (run_id == NULL) return fail_nomem(err);
		TRY(cli_uuid(cli_get(c, "--run-id"), "--run-id", run_id, err));
		o.run_id = run_id;
	}
	o.until = cli_get(c, "--until");
	if (o.until != NULL) TRY(check_stage(o.until, err));
	o.publish = !cli_flag(c, "--no-publish");
	*out = o;
	return OK;
}

static status newest_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	char *dst = arg;
	(void)err;
	if (n == 1 && values[0].kind == CONTROL_TEXT && values[0].text.n == UUID_CHARS) {
		memcpy(dst, values[0].text.p, UUID_CHARS);
		dst[UUID_CHARS] = '\0';
	}
	return OK;
}

status session_run_id(struct session *s, const struct cli *c, char dst[37], struct err *err)
{
	const char *given = cli_get(c, "--run-id");
	if (given != NULL) return cli_uuid(given, "--run-id", dst, err);
	char newest[37] = "";
	const struct control_select q = {
		.sql = "SELECT run_id FROM meta.runs ORDER BY started_at DESC, run_id LIMIT 1"};
	TRY(control_query(s->control, &q, newest_row, newest, err));
	if (newest[0] == '\0')
		return fail(err, E_NOT_FOUND,
			"no runs recorded for lake %s: `pqr run` makes the first; where control.db was lost, it "
			"records "
			"again what the lake holds",
			store_uri(s->lake));
	memcpy(dst, newest, sizeof newest);
	return OK;
}
