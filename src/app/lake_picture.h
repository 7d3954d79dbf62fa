/* app/lake_picture.h: which versions of the tables a reader of the lake sees: what one run left, or what the last finished one of each workload did. */
#ifndef PQR_APP_LAKE_PICTURE_H
#define PQR_APP_LAKE_PICTURE_H

#include "flow/picture.h"
#include "query/query.h"

/* run_id NULL: of each workload the newest set that a finished run left; out->n == 0: no run has finished. All of *out lives in arena.
 * E_NOT_FOUND: no such run, or it has not finished. */
status lake_picture(struct store *lake, const char *run_id, struct arena *arena, struct query_picture *out,
	struct err *err) MUST_USE;
/* How many histories stand side by side, of the workload that has the most: runs that continue one another are one. */
status lake_picture_histories(struct store *lake, size_t *out, struct err *err) MUST_USE;

#endif
