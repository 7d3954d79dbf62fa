/* tests/unit/stream/realtime_cases.h: counts into SQL, the same cases for either database. Includers make and erase one (struct base),
 * and tell the first value of a query behind the program's back. */
#ifndef PQR_TESTS_STREAM_REALTIME_CASES_H
#define PQR_TESTS_STREAM_REALTIME_CASES_H

#include <pthread.h>

#include "stream/realtime.h"

#define AT(minute, second) ((((int64_t)(minute)) * 60 + (second)) * US_PER_SECOND)
enum { LOGIN_WEB, LOGIN_MOBILE, OTHER, KINDS };
#define NOW INT64_C(1767225600000000)

static const struct column_def login_columns[] = {{.name = "window_start", .type = COL_TIMESTAMP, .key = true},
	{.name = "source", .type = COL_STRING, .key = true}, {.name = "login_count", .type = COL_INT64},
	{.name = "updated_at", .type = COL_TIMESTAMP}};
static const struct table_schema login_schema = {.name = "logins",
	.layer = "realtime",
	.contract = "t/v1",
	.description = "logins a minute",
	.columns = login_columns,
	.n_columns = 4};
static const struct window_key login_keys[KINDS] = {
	[LOGIN_WEB] = {.counts = true, .texts = {"web"}}, [LOGIN_MOBILE] = {.counts = true, .texts = {"it's mobile"}}};
static const struct window_table window_tables[] = {{&login_schema, login_keys}};
static const struct window_set window_set = {KINDS, window_tables, 1};

struct base {
	char dir[64], uri[400], name[128]; /* name: the file, or the database */
	struct err err;
};
static void base_make(struct base *b);
static void base_erase(struct base *b);
static void base_value_is(const struct base *b, const char *sql, const char *want);

struct member {
	struct sql_conn *c;
	struct realtime r;
};
static void member_init(struct member *m, const char *topic)
{
	m->r = (struct realtime){.c = m->c, .sink = "shop", .topic = topic, .source = topic, .set = &window_set};
}
static void member_open(struct base *b, struct member *m, const char *topic)
{
	CHECK_OK(&b->err, sql_open(b->uri, &m->c, &b->err));
	member_init(m, topic);
	CHECK_OK(&b->err, realtime_init(&m->r, &b->err));
}
static void member_close(struct member *m)
{
	realtime_deinit(&m->r);
	sql_close(m->c);
}

static void stands(struct base *b, struct member *m, int32_t partition, int64_t next, int64_t watermark)
{
	struct realtime_position at;
	CHECK_OK(&b->err, realtime_find(&m->r, partition, &at, &b->err));
	CHECK_I64(at.next, next);
	CHECK_I64(at.watermark, watermark);
}

static void mark_is(struct base *b, struct member *m, int32_t partition, int64_t mark)
{
	struct realtime_position at;
	CHECK_OK(&b->err, realtime_find(&m->r, partition, &at, &b->err));
	CHECK_I64(at.mark, mark);
}

static void add(struct windows *w, int64_t ts, uint32_t kind, int times)
{
	for (int i = 0; i < times; i++) assert_true(windows_add(w, ts, kind));
}

#define LOGINS "SELECT coalesce(sum(login_count), 0) FROM realtime.logins"
#define ROWS "SELECT count(*) FROM realtime.logins"
#define LATE "SELECT coalesce(sum(event_count), 0) FROM realtime.late_events"

static void test_counts_add_up(void **state)
{
	(void)state;
	struct base b;
	struct member m;
	struct windows w[2];
	base_make(&b);
	member_open(&b, &m, "t");
	stands(&b, &m, 0, -1, WATERMARK_NONE);
	for (int i = 0; i < 2; i++) windows_init(&w[i], KINDS, WATERMARK_NONE);
	add(&w[0], AT(10, 5), LOGIN_WEB, 3);
	add(&w[0], AT(10, 5), OTHER, 7);
	add(&w[0], AT(6, 0), LOGIN_WEB, 4); /* late */
	add(&w[1], AT(10, 59), LOGIN_WEB, 2);
	add(&w[1], AT(11, 0), LOGIN_MOBILE, 1);
	const struct realtime_move both[] = {{0, -1, 14, &w[0], 77}, {1, -1, 3, &w[1], -1}};
	CHECK_OK(&b.err, realtime_commit(&m.r, both, 2, NOW, &b.err));
	base_value_is(&b, "SELECT login_count FROM realtime.logins WHERE source = 'web'", "5");
	base_value_is(&b, "SELECT login_count FROM realtime.logins WHERE source = 'it''s mobile'", "1");
	base_value_is(&b, ROWS, "2");
	base_value_is(&b, LATE, "4");
	stands(&b, &m, 0, 14, AT(8, 5));
	stands(&b, &m, 1, 3, AT(9, 0));
	mark_is(&b, &m, 0, 77);
	mark_is(&b, &m, 1, -1);
	/* The next batch of one of them adds to what stands. */
	windows_reset(&w[0], AT(8, 5));
	add(&w[0], AT(10, 0), LOGIN_WEB, 1);
	const struct realtime_move next = {0, 14, 20, &w[0], -1};
	CHECK_OK(&b.err, realtime_commit(&m.r, &next, 1, NOW + AT(0, 1), &b.err));
	base_value_is(&b, "SELECT login_count FROM realtime.logins WHERE source = 'web'", "6");
	base_value_is(&b,
		"SELECT count(*) FROM realtime.logins WHERE updated_at > (SELECT min(updated_at) FROM realtime.logins)",
		"1");
	stands(&b, &m, 0, 20, AT(8, 5));
	mark_is(&b, &m, 0, 77); /* the batch ended with records that have none */
	CHECK_OK(&b.err, realtime_forget(&m.r, 0, &b.err));
	stands(&b, &m, 0, -1, WATERMARK_NONE);
	stands(&b, &m, 1, 3, AT(9, 0));
	for (int i = 0; i < 2; i++) windows_deinit(&w[i]);
	member_close(&m);
	base_erase(&b);
}

