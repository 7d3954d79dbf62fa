/* query/query_int.h: what the files of the query room share.
 *
 *   text --lexer--> is it a query? --catalog--> views over the files of the tables it names --engine--> chunks --render--> sink
 *
 * An engine is an in-memory DuckDB that lives for one statement: it may open the files of the tables which that
 * statement names and nothing else, and so each statement sees the tables as they are when it starts.
 */
#ifndef PQR_QUERY_QUERY_INT_H
#define PQR_QUERY_QUERY_INT_H

#include "base/arena.h"
#include "base/thread.h"
#include "query/query.h"
#include "table/log/snapshot.h"

/* ---- lexer.c ---- */

/* What the first word of a statement makes it. */
enum sql_kind { SQL_EMPTY, SQL_QUERY, SQL_EXPLAIN, SQL_OTHER };
struct sql_text {
	enum sql_kind kind;
	struct str whole; /* the statement */
	struct str word;  /* the first one, for messages */
	bool catalog;     /* a query that is no SELECT in its text: DESCRIBE, SHOW, SUMMARIZE */
	struct str inner; /* of SQL_EXPLAIN: what it explains */
	struct str inner_word;
	enum sql_kind inner_kind;
};
/* text: one statement. Leading blanks, comments, a byte order mark and '(' are passed over. */
struct sql_text sql_classify(struct str text);
/* Do the bytes occur in the text, whatever their case? */
bool sql_contains(struct str text, const char *what);
/* Does the name occur in the text as a whole word, whatever its case, in whatever place? More often than the text means it, never
 * less: a name in a text or comment counts, a longer one that begins with it does not. */
bool sql_mentions(struct str text, const char *name);
bool sql_mentions_bare(struct str text, const char *name);    /* the same, with no '.' before or behind it */
void sql_quote(struct buf *out, char quote, struct str text); /* '…' or "…", the quote doubled */

/* ---- duckdb.c: the library, its values ---- */

enum q_kind {
	Q_NULL,
	Q_BOOL,
	Q_INT,  /* bytes: 1 to 16 */
	Q_UINT, /* bytes: 1 to 16 */
	Q_FLOAT,
	Q_DOUBLE,
	Q_DECIMAL, /* an integer of `bytes`, scale */
	Q_DATE,
	Q_TIME,         /* int64 in units of 10^-scale seconds */
	Q_TIME_TZ,      /* microseconds and offset in one word */
	Q_TIMESTAMP,    /* int64 in units of 10^-scale seconds */
	Q_TIMESTAMP_TZ, /* the same, of UTC */
	Q_INTERVAL,
	Q_TEXT,
	Q_JSON,
	Q_BLOB,
	Q_BIT,
	Q_BIGNUM,
	Q_UUID,
	Q_ENUM, /* an unsigned integer of `bytes`: index into names */
	Q_LIST,
	Q_ARRAY, /* n_array values a row */
	Q_STRUCT,
	Q_MAP, /* children: key, value */
	Q_UNION,
};
struct q_type {
	enum q_kind kind;
	uint8_t bytes, scale;
	size_t n_array;
	size_t n; /* children; words of an enum */
	struct q_type *children;
	const char **names; /* of a struct's or union's members; words of an enum */
};
struct q_vector {
	const struct q_type *type;
	const void *data;
	const uint64_t *validity;  /* NULL: all valid; bit 1 = valid */
	struct q_vector *children; /* [type->n]; of a union without the tag, which is data */
};
struct q_interval {
	int32_t months, days;
	int64_t us;
};
struct q_span {
	uint64_t first, n;
};
static inline bool q_valid(const struct q_vector *v, size_t row)
{
	return v->validity == NULL || (v->validity[row / 64] >> (row % 64) & 1) != 0;
}
struct str engine_text(const struct q_vector *v, size_t row);    /* of the kinds whose values are bytes */
struct q_span engine_span(const struct q_vector *v, size_t row); /* of a list or map: rows of its children */

struct q_result {
	size_t n_columns;
	const char **names;
	const struct q_type *types;
};
struct q_chunk {
	size_t n_rows; /* 0: no more */
	struct q_vector *columns;
};

/* E_CANCELLED once the user asked for it. */
static inline MUST_USE status query_cancel_check(struct err *err)
{
	return cancel_requested() ? fail(err, E_CANCELLED, "the query was interrupted") : OK;
}

struct engine_library; /* libduckdb, loaded */
status engine_library_open(const char *path, struct engine_library **out, struct err *err) MUST_USE;
void engine_library_close(struct engine_library *l);
const char *engine_library_version(const struct engine_library *l);

struct engine;
status engine_open(const struct engine_library *l, int threads, const char *temp_folder, struct engine **out,
	struct err *err) MUST_USE;
