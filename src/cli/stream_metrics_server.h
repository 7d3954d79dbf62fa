/* cli/stream_metrics_server.h: a member's metrics over HTTP. */
#ifndef PQR_CLI_STREAM_METRICS_SERVER_H
#define PQR_CLI_STREAM_METRICS_SERVER_H

#include "server/httpd.h"
#include "stream/metrics.h"

/* GET /metrics, and /healthz, at listen ("127.0.0.1:8081") until the stop. Borrows metrics. Errors as httpd_start. */
status stream_metrics_listen(
	const char *listen, struct stream_metrics *metrics, struct httpd **out, struct err *err) MUST_USE;
void stream_metrics_stop(struct httpd *h); /* NULL is fine */

#endif
