/* cli/cmd_doctor.c: is everything in order, and how to mend what is not. */
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/thread.h"
#include "cli/lake_probe.h"
#include "cli/run_options.h"
#include "cli/service_probe.h"
#include "cli/stream_probe.h"
#include "cli/terminal.h"
#include "flow/lake_check.h"
#include "flow/rebuild.h"
#include "query/query.h"
#include "table/catalog.h"
#include "table/maintain/check.h"
#include "workloads/registry.h"

enum verdict { GOOD, BAD, ABSENT }; /* absent: nothing to judge, which is no fault */
struct finding {
	enum verdict verdict;
	const char *what;
	char text[CLI_ERROR_CHARS];
};

enum { FINDINGS_MAX = 60 };
struct findings {
	struct finding items[FINDINGS_MAX];
	size_t n;
};

static void add(struct findings *f, enum verdict verdict, const char *what, const char *text)
{
	ASSERT(f->n < FINDINGS_MAX);
	struct finding *item = &f->items[f->n++];
	item->verdict = verdict;
	item->what = what;
	(void)snprintf(item->text, sizeof item->text, "%s", text);
}

static void add_result(struct findings *f, const char *what, status code, const struct err *err, const char *good)
{
	char text[CLI_ERROR_CHARS];
	add(f, code == OK ? GOOD : BAD, what, code == OK ? good : cli_error_text(err, text));
}

static void check_space(struct findings *f, const char *path)
{
	struct statvfs fs;
	char text[128];
	if (statvfs(path, &fs) != 0) return;
	const double free_gb = (double)fs.f_bavail * (double)fs.f_frsize / 1e9;
	(void)snprintf(text, sizeof text, "%.1f GB free%s", free_gb,
		free_gb < 2 ? "; the default run writes about 1.1 GB: make room" : "");
	add(f, free_gb >= 2 ? GOOD : BAD, "disk space", text);
}

/* A lake that the first run makes: looking must not make one, least of all where the name was mistyped. */
static bool lake_to_come(struct findings *f, const char *path)
{
	char folder[4096];
	char text[512];
	(void)snprintf(folder, sizeof folder, "%s", path);
	while (folder[0] != '\0' && access(folder, F_OK) != 0) { /* the nearest folder that stands */
		char *slash = strrchr(folder, '/');
		if (slash == folder && folder[1] != '\0')
			folder[1] = '\0';
		else if (slash != NULL && slash != folder)
			*slash = '\0';
		else
			(void)snprintf(folder, sizeof folder, ".");
	}
	const bool may = access(folder, W_OK | X_OK) == 0;
	(void)snprintf(text, sizeof text, "none yet at %.300s: %s", path,
		may ? "`pqr run` makes it" : "and this user may not make it there; give this user the right to");
	add(f, may ? ABSENT : BAD, "lake", text);
	check_space(f, folder);
	return may;
}

static status no_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	(void)values;
	(void)n;
	(void)err;
	++*(int64_t *)arg;
	return OK;
}

struct table_look {
	struct store *lake;
	int64_t tables, differences;
	char first[256];
};

static void note_difference(void *arg, const char *key, const char *what)
{
	struct table_look *l = arg;
	if (l->differences++ == 0) (void)snprintf(l->first, sizeof l->first, "%.180s is %s", key, what);
}

static status look_at_table(void *arg, const char *layer, const char *name, struct err *err)
{
	struct table_look *l = arg;
	char root[DELTA_ROOT_MAX];
	const struct delta_check_opts o = {.difference = note_difference, .arg = l};
	struct delta_check_result r;
	(void)snprintf(root, sizeof root, "%s/%s", layer, name);
	l->tables++;
	const status code = delta_check(l->lake, root, &o, &r, err);
	return code == E_NOT_FOUND ? OK : code; /* gone since it was listed */
}

