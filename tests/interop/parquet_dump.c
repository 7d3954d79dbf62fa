/* tests/interop/parquet_dump.c: print what the reader gives, for comparing with other readers.
 *
 *   parquet_dump FILE [ROWS_AT_ONCE]      one JSON object a line:
 *     {"columns":[{"name":..,"type":..,"scale":..,"nullable":..,"supported":..}],"rows":..,"row_groups":[..]}
 *     {"column":..,"values":[...]}        one line a supported column, all rows; or {"column":..,"error":".."}
 *   parquet_dump --levels FILE            the same header, then for each leaf, all row groups in one:
 *     {"column":..,"max_def":..,"max_rep":..,"values":[...],"def":[...],"rep":[...]}        or {"column":..,"error":".."}
 *   parquet_dump --stats FILE             the same header, then for each supported column, an object a row group:
 *     {"column":..,"stats":[{"min":..,"max":..,"nulls":..}]}       members there are; nulls -1: not given
 *   parquet_dump --delta-stats FILE       the stats of a Delta add alone
 *
 * Values: null, true, false, numbers (integers as they are; floats as the hexadecimal text of their bits, so that NaN and
 * -0 survive), strings (text) and binary as hexadecimal text. With ROWS_AT_ONCE each row group is read in pieces of that many.
 * Exit 0 when the file was opened. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "columnar/decimal.h"
#include "parquet/nested.h"
#include "table/write/stats.h"

static void put_bytes(struct buf *b, struct str s, bool text)
{
	if (text) {
		buf_json_str(b, s);
		return;
	}
	buf_char(b, '"');
	buf_hex(b, (const uint8_t *)s.p, s.n);
	buf_char(b, '"');
}

static void put_value(struct buf *b, const struct column *c, int64_t i)
{
	if (!column_valid(c, i)) {
		buf_str(b, "null");
		return;
	}
	switch (c->type) {
	case COL_BOOL: buf_str(b, bit_get(c->values, i) ? "true" : "false"); break;
	case COL_INT32:
	case COL_DATE: buf_i64(b, ((const int32_t *)c->values)[i]); break;
	case COL_INT64:
	case COL_TIMESTAMP:
	case COL_DECIMAL: buf_i64(b, ((const int64_t *)c->values)[i]); break;
	case COL_FLOAT: buf_printf(b, "\"%08" PRIx32 "\"", ((const uint32_t *)c->values)[i]); break;
	case COL_DOUBLE: buf_printf(b, "\"%016" PRIx64 "\"", ((const uint64_t *)c->values)[i]); break;
	case COL_STRING: put_bytes(b, column_str(c, i), true); break;
	case COL_BINARY: put_bytes(b, column_str(c, i), false); break;
	case COL_DECIMAL128: decimal_text(b, (const uint8_t *)c->values + 16 * i, 0); break;
	case COL_LIST:
	case COL_STRUCT:
	case COL_MAP: break; /* no leaf */
	}
}

static void put_header(struct buf *b, const struct parquet_reader *r)
{
	buf_str(b, "{\"columns\":[");
	for (size_t i = 0; i < parquet_reader_n_columns(r); i++) {
		const struct parquet_column_info *info = parquet_reader_column(r, i);
		if (i > 0) buf_char(b, ',');
		buf_str(b, "{\"name\":");
		buf_json_str(b, str_of(info->name));
		buf_printf(b, ",\"type\":\"%s\",\"precision\":%d,\"scale\":%d,\"nullable\":%s,\"supported\":%s}",
			info->supported ? col_type_name(info->def.type) : "", info->def.precision, info->def.scale,
			info->def.nullable ? "true" : "false", info->supported ? "true" : "false");
	}
	buf_printf(b, "],\"rows\":%" PRId64 ",\"row_groups\":[", parquet_reader_rows(r));
	for (size_t i = 0; i < parquet_reader_n_row_groups(r); i++)
		buf_printf(b, "%s%" PRId64, i > 0 ? "," : "", parquet_reader_row_group_rows(r, i));
	buf_str(b, "]}\n");
}

