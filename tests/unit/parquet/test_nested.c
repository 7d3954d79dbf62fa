/* Nested files of our own: levels and values come back, pages end between rows, and what damage gets. Files by other writers,
 * and other readers of ours, are in tests/interop. */
#include "parquet/nested.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "check.h"

enum { ID, KEY, VALUE, ELEMENT, PRICE, FLAG, DAY, N_LEAVES };
static const struct parquet_node nodes[] = {
	{"root", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 3, 0},
	{"a", PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 4, 0},
	{"id", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 0, COL_INT64},
	{"m", PARQUET_OPTIONAL, PARQUET_GROUP_MAP, 1, 0},
	{"key_value", PARQUET_REPEATED, PARQUET_GROUP_PLAIN, 2, 0},
	{"key", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 0, COL_STRING},
	{"value", PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 0, COL_STRING},
	{"l", PARQUET_OPTIONAL, PARQUET_GROUP_LIST, 1, 0},
	{"list", PARQUET_REPEATED, PARQUET_GROUP_PLAIN, 1, 0},
	{"element", PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 0, COL_BOOL},
	{"price", PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 0, COL_DECIMAL},
	{"flag", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 0, COL_BOOL},
	{"day", PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 0, COL_DATE},
};
static const struct {
	const char *path;
	uint8_t max_def, max_rep,
		repeats; /* repeats: from this definition level on, an entry may be followed by another */
	enum col_type type;
} leaves[N_LEAVES] = {
	[ID] = {"a.id", 1, 0, 0, COL_INT64},
	[KEY] = {"a.m.key_value.key", 3, 1, 3, COL_STRING},
	[VALUE] = {"a.m.key_value.value", 4, 1, 3, COL_STRING},
	[ELEMENT] = {"a.l.list.element", 4, 1, 3, COL_BOOL},
	[PRICE] = {"a.price", 2, 0, 0, COL_DECIMAL},
	[FLAG] = {"flag", 0, 0, 0, COL_BOOL},
	[DAY] = {"day", 1, 0, 0, COL_DATE},
};

/* The levels and values of all leaves, and the file. */
struct sample {
	struct parquet_levels leaves[N_LEAVES];
	struct buf def[N_LEAVES], rep[N_LEAVES];
	struct builder values[N_LEAVES];
	struct buf file;
	int64_t rows;
};

static void add_value(struct sample *s, int leaf, uint32_t draw, size_t text_max)
{
	static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	static char big[70000];
	struct builder *b = &s->values[leaf];
	const int64_t at = b->n;
	switch (leaves[leaf].type) {
	case COL_STRING:
		if (text_max <= sizeof text - 1) {
			builder_set_str(b, at, (struct str){text, draw % (text_max + 1)});
			break;
		}
		memset(big, (int)(draw % 128), sizeof big);
		builder_set_str(b, at, (struct str){big, draw % (text_max + 1)});
		break;
	case COL_DATE: builder_set_i32(b, at, (int32_t)(draw % 40000) - 20000); break;
	case COL_DECIMAL: builder_set_i64(b, at, (int64_t)(draw % 1000000) - 500000); break;
	case COL_BOOL: builder_set_i32(b, at, (int32_t)(draw & 1)); break; /* turned into bits by finish */
	default: builder_set_i64(b, at, (int64_t)draw << 31 ^ at);
	}
}

/* Random levels that fit the schema. With bools as int32 in a builder until they are complete. */
static void fill(struct sample *s, int leaf, size_t text_max)
{
	const uint8_t max_def = leaves[leaf].max_def;
	uint32_t i = 0;
	for (int64_t row = 0; row < s->rows; row++) {
		for (bool more = true, first = true; more; first = false, i++) {
			const struct rng4 r = rng_philox(7, (uint64_t)leaf, 0, i);
			const uint8_t least = first ? 0 : leaves[leaf].repeats;
			const uint8_t def = (uint8_t)(least + rng_below(r.v[0], (uint32_t)(max_def - least) + 1));
			buf_char(&s->rep[leaf], (char)!first);
			buf_char(&s->def[leaf], (char)def);
			if (def == max_def) add_value(s, leaf, r.v[1], text_max);
			more = leaves[leaf].max_rep > 0 && def >= leaves[leaf].repeats && r.v[2] % 3 > 0;
		}
	}
}

