/* cli/sql_prompt.c: line editing, history and completion for `pqr sql`, by libedit. The only file that includes it. */
#include <ctype.h>
#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/thread.h"
#include "cli/cli.h"
#include "cli/signals.h"
#include "cli/sql.h"

enum { HISTORY_LINES_MAX = 1000, HISTORY_PATH_MAX = 4096, WORDS_MAX = 1 << 14, CANCEL_POLL_MS = 50 };

struct prompt {
	struct sql_shell *shell;
	EditLine *line;
	History *history;
	char history_file[HISTORY_PATH_MAX]; /* "" = not kept */
	struct arena arena;
	const char **words; /* for completion, read at the first Tab; sorted */
	size_t n_words;
	bool words_read;
};

/* ---- history ---- */

/* ${XDG_STATE_HOME:-~/.local/state}/pqr/sql_history, its folders made. Without a home there is no history. */
static void history_find(char dst[HISTORY_PATH_MAX])
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n = -1;
	if (state != NULL && state[0] != '\0')
		n = snprintf(dst, HISTORY_PATH_MAX, "%s/pqr/sql_history", state);
	else if (home != NULL && home[0] != '\0')
		n = snprintf(dst, HISTORY_PATH_MAX, "%s/.local/state/pqr/sql_history", home);
	if (n < 0 || n >= HISTORY_PATH_MAX) {
		dst[0] = '\0';
		return;
	}
	for (char *slash = strchr(dst + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(dst, 0700);
		*slash = '/';
	}
}

static void history_open(struct prompt *p)
{
	HistEvent event;
	p->history = history_init();
	if (p->history == NULL) return;
	(void)history(p->history, &event, H_SETSIZE, HISTORY_LINES_MAX);
	(void)history(p->history, &event, H_SETUNIQUE, 1);
	history_find(p->history_file);
	if (p->history_file[0] != '\0') (void)history(p->history, &event, H_LOAD, p->history_file);
	(void)el_set(p->line, EL_HIST, history, p->history);
}

/* After each statement, so that a killed terminal loses nothing. Statements may hold what is nobody else's business: 0600. */
static void history_add(struct prompt *p, const char *text)
{
	HistEvent event;
	if (p->history == NULL || text[0] == '\0' || history(p->history, &event, H_ENTER, text) < 0) return;
	if (p->history_file[0] == '\0') return;
	const mode_t before = umask(077);
	(void)history(p->history, &event, H_SAVE, p->history_file);
	(void)umask(before);
	(void)chmod(p->history_file, 0600);
}

/* ---- completion ---- */

static int word_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_word(struct prompt *p, const char *text, size_t n)
{
	const char *copy = p->n_words < WORDS_MAX ? arena_strndup(&p->arena, text, n) : NULL;
	if (copy != NULL) p->words[p->n_words++] = copy;
}

static status add_table(void *arg, const char *layer, const char *name, struct err *err)
{
	struct prompt *p = arg;
	const char *full = arena_printf(&p->arena, "%s.%s", layer, name);
	(void)err;
	if (full != NULL) add_word(p, full, strlen(full));
	add_word(p, name, strlen(name));
	return OK;
}

static status collect(void *arg, const void *bytes, size_t n, struct err *err)
{
	buf_add(arg, bytes, n);
	return buf_check(arg, err);
}

/* Column names, from the catalog: a name a line. */
static void add_columns(struct prompt *p)
{
	struct buf names;
	struct query_result result;
	buf_init(&names, 1 << 20);
	const struct query_output to = {.format = QUERY_CSV, .sink = collect, .arg = &names};
	if (query_run(p->shell->query,
		    STR("SELECT DISTINCT column_name FROM information_schema.columns WHERE table_schema NOT IN "
			"('information_schema', 'pg_catalog', 'main')"),
		    &to, &result, NULL) == OK) {
		const char *at = (const char *)names.p, *end = at + names.n;
		for (bool header = true; at < end; header = false) {
			const char *newline = memchr(at, '\n', (size_t)(end - at));
			if (newline == NULL) break;
			if (!header) add_word(p, at, (size_t)(newline - at));
			at = newline + 1;
		}
	}
	buf_deinit(&names);
}

