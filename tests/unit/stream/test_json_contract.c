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
	static char padded[2 << 20];
	int64_t event_us = 0;
	assert_true(n + JSON_SCAN_PADDING < sizeof padded);
	memcpy(padded, p, n);
	memset(padded + n, 'x', JSON_SCAN_PADDING);
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
		{OF("{\"type\":\"array\"}"), NULL, "member 'a': an array needs 'items'"},
		{OF("{\"type\":\"array\",\"items\":{\"type\":\"text\"}}"), NULL, "member 'a[]': a value"},
		{OF("{\"type\":\"array\",\"items\":[]}"), NULL, "member 'a[]': "},
		{OF("{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"type\":\"string\"}}"), NULL,
			"'uniqueItems'"},
		{OF("{\"type\":\"array\",\"minLength\":1,\"items\":{\"type\":\"string\"}}"), NULL, "'minLength'"},
		{OF("{\"type\":\"string\",\"maxItems\":1}"), NULL, "'maxItems'"},
		{OF("{\"type\":[\"object\",\"null\"]}"), NULL,
			"member 'a': a value that is not understood, of the keyword 'properties'"},
		{OF("{\"type\":\"object\",\"minProperties\":1,\"properties\":{\"b\":{\"type\":\"string\"}}}"), NULL,
			"member 'a': a keyword of JSON Schema that is not understood: 'minProperties'"},
		{OF("{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
		    "\"pattern\":\"x\"}}}}"),
			NULL, "member 'a.b[]': a keyword of JSON Schema that is not understood: 'pattern'"},
		{OF("{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"},\"B\":{\"type\":\"string\"}}}"),
			NULL, "member 'a': two columns of one name: 'B'"},
		{OF("{\"type\":\"object\",\"required\":[\"x\"],\"properties\":{\"b\":{\"type\":\"string\"}}}"), NULL,
			"member 'a': required, and not among the properties: 'x'"},
		{OF("{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"), "a", "an object or an array: 'a'"},
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

/* ---- nested members -------------------------------------------------------------------------------------------------------- */

#define BASKET                                                                                                         \
	"{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"},"                                          \
	"\"to\":{\"type\":[\"object\",\"null\"],\"required\":[\"city\"],\"properties\":{\"city\":{\"type\":"           \
	"\"string\"},"                                                                                                 \
	"\"at\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"lat\":{\"type\":\"number\"}}}}}" \
	","                                                                                                            \
	"\"lines\":{\"type\":\"array\",\"maxItems\":3,\"items\":{\"type\":[\"object\",\"null\"],\"required\":["        \
	"\"price\"],"                                                                                                  \
	"\"properties\":{\"price\":{\"type\":\"number\",\"multipleOf\":0.01,\"minimum\":0},"                           \
	"\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[\"a\",\"b\",\"\\u00e9\"]}}}}}}}"

static void dump(const struct column_def *def, const struct column *c, int64_t row, struct buf *out)
{
	if (!column_valid(c, row)) {
		buf_str(out, "-");
	} else if (c->type == COL_STRUCT) {
		for (size_t i = 0; i < c->n_children; i++) {
			buf_printf(out, "%s%s:", i == 0 ? "{" : " ", def->children[i].name);
			dump(&def->children[i], &c->children[i], row, out);
		}
		buf_char(out, '}');
	} else if (c->type == COL_LIST) {
		buf_char(out, '[');
		for (int32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++) {
			if (i > c->offsets[row]) buf_char(out, ' ');
			dump(&def->children[0], &c->children[0], i, out);
		}
		buf_char(out, ']');
	} else if (c->type == COL_STRING) {
		const struct str s = column_str(c, row);
		buf_add(out, s.p, s.n);
	} else if (c->type == COL_DOUBLE) {
		buf_printf(out, "%g", ((const double *)c->values)[row]);
	} else {
		buf_i64(out, ((const int64_t *)c->values)[row]);
	}
}

