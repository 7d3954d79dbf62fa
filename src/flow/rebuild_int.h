/* flow/rebuild_int.h: what a rebuild has to do, shared by its files.
 *
 *   rebuild.c ──► rebuild_plan.c (from the lake), rebuild_mark.c (kept in the lake)
 */
#ifndef PQR_FLOW_REBUILD_INT_H
#define PQR_FLOW_REBUILD_INT_H

#include "flow/rebuild.h"

struct rebuild_run {
	char run_id[UUID_CHARS + 1];
	const struct workload *workload;
	const char *until; /* the last stage that it had committed */
	bool published;    /* the serving database shows its picture */
};
struct rebuild_plan {
	struct rebuild_run *items; /* [n] each after all that it went on from */
	size_t n, cap;
	bool removed;        /* the old tables are gone */
	struct arena *arena; /* of all of it */
};

/* rebuild_plan.c */
/* From the commits in the lake, each raw object hashed. *bytes: what those runs wrote to the refined layers, where their commits can be
 * read. Errors: flow_rebuild. */
status rebuild_plan_find(const struct workload_list *known, const struct run_opts *o, struct rebuild_plan *p,
	int64_t *bytes, struct err *err) MUST_USE;
/* Has a stream appended to the workload's table of events, or did a run take what another writer had? That is in no raw object: the table
 * stays, log and files, as its own raw. */
status rebuild_keeps(struct store *lake, const struct rebuild_plan *p, const struct workload *w, bool *out,
	struct err *err) MUST_USE;
/* Is it an object of a run's folder that follows from raw: a later stage's commit, or versions of tables? */
bool rebuild_follows(const struct workload_list *known, const char *key);

/* rebuild_mark.c */
status rebuild_mark_put(struct store *lake, const struct rebuild_plan *p, struct err *err) MUST_USE;
/* E_NOT_FOUND: no rebuild is under way. E_VERIFY: it can't be read. */
status rebuild_mark_load(
	struct store *lake, const struct workload_list *known, struct rebuild_plan *p, struct err *err) MUST_USE;
status rebuild_mark_delete(struct store *lake, struct err *err) MUST_USE;

#endif
