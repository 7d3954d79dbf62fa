/* A raw line is an event, or none for the first reason in the contract's order. */
#include "workloads/clickstream/event.h"

#include "check.h"

#include "io/json/json_scan.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons), cmocka_unit_test(test_values), cmocka_unit_test(test_too_long)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
