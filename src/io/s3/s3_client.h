/* io/s3/s3_client.h: signed requests to one bucket, tried again where that is right, and what their answers mean.
 *
 *   s3_call_start -> (in flight) -> s3_call_finish: wait, judge, back off and start again, until an answer or the end of
 *                                                   patience
 *
 * A first try can thus be in flight while its starter does something else; further tries are made by who finishes it. A put
 * whose answer was lost is tried again too: the condition it carries makes that safe, and what a 412 then means is for the
 * caller to find out by looking.
 */
#ifndef PQR_IO_S3_S3_CLIENT_H
#define PQR_IO_S3_S3_CLIENT_H

#include "base/arena.h"
#include "io/http.h"
#include "io/s3/s3_settings.h"
#include "io/s3/sigv4.h"

struct s3_client;

/* Answers other than success that the caller takes; any other is an error. */
enum { S3_TAKES_404 = 1, S3_TAKES_412 = 2, S3_TAKES_416 = 4 };
enum { S3_EXTRA_MAX = 4, S3_LINES_MAX = S3_EXTRA_MAX + 8 };

struct s3_request {
	const char *verb;   /* for people: "read", "write" */
	const char *method; /* GET, HEAD, PUT, POST, DELETE */
	const char *key;    /* in the bucket; NULL = the bucket itself */
	const char *query;  /* canonical, see sigv4.h; NULL = none */
	const struct sigv4_header *extra;
	size_t n_extra; /* up to S3_EXTRA_MAX */
	const void *body;
	size_t body_n;
	const uint8_t *
		body_sha256; /* of the body, where the caller knows it; read by s3_call_init alone. NULL: computed there */
	uint8_t *dst;        /* of a GET's body; NULL: into the call's text */
	size_t dst_max;
	unsigned takes;
	/* NULL, or asked before another try when the one before may have been carried out: *done = it was, no other is made. */
	status (*look)(void *arg, bool *done, struct err *err);
	void *look_arg;
};

struct s3_call { /* all pointers of the request are borrowed until deinit */
	struct http_call http;
	struct s3_request request;
	struct arena arena; /* of one try */
	struct buf text;    /* the body of the answer */
	char payload_sha256[65];
	char code[64]; /* S3's error code; "" = none */
	const char *lines[S3_LINES_MAX];
	bool started;
	bool found_done; /* look said so: there is no answer to read */
};

status s3_client_create(const struct s3_settings *settings, struct s3_client **out, struct err *err) MUST_USE;
void s3_client_destroy(struct s3_client *c);
struct http_pool *s3_client_http(struct s3_client *c);

void s3_call_init(
	struct s3_call *call, const struct s3_request *request); /* hashes the body, unless its hash is known */
void s3_call_deinit(struct s3_call *call);                       /* not between start and finish */
status s3_call_start(struct s3_client *c, struct s3_call *call, struct err *err) MUST_USE;
/* Until there is an answer the request takes. E_UNREACHABLE: the service stayed away; class UNKNOWN when a request that
 * changes something may have been carried out. */
status s3_call_finish(struct s3_client *c, struct s3_call *call, struct err *err) MUST_USE;
/* init, start and finish; deinit is the caller's also on failure. */
status s3_perform(
	struct s3_client *c, struct s3_call *call, const struct s3_request *request, struct err *err) MUST_USE;

/* What to do about an answer: a function of its arguments, for tests. code is S3's error code or "". */
enum s3_verdict { S3_DONE, S3_AGAIN, S3_REGION, S3_FAILED };
enum s3_verdict s3_judge(enum http_failure failure, int http_status, const char *code, unsigned takes);

#endif
