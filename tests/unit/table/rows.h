/* tests/unit/table/rows.h: an Arrow stream of made rows: id int64, n int32, region string, name string, cost decimal(12,2).
 *
 * Row r has id r, n r % 50 (null where r % 10 == 9), region "r<r / run % regions>" (null for the last), name "name r", cost r / 100. */
#ifndef PQR_TESTS_TABLE_ROWS_H
#define PQR_TESTS_TABLE_ROWS_H

#include "../check.h"

#include "columnar/batch.h"

enum { ROWS_COLUMNS = 5 };

struct rows {
	int64_t next, end;    /* rows to come */
	int64_t batch;        /* rows an array */
	int64_t regions, run; /* how many regions; rows of one before the next */
	int64_t fail_at;      /* the array with this row fails; -1 = none */
	size_t n_columns;     /* the first so many; 0 = all */
	struct str odd_text;  /* region and name of row 5; p == NULL: as the others */
	struct column_def defs[ROWS_COLUMNS];
	int released;
	struct builder builders[ROWS_COLUMNS];
};

static inline int rows_export(struct rows *r, int64_t n, struct ArrowSchema *schema, struct ArrowArray *array)
{
	struct err err;
	char text[32];
	struct column columns[ROWS_COLUMNS];
	for (size_t i = 0; i < ROWS_COLUMNS; i++) {
		struct builder *b = &r->builders[i];
		builder_init(b, &r->defs[i], false);
		for (int64_t k = 0; k < n; k++) {
			const int64_t row = r->next + k, region = row / r->run % r->regions;
			if ((i == 2 || i == 3) && row == 5 && r->odd_text.p != NULL) {
				builder_set_str(b, k, r->odd_text);
				continue;
			}
			if (i == 2 && region + 1 < r->regions)
				builder_set_str(b, k,
					(struct str){
						text, (size_t)snprintf(text, sizeof text, "r%lld", (long long)region)});
			if (i == 3)
				builder_set_str(b, k,
					(struct str){text,
						(size_t)snprintf(text, sizeof text, "name %lld", (long long)row)});
			if (i == 0 || i == 4) builder_set_i64(b, k, row);
			if (i == 1 && row % 10 != 9) builder_set_i32(b, k, (int32_t)(row % 50));
		}
		CHECK_OK(&err, builder_finish(b, n, &columns[i], &err));
	}
	/* The array gets copies, so that it owns what it shows. */
	struct arena arena;
	uint32_t all[4096];
	assert_true(n <= 4096);
	arena_init(&arena, 0);
	for (int64_t k = 0; k < n; k++) all[k] = (uint32_t)k;
	for (size_t i = 0; i < ROWS_COLUMNS; i++) {
		struct column copy;
		CHECK_OK(&err, gather_column(&columns[i], all, n, &arena, &copy, &err));
		columns[i] = copy;
		builder_deinit(&r->builders[i]);
	}
	const struct table_schema names = {.name = "rows", .columns = r->defs, .n_columns = ROWS_COLUMNS};
	const struct batch b = {.schema = &names,
		.n_columns = r->n_columns > 0 ? r->n_columns : ROWS_COLUMNS,
		.columns = columns,
		.n_rows = n};
	if (schema != NULL) {
		const struct column_def *defs[ROWS_COLUMNS];
		for (size_t i = 0; i < ROWS_COLUMNS; i++) defs[i] = &r->defs[i];
		CHECK_OK(&err, schema_export(defs, b.n_columns, schema, &err));
	}
	if (array != NULL) CHECK_OK(&err, batch_export_owned(&b, &arena, array, &err));
	arena_deinit(&arena);
	return 0;
}

static int rows_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
	return rows_export(s->private_data, 0, out, NULL);
}

static int rows_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
	struct rows *r = s->private_data;
	const int64_t left = r->end - r->next, n = left < r->batch ? left : r->batch;
	out->release = NULL;
	if (r->fail_at >= r->next && r->fail_at < r->next + n) return 5;
	if (n == 0) return 0;
	(void)rows_export(r, n, NULL, out);
	r->next += n;
	return 0;
}

static const char *rows_error(struct ArrowArrayStream *s)
{
	(void)s;
	return "the source ran dry";
}

static void rows_release(struct ArrowArrayStream *s)
{
	((struct rows *)s->private_data)->released++;
	s->release = NULL;
}

/* Rows [from, to). r lives as long as the stream. */
static inline struct ArrowArrayStream rows_stream(struct rows *r, int64_t from, int64_t to)
{
	*r = (struct rows){.next = from, .end = to, .batch = 1000, .regions = 3, .run = 7, .fail_at = -1};
	r->defs[0] = (struct column_def){.name = "id", .type = COL_INT64};
	r->defs[1] = (struct column_def){.name = "n", .type = COL_INT32, .nullable = true};
	r->defs[2] = (struct column_def){.name = "region", .type = COL_STRING, .nullable = true};
	r->defs[3] = (struct column_def){.name = "name", .type = COL_STRING, .nullable = true};
	r->defs[4] =
		(struct column_def){.name = "cost", .type = COL_DECIMAL, .precision = 12, .scale = 2, .nullable = true};
	return (struct ArrowArrayStream){.get_schema = rows_schema,
		.get_next = rows_next,
		.get_last_error = rows_error,
		.release = rows_release,
		.private_data = r};
}

#endif