static void to_bits(struct builder *b, struct column *c)
{
	static uint8_t bits[2][1 << 16];
	static int next;
	uint8_t *out = bits[next++ % 2];
	assert_true(b->n <= (int64_t)sizeof bits[0] * 8);
	memset(out, 0, sizeof bits[0]);
	for (int64_t i = 0; i < b->n; i++) {
		if (((const int32_t *)c->values)[i]) bit_set(out, i);
	}
	c->type = COL_BOOL;
	c->values = out;
}

static void sample_make(struct sample *s, int64_t rows, size_t text_max, enum parquet_codec codec)
{
	struct err err;
	*s = (struct sample){.rows = rows};
	buf_init(&s->file, 0);
	for (int k = 0; k < N_LEAVES; k++) {
		const enum col_type type = leaves[k].type == COL_BOOL ? COL_INT32 : leaves[k].type;
		const struct column_def def = {.name = leaves[k].path, .type = type, .precision = 7, .scale = 2};
		buf_init(&s->def[k], 0);
		buf_init(&s->rep[k], 0);
		builder_init(&s->values[k], &def, false);
		fill(s, k, text_max);
		s->leaves[k] = (struct parquet_levels){.n = (int64_t)s->def[k].n,
			.def = leaves[k].max_def > 0 ? s->def[k].p : NULL,
			.rep = leaves[k].max_rep > 0 ? s->rep[k].p : NULL,
			.max_def = leaves[k].max_def,
			.max_rep = leaves[k].max_rep};
		CHECK_OK(&err, builder_finish(&s->values[k], s->values[k].n, &s->leaves[k].values, &err));
		if (leaves[k].type == COL_BOOL) to_bits(&s->values[k], &s->leaves[k].values);
	}
	const struct parquet_nested f = {.nodes = nodes,
		.n_nodes = sizeof nodes / sizeof *nodes,
		.leaves = s->leaves,
		.n_leaves = N_LEAVES,
		.n_rows = rows};
	CHECK_OK(&err, parquet_nested_write(&f, &(struct parquet_opts){.codec = codec}, &s->file, &err));
}

static void sample_free(struct sample *s)
{
	for (int k = 0; k < N_LEAVES; k++) {
		buf_deinit(&s->def[k]);
		buf_deinit(&s->rep[k]);
		builder_deinit(&s->values[k]);
	}
	buf_deinit(&s->file);
}

static void check_values(const struct column *got, const struct column *want)
{
	CHECK_I64(got->n, want->n);
	CHECK_I64(got->n_null, 0);
	assert_int_equal(got->type, want->type);
	assert_null(got->validity);
	assert_null(got->dict);
	for (int64_t i = 0; i < want->n; i++) {
		if (want->type == COL_STRING)
			assert_true(str_eq(column_str(got, i), column_str(want, i)));
		else if (want->type == COL_BOOL)
			assert_int_equal(bit_get(got->values, i), bit_get(want->values, i));
	}
	const size_t width = col_type_width(want->type);
	if (width > 0 && want->n > 0) assert_memory_equal(got->values, want->values, width * (size_t)want->n);
}

static void check_leaf(const struct parquet_levels *got, const struct parquet_levels *want)
{
	CHECK_I64(got->n, want->n);
	assert_int_equal(got->max_def, want->max_def);
	assert_int_equal(got->max_rep, want->max_rep);
	assert_true((got->def == NULL) == (want->max_def == 0));
	assert_true((got->rep == NULL) == (want->max_rep == 0));
	if (want->n > 0 && want->max_def > 0) assert_memory_equal(got->def, want->def, (size_t)want->n);
	if (want->n > 0 && want->max_rep > 0) assert_memory_equal(got->rep, want->rep, (size_t)want->n);
	check_values(&got->values, &want->values);
}

