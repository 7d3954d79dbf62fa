/* app/scheduler.c: the loop of a scheduler: what is owed, wait, start, wait for its end, remember.
 *
 * A command is a process of this program in a group of its own, so that Ctrl-C reaches it once, from here; it is told to end when this
 * process dies. The wall clock is read once a second: a clock that is set, or a machine that slept, is noticed within one.
 */
#include "app/scheduler.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/thread.h"
#include "control/schedule.h"

#define DUE_VARIABLE "PQR_SCHEDULED_AT="
enum { TICK_MS = 50, EXIT_NOT_STARTED = 127 };

struct scheduler {
	struct control *control;
	const struct scheduler_opts *opts;
	struct control_lease lease;
	struct control_heartbeat *heartbeat;
	struct control_schedule row;
	struct arena arena; /* of the row's texts */
};

/* ---- a command's words -------------------------------------------------------------------------------------------- */

static bool expand_date(const char *inside, size_t n, int64_t due, const struct tz *tz, struct buf *out)
{
	static const char name[] = "date";
	const size_t name_n = sizeof name - 1;
	char text[DATE_CHARS], digits[8], *end;
	long days = 0;
	if (n < name_n || memcmp(inside, name, name_n) != 0 || n - name_n >= sizeof digits) return false;
	memcpy(digits, inside + name_n, n - name_n);
	digits[n - name_n] = '\0';
	if (n > name_n) {
		if (digits[0] != '-' && digits[0] != '+') return false;
		days = strtol(digits, &end, 10);
		if (end == digits || *end != '\0') return false;
	}
	date_format((tz != NULL ? tz_date(tz, due) : time_utc_date(due)) + (int32_t)days, text);
	buf_add(out, text, sizeof text);
	return true;
}

void scheduler_expand(const char *word, int64_t due, const struct tz *tz, struct buf *out)
{
	char text[TIME_RFC3339_CHARS];
	for (const char *p = word; *p != '\0';) {
		const char *end = *p == '{' ? strchr(p, '}') : NULL;
		const size_t n = end != NULL ? (size_t)(end - p) - 1 : 0;
		if (end != NULL && n == 3 && memcmp(p + 1, "due", 3) == 0) {
			time_format(due, text);
			buf_add(out, text, sizeof text);
			p = end + 1;
		} else if (end != NULL && expand_date(p + 1, n, due, tz, out)) {
			p = end + 1;
		} else {
			buf_char(out, *p++);
		}
	}
}

/* What a process is started with. */
struct words {
	struct arena arena;
	struct buf text;
	char **argv, **environment;
};

/* Words that end in NUL each, as an array that ends in NULL. */
static status words_split(struct words *w, size_t n, struct err *err)
{
	TRY(buf_check(&w->text, err));
	w->argv = ARENA_NEW(&w->arena, char *, n + 1);
	if (w->argv == NULL) return fail_nomem(err);
	char *p = (char *)w->text.p;
	for (size_t i = 0; i < n; i++, p += strlen(p) + 1) w->argv[i] = p;
	w->argv[n] = NULL;
	return OK;
}

static status argv_make(const struct scheduler *s, int64_t due, struct words *w, struct err *err)
{
	const struct scheduler_opts *o = s->opts;
	buf_add(&w->text, "pqr", sizeof "pqr");
	scheduler_expand(o->command[0], due, o->zone, &w->text);
	buf_char(&w->text, '\0');
	for (size_t i = 0; i < o->n_globals; i++) buf_add(&w->text, o->globals[i], strlen(o->globals[i]) + 1);
	for (size_t i = 1; i < o->n_command; i++) {
		scheduler_expand(o->command[i], due, o->zone, &w->text);
		buf_char(&w->text, '\0');
	}
	return words_split(w, 1 + o->n_command + o->n_globals, err);
}

/* Ours, with PQR_SCHEDULED_AT. Made before the fork: after it, in a process of several threads, nothing may allocate. */
static status environment_make(int64_t due, struct words *w, struct err *err)
{
	size_t n = 0, at = 0;
	char text[TIME_RFC3339_CHARS + 1] = "";
	time_format(due, text);
	while (environ[n] != NULL) n++;
	w->environment = ARENA_NEW(&w->arena, char *, n + 2);
	char *const own = arena_printf(&w->arena, DUE_VARIABLE "%s", text);
	if (w->environment == NULL || own == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], DUE_VARIABLE, strlen(DUE_VARIABLE)) != 0) w->environment[at++] = environ[i];
	w->environment[at++] = own;
	w->environment[at] = NULL;
	return OK;
}

