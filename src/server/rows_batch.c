/* server/rows_batch.c: values by their column's type into builders. */
#include "server/rows_batch.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/time.h"
#include "columnar/arrow_ipc.h"
#include "parquet/writer.h"
#include "server/rows_value.h"

status rows_batch_init(
	struct rows_batch *b, const struct column_def *columns, size_t n, struct arena *arena, struct err *err)
{
	*b = (struct rows_batch){.columns = columns, .n = n};
	b->builders = ARENA_ZNEW(arena, struct builder, n);
	if (b->builders == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) builder_init(&b->builders[i], &columns[i], false);
	return OK;
}

void rows_batch_deinit(struct rows_batch *b)
{
	for (size_t i = 0; b->builders != NULL && i < b->n; i++) builder_deinit(&b->builders[i]);
}

/* "-12.5" with scale 2: -1250; digits beyond the scale are none of the column's. */
static bool unscaled(struct str s, unsigned scale, int64_t *out)
{
	const bool negative = s.n > 0 && s.p[0] == '-';
	int64_t v = 0;
	bool point = false;
	unsigned behind = 0;
	for (size_t i = negative; i < s.n; i++) {
		if (s.p[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (!isdigit((unsigned char)s.p[i])) return false;
		if (point && behind == scale) continue;
		behind += point;
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s.p[i] - '0', &v)) return false;
	}
	for (; behind < scale; behind++)
		if (__builtin_mul_overflow(v, 10, &v)) return false;
	*out = negative ? -v : v;
	return s.n > (size_t)negative;
}

static bool set_value(struct builder *to, const struct column_def *c, int64_t row, struct str s)
{
	int32_t date;
	int64_t v;
	char *end = NULL;
	switch (c->type) {
	case COL_INT32:
		if (!unscaled(s, 0, &v) || v < INT32_MIN || v > INT32_MAX) return false;
		builder_set_i32(to, row, (int32_t)v);
		return true;
	case COL_INT64:
	case COL_DECIMAL:
		if (!unscaled(s, c->type == COL_DECIMAL ? c->scale : 0, &v)) return false;
		builder_set_i64(to, row, v);
		return true;
	case COL_DOUBLE: {
		char text[ROWS_NUMBER_MAX];
		if (s.n == 0 || s.n >= sizeof text) return false;
		memcpy(text, s.p, s.n);
		text[s.n] = '\0';
		const double d = strtod(text, &end);
		memcpy(&v, &d, sizeof v);
		builder_set_i64(to, row, v); /* the same eight bytes */
		return *end == '\0';
	}
	case COL_BOOL:
		if (!builder_row(to, row)) return true; /* told at the end */
		if (str_is(s, "true")) bit_set(to->values, row);
		to->n = row + 1;
		return true;
	case COL_DATE:
		if (!date_parse(s, &date)) return false;
		builder_set_i32(to, row, date);
		return true;
	case COL_TIMESTAMP:
		if (!time_parse(s, &v)) return false;
		builder_set_i64(to, row, v);
		return true;
	default: builder_set_str(to, row, s); return true;
	}
}

status rows_batch_add(struct rows_batch *b, const struct control_value *values, struct err *err)
{
	for (size_t i = 0; i < b->n; i++) {
		char room[ROWS_NUMBER_MAX];
		const struct str s = rows_value_text(&b->columns[i], &values[i], room);
		if (s.p == NULL) continue; /* a row that is not set is null */
		if (!set_value(&b->builders[i], &b->columns[i], b->n_rows, s))
			return fail(err, E_CORRUPT, "column %s: '%.*s' is no %s", b->columns[i].name,
				(int)(s.n < 60 ? s.n : 60), s.p, col_type_name(b->columns[i].type));
	}
	b->n_rows++;
	return OK;
}

static status finish(struct rows_batch *b, struct arena *arena, struct batch *out, struct err *err)
{
	struct column *columns = ARENA_NEW(arena, struct column, b->n);
	if (columns == NULL) return fail_nomem(err);
	for (size_t i = 0; i < b->n; i++) TRY(builder_finish(&b->builders[i], b->n_rows, &columns[i], err));
	*out = (struct batch){.n_columns = b->n, .columns = columns, .n_rows = b->n_rows};
	return OK;
}

status rows_batch_arrow(struct rows_batch *b, struct arena *arena, struct buf *out, struct err *err)
{
	struct batch batch;
	TRY(finish(b, arena, &batch, err));
	arrow_ipc_schema(out, b->columns, b->n);
	if (b->n_rows > 0) TRY(arrow_ipc_batch(out, &batch, err));
	arrow_ipc_end(out);
	return buf_check(out, err);
}

static status write_parquet(struct parquet_writer *w, const struct batch *batch, struct buf *out, struct err *err)
{
	const uint8_t *p;
	size_t n;
	const struct parquet_rows rows = {.n = (uint32_t)batch->n_rows};
	if (batch->n_rows > 0) TRY(parquet_writer_row_group(w, batch, &rows, err));
	TRY(parquet_writer_finish(w, &p, &n, err));
	buf_add(out, p, n);
	return buf_check(out, err);
}

status rows_batch_parquet(struct rows_batch *b, struct arena *arena, struct buf *out, struct err *err)
{
	struct batch batch;
	struct parquet_writer *w = NULL;
	static const struct parquet_opts opts = {.codec = PARQUET_ZSTD, .level = 1};
	struct column_def *columns = ARENA_NEW(arena, struct column_def, b->n);
	if (columns == NULL) return fail_nomem(err);
	for (size_t i = 0; i < b->n; i++) {
		columns[i] = b->columns[i];
		columns[i].partition = false; /* here it is a column like any other */
	}
	const struct table_schema schema = {.name = "rows", .layer = "api", .columns = columns, .n_columns = b->n};
	TRY(finish(b, arena, &batch, err));
	batch.schema = &schema;
	TRY(parquet_writer_create(&schema, &opts, &w, err));
	const status code = write_parquet(w, &batch, out, err);
	parquet_writer_destroy(w);
	return code;
}
