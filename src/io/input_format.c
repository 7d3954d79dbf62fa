/* io/input_format.c: see io/input_format.h. Marks at the start decide before the look of the text. Must not know what lines hold. */
#include "io/input_format.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* What a person is told: the name, and the command that makes lines of it, before the file's name. NULL: there is no such command. */
static const struct {
	const char *name, *command;
} formats[INPUT_FORMATS_N] = {
	[INPUT_TEXT] = {"text of no known format", NULL},
	[INPUT_UTF32LE] = {"UTF-32 text", "iconv -f UTF-32LE -t UTF-8"},
	[INPUT_UTF32BE] = {"UTF-32 text", "iconv -f UTF-32BE -t UTF-8"},
	[INPUT_UTF16LE] = {"UTF-16 text", "iconv -f UTF-16LE -t UTF-8"},
	[INPUT_UTF16BE] = {"UTF-16 text", "iconv -f UTF-16BE -t UTF-8"},
	[INPUT_PARQUET] = {"Parquet", NULL},
	[INPUT_OFFICE] = {"a spreadsheet or office document (zip)", NULL},
	[INPUT_ZIP] = {"a zip archive", "unzip -p"},
	[INPUT_OLE] = {"a spreadsheet or office document (OLE)", NULL},
	[INPUT_PDF] = {"PDF", NULL},
	[INPUT_XZ] = {"compressed by xz", "xz -dc"},
	[INPUT_BZIP2] = {"compressed by bzip2", "bzip2 -dc"},
	[INPUT_LZ4] = {"compressed by lz4", "lz4 -dc"},
	[INPUT_7Z] = {"a 7z archive", "7z x -so"},
	[INPUT_TAR] = {"a tar archive", "tar -xOf"},
	[INPUT_AVRO] = {"Avro", NULL},
	[INPUT_ARROW] = {"Arrow", NULL},
	[INPUT_SQLITE] = {"an SQLite database", NULL},
	[INPUT_BINARY] = {"no text", NULL},
	[INPUT_HTML] = {"HTML", NULL},
	[INPUT_XML] = {"XML", NULL},
	[INPUT_MBOX] = {"e-mail (mbox)", NULL},
	[INPUT_EMAIL] = {"e-mail", NULL},
	[INPUT_JSON_ARRAY] = {"a JSON array", "jq -c '.[]'"},
	[INPUT_JSON_SPREAD] = {"JSON over several lines", "jq -c ."},
	[INPUT_CSV] = {"CSV", NULL},
	[INPUT_JSON_LINES] = {"JSON Lines", NULL},
};

status input_format_refuse(enum input_format f, const char *path, const char *why, struct err *err)
{
	ASSERT(f < INPUT_FORMATS_N);
	const char *but =
		f == INPUT_JSON_LINES ? ", but holds no event" : ", and events come as JSON Lines, one object a line";
	const status code = fail(err, E_QUALITY, "input %s is %s%s (%s)", path, formats[f].name, but, why);
	err_set_class(err, ERR_DATA);
	return err_advise(
		err, code, formats[f].command != NULL ? ADVICE_CONVERT : ADVICE_PRODUCERS, formats[f].command);
}

/* ---- marks ---- */

struct head {
	const char *p;
	size_t n;
};

static bool has_at(const struct head *h, size_t at, const char *mark, size_t n)
{
	return h->n >= at + n && memcmp(h->p + at, mark, n) == 0;
}

static const struct mark {
	uint8_t n;
	uint8_t format; /* enum input_format */
	char bytes[16];
} marks[] = {
	{4, INPUT_UTF32LE, "\xff\xfe\0\0"}, /* before UTF-16's, which it begins with */
	{4, INPUT_UTF32BE, "\0\0\xfe\xff"},
	{2, INPUT_UTF16LE, "\xff\xfe"},
	{2, INPUT_UTF16BE, "\xfe\xff"},
	{4, INPUT_PARQUET, "PAR1"},
	{4, INPUT_ZIP, "PK\3\4"},
	{4, INPUT_ZIP, "PK\5\6"}, /* one without files */
	{8, INPUT_OLE, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"},
	{5, INPUT_PDF, "%PDF-"},
	{6, INPUT_XZ,
		"\xfd"
		"7zXZ\0"},
	{4, INPUT_LZ4, "\x04\x22\x4d\x18"},
	{6, INPUT_7Z, "7z\xbc\xaf\x27\x1c"},
	{4, INPUT_AVRO, "Obj\1"},
	{6, INPUT_ARROW, "ARROW1"},
	{15, INPUT_SQLITE, "SQLite format 3"},
};

/* RFC 4627 section 3: where the NULs of the first characters stand, which are ASCII. Eight bytes, as crashed writers leave a few NULs. */
static enum input_format by_nuls(const struct head *h)
{
	unsigned nuls = 0;
	if (h->n < 8) return INPUT_TEXT;
	for (size_t i = 0; i < 8; i++) nuls = nuls << 1 | (h->p[i] == '\0');
	switch (nuls) {
	case 0xee: return INPUT_UTF32BE;
	case 0x77: return INPUT_UTF32LE;
	case 0xaa: return INPUT_UTF16BE;
	case 0x55: return INPUT_UTF16LE;
	default: return INPUT_TEXT;
	}
}

/* The first file of an office document's archive is one of these. */
static bool is_office(const struct head *h)
{
	static const char *const names[] = {"[Content_Types].xml", "_rels/", "xl/", "word/", "docProps/", "mimetype"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (has_at(h, 30, names[i], strlen(names[i]))) return true; /* APPNOTE 4.3.7: the name is at byte 30 */
	}
	return false;
}

static enum input_format by_mark(const struct head *h)
{
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		if (!has_at(h, 0, marks[i].bytes, marks[i].n)) continue;
		if (marks[i].format == INPUT_ZIP && is_office(h)) return INPUT_OFFICE;
		return (enum input_format)marks[i].format;
	}
	if (has_at(h, 0, "BZh", 3) && has_at(h, 4, "1AY&SY", 6))
		return INPUT_BZIP2; /* between them the size of blocks */
	return has_at(h, 257, "ustar", 5) ? INPUT_TAR : by_nuls(h);
}

