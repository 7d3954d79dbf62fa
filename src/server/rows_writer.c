/* server/rows_writer.c: values by their column's type: databases differ in what they give (SQLite has no booleans and no decimals,
 * PostgreSQL gives large sums as texts), what is written does not. */
#include "server/rows_writer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "app/rows_text.h"

static const struct {
	const char *name, *type, *sent;
} formats[] = {
	[ROWS_JSON] = {"json", "application/json", "application/json"},
	[ROWS_CSV] = {"csv", "text/csv", "text/csv; charset=utf-8"},
	[ROWS_NDJSON] = {"ndjson", "application/x-ndjson", "application/x-ndjson"},
};
#define N_FORMATS (sizeof formats / sizeof *formats)

/* ---- formats ---- */

const char *rows_format_type(enum rows_format f)
{
	return formats[f].sent;
}

static bool covers(struct str range, const char *type)
{
	const char *slash = strchr(type, '/');
	if (str_is(range, "*/*")) return true;
	if (range.n == strlen(type) && strncasecmp(range.p, type, range.n) == 0) return true;
	return range.n == (size_t)(slash - type) + 2 && strncasecmp(range.p, type, range.n - 1) == 0 &&
	       range.p[range.n - 1] == '*';
}

/* The q of the most telling range that names the type; ranges of a header are few. */
static double quality_of(struct str accept, const char *type)
{
	double q = 0;
	size_t telling = 0;
	while (accept.n > 0) {
		const char *comma = memchr(accept.p, ',', accept.n);
		struct str range = {accept.p, comma != NULL ? (size_t)(comma - accept.p) : accept.n};
		accept = comma != NULL ? (struct str){comma + 1, accept.n - range.n - 1} : STR("");
		while (range.n > 0 && range.p[0] == ' ') range = (struct str){range.p + 1, range.n - 1};
		const char *semicolon = range.n > 0 ? memchr(range.p, ';', range.n) : NULL;
		double own = 1;
		if (semicolon != NULL) {
			char text[16] = "";
			const struct str rest = {semicolon, range.n - (size_t)(semicolon - range.p)};
			const char *weight = memmem(rest.p, rest.n, "q=", 2);
			if (weight != NULL) {
				const size_t n = rest.n - (size_t)(weight + 2 - rest.p);
				memcpy(text, weight + 2, n < sizeof text - 1 ? n : sizeof text - 1);
				own = strtod(text, NULL);
			}
			range.n = (size_t)(semicolon - range.p);
		}
		while (range.n > 0 && range.p[range.n - 1] == ' ') range.n--;
		if (!covers(range, type)) continue;
		const size_t tells = range.p[0] == '*' ? 1 : range.p[range.n - 1] == '*' ? 2 : 3;
		if (tells > telling) q = own;
		if (tells > telling) telling = tells;
	}
	return q;
}

status rows_format_of(const struct request *r, enum rows_format *out, struct err *err)
{
	struct str name;
	const struct str accept = request_header_get(r, "Accept");
	double best = 0;
	TRY(request_param_get(r, "format", &name, err));
	for (size_t i = 0; name.p != NULL && i < N_FORMATS; i++) {
		if (!str_is(name, formats[i].name)) continue;
		*out = (enum rows_format)i;
		return OK;
	}
	if (name.p != NULL)
		return fail(err, E_USAGE, "format: expected json, csv or ndjson, found '%.*s'",
			(int)(name.n < 40 ? name.n : 40), name.p);
	*out = ROWS_JSON;
	if (accept.n == 0) return OK;
	for (size_t i = 0; i < N_FORMATS; i++) {
		const double q = quality_of(accept, formats[i].type);
		if (q <= best) continue;
		best = q;
		*out = (enum rows_format)i;
	}
	if (best == 0 && quality_of(accept, "text/html") > 0) return OK; /* a browser's address line */
	return best > 0 ? OK
			: fail(err, E_UNSUPPORTED,
				  "Accept: there are application/json, text/csv and application/x-ndjson");
}

/* ---- values ---- */

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

/* ---- rows ---- */

void rows_writer_begin(struct rows_writer *w)
{
	if (w->format == ROWS_JSON) buf_char(w->out, '[');
	for (size_t i = 0; w->format == ROWS_CSV && i < w->n; i++) {
		if (i > 0) buf_char(w->out, ',');
		rows_csv_text(w->out, str_of(w->columns[i].name));
	}
	if (w->format == ROWS_CSV) buf_str(w->out, "\r\n");
}

static void json_row(struct rows_writer *w, const struct control_value *values)
{
	for (size_t i = 0; i < w->n; i++) {
		buf_char(w->out, i == 0 ? '{' : ',');
		buf_json_str(w->out, str_of(w->columns[i].name));
		buf_char(w->out, ':');
		rows_value_json(w->out, &w->columns[i], &values[i]);
	}
	buf_char(w->out, '}');
}

static void csv_row(struct rows_writer *w, const struct control_value *values)
{
	for (size_t i = 0; i < w->n; i++) {
		char room[ROWS_NUMBER_MAX];
		const struct str s = rows_value_text(&w->columns[i], &values[i], room);
		if (i > 0) buf_char(w->out, ',');
		if (s.p != NULL) rows_csv_text(w->out, s);
	}
	buf_str(w->out, "\r\n");
}

void rows_writer_row(struct rows_writer *w, const struct control_value *values)
{
	if (w->format == ROWS_JSON && w->n_rows > 0) buf_char(w->out, ',');
	w->n_rows++;
	if (w->format == ROWS_CSV)
		csv_row(w, values);
	else
		json_row(w, values);
	if (w->format == ROWS_NDJSON) buf_char(w->out, '\n');
}

void rows_writer_end(struct rows_writer *w)
{
	if (w->format == ROWS_JSON) buf_str(w->out, "]\n");
}
