/* What a call tells of an answer, and of having none. */
#include "base/alloc.h"
#include "http_peer.h"
#include "io/http.h"

static const struct http_opts opts = {.connect_timeout_ms = 5000, .stall_timeout_s = 30, .calls_max = 4};

struct lab {
	struct peer peer;
	struct http_pool *pool;
	struct buf text;
	char url[128];
};

static void lab_start(struct lab *l, const char *const *answers, size_t text_max)
{
	struct err err;
	peer_start(&l->peer, answers);
	CHECK_OK(&err, http_pool_create(&opts, &l->pool, &err));
	buf_init(&l->text, text_max);
	(void)snprintf(l->url, sizeof l->url, "http://127.0.0.1:%d/a%%20b/../c?d=e", l->peer.port);
}

static void lab_stop(struct lab *l)
{
	http_pool_destroy(l->pool);
	peer_stop(&l->peer);
	buf_deinit(&l->text);
}

static struct http_call call_of(struct lab *l, const char *method)
{
	return (struct http_call){.method = method, .url = l->url, .text = &l->text, .timeout_ms = 20000};
}

static void perform(struct lab *l, struct http_call *c)
{
	http_start(l->pool, c);
	http_wait(l->pool, c);
	assert_true(http_done(l->pool, c));
}

/* ---- requests ---- */

static void test_request(void **state)
{
	(void)state;
	static const char *const answers[PEER_ANSWERS_MAX] = {FINE};
	static const char *const lines[] = {"x-one: 1", "x-two: 2"};
	static const struct {
		const char *method, *length; /* of the body as sent; NULL: no body */
	} cases[] = {
		{"GET", NULL}, {"PUT", "Content-Length: 4\r\n"}, {"POST", "Content-Length: 4\r\n"}, {"DELETE", NULL}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct lab l;
		char line[64];
		lab_start(&l, answers, 0);
		struct http_call c = call_of(&l, cases[i].method);
		c.headers = lines;
		c.n_headers = 2;
		c.body = "body";
		c.body_n = 4;
		perform(&l, &c);
		CHECK_I64(c.failure, HTTP_ANSWERED);
		(void)snprintf(line, sizeof line, "%s /a%%20b/../c?d=e HTTP/1.1\r\n", cases[i].method);
		const char *head = l.peer.heads[0];
		if (strncmp(head, line, strlen(line)) != 0) fail_msg("%s: %s", cases[i].method, head);
		assert_non_null(strstr(head, "\r\nx-one: 1\r\n"));
		assert_non_null(strstr(head, "\r\nx-two: 2\r\n"));
		const char *length = strstr(head, "Content-Length");
		if (cases[i].length == NULL) assert_null(length);
		if (cases[i].length != NULL) assert_memory_equal(length, cases[i].length, strlen(cases[i].length));
		lab_stop(&l);
	}
}

/* ---- answers ---- */

static void test_headers(void **state)
{
	(void)state;
	static const char *const answers[PEER_ANSWERS_MAX] = {
		"HTTP/1.1 100 Continue\r\nETag: \"not this\"\r\n\r\n"
		"HTTP/1.1 206 Partial Content\r\n" CLOSE_HEAD "etag:   \"0a1b\"  \r\nCONTENT-LENGTH: 5\r\n"
		"Content-Range: bytes 0-4/1234\r\nRetry-After: 7\r\nDate: Thu, 01 Jan 1970 00:01:40 GMT\r\n"
		"Last-Modified: Thu, 01 Jan 1970 00:00:50 GMT\r\nx-amz-bucket-region: eu-west-1\r\n\r\nhello",
		ANSWER("200 OK", "0", ""),
		"HTTP/1.1 416 Range\r\n" CLOSE_HEAD
		"Content-Length: 0\r\nContent-Range: bytes */12\r\nRetry-After: soon\r\n"
		"Date: yesterday\r\n\r\n",
	};
	struct lab l;
	lab_start(&l, answers, 0);
	struct http_call c = call_of(&l, "GET");
	perform(&l, &c);
	CHECK_I64(c.failure, HTTP_ANSWERED);
	CHECK_I64(c.status, 206);
	assert_string_equal(c.etag, "\"0a1b\"");
	assert_string_equal(c.region, "eu-west-1");
	CHECK_I64(c.length, 5);
	CHECK_I64(c.range_total, 1234);
	CHECK_I64(c.retry_after_s, 7);
	CHECK_I64(c.date_us, 100000000);
	CHECK_I64(c.modified_us, 50000000);
	perform(&l, &c); /* nothing of the answer before stays */
	CHECK_I64(c.status, 200);
	assert_string_equal(c.etag, "");
	assert_string_equal(c.region, "");
	CHECK_I64(c.length, 0);
	CHECK_I64(c.range_total, -1);
	CHECK_I64(c.retry_after_s, -1);
	CHECK_I64(c.date_us, INT64_MIN);
	CHECK_I64(c.modified_us, INT64_MIN);
	perform(&l, &c);
	CHECK_I64(c.status, 416);
	CHECK_I64(c.range_total, 12);
	CHECK_I64(c.retry_after_s, -1);
	CHECK_I64(c.date_us, INT64_MIN);
	lab_stop(&l);
}

