#include "table/path.h"

#include "base/rng.h"
#include "check.h"

#define RUN "0a1b2c3d-0000-4000-8000-000000000001"
#define NULL_FOLDER "__HIVE_DEFAULT_PARTITION__"
#define PAIRS(l) ((struct delta_pairs){(l), sizeof(l) / sizeof(l)[0]})
static const struct str null = {NULL, 0};

static void check_text(struct str got, const char *want)
{
	if (!str_is(got, want)) fail_msg("'%.*s', expected '%s'", (int)got.n, got.p, want);
}

static void check_folders(const struct delta_pairs *values, const char *want)
{
	struct buf out;
	buf_init(&out, 0);
	path_folders(&out, values);
	check_text((struct str){(const char *)out.p, out.n}, want);
	buf_deinit(&out);
}

/* ---- composing ---- */

static void folders(void **state)
{
	(void)state;
	const struct delta_pair plain[] = {{STR("month"), STR("2025-09")}, {STR("run_id"), STR(RUN)}};
	const struct delta_pair nulls[] = {{STR("a"), null}, {STR("b"), STR("")}, {STR("c"), STR(NULL_FOLDER)}};
	const struct delta_pair hostile[] = {{STR("d/.."), STR("..")}, {STR("a b"), STR("../../etc/passwd")},
		{STR("e=f"), STR("x:y?#[]@!$&'()*+,;=%\n\\\"")}, {STR("\xc3\xb1"), STR("\xc3\xb1~_.-Z9 ")},
		{STR("n"), {"\0", 1}}};
	check_folders(&(struct delta_pairs){NULL, 0}, "");
	check_folders(&PAIRS(plain), "month=2025-09/run_id=" RUN);
	check_folders(&PAIRS(nulls), "a=" NULL_FOLDER "/b=" NULL_FOLDER "/c=%5F_HIVE_DEFAULT_PARTITION__");
	check_folders(&PAIRS(hostile),
		"d%2F..=../a%20b=..%2F..%2Fetc%2Fpasswd/"
		"e%3Df=x%3Ay%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25%0A%5C%22/%C3%B1=%C3%B1~_.-Z9%20/n=%00");
}

/* Every byte that Hive escapes is escaped: FileUtils.charToEscape of Hive, as Spark has it too. */
static void hive_reserved(void **state)
{
	(void)state;
	static const char reserved[] = "\"#%'*/:=?\\{[]^\x7f";
	for (int c = 1; c < 128; c++) {
		if (c >= 0x20 && strchr(reserved, c) == NULL) continue;
		const char text[1] = {(char)c};
		const struct delta_pair pair = {STR("a"), {text, 1}};
		char want[8];
		(void)snprintf(want, sizeof want, "a=%%%02X", (unsigned)c);
		check_folders(&(struct delta_pairs){&pair, 1}, want);
	}
}

static void keys(void **state)
{
	(void)state;
	struct err err;
	char key[PATH_KEY_MAX], text[PATH_KEY_MAX];
	const struct delta_pair month = {STR("month"), STR("2025-09")};
	const struct delta_pairs one = {&month, 1}, none = {NULL, 0};
	CHECK_OK(&err, path_key(key, "silver/tickets", &one, "x.parquet", &err));
	assert_string_equal(key, "silver/tickets/month=2025-09/x.parquet");
	CHECK_OK(&err, path_key(key, "silver/dim_geo", &none, "x.parquet", &err));
	assert_string_equal(key, "silver/dim_geo/x.parquet");
	CHECK_OK(&err, path_key(key, "", &none, "x", &err));
	assert_string_equal(key, "x");
	memset(text, 'v', sizeof text);
	struct delta_pair longest = {STR("a"), {text, PATH_KEY_MAX - 1 - 6}}; /* r/a=v.../n */
	CHECK_OK(&err, path_key(key, "r", &(struct delta_pairs){&longest, 1}, "n", &err));
	CHECK_I64(strlen(key), PATH_KEY_MAX - 1);
	longest.value.n++;
	key[0] = 'k';
	CHECK_FAILS(E_LIMIT, path_key(key, "r", &(struct delta_pairs){&longest, 1}, "n", &err));
	assert_int_equal(key[0], 'k');
	assert_non_null(strstr(err.message, "over 1023 bytes"));
	longest.value.n = PATH_KEY_MAX / 3; /* under the limit as it is, over it as %XX */
	memset(text, '/', sizeof text);
	CHECK_FAILS(E_LIMIT, path_key(key, "r", &(struct delta_pairs){&longest, 1}, "n", &err));
}

static void table_roots(void **state)
{
	(void)state;
	struct err err;
	char root[PATH_KEY_MAX], text[PATH_KEY_MAX + 1] = "";
	CHECK_OK(&err, path_table_root(root, "silver.tickets", &err));
	assert_string_equal(root, "silver/tickets");
	CHECK_OK(&err, path_table_root(root, "rejects.pqrs", &err));
	assert_string_equal(root, "rejects/pqrs");
	memset(text, 'x', PATH_KEY_MAX);
	CHECK_FAILS(E_LIMIT, path_table_root(root, text, &err));
}

