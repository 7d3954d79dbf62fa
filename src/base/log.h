/* base/log.h: log lines on standard error, as text or JSON; one write per line, thread-safe. */
#ifndef PQR_BASE_LOG_H
#define PQR_BASE_LOG_H

#include "base/buf.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };
enum log_format { LOG_TEXT, LOG_JSON };

void log_setup(enum log_level level, enum log_format format);
bool log_level_parse(const char *name, enum log_level *out) MUST_USE; /* debug info warn error off */

/* key/value pairs follow the message: log_line(LOG_INFO, "stage done", "stage", "bronze", NULL). NULL ends. */
void log_line(enum log_level level, const char *message, ...) __attribute__((sentinel));
void log_printf(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Called before and after a line is written, so that a progress bar can step aside. Either may be NULL. */
void log_hook(void (*before)(void), void (*after)(void));
/* How a line of text is shown: appends to out what is written in place of it. NULL: as it is. A line of JSON always is. */
void log_shape(void (*shape)(struct buf *out, struct str line));

#endif
