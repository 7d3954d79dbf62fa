/* cli/cmd_schedule.c: pqr schedule: a command of this program by a cron expression; and the schedules there are. */
#include <errno.h>
#include <stdlib.h>

#include "app/scheduler.h"
#include "cli/run_options.h"
#include "cli/table.h"
#include "control/schedule.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
#define ZONE_DEFAULT "America/Bogota"
enum { JITTER_S_MAX = 86400 };

static status list(struct session *s, struct cli *c, void *arg, struct err *err)
{
	static const struct control_select q = {
		.sql = "SELECT name, cron, timezone, due_at AS dealt_with, finished_at, exit_status AS \"exit\", runs, "
		       "failures, command FROM meta.schedules ORDER BY name"};
	size_t n = 1;
	(void)arg;
	if (c->json)
		TRY(rows_json(s->control, &q, &c->out, err));
	else
		TRY(cli_table(s->control, &q, "", &c->out, &n, err));
	if (n == 0) buf_str(&c->out, "there is no schedule yet: pqr help schedule\n");
	if (c->json) buf_char(&c->out, '\n');
	return cli_print_result(c, err);
}

static status catch_up_of(const struct cli *c, enum catch_up *out, struct err *err)
{
	static const struct {
		const char *name;
		enum catch_up value;
	} all[] = {{"last", CATCH_UP_LAST}, {"all", CATCH_UP_ALL}, {"none", CATCH_UP_NONE}};
	const char *text = cli_get(c, "--catch-up");
	*out = CATCH_UP_LAST;
	for (size_t i = 0; text != NULL && i <= N_OF(all); i++) {
		if (i == N_OF(all))
			return fail(err, E_USAGE, "--catch-up: expected last, all or none, found '%s'", text);
		*out = all[i].value;
		if (strcmp(text, all[i].name) == 0) return OK;
	}
	return OK;
}

static status jitter_of(const struct cli *c, int64_t *out, struct err *err)
{
	const char *text = cli_get(c, "--jitter");
	char *end;
	*out = 0;
	if (text == NULL) return OK;
	errno = 0;
	const long seconds = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || seconds < 0 || seconds > JITTER_S_MAX)
		return fail(err, E_USAGE, "--jitter: expected seconds from 0 to %d, found '%s'", JITTER_S_MAX, text);
	*out = seconds * US_PER_SECOND;
	return OK;
}

static status since_of(const struct cli *c, int64_t *out, struct err *err)
{
	const char *text = cli_get(c, "--since");
	*out = INT64_MAX;
	if (text == NULL || time_parse(str_of(text), out)) return OK;
	return fail(err, E_USAGE, "--since: expected an instant as 2026-11-01T00:00:00Z, found '%s'", text);
}

