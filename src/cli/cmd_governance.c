/* cli/cmd_governance.c: runs, quality, lineage, verify: what the control plane and the manifests know. */
#include <stdio.h>
#include <stdlib.h>

#include "app/run_sql.h"
#include "cli/report.h"
#include "cli/run_options.h"
#include "cli/table.h"
#include "flow/lineage.h"
#include "flow/verify.h"
#include "workloads/registry.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* ---- runs ---- */

#define RUN_COLUMNS                                                                                                    \
	"run_id, workload, status, date_min, date_max, raw_rows, bronze_rows, rejected_rows, silver_rows, gold_rows, " \
	"attempts, started_at, dropped_by"
/* What fits a terminal; --json has RUN_COLUMNS, `runs show` has all. */
#define RUN_COLUMNS_SHORT                                                                                       \
	"run_id, workload, CASE WHEN dropped_by IS NULL THEN status ELSE 'dropped' END AS status, date_min AS " \
	"\"from\", "                                                                                            \
	"date_max AS \"to\", raw_rows AS raw, rejected_rows AS rejected, "                                      \
	"SUBSTR(CAST(started_at AS TEXT), 1, 16) AS started"
static status print_query(
	struct session *s, struct cli *c, const struct control_select *q, const char *when_empty, struct err *err)
{
	size_t n_rows = 1;
	TRY(c->json ? rows_json(s->control, q, &c->out, err) : cli_table(s->control, q, "", &c->out, &n_rows, err));
	if (c->json) buf_char(&c->out, '\n');
	if (n_rows == 0 && when_empty != NULL) buf_printf(&c->out, "%s\n", when_empty);
	return cli_print_result(c, err);
}

/* w NULL: of all workloads. */
static status runs_list(struct session *s, struct cli *c, const struct workload *w, struct err *err)
{
	char text[ERR_MESSAGE_MAX];
	const char *name = w != NULL ? w->name : "";
	const struct control_select q = {.sql = c->json ? "SELECT " RUN_COLUMNS RUN_SQL_LATEST_FIRST
							: "SELECT " RUN_COLUMNS_SHORT RUN_SQL_LATEST_FIRST,
		.params = &name,
		.n_params = 1};
	return print_query(s, c, &q, session_no_runs(s, w, text, sizeof text), err);
}

/* A person reads the short form; --json has every row. */
struct section {
	const char *name, *title, *sql;
	const char *sql_json; /* NULL = sql */
};
static const struct section show_sections[] = {
	{"run", "run", "SELECT * FROM meta.runs WHERE run_id = $1", NULL},
	/* Of a stage that is done, what was recorded with its commit: publish has no tasks of its own, a lost control plane none left. */
	{"tasks", "tasks",
		"SELECT s.stage AS stage, COALESCE(c.n_tasks, t.tasks) AS tasks, COALESCE(c.rows_in, t.rows_in) AS "
		"rows_in, COALESCE(c.rows_out, t.rows_out) AS rows_out, COALESCE(c.bytes_in, t.bytes_in) AS bytes_in, "
		"COALESCE(c.bytes_out, t.bytes_out) AS bytes_out, ROUND(c.us / 1e6, 3) AS seconds, "
		"COALESCE(t.failed, 0) AS failed "
		"FROM (SELECT stage FROM meta.stage_commits WHERE run_id = $1 UNION SELECT stage FROM meta.tasks WHERE "
		"run_id = $1) s "
		"LEFT JOIN meta.stage_commits c ON c.run_id = $1 AND c.stage = s.stage "
		"LEFT JOIN (SELECT stage, COUNT(DISTINCT task_id) AS tasks, SUM(rows_in) AS rows_in, SUM(rows_out) AS "
		"rows_out, SUM(bytes_in) AS bytes_in, SUM(bytes_out) AS bytes_out, SUM(CASE WHEN error IS NOT NULL "
		"THEN 1 ELSE 0 END) AS failed FROM meta.tasks WHERE run_id = $1 GROUP BY stage) t ON t.stage = s.stage "
		"ORDER BY " RUN_SQL_IN_ORDER("s.stage"),
		NULL},
	{"quality", "quality (each check: pqr quality)",
		"SELECT layer, SUM(CASE WHEN result = 'PASS' THEN 1 ELSE 0 END) AS passed, SUM(CASE WHEN result = "
		"'WARN' "
		"THEN 1 ELSE 0 END) AS warnings, SUM(CASE WHEN result = 'FAIL' THEN 1 ELSE 0 END) AS failed "
		"FROM meta.quality_checks WHERE run_id = $1 GROUP BY layer ORDER BY " RUN_SQL_IN_ORDER("layer"),
		"SELECT layer, dataset, check_name, severity, result, value, threshold FROM meta.quality_checks WHERE "
		"run_id = $1 ORDER BY " RUN_SQL_IN_ORDER("layer") ", dataset, check_name"},
	{"lineage", "lineage (each table: pqr lineage)",
		"SELECT stage, input, COUNT(*) AS outputs FROM meta.lineage WHERE run_id = $1 AND stage <> 'publish' "
		"GROUP BY stage, input ORDER BY " RUN_SQL_IN_ORDER("stage") ", input",
		"SELECT stage, input, output FROM meta.lineage WHERE run_id = $1 ORDER BY " RUN_SQL_IN_ORDER(
			"stage") ", input, output"},
};

