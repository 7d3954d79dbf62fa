/* tests/interop/write_all_types.c: writes Parquet files that other engines then read, and the values they must find.
 *
 *   write_all_types DIR
 *
 * DIR/<case>.parquet and DIR/<case>.jsonl, one row a line in file order: timestamps as microseconds, dates as
 * days, decimals as unscaled integers, so that nothing depends on how this program prints. The values are made
 * by a fixed linear congruential generator.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "columnar/batch.h"
#include "parquet/writer.h"

enum {
	COLUMN_ID,
	COLUMN_TICKET,
	COLUMN_CHANNEL,
	COLUMN_TEXT,
	COLUMN_TS,
	COLUMN_DAY,
	COLUMN_SMALL,
	COLUMN_COUNT,
	COLUMN_PRICE,
	COLUMN_TOTAL,
	COLUMN_FLAG,
	COLUMN_EMPTY,
	COLUMN_CONSTANT,
	COLUMN_BUCKET,
	N_COLUMNS
};

static const struct column_def columns[N_COLUMNS] = {
	[COLUMN_ID] = {.name = "id", .type = COL_STRING, .id = true},
	[COLUMN_TICKET] = {.name = "ticket_id", .type = COL_STRING, .id = true, .nullable = true},
	[COLUMN_CHANNEL] = {.name = "channel", .type = COL_STRING, .nullable = true},
	[COLUMN_TEXT] = {.name = "text", .type = COL_STRING, .nullable = true},
	[COLUMN_TS] = {.name = "ts", .type = COL_TIMESTAMP},
	[COLUMN_DAY] = {.name = "day", .type = COL_DATE, .nullable = true},
	[COLUMN_SMALL] = {.name = "small", .type = COL_INT32, .nullable = true},
	[COLUMN_COUNT] = {.name = "count", .type = COL_INT64, .nullable = true},
	[COLUMN_PRICE] = {.name = "price", .type = COL_DECIMAL, .precision = 9, .scale = 2, .nullable = true},
	[COLUMN_TOTAL] = {.name = "total", .type = COL_DECIMAL, .precision = 18, .scale = 4, .nullable = true},
	[COLUMN_FLAG] = {.name = "flag", .type = COL_BOOL, .nullable = true},
	[COLUMN_EMPTY] = {.name = "empty", .type = COL_STRING, .nullable = true},
	[COLUMN_CONSTANT] = {.name = "constant", .type = COL_STRING},
	[COLUMN_BUCKET] = {.name = "bucket", .type = COL_INT32},
};
static const struct table_schema schema = {
	.name = "all_types", .layer = "test", .contract = "interop/v1", .columns = columns, .n_columns = N_COLUMNS};

struct source {
	struct builder builders[N_COLUMNS];
	struct column out[N_COLUMNS];
	struct batch batch;
	uint64_t state;
};

static uint64_t next(struct source *s)
{
	s->state = s->state * 6364136223846793005u + 1442695040888963407u;
	uint64_t x = s->state;
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdu;
	return x ^ x >> 33;
}

static void set_text(struct source *s, int64_t row)
{
	static const char *const words[] = {
		"petición", "queja", "reclamo", "ñandú", "\xF0\x9F\x98\x80", "", "línea\n\"dos\"", "zz"};
	char text[256];
	size_t n = 0;
	const uint64_t count = next(s) % 20;
	for (uint64_t i = 0; i < count; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s ", words[next(s) % 8]);
	builder_set_str(&s->builders[COLUMN_TEXT], row, (struct str){text, n});
}

static void set_row(struct source *s, int64_t row)
{
	static const char *const channels[] = {"email", "webform", "chat", "call", "other_digital"};
	char id[64];
	const uint64_t a = next(s), b = next(s);
	(void)snprintf(id, sizeof id, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff),
		(unsigned)(a & 0xffff), (unsigned)(b >> 48), (unsigned long long)(b & 0xffffffffffff));
	struct builder *to = s->builders;
	builder_set_str(&to[COLUMN_ID], row, str_of(id));
	if (row % 3 != 0) builder_set_str(&to[COLUMN_TICKET], row, (struct str){id, 8 + (size_t)(row % 20)});
	if (row % 7 != 2) builder_set_str(&to[COLUMN_CHANNEL], row, str_of(channels[next(s) % 5]));
	if (row % 2 == 0) set_text(s, row);
	builder_set_i64(&to[COLUMN_TS], row, 1767225600000000 + (int64_t)(next(s) % 15552000000000));
	if (row % 5 != 0) builder_set_i32(&to[COLUMN_DAY], row, 20454 + (int32_t)(next(s) % 181));
	if (row % 11 != 0) builder_set_i32(&to[COLUMN_SMALL], row, (int32_t)next(s));
	if (row % 4 != 0) builder_set_i64(&to[COLUMN_COUNT], row, (int64_t)next(s));
	if (row % 6 != 0) builder_set_i64(&to[COLUMN_PRICE], row, (int64_t)(next(s) % 1999999999) - 999999999);
	if (row % 6 != 1)
		builder_set_i64(&to[COLUMN_TOTAL], row, (int64_t)(next(s) % 1999999999999999999) - 999999999999999999);
	builder_set_str(&to[COLUMN_CONSTANT], row, STR("siempre"));
	builder_set_i32(&to[COLUMN_BUCKET], row, (int32_t)(row / 10));
	if (row % 9 == 0) return;
	struct builder *flag = &to[COLUMN_FLAG];
	if (!builder_row(flag, row)) return;
	if (next(s) % 3 == 0) bit_set(flag->values, row);
	flag->n = row + 1;
}

static bool source_fill(struct source *s, int64_t n)
{
	struct err err;
	s->state = 1;
	for (size_t i = 0; i < N_COLUMNS; i++)
		builder_init(&s->builders[i], &columns[i], i == COLUMN_CHANNEL || i == COLUMN_CONSTANT);
	for (int64_t row = 0; row < n; row++) set_row(s, row);
	for (size_t i = 0; i < N_COLUMNS; i++)
		if (builder_finish(&s->builders[i], n, &s->out[i], &err) != OK) return false;
	s->batch = (struct batch){.schema = &schema, .n_columns = N_COLUMNS, .columns = s->out, .n_rows = n};
	return true;
}

static void put_value(struct buf *b, const struct column *c, int64_t row)
{
	if (!column_valid(c, row)) {
		buf_str(b, "null");
		return;
	}
	switch (c->type) {
	case COL_STRING: buf_json_str(b, column_str(c, row)); break;
	case COL_BOOL: buf_str(b, bit_get(c->values, row) ? "true" : "false"); break;
	case COL_INT32:
	case COL_DATE: buf_i64(b, ((const int32_t *)c->values)[row]); break;
	default: buf_i64(b, ((const int64_t *)c->values)[row]); break;
	}
}

static void put_row(struct buf *b, const struct batch *batch, int64_t row)
{
	for (size_t i = 0; i < N_COLUMNS; i++) {
		buf_char(b, i == 0 ? '{' : ',');
		buf_json_str(b, str_of(columns[i].name));
		buf_char(b, ':');
		put_value(b, &batch->columns[i], row);
	}
	buf_str(b, "}\n");
}

static bool save(const char *dir, const char *name, const char *ending, const void *p, size_t n)
{
	char path[1024];
	(void)snprintf(path, sizeof path, "%s/%s.%s", dir, name, ending);
	FILE *f = fopen(path, "wb");
	if (f == NULL) return false;
	const bool wrote = fwrite(p, 1, n, f) == n;
	return fclose(f) == 0 && wrote;
}

struct sample { /* one file */
	const char *name;
	uint32_t n, n_groups;
	bool permuted, cuts;
	struct parquet_opts opts;
};

