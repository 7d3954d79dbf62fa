/* base/file.h: files of the machine apart from the lake's objects: small ones read whole (configuration, the tz database), and
 * temporary ones. */
#ifndef PQR_BASE_FILE_H
#define PQR_BASE_FILE_H

#include "base/buf.h"

/* Append the whole file to out. The path is named in the error. E_NOT_FOUND, E_IO; E_LIMIT when it has more than
 * bytes_max bytes. */
status file_read(const char *path, size_t bytes_max, struct buf *out, struct err *err) MUST_USE;

/* A new empty file in the folder, open for reading and writing, that has no name: whatever ends the process, nothing of it is left.
 * Others who open /proc/self/fd/N get the same file. The folder is named in the error. */
status file_nameless(const char *folder, int *fd, struct err *err) MUST_USE;
/* The same for file systems without O_TMPFILE: it has a name for a moment. file_nameless takes this way by itself. */
status file_unlinked(const char *folder, int *fd, struct err *err) MUST_USE;
/* All of p[n] at the file's position. */
status file_write(int fd, const void *p, size_t n, struct err *err) MUST_USE;

/* A file of that content in place of what has the path: whoever reads it sees the old text or the new one, whole. */
status file_replace(const char *path, const void *p, size_t n, struct err *err) MUST_USE;

#endif
