/* Files by our own writer, in memory: values by any range, ranges by the index, and what damage gets. Files by other writers
 * are in tests/interop. */
#include "parquet/reader.h"

#include "base/alloc.h"
#include "check.h"
#include "parquet/writer.h"

enum { ID, CHANNEL, TEXT, TS, DAY, SMALL, COUNT, PRICE, FLAG, EMPTY, BUCKET, N_COLUMNS };
static const struct column_def columns[N_COLUMNS] = {
	[ID] = {.name = "id", .type = COL_STRING, .id = true},
	[CHANNEL] = {.name = "channel", .type = COL_STRING, .nullable = true},
	[TEXT] = {.name = "text", .type = COL_STRING, .nullable = true},
	[TS] = {.name = "ts", .type = COL_TIMESTAMP},
	[DAY] = {.name = "day", .type = COL_DATE, .nullable = true},
	[SMALL] = {.name = "small", .type = COL_INT32, .nullable = true},
	[COUNT] = {.name = "count", .type = COL_INT64, .nullable = true},
	[PRICE] = {.name = "price", .type = COL_DECIMAL, .precision = 9, .scale = 2, .nullable = true},
	[FLAG] = {.name = "flag", .type = COL_BOOL, .nullable = true},
	[EMPTY] = {.name = "empty", .type = COL_STRING, .nullable = true},
	[BUCKET] = {.name = "bucket", .type = COL_INT32},
};
static const struct table_schema schema = {
	.name = "t", .layer = "test", .contract = "reader/v1", .columns = columns, .n_columns = N_COLUMNS};

static uint64_t mix(uint64_t row, uint64_t column)
{
	uint64_t x = (row * N_COLUMNS + column + 1) * UINT64_C(0x9E3779B97F4A7C15);
	x ^= x >> 29;
	x *= UINT64_C(0xBF58476D1CE4E5B9);
	return x ^ x >> 32;
}

/* What row `row` holds: the one place the expected values come from. false: null. */
static bool row_null(int64_t row, int column)
{
	if (column == EMPTY) return true;
	return columns[column].nullable && mix((uint64_t)row, (uint64_t)column + 100) % 4 == 0;
}
static int64_t row_int(int64_t row, int column)
{
	const uint64_t v = mix((uint64_t)row, (uint64_t)column);
	switch (column) {
	case BUCKET: return row / 40;
	case SMALL: return (int64_t)(v % 5);
	case DAY: return (int64_t)(v % 30000);
	case PRICE: return (int64_t)(v % 1000000000) - 500000000;
	case FLAG: return (int64_t)(v & 1);
	default: return (int64_t)v;
	}
}
static struct str row_str(int64_t row, int column, char dst[200])
{
	const uint64_t v = mix((uint64_t)row, (uint64_t)column);
	static const char *const channels[] = {"email", "webform", "chat", "call", ""};
	if (column == CHANNEL) return str_of(channels[v % 5]);
	int n = column == ID ? snprintf(dst, 200, "%08x-%04x-4abc-8def-%012llx", (unsigned)v,
				       (unsigned)(v >> 16 & 0xFFFF), (unsigned long long)(v >> 16))
			     : snprintf(dst, 200, "%0*llu", (int)(v % 150), (unsigned long long)row);
	return (struct str){dst, (size_t)n};
}

struct file {
	struct parquet_writer *writer;
	const uint8_t *p;
	size_t n;
	int64_t rows;
};

static void fill(struct builder builders[N_COLUMNS], int64_t from, int64_t rows)
{
	char text[200];
	for (int c = 0; c < N_COLUMNS; c++) {
		for (int64_t i = 0; i < rows; i++) {
			if (row_null(from + i, c)) continue;
			if (columns[c].type == COL_STRING)
				builder_set_str(&builders[c], i, row_str(from + i, c, text));
			else if (columns[c].type == COL_INT32 || columns[c].type == COL_DATE)
				builder_set_i32(&builders[c], i, (int32_t)row_int(from + i, c));
			else if (columns[c].type != COL_BOOL)
				builder_set_i64(&builders[c], i, row_int(from + i, c));
		}
	}
}