/* Of a remote lake each file would be a request: `pqr verify` makes them. */
static void check_tables(struct findings *f, struct store *lake)
{
	struct table_look l = {.lake = lake};
	struct err err;
	char text[512];
	err_clear(&err);
	const status code = delta_catalog_list(lake, look_at_table, &l, &err);
	if (l.differences > 0)
		(void)snprintf(text, sizeof text, "%s%s; `pqr verify` tells all of a run", l.first,
			l.differences > 1 ? ", and more" : "");
	else
		(void)snprintf(text, sizeof text, "%lld, their logs and files are in order", (long long)l.tables);
	if (code != OK)
		add_result(f, "tables", code, &err, "");
	else
		add(f,
			l.differences > 0 ? BAD
			: l.tables > 0    ? GOOD
					  : ABSENT,
			"tables", l.tables > 0 || l.differences > 0 ? text : "none yet: `pqr run` makes them");
}

/* What the runs left: their own objects, and the tables that they name. */
static void check_runs(struct findings *f, struct store *lake)
{
	struct table_look l = {.lake = lake};
	struct lake_check c = {.lake = lake, .difference = note_difference, .arg = &l};
	struct err err;
	char text[512], n[32];
	err_clear(&err);
	const status code = lake_check_runs(&c, &registry_workloads, &err);
	if (l.differences > 0)
		(void)snprintf(text, sizeof text, "%s%s; `pqr verify` tells all of a run", l.first,
			l.differences > 1 ? ", and more" : "");
	else if (c.runs > 0)
		(void)snprintf(text, sizeof text, "%s, what they left is in order", cli_count(c.runs, n));
	else
		(void)snprintf(text, sizeof text, "none yet: `pqr run` makes one");
	if (code != OK)
		add_result(f, "runs", code, &err, "");
	else
		add(f, l.differences > 0 ? BAD : c.runs > 0 ? GOOD : ABSENT, "runs", text);
}

static const char to_look[] = "; this user may read it and not write it";

static status one_table(void *arg, const char *layer, const char *name, struct err *err)
{
	(void)layer;
	(void)name;
	(void)err;
	*(bool *)arg = true;
	return OK;
}

/* Who may not write it may still read it, where it is one. */
static bool only_readable(struct store *lake, const struct err *probed)
{
	bool any = false;
	return probed->class == ERR_DENIED && delta_catalog_list(lake, one_table, &any, NULL) == OK && any;
}

static bool check_lake(struct findings *f, const struct cli *c)
{
	struct session s;
	struct err err;
	char text[CLI_ERROR_CHARS];
	err_clear(&err);
	status code = cli_session_open(&s, c, 0, &err);
	const bool missing = code == OK && session_missing(s.engine.lake_uri);
	const bool may = missing && lake_to_come(f, session_path(s.engine.lake_uri));
	session_close(&s);
	if (missing) return may;
	err_clear(&err);
	code = cli_session_open(&s, c, SESSION_LAKE, &err);
	if (code == OK) code = lake_probe(s.lake, &err);
	const bool writable = code == OK;
	if (s.lake != NULL && !writable && only_readable(s.lake, &err)) code = OK;
	(void)snprintf(text, sizeof text, "%.900s%s", code == OK ? store_uri(s.lake) : "", writable ? "" : to_look);
	add_result(f, "lake", code, &err, text);
	if (code == OK && rebuild_refuse(s.lake, &err) != OK) add_result(f, "tables", err.code, &err, "");
	if (code == OK && !store_is_remote(s.lake)) {
		if (writable) check_space(f, store_uri(s.lake));
		check_tables(f, s.lake);
		check_runs(f, s.lake);
	}
	session_close(&s);
	return code == OK;
}

static void check_control(struct findings *f, const struct cli *c)
{
	struct session s;
	struct err err;
	char text[CLI_ERROR_CHARS], n[32];
	int64_t runs = 0;
	const struct control_select all = {.sql = "SELECT run_id FROM meta.runs"};
	err_clear(&err);
	status code = cli_session_open(&s, c, 0, &err);
	const bool missing = code == OK && session_missing(s.engine.control_uri);
	if (missing)
		add(f, ABSENT, "control plane", "none yet: `pqr run` makes it, and records again what a lake holds");
	session_close(&s);
	if (missing) return;
	err_clear(&err);
	code = cli_session_open(&s, c, SESSION_CONTROL | SESSION_LOOK, &err);
	if (code == OK) code = control_query(s.control, &all, no_row, &runs, &err);
	(void)snprintf(text, sizeof text, "%.900s, %s run%s%s", s.control != NULL ? control_uri(s.control) : "",
		cli_count(runs, n), runs == 1 ? "" : "s",
		s.control == NULL || control_may_write(s.control) ? "" : to_look);
	add_result(f, "control plane", code, &err, text);
	session_close(&s);
}

