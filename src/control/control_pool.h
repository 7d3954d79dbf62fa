/* control/control_pool.h: connections to a control plane for many readers at once: each is one's alone while it is taken, and waits for the
 * next one afterwards. They are opened when first wanted. */
#ifndef PQR_CONTROL_CONTROL_POOL_H
#define PQR_CONTROL_CONTROL_POOL_H

#include "control/control.h"

struct control_pool;

/* Up to n_max connections to uri, which is as control_open_to_look takes it; none is opened yet. */
status control_pool_create(const char *uri, size_t n_max, struct control_pool **out, struct err *err) MUST_USE;
void control_pool_destroy(struct control_pool *p); /* all were given back; NULL is fine */

/* A connection; waits up to patience_ms where all are taken, then E_BUSY (ERR_RETRY). */
status control_pool_take(struct control_pool *p, int patience_ms, struct control **out, struct err *err) MUST_USE;
void control_pool_give(struct control_pool *p, struct control *c);

/* Take, query, give. A query ends after 30 s (control_limit_queries). */
status control_pool_query(struct control_pool *p, const struct control_select *q, control_row_visit visit, void *arg,
	struct err *err) MUST_USE;
status control_pool_query_as(struct control_pool *p, const struct control_select *q, const struct control_actor *as,
	control_row_visit visit, void *arg, struct err *err) MUST_USE; /* see control_query_as */

#endif