/* ---- parsing ---- */

static struct delta_pairs values_of(const char *key, struct arena *arena)
{
	struct delta_pairs out = {NULL, 99};
	struct err err;
	CHECK_OK(&err, path_values(key, arena, &out, &err));
	return out;
}

/* Keys of our own and of other writers, and what their folders say: "column:value;", "-" for null. */
static void parse(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", ""},
		{"part.parquet", ""},
		{"silver/dim_geo/part.parquet", ""},
		{"silver/tickets/month=2025-09/run_id=U/part.parquet", "month:2025-09;run_id:U;"},
		{"month=2025-09/part.parquet", "month:2025-09;"},
		{"raw/pqrs/source=a%20b%2f%C3%b1/day=unknown/run_id=U/events.jsonl",
			"source:a b/\xc3\xb1;day:unknown;run_id:U;"},
		{"t/p=" NULL_FOLDER "/q=/x", "p:-;q:-;"}, /* the default partition, and a folder without a value */
		{"t/p=%5F_HIVE_DEFAULT_PARTITION__/x", "p:" NULL_FOLDER ";"},
		{"t/p=1=2/x", "p:1=2;"},                           /* the first '=' divides */
		{"t/p=50%/q=%zz%4/r=%25/x", "p:50%;q:%zz%4;r:%;"}, /* no escape: stands for itself */
		{"t/e%3Df=1/x", "e=f:1;"},
		{"t/a b=c d/x", "a b:c d;"},   /* as Spark writes a space */
		{"a=1/t/b=2/x", "b:2;"},       /* only those that stand together before the name */
		{"t/=1/b=2/x", "b:2;"},        /* no column, no folder of a value */
		{"t/b=2/x=1.parquet", "b:2;"}, /* the name is none */
		{"t/b=2/", "b:2;"},
		{"/b=2/x", "b:2;"},
		{"t/p=../x", "p:..;"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct arena arena;
		struct buf said;
		arena_init(&arena, 0);
		buf_init(&said, 0);
		const struct delta_pairs values = values_of(cases[i][0], &arena);
		for (size_t k = 0; k < values.n; k++) {
			const struct delta_pair *p = &values.items[k];
			buf_add(&said, p->key.p, p->key.n);
			buf_char(&said, ':');
			if (p->value.p != NULL)
				buf_add(&said, p->value.p, p->value.n);
			else
				buf_char(&said, '-');
			buf_char(&said, ';');
		}
		if (!str_is((struct str){(const char *)said.p, said.n}, cases[i][1]))
			fail_msg("%s says %.*s, expected %s", cases[i][0], (int)said.n, said.p, cases[i][1]);
		assert_true(path_tells(cases[i][0], &values));
		buf_deinit(&said);
		arena_deinit(&arena);
	}
}

static void tells(void **state)
{
	(void)state;
	const char *key = "t/month=2025-09/source=a%20b/x";
	const struct delta_pair right[] = {{STR("month"), STR("2025-09")}, {STR("source"), STR("a b")}};
	const struct delta_pair value[] = {{STR("month"), STR("2025-09")}, {STR("source"), STR("a%20b")}};
	const struct delta_pair column[] = {{STR("month"), STR("2025-09")}, {STR("sourc"), STR("a b")}};
	const struct delta_pair order[] = {{STR("source"), STR("a b")}, {STR("month"), STR("2025-09")}};
	const struct delta_pair nulls[] = {{STR("month"), null}, {STR("source"), STR("a b")}};
	const struct delta_pair empty[] = {{STR("p"), STR("")}};
	assert_true(path_tells(key, &PAIRS(right)));
	assert_false(path_tells(key, &PAIRS(value)));
	assert_false(path_tells(key, &PAIRS(column)));
	assert_false(path_tells(key, &PAIRS(order)));
	assert_false(path_tells(key, &PAIRS(nulls)));
	assert_false(path_tells(key, &(struct delta_pairs){right, 1}));
	assert_false(path_tells("t/x", &PAIRS(right)));
	assert_true(path_tells("t/x", &(struct delta_pairs){NULL, 0}));
	assert_true(path_tells("t/p=" NULL_FOLDER "/x", &PAIRS(empty)));

	assert_true(path_has(key, STR("source"), STR("a b")));
	assert_true(path_has(key, STR("month"), STR("2025-09")));
	assert_false(path_has(key, STR("month"), STR("2025-0")));
	assert_false(path_has(key, STR("month"), STR("2025-091")));
	assert_false(path_has(key, STR("onth"), STR("2025-09")));
	assert_false(path_has("t/x=1/month=2025-09", STR("month"), STR("2025-09"))); /* a name */
	assert_true(path_has("t/p=" NULL_FOLDER "/x", STR("p"), null));
	assert_false(path_has("t/p=" NULL_FOLDER "/x", STR("p"), STR(NULL_FOLDER)));
	assert_true(path_has("t/p=%5f_HIVE_DEFAULT_PARTITION__/x", STR("p"), STR(NULL_FOLDER)));
}

/* ---- round trip ---- */

