/* Nested columns by their fields: lists, maps and structs from levels written by hand, and levels that contradict each other. Files by other
 * writers are in tests/interop/test_nested_read.py. */
#include "parquet/nested.h"

#include "check.h"

/* l: list of optional int64; m: map of string to int64; s: struct of a required int64 and an old list, a repeated int64. */
static const struct parquet_node nodes[] = {
	{"root", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 3, 0},
	{"l", PARQUET_OPTIONAL, PARQUET_GROUP_LIST, 1, 0},
	{"list", PARQUET_REPEATED, PARQUET_GROUP_PLAIN, 1, 0},
	{"element", PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 0, COL_INT64},
	{"m", PARQUET_OPTIONAL, PARQUET_GROUP_MAP, 1, 0},
	{"key_value", PARQUET_REPEATED, PARQUET_GROUP_PLAIN, 2, 0},
	{"key", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 0, COL_INT64},
	{"value", PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 0, COL_INT64},
	{"s", PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 2, 0},
	{"a", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 0, COL_INT64},
	{"old", PARQUET_REPEATED, PARQUET_GROUP_PLAIN, 0, COL_INT64},
};
enum { ROWS = 4, N_LEAVES = 5, VALUES_MAX = 8 };
static const int64_t numbers[VALUES_MAX] = {10, 11, 12, 13, 14, 15, 16, 17};

struct leaf_levels {
	uint8_t max_def, max_rep;
	int n;
	uint8_t def[VALUES_MAX], rep[VALUES_MAX];
};
/* Rows: l = [10, null], null, [], [11]; m = {10: 10, 11: null}, {}, null, {12: 11}; s = null, (10, []), (11, [10, 11]), (12, [12]). */
static const struct leaf_levels good[N_LEAVES] = {
	{3, 1, 5, {3, 2, 0, 1, 3}, {0, 1, 0, 0, 0}},
	{2, 1, 5, {2, 2, 1, 0, 2}, {0, 1, 0, 0, 0}},
	{3, 1, 5, {3, 2, 1, 0, 3}, {0, 1, 0, 0, 0}},
	{1, 0, 4, {0, 1, 1, 1}, {0}},
	{2, 1, 5, {0, 1, 2, 2, 2}, {0, 0, 0, 1, 0}},
};

struct opened {
	struct buf file;
	struct store_object *object;
	struct parquet_reader *r;
	struct arena arena;
};

static void open_levels(struct opened *o, const struct leaf_levels levels[N_LEAVES])
{
	struct err err;
	struct parquet_levels leaves[N_LEAVES];
	for (int k = 0; k < N_LEAVES; k++) {
		int64_t values = 0;
		for (int i = 0; i < levels[k].n; i++) values += levels[k].def[i] == levels[k].max_def;
		leaves[k] = (struct parquet_levels){.values = {.type = COL_INT64, .n = values, .values = numbers},
			.n = levels[k].n,
			.def = levels[k].def,
			.rep = levels[k].max_rep > 0 ? levels[k].rep : NULL,
			.max_def = levels[k].max_def,
			.max_rep = levels[k].max_rep};
	}
	const struct parquet_nested f = {nodes, sizeof nodes / sizeof nodes[0], leaves, N_LEAVES, ROWS, false};
	buf_init(&o->file, 0);
	arena_init(&o->arena, 0);
	CHECK_OK(&err, parquet_nested_write(&f, NULL, &o->file, &err));
	CHECK_OK(&err, store_object_from_memory(o->file.p, o->file.n, "lake/nested.parquet", &o->object, &err));
	CHECK_OK(&err, parquet_reader_open(o->object, &o->r, &err));
}

static void close_levels(struct opened *o)
{
	parquet_reader_close(o->r);
	store_object_close(o->object);
	buf_deinit(&o->file);
	arena_deinit(&o->arena);
}

static void check_offsets(const struct column *c, const int32_t want[ROWS + 1])
{
	CHECK_I64(c->n, ROWS);
	for (int i = 0; i <= ROWS; i++) CHECK_I64(c->offsets[i], want[i]);
}

static void check_valid(const struct column *c, const char *want)
{
	CHECK_I64(c->n, (int64_t)strlen(want));
	for (int64_t i = 0; i < c->n; i++)
		if (column_valid(c, i) != (want[i] == '1')) fail_msg("row %lld: expected %c", (long long)i, want[i]);
}

