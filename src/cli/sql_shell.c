/* cli/sql_shell.c: running statements and the commands of the prompt, line by line. Must not know where lines come from: a terminal
 * (sql_prompt.c), standard input or the command line (cmd_sql.c).
 *
 * Invariant: a statement runs with the line that has its ';', and an error says the line where the statement began.
 */
#include <ctype.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/sql.h"
#include "cli/terminal.h"

enum { PROMPT_ROWS_MAX = 40 };

static const struct {
	const char *name;
	enum query_format format;
} formats[] = {{"table", QUERY_TABLE}, {"csv", QUERY_CSV}, {"json", QUERY_JSON}, {"parquet", QUERY_PARQUET}};

status sql_format_parse(const char *what, const char *name, enum query_format *out, struct err *err)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		if (strcmp(formats[i].name, name) != 0) continue;
		if (formats[i].format == QUERY_PARQUET && isatty(STDOUT_FILENO))
			return fail(err, E_USAGE, "%s parquet: bytes for a file, not a terminal; add > result.parquet",
				what);
		*out = formats[i].format;
		return OK;
	}
	return fail(err, E_USAGE, "%s: expected table, csv, json or parquet, found '%s'", what, name);
}

/* ---- running a statement ---- */

static status write_out(void *arg, const void *p, size_t n, struct err *err)
{
	struct sql_shell *s = arg;
	TRY(cli_write(p, n, &s->closed, err));
	return s->closed ? fail(err, E_CANCELLED, "nobody reads the result") : OK;
}

static void print_timing(const struct query_result *r)
{
	char rows[32];
	if (r->rows >= 0)
		(void)fprintf(stderr, "%s row%s, %.1f ms\n", cli_count(r->rows, rows), r->rows == 1 ? "" : "s",
			(double)r->us / 1000);
	else
		(void)fprintf(stderr, "%.1f ms\n", (double)r->us / 1000);
}

static status execute(struct sql_shell *s, struct str sql, int64_t rows_max, struct err *err)
{
	ASSERT(s->query != NULL);
	struct query_result result;
	const struct query_output to = {
		.format = s->format, .width = (int)terminal_width(), .rows_max = rows_max, .sink = write_out, .arg = s};
	if (s->format == QUERY_PARQUET && s->n_run++ > 0)
		return fail(err, E_USAGE, "parquet: one statement at a time makes one file, here is a second");
	const status code = query_run(s->query, sql, &to, &result, err);
	if (s->closed) {
		s->quit = true;
		err_clear(err);
		return OK;
	}
	if (code == OK && s->timing) print_timing(&result);
	return code;
}

status sql_execute(struct sql_shell *s, struct str sql, struct err *err)
{
	return execute(s, sql, s->prompt && isatty(STDOUT_FILENO) ? PROMPT_ROWS_MAX : 0, err);
}

/* ---- commands of the prompt ---- */

static status print_text(struct sql_shell *s, struct buf *text, struct err *err)
{
	TRY(buf_check(text, err));
	return cli_write(text->p, text->n, &s->closed, err);
}

static status add_table(void *arg, const char *layer, const char *name, struct err *err)
{
	(void)err;
	buf_printf(arg, "%s.%s\n", layer, name);
	return OK;
}

static status dot_tables(struct sql_shell *s, const char *arg, struct err *err)
{
	struct buf text;
	(void)arg;
	buf_init(&text, 0);
	status code = query_tables(s->query, add_table, &text, err);
	if (code == OK) code = print_text(s, &text, err);
	buf_deinit(&text);
	return code;
}

static status dot_schema(struct sql_shell *s, const char *arg, struct err *err)
{
	struct buf sql;
	buf_init(&sql, 1 << 16);
	if (arg[0] != '\0')
		buf_printf(&sql, "SELECT column_name AS \"column\", column_type AS type FROM (DESCRIBE %s)", arg);
	else
		buf_str(&sql, "SELECT table_schema || '.' || table_name AS \"table\", column_name AS \"column\", "
			      "data_type AS type FROM information_schema.columns WHERE table_schema NOT IN "
			      "('information_schema', 'pg_catalog', 'main') ORDER BY table_schema, table_name, "
			      "ordinal_position");
	status code = buf_check(&sql, err);
	if (code == OK) code = execute(s, (struct str){(const char *)sql.p, sql.n}, 0, err);
	buf_deinit(&sql);
	return code;
}

static status dot_timing(struct sql_shell *s, const char *arg, struct err *err)
{
	if (strcmp(arg, "on") != 0 && strcmp(arg, "off") != 0)
		return fail(err, E_USAGE, ".timing: expected on or off, found '%s'", arg);
	s->timing = strcmp(arg, "on") == 0;
	return OK;
}

static status dot_format(struct sql_shell *s, const char *arg, struct err *err)
{
	return sql_format_parse(".format", arg, &s->format, err);
}

static status dot_quit(struct sql_shell *s, const char *arg, struct err *err)
{
	(void)arg;
	(void)err;
	s->quit = true;
	return OK;
}

static status dot_help(struct sql_shell *s, const char *arg, struct err *err);

