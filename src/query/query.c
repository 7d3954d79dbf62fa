/* query/query.c: one statement from its text to its rows.
 *
 * That nothing is written rests on four things, each of which would do: the first word must be a query's, DuckDB must take the
 * statement for one, it may open the snapshot's files only (for reading: they are not in a folder it may write to), and its
 * configuration is locked.
 */
#include "query/query.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "base/time.h"
#include "io/utf8.h"
#include "query/query_int.h"

enum { WATCH_MS = 20, PIECE_BYTES = 1 << 16, SPILL_NAME_MAX = SCRATCH_FOLDER_MAX + 16 };

struct query {
	void (*stuck)(void);
	struct engine_library *library;
	struct catalog catalog;
	int threads;
	struct scratch scratch; /* what DuckDB spills, and Parquet results */
};

static status open_parts(struct query *q, const struct query_opts *o, struct err *err)
{
	TRY(engine_library_open(o->library, &q->library, err));
	TRY(catalog_open(&q->catalog, o, err));
	return scratch_open(&q->scratch, err);
}

status query_open(const struct query_opts *o, struct query **out, struct err *err)
{
	ASSERT(o->picture == NULL || (o->version < 0 && o->at_ms == INT64_MIN));
	struct query *q = mem_zalloc(1, sizeof *q);
	if (q == NULL) return fail_nomem(err);
	q->threads = o->threads;
	q->stuck = o->stuck;
	const status code = open_parts(q, o, err);
	if (code == OK)
		*out = q;
	else
		query_close(q);
	return code;
}

void query_close(struct query *q)
{
	if (q == NULL) return;
	catalog_close(&q->catalog);
	engine_library_close(q->library);
	scratch_close(&q->scratch);
	mem_free(q);
}

status query_tables(struct query *q, query_table_visit visit, void *arg, struct err *err)
{
	for (size_t i = 0; i < q->catalog.n; i++)
		TRY(visit(arg, q->catalog.items[i].schema, q->catalog.items[i].name, err));
	return OK;
}

status query_library(const char *path, char version[QUERY_VERSION_MAX], struct err *err)
{
	struct engine_library *l = NULL;
	TRY(engine_library_open(path, &l, err));
	(void)snprintf(version, QUERY_VERSION_MAX, "%s", engine_library_version(l));
	engine_library_close(l);
	return OK;
}

/* ---- cancelling ---- */

struct watch {
	struct query *query;
	struct engine *engine;
	pthread_t thread;
	pthread_mutex_t lock; /* guards done */
	pthread_cond_t changed;
	bool started, done;
	int64_t deadline_us; /* monotonic; 0: none */
	int64_t asked_us;    /* monotonic; the first interrupt of a cancel; 0: none yet */
	bool late;           /* it was interrupted for that */
};

/* DuckDB may wait for its own threads where no interrupt reaches it (2.0: while it gives up a file that it writes), or take an interrupt for
 * done that nobody heard. */
static void watch_interrupt(struct watch *w)
{
	engine_interrupt(w->engine);
	if (!cancel_requested() || w->query->stuck == NULL) return;
	const int64_t now = time_mono_us();
	if (w->asked_us == 0) w->asked_us = now;
	if (now - w->asked_us < QUERY_STUCK_MS * INT64_C(1000)) return;
	scratch_close(&w->query->scratch);
	w->query->stuck();
}

