/* base/file.c: a whole small file of the local disk, bounded. What a lake holds is read by io/store.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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
		if (got < 0) return fail_errno_read(err, errno, "cannot read %s", path);
		if (got == 0) return OK;
		buf_commit(out, (size_t)got);
		if (out->n - start > bytes_max) return fail(err, E_LIMIT, "%s: larger than %zu bytes", path, bytes_max);
	}
}

status file_read(const char *path, size_t bytes_max, struct buf *out, struct err *err)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) return fail_errno_read(err, errno, "cannot open %s", path);
	const status code = read_all(fd, path, bytes_max, out, err);
	(void)close(fd);
	return code;
}

status file_unlinked(const char *folder, int *fd, struct err *err)
{
	char path[1024];
	const int n = snprintf(path, sizeof path, "%s/.pqr-XXXXXX", folder);
	if (n < 0 || (size_t)n >= sizeof path) return fail(err, E_LIMIT, "path too long: %.200s", folder);
	const int made = mkostemp(path, O_CLOEXEC);
	if (made < 0) return fail_errno(err, errno, "cannot make a temporary file in %s", folder);
	if (unlink(path) != 0) {
		const int failed = errno;
		(void)close(made);
		return fail_errno(err, failed, "cannot remove %s", path);
	}
	*fd = made;
	return OK;
}

status file_nameless(const char *folder, int *fd, struct err *err)
{
	const int made = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (made >= 0) {
		*fd = made;
		return OK;
	}
	/* What kernels and file systems that do not know the flag answer. */
	if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) return file_unlinked(folder, fd, err);
	return fail_errno(err, errno, "cannot make a temporary file in %s", folder);
}

status file_write(int fd, const void *p, size_t n, struct err *err)
{
	const uint8_t *from = p;
	while (n > 0) {
		const ssize_t some = write(fd, from, n);
		if (some < 0 && errno == EINTR) continue;
		if (some < 0) return fail_errno(err, errno, "cannot write a temporary file");
		from += some;
		n -= (size_t)some;
	}
	return OK;
}

status file_replace(const char *path, const void *p, size_t n, struct err *err)
{
	enum { PATH_CHARS_MAX = 4096 };
	char temporary[PATH_CHARS_MAX];
	const int chars = snprintf(temporary, sizeof temporary, "%s.%lld.tmp", path, (long long)getpid());
	if (chars < 0 || (size_t)chars >= sizeof temporary) return fail(err, E_LIMIT, "%s: path too long", path);
	const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) return fail_errno(err, errno, "cannot create %s", path);
	status code = file_write(fd, p, n, err);
	if (close(fd) != 0 && code == OK) code = fail_errno(err, errno, "cannot write %s", temporary);
	if (code == OK && rename(temporary, path) != 0) code = fail_errno(err, errno, "cannot replace %s", path);
	if (code != OK) (void)unlink(temporary);
	return code;
}
