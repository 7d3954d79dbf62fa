/* cli/parse.c: a command line as struct cli: the command that it names, its options and arguments, or what is wrong with it. */
#include <stdio.h>

#include "cli/cli.h"

static status option_unknown(const struct cli_command *command, const char *arg, struct err *err)
{
	const char *names[CLI_OPTIONS_MAX];
	const size_t n = cli_option_count(command);
	ASSERT(n <= CLI_OPTIONS_MAX);
	for (size_t i = 0; i < n; i++) names[i] = cli_option_at(command, i)->name;
	const char *topic = command != NULL ? command->name : "", *space = command != NULL ? " " : "";
	const char *near = cli_nearest(arg, names, n);
	if (near != NULL)
		return fail(err, E_USAGE, "unknown option '%s': did you mean %s? `pqr help%s%s` lists them", arg, near,
			space, topic);
	return fail(err, E_USAGE, "unknown option '%s': `pqr help%s%s` lists them", arg, space, topic);
}

/* One `--name`, `--name=value` or `--name value`. */
static status parse_option(struct cli *c, const char *const *argv, int argc, int *at, struct err *err)
{
	const char *arg = argv[*at];
	const char *equals = strchr(arg, '=');
	const size_t name_n = equals != NULL ? (size_t)(equals - arg) : strlen(arg);
	size_t index = 0;
	const struct cli_option *o = cli_option_find(c->command, arg, name_n, &index);
	if (o == NULL) return option_unknown(c->command, arg, err);
	if (strcmp(o->name, "--run-id") == 0) c->run_short = name_n == strlen("--run");
	if (o->value == NULL) {
		if (equals != NULL) return fail(err, E_USAGE, "%s takes no value", o->name);
		c->values[index] = "";
		return OK;
	}
	if (equals == NULL && *at + 1 >= argc) return fail(err, E_USAGE, "%s: expected %s after it", o->name, o->value);
	c->values[index] = equals != NULL ? equals + 1 : argv[++*at];
	const size_t placeholder_n = strlen(o->value);
	if (placeholder_n > 3 && strcmp(o->value + placeholder_n - 3, "...") == 0) {
		if (c->n_lists == CLI_ARGS_MAX)
			return fail(
				err, E_USAGE, "over %d values of %s: give a directory instead", CLI_ARGS_MAX, o->name);
		c->lists[c->n_lists++] = c->values[index];
	}
	return OK;
}

/* Options may stand before or after the command, so the command is found first. */
static const struct cli_command *find_command(const struct cli *c, const char *const *argv, int argc, int *position)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] != '\0') {
			size_t index;
			const struct cli_option *o = strchr(argv[i], '=') == NULL
							     ? cli_option_find(NULL, argv[i], strlen(argv[i]), &index)
							     : NULL;
			if (o != NULL && o->value != NULL) i++;
			continue;
		}
		*position = i;
		return cli_command_find(c, argv[i]);
	}
	return NULL;
}

status cli_parse(struct cli *c, int argc, const char *const *argv, struct err *err)
{
	int position = 0;
	c->command = find_command(c, argv, argc, &position);
	if (c->command == NULL && position > 0) return cli_command_unknown(c, argv[position], err);
	bool only_args = false;
	for (int i = 1; i < argc; i++) {
		if (i == position) continue;
		if (!only_args && strcmp(argv[i], "-h") == 0) {
			c->values[cli_n_globals - 2] = "";
		} else if (!only_args && strcmp(argv[i], "--") == 0) {
			only_args = true;
		} else if (!only_args && argv[i][0] == '-' && argv[i][1] != '\0') {
			TRY(parse_option(c, argv, argc, &i, err));
		} else if (c->n_args == CLI_ARGS_MAX) {
			return fail(err, E_USAGE, "over %d arguments: give a directory instead", CLI_ARGS_MAX);
		} else {
			c->args[c->n_args++] = argv[i];
		}
	}
	return OK;
}

/* What somebody meant who gave an argument too many. */
static const char *argument_hint(const struct cli *c)
{
	if (c->command == &cli_sql_command) return "a statement stands between quotes; ";
	return c->command->args_max == 0 && cli_takes(c, "--run-id") ? "a run is named with --run; " : "";
}

status cli_check_arguments(const struct cli *c, struct err *err)
{
	const struct cli_command *cmd = c->command;
	if ((int)c->n_args < cmd->args_min)
		return fail(err, E_USAGE, "pqr %s: expected %s; `pqr help %s` explains", cmd->name, cmd->synopsis,
			cmd->name);
	if (cmd->args_max >= 0 && (int)c->n_args > cmd->args_max)
		return fail(err, E_USAGE, "pqr %s: unexpected argument '%s'; %s`pqr help %s` explains", cmd->name,
			c->args[cmd->args_max], argument_hint(c), cmd->name);
	return OK;
}

status cli_check(const struct cli *c, const char *const *args, size_t n, struct err *err)
{
	static const char *words[CLI_ARGS_MAX + 1], *positional[CLI_ARGS_MAX], *lists[CLI_ARGS_MAX];
	struct cli other = {.args = positional, .lists = lists, .commands = c->commands, .n_commands = c->n_commands};
	ASSERT(n <= CLI_ARGS_MAX);
	words[0] = "pqr";
	for (size_t i = 0; i < n; i++) words[i + 1] = args[i];
	TRY(cli_parse(&other, (int)n + 1, words, err));
	if (other.command == NULL) return fail(err, E_USAGE, "expected a command, found '%s'", n > 0 ? args[0] : "");
	return cli_check_arguments(&other, err);
}
