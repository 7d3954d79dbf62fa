/* cli/main.c: the program: parse the command line, set up logging and signals, run one command, exit with its status. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"
#include "cli/cli.h"
#include "cli/signals.h"
#include "cli/terminal.h"

static const struct cli_command *const commands[] = {&cli_run_command, &cli_generate_command, &cli_ingest_command,
	&cli_bronze_command, &cli_silver_command, &cli_gold_command, &cli_publish_command, &cli_plan_command,
	&cli_task_command, &cli_verify_command, &cli_rebuild_command, &cli_runs_command, &cli_rejects_command,
	&cli_quality_command, &cli_lineage_command, &cli_explain_command, &cli_report_command, &cli_calendar_command,
	&cli_table_command, &cli_sql_command, &cli_stream_command, &cli_serve_command, &cli_token_command,
	&cli_schedule_command, &cli_metrics_command, &cli_contract_command, &cli_lake_command, &cli_doctor_command,
	&cli_completion_command, &cli_help_command_def};

static void on_asked_to_end(int signal_number)
{
	(void)signal_number;
	cancel_request();
}

/* A standard stream that the caller closed: the next file opened would take its number, and what is said would be written into the lake. What is
 * opened in its place can't be used the way the stream would be, so that whoever does hears of it. */
static void streams_setup(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static void signals_setup(void)
{
	cli_signals_to(on_asked_to_end);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file over `ulimit -f` is an error that has words */
}

static status setup_logs(struct cli *c, struct err *err)
{
	enum log_level level = cli_flag(c, "--quiet") ? LOG_ERROR : LOG_INFO;
	enum log_format format = LOG_TEXT;
	const char *text = cli_get(c, "--log-level");
	if (text != NULL && !log_level_parse(text, &level))
		return fail(err, E_USAGE, "--log-level: expected debug, info, warn, error or off, found '%s'", text);
	text = cli_get(c, "--log-format");
	if (text != NULL && strcmp(text, "json") == 0)
		format = LOG_JSON;
	else if (text != NULL && strcmp(text, "text") != 0)
		return fail(err, E_USAGE, "--log-format: expected text or json, found '%s'", text);
	log_setup(level, format);
	c->json = cli_flag(c, "--json");
	c->quiet = cli_flag(c, "--quiet");
	c->progress = !c->quiet && !cli_flag(c, "--no-progress");
	return OK;
}

static status dispatch(struct cli *c, int argc, const char *const *argv, struct err *err)
{
	TRY(cli_parse(c, argc, argv, err));
	if (c->values[cli_n_globals - 1] != NULL) {
		buf_printf(&c->out, "pqr %s\n", PQR_VERSION);
		return cli_print(&c->out, err);
	}
	if (c->command == NULL || cli_flag(c, "--help")) {
		if (c->command != NULL)
			cli_help_command(c->command, &c->out);
		else
			cli_help_all(c, &c->out);
		TRY(cli_print_text(&c->out, err));
		return argc < 2 ? E_USAGE : OK; /* help was asked for by nobody */
	}
	TRY(setup_logs(c, err));
	TRY(cli_check_arguments(c, err));
	return c->command->run(c, err);
}

int main(int argc, char **argv)
{
	static const char *args[CLI_ARGS_MAX];
	static const char *lists[CLI_ARGS_MAX];
	struct cli cli = {
		.args = args, .lists = lists, .commands = commands, .n_commands = sizeof commands / sizeof commands[0]};
	struct err err;
	err_clear(&err);
	mem_setup();
	streams_setup();
	signals_setup();
	log_shape(terminal_wrap_log);
	buf_init(&cli.out, 0);
	const status code = dispatch(&cli, argc, (const char *const *)argv, &err);
	buf_deinit(&cli.out);
	if (code != OK && err.message[0] != '\0') {
		char text[CLI_ERROR_CHARS];
		log_line(LOG_ERROR, cli_error_text(&err, text), NULL);
	}
	return status_exit(code);
}
