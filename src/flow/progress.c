/* flow/progress.c: a thread that draws how far the work is, or logs it.
 *
 * 1. Counts are atomics that workers add to; the thread reads them, and nobody waits for it.
 * 2. On a terminal the bar is taken away for each log line: the log's hooks hold the lock from before the line until after it, so
 *    nothing that is logged may be logged with the lock held (line_unlock).
 */
#include "flow/progress.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/time.h"

#define DRAW_US 100000
#define SHOW_AFTER_US 1000000
#define LINE_US 10000000
enum { COLUMNS_DEFAULT = 80, LINE_BYTES_MAX = 1024, BAR_CELLS = 20 };

struct progress_thread {
	struct progress *progress;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the members below */
	pthread_cond_t wake;
	bool stop, terminal;
	bool drawn; /* a bar stands on the terminal's last line */
	char name[32];
	int64_t total, bytes_total;
	int64_t started, step_started, last_line;
};

/* The log's hooks take no argument; this is how they find the bar. */
static _Atomic(struct progress_thread *) current;

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* 12.3M, 456k, 789 */
static void add_amount(struct buf *out, double v)
{
	static const char units[] = " kMGT";
	int unit = 0;
	while (v >= 1000 && unit < 4) {
		v /= 1000;
		unit++;
	}
	if (unit == 0)
		buf_printf(out, "%.0f", v);
	else
		buf_printf(out, v < 10 ? "%.1f%c" : "%.0f%c", v, units[unit]);
}

/* Share of the step that is done, in millionths: by bytes when their total is known, else by tasks. */
static int64_t share(const struct progress_state *s)
{
	int64_t part = 0;
	if (s->bytes_total > 0 && s->bytes > 0)
		part = (int64_t)((double)s->bytes / (double)s->bytes_total * 1e6);
	else if (s->total > 0)
		part = s->done * 1000000 / s->total;
	return part < 0 ? 0 : part > 1000000 ? 1000000 : part;
}

/* A part of the line, where there is room for all of it. */
static void add_part(struct buf *line, struct buf *part, size_t room)
{
	if (!part->failed && line->n + part->n <= room) buf_add(line, part->p, part->n);
	buf_reset(part);
}

void progress_format(const struct progress_state *s, int columns, struct buf *out)
{
	const int64_t done = share(s);
	const double seconds = (double)s->elapsed_us / 1e6;
	const size_t room = columns > 1 ? (size_t)columns - 1 : 0;
	struct buf line, part;
	buf_init(&line, LINE_BYTES_MAX);
	buf_init(&part, LINE_BYTES_MAX);
	buf_printf(&part, "%-8s", s->name);
	add_part(&line, &part, room);
	buf_str(&part, " [");
	for (int i = 0; i < BAR_CELLS; i++) buf_char(&part, i < done * BAR_CELLS / 1000000 ? '#' : '.');
	buf_char(&part, ']');
	add_part(&line, &part, room);
	buf_printf(&part, " %3d%%", (int)(done / 10000));
	add_part(&line, &part, room);
	buf_printf(&part, "  %lld/%lld tasks", (long long)s->done, (long long)s->total);
	add_part(&line, &part, room);
	if (s->rows > 0) {
		buf_str(&part, "  ");
		add_amount(&part, (double)s->rows);
		buf_str(&part, " rows");
		add_part(&line, &part, room);
	}
	if (s->rows > 0 && seconds > 0) {
		buf_str(&part, "  ");
		add_amount(&part, (double)s->rows / seconds);
		buf_str(&part, " rows/s");
		add_part(&line, &part, room);
	}
	if (done > 0 && done < 1000000) {
		buf_printf(&part, "  %.0f s left", seconds * (double)(1000000 - done) / (double)done);
		add_part(&line, &part, room);
	}
	buf_add(out, line.p, line.n);
	buf_deinit(&part);
	buf_deinit(&line);
}

static int terminal_columns(void)
{
	struct winsize size;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT;
}

/* ---- drawing (lock held) ------------------------------------------------------------------------------------------- */

static void put(const struct buf *b)
{
	if (write(STDERR_FILENO, b->p, b->n) < 0) return; /* nowhere left to say so */
}

static struct progress_state state_of(const struct progress_thread *t)
{
	return (struct progress_state){
		.name = t->name,
		.rows = atomic_load(&t->progress->rows),
		.bytes = atomic_load(&t->progress->bytes),
		.done = atomic_load(&t->progress->done),
		.total = t->total,
		.bytes_total = t->bytes_total,
		.elapsed_us = time_mono_us() - t->step_started,
	};
}

