/* Any bytes as a file of events: refused in words, or bytes that are the same however they are asked for, and the file's own where it is not
 * compressed. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "fuzz.h"
#include "io/input.h"
#include "io/input_format.h"

enum { OUT_BYTES_MAX = 1 << 20 };

/* All of it in pieces of up to `piece` bytes, or what came before an error or the limit. */
static status read_all(const char *path, size_t piece, struct buf *out, struct err *err)
{
	struct input *in = NULL;
	TRY(input_open(path, NULL, &in, err));
	status code = OK;
	for (size_t got = 1; code == OK && got > 0 && out->n < OUT_BYTES_MAX;) {
		const size_t n = OUT_BYTES_MAX - out->n < piece ? OUT_BYTES_MAX - out->n : piece;
		uint8_t *to = buf_reserve(out, n);
		ASSERT(to != NULL);
		code = input_read(in, to, n, &got, err);
		if (code != OK) break;
		ASSERT(got <= n);
		buf_commit(out, got);
	}
	input_close(in);
	return code;
}

static void check_told(status code, const struct err *err)
{
	ASSERT(code == E_CORRUPT || code == E_QUALITY || code == E_LIMIT || code == E_UNSUPPORTED);
	ASSERT(err->message[0] != '\0');
}

static void check_format(const uint8_t *data, size_t size)
{
	const enum input_format f = input_format_of((const char *)data, size);
	struct err err = {0};
	ASSERT(f < INPUT_FORMATS_N && f != INPUT_CERTAIN_END + INPUT_FORMATS_N);
	ASSERT(input_format_of((const char *)data, size) == f);
	if (f == INPUT_TEXT) return;
	ASSERT(input_format_refuse(f, "file", "line 1: not_json", &err) == E_QUALITY);
	ASSERT(err.message[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct buf whole, pieces;
	struct err err = {0};
	const int fd = memfd_create("input", MFD_CLOEXEC);
	ASSERT(fd >= 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	buf_init(&whole, 0);
	buf_init(&pieces, 0);
	const status code = read_all(path, OUT_BYTES_MAX, &whole, &err);
	if (code != OK) check_told(code, &err);
	ASSERT(read_all(path, size % 251 + 1, &pieces, NULL) == code);
	const size_t n = whole.n < pieces.n ? whole.n : pieces.n; /* where an error came, a piece may have had less */
	ASSERT(n == 0 || memcmp(whole.p, pieces.p, n) == 0);
	if (code == OK) {
		ASSERT(whole.n == pieces.n);
		check_format(whole.p != NULL ? whole.p : (const uint8_t *)"", whole.n);
	}
	const bool gzip = size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
	const bool zstd = size >= 4 && data[3] == 0xfd && data[2] == 0x2f && data[1] == 0xb5;
	const bool skippable = size >= 4 && data[3] == 0x18 && data[2] == 0x4d && data[1] == 0x2a;
	if (code == OK && !gzip && !zstd && !skippable && size < OUT_BYTES_MAX)
		ASSERT(whole.n == size && (size == 0 || memcmp(whole.p, data, size) == 0));
	buf_deinit(&pieces);
	buf_deinit(&whole);
	(void)close(fd);
	return 0;
}
