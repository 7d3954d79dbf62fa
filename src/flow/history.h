/* flow/history.h: the run that a run goes on from, and what stands of the two runs' common history.
 *
 *   run 1 ◄── run 2 ◄── run 3 (head)  ◄── this run        one history: a ticket opened in run 1 and closed in run 3 is one ticket
 *
 * A workload whose stage folds across runs (workload.folding) says which run a run continues; what counts is a run's commit of that stage
 * in the lake. A history is a chain: only its newest run, the head, is continued, and of two runs that try at the same time one gets the
 * claim, a txn of one of the folding stage's tables, and the other plans again on the new head. What the history holds stands in the
 * tables once: a run that goes on removes what it replaces in the commits that add its own.
 *
 * What a run builds on is its base: the versions of the tables as they stood when it was planned (flow/picture.h, base.json), so that a run
 * killed between two tables plans again from what was there before, never from its own half. Of the tables that it has not come to the
 * base is what stands: compaction may have put other files there.
 */
#ifndef PQR_FLOW_HISTORY_H
#define PQR_FLOW_HISTORY_H

#include "flow/commit.h"
#include "flow/picture.h"
#include "flow/table_files.h"
#include "flow/workload.h"

struct history {
	const char *const *
		runs; /* [n_runs] the runs before this one, oldest first; the last is the head. 0: this run opens a history */
	size_t n_runs;
	int64_t as_of;       /* the head's; INT64_MIN without one */
	struct picture base; /* base.claim: of the head; a run that goes on claims the next */
	/* Of workload.folding.events what these runs wrote and still stands in the base, by path. rows -1 where the log does not say; xxh128
	 * all zero where the name does not. `earlier` unless it may hold rows later than as_of. */
	struct file_list files;
	char claimant[UUID_CHARS +
		      1]; /* where history_open fails with E_BUSY: the run that did claim, "?" = not told; else "" */
};

/* Of each workload that folds and has tables in the lake, what its run that finished last left: out[*n], in arena. Where none of its runs
 * has finished there is nothing of it. */
status history_newest(struct store *lake, const struct workload_list *known, struct arena *arena, struct picture **out,
	size_t *n, struct err *err) MUST_USE;

struct history_search {
	struct store *lake;
	const struct workload *w;
	const void *config;     /* the run's, opened */
	struct str config_text; /* and its canonical JSON */
	const struct run_info *run;
};
/* The head that the run continues, from the commits in the lake, newest first: runs, as_of and base.claim; all of *out lives in arena.
 * E_VERIFY: a commit was damaged. E_CONFLICT: the run it would continue was continued by another already. */
status history_find(const struct history_search *s, struct arena *arena, struct history *out, struct err *err) MUST_USE;
/* The base of a history that was found: of tables that the run has committed to as its base.json in the folder of that date says, else
 * as they stand; puts base.json where that changes it. Then h->files. E_BUSY: another run has claimed to go on from the head and is
 * not done (h->claimant). E_CORRUPT, E_UNSUPPORTED: as the tables' logs (table/log/snapshot.h). */
status history_open(
	const struct history_search *s, int32_t date, struct arena *arena, struct history *h, struct err *err) MUST_USE;

/* txn.appId under which the runs of the history that `opener` opened claim to be its head; dst[RUN_KEY_MAX]. Where a run continues any other
 * (CONTINUES_ANY) there is one history in the lake, whoever opens it. */
struct str history_claim_id(const struct history_search *s, const char *opener, char dst[RUN_KEY_MAX]);

bool history_is_claim(struct str app_id); /* is a txn one of these? */

/* What stands of these runs of one table ("silver.status_events"; of a dimension: all) at a version (DELTA_LATEST: the newest), appended to
 * out by path. Where there is no table: nothing. */
struct history_part {
	const char *table;
	int64_t version;
	const struct picture *runs;
};
status history_part_files(struct store *lake, const struct workload *w, const struct history_part *part,
	struct file_list *out, struct err *err) MUST_USE;
/* The same of that version of the table, which is open. */
struct delta_snapshot;
status history_snapshot_files(const struct delta_snapshot *s, const struct workload *w, const struct history_part *part,
	struct file_list *out, struct err *err) MUST_USE;

#endif
