#include "check.h"

#include "base/rng.h"
#include "base/time.h"
#include "io/json/json_scan.h"
#include "table/log/action.h"

/* Parse text as one line; it is copied into arena with the scanner's padding behind it. */
static status parse(struct arena *arena, const char *text, struct delta_action *a, struct err *err)
{
	const size_t n = strlen(text);
	char *line = arena_zalloc(arena, n + JSON_SCAN_PADDING, 1);
	assert_non_null(line);
	memcpy(line, text, n);
	err_clear(err);
	return delta_action_parse((struct str){line, n}, arena, a, err);
}

static void check_str(struct str got, const char *want)
{
	if (!str_is(got, want)) fail_msg("'%.*s', expected '%s'", (int)got.n, got.p, want);
}

static void test_kinds(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum delta_kind kind;
	} cases[] = {
		{"{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}", DELTA_PROTOCOL},
		{"{\"txn\":{\"appId\":\"a\",\"version\":7}}", DELTA_APP_TXN},
		{"{\"add\":null,\"txn\":{\"appId\":\"a\",\"version\":7}}", DELTA_APP_TXN},
		{"{\"domainMetadata\":{\"domain\":\"d\",\"configuration\":\"{}\",\"removed\":true}}", DELTA_DOMAIN},
		{"{\"commitInfo\":{}}", DELTA_COMMIT_INFO},
		{"{\"commitInfo\":{\"timestamp\":\"late\",\"operation\":[1],\"txnId\":{}}}", DELTA_COMMIT_INFO},
		{"{\"cdc\":{\"path\":\"../x\"}}", DELTA_CDC},
		{"{\"future\":[{\"a\":1}]}", DELTA_OTHER},
		{"{}", DELTA_OTHER},
		{"{\"sidecar\":{\"path\":\"s3://b/t/_delta_log/_sidecars/x.parquet\",\"sizeInBytes\":1}}",
			DELTA_SIDECAR},
		{"{\"checkpointMetadata\":{\"version\":1}}", DELTA_CHECKPOINT_METADATA},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct delta_action a;
		struct err err;
		arena_init(&arena, 0);
		if (parse(&arena, cases[i].line, &a, &err) != OK) fail_msg("%s: %s", cases[i].line, err.message);
		CHECK_I64(a.kind, cases[i].kind);
		if (a.kind == DELTA_SIDECAR) check_str(a.sidecar.path, "x.parquet");
		arena_deinit(&arena);
	}
}

static void test_members(void **state)
{
	(void)state;
	struct arena arena;
	struct delta_action a;
	struct err err;
	arena_init(&arena, 0);
	CHECK_OK(&err, parse(&arena,
			       "{\"add\":{\"modificationTime\":-5,\"size\":9223372036854775807,\"dataChange\":false,"
			       "\"baseRowId\":4,"
			       "\"partitionValues\":{\"d\":\"2020-01-01\",\"n\":null,\"e\":\"\",\"u\":\"\\u00e9\\n\"},"
			       "\"stats\":\"{\\\"numRecords\\\":1}\",\"tags\":{\"k\":\"v\"},"
			       "\"path\":\"d=2020-01-01/part%201%C3%A9.parquet\","
			       "\"deletionVector\":{\"storageType\":\"u\",\"pathOrInlineDv\":\"ab^-\",\"offset\":4}}}",
			       &a, &err));
	check_str(a.add.path, "d=2020-01-01/part 1\xc3\xa9.parquet");
	CHECK_I64(a.add.size, INT64_MAX);
	CHECK_I64(a.add.modified_ms, -5);
	assert_false(a.add.data_change);
	check_str(a.add.stats, "{\"numRecords\":1}");
	check_str(a.add.dv.unique_id, "uab^-@4");
	CHECK_I64(a.add.partition.n, 4);
	check_str(delta_pairs_get(&a.add.partition, STR("u"))->value, "\xc3\xa9\n");
	assert_null(delta_pairs_get(&a.add.partition, STR("n"))->value.p);
	CHECK_I64(delta_pairs_get(&a.add.partition, STR("e"))->value.n, 0);
	assert_null(delta_pairs_get(&a.add.partition, STR("x")));
	CHECK_OK(&err,
		parse(&arena,
			"{\"commitInfo\":{\"timestamp\":1515491537026,\"operation\":\"WRITE\",\"engineInfo\":\"e\","
			"\"txnId\":\"t\",\"inCommitTimestamp\":3,\"x\":{\"y\":[]}}}",
			&a, &err));
	CHECK_I64(a.info.timestamp_ms, 1515491537026);
	CHECK_I64(a.info.in_commit_ms, 3);
	check_str(a.info.txn_id, "t");
	CHECK_I64(a.info.text.p[a.info.text.n - 1], '}');
	CHECK_OK(&err,
		parse(&arena,
			"{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"a\",\"b\"],"
			"\"writerFeatures\":[]}}",
			&a, &err));
	check_str(a.protocol.reader_features.items[1], "b");
	CHECK_OK(&err,
		parse(&arena, "{\"remove\":{\"path\":\"p\",\"dataChange\":true,\"deletionTimestamp\":15}}", &a, &err));
	CHECK_I64(a.remove.deleted_ms, 15);
	CHECK_I64(a.remove.size, -1);
	assert_false(a.remove.extended);
	arena_deinit(&arena);
}

