/* flow/run.h: run a workload from its first stage to the published tables.
 *
 *   identity -> lease -> [ plan -> tasks -> check -> sync -> commit ] per stage -> manifest -> publish -> status
 *
 * A stage is committed by one put of manifests/day=<as_of>/run_id=<U>/stages/<stage>.json. Everything before that
 * put can be repeated; everything after it follows from that object. So a run that is killed at any instruction and
 * run again ends in the same state as one that was never killed, and a finished run that is run again changes nothing.
 */
#ifndef PQR_FLOW_RUN_H
#define PQR_FLOW_RUN_H

#include "control/control.h"
#include "flow/watch.h"

enum { RUN_STAGES_MAX = 12 };

/* Everything is borrowed during the call. Start from run_opts_init. */
struct run_opts {
	const struct workload *workload;
	struct store *lake;
	struct control *control;     /* flow_plan_json does without: NULL */
	const char *executor;        /* "threads" (NULL is that), or as flow/executor.h names it */
	int threads;                 /* 0 = thread_cores() */
	int64_t executor_silence_us; /* 0 = two minutes; this and the next are of executors other than threads */
	bool forward_credentials;
	const char *executed_with; /* what meta.runs calls the executor; NULL = executor */

	/* What decides the output. A run that exists may be named by run_id alone (config.n == 0): the rest is then what it was
	 * begun with. E_CONFLICT when the run exists and any of these differs. */
	const char *run_id;        /* NULL = derived: UUIDv5 of what decides the output */
	struct str config;         /* canonical JSON */
	const void *config_opened; /* config as workload->config_open gives it; NULL = flow opens it itself */
	struct run_params params;  /* of a run without inputs; the workload parses and settles them */
	int64_t as_of; /* INT64_MIN = end of its last day, or of the newest event's local day when ingested */
	const char *const
		*inputs; /* n_inputs > 0: an ingested run; files, folders of files, streams ("-": standard input) */
	size_t n_inputs;
	/* Not NULL, and no inputs: take what a stream has appended to this part ("2026-01-05") of the workload's table of events. */
	const char *streamed;
	/* Make the history of this run again without it (flow/drop.h); nothing else of what decides the output is given then. A run that
	 * was dropped already is dropped on. E_NOT_FOUND: it has not folded; E_USAGE: it was not ingested, or dropped another. */
	const char *drop;
	const char *source; /* ingest: value of source=; NULL = "mixed" */

	/* How far to go. */
	const char *until; /* last stage to run, "publish" included; NULL = all */
	const char *
		only; /* this stage alone ("raw" .. "gold", "publish"): E_NOT_FOUND while the stage before is not committed */
	bool publish;           /* false: stop after the last stage */
	bool replace_published; /* also where the published tables show another history: else E_USAGE before any work */

	bool rebuild; /* part of a rebuild (flow/rebuild.h): work while its mark stands, also on a run that was dropped later */

	bool progress;
	bool quiet;                      /* no progress, no log line at level info */
	const char *executed_by;         /* for meta.runs; NULL = the user's name */
	const struct run_watch *watches; /* [n_watches] told of the run as it goes */
	size_t n_watches;
	int64_t retry_delay_us; /* before the first retry of a task, doubled each time; < 0 = 200 ms */
};
void run_opts_init(struct run_opts *o); /* publish and progress on, the rest unset */

/* What can be refused without a lake: unknown executor or stage, dates and as-of, inputs that are missing or can't be read. So that a
 * refused run leaves nothing behind. o->lake and o->control may be NULL; OK without a configuration. The errors of flow_run. */
status run_opts_check(const struct run_opts *o, struct err *err) MUST_USE;

struct stage_report {
	const char *name; /* "raw" "bronze" "silver" "gold" "publish" */
	bool done;        /* committed, now or before */
	bool skipped;     /* it was committed before this call: the numbers are those of then */
	int64_t n_tasks;
	int64_t n_tasks_resumed; /* of those, done by an earlier attempt */
	int64_t us;              /* wall time */
	int64_t rows_in, rows_out, bytes_in, bytes_out;
};

/* Texts live in arena. On failure the report holds what is known: run_id, status and the stages so far. */
struct run_report {
	char run_id[UUID_CHARS + 1];
	const char *workload;
	const char *lake; /* its URI */
	enum run_status status;
	bool nothing_to_do; /* all that was asked for had been done before, or (no stages) the input holds no line */
	char root[HEX_SHA256_CHARS + 1]; /* the manifest's; "" before raw is committed */
	int64_t as_of;                   /* INT64_MIN while unknown */
	const char *const *
		history; /* [n_history] ids of the runs that this one took up, oldest first; known once the run folds */
	size_t n_history;
	int64_t rows_raw, rows_bronze, rows_rejected, rows_duplicate; /* raw is the sum of the others */
	struct counter_list rows; /* per table: "silver.tickets", "gold.kpi_volume_daily", sorted by name */
	struct counter_list
		reasons; /* why lines and events were kept out: "rejects:not_json", "quarantine:orphan", the most first */
	char rejects_in[PATH_KEY_MAX]; /* a pattern of a shell for the files of rejects, within the lake; "" = none */
	struct stage_report stages[RUN_STAGES_MAX];
	size_t n_stages;
	int64_t quality_pass, quality_warn, quality_fail;
	int64_t task_retries;
	struct arena arena;
};
void run_report_init(struct run_report *r);
void run_report_deinit(struct run_report *r);
/* The document that `pqr run --json` prints (docs/cli.md), without a newline. */
void run_report_json(const struct run_report *r, struct buf *out);

/* r: initialised by run_report_init. Errors the caller can act on: E_QUALITY (a CRITICAL check failed: status FAILED, nothing after
 * that stage was done), E_VERIFY (an input changed), E_BUSY (another process holds the run: who, since when, until when),
 * E_CANCELLED (all that was committed stays), E_USAGE (unknown stage, bad run_id), E_CONFLICT (the run exists with another
 * configuration), E_NOT_FOUND (run_id alone, and no such run; only: the stage before is missing; a missing input). */
status flow_run(const struct run_opts *o, struct run_report *r, struct err *err) MUST_USE;

/* The plan as one canonical JSON document: concrete tasks of every stage whose inputs are committed (raw always),
 * {"after": stage} for the others. Each task holds its run too, and is what flow_task_run_json takes. Puts
 * the configuration object into the lake, so that the tasks can run anywhere, and nothing else. */
status flow_plan_json(const struct run_opts *o, struct buf *out, struct err *err) MUST_USE;

/* How far it is, for another thread; zeroed when it begins. */
struct task_progress {
	_Atomic int64_t rows, bytes;
};
/* Run one task of a plan and append its result as JSON. progress may be NULL. E_USAGE: not a task document, or of a workload that is not
 * known. */
status flow_task_run_json(const struct workload_list *known, struct store *lake, struct str spec,
	struct task_progress *progress, struct buf *out, struct err *err) MUST_USE;

/* The canonical configuration that runs with this hash were given, appended to out. E_VERIFY: it was changed since. */
status flow_config_get(struct store *lake, const char *config_hash, struct buf *out, struct err *err) MUST_USE;

#endif