/* groups row groups of `rows` rows each; row numbers go on over the groups. */
static struct file make_file(int64_t rows, int groups, enum parquet_codec codec)
{
	struct err err;
	struct file f = {.rows = rows * groups};
	const struct parquet_opts opts = {
		.codec = codec, .level = 1, .page_rows_max = 300, .page_bytes_min = 512, .bloom = true};
	struct builder builders[N_COLUMNS];
	struct column out[N_COLUMNS];
	uint32_t cuts[64];
	uint8_t *flags = calloc((size_t)rows / 8 + 9, 1), *valid = calloc((size_t)rows / 8 + 9, 1);
	CHECK_OK(&err, parquet_writer_create(&schema, &opts, &f.writer, &err));
	for (int c = 0; c < N_COLUMNS; c++) builder_init(&builders[c], &columns[c], c == CHANNEL);
	for (int g = 0; g < groups; g++) {
		struct parquet_rows which = {.n = (uint32_t)rows, .cuts = cuts};
		for (uint32_t at = 40; at < rows && which.n_cuts < 64; at += 40) cuts[which.n_cuts++] = at;
		for (int c = 0; c < N_COLUMNS; c++) builder_reset(&builders[c]);
		fill(builders, g * rows, rows);
		for (int c = 0; c < N_COLUMNS; c++) {
			if (c != FLAG) CHECK_OK(&err, builder_finish(&builders[c], rows, &out[c], &err));
		}
		memset(flags, 0, (size_t)rows / 8 + 9);
		memset(valid, 0, (size_t)rows / 8 + 9);
		for (int64_t i = 0; i < rows; i++) {
			if (row_int(g * rows + i, FLAG)) bit_set(flags, i);
			if (!row_null(g * rows + i, FLAG)) bit_set(valid, i);
		}
		out[FLAG] =
			(struct column){.type = COL_BOOL, .n = rows, .n_null = -1, .validity = valid, .values = flags};
		const struct batch batch = {.schema = &schema, .n_columns = N_COLUMNS, .columns = out, .n_rows = rows};
		CHECK_OK(&err, parquet_writer_row_group(f.writer, &batch, &which, &err));
	}
	CHECK_OK(&err, parquet_writer_finish(f.writer, &f.p, &f.n, &err));
	for (int c = 0; c < N_COLUMNS; c++) builder_deinit(&builders[c]);
	free(flags);
	free(valid);
	return f;
}

static void check_value(const struct column *c, int column, int64_t i, int64_t row)
{
	char text[200];
	const bool null = row_null(row, column);
	if (column_valid(c, i) == null)
		fail_msg("%s row %lld: %s", columns[column].name, (long long)row, null ? "not null" : "null");
	if (null) return;
	switch (c->type) {
	case COL_STRING: {
		const struct str got = column_str(c, i), want = row_str(row, column, text);
		if (!str_eq(got, want))
			fail_msg("%s row %lld: '%.*s', expected '%.*s'", columns[column].name, (long long)row,
				(int)got.n, got.p, (int)want.n, want.p);
		break;
	}
	case COL_INT32:
	case COL_DATE: CHECK_I64(((const int32_t *)c->values)[i], row_int(row, column)); break;
	case COL_BOOL: CHECK_I64(bit_get(c->values, i), row_int(row, column)); break;
	default: CHECK_I64(((const int64_t *)c->values)[i], row_int(row, column));
	}
}

static const int all_columns[N_COLUMNS] = {ID, CHANNEL, TEXT, TS, DAY, SMALL, COUNT, PRICE, FLAG, EMPTY, BUCKET};

static void check_range(struct parquet_reader *r, struct parquet_range range, int64_t group_rows, struct arena *arena)
{
	struct err err;
	struct batch batch;
	arena_reset(arena);
	CHECK_OK(&err,
		parquet_reader_read(r, &range, (struct parquet_columns){all_columns, N_COLUMNS}, arena, &batch, &err));
	CHECK_I64(batch.n_rows, range.end - range.begin);
	for (int c = 0; c < N_COLUMNS; c++) {
		const struct column *column = &batch.columns[c];
		int64_t nulls = 0;
		CHECK_I64(column->n, batch.n_rows);
		for (int64_t i = 0; i < batch.n_rows; i++) {
			const int64_t row = (int64_t)range.row_group * group_rows + range.begin + i;
			check_value(column, c, i, row);
			nulls += row_null(row, c);
		}
		CHECK_I64(column->n_null, nulls);
		if (nulls == 0) assert_null(column->validity);
	}
}

