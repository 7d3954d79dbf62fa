/* server/server.h: the HTTP server of a lake: API, dashboard, metrics. */
#ifndef PQR_SERVER_SERVER_H
#define PQR_SERVER_SERVER_H

#include "app/session.h"

/* Serves the session's lake and control plane until the process is asked to end; then it answers what was asked, and returns OK.
 * started (may be NULL) is called once it listens. E_IO, E_USAGE: it can't listen. */
typedef void (*server_started)(void *arg, const char *url);
status server_run(struct session *s, server_started started, void *arg, struct err *err) MUST_USE;

#endif