/* The values of one column, pieces of `step` rows (0: whole row groups). */
static status put_column(
	struct buf *b, struct parquet_reader *r, int column, int64_t step, struct arena *arena, struct err *err)
{
	bool first = true;
	for (size_t g = 0; g < parquet_reader_n_row_groups(r); g++) {
		const int64_t rows = parquet_reader_row_group_rows(r, g);
		for (int64_t at = 0; at < rows;) {
			const int64_t end = step > 0 && rows - at > step ? at + step : rows;
			const struct parquet_range range = {g, at, end};
			struct batch batch;
			arena_reset(arena);
			TRY(parquet_reader_read(r, &range, (struct parquet_columns){&column, 1}, arena, &batch, err));
			int64_t nulls = 0;
			for (int64_t i = 0; i < batch.n_rows; i++) {
				if (!first) buf_char(b, ',');
				first = false;
				put_value(b, &batch.columns[0], i);
				nulls += !column_valid(&batch.columns[0], i);
			}
			if (nulls != batch.columns[0].n_null)
				return fail(err, E_CORRUPT, "dump: %lld nulls counted, %lld claimed", (long long)nulls,
					(long long)batch.columns[0].n_null);
			at = end;
		}
	}
	return OK;
}

static void put_bytes_of(struct buf *b, const uint8_t *v, int64_t n)
{
	for (int64_t i = 0; v != NULL && i < n; i++) {
		if (b->n > 0) buf_char(b, ',');
		buf_i64(b, v[i]);
	}
}

struct levels_text {
	struct buf values, def, rep;
	unsigned max_def, max_rep;
};

static status get_levels(
	struct parquet_reader *r, int leaf, struct arena *arena, struct levels_text *t, struct err *err)
{
	for (size_t g = 0; g < parquet_reader_n_row_groups(r); g++) {
		struct parquet_levels levels;
		arena_reset(arena);
		TRY(parquet_reader_levels(r, g, leaf, arena, &levels, err));
		for (int64_t i = 0; i < levels.values.n; i++) {
			if (t->values.n > 0) buf_char(&t->values, ',');
			put_value(&t->values, &levels.values, i);
		}
		put_bytes_of(&t->def, levels.def, levels.n);
		put_bytes_of(&t->rep, levels.rep, levels.n);
		t->max_def = levels.max_def;
		t->max_rep = levels.max_rep;
	}
	return OK;
}

static void put_error(struct buf *out, const struct err *err)
{
	char text[1024];
	buf_printf(out, ",\"code\":\"%s\",\"error\":", status_name(err->code));
	buf_json_str(out, str_of(err_text(err, text, sizeof text)));
}

static void put_levels(struct buf *out, struct parquet_reader *r)
{
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < parquet_reader_n_columns(r); i++) {
		struct levels_text t = {0};
		struct buf *const bufs[] = {&t.values, &t.def, &t.rep};
		static const char *const names[] = {"values", "def", "rep"};
		struct err err = {0};
		const char *name = parquet_reader_column(r, i)->name;
		for (int k = 0; k < 3; k++) buf_init(bufs[k], 0);
		buf_str(out, "{\"column\":");
		buf_json_str(out, str_of(name));
		if (get_levels(r, parquet_reader_leaf(r, name), &arena, &t, &err) != OK) {
			put_error(out, &err);
		} else {
			buf_printf(out, ",\"max_def\":%u,\"max_rep\":%u", t.max_def, t.max_rep);
			for (int k = 0; k < 3; k++) {
				buf_printf(out, ",\"%s\":[", names[k]);
				buf_add(out, bufs[k]->p, bufs[k]->n);
				buf_char(out, ']');
			}
		}
		buf_str(out, "}\n");
		for (int k = 0; k < 3; k++) buf_deinit(bufs[k]);
	}
	arena_deinit(&arena);
}

/* A bound, as put_value prints a value. */
static void put_bound(struct buf *b, enum col_type type, int64_t i, double f, struct str s)
{
	const int32_t narrow = (int32_t)i;
	const float single = (float)f;
	const int32_t offsets[] = {0, (int32_t)s.n};
	const uint8_t bit = i != 0;
	struct column c = {.type = type, .n = 1, .offsets = offsets, .data = (const uint8_t *)s.p, .values = &i};
	if (type == COL_BOOL) c.values = &bit;
	if (type == COL_INT32 || type == COL_DATE) c.values = &narrow;
	if (type == COL_FLOAT) c.values = &single;
	if (type == COL_DOUBLE) c.values = &f;
	put_value(b, &c, 0);
}

