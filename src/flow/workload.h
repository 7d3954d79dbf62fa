/* flow/workload.h: what a workload registers: stages that plan, run and check, tables, views, and how it folds across runs.
 *
 * Everything here is static data of the workload and functions of their arguments alone; the engine calls them and knows nothing
 * of what the rows mean.
 */
#ifndef PQR_FLOW_WORKLOAD_H
#define PQR_FLOW_WORKLOAD_H

#include "columnar/schema.h"
#include "flow/quality.h"
#include "flow/task.h"
#include "io/config/config.h"

struct history;
struct stream_topic;
struct raw_contract;
/* Sums over all finished tasks, for planning and checks. */
struct stage_view {
	const struct run_info *run;
	const void *config;
	size_t n_stages;                     /* stages finished so far, this one included when checking */
	const struct file_list *files;       /* [n_stages] outputs, sorted by path */
	const struct counter_list *counters; /* [n_stages] */
	const struct event_stats *events;    /* of raw, once it is committed; NULL before */
	const struct history *history;       /* of the folding stage's plan; NULL = none (flow/history.h) */
	const struct file_list
		*standing; /* what earlier runs of it left in the stage's layer; empty without a history */
	/* After the folding stage, where workload_folding.reckons: the first so many of history's runs are in what the layer's tables say. Those
	 * behind ended before they had been through the layer's stages: what they changed may not be in `standing`. */
	size_t n_through;
	struct store *lake;
};
/* Rows of a table ("silver.tickets") over the files of all stages in the view. */
int64_t stage_view_rows(const struct stage_view *view, const char *table);

struct stage_def {
	const char *
		name; /* of its commit, tasks and checks: "raw" "bronze" "silver" "gold", or what a person calls the step */
	/* Cut the stage into tasks. view holds the earlier stages; inputs: files given by the user (ingest), may be empty. The cut depends
	 * on the run and its data alone, never on threads. */
	status (*plan)(
		const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err);
	status (*run)(
		const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err);
	/* Quality checks over this stage's and earlier counters. */
	status (*check)(const struct stage_view *view, struct quality_list *out, struct err *err);
	const char *layer; /* its role, and the layer whose tables it writes; NULL: its name */
	const char *table; /* the one table of that layer that it writes; NULL: all of them */
};
const char *stage_layer(const struct stage_def *s);

/* A view of the serving database, in the words that SQLite and PostgreSQL share: "SELECT ..." over gold.<table>. */
struct workload_view {
	const char *name; /* "analytics.v_geo_daily" */
	const char *sql;
	const struct table_schema *schema; /* its columns, in the SELECT's order */
};

/* A list that the API gives beside the tables, never stored: SQL as a view's, over core.<table> and gold.<table>. LOCAL_DATE(x) in it is the
 * date of the instant x in the workload's zone. */
struct workload_list_view {
	const struct table_schema *schema; /* its columns, in the SELECT's order; its layer is empty */
	const char *sql;
	const char *table; /* of core: the database answers where it has this one, else the lake */
};

/* What a run tells of its figures at its end, once it was published: a query over meta and the serving tables, by contract 6's names. */
struct workload_kpi {
	const char *title, *sql;
};

/* What a workload tells to who watches it (Prometheus): a gauge over one of the serving tables. */
struct workload_metric {
	const char *name, *help; /* "pqr_backlog" */
	const char *table;       /* "gold.kpi_backlog_daily": no metric before it was published */
	const char *sql;         /* its last column is the value, those before it are texts, labels by their names */
};

/* A table of the serving database that holds the rows of one of the lake's: operations beside the figures. */
struct workload_mirror {
	const struct table_schema *schema; /* core.tickets */
	const char *source;                /* "silver.tickets"; the same columns */
};

/* What a run has to do with one before it of the same workload. */
enum continues {
	CONTINUES_NOT,
	CONTINUES_ANY,         /* whatever events that one had */
	CONTINUES_SAME_EVENTS, /* when the configurations make the same events */
};
/* What an ingested run has landed, and the runs that it goes on from. All borrowed. */
struct landed {
	const struct file_list *files; /* raw's */
	const char *const *runs;       /* [n_runs] of its history so far */
	size_t n_runs;
	int64_t since; /* what they describe: later events of theirs wait for a run */
	int64_t until; /* the end of today: later events count for none */
};
/* Folding across runs: see flow/history.h. */
struct workload_folding {
	const char *stage; /* "silver"; NULL: every run stands alone */
	/* The table of events that it folds, and its column of their instants: what its plan needs of the history. */
	const char *events;   /* "bronze.pqrs_events" */
	const char *instants; /* NULL: "ts" */
	const char
		*claims; /* the table of the stage's layer that says which run is a history's head: "silver.tickets" */
	/* Of a run that makes its events. earlier NULL: is there any run that it may continue? Cheap; not CONTINUES_NOT is a yes. NULL: none. */
	enum continues (*continues)(const void *config, const struct run_info *run, const struct run_info *earlier);
	/* Of CONTINUES_SAME_EVENTS, where the configurations (canonical JSON) differ: do they still make one history? */
	bool (*same_events)(struct str config, struct str earlier);
	bool reckons; /* later stages derive what changed since the runs before, not all again: they need stage_view.n_through */
	/* When the newest event that is not after `until` happened, of those landed and those that wait, of a case that exists: one that is
	 * begun by then, in what was landed or in the events of `runs`. INT64_MIN: there is none. NULL: every event counts. */
	status (*newest)(const struct task_env *env, const struct landed *landed, int64_t *out, struct err *err);
};

