/* io/s3/s3_client.c: one signed request after another, tried again while that can help, and what S3's refusals mean to people.
 *
 * Invariants: 1. a request whose outcome was not seen is tried again only after a look, or where twice is as good as once; 2. no
 * message holds a secret. Must not know keys of a lake or puts.
 */
#include "io/s3/s3_client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/thread.h"
#include "base/time.h"
#include "io/s3/s3_xml.h"

enum {
	CONNECT_TIMEOUT_MS = 5000,
	STALL_TIMEOUT_S = 15,
	CALL_TIMEOUT_MS = 60000,
	CALL_MS_PER_MIB = 4000, /* a line of 256 KiB/s is still served */
	CALLS_MAX = 48,
	BACKOFF_BASE_US = 100000,
	BACKOFF_MAX_US = 4000000,
	RETRY_AFTER_MAX_S = 20,
	SLICE_US = 20000,
	BUDGET_MAX = 1000, /* of retries: one costs BUDGET_COST, each success gives one back */
	BUDGET_COST = 5,
	ANSWER_BYTES_MAX = 1 << 24,
};

struct s3_client {
	struct http_pool *http;
	pthread_mutex_t lock; /* guards settings */
	struct s3_settings settings;
	_Atomic int budget;
};

status s3_client_create(const struct s3_settings *settings, struct s3_client **out, struct err *err)
{
	const struct http_opts o = {
		.ca_file = settings->ca_file[0] != '\0' ? settings->ca_file : NULL,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.stall_timeout_s = STALL_TIMEOUT_S,
		.calls_max = CALLS_MAX,
	};
	struct s3_client *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) return fail_nomem(err);
	c->settings = *settings;
	c->budget = BUDGET_MAX;
	(void)pthread_mutex_init(&c->lock, NULL);
	const status code = http_pool_create(&o, &c->http, err);
	if (code != OK)
		s3_client_destroy(c);
	else
		*out = c;
	return code;
}

void s3_client_destroy(struct s3_client *c)
{
	if (c == NULL) return;
	http_pool_destroy(c->http);
	(void)pthread_mutex_destroy(&c->lock);
	explicit_bzero(&c->settings, sizeof c->settings);
	mem_free(c);
}

struct http_pool *s3_client_http(struct s3_client *c)
{
	return c->http;
}

/* ---- one try ---- */

void s3_call_init(struct s3_call *call, const struct s3_request *request)
{
	uint8_t hash[SHA256_BYTES];
	*call = (struct s3_call){.request = *request};
	arena_init(&call->arena, 0);
	buf_init(&call->text, ANSWER_BYTES_MAX);
	if (request->body_n == 0) {
		memcpy(call->payload_sha256, SIGV4_EMPTY_SHA256, sizeof call->payload_sha256);
		return;
	}
	if (request->body_sha256 == NULL) hash_sha256(request->body, request->body_n, hash);
	hex_encode(request->body_sha256 != NULL ? request->body_sha256 : hash, sizeof hash, call->payload_sha256);
}

void s3_call_deinit(struct s3_call *call)
{
	ASSERT(!call->started);
	arena_deinit(&call->arena);
	buf_deinit(&call->text);
}

static char *path_of(struct s3_call *call, const struct s3_settings *s)
{
	struct buf b;
	buf_init(&b, 1 << 14);
	buf_str(&b, s->base_path);
	if (s->path_style) buf_printf(&b, "/%s", s->bucket);
	if (call->request.key != NULL || !s->path_style) buf_char(&b, '/');
	if (call->request.key != NULL) buf_percent(&b, str_of(call->request.key), "/");
	char *path = b.failed ? NULL : arena_strndup(&call->arena, (const char *)b.p, b.n);
	buf_deinit(&b);
	return path;
}

static void insert_sorted(struct sigv4_header *h, size_t *n, struct sigv4_header one)
{
	size_t i = (*n)++;
	for (; i > 0 && strcmp(h[i - 1].name, one.name) > 0; i--) h[i] = h[i - 1];
	h[i] = one;
}

static bool add_lines(struct s3_call *call, const struct sigv4_header *h, size_t n, const char *authorization)
{
	size_t k = 0;
	bool ok = true;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(h[i].name, "host") == 0) continue; /* libcurl writes it from the URL */
		call->lines[k] = arena_printf(&call->arena, "%s: %s", h[i].name, h[i].value);
		ok = ok && call->lines[k++] != NULL;
	}
	call->lines[k] = arena_printf(&call->arena, "Authorization: %s", authorization);
	ok = ok && call->lines[k++] != NULL;
	call->lines[k++] = "User-Agent: pqr/" PQR_VERSION;
	call->lines[k++] = "Expect:"; /* no round trip before the body */
	call->lines[k++] = "Content-Type:";
	ASSERT(k <= S3_LINES_MAX);
	call->http.n_headers = k;
	return ok;
}

