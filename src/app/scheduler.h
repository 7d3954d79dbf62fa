/* app/scheduler.h: a command at the instants of a cron expression, one at a time, and what was missed by a policy.
 *
 * The instant is dealt with once its command has ended, and the control plane remembers the newest one: a scheduler that was killed
 * does again what it had begun, which costs little, as a run that is done commits nothing. A second scheduler of the same name is
 * refused by a lease.
 */
#ifndef PQR_APP_SCHEDULER_H
#define PQR_APP_SCHEDULER_H

#include "base/cron.h"
#include "control/control.h"

/* Instants that passed while the scheduler did not run, or while its last command did. */
enum catch_up {
	CATCH_UP_LAST, /* the newest of them is made up for */
	CATCH_UP_ALL,  /* each, in order */
	CATCH_UP_NONE,
};

struct scheduler_opts {
	const char *name;            /* of the schedule; at most SCHEDULE_NAME_MAX bytes */
	const char *cron, *timezone; /* as given, */
	const struct cron *times;    /* and read */
	const struct tz *zone;
	const char *const *command; /* [n_command] words of a command of this program */
	size_t n_command;
	const char *const *globals; /* [n_globals] flags that stand before the command's own */
	size_t n_globals;
	int64_t jitter_us; /* a command starts up to so much later: the same of each instant, as its name and the instant decide */
	int64_t since; /* of a schedule that is new: instants after this are owed; INT64_MAX: those from now on */
	enum catch_up catch_up;
	bool once; /* end after one command */
};

/* {due}: the instant, RFC 3339 in UTC; {date}: its local date; {date-1}, {date+2}: days before and after it. Appends to out. */
void scheduler_expand(const char *word, int64_t due, const struct tz *tz, struct buf *out);

/* Until interrupted (E_CANCELLED; the command is asked to end, and waited for), or with once until a command has ended; *exit_status is its.
 * E_BUSY: another scheduler has the name. */
status scheduler_run(struct control *c, const struct scheduler_opts *o, int *exit_status, struct err *err) MUST_USE;

#endif
