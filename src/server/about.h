/* server/about.h: what the server says of itself and of the lake as a whole: health, metrics, /api/v1. */
#ifndef PQR_SERVER_ABOUT_H
#define PQR_SERVER_ABOUT_H

#include "server/route.h"

status about_alive(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
status about_ready(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
status about_metrics(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
/* What each figure of the dashboard means, as its sources tell it. */
status about_definitions(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
status about_api(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;

#endif
