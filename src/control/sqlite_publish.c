/* control/sqlite_publish.c: gold tables into SQLite, in one transaction.
 *
 *   no such table, or of another definition:   made from its schema, filled through one prepared statement, indexed last, by
 *                                              its key, or by the day that its key begins with
 *   a table that stands:                       each row told UPDATEs one that differs, or is INSERTed; the rest of its parts is
 *                                              DELETEd (sqlite_changes.c). What is not told is not read either: the
 *                                              rowids between which the rows of each part lie are remembered
 *   one of which is told what changed:         INSERT, UPDATE and DELETE, a row found by its key's index, or without one as above; a
 *                                              row that changes and lies far from the end moves there: rows that change each day,
 *                                              few among many, come to lie on few pages
 *   one of which nothing is told:              nothing
 *
 * The rows of each table are counted once, in the transaction before any changes, and from then on what SQLite says it inserted and
 * deleted: counting reads every page of a table.
 *
 * A heap on pages of 16 KiB takes 0.76 s of CPU for 1 M rows (two tables of 219 k with a UUID key, 560 k of six text columns); 1.10 s
 * as WITHOUT ROWID clustered by the key; 1.03 s on pages of 4 KiB. Its definition is known again by the text that SQLite keeps of it.
 */
#include <sqlite3.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/thread.h"
#include "base/vec.h"
#include "control/sql_text.h"
#include "control/sqlite_int.h"

enum { SQL_BYTES_MAX = 1 << 20, CANCEL_ROWS = 8192, PUBLISH_CACHE_KIB = 65536 };
enum { NAME_MAX_CHARS = 256 };
/* A row moves to the end when so many lie behind it, at least; or this share of all. */
enum { RECENT_ROWS_MIN = 1 << 16, RECENT_SHARE = 3 };

struct sqlite_publish {
	struct control_publish base;
	struct control_sqlite *s;
	struct control_lease lease;
	struct control_table table;
	const struct table_schema *schema; /* the table's */
	bool looked;                       /* the tables say what stood of them */
	bool left, made;                   /* nothing of the table changes; it is made anew */
	struct sqlite_changes *changes;    /* of one that is neither, as soon as rows of it are looked for */
	struct sqlite_rows changing;       /* where these rows lie */
	struct arena arena;                /* of ranges, and what is remembered */
	struct sqlite_rows
		*ranges; /* [table.n_parts + 1] where the rows lie that were given of each part; the last: of none */
	size_t part;     /* of the batch at hand */
	int64_t rows; /* of a table that stood: as the look counted them in this transaction, and inserted and deleted since */
	sqlite3_stmt *insert, *update; /* update: NULL where all columns are the key */
	sqlite3_stmt *find, *move;     /* of a table that is told what changed and has its key indexed; else NULL */
	int64_t last, recent_from;     /* its largest rowid, and where those begin that changed lately */
	struct {
		struct row_hash *items; /* [cap] of the batch at hand */
		size_t n, cap;
	} hashes;
	bool open; /* in a transaction */
};
/* A batch on its way in. */
struct given {
	const struct batch *batch;
	const char *const *partitions;
	int64_t row;
};

/* One column of one batch on its way into the statement. */
struct feed {
	const struct column *column;
	int at;         /* parameter */
	bool bound;     /* last holds the value bound now */
	int64_t last;   /* dates, integers, dictionary indices: an equal value needs no new binding */
	double divisor; /* decimals: 10^scale */
	char text[TIME_RFC3339_CHARS];
};

static int feed_str(sqlite3_stmt *stmt, struct feed *f, int64_t row)
{
	const struct column *c = f->column;
	if (c->dict != NULL) {
		const int32_t index = ((const int32_t *)c->values)[row];
		if (f->bound && f->last == index) return SQLITE_OK;
		f->last = index;
	}
	const struct str s = column_str(c, row);
	return sqlite_bind_text(stmt, f->at, s.n > 0 ? s : STR(""));
}

static int64_t int_at(const struct column *c, int64_t row)
{
	switch (c->type) {
	case COL_BOOL: return bit_get(c->values, row);
	case COL_INT32:
	case COL_DATE: return ((const int32_t *)c->values)[row];
	default: return ((const int64_t *)c->values)[row];
	}
}