static bool write_groups(
	struct parquet_writer *w, const struct source *s, const struct sample *c, struct buf *lines, struct err *err)
{
	uint32_t *rows = calloc(c->n + 1, sizeof *rows);
	uint32_t *cuts = calloc(c->n + 1, sizeof *cuts);
	bool ok = rows != NULL && cuts != NULL;
	for (uint32_t g = 0; ok && g < c->n_groups; g++) {
		struct parquet_rows r = {.rows = c->permuted ? rows : NULL, .n = c->n, .cuts = c->cuts ? cuts : NULL};
		for (uint32_t i = 0; i < c->n; i++) rows[i] = c->permuted ? (uint32_t)((uint64_t)i * 7919 % c->n) : i;
		for (uint32_t at = 10; c->cuts && at <= c->n; at += 10) cuts[r.n_cuts++] = at;
		ok = parquet_writer_row_group(w, &s->batch, &r, err) == OK;
		for (uint32_t i = 0; i < c->n; i++) put_row(lines, &s->batch, rows[i]);
	}
	free(rows);
	free(cuts);
	return ok;
}

static bool write_sample(const char *dir, const struct sample *c)
{
	struct err err = {.message = "builders"};
	struct source *s = calloc(1, sizeof *s);
	struct parquet_writer *w = NULL;
	struct buf lines;
	const uint8_t *p = NULL;
	size_t n = 0;
	buf_init(&lines, 0);
	const bool ok = s != NULL && source_fill(s, c->n) && parquet_writer_create(&schema, &c->opts, &w, &err) == OK &&
			write_groups(w, s, c, &lines, &err) && parquet_writer_finish(w, &p, &n, &err) == OK &&
			save(dir, c->name, "parquet", p, n) &&
			save(dir, c->name, "jsonl", lines.p != NULL ? (const void *)lines.p : "", lines.n);
	if (!ok) (void)fprintf(stderr, "write_all_types: %s: %s\n", c->name, err.message);
	parquet_writer_destroy(w);
	for (size_t i = 0; s != NULL && i < N_COLUMNS; i++) builder_deinit(&s->builders[i]);
	free(s);
	buf_deinit(&lines);
	return ok;
}

