/* cli/terminal.c: the width and colours of standard output, and text broken to fit. Must not know what is told.
 *
 * Invariant: where standard output is no terminal, bytes are the same whatever the environment says, so that scripts can rely on them.
 */
#include "cli/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

size_t terminal_width(void)
{
	struct winsize size;
	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
	return size.ws_col;
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

static void wrap_line(struct buf *out, struct str line, size_t width)
{
	size_t lead, used = 0, i = 0;
	const size_t indent = hanging(line, width, &lead);
	while (i < line.n) {
		size_t blanks = i;
		while (blanks < line.n && line.p[blanks] == ' ') blanks++;
		size_t end = blanks;
		while (end < line.n && line.p[end] != ' ') end++;
		const size_t word = columns((struct str){line.p + blanks, end - blanks});
		if (used > lead && used + (blanks - i) + word > width) {
			const size_t left = indent + word <= width ? indent : lead;
			buf_char(out, '\n');
			for (size_t k = 0; k < left; k++) buf_char(out, ' ');
			used = left;
		} else {
			buf_add(out, line.p + i, blanks - i);
			used += blanks - i;
		}
		buf_add(out, line.p + blanks, end - blanks);
		used += word;
		i = end;
	}
}

void terminal_wrap(struct buf *out, struct str text, size_t width)
{
	for (size_t at = 0; at < text.n;) {
		const char *newline = memchr(text.p + at, '\n', text.n - at);
		const size_t n = newline != NULL ? (size_t)(newline - text.p) - at : text.n - at;
		const struct str line = {text.p + at, n};
		if (width == 0 || columns(line) <= width)
			buf_add(out, line.p, line.n);
		else
			wrap_line(out, line, width);
		if (newline != NULL) buf_char(out, '\n');
		at += n + 1;
	}
}
