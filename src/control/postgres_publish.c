/* control/postgres_publish.c: published tables into PostgreSQL.
 *
 *   a table that stands:  batches --COPY BINARY--> temporary table    no lock that anybody feels, nothing logged
 *   a new one:            batches --COPY BINARY--> the table itself, under another name, in a transaction open from here on
 *   one of which nothing is told: nothing
 *   then one transaction: lock publishers - fence - each table: DELETE and INSERT what differs (or is told to have changed), or rename
 *   the new one and give it its key - views - records - COMMIT
 *
 * Readers hold no lock that DELETE and INSERT wait for, nor the other way round: they see the rows of before until the commit, and
 * all the new ones after it (TRUNCATE or a renamed table would wait for the longest reader and stop all new ones). Nobody reads a
 * table that is new: its rows are written once, and its index is built from all of them. The definition's hash in
 * meta.serving_objects tells when a table must be made anew. Two publishers take turns at an advisory lock held to the end of the
 * transaction; which tables and parts stand is looked up again under it.
 *
 * What was staged is gone with its connection: the whole publication is then begun again by the caller (ERR_RETRY). When the
 * answer to COMMIT got lost, the stage's record tells whether it happened.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/thread.h"
#include "control/sql_text.h"
#include "control/postgres_copy.h"
#include "control/postgres_publish_int.h"

#define PUBLISH_LOCK "7381208"
enum {
	SQL_BYTES_MAX = 1 << 20,
	CHUNK_BYTES =
		1 << 18, /* encoded, then sent: few calls, and no longer than this between looks at the cancel flag */
	CHUNK_MAX = 1 << 27, /* one row of texts may exceed a chunk */
	OBJECTS_MAX = 256,
};

/* ---- which parts stand --------------------------------------------------------------------------------------------- */

static status look_table(struct postgres_publish *p, struct control_table *t, bool *there, struct err *err)
{
	struct control_record record;
	char hex[HEX_SHA256_CHARS + 1], name[CONTROL_TABLE_NAME_CHARS];
	int64_t rows = 0;
	control_table_name(t->schema, name);
	const struct published o = {.table = *t, .schema = t->schema, .name = name};
	TRY(control_record_read(&p->s->base, t, &p->arena, &record, err));
	TRY(postgres_published_definition(p, &o, hex, err));
	if (*there) TRY(postgres_published_stands(p, &o, hex, there, err));
	if (*there) TRY(control_table_count_rows(&p->s->base, t->schema, &rows, err));
	control_record_tell(&record, t, *there && rows == record.rows);
	return OK;
}

/* A child whose parent will be made anew is made anew with it. */
static status publish_look(struct control_publish *base, struct control_table *tables, size_t n, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	bool *there = ARENA_ZNEW(&p->arena, bool, n + 1);
	if (there == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		const struct table_schema *t = tables[i].schema;
		there[i] = true;
		for (size_t k = 0; k < i && t->parent != NULL; k++) {
			const struct table_schema *x = tables[k].schema;
			if (strcmp(x->layer, t->layer) == 0 && strcmp(x->name, t->parent) == 0) there[i] = there[k];
		}
		TRY(look_table(p, &tables[i], &there[i], err));
	}
	return OK;
}

/* ---- staging ----------------------------------------------------------------------------------------------------- */

static struct published *add_object(struct postgres_publish *p, struct err *err)
{
	if (p->n == OBJECTS_MAX) {
		(void)fail(err, E_LIMIT, "over %d tables and views to publish", OBJECTS_MAX);
		return NULL;
	}
	p->objects[p->n] = (struct published){0};
	return &p->objects[p->n++];
}

