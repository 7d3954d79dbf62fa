#include "check.h"

#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "table/maintain/zorder.h"

/* Wikipedia's picture of the curve on an 8 x 8 grid, x first: the cells in the order of their codes. */
static void test_curve(void **state)
{
	(void)state;
	static const uint32_t first[16][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 0},
		{2, 1}, {3, 0}, {3, 1}, {2, 2}, {2, 3}, {3, 2}, {3, 3}};
	for (uint64_t code = 0; code < 16; code++) CHECK_I64(zorder_interleave(first[code], 2, 3), code);
	const uint32_t corner[2] = {7, 7};
	CHECK_I64(zorder_interleave(corner, 2, 3), 63);
	const uint32_t one[1] = {0xABCD};
	CHECK_I64(zorder_interleave(one, 1, 16), 0xABCD);
	const uint32_t three[3] = {1, 0, 2};
	CHECK_I64(zorder_interleave(three, 3, 2), 0x0C); /* 001 100 */
}

/* Rows of a shuffled 16 x 16 grid come out along the curve. */
static void test_sort_of_a_grid(void **state)
{
	(void)state;
	enum { SIDE = 16, N = SIDE * SIDE };
	int64_t x[N], y[N];
	uint32_t rows[N];
	struct err err;
	for (uint32_t i = 0; i < N; i++) {
		const uint32_t cell = i * 97 % N; /* 97 is odd: a permutation */
		x[i] = (int64_t)(cell / SIDE) * 1000 - 7000;
		y[i] = (int64_t)(cell % SIDE) - 3;
	}
	struct column c[2] = {{.type = COL_INT64, .n = N, .values = x}, {.type = COL_TIMESTAMP, .n = N, .values = y}};
	const struct batch b = {.n_columns = 2, .columns = c, .n_rows = N};
	CHECK_OK(&err, zorder_sort(&b, (const int[]){0, 1}, 2, rows, &err));
	for (uint32_t i = 0; i < N; i++) {
		const uint32_t cell[2] = {(uint32_t)((x[rows[i]] + 7000) / 1000), (uint32_t)(y[rows[i]] + 3)};
		CHECK_I64(zorder_interleave(cell, 2, 4), i);
	}
}

static void test_ids_follow_values(void **state)
{
	(void)state;
	struct err err;
	uint16_t ids[7];
	const uint8_t valid = 0x7B; /* all but row 2 */

	const double f64[7] = {3.5, -1e300, 0, (double)NAN, -0.0, 1e-300, -2};
	struct column c = {.type = COL_DOUBLE, .n = 7, .values = f64, .validity = &valid};
	CHECK_OK(&err, zorder_ids(&c, ids, &err));
	static const int by_value[7] = {2, 1, 6, 4, 5, 0, 3};
	CHECK_I64(ids[2], 0);
	for (int i = 1; i < 7; i++) {
		if (ids[by_value[i - 1]] >= ids[by_value[i]])
			fail_msg("doubles: place %d: %u, %u", i, ids[by_value[i - 1]], ids[by_value[i]]);
	}

	const int32_t i32[7] = {5, INT32_MIN, 0, INT32_MAX, -1, 5, 0};
	c = (struct column){.type = COL_INT32, .n = 7, .values = i32, .validity = &valid};
	CHECK_OK(&err, zorder_ids(&c, ids, &err));
	CHECK_I64(ids[0], ids[5]);
	assert_true(ids[2] < ids[1] && ids[1] < ids[4] && ids[4] < ids[6] && ids[6] < ids[0] && ids[0] < ids[3]);

	const int32_t offsets[8] = {0, 1, 3, 3, 3, 5, 6, 7};
	c = (struct column){.type = COL_STRING,
		.n = 7,
		.offsets = offsets,
		.data = (const uint8_t *)"bab\xC3\xA9Zb",
		.validity = &valid};
	CHECK_OK(&err, zorder_ids(&c, ids, &err)); /* b, ab, null, "", é, Z, b */
	CHECK_I64(ids[0], ids[6]);
	assert_true(ids[2] < ids[3] && ids[3] < ids[5] && ids[5] < ids[1] && ids[1] < ids[0] && ids[0] < ids[4]);

	const int32_t index[7] = {1, 0, 9, 1, 0, 1, 1}; /* a null row's index is never looked at */
	const int32_t dict_offsets[3] = {0, 1, 2};
	const struct column dict = {.type = COL_STRING, .n = 2, .offsets = dict_offsets, .data = (const uint8_t *)"ab"};
	c = (struct column){.type = COL_STRING, .n = 7, .values = index, .dict = &dict, .validity = &valid};
	CHECK_OK(&err, zorder_ids(&c, ids, &err));
	assert_true(ids[2] < ids[1] && ids[1] == ids[4] && ids[4] < ids[0] && ids[0] == ids[3]);

	const uint8_t bits = 0x29;
	c = (struct column){.type = COL_BOOL, .n = 7, .values = &bits};
	CHECK_OK(&err, zorder_ids(&c, ids, &err));
	assert_true(ids[1] < ids[0] && ids[0] == ids[3] && ids[1] == ids[6]);
}

