/* Contracts of any JSON topic: which schemas are understood, what a message is by one, and the row it makes. */
#include "../check.h"
#include "base/alloc.h"
#include "io/json/json_scan.h"
#include "stream/json_contract.h"

#define ORDER                                                                                           \
	"{\"$schema\": \"x\", \"title\": \"t\", \"type\": \"object\", \"required\": [\"id\", \"at\"], " \
	"\"properties\": {"                                                                             \
	"\"id\": {\"type\": \"string\", \"format\": \"uuid\"},"                                         \
	"\"at\": {\"type\": \"string\", \"format\": \"date-time\", \"description\": \"d\"},"            \
	"\"day\": {\"type\": [\"string\", \"null\"], \"format\": \"date\"},"                            \
	"\"state\": {\"type\": \"string\", \"enum\": [\"new\", \"paid\"]},"                             \
	"\"note\": {\"type\": \"string\", \"minLength\": 2, \"maxLength\": 4},"                         \
	"\"items\": {\"type\": \"integer\", \"minimum\": 1, \"exclusiveMaximum\": 100},"                \
	"\"price\": {\"type\": \"number\", \"multipleOf\": 0.01, \"maximum\": 99999},"                  \
	"\"weight\": {\"type\": \"number\"}, \"gift\": {\"type\": \"boolean\"}}"

#define ID "\"id\":\"01234567-89ab-cdef-0123-456789abcdef\""
#define HEAD ID ",\"at\":\"2026-01-02T03:04:05Z\""

struct fixture {
	struct err err;
	struct json_contract *c;
	const struct stream_topic *t;
	void *parser;
};

static struct json_contract_opts plain_opts(void)
{
	return (struct json_contract_opts){
		.file = "o.json", .table = "bronze.orders", .topic = "orders", .message_bytes_max = 1000};
}

static void open_by(struct fixture *f, const char *schema, const struct json_contract_opts *o)
{
	CHECK_OK(&f->err, json_contract_open(str_of(schema), o, &f->c, &f->err));
	f->t = json_contract_topic(f->c);
	CHECK_OK(&f->err, f->t->open(f->c, &f->parser, &f->err));
}
static void close_it(struct fixture *f)
{
	f->t->close(f->parser);
	json_contract_close(f->c);
}

/* The reason, or "" for a row. */
static const char *parse_bytes(struct fixture *f, const char *p, size_t n)
{
	static char padded[4096];
	int64_t event_us = 0;
	assert_true(n + JSON_SCAN_PADDING < sizeof padded);
	memset(padded, 'x', sizeof padded);
	memcpy(padded, p, n);
	const struct stream_record r = {.value = {padded, n}, .timestamp_ms = -1};
	const char *reason = f->t->parse(f->parser, &r, false, &event_us);
	CHECK_OK(&f->err, f->t->check(f->parser, &f->err));
	return reason != NULL ? reason : "";
}
static const char *parse(struct fixture *f, const char *message)
{
	return parse_bytes(f, message, strlen(message));
}

/* ---- schemas ------------------------------------------------------------------------------------------------------------- */

