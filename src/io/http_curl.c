/* io/http_curl.c: the pool of connections on libcurl's multi interface; the one file that knows libcurl.
 *
 * Some I/O threads (loops) with connections of their own share the calls: one alone would copy, and encrypt, all that goes over
 * the network.
 *
 * Invariants: 1. easy handles and the multi handle are touched by their loop's thread alone; 2. `lock` guards queue, n_calls,
 * stop and the answer of a call until its `done` is set; 3. at most calls_max easy handles are in a loop's multi handle.
 */
#include "io/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "base/time.h"

enum { POLL_MS = 1000, CANCEL_POLL_MS = 100, CANCEL_GRACE_US = 5000000, RECEIVE_BYTES = 1 << 18, SEND_BYTES = 1 << 19 };
enum { LOOPS_MAX = 4 };

struct loop {
	struct http_pool *pool;
	CURLM *multi;
	pthread_t thread;
	struct http_call *queue, **queue_end;
	int n_calls, calls_max; /* queued and active; active at once */
	/* its thread only */
	CURL **idle; /* idle[n_idle], room for calls_max */
	int n_idle, n_active;
	struct http_call *active; /* linked by next */
	int64_t cancelled_at;
};

struct http_pool {
	struct http_opts opts;
	char *ca_file;
	pthread_mutex_t lock;
	pthread_cond_t done; /* some call is */
	bool stop;
	struct loop loops[LOOPS_MAX];
	int n_loops; /* whose threads run */
};

/* ---- answers ---- */

static bool header_is(struct str line, const char *name, struct str *value)
{
	const size_t n = strlen(name);
	if (line.n <= n || line.p[n] != ':' || strncasecmp(line.p, name, n) != 0) return false;
	const char *p = line.p + n + 1;
	const char *end = line.p + line.n;
	while (p < end && (*p == ' ' || *p == '\t')) p++;
	while (end > p && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ')) end--;
	*value = (struct str){p, (size_t)(end - p)};
	return true;
}

static int64_t number_of(struct str s)
{
	int64_t v = 0;
	if (s.n == 0 || s.n > 18) return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') return -1;
		v = v * 10 + (s.p[i] - '0');
	}
	return v;
}

static void keep_text(char *dst, size_t size, struct str s)
{
	(void)snprintf(dst, size, "%.*s", (int)(s.n < size ? s.n : size - 1), s.p);
}

static int64_t date_of(struct str s)
{
	char text[64];
	keep_text(text, sizeof text, s);
	const time_t at = curl_getdate(text, NULL);
	return at > 0 ? (int64_t)at * US_PER_SECOND : INT64_MIN;
}

static void answer_reset(struct http_call *c)
{
	c->dst_n = 0;
	c->length = c->range_total = c->retry_after_s = -1;
	c->date_us = c->modified_us = INT64_MIN;
	c->etag[0] = c->region[0] = '\0';
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	const struct str line = {p, size * n};
	struct str v;
	if (line.n > 5 && memcmp(p, "HTTP/", 5) == 0) answer_reset(c); /* also after 100 Continue */
	if (header_is(line, "etag", &v)) keep_text(c->etag, sizeof c->etag, v);
	if (header_is(line, "x-amz-bucket-region", &v)) keep_text(c->region, sizeof c->region, v);
	if (header_is(line, "content-length", &v)) c->length = number_of(v);
	if (header_is(line, "retry-after", &v)) c->retry_after_s = number_of(v);
	if (header_is(line, "date", &v)) c->date_us = date_of(v);
	if (header_is(line, "last-modified", &v)) c->modified_us = date_of(v);
	if (header_is(line, "content-range", &v)) { /* bytes 0-9/1234 or bytes * / 0 */
		const char *slash = memchr(v.p, '/', v.n);
		if (slash != NULL) c->range_total = number_of((struct str){slash + 1, (size_t)(v.p + v.n - slash - 1)});
	}
	return size * n;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	const size_t bytes = size * n;
	long http_status = 0;
	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &http_status);
	if (c->dst != NULL && http_status == 206) {
		if (bytes > c->dst_max - c->dst_n) return 0; /* CURLE_WRITE_ERROR */
		memcpy(c->dst + c->dst_n, p, bytes);
		c->dst_n += bytes;
		return bytes;
	}
	if (c->text == NULL) return bytes;
	const size_t room = c->text->max - c->text->n;
	if (bytes > room && (http_status == 200 || http_status == 206)) return 0;
	buf_add(c->text, p, bytes < room ? bytes : room);
	return bytes;
}

