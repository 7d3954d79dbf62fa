/* base/file.h: whole small files of the machine (configuration, the tz database), apart from the lake's objects. */
#ifndef PQR_BASE_FILE_H
#define PQR_BASE_FILE_H

#include "base/buf.h"

/* Append the whole file to out. The path is named in the error. E_NOT_FOUND, E_IO; E_LIMIT when it has more than
 * bytes_max bytes. */
status file_read(const char *path, size_t bytes_max, struct buf *out, struct err *err) MUST_USE;

#endif