static int feed_int(sqlite3_stmt *stmt, struct feed *f, int64_t row)
{
	const int64_t v = int_at(f->column, row);
	if (f->bound && f->last == v) return SQLITE_OK;
	f->last = v;
	switch (f->column->type) {
	case COL_DATE:
		date_format((int32_t)v, f->text);
		return sqlite3_bind_text(stmt, f->at, f->text, DATE_CHARS, SQLITE_STATIC);
	case COL_TIMESTAMP:
		time_format(v, f->text);
		return sqlite3_bind_text(stmt, f->at, f->text, TIME_RFC3339_CHARS, SQLITE_STATIC);
	case COL_DECIMAL:
		return sqlite3_bind_double(stmt, f->at, (double)v / f->divisor); /* nearest double: both are exact */
	default: return sqlite3_bind_int64(stmt, f->at, v);
	}
}

static int feed_other(sqlite3_stmt *stmt, struct feed *f, int64_t row)
{
	const struct column *c = f->column;
	if (c->type == COL_FLOAT) return sqlite3_bind_double(stmt, f->at, (double)((const float *)c->values)[row]);
	if (c->type == COL_DOUBLE) return sqlite3_bind_double(stmt, f->at, ((const double *)c->values)[row]);
	const struct str s = column_str(c, row);
	return sqlite3_bind_blob(stmt, f->at, s.n > 0 ? s.p : "", (int)s.n, SQLITE_STATIC);
}

static int feed_row(sqlite3_stmt *stmt, struct feed *feeds, size_t n, int64_t row)
{
	int rc = SQLITE_OK;
	for (size_t k = 0; k < n && rc == SQLITE_OK; k++) {
		struct feed *f = &feeds[k];
		if (!column_valid(f->column, row)) {
			rc = sqlite3_bind_null(stmt, f->at);
			f->bound = false;
			continue;
		}
		switch (f->column->type) {
		case COL_STRING: rc = feed_str(stmt, f, row); break;
		case COL_FLOAT:
		case COL_DOUBLE:
		case COL_BINARY: rc = feed_other(stmt, f, row); break;
		default: rc = feed_int(stmt, f, row); break;
		}
		f->bound = f->column->type != COL_STRING || f->column->dict != NULL;
	}
	return rc;
}

static void close_statements(struct sqlite_publish *p)
{
	(void)sqlite3_finalize(p->insert);
	(void)sqlite3_finalize(p->update);
	(void)sqlite3_finalize(p->find);
	(void)sqlite3_finalize(p->move);
	p->insert = p->update = p->find = p->move = NULL;
}

/* One of the two statements with the batch's values. */
struct feeder {
	sqlite3_stmt *stmt;
	struct feed feeds[TABLE_COLUMNS_MAX];
};

static status feeder_open(struct sqlite_publish *p, struct feeder *f, const struct given *g, struct err *err)
{
	const size_t n_data = g->batch->n_columns;
	for (size_t i = 0; i < n_data; i++) {
		f->feeds[i] = (struct feed){.column = &g->batch->columns[i], .at = (int)i + 1, .divisor = 1};
		for (int k = 0; k < p->schema->columns[i].scale; k++) f->feeds[i].divisor *= 10;
	}
	for (size_t i = n_data; i < p->schema->n_columns; i++) {
		if (sqlite_bind_text(f->stmt, (int)i + 1, str_of(g->partitions[i - n_data])) != SQLITE_OK)
			return sqlite_fail(p->s, "value", err);
	}
	return OK;
}

static status feeder_run(struct sqlite_publish *p, struct feeder *f, const struct given *g, struct err *err)
{
	if (feed_row(f->stmt, f->feeds, g->batch->n_columns, g->row) != SQLITE_OK)
		return sqlite_fail(p->s, "value", err);
	if (sqlite3_step(f->stmt) != SQLITE_DONE)
		return err_at(err, sqlite_fail(p->s, "insert", err), p->schema->name, -1, g->row + 1);
	(void)sqlite3_reset(f->stmt);
	return OK;
}

static void widen(struct sqlite_rows *r, const struct sqlite_rows *by)
{
	if (by->first > by->last) return;
	const bool none = r->first > r->last;
	if (none || by->first < r->first) r->first = by->first;
	if (none || by->last > r->last) r->last = by->last;
}