static void open_memory(const void *p, size_t n, struct store_object **object, struct parquet_reader **reader)
{
	struct err err;
	CHECK_OK(&err, store_object_from_memory(p, n, "folder/test.parquet", object, &err));
	CHECK_OK(&err, parquet_reader_open(*object, reader, &err));
}

/* ---- values ----------------------------------------------------------------------------------------------- */

static void schema_and_metadata(void **state)
{
	(void)state;
	struct file f = make_file(500, 2, PARQUET_ZSTD);
	struct store_object *object;
	struct parquet_reader *r;
	open_memory(f.p, f.n, &object, &r);
	CHECK_I64(parquet_reader_rows(r), 1000);
	CHECK_I64(parquet_reader_n_row_groups(r), 2);
	CHECK_I64(parquet_reader_row_group_rows(r, 1), 500);
	CHECK_I64(parquet_reader_n_columns(r), N_COLUMNS);
	for (int c = 0; c < N_COLUMNS; c++) {
		const struct parquet_column_info *info = parquet_reader_column(r, (size_t)c);
		assert_string_equal(info->name, columns[c].name);
		assert_true(info->supported);
		assert_string_equal(col_type_name(info->def.type), col_type_name(columns[c].type));
		CHECK_I64(info->def.precision, columns[c].precision);
		CHECK_I64(info->def.scale, columns[c].scale);
		CHECK_I64(info->def.nullable, columns[c].nullable);
		CHECK_I64(parquet_reader_column_index(r, columns[c].name), c);
	}
	CHECK_I64(parquet_reader_column_index(r, "none"), -1);
	assert_null(parquet_reader_metadata(r, "none"));
	assert_non_null(parquet_reader_metadata(r, "pqr.contract"));
	assert_string_equal(parquet_reader_metadata(r, "pqr.contract"), "reader/v1");
	parquet_reader_close(r);
	store_object_close(object);
	parquet_writer_destroy(f.writer);
}

static void any_range(void **state)
{
	(void)state;
	static const enum parquet_codec codecs[] = {PARQUET_ZSTD, PARQUET_UNCOMPRESSED, PARQUET_SNAPPY};
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t k = 0; k < 3; k++) {
		struct file f = make_file(1100, 2, codecs[k]);
		struct store_object *object;
		struct parquet_reader *r;
		open_memory(f.p, f.n, &object, &r);
		for (size_t g = 0; g < 2; g++) {
			check_range(r, (struct parquet_range){g, 0, 1100}, 1100, &arena);
			for (int64_t begin = 0; begin <= 1100; begin += 61 * CHECK_ONE_IN) {
				for (int64_t end = begin; end <= 1100; end += 173)
					check_range(r, (struct parquet_range){g, begin, end}, 1100, &arena);
			}
		}
		parquet_reader_close(r);
		store_object_close(object);
		parquet_writer_destroy(f.writer);
	}
	arena_deinit(&arena);
}

/* A file over 1 MiB is read column by column. */
static void large_file(void **state)
{
	(void)state;
	struct file f = make_file(20000, 1, PARQUET_UNCOMPRESSED);
	struct store_object *object;
	struct parquet_reader *r;
	struct arena arena;
	arena_init(&arena, 0);
	assert_true(f.n > 2 << 20);
	open_memory(f.p, f.n, &object, &r);
	check_range(r, (struct parquet_range){0, 0, 20000}, 20000, &arena);
	check_range(r, (struct parquet_range){0, 7777, 7778}, 20000, &arena);
	check_range(r, (struct parquet_range){0, 19999, 20000}, 20000, &arena);
	arena_deinit(&arena);
	parquet_reader_close(r);
	store_object_close(object);
	parquet_writer_destroy(f.writer);
}