/* Sign the request with these settings and the time of now. */
static bool prepare(struct s3_call *call, const struct s3_settings *s)
{
	const struct s3_request *q = &call->request;
	struct sigv4_header h[S3_EXTRA_MAX + 4];
	char date[SIGV4_DATE_CHARS + 1];
	size_t n = 0;
	sigv4_date(time_now_us(), date);
	ASSERT(q->n_extra <= S3_EXTRA_MAX);
	for (size_t i = 0; i < q->n_extra; i++) insert_sorted(h, &n, q->extra[i]);
	insert_sorted(h, &n, (struct sigv4_header){"host", s->host});
	insert_sorted(h, &n, (struct sigv4_header){"x-amz-content-sha256", call->payload_sha256});
	insert_sorted(h, &n, (struct sigv4_header){"x-amz-date", date});
	if (s->token[0] != '\0') insert_sorted(h, &n, (struct sigv4_header){"x-amz-security-token", s->token});
	const char *path = path_of(call, s);
	if (path == NULL) return false;
	const char *query = q->query != NULL ? q->query : "";
	const struct sigv4_request r = {q->method, path, query, h, n, call->payload_sha256, date, s->region, "s3",
		s->access_key, s->secret_key};
	struct buf b;
	buf_init(&b, 1 << 12);
	sigv4_authorization(&r, &b);
	buf_char(&b, '\0');
	const bool ok = !b.failed && add_lines(call, h, n, (const char *)b.p);
	buf_deinit(&b);
	call->http.url = arena_printf(&call->arena, "http%s://%s%s%s%s", s->tls ? "s" : "", s->host, path,
		query[0] != '\0' ? "?" : "", query);
	return ok && call->http.url != NULL;
}

status s3_call_start(struct s3_client *c, struct s3_call *call, struct err *err)
{
	ASSERT(!call->started);
	arena_reset(&call->arena);
	buf_reset(&call->text);
	const struct s3_request *q = &call->request;
	call->code[0] = '\0';
	(void)pthread_mutex_lock(&c->lock);
	const bool ok = prepare(call, &c->settings);
	(void)pthread_mutex_unlock(&c->lock);
	if (!ok) return fail_nomem(err);
	struct http_call *h = &call->http;
	h->method = q->method;
	h->headers = call->lines;
	h->body = q->body;
	h->body_n = q->body_n;
	h->dst = q->dst;
	h->dst_max = q->dst_max;
	h->text = &call->text;
	const size_t bytes = q->body_n + q->dst_max;
	h->timeout_ms = CALL_TIMEOUT_MS + (int64_t)(bytes >> 20) * CALL_MS_PER_MIB;
	call->started = true;
	http_start(c->http, h);
	return OK;
}

/* ---- judging ---- */

static bool one_of(const char *code, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(code, list[i]) == 0) return true;
	return false;
}

/* Codes of a 404 that speak of the object; HEAD's has none. Others speak of the bucket, or of who asks. */
static bool is_missing(const char *code)
{
	static const char *const missing[] = {"", "NoSuchKey", "NoSuchUpload", "NoSuchVersion", "NotFound"};
	return one_of(code, missing, sizeof missing / sizeof *missing);
}

enum s3_verdict s3_judge(enum http_failure failure, int http_status, const char *code, unsigned takes)
{
	static const char *const again[] = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout",
		"ConditionalRequestConflict", "OperationAborted", "Throttling", "ThrottlingException",
		"RequestLimitExceeded", "XAmzContentSHA256Mismatch", "BadDigest", "IncompleteBody", "SlowDownRead",
		"SlowDownWrite"};
	static const char *const region[] = {"PermanentRedirect", "AuthorizationHeaderMalformed", "TemporaryRedirect",
		"IllegalLocationConstraintException"};
	switch (failure) {
	case HTTP_ANSWERED: break;
	case HTTP_RESOLVE:
	case HTTP_CONNECT:
	case HTTP_TIMEOUT:
	case HTTP_BROKEN: return S3_AGAIN;
	default: return S3_FAILED;
	}
	if (one_of(code, again, sizeof again / sizeof *again)) return S3_AGAIN;
	if (http_status == 301 || http_status == 307 || one_of(code, region, sizeof region / sizeof *region))
		return S3_REGION;
	if (http_status >= 200 && http_status < 300) return code[0] == '\0' ? S3_DONE : S3_FAILED;
	if (http_status == 408 || http_status == 429 || http_status == 500 || http_status == 502 ||
		http_status == 503 || http_status == 504)
		return S3_AGAIN;
	const bool taken = (http_status == 404 && (takes & S3_TAKES_404) && is_missing(code)) ||
			   (http_status == 412 && (takes & S3_TAKES_412)) ||
			   (http_status == 416 && (takes & S3_TAKES_416));
	return taken ? S3_DONE : S3_FAILED;
}