int main(int argc, char **argv)
{
	static const struct sample samples[] = {
		{.name = "zstd",
			.n = 2503,
			.n_groups = 1,
			.permuted = true,
			.opts = {.codec = PARQUET_ZSTD, .bloom = true}},
		{.name = "cuts",
			.n = 5000,
			.n_groups = 1,
			.cuts = true,
			.opts = {.codec = PARQUET_ZSTD, .page_bytes_min = 1024, .bloom = true}},
		{.name = "snappy",
			.n = 1000,
			.n_groups = 3,
			.opts = {.codec = PARQUET_SNAPPY, .page_rows_max = 333, .bloom = true}},
		{.name = "uncompressed",
			.n = 1009,
			.n_groups = 2,
			.permuted = true,
			.cuts = true,
			.opts = {.codec = PARQUET_UNCOMPRESSED, .page_bytes_min = 256, .bloom = true}},
		{.name = "delta",
			.n = 5003,
			.n_groups = 2,
			.permuted = true,
			.cuts = true,
			.opts = {.codec = PARQUET_ZSTD, .page_bytes_min = 2048, .bloom = true}},
		{.name = "lz4_raw", .n = 500, .n_groups = 1, .opts = {.codec = PARQUET_LZ4_RAW}},
		{.name = "one_row", .n = 1, .n_groups = 1, .opts = {.codec = PARQUET_ZSTD, .bloom = true}},
		{.name = "no_rows", .n = 0, .n_groups = 1, .opts = {.codec = PARQUET_ZSTD, .bloom = true}},
		{.name = "large", .n = 60000, .n_groups = 1, .opts = {.codec = PARQUET_ZSTD, .bloom = true}},
	};
	if (argc != 2) {
		(void)fprintf(stderr, "usage: write_all_types DIR\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
		if (!write_sample(argv[1], &samples[i])) return 1;
	return 0;
}