static status name_of(const struct cli *c, const char **out, struct err *err)
{
	const char *text = cli_get(c, "--name");
	*out = text != NULL ? text : c->args[0];
	const size_t n = strspn(*out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	if (n > 0 && n <= SCHEDULE_NAME_MAX && (*out)[n] == '\0') return OK;
	return fail(err, E_USAGE, "--name: expected up to %d letters, digits, '-', '_' or '.', found '%s'",
		SCHEDULE_NAME_MAX, *out);
}

/* The flags of every command that were given to this one, as the scheduled command gets them. */
static status globals_of(const struct cli *c, struct arena *arena, struct scheduler_opts *o, struct err *err)
{
	const char **flags = ARENA_NEW(arena, const char *, cli_n_globals);
	if (flags == NULL) return fail_nomem(err);
	for (size_t i = 0; i < cli_n_globals; i++) {
		const char *value = c->values[i];
		if (value == NULL) continue;
		flags[o->n_globals] = cli_globals[i].value != NULL
					      ? arena_printf(arena, "%s=%s", cli_globals[i].name, value)
					      : cli_globals[i].name;
		if (flags[o->n_globals++] == NULL) return fail_nomem(err);
	}
	o->globals = flags;
	return OK;
}

/* A mistake in the command is told now, not at night. */
static status command_check(const struct cli *c, struct err *err)
{
	if (strcmp(c->args[0], "schedule") == 0 || strcmp(c->args[0], "help") == 0)
		return fail(err, E_USAGE, "pqr schedule: '%s' can't be scheduled", c->args[0]);
	return cli_check(c, c->args, c->n_args, err);
}

/* What the options are read into beside themselves. */
struct given {
	struct arena arena;
	struct cron cron;
	struct tz *zone;
};

static status opts_of(const struct cli *c, struct given *g, struct scheduler_opts *o, struct err *err)
{
	*o = (struct scheduler_opts){.cron = cli_get(c, "--cron"),
		.timezone = cli_get(c, "--tz") != NULL ? cli_get(c, "--tz") : ZONE_DEFAULT,
		.command = c->args,
		.n_command = c->n_args,
		.once = cli_flag(c, "--once")};
	TRY(cron_parse(str_of(o->cron), &g->cron, err));
	TRY(tz_load(o->timezone, &g->zone, err));
	o->times = &g->cron;
	o->zone = g->zone;
	TRY(command_check(c, err));
	TRY(name_of(c, &o->name, err));
	TRY(catch_up_of(c, &o->catch_up, err));
	TRY(jitter_of(c, &o->jitter_us, err));
	TRY(since_of(c, &o->since, err));
	return globals_of(c, &g->arena, o, err);
}

static status schedule(struct session *s, struct cli *c, void *arg, struct err *err)
{
	const struct scheduler_opts *o = arg;
	int exit_status = 0;
	(void)c;
	TRY(scheduler_run(s->control, o, &exit_status, err));
	if (exit_status == 0) return OK;
	return fail(err, E_IO, "schedule '%s': the command ended with exit status %d", o->name, exit_status);
}

static status schedule_run(struct cli *c, struct err *err)
{
	struct given given = {0};
	struct scheduler_opts o;
	if (cli_get(c, "--cron") == NULL && c->n_args == 1 && strcmp(c->args[0], "list") == 0)
		return cli_with_session(c, SESSION_CONTROL | SESSION_EXISTING | SESSION_LOOK, list, NULL, err);
	if (cli_get(c, "--cron") == NULL)
		return fail(err, E_USAGE, "pqr schedule: expected --cron EXPR before the command, or `list`");
	arena_init(&given.arena, 0);
	status code = opts_of(c, &given, &o, err);
	if (code == OK) code = cli_with_session(c, SESSION_CONTROL, schedule, &o, err);
	tz_destroy(given.zone);
	arena_deinit(&given.arena);
	return code;
}

static const struct cli_option options[] = {
	{"--cron", "EXPR",
		"minute hour day-of-month month day-of-week, or @hourly, @daily, @weekly, @monthly, @yearly"},
	{"--tz", "ZONE", "whose clocks it goes by (default " ZONE_DEFAULT ")"},
	{"--name", "NAME", "of the schedule (default: the command's name); two of one name don't run at once"},
	{"--catch-up", "last|all|none",
		"instants that were missed: make up for the newest (default), for each, for none"},
	{"--jitter", "SECONDS", "start up to so much later, by the name and the instant (default 0)"},
	{"--since", "T", "of a new schedule: instants after T were missed (default: none)"},
	{"--once", NULL, "end after one command, with status 0 if that did"},
};

const struct cli_command cli_schedule_command = {.name = "schedule",
	.synopsis = "[list] [-- COMMAND...]",
	.summary = "a scheduler without a server: run a command by a cron expression",
	.details = "COMMAND is one of this program's, with its flags, after `--`. In it {due} stands for the instant, "
		   "{date} for its "
		   "local date, {date-1} for the day before; its environment has PQR_SCHEDULED_AT. The flags --lake, "
		   "--control, --config "
		   "and the like that stand before `--` hold for it, too.\n\n"
		   "One command at a time: instants that pass meanwhile, or while no scheduler runs, are missed, and "
		   "--catch-up says what "
		   "becomes of them. The control plane (meta.schedules) remembers what was dealt with. A command that "
		   "was interrupted, or "
		   "whose scheduler was killed, is owed still, and done again: a run that was done commits nothing.\n\n"
		   "Where clocks go forward, a time of day that is skipped comes at the jump; where they go back, one "
		   "that comes twice is "
		   "taken the first time.\n\n"
		   "  pqr schedule --cron '30 2 * * *' -- run --input 'in/{date-1}.jsonl'\n"
		   "  pqr schedule --cron '0 6 * * mon' --name weekly -- table vacuum --all\n"
		   "  pqr schedule list",
	.options = options,
	.n_options = N_OF(options),
	.args_min = 1,
	.args_max = -1,
	.run = schedule_run};
