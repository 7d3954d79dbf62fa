/* pqr.h: PQR Lakehouse as a library (libpqr.so, pkg-config pqr): run one task of a plan, read and append to the lake's tables.
 *
 *	struct pqr_context *c;
 *	char *result = NULL;
 *	int code = pqr_open("./lake", &c);
 *	if (code == PQR_OK) code = pqr_task_run(c, spec, &result);
 *	if (code != PQR_OK) fprintf(stderr, "%s\n", pqr_last_error(c));
 *	pqr_free(result);
 *	pqr_close(c);
 *
 * A context is used by one thread at a time; each thread may have its own, also on the same lake. The library sets no
 * signal handler and writes nothing to standard output.
 */
#ifndef PQR_H
#define PQR_H

#if defined(__GNUC__)
#define PQR_API __attribute__((visibility("default")))
#else
#define PQR_API
#endif

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The Arrow C data and stream interfaces; other headers may have them already. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4
struct ArrowSchema {
	const char *format;
	const char *name;
	const char *metadata;
	int64_t flags;
	int64_t n_children;
	struct ArrowSchema **children;
	struct ArrowSchema *dictionary;
	void (*release)(struct ArrowSchema *);
	void *private_data;
};
struct ArrowArray {
	int64_t length;
	int64_t null_count;
	int64_t offset;
	int64_t n_buffers;
	int64_t n_children;
	const void **buffers;
	struct ArrowArray **children;
	struct ArrowArray *dictionary;
	void (*release)(struct ArrowArray *);
	void *private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
	int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
	int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
	const char *(*get_last_error)(struct ArrowArrayStream *);
	void (*release)(struct ArrowArrayStream *);
	void *private_data;
};
#endif

/* What a function returns: the exit status that the command `pqr` has for the same outcome. */
enum pqr_result {
	PQR_OK = 0,
	PQR_FAILED = 1,      /* input, lake or machine: pqr_last_error says what and what to do */
	PQR_USAGE = 2,       /* the caller's document or argument is wrong */
	PQR_QUALITY = 3,     /* a CRITICAL quality check failed */
	PQR_DIFFERENCE = 4,  /* an object is not what its hash says */
	PQR_UNREACHABLE = 5, /* a service stayed out of reach; the same call may succeed later */
	PQR_CANCELLED = 130,
};

struct pqr_context;

/* The version of the library, "0.1.0". Static. */
PQR_API const char *pqr_version(void);

/* Open a lake: a path or file:///path; its folder is created when missing. *out is set also on failure, so that
 * pqr_last_error can be asked, and is NULL only when there is no memory. Close it with pqr_close in either case. */
PQR_API int pqr_open(const char *lake_uri, struct pqr_context **out);
PQR_API void pqr_close(struct pqr_context *context); /* NULL is fine */

/* The error of the last call on the context, one line; "" after a call that succeeded. Valid until the next call. */
PQR_API const char *pqr_last_error(const struct pqr_context *context); /* NULL: out of memory */
/* The same as JSON, to be handed to another process: {"class":"retry","code":"E_UNREACHABLE","exit":5,"message":"..."}. Of class
 * "retry": the same call may succeed later. "" after a call that succeeded. */
PQR_API const char *pqr_last_error_json(struct pqr_context *context);

/* Run one task, as `pqr task` does. spec: a task document of `pqr plan` (JSON, NUL-terminated). *result: the task's
 * result as JSON, NUL-terminated, to be freed with pqr_free; untouched on failure. */
PQR_API int pqr_task_run(struct pqr_context *context, const char *spec, char **result);
/* How many rows and bytes the task that runs on the context has read so far, roughly; 0 while none does. From any thread, as long as the context
 * is open. */
PQR_API void pqr_task_progress(const struct pqr_context *context, long long *rows, long long *bytes);

/* May this process run tasks of a plan? proof: a text that the plan's maker gave along, for who runs tasks elsewhere: PQR_FAILED where this
 * library is of another version or contract, or the context's lake is not the one that the plan was made in. */
PQR_API int pqr_proof_check(struct pqr_context *context, const char *proof);

/* Free a text that this library gave; NULL is fine. */
PQR_API void pqr_free(void *text);