/* A batch that does not begin where its partition stands writes nothing at all, also not of the partitions beside it. */
static void test_stale(void **state)
{
	(void)state;
	struct base b;
	struct member first, zombie;
	struct windows w;
	base_make(&b);
	member_open(&b, &first, "t");
	member_open(&b, &zombie, "t");
	windows_init(&w, KINDS, WATERMARK_NONE);
	add(&w, AT(10, 0), LOGIN_WEB, 1);
	const struct realtime_move a = {0, -1, 1, &w, -1}, z[] = {{0, -1, 1, &w, -1}, {1, -1, 5, &w, -1}};
	CHECK_OK(&b.err, realtime_commit(&first.r, &a, 1, NOW, &b.err));
	CHECK_FAILS(E_CONFLICT, realtime_commit(&zombie.r, z, 2, NOW, &b.err));
	const struct realtime_move order[] = {{1, -1, 5, &w, -1}, {2, 0, 5, &w, -1}}; /* the second stands nowhere */
	CHECK_FAILS(E_CONFLICT, realtime_commit(&zombie.r, order, 2, NOW, &b.err));
	const struct realtime_move behind = {0, 0, 2, &w, -1}, ahead = {0, 2, 3, &w, -1}, next = {0, 1, 2, &w, -1};
	CHECK_FAILS(E_CONFLICT, realtime_commit(&zombie.r, &behind, 1, NOW, &b.err));
	CHECK_FAILS(E_CONFLICT, realtime_commit(&zombie.r, &ahead, 1, NOW, &b.err));
	base_value_is(&b, LOGINS, "1");
	base_value_is(&b, "SELECT count(*) FROM realtime.offsets", "1");
	CHECK_OK(&b.err, realtime_commit(&zombie.r, &next, 1, NOW, &b.err));
	CHECK_FAILS(
		E_CONFLICT, realtime_commit(&first.r, &next, 1, NOW, &b.err)); /* the same once more: a lost answer */
	base_value_is(&b, LOGINS, "2");
	stands(&b, &first, 0, 2, AT(8, 0));
	windows_deinit(&w);
	member_close(&zombie);
	member_close(&first);
	base_erase(&b);
}

/* More rows than one statement takes, twice; and two topics of one sink keep positions of their own. */
static void test_many_rows(void **state)
{
	(void)state;
	struct base b;
	struct member t, u;
	struct windows w;
	enum { MINUTES = 1203 };
	base_make(&b);
	member_open(&b, &t, "t");
	member_open(&b, &u, "u#12");
	windows_init(&w, KINDS, WATERMARK_NONE);
	for (int i = 0; i < MINUTES; i++) {
		add(&w, AT(i, 0), LOGIN_WEB, 1);
		add(&w, AT(i, 1), LOGIN_MOBILE, 2);
	}
	for (int i = 0; i < MINUTES - 3; i++) add(&w, AT(i, 0), OTHER, 1); /* late */
	const struct realtime_move m = {0, -1, 1, &w, -1};
	CHECK_OK(&b.err, realtime_commit(&t.r, &m, 1, NOW, &b.err));
	CHECK_OK(&b.err, realtime_commit(&u.r, &m, 1, NOW, &b.err));
	int64_t incarnation = -1;
	CHECK_OK(&b.err, realtime_incarnation(&u.r, "u", &incarnation, &b.err));
	CHECK_I64(incarnation, 12);
	CHECK_OK(&b.err, realtime_incarnation(&u.r, "t", &incarnation, &b.err));
	CHECK_I64(incarnation, 0);
	base_value_is(&b, ROWS, "2406");
	base_value_is(&b, LOGINS, "7218");
	base_value_is(&b, LATE, "2400");
	base_value_is(&b, "SELECT count(*) FROM realtime.late_events", "2400");
	windows_deinit(&w);
	member_close(&u);
	member_close(&t);
	base_erase(&b);
}