static status name_staging(struct postgres_publish *p, struct published *o, struct err *err)
{
	int64_t session = 0;
	if (!o->is_new) {
		o->staging = arena_printf(&p->arena, "pg_temp.\"%s\"", o->name);
	} else { /* no other session's: two that load at once must not wait for each other's name */
		TRY(sql_one_i64(&p->s->base, &(struct sql_stmt){.sql = "SELECT pg_backend_pid()"}, &session, err));
		o->staging = arena_printf(
			&p->arena, "%s.\"pqr.%lld.%lld\"", o->schema->layer, (long long)session, (long long)p->n_new++);
	}
	return o->staging != NULL ? OK : fail_nomem(err);
}

/* The transaction that new tables are loaded in is the one that publishes them: without it, nothing of them is left. */
static status open_transaction(struct postgres_publish *p, struct err *err)
{
	if (p->open) return OK;
	TRY(postgres_exec(p->s, POSTGRES_BEGIN, NULL, NULL, err));
	p->open = p->s->publishing = true;
	return OK;
}

/* The types come from the table's own definition, in a table nobody else sees. */
static status make_staging(struct postgres_publish *p, struct published *o, struct err *err)
{
	struct table_schema staging = *o->schema;
	char hex[HEX_SHA256_CHARS + 1];
	bool there = false;
	TRY(postgres_published_definition(p, o, hex, err));
	TRY(postgres_published_stands(p, o, hex, &there, err));
	o->is_new = !there;
	if (o->is_new) TRY(open_transaction(p, err));
	TRY(name_staging(p, o, err));
	staging.layer = o->is_new ? staging.layer : "pg_temp";
	staging.name = strchr(o->staging, '"');
	if (!o->is_new) buf_printf(&p->sql, "DROP TABLE IF EXISTS %s;\n", o->staging);
	sql_text_heap_postgres(&p->sql, &staging);
	return postgres_published_run(p, NULL, err);
}

/* The rows that come next go to a table that nobody else sees, or that is new. */
static status copy_begin(struct postgres_publish *p, const char *into, bool freeze, struct err *err)
{
	ASSERT(!p->copying);
	buf_printf(&p->sql, "COPY %s (", into);
	postgres_published_columns(&p->sql, p->schema);
	/* FREEZE: the rows need no second writing to mark them as committed */
	buf_printf(&p->sql, ") FROM STDIN (FORMAT binary%s)", freeze ? ", FREEZE" : "");
	const char *sql = postgres_published_sql(p, err);
	const status code = sql != NULL ? postgres_copy_begin(p->s, sql, err) : E_NOMEM;
	buf_reset(&p->sql);
	TRY(code);
	p->copying = true;
	buf_reset(&p->chunk);
	postgres_copy_binary_begin(&p->chunk);
	return OK;
}

static status publish_table(struct control_publish *base, const struct control_table *t, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	const struct table_schema *schema = t->schema;
	struct control_record record;
	ASSERT(!p->copying);
	struct published *o = add_object(p, err);
	if (o == NULL) return E_LIMIT;
	o->table = *t;
	o->schema = p->schema = schema;
	o->name = arena_printf(&p->arena, "%s.%s", schema->layer, schema->name);
	if (o->name == NULL) return fail_nomem(err);
	TRY(control_record_read(&p->s->base, t, &p->arena, &record, err));
	o->left = t->n_parts > 0 && control_table_n_told(t) == 0 && record.n == (int64_t)t->n_parts;
	if (o->left) return OK;
	TRY(make_staging(p, o, err));
	memset(p->text_bytes, 0, sizeof p->text_bytes);
	return copy_begin(p, o->staging, o->is_new, err);
}

static status send_chunk(struct postgres_publish *p, struct err *err)
{
	TRY(buf_check(&p->chunk, err));
	const status code = postgres_copy_bytes(p->s, p->chunk.p, p->chunk.n, err);
	buf_reset(&p->chunk);
	if (code != OK) p->copying = false;
	return err_at(err, code, p->schema->name, -1, -1);
}