struct refusal {
	char message[200];
	char region[64];
};

/* The error inside an answer, which may have status 200. */
static void read_error(struct s3_call *call, struct refusal *r)
{
	struct str inside;
	r->message[0] = '\0';
	(void)snprintf(r->region, sizeof r->region, "%s", call->http.region);
	const struct str text = {(const char *)call->text.p, call->text.n};
	if (text.n == 0 || !s3_xml_root(text, "Error", &inside)) return;
	if (!s3_xml_text(inside, "Code", call->code, sizeof call->code))
		(void)snprintf(call->code, sizeof call->code, "Error");
	struct str raw;
	if (s3_xml_child(inside, "Message", &raw)) {
		char *to = r->message;
		for (size_t i = 0; i < raw.n && (size_t)(to - r->message) + 1 < sizeof r->message; i++)
			*to++ = (char)((unsigned char)raw.p[i] < 0x20 ? ' ' : raw.p[i]);
		*to = '\0';
	}
	char region[64];
	if (s3_xml_text(inside, "Region", region, sizeof region)) memcpy(r->region, region, sizeof region);
}

/* ---- errors for people ---- */

static const struct {
	const char *code, *text;
	enum err_advice advice;
} refusals[] = {
	{"InvalidAccessKeyId", "the access key is unknown there: check AWS_ACCESS_KEY_ID", ADVICE_NONE},
	{"XAdminUserNotFound", "the access key is unknown there: check AWS_ACCESS_KEY_ID", ADVICE_NONE},
	{"SignatureDoesNotMatch",
		"the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY (and "
		"that no proxy changes "
		"requests)",
		ADVICE_NONE},
	{"ExpiredToken", "the session token has expired: get new credentials (AWS_SESSION_TOKEN)", ADVICE_NONE},
	{"TokenRefreshRequired", "the session token has expired: get new credentials (AWS_SESSION_TOKEN)", ADVICE_NONE},
	{"InvalidToken", "the session token is not valid: get new credentials, or unset AWS_SESSION_TOKEN",
		ADVICE_NONE},
	{"InvalidTokenId", "the session token is not valid: get new credentials, or unset AWS_SESSION_TOKEN",
		ADVICE_NONE},
	{"NoSuchBucket", "there is no such bucket: make it, or check AWS_ENDPOINT_URL", ADVICE_CHECK_LAKE},
	{"InvalidBucketName", "no bucket can have that name", ADVICE_CHECK_LAKE},
	{"AllAccessDisabled", "access to the bucket is disabled", ADVICE_NONE},
	{"InvalidObjectState", "the object is archived: restore it first", ADVICE_NONE},
	{"QuotaExceeded", "the quota is used up: make room and run the same command again, it resumes", ADVICE_NONE},
	{"XMinioStorageFull", "the server's disk is full: make room and run the same command again, it resumes",
		ADVICE_NONE},
};