#define ADD(path)                                                                                                  \
	"{\"add\":{\"path\":\"" path "\",\"partitionValues\":{},\"size\":1,\"modificationTime\":2,\"dataChange\":" \
	"true}}"

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *line, *message;
		int64_t offset; /* -1: any */
		status code;
	} cases[] = {
		{"{\"add\":{\"path\":\"p\",\"size\":1", "object without end", 27, E_CORRUPT},
		{"{\"txn\":{\"appId\":\"a\",\"version\":1}", "object without end", 32, E_CORRUPT},
		{"", "", 0, E_CORRUPT},
		{"[]", "not an object", 0, E_CORRUPT},
		{"{} {}", "more after the value", 3, E_CORRUPT},
		{"{\"add\":{}}", "add without path", 7, E_CORRUPT},
		{"{\"add\":7}", "not an object", 7, E_CORRUPT},
		{"{\"add\":{\"path\":\"p\",\"partitionValues\":{},\"modificationTime\":1,\"dataChange\":true}}",
			"without size", 7, E_CORRUPT},
		{"{\"add\":{\"path\":\"p\",\"size\":1,\"modificationTime\":1,\"dataChange\":true}}", "partitionValues",
			7, E_CORRUPT},
		{"{\"add\":{\"path\":\"p\",\"partitionValues\":{},\"size\":9223372036854775808}}", "out of range", 47,
			E_CORRUPT},
		{"{\"add\":{\"path\":\"p\",\"partitionValues\":{},\"size\":-1}}", "out of range", 47, E_CORRUPT},
		{"{\"add\":{\"path\":\"p\",\"partitionValues\":{},\"size\":1.5}}", "out of range", 47, E_CORRUPT},
		{"{\"add\":{\"path\":\"p\",\"size\":\"1\"}}", "whole number", 26, E_CORRUPT},
		{"{\"add\":{\"modificationTime\":9223372036854775807}}", "out of range", 27, E_CORRUPT},
		{"{\"add\":{\"partitionValues\":{\"a\":1}}}", "expected a string", 31, E_CORRUPT},
		{"{\"add\":{\"dataChange\":1}}", "true or false", 21, E_CORRUPT},
		{"{\"add\":{\"path\":\"a\\ud800\"}}", "lone surrogate", 17, E_CORRUPT},
		{"{\"add\":{\"path\":\"\xff\"}}", "not UTF-8", 16, E_CORRUPT},
		{"{\"remove\":{\"path\":\"p\"}}", "remove without dataChange", 10, E_CORRUPT},
		{"{\"txn\":{\"appId\":\"a\"}}", "txn without", 7, E_CORRUPT},
		{"{\"protocol\":{\"minReaderVersion\":1}}", "protocol without", 12, E_CORRUPT},
		{"{\"protocol\":{\"minReaderVersion\":99999999999}}", "out of range", 32, E_CORRUPT},
		{"{\"protocol\":{\"readerFeatures\":[null]}}", "null in an array", 31, E_CORRUPT},
		{"{\"metaData\":{\"id\":\"i\",\"partitionColumns\":[]}}", "without schemaString", 12, E_CORRUPT},
		{"{\"metaData\":{\"format\":{\"provider\":\"orc\"}}}", "orc", 22, E_UNSUPPORTED},
		{"{\"txn\":{\"appId\":\"a\",\"version\":7},\"remove\":{}}", "two actions", 42, E_CORRUPT},
		{ADD(""), "empty", 15, E_CORRUPT},
		{ADD("/etc/passwd"), "absolute", 15, E_CORRUPT},
		{ADD("%2Fetc/passwd"), "absolute", 15, E_CORRUPT},
		{ADD("s3://bucket/x"), "absolute", 15, E_CORRUPT},
		{ADD("file:/x"), "absolute", 15, E_CORRUPT},
		{ADD("../x"), "'..'", 15, E_CORRUPT},
		{ADD("a/%2e%2E/x"), "'..'", 15, E_CORRUPT},
		{ADD("a/%2e./x"), "'..'", 15, E_CORRUPT},
		{ADD("a/../../x"), "'..'", 15, E_CORRUPT},
		{ADD("a//b"), "empty", 15, E_CORRUPT},
		{ADD("a/"), "empty", 15, E_CORRUPT},
		{ADD("./a"), "'.'", 15, E_CORRUPT},
		{ADD("a%00b"), "control", 15, E_CORRUPT},
		{ADD("a%0Ab"), "control", 15, E_CORRUPT},
		{ADD("a\\u0001b"), "control", 15, E_CORRUPT},
		{ADD("a%"), "hexadecimal", 15, E_CORRUPT},
		{ADD("a%2"), "hexadecimal", 15, E_CORRUPT},
		{ADD("a%zz"), "hexadecimal", 15, E_CORRUPT},
		{ADD("a%ff"), "UTF-8", 15, E_CORRUPT},
		{ADD("_delta_log/0.json"), "log", 15, E_CORRUPT},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct delta_action a;
		struct err err;
		arena_init(&arena, 0);
		const status code = parse(&arena, cases[i].line, &a, &err);
		if (code != cases[i].code || strstr(err.message, cases[i].message) == NULL ||
			err.offset != cases[i].offset)
			fail_msg("%s: %s at %lld: '%s', expected '%s' at %lld", cases[i].line, status_name(code),
				(long long)err.offset, err.message, cases[i].message, (long long)cases[i].offset);
		arena_deinit(&arena);
	}
}