/* The longest text of a column. A byte that can't stay becomes three (U+FFFD). */
static size_t longest_text(const struct column *c, int64_t n_rows)
{
	const struct column *of = c->dict != NULL ? c->dict : c;
	const int64_t n = c->dict != NULL ? c->dict->n : n_rows;
	int32_t longest = 0;
	for (int64_t i = 0; i < n; i++) {
		const int32_t bytes = of->offsets[i + 1] - of->offsets[i];
		if (bytes > longest) longest = bytes;
	}
	return 3 * (size_t)longest;
}

/* How long the texts of the table's key are decides which key it can have. */
static void note_key(struct postgres_publish *p, const struct batch *b, const char *const *partitions)
{
	struct published *o = &p->objects[p->n - 1];
	const struct table_schema *t = o->schema;
	o->key_bytes = 0;
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct column_def *c = &t->columns[i];
		if (!c->key || c->type != COL_STRING) continue;
		const size_t bytes = i < b->n_columns ? longest_text(&b->columns[i], b->n_rows)
						      : 3 * strlen(partitions[i - b->n_columns]);
		if (bytes > p->text_bytes[i]) p->text_bytes[i] = bytes;
		o->key_bytes += p->text_bytes[i];
	}
}

static status send_rows(struct postgres_publish *p, struct postgres_copy_rows *rows, struct err *err)
{
	ASSERT(p->copying);
	while (rows->from < rows->to) {
		TRY(cancel_check(err));
		rows->from = postgres_copy_binary_rows(&p->chunk, rows);
		if (p->chunk.n >= CHUNK_BYTES || p->chunk.failed) TRY(send_chunk(p, err));
	}
	return OK;
}

static struct postgres_copy_rows copy_rows(
	const struct postgres_publish *p, const struct batch *b, const char *const *partitions)
{
	const size_t n_data = schema_n_data_columns(p->schema);
	ASSERT(b->n_columns == n_data && p->schema->n_columns <= TABLE_COLUMNS_MAX);
	return (struct postgres_copy_rows){.batch = b,
		.partitions = partitions,
		.n_partitions = p->schema->n_columns - n_data,
		.bytes_max = CHUNK_BYTES};
}

static status publish_batch(
	struct control_publish *base, const struct batch *b, const char *const *partitions, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	struct postgres_copy_rows rows = copy_rows(p, b, partitions);
	ASSERT(!p->objects[p->n - 1].table.changes);
	(void)control_table_count(&p->objects[p->n - 1].table, partitions, b->n_rows);
	note_key(p, b, partitions);
	rows.to = b->n_rows;
	return send_rows(p, &rows, err);
}

static status copy_end(struct postgres_publish *p, int64_t *rows, struct err *err)
{
	postgres_copy_binary_end(&p->chunk);
	TRY(send_chunk(p, err));
	p->copying = false;
	return postgres_copy_end(p->s, NULL, rows, err);
}

/* The rows that follow go: they are sent to a table of their own. */
static status begin_gone(struct postgres_publish *p, struct published *o, struct err *err)
{
	struct table_schema gone = *o->schema;
	int64_t staged;
	if (o->gone != NULL) return OK;
	TRY(copy_end(p, &staged, err));
	o->gone = arena_printf(&p->arena, "pg_temp.\"%s gone\"", o->name);
	if (o->gone == NULL) return fail_nomem(err);
	gone.layer = "pg_temp";
	gone.name = strchr(o->gone, '"');
	buf_printf(&p->sql, "DROP TABLE IF EXISTS %s;\n", o->gone);
	sql_text_heap_postgres(&p->sql, &gone);
	TRY(postgres_published_run(p, NULL, err));
	return copy_begin(p, o->gone, false, err);
}

static status publish_change(struct control_publish *base, const struct batch *b, const char *const *partitions,
	const struct control_change *change, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	struct published *o = &p->objects[p->n - 1];
	struct postgres_copy_rows rows = copy_rows(p, b, partitions);
	ASSERT(o->table.changes && (o->gone == NULL || change->kind == CONTROL_ROWS_GONE));
	(void)control_table_count(&o->table, partitions, control_change_rows(change));
	note_key(p, b, partitions);
	if (change->kind == CONTROL_ROWS_GONE) TRY(begin_gone(p, o, err));
	for (size_t i = 0; i < change->n;) { /* neighbours together */
		size_t end = i + 1;
		while (end < change->n && change->rows[end] == change->rows[end - 1] + 1) end++;
		rows.from = change->rows[i];
		rows.to = (int64_t)change->rows[end - 1] + 1;
		TRY(send_rows(p, &rows, err));
		i = end;
	}
	return OK;
}

