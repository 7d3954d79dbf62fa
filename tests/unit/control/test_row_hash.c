/* Rows of published tables as hashes. */
#include "../check.h"

#include <math.h>

#include "base/time.h"
#include "columnar/batch.h"
#include "control/row_hash.h"

static const struct column_def columns[] = {
	{.name = "id", .type = COL_STRING, .key = true, .id = true},
	{.name = "day", .type = COL_DATE, .key = true},
	{.name = "at", .type = COL_TIMESTAMP, .nullable = true},
	{.name = "n", .type = COL_INT64, .nullable = true},
	{.name = "price", .type = COL_DECIMAL, .precision = 9, .scale = 2, .nullable = true},
	{.name = "note", .type = COL_STRING, .nullable = true},
	{.name = "month", .type = COL_STRING, .partition = true},
	{.name = "run_id", .type = COL_STRING, .partition = true},
};
enum { N_COLUMNS = 6, ROWS_MAX = 4096 };
static const struct table_schema keyed = {
	.name = "t", .layer = "gold", .contract = "w/v1", .columns = columns, .n_columns = N_COLUMNS + 2};

struct row {
	const char *id;
	int32_t day;
	int64_t at, n, price; /* INT64_MIN: null */
	const char *note;     /* NULL: null */
};

static void hash(
	const struct row *rows, int64_t n, const char *month, const char *run_id, bool dict, struct row_hash *out)
{
	struct builder b[N_COLUMNS];
	struct column c[N_COLUMNS];
	struct err err;
	const char *const partitions[] = {month, run_id};
	for (size_t i = 0; i < N_COLUMNS; i++) builder_init(&b[i], &columns[i], dict && columns[i].type == COL_STRING);
	for (int64_t i = 0; i < n; i++) {
		builder_set_str(&b[0], i, str_of(rows[i].id));
		builder_set_i32(&b[1], i, rows[i].day);
		if (rows[i].at != INT64_MIN) builder_set_i64(&b[2], i, rows[i].at);
		if (rows[i].n != INT64_MIN) builder_set_i64(&b[3], i, rows[i].n);
		if (rows[i].price != INT64_MIN) builder_set_i64(&b[4], i, rows[i].price);
		if (rows[i].note != NULL) builder_set_str(&b[5], i, str_of(rows[i].note));
	}
	for (size_t i = 0; i < N_COLUMNS; i++) assert_int_equal(builder_finish(&b[i], n, &c[i], NULL), OK);
	const struct batch batch = {.schema = &keyed, .n_columns = N_COLUMNS, .columns = c, .n_rows = n};
	CHECK_OK(&err, row_hash_batch(&keyed, &batch, partitions, out, &err));
	for (size_t i = 0; i < N_COLUMNS; i++) builder_deinit(&b[i]);
}

static bool same_key(const struct row_hash *a, const struct row_hash *b)
{
	return a->key[0] == b->key[0] && a->key[1] == b->key[1];
}

static void test_what_a_row_is(void **state)
{
	(void)state;
	const struct row rows[] = {
		{"a", 20000, 5, 7, 100, "x"},
		{"a", 20000, 5, 8, 100, "x"},         /* another n */
		{"a", 20000, 7, 5, 100, "x"},         /* values of neighbours changed places */
		{"a", 20000, INT64_MIN, 7, 100, "x"}, /* null */
		{"a", 20000, 5, 7, 100, ""},          /* another text */
		{"a", 20000, 5, 7, 100, NULL},        /* none: not an empty one */
		{"a", 20000, 5, 7, 0, "x"},
		{"b", 20000, 5, 7, 100, "x"}, /* other keys from here on */
		{"a", 20001, 5, 7, 100, "x"},
	};
	enum { N = sizeof rows / sizeof *rows, SAME_KEY = 7 };
	struct row_hash h[N], by_dict[N], other_run[N], other_month[N];
	hash(rows, N, "2025-01", "u", false, h);
	hash(rows, N, "2025-01", "u", true, by_dict);
	hash(rows, N, "2025-01", "v", false, other_run);
	hash(rows, N, "2025-02", "u", false, other_month);
	for (int i = 0; i < N; i++) {
		assert_memory_equal(&h[i], &by_dict[i], sizeof *h);
		assert_memory_equal(&h[i], &other_run[i], sizeof *h);
		assert_true(same_key(&h[i], &other_month[i]) && h[i].rest != other_month[i].rest);
		for (int k = 0; k < i; k++) {
			assert_int_equal(same_key(&h[i], &h[k]), i < SAME_KEY);
			assert_true(i >= SAME_KEY || h[i].rest != h[k].rest);
		}
		/* One value at a time: the same. */
		struct row_hash one;
		row_hash_init(&one);
		const struct row *r = &rows[i];
		const struct row_value values[] = {row_value_text(str_of(r->id)), row_value_date(r->day),
			r->at != INT64_MIN ? row_value_time(r->at) : row_value_null(), row_value_int(r->n),
			row_value_real((double)r->price / 100),
			r->note != NULL ? row_value_text(str_of(r->note)) : row_value_null(),
			row_value_text(STR("2025-01")), row_value_strange()};
		for (size_t k = 0; k < keyed.n_columns; k++) row_hash_add(&one, row_hash_side(&keyed, k), values[k]);
		assert_memory_equal(&one, &h[i], sizeof one);
	}
}

/* What a database stores alike. */
static void test_alike_where_stored_alike(void **state)
{
	(void)state;
	const struct row rows[] = {
		{"a", INT32_MAX, INT64_MAX, 0, 0, "\xff"},
		{"a", DATE_MAX, (DATE_MAX + INT64_C(1)) * US_PER_DAY - 1, 0, 0, "\xef\xbf\xbd"},
	};
	struct row_hash h[2];
	hash(rows, 2, "", "", false, h);
	assert_memory_equal(&h[0], &h[1], sizeof *h);
	const struct row_value zero = row_value_real(0), minus = row_value_real(-0.0),
			       nan = row_value_real((double)NAN), null = row_value_null();
	assert_memory_equal(&zero, &minus, sizeof zero);
	assert_memory_equal(&nan, &null, sizeof nan);
}

/* Neighbouring keys, and integers against texts of them: no two meet. */
static void test_spread(void **state)
{
	(void)state;
	static struct row rows[ROWS_MAX];
	static struct row_hash h[ROWS_MAX];
	static char ids[ROWS_MAX][12];
	for (int i = 0; i < ROWS_MAX; i++) {
		(void)snprintf(ids[i], sizeof ids[i], "%d", i / 64);
		rows[i] = (struct row){ids[i], i % 64, i, i, i, ids[i]};
	}
	hash(rows, ROWS_MAX, "m", "u", false, h);
	for (int i = 0; i < ROWS_MAX; i++) {
		for (int k = 0; k < i; k++)
			assert_true(h[i].key[0] != h[k].key[0] && h[i].key[1] != h[k].key[1] && h[i].rest != h[k].rest);
	}
	const struct row_value number = row_value_int(1), text = row_value_text(STR("1")), real = row_value_real(1),
			       bytes = row_value_bytes(STR("1"));
	assert_memory_not_equal(&number, &text, sizeof number);
	assert_memory_not_equal(&number, &real, sizeof number);
	assert_memory_not_equal(&bytes, &text, sizeof bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_a_row_is),
		cmocka_unit_test(test_alike_where_stored_alike),
		cmocka_unit_test(test_spread),
	};
	return cmocka_run_group_tests_name("rows as hashes", tests, NULL, NULL);
}
