/* control/schedule.c: the schedules' rows, in the SQL that both databases share. */
#include "control/control_int.h"
#include "control/schedule.h"

static status put(struct sql_conn *c, void *arg, struct err *err)
{
	const struct control_schedule *s = arg;
	const struct sql_arg args[] = {
		sql_text(s->name),
		sql_text(s->cron),
		sql_text(s->timezone),
		sql_text(s->command),
		sql_time(s->due_at),
		sql_time(s->started_at),
		sql_time(s->finished_at),
		sql_count(s->exit_status),
		sql_int(s->runs),
		sql_int(s->failures),
	};
	return sql_exec(c,
		"INSERT INTO meta.schedules (name, cron, timezone, command, due_at, started_at, finished_at, "
		"exit_status, "
		"runs, failures) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (name) DO UPDATE SET "
		"cron = "
		"excluded.cron, timezone = excluded.timezone, command = excluded.command, due_at = excluded.due_at, "
		"started_at = excluded.started_at, finished_at = excluded.finished_at, exit_status = "
		"excluded.exit_status, "
		"runs = excluded.runs, failures = excluded.failures",
		args, 10, err);
}

status control_schedule_put(
	struct control *c, const struct control_lease *l, const struct control_schedule *s, struct err *err)
{
	struct control_schedule copy = *s;
	ASSERT(strlen(s->name) <= SCHEDULE_NAME_MAX);
	return control_lease_transact(c, l, put, &copy, err);
}

struct each_call {
	const char *name; /* NULL: all */
	control_schedule_visit visit;
	void *arg;
};

static status each_row(void *arg, const struct sql_row *row, struct err *err)
{
	const struct each_call *call = arg;
	const struct control_schedule s = {.name = sql_col_str(row, 0).p,
		.cron = sql_col_str(row, 1).p,
		.timezone = sql_col_str(row, 2).p,
		.command = sql_col_str(row, 3).p,
		.due_at = sql_col_time(row, 4),
		.started_at = sql_col_time(row, 5),
		.finished_at = sql_col_time(row, 6),
		.exit_status = sql_col_i64(row, 7, -1),
		.runs = sql_col_i64(row, 8, 0),
		.failures = sql_col_i64(row, 9, 0)};
	return call->visit(call->arg, &s, err);
}

#define SELECT                                                                                                     \
	"SELECT name, cron, timezone, command, due_at, started_at, finished_at, exit_status, runs, failures FROM " \
	"meta.schedules "

static status each(struct sql_conn *c, void *arg, struct err *err)
{
	struct each_call *call = arg;
	const struct sql_arg args[] = {sql_text(call->name)};
	const struct sql_stmt all = {SELECT "ORDER BY name", NULL, 0}, one = {SELECT "WHERE name = $1", args, 1};
	return sql_each(c, call->name != NULL ? &one : &all, each_row, call, err);
}

status control_schedule_each(struct control *c, control_schedule_visit visit, void *arg, struct err *err)
{
	struct each_call call = {NULL, visit, arg};
	return control_read(c, each, &call, err);
}

struct kept {
	struct arena *arena;
	struct control_schedule schedule;
};

static status keep(void *arg, const struct control_schedule *s, struct err *err)
{
	struct kept *k = arg;
	k->schedule = *s;
	k->schedule.name = arena_strndup(k->arena, s->name, strlen(s->name));
	k->schedule.cron = arena_strndup(k->arena, s->cron, strlen(s->cron));
	k->schedule.timezone = arena_strndup(k->arena, s->timezone, strlen(s->timezone));
	k->schedule.command = arena_strndup(k->arena, s->command, strlen(s->command));
	if (k->schedule.name == NULL || k->schedule.cron == NULL || k->schedule.timezone == NULL ||
		k->schedule.command == NULL)
		return fail_nomem(err);
	return OK;
}

status control_schedule_get(
	struct control *c, const char *name, struct arena *arena, struct control_schedule *out, struct err *err)
{
	struct kept k = {.arena = arena};
	struct each_call call = {name, keep, &k};
	TRY(control_read(c, each, &call, err));
	if (k.schedule.name == NULL) return fail(err, E_NOT_FOUND, "there is no schedule '%s'", name);
	*out = k.schedule;
	return OK;
}
