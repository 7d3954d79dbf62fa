/* app/refused.h: what a run kept out: rejected lines, and events in quarantine, as one sequence of rows. */
#ifndef PQR_APP_REFUSED_H
#define PQR_APP_REFUSED_H

#include "base/buf.h"
#include "io/store.h"

struct refused_row {
	const char *kind; /* "rejects" or "quarantine" */
	struct str reason, object;
	int64_t line, offset; /* 1-based line of the raw object, and where it begins; offset -1: the object is gone */
	struct str raw;       /* the line, escaped as in a JSON string, or base64; p NULL: the object is gone */
	bool base64;
	bool cut; /* raw is its beginning alone */
};
/* The row is valid during the call. */
typedef status (*refused_visit)(void *arg, const struct refused_row *row, struct err *err);

/* Rejects by file and line, then quarantine by object and line: as the run left silver.quarantine, or as it stands where the run has not
 * finished. E_NOT_FOUND: the run has committed nothing. */
status refused_read(struct store *lake, const char *run_id, refused_visit visit, void *arg, struct err *err) MUST_USE;

#endif
