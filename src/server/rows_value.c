/* server/rows_value.c: values by their column's type: databases differ in what they give (SQLite has no booleans and no decimals,
 * PostgreSQL gives large sums as texts), what is written does not. */
#include "server/rows_value.h"

#include <ctype.h>
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

struct str rows_value_text(const struct column_def *column, const struct control_value *v, char dst[ROWS_NUMBER_MAX])
{
	int n = 0;
	if (v->kind == CONTROL_NULL) return (struct str){NULL, 0};
	if (v->kind == CONTROL_TEXT) {
		if (column->type != COL_BOOL) return v->text;
		return v->text.n > 0 && (v->text.p[0] == 't' || v->text.p[0] == '1') ? STR("true") : STR("false");
	}
	if (column->type == COL_BOOL) return v->i != 0 ? STR("true") : STR("false");
	if (column->type == COL_DECIMAL)
		n = snprintf(
			dst, ROWS_NUMBER_MAX, "%.*f", column->scale, v->kind == CONTROL_INT ? (double)v->i : v->real);
	else if (v->kind == CONTROL_INT)
		n = snprintf(dst, ROWS_NUMBER_MAX, "%lld", (long long)v->i);
	else
		n = (int)real_text(v->real, dst);
	return (struct str){dst, (size_t)n};
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