static status fail_refused(const struct s3_call *call, const struct refusal *r, struct err *err)
{
	const char *verb = call->request.verb, *code = call->code;
	const int http_status = call->http.status;
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (strcmp(code, refusals[i].code) == 0)
			return err_advise(err, fail(err, E_IO, "cannot %s: %s (%s)", verb, refusals[i].text, code),
				refusals[i].advice, NULL);
	if (strcmp(code, "RequestTimeTooSkewed") == 0)
		return fail(err, E_IO,
			"cannot %s: this machine's clock and the server's are %lld s apart: set the clock (%s)", verb,
			call->http.date_us != INT64_MIN
				? (long long)((time_now_us() - call->http.date_us) / US_PER_SECOND)
				: 0LL,
			code);
	if (http_status == 301 || http_status == 307 || r->region[0] != '\0')
		return fail(err, E_IO, "cannot %s: the bucket is in another region%s%s: set AWS_REGION (%d %s)", verb,
			r->region[0] != '\0' ? ", " : "", r->region, http_status, code);
	if (http_status == 403 || http_status == 401) {
		const status denied = fail(err, E_IO,
			"cannot %s: access denied: give the access key that right (docs/operate.md lists all it needs) "
			"(%s)",
			verb, code[0] != '\0' ? code : "403");
		err_set_class(err, ERR_DENIED);
		return denied;
	}
	if (http_status == 404 && call->request.key != NULL && is_missing(code))
		return fail(err, E_NOT_FOUND, "cannot %s: there is no such object", verb);
	if (http_status == 501 || strcmp(code, "NotImplemented") == 0)
		return fail(err, E_UNSUPPORTED, "cannot %s: the S3 server does not support this request: %s", verb,
			r->message);
	if (http_status == 409 || http_status == 412)
		return fail(err, E_CONFLICT, "cannot %s: S3 answered %d %s %s", verb, http_status, code, r->message);
	return fail(err, E_IO, "cannot %s: S3 answered %d %s %s", verb, http_status, code, r->message);
}

static status fail_tls(const struct s3_client *c, const struct s3_call *call, struct err *err)
{
	const char *verb = call->request.verb, *host = c->settings.host, *ca = c->settings.ca_file;
	switch (call->http.tls) {
	case HTTP_TLS_UNTRUSTED:
		return fail(err, E_IO,
			"cannot %s: TLS with %s: its certificate is signed by nobody whom %s%s trusts: set "
			"AWS_CA_BUNDLE to a PEM "
			"file with the certificate of its CA",
			verb, host, ca[0] != '\0' ? "" : "this machine", ca);
	case HTTP_TLS_NAME:
		return fail(err, E_IO,
			"cannot %s: TLS with %s: its certificate is for other names: put one of those into "
			"AWS_ENDPOINT_URL",
			verb, host);
	case HTTP_TLS_EXPIRED:
		return fail(err, E_IO,
			"cannot %s: TLS with %s: its certificate has expired or is not valid yet: renew it, or set "
			"this machine's "
			"clock",
			verb, host);
	case HTTP_TLS_CA_FILE:
		return fail(err, E_IO, "cannot %s: %s is no readable PEM file of certificates: check AWS_CA_BUNDLE",
			verb, ca[0] != '\0' ? ca : "the system's list of CAs");
	case HTTP_TLS_OTHER: break;
	}
	return fail(err, E_IO, "cannot %s: TLS with %s failed: %s: is AWS_ENDPOINT_URL to say http:// there?", verb,
		host, call->http.reason);
}

static bool changes(const struct s3_request *q)
{
	return strcmp(q->method, "GET") != 0 && strcmp(q->method, "HEAD") != 0;
}

static status fail_final(
	struct s3_client *c, const struct s3_call *call, const struct refusal *r, int tries, struct err *err)
{
	const struct http_call *h = &call->http;
	const char *verb = call->request.verb;
	const char *host = c->settings.host;
	const char *advice =
		c->settings.endpoint_given ? "is the server up, and AWS_ENDPOINT_URL right?" : "is the network up?";
	status code;
	if (h->failure == HTTP_TLS)
		code = fail_tls(c, call, err);
	else if (h->failure == HTTP_NOMEM)
		code = fail(err, E_NOMEM, "cannot %s: out of memory", verb);
	else if (h->failure == HTTP_CANCELLED)
		code = fail(err, E_CANCELLED, "interrupted while waiting for %s", host);
	else if (h->failure == HTTP_TOO_LARGE)
		code = fail(err, E_CORRUPT, "cannot %s: %s sent more bytes than asked for", verb, host);
	else if (h->failure != HTTP_ANSWERED)
		code = fail(err, E_UNREACHABLE, "cannot %s: S3 at %s is out of reach: %s (%d tries): %s", verb, host,
			h->reason, tries, advice);
	else if (s3_judge(h->failure, h->status, call->code, call->request.takes) == S3_AGAIN)
		code = fail(err, E_UNREACHABLE, "cannot %s: S3 at %s keeps answering %d %s %s (%d tries): try later",
			verb, host, h->status, call->code, r->message, tries);
	else
		code = fail_refused(call, r, err);
	if ((code == E_UNREACHABLE || code == E_CANCELLED) && changes(&call->request) && h->failure != HTTP_CONNECT &&
		h->failure != HTTP_RESOLVE)
		err_set_class(err, ERR_UNKNOWN);
	char where[ERR_WHERE_MAX];
	(void)snprintf(where, sizeof where, "s3://%s%s%s", c->settings.bucket, call->request.key != NULL ? "/" : "",
		call->request.key != NULL ? call->request.key : "");
	return err_at(err, code, where, -1, -1);
}

