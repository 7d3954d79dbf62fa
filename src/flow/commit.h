/* flow/commit.h: the commit of a stage: one immutable object that names every file the stage wrote.
 *
 *   manifests/day=<as_of local date>/run_id=<U>/stages/<stage>.json
 *   {"counters":{},"files":[],"run":{},"stage":"","tasks":n,"version":""}     canonical; no wall clock
 *   and "history":["<run>",...] after "files" where the stage took up earlier runs
 */
#ifndef PQR_FLOW_COMMIT_H
#define PQR_FLOW_COMMIT_H

#include "flow/task.h"

struct commit {
	const char *stage;
	const char *version; /* of the program */
	struct run_info run;
	int64_t n_tasks;
	struct file_list files; /* sorted by path */
	struct counter_list counters;
	const char *const
		*history; /* [n_history] the runs taken up, of the stage that folds across runs (flow/history.h) */
	size_t n_history;
	char sha256[HEX_SHA256_CHARS + 1]; /* of the object it was loaded from; "" = not loaded */
};

enum { RUN_KEY_MAX = 256 };
/* manifests/day=<date>/run_id=<U>/<name> */
void run_key(char dst[RUN_KEY_MAX], int32_t date, const char *run_id, const char *name);
void commit_key(char dst[RUN_KEY_MAX], int32_t date, const char *run_id, const char *stage);

void commit_json(struct buf *out, const struct commit *c);
status commit_parse(struct str text, struct arena *arena, struct commit *out, struct err *err) MUST_USE;
/* E_NOT_FOUND while the stage is not committed; E_VERIFY: the object is not what commit_json writes: cut or edited. */
status commit_load(
	struct store *lake, const char *key, struct arena *arena, struct commit *out, struct err *err) MUST_USE;
/* E_VERIFY at key: the commit was `how` ("damaged") after it was written, and what to do. */
status commit_fail(const char *key, const char *how, struct err *err) MUST_USE;
/* The day= folder of a run by looking for it; E_NOT_FOUND. O(objects below manifests/): only when nothing else tells. */
status commit_find(struct store *lake, const char *run_id, int32_t *date, struct err *err) MUST_USE;

/* Counter that says a stage made `output` from `input` in some task: lineage, kept in the commit. dst[RUN_KEY_MAX]. */
const char *commit_edge_name(char dst[RUN_KEY_MAX], const char *input, const char *output);

/* Counter of how many of history's runs the last one of them had folded with itself: the base (flow/history.h). */
#define COMMIT_KNOWN "history:known"
const char *commit_base(const struct commit *c); /* NULL without a history */

void file_list_sort(struct file_list *l); /* by path, bytewise */
/* Merge b into a: sums; "max_..." and "min_..." take the extreme. false: out of memory. */
bool counter_list_merge(struct counter_list *a, const struct counter_list *b) MUST_USE;

#endif
