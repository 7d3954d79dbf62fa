/* Windows and watermarks: what is late, what is counted, and that borders of batches, restarts and other partitions change nothing. */
#include "../check.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "stream/windows.h"

#define AT(minute, second) ((((int64_t)(minute)) * 60 + (second)) * US_PER_SECOND)

enum { LOGIN_WEB, LOGIN_MOBILE, CLICK_WEB, CLICK_MOBILE, KINDS };

static const struct column_def source_columns[] = {{.name = "window_start", .type = COL_TIMESTAMP, .key = true},
	{.name = "source", .type = COL_STRING, .key = true}, {.name = "n", .type = COL_INT64},
	{.name = "updated_at", .type = COL_TIMESTAMP}};
static const struct table_schema logins_schema = {
	.name = "logins", .layer = "realtime", .columns = source_columns, .n_columns = 4};
/* Mobile comes first in the order of the texts, not in that of the kinds. */
static const struct window_key login_keys[KINDS] = {
	[LOGIN_WEB] = {.counts = true, .texts = {"web"}},
	[LOGIN_MOBILE] = {.counts = true, .texts = {"mobile"}},
};
static const struct window_table logins = {&logins_schema, login_keys};
static const struct column_def all_columns[] = {{.name = "window_start", .type = COL_TIMESTAMP, .key = true},
	{.name = "n", .type = COL_INT64}, {.name = "updated_at", .type = COL_TIMESTAMP}};
static const struct table_schema all_schema = {
	.name = "all_events", .layer = "realtime", .columns = all_columns, .n_columns = 3};
static const struct window_key all_keys[KINDS] = {
	{.counts = true}, {.counts = true}, {.counts = true}, {.counts = true}};
static const struct window_table all = {&all_schema, all_keys};

struct text {
	char s[4096];
	size_t n;
};

static status put_row(void *arg, const struct window_row *row, struct err *err)
{
	struct text *t = arg;
	(void)err;
	t->n += (size_t)snprintf(t->s + t->n, sizeof t->s - t->n, "%lld%s%s=%lld ", (long long)(row->start / WINDOW_US),
		row->keys != NULL && row->keys[0] != NULL ? "/" : "",
		row->keys != NULL && row->keys[0] != NULL ? row->keys[0] : "", (long long)row->count);
	return OK;
}

/* "minute[/key]=count ..." of a table, or of the late ones (t NULL). */
static const char *rows_of(const struct windows *const *parts, size_t n, const struct window_table *t, struct text *out)
{
	struct window_sums sums;
	struct err err;
	*out = (struct text){0};
	CHECK_OK(&err, windows_sums_make(parts, n, &sums, &err));
	CHECK_OK(&err, t != NULL ? windows_sums_rows(&sums, t, put_row, out, &err)
				 : windows_sums_late(&sums, put_row, out, &err));
	windows_sums_deinit(&sums);
	return out->s;
}

static void rows_are(const struct windows *w, const struct window_table *t, const char *want)
{
	struct text got;
	assert_string_equal(rows_of(&w, 1, t, &got), want);
}

static void add(struct windows *w, int64_t ts, uint32_t kind)
{
	assert_true(windows_add(w, ts, kind));
}

/* The border of lateness: a window is closed when its end is at or before the newest time delivered before, less two minutes. */
static void test_late(void **state)
{
	(void)state;
	struct windows w;
	windows_init(&w, KINDS, WATERMARK_NONE);
	assert_true(w.watermark == WATERMARK_NONE);
	add(&w, AT(10, 0), LOGIN_WEB);
	CHECK_I64(w.watermark, AT(8, 0));
	add(&w, AT(7, 59), LOGIN_WEB); /* its window ends at 8:00, which is the watermark: late */
	add(&w, AT(8, 0), LOGIN_WEB);  /* ends at 9:00 */
	add(&w, AT(11, 0) - 1, LOGIN_WEB);
	CHECK_I64(w.watermark, AT(9, 0) - 1);
	add(&w, AT(8, 30), LOGIN_WEB); /* ends a microsecond after the watermark */
	add(&w, AT(11, 0), LOGIN_WEB);
	add(&w, AT(8, 30), LOGIN_WEB); /* and now at it */
	CHECK_I64(w.watermark, AT(9, 0));
	rows_are(&w, &logins, "8/web=2 10/web=2 11/web=1 ");
	rows_are(&w, NULL, "7=1 8=1 ");
	windows_deinit(&w);
}