static void low_cardinality_stays_dictionary(void **state)
{
	(void)state;
	struct file f = make_file(1100, 1, PARQUET_ZSTD);
	struct store_object *object;
	struct parquet_reader *r;
	struct arena arena;
	struct err err;
	struct batch batch;
	arena_init(&arena, 0);
	open_memory(f.p, f.n, &object, &r);
	const int wanted[] = {CHANNEL, ID, EMPTY};
	CHECK_OK(&err, parquet_reader_read(r, &(struct parquet_range){0, 100, 900}, (struct parquet_columns){wanted, 3},
			       &arena, &batch, &err));
	assert_non_null(batch.columns[0].dict);
	CHECK_I64(batch.columns[0].dict->n, 5);
	assert_null(batch.columns[0].dict->dict);
	assert_null(batch.columns[1].dict);
	CHECK_I64(batch.columns[2].n_null, 800);
	arena_deinit(&arena);
	parquet_reader_close(r);
	store_object_close(object);
	parquet_writer_destroy(f.writer);
}

/* Sorted values: exactly the rows of the buckets asked for. */
static void find_rows(void **state)
{
	(void)state;
	struct err err;
	struct file f = make_file(1100, 2, PARQUET_ZSTD);
	struct store_object *object;
	struct parquet_reader *r;
	int64_t begin, end;
	open_memory(f.p, f.n, &object, &r);
	for (size_t g = 0; g < 2; g++) {
		for (int64_t lo = -1; lo < 60; lo++) {
			for (int64_t hi = lo; hi < 60; hi += 7) {
				int64_t want_begin = 0, want_end = 0;
				for (int64_t i = 0; i < 1100; i++) {
					const int64_t v = row_int((int64_t)g * 1100 + i, BUCKET);
					if (v < lo || v > hi) continue;
					if (want_end == 0) want_begin = i;
					want_end = i + 1;
				}
				CHECK_OK(&err, parquet_reader_find_rows(r, &(struct parquet_find){g, BUCKET, lo, hi},
						       &begin, &end, &err));
				CHECK_I64(begin, want_begin);
				CHECK_I64(end, want_end);
			}
		}
	}
	/* In no order: the first and the last row in range are inside. */
	for (int64_t v = -1; v < 6; v++) {
		CHECK_OK(&err, parquet_reader_find_rows(r, &(struct parquet_find){0, SMALL, v, v}, &begin, &end, &err));
		for (int64_t i = 0; i < 1100; i++) {
			if (!row_null(i, SMALL) && row_int(i, SMALL) == v) assert_true(i >= begin && i < end);
		}
		assert_true((v >= 0 && v < 5) == (begin < end));
	}
	CHECK_OK(&err, parquet_reader_find_rows(r, &(struct parquet_find){0, BUCKET, 1000, 2000}, &begin, &end, &err));
	CHECK_I64(begin, end);
	CHECK_OK(&err, parquet_reader_find_rows(r, &(struct parquet_find){0, CHANNEL, 1000, 2000}, &begin, &end,
			       &err)); /* no integer: all rows */
	CHECK_I64(begin, 0);
	CHECK_I64(end, 1100);
	parquet_reader_close(r);
	store_object_close(object);
	parquet_writer_destroy(f.writer);
}

/* After the first file, opening and reading others of the same shape allocates nothing. */
static void reopen_allocates_nothing(void **state)
{
	(void)state;
	struct err err;
	struct file f = make_file(1100, 1, PARQUET_ZSTD), g = make_file(900, 1, PARQUET_ZSTD);
	struct store_object *a, *b;
	struct parquet_reader *r;
	struct arena arena;
	arena_init(&arena, 0);
	CHECK_OK(&err, store_object_from_memory(f.p, f.n, "a.parquet", &a, &err));
	CHECK_OK(&err, store_object_from_memory(g.p, g.n, "b.parquet", &b, &err));
	CHECK_OK(&err, parquet_reader_create(&r, &err));
	for (int round = 0; round < 6; round++) {
		if (round == 4) mem_fail_after(0);
		struct batch batch;
		const status opened = parquet_reader_reopen(r, round % 2 ? b : a, &err);
		arena_reset(&arena);
		const status read =
			opened != OK ? opened
				     : parquet_reader_read(r, &(struct parquet_range){0, 10, 800},
					       (struct parquet_columns){all_columns, N_COLUMNS}, &arena, &batch, &err);
		if (read != OK) mem_fail_after(-1);
		CHECK_OK(&err, read);
		for (int c = 0; c < N_COLUMNS; c++) {
			for (int64_t i = 0; i < 790; i++) check_value(&batch.columns[c], c, i, 10 + i);
		}
	}
	mem_fail_after(-1);
	arena_deinit(&arena);
	parquet_reader_close(r);
	store_object_close(a);
	store_object_close(b);
	parquet_writer_destroy(f.writer);
	parquet_writer_destroy(g.writer);
}