/* ---- a run, step by step --------------------------------------------------------------------------------------------
 *
 *	struct pqr_run *run;
 *	int code = pqr_run_begin(c, "{\"workload\": \"pqrs\", \"seed\": \"7\"}", &run);
 *	while (code == PQR_OK && pqr_run_stage(run) != NULL) {
 *		char *plan = NULL;
 *		code = pqr_run_plan(run, &plan);
 *		// run each of plan.tasks by pqr_task_run, anywhere, in any order, and tell how it ended:
 *		//   pqr_task_record(run, "{\"task_id\": \"bronze-0001\", \"worker\": \"a-7\", \"result\": {...}}", &retry_after_us)
 *		if (code == PQR_OK) code = pqr_stage_commit(run, NULL);
 *		pqr_free(plan);
 *	}
 *	pqr_run_end(run, code, NULL);
 *
 * The same steps, checks and commits as `pqr run`. From begin to end this process holds the run's lease, which a thread of the library renews;
 * once another process has taken it, nothing more can be recorded or committed (PQR_FAILED), and what stray tasks still write is named by its
 * content and in no table. A run that was left in the middle goes on with the next begin. A run uses its context: end it first. */
struct pqr_run;

/* options (JSON; NULL: none), all of them strings unless said otherwise: workload ("pqrs"), what the workload lets one set for a run
 * (seed, from, to, volume, rate), settings ({"sla.business_days": "true"}), config (a file), control (a URI), run_id, as_of, emit_from, inputs
 * (an array of paths), source, until, only, publish and replace_published (true or false), executed_by, executor (who runs the tasks, for
 * meta.runs). PQR_USAGE names what is wrong. PQR_FAILED also where another process holds the run. */
PQR_API int pqr_run_begin(struct pqr_context *context, const char *options, struct pqr_run **out);
PQR_API const char *pqr_run_id(const struct pqr_run *run);
/* The stage that comes next, "publish" included; NULL: all that was asked for is done. */
PQR_API const char *pqr_run_stage(const struct pqr_run *run);

/* The next stage as JSON: {"here": false, "proof": {...}, "stage": "bronze", "tasks": [task documents]}; the tasks that earlier attempts have
 * done are not in it. proof: for pqr_proof_check, as text. here: the tasks read files of this machine: run them here. */
PQR_API int pqr_run_plan(struct pqr_run *run, char **plan);

/* How an attempt of a planned task ended: task_id, worker (its name, for meta.tasks), and the result of pqr_task_run or the error of
 * pqr_last_error_json. *retry_after_us (may be NULL): -1, or in how many microseconds the task is to be tried again. An error that the
 * policy does not try again is returned, and ends the run. */
PQR_API int pqr_task_record(struct pqr_run *run, const char *ended, long long *retry_after_us);

/* Record these results (a JSON array, as for pqr_task_record; NULL: all are recorded), check and commit the stage. Where the tables changed
 * since it was planned nothing is committed, and the same stage comes next. PQR_QUALITY: a CRITICAL check failed. */
PQR_API int pqr_stage_commit(struct pqr_run *run, const char *results);
/* The last step, when "publish" comes next: the SQL tables. pqr_stage_commit(run, NULL) does the same. */
PQR_API int pqr_run_publish(struct pqr_run *run);

/* The end of this process's part, in any case. outcome: PQR_OK; PQR_CANCELLED: it waits to be gone on with, as it does where stages are left;
 * anything else: it failed. *report (may be NULL): as `pqr run --json` prints it. */
PQR_API int pqr_run_end(struct pqr_run *run, int outcome, char **report);

/* Cancel what this process does, in all its threads, as Ctrl-C does `pqr`: calls end with PQR_CANCELLED until pqr_cancel(0). Safe in a signal
 * handler. */
PQR_API void pqr_cancel(int on);

/* ---- tables ------------------------------------------------------------------------------------------------
 *
 *	struct pqr_table *t;
 *	struct ArrowArrayStream stream;
 *	const char *columns[] = {"ticket_id", "priority"}, *where[] = {"month >= 2026-01", "closed_at is null"};
 *	int code = pqr_table_open(c, "silver.tickets", NULL, &t);
 *	if (code == PQR_OK) code = pqr_table_stream(t, columns, 2, where, 2, &stream);
 *	pqr_table_close(t);                      // the stream goes on
 *
 * Rows come and go as Arrow C streams (https://arrow.apache.org/docs/format/CStreamInterface.html), which is what pyarrow, Polars,
 * DuckDB and the Arrow libraries take. Strings are utf8, decimals decimal128, timestamps microseconds in UTC, or without a
 * zone where the table's are. An array owns its memory; it may be kept after the stream, and released by any thread. */

