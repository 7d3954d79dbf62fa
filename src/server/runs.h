/* server/runs.h: what ran: /api/v1/runs and what is below it. */
#ifndef PQR_SERVER_RUNS_H
#define PQR_SERVER_RUNS_H

#include "server/route.h"

status runs_list(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
status runs_show(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
status runs_quality(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
status runs_lineage(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
status runs_rejects(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;

#endif
