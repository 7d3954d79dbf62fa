/* server/server.c: the life of the server: what it holds, listening, ending. */
#include "server/server.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/thread.h"
#include "server/httpd.h"
#include "server/router.h"
#include "server/routes.h"
#include "server/server_int.h"
#include "server/systemd.h"
#include "workloads/registry.h"

enum {
	THREADS_MIN = 2, /* one that waits for the database does not keep everybody waiting */
	THREADS_MAX = 16,
	SLOW_THREADS = 4,
	CONNECTIONS_MAX = 4096,
	TIMEOUT_S = 30,
	ROWS_MAX = 100000,
	TICK_MS = 200,
	STOP_PATIENCE_MS = 10000,
};

static bool is_slow(void *arg, struct request *r)
{
	return router_is_slow(arg, r);
}

static void answer(void *arg, struct request *r, struct response *out)
{
	router_answer(arg, r, out);
}

static void until_stopped(struct httpd *h)
{
	for (int ticks = 0; !cancel_requested(); ticks++) {
		(void)usleep(TICK_MS * 1000);
		if (ticks % (1000 / TICK_MS) == 0) httpd_tick(h);
	}
}

static void url_of(const struct session *session, const struct httpd *h, char dst[320])
{
	const char *listen = session->engine.listen;
	const char *colon = strrchr(listen, ':');
	const int n = colon != NULL ? (int)(colon - listen) : 0;
	(void)snprintf(dst, 320, "http://%.*s:%d", n > 0 && n < 256 ? n : 9, n > 0 && n < 256 ? listen : "127.0.0.1",
		httpd_port(h));
}

static status serve(struct server *s, server_started started, void *arg, struct err *err)
{
	char url[320];
	struct httpd *h = NULL;
	int threads = s->session->engine.threads > 0 ? s->session->engine.threads : thread_cores();
	threads = threads < THREADS_MIN ? THREADS_MIN : threads > THREADS_MAX ? THREADS_MAX : threads;
	const struct httpd_opts o = {.listen = s->session->engine.listen,
		.fd = systemd_socket(),
		.threads = threads,
		.slow_threads = SLOW_THREADS,
		.connections_max = CONNECTIONS_MAX,
		.timeout_s = TIMEOUT_S,
		.is_slow = is_slow,
		.answer = answer,
		.arg = s};
	TRY(control_pool_create(s->session->engine.control_uri, (size_t)threads + SLOW_THREADS, &s->pool, err));
	TRY(httpd_start(&o, &h, err));
	s->loopback = httpd_is_loopback(h);
	if (!s->loopback && s->auth.mode == AUTH_NONE)
		log_line(LOG_WARN, "whoever reaches this address reads everything: no authentication is set up", NULL);
	url_of(s->session, h, url);
	log_line(LOG_INFO, "serving", "url", url, NULL);
	if (started != NULL) started(arg, url);
	systemd_notify("READY=1");
	until_stopped(h);
	systemd_notify("STOPPING=1");
	httpd_stop(h, STOP_PATIENCE_MS);
	return OK;
}

static status prepare(struct server *s, struct arena *arena, struct err *err)
{
	TRY(auth_open(&s->session->engine.auth, &s->auth, err));
	return relation_list_make(&registry_workloads, arena, &s->relations, err);
}

status server_run(struct session *session, server_started started, void *arg, struct err *err)
{
	struct arena arena;
	struct server s = {.routes = routes_all,
		.n_routes = routes_n,
		.session = session,
		.postgres = control_is_server(session->control),
		.rows_max = ROWS_MAX};
	ASSERT(session->lake != NULL && session->control != NULL);
	arena_init(&arena, 0);
	status code = prepare(&s, &arena, err);
	if (code == OK) code = serve(&s, started, arg, err);
	auth_close(&s.auth);
	control_pool_destroy(s.pool);
	arena_deinit(&arena);
	return code;
}
