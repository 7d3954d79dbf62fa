#include "check.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "columnar/batch.h"

enum { ROWS = 37, N_COLUMNS = 8 };
static const struct column_def defs[N_COLUMNS] = {{.name = "flag", .type = COL_BOOL, .nullable = true},
	{.name = "i32", .type = COL_INT32}, {.name = "i64", .type = COL_INT64, .nullable = true},
	{.name = "str", .type = COL_STRING, .nullable = true}, {.name = "dict", .type = COL_STRING, .nullable = true},
	{.name = "ts", .type = COL_TIMESTAMP}, {.name = "date", .type = COL_DATE, .nullable = true},
	{.name = "dec", .type = COL_DECIMAL, .precision = 18, .scale = 4, .nullable = true}};
static const struct table_schema schema = {.name = "t", .columns = defs, .n_columns = N_COLUMNS};

struct source {
	struct builder b[N_COLUMNS];
	struct column columns[N_COLUMNS];
	struct batch batch;
};

static void source_init(struct source *s, int64_t rows)
{
	struct err err;
	for (size_t i = 0; i < N_COLUMNS; i++) builder_init(&s->b[i], &defs[i], i == 4);
	for (int64_t row = 0; row < rows; row++) {
		char text[32];
		if (row % 5 != 0) {
			assert_true(builder_row(&s->b[0], row));
			if (row % 3 == 0) bit_set(s->b[0].values, row);
			s->b[0].n = row + 1;
		}
		builder_set_i32(&s->b[1], row, (int32_t)row * 7 - 9);
		if (row % 4 != 1) builder_set_i64(&s->b[2], row, row << 40);
		if (row % 6 != 2)
			builder_set_str(&s->b[3], row,
				(struct str){
					text, (size_t)snprintf(text, sizeof text, "%.*s", (int)row % 9, "petición")});
		if (row % 7 != 3) builder_set_str(&s->b[4], row, row % 2 == 0 ? STR("even") : STR("odd"));
		builder_set_i64(&s->b[5], row, 1767225600000000 + row);
		if (row % 3 != 0) builder_set_i32(&s->b[6], row, 20000 + (int32_t)row);
		if (row % 8 != 0)
			builder_set_i64(&s->b[7], row, row % 2 == 0 ? -row * 123456789012345 : row * 123456789012345);
	}
	for (size_t i = 0; i < N_COLUMNS; i++) CHECK_OK(&err, builder_finish(&s->b[i], rows, &s->columns[i], &err));
	s->batch = (struct batch){.schema = &schema, .n_columns = N_COLUMNS, .columns = s->columns, .n_rows = rows};
}
static void source_deinit(struct source *s)
{
	for (size_t i = 0; i < N_COLUMNS; i++) builder_deinit(&s->b[i]);
}

static void check_value(const struct column *a, int64_t ia, const struct column *b, int64_t ib, const char *name)
{
	if (column_valid(a, ia) != column_valid(b, ib)) fail_msg("%s row %lld: one is null", name, (long long)ia);
	if (!column_valid(a, ia)) return;
	bool same;
	if (a->type == COL_STRING)
		same = str_eq(column_str(a, ia), column_str(b, ib));
	else if (a->type == COL_BOOL)
		same = bit_get(a->values, ia) == bit_get(b->values, ib);
	else if (col_type_width(a->type) == 4)
		same = ((const int32_t *)a->values)[ia] == ((const int32_t *)b->values)[ib];
	else
		same = ((const int64_t *)a->values)[ia] == ((const int64_t *)b->values)[ib];
	if (!same) fail_msg("%s row %lld differs", name, (long long)ia);
}