static enum http_failure failure_of(CURLcode code, CURL *easy)
{
	curl_off_t sent_us = 0;
	switch (code) {
	case CURLE_OK: return HTTP_ANSWERED;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST: return HTTP_RESOLVE;
	case CURLE_COULDNT_CONNECT: return HTTP_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS: return HTTP_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		(void)curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
		return sent_us == 0 ? HTTP_CONNECT : HTTP_TIMEOUT;
	case CURLE_WRITE_ERROR: return HTTP_TOO_LARGE;
	case CURLE_OUT_OF_MEMORY: return HTTP_NOMEM;
	default: return HTTP_BROKEN;
	}
}

static enum http_tls tls_of(CURLcode code, CURL *easy)
{
	enum {
		UNSPECIFIED = 1,
		NOT_YET_VALID = 9,
		HAS_EXPIRED = 10,
		OTHER_NAME = 62,
		OTHER_ADDRESS = 64
	}; /* OpenSSL's X509_V_ERR_... */
	long verified = 0;
	if (code == CURLE_SSL_CACERT_BADFILE) return HTTP_TLS_CA_FILE;
	if (code != CURLE_PEER_FAILED_VERIFICATION) return HTTP_TLS_OTHER;
	(void)curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verified);
	/* libcurl looks at the names itself, between a good handshake and its note of the result. */
	if (verified == 0 || verified == UNSPECIFIED || verified == OTHER_NAME || verified == OTHER_ADDRESS)
		return HTTP_TLS_NAME;
	return verified == NOT_YET_VALID || verified == HAS_EXPIRED ? HTTP_TLS_EXPIRED : HTTP_TLS_UNTRUSTED;
}

/* ---- an I/O thread ---- */

static bool set_up(struct loop *p, struct http_call *c, CURL *easy)
{
	struct curl_slist *lines = NULL;
	for (size_t i = 0; i < c->n_headers; i++) {
		struct curl_slist *more = curl_slist_append(lines, c->headers[i]);
		if (more == NULL) {
			curl_slist_free_all(lines);
			return false;
		}
		lines = more;
	}
	c->easy = easy;
	c->lines = lines;
	curl_easy_reset(easy); /* keeps connections, TLS sessions and the DNS cache */
	const bool sends = strcmp(c->method, "PUT") == 0 || strcmp(c->method, "POST") == 0;
	bool ok = curl_easy_setopt(easy, CURLOPT_URL, c->url) == CURLE_OK &&
		  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines) == CURLE_OK &&
		  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
		  curl_easy_setopt(easy, CURLOPT_PRIVATE, c) == CURLE_OK;
	if (sends) {
		(void)curl_easy_setopt(easy, CURLOPT_POST, 1L);
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, c->body != NULL ? c->body : "");
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_n);
	}
	if (strcmp(c->method, "HEAD") == 0)
		(void)curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else
		ok = ok && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, c->method) == CURLE_OK;
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
	(void)curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)SEND_BYTES);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)p->pool->opts.connect_timeout_ms);
	(void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1024L);
	(void)curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)p->pool->opts.stall_timeout_s);
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, c);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, c);
	if (p->pool->ca_file != NULL) ok = ok && curl_easy_setopt(easy, CURLOPT_CAINFO, p->pool->ca_file) == CURLE_OK;
	return ok;
}

static void call_done(struct loop *p, struct http_call *c)
{
	(void)pthread_mutex_lock(&p->pool->lock);
	p->n_calls--;
	c->done = true; /* the owner may take it away from here on */
	(void)pthread_cond_broadcast(&p->pool->done);
	(void)pthread_mutex_unlock(&p->pool->lock);
}

static void active_drop(struct loop *p, const struct http_call *c)
{
	for (struct http_call **at = &p->active; *at != NULL; at = &(*at)->next) {
		if (*at != c) continue;
		*at = c->next;
		break;
	}
	p->n_active--;
}

/* Take the call out of the multi handle and give its easy handle back. */
static void call_retire(struct loop *p, struct http_call *c)
{
	(void)curl_multi_remove_handle(p->multi, c->easy);
	curl_slist_free_all(c->lines);
	p->idle[p->n_idle++] = c->easy;
	c->lines = c->easy = NULL;
	active_drop(p, c);
	call_done(p, c);
}

