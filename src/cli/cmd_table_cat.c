/* cli/cmd_table_cat.c: pqr table cat: the rows of a version as a table, CSV (RFC 4180) or JSON.
 *
 * CSV: null is empty, an empty string is "". JSON: an array of objects, a row a line; numbers exact, timestamps and dates as text. A list
 * is an array, a struct an object, a map an array of objects with key and value; in CSV and in the table they stand as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/thread.h"
#include "cli/cmd_table.h"
#include "cli/table.h"
#include "columnar/decimal.h"
#include "table/read/scan.h"

enum cat_format { CAT_TABLE, CAT_CSV, CAT_JSON };
enum { TERMINAL_ROWS = 40, FLUSH_BYTES = 1 << 20 };

struct cat {
	struct table_cmd *t;
	struct delta_scan *scan;
	enum cat_format format;
	int64_t limit, rows; /* limit 0 = all */
	struct buf out;
	struct buf cells; /* of one row, for the table */
	struct buf text;  /* of one value within JSON */
	bool *local;      /* [columns] timestamp_ntz: a time of no zone, so without its Z */
};

/* ---- values ----------------------------------------------------------------------------------------------------------- */

static bool is_text(enum col_type type)
{
	return type == COL_STRING || type == COL_TIMESTAMP || type == COL_DATE || type == COL_BINARY;
}

/* The shortest of 15 to 17 digits that reads back as the same double. */
static void add_double(struct buf *out, double v)
{
	char text[40];
	if (v != v) { /* its sign means nothing, and printf shows it */
		buf_str(out, "nan");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v) break;
	}
	buf_str(out, text);
}

/* The value of a row that is not null, as text without quotes. Strings and binaries: see add_string. */
static void add_value(struct buf *out, const struct column *c, int64_t row)
{
	char text[TIME_RFC3339_CHARS];
	switch (c->type) {
	case COL_BOOL: buf_str(out, bit_get(c->values, row) ? "true" : "false"); break;
	case COL_INT32: buf_i64(out, ((const int32_t *)c->values)[row]); break;
	case COL_INT64: buf_i64(out, ((const int64_t *)c->values)[row]); break;
	case COL_FLOAT: add_double(out, (double)((const float *)c->values)[row]); break;
	case COL_DOUBLE: add_double(out, ((const double *)c->values)[row]); break;
	case COL_TIMESTAMP:
		time_format(((const int64_t *)c->values)[row], text);
		buf_add(out, text, TIME_RFC3339_CHARS);
		break;
	case COL_DATE:
		date_format(((const int32_t *)c->values)[row], text);
		buf_add(out, text, DATE_CHARS);
		break;
	case COL_DECIMAL: {
		const struct column_def def = {.type = COL_DECIMAL, .precision = c->precision, .scale = c->scale};
		const struct delta_value v = {.i64 = ((const int64_t *)c->values)[row]};
		delta_value_text(out, &def, &v);
		break;
	}
	case COL_DECIMAL128: decimal_text(out, (const uint8_t *)c->values + 16 * row, c->scale); break;
	case COL_STRING:
	case COL_BINARY:
	case COL_LIST:
	case COL_STRUCT:
	case COL_MAP: break;
	}
}

static bool finite_number(const struct column *c, int64_t row)
{
	const double v = c->type == COL_DOUBLE  ? ((const double *)c->values)[row]
			 : c->type == COL_FLOAT ? (double)((const float *)c->values)[row]
						: 0;
	return v - v == 0;
}

static struct str add_any(struct cat *cat, struct buf *scratch, const struct column *c, const struct column_def *def,
	bool local, int64_t row);

/* A value as JSON. local: as cat.local, of a flat column. Recurses into nested ones, COLUMN_DEPTH_MAX deep at most. */
static void add_json(
	struct cat *cat, struct buf *out, const struct column *c, const struct column_def *def, bool local, int64_t row)
{
	if (!column_valid(c, row)) {
		buf_str(out, "null");
	} else if (c->type == COL_LIST || c->type == COL_MAP) {
		buf_char(out, '[');
		for (int32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++) {
			if (i > c->offsets[row]) buf_char(out, ',');
			if (c->type == COL_MAP) buf_str(out, "{\"key\":");
			add_json(cat, out, &c->children[0], &def->children[0], false, i);
			if (c->type == COL_LIST) continue;
			buf_str(out, ",\"value\":");
			add_json(cat, out, &c->children[1], &def->children[1], false, i);
			buf_char(out, '}');
		}
		buf_char(out, ']');
	} else if (c->type == COL_STRUCT) {
		for (size_t i = 0; i < c->n_children; i++) {
			buf_char(out, i > 0 ? ',' : '{');
			buf_json_str(out, str_of(def->children[i].name));
			buf_char(out, ':');
			add_json(cat, out, &c->children[i], &def->children[i], false, row);
		}
		buf_char(out, '}');
	} else if (is_text(c->type) ||
		   !finite_number(c, row)) { /* JSON has no NaN: its name as a string, as in `pqr sql` */
		buf_reset(&cat->text);
		buf_json_str(out, add_any(cat, &cat->text, c, def, local, row));
		if (cat->text.failed) out->failed = true;
	} else {
		add_value(out, c, row);
	}
}

