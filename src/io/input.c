/* io/input.c: see io/input.h.
 *
 * Invariants: 1. every byte of a file reaches the caller or an error does: a member that is cut off is no end; 2. the file's own offset is
 * not used, so that several may read one spool at once; 3. a stream is read to its end once, by input_spool_fill.
 */
#include "io/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/thread.h"
#include "io/compress.h"
#include "io/input_format.h"

enum { PACKED_BYTES = 128 * 1024, SPOOL_PIECE_BYTES = 256 * 1024, POLL_MS = 100 };

/* ---- streams ---- */

bool input_is_stream(const char *path)
{
	struct stat st;
	if (strcmp(path, "-") == 0) return true;
	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !S_ISBLK(st.st_mode);
}

status input_stream_check(const char *path, struct err *err)
{
	if (strcmp(path, "-") != 0) return OK;
	const int flags = fcntl(STDIN_FILENO, F_GETFL);
	if (flags >= 0 && (flags & O_ACCMODE) != O_WRONLY) return OK;
	return fail(err, E_IO, "cannot read input -: standard input is closed; give it a file or a pipe");
}

struct input_spool *input_spool_find(const struct input_spools *l, const char *path)
{
	for (size_t i = 0; l != NULL && i < l->n; i++) {
		if (strcmp(l->items[i].path, path) == 0) return &l->items[i];
	}
	return NULL;
}

void input_spools_deinit(struct input_spools *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->items[i].fd >= 0) (void)close(l->items[i].fd);
	}
	mem_free(l->items);
	*l = (struct input_spools){.items = NULL};
}

/* Wait for bytes or the end, looking for a request to stop meanwhile. A fifo that nobody has opened yet has neither. */
static status stream_wait(int fd, struct err *err)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	for (;;) {
		TRY(cancel_check(err));
		const int n = poll(&p, 1, POLL_MS);
		if (n > 0 || (n < 0 && errno != EINTR)) return OK; /* a failure is the read's to tell */
	}
}

static status stream_copy(
	const struct input_spool *s, int from, int to, const char *folder, uint8_t *piece, struct err *err)
{
	for (;;) {
		TRY(stream_wait(from, err));
		const ssize_t n = read(from, piece, SPOOL_PIECE_BYTES);
		if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
		if (n < 0) return fail_errno_read(err, errno, "cannot read input %s", s->path);
		if (n == 0) return OK;
		TRY(err_at(err, file_write(to, piece, (size_t)n, err), folder, -1, -1));
	}
}

static status spool_from(struct input_spool *s, int from, const char *folder, struct err *err)
{
	int to = -1;
	TRY(file_nameless(folder, &to, err));
	uint8_t *piece = mem_alloc(SPOOL_PIECE_BYTES);
	const status code = piece != NULL ? stream_copy(s, from, to, folder, piece, err) : fail_nomem(err);
	mem_free(piece);
	if (code == OK)
		s->fd = to;
	else
		(void)close(to);
	return code;
}

status input_spool_fill(struct input_spool *s, const char *folder, struct err *err)
{
	ASSERT(s->fd < 0);
	const bool standard = strcmp(s->path, "-") == 0;
	const int from = standard ? STDIN_FILENO : open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (from < 0) return fail_errno_read(err, errno, "cannot read input %s", s->path);
	const status code = spool_from(s, from, folder, err);
	if (!standard) (void)close(from);
	return code;
}

/* ---- files ---- */

struct input {
	const char *path;
	int fd;
	bool borrowed;                  /* fd is a spool's */
	int64_t at;                     /* of the next byte to read from fd */
	struct compress_stream *stream; /* NULL: not compressed */
	enum compress_codec codec;
	bool ended;      /* fd was read to its end */
	uint8_t *packed; /* [PACKED_BYTES], read and not decompressed yet: packed[packed_from, packed_n) */
	size_t packed_from, packed_n;
};

static status fd_read(struct input *in, void *dst, size_t n, size_t *got, struct err *err)
{
	for (;;) {
		const ssize_t some = pread(in->fd, dst, n, (off_t)in->at);
		if (some < 0 && errno == EINTR) continue;
		if (some < 0) return fail_errno_read(err, errno, "cannot read input %s", in->path);
		in->at += some;
		*got = (size_t)some;
		return OK;
	}
}

