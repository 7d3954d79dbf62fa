/* io/input.h: a file of events from outside the lake as a sequence of bytes, whatever it was compressed with.
 *
 *   file, or a stream that was spooled -> [ gzip or zstd, told from its first bytes ] -> bytes
 *
 * A stream (standard input, a pipe, a fifo) can be read once and a run reads its inputs more than once: input_spool_fill puts it into a file
 * without a name first, of which nothing is left whatever ends the process. What is read here is hashed, counted and named in errors by
 * the bytes that come out, so a file and the same file compressed are one input.
 */
#ifndef PQR_IO_INPUT_H
#define PQR_IO_INPUT_H

#include "base/err.h"

/* A stream and where its bytes are. */
struct input_spool {
	const char *path; /* as it was named: "-", "/dev/fd/63", "/run/events.fifo"; borrowed */
	int fd;           /* -1: not read yet */
};
struct input_spools {
	struct input_spool *items;
	size_t n, cap;
};

/* Is there a stream behind this name: "-", or a pipe, a fifo, a terminal, a device? */
bool input_is_stream(const char *path);
/* Can the stream be read at all? E_IO: standard input is closed, or open for writing alone. Reads nothing. */
status input_stream_check(const char *path, struct err *err) MUST_USE;
/* The spool of that path, or NULL. */
struct input_spool *input_spool_find(const struct input_spools *l, const char *path);
/* Read the stream to its end into a file without a name in `folder`. Memory bounded; E_CANCELLED within 100 ms of a request. */
status input_spool_fill(struct input_spool *s, const char *folder, struct err *err) MUST_USE;
void input_spools_deinit(struct input_spools *l);

struct input;
/* path is borrowed until the close, spools (may be NULL) for the call. E_NOT_FOUND; E_USAGE: a folder, or a stream that was not spooled;
 * E_QUALITY: certainly of another format (io/input_format.h). */
status input_open(const char *path, const struct input_spools *spools, struct input **out, struct err *err) MUST_USE;
/* The next *got bytes, at least one; 0 at the end, which is known to be the end. E_CORRUPT: what is compressed is cut off or broken. */
status input_read(struct input *in, void *dst, size_t n, size_t *got, struct err *err) MUST_USE;
void input_close(struct input *in); /* NULL is fine */

#endif
