/* server/router.c: which route answers, and what every answer has in common: who may, headers against misuse, errors as problems. */
#include "server/router.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

#include "base/log.h"
#include "base/time.h"
#include "io/compress.h"
#include "server/audit.h"
#include "server/server_int.h"
#include "server/static_files.h"

/* ---- finding the route ---- */

/* The part of a path behind its first '/', up to the next; rest begins with that, or is empty. */
static bool next_part(struct str *path, struct str *part)
{
	if (path->n == 0 || path->p[0] != '/') return false;
	const char *slash = path->n > 1 ? memchr(path->p + 1, '/', path->n - 1) : NULL;
	*part = (struct str){path->p + 1, slash != NULL ? (size_t)(slash - path->p) - 1 : path->n - 1};
	*path = (struct str){path->p + 1 + part->n, path->n - 1 - part->n};
	return true;
}

static bool matches(struct request *r, const char *pattern)
{
	struct str have = r->path;
	struct str want = str_of(pattern);
	struct str a;
	struct str b;
	size_t n = 0;
	while (next_part(&want, &b)) {
		if (!next_part(&have, &a)) return false;
		if (b.n == 0 || b.p[0] != '{') {
			if (!str_eq(a, b)) return false;
			continue;
		}
		ASSERT(n < REQUEST_CAPTURES_MAX);
		if (a.n == 0 || !request_decode(r->arena, a, false, &r->captures[n++])) return false;
	}
	return have.n == 0;
}

const struct route *router_find(const struct route *routes, size_t n_routes, struct request *r, bool *others)
{
	const enum request_method method = r->method == REQUEST_HEAD ? REQUEST_GET : r->method;
	*others = false;
	for (size_t i = 0; i < n_routes; i++) {
		if (!matches(r, routes[i].path)) continue;
		if (routes[i].method == method) return &routes[i];
		*others = true;
	}
	return NULL;
}

static status know(struct server *s, struct request *r, struct err *err)
{
	if (!r->known) TRY(auth_principal(&s->auth, request_header_get(r, "Authorization"), r->arena, &r->who, err));
	r->known = true;
	return OK;
}

/* Whoever will be refused waits for nobody, and keeps nobody waiting. */
bool router_is_slow(struct server *s, struct request *r)
{
	bool others;
	const struct route *route = router_find(s->routes, s->n_routes, r, &others);
	if (route == NULL || (!route->slow && route->slow_if == NULL)) return false;
	if (!route->open && (know(s, r, NULL) != OK || r->who.role < route->role)) return false;
	return route->slow || route->slow_if(s, r);
}

/* ---- what is refused before a handler sees it ---- */

/* A page of another site can make a browser ask this machine by a name of its own that leads here. Such a name is none of ours; addresses
 * are nobody's. */
static bool host_listed(const char *hosts, const char *name)
{
	const size_t n = strlen(name);
	while (*hosts != '\0') {
		const size_t k = strcspn(hosts, ",");
		if (k == n && strncasecmp(hosts, name, n) == 0) return true;
		hosts += k + (hosts[k] == ',');
	}
	return false;
}

static bool host_known(const struct server *s, struct str host)
{
	char name[256];
	struct in6_addr address;
	if (host.p == NULL) return true; /* HTTP/1.0: no browser */
	if (host.n == 0 || host.n >= sizeof name) return false;
	memcpy(name, host.p, host.n);
	name[host.n] = '\0';
	char *end = name[0] == '[' ? strchr(name, ']') : strchr(name, ':');
	if (end != NULL) *end = '\0';
	const char *bare = name[0] == '[' ? name + 1 : name;
	return strcasecmp(bare, "localhost") == 0 || host_listed(s->hosts, bare) ||
	       inet_pton(AF_INET, bare, &address) == 1 || inet_pton(AF_INET6, bare, &address) == 1;
}

static bool is_api(const struct request *r)
{
	return r->path.n >= 5 && memcmp(r->path.p, "/api/", 5) == 0;
}

static void answer_none(const struct request *r, bool others, struct response *out)
{
	const bool reads = r->method == REQUEST_GET || r->method == REQUEST_HEAD;
	if (others || !reads) {
		response_problem(out, 405, "this method is not for this address: data is read by GET and HEAD alone");
		response_header_add(out, "Allow", others && reads ? "POST" : "GET, HEAD");
	} else if (is_api(r) || !static_file_answer(r, out)) {
		response_problem(out, 404, "there is nothing at this address; /openapi.json lists what there is");
	}
}

/* RFC 6750 section 3: without a token no error is named. */
static void answer_unknown(const char *detail, struct response *out)
{
	response_problem(out, 401, detail);
	response_header_add(out, "WWW-Authenticate", "Bearer");
}

