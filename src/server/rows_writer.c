/* server/rows_writer.c: which format is asked for, and rows in it: text as they come, Arrow and Parquet of all of them at the end. */
#include "server/rows_writer.h"

#include <stdio.h>
#include <strings.h>

#include "app/rows_text.h"
#include "server/rows_value.h"

static const struct {
	const char *name, *type, *sent;
} formats[] = {
	[ROWS_JSON] = {"json", "application/json", "application/json"},
	[ROWS_CSV] = {"csv", "text/csv", "text/csv; charset=utf-8"},
	[ROWS_NDJSON] = {"ndjson", "application/x-ndjson", "application/x-ndjson"},
	[ROWS_ARROW] = {"arrow", "application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.stream"},
	[ROWS_PARQUET] = {"parquet", "application/vnd.apache.parquet", "application/vnd.apache.parquet"},
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
	struct request_choice c;
	while (request_choice_next(&accept, &c)) {
		if (c.name.n == 0 || !covers(c.name, type)) continue;
		const size_t tells = c.name.p[0] == '*' ? 1 : c.name.p[c.name.n - 1] == '*' ? 2 : 3;
		if (tells > telling) q = c.quality;
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
		return fail(err, E_USAGE, "format: expected json, csv, ndjson, arrow or parquet, found '%.*s'",
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
				  "Accept: there are application/json, text/csv, application/x-ndjson, "
				  "application/vnd.apache.arrow.stream and "
				  "application/vnd.apache.parquet");
}

/* ---- rows ---- */

static bool is_batch(const struct rows_writer *w)
{
	return w->format == ROWS_ARROW || w->format == ROWS_PARQUET;
}

/* {"first": and ,"second": of each object. */
static status make_keys(struct rows_writer *w, struct err *err)
{
	struct str *keys = ARENA_NEW(w->arena, struct str, w->n);
	struct buf b;
	buf_init(&b, 0);
	for (size_t i = 0; keys != NULL && i < w->n; i++) {
		buf_reset(&b);
		buf_char(&b, i == 0 ? '{' : ',');
		buf_json_str(&b, str_of(w->columns[i].name));
		buf_char(&b, ':');
		keys[i] = (struct str){arena_strndup(w->arena, (const char *)b.p, b.n), b.n};
		if (keys[i].p == NULL) keys = NULL;
	}
	const status code = keys != NULL ? buf_check(&b, err) : fail_nomem(err);
	buf_deinit(&b);
	w->keys = keys;
	return code;
}

status rows_writer_begin(struct rows_writer *w, struct err *err)
{
	if (is_batch(w)) return rows_batch_init(&w->batch, w->columns, w->n, w->arena, err);
	if (w->format == ROWS_JSON || w->format == ROWS_NDJSON) TRY(make_keys(w, err));
	if (w->format == ROWS_JSON) buf_char(w->out, '[');
	for (size_t i = 0; w->format == ROWS_CSV && i < w->n; i++) {
		if (i > 0) buf_char(w->out, ',');
		rows_csv_text(w->out, str_of(w->columns[i].name));
	}
	if (w->format == ROWS_CSV) buf_str(w->out, "\r\n");
	return OK;
}

static void json_row(struct rows_writer *w, const struct control_value *values)
{
	for (size_t i = 0; i < w->n; i++) {
		buf_add(w->out, w->keys[i].p, w->keys[i].n);
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

status rows_writer_row(struct rows_writer *w, const struct control_value *values, struct err *err)
{
	if (w->format == ROWS_JSON && w->n_rows > 0) buf_char(w->out, ',');
	w->n_rows++;
	if (is_batch(w)) return rows_batch_add(&w->batch, values, err);
	if (w->format == ROWS_CSV)
		csv_row(w, values);
	else
		json_row(w, values);
	if (w->format == ROWS_NDJSON) buf_char(w->out, '\n');
	return buf_check(w->out, err);
}

status rows_writer_end(struct rows_writer *w, struct err *err)
{
	if (w->format == ROWS_ARROW) return rows_batch_arrow(&w->batch, w->arena, w->out, err);
	if (w->format == ROWS_PARQUET) return rows_batch_parquet(&w->batch, w->arena, w->out, err);
	if (w->format == ROWS_JSON) buf_str(w->out, "]\n");
	return buf_check(w->out, err);
}

void rows_writer_deinit(struct rows_writer *w)
{
	rows_batch_deinit(&w->batch);
}