static void comes_back(void **state)
{
	(void)state;
	static const struct {
		int64_t rows;
		size_t text_max;
		enum parquet_codec codec;
	} cases[] = {{1, 5, PARQUET_ZSTD}, {7, 5, PARQUET_UNCOMPRESSED}, {2000, 30, PARQUET_SNAPPY},
		{2000, 30, PARQUET_UNCOMPRESSED}, {300, 70000, PARQUET_ZSTD}, {100000, 3, PARQUET_LZ4_RAW}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sample s;
		struct err err;
		struct store_object *object;
		struct parquet_reader *r;
		struct arena arena;
		arena_init(&arena, 0);
		sample_make(&s, cases[i].rows, cases[i].text_max, cases[i].codec);
		CHECK_OK(&err, store_object_from_memory(s.file.p, s.file.n, "nested.parquet", &object, &err));
		CHECK_OK(&err, parquet_reader_open(object, &r, &err));
		CHECK_I64(parquet_reader_rows(r), cases[i].rows);
		CHECK_I64(parquet_reader_n_columns(r), N_LEAVES);
		for (int k = 0; k < N_LEAVES; k++) {
			struct parquet_levels got;
			CHECK_I64(parquet_reader_leaf(r, leaves[k].path), k);
			CHECK_OK(&err, parquet_reader_levels(r, 0, k, &arena, &got, &err));
			check_leaf(&got, &s.leaves[k]);
		}
		CHECK_I64(parquet_reader_leaf(r, "a.m"), -1);
		CHECK_I64(parquet_reader_column(r, PRICE)->def.precision, 7);
		CHECK_I64(parquet_reader_column(r, PRICE)->def.scale, 2);
		parquet_reader_close(r);
		store_object_close(object);
		arena_deinit(&arena);
		sample_free(&s);
	}
}

static void flat_reads_agree(void **state)
{
	(void)state;
	struct sample s;
	struct err err;
	struct store_object *object;
	struct parquet_reader *r;
	struct arena arena;
	struct batch batch;
	const int flat[] = {FLAG, DAY}, nested = VALUE;
	arena_init(&arena, 0);
	sample_make(&s, 500, 8, PARQUET_ZSTD);
	CHECK_OK(&err, store_object_from_memory(s.file.p, s.file.n, "nested.parquet", &object, &err));
	CHECK_OK(&err, parquet_reader_open(object, &r, &err));
	CHECK_OK(&err, parquet_reader_read(r, &(struct parquet_range){0, 0, 500}, (struct parquet_columns){flat, 2},
			       &arena, &batch, &err));
	int64_t value = 0;
	for (int64_t i = 0; i < 500; i++) {
		assert_int_equal(bit_get(batch.columns[0].values, i), bit_get(s.leaves[FLAG].values.values, i));
		assert_int_equal(column_valid(&batch.columns[1], i), s.def[DAY].p[i]);
		if (!s.def[DAY].p[i]) continue;
		CHECK_I64(((const int32_t *)batch.columns[1].values)[i],
			((const int32_t *)s.leaves[DAY].values.values)[value++]);
	}
	CHECK_FAILS(E_UNSUPPORTED, parquet_reader_read(r, &(struct parquet_range){0, 0, 500},
					   (struct parquet_columns){&nested, 1}, &arena, &batch, &err));
	assert_non_null(strstr(err.message, "nested"));
	parquet_reader_close(r);
	store_object_close(object);
	arena_deinit(&arena);
	sample_free(&s);
}

static void no_rows(void **state)
{
	(void)state;
	struct sample s;
	struct err err;
	struct store_object *object;
	struct parquet_reader *r;
	sample_make(&s, 0, 8, PARQUET_ZSTD);
	CHECK_OK(&err, store_object_from_memory(s.file.p, s.file.n, "nested.parquet", &object, &err));
	CHECK_OK(&err, parquet_reader_open(object, &r, &err));
	CHECK_I64(parquet_reader_n_row_groups(r), 0);
	CHECK_I64(parquet_reader_n_columns(r), N_LEAVES);
	parquet_reader_close(r);
	store_object_close(object);
	sample_free(&s);
}

/* ---- damage ----------------------------------------------------------------------------------------------- */

/* Opens and reads all leaves; the first error must name the file. */
static status read_all(const uint8_t *p, size_t n, struct parquet_reader *r, struct arena *arena, struct err *err)
{
	struct store_object *object;
	*err = (struct err){0};
	TRY(store_object_from_memory(p, n, "folder/bad.parquet", &object, err));
	status code = parquet_reader_reopen(r, object, err);
	for (size_t g = 0; code == OK && g < parquet_reader_n_row_groups(r); g++) {
		for (int k = 0; code == OK && k < (int)parquet_reader_n_columns(r); k++) {
			struct parquet_levels levels;
			arena_reset(arena);
			code = parquet_reader_levels(r, g, k, arena, &levels, err);
			for (int64_t i = 0; code == OK && i < levels.n; i++) {
				assert_true(levels.max_def == 0 || levels.def[i] <= levels.max_def);
				assert_true(levels.max_rep == 0 || levels.rep[i] <= levels.max_rep);
			}
		}
	}
	store_object_close(object);
	if (code != OK && strcmp(err->where, "folder/bad.parquet") != 0)
		fail_msg("no path in: %s (%s)", err->message, status_name(code));
	return code;
}

