/* cli/cli.h: what the commands share: parsed options, help, output.
 *
 * A command is a row of a table: name, options, help. Help, man page and shell completion are derived from the
 * tables, so they cannot disagree with what is parsed.
 */
#ifndef PQR_CLI_CLI_H
#define PQR_CLI_CLI_H

#include "base/buf.h"

struct cli_option {
	const char *name;  /* "--seed" */
	const char *value; /* placeholder, "N"; NULL = a flag */
	const char *help;
};

struct cli;
struct cli_command {
	const char *name;
	const char *synopsis; /* positional arguments, "PATH..." */
	const char *summary;  /* one line */
	const char *details;  /* paragraphs, with examples; may be NULL */
	const struct cli_option *options;
	size_t n_options;
	int args_min, args_max; /* positional; max -1 = any */
	bool takes_workload;    /* the first of them may name one */
	status (*run)(struct cli *c, struct err *err);
};

/* Of --run-id where it names a run that is there. */
#define CLI_RUN_HELP "the run: its id, the beginning of it, or latest (default); --run is short for this"

enum { CLI_OPTIONS_MAX = 48, CLI_ARGS_MAX = 4096 };

struct cli {
	const struct cli_command *const *commands; /* all there are: [n_commands] */
	size_t n_commands;
	const struct cli_command *command;
	const char *values[CLI_OPTIONS_MAX]; /* by position in globals, then the command's options; NULL = not given */
	const char **args;                   /* positional */
	size_t n_args;
	const char **lists; /* values of an option whose placeholder ends in "..." (it may be repeated) */
	size_t n_lists;
	bool run_short; /* the run was named with --run, not --run-id */
	bool json;
	bool quiet;
	bool progress;
	struct buf out; /* what the command has to say; main frees it */
};

/* The option's value ("" for a flag that was given), or NULL. The name must be one of the globals' or command's. */
const char *cli_get(const struct cli *c, const char *name);
bool cli_flag(const struct cli *c, const char *name);
const char *cli_run_option(const struct cli *c);       /* "--run-id", or as the person wrote it, "--run": for errors */
bool cli_takes(const struct cli *c, const char *name); /* is it an option of the command or of all? */
/* A typed value; E_USAGE naming the option. Untouched *out when the option was not given. */
status cli_get_date(const struct cli *c, const char *name, int32_t *out, struct err *err) MUST_USE;
/* A UUID, lower-cased into dst[37]; `what` names it in the error. */
status cli_uuid(const char *text, const char *what, char dst[37], struct err *err) MUST_USE;

/* Fill command, values, args and lists from argv[argc], which it borrows; argv[0] is the program. command stays NULL where none is named.
 * E_USAGE. */
status cli_parse(struct cli *c, int argc, const char *const *argv, struct err *err) MUST_USE;
/* Has the command as many arguments as it takes? E_USAGE. */
status cli_check_arguments(const struct cli *c, struct err *err) MUST_USE;
/* Is args[n] ("run", "--seed", "7") a command line of this program? E_USAGE: as it would say itself. Looks at no value. */
status cli_check(const struct cli *c, const char *const *args, size_t n, struct err *err) MUST_USE;

/* Write a finished buffer to standard output. A closed pipe is no error. */
status cli_print(const struct buf *out, struct err *err) MUST_USE;
/* As cli_print, of text for people: on a terminal, lines are broken to its width. */
status cli_print_text(const struct buf *out, struct err *err) MUST_USE;
/* The one or the other of c->out, a result that --json asks for as JSON. It is empty afterwards. */
status cli_print_result(struct cli *c, struct err *err) MUST_USE;
/* Write p[n] to standard output. *closed (may be NULL): nobody reads it any more, which is no error. */
status cli_write(const void *p, size_t n, bool *closed, struct err *err) MUST_USE;

enum { CLI_ERROR_CHARS = ERR_MESSAGE_MAX + ERR_WHERE_MAX + 256 };
/* err_text with the flags of its advice: every error that a person reads goes through it. Returns dst. */
const char *cli_error_text(const struct err *err, char dst[CLI_ERROR_CHARS]);

/* The path of what was installed beside the program ("share/doc/pqr"); false where it is not there: a program in its build folder. */
bool cli_installed(const char *name, char dst[CLI_ERROR_CHARS]);

/* Thousands separated by spaces, as text tables show counts: "2 269 544". dst[32]. */
const char *cli_count(int64_t n, char dst[32]);

extern const struct cli_option cli_globals[];
extern const size_t cli_n_globals;
/* The i-th option that `command` (NULL: none was found) takes: first those of every command, then its own; how many. */
const struct cli_option *cli_option_at(const struct cli_command *command, size_t i);
size_t cli_option_count(const struct cli_command *command);
/* By name, arg[name_n]; --run is short for --run-id, -o for --output. NULL, or *index is its position. */
const struct cli_option *cli_option_find(
	const struct cli_command *command, const char *arg, size_t name_n, size_t *index);
const struct cli_command *cli_command_find(const struct cli *c, const char *name); /* NULL */
/* The nearest name by str_distance, or NULL when nothing is near. */
const char *cli_nearest(const char *name, const char *const *names, size_t n);
/* E_USAGE for a name that is no command: what is near it, or that it comes in a later version. */
status cli_command_unknown(const struct cli *c, const char *name, struct err *err) MUST_USE;

void cli_help_all(const struct cli *c, struct buf *out);
void cli_help_command(const struct cli_command *command, struct buf *out);
void cli_man(const struct cli *c, struct buf *out); /* the man page, mdoc(7) */

extern const struct cli_command cli_run_command, cli_generate_command, cli_ingest_command, cli_bronze_command,
	cli_silver_command, cli_gold_command, cli_publish_command, cli_plan_command, cli_task_command,
	cli_verify_command, cli_rebuild_command, cli_runs_command, cli_rejects_command, cli_quality_command,
	cli_lineage_command, cli_doctor_command, cli_explain_command, cli_calendar_command, cli_lake_command,
	cli_contract_command, cli_metrics_command, cli_schedule_command, cli_stream_command, cli_table_command,
	cli_sql_command, cli_report_command, cli_serve_command, cli_token_command, cli_help_command_def,
	cli_completion_command;

#endif
