/* server/tables.c: a request for rows, from its parameters to its pages.
 *
 *   parameters -> table_query -> SQL -> the serving database, or the lake -> rows in the format asked for, where the next page is
 *
 * core.* and the lists over it come from the lake where the database does not hold them (SQLite, unless publish.core says so): the same
 * SQL, over the tables that they mirror.
 */
#include "server/tables.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/time.h"
#include "server/access.h"
#include "server/lake_rows.h"
#include "server/local_date.h"
#include "server/published.h"
#include "server/rows_value.h"
#include "server/rows_writer.h"
#include "server/server_int.h"
#include "server/table_sql.h"

enum { ANSWER_BYTES_MAX = 256 << 20 };

/* ---- where the rows are ---- */

struct source {
	const struct principal *who; /* asks */
	bool lake;
	enum table_dialect dialect;
	struct published_look published;
	struct buf from; /* as FROM has it; ends with a NUL */
};

/* Of a list: the table that decides. */
static const struct relation *decides(const struct server *s, const struct relation *r)
{
	const struct relation *core =
		r->list == NULL ? r : relation_find(&s->relations, STR("core"), str_of(r->list->table));
	ASSERT(core != NULL);
	return core;
}

/* The list's SQL, of the database or of the lake's tables: core.<mirror> becomes its source. */
static void add_list(const struct server *s, struct buf *out, const struct relation *r, const struct source *from)
{
	static const char call[] = "LOCAL_DATE(";
	const struct workload *w = r->workload;
	const char *sql = r->list->sql;
	while (*sql != '\0') {
		size_t i = 0;
		char name[96] = "";
		for (; from->lake && i < w->n_mirrors; i++) {
			(void)snprintf(name, sizeof name, "core.%s", w->mirrors[i].schema->name);
			const size_t n = strlen(name);
			if (strncmp(sql, name, n) == 0 && (sql[n] == ' ' || sql[n] == '\0')) break;
		}
		if (from->lake && i < w->n_mirrors) {
			buf_str(out, w->mirrors[i].source);
			sql += strlen(name);
		} else if (strncmp(sql, call, sizeof call - 1) == 0) {
			sql += sizeof call - 1;
			const size_t n = strcspn(sql, ")");
			local_date_sql(out, from->dialect, (struct str){sql, n}, &s->zone);
			sql += n + 1;
		} else {
			buf_char(out, *sql++);
		}
	}
}

static status deny(const struct relation *r, struct err *err)
{
	const status code = fail(err, E_IO, "this role may not read %s.%s", r->schema, r->name);
	err_set_class(err, ERR_DENIED);
	return code;
}

/* PostgreSQL decides by itself who sees what of its rows; elsewhere it is decided here. */
static status limit_to(
	struct server *s, const struct source *from, struct arena *arena, struct table_query *q, struct err *err)
{
	const enum access access = access_of(q->relation, from->who);
	q->tenant = NULL;
	const bool decides_itself = s->postgres && !from->lake;
	if (decides_itself || access == ACCESS_ALL) return OK;
	if (access == ACCESS_NONE) return deny(q->relation, err);
	q->tenant = arena_strndup(arena, from->who->tenant.p, from->who->tenant.n);
	return q->tenant != NULL ? OK : fail_nomem(err);
}

static status source_open(struct server *s, const struct relation *r, struct source *out, struct err *err)
{
	TRY(published_look(s, decides(s, r), &out->published, err));
	out->lake = !out->published.there && (r->lake != NULL || r->list != NULL);
	if (!out->published.there && !out->lake)
		return fail(err, E_NOT_FOUND, "%s.%s is not published yet", r->schema, r->name);
	if (out->lake && strcmp(r->schema, "gold") == 0)
		return fail(err, E_NOT_FOUND, "gold.%s is not published yet: a run does that at its end", r->name);
	out->dialect = out->lake ? TABLE_DUCKDB : s->postgres ? TABLE_POSTGRES : TABLE_SQLITE;
	if (r->list != NULL) {
		buf_char(&out->from, '(');
		add_list(s, &out->from, r, out);
		buf_str(&out->from, ") AS list");
	} else if (out->lake) {
		buf_str(&out->from, r->lake);
	} else {
		buf_printf(&out->from, "%s.%s", r->schema, r->name);
	}
	buf_char(&out->from, '\0');
	return buf_check(&out->from, err);
}

static status source_query(struct server *s, const struct source *from, const struct table_sql *sql,
	control_row_visit visit, void *arg, struct err *err)
{
	const char *text = (const char *)sql->text.p;
	const struct lake_select lake = {text, sql->params, sql->n_params, from->published.run_id};
	const struct control_select database = {text, sql->params, sql->n_params};
	return from->lake ? lake_rows(s, &lake, visit, arg, err)
			  : server_query(s, from->who, &database, visit, arg, err);
}

bool tables_relation_is_slow(struct server *s, const struct relation *relation)
{
	struct published_look p;
	const bool may = relation->list != NULL || strcmp(relation->schema, "core") == 0;
	return !published_last(s, decides(s, relation), &p) || (may && !p.there);
}