static void call_refuse(struct loop *p, struct http_call *c, enum http_failure why, const char *reason)
{
	c->failure = why;
	(void)snprintf(c->reason, sizeof c->reason, "%s", reason);
	call_done(p, c);
}

static void call_begin(struct loop *p, struct http_call *c)
{
	CURL *easy = p->n_idle > 0 ? p->idle[--p->n_idle] : curl_easy_init();
	if (easy == NULL) {
		call_refuse(p, c, HTTP_NOMEM, "no memory left");
		return;
	}
	if (!set_up(p, c, easy) || curl_multi_add_handle(p->multi, easy) != CURLM_OK) {
		curl_slist_free_all(c->lines);
		c->lines = c->easy = NULL;
		p->idle[p->n_idle++] = easy;
		call_refuse(p, c, HTTP_NOMEM, "libcurl refused the request");
		return;
	}
	c->next = p->active;
	p->active = c;
	p->n_active++;
}

/* false: the pool stops. */
static bool take_queue(struct loop *p)
{
	for (;;) {
		(void)pthread_mutex_lock(&p->pool->lock);
		struct http_call *c = p->n_active < p->calls_max ? p->queue : NULL;
		const bool stop = p->pool->stop, cancelled = c != NULL && c->cancelled;
		if (c != NULL) {
			p->queue = c->next;
			if (p->queue == NULL) p->queue_end = &p->queue;
		}
		(void)pthread_mutex_unlock(&p->pool->lock);
		if (c == NULL) return !stop;
		if (cancelled)
			call_refuse(p, c, HTTP_CANCELLED, "given up");
		else
			call_begin(p, c);
	}
}

static bool take_results(struct loop *p)
{
	bool some = false;
	int left;
	for (CURLMsg *m = curl_multi_info_read(p->multi, &left); m != NULL; m = curl_multi_info_read(p->multi, &left)) {
		if (m->msg != CURLMSG_DONE) continue;
		struct http_call *c = NULL;
		long http_status = 0;
		const CURLcode code = m->data.result;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &http_status);
		c->failure = failure_of(code, m->easy_handle);
		if (c->failure == HTTP_TLS) c->tls = tls_of(code, m->easy_handle);
		c->status = (int)http_status;
		if (c->failure != HTTP_ANSWERED)
			(void)snprintf(c->reason, sizeof c->reason, "%s", curl_easy_strerror(code));
		if (c->text != NULL && c->text->failed) c->failure = HTTP_NOMEM;
		call_retire(p, c);
		some = true;
	}
	return some;
}

static struct http_call *find_cancelled(struct loop *p)
{
	(void)pthread_mutex_lock(&p->pool->lock);
	struct http_call *c = p->active;
	while (c != NULL && !c->cancelled) c = c->next;
	(void)pthread_mutex_unlock(&p->pool->lock);
	return c;
}

static void active_cancel(struct loop *p, struct http_call *c, const char *reason)
{
	c->failure = HTTP_CANCELLED;
	(void)snprintf(c->reason, sizeof c->reason, "%s", reason);
	call_retire(p, c);
}

/* After an interrupt what is under way gets some seconds to end: most of it does, and a commit's outcome is then known. */
static void cancel_late(struct loop *p)
{
	if (!cancel_requested()) {
		p->cancelled_at = 0;
		return;
	}
	const int64_t now = time_mono_us();
	if (p->cancelled_at == 0) p->cancelled_at = now;
	if (now - p->cancelled_at < CANCEL_GRACE_US) return;
	while (p->active != NULL) active_cancel(p, p->active, "interrupted");
}

static void *loop_main(void *arg)
{
	struct loop *p = arg;
	while (take_queue(p)) {
		int running;
		(void)curl_multi_perform(p->multi, &running);
		if (take_results(p)) continue; /* room for more of the queue */
		for (struct http_call *c; (c = find_cancelled(p)) != NULL;) active_cancel(p, c, "given up");
		cancel_late(p);
		(void)curl_multi_poll(p->multi, NULL, 0, p->n_active > 0 ? CANCEL_POLL_MS : POLL_MS, NULL);
	}
	return NULL;
}

