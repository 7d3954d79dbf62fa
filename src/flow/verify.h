/* flow/verify.h: hash everything a run wrote again and compare with what its manifest says; and look what the tables' logs say of it. */
#ifndef PQR_FLOW_VERIFY_H
#define PQR_FLOW_VERIFY_H

#include "flow/workload.h"

struct verify_opts {
	const struct workload *workload; /* for its stages' names */
	struct store *lake;
	const char *run_id;
	int threads; /* 0 = thread_cores() */
	bool progress;
	/* Called for each difference, in path order, from the calling thread. May be NULL. */
	void (*difference)(void *arg, const char *path, const char *what);
	void *arg;
};
struct verify_report {
	int64_t objects, bytes; /* hashed */
	int64_t differences;
	int64_t replaced; /* gone, as they may: their table's log has replaced them (flow/superseded.h) */
	char root[HEX_SHA256_CHARS + 1]; /* the manifest's */
	char dropped_by[UUID_CHARS + 1]; /* the run that took it out of its history; "" = none */
};
/* Every SHA-256 of every committed stage against the stage's commit, manifest.json and checksums.json; then the logs of the tables it wrote
 * against their files, the contract's columns and the number of the run's rows (table/maintain/check.h).
 * E_VERIFY when anything is missing, changed or of another size; *out is written then too. E_NOT_FOUND: no such run. */
status flow_verify(const struct verify_opts *o, struct verify_report *out, struct err *err) MUST_USE;

#endif
