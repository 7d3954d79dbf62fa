/* cli/cmd_serve.c: pqr serve: the HTTP server, until it is told to end. */
#include <stdio.h>

#include "cli/run_options.h"
#include "server/server.h"
#include "workloads/registry.h"

static void started(void *arg, const char *url)
{
	const struct cli *c = arg;
	if (c->json)
		(void)printf("{\"url\":\"%s\"}\n", url);
	else if (!c->quiet)
		(void)printf("dashboard and API at %s (Ctrl-C ends it)\n", url);
	(void)fflush(stdout);
}

static status serve(struct session *s, struct cli *c, struct err *err)
{
	TRY(session_connect(s, SESSION_LAKE | SESSION_CONTROL | SESSION_EXISTING | SESSION_LOOK, err));
	return server_run(s, started, c, err);
}

static status serve_run(struct cli *c, struct err *err)
{
	struct session s = {0};
	struct session_setting settings[2];
	size_t n = 0;
	const char *describe = cli_get(c, "--describe");
	if (describe != NULL) {
		TRY(server_describe(describe, &c->out, err));
		return cli_print(&c->out, err);
	}
	const char *listen = cli_get(c, "--listen");
	if (listen != NULL) settings[n++] = (struct session_setting){"server.listen", listen, "--listen"};
	if (cli_flag(c, "--sql")) settings[n++] = (struct session_setting){"server.sql", "true", "--sql"};
	status code = cli_session_open_as(&s, c, registry_workloads.items[0], settings, n, err);
	if (code == OK) code = serve(&s, c, err);
	session_close(&s);
	return code;
}

static const struct cli_option options[] = {
	{"--listen", "ADDR:PORT", "where (default 127.0.0.1:8080; port 0: a free one)"},
	{"--sql", NULL, "answer queries over the lake's tables too (POST /api/v1/sql)"},
	{"--describe", "FORMAT", "print the API as openapi or markdown, and end"},
};

const struct cli_command cli_serve_command = {.name = "serve",
	.synopsis = "",
	.summary = "dashboard, HTTP API and metrics",
	.details = "Reads alone, from the serving database and the lake, until it is told to end (Ctrl-C, SIGTERM), "
		   "which it\n"
		   "answers with exit status 0. Whoever reaches the address may read: it is this machine's own unless "
		   "told\n"
		   "otherwise. Section server of pqr.yaml has more settings (docs/configuration.md), docs/api.md the "
		   "API.\n\n"
		   "  pqr serve\n"
		   "  pqr serve --listen 127.0.0.1:9090\n"
		   "  curl '127.0.0.1:8080/api/v1/gold/daily_kpis?day=gte.2025-12-01&order=day.desc&limit=7'",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = serve_run};
