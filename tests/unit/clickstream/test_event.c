/* A raw line is an event, or none for the first reason in the contract's order. */
#include "workloads/clickstream/event.h"

#include "check.h"

#include "base/rng.h"
#include "io/json/json_scan.h"
#include "workloads/clickstream/event_form.h"

#define ID "\"event_id\":\"8C2F7A0E-5f5e-4d3e-9a51-0b8a3a1c7f10\""
#define USER ",\"user_id\":7"
#define TYPE ",\"event_type\":\"purchase\""
#define PAGE ",\"page\":\"\\/a\""
#define TIME ",\"timestamp\":\"2025-09-01T00:00:00.1234569-05:00\""
#define SOURCE ",\"source\":\"web\""

/* Reads one line from a buffer with the padding that windows have. */
static const char *reason_of(struct clickstream_parser *p, const char *line, struct clickstream_event *ev)
{
	static char window[4096], text[CLICK_REASON_BYTES];
	const size_t n = strlen(line);
	assert_true(n + JSON_SCAN_PADDING < sizeof window);
	memset(window, 0, sizeof window);
	memcpy(window, line, n);
	struct line_cursor c = {window, window + n, false};
	struct err err = {0};
	const struct clickstream_reason r = clickstream_next(p, &c, ev);
	CHECK_OK(&err, clickstream_parser_check(p, &err));
	assert_ptr_equal(c.p, window + n);
	return clickstream_reason_text(r, text);
}

static void test_reasons(void **state)
{
	(void)state;
	static const struct {
		const char *line, *reason;
	} cases[] = {
		{"{" ID USER TYPE PAGE TIME SOURCE "}\n", "valid"},
		{"\xef\xbb\xbf {" ID USER TYPE PAGE TIME SOURCE "}\r\n", "valid"},
		{" \t\r\n", "blank"},
		{"\n", "blank"},
		{"{" ID USER TYPE PAGE TIME SOURCE, "not_json"},
		{"{" ID USER TYPE PAGE TIME SOURCE "} x", "not_json"},
		{"[1]", "not_object"},
		{"\"\xff\"", "invalid_utf8"},
		{"{}", "missing:event_id"},
		{"{" ID TYPE PAGE TIME SOURCE "}", "missing:user_id"},
		{"{\"event_id\":7" USER TYPE PAGE TIME SOURCE "}", "bad_type:event_id"},
		{"{\"event_id\":\"7\"" USER TYPE PAGE TIME SOURCE "}", "bad_uuid:event_id"},
		{"{" ID ",\"user_id\":1.5" TYPE PAGE TIME SOURCE "}", "bad_type:user_id"},
		{"{" ID ",\"user_id\":\"7\"" TYPE PAGE TIME SOURCE "}", "bad_type:user_id"},
		{"{" ID ",\"user_id\":0" TYPE PAGE TIME SOURCE "}", "bad_value:user_id"},
		{"{" ID ",\"user_id\":-3" TYPE PAGE TIME SOURCE "}", "bad_value:user_id"},
		{"{" ID USER ",\"event_type\":\"view\"" PAGE TIME SOURCE "}", "bad_enum:event_type"},
		{"{" ID USER TYPE ",\"page\":\"a\"" TIME SOURCE "}", "bad_value:page"},
		{"{" ID USER TYPE ",\"page\":\"\"" TIME SOURCE "}", "bad_value:page"},
		{"{" ID USER TYPE ",\"page\":\"/\\u0000\"" TIME SOURCE "}", "bad_value:page"},
		{"{" ID USER TYPE ",\"page\":null" TIME SOURCE "}", "missing:page"},
		{"{" ID USER TYPE PAGE ",\"timestamp\":\"1999-12-31T23:59:59Z\"" SOURCE "}", "bad_timestamp"},
		{"{" ID USER TYPE PAGE ",\"timestamp\":\"2025-09-01T00:00:00\"" SOURCE "}", "bad_timestamp"},
		{"{" ID USER TYPE PAGE ",\"timestamp\":1" SOURCE "}", "bad_type:timestamp"},
		{"{" ID USER TYPE PAGE TIME ",\"source\":\"tv\"}", "bad_enum:source"},
		/* the first member in the contract's order, whatever the line's */
		{"{" ID ",\"source\":\"tv\",\"page\":\"a\"" USER TYPE TIME "}", "bad_value:page"},
	};
	struct clickstream_parser p;
	clickstream_parser_init(&p, 1000);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct clickstream_event ev;
		const char *found = reason_of(&p, cases[i].line, &ev);
		if (strcmp(found, cases[i].reason) != 0)
			fail_msg("%s: %s, expected %s", cases[i].line, found, cases[i].reason);
	}
	clickstream_parser_deinit(&p);
}

