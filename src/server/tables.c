/* server/tables.c: a request for rows, from its parameters to its pages.
 *
 *   parameters -> table_query -> SQL -> the serving database -> rows in the format asked for, and where the next page is
 */
#include "server/tables.h"

#include <stdio.h>

#include "server/access.h"
#include "server/rows_writer.h"
#include "server/server_int.h"
#include "server/table_sql.h"

enum { ANSWER_BYTES_MAX = 256 << 20 };

struct reading {
	struct rows_writer rows;
	const struct table_query *q;
	struct table_sql *sql;
	bool more;        /* than the page holds */
	bool keyed;       /* the next page can be told from the last row */
	struct buf after; /* the last row's values by order, as after= has them */
};

/* A quoted value, percent-encoded. */
static void add_after(struct buf *out, struct str s)
{
	buf_str(out, "%22");
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\') buf_str(out, "%5C");
		buf_percent(out, (struct str){s.p + i, 1}, "");
	}
	buf_str(out, "%22");
}

static void keep_place(struct reading *g, const struct control_value *values)
{
	buf_reset(&g->after);
	g->keyed = !g->q->grouped && g->q->n_order > 0;
	for (size_t i = 0; g->keyed && i < g->q->n_order; i++) {
		char room[ROWS_NUMBER_MAX];
		const struct column_def *column = &g->q->relation->columns[g->q->order[i].column];
		const struct str s = rows_value_text(column, &values[g->sql->order_at[i]], room);
		if (column->nullable || s.p == NULL) g->keyed = false;
		if (i > 0) buf_char(&g->after, ',');
		if (s.p != NULL) add_after(&g->after, s);
	}
}

static status on_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct reading *g = arg;
	ASSERT(n == g->sql->n_columns);
	if (g->rows.n_rows == g->q->limit) {
		g->more = true;
		return OK;
	}
	rows_writer_row(&g->rows, values);
	if (g->rows.n_rows == g->q->limit) keep_place(g, values);
	return buf_check(g->rows.out, err);
}

/* The request's own target with another place in it. */
static void link_next(const struct request *r, const struct reading *g, struct response *out)
{
	struct buf link;
	struct str rest = r->query;
	buf_init(&link, 0);
	buf_add(&link, r->path.p, r->path.n);
	buf_char(&link, '?');
	while (rest.n > 0) {
		const char *end = memchr(rest.p, '&', rest.n);
		const struct str part = {rest.p, end != NULL ? (size_t)(end - rest.p) : rest.n};
		rest = end != NULL ? (struct str){end + 1, rest.n - part.n - 1} : STR("");
		if ((part.n >= 6 && memcmp(part.p, "after=", 6) == 0) ||
			(part.n >= 7 && memcmp(part.p, "offset=", 7) == 0))
			continue;
		buf_add(&link, part.p, part.n);
		buf_char(&link, '&');
	}
	if (g->keyed) {
		buf_str(&link, "after=");
		buf_add(&link, g->after.p, g->after.n);
	} else {
		buf_printf(&link, "offset=%lld", (long long)(g->q->offset + g->q->limit));
	}
	if (!link.failed) response_header_add(out, "Link", "<%.*s>; rel=\"next\"", (int)link.n, (const char *)link.p);
	buf_deinit(&link);
}

static status on_count(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	(void)n;
	(void)err;
	*(int64_t *)arg = values[0].i;
	return OK;
}

static bool wants_count(const struct request *r)
{
	const struct str prefer = request_header_get(r, "Prefer");
	return prefer.p != NULL && memmem(prefer.p, prefer.n, "count=exact", 11) != NULL;
}

