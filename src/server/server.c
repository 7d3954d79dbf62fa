/* server/server.c: the life of the server: what it holds, listening, ending. */
#include "server/server.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/time.h"
#include "server/describe.h"
#include "server/events.h"
#include "server/httpd.h"
#include "server/published.h"
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
	TICK_MS = 200,
	STOP_PATIENCE_MS = 10000,
	PEM_BYTES_MAX = 1 << 20,
};
#define KEEPALIVE_US (15 * US_PER_SECOND)

static const struct tz *zone_of(const struct session *session)
{
	const struct workload *w = session->workload;
	return session->config != NULL && w->timezone != NULL ? w->timezone(session->config) : NULL;
}

static bool is_slow(void *arg, struct request *r)
{
	return router_is_slow(arg, r);
}

static void answer(void *arg, struct request *r, struct response *out)
{
	router_answer(arg, r, out);
}

/* What is new, to those who listen; a comment where there was nothing for a while, so that nobody takes the connection for dead. */
static void tell_news(struct server *s, struct httpd *h, struct events *events, int64_t *told_at)
{
	struct buf news;
	struct err err;
	const int64_t now = time_mono_us();
	if (!httpd_has_listeners(h)) return;
	buf_init(&news, 0);
	err_clear(&err);
	if (events_poll(s, events, &news, &err) != OK) log_line(LOG_WARN, err.message, NULL);
	if (news.n == 0 && now - *told_at > KEEPALIVE_US) buf_str(&news, ": keepalive\n\n");
	if (news.n > 0) *told_at = now;
	httpd_tell(h, (struct str){(const char *)news.p, news.n});
	buf_deinit(&news);
}

static void until_stopped(struct server *s, struct httpd *h, struct events *events)
{
	int64_t told_at = 0;
	for (int ticks = 0; !cancel_requested(); ticks++) {
		(void)usleep(TICK_MS * 1000);
		if (ticks % (1000 / TICK_MS) != 0) continue;
		httpd_tick(h);
		tell_news(s, h, events, &told_at);
	}
}

static void url_of(const struct engine_config *e, const struct httpd *h, char dst[320])
{
	const char *listen = e->listen;
	const char *colon = strrchr(listen, ':');
	const int n = colon != NULL ? (int)(colon - listen) : 0;
	(void)snprintf(dst, 320, "http%s://%.*s:%d", e->tls_key[0] != '\0' ? "s" : "", n > 0 && n < 256 ? n : 9,
		n > 0 && n < 256 ? listen : "127.0.0.1", httpd_port(h));
}

/* PEM texts of the configuration's files; empty without them. */
struct tls {
	struct buf certificate, key;
};

static status read_pem(const char *path, struct buf *out, struct err *err)
{
	TRY(file_read(path, PEM_BYTES_MAX, out, err));
	buf_char(out, '\0');
	return buf_check(out, err);
}

static status tls_open(struct tls *t, const struct engine_config *e, struct err *err)
{
	buf_init(&t->certificate, PEM_BYTES_MAX);
	buf_init(&t->key, PEM_BYTES_MAX);
	if (e->tls_key[0] == '\0') return OK;
	TRY(read_pem(e->tls_certificate, &t->certificate, err));
	return read_pem(e->tls_key, &t->key, err);
}

static void tls_close(struct tls *t)
{
	if (t->key.n > 0) explicit_bzero(t->key.p, t->key.n);
	buf_deinit(&t->certificate);
	buf_deinit(&t->key);
}

static int threads_of(const struct engine_config *e)
{
	const int n = e->threads > 0 ? e->threads : thread_cores();
	return n < THREADS_MIN ? THREADS_MIN : n > THREADS_MAX ? THREADS_MAX : n;
}

static status listen_with(struct server *s, const struct tls *tls, struct httpd **out, struct err *err)
{
	const struct engine_config *e = &s->session->engine;
	TRY(auth_open(&e->auth, &s->auth, err));
	const struct httpd_opts o = {.listen = e->listen,
		.fd = systemd_socket(),
		.threads = threads_of(e),
		.slow_threads = SLOW_THREADS,
		.connections_max = CONNECTIONS_MAX,
		.timeout_s = (int)e->serve_timeout_s,
		.tls_certificate = tls->key.n > 0 ? (const char *)tls->certificate.p : NULL,
		.tls_key = tls->key.n > 0 ? (const char *)tls->key.p : NULL,
		.is_slow = is_slow,
		.answer = answer,
		.arg = s};
	return httpd_start(&o, out, err);
}

