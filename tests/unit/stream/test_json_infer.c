/* A contract that is proposed from messages, and understood as one. */
#include "../check.h"
#include "base/alloc.h"
#include "columnar/schema.h"
#include "io/json/json_scan.h"
#include "stream/json_contract.h"
#include "stream/json_infer.h"

static void add(struct json_infer *i, const char *text)
{
	char padded[1024] = {0};
	struct err err;
	assert_true(strlen(text) + JSON_SCAN_PADDING < sizeof padded);
	memcpy(padded, text, strlen(text));
	CHECK_OK(&err, json_infer_add(i, (struct str){padded, strlen(text)}, &err));
}

static void proposes(struct json_infer *i, const char *want)
{
	struct buf out;
	struct err err;
	struct json_contract *c = NULL;
	buf_init(&out, 0);
	CHECK_OK(&err, json_infer_schema(i, "orders", &out, &err));
	const struct json_contract_opts o = {
		.file = "o.json", .table = "bronze.orders", .topic = "orders", .message_bytes_max = 1000};
	CHECK_OK(&err, json_contract_open((struct str){(const char *)out.p, out.n}, &o, &c, &err));
	json_contract_close(c);
	buf_char(&out, '\0');
	assert_string_equal((char *)out.p, want);
	buf_deinit(&out);
}

static void test_types(void **state)
{
	(void)state;
	struct json_infer *i = NULL;
	struct err err;
	CHECK_OK(&err, json_infer_open(false, &i, &err));
	add(i, "{\"id\":\"01234567-89ab-cdef-0123-456789abcdef\",\"at\":\"2026-01-02T03:04:05Z\",\"n\":1,\"x\":1,"
	       "\"tags\":[]"
	       ",\"note\":null,\"mixed\":1,\"odd name\":1,\"day\":\"2026-01-02\"}");
	add(i, "{\"id\":\"01234567-89ab-cdef-0123-456789abcdef\",\"at\":\"2026-01-02T03:04:05Z\",\"n\":2,\"x\":1.5,"
	       "\"ok\":true"
	       ",\"note\":\"a\",\"mixed\":\"1\",\"day\":\"no day\",\"n\":3}");
	add(i, "[]");
	add(i, "{\"n\":");
	proposes(i,
		"{\n\t\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n\t\"title\": \"orders\",\n"
		"\t\"$comment\": \"proposed from 2 messages; 2 others are no objects; kept in extra, as they are of "
		"several types, empty, or have no name of a column: \\\"tags\\\", \\\"mixed\\\", \\\"odd name\\\"\",\n"
		"\t\"type\": \"object\",\n\t\"required\": [\"id\", \"at\", \"n\", \"x\", \"note\", \"day\"],\n"
		"\t\"properties\": {\n"
		"\t\t\"id\": {\"type\": \"string\", \"format\": \"uuid\"},\n"
		"\t\t\"at\": {\"type\": \"string\", \"format\": \"date-time\"},\n"
		"\t\t\"n\": {\"type\": \"integer\"},\n"
		"\t\t\"x\": {\"type\": \"number\"},\n"
		"\t\t\"note\": {\"type\": [\"string\", \"null\"]},\n"
		"\t\t\"day\": {\"type\": \"string\"},\n"
		"\t\t\"ok\": {\"type\": \"boolean\"}\n\t}\n}\n");
	json_infer_close(i);
}

