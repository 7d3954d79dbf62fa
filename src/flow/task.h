/* flow/task.h: a run as a plan of independent tasks; a workload as what it registers.
 *
 *   plan(stage) -> task_spec[] --executor--> task_result[] -> check -> commit -> next stage
 *
 * A task is a pure function of its spec, the configuration the spec names and the objects it names: it can be
 * retried, moved or run twice and writes the same bytes. Specs and results have a JSON form (flow/task_json.c);
 * counters are named sums, so that results of tasks merge by addition.
 */
#ifndef PQR_FLOW_TASK_H
#define PQR_FLOW_TASK_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/time.h"
#include "columnar/schema.h"
#include "io/store.h"

/* One object a task reads or writes. Strings live in the list's arena. */
struct file_ref {
	const char *table; /* "raw.pqrs", "bronze.pqrs_events", "rejects.pqrs", "silver.tickets", ... */
	const char *path;  /* key in the lake (or a file outside it, for ingest's inputs) */
	int64_t rows;
	int64_t bytes;
	uint8_t xxh128[XXH128_BYTES];
	uint8_t sha256[SHA256_BYTES];
	const char *
		stats; /* of a part of a table: what its Delta log says of it (table/write/stats.h); NULL = not known */
	bool earlier;  /* an input whose rows an earlier run of the history has folded (flow/history.h) */
};
struct file_list {
	struct file_ref *items;
	size_t n, cap;
	struct arena *arena;
};

/* When the results of a stage's tasks are merged, "max_..." and "min_..." take the extreme and everything else adds. Raw's
 * "max_ts" (newest valid event, microseconds) gives an ingested run its as_of; its "events:<type>" become the manifest's counts. */
struct counter {
	const char *name;
	int64_t value;
};
struct counter_list {
	struct counter *items;
	size_t n, cap;
	struct arena *arena;
};

/* Appends or adds; names are copied. false: out of memory. */
bool file_list_add(struct file_list *l, const struct file_ref *f) MUST_USE;
bool counter_add(struct counter_list *l, const char *name,
	int64_t value) MUST_USE;                                     /* sums; O(1) amortised is not needed: few names */
int64_t counter_get(const struct counter_list *l, const char *name); /* 0 when absent */

/* What decides a run's output, beside the configuration. */
struct run_info {
	char run_id[UUID_CHARS + 1];
	const char *workload;
	bool simulated; /* else ingested from inputs */
	uint64_t seed;
	int32_t date_from, date_to; /* local dates, inclusive; of the events, when ingested */
	int32_t emit_from;          /* leave out events before this local date; = date_from by default */
	int64_t as_of;              /* microseconds; INT64_MIN while unknown (before ingest's raw stage) */
	const char *source;         /* ingest: value of source= ("mixed") */
	char config_hash[HEX_SHA256_CHARS + 1];
};

struct task_spec {
	const char *stage;
	const char *task_id; /* "bronze-0003"; unique in the run, stable */
	int64_t lo, hi;      /* stage-specific half-open range: days of raw, buckets of silver, ... */
	const char *part;    /* stage-specific name, e.g. the gold table group; "" = none */
	struct file_list inputs;
};
struct task_list {
	struct task_spec *items;
	size_t n, cap;
	struct arena *arena;
};
/* A zeroed spec whose inputs list uses the list's arena; NULL: out of memory. */
struct task_spec *task_list_add(struct task_list *l) MUST_USE;

struct task_result {
	struct file_list outputs;
	struct counter_list
		counters; /* "rows_in", "rows_out", "bytes_in", "bytes_out" always; the rest is the stage's */
};

/* What a running task may use. */
struct task_env {
	struct store *lake;
	const struct run_info *run;
	const void *config;              /* the workload's own configuration struct */
	_Atomic int64_t *progress_rows;  /* may be NULL; a task adds rows as it goes */
	_Atomic int64_t *progress_bytes; /* may be NULL */
};

/* Name a finished data file by its content, put it as <dir>/part-<xxh128>.parquet and add it to out->outputs (rows, bytes,
 * XXH3-128, SHA-256). The same bytes put again are OK. n > 0. */
status task_output_part(const struct task_env *env, struct task_result *out, const char *table, const char *dir,
	const void *p, size_t n, int64_t rows, struct err *err) MUST_USE;
/* The task is about to open files[i] of n, one after the other: those that follow may be on their way already. */
enum { TASK_AHEAD = 8 };
void task_ahead(const struct task_env *env, const struct file_ref *files, size_t n, size_t i);
/* As task_output_part, under a fixed key (raw objects, rejects). */
status task_output_object(const struct task_env *env, struct task_result *out, const char *table, const char *key,
	const void *p, size_t n, int64_t rows, struct err *err) MUST_USE;
