/* io/input_format.h: which format a file is of, told from its first bytes, so that who gives a spreadsheet hears "CSV" and not a thousand
 * times "no JSON".
 *
 * Some formats are certain: no line of them could be JSON. The others look like it and may still be lines with a few wrong ones at the
 * top, so a reader asks about them only when it has found nothing that it can use.
 */
#ifndef PQR_IO_INPUT_FORMAT_H
#define PQR_IO_INPUT_FORMAT_H

#include "base/err.h"

enum input_format {
	INPUT_TEXT, /* looks like nothing known */
	/* certain */
	INPUT_UTF32LE,
	INPUT_UTF32BE,
	INPUT_UTF16LE,
	INPUT_UTF16BE,
	INPUT_PARQUET,
	INPUT_OFFICE, /* zip of an office document: xlsx, docx, ods */
	INPUT_ZIP,
	INPUT_OLE, /* xls, doc, msg of before 2007 */
	INPUT_PDF,
	INPUT_XZ,
	INPUT_BZIP2,
	INPUT_LZ4,
	INPUT_7Z,
	INPUT_TAR,
	INPUT_AVRO,
	INPUT_ARROW,
	INPUT_SQLITE,
	INPUT_CERTAIN_END,
	/* likely */
	INPUT_HTML = INPUT_CERTAIN_END,
	INPUT_XML,
	INPUT_MBOX,
	INPUT_EMAIL,
	INPUT_JSON_ARRAY,
	INPUT_JSON_SPREAD, /* one object over many lines */
	INPUT_BINARY,      /* a NUL byte */
	INPUT_CSV,
	INPUT_JSON_LINES,
	INPUT_FORMATS_N,
};
enum { INPUT_HEAD_BYTES = 4096 }; /* more than this says nothing new */

/* Of the first n bytes of a file, decompressed. Pure; any bytes. */
enum input_format input_format_of(const char *head, size_t n);
static inline bool input_format_is_certain(enum input_format f)
{
	return f != INPUT_TEXT && f < INPUT_CERTAIN_END;
}
/* Could some of its lines be events, though those at hand are not? */
static inline bool input_format_has_lines(enum input_format f)
{
	return f == INPUT_TEXT || f == INPUT_JSON_LINES;
}

/* E_QUALITY: the file's format, what is wrong with its lines ("line 1: not_json"), and in the advice what makes lines of it. */
status input_format_refuse(enum input_format f, const char *path, const char *why, struct err *err);

#endif