/* An event that leaps ahead is judged by what came before it, and closes windows only for those that follow. */
static void test_leap(void **state)
{
	(void)state;
	struct windows w;
	windows_init(&w, KINDS, WATERMARK_NONE);
	add(&w, AT(0, 0), CLICK_WEB);
	add(&w, AT(100, 0), CLICK_WEB);
	add(&w, AT(0, 1), CLICK_WEB);
	add(&w, AT(97, 59), CLICK_WEB);
	add(&w, AT(98, 0), CLICK_WEB);
	rows_are(&w, &all, "0=1 98=1 100=1 ");
	rows_are(&w, NULL, "0=1 97=1 ");
	rows_are(&w, &logins, "");
	windows_deinit(&w);
}

static void test_before_1970(void **state)
{
	(void)state;
	struct windows w;
	windows_init(&w, KINDS, WATERMARK_NONE);
	add(&w, -1, LOGIN_WEB);
	add(&w, -AT(1, 0), LOGIN_WEB);
	add(&w, -AT(1, 0) - 1, LOGIN_WEB);
	add(&w, 0, LOGIN_WEB);
	rows_are(&w, &logins, "-2/web=1 -1/web=2 0/web=1 ");
	windows_deinit(&w);
}

static void test_rows_in_order(void **state)
{
	(void)state;
	struct windows a, b;
	struct text got;
	windows_init(&a, KINDS, WATERMARK_NONE);
	windows_init(&b, KINDS, WATERMARK_NONE);
	add(&a, AT(5, 0), LOGIN_WEB);
	add(&a, AT(4, 0), LOGIN_WEB);
	add(&a, AT(4, 0), LOGIN_MOBILE);
	add(&a, AT(4, 0), CLICK_WEB);
	add(&b, AT(900, 0), LOGIN_MOBILE); /* the other partition is far ahead, and makes nothing of a late */
	add(&b, AT(5, 0), LOGIN_WEB);      /* but its own */
	add(&b, AT(898, 0), LOGIN_WEB);
	add(&a, AT(5, 59), LOGIN_WEB);
	const struct windows *parts[] = {&b, &a};
	assert_string_equal(rows_of(parts, 2, &logins, &got), "4/mobile=1 4/web=1 5/web=2 898/web=1 900/mobile=1 ");
	assert_string_equal(rows_of(parts, 2, &all, &got), "4=3 5=2 898=1 900=1 ");
	assert_string_equal(rows_of(parts, 2, NULL, &got), "5=1 ");
	assert_string_equal(rows_of(parts, 0, &logins, &got), "");
	windows_reset(&a, AT(6, 0));
	rows_are(&a, &logins, "");
	add(&a, AT(5, 0), LOGIN_WEB);
	rows_are(&a, NULL, "5=1 ");
	windows_deinit(&a);
	windows_deinit(&b);
}

/* ---- property: a plain count, however the events are cut ----------------------------------------------------------------- */

enum { CASES = 300 / CHECK_ONE_IN + 1, EVENTS = 2000, MINUTES = 400 };
struct event {
	int64_t ts;
	uint32_t kind;
};
struct plain {
	int64_t counts[MINUTES][KINDS + 1];
};

/* As the contract says it, word by word. */
static void count_plainly(const struct event *events, size_t n, struct plain *out)
{
	int64_t newest = 0;
	for (size_t i = 0; i < n; i++) {
		const int64_t minute = events[i].ts / WINDOW_US, end = (minute + 1) * WINDOW_US;
		const bool late = i > 0 && end <= newest - 2 * 60 * US_PER_SECOND;
		out->counts[minute][late ? KINDS : events[i].kind]++;
		if (i == 0 || events[i].ts > newest) newest = events[i].ts;
	}
}

