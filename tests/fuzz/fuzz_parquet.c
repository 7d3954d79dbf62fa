/* tests/fuzz/fuzz_parquet.c: any bytes as a Parquet file. The reader opens it, looks for rows and reads every column, whole and
 * in part, by levels and by fields; what it gives must be usable: offsets in order, indices inside the dictionary, the nulls it counted,
 * levels within their limits, bounds that can be read. */
#include <stdlib.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "parquet/nested.h"

enum { ROWS_MAX = 1 << 16 };

static void check_strings(const struct column *c)
{
	if (c->n == 0) return;
	ASSERT(c->offsets != NULL && c->offsets[0] == 0);
	for (int64_t i = 0; i < c->n; i++) ASSERT(c->offsets[i] <= c->offsets[i + 1]);
	uint8_t any = 0; /* every byte can be read */
	for (int32_t i = 0; i < c->offsets[c->n]; i++) any |= c->data[i];
	ASSERT(any != 0 || any == 0);
}

static void check_column(const struct column *c, int64_t rows)
{
	int64_t nulls = 0;
	ASSERT(c->n == rows);
	for (int64_t i = 0; i < rows; i++) nulls += !column_valid(c, i);
	ASSERT(nulls == c->n_null);
	if (c->dict != NULL) {
		ASSERT(c->dict->dict == NULL);
		check_strings(c->dict);
		for (int64_t i = 0; i < rows; i++) {
			const int32_t index = ((const int32_t *)c->values)[i];
			ASSERT(!column_valid(c, i) || (index >= 0 && index < c->dict->n));
		}
		return;
	}
	if (c->type == COL_STRING || c->type == COL_BINARY) {
		check_strings(c);
		return;
	}
	uint8_t any = 0;
	const size_t bytes = c->type == COL_BOOL ? (size_t)(rows + 7) / 8 : (size_t)rows * col_type_width(c->type);
	for (size_t i = 0; i < bytes; i++) any |= ((const uint8_t *)c->values)[i];
	ASSERT(any != 0 || any == 0);
}

static void read_column(struct parquet_reader *r, size_t group, int column, struct arena *arena)
{
	struct err err;
	struct batch batch;
	int64_t begin, end;
	const int64_t rows = parquet_reader_row_group_rows(r, group);
	if (parquet_reader_find_rows(r, &(struct parquet_find){group, column, 0, 100}, &begin, &end, &err) == OK)
		ASSERT(begin >= 0 && begin <= end && end <= rows);
	const int64_t last = rows < ROWS_MAX ? rows : ROWS_MAX;
	const struct parquet_range ranges[] = {{group, 0, last}, {group, last / 3, last / 2}};
	for (size_t i = 0; i < 2; i++) {
		arena_reset(arena);
		if (parquet_reader_read(r, &ranges[i], (struct parquet_columns){&column, 1}, arena, &batch, &err) == OK)
			check_column(&batch.columns[0], ranges[i].end - ranges[i].begin);
		else
			ASSERT(err.message[0] != '\0' && err.where[0] != '\0');
	}
}

static void check_levels(const struct parquet_levels *l, int64_t group_rows)
{
	int64_t rows = 0, values = 0;
	for (int64_t i = 0; i < l->n; i++) {
		ASSERT(l->max_def == 0 || l->def[i] <= l->max_def);
		ASSERT(l->max_rep == 0 || l->rep[i] <= l->max_rep);
		rows += l->max_rep == 0 || l->rep[i] == 0;
		values += l->max_def == 0 || l->def[i] == l->max_def;
	}
	ASSERT(rows == group_rows && l->values.validity == NULL && l->values.dict == NULL);
	ASSERT(l->n == 0 || l->max_rep == 0 || l->rep[0] == 0);
	check_column(&l->values, values);
}

static void read_levels(struct parquet_reader *r, size_t group, int leaf, struct arena *arena)
{
	struct err err;
	struct parquet_levels levels;
	arena_reset(arena);
	if (parquet_reader_levels(r, group, leaf, arena, &levels, &err) == OK)
		check_levels(&levels, parquet_reader_row_group_rows(r, group));
	else
		ASSERT(err.message[0] != '\0' && err.where[0] != '\0');
}

/* A nested column holds together: offsets in order and within the children, children as long as a struct. */
static void check_nested(const struct column *c, int64_t rows)
{
	if (!col_type_nested(c->type)) {
		check_column(c, rows);
		return;
	}
	int64_t nulls = 0;
	ASSERT(c->n == rows && c->n_children > 0);
	for (int64_t i = 0; i < rows; i++) nulls += !column_valid(c, i);
	ASSERT(nulls == c->n_null);
	for (int64_t i = 0; c->type != COL_STRUCT && i < rows; i++) ASSERT(c->offsets[i] <= c->offsets[i + 1]);
	const int64_t n = c->type == COL_STRUCT ? rows : c->offsets[rows];
	for (size_t i = 0; i < c->n_children; i++) check_nested(&c->children[i], n);
}

static void read_fields(struct parquet_reader *r, size_t group, struct arena *arena)
{
	struct err err;
	const struct parquet_field *fields;
	struct column column;
	size_t n;
	if (parquet_reader_fields(r, &fields, &n, &err) != OK) return;
	for (size_t i = 0; i < n; i++) {
		arena_reset(arena);
		if (parquet_reader_field_read(r, group, i, arena, &column, &err) == OK)
			check_nested(&column, parquet_reader_row_group_rows(r, group));
		else
			ASSERT(err.message[0] != '\0' && err.where[0] != '\0');
	}
}

static void read_stats(const struct parquet_reader *r, size_t group, int column)
{
	struct err err;
	struct parquet_stats s;
	if (parquet_reader_stats(r, group, column, &s, &err) != OK) {
		ASSERT(!parquet_reader_column(r, (size_t)column)->supported);
		return;
	}
	uint8_t any = 0;
	for (size_t i = 0; i < s.min_bytes.n; i++) any |= (uint8_t)s.min_bytes.p[i];
	for (size_t i = 0; i < s.max_bytes.n; i++) any |= (uint8_t)s.max_bytes.p[i];
	ASSERT(any != 0 || any == 0);
	ASSERT(s.null_count >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err err;
	struct store_object *object = NULL;
	struct parquet_reader *r = NULL;
	struct arena arena;
	mem_limit_set((size_t)1 << 30);
	arena_init(&arena, (size_t)256 << 20);
	if (store_object_from_memory(p, n, "fuzz", &object, &err) == OK &&
		parquet_reader_open(object, &r, &err) == OK) {
		const size_t groups = parquet_reader_n_row_groups(r) < 4 ? parquet_reader_n_row_groups(r) : 4;
		for (size_t g = 0; g < groups; g++) {
			read_fields(r, g, &arena);
			for (size_t c = 0; c < parquet_reader_n_columns(r); c++) {
				read_column(r, g, (int)c, &arena);
				read_levels(r, g, (int)c, &arena);
				read_stats(r, g, (int)c);
			}
		}
	}
	parquet_reader_close(r);
	store_object_close(object);
	arena_deinit(&arena);
	return 0;
}