/* Columns `names` of messages[n] that are all rows, row by row. */
static void check_rows(struct fixture *f, const char *const *messages, size_t n, const char *column, const char *want)
{
	const struct table_schema *s = f->t->table;
	const size_t n_columns = schema_n_data_columns(s);
	const int at = schema_column_index(s, column);
	struct builder *b = mem_zalloc(n_columns, sizeof *b);
	struct column c;
	struct buf out;
	buf_init(&out, 0);
	for (size_t i = 0; i < n_columns; i++) builder_init(&b[i], &s->columns[i], f->t->dictionary(&s->columns[i]));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(parse(f, messages[i]), "");
		f->t->put(f->parser, b, (int64_t)i);
	}
	CHECK_OK(&f->err, builder_finish(&b[at], (int64_t)n, &c, &f->err));
	for (size_t i = 0; i < n; i++) {
		dump(&s->columns[at], &c, (int64_t)i, &out);
		buf_char(&out, i + 1 < n ? '\n' : '\0');
	}
	assert_string_equal((const char *)out.p, want);
	buf_deinit(&out);
	for (size_t i = 0; i < n_columns; i++) builder_deinit(&b[i]);
	mem_free(b);
}

static void test_nested_rows(void **state)
{
	(void)state;
	static const char *const messages[] = {"{\"id\":1,\"to\":{\"city\":\"Lugo\",\"at\":{\"lat\":43.5}},\"lines\":[{"
					       "\"price\":1.5,\"tags\":[\"a\",\"\\u00e9\"]},null,"
					       "{\"price\":2}]}",
		"{\"id\":2}", "{\"id\":3,\"to\":null,\"lines\":[]}",
		"{\"lines\":[{\"tags\":[],\"price\":0}],\"to\":{\"zip\":[1, 2],\"city\":\"\"},\"more\":1}"};
	struct fixture f;
	const struct json_contract_opts o = plain_opts();
	open_by(&f, BASKET, &o);
	check_rows(&f, messages, 4, "to", "{city:Lugo at:{lat:43.5}}\n-\n-\n{city: at:-}");
	check_rows(&f, messages, 4, "lines",
		"[{price:150 tags:[a \xc3\xa9]} - {price:200 tags:-}]\n-\n[]\n[{price:0 tags:[]}]");
	/* What has no column is kept: a member, and a nested one that has more, whole. */
	check_rows(&f, messages, 4, "extra", "-\n-\n-\n{\"more\":1,\"to\":{\"zip\":[1, 2],\"city\":\"\"}}");
	close_it(&f);
}

static void test_nested_reasons(void **state)
{
	(void)state;
	static const struct {
		const char *message, *reason;
	} cases[] = {{"{\"to\":[]}", "bad_type:to"}, {"{\"to\":{}}", "missing:$.to.city"},
		{"{\"to\":{\"city\":null}}", "bad_type:$.to.city"},
		{"{\"to\":{\"city\":\"a\",\"at\":{\"lat\":\"x\"}}}", "bad_type:$.to.at.lat"},
		{"{\"to\":{\"city\":\"a\",\"at\":{\"lon\":1}}}", "unknown:$.to.at.lon"},
		{"{\"lines\":null}", "bad_type:lines"}, {"{\"lines\":{}}", "bad_type:lines"},
		{"{\"lines\":[{\"price\":1},{},{\"price\":1}]}", "missing:$.lines[1].price"},
		{"{\"lines\":[{\"price\":1},{\"price\":1},{\"price\":-1}]}", "bad_value:$.lines[2].price"},
		{"{\"lines\":[null,null,null,null]}", "bad_value:lines"}, {"{\"lines\":[7]}", "bad_type:$.lines[0]"},
		{"{\"lines\":[{\"price\":1,\"tags\":[\"a\",\"c\"]}]}", "bad_enum:$.lines[0].tags[1]"},
		{"{\"lines\":[{\"price\":1,\"tags\":[\"a\",null]}]}", "bad_type:$.lines[0].tags[1]"},
		{"{\"lines\":[{\"price\":1]}", "not_json"}};
	struct fixture f;
	const struct json_contract_opts o = plain_opts();
	open_by(&f, BASKET, &o);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *got = parse(&f, cases[i].message);
		if (strcmp(got, cases[i].reason) != 0)
			fail_msg("%s: '%s', expected '%s'", cases[i].message, got, cases[i].reason);
	}
	assert_string_equal(parse(&f, "{\"to\":{\"city\":\"a\"}}"), ""); /* nothing is left of them */
	close_it(&f);
}