static status put_row(
	struct sqlite_publish *p, struct feeder *insert, struct feeder *update, const struct given *g, struct err *err)
{
	struct sqlite_match match = {.kind = SQLITE_ROW_NEW};
	if (p->changes != NULL) match = sqlite_changes_match(p->changes, &p->hashes.items[g->row]);
	if (match.kind == SQLITE_ROW_NEW) {
		TRY(feeder_run(p, insert, g, err));
		p->rows += sqlite3_changes(p->s->db);
		match.row = sqlite3_last_insert_rowid(p->s->db);
	} else if (match.kind == SQLITE_ROW_OTHER) {
		if (sqlite3_bind_int64(update->stmt, (int)p->schema->n_columns + 1, match.row) != SQLITE_OK)
			return sqlite_fail(p->s, "value", err);
		TRY(feeder_run(p, update, g, err));
	}
	widen(&p->ranges[p->part], &(struct sqlite_rows){match.row, match.row});
	return OK;
}

static status hash_rows(struct sqlite_publish *p, const struct given *g, struct err *err)
{
	if (!VEC_ROOM(&p->hashes, (size_t)g->batch->n_rows)) return fail_nomem(err);
	return row_hash_batch(p->schema, g->batch, g->partitions, p->hashes.items, err);
}

static status put_rows(struct sqlite_publish *p, struct given *g, struct err *err)
{
	struct feeder insert = {.stmt = p->insert}, update = {.stmt = p->update};
	if (p->changes != NULL) TRY(hash_rows(p, g, err));
	TRY(feeder_open(p, &insert, g, err));
	if (p->update != NULL) TRY(feeder_open(p, &update, g, err));
	for (g->row = 0; g->row < g->batch->n_rows; g->row++) {
		if (g->row % CANCEL_ROWS == 0) TRY(cancel_check(err));
		TRY(put_row(p, &insert, &update, g, err));
	}
	return OK;
}

static void unbind(sqlite3_stmt *stmt) /* what views the batch */
{
	if (stmt == NULL) return;
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
}

static status publish_batch(
	struct control_publish *base, const struct batch *b, const char *const *partitions, struct err *err)
{
	struct sqlite_publish *p = (struct sqlite_publish *)base;
	struct given g = {b, partitions, 0};
	ASSERT(b->n_columns == schema_n_data_columns(p->schema) && p->schema->n_columns <= TABLE_COLUMNS_MAX);
	ASSERT(p->insert != NULL && !p->table.changes);
	p->part = control_table_count(&p->table, partitions, b->n_rows);
	const status code = put_rows(p, &g, err);
	unbind(p->insert);
	unbind(p->update);
	return code;
}

/* Is the table's key indexed? Rows are looked up by identifiers. */
static bool has_index(const struct table_schema *schema)
{
	bool by_id = false;
	for (size_t i = 0; i < schema->n_columns; i++)
		by_id = by_id || (schema->columns[i].key && !schema->columns[i].partition && schema->columns[i].id);
	return by_id;
}

static status delete_row(void *arg, int64_t row, struct err *err)
{
	struct sqlite_publish *p = arg;
	char sql[2 * NAME_MAX_CHARS];
	(void)snprintf(sql, sizeof sql, "DELETE FROM \"%s_%s\" WHERE rowid = ?", p->schema->layer, p->schema->name);
	const struct sql_arg arg_row = sql_int(row);
	TRY(sql_exec(&p->s->base, sql, &arg_row, 1, err));
	p->rows -= sqlite3_changes(p->s->db);
	return OK;
}

static status change_new(struct sqlite_publish *p, struct feeder *insert, const struct given *g, struct err *err)
{
	const status code = feeder_run(p, insert, g, err);
	if (code != OK && (sqlite3_errcode(p->s->db) & 0xff) == SQLITE_CONSTRAINT)
		return control_change_fail(p->schema, err);
	TRY(code);
	p->rows += sqlite3_changes(p->s->db);
	const int64_t row = sqlite3_last_insert_rowid(p->s->db);
	if (row > p->last) p->last = row;
	widen(&p->ranges[p->part], &(struct sqlite_rows){row, row});
	return OK;
}

