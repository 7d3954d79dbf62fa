#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FILE_CHUNK_BYTES = 1 << 16 };

static status read_all(int fd, const char *path, size_t bytes_max, struct buf *out, struct err *err)
{
	const size_t start = out->n;
	for (;;) {
		uint8_t *dst = buf_reserve(out, FILE_CHUNK_BYTES);
		if (dst == NULL) return buf_check(out, err);
		const ssize_t got = read(fd, dst, FILE_CHUNK_BYTES);
		if (got < 0 && errno == EINTR) continue;
		if (got < 0) return fail_errno(err, errno, "cannot read %s", path);
		if (got == 0) return OK;
		buf_commit(out, (size_t)got);
		if (out->n - start > bytes_max) return fail(err, E_LIMIT, "%s: larger than %zu bytes", path, bytes_max);
	}
}

status file_read(const char *path, size_t bytes_max, struct buf *out, struct err *err)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) return fail_errno(err, errno, "cannot open %s", path);
	const status code = read_all(fd, path, bytes_max, out, err);
	(void)close(fd);
	return code;
}