static inline void task_progress(const struct task_env *env, int64_t rows, int64_t bytes)
{
	if (env->progress_rows != NULL) atomic_fetch_add_explicit(env->progress_rows, rows, memory_order_relaxed);
	if (env->progress_bytes != NULL) atomic_fetch_add_explicit(env->progress_bytes, bytes, memory_order_relaxed);
}

enum quality_severity { QUALITY_CRITICAL, QUALITY_WARNING };
enum quality_result { QUALITY_PASS, QUALITY_WARN, QUALITY_FAIL };
struct quality {
	const char *dataset;    /* "bronze.pqrs_events" */
	const char *check_name; /* snake_case */
	enum quality_severity severity;
	enum quality_result result;
	const char *value, *threshold, *details; /* short texts; "" = none */
	int64_t record_count;
};
struct quality_list {
	struct quality *items;
	size_t n, cap;
	struct arena *arena;
};
/* pass picks PASS, or FAIL (CRITICAL) or WARN (WARNING). Strings are copied. false: out of memory. */
bool quality_add(struct quality_list *l, bool pass, const struct quality *q) MUST_USE;

struct history;
/* Sums over all finished tasks, for planning and checks. */
struct stage_view {
	const struct run_info *run;
	const void *config;
	size_t n_stages;                     /* stages finished so far, this one included when checking */
	const struct file_list *files;       /* [n_stages] outputs, sorted by path */
	const struct counter_list *counters; /* [n_stages] */
	const struct history *history;       /* of the folding stage's plan; NULL = none (flow/history.h) */
	struct store *lake;
};

struct stage_def {
	const char *name; /* "raw" "bronze" "silver" "gold" */
	/* Cut the stage into tasks. view holds the earlier stages; inputs: files given by the user (ingest), may be empty. The cut depends
	 * on the run and its data alone, never on threads. */
	status (*plan)(
		const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err);
	status (*run)(
		const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err);
	/* Quality checks over this stage's and earlier counters. */
	status (*check)(const struct stage_view *view, struct quality_list *out, struct err *err);
};

/* A view of the serving database, in SQLite's dialect: "SELECT ..." over gold_<table>. */
struct workload_view {
	const char *name; /* "analytics_v_geo_daily" */
	const char *sql;
};

/* A table of the serving database that holds the rows of one of the lake's: operations beside the figures. */
struct workload_mirror {
	const struct table_schema *schema; /* core.tickets */
	const char *source;                /* "silver.tickets"; the same columns */
	/* NULL: the run's own rows are the whole picture. Else, where the run has a history (flow/history.h): for each value of this
	 * column ("ticket_id", a text) the rows of the newest run that touched it, in source or in `also`. */
	const char *key;
	const char *also; /* "silver.quarantine": has that column too; NULL = none */
};

/* What a run has to do with one before it of the same workload. */
enum continues {
	CONTINUES_NOT,
	CONTINUES_WHOLE, /* of several such runs one is enough: each holds all that came before */
	CONTINUES_PART,  /* each brings events of its own: all of them count */
};
/* Folding across runs: see flow/history.h. */
struct workload_folding {
	const char *stage;         /* "silver"; NULL: every run stands alone */
	const char *const *tables; /* what its plan needs of all earlier runs: "bronze.pqrs_events" */
	size_t n_tables;
	const char *const *base_tables; /* and of the last before it alone */
	size_t n_base_tables;
	/* earlier NULL: is there any run that this one may continue? Cheap; not CONTINUES_NOT is a yes. */
	enum continues (*continues)(const void *config, const struct run_info *run, const struct run_info *earlier);
	/* Of CONTINUES_WHOLE, where the configurations (canonical JSON) differ: do they still make one history? */
	bool (*same_events)(struct str config, struct str earlier);
};

struct workload {
	const char *name; /* "pqrs" */
	const struct stage_def *stages;
	size_t n_stages;
	const struct table_schema *const *tables; /* every table of every layer */
	size_t n_tables;
	/* The workload's configuration from its canonical JSON (see pqrs/config/config.h); gives *config. */
	status (*config_open)(struct str canonical, void **config, struct err *err);
	void (*config_close)(void *config);
	/* The zone that decides local dates; views config. NULL: UTC. */
	const struct tz *(*timezone)(const void *config);
	const struct workload_mirror *mirrors; /* published when mirrors_on(config) */
	size_t n_mirrors;
	bool (*mirrors_on)(const void *config); /* NULL: never */
	const struct workload_view *views;      /* created, in this order, when the run is published */
	size_t n_views;
	struct workload_folding folding;
};

#endif