static void test_refused_schemas(void **state)
{
	(void)state;
#define OF(member) "{\"type\":\"object\",\"properties\":{\"a\":" member "}}"
	static const struct {
		const char *schema, *by, *has;
	} cases[] = {
		{"[1]", NULL, "a JSON Schema is an object"},
		{"{\"properties\":{}}", NULL, "'object'"},
		{"{\"type\":\"object\"}", NULL, "'properties'"},
		{"{\"type\":\"object\",\"properties\":{}}", NULL, "'properties'"},
		{"{\"type\":\"object\",\"allOf\":[],\"properties\":{}}", NULL, "'allOf'"},
		{OF("{\"type\":\"string\"}") " ", "b", "no member to partition by: 'b'"},
		{OF("{\"type\":\"string\"}"), "date(a)", "date-time or date"},
		{OF("{\"type\":\"number\"}"), "a", "partitioned by a number"},
		{OF("{}"), NULL, "member 'a': it needs a 'type'"},
		{OF("{\"type\":\"array\"}"), NULL, "member 'a': nested members"},
		{OF("{\"type\":[\"object\",\"null\"]}"), NULL, "nested members"},
		{OF("{\"type\":\"null\"}"), NULL, "'type'"},
		{OF("{\"type\":[\"string\",\"integer\"]}"), NULL, "'type'"},
		{OF("{\"type\":\"text\"}"), NULL, "'type'"},
		{OF("{\"type\":\"string\",\"pattern\":\"x\"}"), NULL,
			"member 'a': a keyword of JSON Schema that is not "
			"understood: 'pattern'"},
		{OF("{\"type\":\"string\",\"format\":\"email\"}"), NULL, "a format that is not understood: 'email'"},
		{OF("{\"type\":\"integer\",\"format\":\"date\"}"), NULL, "'format'"},
		{OF("{\"type\":\"integer\",\"enum\":[1]}"), NULL, "'enum'"},
		{OF("{\"type\":\"string\",\"enum\":[1]}"), NULL, "'enum'"},
		{OF("{\"type\":\"string\",\"enum\":[]}"), NULL, "'enum'"},
		{OF("{\"type\":\"string\",\"minimum\":1}"), NULL, "'minimum'"},
		{OF("{\"type\":\"integer\",\"minLength\":1}"), NULL, "'minLength'"},
		{OF("{\"type\":\"string\",\"maxLength\":-1}"), NULL, "'maxLength'"},
		{OF("{\"type\":\"number\",\"multipleOf\":0.25}"), NULL, "'multipleOf'"},
		{OF("{\"type\":\"integer\",\"multipleOf\":10}"), NULL, "'multipleOf'"},
		{"{\"type\":\"object\",\"properties\":{\"a b\":{\"type\":\"string\"}}}", NULL,
			"no name for a column: 'a b'"},
		{"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"A\":{\"type\":\"string\"}}}", NULL,
			"two columns of one name: 'A'"},
		{"{\"type\":\"object\",\"properties\":{\"extra\":{\"type\":\"string\"}}}", NULL, "one name: 'extra'"},
		{"{\"type\":\"object\",\"required\":[\"b\"],\"properties\":{\"a\":{\"type\":\"string\"}}}", NULL,
			"'b'"},
		{"{\"type\":\"object\",\"additionalProperties\":{},\"properties\":{\"a\":{\"type\":\"string\"}}}", NULL,
			"'additionalProperties'"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json_contract_opts o = plain_opts();
		struct json_contract *c = NULL;
		struct err err;
		char text[1024];
		err_clear(&err);
		o.partition_by = cases[i].by;
		if (json_contract_open(str_of(cases[i].schema), &o, &c, &err) != E_USAGE)
			fail_msg("understood: %s", cases[i].schema);
		(void)err_text(&err, text, sizeof text);
		if (strstr(text, cases[i].has) == NULL || strstr(text, "o.json") == NULL)
			fail_msg("%s: no \"%s\" in: %s", cases[i].schema, cases[i].has, text);
	}
	struct json_contract_opts o = plain_opts();
	struct json_contract *c = NULL;
	struct err err;
	CHECK_FAILS(E_CORRUPT, json_contract_open(STR("{"), &o, &c, &err));
	o.table = "orders";
	CHECK_FAILS(E_USAGE, json_contract_open(STR(OF("{\"type\":\"string\"}")), &o, &c, &err));
}

static void test_columns(void **state)
{
	(void)state;
	struct fixture f;
	struct json_contract_opts o = plain_opts();
	struct buf text;
	o.partition_by = "date(at)";
	o.debezium = true;
	open_by(&f, ORDER "}", &o);
	buf_init(&text, 0);
	for (size_t i = 0; i < f.t->table->n_columns; i++) {
		const struct column_def *d = &f.t->table->columns[i];
		assert_true(d->nullable);
		assert_int_equal(d->partition, i + 1 == f.t->table->n_columns);
		buf_printf(&text, "%s %s, ", d->name, col_type_name(d->type));
	}
	buf_char(&text, '\0');
	assert_string_equal((char *)text.p,
		"id string, at timestamp, day date, state string, note string, items int64, price decimal, weight "
		"double, gift bool, change_op string, change_at timestamp, change_before string, change_source string, "
		"extra string, schema_id int32, kafka_topic string, kafka_partition int32, kafka_offset int64, "
		"kafka_incarnation int32, at_date date, ");
	assert_string_equal(f.t->table->layer, "bronze");
	assert_string_equal(f.t->table->name, "orders");
	buf_deinit(&text);
	close_it(&f);
}

/* ---- messages ------------------------------------------------------------------------------------------------------------- */

static void test_verdicts(void **state)
{
	(void)state;
	static const struct {
		const char *message, *reason;
	} cases[] = {
		{"{" HEAD "}", ""}, {" {" HEAD ",\"day\":null,\"other\":[1,{}]}\n", ""}, {"", "blank"},
		{" \t", "blank"}, {"{" HEAD, "not_json"}, {"{" HEAD "} x", "not_json"}, {"[1]", "not_object"},
		{"null", "not_object"}, {"{\"at\":\"2026-01-02T03:04:05Z\"}", "missing:id"},
		{"{" ID ",\"at\":null}", "bad_type:at"}, {"{" ID ",\"at\":5}", "bad_type:at"},
		{"{" ID ",\"at\":\"yesterday\"}", "bad_format:at"},
		{"{\"id\":\"x\",\"at\":\"2026-01-02T03:04:05Z\"}", "bad_format:id"},
		{"{" HEAD ",\"day\":\"2026-02-30\"}", "bad_format:day"}, {"{" HEAD ",\"state\":\"new\"}", ""},
		{"{" HEAD ",\"state\":\"n\\u0065w\"}", ""}, {"{" HEAD ",\"state\":\"old\"}", "bad_enum:state"},
		{"{" HEAD ",\"state\":null}", "bad_type:state"}, {"{" HEAD ",\"note\":\"a\"}", "bad_value:note"},
		{"{" HEAD ",\"note\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"}", ""}, /* four code points, eight bytes */
		{"{" HEAD ",\"note\":\"abcde\"}", "bad_value:note"}, {"{" HEAD ",\"note\":\"a\xff\"}", "invalid_utf8"},
		{"{" HEAD ",\"items\":0}", "bad_value:items"}, {"{" HEAD ",\"items\":1}", ""},
		{"{" HEAD ",\"items\":99.0}", ""}, {"{" HEAD ",\"items\":1e2}", "bad_value:items"},
		{"{" HEAD ",\"items\":1.5}", "bad_type:items"}, {"{" HEAD ",\"items\":\"1\"}", "bad_type:items"},
		{"{" HEAD ",\"price\":12.34}", ""}, {"{" HEAD ",\"price\":12.340}", ""},
		{"{" HEAD ",\"price\":12.345}", "bad_value:price"}, {"{" HEAD ",\"price\":1.2e1}", ""},
		{"{" HEAD ",\"price\":1e-3}", "bad_value:price"}, {"{" HEAD ",\"price\":100000}", "bad_value:price"},
		{"{" HEAD ",\"price\":1e99}", "bad_value:price"}, {"{" HEAD ",\"price\":-0.00}", ""},
		{"{" HEAD ",\"weight\":1e999}", "bad_value:weight"}, {"{" HEAD ",\"weight\":-1e-9}", ""},
		{"{" HEAD ",\"gift\":true}", ""}, {"{" HEAD ",\"gift\":\"true\"}", "bad_type:gift"},
		{"{" HEAD ",\"gift\":1,\"gift\":false}", ""}, /* the last counts */
	};
	struct fixture f;
	const struct json_contract_opts o = plain_opts();
	open_by(&f, ORDER "}", &o);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *got = parse(&f, cases[i].message);
		if (strcmp(got, cases[i].reason) != 0)
			fail_msg("%s: '%s', expected '%s'", cases[i].message, got, cases[i].reason);
	}
	char longer[1200];
	(void)snprintf(longer, sizeof longer, "{" HEAD ",\"x\":\"%01000d\"}", 0);
	assert_string_equal(parse(&f, longer), "too_long");
	int64_t at = 0;
	const struct stream_record null = {.is_null = true};
	assert_string_equal(f.t->parse(f.parser, &null, true, &at), "null");
	close_it(&f);
	open_by(&f, ORDER ",\"additionalProperties\":false}", &o);
	assert_string_equal(parse(&f, "{" HEAD "}"), "");
	assert_string_equal(parse(&f, "{" HEAD ",\"other\":1,\"more\":2}"), "unknown:other");
	close_it(&f);
}