/* DuckDB's calls do not return before they have rows, so a second thread looks at the cancel flag meanwhile. */
static void *watch_main(void *arg)
{
	struct watch *w = arg;
	(void)pthread_mutex_lock(&w->lock);
	while (!w->done) {
		struct timespec until;
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += WATCH_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		(void)pthread_cond_timedwait(&w->changed, &w->lock, &until);
		w->late = w->late || (w->deadline_us > 0 && time_mono_us() > w->deadline_us);
		if (!w->done && (cancel_requested() || w->late)) watch_interrupt(w);
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

static status watch_start(struct watch *w, struct query *q, struct engine *e, int timeout_ms, struct err *err)
{
	pthread_condattr_t attr;
	*w = (struct watch){.query = q, .engine = e};
	if (timeout_ms > 0) w->deadline_us = time_mono_us() + (int64_t)timeout_ms * 1000;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	const int failed = pthread_create(&w->thread, NULL, watch_main, w);
	w->started = failed == 0;
	return failed == 0 ? OK : fail_errno(err, failed, "cannot start a thread");
}

static void watch_stop(struct watch *w)
{
	(void)pthread_mutex_lock(&w->lock);
	w->done = true;
	(void)pthread_cond_signal(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
	if (w->started) (void)pthread_join(w->thread, NULL);
	(void)pthread_cond_destroy(&w->changed);
	(void)pthread_mutex_destroy(&w->lock);
}

/* ---- reading only ---- */

static status refuse(struct str word, struct err *err)
{
	return fail(err, E_USAGE,
		"pqr sql only reads: expected SELECT, FROM, WITH, VALUES, DESCRIBE, SHOW, SUMMARIZE, PIVOT or EXPLAIN "
		"of a "
		"query, found '%.*s'",
		(int)(word.n < 40 ? word.n : 40), word.p);
}

/* Functions that set DuckDB up rather than read. They take effect with the next statement only, and an engine has none. */
static status check_functions(struct str sql, struct err *err)
{
	static const char *const names[] = {"enable_logging", "enable_profiling"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (sql_contains(sql, names[i])) return fail(err, E_USAGE, "pqr sql only reads: not %s", names[i]);
	}
	return OK;
}

/* The first statement of the text, without its ';', when it is the only one and looks like a query. */
static status check_text(struct str sql, struct sql_text *text, struct err *err)
{
	if (memchr(sql.p, '\0', sql.n) != NULL) return fail(err, E_USAGE, "the statement holds a NUL byte");
	if (!utf8_valid(sql.p, sql.n)) return fail(err, E_USAGE, "the statement is no UTF-8");
	const size_t end = query_statement_end(sql);
	if (end > 0) {
		if (!query_blank((struct str){sql.p + end, sql.n - end}))
			return fail(err, E_USAGE, "pqr sql takes one statement at a time: there is text after the ';'");
		sql.n = end - 1;
	}
	*text = sql_classify(sql);
	if (text->kind == SQL_EMPTY) return fail(err, E_USAGE, "there is no statement");
	if (text->kind == SQL_OTHER) return refuse(text->word, err);
	TRY(check_functions(sql, err));
	if (text->kind == SQL_EXPLAIN && text->inner_kind != SQL_QUERY) return refuse(text->inner_word, err);
	return OK;
}

static status prepare(struct engine *e, const struct sql_text *text, struct err *err)
{
	enum engine_kind kind;
	if (text->kind == SQL_EXPLAIN) {
		TRY(engine_prepare(e, text->inner, &kind, err));
		if (kind != ENGINE_QUERY) return refuse(text->inner_word, err);
	}
	TRY(engine_prepare(e, text->whole, &kind, err));
	const bool ok = text->kind == SQL_EXPLAIN ? kind == ENGINE_EXPLAIN : kind == ENGINE_QUERY;
	return ok ? OK : refuse(text->word, err);
}

/* ---- running ---- */

/* *rows grows by what was sent. */
static status send_chunks(struct engine *e, struct output *out, int64_t *rows, struct err *err)
{
	struct q_chunk chunk;
	do {
		TRY(query_cancel_check(err));
		TRY(engine_next(e, &chunk, err));
		TRY(output_add(out, &chunk, err));
		*rows += (int64_t)chunk.n_rows;
	} while (chunk.n_rows > 0);
	return output_finish(out, *rows, err);
}

static status send_rows(struct engine *e, const struct query_output *to, bool plain, int64_t *rows, struct err *err)
{
	struct q_result result;
	struct output *out = NULL;
	TRY(engine_run(e, &result, err));
	TRY(output_create(to, &result, plain, &out, err));
	*rows = 0;
	const status code = send_chunks(e, out, rows, err);
	output_destroy(out);
	return code;
}

static status send_pieces(int fd, const char *path, const struct query_output *to, uint8_t *piece, struct err *err)
{
	ASSERT(fd >= 0);
	for (;;) {
		const ssize_t n = read(fd, piece, PIECE_BYTES);
		if (n == 0) return OK;
		if (n < 0 && errno != EINTR) return fail_errno(err, errno, "cannot read %s", path);
		if (n > 0) TRY(to->sink(to->arg, piece, (size_t)n, err));
	}
}

static status send_file(const char *path, const struct query_output *to, struct err *err)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return fail_errno(err, errno, "cannot read %s", path);
	uint8_t *piece = mem_alloc(PIECE_BYTES);
	const status code = piece != NULL ? send_pieces(fd, path, to, piece, err) : fail_nomem(err);
	(void)close(fd);
	mem_free(piece);
	return code;
}

/* The statement was prepared alone before, so it can't end the parentheses early; a comment at its end ends with the line. */
static status send_parquet(
	struct query *q, struct engine *e, const struct sql_text *text, const struct query_output *to, struct err *err)
{
	char path[SPILL_NAME_MAX];
	struct buf copy;
	const bool inner = text->catalog; /* COPY takes these in a FROM only */
	(void)snprintf(path, sizeof path, "%s/result.parquet", q->scratch.folder);
	buf_init(&copy, 0);
	buf_str(&copy, inner ? "COPY (SELECT * FROM (\n" : "COPY (\n");
	buf_add(&copy, text->whole.p, text->whole.n);
	buf_str(&copy, inner ? "\n)) TO " : "\n) TO ");
	sql_quote(&copy, '\'', str_of(path));
	buf_str(&copy, " (FORMAT parquet, COMPRESSION zstd)");
	const status made = engine_exec(e, &copy, err);
	const status code = made == OK ? send_file(path, to, err) : made;
	(void)unlink(path);
	buf_deinit(&copy);
	return code;
}

/* *rows as struct query_result has it. */
static status run_watched(struct query *q, struct engine *e, const struct sql_text *text, const struct query_output *to,
	int64_t *rows, struct err *err)
{
	const bool parquet = to->format == QUERY_PARQUET;
	TRY(catalog_load(&q->catalog, e, text->whole, parquet ? q->scratch.folder : NULL, err));
	TRY(catalog_explain(&q->catalog, text->whole, prepare(e, text, err), err));
	TRY(query_cancel_check(err));
	*rows = -1;
	if (!parquet) return send_rows(e, to, text->kind == SQL_EXPLAIN, rows, err);
	if (text->kind == SQL_EXPLAIN)
		return fail(err, E_USAGE, "EXPLAIN has no Parquet form: take table, csv or json");
	return send_parquet(q, e, text, to, err);
}

static status run_in(struct query *q, struct engine *e, const struct sql_text *text, const struct query_output *to,
	int64_t *rows, struct err *err)
{
	struct watch watch;
	const status started = watch_start(&watch, q, e, 0, err);
	const status code = started == OK ? run_watched(q, e, text, to, rows, err) : started;
	watch_stop(&watch);
	return code;
}

status query_run(
	struct query *q, struct str sql, const struct query_output *to, struct query_result *out, struct err *err)
{
	struct engine *e = NULL;
	struct sql_text text = {0};
	char spill[SPILL_NAME_MAX];
	struct query_result result = {0};
	ASSERT(to->sink != NULL);
	ASSERT(to->width >= 0 && to->rows_max >= 0);
	const int64_t start = time_mono_us();
	TRY(check_text(sql, &text, err));
	(void)snprintf(spill, sizeof spill, "%s/spill", q->scratch.folder);
	TRY(engine_open(q->library, q->threads, spill, &e, err));
	const status code = run_in(q, e, &text, to, &result.rows, err);
	engine_close(e);
	(void)rmdir(spill);
	result.us = time_mono_us() - start;
	if (code == OK) *out = result;
	return code;
}

/* ---- rows, one at a time ---- */

struct each {
	struct query *q;
	struct engine *e;
	const struct query_select *s;
	const struct q_type *types;
	struct query_cell *cells; /* [n] */
	size_t *ends;             /* [n] of the texts in text */
	size_t n;
	struct buf text;
};

static status each_row(struct each *x, const struct q_chunk *chunk, size_t row, struct err *err)
{
	buf_reset(&x->text);
	for (size_t i = 0; i < x->n; i++) {
		if (q_valid(&chunk->columns[i], row)) value_text(&x->text, &chunk->columns[i], row);
		x->ends[i] = x->text.n;
	}
	TRY(buf_check(&x->text, err));
	for (size_t i = 0; i < x->n; i++) {
		const size_t from = i > 0 ? x->ends[i - 1] : 0;
		const char *p = x->text.p != NULL ? (const char *)x->text.p + from : "";
		x->cells[i].text =
			q_valid(&chunk->columns[i], row) ? (struct str){p, x->ends[i] - from} : (struct str){NULL, 0};
	}
	return x->s->visit(x->s->arg, x->cells, x->n, err);
}

static status each_chunk(struct each *x, struct err *err)
{
	struct q_chunk chunk;
	do {
		TRY(query_cancel_check(err));
		TRY(engine_next(x->e, &chunk, err));
		for (size_t row = 0; row < chunk.n_rows; row++) TRY(each_row(x, &chunk, row, err));
	} while (chunk.n_rows > 0);
	return OK;
}

static status each_result(struct each *x, const struct q_result *result, struct arena *arena, struct err *err)
{
	x->n = result->n_columns;
	x->types = result->types;
	x->cells = ARENA_ZNEW(arena, struct query_cell, x->n + 1);
	x->ends = ARENA_ZNEW(arena, size_t, x->n + 1);
	if (x->cells == NULL || x->ends == NULL) return fail_nomem(err);
	for (size_t i = 0; i < x->n; i++)
		x->cells[i] = (struct query_cell){.name = result->names[i], .type = value_type_name(&result->types[i])};
	if (x->s->head != NULL) TRY(x->s->head(x->s->arg, x->cells, x->n, err));
	return each_chunk(x, err);
}

static status each_watched(struct each *x, const struct sql_text *text, struct err *err)
{
	struct q_result result;
	struct arena arena;
	TRY(catalog_load(&x->q->catalog, x->e, text->whole, NULL, err));
	engine_values(x->e, x->s->params, x->s->n_params);
	TRY(catalog_explain(&x->q->catalog, text->whole, prepare(x->e, text, err), err));
	TRY(engine_run(x->e, &result, err));
	arena_init(&arena, 0);
	buf_init(&x->text, 0);
	const status code = each_result(x, &result, &arena, err);
	buf_deinit(&x->text);
	arena_deinit(&arena);
	return code;
}

static status each_in(struct each *x, const struct sql_text *text, struct err *err)
{
	struct watch watch;
	const status started = watch_start(&watch, x->q, x->e, x->s->timeout_ms, err);
	const status code = started == OK ? each_watched(x, text, err) : started;
	watch_stop(&watch);
	if (code == OK || !watch.late) return code;
	const status late =
		fail(err, E_LIMIT, "the query took longer than %d s, and was ended", x->s->timeout_ms / 1000);
	err_set_class(err, ERR_RETRY);
	return late;
}

status query_each(struct query *q, const struct query_select *s, struct err *err)
{
	struct each x = {.q = q, .s = s};
	struct sql_text text = {0};
	char spill[SPILL_NAME_MAX];
	ASSERT(s->visit != NULL);
	TRY(check_text(s->sql, &text, err));
	(void)snprintf(spill, sizeof spill, "%s/spill", q->scratch.folder);
	TRY(engine_open(q->library, q->threads, spill, &x.e, err));
	const status code = each_in(&x, &text, err);
	engine_close(x.e);
	(void)rmdir(spill);
	return code;
}
