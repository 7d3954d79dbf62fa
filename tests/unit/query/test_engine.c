/* libduckdb behind query_int.h: what its values become against its own casts, where the caret of an error stands, what it takes
 * statements for, and what happens when it or the memory fails. */
#include "check.h"

#include <math.h>

#include "base/alloc.h"
#include "base/time.h"
#include "query/query_int.h"

static struct engine_library *library;

static struct engine *open_engine(void)
{
	struct engine *e;
	struct err err;
	CHECK_OK(&err, engine_open(library, 1, "/nonexistent/spill", &e, &err));
	return e;
}

static status exec(struct engine *e, const char *sql, struct err *err)
{
	struct buf text;
	buf_init(&text, 0);
	buf_str(&text, sql);
	const status code = engine_exec(e, &text, err);
	buf_deinit(&text);
	return code;
}

static status run(struct engine *e, const char *sql, struct q_result *r, struct err *err)
{
	enum engine_kind kind;
	err_clear(err);
	TRY(engine_prepare(e, str_of(sql), &kind, err));
	return engine_run(e, r, err);
}

/* ---- values ---- */

#define SCALARS                                                                                                  \
	"'^(bool|tinyint|smallint|int|bigint|hugeint|uhugeint|utinyint|usmallint|uint|ubigint|bignum|date|time|" \
	"time_ns|timestamp|timestamp_s|timestamp_ms|timestamp_ns|time_tz|timestamp_tz|float|double|dec_4_1|"     \
	"dec_9_4|dec_18_6|dec38_10|uuid|interval|varchar|blob|bit|small_enum|medium_enum|large_enum)$'"

enum { CELLS_MAX = 256, CELL_BYTES = 128 };
struct cells {
	size_t n;
	char text[CELLS_MAX][CELL_BYTES], name[CELLS_MAX][32];
};

static void read_cells(struct engine *e, const char *sql, struct cells *out)
{
	struct q_result r;
	struct q_chunk chunk;
	struct buf text;
	struct err err;
	CHECK_OK(&err, run(e, sql, &r, &err));
	buf_init(&text, 0);
	out->n = 0;
	for (;;) {
		CHECK_OK(&err, engine_next(e, &chunk, &err));
		if (chunk.n_rows == 0) break;
		for (size_t i = 0; i < chunk.n_rows * r.n_columns; i++) {
			const size_t row = i / r.n_columns, column = i % r.n_columns;
			const struct q_vector *v = &chunk.columns[column];
			assert_true(out->n < CELLS_MAX);
			buf_reset(&text);
			if (q_valid(v, row))
				value_text(&text, v, row);
			else
				buf_str(&text, "NULL");
			buf_char(&text, '\0');
			(void)snprintf(out->text[out->n], CELL_BYTES, "%s", (const char *)text.p);
			(void)snprintf(out->name[out->n++], 32, "%s", r.names[column]);
		}
	}
	buf_deinit(&text);
}

/* The least, the greatest and no value of every scalar type, as DuckDB itself has them as text. */
static void values_are_as_duckdb_casts_them(void **state)
{
	(void)state;
	static struct cells ours, theirs;
	struct engine *e = open_engine();
	struct err err;
	CHECK_OK(&err, exec(e, "SET TimeZone = 'UTC'", &err));
	read_cells(e, "SELECT COLUMNS(" SCALARS ") FROM test_all_types()", &ours);
	read_cells(e, "SELECT CAST(COLUMNS(" SCALARS ") AS VARCHAR) FROM test_all_types()", &theirs);
	assert_true(ours.n >= 3 * 30); /* three rows; an old library lacks a type or two */
	CHECK_I64(ours.n, theirs.n);
	for (size_t i = 0; i < ours.n; i++) {
		assert_string_equal(ours.name[i], theirs.name[i]);
		/* DuckDB 1.5 casts the greatest of this type to a millisecond too many */
		if (strcmp(ours.name[i], "timestamp_tz") == 0 && engine_library_version(library)[1] == '1') continue;
		if (strcmp(ours.text[i], theirs.text[i]) != 0)
			fail_msg("%s: DuckDB has %s, we %s", ours.name[i], theirs.text[i], ours.text[i]);
	}
	engine_close(e);
}

