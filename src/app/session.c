/* app/session.c: configuration, then planes. Layers of the configuration, the later wins: defaults, file, environment, settings.
 *
 * Invariants: 1. what the configuration says wrongly is told before a lake or control plane is touched. 2. session_close is right
 * after any outcome of any call. Must not know flags (an error carries advice instead), commands, or what is printed.
 */
#include "app/session.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/hash.h"
#include "flow/commit.h"
#include "flow/rebuild.h"
#include "workloads/registry.h"

static const char default_file[] = "pqr.yaml";

/* ---- configuration --------------------------------------------------------------------------------------------------- */

/* The keys of every workload: one file may configure all of them. */
enum { WORKLOADS_MAX = 16 };
static size_t key_tables(struct config_keys tables[1 + WORKLOADS_MAX])
{
	ASSERT(registry_workloads.n <= WORKLOADS_MAX);
	tables[0] = engine_config_keys;
	for (size_t i = 0; i < registry_workloads.n; i++) tables[1 + i] = *registry_workloads.items[i]->keys;
	return 1 + registry_workloads.n;
}

static status config_layers(struct config *tree, const struct session_opts *o, struct err *err)
{
	struct config_keys tables[1 + WORKLOADS_MAX];
	const size_t n_tables = key_tables(tables);
	TRY(config_defaults(tree, tables, n_tables, err));
	const char *path = o->config_file != NULL ? o->config_file : default_file;
	if (o->config_file != NULL || access(path, F_OK) == 0) {
		struct config_node *file = NULL;
		TRY(config_parse_file(tree, path, &file, err));
		TRY(config_merge(tree, tree->root, file, err));
	}
	TRY(config_environment(tree, tables, n_tables, (const char *const *)environ, err));
	for (size_t i = 0; i < o->n_settings; i++)
		TRY(config_set(tree, o->settings[i].key, o->settings[i].value, o->settings[i].origin, err));
	return config_check(tree, tables, n_tables, err);
}

static status workload_config(struct session *s, const struct config *tree, bool ingested, struct err *err)
{
	TRY(s->workload->config_canonical(tree, ingested, &s->canonical, err));
	TRY(buf_check(&s->canonical, err));
	return s->workload->config_open((struct str){(const char *)s->canonical.p, s->canonical.n}, &s->config, err);
}

static status read_config(struct session *s, const struct config *tree, const struct session_opts *o, struct err *err)
{
	TRY(engine_config_open(tree, &s->engine, err));
	log_setup(o->quiet ? LOG_ERROR : s->engine.log_level, s->engine.log_format);
	return o->workload != NULL ? workload_config(s, tree, o->ingested, err) : OK;
}

status session_open(struct session *s, const struct session_opts *o, struct err *err)
{
	struct config tree;
	ASSERT(o->n_settings == 0 || o->settings != NULL);
	*s = (struct session){.workload = o->workload != NULL ? o->workload : registry_workloads.items[0]};
	arena_init(&s->arena, 0);
	buf_init(&s->canonical, 0);
	TRY(config_init(&tree, err));
	status code = config_layers(&tree, o, err);
	if (code == OK) code = read_config(s, &tree, o, err);
	config_deinit(&tree);
	return code;
}

/* ---- planes ---------------------------------------------------------------------------------------------------------- */

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

status session_lake_open(const char *uri, bool single_writer, struct store **out, struct err *err)
{
	TRY(store_open(uri, out, err));
	if (single_writer) store_single_writer(*out);
	return OK;
}

status session_connect(struct session *s, unsigned need, struct err *err)
{
	const char *uri = s->engine.lake_uri;
	ASSERT(uri != NULL);
	if ((need & SESSION_EXISTING) && session_missing(uri))
		return err_advise(
			err, fail(err, E_NOT_FOUND, "no lake at %s", session_path(uri)), ADVICE_NO_LAKE, NULL);
	if (need & (SESSION_LAKE | SESSION_CONTROL))
		TRY(session_lake_open(uri, s->engine.single_writer, &s->lake, err));
	if (need & SESSION_TABLES) TRY(rebuild_refuse(s->lake, err));
	if (need & SESSION_CONTROL)
		TRY((need & SESSION_LOOK ? control_open_to_look : control_open)(
			s->engine.control_uri, &s->control, err));
	return OK;
}