static status publish_table_end(struct control_publish *base, int64_t *rows, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	struct published *object = &p->objects[p->n - 1];
	const struct control_table *t = &object->table;
	int64_t staged = 0;
	if (!object->left) TRY(copy_end(p, &staged, err));
	object->rows = t->changes ? 0 : staged;
	for (size_t i = 0; i < t->n_parts; i++) object->rows += t->changes || !t->parts[i].told ? t->parts[i].rows : 0;
	*rows = object->rows;
	return OK;
}

static status publish_view(struct control_publish *base, const char *name, const char *text, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	struct published *object = add_object(p, err);
	if (object == NULL) return E_LIMIT;
	object->name = arena_strndup(&p->arena, name, strlen(name));
	object->sql = arena_strndup(&p->arena, text, strlen(text));
	return object->name != NULL && object->sql != NULL ? OK : fail_nomem(err);
}

/* ---- the transaction --------------------------------------------------------------------------------------------- */

/* CREATE OR REPLACE would wait for every reader of the view: only when it changed. With the rights of who asks, so that row-level
 * security holds through it. */
static status swap_view(struct postgres_publish *p, const struct published *o, struct err *err)
{
	char hex[HEX_SHA256_CHARS + 1];
	bool there = false;
	TRY(postgres_published_definition(p, o, hex, err));
	TRY(postgres_published_stands(p, o, hex, &there, err));
	if (there) return OK;
	buf_printf(&p->sql, "DROP VIEW IF EXISTS %s CASCADE;\nCREATE VIEW %s WITH (security_invoker = true) AS %s",
		o->name, o->name, o->sql);
	TRY(postgres_published_run(p, NULL, err));
	return postgres_published_remember(p, o, hex, err);
}

static status swap(struct control_postgres *s, void *arg, struct err *err)
{
	struct postgres_publish *p = arg;
	TRY(postgres_exec(s,
		"SET LOCAL lock_timeout = 0; SET LOCAL work_mem = '64MB'; SET LOCAL enable_nestloop = off; SET LOCAL "
		"enable_mergejoin = off; SELECT pg_advisory_xact_lock(" PUBLISH_LOCK ")",
		NULL, NULL, err));
	TRY(control_lease_check(&s->base, &p->lease, err));
	for (size_t i = 0; i < p->n; i++) p->objects[i].remade = false; /* by an attempt that was undone */
	for (size_t i = 0; i < p->n; i++) {
		struct published *o = &p->objects[i];
		const status code = o->schema != NULL ? postgres_publish_swap_table(p, o, err) : swap_view(p, o, err);
		if (code != OK) return err_at(err, code, o->name, -1, -1);
	}
	return control_publish_settle(&s->base, &p->lease, p->stage, p->quality, err);
}

/* What is staged outlives a deadlock: in temporary tables the transaction, in it a savepoint. */
static status swap_again(struct control_postgres *s, void *arg, struct err *err)
{
	const struct postgres_publish *p = arg;
	for (int k = 0;; k++) {
		TRY(postgres_exec(s, "SAVEPOINT staged", NULL, NULL, err));
		const status code = swap(s, arg, err);
		if (code != E_CONFLICT || p->stale || k == TASK_RETRIES_MAX) return code;
		TRY(postgres_exec(s, "ROLLBACK TO SAVEPOINT staged", NULL, NULL, err));
	}
}