/* What a message takes is bounded by the contract's values, not by the message's bytes. */
static void test_nested_too_many(void **state)
{
	(void)state;
	enum { ELEMENTS = 300000 };
	struct fixture f;
	struct buf message;
	struct json_contract_opts o = plain_opts();
	o.message_bytes_max = 1 << 20;
	open_by(&f, BASKET, &o);
	buf_init(&message, 0);
	buf_str(&message, "{\"lines\":[{\"price\":1,\"tags\":[1");
	for (int i = 1; i < ELEMENTS; i++) buf_str(&message, ",1");
	buf_str(&message, "]}]}");
	buf_char(&message, '\0');
	assert_false(message.failed);
	assert_string_equal(parse(&f, (const char *)message.p), "too_many:$.lines[0].tags");
	assert_string_equal(parse(&f, "{\"to\":{\"city\":\"a\"}}"), ""); /* nor is the next one */
	buf_deinit(&message);
	close_it(&f);
}

#define THING(fields) "{\"type\":\"object\",\"properties\":{\"o\":{\"type\":\"object\",\"properties\":{" fields "}}}}"
#define FIELD(name, type) "\"" name "\":{\"type\":\"" type "\"}"
#define LIST_OF(name, fields) \
	"\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{" fields "}}}"

/* Fields of a struct that stands keep their places, new ones follow, lost ones are null; another type is refused. */
static void test_nested_standing(void **state)
{
	(void)state;
	static const char *const messages[] = {"{\"o\":{\"c\":3,\"b\":\"x\",\"a\":9,\"l\":[{\"z\":1,\"y\":2}]}}"};
	struct fixture before, after;
	struct json_contract_opts o = plain_opts();
	open_by(&before, THING(FIELD("a", "integer") "," FIELD("b", "string") "," LIST_OF("l", FIELD("y", "integer"))),
		&o);
	o.standing = before.t->table->columns;
	o.n_standing = before.t->table->n_columns;
	open_by(&after,
		THING(FIELD("c", "integer") "," LIST_OF("l", FIELD("z", "integer") "," FIELD("y", "integer")) "," FIELD(
			"b", "string")),
		&o);
	check_rows(&after, messages, 1, "o", "{a:- b:x l:[{y:2 z:1}] c:3}");
	close_it(&after);
	static const char *const refused[] = {THING(FIELD("a", "string")), THING(FIELD("A", "integer")),
		THING(LIST_OF("l", FIELD("y", "string"))),
		THING("\"l\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}"),
		"{\"type\":\"object\",\"properties\":{\"o\":{\"type\":\"string\"}}}"};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct json_contract *c = NULL;
		struct err err;
		err_clear(&err);
		if (json_contract_open(str_of(refused[i]), &o, &c, &err) != E_CONFLICT)
			fail_msg("taken: %s", refused[i]);
		if (strstr(err.message, i == 4 ? "column 'o' of the table is struct there, string here"
					       : "struct here, of other parts") == NULL)
			fail_msg("%s", err.message);
	}
	close_it(&before);
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
	static const struct column_def strict[] = {{.name = "element", .type = COL_INT64}};
	static const struct {
		struct column_def column;
		const char *has;
	} refused[] = {
		{{.name = "new", .type = COL_STRING, .nullable = true},
			"column 'new' of the table is string there, int64 here"},
		{{.name = "new", .type = COL_INT64}, "int64 not null there, int64 here"},
		{{.name = "old", .type = COL_INT64}, "not null there, no member here"},
		{{.name = "old", .type = COL_LIST, .nullable = true, .children = strict, .n_children = 1},
			"list there"},
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
		cmocka_unit_test(test_nested_rows),
		cmocka_unit_test(test_nested_reasons),
		cmocka_unit_test(test_nested_too_many),
		cmocka_unit_test(test_nested_standing),
		cmocka_unit_test(test_standing),
		cmocka_unit_test(test_confluent),
		cmocka_unit_test(test_debezium),
		cmocka_unit_test(test_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
