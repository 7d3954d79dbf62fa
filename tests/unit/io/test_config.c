#include "check.h"

#include "base/limits.h"
#include "io/config/config.h"

static const char *const codecs[] = {"zstd", "snappy", NULL};
static const struct config_key items[] = {
	{"lake.uri", CONFIG_T_STRING, 0, 0, NULL, "./lake", false, "", 0},
	{"control.uri", CONFIG_T_STRING, 0, 0, NULL, "", true, "", 0},
	{"simulation.seed", CONFIG_T_INT, 0, 1000, NULL, "42", false, "", 0},
	{"simulation.volume_daily_avg", CONFIG_T_INT, 0, 100000, NULL, "1150", false, "", 0},
	{"simulation.date_range.from", CONFIG_T_DATE, 0, 0, NULL, "2025-09-01", false, "", 0},
	{"simulation.truncate", CONFIG_T_BOOL, 0, 0, NULL, "true", false, "", 0},
	{"simulation.rate", CONFIG_T_DECIMAL, 0, 1000000, NULL, "0.1", false, "", 0},
	{"parquet.codec", CONFIG_T_CHOICE, 0, 0, codecs, "zstd", false, "", 0},
	{"server.token", CONFIG_T_INT, 0, 9, NULL, "1", true, "", 0},
};
static const struct config_keys keys = {items, sizeof items / sizeof items[0]};

static const char *text_of(const struct err *err)
{
	static char text[1024];
	return err_text(err, text, sizeof text);
}

/* Parse a file over the defaults and check it. */
static status load(struct config *c, enum config_format format, const char *text, struct err *err)
{
	struct config_node *file = NULL;
	TRY(config_init(c, err));
	TRY(config_defaults(c, &keys, 1, err));
	TRY(config_parse(c, format, str_of(text), "pqr.yaml", &file, err));
	TRY(config_merge(c, c->root, file, err));
	return config_check(c, &keys, 1, err);
}

static int64_t i64_at(const struct config *c, const char *path)
{
	struct err err = {0};
	int64_t v = -99;
	const struct config_node *node = NULL;
	CHECK_OK(&err, config_need(c->root, path, &node, &err));
	CHECK_OK(&err, config_i64(node, INT64_MIN, INT64_MAX, &v, &err));
	return v;
}

static void later_wins(void **state)
{
	(void)state;
	struct err err = {0};
	struct config c;
	CHECK_OK(&err,
		load(&c, CONFIG_YAML, "# comment\nsimulation:\n  seed: 7\n  volume_daily_avg: 20\nlake:\n", &err));
	CHECK_I64(i64_at(&c, "simulation.seed"), 7);
	CHECK_I64(i64_at(&c, "simulation.volume_daily_avg"), 20);
	assert_string_equal(config_find(c.root, "lake.uri")->text.p, "./lake");
	const char *const env[] = {"HOME=/", "PQR_SIMULATION_SEED=8", "PQR_SIMULATION_DATE_RANGE_FROM=2024-01-01",
		"PQR_LAKE_URI=", "PQR_CORPORA=x", NULL};
	CHECK_OK(&err, config_environment(&c, &keys, 1, env, &err));
	CHECK_I64(i64_at(&c, "simulation.seed"), 8);
	CHECK_I64(i64_at(&c, "simulation.volume_daily_avg"), 20);
	assert_string_equal(config_find(c.root, "simulation.date_range.from")->text.p, "2024-01-01");
	assert_string_equal(config_find(c.root, "lake.uri")->text.p, "./lake"); /* an empty variable counts as none */
	CHECK_OK(&err, config_set(&c, "simulation.seed", "9", "--seed", &err));
	CHECK_I64(i64_at(&c, "simulation.seed"), 9);
	CHECK_OK(&err, config_check(&c, &keys, 1, &err));
	config_deinit(&c);
}