/* ---- damage ----------------------------------------------------------------------------------------------- */

/* Opens and reads all that can be read. OK, or the first error, which must name the file. */
static status read_all(const uint8_t *p, size_t n, struct parquet_reader *r, struct arena *arena, struct err *err)
{
	struct store_object *object;
	*err = (struct err){0};
	TRY(store_object_from_memory(p, n, "folder/bad.parquet", &object, err));
	status code = parquet_reader_reopen(r, object, err);
	for (size_t g = 0; code == OK && g < parquet_reader_n_row_groups(r); g++) {
		const int64_t rows = parquet_reader_row_group_rows(r, g);
		int64_t begin, end;
		for (int c = 0; code == OK && c < (int)parquet_reader_n_columns(r); c++) {
			struct batch batch;
			const struct parquet_range whole = {g, 0, rows}, part = {g, rows / 3, rows / 2};
			arena_reset(arena);
			code = parquet_reader_find_rows(r, &(struct parquet_find){g, c, 3, 5}, &begin, &end, err);
			if (code == OK && parquet_reader_column(r, (size_t)c)->supported)
				code = parquet_reader_read(
					r, &whole, (struct parquet_columns){&c, 1}, arena, &batch, err);
			if (code == OK && parquet_reader_column(r, (size_t)c)->supported)
				code = parquet_reader_read(
					r, &part, (struct parquet_columns){&c, 1}, arena, &batch, err);
		}
	}
	store_object_close(object);
	if (code != OK && strcmp(err->where, "folder/bad.parquet") != 0)
		fail_msg("no path in: %s (%s)", err->message, status_name(code));
	return code;
}

static void truncated_anywhere(void **state)
{
	(void)state;
	struct err err;
	struct file f = make_file(150, 1, PARQUET_ZSTD);
	struct parquet_reader *r;
	struct arena arena;
	arena_init(&arena, (size_t)64 << 20);
	CHECK_OK(&err, parquet_reader_create(&r, &err));
	for (size_t n = 0; n < f.n; n += CHECK_ONE_IN) {
		uint8_t *copy = malloc(n > 0 ? n : 1); /* exactly n bytes, so that reading past them is seen */
		memcpy(copy, f.p, n);
		const status code = read_all(copy, n, r, &arena, &err);
		free(copy);
		if (code != E_CORRUPT) fail_msg("cut at %zu: %s", n, status_name(code));
		if (err.offset < 0 || err.offset > (int64_t)n)
			fail_msg("cut at %zu: offset %lld", n, (long long)err.offset);
	}
	CHECK_OK(&err, read_all(f.p, f.n, r, &arena, &err)); /* and the reader still works */
	parquet_reader_close(r);
	arena_deinit(&arena);
	parquet_writer_destroy(f.writer);
}

