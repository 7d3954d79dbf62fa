/* server/exchange.c: requests and responses. Must not know a route, a table or a socket. */
#include "server/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "io/utf8.h"

void request_target_set(struct request *r, struct str target)
{
	const char *mark = target.n > 0 ? memchr(target.p, '?', target.n) : NULL;
	r->target = target;
	r->path = mark != NULL ? (struct str){target.p, (size_t)(mark - target.p)} : target;
	r->query = mark != NULL ? (struct str){mark + 1, target.n - r->path.n - 1} : STR("");
}

struct str request_header_get(const struct request *r, const char *name)
{
	const size_t n = strlen(name);
	for (size_t i = 0; i < r->n_headers; i++)
		if (r->headers[i].name.n == n && strncasecmp(r->headers[i].name.p, name, n) == 0)
			return r->headers[i].value;
	return (struct str){NULL, 0};
}

/* ---- decoding ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool request_decode(struct arena *arena, struct str s, bool plus, struct str *out)
{
	char *dst = ARENA_NEW(arena, char, s.n + 1);
	size_t n = 0;
	if (dst == NULL) return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '%') {
			const int high = i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
			const int low = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;
			if (high < 0 || low < 0) return false;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		dst[n++] = c;
	}
	dst[n] = '\0';
	if (utf8_text_prefix((struct str){dst, n}) != n) return false;
	*out = (struct str){dst, n};
	return true;
}

status request_param_next(const struct request *r, size_t *at, struct request_param *out, bool *more, struct err *err)
{
	const struct str q = r->query;
	while (*at < q.n && q.p[*at] == '&') (*at)++;
	*more = *at < q.n;
	if (!*more) return OK;
	const char *start = q.p + *at;
	const char *end = memchr(start, '&', q.n - *at);
	const size_t n = end != NULL ? (size_t)(end - start) : q.n - *at;
	const char *equals = memchr(start, '=', n);
	const size_t name_n = equals != NULL ? (size_t)(equals - start) : n;
	const struct str value = equals != NULL ? (struct str){equals + 1, n - name_n - 1} : STR("");
	*at += n;
	if (!request_decode(r->arena, (struct str){start, name_n}, true, &out->name) ||
		!request_decode(r->arena, value, true, &out->value))
		return fail(err, E_USAGE, "a parameter of the query is no percent-encoded UTF-8");
	return OK;
}

status request_param_get(const struct request *r, const char *name, struct str *out, struct err *err)
{
	*out = (struct str){NULL, 0};
	bool more;
	size_t at = 0;
	struct request_param p;
	for (;;) {
		TRY(request_param_next(r, &at, &p, &more, err));
		if (!more) return OK;
		if (str_is(p.name, name)) *out = p.value;
	}
}

static struct str trimmed(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) s = (struct str){s.p + 1, s.n - 1};
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
	return s;
}

/* What of *rest is before the mark, trimmed; *rest goes behind it. */
static struct str cut(struct str *rest, char mark)
{
	const char *at = rest->n > 0 ? memchr(rest->p, mark, rest->n) : NULL;
	const struct str part = {rest->p, at != NULL ? (size_t)(at - rest->p) : rest->n};
	*rest = at != NULL ? (struct str){at + 1, rest->n - part.n - 1} : STR("");
	return trimmed(part);
}

bool request_choice_next(struct str *list, struct request_choice *out)
{
	if (list->n == 0) return false;
	struct str item = cut(list, ',');
	*out = (struct request_choice){cut(&item, ';'), 1};
	while (item.n > 0) {
		const struct str p = cut(&item, ';');
		char text[16] = "";
		if (p.n < 2 || (p.p[0] != 'q' && p.p[0] != 'Q') || p.p[1] != '=') continue;
		memcpy(text, p.p + 2, p.n - 2 < sizeof text - 1 ? p.n - 2 : sizeof text - 1);
		out->quality = strtod(text, NULL);
	}
	return true;
}

/* ---- responses ---- */

void response_init(struct response *r, struct arena *arena)
{
	*r = (struct response){.arena = arena, .status = 200, .rows = -1};
	buf_init(&r->body, 0);
}

void response_deinit(struct response *r)
{
	buf_deinit(&r->body);
}

void response_header_add(struct response *r, const char *name, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	const int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	ASSERT(r->n_headers < RESPONSE_HEADERS_MAX && n >= 0);
	char *value = ARENA_NEW(r->arena, char, (size_t)n + 1);
	if (value == NULL) return;
	va_start(args, fmt);
	(void)vsnprintf(value, (size_t)n + 1, fmt, args);
	va_end(args);
	r->headers[r->n_headers++] = (struct response_header){name, value};
}

const char *response_reason(int status_number)
{
	switch (status_number) {
	case 200: return "OK";
	case 304: return "Not Modified";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 406: return "Not Acceptable";
	case 408: return "Request Timeout";
	case 413: return "Content Too Large";
	case 414: return "URI Too Long";
	case 421: return "Misdirected Request";
	case 431: return "Request Header Fields Too Large";
	case 501: return "Not Implemented";
	case 503: return "Service Unavailable";
	default: return "Internal Server Error";
	}
}

int response_status_of(status code, const struct err *err)
{
	switch (code) {
	case OK: return 200;
	case E_USAGE: return 400;
	case E_NOT_FOUND: return 404;
	case E_UNSUPPORTED: return 501;
	case E_LIMIT: return err != NULL && err->class == ERR_RETRY ? 503 : 413; /* of time, of size */
	case E_BUSY:
	case E_UNREACHABLE:
	case E_CANCELLED: return 503;
	default: return err != NULL && err->class == ERR_DENIED ? 403 : 500;
	}
}

/* A message may have been cut within a character. */
static void add_detail(struct buf *out, const char *detail)
{
	struct buf mended;
	buf_init(&mended, 0);
	utf8_text_mend(&mended, str_of(detail));
	buf_json_str(out, (struct str){(const char *)mended.p, mended.n});
	buf_deinit(&mended);
}

void response_problem(struct response *r, int status_number, const char *detail)
{
	buf_reset(&r->body);
	r->borrowed = (struct str){NULL, 0};
	r->n_headers = 0;
	r->gzipped = r->events = false;
	r->rows = -1;
	r->status = status_number;
	r->type = "application/problem+json";
	buf_printf(&r->body,
		"{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":", response_reason(status_number),
		status_number);
	add_detail(&r->body, detail);
	buf_str(&r->body, "}\n");
}
