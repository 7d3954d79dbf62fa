/* query/output.c: rows as an aligned table, CSV or JSON, in pieces.
 *
 * A table's widths come from its first SAMPLE_ROWS rows; a longer value further down moves the rest of its line. One that a terminal
 * has no room for, however short its texts are cut, is shown as records: a line a column.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "query/query_int.h"

enum { FLUSH_BYTES = 1 << 16, SAMPLE_ROWS = 1000, SAMPLE_BYTES = 4 << 20, WIDTH_MIN = 8 };

struct cell {
	size_t at, n; /* in output.cells */
	size_t width;
};
struct output {
	struct query_output to;
	size_t n_columns;
	const struct q_type *types;
	const char **names;
	struct arena arena;
	struct buf text, one; /* what goes out; one value */
	int64_t n_rows;       /* so far */
	/* of a table */
	struct buf cells;     /* texts of the sample, header first */
	struct buf layout;    /* struct cell, row after row */
	size_t *width;        /* [n_columns] */
	bool laid_out, plain; /* plain: EXPLAIN's text, lines as they are */
	bool records;
	const char *const *column_names; /* of the result */
	int64_t n_records;               /* shown so far */
};

static status flush(struct output *o, size_t at_least, struct err *err)
{
	TRY(buf_check(&o->text, err));
	if (o->text.n == 0 || o->text.n < at_least) return OK;
	TRY(o->to.sink(o->to.arg, o->text.p, o->text.n, err));
	buf_reset(&o->text);
	return OK;
}

/* ---- names ---- */

static bool name_taken(const struct output *o, size_t before, const char *name)
{
	for (size_t i = 0; i < before; i++) {
		if (strcmp(o->names[i], name) == 0) return true;
	}
	return false;
}

/* Members of a JSON object need names of their own: a, a_1, a_2. */
static status distinct_names(struct output *o, const struct q_result *r, struct err *err)
{
	for (size_t i = 0; i < o->n_columns; i++) {
		o->names[i] = r->names[i];
		for (int k = 1; name_taken(o, i, o->names[i]); k++) {
			o->names[i] = arena_printf(&o->arena, "%s_%d", r->names[i], k);
			if (o->names[i] == NULL) return fail_nomem(err);
		}
	}
	return OK;
}

/* ---- CSV ---- */

/* RFC 4180, lines ended by a newline. NULL is nothing, the empty text is "". */
static void csv_field(struct buf *out, struct str s)
{
	bool quote = s.n == 0;
	for (size_t i = 0; i < s.n && !quote; i++)
		quote = s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r';
	if (quote)
		sql_quote(out, '"', s); /* CSV doubles quotes as SQL does */
	else
		buf_add(out, s.p, s.n);
}

static void csv_row(struct output *o, const struct q_chunk *c, size_t row)
{
	for (size_t i = 0; i < o->n_columns; i++) {
		const struct q_vector *v = &c->columns[i];
		if (i > 0) buf_char(&o->text, ',');
		if (v->type->kind == Q_NULL || !q_valid(v, row)) continue;
		buf_reset(&o->one);
		value_text(&o->one, v, row);
		if (o->one.failed) o->text.failed = true;
		csv_field(&o->text, (struct str){(const char *)o->one.p, o->one.n});
	}
	buf_char(&o->text, '\n');
}

static void csv_header(struct output *o, const struct q_result *r)
{
	for (size_t i = 0; i < o->n_columns; i++) {
		if (i > 0) buf_char(&o->text, ',');
		csv_field(&o->text, str_of(r->names[i]));
	}
	buf_char(&o->text, '\n');
}

/* ---- JSON ---- */

static void json_row(struct output *o, const struct q_chunk *c, size_t row)
{
	buf_str(&o->text, o->n_rows > 0 ? ",\n{" : "\n{");
	for (size_t i = 0; i < o->n_columns; i++) {
		if (i > 0) buf_char(&o->text, ',');
		buf_json_str(&o->text, str_of(o->names[i]));
		buf_char(&o->text, ':');
		value_json(&o->text, &c->columns[i], row);
	}
	buf_char(&o->text, '}');
}

/* ---- table ---- */

