/* stream/realtime.c: see realtime.h. Many rows go in one statement, as literals: numbers, times and the workload's own words. Must not
 * know where events come from. */
#include "stream/realtime.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "control/sql_table.h"

static const struct column_def offsets_columns[] = {
	{.name = "sink", .type = COL_STRING, .key = true, .description = "whose tables: the workload"},
	{.name = "topic", .type = COL_STRING, .key = true, .description = "what is counted"},
	{.name = "partition", .type = COL_INT32, .key = true, .description = "of the topic"},
	{.name = "next_position", .type = COL_INT64, .description = "behind all that is counted"},
	{.name = "watermark",
		.type = COL_TIMESTAMP,
		.nullable = true,
		.description = "newest event time of the partition less two minutes; null: none yet"},
	{.name = "updated_at", .type = COL_TIMESTAMP, .description = "when the row last changed"},
};
static const struct column_def late_columns[] = {
	{.name = "sink", .type = COL_STRING, .key = true, .description = "whose tables: the workload"},
	{.name = "topic", .type = COL_STRING, .key = true, .description = "what is counted"},
	{.name = "window_start",
		.type = COL_TIMESTAMP,
		.key = true,
		.description = "first instant of the minute of event time that they would have been counted in"},
	{.name = "event_count", .type = COL_INT64, .unit = "events", .description = "events that came too late"},
	{.name = "updated_at", .type = COL_TIMESTAMP, .description = "when the row last changed"},
};
#define TABLE(symbol, table, of, text)                     \
	const struct table_schema symbol = {.name = table, \
		.layer = "realtime",                       \
		.description = text,                       \
		.columns = of,                             \
		.n_columns = sizeof of / sizeof *of}
TABLE(realtime_offsets, "offsets", offsets_columns, "the position behind all that is counted of each partition");
TABLE(realtime_late_events, "late_events", late_columns, "events that came after their window had closed, by minute");

enum { ROWS_A_STATEMENT = 500, STATEMENT_BYTES_MAX = 1 << 20 };

status realtime_init(struct realtime *r, struct err *err)
{
	const struct table_schema *schemas[WINDOW_TABLES_MAX];
	const struct window_set *set = r->set;
	ASSERT(set->n_tables <= WINDOW_TABLES_MAX);
	ASSERT(r->sink != NULL && r->topic != NULL && r->source != NULL);
	buf_init(&r->sql, STATEMENT_BYTES_MAX);
	for (size_t i = 0; i < set->n_tables; i++) schemas[i] = set->tables[i].schema;
	return sql_tables_make(r->c, schemas, set->n_tables, err);
}

void realtime_deinit(struct realtime *r)
{
	buf_deinit(&r->sql);
}

/* ---- positions --------------------------------------------------------------------------------------------------------- */

struct find {
	const struct realtime *r;
	int32_t partition;
	struct realtime_position at;
};

static status take_position(void *arg, const struct sql_row *row, struct err *err)
{
	struct find *f = arg;
	(void)err;
	f->at = (struct realtime_position){sql_col_i64(row, 0, -1), sql_col_time(row, 1), sql_col_i64(row, 2, -1)};
	return OK;
}

static status find(struct sql_conn *c, void *arg, struct err *err)
{
	struct find *f = arg;
	const struct sql_arg args[] = {sql_text(f->r->sink), sql_text(f->r->source), sql_int(f->partition)};
	const struct sql_stmt q = {
		"SELECT next_position, watermark, last_mark FROM realtime.offsets WHERE sink = $1 AND "
		"topic = $2 AND \"partition\" = $3",
		args, 3};
	f->at = (struct realtime_position){-1, WATERMARK_NONE, -1};
	return sql_each(c, &q, take_position, f, err);
}

status realtime_find(struct realtime *r, int32_t partition, struct realtime_position *out, struct err *err)
{
	struct find f = {.r = r, .partition = partition};
	TRY(r->c->ops->read(r->c, find, &f, err));
	*out = f.at;
	return OK;
}

struct incarnation {
	const struct realtime *r;
	const char *base;
	int64_t newest;
};

static status take_incarnation(void *arg, const struct sql_row *row, struct err *err)
{
	struct incarnation *f = arg;
	const struct str topic = sql_col_str(row, 0);
	const size_t n = strlen(f->base) + 1;
	(void)err;
	char digits[20] = "";
	if (topic.n <= n || topic.n - n >= sizeof digits) return OK;
	memcpy(digits, topic.p + n, topic.n - n);
	const int64_t k = strtoll(digits, NULL, 10);
	if (k > f->newest) f->newest = k;
	return OK;
}

