/* The sink of counts by minute: what is passed over, what a drop, a conflict and a restart leave. Events are "<second> <kind>". */
#include "../check.h"
#include "stream/aggregate.h"

enum { KINDS = 2 };
#define SECONDS(s) ((int64_t)(s)*US_PER_SECOND)

static const struct column_def columns[] = {{.name = "window_start", .type = COL_TIMESTAMP, .key = true},
	{.name = "n", .type = COL_INT64}, {.name = "updated_at", .type = COL_TIMESTAMP}};
static const struct table_schema schema = {
	.name = "all_events", .layer = "realtime", .description = "all", .columns = columns, .n_columns = 3};
static const struct window_key keys[KINDS] = {{.counts = true}, {.counts = false}};
static const struct window_table tables[] = {{&schema, keys}};
static const struct window_set set = {KINDS, tables, 1};

static unsigned kind_at_hand;
static status topic_open(const void *config, void **parser, struct err *err)
{
	(void)config, (void)err;
	*parser = &kind_at_hand;
	return OK;
}
static void topic_close(void *parser)
{
	assert_ptr_equal(parser, &kind_at_hand);
}
static const char *topic_parse(void *parser, const struct stream_record *r, bool utf8_ok, int64_t *event_us)
{
	int second;
	char text[32];
	(void)utf8_ok;
	(void)snprintf(text, sizeof text, "%.*s", (int)r->value.n, r->value.p);
	if (sscanf(text, "%d %u", &second, (unsigned *)parser) != 2) return "bad";
	*event_us = SECONDS(second);
	return NULL;
}
static status topic_check(const void *parser, struct err *err)
{
	(void)parser, (void)err;
	return OK;
}
static uint32_t topic_kind(const void *parser)
{
	return *(const unsigned *)parser;
}
static const struct stream_topic topic = {.name = "t",
	.open = topic_open,
	.close = topic_close,
	.parse = topic_parse,
	.check = topic_check,
	.windows = &set,
	.kind = topic_kind};

struct fixture {
	char dir[64], uri[128];
	struct err err;
	struct sql_conn *c, *look;
	struct stream_aggregate *a;
	struct stream_sink sink;
};
static void attach(struct fixture *f)
{
	CHECK_OK(&f->err, sql_open(f->uri, &f->c, &f->err));
	const struct stream_aggregate_opts o = {.topic = &topic,
		.conn = f->c,
		.sink = "shop",
		.topic_name = "t",
		.source = "source of t",
		.go_on_at_gap = true,
		.ahead_us = SECONDS(600)};
	CHECK_OK(&f->err, stream_aggregate_open(&o, &f->a, &f->err));
	f->sink = stream_aggregate_sink(f->a);
}
static void detach(struct fixture *f)
{
	stream_aggregate_close(f->a);
	sql_close(f->c);
}
static void start(struct fixture *f)
{
	(void)check_tmpdir(f->dir);
	(void)snprintf(f->uri, sizeof f->uri, "sqlite:%s/control.db", f->dir);
	attach(f);
	CHECK_OK(&f->err, sql_open(f->uri, &f->look, &f->err));
}
static void end(struct fixture *f)
{
	detach(f);
	sql_close(f->look);
	check_rmdir(f->dir);
}

static void value_is(struct fixture *f, const char *sql, int64_t want)
{
	const struct sql_stmt q = {sql, NULL, 0};
	int64_t got = -1;
	CHECK_OK(&f->err, sql_one_i64(f->look, &q, &got, &f->err));
	if (got != want) fail_msg("%s: %lld, expected %lld", sql, (long long)got, (long long)want);
}
#define COUNTED "SELECT coalesce(sum(n), 0) FROM realtime.all_events"
#define LATE "SELECT coalesce(sum(event_count), 0) FROM realtime.late_events WHERE sink = 'shop' AND topic = 't'"

static int64_t position(struct fixture *f, int32_t partition)
{
	struct stream_place at;
	CHECK_OK(&f->err, f->sink.positions(f->sink.ctx, &partition, 1, &at, &f->err));
	return at.next;
}
/* One record; NULL: without a value. */
static void take(struct fixture *f, int32_t partition, const char *value, int64_t timestamp_ms)
{
	struct stream_record r = {.partition = partition, .timestamp_ms = timestamp_ms, .is_null = value == NULL};
	if (value != NULL) r.value = str_of(value);
	CHECK_OK(&f->err, f->sink.take(f->sink.ctx, &r, 1, true, &f->err));
}
static status commit(struct fixture *f, int32_t partition, int64_t stored, int64_t next)
{
	const struct stream_span span = {partition, stored, next, -1, -1};
	return f->sink.commit(f->sink.ctx, &span, 1, &f->err);
}

