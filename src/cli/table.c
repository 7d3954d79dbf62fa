/* cli/table.c: rows as an aligned table, or as JSON.
 *
 * Invariants: 1. a column is as wide as its widest cell, counted in code points, or narrower on a terminal that has no room; 2. what a
 * cell leaves out is shown by "…"; a number leaves out nothing. Must not know where rows come from.
 */
#include "cli/table.h"

#include <stdio.h>

#include "base/vec.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "io/utf8.h"

enum { COLUMNS_MAX = 32, CELL_CHARS_MAX = 60, LAST_CELL_CHARS_MAX = 160 };

struct cell {
	struct str text;
	bool number, shortened;
	size_t decimals; /* of a real */
};

struct grid {
	struct arena arena;
	struct {
		struct cell *items;
		size_t n, cap;
	} cells; /* row after row; row 0 is the header */
	size_t n_columns, n_rows;
	size_t width[COLUMNS_MAX];
	size_t decimals[COLUMNS_MAX]; /* the most of any real of the column */
};

/* Code points, which is what a terminal's columns count for the texts shown here. */
static size_t text_width(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static struct str shorten(struct str s, size_t chars_max)
{
	size_t chars = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (((unsigned char)s.p[i] & 0xc0) == 0x80) continue;
		if (chars++ == chars_max) return (struct str){s.p, i};
	}
	return s;
}

/* Digits after the point; 0 where there is none, or an exponent. */
static size_t decimals_of(const char *text)
{
	const char *point = strchr(text, '.');
	return point == NULL || strchr(text, 'e') != NULL ? 0 : strlen(point + 1);
}