/* name: value lines of the one row. */
static status vertical_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct buf *out = arg;
	(void)err;
	for (size_t i = 0; i < n; i++) {
		if (values[i].kind == CONTROL_NULL) continue;
		buf_printf(out, "  %-16s ", values[i].name);
		if (values[i].kind == CONTROL_TEXT)
			buf_add(out, values[i].text.p, values[i].text.n);
		else if (values[i].kind == CONTROL_INT)
			buf_i64(out, values[i].i);
		else
			buf_printf(out, "%.10g", values[i].real);
		buf_char(out, '\n');
	}
	return OK;
}

static status section_show(
	struct session *s, struct cli *c, const struct section *section, const char *run_id, struct err *err)
{
	struct buf *out = &c->out;
	const bool first = section == show_sections;
	const char *sql = c->json && section->sql_json != NULL ? section->sql_json : section->sql;
	const struct control_select q = {sql, &run_id, 1};
	if (c->json) {
		buf_printf(out, "%s\"%s\":", first ? "" : ",", section->name);
		return rows_json(s->control, &q, out, err);
	}
	buf_printf(out, "%s%s\n", first ? "" : "\n", section->title);
	return first ? control_query(s->control, &q, vertical_row, out, err)
		     : cli_table(s->control, &q, "  ", out, NULL, err);
}

static status runs_show(struct session *s, struct cli *c, const char *run_id, struct err *err)
{
	struct control_run run;
	TRY(control_run_get(s->control, run_id, &s->arena, &run, err));
	if (c->json) buf_char(&c->out, '{');
	for (size_t i = 0; i < N_OF(show_sections); i++) TRY(section_show(s, c, &show_sections[i], run_id, err));
	if (c->json) buf_str(&c->out, "}\n");
	return cli_print_result(c, err);
}

/* What differs between two runs ($1, $2): a line a column of meta.runs, then rows per dataset check values. */
static void diff_sql(struct buf *sql)
{
	static const char *const columns[] = {"workload", "seed", "config_hash", "version", "date_min", "date_max",
		"as_of", "status", "raw_objects", "raw_rows", "bronze_rows", "rejected_rows", "silver_rows",
		"gold_rows", "manifest_sha256"};
	for (size_t i = 0; i < N_OF(columns); i++) {
		buf_printf(sql,
			"%sSELECT '%s' AS what, CAST(a.%s AS TEXT) AS a, CAST(b.%s AS TEXT) AS b FROM meta.runs a, "
			"meta.runs b "
			"WHERE a.run_id = $1 AND b.run_id = $2 AND a.%s IS DISTINCT FROM b.%s",
			i > 0 ? " UNION ALL " : "", columns[i], columns[i], columns[i], columns[i], columns[i]);
	}
	/* Checks of either run; one that only the other has differs too. */
	buf_str(sql, " UNION ALL SELECT 'quality ' || k.layer || ' ' || k.dataset || ' ' || k.check_name, "
		     "COALESCE(a.result || COALESCE(' ' || a.value, ''), 'not checked'), "
		     "COALESCE(b.result || COALESCE(' ' || b.value, ''), 'not checked') "
		     "FROM (SELECT layer, dataset, check_name FROM meta.quality_checks WHERE run_id = $1 "
		     "UNION SELECT layer, dataset, check_name FROM meta.quality_checks WHERE run_id = $2) k "
		     "LEFT JOIN meta.quality_checks a ON a.run_id = $1 AND a.layer = k.layer AND a.dataset = "
		     "k.dataset AND a.check_name = k.check_name "
		     "LEFT JOIN meta.quality_checks b ON b.run_id = $2 AND b.layer = k.layer AND b.dataset = "
		     "k.dataset AND b.check_name = k.check_name "
		     "WHERE a.result IS DISTINCT FROM b.result OR a.value IS DISTINCT FROM b.value");
	buf_char(sql, '\0');
}

