/* Which traceparents are one: https://www.w3.org/TR/trace-context/#traceparent-header */
#include "check.h"

#include "app/trace.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static void test_good(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool sampled;
	} cases[] = {{"00-" TRACE "-" SPAN "-01", true}, {"00-" TRACE "-" SPAN "-00", false},
		{"00-" TRACE "-" SPAN "-03", true}, {"cc-" TRACE "-" SPAN "-01-what comes later", true}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct trace_parent p;
		char hex[2 * TRACE_ID_BYTES + 1];
		assert_true(trace_parent_parse(str_of(cases[i].text), &p));
		assert_int_equal(p.sampled, cases[i].sampled);
		hex_encode(p.trace, TRACE_ID_BYTES, hex);
		assert_string_equal(hex, TRACE);
		hex_encode(p.span, SPAN_ID_BYTES, hex);
		assert_string_equal(hex, SPAN);
	}
}

static void test_bad(void **state)
{
	(void)state;
	static const char *const cases[] = {"", "00", "ff-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-01-more",
		"00-" TRACE "-" SPAN "-1", "00-" TRACE "-" SPAN "-0g", "00_" TRACE "-" SPAN "-01",
		"00-00000000000000000000000000000000-" SPAN "-01", "00-" TRACE "-0000000000000000-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", "cc-" TRACE "-" SPAN "-01x"};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct trace_parent p;
		if (trace_parent_parse(str_of(cases[i]), &p)) fail_msg("taken: %s", cases[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
