#include "check.h"

#include <dirent.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/rng.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"

/* A copy of text that ends JSON_SCAN_PADDING bytes before the end of its block, filled with bytes that would mislead. */
static char *padded(const char *text, size_t n)
{
	char *copy = mem_alloc(n + JSON_SCAN_PADDING);
	assert_non_null(copy);
	if (n > 0) memcpy(copy, text, n);
	memset(copy + n, '"', JSON_SCAN_PADDING);
	return copy;
}

static bool accepts(const char *text, size_t n, struct json_scan *s)
{
	char *copy = padded(text, n);
	json_start(s, copy, n);
	const bool ok = json_skip(s, NULL) && json_end(s);
	mem_free(copy);
	return ok;
}

/* The oracle: RFC 8259 by recursive descent, sharing nothing with the scanner. NULL: refused. */
static const char *oracle_value(const char *p, const char *end, int depth);
static const char *oracle_space(const char *p, const char *end)
{
	while (p < end && strchr(" \t\r\n", *p) != NULL && *p != '\0') p++;
	return p;
}
static int oracle_unit(const char *p, const char *end)
{
	char digits[5] = {0};
	if (end - p < 4) return -1;
	memcpy(digits, p, 4);
	return strspn(digits, "0123456789abcdefABCDEF") == 4 ? (int)strtol(digits, NULL, 16) : -1;
}
static const char *oracle_string(const char *p, const char *end)
{
	if (p >= end || *p++ != '"') return NULL;
	for (; p < end; p++) {
		if (*p == '"') return p + 1;
		if ((unsigned char)*p < 0x20) return NULL;
		if (*p != '\\') continue;
		if (++p >= end || *p == '\0' || strchr("\"\\/bfnrtu", *p) == NULL) return NULL;
		if (*p != 'u') continue;
		const int unit = oracle_unit(p + 1, end);
		if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return NULL;
		p += 4;
		if (unit < 0xd800 || unit > 0xdfff) continue;
		if (end - p < 7 || p[1] != '\\' || p[2] != 'u') return NULL;
		const int low = oracle_unit(p + 3, end);
		if (low < 0xdc00 || low > 0xdfff) return NULL;
		p += 6;
	}
	return NULL;
}
static const char *oracle_digits(const char *p, const char *end)
{
	const char *from = p;
	while (p < end && *p >= '0' && *p <= '9') p++;
	return p == from ? NULL : p;
}
static const char *oracle_number(const char *p, const char *end)
{
	if (p < end && *p == '-') p++;
	if (p < end && *p == '0')
		p++;
	else if ((p = oracle_digits(p, end)) == NULL)
		return NULL;
	if (p < end && *p == '.' && (p = oracle_digits(p + 1, end)) == NULL) return NULL;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-')) p++;
		p = oracle_digits(p, end);
	}
	return p;
}
static const char *oracle_members(const char *p, const char *end, int depth, bool object)
{
	const char close = object ? '}' : ']';
	p = oracle_space(p + 1, end);
	if (p < end && *p == close) return p + 1;
	for (;;) {
		if (object) {
			p = oracle_string(oracle_space(p, end), end);
			if (p == NULL) return NULL;
			p = oracle_space(p, end);
			if (p >= end || *p++ != ':') return NULL;
		}
		p = oracle_value(oracle_space(p, end), end, depth + 1);
		if (p == NULL) return NULL;
		p = oracle_space(p, end);
		if (p >= end) return NULL;
		if (*p == close) return p + 1;
		if (*p++ != ',') return NULL;
	}
}
static const char *oracle_value(const char *p, const char *end, int depth)
{
	if (p >= end || depth > JSON_DEPTH_MAX) return NULL;
	if (*p == '{' || *p == '[') return depth >= JSON_DEPTH_MAX ? NULL : oracle_members(p, end, depth, *p == '{');
	if (*p == '"') return oracle_string(p, end);
	if (end - p >= 4 && (memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0)) return p + 4;
	if (end - p >= 5 && memcmp(p, "false", 5) == 0) return p + 5;
	return oracle_number(p, end);
}
static bool oracle(const char *text, size_t n)
{
	const char *end = text + n;
	const char *p = oracle_value(oracle_space(text, end), end, 0);
	return p != NULL && oracle_space(p, end) == end;
}