static status put_stats(struct buf *out, struct parquet_reader *r, struct err *err)
{
	for (size_t i = 0; i < parquet_reader_n_columns(r); i++) {
		const struct parquet_column_info *info = parquet_reader_column(r, i);
		if (!info->supported) continue;
		buf_str(out, "{\"column\":");
		buf_json_str(out, str_of(info->name));
		buf_str(out, ",\"stats\":[");
		for (size_t g = 0; g < parquet_reader_n_row_groups(r); g++) {
			struct parquet_stats s;
			TRY(parquet_reader_stats(r, g, (int)i, &s, err));
			buf_printf(out, "%s{\"nulls\":%" PRId64, g > 0 ? "," : "", s.null_count);
			if (s.has_min) buf_str(out, ",\"min\":");
			if (s.has_min) put_bound(out, info->def.type, s.min_i64, s.min_f64, s.min_bytes);
			if (s.has_max) buf_str(out, ",\"max\":");
			if (s.has_max) put_bound(out, info->def.type, s.max_i64, s.max_f64, s.max_bytes);
			buf_char(out, '}');
		}
		buf_str(out, "]}\n");
	}
	return OK;
}

static void put_columns(struct buf *out, struct parquet_reader *r, int64_t step)
{
	struct arena arena;
	arena_init(&arena, 0);
	for (size_t i = 0; i < parquet_reader_n_columns(r); i++) {
		struct buf values;
		struct err err = {0};
		buf_init(&values, 0);
		buf_str(out, "{\"column\":");
		buf_json_str(out, str_of(parquet_reader_column(r, i)->name));
		if (put_column(&values, r, (int)i, step, &arena, &err) != OK) {
			put_error(out, &err);
		} else {
			buf_str(out, ",\"values\":[");
			buf_add(out, values.p, values.n);
			buf_char(out, ']');
		}
		buf_str(out, "}\n");
		buf_deinit(&values);
	}
	arena_deinit(&arena);
}

enum what { VALUES, LEVELS, STATS, DELTA_STATS };

static status dump(const char *path, enum what what, int64_t step, struct buf *out, struct err *err)
{
	char folder[4096];
	const char *name = strrchr(path, '/');
	(void)snprintf(folder, sizeof folder, "%.*s", name != NULL ? (int)(name - path) : 1, name != NULL ? path : ".");
	struct store *store = NULL;
	struct store_object *object = NULL;
	struct parquet_reader *reader = NULL;
	status code = store_open(folder, &store, err);
	if (code == OK) code = store_object_open(store, name != NULL ? name + 1 : path, &object, err);
	if (code == OK) code = parquet_reader_open(object, &reader, err);
	if (code == OK) {
		if (what == DELTA_STATS)
			code = delta_stats_write(reader, out, NULL, err);
		else
			put_header(out, reader);
		if (what == VALUES) put_columns(out, reader, step);
		if (what == LEVELS) put_levels(out, reader);
		if (what == STATS) code = put_stats(out, reader, err);
		if (code == OK) code = buf_check(out, err);
	}
	parquet_reader_close(reader);
	store_object_close(object);
	store_close(store);
	return code;
}

int main(int argc, char **argv)
{
	enum what what = VALUES;
	if (argc > 1 && strcmp(argv[1], "--levels") == 0) what = LEVELS;
	if (argc > 1 && strcmp(argv[1], "--stats") == 0) what = STATS;
	if (argc > 1 && strcmp(argv[1], "--delta-stats") == 0) what = DELTA_STATS;
	argc -= what != VALUES;
	argv += what != VALUES;
	if (argc < 2) {
		(void)fprintf(stderr, "usage: parquet_dump [--levels | --stats | --delta-stats] FILE [ROWS_AT_ONCE]\n");
		return 2;
	}
	struct err err = {0};
	struct buf out;
	buf_init(&out, (size_t)4 << 30);
	const status code = dump(argv[1], what, argc > 2 ? atoll(argv[2]) : 0, &out, &err);
	char text[1024];
	if (code != OK)
		(void)fprintf(stderr, "%s: %s\n", status_name(code), err_text(&err, text, sizeof text));
	else
		(void)fwrite(out.p, 1, out.n, stdout);
	buf_deinit(&out);
	return status_exit(code);
}