static void check_config(struct findings *f, const struct cli *c)
{
	struct session s;
	struct err err;
	char text[64];
	err_clear(&err);
	const status code = cli_session_open(&s, c, CLI_CONFIG, &err);
	add_result(f, "configuration", code, &err,
		cli_get(c, "--config") != NULL  ? cli_get(c, "--config")
		: access("pqr.yaml", F_OK) == 0 ? "pqr.yaml"
						: "defaults (no pqr.yaml here)");
	if (code == OK) {
		(void)snprintf(text, sizeof text, "%s, %d cores", s.engine.executor, thread_cores());
		add(f, GOOD, "executor", text);
	}
	session_close(&s);
}

/* Only `pqr sql` needs it, so that there is none is in order; one that was named and does not work is not. */
static void check_duckdb(struct findings *f)
{
	char version[QUERY_VERSION_MAX], text[QUERY_VERSION_MAX + 32];
	struct err err;
	err_clear(&err);
	const status code = query_library(NULL, version, &err);
	if (code == E_NOT_FOUND) {
		char said[CLI_ERROR_CHARS];
		add(f, ABSENT, "libduckdb", cli_error_text(&err, said));
		return;
	}
	(void)snprintf(text, sizeof text, "%s, for `pqr sql`", code == OK ? version : "");
	add_result(f, "libduckdb", code, &err, text);
}

static void add_stream(void *arg, enum stream_verdict verdict, const char *what, const char *text)
{
	static const enum verdict verdicts[] = {[STREAM_GOOD] = GOOD, [STREAM_BAD] = BAD, [STREAM_ABSENT] = ABSENT};
	add(arg, verdicts[verdict], what, text);
}

static void check_stream(struct findings *f, const struct cli *c)
{
	struct session s;
	if (cli_session_open(&s, c, 0, NULL) == OK) stream_probe(&s, add_stream, f); /* else told already */
	session_close(&s);
}

static void add_service(void *arg, bool good, const char *what, const char *text)
{
	add(arg, good ? GOOD : BAD, what, text);
}

/* Services that only a part of the work needs are looked at where the environment names them. */
static void check_services(struct findings *f)
{
	struct err err;
	err_clear(&err);
	if (service_probe(add_service, f, &err) != OK) add_result(f, "services", err.code, &err, "");
}

static status doctor_run(struct cli *c, struct err *err)
{
	static const char *const shown[] = {[GOOD] = "ok", [BAD] = "BAD", [ABSENT] = "none"};
	static const char *const json[] = {[GOOD] = "true", [BAD] = "false", [ABSENT] = "null"};
	struct findings f = {.n = 0};
	struct buf *out = &c->out;
	bool ok = true;
	check_config(&f, c);
	if (check_lake(&f, c)) check_control(&f, c);
	check_duckdb(&f);
	check_stream(&f, c);
	check_services(&f);
	if (c->json) buf_char(out, '[');
	for (size_t i = 0; i < f.n; i++) {
		const struct finding *item = &f.items[i];
		ok = ok && item->verdict != BAD;
		if (!c->json) {
			const char *word = shown[item->verdict];
			terminal_word(out, str_of(word), terminal_colours());
			buf_printf(out, "%*s  %-13s  %s\n", (int)(4 - strlen(word)), "", item->what, item->text);
			continue;
		}
		buf_printf(out, "%s{\"check\":\"%s\",\"ok\":%s,\"text\":", i > 0 ? "," : "", item->what,
			json[item->verdict]);
		buf_json_str(out, str_of(item->text));
		buf_char(out, '}');
	}
	if (c->json) buf_str(out, "]\n");
	TRY(cli_print_result(c, err));
	return ok ? OK : fail(err, E_IO, "doctor: something is not in order, see above");
}

const struct cli_command cli_doctor_command = {.name = "doctor",
	.synopsis = "",
	.summary = "check lake, control plane, configuration, libduckdb, Kafka and services; say how to mend them",
	.args_max = 0,
	.run = doctor_run};
