/* flow/progress.h: how far a long piece of work is, on standard error.
 *
 * On a terminal, once the work has taken a second: one bar with rate, rows and time left, redrawn ten times a second and taken
 * away for each log line. Elsewhere: a log line every ten seconds. One at a time in a process.
 */
#ifndef PQR_FLOW_PROGRESS_H
#define PQR_FLOW_PROGRESS_H

#include <stdatomic.h>

#include "base/buf.h"

struct progress {
	_Atomic int64_t rows, bytes; /* of the current step; workers add */
	_Atomic int64_t done;        /* tasks of the current step */
	struct progress_thread *thread;
};

/* on false: counts only, shows nothing. A thread that can't be started also shows nothing. */
void progress_start(struct progress *p, bool on);
/* The next step: "bronze"; of `total` tasks and, when known (> 0), `bytes_total` bytes. Resets the counts. */
void progress_step(struct progress *p, const char *name, int64_t total, int64_t bytes_total);
void progress_stop(struct progress *p);

/* The bar's text for a terminal of `columns` columns, without colour or line end; for tests. elapsed in microseconds. */
struct progress_state {
	const char *name;
	int64_t rows, bytes, done, total, bytes_total, elapsed_us;
};
void progress_format(const struct progress_state *s, int columns, struct buf *out);

#endif
