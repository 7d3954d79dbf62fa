/* io/lines.h: the lines of a raw object of any size, in bounded memory.
 *
 *   object ... [ carry | chunk of 256 KiB ] -> window of whole lines; what follows the last '\n' is carried over
 *
 * A line that is over the limit and longer than the buffer comes in pieces. Everything read is hashed on the way. A byte
 * order mark at offset 0 belongs to no line. Windows are what event_next takes: JSON_SCAN_PADDING bytes follow them.
 */
#ifndef PQR_IO_LINES_H
#define PQR_IO_LINES_H

#include "base/hash.h"
#include "io/store.h"

/* Where the bytes come from; read gives exactly n bytes from offset or fails. */
struct line_source {
	status (*read)(void *ctx, int64_t offset, void *dst, size_t n, struct err *err);
	void *ctx;
	int64_t bytes;
};
struct line_source lines_source_of_object(struct store_object *o); /* views o */

struct line_window {
	const char *p;  /* views the reader's buffer until the next call */
	size_t n;       /* 0: the end */
	int64_t offset; /* of p in the source */
	bool utf8_ok;   /* all of it is valid UTF-8 */
	bool piece;     /* part of one line that is too long */
	bool piece_end; /* its last part, with its '\n' if it has one */
};

/* The lines of a window, one after the other. JSON_SCAN_PADDING readable bytes follow limit. */
struct line_cursor {
	const char *p; /* start of the next line */
	const char *limit;
	bool utf8_ok; /* the whole range was found valid: lines need no check of their own */
};

struct lines {
	struct line_source source;
	struct hash_stream hash;
	size_t line_bytes_max;
	char *buf;
	size_t cap;     /* of buf, without the padding; grows when a line is long */
	size_t from, n; /* buf[from..n) was read and not handed out */
	size_t looked;  /* so many bytes of it have no '\n' */
	int64_t at;     /* offset in the source of buf[n] */
	bool in_piece;
	bool started;
};

/* A line of over line_bytes_max bytes may come in pieces; one of at most so many, with "\r\n" behind, never does. */
status lines_init(struct lines *r, size_t line_bytes_max, struct err *err) MUST_USE;
void lines_deinit(struct lines *r);
/* Begin with another source, buffer kept. */
status lines_start(struct lines *r, const struct line_source *source, bool with_sha256, struct err *err) MUST_USE;
status lines_next(struct lines *r, struct line_window *w, struct err *err) MUST_USE;
/* After the end: the hashes of the whole source; sha256 only when asked for at the start. */
void lines_hash(struct lines *r, uint8_t xxh128[XXH128_BYTES], uint8_t *sha256);

#endif
