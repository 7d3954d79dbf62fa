/* query/query.h: SQL over the lake's tables, in DuckDB.
 *
 * libduckdb is loaded at run time (dlopen): from $PQR_DUCKDB_LIB, else the place scripts/install-deps duckdb puts it, else the
 * system's library path. Every Delta table <layer>/<table> of the lake is a view <layer>.<table> over exactly the files of its
 * snapshot; DuckDB prunes by partition and statistics itself. Reading only: a statement that is not a query is refused, and
 * DuckDB may open nothing but those files.
 */
#ifndef PQR_QUERY_QUERY_H
#define PQR_QUERY_QUERY_H

#include "base/buf.h"
#include "io/store.h"

struct query;

/* Versions of tables that belong together: what one run left (flow/picture.h). All borrowed during query_open's life. */
struct query_picture {
	const char *const *tables; /* [n] "silver.tickets" */
	const int64_t *versions;   /* [n] */
	size_t n;
	/* NULL: a set to begin with: tables that are not in it are read as they are, and the others too as far as nobody but a run that is not
	 * done yet has committed since. Else exactly this set, and of tables with a column run_id the files of these runs. */
	const char *const *runs; /* [n_runs] */
	size_t n_runs;
};
struct query_opts {
	struct store *lake;
	const struct query_picture *picture; /* NULL: none; not beside version and at_ms */
	int64_t version;                     /* -1 = latest; of every table: those without it are left out */
	int64_t at_ms;                       /* INT64_MIN = not given: each table as of that time */
	int threads;
	const char *library; /* NULL = as above */
	/* Called on another thread when DuckDB has not ended a query QUERY_STUCK_MS after cancel_request (base/thread.h), and what it wrote below
	 * TMPDIR is gone: ends the process, does not return. NULL: it is waited for. */
	void (*stuck)(void);
};
enum { QUERY_STUCK_MS = 3000 };
/* E_NOT_FOUND: no libduckdb, says how to get it. E_IO: there is one that cannot be loaded. E_UNSUPPORTED: a library that is too
 * old. */
status query_open(const struct query_opts *o, struct query **out, struct err *err) MUST_USE;
void query_close(struct query *q);

/* Every table of the lake, by layer and name, whether the wanted version has it or not. Cheap. */
typedef status (*query_table_visit)(void *arg, const char *layer, const char *name, struct err *err);
status query_tables(struct query *q, query_table_visit visit, void *arg, struct err *err) MUST_USE;
/* Is there a libduckdb? Its version. Errors as of query_open; library as in query_opts. */
enum { QUERY_VERSION_MAX = 32 };
status query_library(const char *library, char version[QUERY_VERSION_MAX], struct err *err) MUST_USE;

enum query_format { QUERY_TABLE, QUERY_CSV, QUERY_JSON, QUERY_PARQUET };
struct query_result {
	int64_t rows; /* of QUERY_PARQUET: -1 */
	int64_t us;
};
typedef status (*query_sink)(void *arg, const void *p, size_t n, struct err *err);
/* One statement. Output in pieces, whatever its size. E_USAGE: DuckDB's message for a statement it does not accept, or one that would
 * write; E_CANCELLED after cancel_request (base/thread.h). width: of the terminal, for QUERY_TABLE; 0 = unlimited. rows_max: of QUERY_TABLE,
 * 0 = all. */
struct query_output {
	enum query_format format;
	int width;
	int64_t rows_max;
	query_sink sink;
	void *arg;
};
status query_run(struct query *q, struct str sql, const struct query_output *o, struct query_result *out,
	struct err *err) MUST_USE;

/* ---- rows, one at a time ---- */

struct query_cell {
	const char *name, *type; /* type: "BIGINT"; of what is nested, its outermost */
	struct str text;         /* as DuckDB casts it to VARCHAR; p NULL: null */
};
/* What views the row is valid during the call. */
typedef status (*query_row_visit)(void *arg, const struct query_cell *cells, size_t n, struct err *err);
struct query_select {
	struct str sql;
	const char *const *params; /* [n_params] texts of $1, $2 ... */
	size_t n_params;
	query_row_visit head; /* once before the first row, without texts; NULL: not wanted */
	query_row_visit visit;
	void *arg;
	int timeout_ms; /* 0: none */
};
/* Errors as query_run's, of visit too, which ends it; E_LIMIT (ERR_RETRY): it took longer than timeout_ms. */
status query_each(struct query *q, const struct query_select *s, struct err *err) MUST_USE;

/* Position after the first complete statement (its ';'), or 0: text ends inside one. Knows quotes, comments and dollar quotes. */
size_t query_statement_end(struct str text);
/* Nothing but blanks, comments and ';'. */
bool query_blank(struct str text);

#endif