static status runs_diff(struct session *s, struct cli *c, struct err *err)
{
	char a[37];
	char b[37];
	struct control_run run;
	TRY(session_run_find(s, c->args[1], "pqr runs diff", a, err));
	TRY(session_run_find(s, c->args[2], "pqr runs diff", b, err));
	TRY(control_run_get(s->control, a, &s->arena, &run, err));
	TRY(control_run_get(s->control, b, &s->arena, &run, err));
	struct buf sql;
	buf_init(&sql, 0);
	diff_sql(&sql);
	const char *params[2] = {a, b};
	const struct control_select q = {(const char *)sql.p, params, 2};
	const status code = sql.failed ? buf_check(&sql, err) : print_query(s, c, &q, "no difference", err);
	buf_deinit(&sql);
	return code;
}

/* Retry it, or drop it. */
static status runs_work(struct session *s, struct cli *c, const char *run_id, struct err *err)
{
	struct run_opts o;
	TRY(session_run_workload(s, run_id, err));
	session_run_opts(s, &o);
	*(strcmp(c->args[0], "drop") == 0 ? &o.drop : &o.run_id) = run_id;
	o.progress = c->progress;
	o.quiet = c->quiet;
	o.publish = !cli_flag(c, "--no-publish");
	o.replace_published = cli_flag(c, "--replace-published");
	return report_run(s, c, &o, err);
}

static status runs_command(struct session *s, struct cli *c, void *arg, struct err *err)
{
	(void)arg;
	const char *verb = c->n_args > 0 ? c->args[0] : "list";
	char run_id[37];
	char what[32];
	const struct workload *w = workload_named(&registry_workloads, str_of(verb));
	if (w != NULL && c->n_args == 1) return runs_list(s, c, w, err);
	if (strcmp(verb, "list") == 0) {
		if (c->n_args > 1) TRY(workload_find(&registry_workloads, str_of(c->args[1]), &w, err));
		return runs_list(s, c, w, err);
	}
	if (strcmp(verb, "diff") == 0) {
		if (c->n_args != 3)
			return fail(err, E_USAGE, "pqr runs diff: expected two run ids; `pqr runs` lists them");
		return runs_diff(s, c, err);
	}
	const bool show = strcmp(verb, "show") == 0;
	if (!show && strcmp(verb, "retry") != 0 && strcmp(verb, "drop") != 0)
		return fail(err, E_USAGE, "pqr runs: expected list, show, retry, drop, diff or a workload, found '%s'",
			verb);
	if (c->n_args != 2) return fail(err, E_USAGE, "pqr runs %s: expected a run id; `pqr runs` lists them", verb);
	(void)snprintf(what, sizeof what, "pqr runs %s", verb);
	TRY(session_run_find(s, c->args[1], what, run_id, err));
	return show ? runs_show(s, c, run_id, err) : runs_work(s, c, run_id, err);
}

static status runs_run(struct cli *c, struct err *err)
{
	const bool writes = c->n_args > 0 && (strcmp(c->args[0], "retry") == 0 || strcmp(c->args[0], "drop") == 0);
	return cli_with_session(c, SESSION_LAKE | SESSION_CONTROL | SESSION_EXISTING | (writes ? 0u : SESSION_LOOK),
		runs_command, NULL, err);
}

/* ---- quality, lineage ---- */

/* Values of checks are texts; those that are counts are grouped as in every other table. */
struct grouped {
	control_row_visit visit;
	void *arg;
	struct session *s;
	const struct control_select *q;
};

