#include "check.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "base/time.h"
#include "workloads/pqrs/bronze/event_order.h"

/* A made-up event; content differs with `content`. */
static void event_make(struct event *ev, uint32_t id, uint32_t ticket, int64_t ts, uint32_t content)
{
	static char ids[2][UUID_CHARS];
	static char text[16];
	uint8_t raw[UUID_BYTES];
	struct rng4 r = rng_philox(1, id, 0, 0);
	memcpy(ev->event_id, r.v, UUID_BYTES);
	uuid_format(ev->event_id, ids[0]);
	r = rng_philox(1, ticket, 1, 0);
	memcpy(raw, r.v, UUID_BYTES);
	uuid_format(raw, ids[1]);
	const int n = snprintf(text, sizeof text, "t%u", content);
	ev->set = 1u << BRONZE_EVENT_ID | 1u << BRONZE_TICKET_ID | 1u << BRONZE_EVENT_TYPE | 1u << BRONZE_TS |
		  1u << BRONZE_TEXT;
	ev->str[BRONZE_EVENT_ID] = (struct str){ids[0], UUID_CHARS};
	ev->str[BRONZE_TICKET_ID] = (struct str){ids[1], UUID_CHARS};
	ev->str[BRONZE_EVENT_TYPE] = STR("MESSAGE_ADDED");
	ev->str[BRONZE_TEXT] = (struct str){text, (size_t)n};
	ev->num[BRONZE_TS] = ts;
}

static void batch_begin(struct event_batch *b)
{
	struct err err;
	event_batch_reset(b);
	CHECK_OK(&err, event_batch_origin(b, STR("x"), STR("email"), 20000, &err));
}

static int row_cmp(const struct event_batch *b, uint32_t i, uint32_t j)
{
	const int32_t *bucket = b->columns[BRONZE_TICKET_BUCKET].values;
	const int64_t *ts = b->columns[BRONZE_TS].values;
	if (bucket[i] != bucket[j]) return bucket[i] < bucket[j] ? -1 : 1;
	if (ts[i] != ts[j]) return ts[i] < ts[j] ? -1 : 1;
	return memcmp(b->ids.items[i], b->ids.items[j], UUID_BYTES);
}

/* Increasing, rows that repeat each other as they came, a permutation, and cuts exactly where the bucket changes. */
static void check_order(struct event_order *o, const struct event_batch *b)
{
	struct err err;
	CHECK_OK(&err, event_order_make(o, b, &err));
	const int32_t *bucket = b->columns[BRONZE_TICKET_BUCKET].values;
	uint64_t sum = 0;
	uint32_t cut = 0;
	for (int64_t i = 0; i < b->n_rows; i++) {
		sum += o->rows[i];
		assert_true(o->rows[i] < b->n_rows);
		if (i > 0) {
			const int c = row_cmp(b, o->rows[i - 1], o->rows[i]);
			assert_true(c < 0 || (c == 0 && o->rows[i - 1] < o->rows[i]));
		}
		if (i + 1 == b->n_rows || bucket[o->rows[i]] != bucket[o->rows[i + 1]])
			CHECK_I64(o->cuts[cut++], i + 1);
	}
	CHECK_I64(sum, (uint64_t)b->n_rows * (uint64_t)(b->n_rows - 1) / 2);
	CHECK_I64(cut, o->n_cuts);
}