static status find_incarnation(struct sql_conn *c, void *arg, struct err *err)
{
	struct incarnation *f = arg;
	char before[600];
	const int n = snprintf(before, sizeof before, "%s#", f->base);
	const struct sql_arg args[] = {sql_text(f->r->sink), sql_text(before), sql_int(n)};
	const struct sql_stmt q = {"SELECT DISTINCT topic FROM realtime.offsets WHERE sink = $1 AND substr(topic, 1, "
				   "CAST($3 AS integer)) = $2",
		args, 3};
	f->newest = 0;
	return sql_each(c, &q, take_incarnation, f, err);
}

status realtime_incarnation(struct realtime *r, const char *base, int64_t *out, struct err *err)
{
	struct incarnation f = {.r = r, .base = base};
	TRY(r->c->ops->read(r->c, find_incarnation, &f, err));
	*out = f.newest;
	return OK;
}

static status forget(struct sql_conn *c, void *arg, struct err *err)
{
	const struct find *f = arg;
	const struct sql_arg args[] = {sql_text(f->r->sink), sql_text(f->r->source), sql_int(f->partition)};
	return sql_exec(
		c, "DELETE FROM realtime.offsets WHERE sink = $1 AND topic = $2 AND \"partition\" = $3", args, 3, err);
}

status realtime_forget(struct realtime *r, int32_t partition, struct err *err)
{
	struct find f = {.r = r, .partition = partition};
	return r->c->ops->transact(r->c, SQL_DURABLE, forget, &f, err);
}

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

/* INSERT ... ON CONFLICT of the rows that come, so many at a time. */
struct insert {
	struct realtime *r;
	const char *layer, *table;
	const char *columns[WINDOW_KEYS_MAX + 4]; /* of the key, the count, updated_at */
	size_t n_key;                             /* columns of the key */
	const char *before[2];                    /* texts of the key in front of window_start */
	size_t n_before;
	size_t n_rows;
	char now[TIME_RFC3339_CHARS + 1];
};

static void add_text(struct buf *sql, const char *text)
{
	buf_char(sql, '\'');
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\'') buf_char(sql, '\'');
		buf_char(sql, *p);
	}
	buf_char(sql, '\'');
}

static void begin_statement(const struct insert *in, struct buf *sql)
{
	buf_reset(sql);
	buf_printf(sql, "INSERT INTO %s.%s AS t (", in->layer, in->table);
	for (size_t i = 0; i < in->n_key + 2; i++) buf_printf(sql, "%s\"%s\"", i > 0 ? ", " : "", in->columns[i]);
	buf_str(sql, ") VALUES ");
}

static status end_statement(struct insert *in, struct err *err)
{
	struct buf *sql = &in->r->sql;
	const char *count = in->columns[in->n_key], *updated = in->columns[in->n_key + 1];
	if (in->n_rows == 0) return OK;
	buf_str(sql, " ON CONFLICT (");
	for (size_t i = 0; i < in->n_key; i++) buf_printf(sql, "%s\"%s\"", i > 0 ? ", " : "", in->columns[i]);
	buf_printf(sql, ") DO UPDATE SET \"%s\" = t.\"%s\" + excluded.\"%s\", \"%s\" = excluded.\"%s\"", count, count,
		count, updated, updated);
	buf_char(sql, '\0');
	TRY(buf_check(sql, err));
	in->n_rows = 0;
	return sql_exec(in->r->c, (const char *)sql->p, NULL, 0, err);
}

static status add_row(void *arg, const struct window_row *row, struct err *err)
{
	struct insert *in = arg;
	struct buf *sql = &in->r->sql;
	char start[TIME_RFC3339_CHARS + 1] = {0};
	time_format(row->start, start);
	if (in->n_rows == 0) begin_statement(in, sql);
	buf_str(sql, in->n_rows == 0 ? "(" : ", (");
	for (size_t i = 0; i < in->n_before; i++) {
		add_text(sql, in->before[i]);
		buf_char(sql, ',');
	}
	buf_printf(sql, "'%s',", start);
	for (size_t i = 0; i + in->n_before + 1 < in->n_key; i++) {
		add_text(sql, row->keys[i]);
		buf_char(sql, ',');
	}
	buf_printf(sql, "%lld,'%s')", (long long)row->count, in->now);
	return ++in->n_rows < ROWS_A_STATEMENT ? OK : end_statement(in, err);
}