/* What a row that is found by its key goes through. */
struct by_key {
	struct feed key[TABLE_COLUMNS_MAX]; /* [n] */
	size_t n;
	struct feeder update, move;
};

static status by_key_open(struct sqlite_publish *p, struct by_key *k, const struct given *g, struct err *err)
{
	k->update.stmt = p->update;
	k->move.stmt = p->move;
	TRY(feeder_open(p, &k->update, g, err));
	TRY(feeder_open(p, &k->move, g, err));
	k->n = 0;
	for (size_t i = 0; i < p->schema->n_columns; i++) {
		if (!p->schema->columns[i].key) continue;
		if (i < g->batch->n_columns)
			k->key[k->n++] = k->update.feeds[i];
		else if (sqlite_bind_text(p->find, (int)i + 1, str_of(g->partitions[i - g->batch->n_columns])) !=
			 SQLITE_OK)
			return sqlite_fail(p->s, "key", err);
	}
	return OK;
}

static status change_by_key(struct sqlite_publish *p, struct by_key *k, const struct given *g, struct err *err)
{
	if (feed_row(p->find, k->key, k->n, g->row) != SQLITE_OK) return sqlite_fail(p->s, "key", err);
	const int rc = sqlite3_step(p->find);
	const int64_t row = rc == SQLITE_ROW ? sqlite3_column_int64(p->find, 0) : 0;
	(void)sqlite3_reset(p->find);
	if (rc == SQLITE_DONE) return control_change_fail(p->schema, err);
	if (rc != SQLITE_ROW) return sqlite_fail(p->s, "look for a row", err);
	struct feeder *f = row < p->recent_from ? &k->move : &k->update;
	const int at = (int)p->schema->n_columns + 1;
	if (sqlite3_bind_int64(f->stmt, at, row) != SQLITE_OK) return sqlite_fail(p->s, "value", err);
	if (f != &k->move) return feeder_run(p, f, g, err);
	if (sqlite3_bind_int64(f->stmt, at + 1, p->last + 1) != SQLITE_OK) return sqlite_fail(p->s, "value", err);
	TRY(feeder_run(p, f, g, err));
	p->last++;
	widen(&p->ranges[p->part], &(struct sqlite_rows){p->last, p->last});
	return OK;
}

/* A row that is looked for among those that stand: it goes, or is another now. update: NULL where it goes. */
static status change_found(struct sqlite_publish *p, struct feeder *update, const struct given *g, struct err *err)
{
	const struct sqlite_match match = sqlite_changes_match(p->changes, &p->hashes.items[g->row]);
	if (match.kind == SQLITE_ROW_NEW) return control_change_fail(p->schema, err);
	if (update == NULL) return delete_row(p, match.row, err);
	if (sqlite3_bind_int64(update->stmt, (int)p->schema->n_columns + 1, match.row) != SQLITE_OK)
		return sqlite_fail(p->s, "value", err);
	return feeder_run(p, update, g, err);
}

static status change_rows(
	struct sqlite_publish *p, struct given *g, const struct control_change *change, struct err *err)
{
	const bool is_new = change->kind == CONTROL_ROWS_NEW, gone = change->kind == CONTROL_ROWS_GONE;
	const bool by_key = !gone && !is_new && p->find != NULL;
	struct feeder f = {.stmt = is_new ? p->insert : p->update};
	struct by_key k;
	if (!gone && f.stmt == NULL) return control_change_fail(p->schema, err); /* a row is its key */
	if (by_key)
		TRY(by_key_open(p, &k, g, err));
	else if (!gone)
		TRY(feeder_open(p, &f, g, err));
	if (!is_new && !by_key) {
		if (p->changes == NULL) TRY(sqlite_changes_open(p->s, &p->table, &p->changing, &p->changes, err));
		TRY(hash_rows(p, g, err));
	}
	for (size_t i = 0; i < change->n; i++) {
		g->row = change->rows[i];
		if (i % CANCEL_ROWS == 0) TRY(cancel_check(err));
		if (is_new)
			TRY(change_new(p, &f, g, err));
		else if (by_key)
			TRY(change_by_key(p, &k, g, err));
		else
			TRY(change_found(p, gone ? NULL : &f, g, err));
	}
	return OK;
}

