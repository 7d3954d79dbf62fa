/* flow/driver.h: a child process that takes lines on its standard input and gives lines on its standard output.
 *
 * It stands in a process group of its own, so that Ctrl-C reaches it as the end of its input. What it writes to standard error is
 * logged at level debug, and its last line is kept. Knows bytes and lines, no JSON and no task. One thread.
 */
#ifndef PQR_FLOW_DRIVER_H
#define PQR_FLOW_DRIVER_H

#include "base/buf.h"

struct driver;
/* argv: NULL-terminated; argv[0] is looked for in PATH. E_NOT_FOUND: no such program. */
status driver_start(const char *const *argv, struct driver **out, struct err *err) MUST_USE;
/* Queue text[n], which ends a line; it is written while driver_receive waits. */
status driver_send(struct driver *d, const struct buf *text, struct err *err) MUST_USE;
/* The next line without its end, a view until the next call; p is NULL when none came within wait_us. E_UNREACHABLE: the process
 * ended; says how. E_CORRUPT: a line longer than DRIVER_LINE_BYTES_MAX. */
status driver_receive(struct driver *d, int64_t wait_us, struct str *line, struct err *err) MUST_USE;
/* The end of its input, at most grace_us for it to end by itself, then SIGKILL to its group. NULL is fine. */
void driver_stop(struct driver *d, int64_t grace_us);

#endif