/* An array of 40 arrays: deeper than a column can be. A member of another type somewhere leaves only itself out. */
static void test_nested(void **state)
{
	(void)state;
	struct json_infer *i = NULL;
	struct err err;
	char deep[200] = "{\"deep\":";
	CHECK_OK(&err, json_infer_open(false, &i, &err));
	memset(deep + strlen(deep), '[', 40);
	memset(deep + strlen(deep), ']', 40);
	add(i, strcat(deep, "}"));
	add(i, "{\"who\":{\"name\":\"a\",\"odd name\":1,\"at\":{\"day\":\"2026-01-02\"}},\"none\":{},\"lines\":["
	       "{\"sku\":\"x\",\"price\":1},{\"sku\":\"y\",\"price\":2.5,\"tags\":[\"t\",null],\"mixed\":1}],\"grid\":["
	       "[1],[]],\"either\":{}}");
	add(i, "{\"who\":{\"name\":null},\"lines\":[{\"sku\":\"z\",\"price\":3,\"mixed\":[]}],\"grid\":[],\"either\":["
	       "1]}");
	proposes(i,
		"{\n\t\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n\t\"title\": \"orders\",\n"
		"\t\"$comment\": \"proposed from 3 messages; kept in extra, as they are of several types, empty, or "
		"have no name of a column: \\\"deep\\\", \\\"who.odd name\\\", \\\"none\\\", "
		"\\\"lines[].mixed\\\", \\\"either\\\"\",\n"
		"\t\"type\": \"object\",\n\t\"required\": [],\n\t\"properties\": {\n"
		"\t\t\"who\": {\"type\": \"object\", \"required\": [\"name\"], \"properties\": {\n"
		"\t\t\t\"name\": {\"type\": [\"string\", \"null\"]},\n"
		"\t\t\t\"at\": {\"type\": \"object\", \"required\": [\"day\"], \"properties\": {\n"
		"\t\t\t\t\"day\": {\"type\": \"string\", \"format\": \"date\"}\n\t\t\t}}\n\t\t}},\n"
		"\t\t\"lines\": {\"type\": \"array\", \"items\": {\"type\": \"object\", \"required\": [\"sku\", "
		"\"price\"], \"properties\": {\n"
		"\t\t\t\"sku\": {\"type\": \"string\"},\n\t\t\t\"price\": {\"type\": \"number\"},\n"
		"\t\t\t\"tags\": {\"type\": \"array\", \"items\": {\"type\": [\"string\", \"null\"]}}\n\t\t}}},\n"
		"\t\t\"grid\": {\"type\": \"array\", \"items\": {\"type\": \"array\", \"items\": "
		"{\"type\": \"integer\"}}}\n\t}\n}\n");
	json_infer_close(i);
	CHECK_OK(&err, json_infer_open(false, &i, &err)); /* as deep as can be */
	memset(deep, 0, sizeof deep);
	(void)strcpy(deep, "{\"deep\":");
	memset(deep + strlen(deep), '[', COLUMN_DEPTH_MAX - 1);
	(void)strcat(deep, "1");
	memset(deep + strlen(deep), ']', COLUMN_DEPTH_MAX - 1);
	add(i, strcat(deep, "}"));
	struct buf out;
	struct json_contract *c = NULL;
	const struct json_contract_opts o = {
		.file = "o.json", .table = "bronze.orders", .topic = "orders", .message_bytes_max = 1000};
	buf_init(&out, 0);
	CHECK_OK(&err, json_infer_schema(i, "orders", &out, &err));
	CHECK_OK(&err, json_contract_open((struct str){(const char *)out.p, out.n}, &o, &c, &err));
	json_contract_close(c);
	buf_deinit(&out);
	json_infer_close(i);
}

static void test_changes(void **state)
{
	(void)state;
	struct json_infer *i = NULL;
	struct err err;
	struct buf out;
	CHECK_OK(&err, json_infer_open(true, &i, &err));
	add(i, "{\"id\":1}");
	buf_init(&out, 0);
	CHECK_FAILS(E_NOT_FOUND, json_infer_schema(i, "t", &out, &err));
	buf_deinit(&out);
	add(i, "{\"op\":\"c\",\"after\":{\"id\":1}}");
	proposes(i, "{\n\t\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n\t\"title\": \"orders\",\n"
		    "\t\"$comment\": \"proposed from 1 messages; 1 others are no objects\",\n\t\"type\": \"object\",\n"
		    "\t\"required\": [\"id\"],\n\t\"properties\": {\n\t\t\"id\": {\"type\": \"integer\"}\n\t}\n}\n");
	json_infer_close(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types), cmocka_unit_test(test_nested), cmocka_unit_test(test_changes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