static struct str add_any(struct cat *cat, struct buf *scratch, const struct column *c, const struct column_def *def,
	bool local, int64_t row)
{
	if (c->type == COL_STRING) return column_str(c, row);
	const size_t from = scratch->n;
	if (col_type_nested(c->type)) {
		add_json(cat, scratch, c, def, local, row);
	} else if (c->type == COL_BINARY) {
		const struct str bytes = column_str(c, row);
		buf_hex(scratch, (const uint8_t *)bytes.p, bytes.n);
	} else {
		add_value(scratch, c, row);
		if (local && !scratch->failed) scratch->n--;
	}
	return (struct str){(const char *)scratch->p + from, scratch->n - from};
}

/* ---- CSV and JSON ----------------------------------------------------------------------------------------------------- */

static void csv_row(struct cat *cat, const struct batch *b, int64_t row)
{
	for (size_t i = 0; i < b->n_columns; i++) {
		const struct column *c = &b->columns[i];
		if (i > 0) buf_char(&cat->out, ',');
		if (!column_valid(c, row)) continue;
		buf_reset(&cat->cells);
		rows_csv_text(
			&cat->out, add_any(cat, &cat->cells, c, delta_scan_column(cat->scan, i), cat->local[i], row));
	}
	buf_str(&cat->out, "\r\n");
}

static void json_row(struct cat *cat, const struct batch *b, int64_t row)
{
	buf_str(&cat->out, cat->rows == 0 ? "[\n{" : ",\n{");
	for (size_t i = 0; i < b->n_columns; i++) {
		const struct column *c = &b->columns[i];
		if (i > 0) buf_char(&cat->out, ',');
		buf_json_str(&cat->out, str_of(delta_scan_column(cat->scan, i)->name));
		buf_char(&cat->out, ':');
		add_json(cat, &cat->out, c, delta_scan_column(cat->scan, i), cat->local[i], row);
	}
	buf_char(&cat->out, '}');
}

static status flush(struct cat *cat, struct err *err)
{
	TRY(cli_print(&cat->out, err));
	buf_reset(&cat->out);
	return OK;
}

static void cat_header(struct cat *cat)
{
	for (size_t i = 0; cat->format == CAT_CSV && i < delta_scan_n_columns(cat->scan); i++) {
		if (i > 0) buf_char(&cat->out, ',');
		rows_csv_text(&cat->out, str_of(delta_scan_column(cat->scan, i)->name));
	}
	if (cat->format == CAT_CSV) buf_str(&cat->out, "\r\n");
}

static bool full(const struct cat *cat)
{
	return cat->limit > 0 && cat->rows >= cat->limit;
}

static status cat_rows(struct cat *cat, struct err *err)
{
	struct batch b;
	bool end = false;
	cat_header(cat);
	while (!full(cat)) {
		TRY(cancel_check(err));
		TRY(delta_scan_next(cat->scan, &b, &end, err));
		if (end) break;
		for (int64_t row = 0; row < b.n_rows && !full(cat); row++, cat->rows++) {
			if (cat->format == CAT_CSV)
				csv_row(cat, &b, row);
			else
				json_row(cat, &b, row);
			if (cat->out.n >= FLUSH_BYTES) TRY(flush(cat, err));
		}
	}
	if (cat->format == CAT_JSON) buf_str(&cat->out, cat->rows == 0 ? "[]\n" : "\n]\n");
	return flush(cat, err);
}

/* ---- table ------------------------------------------------------------------------------------------------------------ */