static struct insert insert_into(struct realtime *r, const struct window_table *t, const char now[TIME_RFC3339_CHARS])
{
	struct insert in = {.r = r, .layer = t->schema->layer, .table = t->schema->name};
	in.n_key = 1 + windows_table_keys(t->schema);
	ASSERT(t->schema->n_columns == in.n_key + 2);
	for (size_t i = 0; i < in.n_key + 2; i++) in.columns[i] = t->schema->columns[i].name;
	memcpy(in.now, now, TIME_RFC3339_CHARS);
	return in;
}

static status add_counts(struct realtime *r, const struct window_sums *sums, int64_t now, struct err *err)
{
	char text[TIME_RFC3339_CHARS];
	time_format(now, text);
	for (size_t i = 0; i < r->set->n_tables; i++) {
		struct insert in = insert_into(r, &r->set->tables[i], text);
		TRY(windows_sums_rows(sums, &r->set->tables[i], add_row, &in, err));
		TRY(end_statement(&in, err));
	}
	struct insert late = {.r = r,
		.layer = "realtime",
		.table = "late_events",
		.columns = {"sink", "topic", "window_start", "event_count", "updated_at"},
		.n_key = 3,
		.before = {r->sink, r->topic},
		.n_before = 2};
	memcpy(late.now, text, sizeof text);
	TRY(windows_sums_late(sums, add_row, &late, err));
	return end_statement(&late, err);
}

/* ---- the transaction --------------------------------------------------------------------------------------------------- */

struct commit {
	struct realtime *r;
	const struct realtime_move *moves;
	size_t n;
	int64_t now;
	const struct window_sums *sums;
	bool stale; /* a partition does not stand where its counts begin */
};

static status move_partition(const struct commit *t, const struct realtime_move *m, int64_t *moved, struct err *err)
{
	static const char begin[] = "INSERT INTO realtime.offsets (sink, topic, \"partition\", next_position, "
				    "watermark, updated_at, last_mark) VALUES "
				    "($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (sink, topic, \"partition\") DO NOTHING";
	static const char go_on[] =
		"UPDATE realtime.offsets SET next_position = $4, watermark = $5, updated_at = $6, last_mark = "
		"coalesce($7, last_mark) WHERE sink = $1 AND topic = $2 AND \"partition\" = $3 AND next_position = $8";
	const bool first = m->stored < 0;
	const struct sql_arg args[] = {sql_text(t->r->sink), sql_text(t->r->source), sql_int(m->partition),
		sql_int(m->next), sql_time(m->windows->watermark), sql_time(t->now), sql_count(m->mark),
		sql_int(m->stored)};
	const struct sql_stmt q = {first ? begin : go_on, args, first ? 7 : 8};
	return t->r->c->ops->run(t->r->c, &q, moved, err);
}

/* E_EXISTS, not E_CONFLICT: that one the connection would try again. */
static status commit_body(struct sql_conn *c, void *arg, struct err *err)
{
	struct commit *t = arg;
	ASSERT(c == t->r->c);
	t->stale = false;
	/* A member that was stopped in here (SIGSTOP, a machine that sleeps) must not keep the others from its rows for long. */
	if (c->ops->dialect.is_server)
		TRY(sql_exec(c, "SET LOCAL idle_in_transaction_session_timeout = '10s'", NULL, 0, err));
	for (size_t i = 0; i < t->n && !t->stale; i++) {
		int64_t moved = 0;
		TRY(move_partition(t, &t->moves[i], &moved, err));
		t->stale = moved == 0;
	}
	if (t->stale) return fail(err, E_EXISTS, "topic %s was counted by another member", t->r->topic);
	return add_counts(t->r, t->sums, t->now, err);
}

status realtime_commit(struct realtime *r, const struct realtime_move *moves, size_t n, int64_t now, struct err *err)
{
	struct window_sums sums;
	const struct windows **parts = mem_zalloc(n + 1, sizeof *parts);
	if (parts == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		ASSERT(moves[i].stored <= moves[i].next);
		ASSERT(i == 0 || moves[i].partition > moves[i - 1].partition);
		parts[i] = moves[i].windows;
	}
	status code = windows_sums_make(parts, n, &sums, err);
	mem_free(parts);
	if (code != OK) return code;
	struct commit t = {r, moves, n, now, &sums, false};
	code = r->c->ops->transact(r->c, SQL_DURABLE, commit_body, &t, err);
	windows_sums_deinit(&sums);
	return code == E_EXISTS && t.stale
		       ? fail(err, E_CONFLICT, "topic %s was counted further by another member", r->topic)
		       : code;
}
