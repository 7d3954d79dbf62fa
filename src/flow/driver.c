/* flow/driver.c: the pipes of a child process, read and written without ever waiting for one of them alone.
 *
 *   out ──► socket ──► its standard input        its standard output ──► pipe ──► in ──► lines
 *                                                its standard error  ──► pipe ──► said ──► log
 *
 * A process that writes while we write, more than a pipe holds, would stand still with us: poll serves all three.
 */
#include "flow/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"

enum { READ_BYTES = 1 << 16, SAID_MAX = 400, STOP_TICK_US = 10000, END_US = 2000000 };

extern char **environ;

struct driver {
	pid_t pid;
	int in, out, error; /* what it reads, writes and says; -1 = closed */
	struct buf unsent, line, said;
	size_t sent;         /* of unsent */
	size_t taken;        /* of line: given out before */
	bool ended;          /* its standard output did */
	char last[SAID_MAX]; /* the last line that it said */
};

/* ---- start ------------------------------------------------------------------------------------------------------------ */

static void close_fd(int *fd)
{
	if (*fd >= 0) (void)close(*fd);
	*fd = -1;
}

/* Ours and its ends of the three; all are closed in the child but for what it gets as 0, 1 and 2. */
struct ends {
	int input[2], output[2], error[2];
};

static status ends_open(struct ends *e, struct err *err)
{
	*e = (struct ends){{-1, -1}, {-1, -1}, {-1, -1}};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, e->input) != 0 || pipe2(e->output, O_CLOEXEC) != 0 ||
		pipe2(e->error, O_CLOEXEC) != 0)
		return fail_errno(err, errno, "cannot make a pipe");
	return OK;
}