/* ---- round trip -------------------------------------------------------------------------------------------- */

struct dice {
	uint32_t seed, i;
};
static uint32_t roll(struct dice *d, uint32_t n)
{
	return rng_below(rng_philox(d->seed, 1, 2, d->i++).v[0], n);
}

static struct str random_text(struct dice *d, struct arena *arena, bool path)
{
	static const char *const pieces[] = {"a", "Z9", " ", "%", "%41", "\"", "\\", "\xc3\xb1", "\xf0\x9f\x98\x80",
		"=", ":", "+", "#", "?", "{", "/x", "\n", "\x01"};
	struct buf b;
	buf_init(&b, 0);
	if (path) buf_str(&b, "p=");
	for (uint32_t left = roll(d, 6) + 1; left > 0; left--)
		buf_str(&b, pieces[roll(d, sizeof pieces / sizeof pieces[0] - (path ? 2 : 0))]);
	char *copy = arena_strndup(arena, (const char *)b.p, b.n);
	assert_non_null(copy);
	const struct str s = {copy, b.n};
	buf_deinit(&b);
	return s;
}

static struct delta_pairs random_pairs(struct dice *d, struct arena *arena)
{
	const uint32_t n = roll(d, 4);
	struct delta_pair *items = ARENA_NEW(arena, struct delta_pair, n + 1);
	assert_non_null(items);
	for (uint32_t i = 0; i < n; i++) {
		items[i].key = random_text(d, arena, false);
		items[i].value = roll(d, 3) == 0   ? (struct str){NULL, 0}
				 : roll(d, 4) == 0 ? STR("")
						   : random_text(d, arena, false);
	}
	return (struct delta_pairs){items, n};
}