static void check_equal(const struct batch *want, int64_t from, const struct batch *got)
{
	assert_int_equal(got->n_columns, want->n_columns);
	for (size_t i = 0; i < want->n_columns; i++) {
		const struct column *a = &want->columns[i], *b = &got->columns[i];
		assert_int_equal(b->type, a->type);
		assert_int_equal(b->precision, a->precision);
		assert_int_equal(b->scale, a->scale);
		assert_string_equal(got->schema->columns[i].name, defs[i].name);
		assert_int_equal(got->schema->columns[i].nullable, defs[i].nullable);
		CHECK_I64(b->n, got->n_rows);
		for (int64_t row = 0; row < got->n_rows; row++) check_value(a, from + row, b, row, defs[i].name);
	}
}

static void formats(void **state)
{
	(void)state;
	static const char *const want[N_COLUMNS] = {"b", "i", "l", "u", "i", "tsu:UTC", "tdD", "d:18,4"};
	struct source s;
	struct err err;
	struct ArrowSchema as;
	struct ArrowArray aa;
	source_init(&s, ROWS);
	const size_t before = mem_in_use();
	CHECK_OK(&err, batch_export(&s.batch, &as, &aa, &err));
	assert_string_equal(as.format, "+s");
	CHECK_I64(aa.length, ROWS);
	CHECK_I64(aa.null_count, 0);
	for (size_t i = 0; i < N_COLUMNS; i++) {
		assert_string_equal(as.children[i]->format, want[i]);
		assert_string_equal(as.children[i]->name, defs[i].name);
		CHECK_I64(as.children[i]->flags, defs[i].nullable ? ARROW_FLAG_NULLABLE : 0);
		CHECK_I64(aa.children[i]->n_buffers, i == 3 ? 3 : 2);
		CHECK_I64(aa.children[i]->length, ROWS);
		assert_ptr_equal(aa.children[i]->buffers[0], s.columns[i].validity);
		if (i != 3 && i != 7) assert_ptr_equal(aa.children[i]->buffers[1], s.columns[i].values); /* shared */
	}
	assert_string_equal(as.children[4]->dictionary->format, "u");
	CHECK_I64(aa.children[4]->dictionary->length, 2);
	as.release(&as);
	aa.release(&aa);
	assert_true(as.release == NULL && aa.release == NULL);
	CHECK_I64(mem_in_use(), before);
	source_deinit(&s);
}

static void round_trip(void **state)
{
	(void)state;
	static const int64_t sizes[] = {0, 1, 8, ROWS};
	for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
		struct source s;
		struct err err;
		struct arena arena;
		struct batch got;
		struct ArrowSchema as;
		struct ArrowArray aa;
		arena_init(&arena, 0);
		source_init(&s, sizes[k]);
		CHECK_OK(&err, batch_export(&s.batch, &as, &aa, &err));
		CHECK_OK(&err, batch_import(&as, &aa, &arena, &got, &err));
		CHECK_I64(got.n_rows, sizes[k]);
		check_equal(&s.batch, 0, &got);
		as.release(&as);
		aa.release(&aa);
		arena_deinit(&arena);
		source_deinit(&s);
	}
}

/* A slice, as the producer says it: an offset of the struct and of each child. */
static void slices(void **state)
{
	(void)state;
	struct source s;
	struct err err;
	struct ArrowSchema as;
	struct ArrowArray aa;
	source_init(&s, ROWS);
	CHECK_OK(&err, batch_export(&s.batch, &as, &aa, &err));
	for (int64_t outer = 0; outer < 12; outer++) {
		for (int64_t inner = 0; inner < 12; inner++) {
			struct arena arena;
			struct batch got;
			arena_init(&arena, 0);
			aa.offset = outer;
			aa.length = ROWS - outer - inner;
			for (int64_t i = 0; i < aa.n_children; i++) {
				aa.children[i]->offset = inner;
				aa.children[i]->length = ROWS - inner;
				if (aa.children[i]->null_count > 0) aa.children[i]->null_count = -1;
			}
			CHECK_OK(&err, batch_import(&as, &aa, &arena, &got, &err));
			check_equal(&s.batch, outer + inner, &got);
			arena_deinit(&arena);
		}
	}
	as.release(&as);
	aa.release(&aa);
	source_deinit(&s);
}