static void test_values(void **state)
{
	(void)state;
	struct clickstream_parser p;
	struct clickstream_event ev;
	clickstream_parser_init(&p, 1000);
	assert_string_equal(
		reason_of(&p, "{\"b\":[1, 2],\"user_id\":1" TIME TYPE PAGE SOURCE "," ID USER ",\"a\":{}}", &ev),
		"valid");
	assert_memory_equal(ev.id, "8c2f7a0e-5f5e-4d3e-9a51-0b8a3a1c7f10", 36);
	CHECK_I64(ev.user, 7); /* the last of two */
	CHECK_I64(ev.type, CLICK_PURCHASE);
	CHECK_I64(ev.source, CLICK_WEB);
	CHECK_I64(ev.ts, INT64_C(1756702800123456));
	assert_true(str_is(ev.page, "/a"));
	assert_true(str_is(ev.extra, "{\"b\":[1, 2],\"a\":{}}"));
	/* a time is told even where the line is no event: it decides the day of its raw object */
	assert_string_equal(reason_of(&p, "{" ID TYPE PAGE TIME SOURCE "}", &ev), "missing:user_id");
	assert_true(ev.has_ts);
	CHECK_I64(ev.extra.n, 0);
	clickstream_parser_deinit(&p);
}

static void test_too_long(void **state)
{
	(void)state;
	struct clickstream_parser p;
	struct clickstream_event ev;
	static const char line[] = "{" ID USER TYPE PAGE TIME SOURCE "}";
	clickstream_parser_init(&p, sizeof line - 1);
	assert_string_equal(reason_of(&p, "{" ID USER TYPE PAGE TIME SOURCE "}\r\n", &ev), "valid");
	assert_string_equal(reason_of(&p, "{" ID USER TYPE PAGE TIME SOURCE " }\n", &ev), "too_long");
	assert_false(ev.has_ts);
	clickstream_parser_deinit(&p);
}

/* ---- the fast way -------------------------------------------------------------------------------------------------------- */

struct read {
	char padded[512];
	struct clickstream_event ev;
	struct clickstream_reason reason;
};
/* A space in front is no matter to JSON, and no form of the fast way. */
static void read_line(struct clickstream_parser *p, const char *line, size_t n, bool slowly, struct read *out)
{
	memset(out->padded, '"', sizeof out->padded); /* what stands behind the line is no part of it */
	assert_true(n + 1 + JSON_SCAN_PADDING < sizeof out->padded);
	out->padded[0] = ' ';
	memcpy(out->padded + slowly, line, n);
	out->reason = clickstream_parse(p, (struct str){out->padded, n + slowly}, false, &out->ev);
}

static void same_event(const struct read *fast, const struct read *slow, const char *line)
{
	const struct clickstream_event *a = &fast->ev, *b = &slow->ev;
	const bool same = fast->reason.verdict == slow->reason.verdict && fast->reason.member == slow->reason.member;
	if (!same)
		fail_msg("%s: %d:%d, expected %d:%d", line, fast->reason.verdict, fast->reason.member,
			slow->reason.verdict, slow->reason.member);
	if (fast->reason.verdict != CLICK_VALID) return;
	if (memcmp(a->id, b->id, sizeof a->id) != 0 || a->user != b->user || a->type != b->type ||
		a->source != b->source || !str_eq(a->page, b->page) || a->ts != b->ts || a->has_ts != b->has_ts ||
		!str_eq(a->extra, b->extra))
		fail_msg("another event: %s", line);
}

#define FORM(id, user, type, page, time, source)                                                     \
	"{\"event_id\":\"" id "\",\"user_id\":" user ",\"event_type\":\"" type "\",\"page\":\"" page \
	"\",\"timestamp\":\"" time "\",\"source\":\"" source "\"}"
#define SPACED                                                                                                   \
	"{\"event_id\": \"8C2F7A0E-5f5e-4d3e-9a51-0b8a3a1c7f10\", \"user_id\": 12, \"event_type\": \"logout\", " \
	"\"page\": "                                                                                             \
	"\"/\", \"timestamp\": \"2025-09-01T00:00:00-05:00\", \"source\": \"mobile\"}"

