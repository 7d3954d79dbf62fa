/* server/server.h: the HTTP server of a lake: API, dashboard, metrics. */
#ifndef PQR_SERVER_SERVER_H
#define PQR_SERVER_SERVER_H

#include "app/session.h"

/* Serves the session's lake and control plane until the process is asked to end; then it answers what was asked, and returns OK.
 * started (may be NULL) is called once it listens. E_IO, E_USAGE: it can't listen. */
typedef void (*server_started)(void *arg, const char *url);
status server_run(struct session *s, server_started started, void *arg, struct err *err) MUST_USE;

/* The same API in process, without a socket: what report makers ask. One thread at a time. The session outlives it. */
struct server;
status server_open(struct session *s, struct server **out, struct err *err) MUST_USE;
void server_close(struct server *s); /* NULL is fine */
/* GET target ("/api/v1/gold/daily_kpis?limit=7") as whoever has every right. Appends the body, whatever the status. */
status server_ask(struct server *s, const char *target, struct buf *body, int *http_status, struct err *err) MUST_USE;

/* The API as it is told to people and programs: "openapi" or "markdown". E_USAGE: another. */
status server_describe(const char *format, struct buf *out, struct err *err) MUST_USE;

#endif