/* ---- pages ---- */

struct reading {
	struct rows_writer rows;
	const struct table_query *q;
	const struct source *from;
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
	TRY(rows_writer_row(&g->rows, values, err));
	if (g->rows.n_rows == g->q->limit) keep_place(g, values);
	return buf_check(&g->after, err);
}

/* The request's own target with another place in it. */
static void add_next(const struct request *r, const struct reading *g, struct buf *link)
{
	struct str rest = r->query;
	buf_add(link, r->path.p, r->path.n);
	buf_char(link, '?');
	while (rest.n > 0) {
		const char *end = memchr(rest.p, '&', rest.n);
		const struct str part = {rest.p, end != NULL ? (size_t)(end - rest.p) : rest.n};
		rest = end != NULL ? (struct str){end + 1, rest.n - part.n - 1} : STR("");
		if ((part.n >= 6 && memcmp(part.p, "after=", 6) == 0) ||
			(part.n >= 7 && memcmp(part.p, "offset=", 7) == 0))
			continue;
		buf_add(link, part.p, part.n);
		buf_char(link, '&');
	}
	if (g->keyed) {
		buf_str(link, "after=");
		buf_add(link, g->after.p, g->after.n);
	} else {
		buf_printf(link, "offset=%lld", (long long)(g->q->offset + g->q->limit));
	}
}

/* Rows that nobody could ask for must not be left out in silence. */
static status link_next(const struct request *r, const struct reading *g, struct response *out, struct err *err)
{
	struct buf link;
	buf_init(&link, 0);
	add_next(r, g, &link);
	status code = buf_check(&link, err);
	if (code == OK && link.n > REQUEST_TARGET_MAX)
		code = fail(err, E_LIMIT,
			"the next page's address would have %zu bytes, at most %d: use fewer filters, or order by "
			"shorter columns",
			link.n, REQUEST_TARGET_MAX);
	if (code == OK) response_header_add(out, "Link", "<%.*s>; rel=\"next\"", (int)link.n, (const char *)link.p);
	buf_deinit(&link);
	return code;
}

static status on_count(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	(void)n;
	(void)err;
	int64_t *total = arg;
	*total = values[0].i;
	if (values[0].kind == CONTROL_TEXT) /* of the lake */
		for (size_t i = 0; i < values[0].text.n; i++) *total = *total * 10 + (values[0].text.p[i] - '0');
	return OK;
}

static bool wants_count(const struct request *r)
{
	const struct str prefer = request_header_get(r, "Prefer");
	return prefer.p != NULL && memmem(prefer.p, prefer.n, "count=exact", 11) != NULL;
}

static status add_range(struct server *s, const struct reading *g, struct response *out, struct err *err)
{
	const struct source *from = g->from;
	struct table_sql *sql = g->sql;
	int64_t total = 0;
	TRY(table_sql_count(g->q, (const char *)from->from.p, from->dialect, out->arena, sql, err));
	TRY(source_query(s, from, sql, on_count, &total, err));
	if (g->rows.n_rows == 0 || g->q->n_after > 0) /* how many come before is not known */
		response_header_add(out, "Content-Range", "*/%lld", (long long)total);
	else
		response_header_add(out, "Content-Range", "%lld-%lld/%lld", (long long)g->q->offset,
			(long long)(g->q->offset + g->rows.n_rows - 1), (long long)total);
	return OK;
}

/* The rows, and, where there is an answer to put it into, what its headers tell of them. */
static status read_rows(
	struct server *s, const struct request *r, struct reading *g, struct response *out, struct err *err)
{
	const struct source *from = g->from;
	struct table_sql *sql = g->sql;
	TRY(table_sql_rows(g->q, (const char *)from->from.p, from->dialect, r->arena, sql, err));
	TRY(rows_writer_begin(&g->rows, err));
	TRY(source_query(s, from, sql, on_row, g, err));
	TRY(rows_writer_end(&g->rows, err));
	if (out == NULL) return OK;
	if (g->more && g->q->limit > 0) TRY(link_next(r, g, out, err));
	return wants_count(r) ? add_range(s, g, out, err) : OK;
}

static status read_query(
	struct server *s, const struct request *r, struct reading *g, struct response *out, struct err *err)
{
	const struct table_query *q = g->q;
	struct column_def columns[TABLE_QUERY_ITEMS_MAX];
	struct table_sql sql;
	for (size_t i = 0; i < q->n_items; i++) columns[i] = table_query_item_type(q, i);
	g->sql = &sql;
	g->rows.columns = columns;
	g->rows.n = q->n_items;
	buf_init(&g->after, 1 << 16);
	table_sql_init(&sql);
	const status code = read_rows(s, r, g, out, err);
	table_sql_deinit(&sql);
	rows_writer_deinit(&g->rows);
	buf_deinit(&g->after);
	return code;
}

/* ---- answers ---- */