/* A consumer may take children out of a struct and release the struct first. */
static void moved_children(void **state)
{
	(void)state;
	struct source s;
	struct err err;
	struct ArrowSchema as, schema_child;
	struct ArrowArray aa, array_child;
	source_init(&s, ROWS);
	const size_t before = mem_in_use();
	CHECK_OK(&err, batch_export(&s.batch, &as, &aa, &err));
	schema_child = *as.children[4];
	array_child = *aa.children[4];
	as.children[4]->release = NULL;
	aa.children[4]->release = NULL;
	as.release(&as);
	aa.release(&aa);
	assert_string_equal(schema_child.name, "dict");
	assert_string_equal(schema_child.dictionary->format, "u");
	assert_ptr_equal(array_child.buffers[1], s.columns[4].values);
	CHECK_I64(array_child.dictionary->length, 2);
	schema_child.release(&schema_child);
	array_child.release(&array_child);
	CHECK_I64(mem_in_use(), before);
	source_deinit(&s);
}

/* One column of a foreign producer. */
struct foreign {
	struct ArrowSchema schema, child_schema, dict_schema, *schema_children[1];
	struct ArrowArray array, child, dict, *children[1];
	const void *buffers[4], *dict_buffers[3], *none[1];
};

static void foreign_init(struct foreign *f, const char *format, int64_t n, const void *values)
{
	memset(f, 0, sizeof *f);
	f->schema_children[0] = &f->child_schema;
	f->children[0] = &f->child;
	f->schema = (struct ArrowSchema){.format = "+s", .name = "", .n_children = 1, .children = f->schema_children};
	f->child_schema = (struct ArrowSchema){.format = format, .name = "x"};
	f->array = (struct ArrowArray){
		.length = n, .n_buffers = 1, .n_children = 1, .buffers = f->none, .children = f->children};
	f->child = (struct ArrowArray){.length = n, .n_buffers = 2, .buffers = f->buffers};
	f->buffers[1] = values;
}

static void foreign_dictionary(struct foreign *f, const int32_t *offsets, int64_t n)
{
	f->dict_schema = (struct ArrowSchema){.format = "u", .name = ""};
	f->dict = (struct ArrowArray){.length = n, .n_buffers = 3, .buffers = f->dict_buffers};
	f->dict_buffers[1] = offsets;
	f->dict_buffers[2] = "abcdef";
	f->child_schema.dictionary = &f->dict_schema;
	f->child.dictionary = &f->dict;
}

static status import(const struct foreign *f, struct arena *arena, struct batch *out, struct err *err)
{
	arena_init(arena, 0);
	return batch_import(&f->schema, &f->array, arena, out, err);
}

/* Of no rows a buffer may have no bytes, and yet an address. */
static void no_rows(void **state)
{
	(void)state;
	static const char *const format[] = {"u", "z", "+l"};
	const void *nowhere = (const void *)8;
	for (size_t i = 0; i < sizeof format / sizeof *format; i++) {
		struct foreign f;
		struct arena arena;
		struct batch got;
		struct err err;
		struct ArrowSchema item_schema = {.format = "l", .name = "item"}, *item_schemas[] = {&item_schema};
		const void *item_buffers[2] = {NULL, nowhere};
		struct ArrowArray item = {.n_buffers = 2, .buffers = item_buffers}, *items[] = {&item};
		const bool list = format[i][0] == '+';
		foreign_init(&f, format[i], 0, nowhere);
		f.buffers[2] = nowhere;
		f.child.n_buffers = list ? 2 : 3;
		if (list) f.child_schema.n_children = f.child.n_children = 1;
		if (list) f.child_schema.children = item_schemas;
		if (list) f.child.children = items;
		CHECK_OK(&err, import(&f, &arena, &got, &err));
		CHECK_I64(got.n_rows, 0);
		arena_deinit(&arena);
	}
}