static status grouped_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	enum { COLUMNS_MAX = 16, DIGITS_MAX = 18 };
	const struct grouped *g = arg;
	struct control_value shown[COLUMNS_MAX];
	char text[COLUMNS_MAX][32];
	ASSERT(n <= COLUMNS_MAX);
	for (size_t i = 0; i < n; i++) {
		char digits[DIGITS_MAX + 1];
		const struct str s = values[i].text;
		shown[i] = values[i];
		if (values[i].kind != CONTROL_TEXT || s.n == 0 || s.n > DIGITS_MAX) continue;
		memcpy(digits, s.p, s.n);
		digits[s.n] = '\0';
		if (strspn(digits, "0123456789") == s.n) shown[i].text = str_of(cli_count(atoll(digits), text[i]));
	}
	return g->visit(g->arg, shown, n, err);
}

static status grouped_rows(void *arg, control_row_visit visit, void *visit_arg, struct err *err)
{
	struct grouped *g = arg;
	g->visit = visit;
	g->arg = visit_arg;
	return control_query(g->s->control, g->q, grouped_row, g, err);
}

static status print_checks(struct session *s, struct cli *c, const struct control_select *q, struct err *err)
{
	size_t n = 0;
	struct grouped g = {.s = s, .q = q};
	if (c->json) return print_query(s, c, q, NULL, err);
	TRY(cli_table_of(grouped_rows, &g, "", &c->out, &n, err));
	if (n == 0) buf_str(&c->out, "no checks recorded for this run\n");
	return cli_print_text(&c->out, err);
}

static status quality_command(struct session *s, struct cli *c, void *arg, struct err *err)
{
	(void)arg;
	char run_id[37];
	TRY(cli_run_id(s, c, run_id, err));
	const char *params[1] = {run_id};
	const struct control_select q = {
		c->json ? RUN_SQL_QUALITY
			: "SELECT result, dataset, check_name, value, threshold, severity, details FROM "
			  "meta.quality_checks WHERE run_id = $1 "
			  "ORDER BY CASE result WHEN 'FAIL' THEN 0 WHEN 'WARN' THEN 1 ELSE 2 END, " RUN_SQL_IN_ORDER(
				  "layer") ", dataset, check_name",
		params, 1};
	return print_checks(s, c, &q, err);
}

static status quality_run(struct cli *c, struct err *err)
{
	return cli_with_session(
		c, SESSION_LAKE | SESSION_CONTROL | SESSION_EXISTING | SESSION_LOOK, quality_command, NULL, err);
}

static status lineage_command(struct session *s, struct cli *c, void *arg, struct err *err)
{
	(void)arg;
	char run_id[37];
	const char *name = cli_get(c, "--format");
	enum lineage_format format = c->json ? LINEAGE_JSON : LINEAGE_TEXT;
	if (name != NULL && !lineage_format_parse(name, &format))
		return fail(
			err, E_USAGE, "--format: expected text, json, openlineage, dot or cypher, found '%s'", name);
	TRY(cli_run_id(s, c, run_id, err));
	TRY(lineage_export(s->control, run_id, format, &c->out, err));
	return format == LINEAGE_TEXT ? cli_print_text(&c->out, err) : cli_print(&c->out, err);
}

static status lineage_run(struct cli *c, struct err *err)
{
	return cli_with_session(
		c, SESSION_LAKE | SESSION_CONTROL | SESSION_EXISTING | SESSION_LOOK, lineage_command, NULL, err);
}

/* ---- verify ---- */

struct differences {
	struct buf *out;
	bool json;
	bool first;
};

static void on_difference(void *arg, const char *path, const char *what)
{
	struct differences *d = arg;
	if (!d->json) {
		buf_printf(d->out, "%s: %s\n", path, what);
		return;
	}
	buf_str(d->out, d->first ? "{\"path\":" : ",{\"path\":");
	d->first = false;
	buf_json_str(d->out, str_of(path));
	buf_str(d->out, ",\"what\":");
	buf_json_str(d->out, str_of(what));
	buf_char(d->out, '}');
}

static void verified_json(const struct verify_report *r, const char *run_id, const struct buf *list, struct buf *out)
{
	const char *quote = r->root[0] != '\0' ? "\"" : "", *by = r->dropped_by[0] != '\0' ? "\"" : "";
	buf_printf(out,
		"{\"run_id\":\"%s\",\"root\":%s%s%s,\"objects\":%lld,\"bytes\":%lld,\"replaced\":%lld,"
		"\"dropped_by\":%s%s%s,\"differences\":[",
		run_id, quote, r->root[0] != '\0' ? r->root : "null", quote, (long long)r->objects, (long long)r->bytes,
		(long long)r->replaced, by, r->dropped_by[0] != '\0' ? r->dropped_by : "null", by);
	buf_add(out, list->p, list->n);
	buf_str(out, "]}\n");
}

