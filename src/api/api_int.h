/* api/api_int.h: what the files of the library share. */
#ifndef PQR_API_API_INT_H
#define PQR_API_API_INT_H

#include "flow/run.h"
#include "io/store.h"
#include "pqr.h"

struct pqr_context {
	struct store *lake; /* NULL when it could not be opened */
	char error[ERR_MESSAGE_MAX + ERR_WHERE_MAX + 64];
	struct err last;
	struct task_progress task; /* of the task that runs; else 0 */
	struct buf document;       /* of last, once it was asked for */
};

/* Keep err as the context's last error and give the caller's result. */
int api_finish(struct pqr_context *context, status code, const struct err *err);

#endif
