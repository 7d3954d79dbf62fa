/* cli/stream_metrics_server.c: see stream_metrics_server.h. Two paths, answered from memory. */
#include "cli/stream_metrics_server.h"

#include "base/log.h"

enum { CONNECTIONS_MAX = 16, TIMEOUT_S = 10, PATIENCE_MS = 1000 };

static bool is_slow(void *arg, struct request *r)
{
	(void)arg;
	(void)r;
	return false;
}

static void answer(void *arg, struct request *r, struct response *out)
{
	const bool reads = r->method == REQUEST_GET || r->method == REQUEST_HEAD;
	if (!reads) {
		response_problem(out, 405, "metrics are read: GET /metrics");
		return;
	}
	if (str_is(r->path, "/metrics")) {
		out->type = "text/plain; version=0.0.4; charset=utf-8";
		stream_metrics_write(arg, &out->body);
	} else if (str_is(r->path, "/healthz")) {
		out->type = "text/plain; charset=utf-8";
		buf_str(&out->body, "ok\n");
	} else {
		response_problem(out, 404, "there is /metrics, and /healthz");
		return;
	}
	out->status = 200;
	if (buf_check(&out->body, NULL) != OK) response_problem(out, 503, "no memory for an answer");
}

status stream_metrics_listen(const char *listen, struct stream_metrics *metrics, struct httpd **out, struct err *err)
{
	const struct httpd_opts o = {.listen = listen,
		.fd = -1,
		.threads = 1,
		.slow_threads = 1,
		.connections_max = CONNECTIONS_MAX,
		.timeout_s = TIMEOUT_S,
		.is_slow = is_slow,
		.answer = answer,
		.arg = metrics};
	TRY(httpd_start(&o, out, err));
	log_printf(LOG_INFO, "metrics at port %d, /metrics", httpd_port(*out));
	return OK;
}

void stream_metrics_stop(struct httpd *h)
{
	if (h != NULL) httpd_stop(h, PATIENCE_MS);
}
