/* server/table_sql.c: SELECT statements of table_query. Must not know a request or a connection.
 *
 * LIKE is written so that it means the same in the three: '%' and '_' as patterns, '\' before one taken as it is, capitals told apart. SQLite's
 * own LIKE tells none apart, so it gets GLOB; that of ilike is its LIKE, which knows capitals of ASCII alone. */
#include "server/table_sql.h"

#include <stdio.h>

struct writer {
	const struct table_query *q;
	enum table_dialect dialect;
	struct arena *arena;
	struct table_sql *out;
};

void table_sql_init(struct table_sql *s)
{
	*s = (struct table_sql){.n_params = 0};
	buf_init(&s->text, 1 << 20);
}

void table_sql_deinit(struct table_sql *s)
{
	buf_deinit(&s->text);
}

/* ---- values ---- */

static const char *cast_type(enum table_dialect d, enum col_type type)
{
	static const char *const types[][3] = {
		/* SQLite, PostgreSQL, DuckDB */
		[COL_BOOL] = {NULL, "boolean", "BOOLEAN"},
		[COL_INT32] = {"INTEGER", "bigint", "BIGINT"},
		[COL_INT64] = {"INTEGER", "bigint", "BIGINT"},
		[COL_FLOAT] = {"REAL", "double precision", "DOUBLE"},
		[COL_DOUBLE] = {"REAL", "double precision", "DOUBLE"},
		[COL_STRING] = {NULL, NULL, NULL},
		[COL_BINARY] = {NULL, NULL, NULL},
		[COL_TIMESTAMP] = {NULL, "timestamptz", "TIMESTAMPTZ"},
		[COL_DATE] = {NULL, "date", "DATE"},
		[COL_DECIMAL] = {"REAL", "numeric", "DECIMAL(38, 8)"},
	};
	ASSERT((size_t)type < sizeof types / sizeof *types);
	return types[type][d];
}

/* One more value: its number. */
static size_t new_param(struct writer *w, const char *value)
{
	struct table_sql *o = w->out;
	ASSERT(o->n_params < TABLE_SQL_PARAMS_MAX);
	o->params[o->n_params++] = value;
	return o->n_params;
}

static void add_param_at(struct writer *w, enum col_type type, size_t at)
{
	struct buf *sql = &w->out->text;
	const char *cast = cast_type(w->dialect, type);
	if (type == COL_BOOL && w->dialect == TABLE_SQLITE) /* stored as 0 and 1 */
		buf_printf(sql, "($%zu = 'true')", at);
	else if (cast != NULL)
		buf_printf(sql, "CAST($%zu AS %s)", at, cast);
	else
		buf_printf(sql, "$%zu", at);
}

static void add_param(struct writer *w, enum col_type type, const char *value)
{
	add_param_at(w, type, new_param(w, value));
}

static void add_column(struct writer *w, int column)
{
	buf_printf(&w->out->text, "\"%s\"", w->q->relation->columns[column].name);
}

static bool is_time(const struct writer *w, int column)
{
	const enum col_type type = w->q->relation->columns[column].type;
	return type == COL_DATE || type == COL_TIMESTAMP;
}

/* A column that each row is compared by. Dates and instants are texts in SQLite, which it would try to read as numbers, row by row: '+' keeps
 * it from that. */
static void add_compared(struct writer *w, int column)
{
	if (w->dialect == TABLE_SQLITE && is_time(w, column)) buf_char(&w->out->text, '+');
	add_column(w, column);
}

/* The same where it is better looked up in an index, if there is one: a day, and a range of days where rows come by day and only some of them
 * are asked for. The other ranges are mostly of most rows, which are read faster one after another. */
static void add_tested(struct writer *w, const struct table_node *t)
{
	const struct table_query *q = w->q;
	const bool by_it = !q->grouped && q->n_order > 0 && q->order[0].column == t->column;
	if (by_it || t->operator== TABLE_EQ || t->operator== TABLE_IN)
		add_column(w, t->column);
	else
		add_compared(w, t->column);
}

