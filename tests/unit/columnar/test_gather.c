/* Rows of a column picked into a column of their own: every kind of column, rows twice and in any order, and more than a batch can hold. */
#include "check.h"

#include "columnar/batch.h"

static struct column strings(const char *const *texts, int64_t n, struct builder *b, const struct column_def *def)
{
	struct err err;
	struct column out;
	builder_init(b, def, false);
	for (int64_t i = 0; i < n; i++)
		if (texts[i] != NULL) builder_set_str(b, i, str_of(texts[i]));
	CHECK_OK(&err, builder_finish(b, n, &out, &err));
	return out;
}

static const struct column_def text_def = {.name = "t", .type = COL_STRING, .nullable = true};

static void test_texts(void **state)
{
	(void)state;
	static const char *const texts[] = {"zero", NULL, "", "drei"};
	static const uint32_t rows[] = {3, 0, 1, 3, 2};
	struct builder b;
	struct arena arena;
	struct column got;
	struct err err;
	arena_init(&arena, 0);
	const struct column c = strings(texts, 4, &b, &text_def);
	CHECK_OK(&err, gather_column(&c, rows, 5, &arena, &got, &err));
	builder_deinit(&b); /* the copy is its own */
	CHECK_I64(got.n, 5);
	for (int64_t i = 0; i < 5; i++) {
		assert_int_equal(column_valid(&got, i), texts[rows[i]] != NULL);
		if (column_valid(&got, i)) assert_true(str_is(column_str(&got, i), texts[rows[i]]));
	}
	arena_deinit(&arena);
}

static void test_numbers(void **state)
{
	(void)state;
	static const uint32_t rows[] = {2, 2, 0};
	static const int32_t narrow[] = {7, 8, -9};
	static const int64_t wide[] = {INT64_MIN, 8, INT64_MAX};
	static const uint8_t bits[] = {5}; /* 1, 0, 1 */
	struct arena arena;
	struct column got;
	struct err err;
	arena_init(&arena, 0);
	const struct column n = {.type = COL_INT32, .n = 3, .values = narrow},
			    w = {.type = COL_INT64, .n = 3, .values = wide},
			    f = {.type = COL_BOOL, .n = 3, .values = bits};
	CHECK_OK(&err, gather_column(&n, rows, 3, &arena, &got, &err));
	assert_memory_equal(got.values, ((int32_t[]){-9, -9, 7}), 12);
	CHECK_OK(&err, gather_column(&w, rows, 3, &arena, &got, &err));
	assert_memory_equal(got.values, ((int64_t[]){INT64_MAX, INT64_MAX, INT64_MIN}), 24);
	CHECK_OK(&err, gather_column(&f, (const uint32_t[]){1, 0, 2}, 3, &arena, &got, &err));
	CHECK_I64(*(const uint8_t *)got.values & 7, 6);
	arena_deinit(&arena);
}

/* Offsets of a batch end at 2^31: what would go on is refused before a byte is copied. */
static void test_too_much(void **state)
{
	(void)state;
	enum { LONG = 1 << 16, ROWS = (1 << 15) + 1 };
	static char text[LONG + 1];
	static uint32_t rows[ROWS];
	memset(text, 'x', LONG);
	const char *const texts[] = {text, "y"};
	struct builder b;
	struct arena arena;
	struct column got = {.n = -1};
	struct err err;
	const struct column c = strings(texts, 2, &b, &text_def);
	arena_init(&arena, 1 << 20);
	err_clear(&err);
	CHECK_FAILS(E_LIMIT, gather_column(&c, rows, ROWS, &arena, &got, &err));
	assert_non_null(strstr(err.message, "over 2 GiB of text in one batch of 32769 rows"));
	CHECK_I64(got.n, -1);
	for (size_t i = 0; i < ROWS; i++) rows[i] = 1;
	CHECK_OK(&err, gather_column(&c, rows, ROWS, &arena, &got, &err));
	CHECK_I64(column_str(&got, ROWS - 1).n, 1);
	/* the same of a list's elements */
	static const int32_t offsets[] = {0, 1 << 20};
	struct column element = {.type = COL_INT64, .n = 1 << 20};
	const struct column list = {
		.type = COL_LIST, .n = 1, .offsets = offsets, .children = &element, .n_children = 1};
	memset(rows, 0, sizeof rows);
	arena_reset(&arena);
	CHECK_FAILS(E_LIMIT, gather_column(&list, rows, 1 << 11, &arena, &got, &err));
	assert_non_null(strstr(err.message, "elements in one batch"));
	arena_deinit(&arena);
	builder_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts), cmocka_unit_test(test_numbers), cmocka_unit_test(test_too_much)};
	return cmocka_run_group_tests_name("columnar/gather", tests, NULL, NULL);
}
