/* query/lexer.c: SQL text as far as it must be known without DuckDB: where a statement ends, and what its first words are.
 *
 * DuckDB parses every statement itself afterwards; a text that both read differently is refused there.
 */
#include <ctype.h>
#include <strings.h>

#include "query/query_int.h"

struct lexer {
	const char *p, *end;
	bool open; /* the text ended inside a quote or comment */
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Past the closing quote; a doubled quote is one of the text, and in E'…' a backslash takes the next byte with it. */
static void skip_quoted(struct lexer *l, char quote, bool escapes)
{
	for (l->p++; l->p < l->end; l->p++) {
		if (escapes && *l->p == '\\' && l->p + 1 < l->end) {
			l->p++;
		} else if (*l->p == quote) {
			if (l->p + 1 == l->end || l->p[1] != quote) {
				l->p++;
				return;
			}
			l->p++;
		}
	}
	l->open = true;
}

/* $tag$ … $tag$; a '$' that starts no tag is passed over alone. */
static void skip_dollar(struct lexer *l)
{
	const char *tag = l->p++;
	while (l->p < l->end && is_word(*l->p)) l->p++;
	if (l->p == l->end || *l->p != '$' || isdigit((unsigned char)tag[1])) return;
	const size_t n = (size_t)(++l->p - tag);
	for (; l->p < l->end; l->p++) {
		if ((size_t)(l->end - l->p) >= n && memcmp(l->p, tag, n) == 0) {
			l->p += n;
			return;
		}
	}
	l->open = true;
}

static bool starts(const struct lexer *l, const char *what)
{
	const size_t n = strlen(what);
	return (size_t)(l->end - l->p) >= n && memcmp(l->p, what, n) == 0;
}

/* Block comments nest. */
static void skip_comment(struct lexer *l)
{
	if (starts(l, "--")) {
		while (l->p < l->end && *l->p != '\n') l->p++;
		return;
	}
	size_t depth = 0;
	do {
		if (starts(l, "/*")) {
			depth++;
			l->p += 2;
		} else if (starts(l, "*/")) {
			depth--;
			l->p += 2;
		} else {
			l->p++;
		}
	} while (depth > 0 && l->p < l->end);
	l->open = l->open || depth > 0;
}

static void skip_blanks(struct lexer *l)
{
	while (l->p < l->end) {
		if (isspace((unsigned char)*l->p))
			l->p++;
		else if (starts(l, "\xef\xbb\xbf")) /* byte order mark */
			l->p += 3;
		else if (starts(l, "--") || starts(l, "/*"))
			skip_comment(l);
		else
			return;
	}
}

/* One token, after skip_blanks: a word, a quoted text, or a byte. */
static struct str next_token(struct lexer *l)
{
	const char *start = l->p;
	if ((*start == 'e' || *start == 'E') && l->p + 1 < l->end && l->p[1] == '\'') {
		l->p++;
		skip_quoted(l, '\'', true);
	} else if (*start == '\'' || *start == '"') {
		skip_quoted(l, *start, false);
	} else if (*start == '$') {
		skip_dollar(l);
	} else if (is_word(*start)) {
		while (l->p < l->end && (is_word(*l->p) || *l->p == '$')) l->p++;
	} else {
		l->p++;
	}
	return (struct str){start, (size_t)(l->p - start)};
}

size_t query_statement_end(struct str text)
{
	struct lexer l = {text.p, text.p + text.n, false};
	for (skip_blanks(&l); l.p < l.end && !l.open; skip_blanks(&l)) {
		const struct str token = next_token(&l);
		if (str_is(token, ";")) return (size_t)(l.p - text.p);
	}
	return 0;
}

bool query_blank(struct str text)
{
	struct lexer l = {text.p, text.p + text.n, false};
	for (skip_blanks(&l); l.p < l.end && *l.p == ';'; skip_blanks(&l)) l.p++;
	return l.p == l.end;
}

static bool word_in(struct str word, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (strlen(*words) == word.n && strncasecmp(word.p, *words, word.n) == 0) return true;
	}
	return false;
}

/* What DuckDB turns into a SELECT, and nothing that has another form which is none. */
static enum sql_kind kind_of(struct str word)
{
	static const char *const queries[] = {"select", "from", "with", "values", "table", "describe", "desc", "show",
		"summarize", "pivot", "pivot_wider", "unpivot", "pivot_longer", NULL};
	static const char *const explain[] = {"explain", NULL};
	if (word.n == 0) return SQL_EMPTY;
	return word_in(word, queries) ? SQL_QUERY : word_in(word, explain) ? SQL_EXPLAIN : SQL_OTHER;
}

