/* server/exchange.h: a request and the response to it, as handlers see them: no socket, no library.
 *
 *   adapter (http_mhd.c)  ->  struct request  ->  router.c  ->  a handler  ->  struct response  ->  adapter
 *
 * A request's texts view the adapter's memory, or the request's arena, until the response was sent. Nothing of it is trusted.
 */
#ifndef PQR_SERVER_EXCHANGE_H
#define PQR_SERVER_EXCHANGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "server/auth.h"

enum {
	REQUEST_TARGET_MAX = 8192,        /* bytes of path and query: a filter over a hundred values has about 4,000 */
	REQUEST_HEADERS_MAX = 64,         /* browsers send about 20 */
	REQUEST_HEADER_BYTES_MAX = 16384, /* of all of them: a token has up to 8 KiB */
	REQUEST_BODY_MAX = 1 << 16,       /* a statement of SQL */
	REQUEST_CAPTURES_MAX = 2,
	RESPONSE_HEADERS_MAX = 24,
};

enum request_method { REQUEST_GET, REQUEST_HEAD, REQUEST_POST, REQUEST_OTHER };

struct request_header {
	struct str name, value;
};
struct request {
	struct arena *arena;
	enum request_method method;
	struct str target;                         /* as sent: path and query */
	struct str path;                           /* before '?', as sent */
	struct str query;                          /* behind it, as sent; empty without one */
	struct str captures[REQUEST_CAPTURES_MAX]; /* what the route's {names} stand for, decoded */
	const struct request_header *headers;      /* [n_headers] */
	size_t n_headers;
	struct str body;
	struct principal who; /* set by the router, once it is known */
	bool known;
};
/* Splits target into path and query. */
void request_target_set(struct request *r, struct str target);
/* The first header of that name, whatever its case; p == NULL: none. */
struct str request_header_get(const struct request *r, const char *name);

/* Percent-decoding (RFC 3986) into arena; '+' is a space where plus is set. false: a bad escape, NUL, no UTF-8, or no memory. */
bool request_decode(struct arena *arena, struct str s, bool plus, struct str *out) MUST_USE;
/* The parameters of a query one after another, decoded: start with *at = 0; false at the end. E_USAGE: no such text. */
struct request_param {
	struct str name, value;
};
status request_param_next(
	const struct request *r, size_t *at, struct request_param *out, bool *more, struct err *err) MUST_USE;
/* The last parameter of that name; p == NULL: none. */
status request_param_get(const struct request *r, const char *name, struct str *out, struct err *err) MUST_USE;

/* The next of a header's choices ("text/csv;q=0.5, text/html"), and its weight; false at the end. */
struct request_choice {
	struct str name; /* may be empty */
	double quality;  /* 1 where none is told */
};
bool request_choice_next(struct str *list, struct request_choice *out);

struct response_header {
	const char *name;
	char *value; /* in the arena */
};
/* What the adapter does after the body is sent. */
struct response {
	struct arena *arena;
	int status;
	const char *type;    /* of the body; NULL: none */
	struct buf body;     /* owned; empty where borrowed is set */
	struct str borrowed; /* of the program itself: not freed */
	bool gzipped;        /* the body is compressed already */
	bool events;         /* server-sent events follow */
	int64_t rows;        /* that the body holds, for the audit log; -1: it is no table */
	struct response_header headers[RESPONSE_HEADERS_MAX];
	size_t n_headers;
};
void response_init(struct response *r, struct arena *arena);
void response_deinit(struct response *r);
/* value is copied. One more than RESPONSE_HEADERS_MAX is a fault of ours; without memory the header is left out. */
void response_header_add(struct response *r, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
static inline struct str response_body(const struct response *r)
{
	return r->borrowed.p != NULL ? r->borrowed : (struct str){(const char *)r->body.p, r->body.n};
}

/* A problem (RFC 9457) in place of whatever the response held, its headers too. detail: one line, for people, without secrets. */
void response_problem(struct response *r, int status_number, const char *detail);
const char *response_reason(int status_number); /* "Not Found" */
/* What an error of ours is in HTTP. err may be NULL. */
int response_status_of(status code, const struct err *err);

#endif
