#include "check.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/rng.h"
#include "io/lines.h"

enum { LINE_MAX = 1 << 20 };

struct memory {
	const char *p;
	int64_t n;
	int64_t fail_at;
};
static status memory_read(void *ctx, int64_t offset, void *dst, size_t n, struct err *err)
{
	const struct memory *m = ctx;
	if (offset + (int64_t)n > m->n || (m->fail_at >= 0 && offset + (int64_t)n > m->fail_at))
		return fail(err, E_CORRUPT, "beyond the end");
	memcpy(dst, m->p + offset, n);
	return OK;
}

/* Everything the reader hands out, put together again, is the source (without its BOM); windows end at lines. */
static void check_source(struct lines *r, const char *text, size_t n)
{
	struct memory m = {text, (int64_t)n, -1};
	const struct line_source source = {memory_read, &m, (int64_t)n};
	struct line_window w;
	struct err err;
	const size_t bom = n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	size_t at = bom;
	bool in_piece = false;
	CHECK_OK(&err, lines_start(r, &source, true, &err));
	for (;;) {
		CHECK_OK(&err, lines_next(r, &w, &err));
		if (w.n == 0) break;
		CHECK_I64(w.offset, at);
		assert_memory_equal(w.p, text + at, w.n);
		at += w.n;
		if (!w.piece) assert_true(w.p[w.n - 1] == '\n' || at == n);
		if (in_piece) assert_true(w.piece);
		if (w.piece_end) assert_true(w.p[w.n - 1] == '\n' || at == n);
		if (w.piece && !w.piece_end) assert_null(memchr(w.p, '\n', w.n));
		in_piece = w.piece && !w.piece_end;
	}
	assert_false(in_piece);
	CHECK_I64(at, n);
	uint8_t got[16], want[16], got_sha[32], want_sha[32];
	lines_hash(r, got, got_sha);
	hash_xxh128(text, n, want);
	hash_sha256(text, n, want_sha);
	assert_memory_equal(got, want, 16);
	assert_memory_equal(got_sha, want_sha, 32);
}

static void test_shapes(void **state)
{
	(void)state;
	static const char *const shapes[] = {
		"", "\n", "a", "a\n", "a\r\n\r\nb", "\xef\xbb\xbf", "\xef\xbb\xbf@\n", "\xef\xbb\n", "\n\n\n"};
	struct lines r;
	struct err err;
	CHECK_OK(&err, lines_init(&r, LINE_MAX, &err));
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) check_source(&r, shapes[i], strlen(shapes[i]));
	lines_deinit(&r);
}

/* Lines of every length around the buffer's borders: a split of the source into chunks shows nowhere. */
static void test_lengths_around_the_borders(void **state)
{
	(void)state;
	static const int64_t lengths[] = {1, 255, 256 * 1024 - 2, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1,
		LINE_MAX - 1, LINE_MAX, LINE_MAX + 1, LINE_MAX + 2, LINE_MAX + 3, LINE_MAX + 256 * 1024, 3 * LINE_MAX};
	enum { N = sizeof lengths / sizeof lengths[0] };
	struct lines r;
	struct err err;
	struct buf b;
	CHECK_OK(&err, lines_init(&r, LINE_MAX, &err));
	buf_init(&b, 0);
	for (int i = 0; i < N; i++) {
		for (int j = 0; j < N; j++) {
			for (int ended = 0; ended < 2; ended++) {
				buf_reset(&b);
				for (int k = 0; k < 2; k++) {
					const size_t n = (size_t)lengths[k == 0 ? i : j];
					memset(buf_reserve(&b, n), 'a' + k, n);
					buf_commit(&b, n);
					if (k == 0 || ended == 1) buf_char(&b, '\n');
				}
				check_source(&r, (const char *)b.p, b.n);
			}
		}
	}
	buf_deinit(&b);
	lines_deinit(&r);
}

static void test_random_lines_and_utf8(void **state)
{
	(void)state;
	struct lines r;
	struct err err;
	struct buf b;
	CHECK_OK(&err, lines_init(&r, LINE_MAX, &err));
	buf_init(&b, 0);
	for (uint32_t i = 0; b.n < 3000000; i++) {
		const uint32_t n = rng_below(rng_philox(1, i, 0, 0).v[0], 700);
		for (uint32_t k = 0; k < n; k++) buf_str(&b, k % 7 == 0 ? "\xc3\xb3" : "x");
		buf_char(&b, '\n');
	}
	check_source(&r, (const char *)b.p, b.n);
	struct memory m = {(const char *)b.p, (int64_t)b.n, -1};
	const struct line_source source = {memory_read, &m, m.n};
	struct line_window w;
	b.p[b.n / 2] = 0xff;
	int good = 0, bad = 0;
	CHECK_OK(&err, lines_start(&r, &source, false, &err));
	for (;;) {
		CHECK_OK(&err, lines_next(&r, &w, &err));
		if (w.n == 0) break;
		good += w.utf8_ok;
		bad += !w.utf8_ok;
	}
	CHECK_I64(bad, 1);
	assert_in_range(good, 5, 100);
	m.fail_at = 600000;
	CHECK_OK(&err, lines_start(&r, &source, false, &err));
	status code = OK;
	while (code == OK) code = lines_next(&r, &w, &err);
	CHECK_FAILS(E_CORRUPT, code);
	buf_deinit(&b);
	lines_deinit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_lengths_around_the_borders),
		cmocka_unit_test(test_random_lines_and_utf8),
	};
	return cmocka_run_group_tests_name("io/lines", tests, NULL, NULL);
}