static void narrow_indices(void **state)
{
	(void)state;
	static const int32_t offsets[] = {0, 1, 3, 6};
	static const int8_t i8[] = {2, 0, 1};
	static const uint16_t u16[] = {2, 0, 1};
	static const uint32_t u32[] = {2, 0, 1};
	static const int64_t i64[] = {2, 0, 1};
	static const struct {
		const char *format;
		const void *values;
	} cases[] = {{"c", i8}, {"C", i8}, {"s", u16}, {"S", u16}, {"I", u32}, {"i", u32}, {"l", i64}, {"L", i64}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct foreign f;
		struct arena arena;
		struct batch got;
		struct err err;
		foreign_init(&f, cases[i].format, 3, cases[i].values);
		foreign_dictionary(&f, offsets, 3);
		CHECK_OK(&err, import(&f, &arena, &got, &err));
		assert_true(str_is(column_str(&got.columns[0], 0), "def") &&
			    str_is(column_str(&got.columns[0], 1), "a") &&
			    str_is(column_str(&got.columns[0], 2), "bc"));
		arena_deinit(&arena);
	}
}

static void check_refused(const struct foreign *f, status code)
{
	struct arena arena;
	struct batch got;
	struct err err;
	CHECK_FAILS(code, import(f, &arena, &got, &err));
	arena_deinit(&arena);
}

static void refuses(void **state)
{
	(void)state;
	static const int64_t wide[] = {1, 0, 5, 5};
	static const int32_t offsets[] = {0, 1, 3, 6}, falling[] = {0, 4, 3}, bad[] = {0, 3, 1},
			     negative[] = {-1, 0, 0};
	static const char *const formats_unknown[] = {
		"n", "e", "ts", "tsx:UTC", "tsu", "tDu", "d:19,2", "d:9,2,256", "d:3,4", "+l", "w:16", ""};
	struct foreign f;
	for (size_t i = 0; i < sizeof formats_unknown / sizeof *formats_unknown; i++) {
		foreign_init(&f, formats_unknown[i], 2, wide);
		check_refused(&f, E_UNSUPPORTED);
	}
	foreign_init(&f, "i", 2, NULL);
	check_refused(&f, E_CORRUPT); /* no values */
	foreign_init(&f, "d:18,2", 2, wide);
	check_refused(&f, E_CORRUPT); /* the second is 5 * 2^64 + 5 */
	foreign_init(&f, "u", 2, falling);
	f.child.n_buffers = 3;
	check_refused(&f, E_CORRUPT);
	foreign_init(&f, "u", 2, negative);
	f.child.n_buffers = 3;
	check_refused(&f, E_CORRUPT);
	foreign_init(&f, "u", 2, offsets); /* a string with two buffers */
	check_refused(&f, E_CORRUPT);
	foreign_init(&f, "i", 3, bad);
	foreign_dictionary(&f, offsets, 3); /* index 3 of 3 */
	check_refused(&f, E_CORRUPT);
	foreign_init(&f, "f", 3, bad);
	foreign_dictionary(&f, offsets, 3);
	check_refused(&f, E_UNSUPPORTED);
	foreign_init(&f, "i", 3, bad);
	f.child.length = 2; /* shorter than the struct */
	check_refused(&f, E_CORRUPT);
	foreign_init(&f, "i", 3, bad);
	f.schema.format = "i";
	check_refused(&f, E_UNSUPPORTED);
	foreign_init(&f, "i", 3, bad);
	f.none[0] = "";
	f.array.null_count = 1;
	check_refused(&f, E_UNSUPPORTED);
}

