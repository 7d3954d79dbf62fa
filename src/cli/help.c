/* cli/help.c: help, man page and completion, all derived from the command tables. */
#include "cli/cli.h"

#include <stdio.h>

const struct cli_command *cli_command_find(const struct cli *c, const char *name)
{
	for (size_t i = 0; i < c->n_commands; i++) {
		if (strcmp(c->commands[i]->name, name) == 0) return c->commands[i];
	}
	return NULL;
}

const char *cli_nearest(const char *name, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t best_distance = 3; /* two slips at most, and fewer than the letters of the word */
	for (size_t i = 0; i < n; i++) {
		const size_t d = str_distance(str_of(name), str_of(names[i]));
		if (d >= best_distance || d >= strlen(name)) continue;
		best = names[i];
		best_distance = d;
	}
	return best;
}

/* Named in the plans of the project, so that people will try them. */
static const struct {
	const char *name, *what;
} later[] = {
	{"classify", "training and comparing classifiers"},
};

status cli_command_unknown(const struct cli *c, const char *name, struct err *err)
{
	enum { COMMANDS_MAX = 64 };
	const char *names[COMMANDS_MAX];
	for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
		if (strcmp(later[i].name, name) != 0) continue;
		return fail(err, E_USAGE, "unsupported in this version: pqr %s (%s)", name, later[i].what);
	}
	ASSERT(c->n_commands <= COMMANDS_MAX);
	for (size_t i = 0; i < c->n_commands; i++) names[i] = c->commands[i]->name;
	const char *near = cli_nearest(name, names, c->n_commands);
	if (near != NULL)
		return fail(err, E_USAGE, "unknown command '%s': did you mean %s? `pqr help` lists them", name, near);
	return fail(err, E_USAGE, "unknown command '%s': `pqr help` lists them", name);
}

static void add_options(struct buf *out, const struct cli_option *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char left[64];
		(void)snprintf(left, sizeof left, "%s%s%s", options[i].name, options[i].value != NULL ? " " : "",
			options[i].value != NULL ? options[i].value : "");
		buf_printf(out, "  %-24s %s\n", left, options[i].help);
	}
}

void cli_help_all(const struct cli *c, struct buf *out)
{
	buf_str(out, "pqr: a lakehouse for PQRS events, from raw JSONL to published KPIs\n\n"
		     "usage: pqr [options] COMMAND ...\n\ncommands:\n");
	for (size_t i = 0; i < c->n_commands; i++)
		buf_printf(out, "  %-12s %s\n", c->commands[i]->name, c->commands[i]->summary);
	buf_str(out, "\noptions of every command:\n");
	add_options(out, cli_globals, cli_n_globals);
	buf_str(out,
		"\nexit status: 0 done, 1 failed, 2 wrong usage, 3 a CRITICAL quality check failed, 4 verification "
		"found a\n"
		"difference, 5 a service is out of reach, 130 interrupted (run the same command again to resume)\n\n"
		"start with:  pqr run        then:  pqr runs, pqr quality, pqr help COMMAND\n");
	char documents[CLI_ERROR_CHARS];
	if (cli_installed("share/doc/pqr", documents))
		buf_printf(out, "documents:   %s (README.md, docs/)\n", documents);
}

/* It hides one of every command: --version N. */
static bool has_option(const struct cli_command *command, const char *name)
{
	for (size_t i = 0; i < command->n_options; i++) {
		if (strcmp(command->options[i].name, name) == 0) return true;
	}
	return false;
}

void cli_help_command(const struct cli_command *command, struct buf *out)
{
	buf_printf(out, "pqr %s: %s\n\nusage: pqr %s%s%s%s\n", command->name, command->summary, command->name,
		command->n_options > 0 ? " [options]" : "", command->synopsis[0] != '\0' ? " " : "", command->synopsis);
	if (command->details != NULL) buf_printf(out, "\n%s\n", command->details);
	if (command->n_options > 0) {
		buf_str(out, "\noptions:\n");
		add_options(out, command->options, command->n_options);
	}
	buf_str(out, "\noptions of every command:\n");
	for (size_t i = 0; i < cli_n_globals; i++) {
		if (!has_option(command, cli_globals[i].name)) add_options(out, &cli_globals[i], 1);
	}
}

