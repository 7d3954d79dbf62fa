/* flow/rejects_read.h: the rejects of a run (flow/rejects.h), read back one by one.
 *
 * Memory is bounded: of a row over the limit of a line (io/lines.h) the raw text is cut to its beginning.
 */
#ifndef PQR_FLOW_REJECTS_READ_H
#define PQR_FLOW_REJECTS_READ_H

#include "io/store.h"

struct reject_row {
	struct str object, reason;
	int64_t line, offset;
	struct str raw; /* as it stands between the quotes: escaped by RFC 8259, or base64 */
	bool base64;
	bool cut; /* raw is the beginning alone */
};
/* The row is valid during the call. */
typedef status (*reject_visit)(void *arg, const struct reject_row *row, struct err *err);

/* Every reject of the run, in the order of files and their lines; none where the run rejected nothing, or is not known. One listing of
 * rejects/. E_CORRUPT with file and offset: not what flow/rejects.h writes. What visit returns ends it. */
status rejects_read(struct store *lake, const char *run_id, reject_visit visit, void *arg, struct err *err) MUST_USE;

#endif
