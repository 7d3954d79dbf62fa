/* cli/options.c: the options of every command, typed access to those that were given, and small output helpers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/terminal.h"

const struct cli_option cli_globals[] = {
	{"--lake", "URI", "the lake: a directory, file:///path or s3://bucket/prefix (default ./lake)"},
	{"--control", "URI", "the control plane (default sqlite:<lake>/control.db, ./control.db with a lake on S3)"},
	{"--config", "FILE", "configuration (default ./pqr.yaml when there is one)"},
	{"--threads", "N", "worker threads (default: the cores)"},
	{"--executor", "NAME", "what runs the tasks: threads, dask://HOST:PORT, spark://HOST:PORT or spark-local[N]"},
	{"--forward-credentials", NULL, "hand AWS_* variables to the workers of dask or spark"},
	{"--json", NULL, "the result as one JSON document on standard output"},
	{"--log-format", "text|json", "form of the log lines on standard error (default text)"},
	{"--log-level", "LEVEL", "debug, info, warn, error or off (default info)"},
	{"--quiet", NULL, "no log lines below errors, no progress, no report"},
	{"--no-progress", NULL, "no progress bar"},
	{"--unsafe-single-writer", NULL, "take an S3 store that can't put if absent, as the lake's only writer"},
	{"--help", NULL, "help on the command"},
	{"--version", NULL, "print the version"},
};
const size_t cli_n_globals = sizeof cli_globals / sizeof cli_globals[0];

const struct cli_option *cli_option_at(const struct cli_command *command, size_t i)
{
	ASSERT(i < cli_option_count(command));
	return i < cli_n_globals ? &cli_globals[i] : &command->options[i - cli_n_globals];
}

size_t cli_option_count(const struct cli_command *command)
{
	return cli_n_globals + (command != NULL ? command->n_options : 0);
}

/* From the last: an option of the command (pqr table's --version N) hides one of every command. */
const struct cli_option *cli_option_find(
	const struct cli_command *command, const char *arg, size_t name_n, size_t *index)
{
	static const char *const shorts[][2] = {{"--run", "--run-id"}, {"-o", "--output"}};
	for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++) {
		if (strlen(shorts[i][0]) != name_n || strncmp(arg, shorts[i][0], name_n) != 0) continue;
		arg = shorts[i][1];
		name_n = strlen(arg);
		break;
	}
	for (size_t i = cli_option_count(command); i-- > 0;) {
		const struct cli_option *o = cli_option_at(command, i);
		if (strlen(o->name) != name_n || strncmp(o->name, arg, name_n) != 0) continue;
		*index = i;
		return o;
	}
	return NULL;
}

static size_t option_index(const struct cli *c, const char *name)
{
	for (size_t i = 0; i < c->command->n_options; i++) {
		if (strcmp(c->command->options[i].name, name) == 0) return cli_n_globals + i;
	}
	for (size_t i = 0; i < cli_n_globals; i++) {
		if (strcmp(cli_globals[i].name, name) == 0) return i;
	}
	return CLI_OPTIONS_MAX;
}

const char *cli_get(const struct cli *c, const char *name)
{
	const size_t i = option_index(c, name);
	return i < CLI_OPTIONS_MAX ? c->values[i] : NULL;
}

const char *cli_run_option(const struct cli *c)
{
	return c->run_short ? "--run" : "--run-id";
}

bool cli_flag(const struct cli *c, const char *name)
{
	return cli_get(c, name) != NULL;
}

bool cli_takes(const struct cli *c, const char *name)
{
	return option_index(c, name) < CLI_OPTIONS_MAX;
}

status cli_get_date(const struct cli *c, const char *name, int32_t *out, struct err *err)
{
	const char *text = cli_get(c, name);
	char why[DATE_WRONG_CHARS];
	if (text == NULL) return OK;
	if (!date_parse(str_of(text), out))
		return fail(err, E_USAGE, "%s: expected a date as 2025-09-01, found '%s'%s", name, text,
			date_wrong(str_of(text), why));
	return OK;
}

status cli_uuid(const char *text, const char *what, char dst[37], struct err *err)
{
	uint8_t id[UUID_BYTES];
	if (!uuid_parse(str_of(text), id))
		return fail(err, E_USAGE, "%s: expected a UUID, found '%s'; `pqr runs` lists the runs", what, text);
	uuid_format(id, dst);
	dst[UUID_CHARS] = '\0';
	return OK;
}

status cli_write(const void *p, size_t n, bool *closed, struct err *err)
{
	for (size_t at = 0; at < n;) {
		const ssize_t written = write(STDOUT_FILENO, (const char *)p + at, n - at);
		if (written < 0 && errno == EINTR) continue;
		if (written < 0 && errno == EPIPE) {
			if (closed != NULL) *closed = true;
			return OK;
		}
		if (written < 0) return fail_errno(err, errno, "cannot write to standard output");
		at += (size_t)written;
	}
	return OK;
}

status cli_print(const struct buf *out, struct err *err)
{
	TRY(buf_check(out, err));
	return cli_write(out->p, out->n, NULL, err);
}

status cli_print_text(const struct buf *out, struct err *err)
{
	struct buf wrapped;
	TRY(buf_check(out, err));
	buf_init(&wrapped, 0);
	terminal_wrap(&wrapped, (struct str){(const char *)out->p, out->n}, terminal_width());
	const status code = cli_print(&wrapped, err);
	buf_deinit(&wrapped);
	return code;
}

status cli_print_result(struct cli *c, struct err *err)
{
	TRY(c->json ? cli_print(&c->out, err) : cli_print_text(&c->out, err));
	buf_reset(&c->out);
	return OK;
}

const char *cli_count(int64_t n, char dst[32])
{
	char digits[24];
	const int len = snprintf(digits, sizeof digits, "%lld", (long long)(n < 0 ? -n : n));
	size_t at = 0;
	if (n < 0) dst[at++] = '-';
	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0) dst[at++] = ' ';
		dst[at++] = digits[i];
	}
	dst[at] = '\0';
	return dst;
}