static status swap_all(struct postgres_publish *p, struct err *err)
{
	if (p->open) {
		p->open = p->s->publishing = false;
		return postgres_transact_end(p->s, swap_again, p, err);
	}
	for (int k = 0;; k++) {
		const status code = postgres_transact_once(p->s, swap, p, err);
		if (code != E_CONFLICT || p->stale || k == TASK_RETRIES_MAX) return code;
	}
}

struct look {
	const struct postgres_publish *p;
	bool committed;
};

/* The stage's record carries this publication's own instant. */
static status look(struct control_postgres *s, void *arg, struct err *err)
{
	struct look *l = arg;
	const struct control_stage *stage = l->p->stage;
	const struct sql_arg args[] = {sql_text(stage->run_id), sql_text(stage->name), sql_time(stage->committed_at)};
	const struct sql_stmt q = {
		"SELECT count(*) FROM meta.stage_commits WHERE run_id = $1 AND stage = $2 AND committed_at = $3", args,
		3};
	int64_t n = 0;
	/* After whoever publishes now, which may be this process's own lost session. */
	TRY(postgres_exec(s, "SELECT pg_advisory_xact_lock(" PUBLISH_LOCK ")", NULL, NULL, err));
	TRY(sql_one_i64(&s->base, &q, &n, err));
	l->committed = n > 0;
	return OK;
}

static status publish_commit(struct control_publish *base, const struct control_stage *stage,
	const struct control_quality_layer *q, struct err *err)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	p->stage = stage;
	p->quality = q;
	const status code = swap_all(p, err);
	if (code != E_UNREACHABLE) return code;
	struct err later;
	struct look l = {p, false};
	err_clear(&later);
	p->s->poll_cancel = false;
	if (postgres_transact(p->s, look, &l, &later) != OK) {
		if (err != NULL) *err = later;
		err_set_class(err, ERR_UNKNOWN);
		return later.code;
	}
	return l.committed ? OK : code; /* class RETRY: begin the publication again */
}

static void publish_destroy(struct control_publish *base)
{
	struct postgres_publish *p = (struct postgres_publish *)base;
	int64_t rows;
	p->s->poll_cancel = false;
	/* Given up on purpose: that this COPY fails is what is wanted. What stands after it, the next statement tells. */
	const status ended = p->copying ? postgres_copy_end(p->s, "publishing stopped", &rows, NULL) : OK;
	(void)ended;
	if (p->open && postgres_exec(p->s, "ROLLBACK", NULL, NULL, NULL) != OK) postgres_disconnect(p->s);
	p->s->publishing = false;
	if (postgres_lost(p->s) || postgres_exec(p->s, "DISCARD TEMP", NULL, NULL, NULL) != OK)
		postgres_disconnect(p->s);
	buf_deinit(&p->chunk);
	buf_deinit(&p->sql);
	arena_deinit(&p->arena);
	mem_free(p);
}

static const struct control_publish_ops publish_ops = {
	publish_look,
	publish_table,
	publish_batch,
	publish_change,
	publish_table_end,
	publish_view,
	publish_commit,
	publish_destroy,
};

static status check_lease(struct control_postgres *s, void *arg, struct err *err)
{
	return control_lease_check(&s->base, arg, err);
}

status postgres_publish_begin(
	struct control *c, const struct control_lease *l, struct control_publish **out, struct err *err)
{
	struct control_postgres *s = postgres_of(c->conn);
	struct postgres_publish *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	p->base = (struct control_publish){&publish_ops, c};
	p->s = s;
	p->lease = *l;
	arena_init(&p->arena, 0);
	buf_init(&p->chunk, CHUNK_MAX);
	buf_init(&p->sql, SQL_BYTES_MAX);
	p->objects = ARENA_NEW(&p->arena, struct published, OBJECTS_MAX);
	status code = p->objects != NULL ? OK : fail_nomem(err);
	if (code == OK) code = postgres_transact(s, check_lease, &p->lease, err);
	s->poll_cancel = true;
	if (code != OK) {
		publish_destroy(&p->base);
		return code;
	}
	*out = &p->base;
	return OK;
}