static int spawn(const char *const *argv, const struct ends *e, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	int failed = posix_spawn_file_actions_init(&files);
	if (failed != 0) return failed;
	failed = posix_spawnattr_init(&attributes);
	if (failed == 0) {
		(void)sigemptyset(&none);
		(void)sigemptyset(&defaults);
		(void)sigaddset(&defaults, SIGPIPE);
		(void)posix_spawnattr_setsigmask(&attributes, &none);
		(void)posix_spawnattr_setsigdefault(&attributes, &defaults);
		(void)posix_spawnattr_setpgroup(&attributes, 0);
		(void)posix_spawnattr_setflags(
			&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
		failed = posix_spawn_file_actions_adddup2(&files, e->input[1], 0);
		if (failed == 0) failed = posix_spawn_file_actions_adddup2(&files, e->output[1], 1);
		if (failed == 0) failed = posix_spawn_file_actions_adddup2(&files, e->error[1], 2);
		/* The prototype's argv is not const for historical reasons: nothing is changed. */
		if (failed == 0)
			failed = posix_spawnp(
				pid, argv[0], &files, &attributes, (char *const *)(uintptr_t)argv, environ);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	return failed;
}

status driver_start(const char *const *argv, struct driver **out, struct err *err)
{
	struct ends e;
	struct driver *d = mem_zalloc(1, sizeof *d);
	if (d == NULL) return fail_nomem(err);
	status code = ends_open(&e, err);
	const int failed = code == OK ? spawn(argv, &e, &d->pid) : 0;
	if (failed != 0) code = fail_errno(err, failed, "cannot start %s", argv[0]);
	close_fd(&e.input[1]);
	close_fd(&e.output[1]);
	close_fd(&e.error[1]);
	d->in = e.input[0];
	d->out = e.output[0];
	d->error = e.error[0];
	buf_init(&d->unsent, 0);
	buf_init(&d->line, DRIVER_LINE_BYTES_MAX);
	buf_init(&d->said, DRIVER_LINE_BYTES_MAX);
	if (code == OK) {
		*out = d;
		return OK;
	}
	d->pid = 0;
	driver_stop(d, 0);
	return code;
}

/* ---- lines ------------------------------------------------------------------------------------------------------------ */

/* What was done with in front of a buffer goes. */
static void drop_front(struct buf *b, size_t *done)
{
	memmove(b->p, b->p + *done, b->n - *done);
	b->n -= *done;
	*done = 0;
}

status driver_send(struct driver *d, const struct buf *text, struct err *err)
{
	ASSERT(text->n > 0 && text->p[text->n - 1] == '\n');
	if (d->sent > 0) drop_front(&d->unsent, &d->sent);
	buf_add(&d->unsent, text->p, text->n);
	return buf_check(&d->unsent, err);
}

/* A process that reads no more is about to end, or hangs: both show elsewhere. */
static void write_some(struct driver *d)
{
	const ssize_t n = send(d->in, d->unsent.p + d->sent, d->unsent.n - d->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0) d->sent += (size_t)n;
	if (n < 0 && errno != EAGAIN && errno != EINTR) close_fd(&d->in);
	if (d->sent < d->unsent.n) return;
	buf_reset(&d->unsent);
	d->sent = 0;
}

/* false: the other side has closed it. */
static bool read_some(int fd, struct buf *out)
{
	uint8_t *dst = buf_reserve(out, READ_BYTES);
	if (dst == NULL) return true; /* poisoned: told by buf_check */
	const ssize_t n = read(fd, dst, READ_BYTES);
	if (n > 0) buf_commit(out, (size_t)n);
	return n > 0 || (n < 0 && errno == EINTR);
}

static void hear(struct driver *d)
{
	size_t from = 0;
	if (!read_some(d->error, &d->said)) close_fd(&d->error);
	for (const uint8_t *end;
		d->said.n > from && (end = memchr(d->said.p + from, '\n', d->said.n - from)) != NULL;) {
		const size_t n = (size_t)(end - (d->said.p + from));
		if (n > 0) {
			(void)snprintf(d->last, sizeof d->last, "%.*s", (int)(n < SAID_MAX ? n : SAID_MAX - 1),
				(const char *)d->said.p + from);
			log_line(LOG_DEBUG, "the driver says", "line", d->last, NULL);
		}
		from += n + 1;
	}
	drop_front(&d->said, &from);
	if (d->said.failed || d->said.n > DRIVER_LINE_BYTES_MAX / 2) buf_reset(&d->said);
}

static bool next_line(struct driver *d, struct str *line)
{
	if (d->line.n == d->taken) return false; /* p may be NULL */
	const uint8_t *end = memchr(d->line.p + d->taken, '\n', d->line.n - d->taken);
	if (end == NULL) return false;
	*line = (struct str){(const char *)d->line.p + d->taken, (size_t)(end - (d->line.p + d->taken))};
	d->taken += line->n + 1;
	return true;
}

/* Has it ended? It stays a zombie, which keeps its process group's id. */
static bool has_ended(const struct driver *d)
{
	siginfo_t info = {0};
	return waitid(P_PID, (id_t)d->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == d->pid;
}

/* What it left behind of its group goes, then it. */
static int reap(struct driver *d)
{
	int how = -1;
	(void)kill(-d->pid, SIGKILL);
	while (waitpid(d->pid, &how, 0) < 0 && errno == EINTR) continue;
	d->pid = 0;
	return how;
}

static status told_end(struct driver *d, struct err *err)
{
	const int how = reap(d);
	while (d->error >= 0 && poll(&(struct pollfd){.fd = d->error, .events = POLLIN}, 1, 0) > 0) hear(d);
	const char *sep = d->last[0] != '\0' ? ": " : "";
	if (WIFSIGNALED(how)) return fail(err, E_UNREACHABLE, "killed by signal %d%s%s", WTERMSIG(how), sep, d->last);
	return fail(err, E_UNREACHABLE, "exit status %d%s%s", WEXITSTATUS(how), sep, d->last);
}

/* It closed its standard output: mostly because it ended. */
static status ended(struct driver *d, struct err *err)
{
	if (d->pid == 0) return fail(err, E_UNREACHABLE, "it ended before");
	close_fd(&d->in);
	for (int64_t until = time_mono_us() + END_US; time_mono_us() < until;) {
		if (has_ended(d)) return told_end(d, err);
		(void)nanosleep(&(struct timespec){.tv_nsec = STOP_TICK_US * 1000L}, NULL);
	}
	return fail(err, E_UNREACHABLE, "it closed its standard output");
}

static status serve(struct driver *d, int64_t wait_us, struct err *err)
{
	struct pollfd fds[3] = {
		{.fd = d->ended ? -1 : d->out, .events = POLLIN},
		{.fd = d->error, .events = POLLIN},
		{.fd = d->sent < d->unsent.n ? d->in : -1, .events = POLLOUT},
	};
	const int n = poll(fds, 3, (int)((wait_us + 999) / 1000));
	if (n < 0 && errno != EINTR) return fail_errno(err, errno, "cannot wait for the driver");
	if (n <= 0) return OK;
	if (fds[2].revents != 0) write_some(d);
	if (fds[1].revents != 0) hear(d);
	if (fds[0].revents != 0) d->ended = !read_some(d->out, &d->line);
	if (d->line.failed) return fail(err, E_CORRUPT, "a line of more than %d bytes", (int)DRIVER_LINE_BYTES_MAX);
	return OK;
}

status driver_receive(struct driver *d, int64_t wait_us, struct str *line, struct err *err)
{
	const int64_t until = time_mono_us() + wait_us;
	*line = (struct str){NULL, 0};
	if (next_line(d, line)) return OK;
	if (d->taken > 0) drop_front(&d->line, &d->taken);
	for (int64_t left = wait_us; left >= 0; left = until - time_mono_us()) {
		if (d->ended) return ended(d, err);
		TRY(serve(d, left, err));
		if (next_line(d, line)) return OK;
	}
	return OK;
}

/* ---- stop ------------------------------------------------------------------------------------------------------------- */

static void wait_end(struct driver *d, int64_t grace_us)
{
	for (int64_t until = time_mono_us() + grace_us; !has_ended(d) && time_mono_us() < until;) {
		/* Full pipes would keep it from ending. */
		struct pollfd fds[2] = {
			{.fd = d->ended ? -1 : d->out, .events = POLLIN}, {.fd = d->error, .events = POLLIN}};
		(void)poll(fds, 2, STOP_TICK_US / 1000);
		buf_reset(&d->line);
		if (fds[0].revents != 0) d->ended = !read_some(d->out, &d->line);
		if (fds[1].revents != 0) hear(d);
		if (d->ended) (void)nanosleep(&(struct timespec){.tv_nsec = STOP_TICK_US * 1000L}, NULL);
	}
	(void)reap(d);
}

void driver_stop(struct driver *d, int64_t grace_us)
{
	if (d == NULL) return;
	close_fd(&d->in);
	if (d->pid > 0) wait_end(d, grace_us);
	close_fd(&d->out);
	close_fd(&d->error);
	buf_deinit(&d->unsent);
	buf_deinit(&d->line);
	buf_deinit(&d->said);
	mem_free(d);
}