static status publish_change(struct control_publish *base, const struct batch *b, const char *const *partitions,
	const struct control_change *change, struct err *err)
{
	struct sqlite_publish *p = (struct sqlite_publish *)base;
	struct given g = {b, partitions, 0};
	ASSERT(b->n_columns == schema_n_data_columns(p->schema) && p->schema->n_columns <= TABLE_COLUMNS_MAX);
	ASSERT(p->insert != NULL && p->table.changes);
	p->part = control_table_count(&p->table, partitions, control_change_rows(change));
	const status code = change_rows(p, &g, change, err);
	unbind(p->insert);
	unbind(p->update);
	unbind(p->find);
	unbind(p->move);
	return code;
}

/* Statements built in a buffer, run, and the buffer freed; code: of what built them. */
static status exec_buf(struct control_sqlite *s, struct buf *sql, status code, struct err *err)
{
	buf_char(sql, '\0');
	if (code == OK) code = sql->failed ? buf_check(sql, err) : sqlite_exec(s, (const char *)sql->p, err);
	buf_deinit(sql);
	return code;
}

/* ---- which tables and parts stand --------------------------------------------------------------------------------------- */

/* Does it stand, made with this definition? SQLite keeps a CREATE TABLE from the table's name to the last parenthesis. */
static status stands(struct control_sqlite *s, const struct table_schema *schema, bool *out, struct err *err)
{
	char name[NAME_MAX_CHARS];
	struct buf ddl;
	int64_t n = 0;
	(void)snprintf(name, sizeof name, "%s_%s", schema->layer, schema->name);
	buf_init(&ddl, SQL_BYTES_MAX);
	sql_text_table_sqlite(&ddl, schema);
	status code = buf_check(&ddl, err);
	if (code == OK) {
		const char *text = strchr((const char *)ddl.p, '"'); /* its name; ends in ");\n" */
		const size_t before = (size_t)(text - (const char *)ddl.p);
		const struct sql_arg args[] = {
			sql_text(name), sql_str((struct str){text, ddl.n - before - strlen(";\n")})};
		const struct sql_stmt q = {"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1 "
					   "AND sql = 'CREATE TABLE ' || ?2",
			args, 2};
		code = sql_one_i64(&s->base, &q, &n, err);
	}
	buf_deinit(&ddl);
	*out = n > 0;
	return code;
}

static size_t find_part(const struct control_table *t, struct str name)
{
	size_t i = 0;
	while (i < t->n_parts && !str_is(name, t->parts[i].name)) i++;
	return i;
}

static status range_row(void *arg, const struct sql_row *row, struct err *err)
{
	struct sqlite_publish *p = arg;
	const struct sqlite_rows rows = {sql_col_i64(row, 1, 1), sql_col_i64(row, 2, 0)};
	const size_t part = find_part(&p->table, sql_col_str(row, 0));
	const bool known = part < p->table.n_parts;
	(void)err;
	if (!known || p->table.parts[part].told) widen(&p->changing, &rows);
	if (known && p->table.changes) widen(&p->ranges[part], &rows);
	return OK;
}

/* Between which rowids rows of parts lie that are told or go; of a table that is told what changed, those of each part. */
static status read_ranges(struct sqlite_publish *p, struct err *err)
{
	char name[CONTROL_TABLE_NAME_CHARS];
	control_table_name(p->schema, name);
	p->changing = (struct sqlite_rows){1, 0};
	const struct sql_arg arg = sql_text(name);
	const struct sql_stmt q = {
		"SELECT part, first_row, last_row FROM meta.published_parts WHERE name = $1", &arg, 1};
	return sql_each(&p->s->base, &q, range_row, p, err);
}

static status look_table(struct control_sqlite *s, struct control_table *t, struct arena *arena, struct err *err)
{
	struct control_record record;
	bool usable = false;
	int64_t rows = 0;
	TRY(control_record_read(&s->base, t, arena, &record, err));
	TRY(stands(s, t->schema, &usable, err));
	if (usable) TRY(control_table_count_rows(&s->base, t->schema, &rows, err));
	t->stood = rows;
	control_record_tell(&record, t, usable && rows == record.rows);
	return OK;
}