static void erase(struct progress_thread *t)
{
	if (!t->drawn) return;
	struct buf b;
	buf_init(&b, LINE_BYTES_MAX);
	buf_str(&b, "\r\x1b[K");
	put(&b);
	buf_deinit(&b);
	t->drawn = false;
}

static void draw(struct progress_thread *t)
{
	struct buf b;
	if (t->name[0] == '\0' || time_mono_us() - t->started < SHOW_AFTER_US) return;
	const struct progress_state s = state_of(t);
	buf_init(&b, LINE_BYTES_MAX);
	buf_char(&b, '\r');
	progress_format(&s, terminal_columns(), &b);
	buf_str(&b, "\x1b[K");
	put(&b);
	buf_deinit(&b);
	t->drawn = true;
}

static void hook_before(void)
{
	struct progress_thread *t = atomic_load(&current);
	if (t == NULL) return;
	(void)pthread_mutex_lock(&t->lock);
	erase(t);
}

static void hook_after(void)
{
	struct progress_thread *t = atomic_load(&current);
	if (t == NULL) return;
	draw(t);
	(void)pthread_mutex_unlock(&t->lock);
}

/* ---- thread -------------------------------------------------------------------------------------------------------- */

/* Elsewhere than on a terminal. Returns with the lock released, as the log may be slow. */
static void line_unlock(struct progress_thread *t)
{
	const int64_t now = time_mono_us();
	const bool due = t->name[0] != '\0' && now - t->last_line >= LINE_US;
	const struct progress_state s = state_of(t);
	char name[sizeof t->name];
	struct buf rows;
	memcpy(name, t->name, sizeof name);
	if (due) t->last_line = now;
	(void)pthread_mutex_unlock(&t->lock);
	if (!due) return;
	buf_init(&rows, LINE_BYTES_MAX);
	add_amount(&rows, (double)s.rows);
	log_printf(LOG_INFO, "%s: %lld of %lld tasks, %.*s rows, %.0f s", name, (long long)s.done, (long long)s.total,
		(int)rows.n, (const char *)rows.p, (double)s.elapsed_us / 1e6);
	buf_deinit(&rows);
}

static void *progress_main(void *arg)
{
	struct progress_thread *t = arg;
	(void)pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		struct timespec at;
		(void)clock_gettime(CLOCK_MONOTONIC, &at);
		at.tv_nsec += DRAW_US * 1000;
		at.tv_sec += at.tv_nsec / 1000000000;
		at.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&t->wake, &t->lock, &at) != ETIMEDOUT) continue;
		if (t->terminal) {
			draw(t);
			continue;
		}
		line_unlock(t);
		(void)pthread_mutex_lock(&t->lock);
	}
	erase(t);
	(void)pthread_mutex_unlock(&t->lock);
	return NULL;
}

void progress_start(struct progress *p, bool on)
{
	*p = (struct progress){0};
	if (!on) return;
	struct progress_thread *t = mem_zalloc(1, sizeof *t);
	pthread_condattr_t attr;
	if (t == NULL) return;
	t->progress = p;
	t->terminal = isatty(STDERR_FILENO) == 1;
	t->started = t->step_started = t->last_line = time_mono_us();
	(void)pthread_mutex_init(&t->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&t->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (pthread_create(&t->thread, NULL, progress_main, t) != 0) {
		mem_free(t);
		return;
	}
	p->thread = t;
	if (!t->terminal) return;
	atomic_store(&current, t);
	log_hook(hook_before, hook_after);
}

void progress_step(struct progress *p, const char *name, int64_t total, int64_t bytes_total)
{
	ASSERT(total >= 0);
	struct progress_thread *t = p->thread;
	atomic_store(&p->rows, 0);
	atomic_store(&p->bytes, 0);
	atomic_store(&p->done, 0);
	if (t == NULL) return;
	(void)pthread_mutex_lock(&t->lock);
	(void)snprintf(t->name, sizeof t->name, "%s", name);
	t->total = total;
	t->bytes_total = bytes_total;
	t->step_started = time_mono_us();
	(void)pthread_mutex_unlock(&t->lock);
}

void progress_stop(struct progress *p)
{
	struct progress_thread *t = p->thread;
	if (t == NULL) return;
	p->thread = NULL;
	if (t->terminal) {
		log_hook(NULL, NULL);
		atomic_store(&current, NULL);
	}
	(void)pthread_mutex_lock(&t->lock);
	t->stop = true;
	(void)pthread_cond_signal(&t->wake);
	(void)pthread_mutex_unlock(&t->lock);
	(void)pthread_join(t->thread, NULL);
	(void)pthread_cond_destroy(&t->wake);
	(void)pthread_mutex_destroy(&t->lock);
	mem_free(t);
}
