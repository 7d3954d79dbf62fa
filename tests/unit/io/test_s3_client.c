#include "base/time.h"
#include "http_peer.h"
#include "io/s3/s3_client.h"

static struct s3_settings settings_for(int port)
{
	struct s3_settings s = {.bucket = "bucket",
		.access_key = "AKIDTEST0001",
		.secret_key = "very-secret-indeed",
		.token = "secret-token",
		.region = "us-east-1",
		.path_style = true,
		.endpoint_given = true,
		.tries_max = 4};
	(void)snprintf(s.host, sizeof s.host, "127.0.0.1:%d", port);
	return s;
}

#define ERROR(code) "<Error><Code>" code "</Code><Message>why</Message></Error>"
#define REFUSED(status_line, code) "HTTP/1.1 " status_line "\r\n" CLOSE_HEAD "\r\n" ERROR(code)

struct client_case {
	const char *name;
	const char *answers[PEER_ANSWERS_MAX];
	status code;
	int requests;
	const char *says; /* part of the error */
};

static const struct client_case cases[] = {
	{"an answer", {FINE}, OK, 1, NULL},
	{"slow down, then an answer", {REFUSED("503 Slow Down", "SlowDown"), FINE}, OK, 2, NULL},
	{"500 and 502, then an answer", {REFUSED("500 Oops", "InternalError"), ANSWER("502 Bad", "0", ""), FINE}, OK, 3,
		NULL},
	{"closed without an answer", {PEER_CLOSES, FINE}, OK, 2, NULL},
	{"a truncated body", {ANSWER("200 OK", "5", "he"), FINE}, OK, 2, NULL},
	{"an error inside of 200", {"HTTP/1.1 200 OK\r\n" CLOSE_HEAD "\r\n" ERROR("InternalError"), FINE}, OK, 2, NULL},
	{"another creator at work", {REFUSED("409 Conflict", "ConditionalRequestConflict"), FINE}, OK, 2, NULL},
	{"no HTTP", {"nonsense\r\n\r\n", FINE}, OK, 2, NULL},
	{"slow down for ever", {REFUSED("503 Slow Down", "SlowDown")}, E_UNREACHABLE, 4, "SlowDown"},
	{"closed for ever", {PEER_CLOSES}, E_UNREACHABLE, 4, "out of reach"},
	{"a fatal error inside of 200", {"HTTP/1.1 200 OK\r\n" CLOSE_HEAD "\r\n" ERROR("AccessDenied")}, E_IO, 1,
		"AccessDenied"},
	{"unknown key", {REFUSED("403 Forbidden", "InvalidAccessKeyId")}, E_IO, 1, "AWS_ACCESS_KEY_ID"},
	{"wrong secret", {REFUSED("403 Forbidden", "SignatureDoesNotMatch")}, E_IO, 1, "AWS_SECRET_ACCESS_KEY"},
	{"expired token", {REFUSED("400 Bad Request", "ExpiredToken")}, E_IO, 1, "AWS_SESSION_TOKEN"},
	{"no right", {REFUSED("403 Forbidden", "AccessDenied")}, E_IO, 1, "access denied"},
	{"no bucket", {REFUSED("404 Not Found", "NoSuchBucket")}, E_IO, 1, "no such bucket"},
	{"no object", {REFUSED("404 Not Found", "NoSuchKey")}, E_NOT_FOUND, 1, "no such object"},
	{"clocks apart",
		{"HTTP/1.1 403 Forbidden\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\n" CLOSE_HEAD
		 "\r\n" ERROR("RequestTimeTooSkewed")},
		E_IO, 1, "set the clock"},
	{"not implemented", {REFUSED("501 Not Implemented", "NotImplemented")}, E_UNSUPPORTED, 1, "does not support"},
	{"another region, told",
		{"HTTP/1.1 301 Moved\r\nx-amz-bucket-region: eu-west-1\r\n" CLOSE_HEAD
		 "\r\n" ERROR("PermanentRedirect"),
			FINE},
		OK, 2, NULL},
	{"another region, for ever",
		{"HTTP/1.1 400 Bad\r\n" CLOSE_HEAD "\r\n<Error><Code>AuthorizationHeaderMalformed</Code>"
		 "<Region>eu-west-1</Region></Error>"},
		E_IO, 2, "AWS_REGION"},
	{"another region, not told", {REFUSED("301 Moved", "PermanentRedirect")}, E_IO, 1, "AWS_REGION"},
};

