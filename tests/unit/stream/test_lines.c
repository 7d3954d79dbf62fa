/* Lines as records: numbers of lines whatever they hold, lines that are cut off or too long, any split of the stream. */
#include "stream/lines.h"

#include "check.h"

#include <unistd.h>

struct listener {
	int64_t start;
	int calls;
};

static status assigned(void *ctx, struct stream_start *starts, size_t n, struct err *err)
{
	struct listener *l = ctx;
	(void)err;
	CHECK_I64(n, 1);
	CHECK_I64(starts[0].partition, 0);
	starts[0].position = l->start;
	l->calls++;
	return OK;
}

/* Everything that comes of text written in pieces of `step` bytes, as "number:value;". */
static void read_all(const char *text, size_t n, size_t step, int64_t start, size_t line_max, char *out)
{
	struct listener l = {.start = start};
	struct stream_source *s = NULL;
	struct err err;
	int fds[2];
	bool ended = false;
	out[0] = '\0';
	assert_int_equal(pipe(fds), 0);
	CHECK_OK(&err, stream_lines_open(fds[0], line_max, &s, &err));
	s->listener = (struct stream_listener){.ctx = &l, .assigned = assigned};
	for (size_t at = 0; !ended;) {
		struct stream_fetch f;
		const size_t now = n - at < step ? n - at : step;
		if (now > 0) assert_int_equal(write(fds[1], text + at, now), now);
		at += now;
		if (at == n && fds[1] >= 0) {
			(void)close(fds[1]);
			fds[1] = -1;
		}
		CHECK_OK(&err, stream_source_poll(s, 1000, &f, &err));
		for (size_t i = 0; i < f.n; i++)
			(void)sprintf(out + strlen(out), "%lld:%.*s;", (long long)f.records[i].position,
				(int)f.records[i].value.n, f.records[i].value.p);
		ended = f.ended;
	}
	CHECK_I64(l.calls, 1);
	stream_source_close(s);
	(void)close(fds[0]);
}

static void test_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t start;
		size_t max;
		const char *want;
	} cases[] = {
		{"a\nb\nc\n", STREAM_BEGIN, 100, "0:a;1:b;2:c;"},
		{"a\n\n \t\r\nd", STREAM_BEGIN, 100, "0:a;3:d;"}, /* blank lines have numbers; the last needs no end */
		{"a\nb\nc\n", 2, 100, "2:c;"},
		{"a\nb\n", 7, 100, ""},
		{"aaaa\nbbbbbbbb\ncc\n", STREAM_BEGIN, 4, "0:aaaa;1:bbbbb;2:cc;"}, /* one byte more than allowed */
		{"a\nbbbbbbbbbbbbbbbbbbbbbbb", STREAM_BEGIN, 3, "0:a;1:bbbb;"},
		{"", STREAM_BEGIN, 100, ""},
	};
	char out[256];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (size_t step = 1; step < 12; step++) {
			read_all(cases[i].text, strlen(cases[i].text), step, cases[i].start, cases[i].max, out);
			if (strcmp(out, cases[i].want) != 0)
				fail_msg("case %zu, step %zu: %s, expected %s", i, step, out, cases[i].want);
		}
	}
}

static void test_never_back(void **state)
{
	(void)state;
	struct listener l = {.start = STREAM_BEGIN};
	struct stream_source *s = NULL;
	struct stream_fetch f;
	struct err err;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "a\nb\n\xff\n", 6), 6);
	CHECK_OK(&err, stream_lines_open(fds[0], 100, &s, &err));
	s->listener = (struct stream_listener){.ctx = &l, .assigned = assigned};
	CHECK_OK(&err, stream_source_poll(s, 1000, &f, &err));
	CHECK_I64(f.n, 3);
	assert_false(f.utf8_ok);
	assert_false(f.ended);
	CHECK_FAILS(E_UNSUPPORTED, stream_source_seek(s, &(struct stream_start){.position = 1}, 1, &err));
	CHECK_OK(&err, stream_source_seek(s, &(struct stream_start){.position = 4}, 1, &err));
	assert_int_equal(write(fds[1], "skipped\nd\n", 10), 10);
	CHECK_OK(&err, stream_source_poll(s, 1000, &f, &err));
	CHECK_I64(f.n, 1);
	CHECK_I64(f.records[0].position, 4);
	assert_true(f.utf8_ok);
	stream_source_close(s);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers), cmocka_unit_test(test_never_back)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
