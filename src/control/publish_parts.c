/* control/publish_parts.c: the parts of a published table: which of them are told, and what is remembered of them; what a publication tells
 * beside its rows.
 *
 * A part is remembered with the text that says what its rows were read from. Must not know a database, nor what such a text means.
 */
#include <stdio.h>

#include "base/time.h"
#include "control/control_int.h"

enum { SQL_BYTES_MAX = 1 << 20 };

struct remembered {
	struct str part, files;
	int64_t rows;
};

static status record_init(struct control_record *r, const struct control_table *t, struct arena *arena, struct err *err)
{
	*r = (struct control_record){
		.same_rows = ARENA_NEW(arena, int64_t, t->n_parts + 1),
		.before_rows = ARENA_NEW(arena, int64_t, t->n_parts + 1),
	};
	if (r->same_rows == NULL || r->before_rows == NULL) return fail_nomem(err);
	for (size_t i = 0; i < t->n_parts; i++) r->same_rows[i] = r->before_rows[i] = -1;
	return OK;
}

static void record_add(struct control_record *r, const struct control_table *t, const struct remembered *m)
{
	r->n++;
	r->rows += m->rows;
	for (size_t i = 0; i < t->n_parts; i++) {
		const struct control_part *part = &t->parts[i];
		if (!str_is(m->part, part->name)) continue;
		if (str_is(m->files, part->files)) {
			r->same_rows[i] = m->rows;
			r->n_same++;
		}
		if (part->before != NULL && str_is(m->files, part->before)) {
			r->before_rows[i] = m->rows;
			r->n_before++;
		}
	}
}

/* Is what is remembered all that the changes are from, and nothing else? */
static bool is_before(const struct control_record *r, const struct control_table *t)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n_parts; i++) n += t->parts[i].before != NULL;
	return r->n_before == n && r->n == (int64_t)n;
}

void control_record_tell(const struct control_record *r, struct control_table *t, bool usable)
{
	t->changes = t->changes && usable && is_before(r, t);
	for (size_t i = 0; i < t->n_parts; i++) {
		struct control_part *part = &t->parts[i];
		part->told = !usable || r->same_rows[i] < 0;
		part->rows = !part->told ? r->same_rows[i] : 0;
		if (part->told && t->changes && part->before != NULL) part->rows = r->before_rows[i];
	}
}

bool control_record_holds(const struct control_record *r, const struct control_table *t)
{
	for (size_t i = 0; i < t->n_parts; i++) {
		if (!t->parts[i].told && r->same_rows[i] != t->parts[i].rows) return false;
	}
	return !t->changes || is_before(r, t);
}

size_t control_table_n_told(const struct control_table *t)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n_parts; i++) n += t->parts[i].told;
	return n;
}

int64_t control_table_rows(const struct control_table *t)
{
	int64_t n = 0;
	for (size_t i = 0; i < t->n_parts; i++) n += t->parts[i].rows;
	return n;
}

size_t control_table_count(const struct control_table *t, const char *const *partitions, int64_t n_rows)
{
	const int column = schema_part_column(t->schema);
	const char *name = column < 0 ? "" : partitions[(size_t)column - schema_n_data_columns(t->schema)];
	size_t i = 0;
	while (i < t->n_parts && strcmp(t->parts[i].name, name) != 0) i++;
	ASSERT(t->n_parts == 0 || (i < t->n_parts && t->parts[i].told));
	if (i < t->n_parts) t->parts[i].rows += n_rows;
	return i;
}

int64_t control_change_rows(const struct control_change *c)
{
	switch (c->kind) {
	case CONTROL_ROWS_NEW: return (int64_t)c->n;
	case CONTROL_ROWS_GONE: return -(int64_t)c->n;
	case CONTROL_ROWS_OTHER: break;
	}
	return 0;
}

status control_change_fail(const struct table_schema *t, struct err *err)
{
	const status code = fail(err, E_CONFLICT, "%s.%s does not hold what was published in it", t->layer, t->name);
	err_set_class(err, ERR_RETRY);
	return code;
}

/* ---- SQL --------------------------------------------------------------------------------------------------------------- */

static void add_literal(struct buf *sql, const char *text)
{
	buf_char(sql, '\'');
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\'') buf_char(sql, '\'');
		buf_char(sql, *p);
	}
	buf_char(sql, '\'');
}