static const struct sigv4_header absent[] = {{"if-none-match", "*"}};

static void run_case(const struct client_case *k, const char *method)
{
	struct peer p;
	struct s3_client *c;
	struct s3_call call;
	struct err err;
	char text[1024];
	err_clear(&err);
	peer_start(&p, k->answers);
	const struct s3_settings s = settings_for(p.port);
	CHECK_OK(&err, s3_client_create(&s, &c, &err));
	const struct s3_request q = {.verb = "write",
		.method = method,
		.key = "a b=1/c+%\xc3\xb1",
		.extra = absent,
		.n_extra = 1,
		.body = "body",
		.body_n = strcmp(method, "PUT") == 0 ? 4 : 0};
	const status code = s3_perform(c, &call, &q, &err);
	err_text(&err, text, sizeof text);
	if (code != k->code) fail_msg("%s: %s %s, expected %s", k->name, status_name(code), text, status_name(k->code));
	if (atomic_load(&p.requests) != k->requests) fail_msg("%s: %d requests", k->name, atomic_load(&p.requests));
	if (k->says != NULL && strstr(text, k->says) == NULL) fail_msg("%s: %s", k->name, text);
	if (strstr(text, "secret-") != NULL || strstr(text, "\n") != NULL) fail_msg("%s: %s", k->name, text);
	if (code == OK && (call.text.n != 5 || memcmp(call.text.p, "hello", 5) != 0)) fail_msg("%s: body", k->name);
	if (strstr(p.heads[0], "/bucket/a%20b%3D1/c%2B%25%C3%B1 HTTP/1.1\r\n") == NULL)
		fail_msg("path: %s", p.heads[0]);
	if (code == E_UNREACHABLE && strcmp(method, "PUT") == 0) CHECK_I64(err.class, ERR_UNKNOWN);
	if (code == E_UNREACHABLE && strcmp(method, "GET") == 0) CHECK_I64(err.class, ERR_RETRY);
	if (strcmp(k->name, "no right") == 0) CHECK_I64(err.class, ERR_DENIED);
	if (strstr(k->name, "region, told") != NULL) assert_non_null(strstr(p.heads[1], "/eu-west-1/s3/aws4_request"));
	s3_call_deinit(&call);
	s3_client_destroy(c);
	peer_stop(&p);
}

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		run_case(&cases[i], "GET");
		run_case(&cases[i], "PUT");
	}
}

static void test_retry_after(void **state)
{
	(void)state;
	static const struct client_case k = {
		"retry after", {"HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\n" CLOSE_HEAD "\r\n", FINE}, OK, 2, NULL};
	const int64_t from = time_mono_us();
	run_case(&k, "GET");
	assert_true(time_mono_us() - from >= 1000000);
}

static void test_nobody_there(void **state)
{
	(void)state;
	struct peer p;
	struct s3_client *c;
	struct s3_call call;
	struct err err;
	err_clear(&err);
	static const char *const none[PEER_ANSWERS_MAX] = {FINE};
	peer_start(&p, none);
	peer_stop(&p); /* its port is free now */
	const struct s3_settings s = settings_for(p.port);
	CHECK_OK(&err, s3_client_create(&s, &c, &err));
	const struct s3_request q = {.verb = "write", .method = "PUT", .key = "k"};
	CHECK_FAILS(E_UNREACHABLE, s3_perform(c, &call, &q, &err));
	CHECK_I64(err.class, ERR_RETRY); /* nothing was sent */
	assert_non_null(strstr(err.message, s.host));
	assert_string_equal(err.where, "s3://bucket/k");
	s3_call_deinit(&call);
	s3_client_destroy(c);
}

static void test_taken_answers(void **state)
{
	(void)state;
	static const struct {
		const char *answers[PEER_ANSWERS_MAX];
		unsigned takes;
		int http_status;
	} taken[] = {{{REFUSED("404 Not Found", "NoSuchKey")}, S3_TAKES_404, 404},
		{{REFUSED("412 Failed", "PreconditionFailed")}, S3_TAKES_412, 412},
		{{REFUSED("416 Range", "InvalidRange")}, S3_TAKES_416, 416}};
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
		struct peer p;
		struct s3_client *c;
		struct s3_call call;
		struct err err;
		peer_start(&p, taken[i].answers);
		const struct s3_settings s = settings_for(p.port);
		CHECK_OK(&err, s3_client_create(&s, &c, &err));
		const struct s3_request q = {.verb = "read", .method = "GET", .key = "k", .takes = taken[i].takes};
		CHECK_OK(&err, s3_perform(c, &call, &q, &err));
		CHECK_I64(call.http.status, taken[i].http_status);
		s3_call_deinit(&call);
		s3_client_destroy(c);
		peer_stop(&p);
	}
}