/* The byte of the schema that holds the repetition of an element: right before its name's field. */
static uint8_t *repetition_of(struct sample *s, const char *name)
{
	const size_t n = strlen(name);
	for (size_t i = s->file.n - n; i > 3; i--) {
		uint8_t *p = s->file.p + i;
		if (memcmp(p, name, n) == 0 && p[-1] == n && p[-2] == 0x18 && (p[-4] == 0x25 || p[-4] == 0x35))
			return p - 3;
	}
	fail_msg("no element %s", name);
	return NULL;
}

/* A schema that says less than the pages hold, and one that says more. */
static void schema_of_other_levels(void **state)
{
	(void)state;
	enum { REQUIRED = 0, OPTIONAL = 2, REPEATED = 4 }; /* zigzag */
	static const struct {
		const char *element;
		uint8_t repetition;
		const char *message;
	} cases[] = {{"m", REQUIRED, "column a.m.key_value.key: a level of 3, at most 2"}, {"a", REQUIRED, "column a."},
		{"key_value", OPTIONAL, "column a.m.key_value.key: "}, {"price", REPEATED, "column a.price: "},
		{"flag", OPTIONAL, "levels"}};
	struct parquet_reader *r;
	struct arena arena;
	struct err err;
	arena_init(&arena, (size_t)64 << 20);
	CHECK_OK(&err, parquet_reader_create(&r, &err));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sample s;
		sample_make(&s, 600, 8, PARQUET_UNCOMPRESSED);
		CHECK_OK(&err, read_all(s.file.p, s.file.n, r, &arena, &err));
		*repetition_of(&s, cases[i].element) = cases[i].repetition;
		const status code = read_all(s.file.p, s.file.n, r, &arena, &err);
		if (code != E_CORRUPT) fail_msg("%s: %s", cases[i].element, status_name(code));
		if (strstr(err.message, cases[i].message) == NULL) fail_msg("%s: %s", cases[i].element, err.message);
		assert_true(err.offset >= 0);
		sample_free(&s);
	}
	parquet_reader_close(r);
	arena_deinit(&arena);
}

static void truncated_anywhere(void **state)
{
	(void)state;
	struct err err;
	struct sample s;
	struct parquet_reader *r;
	struct arena arena;
	sample_make(&s, 60, 8, PARQUET_ZSTD);
	arena_init(&arena, (size_t)64 << 20);
	CHECK_OK(&err, parquet_reader_create(&r, &err));
	for (size_t n = 0; n < s.file.n; n += CHECK_ONE_IN) {
		uint8_t *copy = malloc(n > 0 ? n : 1);
		memcpy(copy, s.file.p, n);
		CHECK_FAILS(E_CORRUPT, read_all(copy, n, r, &arena, &err));
		free(copy);
	}
	CHECK_OK(&err, read_all(s.file.p, s.file.n, r, &arena, &err));
	parquet_reader_close(r);
	arena_deinit(&arena);
	sample_free(&s);
}

/* Each byte changed in three ways. Those of page bodies are under a CRC: there every change is seen. */
static void changed_bytes(void **state)
{
	(void)state;
	static const uint8_t change[] = {0x01, 0x80, 0xFF};
	struct err err;
	struct sample s;
	struct parquet_reader *r;
	struct arena arena;
	size_t seen = 0, tried = 0;
	sample_make(&s, 150, 8, PARQUET_SNAPPY);
	arena_init(&arena, (size_t)64 << 20);
	CHECK_OK(&err, parquet_reader_create(&r, &err));
	for (size_t i = 0; i < s.file.n; i += CHECK_ONE_IN) {
		for (size_t k = 0; k < sizeof change; k++, tried++) {
			s.file.p[i] ^= change[k];
			seen += read_all(s.file.p, s.file.n, r, &arena, &err) != OK;
			s.file.p[i] ^= change[k];
		}
	}
	assert_true(seen > tried / 2);
	CHECK_OK(&err, read_all(s.file.p, s.file.n, r, &arena, &err));
	parquet_reader_close(r);
	arena_deinit(&arena);
	sample_free(&s);
}

