#include "flow/rejects_read.h"

#include "flow/rejects.h"
#include "lake.h"

#define RUN_1 "00000000-0000-5000-8000-000000000001"
#define RUN_2 "00000000-0000-5000-8000-000000000002"
enum { LONG_BYTES = 20 << 20, RAW_BYTES_MAX = 4096 };

/* What was put, and how far it was read back. */
struct expected {
	struct reject why;
	const char *raw; /* what row.raw is; of one that is cut, what it is made of, again and again */
	bool base64, cut;
};
struct check {
	const struct expected *rows;
	size_t n, at;
};

static status check_row(void *arg, const struct reject_row *row, struct err *err)
{
	struct check *c = arg;
	(void)err;
	assert_true(c->at < c->n);
	const struct expected *e = &c->rows[c->at++];
	assert_true(str_is(row->object, e->why.object));
	assert_true(str_is(row->reason, e->why.reason));
	CHECK_I64(row->line, e->why.line);
	CHECK_I64(row->offset, e->why.offset);
	CHECK_I64(row->base64, e->base64);
	CHECK_I64(row->cut, e->cut);
	if (!e->cut) {
		if (!str_is(row->raw, e->raw)) fail_msg("raw: %.*s", (int)row->raw.n, row->raw.p);
		return OK;
	}
	const size_t unit = strlen(e->raw);
	assert_true(row->raw.n > RAW_BYTES_MAX - 8 && row->raw.n <= RAW_BYTES_MAX);
	CHECK_I64(row->raw.n % unit, 0);
	for (size_t i = 0; i < row->raw.n; i++) assert_int_equal(row->raw.p[i], e->raw[i % unit]);
	return OK;
}

struct bytes {
	const char *p;
};
static status bytes_read(void *ctx, int64_t offset, void *dst, size_t n, struct err *err)
{
	const struct bytes *b = ctx;
	(void)err;
	memcpy(dst, b->p + offset, n);
	return OK;
}

/* LONG_BYTES of `unit`, again and again. */
static char *long_text(const char *unit)
{
	const size_t n = strlen(unit);
	char *p = malloc(LONG_BYTES);
	assert_non_null(p);
	for (size_t i = 0; i < LONG_BYTES; i++) p[i] = unit[i % n];
	return p;
}

static void file_start(struct rejects *r, const char *run_id, struct err *err)
{
	static struct delta_pair pairs[2];
	static struct delta_pairs values = {pairs, 2};
	pairs[0] = (struct delta_pair){STR("day"), STR("2026-01-05")};
	pairs[1] = (struct delta_pair){STR("run_id"), str_of(run_id)};
	CHECK_OK(err, rejects_start(r, "rejects.pqrs", &values, err));
}

static void file_end(struct rejects *r, struct err *err)
{
	struct arena arena;
	struct task_result out;
	arena_init(&arena, 0);
	task_result_init(&out, NULL, &arena);
	CHECK_OK(err, rejects_close(r, &out, err));
	CHECK_I64(out.outputs.n, 1);
	arena_deinit(&arena);
}

static void test_round_trip(void **state)
{
	(void)state;
	struct lake l;
	struct rejects r;
	static const char object[] = "raw/pqrs/source=a\"b/events.jsonl";
	lake_open(&l);
	rejects_init(&r, l.store);
	static const struct expected rows[] = {
		{{object, 1, 0, "not_json"}, "say \\\"no\\\"", false, false},
		{{object, 2, 9, "invalid_utf8"}, "Y2Fm6Q==", true, false},
		{{object, 3, 14, "bad_type:ts"}, "", false, false},
	};
	static const char *const raw[] = {"say \"no\"", "caf\xe9", ""};
	file_start(&r, RUN_1, &l.err);
	for (size_t i = 0; i < 3; i++) CHECK_OK(&l.err, rejects_add(&r, &rows[i].why, str_of(raw[i]), &l.err));
	file_end(&r, &l.err);
	rejects_deinit(&r);

	struct check c = {rows, 3, 0};
	CHECK_OK(&l.err, rejects_read(l.store, RUN_1, check_row, &c, &l.err));
	CHECK_I64(c.at, 3);
	struct check other = {rows, 3, 0};
	CHECK_OK(&l.err, rejects_read(l.store, RUN_2, check_row, &other, &l.err));
	CHECK_I64(other.at, 0);
	lake_close(&l);
}

