/* cli/cmd_metrics.c: pqr metrics: print them, put them where node exporter looks, or send them to a Pushgateway. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "app/metrics.h"
#include "base/file.h"
#include "cli/run_options.h"
#include "io/http.h"

enum { URL_CHARS_MAX = 2048, PUSH_TIMEOUT_MS = 10000, ANSWER_CHARS_MAX = 200 };

static status answered(const struct http_call *call, const struct buf *answer, struct err *err)
{
	if (call->failure != HTTP_ANSWERED)
		return fail(err, E_UNREACHABLE, "cannot send metrics to %s: %s", call->url, call->reason);
	if (call->status / 100 == 2) return OK;
	const int n = answer->n < ANSWER_CHARS_MAX ? (int)answer->n : ANSWER_CHARS_MAX;
	return fail(
		err, E_IO, "%s answered %d to the metrics: %.*s", call->url, call->status, n, (const char *)answer->p);
}

/* PUT replaces what the job had there: https://github.com/prometheus/pushgateway, "API". */
static status push(const char *base, const struct buf *text, struct err *err)
{
	static const char *const headers[] = {"Content-Type: text/plain; version=0.0.4"};
	static const struct http_opts opts = {
		.connect_timeout_ms = PUSH_TIMEOUT_MS, .stall_timeout_s = 10, .calls_max = 1};
	struct http_pool *pool = NULL;
	struct buf answer;
	char url[URL_CHARS_MAX];
	size_t base_n = strlen(base);
	while (base_n > 0 && base[base_n - 1] == '/') base_n--;
	if (strncmp(base, "http://", 7) != 0 && strncmp(base, "https://", 8) != 0)
		return fail(err, E_USAGE, "--push: expected http://HOST:PORT of a Pushgateway, found '%s'", base);
	const int n = snprintf(url, sizeof url, "%.*s/metrics/job/pqr", (int)base_n, base);
	if (n < 0 || (size_t)n >= sizeof url) return fail(err, E_LIMIT, "--push: the address is too long");
	TRY(http_pool_create(&opts, &pool, err));
	buf_init(&answer, 1 << 16);
	struct http_call call = {.method = "PUT",
		.url = url,
		.headers = headers,
		.n_headers = 1,
		.body = text->p,
		.body_n = text->n,
		.text = &answer,
		.timeout_ms = PUSH_TIMEOUT_MS};
	http_start(pool, &call);
	http_wait(pool, &call);
	const status code = answered(&call, &answer, err);
	http_pool_destroy(pool);
	buf_deinit(&answer);
	return code;
}

static status give(struct session *s, struct cli *c, void *arg, struct err *err)
{
	const char *path = cli_get(c, "--textfile"), *url = cli_get(c, "--push");
	(void)arg;
	TRY(metrics_collect(s, &c->out, err));
	if (path != NULL) TRY(file_replace(path, c->out.p, c->out.n, err));
	if (url != NULL) TRY(push(url, &c->out, err));
	return path == NULL && url == NULL ? cli_print(&c->out, err) : OK;
}

static status metrics_run(struct cli *c, struct err *err)
{
	return cli_with_session(c, SESSION_LAKE | SESSION_CONTROL | SESSION_EXISTING | SESSION_LOOK, give, NULL, err);
}

static const struct cli_option options[] = {
	{"--textfile", "FILE", "write FILE, whole or not at all: for node exporter's textfile collector (NAME.prom)"},
	{"--push", "URL", "send them to a Pushgateway, as job pqr"},
};

const struct cli_command cli_metrics_command = {.name = "metrics",
	.synopsis = "",
	.summary = "runs, quality and figures as Prometheus reads them",
	.details = "What a lake's control plane says now: seconds and rows by stage, failures, rejects by reason, "
		   "checks, the last success, "
		   "backlog and breaches of the legal term. Needs no right to write.\n\n"
		   "  pqr metrics\n"
		   "  pqr metrics --textfile /var/lib/prometheus/node-exporter/pqr.prom\n"
		   "  pqr metrics --push http://localhost:9091",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = metrics_run};