static void read_words(struct prompt *p)
{
	static const char *const keywords[] = {"SELECT", "FROM", "WHERE", "GROUP", "ORDER", "LIMIT", "HAVING",
		"DISTINCT", "JOIN", "LEFT", "USING", "UNION", "WITH", "DESCRIBE", "SUMMARIZE", "EXPLAIN", "ANALYZE",
		"PIVOT", "BETWEEN", "ILIKE", "CAST", "COUNT", "INTERVAL", "TIMESTAMP", "OVER", "PARTITION", "QUALIFY",
		"SHOW", ".tables", ".schema", ".timing", ".format", ".help", ".quit"};
	p->words_read = true;
	p->words = ARENA_NEW(&p->arena, const char *, WORDS_MAX);
	if (p->words == NULL) return;
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) add_word(p, keywords[i], strlen(keywords[i]));
	if (query_tables(p->shell->query, add_table, p, NULL) != OK) return;
	add_columns(p);
	qsort(p->words, p->n_words, sizeof *p->words, word_cmp);
	size_t n = 0;
	for (size_t i = 0; i < p->n_words; i++) {
		if (n == 0 || strcmp(p->words[n - 1], p->words[i]) != 0) p->words[n++] = p->words[i];
	}
	p->n_words = n;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* Complete the word before the cursor as far as its continuations agree; where they do not, list them. */
static unsigned char complete(EditLine *line, int key)
{
	struct prompt *p = NULL;
	(void)key;
	if (el_get(line, EL_CLIENTDATA, &p) != 0 || p == NULL) return CC_ERROR;
	if (!p->words_read) read_words(p);
	const LineInfo *info = el_line(line);
	const char *start = info->cursor;
	while (start > info->buffer && is_word(start[-1])) start--;
	const size_t n = (size_t)(info->cursor - start);
	const char *first = NULL;
	size_t common = 0, hits = 0;
	for (size_t i = 0; n > 0 && i < p->n_words; i++) {
		const char *word = p->words[i];
		if (strncasecmp(word, start, n) != 0) continue;
		if (hits++ == 0) {
			first = word;
			common = strlen(word);
		}
		size_t k = n;
		while (k < common && tolower((unsigned char)word[k]) == tolower((unsigned char)first[k])) k++;
		common = k;
	}
	if (hits == 0) return CC_ERROR;
	if (common > n) {
		char rest[256];
		(void)snprintf(rest, sizeof rest, "%.*s", (int)(common - n), first + n);
		return el_insertstr(line, rest) == 0 ? CC_REFRESH : CC_ERROR;
	}
	if (hits == 1) return CC_ERROR;
	(void)printf("\n");
	for (size_t i = 0; i < p->n_words; i++) {
		if (strncasecmp(p->words[i], start, n) == 0) (void)printf("%s  ", p->words[i]);
	}
	(void)printf("\n");
	(void)fflush(stdout);
	return CC_REDISPLAY;
}

/* ---- lines ---- */

static const char *prompt_text(EditLine *line)
{
	struct prompt *p = NULL;
	if (el_get(line, EL_CLIENTDATA, &p) != 0 || p == NULL) return "pqr> ";
	return p->shell->text.n > 0 ? "...> " : "pqr> ";
}

static void tell(status code, const struct err *err)
{
	char text[CLI_ERROR_CHARS];
	if (code == E_CANCELLED)
		(void)fprintf(stderr, "cancelled\n");
	else
		(void)fprintf(stderr, "%s\n", cli_error_text(err, text));
}

/* Ctrl-C ended a statement or a line, not the prompt. */
static void answered(void)
{
	cancel_reset();
	cli_signals_answered();
}

/* The history has whole statements on one line; but a comment to the end of a line ends an entry with it. */
static status take_line(struct prompt *p, struct buf *entry, struct str line)
{
	struct err err;
	err_clear(&err);
	const bool begun = p->shell->text.n > 0;
	if (!begun) buf_reset(entry);
	if (entry->n > 0) buf_char(entry, ' ');
	buf_add(entry, line.p, line.n);
	const status code = sql_feed(p->shell, line, &err);
	if (p->shell->text.n == 0 || memmem(line.p, line.n, "--", 2) != NULL) {
		buf_char(entry, '\0');
		if (!entry->failed) history_add(p, (const char *)entry->p);
		buf_reset(entry);
	}
	if (code != OK) tell(code, &err);
	answered();
	return OK;
}

