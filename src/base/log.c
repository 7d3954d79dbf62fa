/* base/log.c: log lines on standard error, as text or one JSON document a line.
 *
 * Invariants: 1. a line is written under the lock, so that lines of threads do not mix; 2. a line is written without memory too,
 * then without its fields.
 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

static struct {
	pthread_mutex_t lock; /* guards all of it, and one line on standard error */
	enum log_level level;
	enum log_format format;
	void (*before)(void);
	void (*after)(void);
	void (*shape)(struct buf *out, struct str line);
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

void log_setup(enum log_level level, enum log_format format)
{
	(void)pthread_mutex_lock(&state.lock);
	state.level = level;
	state.format = format;
	(void)pthread_mutex_unlock(&state.lock);
}

bool log_level_parse(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
		if (strcmp(name, level_names[i]) != 0) continue;
		*out = (enum log_level)i;
		return true;
	}
	return false;
}

void log_hook(void (*before)(void), void (*after)(void))
{
	(void)pthread_mutex_lock(&state.lock);
	state.before = before;
	state.after = after;
	(void)pthread_mutex_unlock(&state.lock);
}

void log_shape(void (*shape)(struct buf *out, struct str line))
{
	(void)pthread_mutex_lock(&state.lock);
	state.shape = shape;
	(void)pthread_mutex_unlock(&state.lock);
}

static void add_time(struct buf *line)
{
	struct timespec now;
	struct tm tm;
	char text[40];
	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	const size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	buf_add(line, text, n);
	buf_printf(line, ".%03ldZ", now.tv_nsec / 1000000);
}

static void line_start(struct buf *line, enum log_level level, const char *message)
{
	if (state.format == LOG_JSON) {
		buf_str(line, "{\"ts\":\"");
		add_time(line);
		buf_printf(line, "\",\"level\":\"%s\",\"msg\":", level_names[level]);
		buf_json_str(line, str_of(message));
	} else {
		buf_printf(line, "pqr: %s%s",
			level == LOG_WARN    ? "warning: "
			: level == LOG_ERROR ? "error: "
					     : "",
			message);
	}
}

static void line_write(const struct buf *line)
{
	if (state.before != NULL) state.before();
	for (size_t at = 0; at < line->n;) {
		const ssize_t n = write(STDERR_FILENO, line->p + at, line->n - at);
		if (n <= 0) break;
		at += (size_t)n;
	}
	if (state.after != NULL) state.after();
}

static void line_emit(struct buf *line)
{
	struct buf shaped;
	buf_str(line, state.format == LOG_JSON ? "}\n" : "\n");
	if (line->failed) return;
	buf_init(&shaped, 0);
	if (state.shape != NULL && state.format == LOG_TEXT)
		state.shape(&shaped, (struct str){(const char *)line->p, line->n});
	line_write(shaped.n > 0 && !shaped.failed ? &shaped : line);
	buf_deinit(&shaped);
}

/* A line that memory did not suffice for: its message, as text, without any. */
static void line_bare(enum log_level level, const char *message)
{
	char text[1024];
	const int n = snprintf(text, sizeof text, "pqr: %s%.980s\n", level == LOG_ERROR ? "error: " : "", message);
	if (n > 0) (void)!write(STDERR_FILENO, text, (size_t)n);
}

void log_line(enum log_level level, const char *message, ...)
{
	struct buf line;
	buf_init(&line, 1 << 16);
	(void)pthread_mutex_lock(&state.lock);
	if (level >= state.level) {
		line_start(&line, level, message);
		va_list args;
		va_start(args, message);
		for (const char *key = va_arg(args, const char *); key != NULL; key = va_arg(args, const char *)) {
			const char *value = va_arg(args, const char *);
			if (state.format == LOG_JSON) {
				buf_char(&line, ',');
				buf_json_str(&line, str_of(key));
				buf_char(&line, ':');
				buf_json_str(&line, str_of(value));
			} else {
				buf_printf(&line, " %s=%s", key, value);
			}
		}
		va_end(args);
		line_emit(&line);
		if (line.failed) line_bare(level, message);
	}
	(void)pthread_mutex_unlock(&state.lock);
	buf_deinit(&line);
}

void log_printf(enum log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	log_line(level, text, NULL);
}
