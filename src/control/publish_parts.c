/* control/publish_parts.c: the parts of a published table: which of them are told, and the SQL that both planes share about them.
 *
 * A part is remembered with the text that says what its rows were read from. Must not know a connection, nor what such a text means.
 */
#include <stdio.h>

#include "control/control_int.h"

status control_record_init(
	struct control_record *r, const struct control_table *t, struct arena *arena, struct err *err)
{
	*r = (struct control_record){
		.same_rows = ARENA_NEW(arena, int64_t, t->n_parts + 1),
		.before_rows = ARENA_NEW(arena, int64_t, t->n_parts + 1),
	};
	if (r->same_rows == NULL || r->before_rows == NULL) return fail_nomem(err);
	for (size_t i = 0; i < t->n_parts; i++) r->same_rows[i] = r->before_rows[i] = -1;
	return OK;
}

void control_record_add(struct control_record *r, const struct control_table *t, const struct control_remembered *m)
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

void control_sql_remember(struct buf *sql, const char *memory, const struct control_table *t)
{
	char name[256];
	size_t n = 0;
	(void)snprintf(name, sizeof name, "%s.%s", t->schema->layer, t->schema->name);
	buf_printf(sql, "DELETE FROM %s WHERE name = ", memory);
	add_literal(sql, name);
	add_not_left(sql, t, "part");
	buf_str(sql, ";\n");
	for (size_t i = 0; i < t->n_parts; i++) {
		const struct control_part *part = &t->parts[i];
		if (!part->told) continue;
		if (n++ == 0)
			buf_printf(sql, "INSERT INTO %s (name, part, files, rows) VALUES ", memory);
		else
			buf_str(sql, ", ");
		buf_char(sql, '(');
		add_literal(sql, name);
		buf_str(sql, ", ");
		add_literal(sql, part->name);
		buf_str(sql, ", ");
		add_literal(sql, part->files);
		buf_printf(sql, ", %lld)", (long long)part->rows);
	}
	if (n > 0) buf_str(sql, ";\n");
}
