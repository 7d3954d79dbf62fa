/* cli/terminal.h: what standard output can show: its width, its colours. */
#ifndef PQR_CLI_TERMINAL_H
#define PQR_CLI_TERMINAL_H

#include "base/buf.h"

/* Columns of the terminal that standard output is; 0: it is none, nothing is cut or wrapped. */
size_t terminal_width(void);

/* Is standard output a terminal that shows colours? Not with NO_COLOR set (https://no-color.org) or TERM=dumb. */
bool terminal_colours(void);

/* Append s, in the colour of a word that judges (FAIL, WARN, PASS, BAD, ok, ...) when colours is set. */
void terminal_word(struct buf *out, struct str s, bool colours);

/* Append text[n] to out with lines over `width` columns broken at blanks. What follows hangs under the line's last column of text:
 * after two blanks in a row, else under its own indentation. A word of over `width` is broken too, where a part of a path begins if one
 * does. A line with marks under it (^^^) is cut around them instead. width 0: as it is. */
void terminal_wrap(struct buf *out, struct str text, size_t width);
/* As terminal_wrap, to the width of the terminal that standard error is; see log_shape. */
void terminal_wrap_log(struct buf *out, struct str line);

#endif