/* Flipped bytes: any answer but a crash, and an error names the place. Page bodies are under a CRC: there every flip is seen. */
static void flipped_bytes(void **state)
{
	(void)state;
	struct err err;
	static const enum parquet_codec codecs[] = {PARQUET_ZSTD, PARQUET_UNCOMPRESSED};
	for (size_t k = 0; k < 2; k++) {
		struct file f = make_file(300, 2, codecs[k]);
		struct parquet_reader *r;
		struct arena arena;
		uint8_t *copy = malloc(f.n);
		size_t seen = 0, rounds = 6000 / CHECK_ONE_IN;
		uint64_t x = 88172645463325252u;
		arena_init(&arena, (size_t)64 << 20);
		CHECK_OK(&err, parquet_reader_create(&r, &err));
		memcpy(copy, f.p, f.n);
		for (size_t i = 0; i < rounds; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			const size_t flips = 1 + x % 3;
			size_t at[3];
			for (size_t j = 0; j < flips; j++) {
				/* half of them in the last third: footer and indexes */
				const size_t low = (x >> (8 + j)) & 1 ? f.n - f.n / 3 : 0;
				at[j] = low + (x >> (20 + 9 * j)) % (f.n - low);
				copy[at[j]] = (uint8_t)(copy[at[j]] ^ (1 + (x >> (11 * j)) % 255));
			}
			seen += read_all(copy, f.n, r, &arena, &err) != OK;
			for (size_t j = 0; j < flips; j++) copy[at[j]] = f.p[at[j]];
		}
		assert_true(seen > rounds / 2);
		CHECK_OK(&err, read_all(copy, f.n, r, &arena, &err));
		parquet_reader_close(r);
		arena_deinit(&arena);
		free(copy);
		parquet_writer_destroy(f.writer);
	}
}

static void out_of_memory_anywhere(void **state)
{
	(void)state;
	struct err err;
	struct file f = make_file(300, 1, PARQUET_ZSTD);
	const size_t before = mem_in_use();
	for (int64_t n = 0;; n++) {
		struct store_object *object;
		struct parquet_reader *r = NULL;
		struct arena arena;
		struct batch batch;
		arena_init(&arena, 0);
		CHECK_OK(&err, store_object_from_memory(f.p, f.n, "x", &object, &err));
		mem_fail_after(n);
		status code = parquet_reader_open(object, &r, &err);
		if (code == OK)
			code = parquet_reader_read(r, &(struct parquet_range){0, 0, 300},
				(struct parquet_columns){all_columns, N_COLUMNS}, &arena, &batch, &err);
		mem_fail_after(-1);
		parquet_reader_close(r);
		store_object_close(object);
		arena_deinit(&arena);
		CHECK_I64(mem_in_use(), before);
		if (code == OK) {
			assert_true(n > 3);
			break;
		}
		CHECK_FAILS(E_NOMEM, code);
	}
	parquet_writer_destroy(f.writer);
}

static void not_parquet(void **state)
{
	(void)state;
	struct err err;
	static const struct {
		const char *text;
		status code;
		const char *message;
		int64_t offset;
	} cases[] = {
		{"", E_CORRUPT, "no Parquet file: 0 bytes", 0},
		{"PAR1PAR1", E_CORRUPT, "no Parquet file: 8 bytes", 8},
		{"{\"event_id\":\"1\"}\n", E_CORRUPT, "no Parquet file, or a truncated one: it does not end in PAR1",
			13},
		{"ABCD\x04\x01\x01\x01PAR1", E_CORRUPT, "no Parquet file: it does not begin with PAR1", 0},
		{"PAR1\x05\x01\x01\x01PAR1", E_CORRUPT, "a footer of 16843013 bytes in a file of 12", 4},
		{"PARExxxxxxxxPARE", E_UNSUPPORTED, "unsupported: encrypted Parquet file", -1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct store_object *object;
		struct parquet_reader *r = NULL;
		CHECK_OK(&err, store_object_from_memory(
				       cases[i].text, strlen(cases[i].text), "lake/x.parquet", &object, &err));
		CHECK_FAILS(cases[i].code, parquet_reader_open(object, &r, &err));
		assert_string_equal(err.message, cases[i].message);
		assert_string_equal(err.where, "lake/x.parquet");
		CHECK_I64(err.offset, cases[i].offset);
		assert_null(r);
		store_object_close(object);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(schema_and_metadata), cmocka_unit_test(any_range),
		cmocka_unit_test(large_file), cmocka_unit_test(low_cardinality_stays_dictionary),
		cmocka_unit_test(find_rows), cmocka_unit_test(reopen_allocates_nothing),
		cmocka_unit_test(truncated_anywhere), cmocka_unit_test(flipped_bytes),
		cmocka_unit_test(out_of_memory_anywhere), cmocka_unit_test(not_parquet)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
