/* stream/lines.c: lines as records: read what is there, hand out the whole lines of it, carry over what follows the last.
 *
 *   fd -> [ carried | read ] -> records that view the buffer
 *
 * 1. Line numbers count every line, also those left out, so that the same stream has the same positions.
 * 2. Nothing is read twice: a seek backwards fails.
 */
#include "stream/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"

enum { BUFFER_BYTES = 1 << 20 };

struct lines_source {
	struct stream_source base;
	int fd;
	size_t line_bytes_max;
	char *p;
	size_t cap;     /* without the padding */
	size_t from, n; /* p[from..n) was read and not handed out */
	size_t looked;  /* p[from..looked) has no '\n' */
	bool skipping;  /* the rest of a line of which enough was handed out */
	bool eof, assigned;
	int64_t line;  /* number of the line at p + from */
	int64_t start; /* the first that is wanted */
	struct {
		struct stream_record *items;
		size_t n, cap;
	} records;
};

static struct lines_source *of(struct stream_source *s)
{
	return (struct lines_source *)(void *)s;
}

static status lines_assign(struct lines_source *s, struct err *err)
{
	struct stream_start start = {.position = STREAM_BEGIN};
	TRY(s->base.listener.assigned(s->base.listener.ctx, &start, 1, err));
	s->assigned = true;
	return stream_source_seek(&s->base, &start, 1, err);
}

static status lines_seek(struct stream_source *base, const struct stream_start *starts, size_t n, struct err *err)
{
	struct lines_source *s = of(base);
	if (n == 0) return OK;
	ASSERT(n == 1 && starts[0].partition == 0);
	const int64_t to = starts[0].position == STREAM_BEGIN ? 0 : starts[0].position;
	if (to < s->line)
		return fail(err, E_UNSUPPORTED, "a stream of lines can't go back to line %lld: %lld were read",
			(long long)to, (long long)s->line);
	s->start = to;
	return OK;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

static status make_room(struct lines_source *s, struct err *err)
{
	if (s->from > 0) {
		memmove(s->p, s->p + s->from, s->n - s->from);
		s->n -= s->from;
		s->looked -= s->from;
		s->from = 0;
	}
	if (s->n < s->cap) return OK;
	char *p = mem_realloc(s->p, s->cap * 2 + JSON_SCAN_PADDING);
	if (p == NULL) return fail_nomem(err);
	s->p = p;
	s->cap *= 2;
	return OK;
}

static status read_some(struct lines_source *s, int timeout_ms, struct err *err)
{
	struct pollfd ready = {.fd = s->fd, .events = POLLIN};
	if (poll(&ready, 1, timeout_ms) <= 0) return OK;
	TRY(make_room(s, err));
	const ssize_t got = read(s->fd, s->p + s->n, s->cap - s->n);
	if (got < 0 && (errno == EINTR || errno == EAGAIN)) return OK;
	if (got < 0) return fail_errno_read(err, errno, "cannot read the stream of lines");
	s->n += (size_t)got;
	s->eof = got == 0;
	return OK;
}

/* ---- lines ------------------------------------------------------------------------------------------------------------ */

static bool is_blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r') return false;
	return true;
}

static status add_record(struct lines_source *s, size_t bytes, struct err *err)
{
	const size_t n = bytes > s->line_bytes_max ? s->line_bytes_max + 1 : bytes;
	if (s->line < s->start || is_blank(s->p + s->from, n)) return OK;
	if (!VEC_ROOM(&s->records, 1)) return fail_nomem(err);
	s->records.items[s->records.n++] =
		(struct stream_record){.position = s->line, .timestamp_ms = -1, .value = {s->p + s->from, n}};
	return OK;
}

/* The line that ends at p + end, where its '\n' or the end of the stream is. */
static status take_line(struct lines_source *s, size_t end, struct err *err)
{
	if (!s->skipping) TRY(add_record(s, end - s->from, err));
	s->skipping = false;
	s->line++;
	s->from = end < s->n ? end + 1 : end;
	s->looked = s->from;
	return OK;
}

/* What there is of a line that is longer than anybody takes; its record views the buffer until the next poll. */
static status take_long(struct lines_source *s, struct err *err)
{
	if (!s->skipping && s->n - s->from <= s->line_bytes_max) return OK;
	if (!s->skipping) TRY(add_record(s, s->n - s->from, err));
	s->skipping = true;
	s->from = s->n;
	return OK;
}

static status take_lines(struct lines_source *s, struct err *err)
{
	for (;;) {
		const char *end = memchr(s->p + s->looked, '\n', s->n - s->looked);
		if (end == NULL) break;
		TRY(take_line(s, (size_t)(end - s->p), err));
	}
	s->looked = s->n;
	if (s->eof && s->from < s->n) return take_line(s, s->n, err);
	return take_long(s, err);
}

static status lines_poll(struct stream_source *base, int timeout_ms, struct stream_fetch *out, struct err *err)
{
	struct lines_source *s = of(base);
	*out = (struct stream_fetch){0};
	if (!s->assigned) TRY(lines_assign(s, err));
	s->records.n = 0;
	if (!s->eof) TRY(read_some(s, timeout_ms, err));
	TRY(take_lines(s, err));
	out->records = s->records.items;
	out->n = s->records.n;
	out->ended = s->eof;
	if (out->n == 0) return OK;
	const char *first = out->records[0].value.p;
	const struct str last = out->records[out->n - 1].value;
	out->utf8_ok = utf8_valid(first, (size_t)(last.p + last.n - first));
	return OK;
}

static status lines_ends(struct stream_source *base, int32_t partition, int64_t *low, int64_t *high, struct err *err)
{
	(void)partition;
	(void)err;
	*low = 0;
	*high = of(base)->eof ? of(base)->line : -1;
	return OK;
}

static void lines_mark(struct stream_source *base, const struct stream_start *next, size_t n)
{
	(void)base;
	(void)next;
	(void)n;
}

static void lines_close(struct stream_source *base)
{
	struct lines_source *s = of(base);
	mem_free(s->records.items);
	mem_free(s->p);
	mem_free(s);
}

status stream_lines_open(int fd, size_t line_bytes_max, struct stream_source **out, struct err *err)
{
	static const struct stream_source_ops ops = {lines_poll, lines_seek, lines_ends, lines_mark, lines_close, NULL};
	struct lines_source *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	*s = (struct lines_source){.base.ops = &ops, .fd = fd, .line_bytes_max = line_bytes_max, .cap = BUFFER_BYTES};
	s->p = mem_alloc(s->cap + JSON_SCAN_PADDING);
	if (s->p == NULL) {
		lines_close(&s->base);
		return fail_nomem(err);
	}
	(void)fcntl(fd, F_SETPIPE_SZ, BUFFER_BYTES); /* fewer calls; of no matter where it is none */
	*out = &s->base;
	return OK;
}