void session_close(struct session *s)
{
	if (s->config != NULL) s->workload->config_close(s->config);
	control_close(s->control);
	store_close(s->lake);
	engine_config_close(&s->engine);
	buf_deinit(&s->canonical);
	arena_deinit(&s->arena);
}

/* ---- what they say ---------------------------------------------------------------------------------------------------- */

status session_instant(const struct session *s, const char *option, const char *text, int64_t *out, struct err *err)
{
	int32_t date;
	char why[DATE_WRONG_CHARS];
	ASSERT(s->config != NULL);
	const struct tz *tz = s->workload->timezone != NULL ? s->workload->timezone(s->config) : NULL;
	if (date_parse(str_of(text), &date)) {
		*out = tz != NULL ? tz_day_end(tz, date) : ((int64_t)date + 1) * US_PER_DAY - 1;
		return OK;
	}
	if (time_parse(str_of(text), out)) return OK;
	return fail(err, E_USAGE,
		"%s: expected a date as 2026-02-28 or a time as 2026-02-28T23:59:59-05:00, found '%s'%s", option, text,
		date_wrong((struct str){text, strlen(text) < DATE_CHARS ? strlen(text) : DATE_CHARS}, why));
}

void session_run_opts(const struct session *s, struct run_opts *out)
{
	run_opts_init(out);
	out->workload = s->workload;
	out->lake = s->lake;
	out->control = s->control;
	out->executor = s->engine.executor;
	out->threads = s->engine.threads;
	out->executor_silence_us = s->engine.executor_silence_s * 1000000;
	out->forward_credentials = s->engine.forward_credentials;
	if (s->config == NULL) return;
	out->config = (struct str){(const char *)s->canonical.p, s->canonical.n};
	out->config_opened = s->config;
}

/* ---- runs ------------------------------------------------------------------------------------------------------------ */

const char *session_no_runs(const struct session *s, const struct workload *w, char *dst, size_t n)
{
	if (w != NULL)
		(void)snprintf(dst, n, "no runs of workload %s recorded for lake %s: `pqr run %s` makes the first",
			w->name, store_uri(s->lake), w->name);
	else
		(void)snprintf(dst, n,
			"no runs recorded for lake %s: `pqr run` makes the first; where control.db was lost, it "
			"records "
			"again what the lake holds",
			store_uri(s->lake));
	return dst;
}

bool session_run_is_whole(const char *text)
{
	uint8_t id[UUID_BYTES];
	return uuid_parse(str_of(text), id);
}

/* Runs that begin so, newest first. */
struct found {
	char newest[UUID_CHARS + 1], other[UUID_CHARS + 1];
	int64_t n;
};

static status found_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct found *f = arg;
	(void)err;
	ASSERT(n == 1);
	if (values[0].kind != CONTROL_TEXT || values[0].text.n != UUID_CHARS) return OK;
	char *dst = f->n == 0 ? f->newest : f->other;
	memcpy(dst, values[0].text.p, UUID_CHARS);
	dst[UUID_CHARS] = '\0';
	f->n++;
	return OK;
}

static bool is_beginning(const char *text)
{
	const size_t n = strlen(text);
	return n > 0 && n < UUID_CHARS && strspn(text, "0123456789abcdefABCDEF-") == n;
}

status session_run_check(const char *text, const char *what, struct err *err)
{
	if (session_run_is_whole(text) || strcmp(text, "latest") == 0 || is_beginning(text)) return OK;
	return fail(err, E_USAGE,
		"%s: expected a run's id (a UUID), the beginning of one, or latest, found '%s'; `pqr runs` lists the "
		"runs",
		what, text);
}