/* One version of a table. It uses its context for errors: close it before the context. */
struct pqr_table;

struct pqr_table_opts {
	long long version; /* -1: the latest */
	const char *at;    /* RFC 3339: the version of that time; NULL: version decides */
};
/* name: "silver.tickets", "silver/tickets", or "tickets" where one layer alone has it. opts: NULL = the latest version. */
PQR_API int pqr_table_open(
	struct pqr_context *context, const char *name, const struct pqr_table_opts *opts, struct pqr_table **out);
PQR_API void pqr_table_close(struct pqr_table *table); /* NULL is fine; streams of it go on */
PQR_API long long pqr_table_version(const struct pqr_table *table);

/* Every data file of the version, by path, until visit returns other than 0, which is returned then. */
struct pqr_file {
	const char *path; /* relative to the table's folder; valid during the visit */
	long long rows;   /* -1: the log does not say */
	long long bytes;
};
typedef int (*pqr_file_visit)(void *arg, const struct pqr_file *file);
PQR_API int pqr_table_files(struct pqr_table *table, pqr_file_visit visit, void *arg);

/* The struct type of all columns that can be read. */
PQR_API int pqr_table_schema(struct pqr_table *table, struct ArrowSchema *out);

/* The rows as a stream. columns[n]: in that order; NULL: all. where[n]: all of these hold; each is a column, one of
 * = != < <= > >= and a value, or `column is null`, `column is not null`. What partitions and statistics rule out is not read. A file
 * that is damaged or gone is an error of the stream's get_next, with its name. */
PQR_API int pqr_table_stream(struct pqr_table *table, const char *const *columns, size_t n_columns,
	const char *const *where, size_t n_where, struct ArrowArrayStream *out);

/* What of a version is read. Zeroed: all of it. */
struct pqr_selection {
	const char *const *columns; /* [n_columns], as pqr_table_stream takes them */
	size_t n_columns;
	const char *const *where; /* [n_where] */
	size_t n_where;
	const char *const *files; /* [n_files], paths as pqr_file has them; NULL: all */
	size_t n_files;
};
/* Its rows as a stream. PQR_USAGE: a file that the version does not have. */
PQR_API int pqr_selection_stream(
	struct pqr_table *table, const struct pqr_selection *selection, struct ArrowArrayStream *out);
/* As pqr_table_files, of the files that partitions and statistics don't rule out. */
PQR_API int pqr_selection_files(
	struct pqr_table *table, const struct pqr_selection *selection, pqr_file_visit visit, void *arg);

/* The rows of one Parquet file under the lake, by its key ("silver/tickets/month=2026-01/part-0.parquet"). */
PQR_API int pqr_file_stream(struct pqr_context *context, const char *key, struct ArrowArrayStream *out);

/* Append the stream's rows in one transaction: all of them are in the table on return, durably, or none. Columns are matched by
 * name, those missing are null; structs have the table's fields, in its order. A table that is not there is created with the stream's columns, partitioned by partition_by[n]
 * (of one that is there: none, or the same). Timestamps without a zone are taken as UTC, nanoseconds are cut to microseconds. PQR_FAILED
 * also where another writer changed the table's columns meanwhile: nothing is appended then. rows is drained and released, also on failure. *version (may be NULL): the table's. */
PQR_API int pqr_table_append(struct pqr_context *context, const char *name, const char *const *partition_by,
	size_t n_partition_by, struct ArrowArrayStream *rows, long long *version);

/* ---- for Python bindings without compiled code --------------------------------------------------------------
 *
 * A zeroed struct for PyCapsule_New(struct, "arrow_array_stream", pqr_stream_capsule_free), and for "arrow_schema"; NULL: no memory.
 * The destructors release what no consumer has taken, and free the struct. */
PQR_API struct ArrowArrayStream *pqr_stream_alloc(void);
PQR_API struct ArrowSchema *pqr_schema_alloc(void);
PQR_API void pqr_stream_capsule_free(void *capsule);
PQR_API void pqr_schema_capsule_free(void *capsule);

#ifdef __cplusplus
}
#endif

#endif