/* The body of 206 goes to dst, every other to text; neither ever beyond its end. */
static void test_bodies(void **state)
{
	(void)state;
	static const struct {
		const char *answers[PEER_ANSWERS_MAX];
		size_t dst_max, text_max; /* dst_max 0: none */
		enum http_failure failure;
		size_t dst_n;
		const char *text;
	} cases[] = {
		{{ANSWER("206 Partial", "5", "hello")}, 5, 8, HTTP_ANSWERED, 5, ""},
		{{ANSWER("206 Partial", "5", "hello")}, 8, 8, HTTP_ANSWERED, 5, ""},
		{{ANSWER("206 Partial", "5", "hello")}, 4, 8, HTTP_TOO_LARGE, 0, ""},
		{{ANSWER("206 Partial", "5", "hello")}, 0, 8, HTTP_ANSWERED, 0, "hello"},
		{{ANSWER("200 OK", "5", "hello")}, 5, 8, HTTP_ANSWERED, 0, "hello"},
		{{ANSWER("200 OK", "5", "hello")}, 0, 5, HTTP_ANSWERED, 0, "hello"},
		{{ANSWER("200 OK", "5", "hello")}, 0, 4, HTTP_TOO_LARGE, 0, ""},
		{{ANSWER("404 Not Found", "5", "hello")}, 0, 4, HTTP_ANSWERED, 0, "hell"},
		{{"HTTP/1.1 200 OK\r\n" CLOSE_HEAD
		  "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"},
			0, 8, HTTP_ANSWERED, 0, "hello"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct lab l;
		uint8_t dst[9];
		memset(dst, '.', sizeof dst);
		lab_start(&l, cases[i].answers, cases[i].text_max);
		struct http_call c = call_of(&l, "GET");
		c.dst = cases[i].dst_max > 0 ? dst : NULL;
		c.dst_max = cases[i].dst_max;
		perform(&l, &c);
		if (c.failure != cases[i].failure) fail_msg("case %zu: %d %s", i, (int)c.failure, c.reason);
		CHECK_I64(c.dst_n, cases[i].dst_n);
		assert_memory_equal(dst, "hello", c.dst_n);
		for (size_t k = c.dst_n; k < sizeof dst; k++) CHECK_I64(dst[k], '.');
		CHECK_I64(l.text.n, strlen(cases[i].text));
		assert_memory_equal(l.text.n > 0 ? l.text.p : dst, cases[i].text, l.text.n);
		lab_stop(&l);
	}
}

static void test_head_and_redirect(void **state)
{
	(void)state;
	static const char *const answers[PEER_ANSWERS_MAX] = {
		"HTTP/1.1 200 OK\r\n" CLOSE_HEAD "Content-Length: 1234\r\n\r\n",
		"HTTP/1.1 301 Moved\r\n" CLOSE_HEAD "Location: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
	};
	struct lab l;
	lab_start(&l, answers, 0);
	struct http_call c = call_of(&l, "HEAD");
	perform(&l, &c);
	CHECK_I64(c.failure, HTTP_ANSWERED);
	CHECK_I64(c.length, 1234);
	assert_memory_equal(l.peer.heads[0], "HEAD ", 5);
	c.method = "GET";
	perform(&l, &c);
	CHECK_I64(c.failure, HTTP_ANSWERED);
	CHECK_I64(c.status, 301);
	CHECK_I64(atomic_load(&l.peer.requests), 2);
	lab_stop(&l);
}

/* ---- none ---- */

static void test_no_answer(void **state)
{
	(void)state;
	static const struct {
		const char *answers[PEER_ANSWERS_MAX];
		enum http_failure failure;
	} cases[] = {
		{{PEER_CLOSES}, HTTP_BROKEN}, {{"nonsense\r\n\r\n"}, HTTP_BROKEN},
		{{ANSWER("200 OK", "5", "he")}, HTTP_BROKEN}, {{PEER_WAITS}, HTTP_TIMEOUT},
		{{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
			HTTP_ANSWERED}, /* the connection goes on being good */
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct lab l;
		lab_start(&l, cases[i].answers, 0);
		struct http_call c = call_of(&l, "GET");
		if (cases[i].failure == HTTP_TIMEOUT) c.timeout_ms = 1000; /* the request is sent long before */
		perform(&l, &c);
		if (c.failure != cases[i].failure) fail_msg("case %zu: %d %s", i, (int)c.failure, c.reason);
		if (c.failure != HTTP_ANSWERED) assert_string_not_equal(c.reason, "");
		CHECK_I64(atomic_load(&l.peer.requests), 1); /* nothing is tried again */
		lab_stop(&l);
	}
}

/* Taken back while it waits for an answer, and while it waits for its turn. */
static void test_cancel(void **state)
{
	(void)state;
	static const char *const answers[PEER_ANSWERS_MAX] = {PEER_WAITS};
	static const struct http_opts one = {.connect_timeout_ms = 5000, .stall_timeout_s = 30, .calls_max = 1};
	struct lab l;
	struct err err;
	lab_start(&l, answers, 0);
	http_pool_destroy(l.pool);
	CHECK_OK(&err, http_pool_create(&one, &l.pool, &err));
	struct http_call calls[8];
	for (size_t i = 0; i < 8; i++) {
		calls[i] = call_of(&l, "GET");
		calls[i].timeout_ms = 60000;
		http_start(l.pool, &calls[i]);
	}
	for (size_t i = 8; i-- > 0;) http_cancel(l.pool, &calls[i]);
	for (size_t i = 0; i < 8; i++) {
		http_wait(l.pool, &calls[i]);
		CHECK_I64(calls[i].failure, HTTP_CANCELLED);
		assert_string_not_equal(calls[i].reason, "");
		http_cancel(l.pool, &calls[i]); /* too late: as it was */
	}
	lab_stop(&l);
}

static void test_no_connection(void **state)
{
	(void)state;
	static const char *const answers[PEER_ANSWERS_MAX] = {FINE};
	struct lab l;
	struct err err;
	lab_start(&l, answers, 0);
	struct http_call c = call_of(&l, "GET");
	/* Certificates that can't be read are found out before anything is sent. */
	struct http_opts secure = opts;
	struct http_pool *pool;
	char url[64];
	secure.ca_file = "/no such folder/ca.pem";
	CHECK_OK(&err, http_pool_create(&secure, &pool, &err));
	(void)snprintf(url, sizeof url, "https://127.0.0.1:%d/", l.peer.port);
	c.url = url;
	http_start(pool, &c);
	http_wait(pool, &c);
	CHECK_I64(c.failure, HTTP_TLS);
	CHECK_I64(c.tls, HTTP_TLS_CA_FILE);
	http_pool_destroy(pool);
	/* No files, no mail: http and https alone. */
	c.url = "file:///etc/passwd";
	perform(&l, &c);
	CHECK_I64(c.failure, HTTP_BROKEN);
	CHECK_I64(l.text.n, 0);
	CHECK_I64(atomic_load(&l.peer.requests), 0);
	peer_stop(&l.peer); /* its port is free now */
	c.url = l.url;
	perform(&l, &c);
	CHECK_I64(c.failure, HTTP_CONNECT);
	http_pool_destroy(l.pool);
	buf_deinit(&l.text);
}

/* ---- many ---- */

/* More calls than are made at once: each is done once, with its own answer. */
static void test_many(void **state)
{
	(void)state;
	enum { CALLS = 40 };
	static const char *const answers[PEER_ANSWERS_MAX] = {ANSWER("206 Partial", "1", "x")};
	static struct http_call calls[CALLS];
	struct http_call *left[CALLS];
	static uint8_t dst[CALLS];
	struct lab l;
	lab_start(&l, answers, 0);
	for (int i = 0; i < CALLS; i++) {
		calls[i] = call_of(&l, "GET");
		calls[i].dst = &dst[i];
		calls[i].dst_max = 1;
		left[i] = &calls[i];
		http_start(l.pool, &calls[i]);
	}
	for (size_t n = CALLS; n > 0; n--) {
		const size_t at = http_wait_any(l.pool, left, n);
		assert_true(at < n && http_done(l.pool, left[at]));
		CHECK_I64(left[at]->failure, HTTP_ANSWERED);
		CHECK_I64(*left[at]->dst, 'x');
		left[at] = left[n - 1];
	}
	CHECK_I64(atomic_load(&l.peer.requests), CALLS);
	lab_stop(&l);
}

static void test_no_memory(void **state)
{
	(void)state;
	struct http_opts secure = opts;
	struct http_pool *pool = NULL;
	struct err err;
	secure.ca_file = "ca.pem";
	const size_t before = mem_in_use();
	status code = E_NOMEM;
	int64_t n = 0;
	for (; code != OK; n++) {
		mem_fail_after(n);
		code = http_pool_create(&secure, &pool, &err);
		mem_fail_after(-1);
		if (code == OK) break;
		CHECK_I64(code, E_NOMEM);
		CHECK_I64(mem_in_use(), before);
	}
	assert_true(n >= 3); /* the pool, the name of the file, a loop at least */
	http_pool_destroy(pool);
	CHECK_I64(mem_in_use(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_head_and_redirect),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_no_connection),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