/* Two partitions whose next batches are committed from where they stand, as often as there is something left. Of each, 40 events a minute
 * apart; the seventh, 14th ... tell of minute 0, and are late: 6, 13, 20, 27, 34. */
static status go_on(struct member *m, struct err *err)
{
	enum { END = 40, STEP = 20 };
	for (;;) {
		struct realtime_move moves[2];
		struct windows w[2];
		size_t n = 0;
		for (int32_t p = 0; p < 2; p++) {
			struct realtime_position at;
			TRY(realtime_find(&m->r, p, &at, err));
			const int64_t from = at.next < 0 ? 0 : at.next;
			if (from == END) continue;
			windows_init(&w[n], KINDS, at.watermark);
			for (int64_t i = from; i < from + STEP; i++)
				add(&w[n], AT(i % 7 == 6 ? 0 : i, 0), LOGIN_WEB, 1);
			moves[n] = (struct realtime_move){p, at.next, from + STEP, &w[n], -1};
			n++;
		}
		if (n == 0) return OK;
		const status code = realtime_commit(&m->r, moves, n, NOW, err);
		for (size_t i = 0; i < n; i++) windows_deinit(&w[i]);
		if (code != E_CONFLICT) TRY(code); /* what was committed is not known before: it is looked up */
	}
}

static void counts_are_whole(const struct base *b)
{
	base_value_is(b, "SELECT min(next_position) || ' ' || max(next_position) FROM realtime.offsets", "40 40");
	base_value_is(b, LOGINS, "70");
	base_value_is(b, LATE, "10");
	base_value_is(b, "SELECT login_count FROM realtime.logins ORDER BY window_start LIMIT 1", "2");
}

/* Members of one group at the same rows at once: each waits for the other, none fails, all counts stand. */
enum { MEMBERS = 4, ROUNDS = 20, MEMBER_MINUTES = 30 };
struct busy {
	pthread_t thread;
	struct base *b;
	int32_t partition;
	struct err err;
	status code;
};
static status count_rounds(struct busy *t, struct member *m)
{
	struct windows w;
	status code = OK;
	windows_init(&w, KINDS, WATERMARK_NONE);
	for (int round = 0; round < ROUNDS && code == OK; round++) {
		windows_reset(&w, WATERMARK_NONE);
		for (int i = 0; i < MEMBER_MINUTES; i++) { /* some from the last minute, some from the first */
			w.watermark = WATERMARK_NONE;
			add(&w, AT(t->partition % 2 == 0 ? i : MEMBER_MINUTES - 1 - i, 0), LOGIN_WEB, 1);
		}
		const struct realtime_move move = {t->partition, round == 0 ? -1 : round, round + 1, &w, -1};
		code = realtime_commit(&m->r, &move, 1, NOW, &t->err);
	}
	windows_deinit(&w);
	return code;
}
static void *busy_main(void *arg)
{
	struct busy *t = arg;
	struct member m = {0};
	t->code = sql_open(t->b->uri, &m.c, &t->err);
	member_init(&m, "t");
	if (t->code == OK) t->code = realtime_init(&m.r, &t->err);
	if (t->code == OK) m.c->ops->set_patience(m.c, 60000);
	if (t->code == OK) t->code = count_rounds(t, &m);
	member_close(&m);
	return NULL;
}
static void test_members_at_once(void **state)
{
	(void)state;
	struct base b;
	struct busy busy[MEMBERS];
	base_make(&b);
	for (int32_t i = 0; i < MEMBERS; i++) {
		busy[i] = (struct busy){.b = &b, .partition = i};
		assert_int_equal(pthread_create(&busy[i].thread, NULL, busy_main, &busy[i]), 0);
	}
	for (int i = 0; i < MEMBERS; i++) assert_int_equal(pthread_join(busy[i].thread, NULL), 0);
	for (int i = 0; i < MEMBERS; i++) CHECK_OK(&busy[i].err, busy[i].code);
	base_value_is(&b, ROWS, "30");
	base_value_is(&b, LOGINS, "2400");
	base_value_is(&b, "SELECT count(DISTINCT login_count) FROM realtime.logins", "1");
	base_erase(&b);
}

static const struct CMUnitTest realtime_tests[] = {
	cmocka_unit_test(test_counts_add_up),
	cmocka_unit_test(test_stale),
	cmocka_unit_test(test_many_rows),
	cmocka_unit_test(test_members_at_once),
};

#endif