static void mistakes_name_place_and_key(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"simulation:\n  sead: 7\n", "pqr.yaml:2: simulation.sead: unknown key; did you mean \"seed\"?"},
		{"simulatoin:\n  seed: 7\n", "pqr.yaml:1: simulatoin: unknown key; did you mean \"simulation\"?"},
		{"simulation:\n  frobnicate: 7\n",
			"pqr.yaml:2: simulation.frobnicate: unknown key; docs/configuration.md lists them"},
		{"simulation:\n\n  seed: abc\n",
			"pqr.yaml:3: simulation.seed: expected an integer from 0 to 1000, found \"abc\""},
		{"simulation:\n  seed: \"7\"\n",
			"pqr.yaml:2: simulation.seed: expected an integer from 0 to 1000, found \"7\""},
		{"simulation:\n  seed: 1001\n",
			"pqr.yaml:2: simulation.seed: expected an integer from 0 to 1000, found 1001"},
		{"simulation:\n  seed: 99999999999999999999\n",
			"pqr.yaml:2: simulation.seed: expected an integer from 0 to 1000, found 99999999999999999999"},
		{"simulation:\n  seed: 1.5\n",
			"pqr.yaml:2: simulation.seed: expected an integer from 0 to 1000, found 1.5"},
		{"simulation:\n  seed:\n",
			"pqr.yaml:2: simulation.seed: expected an integer from 0 to 1000, found nothing"},
		{"simulation:\n  seed: [1]\n",
			"pqr.yaml:2: simulation.seed: expected an integer from 0 to 1000, found a list"},
		{"simulation:\n  seed: {a: 1}\n",
			"pqr.yaml:2: simulation.seed: expected an integer from 0 to 1000, found a map"},
		{"simulation: 7\n", "pqr.yaml:1: simulation: expected a map (key: value), found 7"},
		{"lake: {uri: 42}\n", "pqr.yaml:1: lake.uri: expected a text (put it in quotes), found 42"},
		{"simulation: {truncate: yes}\n",
			"pqr.yaml:1: simulation.truncate: expected true or false, found \"yes\""},
		{"simulation: {date_range: {from: 2025-02-29}}\n",
			"pqr.yaml:1: simulation.date_range.from: expected a date YYYY-MM-DD: 2025-02 has 28 days, "
			"found \"2025-02-29\""},
		{"simulation: {rate: 1.1}\n", "pqr.yaml:1: simulation.rate: expected a decimal number from 0 to 1 with "
					      "at most 6 digits after the point, found 1.1"},
		{"simulation: {rate: 0.1234567}\n", "pqr.yaml:1: simulation.rate: expected a decimal number from 0 to "
						    "1 with at most 6 digits after the point, found 0.1234567"},
		{"parquet: {codec: lzo}\n", "pqr.yaml:1: parquet.codec: expected zstd or snappy, found \"lzo\""},
		{"lake: {uri: a}\nlake: {uri: b}\n",
			"pqr.yaml:2: the key \"lake\" stands twice in one map, first on line 1"},
		{"- 1\n- 2\n", "pqr.yaml:1: expected a map (key: value), found a list"},
		{"lake: {uri: a}\n---\nlake: {uri: b}\n", "pqr.yaml:2: a second document (---); expected one"},
		{"lake: {uri: !!int 7}\n",
			"pqr.yaml:1: the tag tag:yaml.org,2002:int is not supported; write the plain value"},
		{"lake: {uri: *x}\n", "pqr.yaml:1: the alias *x names no anchor"},
		{"lake: &x {uri: *x}\n", "pqr.yaml:1: the alias *x stands inside what it names"},
		{"{[a]: 1}\n", "pqr.yaml:1: a list as a key is not supported"},
		{"lake: {uri: \"a\\0b\"}\n", "pqr.yaml:1: a text holds the character U+0000"},
		{"server: {token: 12345}\n",
			"pqr.yaml:1: server.token: expected an integer from 0 to 9, found \"***\""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct config c;
		if (load(&c, CONFIG_YAML, cases[i].text, &err) != E_USAGE)
			fail_msg("%s: %s", cases[i].text, status_name(err.code));
		assert_string_equal(text_of(&err), cases[i].error);
		config_deinit(&c);
	}
}