static status publish_look(struct control_publish *base, struct control_table *tables, size_t n, struct err *err)
{
	struct sqlite_publish *p = (struct sqlite_publish *)base;
	struct arena arena;
	status code = OK;
	arena_init(&arena, 0);
	p->looked = true;
	for (size_t i = 0; i < n && code == OK; i++) code = look_table(p->s, &tables[i], &arena, err);
	arena_deinit(&arena);
	return code;
}

/* ---- a table ------------------------------------------------------------------------------------------------------------ */

static status make_table(struct control_sqlite *s, const struct table_schema *schema, struct err *err)
{
	struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	buf_printf(&sql, "DROP TABLE IF EXISTS \"%s_%s\";\n", schema->layer, schema->name);
	sql_text_table_sqlite(&sql, schema);
	return exec_buf(s, &sql, OK, err);
}

static status prepare_buf(struct sqlite_publish *p, struct buf *sql, sqlite3_stmt **out, struct err *err)
{
	buf_char(sql, '\0');
	status code = buf_check(sql, err);
	if (code == OK) code = sqlite_prepare(p->s, (const char *)sql->p, out, err);
	buf_deinit(sql);
	return code;
}

static status prepare_insert(struct sqlite_publish *p, struct err *err)
{
	const struct table_schema *schema = p->schema;
	struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	buf_printf(&sql, "INSERT INTO \"%s_%s\" (", schema->layer, schema->name);
	for (size_t i = 0; i < schema->n_columns; i++)
		buf_printf(&sql, "%s\"%s\"", i > 0 ? ", " : "", schema->columns[i].name);
	buf_str(&sql, ") VALUES (");
	for (size_t i = 0; i < schema->n_columns; i++) buf_str(&sql, i > 0 ? ", ?" : "?");
	buf_str(&sql, ")");
	return prepare_buf(p, &sql, &p->insert, err);
}

/* UPDATE of a row by its place, all but its key; move: it gets another place, too, and its index follows. */
static status prepare_update(struct sqlite_publish *p, bool move, sqlite3_stmt **out, struct err *err)
{
	const struct table_schema *schema = p->schema;
	struct buf sql;
	size_t n = 0;
	buf_init(&sql, SQL_BYTES_MAX);
	buf_printf(&sql, "UPDATE \"%s_%s\" SET ", schema->layer, schema->name);
	for (size_t i = 0; i < schema->n_columns; i++) {
		if (!schema->columns[i].key)
			buf_printf(&sql, "%s\"%s\" = ?%zu", n++ > 0 ? ", " : "", schema->columns[i].name, i + 1);
	}
	if (n > 0 && schema->updated_at) buf_printf(&sql, ", %s", sql_text_updated_at_sqlite);
	if (move) buf_printf(&sql, ", rowid = ?%zu", schema->n_columns + 2);
	buf_printf(&sql, " WHERE rowid = ?%zu", schema->n_columns + 1);
	if (n > 0) return prepare_buf(p, &sql, out, err);
	buf_deinit(&sql);
	return OK;
}

static status prepare_find(struct sqlite_publish *p, struct err *err)
{
	const struct table_schema *schema = p->schema;
	struct buf sql;
	size_t n = 0;
	buf_init(&sql, SQL_BYTES_MAX);
	buf_printf(&sql, "SELECT rowid FROM \"%s_%s\"", schema->layer, schema->name);
	for (size_t i = 0; i < schema->n_columns; i++) {
		if (schema->columns[i].key)
			buf_printf(
				&sql, " %s \"%s\" = ?%zu", n++ > 0 ? "AND" : "WHERE", schema->columns[i].name, i + 1);
	}
	return prepare_buf(p, &sql, &p->find, err);
}

/* Of a table that is told what changed: rows are found by their key where that is indexed. */
static status prepare_by_key(struct sqlite_publish *p, struct err *err)
{
	char sql[2 * NAME_MAX_CHARS];
	if (!p->table.changes || !has_index(p->schema) || p->update == NULL) return OK;
	(void)snprintf(
		sql, sizeof sql, "SELECT coalesce(max(rowid), 0) FROM \"%s_%s\"", p->schema->layer, p->schema->name);
	const struct sql_stmt q = {sql, NULL, 0};
	TRY(sql_one_i64(&p->s->base, &q, &p->last, err));
	const int64_t recent = p->rows / RECENT_SHARE > RECENT_ROWS_MIN ? p->rows / RECENT_SHARE : RECENT_ROWS_MIN;
	p->recent_from = p->last - recent;
	TRY(prepare_find(p, err));
	return prepare_update(p, true, &p->move, err);
}

