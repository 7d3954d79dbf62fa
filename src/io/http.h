/* io/http.h: HTTP/1.1 requests, many at once, over a pool of connections that is shared by threads.
 *
 *   any thread: http_start -> queue -> an I/O thread (libcurl multi), of a few -> http_wait
 *
 * Knows nothing of S3. A call is owned by its starter and must stay where it is, with all it points to, until http_wait
 * returned. Answers of any status are answers; only what brought none is a failure. Nothing is tried again here, and
 * redirects are not followed.
 */
#ifndef PQR_IO_HTTP_H
#define PQR_IO_HTTP_H

#include "base/buf.h"

enum http_failure {
	HTTP_ANSWERED,  /* there is a status and the whole body */
	HTTP_RESOLVE,   /* no address for the name */
	HTTP_CONNECT,   /* refused, unreachable or no answer in time: nothing was sent */
	HTTP_TLS,       /* certificate or protocol: trying again won't help */
	HTTP_TIMEOUT,   /* after the request was sent, or while it was */
	HTTP_BROKEN,    /* the connection broke, the body is short, or it is no HTTP */
	HTTP_TOO_LARGE, /* more body than asked for */
	HTTP_CANCELLED, /* by http_cancel; or the process was interrupted and the grace is over */
	HTTP_NOMEM,
};

/* What HTTP_TLS was about. */
enum http_tls {
	HTTP_TLS_OTHER,     /* protocol; or no TLS at all there */
	HTTP_TLS_UNTRUSTED, /* signed by nobody who is trusted here */
	HTTP_TLS_NAME,      /* trusted, for other names */
	HTTP_TLS_EXPIRED,   /* or not valid yet */
	HTTP_TLS_CA_FILE,   /* ca_file can't be read */
};

enum { HTTP_HEADER_CHARS_MAX = 192, HTTP_REASON_CHARS_MAX = 200 };

struct http_call {
	/* Request; borrowed. */
	const char *method;
	const char *url;            /* encoded */
	const char *const *headers; /* n_headers lines "name: value" */
	size_t n_headers;
	const void *body; /* sent with Content-Length body_n when method is PUT or POST */
	size_t body_n;
	/* The body of an answer 206 goes to dst[dst_max] when dst is set; every other body is appended to text, cut at its
	 * maximum: what answers 200 to a range may be an error inside. */
	uint8_t *dst;
	size_t dst_max;
	struct buf *text;
	int64_t timeout_ms; /* whole call */

	/* Answer, valid after http_wait. */
	enum http_failure failure;
	enum http_tls tls; /* of HTTP_TLS */
	int status;
	size_t dst_n;
	int64_t length;      /* Content-Length, -1: none */
	int64_t range_total; /* the object's size by Content-Range, -1: none */
	int64_t retry_after_s;
	int64_t date_us;     /* the server's clock, INT64_MIN: none */
	int64_t modified_us; /* Last-Modified, INT64_MIN: none */
	char etag[HTTP_HEADER_CHARS_MAX];
	char region[64]; /* x-amz-bucket-region */
	char reason[HTTP_REASON_CHARS_MAX];

	/* The pool's own. */
	struct http_call *next;
	void *easy, *lines;
	bool done, cancelled;
};

struct http_opts {
	const char *ca_file; /* PEM bundle; NULL: the system's */
	int connect_timeout_ms;
	int stall_timeout_s; /* a transfer under 1 KiB/s for so long is given up */
	int calls_max;       /* in flight at once; more wait in the queue, their time-outs not running */
};

struct http_pool;
/* Starts the I/O threads: as many as cores, up to four. */
status http_pool_create(const struct http_opts *opts, struct http_pool **out, struct err *err) MUST_USE;
void http_pool_destroy(struct http_pool *p); /* no call may be under way */
void http_start(struct http_pool *p, struct http_call *c);
void http_wait(struct http_pool *p, struct http_call *c);
bool http_done(struct http_pool *p, const struct http_call *c);
/* Whoever started it has waited long enough: HTTP_CANCELLED at once, unless it is done. http_wait is still due. */
void http_cancel(struct http_pool *p, struct http_call *c);
/* Wait until one of the calls[n] is done; n > 0. */
size_t http_wait_any(struct http_pool *p, struct http_call *const *calls, size_t n);

#endif