/* ---- rows ----------------------------------------------------------------------------------------------------------------- */

/* The row of the message at hand: "name=value ...", and the partition's value behind '|'. */
static const char *row_of(struct fixture *f)
{
	static char text[2048];
	const struct table_schema *s = f->t->table;
	const size_t n = schema_n_data_columns(s);
	struct builder *b = mem_zalloc(n, sizeof *b);
	struct arena arena;
	struct delta_pair pair = {0};
	size_t at = 0;
	arena_init(&arena, 0);
	for (size_t i = 0; i < n; i++) builder_init(&b[i], &s->columns[i], f->t->dictionary(&s->columns[i]));
	f->t->begin(f->parser, b);
	f->t->put(f->parser, b, 0);
	text[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		struct column c;
		CHECK_OK(&f->err, builder_finish(&b[i], 1, &c, &f->err));
		if (!column_valid(&c, 0)) continue;
		at += (size_t)snprintf(text + at, sizeof text - at, "%s=", s->columns[i].name);
		switch (c.type) {
		case COL_STRING: {
			const struct str v = column_str(&c, 0);
			at += (size_t)snprintf(text + at, sizeof text - at, "%.*s ", (int)v.n, v.p);
			break;
		}
		case COL_BOOL: at += (size_t)snprintf(text + at, sizeof text - at, "%d ", bit_get(c.values, 0)); break;
		case COL_DOUBLE:
			at += (size_t)snprintf(text + at, sizeof text - at, "%g ", ((const double *)c.values)[0]);
			break;
		default:
			at += (size_t)snprintf(text + at, sizeof text - at, "%lld ",
				(long long)(col_type_width(c.type) == 4 ? ((const int32_t *)c.values)[0]
									: ((const int64_t *)c.values)[0]));
		}
	}
	CHECK_OK(&f->err, f->t->part_values(f->parser, f->t->part(f->parser), &arena, &pair, &f->err));
	if (pair.key.n > 0)
		(void)snprintf(text + at, sizeof text - at, "| %.*s=%.*s", (int)pair.key.n, pair.key.p,
			pair.value.p != NULL ? (int)pair.value.n : 4, pair.value.p != NULL ? pair.value.p : "null");
	for (size_t i = 0; i < n; i++) builder_deinit(&b[i]);
	mem_free(b);
	arena_deinit(&arena);
	return text;
}

