/* Calls to the system for files in place of libc's: the n-th open, read, write, sync, look, link, rename or listing fails with EIO, once or
 * from then on, whoever calls: also a library, as libpqr.so or libduckdb.so. In one thread's counting; others wait for none. */
#ifndef PQR_TEST_FAILING_IO_H
#define PQR_TEST_FAILING_IO_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

static _Atomic int64_t io_calls, io_fails_at, io_hits; /* at: from 1; 0 = none, and nothing is counted */
static bool io_fails_on;                               /* all later ones too */

/* The n-th call from now on fails; `on`: and all later ones. 0: none any more. */
static inline void io_fail_at(int64_t n, bool on)
{
	io_fails_at = 0;
	io_calls = 0;
	if (n > 0) io_hits = 0;
	io_fails_on = on;
	io_fails_at = n;
}

static inline bool io_must_fail(void)
{
	const int64_t at = io_fails_at;
	if (at == 0) return false;
	const int64_t call = ++io_calls;
	if (io_fails_on ? call < at : call != at) return false;
	io_hits++;
	errno = EIO;
	return true;
}

#define IO_EXPORTED __attribute__((visibility("default")))
/* result name(params): that of libc, unless it is its turn to fail. */
#define IO_CALL(result, failed, name, params, args)                            \
	IO_EXPORTED result name params                                         \
	{                                                                      \
		static result(*real) params;                                   \
		if (real == NULL) *(void **)(&real) = dlsym(RTLD_NEXT, #name); \
		return io_must_fail() ? (failed) : real args;                  \
	}

IO_CALL(ssize_t, -1, read, (int fd, void *p, size_t n), (fd, p, n))
IO_CALL(ssize_t, -1, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
IO_CALL(ssize_t, -1, pread64, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at))
IO_CALL(ssize_t, -1, write, (int fd, const void *p, size_t n), (fd, p, n))
IO_CALL(int, -1, fsync, (int fd), (fd))
IO_CALL(int, -1, stat, (const char *path, struct stat *out), (path, out))
IO_CALL(int, -1, lstat, (const char *path, struct stat *out), (path, out))
IO_CALL(int, -1, fstat, (int fd, struct stat *out), (fd, out))
IO_CALL(int, -1, link, (const char *from, const char *to), (from, to))
IO_CALL(int, -1, rename, (const char *from, const char *to), (from, to))
IO_CALL(int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
IO_CALL(struct dirent *, NULL, readdir, (DIR * dir), (dir))
IO_CALL(int, -1, renameat2, (int a, const char *from, int b, const char *to, unsigned flags), (a, from, b, to, flags))

static bool io_hides_types; /* listings tell no types, as some file systems' */

IO_EXPORTED int scandir(const char *path, struct dirent ***out, int (*keep)(const struct dirent *),
	int (*compare)(const struct dirent **, const struct dirent **))
{
	static int (*real)(const char *, struct dirent ***, int (*)(const struct dirent *),
		int (*)(const struct dirent **, const struct dirent **));
	if (real == NULL) *(void **)(&real) = dlsym(RTLD_NEXT, "scandir");
	if (io_must_fail()) return -1;
	const int n = real(path, out, keep, compare);
	for (int i = 0; io_hides_types && i < n; i++) (*out)[i]->d_type = DT_UNKNOWN;
	return n;
}

IO_EXPORTED int open(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	if (real == NULL) *(void **)(&real) = dlsym(RTLD_NEXT, "open");
	mode_t mode = 0;
	if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
		va_list args;
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return io_must_fail() ? -1 : real(path, flags, mode);
}

#endif
