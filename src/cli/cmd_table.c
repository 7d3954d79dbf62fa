/* cli/cmd_table.c: Delta tables: what there is, of which columns, versions and files. */
#include "cli/cmd_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/table.h"
#include "table/catalog.h"
#include "table/log/history.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* ---- values ----------------------------------------------------------------------------------------------------------- */

static struct control_value cell_text(const char *name, struct str text)
{
	return (struct control_value){.name = name, .kind = text.n > 0 ? CONTROL_TEXT : CONTROL_NULL, .text = text};
}

static struct control_value cell_int(const char *name, int64_t v)
{
	return (struct control_value){.name = name, .kind = CONTROL_INT, .i = v};
}

/* -1 means not known. */
static struct control_value cell_known(const char *name, int64_t v)
{
	return v >= 0 ? cell_int(name, v) : (struct control_value){.name = name, .kind = CONTROL_NULL};
}

static struct control_value cell_time(const char *name, int64_t ms, char dst[TIME_RFC3339_CHARS])
{
	enum { TO_MILLISECONDS = TIME_RFC3339_CHARS - 4 };
	time_format(ms * 1000, dst);
	dst[TO_MILLISECONDS] = 'Z';
	return cell_text(name, (struct str){dst, TO_MILLISECONDS + 1});
}

/* "month, run_id" */
static struct str join(struct arena *arena, const struct delta_strings *l)
{
	struct buf text;
	buf_init(&text, 0);
	for (size_t i = 0; i < l->n; i++)
		buf_printf(&text, "%s%.*s", i > 0 ? ", " : "", (int)l->items[i].n, l->items[i].p);
	const char *copy = buf_check(&text, NULL) == OK ? arena_strndup(arena, (const char *)text.p, text.n) : NULL;
	const struct str out = {copy != NULL ? copy : "", copy != NULL ? text.n : 0};
	buf_deinit(&text);
	return out;
}

static status print_rows(struct table_cmd *t, rows_source source, void *arg, const char *when_empty, struct err *err)
{
	struct buf *out = &t->cli->out;
	size_t n = 1;
	TRY(t->cli->json ? rows_json_of(source, arg, out, err) : cli_table_of(source, arg, "", out, &n, err));
	if (t->cli->json) buf_char(out, '\n');
	if (n == 0) buf_printf(out, "%s\n", when_empty);
	return cli_print(out, err);
}

/* ---- list ------------------------------------------------------------------------------------------------------------- */

struct list_rows {
	struct table_cmd *t;
	control_row_visit visit;
	void *visit_arg;
	bool any;          /* table that could be read */
	struct err broken; /* the first table that cannot be read: the others are told all the same */
};