static void answer_error(status code, const struct err *err, const struct request *r, struct response *out)
{
	char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX + 64];
	const int number = response_status_of(code, err);
	(void)err_text(err, text, sizeof text);
	if (number == 403 && r->who.role == AUTH_ANON) {
		answer_unknown("this needs a token", out);
		return;
	}
	if (number == 403) (void)snprintf(text, sizeof text, "this role may not read this");
	if (number >= 500 && number != 501) {
		char target[128];
		const size_t n = r->path.n < sizeof target - 1 ? r->path.n : sizeof target - 1;
		memcpy(target, r->path.p, n);
		target[n] = '\0';
		log_line(LOG_WARN, "a request failed", "path", target, "error", text, NULL);
	}
	response_problem(out, number, text);
	if (number == 503) response_header_add(out, "Retry-After", "1");
}

static bool authenticate(struct server *s, const struct route *route, struct request *r, struct response *out)
{
	struct err err;
	err_clear(&err);
	if (know(s, r, &err) != OK) {
		response_problem(out, 401, err.message);
		response_header_add(out, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
		return false;
	}
	if (r->who.role >= route->role) return true;
	if (r->who.role == AUTH_ANON)
		answer_unknown("this needs a token", out);
	else
		response_problem(out, 403, "this role may not read this");
	return false;
}

static void add_headers(struct response *out, bool api)
{
	response_header_add(out, "X-Content-Type-Options", "nosniff");
	response_header_add(out, "Referrer-Policy", "no-referrer");
	response_header_add(out, "Cross-Origin-Resource-Policy", "same-origin");
	response_header_add(out, "Content-Security-Policy", "%s",
		api ? "default-src 'none'; frame-ancestors 'none'"
		    : "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
		      "connect-src "
		      "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
	if (api) response_header_add(out, "Cache-Control", "no-cache");
}

/* ---- compression ---- */

enum { GZIP_BYTES_MIN = 1400, GZIP_LEVEL = 4 }; /* below, an answer is one packet as it is */

/* By its name, else by that of all. */
static bool takes_gzip(const struct request *r)
{
	struct str accept = request_header_get(r, "Accept-Encoding");
	struct request_choice c;
	double gzip = -1;
	double any = 0;
	while (request_choice_next(&accept, &c)) {
		if (c.name.n == 4 && strncasecmp(c.name.p, "gzip", 4) == 0) gzip = c.quality;
		if (str_is(c.name, "*")) any = c.quality;
	}
	return gzip >= 0 ? gzip > 0 : any > 0;
}

static bool is_text(const char *type)
{
	return strncmp(type, "text/", 5) == 0 || strstr(type, "json") != NULL || strstr(type, "svg") != NULL;
}

static bool has_header(const struct response *out, const char *name)
{
	for (size_t i = 0; i < out->n_headers; i++)
		if (strcmp(out->headers[i].name, name) == 0) return true;
	return false;
}

/* What can't be compressed is sent as it is. */
static void compress_body(const struct request *r, struct response *out)
{
	const struct str body = response_body(out);
	struct buf packed;
	if (out->events || out->type == NULL || body.n < GZIP_BYTES_MIN || !is_text(out->type)) return;
	if (!has_header(out, "Vary")) response_header_add(out, "Vary", "Accept-Encoding");
	if (!takes_gzip(r)) return;
	buf_init(&packed, 0);
	struct compress_dst dst = {.n = compress_gzip_bound(body.n)};
	dst.p = buf_reserve(&packed, dst.n);
	if (dst.p == NULL || compress_gzip(GZIP_LEVEL, (struct compress_src){body.p, body.n}, &dst, NULL) != OK) {
		buf_deinit(&packed);
		return;
	}
	buf_commit(&packed, dst.n);
	buf_deinit(&out->body);
	out->body = packed;
	out->borrowed = (struct str){NULL, 0};
	response_header_add(out, "Content-Encoding", "gzip");
}

static void answer(struct server *s, struct request *r, struct response *out)
{
	struct err err;
	bool others;
	err_clear(&err);
	if ((s->loopback || s->hosts[0] != '\0') && !host_known(s, request_header_get(r, "Host"))) {
		response_problem(out, 421, "the Host header names no address of this machine");
		add_headers(out, true);
		return;
	}
	const struct route *route = router_find(s->routes, s->n_routes, r, &others);
	if (route == NULL) {
		answer_none(r, others, out);
	} else if (route->open || authenticate(s, route, r, out)) {
		const status code = route->handle(s, r, out, &err);
		if (code != OK) answer_error(code, &err, r, out);
	}
	if (out->body.failed) response_problem(out, 413, "the answer is too large: ask for fewer rows");
	compress_body(r, out);
	add_headers(out, route != NULL && strcmp(route->path, "/docs") != 0);
}

/* Where there is authentication, whatever comes for the data is told of: also what was refused. */
void router_answer(struct server *s, struct request *r, struct response *out)
{
	const int64_t began = time_mono_us();
	answer(s, r, out);
	const int64_t us = time_mono_us() - began;
	stats_count(&s->stats, out->status, us);
	const bool data = is_api(r) || (r->path.n == 8 && memcmp(r->path.p, "/metrics", 8) == 0);
	if (s->auth.mode != AUTH_NONE && data) audit_log(r, out, us);
}