static void test_passed_over(void **state)
{
	(void)state;
	struct fixture f;
	start(&f);
	CHECK_I64(position(&f, 0), -1);
	take(&f, 0, "1000 0", -1);
	take(&f, 0, "no event", -1);
	take(&f, 0, NULL, -1);
	take(&f, 0, "1601 0", 1000000);   /* ten minutes and a second ahead of its record */
	take(&f, 0, "999999 0", 1000000); /* would close every window */
	take(&f, 0, "1600 0", 1000000);
	take(&f, 0, "1500 0", -1);
	take(&f, 0, "1440 1",
		-1); /* ends at 1500, and the watermark is 1480: in time, of a kind that is not counted here */
	take(&f, 0, "1439 0", -1); /* late */
	CHECK_OK(&f.err, commit(&f, 0, -1, 9));
	value_is(&f, COUNTED, 3);
	value_is(&f, LATE, 1);
	struct stream_report r = {0};
	f.sink.tell(f.sink.ctx, &r);
	CHECK_I64(r.late, 1);
	CHECK_I64(r.rejected, 4);
	value_is(&f, "SELECT next_position FROM realtime.offsets WHERE sink = 'shop' AND topic = 'source of t'", 9);
	end(&f);
}

/* What is dropped is as if it had never come: its counts, and what it did to the watermark. */
static void test_drop(void **state)
{
	(void)state;
	struct fixture f;
	start(&f);
	CHECK_I64(position(&f, 0), -1);
	take(&f, 0, "1000 0", -1);
	CHECK_OK(&f.err, commit(&f, 0, -1, 1));
	take(&f, 0, "9000 0", -1);
	f.sink.drop(f.sink.ctx);
	CHECK_I64(position(&f, 0), 1);
	take(&f, 0, "1000 0", -1);
	CHECK_OK(&f.err, commit(&f, 0, 1, 2));
	value_is(&f, COUNTED, 2);
	value_is(&f, LATE, 0);
	struct stream_report r = {.late = -1, .rejected = -1};
	f.sink.tell(f.sink.ctx, &r);
	CHECK_I64(r.late, 0);
	CHECK_I64(r.rejected, 0);
	CHECK_OK(&f.err, stream_aggregate_forget(f.a, &f.err));
	CHECK_I64(position(&f, 0), -1);
	end(&f);
}

/* Another member was faster with the same records, one of two partitions; both go on from where they stand. */
static void test_conflict(void **state)
{
	(void)state;
	struct fixture f, other;
	start(&f);
	other = f;
	attach(&other);
	CHECK_I64(position(&f, 0), -1);
	CHECK_I64(position(&f, 1), -1);
	CHECK_I64(position(&other, 1), -1);
	take(&f, 1, "1000 0", -1);
	take(&f, 0, "1000 0", -1);
	take(&other, 1, "1000 0", -1);
	CHECK_OK(&other.err, commit(&other, 1, -1, 1));
	const struct stream_span spans[] = {{1, -1, 1, -1, -1}, {0, -1, 1, -1, -1}};
	CHECK_FAILS(E_CONFLICT, f.sink.commit(f.sink.ctx, spans, 2, &f.err));
	value_is(&f, COUNTED, 1);
	f.sink.drop(f.sink.ctx);
	CHECK_I64(position(&f, 0), -1);
	CHECK_I64(position(&f, 1), 1);
	take(&f, 0, "1000 0", -1);
	take(&f, 1, "839 0", -1); /* the other's watermark makes it late */
	const struct stream_span again[] = {{1, 1, 2, -1, -1}, {0, -1, 1, -1, -1}};
	CHECK_OK(&f.err, f.sink.commit(f.sink.ctx, again, 2, &f.err));
	value_is(&f, COUNTED, 2);
	value_is(&f, LATE, 1);
	detach(&other);
	end(&f);
}

static void test_restart(void **state)
{
	(void)state;
	struct fixture f;
	start(&f);
	CHECK_I64(position(&f, 0), -1);
	take(&f, 0, "1000 0", -1);
	CHECK_OK(&f.err, commit(&f, 0, -1, 5)); /* four positions without a record behind it */
	take(&f, 0, "9000 0", -1);              /* not committed */
	detach(&f);
	attach(&f);
	CHECK_I64(position(&f, 0), 5);
	take(&f, 0, "839 0", -1); /* ends at 840; the watermark stands at 880 */
	take(&f, 0, "841 0", -1); /* ends at 900 */
	CHECK_OK(&f.err, commit(&f, 0, 5, 7));
	value_is(&f, COUNTED, 2);
	value_is(&f, LATE, 1);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passed_over),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_conflict),
		cmocka_unit_test(test_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
