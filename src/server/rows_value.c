/* server/rows_value.c: values by their column's type: databases differ in what they give (SQLite has no booleans and no decimals,
 * PostgreSQL gives large sums as texts), what is written does not. */
#include "server/rows_value.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_text(enum col_type t)
{
	return t == COL_STRING || t == COL_TIMESTAMP || t == COL_DATE || t == COL_BINARY;
}

/* As few digits as tell the number. */
static size_t real_text(double v, char dst[ROWS_NUMBER_MAX])
{
	int n = 0;
	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(dst, ROWS_NUMBER_MAX, "%.*g", digits, v);
		if (strtod(dst, NULL) == v) break;
	}
	return (size_t)n;
}

/* k / 10^scale, digit by digit: right-aligned in dst. */
static struct str fixed_text(int64_t k, int scale, char dst[ROWS_NUMBER_MAX])
{
	uint64_t rest = k < 0 ? 0 - (uint64_t)k : (uint64_t)k;
	size_t at = ROWS_NUMBER_MAX;
	for (int digits = 0; rest > 0 || digits <= scale; digits++) {
		if (digits == scale && scale > 0) dst[--at] = '.';
		dst[--at] = (char)('0' + rest % 10);
		rest /= 10;
	}
	if (k < 0) dst[--at] = '-';
	return (struct str){dst + at, ROWS_NUMBER_MAX - at};
}

/* A stored decimal is the double nearest to its digits, which are found again without printf; what no such double is printf rounds. */
static struct str decimal_text_of(double v, int scale, char dst[ROWS_NUMBER_MAX])
{
	static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
	if (scale < (int)(sizeof powers / sizeof *powers) && v > -1e6 && v < 1e6 && (v != 0 || !signbit(v))) {
		const int64_t k = (int64_t)(v * powers[scale] + (v < 0 ? -0.5 : 0.5));
		if ((double)k / powers[scale] == v) return fixed_text(k, scale, dst);
	}
	const int n = snprintf(dst, ROWS_NUMBER_MAX, "%.*f", scale, v);
	return (struct str){dst, n < ROWS_NUMBER_MAX ? (size_t)n : ROWS_NUMBER_MAX - 1};
}

struct str rows_value_text(const struct column_def *column, const struct control_value *v, char dst[ROWS_NUMBER_MAX])
{
	if (v->kind == CONTROL_NULL) return (struct str){NULL, 0};
	if (v->kind == CONTROL_TEXT) {
		if (column->type != COL_BOOL) return v->text;
		return v->text.n > 0 && (v->text.p[0] == 't' || v->text.p[0] == '1') ? STR("true") : STR("false");
	}
	if (column->type == COL_BOOL) return v->i != 0 ? STR("true") : STR("false");
	if (column->type == COL_DECIMAL)
		return decimal_text_of(v->kind == CONTROL_INT ? (double)v->i : v->real, column->scale, dst);
	if (v->kind == CONTROL_INT) return fixed_text(v->i, 0, dst);
	return (struct str){dst, real_text(v->real, dst)};
}

/* A number of JSON; NaN and infinities are none. */
static bool is_json_number(struct str s)
{
	const size_t first = s.n > 0 && s.p[0] == '-';
	return s.n > first && isdigit((unsigned char)s.p[first]);
}

void rows_value_json(struct buf *out, const struct column_def *column, const struct control_value *v)
{
	char room[ROWS_NUMBER_MAX];
	const struct str s = rows_value_text(column, v, room);
	if (s.p == NULL)
		buf_str(out, "null");
	else if (is_text(column->type))
		buf_json_str(out, s);
	else if (column->type == COL_BOOL || is_json_number(s))
		buf_add(out, s.p, s.n);
	else
		buf_str(out, "null");
}