/* Code points, which is what a terminal's columns count for most texts. */
static size_t text_width(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/* Nothing in a value may steer the terminal or break the line: C0, DEL and C1 (U+0080 to U+009F) are shown escaped. */
static void add_printable(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		const unsigned char c = (unsigned char)s.p[i];
		const bool c1 = c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0;
		if (c == '\n')
			buf_str(out, "\\n");
		else if (c == '\t')
			buf_str(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else if (c1)
			buf_printf(out, "\\x%02x", (unsigned char)s.p[++i]);
		else
			buf_char(out, (char)c);
	}
}

static struct cell *cells_of(struct output *o)
{
	return (struct cell *)(void *)o->layout.p;
}

static void add_cell(struct output *o, struct str s)
{
	struct cell cell = {.at = o->cells.n};
	add_printable(&o->cells, s);
	if (o->cells.failed) return;
	cell.n = o->cells.n - cell.at;
	cell.width = text_width((struct str){(const char *)o->cells.p + cell.at, cell.n});
	buf_add(&o->layout, &cell, sizeof cell);
}

static void add_cells(struct output *o, const struct q_chunk *c, size_t row)
{
	for (size_t i = 0; i < o->n_columns; i++) {
		const struct q_vector *v = &c->columns[i];
		buf_reset(&o->one);
		if (v->type->kind == Q_NULL || !q_valid(v, row))
			buf_str(&o->one, "NULL");
		else
			value_text(&o->one, v, row);
		if (o->one.failed) o->cells.failed = true;
		add_cell(o, (struct str){(const char *)o->one.p, o->one.n});
	}
}

/* Text columns give way, the widest first, until a line fits the terminal. Numbers are never cut. false: it does not fit. */
static bool fit(struct output *o)
{
	size_t total = 2 * (o->n_columns - 1);
	for (size_t i = 0; i < o->n_columns; i++) total += o->width[i];
	while (o->to.width > 0 && total > (size_t)o->to.width) {
		size_t widest = SIZE_MAX, second = WIDTH_MIN;
		for (size_t i = 0; i < o->n_columns; i++) {
			if (value_is_number(&o->types[i]) || o->width[i] <= WIDTH_MIN) continue;
			if (widest == SIZE_MAX || o->width[i] > o->width[widest]) widest = i;
		}
		if (widest == SIZE_MAX) return false;
		for (size_t i = 0; i < o->n_columns; i++) {
			if (o->width[i] > second && o->width[i] < o->width[widest]) second = o->width[i];
		}
		const size_t over = total - (size_t)o->to.width, room = o->width[widest] - second;
		const size_t cut = over < room ? over : room;
		o->width[widest] -= cut;
		total -= cut;
	}
	return true;
}

/* The first `width` - 1 code points, and "…". */
static struct str cut_text(struct str s, size_t width)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (((unsigned char)s.p[i] & 0xc0) == 0x80) continue;
		if (++n == width) return (struct str){s.p, i};
	}
	return s;
}

static void print_cell(struct output *o, const struct cell *cell, size_t column)
{
	struct buf *out = &o->text;
	const bool right = value_is_number(&o->types[column]), last = column + 1 == o->n_columns;
	const size_t width = o->width[column];
	struct str s = {(const char *)o->cells.p + cell->at, cell->n};
	const bool cut = o->to.width > 0 && cell->width > width && !right;
	const size_t pad = cell->width < width ? width - cell->width : 0;
	if (cut) s = cut_text(s, width);
	for (size_t i = 0; right && i < pad; i++) buf_char(out, ' ');
	buf_add(out, s.p, s.n);
	if (cut) buf_str(out, "…");
	for (size_t i = 0; !right && !last && i < pad; i++) buf_char(out, ' ');
	buf_str(out, last ? "\n" : "  ");
}

static void print_record(struct output *o, const struct cell *row)
{
	size_t names = 0;
	for (size_t i = 0; i < o->n_columns; i++) {
		const size_t w = text_width(str_of(o->column_names[i]));
		if (w > names) names = w;
	}
	const size_t room = (size_t)o->to.width > names + 2 + WIDTH_MIN ? (size_t)o->to.width - names - 2 : WIDTH_MIN;
	buf_printf(&o->text, "-- row %lld\n", (long long)++o->n_records);
	for (size_t i = 0; i < o->n_columns; i++) {
		struct str s = {(const char *)o->cells.p + row[i].at, row[i].n};
		add_printable(&o->text, str_of(o->column_names[i]));
		for (size_t w = text_width(str_of(o->column_names[i])); w < names + 2; w++) buf_char(&o->text, ' ');
		if (row[i].width > room) s = cut_text(s, room);
		buf_add(&o->text, s.p, s.n);
		buf_str(&o->text, row[i].width > room ? "…\n" : "\n");
	}
}

/* Of a result without rows that is too wide: what it would have. */
static void print_no_rows(struct output *o)
{
	buf_str(&o->text, "-- no rows\n");
	for (size_t i = 0; i < o->n_columns; i++) {
		add_printable(&o->text, str_of(o->column_names[i]));
		buf_char(&o->text, '\n');
	}
}