static void broken_syntax(void **state)
{
	(void)state;
	static const struct {
		enum config_format format;
		const char *text;
		int64_t line;
	} cases[] = {
		{CONFIG_YAML, "lake:\n\turi: a\n", 2},
		{CONFIG_YAML, "lake: {uri: a\n", 2},
		{CONFIG_YAML, "lake: 'a\n", 2},
		{CONFIG_YAML, "a: b: c\n", 1},
		{CONFIG_JSON, "{\"lake\":\n {\"uri\": }}", 2},
		{CONFIG_JSON, "{\"lake\": 1} 2", 1},
		{CONFIG_JSON, "{\"lake\": 1,\n\n}", 3},
		{CONFIG_JSON, "", 1},
		{CONFIG_JSON, "{\"lake\":{\"uri\":\"a\"},\n\"lake\":1}", 2},
		{CONFIG_JSON, "[1]", 1},
		{CONFIG_JSON, "{\"simulation\":{\n\"seed\":\"x\"}}", 2},
		{CONFIG_JSON, "{\"lake\":{\"uri\":\"a\\u0000\"}}", 1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct config c;
		if (load(&c, cases[i].format, cases[i].text, &err) != E_USAGE)
			fail_msg("%s: %s", cases[i].text, status_name(err.code));
		if (err.line != cases[i].line) fail_msg("%s: %s", cases[i].text, text_of(&err));
		assert_string_equal(err.where, "pqr.yaml");
		config_deinit(&c);
	}
	struct err err = {0};
	struct config c;
	CHECK_FAILS(E_USAGE, load(&c, CONFIG_YAML, "lake: {uri: \"\xff\"}", &err));
	config_deinit(&c);
	CHECK_FAILS(E_USAGE, load(&c, CONFIG_JSON, "{\"lake\":{\"uri\":\"\xc3\"}}", &err));
	CHECK_I64(err.offset, 16);
	config_deinit(&c);
}

static void environment_mistakes(void **state)
{
	(void)state;
	static const struct {
		const char *variable, *error;
	} cases[] = {
		{"PQR_SIMULATION_SEAD=1",
			"environment variable PQR_SIMULATION_SEAD: unknown key; docs/configuration.md lists them"},
		{"PQR_SIMULATION_SEED=x", "environment variable PQR_SIMULATION_SEED: simulation.seed: expected an "
					  "integer from 0 to 1000, found \"x\""},
		{"PQR_SERVER_TOKEN=hunter2", "environment variable PQR_SERVER_TOKEN: server.token: expected an integer "
					     "from 0 to 9, found \"***\""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct config c;
		const char *const env[] = {cases[i].variable, NULL};
		CHECK_OK(&err, load(&c, CONFIG_YAML, "", &err));
		status code = config_environment(&c, &keys, 1, env, &err);
		if (code == OK) code = config_check(&c, &keys, 1, &err);
		CHECK_FAILS(E_USAGE, code);
		assert_string_equal(text_of(&err), cases[i].error);
		config_deinit(&c);
	}
}

static void canonical_text(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *json;
	} cases[] = {
		{"", "{}"},
		{"# only a comment\n", "{}"},
		{"b: 1\na: [x, \"y\", 'z']\n", "{\"a\":[\"x\",\"y\",\"z\"],\"b\":1}"},
		{"a: {c: null, b: ~}\n", "{\"a\":{\"b\":null,\"c\":null}}"},
		{"a: [.5, 0.50, +1, 007, 1., -0.0, 1e3, 12]\n", "{\"a\":[0.5,0.5,1,7,1,-0,1e3,12]}"},
		{"a: [true, True, FALSE, yes, 'true', 0x10, 1_0, ., -]\n",
			"{\"a\":[true,true,false,\"yes\",\"true\",\"0x10\",\"1_0\",\".\",\"-\"]}"},
		{"a: |\n  two\n  lines\n", "{\"a\":\"two\\nlines\\n\"}"},
		{"a: [[], {}, [[]]]\n", "{\"a\":[[],{},[[]]]}"},
		{"a: &x {k: [1, 2]}\nb: *x\n", "{\"a\":{\"k\":[1,2]},\"b\":{\"k\":[1,2]}}"},
		{"ñ: á\nz: \"\\u00e1\"\n", "{\"z\":\"á\",\"ñ\":\"á\"}"},
		{"{\"a\": \"x\", \"b\": [1, true]}", "{\"a\":\"x\",\"b\":[1,true]}"},
		{"a: !!str 42\n", "{\"a\":\"42\"}"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct config c;
		struct config_node *node = NULL;
		struct buf out;
		struct buf again;
		buf_init(&out, 0);
		buf_init(&again, 0);
		CHECK_OK(&err, config_init(&c, &err));
		CHECK_OK(&err, config_parse(&c, CONFIG_YAML, str_of(cases[i].yaml), "x", &node, &err));
		config_json(node, &out);
		assert_memory_equal(out.p, cases[i].json, strlen(cases[i].json));
		assert_int_equal(out.n, strlen(cases[i].json));
		/* What was written reads back as the same tree, through both readers. */
		for (int format = CONFIG_YAML; format <= CONFIG_JSON; format++) {
			CHECK_OK(&err, config_parse(&c, (enum config_format)format, (struct str){(char *)out.p, out.n},
					       "x", &node, &err));
			buf_reset(&again);
			config_json(node, &again);
			assert_int_equal(again.n, out.n);
			assert_memory_equal(again.p, out.p, out.n);
		}
		buf_deinit(&again);
		buf_deinit(&out);
		config_deinit(&c);
	}
}

static void bombs_are_bounded(void **state)
{
	(void)state;
	struct err err = {0};
	struct config c;
	char text[8192] = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
	for (char k = 'b'; k <= 'j'; k++) {
		char line[128];
		(void)snprintf(line, sizeof line, "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", k, k,
			k - 1, k - 1, k - 1, k - 1, k - 1, k - 1, k - 1, k - 1, k - 1, k - 1);
		(void)strcat(text, line);
	}
	CHECK_FAILS(E_LIMIT, load(&c, CONFIG_YAML, text, &err));
	config_deinit(&c);

	for (int depth = CONFIG_DEPTH_MAX - 2; depth <= CONFIG_DEPTH_MAX + 1; depth++) {
		struct config_node *node = NULL;
		(void)strcpy(text, "{\"a\":");
		for (int i = 1; i < depth; i++) (void)strcat(text, "[");
		for (int i = 1; i < depth; i++) (void)strcat(text, "]");
		(void)strcat(text, "}");
		for (int format = CONFIG_YAML; format <= CONFIG_JSON; format++) {
			CHECK_OK(&err, config_init(&c, &err));
			const status code =
				config_parse(&c, (enum config_format)format, str_of(text), "x", &node, &err);
			CHECK_FAILS(depth <= CONFIG_DEPTH_MAX ? OK : E_LIMIT, code);
			config_deinit(&c);
		}
	}
	memset(text, '[', 4000);
	text[4000] = '\0';
	CHECK_FAILS(E_LIMIT, load(&c, CONFIG_YAML, text, &err));
	config_deinit(&c);
	CHECK_FAILS(E_LIMIT, load(&c, CONFIG_JSON, text, &err));
	config_deinit(&c);

	struct buf many;
	buf_init(&many, 0);
	for (int i = 0; i <= CONFIG_MAP_KEYS_MAX; i++) buf_printf(&many, "k%d: 1\n", i);
	buf_char(&many, '\0');
	CHECK_FAILS(E_LIMIT, load(&c, CONFIG_YAML, (char *)many.p, &err));
	buf_deinit(&many);
	config_deinit(&c);
}

static void millionths(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t value;
		const char *back;
	} good[] = {
		{"0.38", 380000, "0.38"},
		{".31", 310000, "0.31"},
		{"1", 1000000, "1"},
		{"1.", 1000000, "1"},
		{"0", 0, "0"},
		{"-74.081749", -74081749, "-74.081749"},
		{"0.000001", 1, "0.000001"},
		{"0.1000000000", 100000, "0.1"},
		{"+2.50", 2500000, "2.5"},
		{"-0.5", -500000, "-0.5"},
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct err err = {0};
		struct config c;
		char text[32];
		int64_t v = -1;
		CHECK_OK(&err, config_init(&c, &err));
		CHECK_OK(&err, config_set(&c, "a.b", good[i].text, "--b", &err));
		CHECK_OK(&err, config_millionths(config_find(c.root, "a.b"), -1000000000, 1000000000, &v, &err));
		CHECK_I64(v, good[i].value);
		config_millionths_text(v, text);
		assert_string_equal(text, good[i].back);
		config_deinit(&c);
	}
	static const char *const bad[] = {"", ".", "-", "1e-1", "0.0000001", "1.2.3", "abc", "0x1",
		"99999999999999999999", "1 ", " 1", "nan", "inf"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct err err = {0};
		struct config c;
		int64_t v = -1;
		CHECK_OK(&err, config_init(&c, &err));
		CHECK_OK(&err, config_set(&c, "b", bad[i], "--b", &err));
		if (config_millionths(config_find(c.root, "b"), INT64_MIN, INT64_MAX, &v, &err) != E_USAGE)
			fail_msg("\"%s\" gave %lld", bad[i], (long long)v);
		CHECK_I64(v, -1);
		config_deinit(&c);
	}
}

static void integers_at_the_limits(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} cases[] = {
		{"9223372036854775807", true, INT64_MAX},
		{"9223372036854775808", false, 0},
		{"-9223372036854775808", true, INT64_MIN},
		{"-9223372036854775809", false, 0},
		{"+5", true, 5},
		{"007", true, 7},
		{"-", false, 0},
		{"", false, 0},
		{"5.0", false, 0},
		{"1e2", false, 0},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct config c;
		int64_t v = -1;
		CHECK_OK(&err, config_init(&c, &err));
		CHECK_OK(&err, config_set(&c, "n", cases[i].text, "--n", &err));
		CHECK_FAILS(cases[i].ok ? OK : E_USAGE,
			config_i64(config_find(c.root, "n"), INT64_MIN, INT64_MAX, &v, &err));
		CHECK_I64(v, cases[i].ok ? cases[i].value : -1);
		config_deinit(&c);
	}
}