/* '%' as '*', '_' as '?', and what is special to GLOB alone within brackets. */
static const char *glob_of(struct arena *arena, const char *pattern)
{
	const size_t n = strlen(pattern);
	char *dst = ARENA_NEW(arena, char, 3 * n + 1);
	size_t k = 0;
	if (dst == NULL) return NULL;
	for (size_t i = 0; i < n; i++) {
		char c = pattern[i];
		if (c == '%' || c == '_') {
			dst[k++] = c == '%' ? '*' : '?';
			continue;
		}
		if (c == '\\' && i + 1 < n) c = pattern[++i];
		if (strchr("*?[", c) != NULL) {
			dst[k++] = '[';
			dst[k++] = c;
			dst[k++] = ']';
		} else {
			dst[k++] = c;
		}
	}
	dst[k] = '\0';
	return dst;
}

/* PostgREST's: '*' is '%', so that no link needs to escape it. */
static char *pattern_of(struct arena *arena, const char *value)
{
	char *p = arena_strndup(arena, value, strlen(value));
	for (char *c = p; c != NULL && *c != '\0'; c++)
		if (*c == '*') *c = '%';
	return p;
}

static status add_pattern(struct writer *w, const struct table_node *t, struct err *err)
{
	const enum col_type type = w->q->relation->columns[t->column].type;
	const char *pattern = pattern_of(w->arena, w->q->values[t->value]);
	const bool glob = w->dialect == TABLE_SQLITE && t->operator== TABLE_LIKE;
	if (pattern != NULL && glob) pattern = glob_of(w->arena, pattern);
	if (pattern == NULL) return fail_nomem(err);
	if (type != COL_STRING) buf_str(&w->out->text, "CAST(");
	add_column(w, t->column);
	if (type != COL_STRING) buf_str(&w->out->text, " AS TEXT)");
	buf_str(&w->out->text, glob                                                     ? " GLOB "
			       : t->operator== TABLE_LIKE || w->dialect == TABLE_SQLITE ? " LIKE "
											: " ILIKE ");
	add_param(w, COL_STRING, pattern);
	if (!glob) buf_str(&w->out->text, " ESCAPE '\\'");
	return OK;
}

/* ---- conditions ---- */

static status add_test(struct writer *w, const struct table_node *t, struct err *err)
{
	static const char *const signs[] = {" = ", " <> ", " > ", " >= ", " < ", " <= "};
	const enum col_type type = w->q->relation->columns[t->column].type;
	struct buf *sql = &w->out->text;
	if (t->operator== TABLE_LIKE || t->operator== TABLE_ILIKE) return add_pattern(w, t, err);
	add_tested(w, t);
	switch (t->operator) {
	case TABLE_IS_NULL: buf_str(sql, " IS NULL"); break;
	case TABLE_IS_TRUE: buf_str(sql, w->dialect == TABLE_SQLITE ? " IS 1" : " IS TRUE"); break;
	case TABLE_IS_FALSE: buf_str(sql, w->dialect == TABLE_SQLITE ? " IS 0" : " IS FALSE"); break;
	case TABLE_IN:
		buf_str(sql, " IN (");
		for (size_t i = 0; i < t->n_values; i++) {
			if (i > 0) buf_str(sql, ", ");
			add_param(w, type, w->q->values[t->value + i]);
		}
		buf_char(sql, ')');
		break;
	default:
		ASSERT((size_t)t->operator<sizeof signs / sizeof * signs);
		buf_str(sql, signs[t->operator]);
		add_param(w, type, w->q->values[t->value]);
	}
	return OK;
}

/* Depth is that of the parser's groups. */
static status add_node(struct writer *w, int at, struct err *err)
{
	const struct table_node *n = &w->q->nodes[at];
	struct buf *sql = &w->out->text;
	buf_str(sql, n->negated ? "NOT (" : "(");
	if (n->kind == TABLE_TEST) {
		TRY(add_test(w, n, err));
	} else {
		for (int child = n->first; child >= 0; child = w->q->nodes[child].next) {
			if (child != n->first) buf_str(sql, n->kind == TABLE_AND ? " AND " : " OR ");
			TRY(add_node(w, child, err));
		}
	}
	buf_char(sql, ')');
	return OK;
}

