/* control/control.h: the control plane: what ran, what it wrote, how good it was, and the published tables.
 *
 * One interface, opened by URI: `sqlite:<path>`, or `postgresql://user@host:port/database`. It knows runs, stages, tasks,
 * datasets and tables by name; it must not know any workload, or where a data file lies.
 *
 * A handle may be used from any thread (calls are serialised). Times are microseconds UTC and come from the caller.
 * Every change of a run names the lease it is made under and is refused (E_BUSY) once somebody else took the run over:
 * a process that was paused past its lease can't write into its successor's run.
 */
#ifndef PQR_CONTROL_CONTROL_H
#define PQR_CONTROL_CONTROL_H

#include "base/arena.h"
#include "columnar/batch.h"

struct control;

/* uri: "sqlite:<path>" (created when missing, its folder not); "postgresql://..." as libpq reads it, or "postgresql:" for libpq's
 * environment variables alone. E_UNSUPPORTED for a database of a newer version; E_USAGE: another scheme. E_IO: a folder in the way,
 * read-only, no permission, a wrong password. E_CORRUPT: not a SQLite file, damaged, or somebody else's. E_UNREACHABLE: no server
 * answers. */
status control_open(const char *uri, struct control **out, struct err *err) MUST_USE;
/* The same for who only looks: where this user may not write it, a SQLite database is read as it is. Nothing is made or migrated then
 * (E_UNSUPPORTED: it needs to be), whatever would write fails with E_IO, and a call may fail with E_BUSY (ERR_RETRY): another
 * process changed the file while it was read without locks. */
status control_open_to_look(const char *uri, struct control **out, struct err *err) MUST_USE;
bool control_may_write(const struct control *c);  /* false: opened so by who may not */
void control_close(struct control *c);            /* NULL is fine */
const char *control_uri(const struct control *c); /* without secrets; for people */
bool control_is_server(const struct control *c);  /* a database that others read beside the lake: PostgreSQL */

/* ---- runs ---------------------------------------------------------------------------------------------------- */

enum run_status { RUN_PENDING, RUN_RUNNING, RUN_SUCCESS, RUN_DEGRADED, RUN_FAILED };
const char *run_status_name(enum run_status s); /* "RUNNING" */
bool run_status_parse(struct str name, enum run_status *out) MUST_USE;

/* Rows that a run wrote to a layer ("silver"), or of raw lines that broke the contract ("rejected"). */
struct control_layer_rows {
	const char *layer;
	int64_t rows;
};

/* A row of meta.runs. PENDING: begun, not finished, nobody at it; it can be resumed. Texts may be NULL, counts -1: unknown. */
struct control_run {
	const char *run_id, *workload;
	uint64_t seed;
	const char *config_hash, *version, *git_sha;
	int32_t date_min, date_max; /* INT32_MIN = unknown */
	int64_t as_of;              /* INT64_MIN = unknown */
	enum run_status status;
	int64_t started_at, finished_at; /* INT64_MIN = not yet */
	const char *executor, *executed_by;
	int64_t attempts;
	int64_t raw_objects;
	const struct control_layer_rows
		*rows; /* [n_rows] kept beside meta.runs, which shows them; control_run_get gives none */
	size_t n_rows;
	const char *manifest_sha256;
	const char *dropped_by; /* the run that took it out of its history */
	const char *spec;       /* JSON: everything else that identifies the run (kept beside meta.runs) */
};
void control_run_init(struct control_run *r); /* all unknown */

/* ---- leases -------------------------------------------------------------------------------------------------- */

enum { LEASE_OWNER_MAX = 256, LEASE_HOST_MAX = 128 };
#define LEASE_TTL_US (INT64_C(30) * 1000000)
struct control_lease {
	char run_id[64]; /* or the name of what else one process does at a time: "schedule:nightly" */
	char owner
		[LEASE_OWNER_MAX]; /* host:pid:nonce; the nonce holds the pid name space and the process's start time */
	char host[LEASE_HOST_MAX];
	int64_t pid;
	int64_t since, expires; /* microseconds UTC */
};
/* Fill owner, host and pid for this process, with a random part: two leases of one process differ. */
void control_lease_init(struct control_lease *l, const char *run_id);

/* Take the lease of l->run_id until now + LEASE_TTL_US. A lease that expired, or whose holder was a process of this host that is
 * gone, is taken over. E_BUSY names the holder (host, pid, since) and when its lease ends. */
status control_lease_acquire(struct control *c, struct control_lease *l, int64_t now, struct err *err) MUST_USE;
status control_lease_renew(
	struct control *c, struct control_lease *l, int64_t now, struct err *err) MUST_USE; /* E_BUSY: lost */
status control_lease_release(struct control *c, const struct control_lease *l, struct err *err) MUST_USE; /* lost: OK */

/* A thread that renews a lease every few seconds over a connection of its own, until stopped. */
struct control_heartbeat;
status control_heartbeat_start(const struct control *c, const struct control_lease *l, struct control_heartbeat **out,
	struct err *err) MUST_USE;
