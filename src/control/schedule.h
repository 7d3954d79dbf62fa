/* control/schedule.h: what a scheduler remembers between its runs: meta.schedules. */
#ifndef PQR_CONTROL_SCHEDULE_H
#define PQR_CONTROL_SCHEDULE_H

#include "control/control.h"

enum { SCHEDULE_NAME_MAX = 48 }; /* bytes; a lease is named after it */

struct control_schedule {
	const char *name, *cron, *timezone;
	const char *command;             /* as a person gave it, a word apart from the next by a space */
	int64_t due_at;                  /* the newest instant that was dealt with; what is due later is owed */
	int64_t started_at, finished_at; /* of the last command; INT64_MIN = none yet */
	int64_t exit_status;             /* of it; -1 = none yet, or it did not end */
	int64_t runs, failures;
};

/* Insert or replace, as the lease's holder. */
status control_schedule_put(
	struct control *c, const struct control_lease *l, const struct control_schedule *s, struct err *err) MUST_USE;
/* Gives its texts in arena. E_NOT_FOUND. */
status control_schedule_get(struct control *c, const char *name, struct arena *arena, struct control_schedule *out,
	struct err *err) MUST_USE;
typedef status (*control_schedule_visit)(void *arg, const struct control_schedule *s, struct err *err);
/* Each, by name; valid during the call. */
status control_schedule_each(struct control *c, control_schedule_visit visit, void *arg, struct err *err) MUST_USE;

#endif