/* Rows behind the row `after`: greater in the first column, or equal there and greater in the next, ... */
static void add_after(struct writer *w)
{
	const struct table_query *q = w->q;
	struct buf *sql = &w->out->text;
	const size_t before = w->out->n_params;
	for (size_t k = 0; k < q->n_after; k++) (void)new_param(w, q->after[k]);
	for (size_t k = 0; k < q->n_after; k++) {
		buf_str(sql, k > 0 ? " OR (" : "(");
		for (size_t i = 0; i <= k; i++) {
			const int column = q->order[i].column;
			if (i > 0) buf_str(sql, " AND ");
			add_compared(w, column);
			buf_str(sql, i < k ? " = " : q->order[i].descending ? " < " : " > ");
			add_param_at(w, q->relation->columns[column].type, before + i + 1);
		}
		buf_char(sql, ')');
	}
}

/* No row is of the tenant of who has none. */
static void add_tenant(struct writer *w)
{
	const struct relation *r = w->q->relation;
	ASSERT(r->tenant_sql != NULL);
	if (w->q->tenant[0] == '\0') {
		buf_str(&w->out->text, "1 = 0");
		return;
	}
	buf_str(&w->out->text, w->dialect == TABLE_DUCKDB ? r->tenant_lake_sql : r->tenant_sql);
	add_param(w, COL_STRING, w->q->tenant);
	buf_str(&w->out->text, r->tenant_sql_end);
}

static status add_where(struct writer *w, bool pages, struct err *err)
{
	const struct table_query *q = w->q;
	const char *between = " WHERE ";
	if (q->tenant != NULL) {
		buf_str(&w->out->text, between);
		add_tenant(w);
		between = " AND ";
	}
	if (q->nodes[0].first >= 0) {
		buf_str(&w->out->text, between);
		TRY(add_node(w, 0, err));
		between = " AND ";
	}
	if (!pages || q->n_after == 0) return OK;
	buf_printf(&w->out->text, "%s(", between);
	add_after(w);
	buf_char(&w->out->text, ')');
	return OK;
}

/* ---- columns and order ---- */

static void add_expression(struct writer *w, const struct table_item *i)
{
	static const char *const calls[] = {"", "SUM(", "AVG(", "MIN(", "MAX(", "COUNT("};
	struct buf *sql = &w->out->text;
	const enum col_type type = i->column >= 0 ? w->q->relation->columns[i->column].type : COL_INT64;
	const bool whole = type == COL_INT32 || type == COL_INT64;
	if (i->function == TABLE_PLAIN) {
		add_column(w, i->column);
		return;
	}
	if (i->column < 0) {
		buf_str(sql, "COUNT(*)");
		return;
	}
	/* Sums of integers are numeric in PostgreSQL, of decimals inexact in SQLite, where their scale makes them what they are. */
	const bool cast = i->function == TABLE_AVG || (i->function == TABLE_SUM && whole);
	const bool round = i->function == TABLE_SUM && type == COL_DECIMAL && w->dialect == TABLE_SQLITE;
	buf_str(sql, cast ? "CAST(" : round ? "ROUND(" : "");
	buf_str(sql, calls[i->function]);
	add_column(w, i->column);
	buf_char(sql, ')');
	if (cast) buf_str(sql, i->function == TABLE_AVG ? " AS DOUBLE PRECISION)" : " AS BIGINT)");
	if (round) buf_printf(sql, ", %d)", w->q->relation->columns[i->column].scale);
}

