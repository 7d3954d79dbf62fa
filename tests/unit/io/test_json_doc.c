#include "../check.h"

#include "io/json/json_doc.h"

static struct err err;

static void test_reads_each_kind(void **state)
{
	(void)state;
	struct json_doc *d = NULL;
	CHECK_OK(&err,
		json_doc_parse(STR("{\"a\":-9223372036854775808,\"b\":[true,null,\"\\u00e9\"],\"c\":{},\"d\":1.5}"), &d,
			&err));
	const struct json_node *root = json_doc_root(d);
	int64_t i = 0;
	bool b = false;
	struct str s = {0};
	assert_true(json_node_i64(json_node_get(root, "a"), &i));
	CHECK_I64(i, INT64_MIN);
	assert_true(json_node_bool(json_node_at(json_node_get(root, "b"), 0), &b) && b);
	assert_true(json_node_str(json_node_at(json_node_get(root, "b"), 2), &s));
	assert_true(str_is(s, "\xc3\xa9"));
	CHECK_I64(json_node_n(json_node_get(root, "b")), 3);
	CHECK_I64(json_node_kind(json_node_at(json_node_get(root, "b"), 1)), JSON_DOC_NULL);
	CHECK_I64(json_node_kind(json_node_get(root, "d")), JSON_DOC_REAL);
	/* Missing and mistyped nodes answer false all along a chain, and leave the result alone. */
	i = 7;
	assert_false(json_node_i64(json_node_get(json_node_get(root, "nowhere"), "x"), &i));
	assert_false(json_node_i64(json_node_get(root, "d"), &i));
	assert_null(json_node_at(json_node_get(root, "b"), 3));
	CHECK_I64(i, 7);
	json_doc_destroy(d);
}

static void test_walks_members(void **state)
{
	(void)state;
	struct json_doc *d = NULL;
	CHECK_OK(&err, json_doc_parse(STR("{\"z\":1,\"a\":2,\"m\":3}"), &d, &err));
	struct str key;
	const struct json_node *value;
	int64_t sum = 0, v = 0;
	char keys[4] = "";
	for (const void *at = NULL; json_node_next(json_doc_root(d), &at, &key, &value);) {
		strncat(keys, key.p, 1);
		assert_true(json_node_i64(value, &v));
		sum = sum * 10 + v;
	}
	assert_string_equal(keys, "zam");
	CHECK_I64(sum, 123);
	json_doc_destroy(d);
}

static void test_refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "{", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "[1] x", "{\"a\":01}", "\"\xff\"",
		"9223372036854775808", "nul"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct json_doc *d = NULL;
		if (json_doc_parse(str_of(bad[i]), &d, &err) != E_CORRUPT) fail_msg("accepted %s", bad[i]);
		assert_null(d);
	}
	struct json_doc *d = NULL;
	CHECK_FAILS(E_CORRUPT, json_doc_parse(STR("{\n\"a\": x}"), &d, &err));
	CHECK_I64(err.line, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_each_kind),
		cmocka_unit_test(test_walks_members),
		cmocka_unit_test(test_refuses),
	};
	return cmocka_run_group_tests_name("json_doc", tests, NULL, NULL);
}