/* Lines that no buffer holds are cut between characters, escapes and groups of base64; what follows them is found again. */
static void test_long_lines(void **state)
{
	(void)state;
	static const struct {
		const char *unit;
		bool base64;
		const char *kept; /* the unit as the file holds it */
	} cases[] = {
		{"\xe2\x82\xac", false, "\xe2\x82\xac"},
		{"\xf0\x9f\x98\x80", false, "\xf0\x9f\x98\x80"},
		{"\\", false, "\\\\"},
		{"\x01", false, "\\u0001"},
		{"\xff\xff\xff", true, "////"},
		{"\"a", false, "\\\"a"},
		{"x", false, "x"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct lake l;
		struct rejects r;
		char *text = long_text(cases[i].unit);
		struct bytes bytes = {text};
		const size_t unit = strlen(cases[i].unit);
		const int64_t n = (int64_t)(LONG_BYTES / unit * unit);
		const struct line_source source = {bytes_read, &bytes, n};
		const struct expected rows[] = {
			{{"raw/a", 1, 0, "too_long"}, cases[i].kept, cases[i].base64, true},
			{{"raw/a", 2, n + 1, "not_json"}, "short", false, false},
		};
		lake_open(&l);
		rejects_init(&r, l.store);
		file_start(&r, RUN_1, &l.err);
		CHECK_OK(&l.err, rejects_add_range(&r, &rows[0].why, &source, n, &l.err));
		CHECK_OK(&l.err, rejects_add(&r, &rows[1].why, STR("short"), &l.err));
		file_end(&r, &l.err);
		rejects_deinit(&r);
		struct check c = {rows, 2, 0};
		CHECK_OK(&l.err, rejects_read(l.store, RUN_1, check_row, &c, &l.err));
		CHECK_I64(c.at, 2);
		free(text);
		lake_close(&l);
	}
}

static status no_row(void *arg, const struct reject_row *row, struct err *err)
{
	(void)row;
	(void)err;
	++*(int *)arg;
	return OK;
}

static void test_refused(void **state)
{
	(void)state;
	static const char key[] = "rejects/pqrs/day=2026-01-05/run_id=" RUN_1 "/rejects.jsonl";
#define GOOD "{\"line\":1,\"object\":\"raw/a\",\"offset\":0,\"raw\":\"x\",\"reason\":\"not_json\"}\n"
	static const char *const bad[] = {
		GOOD "x\n",
		GOOD "{}\n",
		GOOD "\n",
		GOOD "{\"line\":1,\"object\":\"raw/a\",\"offset\":0,\"raw\":\"x\"}\n",
		GOOD "{\"line\":1.5,\"object\":\"raw/a\",\"offset\":0,\"raw\":\"x\",\"reason\":\"not_json\"}\n",
		GOOD "{\"line\":1,\"line\":2,\"object\":\"raw/a\",\"raw\":\"x\",\"reason\":\"not_json\"}\n",
		GOOD "{\"line\":1,\"object\":\"raw/a\",\"offset\":0,\"raw\":\"\xff\",\"reason\":\"not_json\"}\n",
		GOOD "{\"line\":1,\"object\":\"raw/a\",\"offset\":0,\"other\":\"x\",\"reason\":\"not_json\"}\n",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct lake l;
		int rows = 0;
		lake_open(&l);
		CHECK_OK(&l.err, store_put(l.store, key, bad[i], strlen(bad[i]), &l.err));
		if (rejects_read(l.store, RUN_1, no_row, &rows, &l.err) != E_CORRUPT) fail_msg("taken: %s", bad[i]);
		CHECK_I64(rows, 1);
		assert_string_equal(l.err.where, key);
		CHECK_I64(l.err.offset, strlen(GOOD));
		lake_close(&l);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