static status find_beginning(struct session *s, const char *beginning, const char *what, char dst[37], struct err *err)
{
	struct found f = {.n = 0};
	char pattern[UUID_CHARS + 2];
	const char *params[1] = {pattern};
	const struct control_select q = {
		"SELECT run_id FROM meta.runs WHERE CAST(run_id AS TEXT) LIKE $1 ORDER BY started_at DESC, run_id",
		params, 1};
	size_t n = 0;
	for (; beginning[n] != '\0'; n++)
		pattern[n] = (char)(beginning[n] >= 'A' && beginning[n] <= 'F' ? beginning[n] + 32 : beginning[n]);
	memcpy(pattern + n, "%", 2);
	ASSERT(s->control != NULL);
	TRY(control_query(s->control, &q, found_row, &f, err));
	if (f.n == 0 && n == 0) {
		char text[ERR_MESSAGE_MAX];
		return fail(err, E_NOT_FOUND, "%s", session_no_runs(s, NULL, text, sizeof text));
	}
	if (f.n == 0)
		return fail(err, E_NOT_FOUND, "%s: no run begins with %s; `pqr runs` lists them", what, beginning);
	if (f.n > 1 && n > 0)
		return fail(err, E_USAGE, "%s: %lld runs begin with %s, as %s and %s: give more of the id", what,
			(long long)f.n, beginning, f.newest, f.other);
	memcpy(dst, f.newest, sizeof f.newest);
	return OK;
}

status session_run_find(struct session *s, const char *text, const char *what, char dst[37], struct err *err)
{
	uint8_t id[UUID_BYTES];
	if (uuid_parse(str_of(text), id)) {
		uuid_format(id, dst);
		dst[UUID_CHARS] = '\0';
		return OK;
	}
	TRY(session_run_check(text, what, err));
	return find_beginning(s, strcmp(text, "latest") == 0 ? "" : text, what, dst, err);
}

/* ---- runs of several workloads -------------------------------------------------------------------------------------- */

static status one_text(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct buf *text = arg;
	(void)err;
	if (n == 1 && values[0].kind == CONTROL_TEXT) buf_add(text, values[0].text.p, values[0].text.n);
	return OK;
}

/* Nothing is added where there is no such row. */
static status query_text(struct session *s, const char *sql, const char *param, struct buf *out, struct err *err)
{
	const char *params[] = {param};
	const struct control_select q = {sql, params, 1};
	TRY(control_query(s->control, &q, one_text, out, err));
	return buf_check(out, err);
}

status session_run_workload(struct session *s, const char *run_id, struct err *err)
{
	struct buf name;
	ASSERT(s->config == NULL && s->lake != NULL);
	buf_init(&name, 0);
	status code = OK;
	if (s->control != NULL)
		code = query_text(s, "SELECT workload FROM meta.runs WHERE run_id = $1", run_id, &name, err);
	if (code == OK && name.n == 0) {
		const char *found = "";
		code = commit_find_workload(s->lake, run_id, &s->arena, &found, NULL);
		if (code == OK) buf_str(&name, found);
		code = OK; /* what is wrong with its commits is told by who reads the run */
	}
	if (code == OK && name.n > 0)
		code = workload_find(
			&registry_workloads, (struct str){(const char *)name.p, name.n}, &s->workload, err);
	buf_deinit(&name);
	return code;
}

status session_run_latest(struct session *s, char dst[37], struct err *err)
{
	struct buf id;
	buf_init(&id, 0);
	status code = query_text(s,
		"SELECT run_id FROM meta.runs WHERE workload = $1 ORDER BY started_at DESC, run_id LIMIT 1",
		s->workload->name, &id, err);
	if (code == OK && id.n != UUID_CHARS) {
		char text[ERR_MESSAGE_MAX];
		code = fail(err, E_NOT_FOUND, "%s", session_no_runs(s, s->workload, text, sizeof text));
	}
	if (code == OK) {
		memcpy(dst, id.p, UUID_CHARS);
		dst[UUID_CHARS] = '\0';
	}
	buf_deinit(&id);
	return code;
}
