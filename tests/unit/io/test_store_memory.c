#include "check.h"
#include "io/store.h"

static void reads_like_a_file(void **state)
{
	(void)state;
	struct err err;
	struct store_object *o;
	char key[] = "folder/object";
	uint8_t got[8] = {0};
	CHECK_OK(&err, store_object_from_memory("0123456789", 10, key, &o, &err));
	key[0] = '!'; /* the key was copied */
	assert_string_equal(store_object_key(o), "folder/object");
	CHECK_I64(store_object_size(o), 10);
	CHECK_OK(&err, store_object_read_at(o, 3, got, 4, &err));
	assert_memory_equal(got, "3456", 4);
	CHECK_OK(&err, store_object_read_at(o, 10, got, 0, &err));
	static const struct {
		int64_t offset;
		size_t n;
	} bad[] = {{7, 4}, {10, 1}, {11, 0}, {-1, 1}, {0, SIZE_MAX}, {INT64_MAX, 1}};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CHECK_FAILS(E_CORRUPT, store_object_read_at(o, bad[i].offset, got, bad[i].n, &err));
		assert_string_equal(err.where, "folder/object");
	}
	CHECK_I64(err.offset, INT64_MAX);
	store_object_close(o);
}

static void empty_object(void **state)
{
	(void)state;
	struct err err;
	struct store_object *o;
	CHECK_OK(&err, store_object_from_memory(NULL, 0, "x", &o, &err));
	CHECK_I64(store_object_size(o), 0);
	CHECK_OK(&err, store_object_read_at(o, 0, NULL, 0, &err));
	store_object_close(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reads_like_a_file), cmocka_unit_test(empty_object)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
