/* cli/terminal.c: the width and colours of standard output, and text broken to fit. Must not know what is told.
 *
 * Invariant: where standard output is no terminal, bytes are the same whatever the environment says, so that scripts can rely on them.
 */
#include "cli/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static size_t width_of(int file)
{
	struct winsize size;
	if (!isatty(file) || ioctl(file, TIOCGWINSZ, &size) != 0) return 0;
	return size.ws_col;
}

size_t terminal_width(void)
{
	return width_of(STDOUT_FILENO);
}

void terminal_wrap_log(struct buf *out, struct str line)
{
	terminal_wrap(out, line, width_of(STDERR_FILENO));
}

bool terminal_colours(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

static const struct {
	const char *word, *code;
} judgements[] = {
	{"PASS", "32"},
	{"SUCCESS", "32"},
	{"ok", "32"},
	{"WARN", "33"},
	{"DEGRADED", "33"},
	{"FAIL", "31"},
	{"FAILED", "31"},
	{"BAD", "31"},
};

void terminal_word(struct buf *out, struct str s, bool colours)
{
	const char *code = NULL;
	for (size_t i = 0; colours && i < sizeof judgements / sizeof judgements[0]; i++)
		if (str_is(s, judgements[i].word)) code = judgements[i].code;
	if (code != NULL) buf_printf(out, "\033[%sm", code);
	buf_add(out, s.p, s.n);
	if (code != NULL) buf_str(out, "\033[0m");
}

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* Columns of s, colours apart. */
static size_t columns(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\033') {
			while (i < s.n && s.p[i] != 'm') i++;
			continue;
		}
		n += begins_character(s.p[i]);
	}
	return n;
}

/* Where the lines that follow this one begin, *lead being its own indentation. */
static size_t hanging(struct str line, size_t width, size_t *lead)
{
	*lead = 0;
	while (*lead < line.n && line.p[*lead] == ' ') ++*lead;
	size_t at = *lead;
	for (size_t i = *lead; i + 2 < line.n; i++)
		if (line.p[i] == ' ' && line.p[i + 1] == ' ' && line.p[i + 2] != ' ')
			at = columns((struct str){line.p, i + 2});
	return at <= width / 2 ? at : *lead;
}

/* Bytes of the first n columns of a word, or fewer: where a path or what stands behind an '@' begins, in its second half. */
static size_t break_of(struct str word, size_t n)
{
	size_t at = 0, whole = 0;
	for (size_t column = 0; at < word.n && column < n; column++) {
		if (column > n / 2 && (word.p[at - 1] == '/' || word.p[at] == '@')) whole = at;
		for (at++; at < word.n && !begins_character(word.p[at]);) at++;
	}
	return whole > 0 ? whole : at;
}

static void new_line(struct buf *out, size_t indent)
{
	buf_char(out, '\n');
	for (size_t k = 0; k < indent; k++) buf_char(out, ' ');
}

/* Append a word of which the line has room for `room` columns, and those that follow for `next`; columns of its last line. */
static size_t add_word(struct buf *out, struct str word, size_t room, size_t next, size_t indent)
{
	while (columns(word) > room && room > 0 && memchr(word.p, '\033', word.n) == NULL) {
		const size_t n = break_of(word, room);
		buf_add(out, word.p, n);
		new_line(out, indent);
		word = (struct str){word.p + n, word.n - n};
		room = next;
	}
	buf_add(out, word.p, word.n);
	return columns(word);
}

static void wrap_line(struct buf *out, struct str line, size_t width)
{
	size_t lead, used = 0, i = 0;
	const size_t indent = hanging(line, width, &lead);
	while (i < line.n) {
		size_t blanks = i;
		while (blanks < line.n && line.p[blanks] == ' ') blanks++;
		size_t end = blanks;
		while (end < line.n && line.p[end] != ' ') end++;
		const struct str word = {line.p + blanks, end - blanks};
		size_t left = used + (blanks - i);
		if (used > lead && left + columns(word) > width) {
			left = indent + columns(word) <= width ? indent : lead;
			new_line(out, left);
		} else {
			buf_add(out, line.p + i, blanks - i);
		}
		used = left + columns(word);
		if (used > width && left < width)
			used = indent + add_word(out, word, width - left, width - indent, indent);
		else
			buf_add(out, word.p, word.n);
		i = end;
	}
}

/* ---- a line and the marks under it ------------------------------------------------------------------------------------- */

/* Blanks, then one or more '^'. */
static bool is_mark(struct str s)
{
	size_t i = 0;
	while (i < s.n && s.p[i] == ' ') i++;
	const size_t blanks = i;
	while (i < s.n && s.p[i] == '^') i++;
	return i == s.n && i > blanks;
}

static size_t skip_columns(struct str s, size_t n)
{
	size_t at = 0;
	for (size_t column = 0; at < s.n && column < n; column++)
		for (at++; at < s.n && !begins_character(s.p[at]);) at++;
	return at;
}

/* What of the line fits around the mark, and the mark under it: wrapped, it would stand under something else. */
static void add_marked(struct buf *out, struct str line, struct str mark, size_t width)
{
	const size_t blanks = mark.n - (size_t)(mark.p + mark.n - (const char *)memchr(mark.p, '^', mark.n));
	const size_t behind = width / 4; /* columns to show there */
	size_t from = mark.n + behind > width ? mark.n + behind - width : 0;
	if (from > blanks) from = blanks;
	if (from + width > columns(line) && columns(line) > width) from = columns(line) - width;
	const size_t start = skip_columns(line, from > 0 ? from + 1 : 0);
	const struct str rest = {line.p + start, line.n - start};
	const bool more = columns(rest) + (from > 0) > width;
	if (from > 0) buf_str(out, "…");
	buf_add(out, rest.p, more ? skip_columns(rest, width - 1 - (from > 0)) : rest.n);
	buf_str(out, more ? "…\n" : "\n");
	const size_t room = width - (blanks - from), marks = mark.n - blanks;
	for (size_t k = from; k < blanks; k++) buf_char(out, ' ');
	for (size_t k = 0; k < marks && k < room; k++) buf_char(out, '^');
}

static struct str next_line(struct str text, size_t at)
{
	if (at >= text.n) return (struct str){text.p + text.n, 0};
	const char *newline = memchr(text.p + at, '\n', text.n - at);
	return (struct str){text.p + at, newline != NULL ? (size_t)(newline - text.p) - at : text.n - at};
}

void terminal_wrap(struct buf *out, struct str text, size_t width)
{
	for (size_t at = 0; at < text.n;) {
		const struct str line = next_line(text, at), after = next_line(text, at + line.n + 1);
		at += line.n + 1;
		if (width == 0 || columns(line) <= width) {
			buf_add(out, line.p, line.n);
		} else if (is_mark(after)) {
			add_marked(out, line, after, width);
			at += after.n + 1;
		} else {
			wrap_line(out, line, width);
		}
		if (at <= text.n) buf_char(out, '\n');
	}
}