enum { WORKLOAD_REASON_MAX = 64 };

/* What a person may set by name for one run, and the key of the configuration that it sets: {"seed", "simulation.seed"}. */
struct workload_option {
	const char *name, *key;
};

/* How a workload makes events of its own, where a run has no inputs (flow/made_days.h). The engine knows the days of such a run, and that
 * its params decide what is made; what they say it leaves to the workload. */
struct workload_making {
	/* Parse, check and settle what the run was given: its date_from, date_to (local days, inclusive) and params, in arena, never "".
	 * NULL: every run has inputs. E_USAGE. */
	status (*settle)(const void *config, const struct run_params *given, struct arena *arena, struct run_info *run,
		struct err *err);
	/* Are the run's days and params such as settle gives? For those of a document that anybody may have written. */
	bool (*settled)(const struct run_info *run);
	/* Append what the run's id follows from: configuration, days and params. */
	void (*name)(const struct run_info *run, struct buf *out);
	uint64_t (*seed)(const struct run_info *run); /* what meta.runs and manifest.json show as its seed */
	/* About how many bytes the run writes to the lake. NULL: nobody can tell. */
	int64_t (*bytes_expected)(const void *config, const struct run_info *run);
};

struct workload {
	const char *name; /* "pqrs" */
	const struct stage_def *stages;
	size_t n_stages;
	const struct table_schema *const *tables; /* every table of every layer */
	size_t n_tables;
	const struct raw_contract *raw; /* of its events (flow/raw_contract.h); NULL: not published */
	const struct config_keys *keys; /* of its own sections of the configuration */
	const struct workload_option *options;
	size_t n_options;
	/* Append the canonical JSON of all that decides the output of a run whose events are made here, or ingested, and of nothing else.
	 * tree: defaults, file, environment and settings, checked; borrowed. E_USAGE names file, line and key of the mistake. */
	status (*config_canonical)(const struct config *tree, bool ingested, struct buf *out, struct err *err);
	/* From the canonical JSON alone; gives *config, immutable and shared between threads. */
	status (*config_open)(struct str canonical, void **config, struct err *err);
	void (*config_close)(void *config);
	struct workload_making making;
	/* The zone that decides local dates; views config. NULL: UTC. */
	const struct tz *(*timezone)(const void *config);
	const struct workload_mirror *mirrors; /* published when mirrors_on(config) */
	size_t n_mirrors;
	bool (*mirrors_on)(const void *config); /* NULL: never */
	const struct workload_view *views;      /* created, in this order, when the run is published */
	size_t n_views;
	const struct workload_list_view *lists;
	size_t n_lists;
	const struct workload_kpi *kpis;
	size_t n_kpis;
	const struct workload_metric *metrics;
	size_t n_metrics;
	/* Which days its terms are counted in; views config. NULL: its terms have no such days. */
	const struct calendar *(*calendar)(const void *config);
	/* Append how what the lake says of one case came to be: text, or one JSON object and a newline. NULL: there is nothing to explain. */
	status (*explain)(struct store *lake, const char *what, bool json, struct buf *out, struct err *err);
	/* Why its lines and events are kept out, the i-th reason: "missing", which is all of "missing:...". NULL, or it returns NULL: no more. */
	const char *(*reason)(size_t i, char dst[WORKLOAD_REASON_MAX]);
	const char *publish_name;         /* what else a person may call the step that publishes; NULL: nothing */
	const struct stream_topic *topic; /* of its events as a stream (stream/topic.h); NULL: none */
	const struct table_schema *const
		*streamed; /* [n_streamed] tables that its streams alone write, for the contract */
	size_t n_streamed;
	struct workload_folding folding;
};
/* Those that a program knows; the first is meant where none is named. */
struct workload_list {
	const struct workload *const *items;
	size_t n;
};
const struct workload *workload_named(const struct workload_list *known, struct str name); /* NULL: none */
/* The same; E_USAGE says which there are. */
status workload_find(
	const struct workload_list *known, struct str name, const struct workload **out, struct err *err) MUST_USE;

/* The workload's table that a name ("silver.tickets") tells, or n_tables. */
size_t workload_table_index(const struct workload *w, const char *table);
/* The stage of that name, or the last of a layer of that name; of "publish" or the workload's own name for it, n_stages. E_USAGE. */
status workload_stage_index(const struct workload *w, const char *name, size_t *out, struct err *err) MUST_USE;
/* "raw, bronze, silver, gold or publish", for people; returns dst. */
const char *workload_stage_names(const struct workload *w, char *dst, size_t size);
bool workload_folds(const struct workload *w, const char *stage); /* across runs */
/* May `run` go on from `earlier` (NULL: is there any that it may)? An ingested run takes up everything ingested before it; one that makes
 * its events goes by the workload's own rule. */
enum continues workload_continues(
	const struct workload *w, const void *config, const struct run_info *run, const struct run_info *earlier);
/* Is the table one that the stage of that name writes? */
bool workload_writes(const struct workload *w, const char *stage, const struct table_schema *t);

#endif