static void take_counts(struct plain *sum, const struct windows *w)
{
	struct window_sums s;
	struct err err;
	CHECK_OK(&err, windows_sums_make(&w, 1, &s, &err));
	for (size_t m = 0; m < s.n_minutes; m++) {
		for (uint32_t k = 0; k <= KINDS; k++) sum->counts[s.minutes[m]][k] += s.cells[m * s.n_cells + k];
	}
	windows_sums_deinit(&s);
}

/* Mostly forward, now and then far back or far ahead. */
static void draw_events(uint64_t number, struct event *events)
{
	int64_t now = AT(200, 0);
	for (size_t i = 0; i < EVENTS; i++) {
		const struct rng4 r = rng_philox(13, number, 0, (uint32_t)i);
		now += rng_below(r.v[0], 2000000);
		int64_t ts = now - (int64_t)rng_below(r.v[1], 90) * US_PER_SECOND;
		if (rng_below(r.v[2], 50) == 0) ts -= AT(rng_below(r.v[1], 9), 0);
		if (rng_below(r.v[2], 400) == 1) now += AT(rng_below(r.v[1], 12), 0);
		events[i] = (struct event){ts, rng_below(r.v[3], KINDS)};
		if (ts >= AT(MINUTES, 0)) events[i].ts = AT(MINUTES, 0) - 1;
	}
}

static void test_any_split(void **state)
{
	(void)state;
	static struct event events[EVENTS];
	static struct plain want, got;
	int64_t late = 0;
	for (uint64_t number = 0; number < CASES; number++) {
		struct windows w;
		memset(&want, 0, sizeof want);
		memset(&got, 0, sizeof got);
		draw_events(number, events);
		count_plainly(events, EVENTS, &want);
		windows_init(&w, KINDS, WATERMARK_NONE);
		for (size_t i = 0; i < EVENTS; i++) {
			const struct rng4 r = rng_philox(14, number, 0, (uint32_t)i);
			add(&w, events[i].ts, events[i].kind);
			if (rng_below(r.v[0], 1 + (uint32_t)number) != 0) continue;
			/* A commit; now and then by one that is then started again with what was stored. */
			const int64_t stored = w.watermark;
			take_counts(&got, &w);
			if (rng_below(r.v[1], 2) == 0) {
				windows_deinit(&w);
				windows_init(&w, KINDS, stored);
			} else {
				windows_reset(&w, stored);
			}
		}
		take_counts(&got, &w);
		windows_deinit(&w);
		for (int m = 0; m < MINUTES; m++) {
			late += want.counts[m][KINDS];
			for (int k = 0; k <= KINDS; k++)
				if (got.counts[m][k] != want.counts[m][k])
					fail_msg("case %d, minute %d, kind %d: %lld, expected %lld", (int)number, m, k,
						(long long)got.counts[m][k], (long long)want.counts[m][k]);
		}
	}
	assert_true(late > CASES); /* the cases have late ones */
}

/* Without memory an event is refused and nothing is counted; afterwards it is as if it had not been tried. */
static void test_no_memory(void **state)
{
	(void)state;
	struct windows w;
	windows_init(&w, KINDS, WATERMARK_NONE);
	for (int i = 0; i < 1000; i++) {
		mem_fail_after(1);
		const bool first = windows_add(&w, AT(i, 0), LOGIN_WEB);
		mem_fail_after(-1);
		if (!first) assert_true(windows_add(&w, AT(i, 0), LOGIN_WEB));
	}
	int64_t n = 0;
	for (size_t i = 0; i < w.cells.n; i++) n += w.cells.items[i];
	CHECK_I64(n, 1000);
	CHECK_I64(w.minutes.n, 1000);
	windows_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_leap),
		cmocka_unit_test(test_before_1970),
		cmocka_unit_test(test_rows_in_order),
		cmocka_unit_test(test_any_split),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