/* A character for the editor: 1, 0 at the end, -1 at an error or Ctrl-C (EINTR). A signal that comes just before a blocking
 * read would wait for the next key, so this waits in short turns and asks. */
static int read_char(EditLine *line, wchar_t *dst)
{
	mbstate_t state = {0};
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	(void)line;
	for (;;) {
		char byte;
		if (cancel_requested()) {
			errno = EINTR;
			return -1;
		}
		if (poll(&in, 1, CANCEL_POLL_MS) <= 0) continue;
		const ssize_t n = read(STDIN_FILENO, &byte, 1);
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) return (int)n;
		const size_t taken = mbrtowc(dst, &byte, 1, &state);
		if (taken == (size_t)-2) continue; /* more bytes to come */
		if (taken != (size_t)-1) return 1;
		state = (mbstate_t){0}; /* no character of this locale: left out */
	}
}

/* The terminal hands over single keys before the prompt is shown, not only when the editor first reads: what is typed at once
 * would be echoed by the terminal, and Ctrl-C answered by it. */
static const char *read_line(struct prompt *p, int *n)
{
	(void)el_set(p->line, EL_PREP_TERM, 1);
	errno = 0;
	return el_gets(p->line, n);
}

static status read_lines(struct prompt *p, struct err *err)
{
	struct buf entry; /* the statement so far, on one line */
	status code = OK;
	buf_init(&entry, 1 << 20);
	while (code == OK && !p->shell->quit) {
		int n = 0;
		const char *line = read_line(p, &n);
		if (line != NULL && n > 0) {
			const size_t length = (size_t)n - (line[n - 1] == '\n');
			if (length > 0 || p->shell->text.n > 0) code = take_line(p, &entry, (struct str){line, length});
		} else if (cancel_requested()) { /* Ctrl-C at the prompt: begin again */
			answered();
			buf_reset(&p->shell->text);
			buf_reset(&entry);
			el_reset(p->line);
			(void)printf("\n");
		} else if (n < 0 && errno == EINTR) {
			el_reset(p->line);
		} else {
			(void)printf("\n");
			break;
		}
	}
	buf_deinit(&entry);
	(void)err;
	return code;
}

status sql_prompt(struct sql_shell *shell, struct err *err)
{
	struct prompt p = {.shell = shell};
	shell->prompt = true;
	arena_init(&p.arena, 0);
	/* Characters of several bytes are edited whole only in a locale that knows them. */
	if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1) (void)setlocale(LC_CTYPE, "C.UTF-8");
	p.line = el_init("pqr", stdin, stdout, stderr);
	if (p.line == NULL) return fail(err, E_IO, "cannot use this terminal; pipe statements into pqr sql instead");
	(void)el_set(p.line, EL_CLIENTDATA, &p);
	(void)el_set(p.line, EL_PROMPT, prompt_text);
	(void)el_set(p.line, EL_GETCFN, read_char);
	(void)el_set(p.line, EL_EDITOR, "emacs");
	/* At Ctrl-C the terminal would signal first and then throw away what it has to show: the prompt that answers it. */
	(void)el_set(p.line, EL_SETTY, "-d", "+noflsh", NULL);
	(void)el_set(p.line, EL_SETTY, "-x", "+noflsh", NULL);
	(void)el_set(p.line, EL_ADDFN, "pqr-complete", "complete names", complete);
	(void)el_set(p.line, EL_BIND, "\t", "pqr-complete", NULL);
	(void)el_source(p.line, NULL); /* ~/.editrc */
	history_open(&p);
	(void)printf("SQL over the lake's tables. .help lists commands, .quit leaves.\n");
	const status code = read_lines(&p, err);
	if (p.history != NULL) history_end(p.history);
	el_end(p.line);
	arena_deinit(&p.arena);
	return code;
}