/* A text that cannot move the cursor, colour what follows or break the line: controls and bytes that are no UTF-8 stand as \n, \x1b. */
static struct str visible(struct grid *g, struct str s)
{
	struct buf out;
	bool plain = utf8_valid(s.p, s.n);
	for (size_t i = 0; i < s.n && plain; i++)
		plain = (unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f && s.p[i] != '\xc2';
	if (plain) {
		const char *same = arena_strndup(&g->arena, s.p, s.n);
		return same != NULL ? (struct str){same, s.n} : STR("?");
	}
	buf_init(&out, 0);
	for (size_t i = 0; i < s.n;) {
		const unsigned char c = (unsigned char)s.p[i];
		size_t n = 1;
		while (i + n < s.n && ((unsigned char)s.p[i + n] & 0xc0) == 0x80) n++;
		const bool c1 = c == 0xc2 && n == 2 && (unsigned char)s.p[i + 1] < 0xa0;
		if (c == '\n' || c == '\t' || c == '\r') {
			buf_printf(&out, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
			n = 1;
		} else if (c < 0x20 || c == 0x7f || c1 || !utf8_valid(s.p + i, n)) {
			buf_printf(&out, "\\x%02x", c1 ? (unsigned char)s.p[i + 1] : c);
			n = c1 ? n : 1;
		} else {
			buf_add(&out, s.p + i, n);
		}
		i += n;
	}
	const char *copy = out.failed ? NULL : arena_strndup(&g->arena, (const char *)out.p, out.n);
	const struct str shown = copy != NULL ? (struct str){copy, out.n} : STR("?");
	buf_deinit(&out);
	return shown;
}

static struct cell make_cell(struct grid *g, const struct control_value *v, size_t chars_max)
{
	struct cell cell = {.number = v->kind == CONTROL_INT || v->kind == CONTROL_REAL};
	char text[64] = "";
	if (v->kind == CONTROL_INT) (void)cli_count(v->i, text);
	if (v->kind == CONTROL_REAL) {
		(void)snprintf(text, sizeof text, "%.10g", v->real);
		cell.decimals = decimals_of(text);
	}
	if (v->kind == CONTROL_TEXT) {
		const struct str head = shorten(v->text, chars_max), whole = visible(g, head);
		cell.text = shorten(whole, chars_max);
		cell.shortened = head.n < v->text.n || cell.text.n < whole.n;
	} else {
		const size_t n = strlen(text);
		const char *copy = arena_strndup(&g->arena, text, n);
		cell.text = copy != NULL ? (struct str){copy, n} : STR("?");
	}
	return cell;
}

static bool add_row(struct grid *g)
{
	if (!VEC_ROOM_IN(&g->arena, &g->cells, g->n_columns)) return false;
	g->cells.n += g->n_columns;
	g->n_rows++;
	return true;
}

static void set_cell(struct grid *g, size_t column, struct cell cell)
{
	g->cells.items[(g->n_rows - 1) * g->n_columns + column] = cell;
	const size_t w = text_width(cell.text) + cell.shortened;
	if (w > g->width[column]) g->width[column] = w;
	if (cell.decimals > g->decimals[column]) g->decimals[column] = cell.decimals;
}

/* 89.6 under 89.56 becomes 89.60. */
static bool align_decimals(struct grid *g)
{
	for (size_t row = 1; row < g->n_rows; row++) {
		for (size_t i = 0; i < g->n_columns; i++) {
			struct cell *cell = &g->cells.items[row * g->n_columns + i];
			const size_t missing = cell->number ? g->decimals[i] - cell->decimals : 0;
			if (missing == 0) continue;
			char text[96];
			(void)snprintf(text, sizeof text, "%.*s%s%.*s", (int)cell->text.n, cell->text.p,
				cell->decimals == 0 ? "." : "", (int)missing, "000000000000");
			const size_t n = strlen(text);
			const char *copy = arena_strndup(&g->arena, text, n);
			if (copy == NULL) return false;
			cell->text = (struct str){copy, n};
			if (n > g->width[i]) g->width[i] = n;
		}
	}
	return true;
}

static status grid_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct grid *g = arg;
	if (n > COLUMNS_MAX) n = COLUMNS_MAX;
	if (g->n_rows == 0) {
		g->n_columns = n;
		if (!add_row(g)) return fail_nomem(err);
		for (size_t i = 0; i < n; i++) {
			const struct control_value name = {.kind = CONTROL_TEXT, .text = str_of(values[i].name)};
			set_cell(g, i, make_cell(g, &name, CELL_CHARS_MAX));
		}
	}
	if (!add_row(g)) return fail_nomem(err);
	for (size_t i = 0; i < n; i++)
		set_cell(g, i, make_cell(g, &values[i], i + 1 < n ? CELL_CHARS_MAX : LAST_CELL_CHARS_MAX));
	return OK;
}

/* A header stands over its numbers. */
static bool is_right(const struct grid *g, size_t column)
{
	return g->n_rows > 1 && g->cells.items[(g->n_rows - 1) * g->n_columns + column].number;
}

/* How narrow a column may become: a number is never cut, its header may be. */
static size_t width_min(const struct grid *g, size_t column)
{
	enum { TEXT_MIN = 4 };
	size_t min = TEXT_MIN;
	for (size_t row = 1; is_right(g, column) && row < g->n_rows; row++) {
		const size_t w = text_width(g->cells.items[row * g->n_columns + column].text);
		if (w > min) min = w;
	}
	return min;
}

/* Narrow the columns that have most to give until a line fits; false: it can't. */
static bool fit(struct grid *g, size_t indent, size_t columns)
{
	enum { GAP = 2 };
	size_t min[COLUMNS_MAX];
	size_t total = indent + GAP * (g->n_columns > 0 ? g->n_columns - 1 : 0);
	for (size_t i = 0; i < g->n_columns; i++) {
		total += g->width[i];
		min[i] = width_min(g, i);
	}
	for (; total > columns; total--) {
		size_t most = 0, slack = 0;
		for (size_t i = 0; i < g->n_columns; i++) {
			if (g->width[i] <= min[i] || g->width[i] - min[i] <= slack) continue;
			slack = g->width[i] - min[i];
			most = i;
		}
		if (slack == 0) return false;
		g->width[most]--;
	}
	return true;
}

static void print_cell(const struct cell *cell, size_t width, bool right, bool last, struct buf *out)
{
	struct str text = cell->text;
	bool shortened = cell->shortened;
	if (text_width(text) + shortened > width) {
		text = shorten(text, width - 1);
		shortened = true;
	}
	const size_t pad = width - text_width(text) - shortened;
	for (size_t k = 0; right && k < pad; k++) buf_char(out, ' ');
	terminal_word(out, text, terminal_colours());
	if (shortened) buf_str(out, "…");
	for (size_t k = 0; !right && k < pad && !last; k++) buf_char(out, ' ');
}

static void print_row(const struct grid *g, size_t row, const char *indent, struct buf *out)
{
	buf_str(out, indent);
	for (size_t i = 0; i < g->n_columns; i++) {
		if (i > 0) buf_str(out, "  ");
		print_cell(&g->cells.items[row * g->n_columns + i], g->width[i], is_right(g, i), i + 1 == g->n_columns,
			out);
	}
	buf_char(out, '\n');
}

/* A row of more columns than fit: a line a column. As pqr sql has it. */
static void print_record(const struct grid *g, size_t row, const char *indent, struct buf *out)
{
	enum { GAP = 2, VALUE_MIN = 8 };
	size_t names = 0;
	for (size_t i = 0; i < g->n_columns; i++) {
		const size_t w = text_width(g->cells.items[i].text);
		if (w > names) names = w;
	}
	const size_t before = strlen(indent) + names + GAP;
	const size_t room = terminal_width() > before + VALUE_MIN ? terminal_width() - before : VALUE_MIN;
	buf_printf(out, "%s-- row %zu\n", indent, row);
	for (size_t i = 0; i < g->n_columns; i++) {
		buf_str(out, indent);
		print_cell(&g->cells.items[i], names, false, false, out);
		buf_str(out, "  ");
		print_cell(&g->cells.items[row * g->n_columns + i], room, false, true, out);
		buf_char(out, '\n');
	}
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

status cli_table(struct control *c, const struct control_select *q, const char *indent, struct buf *out, size_t *n_rows,
	struct err *err)
{
	struct query_rows r = {c, q};
	return cli_table_of(query_rows, &r, indent, out, n_rows, err);
}

status cli_table_of(rows_source source, void *arg, const char *indent, struct buf *out, size_t *n_rows, struct err *err)
{
	struct grid g = {0};
	arena_init(&g.arena, 0);
	status code = source(arg, grid_row, &g, err);
	if (code == OK && !align_decimals(&g)) code = fail_nomem(err);
	const bool fits = terminal_width() == 0 || fit(&g, strlen(indent), terminal_width());
	for (size_t i = fits ? 0 : 1; code == OK && i < g.n_rows; i++)
		fits ? print_row(&g, i, indent, out) : print_record(&g, i, indent, out);
	if (n_rows != NULL) *n_rows = g.n_rows > 0 ? g.n_rows - 1 : 0;
	arena_deinit(&g.arena);
	return code;
}
