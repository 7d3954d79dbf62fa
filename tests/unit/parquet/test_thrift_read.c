#include "parquet/thrift/thrift_read.h"

#include "check.h"

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static void varints(void **state)
{
	(void)state;
	static const struct {
		uint8_t bytes[11];
		size_t n;
		uint64_t want;
		const char *error;
	} cases[] = {
		{{0}, 1, 0, NULL},
		{{0x7F}, 1, 127, NULL},
		{{0x80, 0x01}, 2, 128, NULL},
		{{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}, 10, UINT64_MAX, NULL},
		{{0}, 0, 0, "metadata ends inside a number"},
		{{0x80}, 1, 0, "metadata ends inside a number"},
		{{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, 11, 0,
			"a number longer than 64 bits"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct thrift t;
		thrift_start(&t, cases[i].bytes, cases[i].n);
		assert_int_equal(thrift_varint(&t), cases[i].want);
		assert_string_equal(t.error != NULL ? t.error : "", cases[i].error != NULL ? cases[i].error : "");
		if (t.error == NULL)
			CHECK_I64(t.p - cases[i].bytes, cases[i].n);
		else
			assert_ptr_equal(t.p, t.end);
	}
}

/* 1: i32 -3, 2: true, 3: false, 20: "ab" (long form of the id), 21: i64 300, stop */
static void fields(void **state)
{
	(void)state;
	struct thrift t;
	struct thrift_field f = {0};
	thrift_start(&t, BYTES(0x15, 0x05, 0x11, 0x12, 0x08, 0x28, 0x02, 'a', 'b', 0x16, 0xD8, 0x04, 0x00));
	assert_true(thrift_field_next(&t, &f));
	CHECK_I64(f.id, 1);
	CHECK_I64(thrift_i32(&t, &f), -3);
	assert_true(thrift_field_next(&t, &f));
	CHECK_I64(f.id, 2);
	assert_true(thrift_bool(&t, &f));
	assert_true(thrift_field_next(&t, &f));
	CHECK_I64(f.id, 3);
	assert_false(thrift_bool(&t, &f));
	assert_true(thrift_field_next(&t, &f));
	CHECK_I64(f.id, 20);
	const struct str s = thrift_binary(&t, &f);
	assert_true(str_eq(s, STR("ab")));
	assert_true(thrift_field_next(&t, &f));
	CHECK_I64(f.id, 21);
	CHECK_I64(thrift_i64(&t, &f), 300);
	assert_false(thrift_field_next(&t, &f));
	assert_null(t.error);
	assert_ptr_equal(t.p, t.end);
}

/* Values of every type, nested, in one struct: skipping consumes exactly them. */
static void skip_everything(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {
		0x11,                                          /* 1: true */
		0x13, 0x7F,                                    /* 2: i8 */
		0x15, 0x80, 0x01,                              /* 3: i32 */
		0x17, 1, 2, 3, 4, 5, 6, 7, 8,                  /* 4: double */
		0x18, 0x03, 'x', 'y', 'z',                     /* 5: binary */
		0x19, 0x31, 1, 2, 1,                           /* 6: list of 3 bools */
		0x19, 0x2C, 0x15, 0x02, 0x00, 0x00,            /* 7: list of 2 structs */
		0x1B, 0x02, 0x58, 0x02, 0x01, 'a', 0x04, 0x00, /* 8: map i32 -> binary, 2 entries */
		0x1B, 0x00,                                    /* 9: empty map */
		0x1C, 0x1C, 0x11, 0x00, 0x00,                  /* 10: struct of a struct of a bool */
		0x1A, 0x19, 0x25, 0x02, 0x04,                  /* 11: set of 1 list of 2 i32 */
		0x00, 0xAA,                                    /* what follows */
	};
	struct thrift t;
	thrift_start(&t, bytes, sizeof bytes);
	thrift_skip(&t, THRIFT_STRUCT);
	assert_null(t.error);
	CHECK_I64(t.p - bytes, sizeof bytes - 1);
	/* Every truncation is an error, never a read past the end. */
	for (size_t n = 0; n < sizeof bytes - 1; n++) {
		thrift_start(&t, bytes, n);
		thrift_skip(&t, THRIFT_STRUCT);
		assert_non_null(t.error);
	}
}

static void refusals(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint8_t bytes[8];
		size_t n;
		const char *error;
	} cases[] = {
		{"unknown field type", {0x1D, 0x00}, 2, "unknown field type"},
		{"string too long", {0x18, 0x05, 'a', 0x00}, 4, "a value longer than the metadata"},
		{"list too long", {0x19, 0xF5, 0xFF, 0xFF, 0x03, 0x00}, 6, "a list longer than the metadata"},
		{"map too long", {0x1B, 0x40, 0x55, 0x00}, 4, "a map longer than the metadata"},
		{"no stop", {0x15, 0x02}, 2, "metadata ends inside a struct"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct thrift t;
		thrift_start(&t, cases[i].bytes, cases[i].n);
		thrift_skip(&t, THRIFT_STRUCT);
		if (t.error == NULL || strcmp(t.error, cases[i].error) != 0)
			fail_msg("%s: %s", cases[i].name, t.error != NULL ? t.error : "no error");
	}
}

static void depth_is_bounded(void **state)
{
	(void)state;
	uint8_t bytes[128];
	for (size_t depth = 1; depth <= 60; depth++) { /* structs in structs */
		memset(bytes, 0x1C, depth - 1);
		memset(bytes + depth - 1, 0, depth);
		struct thrift t;
		thrift_start(&t, bytes, 2 * depth - 1);
		thrift_skip(&t, THRIFT_STRUCT);
		if (depth <= THRIFT_DEPTH_MAX)
			assert_null(t.error);
		else
			assert_string_equal(t.error, "metadata nested too deeply");
	}
}

static void wrong_types(void **state)
{
	(void)state;
	struct thrift t;
	struct thrift_field f = {0};
	thrift_start(&t, BYTES(0x18, 0x01, 'a', 0x00));
	assert_true(thrift_field_next(&t, &f));
	CHECK_I64(thrift_i32(&t, &f), 0);
	assert_string_equal(t.error, "expected an integer field");
	assert_false(thrift_field_next(&t, &f));
	f = (struct thrift_field){0};
	thrift_start(&t, BYTES(0x16, 0x80, 0x80, 0x80, 0x80, 0x20, 0x00));
	assert_true(thrift_field_next(&t, &f));
	CHECK_I64(thrift_i32(&t, &f), 0);
	assert_string_equal(t.error, "a number out of the range of 32 bits");
	f = (struct thrift_field){0};
	thrift_start(&t, BYTES(0x19, 0x25, 0x02, 0x04, 0x00));
	assert_true(thrift_field_next(&t, &f));
	CHECK_I64(thrift_list(&t, &f, THRIFT_STRUCT), 0);
	assert_string_equal(t.error, "a list of another type than expected");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(varints), cmocka_unit_test(fields),
		cmocka_unit_test(skip_everything), cmocka_unit_test(refusals), cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(wrong_types)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