/* ---- trying again ---- */

static bool budget_take(struct s3_client *c)
{
	int have = atomic_load(&c->budget);
	while (have >= BUDGET_COST)
		if (atomic_compare_exchange_weak(&c->budget, &have, have - BUDGET_COST)) return true;
	return false;
}

static void budget_give(struct s3_client *c)
{
	int have = atomic_load(&c->budget);
	while (have < BUDGET_MAX)
		if (atomic_compare_exchange_weak(&c->budget, &have, have + 1)) return;
}

/* Twice as long each time, by a random part of the upper half, so that those who failed together don't come back together. */
static int64_t backoff_us(const struct s3_call *call, int attempt)
{
	int64_t us = BACKOFF_BASE_US << (attempt - 1 < 6 ? attempt - 1 : 6);
	if (us > BACKOFF_MAX_US) us = BACKOFF_MAX_US;
	const int64_t seed[2] = {time_mono_us(), (int64_t)(uintptr_t)call};
	us = us / 2 + (int64_t)(hash_xxh3(seed, sizeof seed) % (uint64_t)(us / 2));
	int64_t after = call->http.retry_after_s;
	if (after > RETRY_AFTER_MAX_S) after = RETRY_AFTER_MAX_S;
	return after * US_PER_SECOND > us ? after * US_PER_SECOND : us;
}

static status back_off(int64_t us, struct err *err)
{
	const int64_t until = time_mono_us() + us;
	for (int64_t left = us; left > 0; left = until - time_mono_us()) {
		TRY(cancel_check(err));
		const int64_t slice = left < SLICE_US ? left : SLICE_US;
		(void)nanosleep(&(struct timespec){.tv_nsec = slice * 1000}, NULL);
	}
	return OK;
}

/* May the request have been carried out? A throttled one was not. */
static bool unseen(const struct s3_call *call)
{
	const struct http_call *h = &call->http;
	if (h->failure == HTTP_TIMEOUT || h->failure == HTTP_BROKEN) return true;
	return h->failure == HTTP_ANSWERED && (h->status < 300 || (h->status >= 500 && h->status != 503));
}

/* Wait a while before the next try, and look whether one is needed. */
static status before_again(struct s3_call *call, int attempt, struct err *err)
{
	const struct s3_request *q = &call->request;
	status code = back_off(backoff_us(call, attempt), err);
	if (code == OK && q->look != NULL && unseen(call)) code = q->look(q->look_arg, &call->found_done, err);
	if (code == E_CANCELLED && changes(q)) err_set_class(err, ERR_UNKNOWN);
	return code;
}

static bool adopt_region(struct s3_client *c, const char *region)
{
	(void)pthread_mutex_lock(&c->lock);
	const bool other = region[0] != '\0' && strcmp(region, c->settings.region) != 0;
	if (other) s3_settings_region(&c->settings, region);
	(void)pthread_mutex_unlock(&c->lock);
	return other;
}

status s3_call_finish(struct s3_client *c, struct s3_call *call, struct err *err)
{
	bool moved = false;
	for (int attempt = 1;; attempt++) {
		struct refusal r;
		ASSERT(call->started);
		http_wait(c->http, &call->http);
		call->started = false;
		read_error(call, &r);
		const struct http_call *h = &call->http;
		const enum s3_verdict v = s3_judge(h->failure, h->status, call->code, call->request.takes);
		if (v == S3_DONE) {
			budget_give(c);
			return OK;
		}
		if (v == S3_REGION && !moved) { /* once; another thread may have learnt it already */
			moved = true;
			(void)adopt_region(c, r.region);
			if (r.region[0] == '\0') return fail_final(c, call, &r, attempt, err);
		} else if (v != S3_AGAIN || attempt >= c->settings.tries_max || !budget_take(c)) {
			return fail_final(c, call, &r, attempt, err);
		} else {
			TRY(before_again(call, attempt, err));
			if (call->found_done) return OK;
		}
		TRY(s3_call_start(c, call, err));
	}
}

status s3_perform(struct s3_client *c, struct s3_call *call, const struct s3_request *request, struct err *err)
{
	s3_call_init(call, request);
	TRY(s3_call_start(c, call, err));
	return s3_call_finish(c, call, err);
}