/* Every format that is converted, from the second of three values on. */
static void converts(void **state)
{
	(void)state;
	static const int8_t i8[] = {7, -1, 100};
	static const uint8_t u8[] = {7, 255, 100};
	static const int16_t i16[] = {7, -300, 100};
	static const uint16_t u16[] = {7, 65535, 100};
	static const uint32_t u32[] = {7, 4294967295u, 100};
	static const int64_t i64[] = {7, 1500, 100}, negative[] = {7, -1, 100}, ms[] = {7, -86400001, 100};
	static const struct {
		const char *format;
		const void *values;
		enum col_type type;
		int64_t want;
	} cases[] = {{"c", i8, COL_INT32, -1}, {"C", u8, COL_INT32, 255}, {"s", i16, COL_INT32, -300},
		{"S", u16, COL_INT32, 65535}, {"I", u32, COL_INT64, 4294967295}, {"L", i64, COL_INT64, 1500},
		{"tss:", i64, COL_TIMESTAMP, 1500000000}, {"tsm:UTC", i64, COL_TIMESTAMP, 1500000},
		{"tsu:America/Bogota", i64, COL_TIMESTAMP, 1500}, {"tsn:", i64, COL_TIMESTAMP, 1},
		{"tsn:UTC", negative, COL_TIMESTAMP, -1}, {"tdm", ms, COL_DATE, -2}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct foreign f;
		struct arena arena;
		struct batch got;
		struct err err;
		foreign_init(&f, cases[i].format, 2, cases[i].values);
		f.child.length = 3;
		f.array.offset = 1;
		CHECK_OK(&err, import(&f, &arena, &got, &err));
		CHECK_I64(got.n_rows, 2);
		CHECK_I64(got.columns[0].type, cases[i].type);
		CHECK_I64(got.schema->columns[0].type, cases[i].type);
		const void *values = got.columns[0].values;
		CHECK_I64(col_type_width(cases[i].type) == 4 ? ((const int32_t *)values)[0]
							     : ((const int64_t *)values)[0],
			cases[i].want);
		arena_deinit(&arena);
	}
	static const uint64_t large[] = {1, UINT64_MAX};
	static const int64_t far[] = {1, INT64_MAX / 1000};
	struct foreign f;
	foreign_init(&f, "L", 2, large);
	check_refused(&f, E_UNSUPPORTED);
	foreign_init(&f, "tss:UTC", 2, far);
	check_refused(&f, E_UNSUPPORTED);
}

static void check_texts(const struct foreign *f, const char *a, const char *b)
{
	struct arena arena;
	struct batch got;
	struct err err;
	CHECK_OK(&err, import(f, &arena, &got, &err));
	CHECK_I64(got.columns[0].type, COL_STRING);
	assert_true(str_is(column_str(&got.columns[0], 0), a));
	assert_true(str_is(column_str(&got.columns[0], 1), b));
	arena_deinit(&arena);
}

/* As many columns as a table has, and one more. */
static void many_columns(void **state)
{
	(void)state;
	struct ArrowSchema *columns[TABLE_COLUMNS_MAX + 1];
	struct ArrowSchema one = {.format = "l", .name = "x"},
			   all = {.format = "+s", .n_children = TABLE_COLUMNS_MAX + 1, .children = columns};
	const struct table_schema *got;
	struct arena arena;
	struct err err;
	for (size_t i = 0; i <= TABLE_COLUMNS_MAX; i++) columns[i] = &one;
	arena_init(&arena, 0);
	err_clear(&err);
	CHECK_FAILS(E_LIMIT, schema_import(&all, &arena, &got, &err));
	assert_non_null(strstr(err.message, "columns, at most"));
	all.n_children--;
	CHECK_OK(&err, schema_import(&all, &arena, &got, &err));
	CHECK_I64(got->n_columns, TABLE_COLUMNS_MAX);
	arena_deinit(&arena);
}

