/* A set of keys with their first owners, beside a plain list. */
#include "../check.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "flow/claims.h"

static struct str key_of(uint32_t i, char dst[40])
{
	return (struct str){dst, (size_t)snprintf(dst, 40, "%08x-0000-4000-8000-%012u", i * 2654435761u, i)};
}

static void test_first_owner_keeps_it(void **state)
{
	(void)state;
	enum { KEYS = 200000, TAKES = 3 };
	struct claims c;
	struct err err;
	char text[40];
	uint32_t owner;
	claims_init(&c);
	assert_int_equal(claims_owner(&c, STR("nobody's")), CLAIMS_NOBODY);
	for (uint32_t k = 0; k < TAKES; k++) {
		for (uint32_t i = 0; i < KEYS; i++) {
			CHECK_OK(&err, claims_take(&c, key_of(i, text), i % 7 + k, &owner, &err));
			CHECK_I64(owner, i % 7);
		}
		CHECK_I64(c.n, KEYS);
	}
	for (uint32_t i = 0; i < 2 * KEYS; i++)
		CHECK_I64(claims_owner(&c, key_of(i, text)), i < KEYS ? i % 7 : CLAIMS_NOBODY);
	/* bytes a key, as the header promises */
	assert_in_range(c.n_slots * 16 / c.n, 20, 30);
	claims_deinit(&c);
}

static void test_edges(void **state)
{
	(void)state;
	struct claims c;
	struct err err;
	uint32_t owner;
	claims_init(&c);
	CHECK_OK(&err, claims_take(&c, STR(""), CLAIMS_OWNERS_MAX - 1, &owner, &err));
	CHECK_I64(owner, CLAIMS_OWNERS_MAX - 1);
	CHECK_OK(&err, claims_take(&c, STR("a"), 0, &owner, &err));
	CHECK_I64(owner, 0);
	CHECK_I64(claims_owner(&c, STR("")), CLAIMS_OWNERS_MAX - 1);
	CHECK_I64(claims_owner(&c, STR("A")), CLAIMS_NOBODY);
	claims_deinit(&c);
}

/* What was claimed stands when there is no memory to grow. */
static void test_out_of_memory(void **state)
{
	(void)state;
	struct claims c;
	struct err err;
	char text[40];
	uint32_t owner, n = 0;
	claims_init(&c);
	mem_fail_after(0);
	CHECK_FAILS(E_NOMEM, claims_take(&c, STR("a"), 0, &owner, &err));
	mem_fail_after(-1);
	CHECK_OK(&err, claims_take(&c, key_of(n++, text), 3, &owner, &err));
	mem_fail_after(0);
	while (claims_take(&c, key_of(n, text), 3, &owner, &err) == OK) n++;
	mem_fail_after(-1);
	CHECK_I64(c.n, n);
	assert_true(n > 100);
	for (uint32_t i = 0; i <= n; i++) CHECK_I64(claims_owner(&c, key_of(i, text)), i < n ? 3 : CLAIMS_NOBODY);
	CHECK_OK(&err, claims_take(&c, key_of(n, text), 4, &owner, &err));
	CHECK_I64(owner, 4);
	claims_deinit(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_owner_keeps_it),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
