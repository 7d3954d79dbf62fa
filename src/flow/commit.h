/* flow/commit.h: the commit of a stage: one immutable object that names every file the stage wrote.
 *
 *   manifests/day=<as_of local date>/run_id=<U>/stages/<stage>.json
 *   {"counters":{},"edges":[{"input":"","output":""}],"files":[],"run":{},"seal":"","stage":"","tasks":n,"version":""}
 *   "events":{"first":us,"last":us,"types":{}} after "edges" of raw, first and last where instants are known
 *   "history":{"claim":n,"runs":["<run>",...]} after "files" of the folding stage, and of later ones where there are runs before
 *   "removed":[] after "history": files of those runs that the stage's outputs replace
 *   "seal": the object's digest of itself (base/seal.h): names of counters and texts have no other check
 *   canonical; no wall clock
 */
#ifndef PQR_FLOW_COMMIT_H
#define PQR_FLOW_COMMIT_H

#include "flow/task.h"

/* A task of the stage read `input` and wrote `output`, two tables: lineage. */
struct commit_edge {
	const char *input, *output;
};
struct commit_edges {
	struct commit_edge *items; /* [n] each pair once, by input and output once commit_edges_sort was called */
	size_t n, cap;
	struct arena *arena;
};
/* Add the pair unless it is there; the names are copied. false: out of memory. O(n): pairs are few. */
bool commit_edges_add(struct commit_edges *l, const char *input, const char *output) MUST_USE;
bool commit_edges_has(const struct commit_edges *l, const char *input, const char *output);
void commit_edges_sort(struct commit_edges *l);

struct commit {
	const char *stage;
	const char *version; /* of the program */
	struct run_info run;
	uint64_t ingest_seed; /* of a run of before that was ingested: read to know its text again, and no more */
	int64_t n_tasks;
	struct file_list files; /* sorted by path */
	struct counter_list counters;
	struct commit_edges edges;
	struct event_stats events;
	/* Where the run continues another (flow/history.h): the runs before it, oldest first, and the claim it goes on under. */
	const char *const *history; /* [n_history] */
	size_t n_history;
	int64_t claim;
	struct file_list
		removed; /* of the history's tables, sorted by path: what this stage's files stand in place of */
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

/* The workload whose run it is, by the commit of its first stage, in arena. E_NOT_FOUND: it has none. */
status commit_find_workload(
	struct store *lake, const char *run_id, struct arena *arena, const char **out, struct err *err) MUST_USE;

/* An empty commit whose lists grow in arena. */
void commit_init(struct commit *c, struct arena *arena);

#endif