/* From the first byte on. */
static status rewind_to_start(struct input *in, struct err *err)
{
	in->at = 0;
	in->ended = false;
	in->packed_from = in->packed_n = 0;
	compress_stream_destroy(in->stream);
	in->stream = NULL;
	return in->codec != CODEC_NONE ? compress_stream_create(in->codec, &in->stream, err) : OK;
}

static status packed_fill(struct input *in, struct err *err)
{
	if (in->packed_from < in->packed_n || in->ended) return OK;
	in->packed_from = 0;
	TRY(fd_read(in, in->packed, PACKED_BYTES, &in->packed_n, err));
	in->ended = in->packed_n == 0;
	return OK;
}

static status unpack(struct input *in, void *dst, size_t n, size_t *got, struct err *err)
{
	struct compress_piece x = {.dst = dst, .dst_n = n};
	for (;;) {
		TRY(packed_fill(in, err));
		x.src = in->packed + in->packed_from;
		x.src_n = in->packed_n - in->packed_from;
		const bool last = in->ended && x.src_n == 0;
		const status code = compress_stream_step(in->stream, &x, err);
		if (code != OK) return err_at(err, code, in->path, -1, -1);
		in->packed_from = in->packed_n - x.src_n;
		*got = n - x.dst_n;
		if (*got > 0) return OK;
		if (!last) continue;
		if (compress_stream_at_end(in->stream)) return OK;
		return fail_at(err, E_CORRUPT, in->path, -1, -1,
			"the %s data is cut off after %lld bytes: copy or compress the file again",
			in->codec == CODEC_GZIP ? "gzip" : "zstd", (long long)in->at);
	}
}

status input_read(struct input *in, void *dst, size_t n, size_t *got, struct err *err)
{
	ASSERT(n > 0);
	return in->codec == CODEC_NONE ? fd_read(in, dst, n, got, err) : unpack(in, dst, n, got, err);
}

/* The first bytes decide how it is read, and whether it can be. */
static status take_format(struct input *in, struct err *err)
{
	char head[INPUT_HEAD_BYTES];
	size_t n = 0;
	TRY(fd_read(in, head, sizeof head, &n, err));
	in->codec = compress_codec_of(head, n);
	if (in->codec != CODEC_NONE) {
		in->packed = mem_alloc(PACKED_BYTES);
		if (in->packed == NULL) return fail_nomem(err);
		TRY(rewind_to_start(in, err));
		TRY(input_read(in, head, sizeof head, &n, err));
	}
	const enum input_format format = input_format_of(head, n);
	if (input_format_is_certain(format)) return input_format_refuse(format, in->path, "line 1: not_json", err);
	return rewind_to_start(in, err);
}

static status fd_open(struct input *in, const struct input_spools *spools, struct err *err)
{
	struct stat st;
	const struct input_spool *spool = input_spool_find(spools, in->path);
	in->borrowed = spool != NULL;
	if (spool != NULL) {
		ASSERT(spool->fd >= 0);
		in->fd = spool->fd;
		return OK;
	}
	if (input_is_stream(in->path))
		return fail(err, E_USAGE, "input %s is a stream, which can be read once: give it again to the run",
			in->path);
	in->fd = open(in->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (in->fd < 0) return fail_errno_read(err, errno, "cannot read input %s", in->path);
	if (fstat(in->fd, &st) != 0) return fail_errno_read(err, errno, "cannot read input %s", in->path);
	if (S_ISREG(st.st_mode)) return OK;
	return fail(err, E_USAGE, "input %s is neither a file nor a stream", in->path);
}

status input_open(const char *path, const struct input_spools *spools, struct input **out, struct err *err)
{
	struct input *in = mem_zalloc(1, sizeof *in);
	if (in == NULL) return fail_nomem(err);
	in->path = path;
	in->fd = -1;
	const status opened = fd_open(in, spools, err);
	const status code = opened == OK ? take_format(in, err) : opened;
	if (code == OK)
		*out = in;
	else
		input_close(in);
	return code;
}

void input_close(struct input *in)
{
	if (in == NULL) return;
	if (in->fd >= 0 && !in->borrowed) (void)close(in->fd);
	compress_stream_destroy(in->stream);
	mem_free(in->packed);
	mem_free(in);
}