static void agree(const char *text, size_t n)
{
	struct json_scan fast, plain;
	const bool a = accepts(text, n, &fast);
	json_scan_force_plain(true);
	const bool b = accepts(text, n, &plain);
	json_scan_force_plain(false);
	if (a != b || fast.error_at != plain.error_at || fast.error != plain.error)
		fail_msg("%.*s: fast %d (%s at %zu), plain %d (%s at %zu)", (int)n, text, a, a ? "-" : fast.error,
			fast.error_at, b, b ? "-" : plain.error, plain.error_at);
	if (a != oracle(text, n))
		fail_msg("%.*s: scanner says %d (%s), oracle the contrary", (int)n, text, a, a ? "-" : fast.error);
}

struct verdict {
	const char *text;
	const char *error;
	size_t at;
}; /* error NULL: accepted */
static const struct verdict verdicts[] = {
	{"{}", NULL, 0},
	{" [ ] ", NULL, 0},
	{"null", NULL, 0},
	{"-0", NULL, 0},
	{"1.5e+3", NULL, 0},
	{"\"\"", NULL, 0},
	{"{\"a\":{\"b\":[1,2,{\"c\":[]}]},\"d\":\"\\ud83d\\ude00\"}", NULL, 0},
	{"\"\\u0000\"", NULL, 0},
	{"\"\x7f\"", NULL, 0},
	{"{\"a\" : 1 , \"b\" : [ true , false ] }\r", NULL, 0},
	{"", "text ends where a value must follow", 0},
	{"  ", "text ends where a value must follow", 2},
	{"{", "object or array without end", 1},
	{"[1", "object or array without end", 2},
	{"[1,", "text ends where a value must follow", 3},
	{"[1,]", "no value here", 3},
	{"{\"a\":1,}", "expected a member name", 7},
	{"{\"a\"1}", "expected ':' after a member name", 4},
	{"{a:1}", "expected a member name", 1},
	{"[1}", "expected ',' or ']'", 2},
	{"{\"a\":1]", "expected ',' or '}'", 6},
	{"01", "number with a leading zero", 1},
	{"-", "a minus sign without a digit", 1},
	{"1.", "decimal point without a digit after it", 2},
	{"1e", "exponent without a digit", 2},
	{"+1", "no value here", 0},
	{".5", "no value here", 0},
	{"nul", "unknown word", 0},
	{"truex", "more after the value", 4},
	{"{} {}", "more after the value", 3},
	{"\"a", "string without end", 0},
	{"\"a\nb\"", "control character in a string", 2},
	{"\"\\x\"", "unknown escape", 1},
	{"\"\\u12g4\"", "\\u without four hexadecimal digits", 1},
	{"\"\\ud800\"", "lone surrogate", 1},
	{"\"\\ud800\\n\"", "lone surrogate", 1},
	{"\"\\udc00\"", "lone surrogate", 1},
	{"\"\\ud800\\ud800\"", "lone surrogate", 1},
	{"\xef\xbb\xbf{}", "no value here", 0},
	{"[1 2]", "expected ',' or ']'", 3},
};

static void test_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
		const struct verdict *v = &verdicts[i];
		struct json_scan s;
		const bool ok = accepts(v->text, strlen(v->text), &s);
		if (ok != (v->error == NULL)) fail_msg("%s: %s", v->text, ok ? "accepted" : s.error);
		if (!ok && (strcmp(s.error, v->error) != 0 || s.error_at != v->at))
			fail_msg("%s: %s at %zu, expected %s at %zu", v->text, s.error, s.error_at, v->error, v->at);
		agree(v->text, strlen(v->text));
	}
}