/* More rows than a chunk holds, nested, and NULLs all over: nothing is shifted from one chunk into the next. */
static void chunks_follow_each_other(void **state)
{
	(void)state;
	enum { ROWS = 5000 };
	struct engine *e = open_engine();
	struct q_result r;
	struct q_chunk chunk;
	struct buf text;
	struct err err;
	int64_t row = 0, chunks = 0;
	CHECK_OK(&err, run(e,
			       "SELECT range AS n, CASE WHEN range % 7 <> 0 THEN range END AS gap, "
			       "CASE WHEN range % 3 <> 0 THEN [range, NULL, -range] END AS l, "
			       "{'a': 'text number ' || range, 'b': MAP {range: range % 2 = 0}} AS s FROM range(5000)",
			       &r, &err));
	CHECK_I64(r.n_columns, 4);
	buf_init(&text, 0);
	for (;; chunks++) {
		CHECK_OK(&err, engine_next(e, &chunk, &err));
		if (chunk.n_rows == 0) break;
		for (size_t i = 0; i < chunk.n_rows; i++, row++) {
			char want[256], list[64];
			assert_true(q_valid(&chunk.columns[0], i));
			assert_int_equal(q_valid(&chunk.columns[1], i), row % 7 != 0);
			assert_int_equal(q_valid(&chunk.columns[2], i), row % 3 != 0);
			buf_reset(&text);
			for (size_t k = 0; k < 4; k++)
				if (q_valid(&chunk.columns[k], i)) value_text(&text, &chunk.columns[k], i);
			buf_char(&text, '\0');
			const long long n = (long long)row;
			(void)snprintf(list, sizeof list, "[%lld,null,%lld]", n, -n);
			char gap[24] = "";
			if (row % 7 != 0) (void)snprintf(gap, sizeof gap, "%lld", n);
			(void)snprintf(want, sizeof want, "%lld%s%s{\"a\":\"text number %lld\",\"b\":{\"%lld\":%s}}", n,
				gap, row % 3 != 0 ? list : "", n, n, row % 2 == 0 ? "true" : "false");
			assert_string_equal((const char *)text.p, want);
		}
	}
	CHECK_I64(row, ROWS);
	assert_true(chunks > 1);
	buf_deinit(&text);
	engine_close(e);
}

static void types_that_are_not_shown(void **state)
{
	(void)state;
	struct engine *e = open_engine();
	struct q_result r;
	struct buf sql;
	struct err err;
	buf_init(&sql, 0);
	buf_str(&sql, "SELECT 1 AS ok, ");
	for (int i = 0; i < 80; i++) buf_char(&sql, '[');
	buf_char(&sql, '1');
	for (int i = 0; i < 80; i++) buf_char(&sql, ']');
	buf_add(&sql, " AS deep", 9);
	CHECK_FAILS(E_LIMIT, run(e, (const char *)sql.p, &r, &err));
	assert_non_null(strstr(err.message, "column deep is nested over"));
	buf_deinit(&sql);
	CHECK_OK(&err, run(e, "SELECT 1 AS ok", &r, &err)); /* it goes on being of use */
	engine_close(e);
}

/* ---- errors ---- */

/* A statement that DuckDB refuses: the caret below its line stands under this. */
static void check_caret(struct engine *e, const char *sql, int line, const char *under)
{
	enum engine_kind kind;
	struct err err;
	char head[24];
	err_clear(&err);
	CHECK_FAILS(E_USAGE, engine_prepare(e, str_of(sql), &kind, &err));
	(void)snprintf(head, sizeof head, "\nLINE %d: ", line);
	const char *shown = strstr(err.message, head);
	if (shown == NULL) fail_msg("%s: no line %d in: %s", sql, line, err.message);
	const size_t line_n = strcspn(++shown, "\n");
	if (shown[line_n] != '\n') fail_msg("%s: no line of carets: %s", sql, err.message);
	const char *const end = shown + line_n, *const carets = end + 1;
	size_t column = strspn(carets, " ");
	if (carets[column] != '^') fail_msg("%s: no caret: %s", sql, err.message);
	/* columns are characters, not bytes */
	const char *p = shown;
	for (; column > 0 && p < end; column--)
		for (p++; p < end && ((unsigned char)*p & 0xC0) == 0x80;) p++;
	if (strncmp(p, under, strlen(under)) != 0)
		fail_msg("%s: the caret is not under %s: %s", sql, under, err.message);
	if (carets[strspn(carets, " ^")] != '\0') fail_msg("%s: text after the carets: %s", sql, err.message);
	for (const char *first = err.message; first < shown - 1; first++)
		if (*first == '\n') fail_msg("%s: more than a line before the place: %s", sql, err.message);
}