/* What is needed so that the table holds its parts and no more. Where all are told, what is remembered need not be true. */
static status choose_way(struct sqlite_publish *p, struct err *err)
{
	const struct control_table *t = &p->table;
	const size_t n_told = control_table_n_told(t);
	struct control_record record;
	bool there = false;
	TRY(stands(p->s, t->schema, &there, err));
	TRY(control_record_read(&p->s->base, t, &p->arena, &record, err));
	TRY(read_ranges(p, err));
	ASSERT((n_told == t->n_parts && !t->changes) ||
		(there && control_record_holds(&record, t))); /* nobody else writes */
	p->made = !there;
	p->left = n_told == 0 && t->n_parts > 0 && record.n == (int64_t)t->n_parts;
	if (p->made || p->left || t->changes) return OK;
	if (n_told == t->n_parts) p->changing = (struct sqlite_rows){INT64_MIN, INT64_MAX};
	return sqlite_changes_open(p->s, t, &p->changing, &p->changes, err);
}

static status publish_table(struct control_publish *base, const struct control_table *t, struct err *err)
{
	struct sqlite_publish *p = (struct sqlite_publish *)base;
	ASSERT(p->insert == NULL && p->changes == NULL);
	p->table = *t;
	p->schema = t->schema;
	p->rows = t->stood;
	arena_reset(&p->arena);
	p->ranges = ARENA_NEW(&p->arena, struct sqlite_rows, t->n_parts + 1);
	if (p->ranges == NULL) return fail_nomem(err);
	for (size_t i = 0; i <= t->n_parts; i++) p->ranges[i] = (struct sqlite_rows){1, 0};
	TRY(choose_way(p, err));
	if (p->left) return OK;
	if (!p->made && !p->looked) TRY(control_table_count_rows(&p->s->base, p->schema, &p->rows, err));
	if (p->made) TRY(make_table(p->s, p->schema, err));
	TRY(prepare_insert(p, err));
	if (p->made) return OK;
	TRY(prepare_update(p, false, &p->update, err));
	return prepare_by_key(p, err);
}

/* A table without identifiers is asked for a day, or for the days after or before one: NULL, or the column that tells them. An index over the
 * whole key would take four times the pages. */
static const struct column_def *day_column(const struct table_schema *schema)
{
	size_t i = 0;
	while (i < schema->n_columns && !schema->columns[i].key) i++;
	return i < schema->n_columns && schema->columns[i].type == COL_DATE ? &schema->columns[i] : NULL;
}

static status make_key_index(struct control_sqlite *s, const struct table_schema *schema, struct err *err)
{
	struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	buf_printf(&sql, "CREATE UNIQUE INDEX \"%s_%s_key\" ON \"%s_%s\" (", schema->layer, schema->name, schema->layer,
		schema->name);
	for (size_t i = 0, n = 0; i < schema->n_columns; i++) {
		const struct column_def *c = &schema->columns[i];
		if (!c->key || c->partition) continue;
		buf_printf(&sql, "%s\"%s\"", n++ > 0 ? ", " : "", c->name);
	}
	buf_str(&sql, ")");
	return exec_buf(s, &sql, OK, err);
}

static status make_index(struct control_sqlite *s, const struct table_schema *schema, struct err *err)
{
	const struct column_def *day = day_column(schema);
	if (has_index(schema)) return make_key_index(s, schema, err);
	if (day == NULL) return OK;
	struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	buf_printf(&sql, "CREATE INDEX \"%s_%s_%s\" ON \"%s_%s\" (\"%s\")", schema->layer, schema->name, day->name,
		schema->layer, schema->name, day->name);
	return exec_buf(s, &sql, OK, err);
}