/* ---- its process --------------------------------------------------------------------------------------------------- */

static void tick(void)
{
	(void)nanosleep(&(struct timespec){.tv_nsec = TICK_MS * 1000000L}, NULL);
}

/* In the child: everything is as a shell would have it, and the scheduler's death is its end, too. */
static void become(const struct words *w, pid_t parent)
{
	sigset_t none;
	(void)sigemptyset(&none);
	(void)setpgid(0, 0);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent) (void)execve("/proc/self/exe", w->argv, w->environment);
	_exit(EXIT_NOT_STARTED);
}

/* Wait for its end; *exit_status as a shell tells it. A cancelled wait asks it once to end, and goes on waiting. */
static status wait_for(struct scheduler *s, pid_t child, int *exit_status, struct err *err)
{
	bool asked = false;
	for (;;) {
		int how = 0;
		const pid_t ended = waitpid(child, &how, WNOHANG);
		if (ended == child) {
			*exit_status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
			return OK;
		}
		if (ended < 0 && errno != EINTR)
			return fail_errno(err, errno, "cannot wait for process %d", (int)child);
		if (!asked && (cancel_requested() || control_heartbeat_lost(s->heartbeat))) {
			(void)kill(child, SIGTERM);
			asked = true;
		}
		tick();
	}
}

static status start_and_wait(struct scheduler *s, const struct words *w, int *exit_status, struct err *err)
{
	const pid_t me = getpid(), child = fork();
	if (child == 0) become(w, me);
	if (child < 0) return fail_errno(err, errno, "cannot start a process");
	return wait_for(s, child, exit_status, err);
}

static status words_make(struct scheduler *s, int64_t due, struct words *w, struct err *err)
{
	TRY(argv_make(s, due, w, err));
	return environment_make(due, w, err);
}

static status execute(struct scheduler *s, int64_t due, int *exit_status, struct err *err)
{
	struct words w = {0};
	arena_init(&w.arena, 0);
	buf_init(&w.text, 0);
	status code = words_make(s, due, &w, err);
	if (code == OK) code = start_and_wait(s, &w, exit_status, err);
	buf_deinit(&w.text);
	arena_deinit(&w.arena);
	return code;
}

static void tell(const struct scheduler *s, int64_t due, int exit_status)
{
	char text[TIME_RFC3339_CHARS + 1] = "", number[16];
	time_format(due, text);
	(void)snprintf(number, sizeof number, "%d", exit_status);
	log_line(exit_status == 0 ? LOG_INFO : LOG_WARN,
		exit_status == 0 ? "scheduled command done" : "scheduled command failed", "schedule", s->row.name,
		"due", text, "exit", number, NULL);
}

/* The command of an instant, from its start to what is remembered of it. One that was interrupted stays owed. */
static status deal_with(struct scheduler *s, int64_t due, int *exit_status, struct err *err)
{
	s->row.started_at = time_now_us();
	s->row.finished_at = INT64_MIN;
	s->row.exit_status = -1;
	TRY(control_schedule_put(s->control, &s->lease, &s->row, err));
	TRY(execute(s, due, exit_status, err));
	const bool interrupted = cancel_requested();
	s->row.finished_at = time_now_us();
	s->row.exit_status = *exit_status;
	s->row.runs++;
	s->row.failures += *exit_status != 0;
	if (!interrupted) s->row.due_at = due;
	tell(s, due, *exit_status);
	TRY(control_schedule_put(s->control, &s->lease, &s->row, err));
	return cancel_check(err);
}

/* ---- what is owed ---------------------------------------------------------------------------------------------------- */

/* The first and last instant that is due after what was dealt with and at or before now; how many there are. */
static int64_t owed(const struct scheduler *s, int64_t now, int64_t *first, int64_t *last)
{
	int64_t n = 0, due = 0;
	for (int64_t after = s->row.due_at; cron_next(s->opts->times, s->opts->zone, after, &due) && due <= now;
		after = due) {
		if (n++ == 0) *first = due;
		*last = due;
	}
	return n;
}

/* Make up for what was missed, by the policy; *made: a command ran. */
static status make_up(struct scheduler *s, bool *made, int *exit_status, struct err *err)
{
	int64_t first = 0, last = 0;
	const int64_t n = owed(s, time_now_us(), &first, &last);
	const bool all = s->opts->catch_up == CATCH_UP_ALL, none = s->opts->catch_up == CATCH_UP_NONE;
	*made = n > 0 && !none;
	if (n == 0) return OK;
	if (none || (!all && n > 1))
		log_printf(LOG_WARN, "schedule %s: %lld instants were missed and are left out", s->row.name,
			(long long)(none ? n : n - 1));
	if (*made) return deal_with(s, all ? first : last, exit_status, err);
	s->row.due_at = last;
	return control_schedule_put(s->control, &s->lease, &s->row, err);
}