static status serve(struct server *s, struct events *events, server_started started, void *arg, struct err *err)
{
	char url[320];
	struct tls tls;
	struct httpd *h = NULL;
	status code = tls_open(&tls, &s->session->engine, err);
	if (code == OK) code = listen_with(s, &tls, &h, err);
	tls_close(&tls);
	TRY(code);
	s->loopback = httpd_is_loopback(h); /* until now as if it were */
	if (!s->loopback && s->auth.mode == AUTH_NONE)
		log_line(LOG_WARN, "whoever reaches this address reads everything: no authentication is set up", NULL);
	url_of(&s->session->engine, h, url);
	log_line(LOG_INFO, "serving", "url", url, NULL);
	if (started != NULL) started(arg, url);
	systemd_notify("READY=1");
	until_stopped(s, h, events);
	systemd_notify("STOPPING=1");
	httpd_stop(h, STOP_PATIENCE_MS);
	return OK;
}

/* What can be asked without listening. */
static status open_parts(struct server *s, size_t connections, struct err *err)
{
	arena_init(&s->arena, 0);
	TRY(relation_list_make(&registry_workloads, &s->arena, &s->relations, err));
	TRY(local_offsets_make(zone_of(s->session), &s->arena, &s->zone, err));
	TRY(published_create(&s->published, err));
	return control_pool_create(s->session->engine.control_uri, connections, &s->pool, err);
}

static status server_make(struct session *session, size_t connections, struct server **out, struct err *err)
{
	ASSERT(session->lake != NULL && session->control != NULL);
	struct server *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	*s = (struct server){.routes = routes_all,
		.n_routes = routes_n,
		.session = session,
		.loopback = true,
		.postgres = control_is_server(session->control),
		.rows_max = session->engine.serve_rows_max,
		.sql = session->engine.serve_sql,
		.hosts = session->engine.serve_hosts};
	const status code = open_parts(s, connections, err);
	if (code == OK)
		*out = s;
	else
		server_close(s);
	return code;
}

void server_close(struct server *s)
{
	if (s == NULL) return;
	control_pool_destroy(s->pool);
	published_destroy(s->published);
	auth_close(&s->auth);
	arena_deinit(&s->arena);
	mem_free(s);
}

status server_open(struct session *session, struct server **out, struct err *err)
{
	return server_make(session, 1, out, err);
}

status server_ask(struct server *s, const char *target, struct buf *body, int *http_status, struct err *err)
{
	struct arena arena;
	struct request r = {.arena = &arena, .method = REQUEST_GET};
	struct response out;
	arena_init(&arena, 0);
	response_init(&out, &arena);
	request_target_set(&r, str_of(target));
	router_answer(s, &r, &out);
	const struct str text = response_body(&out);
	buf_add(body, text.p, text.n);
	*http_status = out.status;
	response_deinit(&out);
	arena_deinit(&arena);
	return buf_check(body, err);
}

status server_run(struct session *session, server_started started, void *arg, struct err *err)
{
	struct server *s = NULL;
	struct events *events = NULL;
	TRY(server_make(session, (size_t)threads_of(&session->engine) + SLOW_THREADS + 1, &s, err));
	status code = events_create(&events, err);
	if (code == OK) code = serve(s, events, started, arg, err);
	events_destroy(events);
	server_close(s);
	return code;
}

static status describe(const char *format, const struct describe *d, struct buf *out, struct err *err)
{
	if (strcmp(format, "openapi") == 0)
		describe_openapi(d, out);
	else if (strcmp(format, "markdown") == 0)
		describe_markdown(d, out);
	else
		return fail(err, E_USAGE, "expected openapi or markdown, found '%.40s'", format);
	return buf_check(out, err);
}

status server_describe(const char *format, struct buf *out, struct err *err)
{
	struct arena arena;
	struct relation_list relations;
	const struct describe d = {routes_all, routes_n, &relations};
	arena_init(&arena, 0);
	status code = relation_list_make(&registry_workloads, &arena, &relations, err);
	if (code == OK) code = describe(format, &d, out, err);
	arena_deinit(&arena);
	return code;
}
