/* cli/cmd_sql.c: queries on the lake: one from the command line, some from standard input, or a prompt. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "app/lake_picture.h"
#include "cli/run_options.h"
#include "cli/sql.h"

enum { STATEMENT_BYTES_MAX = 1 << 26 };

static status read_lines(struct sql_shell *s, char **line, size_t *cap, struct err *err)
{
	while (!s->quit) {
		const ssize_t n = getline(line, cap, stdin);
		if (n < 0) {
			TRY(cancel_check(err));
			return sql_end(s, err);
		}
		TRY(sql_feed(s, (struct str){*line, (size_t)n - ((*line)[n - 1] == '\n')}, err));
	}
	return OK;
}

static status read_statements(struct sql_shell *s, struct err *err)
{
	char *line = NULL;
	size_t cap = 0;
	const status code = read_lines(s, &line, &cap, err);
	free(line); /* getline's own memory */
	return code;
}

/* ---- the command ---- */

static status parse_options(struct cli *c, struct sql_shell *shell, int64_t *version_out, struct err *err)
{
	const char *format = cli_get(c, "--format"), *version = cli_get(c, "--version");
	if (c->json) shell->format = QUERY_JSON;
	if (format != NULL) TRY(sql_format_parse("--format", format, &shell->format, err));
	if ((version != NULL) + (cli_get(c, "--at") != NULL) + (cli_get(c, "--run-id") != NULL) > 1)
		return fail(err, E_USAGE, "--version, --at and --run: one of them");
	if (version == NULL) return OK;
	char *end;
	errno = 0;
	const long long n = strtoll(version, &end, 10);
	if (!isdigit((unsigned char)version[0]) || *end != '\0' || errno != 0)
		return fail(err, E_USAGE, "--version: expected the number of a version, found '%s'", version);
	*version_out = n;
	return OK;
}

static status say_histories(const struct cli *c, struct store *lake, struct err *err)
{
	size_t n = 0;
	if (c->quiet || cli_get(c, "--run-id") != NULL) return OK;
	TRY(lake_picture_histories(lake, &n, err));
	if (n > 1)
		(void)fprintf(stderr,
			"pqr: %zu histories stand side by side in these tables; WHERE history_id = '...' chooses one, "
			"--run "
			"RUN that of a run\n",
			n);
	return OK;
}

static status choose_picture(
	struct cli *c, struct session *s, struct query_picture *picture, struct query_opts *o, struct err *err)
{
	char run_id[UUID_CHARS + 1];
	const bool given = cli_get(c, "--run-id") != NULL;
	if (given) TRY(cli_run_id(s, c, run_id, err));
	TRY(lake_picture(s->lake, given ? run_id : NULL, &s->arena, picture, err));
	if (picture->n > 0) o->picture = picture;
	return say_histories(c, s->lake, err);
}

/* A query only reads: nothing is lost. Exit handlers would wait for the engine's threads. */
static void leave(void)
{
	log_line(LOG_ERROR, "interrupted; DuckDB did not stop, and was not waited for", NULL);
	_exit(status_exit(E_CANCELLED));
}

struct sql_cmd {
	struct sql_shell shell;
	int64_t version; /* -1: none was given */
};

static status sql_with(struct session *s, struct cli *c, void *arg, struct err *err)
{
	struct sql_cmd *k = arg;
	struct query_picture picture;
	struct query_opts o = {.version = k->version,
		.at_ms = INT64_MIN,
		.lake = s->lake,
		.threads = s->engine.threads,
		.stuck = leave};
	const char *at = cli_get(c, "--at");
	if (at != NULL) {
		int64_t us;
		TRY(session_instant(s, "--at", at, &us, err));
		o.at_ms = us / 1000 - (us % 1000 < 0);
	} else if (o.version < 0) {
		TRY(choose_picture(c, s, &picture, &o, err));
	}
	TRY(query_open(&o, &k->shell.query, err));
	if (c->n_args > 0) return sql_execute(&k->shell, str_of(c->args[0]), err);
	return isatty(STDIN_FILENO) ? sql_prompt(&k->shell, err) : read_statements(&k->shell, err);
}

static status sql_run(struct cli *c, struct err *err)
{
	struct sql_cmd k = {.shell = {.format = QUERY_TABLE}, .version = -1};
	const bool of_run = cli_get(c, "--run-id") != NULL;
	TRY(parse_options(c, &k.shell, &k.version, err));
	buf_init(&k.shell.text, STATEMENT_BYTES_MAX);
	/* The configuration tells the time zone of a date. */
	const unsigned more = (cli_get(c, "--at") != NULL ? CLI_CONFIG : 0) | (of_run ? cli_run_needs(c) : 0);
	const status code =
		cli_with_session(c, SESSION_LAKE | SESSION_TABLES | SESSION_EXISTING | more, sql_with, &k, err);
	query_close(k.shell.query);
	buf_deinit(&k.shell.text);
	return code;
}

static const struct cli_option options[] = {
	{"--format", "NAME", "table (default), csv, json or parquet"},
	{"--version", "N", "every table at its version N"},
	{"--at", "TIME",
		"every table as it was written by then (not: events until then); a date (its end) or RFC 3339"},
	{"--run-id", "ID", "every table as this run (id, beginning or latest) left it; --run is short for this"},
};
const struct cli_command cli_sql_command = {.name = "sql",
	.synopsis = "[STATEMENT]",
	.summary = "query the lake's tables in SQL",
	.details =
		"The tables are bronze.*, silver.* and gold.*; the SQL is DuckDB's, reading only. Without STATEMENT: a "
		"prompt\n(.help there lists its commands), or the statements of standard input.\n\n"
		"  pqr sql \"SELECT month, count(*) FROM silver.tickets GROUP BY ALL ORDER BY ALL\"\n"
		"  pqr sql \"DESCRIBE gold.daily_kpis\"\n"
		"  pqr sql --format parquet \"FROM gold.daily_kpis\" > kpis.parquet\n"
		"  pqr sql --run 0a1b2c3d < queries.sql",
	.options = options,
	.n_options = sizeof options / sizeof *options,
	.args_max = 1,
	.run = sql_run};