static void fields_of_a_schema(void **state)
{
	(void)state;
	struct err err;
	struct opened o;
	const struct parquet_field *f;
	size_t n;
	open_levels(&o, good);
	CHECK_OK(&err, parquet_reader_fields(o.r, &f, &n, &err));
	CHECK_I64(n, 3);
	static const enum col_type types[] = {COL_LIST, COL_MAP, COL_STRUCT};
	for (size_t i = 0; i < n; i++) {
		assert_true(f[i].info.supported && f[i].column == -1 && f[i].info.def.nullable);
		CHECK_I64(f[i].info.def.type, types[i]);
	}
	assert_string_equal(f[0].info.def.children[0].name, "element");
	assert_string_equal(f[1].info.def.children[1].name, "value");
	const struct column_def *old = &f[2].info.def.children[1];
	assert_string_equal(old->name, "old");
	assert_true(old->type == COL_LIST && !old->nullable && old->children[0].type == COL_INT64);
	close_levels(&o);
}

static void values_of_rows(void **state)
{
	(void)state;
	struct err err;
	struct opened o;
	struct column l, m, s;
	open_levels(&o, good);
	CHECK_OK(&err, parquet_reader_field_read(o.r, 0, 0, &o.arena, &l, &err));
	CHECK_OK(&err, parquet_reader_field_read(o.r, 0, 1, &o.arena, &m, &err));
	CHECK_OK(&err, parquet_reader_field_read(o.r, 0, 2, &o.arena, &s, &err));
	check_valid(&l, "1011");
	check_offsets(&l, (const int32_t[]){0, 2, 2, 2, 3});
	check_valid(&l.children[0], "101");
	CHECK_I64(((const int64_t *)l.children[0].values)[2], 11);
	check_valid(&m, "1101");
	check_offsets(&m, (const int32_t[]){0, 2, 2, 2, 3});
	check_valid(&m.children[0], "111");
	check_valid(&m.children[1], "101");
	check_valid(&s, "0111");
	check_valid(&s.children[0], "0111");
	CHECK_I64(((const int64_t *)s.children[0].values)[3], 12);
	check_offsets(&s.children[1], (const int32_t[]){0, 0, 0, 2, 3});
	close_levels(&o);
}

/* Rows taken out of their order, as a scan with conditions takes them. */
static void gathered(void **state)
{
	(void)state;
	struct err err;
	struct opened o;
	struct column l, s;
	static const uint32_t rows[] = {3, 1, 0};
	open_levels(&o, good);
	CHECK_OK(&err, parquet_reader_field_read(o.r, 0, 0, &o.arena, &l, &err));
	CHECK_OK(&err, parquet_reader_field_read(o.r, 0, 2, &o.arena, &s, &err));
	CHECK_OK(&err, gather_column(&l, rows, 3, &o.arena, &l, &err));
	CHECK_OK(&err, gather_column(&s, rows, 3, &o.arena, &s, &err));
	check_valid(&l, "101");
	CHECK_I64(l.offsets[1], 1);
	CHECK_I64(l.offsets[3], 3);
	check_valid(&l.children[0], "110");
	CHECK_I64(((const int64_t *)l.children[0].values)[0], 11);
	check_valid(&s, "110");
	CHECK_I64(((const int64_t *)s.children[0].values)[1], 10);
	CHECK_I64(s.children[1].offsets[1], 1);
	CHECK_I64(((const int64_t *)s.children[1].children[0].values)[0], 12);
	close_levels(&o);
}

static void contradictions(void **state)
{
	(void)state;
	const struct {
		int leaf, field;
		struct leaf_levels levels;
	} cases[] = {
		{0, 0, {3, 1, 5, {0, 2, 0, 1, 3}, {0, 1, 0, 0, 0}}}, /* an element continues a null list */
		{0, 0, {3, 1, 5, {3, 1, 0, 1, 3}, {0, 1, 0, 0, 0}}}, /* a list goes on with no element */
		{2, 1, {3, 1, 4, {3, 1, 0, 3}, {0, 0, 0, 0}}},       /* more keys than values */
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err;
		struct opened o;
		struct column c;
		struct leaf_levels levels[N_LEAVES];
		memcpy(levels, good, sizeof levels);
		levels[cases[i].leaf] = cases[i].levels;
		open_levels(&o, levels);
		const status code = parquet_reader_field_read(o.r, 0, (size_t)cases[i].field, &o.arena, &c, &err);
		CHECK_FAILS(E_CORRUPT, code);
		assert_string_equal(err.where, "lake/nested.parquet");
		assert_non_null(strstr(err.message, "contradict"));
		close_levels(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(fields_of_a_schema), cmocka_unit_test(values_of_rows),
		cmocka_unit_test(gathered), cmocka_unit_test(contradictions)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
