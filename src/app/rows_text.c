/* app/rows_text.c: rows as JSON, texts as CSV. */
#include "app/rows_text.h"

void rows_json_row(struct buf *out, const struct control_value *values, size_t n)
{
	buf_char(out, '{');
	for (size_t i = 0; i < n; i++) {
		if (i > 0) buf_char(out, ',');
		buf_json_str(out, str_of(values[i].name));
		buf_char(out, ':');
		if (values[i].kind == CONTROL_INT)
			buf_i64(out, values[i].i);
		else if (values[i].kind == CONTROL_REAL)
			buf_printf(out, "%.15g", values[i].real);
		else if (values[i].kind == CONTROL_TEXT)
			buf_json_str(out, values[i].text);
		else
			buf_str(out, "null");
	}
	buf_char(out, '}');
}

struct json_rows {
	struct buf *out;
	bool first;
};

static status json_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct json_rows *j = arg;
	(void)err;
	if (!j->first) buf_char(j->out, ',');
	j->first = false;
	rows_json_row(j->out, values, n);
	return OK;
}

status rows_json_of(rows_source source, void *arg, struct buf *out, struct err *err)
{
	struct json_rows j = {out, true};
	buf_char(out, '[');
	TRY(source(arg, json_row, &j, err));
	buf_char(out, ']');
	return OK;
}

struct query_rows {
	struct control *control;
	const struct control_select *q;
};

static status query_rows(void *arg, control_row_visit visit, void *visit_arg, struct err *err)
{
	const struct query_rows *r = arg;
	return control_query(r->control, r->q, visit, visit_arg, err);
}

status rows_json(struct control *c, const struct control_select *q, struct buf *out, struct err *err)
{
	struct query_rows r = {c, q};
	return rows_json_of(query_rows, &r, out, err);
}

void rows_csv_text(struct buf *out, struct str s)
{
	bool plain = s.n > 0;
	for (size_t i = 0; i < s.n && plain; i++)
		plain = s.p[i] != '"' && s.p[i] != ',' && s.p[i] != '\n' && s.p[i] != '\r';
	if (plain) {
		buf_add(out, s.p, s.n);
		return;
	}
	buf_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"') buf_char(out, '"');
		buf_char(out, s.p[i]);
	}
	buf_char(out, '"');
}
