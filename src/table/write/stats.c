/* table/write/stats.c: a file's bounds from its Parquet footer to the JSON of an add. */
#include "table/write/stats.h"

#include <math.h>

#include "base/time.h"
#include "io/utf8.h"
#include "parquet/nested.h"

enum { CODE_POINT_MAX = 0x10FFFF };

/* Of one column, over all row groups. */
struct column_bounds {
	const struct column_def *def;
	bool has_min, has_max, has_nulls;
	bool any; /* some row group with values was added */
	struct delta_value min, max;
	int64_t nulls;
};

/* ---- from the row groups ---------------------------------------------------------------------------------- */

static void add_bound(const struct column_def *def, struct delta_value *into, const struct delta_value *v, int sign)
{
	if (delta_value_cmp(def, v, into) * sign > 0) *into = *v;
}

/* A row group that holds a value must give a bound, or the file has none. */
static void add_group(struct column_bounds *b, const struct parquet_stats *s, int64_t rows)
{
	if (rows == 0) return;
	b->has_nulls &= s->null_count >= 0;
	b->nulls += s->null_count;
	if (s->null_count == rows) return;
	const struct delta_value min = {.i64 = s->min_i64, .f64 = s->min_f64, .text = s->min_bytes};
	const struct delta_value max = {.i64 = s->max_i64, .f64 = s->max_f64, .text = s->max_bytes};
	if (!b->any) {
		b->min = min;
		b->max = max;
	}
	b->any = true;
	b->has_min &= s->has_min;
	b->has_max &= s->has_max;
	if (b->has_min) add_bound(b->def, &b->min, &min, -1);
	if (b->has_max) add_bound(b->def, &b->max, &max, 1);
}

static status column_bounds_read(
	const struct parquet_reader *r, size_t column, struct column_bounds *out, struct err *err)
{
	*out = (struct column_bounds){
		.def = &parquet_reader_column(r, column)->def, .has_min = true, .has_max = true, .has_nulls = true};
	for (size_t g = 0; g < parquet_reader_n_row_groups(r); g++) {
		struct parquet_stats s;
		TRY(parquet_reader_stats(r, g, (int)column, &s, err));
		add_group(out, &s, parquet_reader_row_group_rows(r, g));
	}
	out->has_min &= out->any;
	out->has_max &= out->any;
	return OK;
}

/* ---- strings ---------------------------------------------------------------------------------------------- */

/* Bytes of the first DELTA_STATS_STRING code points of valid UTF-8. */
static size_t cut_bytes(struct str s)
{
	size_t at = 0;
	for (size_t points = 0; at < s.n && points < DELTA_STATS_STRING; points++) {
		do {
			at++;
		} while (at < s.n && ((unsigned char)s.p[at] & 0xC0) == 0x80);
	}
	return at;
}

static uint32_t decode(const char *p, size_t n)
{
	uint32_t c = n == 1 ? (unsigned char)p[0] : (unsigned char)p[0] & (0x7Fu >> n);
	for (size_t i = 1; i < n; i++) c = c << 6 | ((unsigned char)p[i] & 0x3F);
	return c;
}

static size_t encode(uint32_t c, char dst[4])
{
	if (c < 0x80) {
		dst[0] = (char)c;
		return 1;
	}
	const size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--, c >>= 6) dst[i] = (char)(0x80 | (c & 0x3F));
	dst[0] = (char)((0xF00u >> n & 0xFF) | c);
	return n;
}

/* dst[*n] raised above every string it begins: its last code point that has a next one becomes that, the rest is dropped. UTF-8
 * sorts as its code points do. Room for one byte more. false: there is no such string. */
static bool raise_last(char *dst, size_t *n)
{
	while (*n > 0) {
		size_t start = *n - 1;
		while (start > 0 && ((unsigned char)dst[start] & 0xC0) == 0x80) start--;
		const uint32_t c = decode(dst + start, *n - start);
		if (c < CODE_POINT_MAX) {
			*n = start + encode(c == 0xD7FF ? 0xE000 : c + 1, dst + start);
			return true;
		}
		*n = start;
	}
	return false;
}