bool control_heartbeat_lost(const struct control_heartbeat *h); /* somebody else has the lease now */
void control_heartbeat_stop(struct control_heartbeat *h);       /* NULL is fine */

/* ---- what a run records --------------------------------------------------------------------------------------- */

/* Insert the run, or (it exists) set it RUNNING again; attempts + 1 either way. started_at is the first attempt's. */
status control_run_begin(
	struct control *c, const struct control_lease *l, const struct control_run *r, struct err *err) MUST_USE;
/* Set status, finished_at, as_of, date_min, date_max, counts and manifest; members that are unknown stay as they were. */
status control_run_update(
	struct control *c, const struct control_lease *l, const struct control_run *r, struct err *err) MUST_USE;
status control_run_get(struct control *c, const char *run_id, struct arena *arena, struct control_run *out,
	struct err *err) MUST_USE; /* E_NOT_FOUND */

struct control_task {
	const char *run_id, *stage, *task_id;
	int64_t attempt;    /* 1 = first */
	const char *worker; /* "thread-0" */
	int64_t started_at, finished_at;
	int64_t rows_in, rows_out, bytes_in, bytes_out;
	const char *error;    /* NULL = it succeeded */
	struct str spec_hash; /* of what the task was asked; a stored result counts only for the same */
	struct str result;    /* JSON; finished tasks only */
};
/* Gives *attempt: 1 + the attempts recorded before. */
status control_task_start(struct control *c, const struct control_task *t, int64_t *attempt, struct err *err) MUST_USE;
status control_task_finish(
	struct control *c, const struct control_lease *l, const struct control_task *t, struct err *err) MUST_USE;
typedef status (*control_task_visit)(
	void *arg, struct str task_id, struct str spec_hash, struct str result, struct err *err);
status control_task_results(struct control *c, const char *run_id, const char *stage, control_task_visit visit,
	void *arg, struct err *err) MUST_USE;

struct control_quality {
	const char *dataset, *check_name, *severity, *result; /* as contract 6 names them */
	const char *value, *threshold, *details;
	int64_t record_count;
};
struct control_quality_layer {
	const char *layer;
	const struct control_quality *items;
	size_t n;
	int64_t checked_at;
};
/* Replaces what the run had for this layer. */
status control_quality_put(struct control *c, const struct control_lease *l, const struct control_quality_layer *q,
	struct err *err) MUST_USE;
/* counts[0] PASS, [1] WARN, [2] FAIL over all layers of the run. */
status control_quality_counts(struct control *c, const char *run_id, int64_t counts[3], struct err *err) MUST_USE;

struct control_dataset {
	const char *name, *layer, *location, *contract_version, *version;
	int64_t rows, bytes;
	int64_t delta_version; /* of the table after the stage's commit; -1 = not a Delta table */
	bool whole;            /* the table holds this run's rows alone: not one part for each run */
};
struct control_edge {
	const char *input, *input_version, *output, *output_version;
};
/* A stage that was committed to the lake. In one transaction: the record, datasets, lineage; the stored task results go. */
struct control_stage {
	const char *run_id, *name;
	int64_t ordinal;      /* 0 = raw ... */
	const char *location; /* the commit's key */
	const char *sha256;   /* of the commit object */
	int64_t n_tasks, us, rows_in, rows_out, bytes_in, bytes_out, committed_at;
	const struct control_dataset *datasets;
	size_t n_datasets;
	const struct control_edge *edges;
	size_t n_edges;
};
status control_stage_commit(
	struct control *c, const struct control_lease *l, const struct control_stage *s, struct err *err) MUST_USE;
/* The stage's record and the stored results of its tasks go: it is done again. What it told of tasks, datasets and lineage stays. */
status control_stage_forget(
	struct control *c, const struct control_lease *l, const char *stage, struct err *err) MUST_USE;
/* The numbers of a committed stage (texts are not filled); E_NOT_FOUND. */
status control_stage_get(
	struct control *c, const char *run_id, const char *name, struct control_stage *out, struct err *err) MUST_USE;

/* ---- publishing ------------------------------------------------------------------------------------------------
 * begin -> look? -> (table -> (batch* | change*) -> table_end)* -> view* -> commit      readers see all of it after commit, nothing
 *                                                                                       before; any failure: abort
 *
 * A published table gold_<name> (gold.<name> in PostgreSQL) holds what it was told last. Rows are told apart and compared without
 * run_id: a row that stands already stays as it is, and its run_id is the run that last changed it. What each part of a table was
 * read from is remembered, so that a part whose files are the same need not be read, and one of which it is known how it came from what is
 * published can be told by what changed. */