static void test_order(void **state)
{
	(void)state;
	static const int64_t spans[] = {1, 3, 1000, US_PER_DAY, INT64_C(1) << 40, INT64_C(1) << 61};
	struct event_batch b;
	struct event_order o;
	struct event ev;
	event_batch_init(&b);
	event_order_init(&o);
	for (uint32_t n = 0; n < 6000; n = n < 20 ? n + 1 : n * 3) {
		for (size_t k = 0; k < sizeof spans / sizeof spans[0]; k++) {
			for (uint32_t way = 0; way < 3;
				way++) { /* any order; in order of time; each event three times */
				batch_begin(&b);
				for (uint32_t row = 0; row < n; row++) {
					const uint32_t i = way == 2 ? row % (n / 3 + 1) : row;
					const struct rng4 r = rng_philox(2, i, n, (uint32_t)k);
					const int64_t ts = way == 1 ? (int64_t)i * 1000
								    : (int64_t)(((uint64_t)r.v[0] << 32 | r.v[1]) %
										(uint64_t)spans[k]) -
									      spans[k] / 2;
					event_make(&ev, i, r.v[2] % (n / 3 + 1), ts, 0);
					event_batch_append(&b, &ev, row + 1);
				}
				check_order(&o, &b);
			}
		}
	}
	event_batch_deinit(&b);
	event_order_deinit(&o);
}

/* The index against a brute-force list, with seals at random places. */
static void test_index(void **state)
{
	(void)state;
	enum { EVENTS = 20000, IDS = 6000, BEFORE = 700 };
	static int32_t first_content[IDS];
	struct event_batch b;
	struct event_index x;
	struct event ev;
	struct err err;
	event_batch_init(&b);
	event_index_init(&x);
	for (int seals = 0; seals < 2; seals++) {
		memset(first_content, 0xff, sizeof first_content);
		batch_begin(&b);
		for (uint32_t i = 0; i < BEFORE; i++) { /* of another object, with the same ids: none of this one's */
			event_make(&ev, i, i, 5, 2);
			event_batch_append(&b, &ev, i + 1);
		}
		CHECK_OK(&err, event_index_start(&x, b.n_rows, seals == 0 ? 0 : EVENTS, &err));
		int seen[3] = {0};
		for (uint32_t i = 0; i < EVENTS; i++) {
			const struct rng4 r = rng_philox(3, i, 0, 0);
			const uint32_t id = r.v[0] % IDS;
			const int32_t content = (int32_t)(r.v[1] % 2);
			enum event_seen got;
			event_make(&ev, id, id, 5, (uint32_t)content);
			CHECK_OK(&err, event_index_add(&x, &b, &ev, &got, &err));
			const enum event_seen want = first_content[id] < 0          ? EVENT_NEW
						     : first_content[id] == content ? EVENT_REPEATED
										    : EVENT_CONFLICT;
			CHECK_I64(got, want);
			seen[got]++;
			if (got == EVENT_NEW) {
				first_content[id] = content;
				event_batch_append(&b, &ev, i + 1);
			}
			if (seals == 1 && r.v[2] % 500 == 0) {
				CHECK_OK(&err, event_index_seal(&x, &b, &err));
				batch_begin(&b);
			}
		}
		assert_in_range(seen[EVENT_NEW], IDS / 2, IDS);
		assert_in_range(seen[EVENT_REPEATED], 5000, EVENTS);
		assert_in_range(seen[EVENT_CONFLICT], 5000, EVENTS);
	}
	event_batch_deinit(&b);
	event_index_deinit(&x);
}

/* An event that the batch could not take is told, so that nobody looks for its row. */
static void test_append_without_memory(void **state)
{
	(void)state;
	struct event_batch b;
	struct event ev;
	event_batch_init(&b);
	batch_begin(&b);
	int64_t rows = 0;
	bool taken = true;
	for (; taken; rows += taken) {
		event_make(&ev, (uint32_t)rows, 0, rows, 0);
		mem_fail_after(rows < 100 ? -1 : 0);
		taken = event_batch_append(&b, &ev, rows + 1);
		mem_fail_after(-1);
	}
	struct column columns[BRONZE_N_COLUMNS];
	struct err err;
	CHECK_I64(b.n_rows, rows);
	CHECK_I64(b.ids.n, rows);
	assert_int_equal(event_batch_finish(&b, columns, &err), E_NOMEM);
	event_batch_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_index),
		cmocka_unit_test(test_append_without_memory)};
	return cmocka_run_group_tests_name("pqrs/event_order", tests, NULL, NULL);
}
