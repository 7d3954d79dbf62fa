#include "check.h"

#include "base/buf.h"
#include "io/input_format.h"

#define HEAD(text, format)                           \
	{                                            \
		{(text), sizeof(text) - 1}, (format) \
	}

static void test_formats(void **state)
{
	(void)state;
	static const struct {
		struct str head;
		enum input_format format;
	} cases[] = {
		/* what is read, or might be */
		HEAD("", INPUT_TEXT),
		HEAD("\n \n", INPUT_TEXT),
		HEAD("{\"event_id\":\"1\"}\n{\"event_id\":\"2\"}\n", INPUT_JSON_LINES),
		HEAD("\xef\xbb\xbf{\"id\":1}", INPUT_JSON_LINES),
		HEAD("{}", INPUT_JSON_LINES),
		HEAD("not json\n{\"event_id\":\"1\"}\n", INPUT_TEXT),
		HEAD("# exported at 10:00\n{\"event_id\":\"1\"}\n", INPUT_TEXT),
		HEAD("[INFO] exported\n{}\n", INPUT_TEXT),
		HEAD("ORCHESTRA\n", INPUT_TEXT),
		HEAD("BZhang\n", INPUT_TEXT),
		HEAD("one, two\nthree\n", INPUT_TEXT),
		HEAD("\0\0\0\0\0\0\0\0{\"event_id\":\"1\"}\n",
			INPUT_BINARY), /* a hole that a crash left: not certain */
		/* text in other encodings, with and without a mark */
		HEAD("\xff\xfe{\0\"\0a\0", INPUT_UTF16LE),
		HEAD("\xfe\xff\0{\0\"\0a", INPUT_UTF16BE),
		HEAD("{\0\"\0a\0\"\0", INPUT_UTF16LE),
		HEAD("\0{\0\"\0a\0\"", INPUT_UTF16BE),
		HEAD("\xff\xfe\0\0{\0\0\0", INPUT_UTF32LE),
		HEAD("\0\0\xfe\xff\0\0\0{", INPUT_UTF32BE),
		HEAD("{\0\0\0\"\0\0\0", INPUT_UTF32LE),
		HEAD("\0\0\0{\0\0\0\"", INPUT_UTF32BE),
		/* marks */
		HEAD("PAR1\x15\0", INPUT_PARQUET),
		HEAD("PK\3\4\x14\0\6\0\10\0\0\0!\0abcdefghijklmn\0\0[Content_Types].xml", INPUT_OFFICE),
		HEAD("PK\3\4\x14\0\0\0\10\0\0\0!\0abcdefghijkl\0\0\0events.jsonl", INPUT_ZIP),
		HEAD("PK\5\6\0\0\0\0", INPUT_ZIP),
		HEAD("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", INPUT_OLE),
		HEAD("%PDF-1.7\n", INPUT_PDF),
		HEAD("\xfd"
		     "7zXZ\0\0\4",
			INPUT_XZ),
		HEAD("BZh91AY&SY\x12", INPUT_BZIP2),
		HEAD("\x04\x22\x4d\x18\x64", INPUT_LZ4),
		HEAD("7z\xbc\xaf\x27\x1c\0\4", INPUT_7Z),
		HEAD("Obj\1\4\x14", INPUT_AVRO),
		HEAD("ARROW1\0\0", INPUT_ARROW),
		HEAD("SQLite format 3\0", INPUT_SQLITE),
		HEAD("some\0thing", INPUT_BINARY),
		/* looks */
		HEAD("<!DOCTYPE html>\n<html>", INPUT_HTML),
		HEAD("  <HTML><body>", INPUT_HTML),
		HEAD("<?xml version=\"1.0\"?>", INPUT_XML),
		HEAD("From ana@example.org Mon Mar  2 09:00:00 2026\nFrom: Ana\n", INPUT_MBOX),
		HEAD("Return-Path: <ana@example.org>\nReceived: from a\n\tby b\nSubject: x\n\nHola\n", INPUT_EMAIL),
		HEAD("Subject: x\r\nTo: y\r\n\r\nHola", INPUT_EMAIL),
		HEAD("Nota: x\nOtra: y\n", INPUT_TEXT),
		HEAD("[{\"event_id\":\"1\"},\n", INPUT_JSON_ARRAY),
		HEAD("[\n  {\n", INPUT_JSON_ARRAY),
		HEAD("[]", INPUT_JSON_ARRAY),
		HEAD("{\n  \"event_id\": \"1\",\n", INPUT_JSON_SPREAD),
		HEAD("{\"events\": [\n{\"event_id\":\"1\"}\n", INPUT_JSON_SPREAD),
		HEAD("radicado;fecha;tipo\n2026;02/03/2026 09:00;\"Petición; otra\"\n", INPUT_CSV),
		HEAD("a,b\r\n1,2\r\n", INPUT_CSV),
		HEAD("a\tb\n1\t2\n", INPUT_CSV),
		HEAD("a|b\n1|2\n", INPUT_CSV),
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const enum input_format got = input_format_of(cases[i].head.p, cases[i].head.n);
		if (got != cases[i].format)
			fail_msg("case %zu (%.20s): format %d, expected %d", i, cases[i].head.p, (int)got,
				(int)cases[i].format);
		assert_int_equal(input_format_is_certain(got), got > INPUT_TEXT && got <= INPUT_SQLITE);
	}
	char tar[300] = "events.jsonl";
	memcpy(tar + 257, "ustar", 5);
	CHECK_I64(input_format_of(tar, sizeof tar), INPUT_TAR);
	CHECK_I64(input_format_of(tar, 260), INPUT_BINARY);
}

/* Every way in is a command that fits the error's room. */
static void test_refusals(void **state)
{
	(void)state;
	for (int f = 0; f < INPUT_FORMATS_N; f++) {
		struct err err;
		CHECK_FAILS(E_QUALITY, input_format_refuse((enum input_format)f, "x.csv", "line 1: not_json", &err));
		assert_non_null(strstr(err.message, "input x.csv is "));
		assert_non_null(strstr(err.message, "(line 1: not_json)"));
		assert_true(err.advice == ADVICE_PRODUCERS || (err.advice == ADVICE_CONVERT && err.about[0] != '\0'));
		assert_true(strlen(err.about) < ERR_ABOUT_MAX - 1);
	}
	struct err err;
	CHECK_FAILS(E_QUALITY, input_format_refuse(INPUT_JSON_ARRAY, "a.json", "line 1: not_json", &err));
	assert_string_equal(err.message,
		"input a.json is a JSON array, and events come as JSON Lines, one object a line (line 1: not_json)");
	assert_string_equal(err.about, "jq -c '.[]'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_formats), cmocka_unit_test(test_refusals)};
	return cmocka_run_group_tests_name("io/input_format", tests, NULL, NULL);
}