static struct delta_strings random_strings(struct dice *d, struct arena *arena)
{
	const uint32_t n = roll(d, 4);
	struct str *items = ARENA_NEW(arena, struct str, n + 1);
	assert_non_null(items);
	for (uint32_t i = 0; i < n; i++) items[i] = random_text(d, arena, false);
	return (struct delta_strings){items, n};
}

static int64_t random_i64(struct dice *d, int64_t max)
{
	const uint64_t v = (uint64_t)roll(d, UINT32_MAX) << 32 | roll(d, UINT32_MAX);
	return (int64_t)(v >> (1 + roll(d, 62))) % max;
}

static struct delta_action random_action(struct dice *d, struct arena *arena)
{
	static const enum delta_kind kinds[] = {
		DELTA_ADD, DELTA_REMOVE, DELTA_PROTOCOL, DELTA_METADATA, DELTA_APP_TXN, DELTA_DOMAIN};
	struct delta_action a = {.kind = kinds[roll(d, 6)]};
	const struct delta_dv dv = {roll(d, 2) ? (struct str){NULL, 0} : roll(d, 2) ? STR("uab@12") : STR("ix@3")};
	switch (a.kind) {
	case DELTA_ADD:
		a.add = (struct delta_add){.path = random_text(d, arena, true),
			.partition = random_pairs(d, arena),
			.size = random_i64(d, INT64_MAX),
			.modified_ms = random_i64(d, 1 << 30) - 1000,
			.data_change = roll(d, 2),
			.stats = roll(d, 2) ? random_text(d, arena, false) : (struct str){NULL, 0},
			.tags = random_pairs(d, arena),
			.dv = dv};
		break;
	case DELTA_REMOVE:
		a.remove = (struct delta_remove){.path = random_text(d, arena, true),
			.deleted_ms = roll(d, 2) ? random_i64(d, 1 << 30) : 0,
			.data_change = roll(d, 2),
			.extended = roll(d, 2),
			.size = roll(d, 2) ? random_i64(d, INT64_MAX) : -1,
			.dv = dv};
		if (a.remove.extended) a.remove.partition = random_pairs(d, arena);
		break;
	case DELTA_PROTOCOL:
		a.protocol = (struct delta_protocol){.min_reader = 3,
			.min_writer = 7,
			.reader_features = random_strings(d, arena),
			.writer_features = random_strings(d, arena)};
		break;
	case DELTA_METADATA:
		a.metadata = (struct delta_metadata){.id = random_text(d, arena, false),
			.name = random_text(d, arena, false),
			.schema = random_text(d, arena, false),
			.partition_columns = random_strings(d, arena),
			.configuration = random_pairs(d, arena),
			.created_ms = roll(d, 2) ? random_i64(d, 1 << 30) : -1};
		break;
	case DELTA_APP_TXN:
		a.app_txn = (struct delta_app_txn){
			random_text(d, arena, false), random_i64(d, INT64_MAX), roll(d, 2) ? 5 : -1};
		break;
	default:
		a.domain =
			(struct delta_domain){random_text(d, arena, false), random_text(d, arena, false), roll(d, 2)};
	}
	return a;
}