/* Of what was published, the request, and who asks: another page, format or right is another answer. */
static void tag_of(const struct request *r, const struct source *from, enum rows_format format, char dst[32])
{
	struct str parts[] = {r->target, r->who.tenant, r->who.sub};
	uint64_t tag = from->published.tag ^ ((uint64_t)format << 8) ^ ((uint64_t)r->who.role << 4) ^
		       (from->lake ? 1 : 0) ^ (wants_count(r) ? 2 : 0);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		tag = (tag ^ hash_xxh3(parts[i].n > 0 ? parts[i].p : "", parts[i].n)) * UINT64_C(0x9E3779B97F4A7C15);
	(void)snprintf(dst, 32, "W/\"%016llx\"", (unsigned long long)tag);
}

static bool is_known(const struct request *r, const char *tag)
{
	const struct str known = request_header_get(r, "If-None-Match");
	return known.p != NULL && (str_is(known, "*") || memmem(known.p, known.n, tag + 2, strlen(tag) - 2) != NULL);
}

static status answer_from(struct server *s, struct request *r, struct table_query *q, const struct source *from,
	struct response *out, struct err *err)
{
	TRY(limit_to(s, from, r->arena, q, err));
	struct reading g = {.rows = {.out = &out->body, .arena = r->arena}, .q = q, .from = from};
	char tag[32];
	const status format = rows_format_of(r, &g.rows.format, err);
	if (format == E_UNSUPPORTED && err != NULL) {
		response_problem(out, 406, err->message);
		return OK;
	}
	TRY(format);
	/* Of a lake whose runs nobody published nothing tells when its rows become others, nor of the control plane itself. */
	const bool tagged = !q->relation->live && (!from->lake || from->published.run_id[0] != '\0');
	tag_of(r, from, g.rows.format, tag);
	if (tagged) response_header_add(out, "ETag", "%s", tag);
	response_header_add(out, "Vary", "Accept, Accept-Encoding, Authorization, Prefer");
	if (from->published.run_id[0] != '\0') response_header_add(out, "X-PQR-Run", "%s", from->published.run_id);
	if (tagged && is_known(r, tag)) {
		out->status = 304;
		return OK;
	}
	buf_deinit(&out->body);
	buf_init(&out->body, ANSWER_BYTES_MAX);
	out->type = rows_format_type(g.rows.format);
	TRY(read_query(s, r, &g, out, err));
	out->rows = g.rows.n_rows;
	return OK;
}

static status parse(const struct request *r, const struct relation *relation, int64_t rows_max,
	struct table_query **out, struct err *err)
{
	if (r->who.role == AUTH_ANON) return deny(relation, err); /* before anything is told of it */
	struct table_query *q = ARENA_NEW(r->arena, struct table_query, 1);
	if (q == NULL) return fail_nomem(err);
	TRY(table_query_parse(r, relation, rows_max, q, err));
	*out = q;
	return OK;
}

status tables_answer(
	struct server *s, struct request *r, const struct relation *relation, struct response *out, struct err *err)
{
	struct table_query *q = NULL;
	struct source from = {.who = &r->who};
	TRY(parse(r, relation, s->rows_max, &q, err));
	buf_init(&from.from, 0);
	status code = source_open(s, relation, &from, err);
	if (code == OK) code = answer_from(s, r, q, &from, out, err);
	buf_deinit(&from.from);
	return code;
}

static status read_limited(
	struct server *s, const struct request *r, struct table_query *q, struct reading *g, struct err *err)
{
	TRY(limit_to(s, g->from, r->arena, q, err));
	return read_query(s, r, g, NULL, err);
}

status tables_json(struct server *s, const struct request *r, const struct relation *relation, struct buf *out,
	int64_t *n_rows, struct err *err)
{
	struct table_query *q = NULL;
	struct source from = {.who = &r->who};
	TRY(parse(r, relation, TABLES_JSON_ROWS_MAX, &q, err));
	struct reading g = {.rows = {.format = ROWS_JSON, .out = out, .arena = r->arena}, .q = q, .from = &from};
	buf_init(&from.from, 0);
	status code = source_open(s, relation, &from, err);
	if (code == OK) code = read_limited(s, r, q, &g, err);
	buf_deinit(&from.from);
	*n_rows = g.rows.n_rows;
	return code;
}

/* ---- the route ---- */

bool tables_is_slow(struct server *s, struct request *r)
{
	const struct relation *relation = relation_find(&s->relations, r->captures[0], r->captures[1]);
	return relation != NULL && r->who.role != AUTH_ANON && tables_relation_is_slow(s, relation);
}

status tables_read(struct server *s, struct request *r, struct response *out, struct err *err)
{
	const struct str schema = r->captures[0];
	const struct str name = r->captures[1];
	const struct relation *relation = relation_find(&s->relations, schema, name);
	if (relation != NULL) return tables_answer(s, r, relation, out, err);
	if (!relation_schema_known(&s->relations, schema))
		return fail(err, E_NOT_FOUND, "there is no schema '%.*s'; /api/v1 lists them",
			(int)(schema.n < 60 ? schema.n : 60), schema.p);
	return fail(err, E_NOT_FOUND, "schema %.*s has no table '%.*s'; /api/v1 lists them", (int)schema.n, schema.p,
		(int)(name.n < 60 ? name.n : 60), name.p);
}
