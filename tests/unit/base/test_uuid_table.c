#include "base/uuid_table.h"

#include "base/hash.h"
#include "check.h"

/* Text to number and back, and the order of numbers is the order of texts. */
static void test_text(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"00000000-0000-0000-0000-000000000000",
		"00000000-0000-0000-0000-00000000000a",
		"0123abcd-4567-89ab-cdef-0123456789ab",
		"09ffffff-ffff-ffff-ffff-ffffffffffff",
		"0a000000-0000-0000-0000-000000000000",
		"fedcba98-7654-3210-fedc-ba9876543210",
		"ffffffff-ffff-ffff-ffff-ffffffffffff",
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		char text[37] = {0};
		uint8_t bytes[16];
		uuid_store(uuid_load(texts[i]), text);
		assert_string_equal(text, texts[i]);
		assert_true(uuid_parse(str_of(texts[i]), bytes));
		uint64_t hi = 0;
		for (int k = 0; k < 8; k++) hi = hi << 8 | bytes[k];
		assert_true(uuid_load(texts[i]).hi == hi);
		for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
			const int want = (i > k) - (i < k);
			CHECK_I64(uuid_cmp(uuid_load(texts[i]), uuid_load(texts[k])), want);
		}
	}
}

/* Every character in every place: as the plain parser judges it, and with its value. */
static void test_is_text(void **state)
{
	static const char good[] = "0123abcd-4567-89ab-cdef-fedcba987654";
	(void)state;
	for (size_t at = 0; at < UUID_CHARS; at++) {
		for (int c = 0; c < 256; c++) {
			char text[UUID_CHARS];
			uint8_t bytes[UUID_BYTES], again[UUID_BYTES];
			char stored[UUID_CHARS];
			memcpy(text, good, sizeof text);
			text[at] = (char)c;
			const bool is = uuid_parse((struct str){text, sizeof text}, bytes);
			if (uuid_is_text(text) != is) print_error("place %zu, character %d\n", at, c);
			assert_true(uuid_is_text(text) == is);
			if (!is) continue;
			uuid_store(uuid_load(text), stored);
			assert_true(uuid_parse((struct str){stored, sizeof stored}, again));
			assert_memory_equal(again, bytes, sizeof bytes);
		}
	}
}

/* Dense, stable indexes; ids that differ in one half only are apart. */
static void test_indexes(void **state)
{
	(void)state;
	enum { N = 50000 };
	struct uuid_table t;
	struct err err;
	CHECK_OK(&err, uuid_table_init(&t, 0, &err));
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < N; i++) {
			const struct uuid id = i % 2 == 0 ? (struct uuid){i, 7} : (struct uuid){7, i};
			uint32_t index;
			bool found;
			CHECK_OK(&err, uuid_table_add(&t, id, uuid_hash(id), &index, &found, &err));
			CHECK_I64(index, i == 7 ? 7 : i);
			assert_true(found == (round == 1));
		}
	}
	CHECK_I64(t.n, N);
	uuid_table_deinit(&t);
}

/* The same hash for all, in a table that need not grow (then it computes its own): still right, by comparing keys. */
static void test_collisions(void **state)
{
	(void)state;
	struct uuid_table t;
	struct err err;
	CHECK_OK(&err, uuid_table_init(&t, 500, &err));
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 500; i++) {
			uint32_t index;
			bool found;
			CHECK_OK(&err, uuid_table_add(&t, (struct uuid){i, i}, 42, &index, &found, &err));
			CHECK_I64(index, i);
			assert_true(found == (round == 1));
		}
	}
	uuid_table_deinit(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_is_text),
		cmocka_unit_test(test_indexes), cmocka_unit_test(test_collisions)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