/* ---- the look of a text ---- */

static bool begins(const struct head *h, const char *word)
{
	const size_t n = strlen(word);
	return h->n >= n && strncasecmp(h->p, word, n) == 0;
}

/* The line at *at without its end; moves on behind it. */
static struct head line_next(const struct head *h, size_t *at)
{
	const char *from = h->p + *at;
	const size_t left = h->n - *at;
	const char *end = left > 0 ? memchr(from, '\n', left) : NULL;
	size_t n = end != NULL ? (size_t)(end - from) : left;
	*at += end != NULL ? n + 1 : n;
	if (n > 0 && from[n - 1] == '\r') n--;
	return (struct head){from, n};
}

/* RFC 5322 section 2.2: "Name: value". */
static bool is_header(struct head line)
{
	size_t i = 0;
	while (i < line.n && (isalnum((unsigned char)line.p[i]) || line.p[i] == '-')) i++;
	return i > 0 && i < line.n && line.p[i] == ':';
}

/* A field that every message or every transport of it has, among headers from the first line on. */
static bool is_email(const struct head *h)
{
	static const char *const fields[] = {
		"From:", "Received:", "Return-Path:", "Delivered-To:", "Message-ID:", "MIME-Version:", "Subject:"};
	bool known = false;
	int headers = 0;
	for (size_t at = 0; at < h->n && headers < 20;) {
		const struct head line = line_next(h, &at);
		if (line.n == 0) break;
		if (headers > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) continue; /* folded */
		if (!is_header(line)) return false;
		headers++;
		for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) known |= begins(&line, fields[i]);
	}
	return known && headers >= 2;
}

static size_t count_outside_quotes(struct head line, char c)
{
	size_t n = 0;
	bool quoted = false;
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '"') quoted = !quoted;
		n += !quoted && line.p[i] == c;
	}
	return n;
}

/* RFC 4180, with the separators that offices use: a header without braces, and a second line of as many fields. */
static bool is_csv(const struct head *h)
{
	static const char separators[] = {';', ',', '\t', '|'};
	size_t at = 0;
	const struct head first = line_next(h, &at);
	if (first.n == 0 || memchr(first.p, '{', first.n) != NULL) return false;
	const struct head second = line_next(h, &at);
	for (size_t i = 0; i < sizeof separators; i++) {
		const size_t fields = count_outside_quotes(first, separators[i]);
		if (fields > 0 && fields == count_outside_quotes(second, separators[i])) return true;
	}
	return false;
}

/* A first line that opens an object and has no end of it. */
static bool is_spread(const struct head *h)
{
	size_t at = 0;
	struct head line = line_next(h, &at);
	while (line.n > 0 && isspace((unsigned char)line.p[line.n - 1])) line.n--;
	if (line.n == 0 || at >= h->n) return false;
	return line.n == 1 || line.p[line.n - 1] == ',' || line.p[line.n - 1] == '{' || line.p[line.n - 1] == '[';
}

/* Not "[INFO] ...". */
static bool is_array(struct head h)
{
	do h = (struct head){h.p + 1, h.n - 1};
	while (h.n > 0 && isspace((unsigned char)*h.p));
	return h.n == 0 || strchr("{[\"]-0123456789", *h.p) != NULL;
}

static enum input_format by_look(struct head h)
{
	if (has_at(&h, 0, "\xef\xbb\xbf", 3)) h = (struct head){h.p + 3, h.n - 3};
	while (h.n > 0 && isspace((unsigned char)*h.p)) h = (struct head){h.p + 1, h.n - 1};
	if (h.n == 0) return INPUT_TEXT;
	if (h.p[0] == '[') return is_array(h) ? INPUT_JSON_ARRAY : INPUT_TEXT;
	if (h.p[0] == '{') return is_spread(&h) ? INPUT_JSON_SPREAD : INPUT_JSON_LINES;
	if (begins(&h, "<!doctype html") || begins(&h, "<html")) return INPUT_HTML;
	if (h.p[0] == '<') return INPUT_XML;
	if (has_at(&h, 0, "From ", 5)) return INPUT_MBOX;
	if (is_email(&h)) return INPUT_EMAIL;
	if (memchr(h.p, '\0', h.n) != NULL) return INPUT_BINARY;
	return is_csv(&h) ? INPUT_CSV : INPUT_TEXT;
}

enum input_format input_format_of(const char *head, size_t n)
{
	const struct head h = {head, n < INPUT_HEAD_BYTES ? n : INPUT_HEAD_BYTES};
	const enum input_format certain = by_mark(&h);
	return certain != INPUT_TEXT ? certain : by_look(h);
}