static void carets_stand_under_the_fault(void **state)
{
	(void)state;
	static const struct {
		const char *sql;
		int line;
		const char *under;
	} cases[] = {
		{"SELECT 1 FRM x y", 1, "x y"},
		{"SELECT nope FROM range(3)", 1, "nope"},
		{"SELECT 1,\n  nope FROM range(3)", 2, "nope"},
		{"SELECT 'éñ€', nope FROM range(3)", 1, "nope"},
		{"SELECT\n\n\tnope_function(1)", 3, "nope_function"},
		{"FROM no_such_table", 1, "no_such_table"},
	};
	struct engine *e = open_engine();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_caret(e, cases[i].sql, cases[i].line, cases[i].under);
	/* a fault at the very end has no place in the text, and still a message of one line */
	enum engine_kind kind;
	struct err err;
	err_clear(&err);
	CHECK_FAILS(E_USAGE, engine_prepare(e, STR("SELECT 1 WHERE"), &kind, &err));
	assert_true(strlen(err.message) > 10);
	/* of a long line the place is shown, not all of it */
	struct buf sql;
	buf_init(&sql, 0);
	buf_str(&sql, "SELECT ");
	for (int i = 0; i < 400; i++) buf_str(&sql, "1234567890, ");
	buf_add(&sql, "nope FROM range(3)", 19);
	check_caret(e, (const char *)sql.p, 1, "nope");
	buf_deinit(&sql);
	engine_close(e);
}

static void kinds_of_statements(void **state)
{
	(void)state;
	static const struct {
		const char *sql;
		enum engine_kind kind;
	} cases[] = {
		{"SELECT 1", ENGINE_QUERY},
		{"FROM range(3)", ENGINE_QUERY},
		{"WITH a AS (SELECT 1) FROM a", ENGINE_QUERY},
		{"DESCRIBE SELECT 1", ENGINE_QUERY},
		{"PIVOT (SELECT range AS a, 1 AS b FROM range(3)) ON a USING sum(b)", ENGINE_QUERY},
		{"EXPLAIN SELECT 1", ENGINE_EXPLAIN},
		{"CREATE TABLE t (a INT)", ENGINE_OTHER},
		{"SET threads = 1", ENGINE_OTHER},
	};
	struct engine *e = open_engine();
	enum engine_kind kind;
	struct err err;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK_OK(&err, engine_prepare(e, str_of(cases[i].sql), &kind, &err));
		if (kind != cases[i].kind) fail_msg("%s: kind %d", cases[i].sql, (int)kind);
	}
	CHECK_FAILS(E_USAGE, engine_prepare(e, STR("SELECT 1; SELECT 2"), &kind, &err));
	assert_non_null(strstr(err.message, "one statement at a time"));
	CHECK_FAILS(E_USAGE, engine_prepare(e, STR("SELECT ?"), &kind, &err));
	assert_non_null(strstr(err.message, "parameters"));
	CHECK_FAILS(E_USAGE, engine_prepare(e, STR(""), &kind, &err));
	/* preparing ran nothing */
	CHECK_OK(&err, engine_prepare(e, STR("CREATE TABLE t (a INT)"), &kind, &err));
	CHECK_FAILS(E_USAGE, engine_prepare(e, STR("FROM t"), &kind, &err));
	engine_close(e);
}

static status drain(struct engine *e, int64_t *rows, struct err *err)
{
	struct q_chunk chunk;
	*rows = 0;
	do {
		TRY(engine_next(e, &chunk, err));
		*rows += (int64_t)chunk.n_rows;
	} while (chunk.n_rows > 0);
	return OK;
}

/* What fails while it runs has the class that a caller acts by. */
static void failures_while_running(void **state)
{
	(void)state;
	struct engine *e = open_engine();
	struct q_result r;
	struct err err;
	int64_t rows;
	status code = run(
		e, "SELECT CASE WHEN range = 4500 THEN error('row 4500') ELSE range END FROM range(5000)", &r, &err);
	if (code == OK) code = drain(e, &rows, &err);
	CHECK_FAILS(E_USAGE, code);
	assert_non_null(strstr(err.message, "row 4500"));
	CHECK_OK(&err, exec(e, "SET memory_limit = '8MB'; SET temp_directory = ''", &err));
	code = run(e, "SELECT * FROM range(20000000) ORDER BY hash(range)", &r, &err);
	if (code == OK) code = drain(e, &rows, &err);
	CHECK_FAILS(E_NOMEM, code); /* there is no place to spill to */
	cancel_request();
	code = run(e, "SELECT count(*) FROM range(10)", &r, &err);
	if (code == OK) code = drain(e, &rows, &err);
	cancel_reset();
	if (code != OK) CHECK_FAILS(E_CANCELLED, code); /* so short that it may be done before */
	engine_interrupt(e);                            /* nothing runs: nothing happens */
	CHECK_OK(&err, run(e, "SELECT 1", &r, &err));
	CHECK_OK(&err, drain(e, &rows, &err));
	CHECK_I64(rows, 1);
	engine_close(e);
}