static status remember(struct sqlite_publish *p, struct err *err)
{
	const struct control_table *t = &p->table;
	char name[CONTROL_TABLE_NAME_CHARS];
	TRY(control_record_write(&p->s->base, t, err));
	control_table_name(t->schema, name);
	for (size_t i = 0; i < t->n_parts; i++) {
		if (!t->parts[i].told) continue;
		const struct sql_arg args[] = {sql_text(name), sql_text(t->parts[i].name), sql_int(p->ranges[i].first),
			sql_int(p->ranges[i].last)};
		TRY(sql_exec(&p->s->base,
			"UPDATE meta.published_parts SET first_row = $3, last_row = $4 WHERE name = $1 AND part = $2",
			args, 4, err));
	}
	return OK;
}

static status publish_table_end(struct control_publish *base, int64_t *out, struct err *err)
{
	struct sqlite_publish *p = (struct sqlite_publish *)base;
	close_statements(p);
	if (p->left) {
		*out = control_table_rows(&p->table); /* as the look counted them, in this transaction */
		return OK;
	}
	if (p->made)
		TRY(make_index(p->s, p->schema, err));
	else if (!p->table.changes)
		TRY(sqlite_changes_rest(p->changes, delete_row, p, err));
	sqlite_changes_close(p->changes);
	p->changes = NULL;
	TRY(remember(p, err));
	*out = p->rows;
	return p->made ? control_table_count_rows(&p->s->base, p->schema, out, err) : OK;
}

static status publish_view(struct control_publish *base, const char *name, const char *sql, struct err *err)
{
	struct sqlite_publish *p = (struct sqlite_publish *)base;
	char *view = mem_strdup(name);
	struct buf text;
	if (view == NULL) return fail_nomem(err);
	sql_text_names_sqlite(view, name);
	buf_init(&text, SQL_BYTES_MAX);
	buf_printf(&text, "DROP VIEW IF EXISTS \"%s\"; CREATE VIEW \"%s\" AS ", view, view);
	sql_text_add_names_sqlite(&text, sql);
	mem_free(view);
	return err_at(err, exec_buf(p->s, &text, OK, err), name, -1, -1);
}

static status settle(struct sqlite_publish *p, const struct control_stage *stage, const struct control_quality_layer *q,
	struct err *err)
{
	TRY(control_lease_check(&p->s->base, &p->lease, err));
	return control_publish_settle(&p->s->base, &p->lease, stage, q, err);
}

static status publish_commit(struct control_publish *base, const struct control_stage *stage,
	const struct control_quality_layer *q, struct err *err)
{
	struct sqlite_publish *p = (struct sqlite_publish *)base;
	p->open = false;
	TRY(sqlite_end(p->s, settle(p, stage, q, err), err));
	/* The commit is durable (synchronous = FULL); moving it out of the log may wait for readers, so a busy answer is fine. */
	(void)sqlite3_wal_checkpoint_v2(p->s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return OK;
}

static void publish_destroy(struct control_publish *base)
{
	struct sqlite_publish *p = (struct sqlite_publish *)base;
	close_statements(p);
	sqlite_changes_close(p->changes);
	mem_free(p->hashes.items);
	arena_deinit(&p->arena);
	if (p->open) (void)sqlite3_exec(p->s->db, "ROLLBACK", NULL, NULL, NULL);
	(void)sqlite3_exec(p->s->db, "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -2000; PRAGMA shrink_memory",
		NULL, NULL, NULL);
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

static status publish_open(struct sqlite_publish *p, struct err *err)
{
	char pragmas[160];
	(void)snprintf(pragmas, sizeof pragmas,
		"PRAGMA synchronous = FULL; PRAGMA cache_size = -%d; PRAGMA secure_delete = OFF", PUBLISH_CACHE_KIB);
	TRY(sqlite_exec(p->s, pragmas, err));
	TRY(sqlite_begin(p->s, err));
	p->open = true;
	return control_lease_check(&p->s->base, &p->lease, err);
}

status sqlite_publish_begin(
	struct control *c, const struct control_lease *l, struct control_publish **out, struct err *err)
{
	struct control_sqlite *s = sqlite_of(c->conn);
	struct sqlite_publish *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	p->base = (struct control_publish){&publish_ops, c};
	p->s = s;
	p->lease = *l;
	arena_init(&p->arena, 0);
	const status code = publish_open(p, err);
	if (code != OK) {
		publish_destroy(&p->base);
		return code;
	}
	*out = &p->base;
	return OK;
}