struct draws {
	uint32_t n;
};
static uint32_t draw(struct draws *d, uint32_t below)
{
	const struct rng4 r = rng_philox(7, d->n++, 1, 0);
	return rng_below(r.v[0], below);
}

/* Short texts of what means something in a path, and of any byte. */
static struct str any_text(struct draws *d, struct arena *arena, size_t n_min)
{
	static const char *const words[] = {
		"..", "/", "%", "=", "%2F", "%5F", NULL_FOLDER, "_delta_log", "a", "\xc3\xb1", " ", "\\"};
	char text[128];
	size_t n = 0;
	const size_t pieces = n_min + draw(d, 4);
	for (size_t i = 0; i < pieces; i++) {
		const char *word = words[draw(d, sizeof words / sizeof words[0])];
		if (draw(d, 3) == 0)
			text[n++] = (char)draw(d, 256);
		else
			for (; *word != '\0'; word++) text[n++] = *word;
	}
	const char *copy = arena_strndup(arena, text, n);
	assert_non_null(copy);
	return (struct str){copy, n};
}

static void round_trip(void **state)
{
	(void)state;
	struct draws d = {0};
	for (int i = 0; i < 20000 / CHECK_ONE_IN; i++) {
		struct arena arena;
		struct delta_pair pairs[4];
		struct err err;
		char key[PATH_KEY_MAX];
		arena_init(&arena, 0);
		const size_t n = draw(&d, 5);
		for (size_t k = 0; k < n; k++) {
			pairs[k].key = any_text(&d, &arena, 1);
			pairs[k].value = draw(&d, 8) == 0 ? null : any_text(&d, &arena, 0);
		}
		const struct delta_pairs values = {pairs, n};
		CHECK_OK(&err, path_key(key, "silver/tickets", &values, "part.parquet", &err));
		const struct delta_pairs back = values_of(key, &arena);
		CHECK_I64(back.n, n);
		for (size_t k = 0; k < n; k++) {
			assert_true(str_eq(back.items[k].key, pairs[k].key));
			if (pairs[k].value.n == 0)
				assert_null(back.items[k].value.p);
			else
				assert_true(str_eq(back.items[k].value, pairs[k].value));
			assert_true(path_has(key, pairs[k].key, pairs[k].value));
		}
		assert_true(path_tells(key, &values));
		/* As a path of a log it stays in the table, and comes back the same. */
		struct buf url;
		struct str decoded;
		buf_init(&url, 0);
		path_url_encode(&url, str_of(key));
		CHECK_OK(&err, path_url_decode((struct str){(const char *)url.p, url.n}, &arena, &decoded, &err));
		check_text(decoded, key);
		buf_deinit(&url);
		arena_deinit(&arena);
	}
}

static void copies(void **state)
{
	(void)state;
	struct arena arena;
	char text[] = "abc";
	const struct delta_pair pairs[] = {{{text, 1}, {text + 1, 2}}, {STR("n"), null}, {STR("e"), STR("")}};
	struct delta_pairs copy;
	arena_init(&arena, 0);
	assert_true(delta_pairs_copy(&PAIRS(pairs), &arena, &copy));
	memset(text, 'x', sizeof text);
	CHECK_I64(copy.n, 3);
	check_text(delta_pairs_get(&copy, STR("a"))->value, "bc");
	assert_null(delta_pairs_get(&copy, STR("n"))->value.p);
	assert_non_null(delta_pairs_get(&copy, STR("e"))->value.p);
	assert_null(delta_pairs_get(&copy, STR("x")));
	arena_deinit(&arena);
}

/* ---- names ---- */

static void part_names(void **state)
{
	(void)state;
#define HEX "000102030405060708090a0b0c0d0eff"
	uint8_t hash[XXH128_BYTES], back[XXH128_BYTES];
	char name[PATH_PART_NAME_CHARS + 1];
	assert_true(hex_decode(STR(HEX), hash, sizeof hash));
	path_part_name(hash, name);
	assert_string_equal(name, "part-" HEX ".parquet");
	static const char *const right[] = {
		"part-" HEX ".parquet", "t/part-" HEX ".parquet", "t/a=1/part-" HEX ".parquet"};
	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
		memset(back, 0, sizeof back);
		assert_true(path_part_hash(str_of(right[i]), back));
		assert_memory_equal(back, hash, sizeof hash);
	}
	static const char *const wrong[] = {"", "part-.parquet", "part-" HEX ".parque", "xpart-" HEX ".parquet",
		"part-" HEX "-2.parquet", "part-" HEX ".parquet/x", "part-" HEX "0.parquet", "Part-" HEX ".parquet",
		"part-000102030405060708090A0B0C0D0EFF.parquet", "part-000102030405060708090a0b0c0d0efg.parquet",
		"part-" HEX ".jsonlll"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		if (path_part_hash(str_of(wrong[i]), back)) fail_msg("'%s' holds a hash", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(folders), cmocka_unit_test(hive_reserved),
		cmocka_unit_test(keys), cmocka_unit_test(table_roots), cmocka_unit_test(parse), cmocka_unit_test(tells),
		cmocka_unit_test(round_trip), cmocka_unit_test(copies), cmocka_unit_test(part_names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