static void verified_text(const struct verify_report *r, const struct buf *list, struct buf *out)
{
	char n[2][32];
	buf_add(out, list->p, list->n);
	buf_printf(out, "%s objects, %.1f MB, %s difference%s; manifest root %s\n", cli_count(r->objects, n[0]),
		(double)r->bytes / 1e6, cli_count(r->differences, n[1]), r->differences == 1 ? "" : "s",
		r->root[0] != '\0' ? r->root : "unknown without the commit of raw");
	if (r->replaced > 0)
		buf_printf(out,
			"%s of them are gone, as they may: their tables' logs have replaced them "
			"(pqr table history)\n",
			cli_count(r->replaced, n[0]));
	if (r->dropped_by[0] != '\0')
		buf_printf(out, "it was dropped: run %s takes it out of its history\n", r->dropped_by);
}

static status verify_command(struct session *s, struct cli *c, void *arg, struct err *err)
{
	char run_id[37];
	struct buf list;
	struct verify_report report = {0};
	(void)arg;
	TRY(cli_run_id(s, c, run_id, err));
	TRY(session_run_workload(s, run_id, err));
	buf_init(&list, 0);
	struct differences d = {&list, c->json, true};
	const struct verify_opts o = {.workload = s->workload,
		.lake = s->lake,
		.run_id = run_id,
		.threads = s->engine.threads,
		.progress = c->progress,
		.difference = on_difference,
		.arg = &d};
	const status code = flow_verify(&o, &report, err);
	if ((code == OK || code == E_VERIFY) && c->json)
		verified_json(&report, run_id, &list, &c->out);
	else if (code == OK || code == E_VERIFY)
		verified_text(&report, &list, &c->out);
	buf_deinit(&list);
	const status printed = cli_print_result(c, code == OK ? err : NULL);
	return code != OK ? code : printed;
}

static status verify_run(struct cli *c, struct err *err)
{
	return cli_with_session(c, SESSION_LAKE | SESSION_TABLES | SESSION_EXISTING | SESSION_LOOK | cli_run_needs(c),
		verify_command, NULL, err);
}

static const struct cli_option run_id_option[] = {{"--run-id", "ID", CLI_RUN_HELP}};
static const struct cli_option runs_options[] = {
	{"--no-publish", NULL, "retry, drop: leave the SQL tables as they are"},
	{"--replace-published", NULL, "retry, drop: also where the SQL tables show another history"}};
static const struct cli_option lineage_options[] = {
	{"--run-id", "ID", CLI_RUN_HELP}, {"--format", "NAME", "text, json, openlineage, dot or cypher"}};
const struct cli_command cli_runs_command = {.name = "runs",
	.synopsis = "[list] [pqrs | clickstream] | show U | retry U | drop U | diff U V",
	.summary = "what ran: stages, counts, quality, lineage",
	.details = "  pqr runs              the runs, newest first\n"
		   "  pqr runs clickstream  those of a workload\n"
		   "  pqr runs show U       run U: what decided its output, its tasks, quality and lineage\n"
		   "  pqr runs retry U      go on with run U, which failed or was stopped\n"
		   "  pqr runs drop U       take ingested run U out: silver, gold and SQL as if it had not been\n"
		   "  pqr runs diff U V     what differs between two runs",
	.options = runs_options,
	.n_options = N_OF(runs_options),
	.args_max = 3,
	.takes_workload = true,
	.run = runs_run};
const struct cli_command cli_quality_command = {.name = "quality",
	.synopsis = "",
	.summary = "the quality checks of a run",
	.options = run_id_option,
	.n_options = 1,
	.args_max = 0,
	.run = quality_run};
const struct cli_command cli_lineage_command = {.name = "lineage",
	.synopsis = "",
	.summary = "what was made from what",
	.details = "  pqr lineage --format dot | dot -Tsvg > lineage.svg",
	.options = lineage_options,
	.n_options = N_OF(lineage_options),
	.args_max = 0,
	.run = lineage_run};
const struct cli_command cli_verify_command = {.name = "verify",
	.synopsis = "",
	.summary = "hash every object again and compare with the manifest",
	.details = "Exit status 4 when anything is missing or changed; each difference is named.",
	.options = run_id_option,
	.n_options = 1,
	.args_max = 0,
	.run = verify_run};
