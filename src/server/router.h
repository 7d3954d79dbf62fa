/* server/router.h: from a request to its response: which route, who asks, what went wrong. Called by many threads at once. */
#ifndef PQR_SERVER_ROUTER_H
#define PQR_SERVER_ROUTER_H

#include "server/route.h"

/* The route of a request by its path; NULL: none. *others: a route has the path, with another method. */
const struct route *router_find(const struct route *routes, size_t n_routes, struct request *r, bool *others);
/* Will answering take long? */
bool router_is_slow(struct server *s, struct request *r);
/* Answers it, whatever comes. */
void router_answer(struct server *s, struct request *r, struct response *out);

#endif