static void out_of_memory_anywhere(void **state)
{
	(void)state;
	struct err err;
	struct sample s;
	sample_make(&s, 300, 8, PARQUET_ZSTD);
	const struct parquet_nested f = {.nodes = nodes,
		.n_nodes = sizeof nodes / sizeof *nodes,
		.leaves = s.leaves,
		.n_leaves = N_LEAVES,
		.n_rows = s.rows};
	const size_t before = mem_in_use();
	status code = E_NOMEM;
	for (int64_t n = 0; code != OK; n++) {
		struct parquet_reader *r = NULL;
		struct arena arena;
		struct buf out;
		arena_init(&arena, 0);
		buf_init(&out, 0);
		mem_fail_after(n);
		code = parquet_nested_write(&f, NULL, &out, &err);
		if (code == OK) code = parquet_reader_create(&r, &err);
		if (code == OK) code = read_all(s.file.p, s.file.n, r, &arena, &err);
		mem_fail_after(-1);
		parquet_reader_close(r);
		arena_deinit(&arena);
		buf_deinit(&out);
		CHECK_I64(mem_in_use(), before);
		if (code != OK) CHECK_FAILS(E_NOMEM, code);
		if (code == OK) assert_true(n > 5);
	}
	sample_free(&s);
}

static void floats(void **state)
{
	(void)state;
	struct err err;
	struct buf out;
	const struct parquet_node tree[] = {{"root", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 2, 0},
		{"f", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 0, COL_FLOAT},
		{"d", PARQUET_OPTIONAL, PARQUET_GROUP_PLAIN, 0, COL_DOUBLE}};
	const float f32[3] = {1.5F, -0.0F, 1e30F};
	const double f64[2] = {-2.25, 1e300};
	const uint8_t def[3] = {1, 0, 1};
	const struct parquet_levels levels[] = {{.values = {.type = COL_FLOAT, .n = 3, .values = f32}, .n = 3},
		{.values = {.type = COL_DOUBLE, .n = 2, .values = f64}, .n = 3, .def = def, .max_def = 1}};
	const struct parquet_nested f = {.nodes = tree, .n_nodes = 3, .leaves = levels, .n_leaves = 2, .n_rows = 3};
	buf_init(&out, 0);
	CHECK_OK(&err, parquet_nested_write(&f, NULL, &out, &err));
	struct store_object *o = NULL;
	struct parquet_reader *r = NULL;
	struct parquet_levels got;
	struct arena arena;
	arena_init(&arena, 0);
	CHECK_OK(&err, store_object_from_memory(out.p, out.n, "f", &o, &err));
	CHECK_OK(&err, parquet_reader_open(o, &r, &err));
	CHECK_OK(&err, parquet_reader_levels(r, 0, 0, &arena, &got, &err));
	CHECK_I64(got.n, 3);
	assert_memory_equal(got.values.values, f32, sizeof f32);
	CHECK_OK(&err, parquet_reader_levels(r, 0, 1, &arena, &got, &err));
	CHECK_I64(got.values.n, 2);
	assert_memory_equal(got.values.values, f64, sizeof f64);
	assert_memory_equal(got.def, def, sizeof def);
	parquet_reader_close(r);
	store_object_close(o);
	arena_deinit(&arena);
	buf_deinit(&out);
}

static void refused(void **state)
{
	(void)state;
	struct err err;
	struct buf out;
	const struct parquet_node tree[] = {{"root", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 1, 0},
		{"f", PARQUET_REQUIRED, PARQUET_GROUP_PLAIN, 0, COL_FLOAT}};
	const struct parquet_levels levels = {.values = {.type = COL_FLOAT}};
	const struct parquet_nested f = {.nodes = tree, .n_nodes = 2, .leaves = &levels, .n_leaves = 1};
	buf_init(&out, 0);
	CHECK_FAILS(
		E_UNSUPPORTED, parquet_nested_write(&f, &(struct parquet_opts){.codec = PARQUET_BROTLI}, &out, &err));
	buf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(flat_reads_agree),
		cmocka_unit_test(no_rows),
		cmocka_unit_test(schema_of_other_levels),
		cmocka_unit_test(truncated_anywhere),
		cmocka_unit_test(changed_bytes),
		cmocka_unit_test(out_of_memory_anywhere),
		cmocka_unit_test(floats),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