/* ---- the callers' side ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void global_init(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool loop_create(struct http_pool *pool, struct loop *p, int calls_max)
{
	p->pool = pool;
	p->queue_end = &p->queue;
	p->calls_max = calls_max;
	p->idle = mem_zalloc((size_t)calls_max, sizeof *p->idle);
	p->multi = curl_multi_init();
	if (p->idle != NULL && p->multi != NULL) {
		(void)curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)calls_max);
		(void)curl_multi_setopt(p->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
		if (pthread_create(&p->thread, NULL, loop_main, p) == 0) return true;
	}
	if (p->multi != NULL) (void)curl_multi_cleanup(p->multi);
	mem_free(p->idle);
	return false;
}

status http_pool_create(const struct http_opts *opts, struct http_pool **out, struct err *err)
{
	(void)pthread_once(&once, global_init);
	struct http_pool *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	const int cores = thread_cores(), n_loops = cores < LOOPS_MAX ? cores : LOOPS_MAX;
	p->opts = *opts;
	p->ca_file = opts->ca_file != NULL ? mem_strdup(opts->ca_file) : NULL;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->done, NULL);
	bool ok = opts->ca_file == NULL || p->ca_file != NULL;
	while (ok && p->n_loops < n_loops) {
		ok = loop_create(p, &p->loops[p->n_loops], (opts->calls_max + n_loops - 1) / n_loops);
		p->n_loops += ok;
	}
	if (ok) {
		*out = p;
		return OK;
	}
	http_pool_destroy(p);
	return fail(err, E_NOMEM, "cannot start the threads for HTTP");
}

void http_pool_destroy(struct http_pool *p)
{
	if (p == NULL) return;
	(void)pthread_mutex_lock(&p->lock);
	p->stop = true;
	(void)pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->n_loops; i++) {
		struct loop *l = &p->loops[i];
		(void)curl_multi_wakeup(l->multi);
		(void)pthread_join(l->thread, NULL);
		ASSERT(l->n_active == 0 && l->queue == NULL);
		for (int k = 0; k < l->n_idle; k++) curl_easy_cleanup(l->idle[k]);
		(void)curl_multi_cleanup(l->multi);
		mem_free(l->idle);
	}
	(void)pthread_cond_destroy(&p->done);
	(void)pthread_mutex_destroy(&p->lock);
	mem_free(p->ca_file);
	mem_free(p);
}

void http_start(struct http_pool *p, struct http_call *c)
{
	answer_reset(c);
	c->failure = HTTP_ANSWERED;
	c->status = 0;
	c->reason[0] = '\0';
	c->next = NULL;
	c->done = c->cancelled = false;
	(void)pthread_mutex_lock(&p->lock);
	struct loop *l = &p->loops[0];
	for (int i = 1; i < p->n_loops; i++)
		if (p->loops[i].n_calls < l->n_calls) l = &p->loops[i];
	*l->queue_end = c;
	l->queue_end = &c->next;
	l->n_calls++;
	(void)pthread_mutex_unlock(&p->lock);
	(void)curl_multi_wakeup(l->multi);
}

void http_wait(struct http_pool *p, struct http_call *c)
{
	(void)pthread_mutex_lock(&p->lock);
	while (!c->done) (void)pthread_cond_wait(&p->done, &p->lock);
	(void)pthread_mutex_unlock(&p->lock);
}

bool http_done(struct http_pool *p, const struct http_call *c)
{
	(void)pthread_mutex_lock(&p->lock);
	const bool done = c->done;
	(void)pthread_mutex_unlock(&p->lock);
	return done;
}

void http_cancel(struct http_pool *p, struct http_call *c)
{
	(void)pthread_mutex_lock(&p->lock);
	c->cancelled = true;
	(void)pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->n_loops; i++) (void)curl_multi_wakeup(p->loops[i].multi);
}

static size_t find_done(struct http_call *const *calls, size_t n)
{
	size_t i = 0;
	while (i < n && !calls[i]->done) i++;
	return i;
}

size_t http_wait_any(struct http_pool *p, struct http_call *const *calls, size_t n)
{
	size_t i;
	ASSERT(n > 0);
	(void)pthread_mutex_lock(&p->lock);
	while ((i = find_done(calls, n)) == n) (void)pthread_cond_wait(&p->done, &p->lock);
	(void)pthread_mutex_unlock(&p->lock);
	return i;
}