struct looking {
	int asked;
	bool answer;
};

static status look(void *arg, bool *done, struct err *err)
{
	struct looking *l = arg;
	(void)err;
	l->asked++;
	*done = l->answer;
	return OK;
}

/* A put whose answer was lost is looked for before it is sent again; one that was throttled is not. */
static void test_lost_answer(void **state)
{
	(void)state;
	static const struct {
		const char *answers[PEER_ANSWERS_MAX];
		bool there;
		int asked, requests;
	} lost[] = {{{PEER_CLOSES, FINE}, true, 1, 1}, {{PEER_CLOSES, FINE}, false, 1, 2},
		{{REFUSED("500 Oops", "InternalError"), FINE}, true, 1, 1},
		{{REFUSED("503 Slow Down", "SlowDown"), FINE}, true, 0, 2}, {{FINE}, true, 0, 1}};
	for (size_t i = 0; i < sizeof lost / sizeof *lost; i++) {
		struct looking l = {.answer = lost[i].there};
		struct peer p;
		struct s3_client *c;
		struct s3_call call;
		struct err err;
		peer_start(&p, lost[i].answers);
		const struct s3_settings s = settings_for(p.port);
		CHECK_OK(&err, s3_client_create(&s, &c, &err));
		const struct s3_request q = {
			.verb = "write", .method = "PUT", .key = "k", .look = look, .look_arg = &l};
		CHECK_OK(&err, s3_perform(c, &call, &q, &err));
		CHECK_I64(l.asked, lost[i].asked);
		CHECK_I64(atomic_load(&p.requests), lost[i].requests);
		CHECK_I64(call.found_done, lost[i].asked == 1 && lost[i].there);
		s3_call_deinit(&call);
		s3_client_destroy(c);
		peer_stop(&p);
	}
}

/* More body than there is room for must not be written anywhere. */
static void test_too_much(void **state)
{
	(void)state;
	static const char *const answers[PEER_ANSWERS_MAX] = {ANSWER("206 Partial Content", "5", "hello")};
	struct peer p;
	struct s3_client *c;
	struct s3_call call;
	struct err err;
	uint8_t dst[8] = {0};
	peer_start(&p, answers);
	const struct s3_settings s = settings_for(p.port);
	CHECK_OK(&err, s3_client_create(&s, &c, &err));
	const struct s3_request q = {.verb = "read", .method = "GET", .key = "k", .dst = dst, .dst_max = 4};
	CHECK_FAILS(E_CORRUPT, s3_perform(c, &call, &q, &err));
	CHECK_I64(dst[4], 0);
	s3_call_deinit(&call);
	s3_client_destroy(c);
	peer_stop(&p);
}

static void test_judge(void **state)
{
	(void)state;
	CHECK_I64(s3_judge(HTTP_TLS, 0, "", 0), S3_FAILED);
	CHECK_I64(s3_judge(HTTP_CANCELLED, 0, "", 0), S3_FAILED);
	CHECK_I64(s3_judge(HTTP_TIMEOUT, 0, "", 0), S3_AGAIN);
	CHECK_I64(s3_judge(HTTP_RESOLVE, 0, "", 0), S3_AGAIN);
	CHECK_I64(s3_judge(HTTP_ANSWERED, 404, "NoSuchBucket", S3_TAKES_404), S3_FAILED);
	CHECK_I64(s3_judge(HTTP_ANSWERED, 404, "", S3_TAKES_404), S3_DONE);
	CHECK_I64(s3_judge(HTTP_ANSWERED, 404, "", S3_TAKES_412), S3_FAILED);
	CHECK_I64(s3_judge(HTTP_ANSWERED, 400, "RequestTimeout", 0), S3_AGAIN);
	CHECK_I64(s3_judge(HTTP_ANSWERED, 204, "", 0), S3_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_taken_answers),
		cmocka_unit_test(test_lost_answer),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_judge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
