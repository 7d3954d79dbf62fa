#include "base/vec.h"

#include <string.h>

#include "base/alloc.h"
#include "check.h"

struct numbers {
	uint32_t *items;
	size_t n, cap;
};

static void fill(struct numbers *v, struct arena *arena, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_true(arena != NULL ? VEC_ROOM_IN(arena, v, 1) : VEC_ROOM(v, 1));
		v->items[v->n++] = (uint32_t)i * 7;
	}
	for (size_t i = 0; i < n; i++) assert_int_equal(v->items[i], i * 7);
}

static void grows_by_doubling(void **state)
{
	(void)state;
	struct numbers v = {0};
	fill(&v, NULL, 1000);
	assert_int_equal(v.n, 1000);
	assert_int_equal(v.cap, 1024);
	mem_free(v.items);
}

static void grows_in_an_arena(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 0);
	struct numbers v = {0};
	fill(&v, &arena, 1000);
	assert_int_equal(v.cap, 1024);
	arena_deinit(&arena);
}

static void takes_many_at_once(void **state)
{
	(void)state;
	struct numbers v = {0};
	const size_t none = 0;
	assert_true(VEC_ROOM(&v, none));
	assert_null(v.items);
	assert_true(VEC_ROOM(&v, 100));
	assert_int_equal(v.cap, 100);
	mem_free(v.items);
}

static void stays_as_it_was_without_memory(void **state)
{
	(void)state;
	struct numbers v = {0};
	fill(&v, NULL, 16);
	uint32_t *before = v.items;
	mem_fail_after(0);
	assert_false(VEC_ROOM(&v, 1));
	mem_fail_after(-1);
	assert_ptr_equal(v.items, before);
	assert_int_equal(v.cap, 16);
	assert_false(VEC_ROOM(&v, SIZE_MAX));     /* n + more does not fit */
	assert_false(VEC_ROOM(&v, SIZE_MAX / 4)); /* bytes do not fit */
	assert_ptr_equal(v.items, before);
	mem_free(v.items);

	struct arena arena;
	arena_init(&arena, 4096);
	struct numbers in = {0};
	assert_false(VEC_ROOM_IN(&arena, &in, 4096));
	assert_null(in.items);
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_by_doubling),
		cmocka_unit_test(grows_in_an_arena),
		cmocka_unit_test(takes_many_at_once),
		cmocka_unit_test(stays_as_it_was_without_memory),
	};
	return cmocka_run_group_tests_name("base/vec", tests, NULL, NULL);
}