static void print_cells(struct output *o, bool with_header)
{
	const size_t n = o->layout.n / sizeof(struct cell);
	for (size_t i = with_header ? o->n_columns : 0; o->records && i < n; i += o->n_columns)
		print_record(o, &cells_of(o)[i]);
	if (o->records && with_header && n == o->n_columns) print_no_rows(o);
	for (size_t i = 0; !o->records && i < n; i++) print_cell(o, &cells_of(o)[i], i % o->n_columns);
	buf_reset(&o->cells);
	buf_reset(&o->layout);
}

static status lay_out(struct output *o, struct err *err)
{
	TRY(buf_check(&o->cells, err));
	TRY(buf_check(&o->layout, err));
	const size_t n = o->layout.n / sizeof(struct cell);
	if (!o->laid_out) {
		for (size_t i = 0; i < n; i++) {
			const size_t w = cells_of(o)[i].width;
			if (w > o->width[i % o->n_columns]) o->width[i % o->n_columns] = w;
		}
		o->records = !fit(o);
	}
	print_cells(o, !o->laid_out);
	o->laid_out = true;
	return OK;
}

static void plain_row(struct output *o, const struct q_chunk *c, size_t row)
{
	if (q_valid(&c->columns[1], row)) value_text(&o->text, &c->columns[1], row);
	if (o->text.n > 0 && o->text.p[o->text.n - 1] != '\n') buf_char(&o->text, '\n');
}

static status table_row(struct output *o, const struct q_chunk *c, size_t row, struct err *err)
{
	if (o->plain) {
		plain_row(o, c, row);
		return OK;
	}
	if (o->to.rows_max > 0 && o->n_rows >= o->to.rows_max) return OK;
	add_cells(o, c, row);
	const bool sampled = o->laid_out || o->n_rows + 1 >= SAMPLE_ROWS || o->cells.n >= SAMPLE_BYTES;
	return sampled || o->cells.failed ? lay_out(o, err) : OK;
}

static status table_finish(struct output *o, int64_t rows, struct err *err)
{
	if (o->plain) return OK;
	TRY(lay_out(o, err));
	if (o->to.rows_max > 0 && rows > o->to.rows_max)
		buf_printf(&o->text, "(%lld rows, the first %lld shown)\n", (long long)rows, (long long)o->to.rows_max);
	return OK;
}

/* ---- all of them ---- */

status output_create(
	const struct query_output *to, const struct q_result *r, bool plain, struct output **out, struct err *err)
{
	struct output *o = mem_zalloc(1, sizeof *o);
	if (o == NULL) return fail_nomem(err);
	o->to = *to;
	o->n_columns = r->n_columns;
	o->types = r->types;
	o->column_names = r->names;
	arena_init(&o->arena, 0);
	buf_init(&o->text, 0);
	buf_init(&o->one, 0);
	buf_init(&o->cells, 0);
	buf_init(&o->layout, 0);
	o->names = ARENA_NEW(&o->arena, const char *, r->n_columns);
	o->width = arena_zalloc(&o->arena, r->n_columns * sizeof *o->width, _Alignof(size_t));
	const status code = o->names == NULL || o->width == NULL ? fail_nomem(err)
			    : to->format == QUERY_JSON           ? distinct_names(o, r, err)
								 : OK;
	if (to->format == QUERY_JSON) buf_char(&o->text, '[');
	if (to->format == QUERY_CSV) csv_header(o, r);
	o->plain = plain && to->format == QUERY_TABLE && r->n_columns == 2;
	if (to->format == QUERY_TABLE && !o->plain) {
		for (size_t i = 0; i < r->n_columns; i++) add_cell(o, str_of(r->names[i]));
	}
	if (code == OK)
		*out = o;
	else
		output_destroy(o);
	return code;
}

status output_add(struct output *o, const struct q_chunk *chunk, struct err *err)
{
	for (size_t row = 0; row < chunk->n_rows; row++) {
		if (o->to.format == QUERY_CSV)
			csv_row(o, chunk, row);
		else if (o->to.format == QUERY_JSON)
			json_row(o, chunk, row);
		else
			TRY(table_row(o, chunk, row, err));
		o->n_rows++;
		TRY(flush(o, FLUSH_BYTES, err));
	}
	return OK;
}

status output_finish(struct output *o, int64_t rows, struct err *err)
{
	if (o->to.format == QUERY_TABLE) TRY(table_finish(o, rows, err));
	if (o->to.format == QUERY_JSON) buf_str(&o->text, rows > 0 ? "\n]\n" : "]\n");
	return flush(o, 0, err);
}

void output_destroy(struct output *o)
{
	if (o == NULL) return;
	buf_deinit(&o->text);
	buf_deinit(&o->one);
	buf_deinit(&o->cells);
	buf_deinit(&o->layout);
	arena_deinit(&o->arena);
	mem_free(o);
}