/* Where the caller allows it a lone surrogate is no error; it is told, and gives U+FFFD both decoded and mended. */
static void test_lone_surrogates(void **state)
{
	(void)state;
	static const struct {
		const char *raw, *decoded, *mended;
		bool lone;
	} cases[] = {
		{"\\ud83d\\ude00", "\xf0\x9f\x98\x80", "\\ud83d\\ude00", false},
		{"\\\\ud800", "\\ud800", "\\\\ud800", false},
		{"\\ud800", "\xef\xbf\xbd", "\\ufffd", true},
		{"a\\uDBFFb",
			"a\xef\xbf\xbd"
			"b",
			"a\\ufffdb", true},
		{"\\udc00\\ud800", "\xef\xbf\xbd\xef\xbf\xbd", "\\ufffd\\ufffd", true},
		{"\\ud800\\ud83d\\ude00", "\xef\xbf\xbd\xf0\x9f\x98\x80", "\\ufffd\\ud83d\\ude00", true},
		{"\\ud800\\n\\udfff", "\xef\xbf\xbd\n\xef\xbf\xbd", "\\ufffd\\n\\ufffd", true},
		{"\\\\\\ud800", "\\\xef\xbf\xbd", "\\\\\\ufffd", true},
		{"\\ud800\\u0041",
			"\xef\xbf\xbd"
			"A",
			"\\ufffd\\u0041", true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const size_t n = strlen(cases[i].raw);
		char *text = mem_alloc(n + 2 + JSON_SCAN_PADDING);
		assert_non_null(text);
		memset(text, '"', n + 2 + JSON_SCAN_PADDING);
		memcpy(text + 1, cases[i].raw, n);
		struct json_scan s;
		struct json_string got;
		char decoded[64];
		json_start(&s, text, n + 2);
		s.lone_allowed = true;
		assert_true(json_take_string(&s, &got) && json_end(&s));
		assert_int_equal(s.lone, cases[i].lone);
		const size_t n_decoded = json_unescape(got.raw, decoded);
		CHECK_I64(n_decoded, strlen(cases[i].decoded));
		assert_memory_equal(decoded, cases[i].decoded, n_decoded);
		json_start(&s, text, n + 2);
		CHECK_I64(json_take_string(&s, &got), !cases[i].lone);
		json_mend_surrogates(text + 1, n);
		assert_memory_equal(text + 1, cases[i].mended, n);
		json_start(&s, text, n + 2);
		assert_true(json_take_string(&s, &got) && json_end(&s));
		mem_free(text);
	}
}

static void test_depth_is_bounded(void **state)
{
	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		const size_t depth = JSON_DEPTH_MAX + (size_t)extra;
		char *text = mem_alloc(2 * depth);
		assert_non_null(text);
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		struct json_scan s;
		CHECK_I64(accepts(text, 2 * depth, &s), extra == 0);
		if (extra == 1) assert_string_equal(s.error, "nested too deeply");
		agree(text, 2 * depth);
		mem_free(text);
	}
}

/* The walk: members in order, raw strings, nested values as text, the scanner's state behind a nested object. */
static void test_walk(void **state)
{
	(void)state;
	static const char text[] = "{\"a\":\"x\\ny\",\"b\":-12.5,\"c\":{\"d\":[1,{}]},\"e\":{\"f\":true,\"g\":[]},"
				   "\"h\":[1,\"z\"],\"i\":null}";
	char *copy = padded(text, sizeof text - 1);
	struct json_scan s;
	struct json_string key, value;
	struct str part;
	enum json_kind kind;
	json_start(&s, copy, sizeof text - 1);
	assert_true(json_object_begin(&s));
	assert_true(json_object_next(&s, &key) && str_is(key.raw, "a"));
	assert_true(json_take_string(&s, &value) && value.has_escape && str_is(value.raw, "x\\ny"));
	assert_true(json_object_next(&s, &key) && json_peek(&s) == JSON_NUMBER);
	assert_true(json_take_number(&s, &part) && str_is(part, "-12.5"));
	assert_true(json_object_next(&s, &key) && json_skip(&s, &part) && str_is(part, "{\"d\":[1,{}]}"));
	assert_true(json_object_next(&s, &key) && json_object_begin(&s));
	assert_true(json_object_next(&s, &key) && json_take_literal(&s, &kind) && kind == JSON_TRUE);
	assert_true(json_object_next(&s, &key) && json_array_begin(&s));
	assert_false(json_array_next(&s));
	assert_false(json_object_next(&s, &key));
	assert_null(s.error);
	assert_true(json_object_next(&s, &key) && json_array_begin(&s));
	assert_true(json_array_next(&s) && json_skip(&s, &part) && str_is(part, "1"));
	assert_true(json_array_next(&s) && json_take_string(&s, &value) && str_is(value.raw, "z"));
	assert_false(json_array_next(&s));
	assert_true(json_object_next(&s, &key) && json_take_literal(&s, &kind) && kind == JSON_NULL);
	assert_false(json_object_next(&s, &key));
	assert_true(json_end(&s));
	mem_free(copy);
}