static void secrets_in_uris(void **state)
{
	(void)state;
	static const struct {
		const char *uri, *shown;
	} cases[] = {
		{"postgresql://ana:s3cret@host/db", "postgresql://ana:***@host/db"},
		{"postgresql://ana:s3/cr@et@host/db", "postgresql://ana:***@host/db"},
		{"postgresql://host/db?password=abc&sslmode=require",
			"postgresql://host/db?password=***&sslmode=require"},
		{"host=h password=abc user=u", "host=h password=*** user=u"},
		{"sqlite:./lake/control.db", "sqlite:./lake/control.db"},
		{"s3://bucket/prefix", "s3://bucket/prefix"},
		{"postgresql://ana@host:5432/db", "postgresql://ana@host:5432/db"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char shown[128];
		assert_string_equal(config_uri_redact(str_of(cases[i].uri), shown, sizeof shown), cases[i].shown);
	}
	char small[8];
	assert_string_equal(config_uri_redact(STR("s3://bucket/prefix"), small, sizeof small), "s3://bu");
}

static void files(void **state)
{
	(void)state;
	struct err err = {0};
	struct config c;
	struct config_node *node = NULL;
	char dir[64];
	char path[128];
	char found[256];
	CHECK_OK(&err, config_init(&c, &err));
	(void)snprintf(path, sizeof path, "%s/a.json", check_tmpdir(dir));
	CHECK_FAILS(E_USAGE, config_parse_file(&c, path, &node, &err));
	CHECK_FAILS(E_IO, config_parse_file(&c, dir, &node, &err));
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_true(fputs("{\"emoji\":\"\\ud83d\\ude00\",\n\"file\":\"geo.csv\",\"root\":\"/etc/geo.csv\"}", f) >= 0);
	assert_int_equal(fclose(f), 0);
	CHECK_OK(&err, config_parse_file(&c, path, &node, &err));
	assert_string_equal(config_find(node, "emoji")->text.p, "\xF0\x9F\x98\x80");
	assert_int_equal(config_find(node, "file")->line, 2);
	CHECK_OK(&err, config_file_path(config_find(node, "file"), found, sizeof found, &err));
	(void)snprintf(path, sizeof path, "%s/geo.csv", dir);
	assert_string_equal(found, path);
	CHECK_OK(&err, config_file_path(config_find(node, "root"), found, sizeof found, &err));
	assert_string_equal(found, "/etc/geo.csv");
	CHECK_OK(&err, config_set(&c, "x", "geo.csv", "--x", &err));
	CHECK_OK(&err, config_file_path(config_find(c.root, "x"), found, sizeof found, &err));
	assert_string_equal(found, "geo.csv");
	config_deinit(&c);
	check_rmdir(dir);
}

/* A key that is added does not change the canonical form of who leaves it at its default, and forms of before it are still read. */
static void newer_keys(void **state)
{
	(void)state;
	static const struct config_key newer[] = {
		{"simulation.seed", CONFIG_T_INT, 0, 1000, NULL, "42", false, "", 0},
		{"simulation.rate_max", CONFIG_T_DECIMAL, 0, 1000000, NULL, "0.10", false, "", 3},
		{"export.format", CONFIG_T_CHOICE, 0, 0, codecs, "zstd", false, "", 3},
		{"export.rows", CONFIG_T_INT, 0, 1000, NULL, "7", false, "", 4},
		{"simulation.deep.on", CONFIG_T_BOOL, 0, 0, NULL, "false", false, "", 5},
	};
	static const struct config_keys table = {newer, sizeof newer / sizeof newer[0]};
	static const struct {
		const char *whole, *form;
	} cases[] = {
		{"{\"simulation\":{\"seed\":42}}",
			"{\"simulation\":{\"seed\":42}}"}, /* the form of before; seed stays */
		{"{\"export\":{\"format\":\"zstd\",\"rows\":7},\"simulation\":{\"deep\":{\"on\":false},\"rate_max\":0."
		 "1,\"seed\":42}}",
			"{\"simulation\":{\"seed\":42}}"},
		{"{\"export\":{\"format\":\"zstd\",\"rows\":8},\"simulation\":{\"deep\":{\"on\":true},\"rate_max\":0.1,"
		 "\"seed\":1}}",
			"{\"export\":{\"rows\":8},\"simulation\":{\"deep\":{\"on\":true},\"seed\":1}}"},
		{"{\"simulation\":{\"rate_max\":0.100001,\"seed\":42}}",
			"{\"simulation\":{\"rate_max\":0.100001,\"seed\":42}}"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct config c;
		struct config_node *root = NULL;
		struct buf form;
		const struct config_node *node;
		int64_t rows, rate;
		bool on;
		buf_init(&form, 0);
		CHECK_OK(&err, config_init(&c, &err));
		CHECK_OK(&err, config_parse(&c, CONFIG_JSON, str_of(cases[i].whole), "x", &root, &err));
		config_leave_out_newer(root, &table);
		config_json(root, &form);
		buf_char(&form, '\0');
		assert_string_equal((char *)form.p, cases[i].form);
		CHECK_OK(&err, config_fill_newer(&c, root, &table, &err));
		CHECK_OK(&err, config_need(root, "export.rows", &node, &err));
		CHECK_OK(&err, config_i64(node, 0, 1000, &rows, &err));
		CHECK_I64(rows, strstr(cases[i].whole, "\"rows\":8") != NULL ? 8 : 7);
		CHECK_OK(&err, config_need(root, "simulation.rate_max", &node, &err));
		CHECK_OK(&err, config_millionths(node, 0, 1000000, &rate, &err));
		CHECK_I64(rate, strstr(cases[i].whole, "0.100001") != NULL ? 100001 : 100000);
		CHECK_OK(&err, config_need(root, "simulation.deep.on", &node, &err));
		CHECK_OK(&err, config_bool(node, &on, &err));
		CHECK_I64(on, strstr(cases[i].whole, "true") != NULL);
		buf_deinit(&form);
		config_deinit(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newer_keys),
		cmocka_unit_test(later_wins),
		cmocka_unit_test(mistakes_name_place_and_key),
		cmocka_unit_test(broken_syntax),
		cmocka_unit_test(environment_mistakes),
		cmocka_unit_test(canonical_text),
		cmocka_unit_test(bombs_are_bounded),
		cmocka_unit_test(millionths),
		cmocka_unit_test(integers_at_the_limits),
		cmocka_unit_test(secrets_in_uris),
		cmocka_unit_test(files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