static const struct {
	const char *name, *arg, *help;
	status (*run)(struct sql_shell *s, const char *arg, struct err *err);
} dots[] = {
	{".tables", "", "the lake's tables", dot_tables},
	{".schema", "[TABLE]", "columns and types, of one table or all", dot_schema},
	{".timing", "on|off", "rows and milliseconds after each statement", dot_timing},
	{".format", "F", "table, csv, json or parquet", dot_format},
	{".help", "", "this list", dot_help},
	{".quit", "", "leave; so do exit, quit and Ctrl-D", dot_quit},
};
enum { N_DOTS = sizeof dots / sizeof *dots };

static status dot_help(struct sql_shell *s, const char *arg, struct err *err)
{
	struct buf text;
	(void)arg;
	buf_init(&text, 0);
	for (size_t i = 0; i < N_DOTS; i++)
		buf_printf(&text, "%-8s %-8s %s\n", dots[i].name, dots[i].arg, dots[i].help);
	buf_str(&text, "A statement ends with ';' and may take several lines. Ctrl-C cancels it.\n");
	const status code = print_text(s, &text, err);
	buf_deinit(&text);
	return code;
}

static status dot_command(struct sql_shell *s, struct str line, struct err *err)
{
	char text[512];
	const char *names[N_DOTS];
	while (line.n > 0 && (isspace((unsigned char)line.p[line.n - 1]) || line.p[line.n - 1] == ';')) line.n--;
	if (line.n >= sizeof text) return fail(err, E_USAGE, "a command of over %zu characters", sizeof text - 1);
	memcpy(text, line.p, line.n);
	text[line.n] = '\0';
	char *arg = text + strcspn(text, " \t");
	if (*arg != '\0') *arg++ = '\0';
	arg += strspn(arg, " \t");
	for (size_t i = 0; i < N_DOTS; i++) {
		names[i] = dots[i].name;
		if (strcmp(text, dots[i].name) != 0) continue;
		if (arg[0] != '\0' && dots[i].arg[0] == '\0')
			return fail(err, E_USAGE, "%s takes nothing after it", text);
		return dots[i].run(s, arg, err);
	}
	const char *near = cli_nearest(text, names, N_DOTS);
	return fail(err, E_USAGE, "unknown command '%s'%s%s; .help lists them", text,
		near != NULL ? ": did you mean " : "", near != NULL ? near : "");
}

/* ---- lines ---- */

static status run_at(struct sql_shell *s, struct str sql, struct err *err)
{
	const status code = query_blank(sql) ? OK : sql_execute(s, sql, err);
	return s->prompt ? code : err_at(err, code, "standard input", -1, s->first_line);
}

static int64_t count_lines(struct str text)
{
	int64_t n = 0;
	for (size_t i = 0; i < text.n; i++) n += text.p[i] == '\n';
	return n;
}

/* Run every statement that has ended; what remains is kept. */
static status run_ended(struct sql_shell *s, struct err *err)
{
	status code = OK;
	size_t at = 0;
	while (code == OK && !s->quit) {
		const struct str rest = {(const char *)s->text.p + at, s->text.n - at};
		const size_t end = query_statement_end(rest);
		if (end == 0) break;
		/* Blank lines and ends of lines before a statement are not where it begins. */
		size_t lead = 0;
		while (lead < end && isspace((unsigned char)rest.p[lead])) lead++;
		s->first_line += count_lines((struct str){rest.p, lead});
		code = run_at(s, (struct str){rest.p + lead, end - lead}, err);
		s->first_line += count_lines((struct str){rest.p + lead, end - lead});
		at += end;
	}
	if (at > 0) memmove(s->text.p, s->text.p + at, s->text.n - at);
	s->text.n -= at;
	return code;
}

/* exit and quit, as other shells have it. */
static bool is_leave(struct str line)
{
	while (line.n > 0 && (isspace((unsigned char)line.p[line.n - 1]) || line.p[line.n - 1] == ';')) line.n--;
	while (line.n > 0 && isspace((unsigned char)line.p[0])) line = (struct str){line.p + 1, line.n - 1};
	return line.n == 4 && (strncasecmp(line.p, "exit", 4) == 0 || strncasecmp(line.p, "quit", 4) == 0);
}

status sql_feed(struct sql_shell *s, struct str line, struct err *err)
{
	ASSERT(line.n == 0 || memchr(line.p, '\n', line.n) == NULL);
	s->line++;
	if (s->text.n == 0) s->first_line = s->line;
	if (s->text.n == 0 && is_leave(line)) {
		s->quit = true;
		return OK;
	}
	if (s->text.n == 0 && line.n > 0 && line.p[0] == '.') {
		const status code = dot_command(s, line, err);
		return s->prompt ? code : err_at(err, code, "standard input", -1, s->line);
	}
	buf_add(&s->text, line.p, line.n);
	buf_char(&s->text, '\n');
	status code = buf_check(&s->text, err);
	if (code == OK && memchr(line.p, ';', line.n) != NULL) code = run_ended(s, err);
	if (code != OK || query_blank((struct str){(const char *)s->text.p, s->text.n})) buf_reset(&s->text);
	return code;
}

status sql_end(struct sql_shell *s, struct err *err)
{
	const struct str rest = {(const char *)s->text.p, s->text.n};
	size_t lead = 0;
	while (lead < rest.n && isspace((unsigned char)rest.p[lead])) lead++;
	s->first_line += count_lines((struct str){rest.p, lead});
	return rest.n == 0 ? OK : run_at(s, (struct str){rest.p + lead, rest.n - lead}, err);
}
