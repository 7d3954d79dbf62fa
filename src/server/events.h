/* server/events.h: what has changed since it was last asked, as server-sent events (HTML Standard, 9.2): run, stage, window. */
#ifndef PQR_SERVER_EVENTS_H
#define PQR_SERVER_EVENTS_H

#include "server/route.h"

struct events;
status events_create(struct events **out, struct err *err) MUST_USE;
void events_destroy(struct events *e); /* NULL is fine */
/* Append an event for each row that is new or another than the last time; nothing the first time. */
status events_poll(struct server *s, struct events *e, struct buf *out, struct err *err) MUST_USE;

/* The route: the adapter sends what is polled. */
status events_answer(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;

#endif