/* The string bound as stats have it, in room; false: none. Bounds cut elsewhere may end inside a code point: what is valid before
 * is still below, but nothing says what is above. */
static bool string_bound(struct str s, bool upper, char room[DELTA_STATS_STRING * 4 + 1], struct str *out)
{
	const size_t valid = utf8_valid_prefix(s.p, s.n);
	if (upper && valid < s.n) return false;
	s.n = valid;
	size_t n = cut_bytes(s);
	if (n > 0) memcpy(room, s.p, n);
	if (upper && n < s.n && !raise_last(room, &n)) return false;
	*out = (struct str){room, n};
	return true;
}

/* ---- JSON ------------------------------------------------------------------------------------------------- */

static bool years_valid(const struct column_def *def, int64_t v)
{
	if (def->type == COL_DATE) return v >= DATE_MIN && v <= DATE_MAX;
	if (def->type != COL_TIMESTAMP) return true;
	return v >= DATE_MIN * US_PER_DAY && v < (DATE_MAX + INT64_C(1)) * US_PER_DAY;
}

/* Append the bound's JSON; false, and nothing: it has none. */
static bool put_bound(struct buf *out, const struct column_def *def, const struct delta_value *v, bool upper)
{
	char room[DELTA_STATS_STRING * 4 + 1];
	struct str s;
	switch (def->type) {
	case COL_BOOL:
	case COL_BINARY: return false;
	case COL_STRING:
		if (!string_bound(v->text, upper, room, &s)) return false;
		buf_json_str(out, s);
		return true;
	case COL_FLOAT:
	case COL_DOUBLE:
		if (upper || !isfinite(v->f64)) return false;
		delta_value_text(out, def, v);
		return true;
	case COL_DATE:
	case COL_TIMESTAMP:
		if (!years_valid(def, v->i64)) return false;
		buf_char(out, '"');
		delta_value_text(out, def, v);
		buf_char(out, '"');
		return true;
	default: delta_value_text(out, def, v); return true;
	}
}

enum section { MIN_VALUES, MAX_VALUES, NULL_COUNT };

static bool put_value(struct buf *out, const struct column_bounds *b, enum section section)
{
	if (section == MIN_VALUES) return b->has_min && put_bound(out, b->def, &b->min, false);
	if (section == MAX_VALUES) return b->has_max && put_bound(out, b->def, &b->max, true);
	if (b->has_nulls) buf_i64(out, b->nulls);
	return b->has_nulls;
}

static void put_section(struct buf *out, const struct column_bounds *bounds, size_t n, enum section section)
{
	static const char *const names[] = {"minValues", "maxValues", "nullCount"};
	bool first = true;
	buf_printf(out, ",\"%s\":{", names[section]);
	for (size_t i = 0; i < n; i++) {
		const size_t before = out->n;
		if (!first) buf_char(out, ',');
		buf_json_str(out, str_of(bounds[i].def->name));
		buf_char(out, ':');
		if (put_value(out, &bounds[i], section))
			first = false;
		else
			out->n = before;
	}
	buf_char(out, '}');
}

status delta_stats_write(struct parquet_reader *r, struct buf *out, int64_t *rows, struct err *err)
{
	struct column_bounds bounds[DELTA_STATS_COLUMNS];
	const size_t columns = parquet_reader_n_columns(r);
	size_t n = 0;
	for (size_t i = 0; i < columns && i < DELTA_STATS_COLUMNS; i++) {
		const struct parquet_column_info *info = parquet_reader_column(r, i);
		if (!info->supported || !utf8_valid(info->name, strlen(info->name))) continue;
		TRY(column_bounds_read(r, i, &bounds[n], err));
		n++;
	}
	buf_str(out, "{\"numRecords\":");
	buf_i64(out, parquet_reader_rows(r));
	for (enum section s = MIN_VALUES; s <= NULL_COUNT; s++) put_section(out, bounds, n, s);
	buf_char(out, '}');
	if (rows != NULL) *rows = parquet_reader_rows(r);
	return buf_check(out, err);
}
