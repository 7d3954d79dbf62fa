/* flow/task.h: what a task of a run is given, and what it gives back.
 *
 *   plan(stage) -> task_spec[] --executor--> task_result[] -> check -> commit -> next stage
 *
 * A task is a pure function of its spec, the configuration the spec names and the objects it names: it can be
 * retried, moved or run twice and writes the same bytes. Specs and results have a JSON form (flow/task_json.c).
 */
#ifndef PQR_FLOW_TASK_H
#define PQR_FLOW_TASK_H

#include <stdatomic.h>

#include "base/time.h"
#include "flow/event_stats.h"
#include "flow/file_list.h"
#include "io/input.h"
#include "io/store.h"

/* What decides a run's output, beside the configuration. */
struct run_info {
	char run_id[UUID_CHARS + 1];
	const char *workload;
	/* What the workload was told of the events that it makes, in its own canonical text (struct workload_making); "", NULL: its events
	 * are taken from inputs. */
	const char *params;
	int32_t date_from, date_to; /* local dates, inclusive; of the events, when ingested */
	int64_t as_of;              /* microseconds; INT64_MIN while unknown (before ingest's raw stage) */
	const char *source;         /* ingest: value of source= ("mixed") */
	char config_hash[HEX_SHA256_CHARS + 1];
	char drops[UUID_CHARS + 1]; /* the run that it takes out of its history (flow/drop.h); "" = none */
};
/* Are its events made by the workload? Else they are ingested from inputs. */
static inline bool run_makes(const struct run_info *run)
{
	return run->params != NULL && run->params[0] != '\0';
}

/* What a person sets for one run beside the configuration: {"emit_from", "2025-10-01", "--emit-from"}. All borrowed. */
struct run_param {
	const char *name, *value, *origin; /* origin: what an error calls it */
};
struct run_params {
	const struct run_param *items;
	size_t n;
};

struct task_spec {
	const char *stage;
	const char *task_id; /* "bronze-0003"; unique in the run, stable */
	int64_t lo, hi;      /* stage-specific half-open range: days of raw, buckets of silver, ... */
	const char *part;    /* stage-specific name, e.g. the gold table group; "" = none */
	struct file_list inputs;
	/* The run that opened the history whose rows the task writes; "" = not known yet: before the folding stage. */
	const char *history;
	int64_t since; /* of a run that goes on from another: the instant that one describes; else INT64_MIN */
	/* What stands of the tables that the stage writes, of earlier runs of the history, by path. The stage's outputs are all that stands
	 * after it: a task names a file of these among its outputs to keep it. */
	struct file_list standing;
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
		counters;          /* "rows_in", "rows_out", "bytes_in", "bytes_out" always; the rest is the stage's */
	struct event_stats events; /* of a task of raw; empty elsewhere */
	const struct file_list *standing; /* the spec's, borrowed; NULL = nothing stands */
};
/* Empty; its lists grow in arena. spec: the task's, borrowed; NULL for a result that no task fills. */
void task_result_init(struct task_result *r, const struct task_spec *spec, struct arena *arena);

/* What a running task may use. */
struct task_env {
	struct store *lake;
	const struct run_info *run;
	const void *config;                /* the workload's own configuration struct */
	const struct input_spools *spools; /* where the streams among the inputs are; NULL = there are none */
	_Atomic int64_t *progress_rows;    /* may be NULL; a task adds rows as it goes */
	_Atomic int64_t *progress_bytes;   /* may be NULL */
};

/* A finished file of a task. All borrowed. */
struct task_file {
	const char *table;            /* "silver.tickets": it lies in silver/tickets */
	struct delta_pairs partition; /* its folders, in the order of the table's columns */
	const char *name;             /* "events.jsonl"; NULL: a Parquet file, named by its content, with statistics */
	const void *p;                /* p[n], n > 0 */
	size_t n;
	int64_t rows;
	const char *made_of; /* of its file_ref; NULL */
};
/* Put it and add it to out->outputs, with its hashes. The same bytes put again are OK. Where a Parquet
 * file of these bytes stands already in the same part of the table, of another run, that one is kept and nothing is put. */
status task_output(
	const struct task_env *env, struct task_result *out, const struct task_file *file, struct err *err) MUST_USE;
/* An object of a task that is too large to hold: open, added to, then finished, which publishes it and tells its size and hashes. */
struct task_stream {
	struct store_writer *writer; /* NULL: not open */
	struct hash_stream hash;
	int64_t bytes;
};
status task_stream_open(struct task_stream *s, struct store *lake, const char *key, struct err *err) MUST_USE;
status task_stream_add(struct task_stream *s, const void *p, size_t n, struct err *err) MUST_USE;
status task_stream_finish(struct task_stream *s, struct file_ref *file, struct err *err) MUST_USE;
void task_stream_deinit(struct task_stream *s); /* what was not finished leaves nothing */
/* Add a standing file to out->outputs: what it holds goes on to be true. */
status task_output_keep(struct task_result *out, const struct file_ref *standing, struct err *err) MUST_USE;
/* The task is about to open files[i] of n, one after the other: those that follow may be on their way already. */
enum { TASK_AHEAD = 8 };
void task_ahead(const struct task_env *env, const struct file_ref *files, size_t n, size_t i);
static inline void task_progress(const struct task_env *env, int64_t rows, int64_t bytes)
{
	if (env->progress_rows != NULL) atomic_fetch_add_explicit(env->progress_rows, rows, memory_order_relaxed);
	if (env->progress_bytes != NULL) atomic_fetch_add_explicit(env->progress_bytes, bytes, memory_order_relaxed);
}

#endif
