/* flow/history.h: the earlier runs whose rows a run takes up.
 *
 *   run 1 ◄── run 2 ◄── run 3        one history: a ticket opened in run 1 and closed in run 3 is one ticket
 *                ▲────── run 2'      a run that did not know of run 2 (both at once): the next run takes up both
 *
 * A workload whose stage folds across runs (workload.folding) says which earlier runs a run continues; what counts is a run's
 * commit of that stage in the lake. The newest of them with the longest history is the base: its tables of that stage hold what
 * was known until then. The others that its history does not name are late: their events were folded by none of the base's
 * runs, and are to the run as new as its own. The commit of the folding stage keeps the history ("history"), so that
 * what a run was made from is on record, and later runs and publishing find it without looking again.
 *
 * Files come from the tables' logs, not from the earlier commits: those that compaction has put in their place are as good.
 */
#ifndef PQR_FLOW_HISTORY_H
#define PQR_FLOW_HISTORY_H

#include "flow/commit.h"
#include "flow/workload.h"

struct history {
	const char *const
		*runs; /* [n_runs] ids: what the base had folded, oldest first, the base, then late ones by id */
	size_t n_runs;
	size_t n_known; /* of these, up to and with the base; 0 = no history */
	int64_t as_of;  /* the newest of these runs'; of CONTINUES_WHOLE the base's. INT64_MIN without a history */
	/* Of workload.folding: what these runs wrote to `tables`, then what the base wrote to `base_tables`; by table in that order, by
	 * run within and by path. `earlier` unless of a late run. rows -1 where the log does not say; xxh128 all zero where the name does not. */
	struct file_list files;
	struct file_list written; /* by the base's folding stage, as its commit says */
};

struct history_search {
	struct store *lake;
	const struct workload *w;
	const void *config;     /* the run's, opened */
	struct str config_text; /* and its canonical JSON */
	const struct run_info *run;
};
/* The history of a run that has not folded yet, without files. Reads the folding stage's commit of every run in the lake that may
 * count. All of *out lives in arena. E_VERIFY: such a commit was damaged. */
status history_find(const struct history_search *s, struct arena *arena, struct history *out, struct err *err) MUST_USE;
/* h->files of a history that was found. A warning is logged where a table holds fewer rows of the base than it wrote (somebody deleted
 * some). E_CORRUPT, E_UNSUPPORTED: as the tables' logs (table/log/snapshot.h). */
status history_load_files(struct store *lake, const struct workload *w, struct history *h, struct err *err) MUST_USE;
struct history_runs {
	const char *const *ids; /* [n] */
	size_t n;
	size_t *ends; /* [n], set by the call: ids[i]'s files end there in the list; NULL = not wanted */
};
/* The files of one table ("silver.status_events") that the given runs wrote (of a dimension: all), appended to out by (run in the order given, path). */
status history_table_files(struct store *lake, const struct workload *w, const char *table,
	const struct history_runs *runs, struct file_list *out, struct err *err) MUST_USE;

#endif