/* " AND <column> NOT IN (parts that are left as they are)", or nothing where there is none. */
static void add_not_left(struct buf *sql, const struct control_table *t, const char *column)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n_parts; i++) {
		if (t->parts[i].told) continue;
		if (n++ == 0)
			buf_printf(sql, " AND %s NOT IN (", column);
		else
			buf_str(sql, ", ");
		add_literal(sql, t->parts[i].name);
	}
	if (n > 0) buf_char(sql, ')');
}

void control_sql_changing(struct buf *sql, const struct control_table *t)
{
	char column[128];
	const int part = schema_part_column(t->schema);
	if (part < 0) return; /* the table is one part, and it is told */
	(void)snprintf(column, sizeof column, "g.\"%s\"", t->schema->columns[part].name);
	add_not_left(sql, t, column);
}

static void add_part(struct buf *sql, const char *table, const struct control_part *part)
{
	buf_char(sql, '(');
	add_literal(sql, table);
	buf_str(sql, ", ");
	add_literal(sql, part->name);
	buf_str(sql, ", ");
	add_literal(sql, part->files);
	buf_printf(sql, ", %lld)", (long long)part->rows);
}

/* ---- in the database --------------------------------------------------------------------------------------------------- */

void control_table_name(const struct table_schema *t, char dst[CONTROL_TABLE_NAME_CHARS])
{
	(void)snprintf(dst, CONTROL_TABLE_NAME_CHARS, "%s.%s", t->layer, t->name);
}

status control_table_count_rows(struct sql_conn *c, const struct table_schema *t, int64_t *rows, struct err *err)
{
	char sql[2 * CONTROL_TABLE_NAME_CHARS];
	(void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s.%s", t->layer, t->name);
	return sql_one_i64(c, &(struct sql_stmt){.sql = sql}, rows, err);
}

struct reading {
	const struct control_table *table;
	struct control_record *record;
};

static status remembered_row(void *arg, const struct sql_row *row, struct err *err)
{
	const struct reading *r = arg;
	const struct remembered m = {sql_col_str(row, 0), sql_col_str(row, 1), sql_col_i64(row, 2, 0)};
	(void)err;
	record_add(r->record, r->table, &m);
	return OK;
}

status control_record_read(struct sql_conn *c, const struct control_table *t, struct arena *arena,
	struct control_record *out, struct err *err)
{
	char name[CONTROL_TABLE_NAME_CHARS];
	struct reading r = {t, out};
	TRY(record_init(out, t, arena, err));
	control_table_name(t->schema, name);
	const struct sql_arg arg = sql_text(name);
	const struct sql_stmt q = {"SELECT part, files, rows FROM meta.published_parts WHERE name = $1", &arg, 1};
	return sql_each(c, &q, remembered_row, &r, err);
}

/* A statement built in a buffer, which is reset. */
static status run_buf(struct sql_conn *c, struct buf *sql, struct err *err)
{
	buf_char(sql, '\0');
	TRY(buf_check(sql, err));
	const status code = sql_exec(c, (const char *)sql->p, NULL, 0, err);
	buf_reset(sql);
	return code;
}

static status write_parts(struct sql_conn *c, const struct control_table *t, struct buf *sql, struct err *err)
{
	char name[CONTROL_TABLE_NAME_CHARS];
	const char *between = "INSERT INTO meta.published_parts (name, part, files, rows) VALUES ";
	control_table_name(t->schema, name);
	buf_str(sql, "DELETE FROM meta.published_parts WHERE name = ");
	add_literal(sql, name);
	add_not_left(sql, t, "part");
	TRY(run_buf(c, sql, err));
	for (size_t i = 0; i < t->n_parts; i++) {
		if (!t->parts[i].told) continue;
		buf_str(sql, between);
		add_part(sql, name, &t->parts[i]);
		between = ", ";
	}
	return sql->n > 0 ? run_buf(c, sql, err) : OK;
}

status control_record_write(struct sql_conn *c, const struct control_table *t, struct err *err)
{
	struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	const status code = write_parts(c, t, &sql, err);
	buf_deinit(&sql);
	return code;
}

status control_publish_settle(struct sql_conn *c, const struct control_lease *l, const struct control_stage *s,
	const struct control_quality_layer *q, struct err *err)
{
	TRY(control_lease_extend(c, l, time_now_us(), err));
	TRY(control_quality_replace(c, l->run_id, q, err));
	return control_stage_record(c, s, err);
}