static void test_rows(void **state)
{
	(void)state;
	struct fixture f;
	struct json_contract_opts o = plain_opts();
	o.partition_by = "date(at)";
	open_by(&f, ORDER "}", &o);
	assert_string_equal(parse(&f, "{\"weight\":0.5,\"b\":[1, \"x\"]," HEAD
				      ",\"day\":\"1970-01-02\",\"state\":\"paid\",\"note\":\"\\u00e9\\n\",\"items\":7,"
				      "\"price\":-12.3,\"gift\":false,\"a\":{}}"),
		"");
	assert_string_equal(row_of(&f),
		"id=01234567-89ab-cdef-0123-456789abcdef at=1767323045000000 day=1 state=paid note=\xc3\xa9\n items=7 "
		"price=-1230 weight=0.5 gift=0 extra={\"b\":[1, \"x\"],\"a\":{}} kafka_topic=orders | "
		"at_date=2026-01-02");
	assert_string_equal(parse(&f, "{" HEAD "}"), ""); /* nothing of the one before is left */
	assert_string_equal(row_of(&f),
		"id=01234567-89ab-cdef-0123-456789abcdef at=1767323045000000 kafka_topic=orders | at_date=2026-01-02");
	close_it(&f);
}

static void test_partitions(void **state)
{
	(void)state;
	static const struct {
		const char *by, *message, *row;
	} cases[] = {
		{"s", "{\"s\":\"a/b\",\"n\":1}", "n=1 kafka_topic=orders | s=a/b"},
		{"s", "{\"n\":1}", "n=1 kafka_topic=orders | s=null"},
		{"s", "{\"s\":\"\",\"n\":1}", "n=1 kafka_topic=orders | s=null"},
		{"n", "{\"n\":-5}", "kafka_topic=orders | n=-5"},
		{"b", "{\"b\":true}", "kafka_topic=orders | b=true"},
		{"b", "{\"b\":false}", "kafka_topic=orders | b=false"},
		{"b", "{}", "kafka_topic=orders | b=null"},
		{"d", "{\"d\":\"1969-12-31\"}", "kafka_topic=orders | d=1969-12-31"},
		{"date(d)", "{\"d\":\"1969-12-31\"}", "d=-1 kafka_topic=orders | d_date=1969-12-31"},
	};
	static const char schema[] =
		"{\"type\":\"object\",\"properties\":{\"s\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"},\"b\":{"
		"\"type\":\"boolean\"},\"d\":{\"type\":\"string\",\"format\":\"date\"}}}";
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture f;
		struct json_contract_opts o = plain_opts();
		o.partition_by = cases[i].by;
		open_by(&f, schema, &o);
		assert_string_equal(parse(&f, cases[i].message), "");
		assert_string_equal(row_of(&f), cases[i].row);
		close_it(&f);
	}
	/* Equal values are one part, others another one. */
	struct fixture f;
	struct json_contract_opts o = plain_opts();
	o.partition_by = "s";
	open_by(&f, schema, &o);
	int64_t parts[1000];
	for (int i = 0; i < 2000; i++) {
		char message[32];
		(void)snprintf(message, sizeof message, "{\"s\":\"v%d\"}", i % 1000);
		assert_string_equal(parse(&f, message), "");
		if (i < 1000) parts[i] = f.t->part(f.parser);
		CHECK_I64(f.t->part(f.parser), parts[i % 1000]);
		if (i > 0 && i < 1000) assert_true(parts[i] != parts[i - 1]);
	}
	close_it(&f);
}