/* More rows than the sample: every row once, ids in the order of values, and rows of equal code in their order. */
static void test_many_rows(void **state)
{
	(void)state;
	enum { N = 3 * ZORDER_SAMPLE + 17 };
	struct err err;
	int64_t *v = mem_alloc(N * sizeof *v);
	int32_t *w = mem_alloc(N * sizeof *w);
	uint16_t *ids = mem_alloc(N * sizeof *ids);
	uint32_t *rows = mem_alloc(N * sizeof *rows);
	uint8_t *seen = mem_zalloc(N, 1);
	assert_true(v != NULL && w != NULL && ids != NULL && rows != NULL && seen != NULL);
	for (uint32_t i = 0; i < N; i++) {
		const struct rng4 r = rng_philox(7, i, 1, 0);
		v[i] = (int64_t)((uint64_t)r.v[0] << 32 | r.v[1]);
		w[i] = (int32_t)rng_below(r.v[2], 3);
	}
	struct column c[2] = {{.type = COL_INT64, .n = N, .values = v}, {.type = COL_INT32, .n = N, .values = w}};
	const struct batch b = {.n_columns = 2, .columns = c, .n_rows = N};
	CHECK_OK(&err, zorder_ids(&c[0], ids, &err));
	for (uint32_t i = 1; i < N; i++)
		if (v[i - 1] < v[i] ? ids[i - 1] > ids[i] : ids[i - 1] < ids[i]) fail_msg("row %u is out of order", i);
	CHECK_OK(&err, zorder_sort(&b, (const int[]){1}, 1, rows, &err));
	for (uint32_t i = 0; i < N; i++) {
		assert_true(rows[i] < N && !seen[rows[i]]);
		seen[rows[i]] = 1;
		if (i > 0 && (w[rows[i - 1]] > w[rows[i]] || (w[rows[i - 1]] == w[rows[i]] && rows[i - 1] > rows[i])))
			fail_msg("place %u: rows %u, %u", i, rows[i - 1], rows[i]);
	}
	/* A quarter of the rows, in the order of both columns, spans little of either. */
	CHECK_OK(&err, zorder_sort(&b, (const int[]){1, 0}, 2, rows, &err));
	int64_t lo = INT64_MAX, hi = INT64_MIN;
	for (uint32_t i = 0; i < N / 8; i++) {
		lo = v[rows[i]] < lo ? v[rows[i]] : lo;
		hi = v[rows[i]] > hi ? v[rows[i]] : hi;
		CHECK_I64(w[rows[i]], 0);
	}
	assert_true((double)hi - (double)lo < 0x1p63);
	mem_free(v);
	mem_free(w);
	mem_free(ids);
	mem_free(rows);
	mem_free(seen);
}

static void test_no_memory(void **state)
{
	(void)state;
	int64_t v[4] = {3, 1, 2, 0};
	uint32_t rows[4];
	struct err err;
	struct column c = {.type = COL_INT64, .n = 4, .values = v};
	const struct batch b = {.n_columns = 1, .columns = &c, .n_rows = 4};
	for (int64_t n = 0; n < 3; n++) {
		mem_fail_after(n);
		const status code = zorder_sort(&b, (const int[]){0}, 1, rows, &err);
		mem_fail_after(-1);
		CHECK_FAILS(E_NOMEM, code);
	}
	CHECK_OK(&err, zorder_sort(&b, (const int[]){0}, 1, rows, &err));
	const struct batch none = {.n_columns = 1, .columns = &c, .n_rows = 0};
	CHECK_OK(&err, zorder_sort(&none, (const int[]){0}, 1, rows, &err));
	assert_int_equal(rows[0], 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_curve),
		cmocka_unit_test(test_sort_of_a_grid),
		cmocka_unit_test(test_ids_follow_values),
		cmocka_unit_test(test_many_rows),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