static void test_wrong_kind_sets_an_error(void **state)
{
	(void)state;
	char *copy = padded("{\"a\":1}", 7);
	struct json_scan s;
	struct json_string key;
	json_start(&s, copy, 7);
	assert_false(json_array_begin(&s));
	assert_string_equal(s.error, "not an array");
	assert_false(json_end(&s));
	json_start(&s, copy, 7);
	assert_true(json_object_begin(&s) && json_object_next(&s, &key));
	assert_false(json_take_string(&s, &key));
	assert_string_equal(s.error, "not a string");
	CHECK_I64(s.error_at, 5);
	json_start(&s, copy, 7);
	assert_true(json_object_begin(&s));
	assert_false(json_end(&s));
	mem_free(copy);
}

static void test_unescape(void **state)
{
	(void)state;
	static const struct {
		const char *raw, *want;
	} cases[] = {
		{"", ""},
		{"abc", "abc"},
		{"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
		{"\\u00f3", "\xc3\xb3"},
		{"a\\u20ACz", "a\xe2\x82\xacz"},
		{"\\ud83d\\uDE00", "\xf0\x9f\x98\x80"},
		{"\\udbff\\udfff", "\xf4\x8f\xbf\xbf"},
		{"\\u007f\\u0080", "\x7f\xc2\x80"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char dst[64];
		const size_t n = json_unescape(str_of(cases[i].raw), dst);
		if (n != strlen(cases[i].want) || memcmp(dst, cases[i].want, n) != 0)
			fail_msg("%s gives %.*s", cases[i].raw, (int)n, dst);
	}
	char dst[8] = "xxxxxxx";
	CHECK_I64(json_unescape(STR("\\u0000"), dst), 1);
	CHECK_I64(dst[0], 0);
}

static void test_number_i64(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} cases[] = {
		{"0", true, 0},
		{"-0", true, 0},
		{"12", true, 12},
		{"-12", true, -12},
		{"1e2", true, 100},
		{"5.0", true, 5},
		{"1.50e1", true, 15},
		{"120e-1", true, 12},
		{"0e999999999999999999", true, 0},
		{"0.000", true, 0},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"9223372036854775808", false, 0},
		{"-9223372036854775809", false, 0},
		{"1.5", false, 0},
		{"1e-1", false, 0},
		{"1e19", false, 0},
		{"1e18", true, INT64_C(1000000000000000000)},
		{"1e400", false, 0},
		{"1e99999999999999999999", false, 0},
		{"1e-99999999999999999999", false, 0},
		{"0.00000000000000000001e20", true, 1},
		{"100000000000000000000e-20", true, 1},
		{"123456789012345678901", false, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t value = 77;
		const bool ok = json_number_i64(str_of(cases[i].text), &value);
		if (ok != cases[i].ok || (ok && value != cases[i].value) || (!ok && value != 77))
			fail_msg("%s: %d, %lld", cases[i].text, ok, (long long)value);
	}
}

static const char *const seeds[] = {
	"{\"event_id\":\"8c2f7a0e-5f5e-4d3e-9a51-0b8a3a1c7f10\",\"data\":{\"text\":\"Se\xc3\xb1or \\\"Juan\\\" \\u00f3 "
	"\\ud83d\\ude00\",\"n\":[1,-2.5e3,0]}}",
	"[[[{\"a\":[true,false,null]}],\"a fairly long string that spans several vector registers, with \\n and \\\\ "
	"escapes in it\"]]",
	"{\"k\":1.25E-7,\"l\":\"\",\"m\":{},\"n\":[],\"o\":\"\\/\\b\\f\\r\\t\"}  ",
};

/* Every prefix of a text is refused, every one-byte change gets the oracle's verdict. */
static void test_every_prefix_and_change(void **state)
{
	(void)state;
	static const char bytes[] = "\"\\{}[],:0-e.u \n\x1f"
				    "at";
	for (size_t k = 0; k < sizeof seeds / sizeof seeds[0]; k++) {
		const size_t n = strlen(seeds[k]);
		char text[256];
		for (size_t cut = 0; cut <= n; cut++) agree(seeds[k], cut);
		for (size_t i = 0; i < n; i++) {
			for (size_t b = 0; b < sizeof bytes; b++) {
				memcpy(text, seeds[k], n);
				text[i] = bytes[b];
				agree(text, n);
			}
		}
	}
}

static void test_random_mutations(void **state)
{
	(void)state;
	static const char bytes[] = "\"\\{}[],:01-+eE.utrfn\xc3 ";
	for (uint32_t round = 0; round < 60000; round++) {
		char text[512];
		const char *seed = seeds[round % 3];
		size_t n = strlen(seed);
		memcpy(text, seed, n);
		const uint32_t changes = 1 + round % 4;
		for (uint32_t c = 0; c < changes; c++) {
			const struct rng4 r = rng_philox(7, round, 0, c);
			const size_t at = rng_below(r.v[0], (uint32_t)n);
			const size_t len = 1 + rng_below(r.v[1], 8) % (n - at);
			switch (r.v[2] % 3) {
			case 0: text[at] = bytes[rng_below(r.v[3], sizeof bytes - 1)]; break;
			case 1:
				memmove(text + at, text + at + len, n - at - len);
				n -= len;
				break;
			default:
				memmove(text + at + len, text + at, n - at);
				n += len;
				break;
			}
			if (n == 0) text[n++] = '1';
		}
		agree(text, n);
	}
}

static void corpus_file(const char *dir, const char *name)
{
	char path[1024];
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	char *text = mem_alloc(1 << 20);
	assert_non_null(text);
	const size_t n = fread(text, 1, 1 << 20, f);
	(void)fclose(f);
	struct json_scan s;
	const bool ok = utf8_valid(text, n) && accepts(text, n, &s);
	if (name[0] == 'y' && !ok) fail_msg("%s must be accepted: %s", name, s.error);
	if (name[0] == 'n' && ok) fail_msg("%s must be refused", name);
	if (n < 10000) agree(text, n);
	mem_free(text);
}

static void test_corpus(void **state)
{
	(void)state;
	const char *root = getenv("PQR_CORPORA");
	char dir[512];
	(void)snprintf(dir, sizeof dir, "%s/json_parsing/test_parsing",
		root != NULL && root[0] != '\0' ? root : PQR_SOURCE_DIR "/../shared/corpora");
	DIR *d = opendir(dir);
	if (d == NULL) {
		print_message("skipped: no JSON conformance files in %s (set PQR_CORPORA)\n", dir);
		skip();
	}
	int files[3] = {0};
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] == '.') continue;
		corpus_file(dir, e->d_name);
		files[e->d_name[0] == 'y' ? 0 : e->d_name[0] == 'n' ? 1 : 2]++;
	}
	(void)closedir(d);
	print_message("corpus: %d accepted, %d refused, %d either\n", files[0], files[1], files[2]);
	assert_in_range(files[0], 90, 1000);
	assert_in_range(files[1], 180, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_lone_surrogates),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_wrong_kind_sets_an_error),
		cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_number_i64),
		cmocka_unit_test(test_every_prefix_and_change),
		cmocka_unit_test(test_random_mutations),
		cmocka_unit_test(test_corpus),
	};
	return cmocka_run_group_tests_name("io/json_scan", tests, NULL, NULL);
}