/* A table that stands: its columns keep their places, new members follow, lost ones stay as nulls; another type is refused. */
static void test_standing(void **state)
{
	(void)state;
	static const char schema[] =
		"{\"type\":\"object\",\"properties\":{\"new\":{\"type\":\"integer\"},\"b\":{\"type\":"
		"\"string\"},\"a\":{\"type\":\"boolean\"}}}";
	const struct column_def standing[] = {{.name = "a", .type = COL_BOOL, .nullable = true},
		{.name = "gone", .type = COL_DATE, .nullable = true},
		{.name = "extra", .type = COL_STRING, .nullable = true},
		{.name = "b", .type = COL_STRING, .nullable = true}};
	static const struct {
		struct column_def column;
		const char *has;
	} refused[] = {
		{{.name = "new", .type = COL_STRING, .nullable = true},
			"column 'new' of the table is string there, int64 here"},
		{{.name = "new", .type = COL_INT64}, "int64 not null there, int64 here"},
		{{.name = "old", .type = COL_INT64}, "not null there, no member here"},
		{{.name = "old", .type = COL_LIST, .nullable = true}, "list there"},
		{{.name = "p", .type = COL_DATE, .nullable = true, .partition = true},
			"partitioned by p there, by nothing here"},
	};
	struct fixture f;
	struct json_contract_opts o = plain_opts();
	o.standing = standing;
	o.n_standing = 4;
	open_by(&f, schema, &o);
	static const char *const names[] = {"a", "gone", "extra", "b", "new", "schema_id", "kafka_topic",
		"kafka_partition", "kafka_offset", "kafka_incarnation"};
	assert_int_equal(f.t->table->n_columns, 10);
	for (int i = 0; i < 10; i++) assert_string_equal(f.t->table->columns[i].name, names[i]);
	assert_string_equal(parse(&f, "{\"new\":1,\"b\":\"x\",\"a\":true,\"gone\":2}"), "");
	assert_string_equal(row_of(&f), "a=1 extra={\"gone\":2} b=x new=1 kafka_topic=orders ");
	close_it(&f);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct json_contract *c = NULL;
		o.standing = &refused[i].column;
		o.n_standing = 1;
		CHECK_FAILS(E_CONFLICT, json_contract_open(str_of(schema), &o, &c, &f.err));
		if (strstr(f.err.message, refused[i].has) == NULL)
			fail_msg("no \"%s\" in: %s", refused[i].has, f.err.message);
	}
}