void engine_close(struct engine *e);
void engine_interrupt(struct engine *e); /* from any thread */
/* Statements of ours, without a result; a buffer that failed is told as buf_check does. */
status engine_exec(struct engine *e, const struct buf *sql, struct err *err) MUST_USE;

enum engine_kind { ENGINE_QUERY, ENGINE_EXPLAIN, ENGINE_OTHER };
/* The texts of $1 ... $n of statements that are prepared from now on; borrowed until they have run. */
void engine_values(struct engine *e, const char *const *values, size_t n);
/* Parse and bind one statement; several are E_USAGE. The one prepared before is gone. *kind says what DuckDB takes it for. */
status engine_prepare(struct engine *e, struct str sql, enum engine_kind *kind, struct err *err) MUST_USE;
/* Run what is prepared. The result views the engine until the next prepare. */
status engine_run(struct engine *e, struct q_result *out, struct err *err) MUST_USE;
/* The next rows; they view the engine until the next call. */
status engine_next(struct engine *e, struct q_chunk *out, struct err *err) MUST_USE;

/* ---- catalog.c: the lake's tables as views ---- */

struct catalog_table {
	char *schema, *name;
	struct delta_snapshot *snapshot; /* of the statement under way; NULL: it does not name the table */
	int *copies; /* of a remote lake: open files, one each of the snapshot's; they belong to struct copies */
	struct err left_out; /* code != OK: why it can't be read */
};
struct copies;
struct catalog {
	struct store *lake;
	struct copies *copies; /* of a remote lake; else NULL */
	const char *place; /* the folder where DuckDB finds the lake's files when they are no copies; views the lake */
	int64_t version, at_ms;
	const struct query_picture *picture;
	struct catalog_table *items; /* by schema, then name */
	size_t n, cap;
};
/* Every folder two levels deep with a _delta_log. */
status catalog_open(struct catalog *c, const struct query_opts *o, struct err *err) MUST_USE;
void catalog_close(struct catalog *c);
/* Open the snapshots of the tables that the statement may mean, make their schemas and views in e, and tell it which files it may
 * open. A table that can't be read is left out, and keeps no other from being read. writable: a folder e may write to; NULL = none. */
status catalog_load(
	struct catalog *c, struct engine *e, struct str sql, const char *writable, struct err *err) MUST_USE;
/* A statement was refused: say what is known about the tables it names. Returns err's code. */
status catalog_explain(const struct catalog *c, struct str sql, status code, struct err *err);

/* ---- copies.c: files of a remote lake ---- */

status copies_open(struct store *lake, struct copies **out, struct err *err) MUST_USE;
void copies_close(struct copies *c); /* the copies go too */
/* Open files, one each of the snapshot's, copied where they are not there yet. *out is the caller's, the files are not. E_LIMIT:
 * more than the process may open. */
status copies_take(struct copies *c, const struct delta_snapshot *s, int **out, struct err *err) MUST_USE;

/* ---- scratch.c: a folder for DuckDB's own files ---- */

enum { SCRATCH_FOLDER_MAX = 512 };
struct scratch {
	char folder[SCRATCH_FOLDER_MAX]; /* "": none */
	int fd;
};
status scratch_open(struct scratch *s, struct err *err) MUST_USE;
void scratch_close(struct scratch *s); /* it and what is in it go; fine for {0} */

/* ---- view.c: one table ---- */

/* CREATE VIEW "schema"."name" AS ...; uri: the lake's folder, where the files are no copies. E_UNSUPPORTED: a column's type. */
status view_sql(struct buf *out, const struct catalog_table *t, const char *uri, struct err *err) MUST_USE;
/* The path at which DuckDB finds a file of the table's snapshot. */
void view_path(struct buf *out, const struct catalog_table *t, const char *place, size_t file);
/* Delta's type text as DuckDB's. */
status view_type(struct buf *out, struct str type, struct err *err) MUST_USE;

/* ---- value.c: one value ---- */

/* As DuckDB casts it to VARCHAR, but nested values as JSON. Not null. */
void value_text(struct buf *out, const struct q_vector *v, size_t row);
void value_json(struct buf *out, const struct q_vector *v, size_t row);
bool value_is_number(const struct q_type *t);
const char *value_type_name(const struct q_type *t); /* "BIGINT"; of what is nested, its outermost */

/* ---- output.c: rows as text ---- */

struct output;
/* plain: EXPLAIN's text, its lines as they are. The result must outlive *out. */
status output_create(const struct query_output *to, const struct q_result *r, bool plain, struct output **out,
	struct err *err) MUST_USE;
status output_add(struct output *o, const struct q_chunk *chunk, struct err *err) MUST_USE;
status output_finish(struct output *o, int64_t rows, struct err *err) MUST_USE;
void output_destroy(struct output *o);

#endif