/* ---- man page ---- */

/* When the commands last changed; a page without a date is no clean one. */
#define MANUAL_DATE "2026-11-30"

static void man_text(struct buf *out, const char *text)
{
	bool line_start = true;
	for (const char *p = text; *p != '\0'; p++) {
		if (line_start && (*p == '.' || *p == '\'')) buf_str(out, "\\&");
		if (*p == '\\')
			buf_str(out, "\\e");
		else if (*p == '-')
			buf_str(out, "\\-");
		else
			buf_char(out, *p);
		line_start = *p == '\n';
	}
}

static void man_options(struct buf *out, const struct cli_option *options, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_str(out, ".TP\n\\fB");
		man_text(out, options[i].name);
		buf_str(out, "\\fR");
		if (options[i].value != NULL) buf_printf(out, " \\fI%s\\fR", options[i].value);
		buf_char(out, '\n');
		man_text(out, options[i].help);
		buf_char(out, '\n');
	}
}

void cli_man(const struct cli *c, struct buf *out)
{
	buf_printf(out,
		".TH PQR 1 \"" MANUAL_DATE
		"\" \"pqr %s\" \"PQR Lakehouse\"\n.SH NAME\npqr \\- lakehouse for PQRS events\n",
		PQR_VERSION);
	buf_str(out, ".SH SYNOPSIS\n.B pqr\n[\\fIoptions\\fR] \\fICOMMAND\\fR ...\n.SH DESCRIPTION\n");
	man_text(out, "Takes PQRS events (peticiones, quejas, reclamos, sugerencias) from a deterministic simulator or "
		      "from files,\n"
		      "keeps raw JSONL and bronze, silver and gold Parquet in a lake, checks quality, and publishes "
		      "KPIs to a SQL database.\n");
	buf_str(out, ".SH OPTIONS OF EVERY COMMAND\n");
	man_options(out, cli_globals, cli_n_globals);
	buf_str(out, ".SH COMMANDS\n");
	for (size_t i = 0; i < c->n_commands; i++) {
		const struct cli_command *k = c->commands[i];
		buf_printf(out, ".SS pqr %s%s%s\n", k->name, k->synopsis[0] != '\0' ? " " : "", k->synopsis);
		man_text(out, k->summary);
		buf_str(out, ".\n");
		if (k->details != NULL) {
			buf_str(out, ".PP\n.nf\n");
			man_text(out, k->details);
			buf_str(out, "\n.fi\n");
		}
		man_options(out, k->options, k->n_options);
	}
	buf_str(out, ".SH EXIT STATUS\n0 done; 1 failed; 2 wrong usage; 3 a CRITICAL quality check failed; 4 "
		     "verification found a difference;\n"
		     "5 a service is out of reach; 130 interrupted.\n.SH SEE ALSO\n.BR sqlite3 (1)\n");
}

/* ---- the commands that print them ---- */

static status help_run(struct cli *c, struct err *err)
{
	if (cli_flag(c, "--man")) {
		cli_man(c, &c->out);
		return cli_print(&c->out, err);
	}
	const struct cli_command *command = c->n_args > 0 ? cli_command_find(c, c->args[0]) : NULL;
	if (c->n_args > 0 && command == NULL) return cli_command_unknown(c, c->args[0], err);
	if (command != NULL)
		cli_help_command(command, &c->out);
	else
		cli_help_all(c, &c->out);
	return cli_print_text(&c->out, err);
}

static const struct cli_option help_options[] = {{"--man", NULL, "the whole manual as a man page source"}};
const struct cli_command cli_help_command_def = {.name = "help",
	.synopsis = "[COMMAND]",
	.summary = "help on a command",
	.options = help_options,
	.n_options = 1,
	.args_max = 1,
	.run = help_run};