static void other_strings(void **state)
{
	(void)state;
	static const int64_t offsets[] = {3, 5, 5, 9}, falling[] = {0, 4, 3}, huge[] = {0, 1, INT64_C(3) << 30};
	static const char data[] = "xxxabcdefghijklmnopqrstuvwxyz";
	struct foreign f;
	foreign_init(&f, "U", 2, offsets);
	f.child.n_buffers = 3;
	f.buffers[2] = data;
	f.child.length = 3;
	f.child.offset = 1;
	check_texts(&f, "", "cdef");
	f.buffers[1] = falling;
	f.child.offset = 0;
	check_refused(&f, E_CORRUPT);
	f.buffers[1] = huge;
	check_refused(&f, E_LIMIT);

	struct {
		int32_t n;
		char inlined[4];
		int32_t buffer, at;
	} views[2] = {{5, "four", 0, 0}, {20, "cdef", 0, 5}};
	static const int64_t sizes[] = {sizeof data - 1};
	memcpy(&views[0].buffer, "!", 1);
	foreign_init(&f, "vu", 2, views);
	f.child.n_buffers = 4;
	f.buffers[2] = data;
	f.buffers[3] = sizes;
	check_texts(&f, "four!", "cdefghijklmnopqrstuv");
	views[1].at = 20; /* ends behind the buffer */
	check_refused(&f, E_CORRUPT);
	views[1].buffer = 1;
	check_refused(&f, E_CORRUPT);
	views[1] = views[0];
	views[1].n = -1;
	check_refused(&f, E_CORRUPT);
}

/* An array that owns its memory: children outlive the parent, all is freed with the last. */
static void owned(void **state)
{
	(void)state;
	struct source s;
	struct arena arena;
	struct err err;
	source_init(&s, ROWS);
	const size_t before = mem_in_use();
	arena_init(&arena, 0);
	struct column columns[N_COLUMNS];
	for (size_t i = 0; i < N_COLUMNS; i++) { /* the rows backwards, and so copied */
		uint32_t rows[ROWS];
		for (uint32_t r = 0; r < ROWS; r++) rows[r] = ROWS - 1 - r;
		CHECK_OK(&err, gather_column(&s.columns[i], rows, ROWS, &arena, &columns[i], &err));
	}
	const struct batch b = {.schema = &schema, .n_columns = N_COLUMNS, .columns = columns, .n_rows = ROWS};
	struct ArrowArray array, child;
	CHECK_OK(&err, batch_export_owned(&b, &arena, &array, &err));
	assert_null(arena.head);
	child = *array.children[4];
	array.children[4]->release = NULL;
	array.release(&array);
	assert_null(child.dictionary); /* a gathered dictionary is plain */
	const struct column moved = {.type = COL_STRING,
		.n = ROWS,
		.validity = child.buffers[0],
		.offsets = child.buffers[1],
		.data = child.buffers[2]};
	for (int64_t i = 0; i < ROWS; i++) check_value(&s.columns[4], ROWS - 1 - i, &moved, i, "dict");
	child.release(&child);
	CHECK_I64(mem_in_use(), before);
	source_deinit(&s);
}

static void survives_lack_of_memory(void **state)
{
	(void)state;
	struct source s;
	struct err err;
	source_init(&s, ROWS);
	const size_t before = mem_in_use();
	status got = E_NOMEM;
	int64_t n = 0;
	for (; got != OK && n < 200; n++) {
		struct ArrowSchema as;
		struct ArrowArray aa;
		mem_fail_after(n);
		got = batch_export(&s.batch, &as, &aa, &err);
		mem_fail_after(-1);
		if (got == OK) {
			as.release(&as);
			aa.release(&aa);
		}
		CHECK_I64(mem_in_use(), before);
	}
	assert_true(got == OK && n > 20);
	source_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(formats), cmocka_unit_test(round_trip),
		cmocka_unit_test(slices), cmocka_unit_test(moved_children), cmocka_unit_test(narrow_indices),
		cmocka_unit_test(no_rows), cmocka_unit_test(refuses), cmocka_unit_test(converts),
		cmocka_unit_test(other_strings), cmocka_unit_test(many_columns), cmocka_unit_test(owned),
		cmocka_unit_test(survives_lack_of_memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
