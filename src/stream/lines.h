/* stream/lines.h: the lines of a stream that can be read once, as a source of one partition: 0; positions are line numbers from 0. */
#ifndef PQR_STREAM_LINES_H
#define PQR_STREAM_LINES_H

#include "stream/source.h"

/* Lines of white space alone are counted and left out. Of a line over line_bytes_max bytes so many and one come, the rest is left out. fd is
 * borrowed until the close. */
status stream_lines_open(int fd, size_t line_bytes_max, struct stream_source **out, struct err *err) MUST_USE;

#endif