static int64_t jitter_of(const struct scheduler *s, int64_t due)
{
	char text[SCHEDULE_NAME_MAX + 32];
	const int n = snprintf(text, sizeof text, "%s %lld", s->row.name, (long long)due);
	if (s->opts->jitter_us == 0) return 0;
	return (int64_t)(hash_xxh64(text, (size_t)n) % (uint64_t)s->opts->jitter_us);
}

static status wait_until(struct scheduler *s, int64_t when, struct err *err)
{
	while (time_now_us() < when) {
		TRY(cancel_check(err));
		if (control_heartbeat_lost(s->heartbeat))
			return fail(err, E_BUSY, "another scheduler took over schedule '%s'", s->row.name);
		tick();
	}
	return cancel_check(err);
}

static status loop(struct scheduler *s, int *exit_status, struct err *err)
{
	for (bool made = false;;) {
		int64_t due = 0;
		char text[TIME_RFC3339_CHARS + 1] = "";
		TRY(make_up(s, &made, exit_status, err));
		if (made && s->opts->once) return OK;
		if (made) continue;
		if (!cron_next(s->opts->times, s->opts->zone, s->row.due_at, &due)) return OK;
		time_format(due, text);
		log_line(LOG_INFO, "waiting", "schedule", s->row.name, "due", text, NULL);
		TRY(wait_until(s, due + jitter_of(s, due), err));
		TRY(deal_with(s, due, exit_status, err));
		if (s->opts->once) return OK;
	}
}

/* ---- begin and end ----------------------------------------------------------------------------------------------------- */

static status command_text(struct scheduler *s, struct err *err)
{
	struct buf text;
	buf_init(&text, 0);
	for (size_t i = 0; i < s->opts->n_command; i++)
		buf_printf(&text, "%s%s", i > 0 ? " " : "", s->opts->command[i]);
	status code = buf_check(&text, err);
	if (code == OK) s->row.command = arena_strndup(&s->arena, (const char *)text.p, text.n);
	if (code == OK && s->row.command == NULL) code = fail_nomem(err);
	buf_deinit(&text);
	return code;
}

/* What is remembered under the name; another expression, zone or command from now on. */
static status row_open(struct scheduler *s, struct err *err)
{
	const struct scheduler_opts *o = s->opts;
	const status code = control_schedule_get(s->control, o->name, &s->arena, &s->row, err);
	if (code != OK && code != E_NOT_FOUND) return code;
	if (code == E_NOT_FOUND) {
		err_clear(err);
		s->row = (struct control_schedule){.due_at = o->since != INT64_MAX ? o->since : time_now_us(),
			.started_at = INT64_MIN,
			.finished_at = INT64_MIN,
			.exit_status = -1};
	}
	s->row.name = o->name;
	s->row.cron = o->cron;
	s->row.timezone = o->timezone;
	TRY(command_text(s, err));
	return control_schedule_put(s->control, &s->lease, &s->row, err);
}

static status under_lease(struct scheduler *s, int *exit_status, struct err *err)
{
	TRY(control_heartbeat_start(s->control, &s->lease, &s->heartbeat, err));
	TRY(row_open(s, err));
	return loop(s, exit_status, err);
}

static status lease_take(struct scheduler *s, struct err *err)
{
	char name[64];
	(void)snprintf(name, sizeof name, "schedule:%s", s->opts->name);
	control_lease_init(&s->lease, name);
	return control_lease_acquire(s->control, &s->lease, time_now_us(), err);
}

status scheduler_run(struct control *c, const struct scheduler_opts *o, int *exit_status, struct err *err)
{
	struct scheduler s = {.control = c, .opts = o};
	struct err ignored;
	ASSERT(o->n_command > 0 && strlen(o->name) <= SCHEDULE_NAME_MAX);
	arena_init(&s.arena, 0);
	status code = lease_take(&s, err);
	if (code == OK) {
		code = under_lease(&s, exit_status, err);
		control_heartbeat_stop(s.heartbeat);
		if (control_lease_release(c, &s.lease, &ignored) != OK)
			log_line(LOG_WARN, ignored.message, NULL); /* it ends by itself */
	}
	arena_deinit(&s.arena);
	return code;
}