static void our_own_statements(void **state)
{
	(void)state;
	struct engine *e = open_engine();
	struct buf sql;
	struct err err;
	err_clear(&err);
	buf_init(&sql, 16);
	buf_str(&sql, "SELECT 1;");
	buf_str(&sql, "SELECT no_such");
	CHECK_FAILS(E_LIMIT, engine_exec(e, &sql, &err)); /* cut off: not run */
	buf_deinit(&sql);
	CHECK_FAILS(E_IO, exec(e, "SELEC", &err));
	CHECK_OK(&err, exec(e, "CREATE TABLE t AS SELECT 1 AS a; INSERT INTO t VALUES (2)", &err));
	struct q_result r;
	int64_t rows;
	CHECK_OK(&err, run(e, "FROM t", &r, &err));
	CHECK_OK(&err, drain(e, &rows, &err));
	CHECK_I64(rows, 2);
	engine_close(e);
}

/* Each request for memory fails once; the next statement is answered. */
static void every_allocation(void **state)
{
	(void)state;
	struct engine *e = open_engine();
	struct q_result r;
	struct err err;
	int64_t rows, failed = 0;
	static const char sql[] = "SELECT [range] AS l, {'a': range} AS s, 'x'::ENUM('x', 'y') AS e FROM range(3)";
	CHECK_OK(&err, run(e, sql, &r, &err));
	status code = E_NOMEM;
	for (int64_t n = 0; n < 200 && code != OK; n++) {
		mem_fail_after(n);
		code = run(e, sql, &r, &err);
		if (code == OK) code = drain(e, &rows, &err);
		mem_fail_after(-1);
		if (code != OK) CHECK_FAILS(E_NOMEM, code);
		failed += code != OK;
		CHECK_OK(&err, run(e, sql, &r, &err));
		CHECK_OK(&err, drain(e, &rows, &err));
		CHECK_I64(rows, 3);
	}
	CHECK_OK(&err, code);
	assert_true(failed > 0);
	engine_close(e);
}

/* ---- the library ---- */

static void other_libraries(void **state)
{
	(void)state;
	struct engine_library *l = NULL;
	struct err err;
	err_clear(&err);
	CHECK_FAILS(E_IO, engine_library_open("/nonexistent/libduckdb.so", &l, &err));
	assert_non_null(strstr(err.message, "/nonexistent/libduckdb.so"));
	CHECK_FAILS(E_UNSUPPORTED, engine_library_open("libm.so.6", &l, &err));
	assert_non_null(strstr(err.message, "libm.so.6 has no duckdb_"));
	assert_null(l);
	char *const given = getenv("PQR_DUCKDB_LIB") != NULL ? strdup(getenv("PQR_DUCKDB_LIB")) : NULL;
	assert_int_equal(setenv("PQR_DUCKDB_LIB", "/nonexistent/other.so", 1), 0);
	err_clear(&err);
	CHECK_FAILS(E_IO, engine_library_open(NULL, &l, &err));
	assert_string_equal(err.where, "PQR_DUCKDB_LIB");
	if (given != NULL)
		assert_int_equal(setenv("PQR_DUCKDB_LIB", given, 1), 0);
	else
		assert_int_equal(unsetenv("PQR_DUCKDB_LIB"), 0);
	free(given);
	char version[QUERY_VERSION_MAX];
	CHECK_OK(&err, query_library(NULL, version, &err));
	assert_string_equal(version, engine_library_version(library));
}

int main(void)
{
	struct err err;
	err_clear(&err);
	if (engine_library_open(NULL, &library, &err) != OK) {
		printf("SKIPPED: %s\n", err.message);
		return 0;
	}
	const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_as_duckdb_casts_them),
		cmocka_unit_test(chunks_follow_each_other), cmocka_unit_test(types_that_are_not_shown),
		cmocka_unit_test(carets_stand_under_the_fault), cmocka_unit_test(kinds_of_statements),
		cmocka_unit_test(failures_while_running), cmocka_unit_test(our_own_statements),
		cmocka_unit_test(every_allocation), cmocka_unit_test(other_libraries)};
	const int failed = cmocka_run_group_tests_name("query/engine", tests, NULL, NULL);
	engine_library_close(library);
	return failed;
}
