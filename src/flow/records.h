/* flow/records.h: a run's own objects below manifests/: are they what was written?
 *
 * Commits, versions and the mark of a dropped run each carry a digest of themselves (base/seal.h), manifest.json and checksums.json follow from
 * the commits, and the configuration is named by its hash: so no byte of them changes unseen. Reads only.
 */
#ifndef PQR_FLOW_RECORDS_H
#define PQR_FLOW_RECORDS_H

#include "flow/commit.h"
#include "flow/drop.h"
#include "flow/picture.h"
#include "flow/workload.h"

enum { RECORDS_STAGES_MAX = 16 };

struct records {
	const struct workload *workload;
	struct store *lake;
	const char *run_id;
	int32_t date; /* of the run's folder */
	/* Called for each difference, from the calling thread. May be NULL. */
	void (*difference)(void *arg, const char *key, const char *what);
	void *arg;
	struct arena *arena;
	/* written by records_load */
	struct commit commits[RECORDS_STAGES_MAX]; /* in order, up to the first that is not there or damaged */
	size_t n_commits;
	bool damaged; /* one of them was, or is lost */
	/* written by records_check */
	struct drop_mark mark;
	struct picture left; /* versions.json; in arena; without tables where it is not there or damaged */
	int64_t differences; /* of both */
};

/* The commits. They live in arena. A damaged or lost one is a difference; E_IO, E_NOMEM, ... are failures. */
status records_load(struct records *r, struct err *err) MUST_USE;
/* All else, after records_load. */
status records_check(struct records *r, struct err *err) MUST_USE;

#endif