/* Log files of others may claim any size: the sum saturates. */
static int64_t add_up(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static status list_table(void *arg, const char *layer, const char *name, struct err *err)
{
	struct list_rows *l = arg;
	struct delta_snapshot *s = NULL;
	struct err opened;
	char root[DELTA_ROOT_MAX], shown[DELTA_ROOT_MAX], time[TIME_RFC3339_CHARS];
	(void)snprintf(root, sizeof root, "%s/%s", layer, name);
	const int n = snprintf(shown, sizeof shown, "%s.%s", layer, name);
	err_clear(&opened);
	if (delta_snapshot_open(l->t->session->lake, root, DELTA_LATEST, &s, &opened) != OK) {
		if (l->broken.code == OK) l->broken = opened;
		return OK;
	}
	int64_t rows = 0, bytes = 0;
	for (size_t i = 0; i < s->n_files; i++) {
		const int64_t of_file = delta_add_rows(&s->files[i]);
		rows = of_file < 0 || rows < 0 ? -1 : add_up(rows, of_file);
		bytes = add_up(bytes, s->files[i].size);
	}
	const struct control_value values[] = {cell_text("table", (struct str){shown, (size_t)n}),
		cell_int("version", s->version), cell_int("files", (int64_t)s->n_files), cell_known("rows", rows),
		cell_int("bytes", bytes),
		cell_text("partition_columns", join(&s->arena, &s->metadata.partition_columns)),
		cell_time("changed", s->timestamp_ms, time)};
	const status code = l->visit(l->visit_arg, values, N_OF(values), err);
	delta_snapshot_close(s);
	l->any = true;
	return code;
}

static status list_broken(const struct list_rows *l, struct err *err)
{
	if (l->broken.code != OK && err != NULL) *err = l->broken;
	return l->broken.code;
}

static status list_rows(void *arg, control_row_visit visit, void *visit_arg, struct err *err)
{
	struct list_rows *l = arg;
	l->visit = visit;
	l->visit_arg = visit_arg;
	TRY(delta_catalog_list(l->t->session->lake, list_table, l, err));
	return l->any ? OK : list_broken(l, err);
}

static status table_list(struct table_cmd *t, struct err *err)
{
	struct list_rows l = {.t = t};
	err_clear(&l.broken);
	TRY(print_rows(t, list_rows, &l, "no table yet: `pqr run` makes them", err));
	return list_broken(&l, err);
}

/* ---- schema ----------------------------------------------------------------------------------------------------------- */

static status schema_rows(void *arg, control_row_visit visit, void *visit_arg, struct err *err)
{
	const struct delta_schema *s = &((struct table_cmd *)arg)->snapshot->schema;
	for (size_t i = 0; i < s->n; i++) {
		const struct delta_column *c = &s->columns[i];
		const struct control_value values[] = {cell_text("column", str_of(c->def.name)),
			cell_text("type", str_of(c->type_text)),
			cell_text("nullable", str_of(c->def.nullable ? "yes" : "no")),
			cell_text("partition", str_of(c->partition_index >= 0 ? "yes" : "")),
			cell_text("description", str_of(c->def.description != NULL ? c->def.description : ""))};
		TRY(visit(visit_arg, values, N_OF(values), err));
	}
	return OK;
}

static status table_schema_print(struct table_cmd *t, struct err *err)
{
	return print_rows(t, schema_rows, t, "no columns", err);
}

/* ---- history ---------------------------------------------------------------------------------------------------------- */

static status history_row(const struct delta_version *v, control_row_visit visit, void *visit_arg, struct err *err)
{
	char time[TIME_RFC3339_CHARS];
	const struct control_value values[] = {cell_int("version", v->version),
		cell_time("time", v->timestamp_ms, time), cell_text("operation", v->info.operation),
		cell_int("files_added", v->n_added), cell_int("files_removed", v->n_removed),
		cell_known("rows_added", v->rows_added), cell_int("bytes_added", v->bytes_added),
		cell_text("stage", delta_history_member(v, "\"pqrStage\":\"")),
		cell_text("run_id", delta_history_member(v, "\"pqrRunId\":\"")), cell_text("engine", v->info.engine)};
	return visit(visit_arg, values, N_OF(values), err);
}

static status history_rows(void *arg, control_row_visit visit, void *visit_arg, struct err *err)
{
	struct table_cmd *t = arg;
	struct delta_history h;
	int64_t limit;
	TRY(table_limit(t->cli, 0, &limit, err));
	TRY(delta_history_read(t->session->lake, t->root, (size_t)limit, &h, err));
	status code = OK;
	for (size_t i = h.n; i-- > 0 && code == OK;) code = history_row(&h.versions[i], visit, visit_arg, err);
	delta_history_deinit(&h);
	return code;
}

static status table_history(struct table_cmd *t, struct err *err)
{
	return print_rows(t, history_rows, t, "no versions", err);
}

/* ---- files ------------------------------------------------------------------------------------------------------------ */

static status files_rows(void *arg, control_row_visit visit, void *visit_arg, struct err *err)
{
	struct table_cmd *t = arg;
	struct delta_condition *where;
	struct arena scratch;
	size_t n_where;
	status code = OK;
	TRY(table_conditions(t, &where, &n_where, err));
	arena_init(&scratch, 0);
	for (size_t i = 0; i < t->snapshot->n_files && code == OK; i++) {
		const struct delta_add *a = &t->snapshot->files[i];
		char time[TIME_RFC3339_CHARS];
		arena_reset(&scratch);
		if (!delta_file_may_match(t->snapshot, a, where, n_where, &scratch)) continue;
		const struct control_value values[] = {cell_known("rows", delta_add_rows(a)),
			cell_int("bytes", a->size), cell_time("modified", a->modified_ms, time),
			cell_text("path", a->path)};
		code = visit(visit_arg, values, N_OF(values), err);
	}
	arena_deinit(&scratch);
	return code;
}

static status table_files(struct table_cmd *t, struct err *err)
{
	return print_rows(t, files_rows, t, "no file", err);
}

/* ---- the command ------------------------------------------------------------------------------------------------------ */

enum needs { NEEDS_NOTHING, NEEDS_ROOT, NEEDS_SNAPSHOT };
static const struct action {
	const char *name;
	enum needs needs;
	status (*run)(struct table_cmd *t, struct err *err);
	const char *options; /* those of table_options it takes, each with a space after it */
} actions[] = {
	{"list", NEEDS_NOTHING, table_list, ""},
	{"schema", NEEDS_SNAPSHOT, table_schema_print, "--version --at --run-id "},
	{"history", NEEDS_ROOT, table_history, "--limit "},
	{"files", NEEDS_SNAPSHOT, table_files, "--version --at --run-id --where "},
	{"cat", NEEDS_SNAPSHOT, table_cat, "--version --at --run-id --where --columns --limit --format "},
	{"optimize", NEEDS_SNAPSHOT, table_optimize, "--all --where --zorder --target-size "},
	{"vacuum", NEEDS_ROOT, table_vacuum, "--all --retention --yes --dry-run --no-retention-check "},
	{"checkpoint", NEEDS_SNAPSHOT, table_checkpoint, "--all "},
};

static status action_find(const char *name, const struct action **out, struct err *err)
{
	const char *names[N_OF(actions)];
	for (size_t i = 0; i < N_OF(actions); i++) {
		names[i] = actions[i].name;
		if (strcmp(actions[i].name, name) != 0) continue;
		*out = &actions[i];
		return OK;
	}
	const char *near = cli_nearest(name, names, N_OF(actions));
	return fail(err, E_USAGE, "pqr table: unknown action '%s'%s%s; `pqr help table` lists them", name,
		near != NULL ? ": did you mean " : "", near != NULL ? near : "");
}

/* An option of another action is a mistake, not something to pass over. */
static status check_options(const struct cli *c, const struct action *a, struct err *err)
{
	for (size_t i = 0; i < c->command->n_options; i++) {
		char name[64];
		(void)snprintf(name, sizeof name, "%s ", c->command->options[i].name);
		if (cli_get(c, c->command->options[i].name) == NULL || strstr(a->options, name) != NULL) continue;
		return fail(err, E_USAGE, "pqr table %s takes no %s; `pqr help table` explains", a->name,
			c->command->options[i].name);
	}
	if ((cli_get(c, "--version") != NULL) + (cli_get(c, "--at") != NULL) + (cli_get(c, "--run-id") != NULL) > 1)
		return fail(err, E_USAGE, "--version, --at and --run each name a version: give one");
	const bool all = cli_flag(c, "--all");
	if (all && (c->n_lists > 0 || cli_get(c, "--zorder") != NULL))
		return fail(err, E_USAGE, "--all takes no columns: --where and --zorder are for one table");
	const size_t args = a->needs == NEEDS_NOTHING || all ? 1 : 2;
	if (c->n_args < args)
		return fail(err, E_USAGE,
			"pqr table %s: expected the table's name, as silver.tickets; `pqr table list` lists them",
			a->name);
	if (c->n_args > args)
		return fail(err, E_USAGE, "pqr table %s: unexpected argument '%s'", a->name, c->args[args]);
	return OK;
}

static status version_option(struct table_cmd *t, int64_t *version, struct err *err)
{
	const char *text = cli_get(t->cli, "--version"), *at = cli_get(t->cli, "--at");
	int64_t us;
	char *end = NULL;
	*version = DELTA_LATEST;
	if (text != NULL) {
		const long long v = strtoll(text, &end, 10);
		if (*text == '\0' || *end != '\0' || v < 0)
			return fail(err, E_USAGE,
				"--version: expected a version's number, found '%s'; `pqr table history` lists them",
				text);
		*version = v;
	}
	if (cli_get(t->cli, "--run-id") != NULL) {
		char name[DELTA_ROOT_MAX];
		(void)snprintf(name, sizeof name, "%s", t->root);
		char *slash = strrchr(name, '/');
		if (slash != NULL) *slash = '.';
		*version = picture_version(&t->picture, name);
		if (*version < 0)
			return fail(err, E_NOT_FOUND, "run %s left no table %s", t->picture.runs[t->picture.n_runs - 1],
				name);
	}
	if (at == NULL) return OK;
	TRY(session_instant(t->session, "--at", at, &us, err));
	/* To the millisecond, as versions have it: 12:00:00.1239 is not before 12:00:00.123. */
	return delta_version_at(t->session->lake, t->root, us / 1000, version, err);
}

static status table_with_root(struct table_cmd *t, const struct action *a, struct err *err)
{
	int64_t version;
	if (a->needs == NEEDS_SNAPSHOT) {
		char run_id[UUID_CHARS + 1];
		const bool of_run = cli_get(t->cli, "--run-id") != NULL;
		if (of_run) TRY(cli_run_id(t->session, t->cli, run_id, err));
		if (of_run) TRY(picture_of_run(t->session->lake, run_id, &t->session->arena, &t->picture, err));
		TRY(version_option(t, &version, err));
		TRY(delta_snapshot_open(t->session->lake, t->root, version, &t->snapshot, err));
		if (of_run) delta_snapshot_keep(t->snapshot, "run_id", t->picture.runs, t->picture.n_runs);
	}
	return a->run(t, err);
}

struct every_table {
	struct table_cmd *t;
	const struct action *action;
	size_t failed;
	status worst;
};

static status say_failed(const struct table_cmd *t, const struct err *why, struct err *err)
{
	struct buf *out = &t->cli->out;
	char text[CLI_ERROR_CHARS];
	(void)cli_error_text(why, text);
	if (t->cli->json) {
		table_json_begin(t, out);
		buf_str(out, "\"error\":");
		buf_json_str(out, str_of(text));
		buf_str(out, "}\n");
	} else {
		buf_printf(out, "failed: %s: %s\n", t->root, text);
	}
	return cli_print_result(t->cli, err);
}

/* A table that fails keeps no other from its turn; being interrupted does. */
static status on_table(void *arg, const char *layer, const char *name, struct err *err)
{
	struct every_table *e = arg;
	struct table_cmd *t = e->t;
	struct err why;
	err_clear(&why);
	(void)snprintf(t->root, sizeof t->root, "%s/%s", layer, name);
	status code = table_with_root(t, e->action, &why);
	delta_snapshot_close(t->snapshot);
	t->snapshot = NULL;
	if (code == E_CANCELLED) {
		if (err != NULL) *err = why;
		return code;
	}
	if (code != OK) {
		e->failed++;
		if (e->worst == OK || status_exit(code) > status_exit(e->worst)) e->worst = code;
		code = say_failed(t, &why, err);
	}
	t->n_tables++;
	return code;
}

static status table_every(struct table_cmd *t, const struct action *a, struct err *err)
{
	struct every_table e = {.t = t, .action = a};
	struct buf *out = &t->cli->out;
	TRY(table_maintain_check(t, err));
	TRY(delta_catalog_list(t->session->lake, on_table, &e, err));
	if (t->cli->json) buf_str(out, t->n_tables == 0 ? "[]\n" : "]\n");
	if (!t->cli->json && t->n_tables == 0) buf_str(out, "no table yet: `pqr run` makes them\n");
	TRY(cli_print_result(t->cli, err));
	if (e.failed == 0) return OK;
	return fail(err, e.worst, "%s: %zu of %zu tables failed, see above", a->name, e.failed, t->n_tables);
}

static status table_with_session(struct session *s, struct cli *c, void *action, struct err *err)
{
	const struct action *a = *(const struct action *const *)action;
	struct table_cmd t = {.cli = c, .session = s, .all = cli_flag(c, "--all")};
	if (t.all) return table_every(&t, a, err);
	if (a->needs != NEEDS_NOTHING) TRY(delta_catalog_find(s->lake, c->args[1], t.root, err));
	const status code = table_with_root(&t, a, err);
	delta_snapshot_close(t.snapshot);
	return code;
}

static status table_run(struct cli *c, struct err *err)
{
	const struct action *a = NULL;
	TRY(action_find(c->args[0], &a, err));
	TRY(check_options(c, a, err));
	const unsigned more = cli_get(c, "--run-id") != NULL ? cli_run_needs(c) : 0;
	return cli_with_session(
		c, SESSION_LAKE | SESSION_TABLES | SESSION_EXISTING | CLI_CONFIG | more, table_with_session, &a, err);
}

static const struct cli_option table_options[] = {
	{"--version", "N", "schema, files, cat: the table as of this version"},
	{"--run-id", "ID",
		"schema, files, cat: as this run (id, beginning or latest) left it; --run is short for this"},
	{"--at", "TIME",
		"schema, files, cat: as it was written by this instant (not: events until it); a date means its end"},
	{"--where", "COND...", "files, cat, optimize: \"month >= 2025-10\", \"closed_at is null\"; may be repeated"},
	{"--columns", "A,B", "cat: these columns"},
	{"--limit", "N", "cat, history: at most so many rows (cat on a terminal: 40; 0 = all)"},
	{"--format", "NAME", "cat: table, csv or json (default table on a terminal, else csv)"},
	{"--all", NULL, "optimize, vacuum, checkpoint: every table of the lake, one line each"},
	{"--zorder", "A,B", "optimize: order the rows along these columns"},
	{"--target-size", "SIZE", "optimize: bytes a file, as 64MB (default 128MB)"},
	{"--retention", "TIME",
		"vacuum: keep what was removed within 7d, 168h (default the table's, else lake.retention_days)"},
	{"--yes", NULL, "vacuum: with lake.retention_days 0, keep nothing that was removed"},
	{"--no-retention-check", NULL, "vacuum: allow a retention under the table's own"},
	{"--dry-run", NULL, "vacuum: only say what would be deleted"},
};
const struct cli_command cli_table_command = {.name = "table",
	.synopsis = "list | ACTION TABLE | ACTION --all",
	.summary = "Delta tables: versions, files, rows; compaction and clean-up",
	.details = "  list         every table: version, files, rows, bytes\n"
		   "  schema       columns and types\n"
		   "  history      every version: when, by which run and stage, what changed\n"
		   "  files        the data files of a version\n"
		   "  cat          the rows of a version\n"
		   "  optimize     the same rows in fewer, larger files (--zorder: in an order that prunes well)\n"
		   "  vacuum       delete files that no version within the retention needs\n"
		   "  checkpoint   write a checkpoint of the newest version now\n\n"
		   "TABLE is silver.tickets, silver/tickets, or tickets where one layer alone has it.\n\n"
		   "  pqr table history gold.kpi_sla_daily\n"
		   "  pqr table cat silver.tickets --version 0 --where \"sla_status = LATE\" --columns "
		   "ticket_id,closed_at\n"
		   "  pqr table optimize bronze.pqrs_events && pqr table vacuum bronze.pqrs_events --dry-run",
	.options = table_options,
	.n_options = N_OF(table_options),
	.args_min = 1,
	.args_max = 2,
	.run = table_run};
