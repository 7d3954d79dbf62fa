/* tests/unit/table/fixture.h: a table's snapshot made by hand over data files in a fresh folder, without a log. */
#ifndef PQR_TESTS_TABLE_FIXTURE_H
#define PQR_TESTS_TABLE_FIXTURE_H

#include "../check.h"

#include "base/alloc.h"
#include "table/read/scan.h"
#include "table/write/write.h"

enum { FIXTURE_FILES = 16, FIXTURE_COLUMNS = 10 };

/* region is the partition. */
static const struct delta_column fixture_columns[FIXTURE_COLUMNS] = {
	{.def = {.name = "id", .type = COL_INT64}, .type_text = "long"},
	{.def = {.name = "flag", .type = COL_BOOL, .nullable = true}, .type_text = "boolean"},
	{.def = {.name = "n", .type = COL_INT32, .nullable = true}, .type_text = "integer"},
	{.def = {.name = "region", .type = COL_STRING, .nullable = true, .partition = true}, .type_text = "string"},
	{.def = {.name = "name", .type = COL_STRING, .nullable = true}, .type_text = "string"},
	{.def = {.name = "at", .type = COL_TIMESTAMP, .nullable = true}, .type_text = "timestamp"},
	{.def = {.name = "day", .type = COL_DATE, .nullable = true}, .type_text = "date"},
	{.def = {.name = "cost", .type = COL_DECIMAL, .precision = 12, .scale = 2, .nullable = true},
		.type_text = "decimal(12,2)"},
	{.def = {.name = "ratio", .type = COL_DOUBLE, .nullable = true}, .type_text = "double"},
	{.def = {.name = "local", .type = COL_TIMESTAMP, .nullable = true}, .type_text = "timestamp_ntz"},
};

struct fixture {
	char dir[64];
	struct delta_snapshot s;
	struct delta_column columns[FIXTURE_COLUMNS + 1]; /* the last one of a type nothing reads */
	struct delta_add files[FIXTURE_FILES];
	struct delta_pair partitions[FIXTURE_FILES];
	struct arena arena;
	struct err err;
};

static inline void fixture_init(struct fixture *f)
{
	*f = (struct fixture){0};
	err_clear(&f->err);
	(void)check_tmpdir(f->dir);
	memcpy(f->columns, fixture_columns, sizeof fixture_columns);
	for (size_t i = 0; i < FIXTURE_COLUMNS; i++) {
		f->columns[i].supported = true;
		f->columns[i].partition_index = f->columns[i].def.partition ? 0 : -1;
	}
	f->columns[FIXTURE_COLUMNS] = (struct delta_column){
		.def = {.name = "tags", .nullable = true}, .type_text = "array<string>", .partition_index = -1};
	f->s.schema = (struct delta_schema){.columns = f->columns, .n = FIXTURE_COLUMNS}; /* + 1 for a test of it */
	(void)snprintf(f->s.root, sizeof f->s.root, "silver/things");
	f->s.files = f->files;
	CHECK_OK(&f->err, store_open(f->dir, &f->s.store, &f->err));
}

static inline void fixture_deinit(struct fixture *f)
{
	store_close(f->s.store);
	arena_deinit(&f->arena);
	check_rmdir(f->dir);
}

/* The bytes of a file of the table, put and added to the snapshot without statistics. */
static inline void fixture_put(struct fixture *f, const char *path, const char *region, const void *p, size_t n)
{
	char key[DELTA_KEY_MAX];
	const size_t i = f->s.n_files++;
	assert_true(i < FIXTURE_FILES);
	CHECK_OK(&f->err, delta_key(key, f->s.root, str_of(path), &f->err));
	CHECK_OK(&f->err, store_put(f->s.store, key, p, n, &f->err));
	f->partitions[i] = (struct delta_pair){STR("region"), region != NULL ? str_of(region) : (struct str){NULL, 0}};
	f->files[i] = (struct delta_add){
		.path = str_of(path), .partition = {&f->partitions[i], 1}, .size = (int64_t)n, .data_change = true};
}

/* A column of int64 values, narrowed where the type is. */
static inline void fixture_column(
	struct builder *b, const struct column_def *def, const int64_t *values, int64_t n, struct column *out)
{
	struct err err;
	char text[32];
	builder_init(b, def, false);
	for (int64_t i = 0; i < n; i++) {
		if (values[i] == INT64_MIN) continue; /* null */
		if (def->type == COL_STRING)
			builder_set_str(b, i,
				(struct str){text, (size_t)snprintf(text, sizeof text, "s%lld", (long long)values[i])});
		else if (col_type_width(def->type) == 4)
			builder_set_i32(b, i, (int32_t)values[i]);
		else
			builder_set_i64(b, i, values[i]);
	}
	CHECK_OK(&err, builder_finish(b, n, out, &err));
}

/* A file of n rows in row groups of `group`, whose columns defs[0..n_defs) all hold values[0..n). */
static inline void fixture_file(struct fixture *f, const char *path, const char *region, const struct column_def *defs,
	size_t n_defs, const int64_t *values, uint32_t n, uint32_t group)
{
	struct builder builders[FIXTURE_COLUMNS];
	struct column columns[FIXTURE_COLUMNS];
	const struct table_schema schema = {.name = "t", .columns = defs, .n_columns = n_defs};
	const struct parquet_opts opts = {.codec = PARQUET_ZSTD};
	struct parquet_writer *w;
	const uint8_t *p;
	size_t size;
	uint32_t rows[4096];
	assert_true(n <= 4096 && n_defs <= FIXTURE_COLUMNS);
	for (size_t i = 0; i < n_defs; i++) fixture_column(&builders[i], &defs[i], values, n, &columns[i]);
	for (uint32_t i = 0; i < n; i++) rows[i] = i;
	const struct batch b = {.schema = &schema, .n_columns = n_defs, .columns = columns, .n_rows = n};
	CHECK_OK(&f->err, parquet_writer_create(&schema, &opts, &w, &f->err));
	for (uint32_t at = 0; at < n; at += group) {
		const struct parquet_rows part = {.rows = rows + at, .n = n - at < group ? n - at : group};
		CHECK_OK(&f->err, parquet_writer_row_group(w, &b, &part, &f->err));
	}
	CHECK_OK(&f->err, parquet_writer_finish(w, &p, &size, &f->err));
	fixture_put(f, path, region, p, size);
	parquet_writer_destroy(w);
	for (size_t i = 0; i < n_defs; i++) builder_deinit(&builders[i]);
}

#endif