/* The struct after JSON and back says the same: compared by writing it again, and by its plain members. */
static void test_round_trip(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 3000 / CHECK_ONE_IN; seed++) {
		struct dice d = {seed, 0};
		struct arena arena;
		struct buf first, second;
		struct delta_action back;
		struct err err;
		arena_init(&arena, 0);
		buf_init(&first, 0);
		buf_init(&second, 0);
		const struct delta_action a = random_action(&d, &arena);
		delta_action_json(&first, &a);
		assert_int_equal(first.p[first.n - 1], '\n');
		assert_ptr_equal(memchr(first.p, '\n', first.n), first.p + first.n - 1);
		first.p[first.n - 1] = '\0';
		if (parse(&arena, (char *)first.p, &back, &err) != OK)
			fail_msg("seed %u: %s: %s", seed, (char *)first.p, err.message);
		first.p[first.n - 1] = '\n';
		delta_action_json(&second, &back);
		CHECK_I64(back.kind, a.kind);
		CHECK_I64(second.n, first.n);
		assert_memory_equal(second.p, first.p, first.n);
		if (a.kind == DELTA_ADD) {
			assert_true(str_eq(a.add.path, back.add.path));
			assert_true(str_eq(a.add.stats, back.add.stats));
			assert_true(str_eq(a.add.dv.unique_id, back.add.dv.unique_id));
			CHECK_I64(back.add.size, a.add.size);
			CHECK_I64(back.add.partition.n, a.add.partition.n);
		}
		buf_deinit(&first);
		buf_deinit(&second);
		arena_deinit(&arena);
	}
}

static void test_path_codes(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"a b/c#d?e.parquet", "a%20b/c%23d%3Fe.parquet"},
		{"d=2020-01-01 12%3A00/x", "d=2020-01-01%2012%253A00/x"}, {"\xc3\xb1.parquet", "%C3%B1.parquet"},
		{"-._~/=!$&'()*+,;:@aZ0", "-._~/=!$&'()*+,;:@aZ0"},
		{"\"\\^`{|}<>[]", "%22%5C%5E%60%7B%7C%7D%3C%3E%5B%5D"}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct buf b;
		struct str back;
		struct err err;
		arena_init(&arena, 0);
		buf_init(&b, 0);
		path_url_encode(&b, str_of(cases[i][0]));
		check_str((struct str){(char *)b.p, b.n}, cases[i][1]);
		CHECK_OK(&err, path_url_decode((struct str){(char *)b.p, b.n}, &arena, &back, &err));
		check_str(back, cases[i][0]);
		buf_deinit(&b);
		arena_deinit(&arena);
	}
}

/* A hundred thousand adds, as Spark writes them, in well under 0.3 s; the bound is loose for sanitizers and busy machines. */
static void test_speed(void **state)
{
	(void)state;
	enum { ADDS = 100000 / CHECK_ONE_IN };
	struct arena arena;
	struct delta_action a;
	struct err err;
	arena_init(&arena, 0);
	static char line[1024];
	const int64_t from = time_mono_us();
	int64_t size = 0;
	for (int i = 0; i < ADDS; i++) {
		const int n = snprintf(line, sizeof line - JSON_SCAN_PADDING,
			"{\"add\":{\"path\":\"month=2025-09/run_id=0f8fad5b-d9cb-469f-a165-70867728950e/"
			"part-%05d.parquet\",\"partitionValues\":"
			"{\"month\":\"2025-09\",\"run_id\":\"0f8fad5b-d9cb-469f-a165-70867728950e\"},\"size\":%d,"
			"\"modificationTime\":"
			"1757000000000,\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":1000,\\\"minValues\\\":{"
			"\\\"id\\\":1,\\\"name\\\":"
			"\\\"a\\\"},\\\"maxValues\\\":{\\\"id\\\":9,\\\"name\\\":\\\"z\\\"},\\\"nullCount\\\":{"
			"\\\"id\\\":0,\\\"name\\\":0}}\"}}",
			i, i);
		CHECK_OK(&err, delta_action_parse((struct str){line, (size_t)n}, &arena, &a, &err));
		size += a.add.size;
	}
	CHECK_I64(size, (int64_t)ADDS * (ADDS - 1) / 2);
	const int64_t us = time_mono_us() - from;
	print_message("%d adds parsed in %lld us\n", ADDS, (long long)us);
	if (us > 5000000) fail_msg("%lld us", (long long)us);
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_path_codes),
		cmocka_unit_test(test_speed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