static void test_confluent(void **state)
{
	(void)state;
	static const char framed[] = "\0\0\1\xe2\x40{" HEAD "}";
	struct fixture f;
	const struct json_contract_opts o = plain_opts();
	open_by(&f, ORDER "}", &o);
	assert_string_equal(parse_bytes(&f, framed, sizeof framed - 1), "");
	assert_non_null(strstr(row_of(&f), "schema_id=123456 "));
	assert_string_equal(parse_bytes(&f, framed, 5), "blank");
	assert_string_equal(parse_bytes(&f, framed, 3), "not_json");
	assert_string_equal(parse(&f, "{" HEAD "}"), "");
	assert_null(strstr(row_of(&f), "schema_id"));
	close_it(&f);
}

static void test_debezium(void **state)
{
	(void)state;
	static const char schema[] =
		"{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":\"integer\"}}}";
	static const struct {
		const char *message, *reason, *row;
	} cases[] = {
		{"{\"op\":\"c\",\"before\":null,\"after\":{\"id\":1,\"x\":2},\"source\":{\"lsn\":5},\"ts_ms\":7}", "",
			"id=1 change_op=c change_at=7000 change_source={\"lsn\":5} extra={\"x\":2} "
			"kafka_topic=orders "},
		{"{\"schema\":{},\"payload\":{\"op\":\"u\",\"before\":{\"id\":1},\"after\":{\"id\":2}}}", "",
			"id=2 change_op=u change_before={\"id\":1} kafka_topic=orders "},
		{"{\"op\":\"d\",\"before\":{\"id\":3},\"after\":null}", "",
			"id=3 change_op=d change_before={\"id\":3} kafka_topic=orders "},
		{"{\"op\":\"r\",\"after\":{\"id\":4}}", "", "id=4 change_op=r kafka_topic=orders "},
		{"{\"op\":\"d\",\"before\":null}", "missing:before", NULL},
		{"{\"op\":\"c\"}", "missing:after", NULL},
		{"{\"op\":\"c\",\"after\":{}}", "missing:id", NULL},
		{"{\"op\":\"x\",\"after\":{\"id\":1}}", "not_change", NULL},
		{"{\"id\":1}", "not_change", NULL},
		{"{\"op\":\"c\",\"after\":[]}", "not_object", NULL},
		{"{\"op\":", "not_json", NULL},
	};
	struct fixture f;
	struct json_contract_opts o = plain_opts();
	o.debezium = true;
	open_by(&f, schema, &o);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *got = parse(&f, cases[i].message);
		if (strcmp(got, cases[i].reason) != 0)
			fail_msg("%s: '%s', expected '%s'", cases[i].message, got, cases[i].reason);
		if (cases[i].row != NULL) assert_string_equal(row_of(&f), cases[i].row);
	}
	close_it(&f);
}

/* Each allocation of opening fails once: an error, and nothing is left. */
static void test_no_memory(void **state)
{
	(void)state;
	const size_t before = mem_in_use();
	bool done = false;
	for (int64_t n = 1; !done; n++) {
		struct fixture f = {0};
		const struct json_contract_opts o = plain_opts();
		mem_fail_after(n);
		status code = json_contract_open(STR(ORDER "}"), &o, &f.c, &f.err);
		if (code == OK) code = json_contract_topic(f.c)->open(f.c, &f.parser, &f.err);
		mem_fail_after(-1);
		done = code == OK;
		if (!done) CHECK_FAILS(E_NOMEM, code);
		if (f.c != NULL) json_contract_topic(f.c)->close(f.parser);
		json_contract_close(f.c);
		CHECK_I64(mem_in_use(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_schemas),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_standing),
		cmocka_unit_test(test_confluent),
		cmocka_unit_test(test_debezium),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
