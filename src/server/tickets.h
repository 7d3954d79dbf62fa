/* server/tickets.h: cases: those that wait for an answer, and all of one. */
#ifndef PQR_SERVER_TICKETS_H
#define PQR_SERVER_TICKETS_H

#include "server/route.h"

status tickets_cases(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
bool tickets_cases_is_slow(struct server *s, struct request *r);
status tickets_show(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;

#endif