static status table_row(
	struct cat *cat, const struct batch *b, int64_t row, control_row_visit visit, void *visit_arg, struct err *err)
{
	struct control_value values[TABLE_COLUMNS_MAX];
	size_t starts[TABLE_COLUMNS_MAX + 1];
	buf_reset(&cat->cells);
	for (size_t i = 0; i < b->n_columns; i++) {
		const struct column *c = &b->columns[i];
		starts[i] = cat->cells.n;
		if (column_valid(c, row) && c->type != COL_STRING)
			(void)add_any(cat, &cat->cells, c, delta_scan_column(cat->scan, i), cat->local[i], row);
	}
	starts[b->n_columns] = cat->cells.n;
	TRY(buf_check(&cat->cells, err));
	for (size_t i = 0; i < b->n_columns; i++) {
		const struct column *c = &b->columns[i];
		values[i] = (struct control_value){.name = delta_scan_column(cat->scan, i)->name, .kind = CONTROL_NULL};
		if (!column_valid(c, row)) continue;
		values[i].kind = CONTROL_TEXT;
		values[i].text = c->type == COL_STRING ? column_str(c, row)
						       : (struct str){(const char *)cat->cells.p + starts[i],
								 starts[i + 1] - starts[i]};
		if (c->type == COL_INT32 || c->type == COL_INT64) {
			values[i].kind = CONTROL_INT;
			values[i].i = c->type == COL_INT32 ? ((const int32_t *)c->values)[row]
							   : ((const int64_t *)c->values)[row];
		}
	}
	return visit(visit_arg, values, b->n_columns, err);
}

static status table_rows(void *arg, control_row_visit visit, void *visit_arg, struct err *err)
{
	struct cat *cat = arg;
	struct batch b;
	bool end = false;
	while (!full(cat)) {
		TRY(cancel_check(err));
		TRY(delta_scan_next(cat->scan, &b, &end, err));
		if (end) return OK;
		for (int64_t row = 0; row < b.n_rows && !full(cat); row++, cat->rows++)
			TRY(table_row(cat, &b, row, visit, visit_arg, err));
	}
	return OK;
}

static status cat_table(struct cat *cat, struct err *err)
{
	size_t n = 0;
	char limit[32];
	TRY(cli_table_of(table_rows, cat, "", &cat->out, &n, err));
	if (n == 0) buf_str(&cat->out, "no rows\n");
	if (full(cat) && cli_get(cat->t->cli, "--limit") == NULL)
		buf_printf(&cat->out, "... the first %s rows; --limit 0 shows all\n", cli_count(cat->limit, limit));
	return flush(cat, err);
}

/* ---- the action ------------------------------------------------------------------------------------------------------- */

static status format_of(const struct cli *c, enum cat_format *out, struct err *err)
{
	const char *text = cli_get(c, "--format");
	*out = isatty(STDOUT_FILENO) ? CAT_TABLE : CAT_CSV;
	if (c->json) *out = CAT_JSON;
	if (text == NULL) return OK;
	static const char *const names[] = {"table", "csv", "json"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(text, names[i]) != 0) continue;
		*out = (enum cat_format)i;
		return OK;
	}
	return fail(err, E_USAGE, "--format: expected table, csv or json, found '%s'", text);
}

static status cat_scanned(struct cat *cat, struct err *err)
{
	buf_init(&cat->out, 0);
	buf_init(&cat->cells, 0);
	buf_init(&cat->text, 0);
	const status code = cat->format == CAT_TABLE ? cat_table(cat, err) : cat_rows(cat, err);
	buf_deinit(&cat->text);
	buf_deinit(&cat->cells);
	buf_deinit(&cat->out);
	return code;
}

static status find_local(struct cat *cat, struct err *err)
{
	const struct delta_schema *s = &cat->t->snapshot->schema;
	const size_t n = delta_scan_n_columns(cat->scan);
	cat->local = mem_zalloc(n + 1, sizeof *cat->local);
	if (cat->local == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		const int at = delta_schema_index(s, str_of(delta_scan_column(cat->scan, i)->name));
		cat->local[i] = at >= 0 && strcmp(s->columns[at].type_text, "timestamp_ntz") == 0;
	}
	return OK;
}

status table_cat(struct table_cmd *t, struct err *err)
{
	struct cat cat = {.t = t};
	struct delta_condition *where;
	struct delta_scan_opts o = {0};
	TRY(format_of(t->cli, &cat.format, err));
	TRY(table_limit(t->cli, cat.format == CAT_TABLE && isatty(STDOUT_FILENO) ? TERMINAL_ROWS : 0, &cat.limit, err));
	TRY(table_conditions(t, &where, &o.n_where, err));
	o.where = where;
	if (cli_get(t->cli, "--columns") != NULL) TRY(table_names(t, "--columns", &o.columns, &o.n_columns, err));
	TRY(delta_scan_open(t->snapshot, &o, &cat.scan, err));
	status code = find_local(&cat, err);
	if (code == OK) code = cat_scanned(&cat, err);
	mem_free(cat.local);
	delta_scan_close(cat.scan);
	return code;
}