static void add_columns(struct writer *w)
{
	const struct table_query *q = w->q;
	struct table_sql *o = w->out;
	for (size_t i = 0; i < q->n_items; i++) {
		if (i > 0) buf_str(&o->text, ", ");
		add_expression(w, &q->items[i]);
		buf_printf(&o->text, " AS \"%s\"", q->items[i].alias);
	}
	o->n_columns = q->n_items;
	for (size_t i = 0; i < q->n_order; i++) {
		o->order_at[i] = q->order[i].item;
		if (q->order[i].item >= 0) continue;
		buf_str(&o->text, ", ");
		add_column(w, q->order[i].column);
		buf_printf(&o->text, " AS \"after %zu\"", i); /* no alias has a space */
		o->order_at[i] = (int)o->n_columns++;
	}
}

static void add_groups(struct writer *w)
{
	const char *between = " GROUP BY ";
	for (size_t i = 0; w->q->grouped && i < w->q->n_items; i++) {
		if (w->q->items[i].function != TABLE_PLAIN) continue;
		buf_str(&w->out->text, between);
		add_column(w, w->q->items[i].column);
		between = ", ";
	}
}

/* Where no value is null nothing is said of nulls: SQLite would not take an index for the order then. */
static const char *nulls_of(const struct writer *w, const struct table_order *o)
{
	const bool plain = o->item < 0 || w->q->items[o->item].function == TABLE_PLAIN;
	const bool last = o->nulls == TABLE_NULLS_DEFAULT ? !o->descending : o->nulls == TABLE_NULLS_LAST;
	if (w->dialect == TABLE_SQLITE && plain && !w->q->relation->columns[o->column].nullable) return "";
	return last ? " NULLS LAST" : " NULLS FIRST";
}

/* By place: an alias may be the name of another column. Nulls where PostgreSQL has them, unless told. */
static void add_order(struct writer *w)
{
	for (size_t i = 0; i < w->q->n_order; i++) {
		const struct table_order *o = &w->q->order[i];
		buf_printf(&w->out->text, "%s%d%s%s", i == 0 ? " ORDER BY " : ", ", w->out->order_at[i] + 1,
			o->descending ? " DESC" : "", nulls_of(w, o));
	}
}

/* ---- statements ---- */

/* SQLite keeps statements by their texts, so these have no numbers; the others plan by the number. */
static status add_number(struct writer *w, const char *clause, int64_t n, struct err *err)
{
	buf_str(&w->out->text, clause);
	if (w->dialect != TABLE_SQLITE) {
		buf_printf(&w->out->text, "%lld", (long long)n);
		return OK;
	}
	const char *text = arena_printf(w->arena, "%lld", (long long)n);
	if (text == NULL) return fail_nomem(err);
	add_param(w, COL_INT64, text);
	return OK;
}

static status finish(struct table_sql *out, struct err *err)
{
	buf_char(&out->text, '\0');
	return buf_check(&out->text, err);
}

status table_sql_rows(const struct table_query *q, const char *from, enum table_dialect dialect, struct arena *arena,
	struct table_sql *out, struct err *err)
{
	struct writer w = {q, dialect, arena, out};
	buf_reset(&out->text);
	out->n_params = 0;
	buf_str(&out->text, "SELECT ");
	add_columns(&w);
	buf_printf(&out->text, " FROM %s", from);
	TRY(add_where(&w, true, err));
	add_groups(&w);
	add_order(&w);
	TRY(add_number(&w, " LIMIT ", q->limit + 1, err));
	if (q->offset > 0) TRY(add_number(&w, " OFFSET ", q->offset, err));
	return finish(out, err);
}

status table_sql_count(const struct table_query *q, const char *from, enum table_dialect dialect, struct arena *arena,
	struct table_sql *out, struct err *err)
{
	struct writer w = {q, dialect, arena, out};
	buf_reset(&out->text);
	out->n_params = 0;
	buf_str(&out->text, "SELECT COUNT(*) AS n FROM ");
	if (q->grouped) {
		buf_printf(&out->text, "(SELECT ");
		add_columns(&w);
		buf_printf(&out->text, " FROM %s", from);
	} else {
		buf_str(&out->text, from);
	}
	TRY(add_where(&w, false, err));
	add_groups(&w);
	if (q->grouped) buf_str(&out->text, ") AS groups_of_rows");
	return finish(out, err);
}