/* The first token that is no '('. */
static struct str first_word(struct lexer *l)
{
	struct str token = {l->p, 0};
	for (skip_blanks(l); l->p < l->end; skip_blanks(l)) {
		token = next_token(l);
		if (!str_is(token, "(")) return token;
	}
	return (struct str){l->p, 0};
}

static void skip_parentheses(struct lexer *l)
{
	size_t depth = 0;
	do {
		const struct str token = next_token(l);
		if (str_is(token, "(")) depth++;
		if (str_is(token, ")")) depth--;
		skip_blanks(l);
	} while (depth > 0 && l->p < l->end && !l->open);
}

/* EXPLAIN [ANALYZE | VERBOSE] [(option, …)] statement. A '(' with a query behind it begins the statement. */
static struct str explained(struct lexer *l)
{
	static const char *const modifiers[] = {"analyze", "analyse", "verbose", NULL};
	for (skip_blanks(l); l->p < l->end; skip_blanks(l)) {
		struct lexer ahead = *l;
		const struct str token = next_token(&ahead);
		if (word_in(token, modifiers)) {
			*l = ahead;
		} else if (str_is(token, "(")) {
			if (kind_of(first_word(&ahead)) != SQL_OTHER) break;
			skip_parentheses(l);
		} else {
			break;
		}
	}
	return (struct str){l->p, (size_t)(l->end - l->p)};
}

struct sql_text sql_classify(struct str text)
{
	static const char *const catalog[] = {"describe", "desc", "show", "summarize", NULL};
	struct lexer l = {text.p, text.p + text.n, false};
	struct sql_text out = {.whole = text, .word = first_word(&l)};
	if (str_is(out.word, ";")) out.word.n = 0;
	out.kind = kind_of(out.word);
	out.catalog = word_in(out.word, catalog);
	if (out.kind == SQL_EXPLAIN) {
		out.inner = explained(&l);
		struct lexer inner = {out.inner.p, out.inner.p + out.inner.n, false};
		out.inner_word = first_word(&inner);
		out.inner_kind = kind_of(out.inner_word);
	}
	return out;
}

bool sql_contains(struct str text, const char *what)
{
	const size_t n = strlen(what);
	for (size_t i = 0; n > 0 && i + n <= text.n; i++) {
		if (strncasecmp(text.p + i, what, n) == 0) return true;
	}
	return false;
}

static bool goes_on(char a, char b) /* are two bytes beside each other of one word? */
{
	return (is_word(a) || a == '$') && (is_word(b) || b == '$');
}

/* The name's next place in the text at or after `from` where it is a whole word; text.n: none. */
static size_t find_word(struct str text, const char *name, size_t n, size_t from)
{
	for (size_t i = from; i + n <= text.n; i++) {
		if (strncasecmp(text.p + i, name, n) != 0) continue;
		if (i > 0 && goes_on(text.p[i - 1], name[0])) continue;
		if (i + n < text.n && goes_on(name[n - 1], text.p[i + n])) continue;
		return i;
	}
	return text.n;
}

bool sql_mentions(struct str text, const char *name)
{
	const size_t n = strlen(name);
	/* A quote in a name is doubled in a text, once or, in a text within a text, more often. */
	if (strpbrk(name, "\"'") != NULL) return true;
	return n > 0 && find_word(text, name, n, 0) < text.n;
}

bool sql_mentions_bare(struct str text, const char *name)
{
	const size_t n = strlen(name);
	for (size_t i = 0; n > 0 && (i = find_word(text, name, n, i)) < text.n; i += n) {
		size_t before = i, after = i + n;
		if (before > 0 && text.p[before - 1] == '"') before--;
		while (before > 0 && isspace((unsigned char)text.p[before - 1])) before--;
		if (after < text.n && text.p[after] == '"') after++;
		while (after < text.n && isspace((unsigned char)text.p[after])) after++;
		if ((before == 0 || text.p[before - 1] != '.') && (after == text.n || text.p[after] != '.'))
			return true;
	}
	return false;
}

void sql_quote(struct buf *out, char quote, struct str text)
{
	buf_char(out, quote);
	for (const char *p = text.p, *end = text.p + text.n; p < end;) {
		const char *stop = memchr(p, quote, (size_t)(end - p));
		const size_t n = stop != NULL ? (size_t)(stop - p) + 1 : (size_t)(end - p);
		buf_add(out, p, n);
		if (stop != NULL) buf_char(out, quote);
		p += n;
	}
	buf_char(out, quote);
}