struct control_part {
	const char *name;  /* the value of the schema's part column (schema_part_column); "" without one */
	const char *files; /* what its rows are read from: the same text, the same rows */
	const char *
		before; /* the same of the rows that the caller can tell the changes from; NULL: the part is new since */
	bool told;      /* its rows are given, or what changed of them; else it stands, and is left as it is */
	int64_t rows;   /* that stand, or were given so far */
};
struct control_table {
	const struct table_schema *schema;
	struct control_part *parts; /* [n_parts] all there are: rows of other parts go */
	size_t n_parts;             /* 0: what is given is the whole table, and nothing of it is remembered */
	bool changes;               /* of the parts that are told only what changed is given */
	int64_t stood;              /* SQLite's: rows that the look counted */
};
struct control_publish;
status control_publish_begin(
	struct control *c, const struct control_lease *l, struct control_publish **out, struct err *err) MUST_USE;
/* Before the first table, all of them, a parent before its children: sets changes of each, and told and rows of each part. A table that
 * does not stand as its schema has it, or holds more or fewer rows than were published, is told whole. With `changes` set on the way in it
 * stays set where all that is published of the table is what `before` says of its parts. */
status control_publish_look(
	struct control_publish *p, struct control_table *tables, size_t n, struct err *err) MUST_USE;
/* Start the next table; its schema and parts are borrowed until the end. Of the parts those with `told` will be given, in any order. */
status control_publish_table(struct control_publish *p, const struct control_table *t, struct err *err) MUST_USE;
/* b: the schema's data columns in order; partitions: one text for each of its partition columns, in order. Values are bound
 * without a copy and not kept. Polls the cancel flag. */
status control_publish_batch(
	struct control_publish *p, const struct batch *b, const char *const *partitions, struct err *err) MUST_USE;
/* Of a table with `changes`, in place of whole batches: rows[n] of b are new, stand in place of a row with their key, or are of keys that
 * go (any values then do for the other columns). Each key once; all that go after all others. E_CONFLICT (ERR_RETRY), here, at the table's
 * end or in the commit: not all that was published stands there still, tell the whole. */
enum control_change_kind { CONTROL_ROWS_NEW, CONTROL_ROWS_OTHER, CONTROL_ROWS_GONE };
struct control_change {
	enum control_change_kind kind;
	const uint32_t *rows; /* ascending */
	size_t n;
};
status control_publish_change(struct control_publish *p, const struct batch *b, const char *const *partitions,
	const struct control_change *change, struct err *err) MUST_USE;
/* Ends the table: *rows the database now holds in it, counted by the database before this returns or (a server's) in the commit, which
 * then fails on any other number. */
status control_publish_table_end(struct control_publish *p, int64_t *rows, struct err *err) MUST_USE;
/* name and sql as contract 6 names tables: "analytics.v_geo_daily", over gold.<table>. */
status control_publish_view(struct control_publish *p, const char *name, const char *sql, struct err *err) MUST_USE;
/* Durable and visible when it returns OK. Records the stage "publish" (s) and its checks (q) in the same transaction. E_CONFLICT
 * (ERR_RETRY): a part that was to be left as it is has been changed since the look; begin again. */
status control_publish_commit(struct control_publish *p, const struct control_stage *s,
	const struct control_quality_layer *q, struct err *err) MUST_USE;
void control_publish_destroy(struct control_publish *p); /* without commit: nothing happened. NULL is fine */

/* ---- reading --------------------------------------------------------------------------------------------------- */

enum control_kind { CONTROL_NULL, CONTROL_INT, CONTROL_REAL, CONTROL_TEXT };
struct control_value {
	const char *name;
	enum control_kind kind;
	int64_t i;
	double real;
	struct str text;
};
/* One row; values and texts are valid during the call, which may not call the handle that it was called from. */
typedef status (*control_row_visit)(void *arg, const struct control_value *values, size_t n, struct err *err);
enum { CONTROL_PARAMS_MAX = 160 }; /* an API's queries have up to 157 */
struct control_select {
	const char *sql;
	const char *const *params;
	size_t n_params;
};
/* One SELECT, read-only, with tables named as contract 6 does ("meta.runs", "gold.kpi_volume_daily") and text parameters $1, $2 ...;
 * the result's columns come by name. E_USAGE: the statement is wrong, or would write. */
status control_query(struct control *c, const struct control_select *q, control_row_visit visit, void *arg,
	struct err *err) MUST_USE;
/* The same as another would see it. PostgreSQL decides: the statement runs as the role, with request.jwt.claims (a JSON object) set for its
 * row-level security, both for the statement alone. E_IO (ERR_DENIED): the role may not. Elsewhere there are no roles, and the caller sees to
 * it what is asked. as NULL: control_query. */
struct control_actor {
	const char *role, *claims;
};
status control_query_as(struct control *c, const struct control_select *q, const struct control_actor *as,
	control_row_visit visit, void *arg, struct err *err) MUST_USE;
/* From now on a query of this handle that takes longer is ended, with E_LIMIT (ERR_RETRY), and a lost connection is made again once. */
void control_limit_queries(struct control *c, int ms);

#endif
