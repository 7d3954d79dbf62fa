#include "../check.h"

#include "app/scheduler.h"

static void words_of_an_instant(void **state)
{
	(void)state;
	static const struct {
		const char *word, *want;
	} cases[] = {
		{"run", "run"},
		{"in/{date}.jsonl", "in/2026-02-28.jsonl"}, /* 03:30 UTC is the evening before in Bogota */
		{"{date-1}{date+1}{date+0}", "2026-02-272026-03-012026-02-28"},
		{"{date-28}", "2026-01-31"},
		{"{due}", "2026-03-01T03:30:00.000000Z"},
		{"a{due}b{date}c", "a2026-03-01T03:30:00.000000Zb2026-02-28c"},
		/* everything else stays as it is */
		{"{", "{"},
		{"}{date", "}{date"},
		{"{}", "{}"},
		{"{\"day\":\"{date}\"}", "{\"day\":\"2026-02-28\"}"},
		{"{date-}", "{date-}"},
		{"{date1}", "{date1}"},
		{"{date-1x}", "{date-1x}"},
		{"{date-12345678}", "{date-12345678}"},
		{"{Date}", "{Date}"},
		{"{dues}", "{dues}"},
	};
	struct err err = {0};
	struct tz *tz = NULL;
	int64_t due = 0;
	CHECK_OK(&err, tz_load("America/Bogota", &tz, &err));
	assert_true(time_parse(str_of("2026-03-01T03:30:00Z"), &due));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf out;
		buf_init(&out, 0);
		scheduler_expand(cases[i].word, due, tz, &out);
		buf_char(&out, '\0');
		assert_string_equal((const char *)out.p, cases[i].want);
		buf_deinit(&out);
	}
	tz_destroy(tz);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(words_of_an_instant)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