/* Lines in the producers' form, whole and with one to three bytes that are others, one too many, or gone. */
static void test_fast_is_slow(void **state)
{
	(void)state;
	static const char *const lines[] = {
		FORM("8c2f7a0e-5f5e-4d3e-9a51-0b8a3a1c7f10", "98", "click", "/products/10",
			"2025-09-01T11:59:54.977628Z", "web"),
		FORM("8C2F7A0E-5F5E-4D3E-9A51-0B8A3A1C7F10", "999999999999999999", "login", "/\xc3\xb1",
			"2025-09-01T11:59:54Z", "mobile"),
		FORM("00000000-0000-0000-0000-000000000000", "1", "purchase", "/", "1999-12-31T23:59:59Z", "web"),
		FORM("8c2f7a0e-5f5e-4d3e-9a51-0b8a3a1c7f1", "1", "purchase", "/", "2025-09-01T11:59:54Z", "web"),
		FORM("8c2f7a0e-5f5e-4d3e-9a51-0b8a3a1c7f10", "0", "logout", "/", "2025-09-01T11:59:54Z", "web"),
		FORM("8c2f7a0e-5f5e-4d3e-9a51-0b8a3a1c7f10", "9223372036854775807", "logout", "/a\\n",
			"2025-09-01T11:59:54Z", "web"),
		SPACED,
	};
	static const char others[] = "\",:{} \\/\n\r\t0129aAfFgGtzTZ-+._\xc3\xff\x01";
	enum { N_LINES = sizeof lines / sizeof *lines, CASES = 200000 / CHECK_ONE_IN };
	struct clickstream_parser p;
	static struct read fast, slow;
	int valid = 0, read_fast = 0;
	clickstream_parser_init(&p, 1000);
	for (uint32_t i = 0; i < CASES; i++) {
		const struct rng4 r = rng_philox(7, i, 0, 0);
		char line[400];
		size_t n = strlen(lines[r.v[0] % N_LINES]);
		memcpy(line, lines[r.v[0] % N_LINES], n);
		for (uint32_t k = 0; k < rng_below(r.v[1], 4) && i >= N_LINES; k++) {
			const struct rng4 d = rng_philox(7, i, 1, k);
			const size_t at = rng_below(d.v[0], (uint32_t)n);
			const char other = others[rng_below(d.v[1], sizeof others - 1)];
			const uint32_t how = rng_below(d.v[2], 4);
			if (how == 0) memmove(line + at, line + at + 1, --n - at);
			if (how == 1) memmove(line + at + 1, line + at, n++ - at);
			if (how >= 1) line[at] = other;
		}
		line[n] = '\0';
		read_line(&p, line, n, false, &fast);
		read_line(&p, line, n, true, &slow);
		same_event(&fast, &slow, line);
		valid += slow.reason.verdict == CLICK_VALID;
		read_fast += clickstream_form_read((struct str){fast.padded, n}, false, &fast.ev);
	}
	assert_true(read_fast > CASES / 10 && read_fast <= valid); /* the cases are of both kinds */
	clickstream_parser_deinit(&p);
}

/* Pages of each length, with each byte that is no plain text, or nearly none, at each of their places. */
static void test_fast_pages(void **state)
{
	(void)state;
	static const char others[] = "\"\\\x1f !#[]\x7f\x01\n\xc3\xff";
	static struct read fast, slow;
	struct clickstream_parser p;
	clickstream_parser_init(&p, 1000);
	for (int n = 1; n < 20; n++) {
		for (int at = 0; at < n; at++) {
			for (size_t k = 0; k < sizeof others; k++) {
				char page[32], line[400];
				memset(page, 'x', sizeof page);
				page[0] = '/';
				page[at] = others[k] != '\0' ? others[k] : 'x';
				const int length = snprintf(line, sizeof line,
					FORM("8c2f7a0e-5f5e-4d3e-9a51-0b8a3a1c7f10", "98", "click", "%.*s",
						"2025-09-01T11:59:54.977628Z", "web"),
					n, page);
				read_line(&p, line, (size_t)length, false, &fast);
				read_line(&p, line, (size_t)length, true, &slow);
				same_event(&fast, &slow, line);
			}
		}
	}
	clickstream_parser_deinit(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_reasons), cmocka_unit_test(test_values),
		cmocka_unit_test(test_too_long), cmocka_unit_test(test_fast_is_slow),
		cmocka_unit_test(test_fast_pages)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