static status add_range(struct server *s, const struct request *r, const char *from, const struct reading *g,
	struct response *out, struct err *err)
{
	int64_t total = 0;
	TRY(table_sql_count(g->q, from, s->postgres ? TABLE_POSTGRES : TABLE_SQLITE, out->arena, g->sql, err));
	const struct control_select q = {(const char *)g->sql->text.p, g->sql->params, g->sql->n_params};
	TRY(server_query(s, &r->who, &q, on_count, &total, err));
	if (g->rows.n_rows == 0)
		response_header_add(out, "Content-Range", "*/%lld", (long long)total);
	else
		response_header_add(out, "Content-Range", "%lld-%lld/%lld", (long long)g->q->offset,
			(long long)(g->q->offset + g->rows.n_rows - 1), (long long)total);
	return OK;
}

static status read_rows(struct server *s, const struct request *r, struct reading *g, struct table_sql *sql,
	struct response *out, struct err *err)
{
	char from[160];
	const struct relation *relation = g->q->relation;
	(void)snprintf(from, sizeof from, "%s.%s", relation->schema, relation->name);
	TRY(table_sql_rows(g->q, from, s->postgres ? TABLE_POSTGRES : TABLE_SQLITE, r->arena, sql, err));
	const struct control_select q = {(const char *)sql->text.p, sql->params, sql->n_params};
	rows_writer_begin(&g->rows);
	TRY(server_query(s, &r->who, &q, on_row, g, err));
	rows_writer_end(&g->rows);
	out->rows = g->rows.n_rows;
	if (g->more) link_next(r, g, out);
	return wants_count(r) ? add_range(s, r, from, g, out, err) : OK;
}

/* PostgreSQL decides by itself who sees what; elsewhere it is decided here. */
static status limit_to(struct server *s, const struct request *r, struct table_query *q, struct err *err)
{
	const enum access access = access_of(q->relation, &r->who);
	q->tenant = NULL;
	if (s->postgres || access == ACCESS_ALL) return OK;
	if (access == ACCESS_NONE) {
		const status code =
			fail(err, E_IO, "this role may not read %s.%s", q->relation->schema, q->relation->name);
		err_set_class(err, ERR_DENIED);
		return code;
	}
	q->tenant = arena_strndup(r->arena, r->who.tenant.p, r->who.tenant.n);
	return q->tenant != NULL ? OK : fail_nomem(err);
}

static status read_relation(
	struct server *s, struct request *r, const struct relation *relation, struct response *out, struct err *err)
{
	struct table_query *q = ARENA_NEW(r->arena, struct table_query, 1);
	struct table_sql sql;
	struct reading g = {.q = q, .sql = &sql};
	struct column_def columns[TABLE_QUERY_ITEMS_MAX];
	if (q == NULL) return fail_nomem(err);
	TRY(rows_format_of(r, &g.rows.format, err));
	TRY(table_query_parse(r, relation, s->rows_max, q, err));
	TRY(limit_to(s, r, q, err));
	for (size_t i = 0; i < q->n_items; i++) columns[i] = table_query_item_type(q, i);
	buf_deinit(&out->body);
	buf_init(&out->body, ANSWER_BYTES_MAX);
	buf_init(&g.after, 1 << 16);
	table_sql_init(&sql);
	g.rows.out = &out->body;
	g.rows.columns = columns;
	g.rows.n = q->n_items;
	out->type = rows_format_type(g.rows.format);
	const status code = read_rows(s, r, &g, &sql, out, err);
	table_sql_deinit(&sql);
	buf_deinit(&g.after);
	return code;
}

status tables_read(struct server *s, struct request *r, struct response *out, struct err *err)
{
	const struct str schema = r->captures[0];
	const struct str name = r->captures[1];
	const struct relation *relation = relation_find(&s->relations, schema, name);
	if (relation == NULL && !relation_schema_known(&s->relations, schema))
		return fail(err, E_NOT_FOUND, "there is no schema '%.*s'; /api/v1 lists them",
			(int)(schema.n < 60 ? schema.n : 60), schema.p);
	if (relation == NULL)
		return fail(err, E_NOT_FOUND, "schema %.*s has no table '%.*s'; /api/v1 lists them", (int)schema.n,
			schema.p, (int)(name.n < 60 ? name.n : 60), name.p);
	return read_relation(s, r, relation, out, err);
}
