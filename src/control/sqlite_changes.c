/* control/sqlite_changes.c: what of a published table differs from what it is told.
 *
 * The rows that may change are read once, as hashes (row_hash.h). A given row is hashed as SQLite would store it and give it back, so that
 * one that is the same costs no statement. 32 bytes a row, and as much again at most for free slots; open addressing by linear probing,
 * never full.
 */
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/thread.h"
#include "control/sqlite_int.h"

enum { CANCEL_ROWS = 8192, SLOTS_MIN = 1024, SQL_BYTES_MAX = 1 << 20 };
#define ROW_FREE INT64_MIN       /* no row's number: these count from 1 */
#define ROW_SEEN (INT64_MIN + 1) /* it was given again */

struct slot {
	struct row_hash hash;
	int64_t row;
};
struct sqlite_changes {
	const struct table_schema *schema;
	enum row_side sides[TABLE_COLUMNS_MAX];
	struct slot *slots; /* [n_slots] */
	size_t n_slots, n;
};

/* ---- a row that stands -------------------------------------------------------------------------------------------------- */

/* A day or an instant in the form that we write; another text of the same one is another value. */
static struct row_value standing_text(enum col_type type, struct str s)
{
	char text[TIME_RFC3339_CHARS];
	int32_t date;
	int64_t us;
	if (type == COL_DATE && date_parse(s, &date)) return row_value_date(date);
	if (type == COL_TIMESTAMP && s.n == sizeof text && time_parse(s, &us)) {
		time_format(us, text);
		if (memcmp(text, s.p, sizeof text) == 0) return row_value_time(us);
	}
	return row_value_text(s);
}

/* A value of another kind than its column's was put there by somebody else: it differs from any. */
static struct row_value standing_value(enum col_type type, struct sqlite3_stmt *stmt, int i)
{
	const bool real = type == COL_DECIMAL || type == COL_FLOAT || type == COL_DOUBLE;
	const bool text = type == COL_STRING || type == COL_DATE || type == COL_TIMESTAMP;
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_NULL: return row_value_null();
	case SQLITE_TEXT: return text ? standing_text(type, sqlite_col_str(stmt, i)) : row_value_strange();
	case SQLITE_BLOB:
		return row_value_bytes(
			(struct str){sqlite3_column_blob(stmt, i), (size_t)sqlite3_column_bytes(stmt, i)});
	case SQLITE_INTEGER:
		if (!real && !text) return row_value_int(sqlite3_column_int64(stmt, i));
		break;
	default: break;
	}
	return real ? row_value_real(sqlite3_column_double(stmt, i)) : row_value_strange();
}

/* ---- the rows that stand ------------------------------------------------------------------------------------------------ */

static size_t first_slot(const struct row_hash *h, size_t n_slots)
{
	return (size_t)(((unsigned __int128)h->key[0] * n_slots) >> 64);
}

static struct slot *free_slot(struct slot *slots, size_t n_slots, const struct slot *row)
{
	size_t at = first_slot(&row->hash, n_slots);
	while (slots[at].row != ROW_FREE) at = at + 1 < n_slots ? at + 1 : 0;
	return &slots[at];
}

static status grow(struct sqlite_changes *c, struct err *err)
{
	const size_t n_slots = c->n_slots == 0 ? SLOTS_MIN : 2 * c->n_slots;
	struct slot *slots = mem_zalloc(n_slots, sizeof *slots);
	if (slots == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n_slots; i++) slots[i].row = ROW_FREE;
	for (size_t i = 0; i < c->n_slots; i++) {
		if (c->slots[i].row != ROW_FREE) *free_slot(slots, n_slots, &c->slots[i]) = c->slots[i];
	}
	mem_free(c->slots);
	c->slots = slots;
	c->n_slots = n_slots;
	return OK;
}

static status note_row(void *arg, const struct sql_row *row, struct err *err)
{
	struct sqlite_changes *c = arg;
	struct sqlite3_stmt *stmt = row->result;
	if (c->n % CANCEL_ROWS == 0) TRY(cancel_check(err));
	if (c->n + 1 > c->n_slots / 4 * 3) TRY(grow(c, err));
	struct slot made;
	row_hash_init(&made.hash);
	for (size_t i = 0; i < c->schema->n_columns; i++) {
		if (c->sides[i] == ROW_NOWHERE) continue;
		row_hash_add(&made.hash, c->sides[i], standing_value(c->schema->columns[i].type, stmt, (int)i + 1));
	}
	made.row = sqlite_col_i64(stmt, 0, 0);
	*free_slot(c->slots, c->n_slots, &made) = made;
	c->n++;
	return OK;
}

static status load(struct sqlite_changes *c, struct control_sqlite *s, const struct control_table *t,
	const struct sqlite_rows *among, struct err *err)
{
	const struct sql_arg args[] = {sql_int(among->first), sql_int(among->last)};
	struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	buf_str(&sql, "SELECT g.rowid");
	for (size_t i = 0; i < t->schema->n_columns; i++) buf_printf(&sql, ", g.\"%s\"", t->schema->columns[i].name);
	buf_printf(&sql, " FROM \"%s_%s\" AS g WHERE g.rowid BETWEEN ? AND ?", t->schema->layer, t->schema->name);
	control_sql_changing(&sql, t);
	buf_char(&sql, '\0');
	status code = buf_check(&sql, err);
	const struct sql_stmt q = {(const char *)sql.p, args, 2};
	if (code == OK) code = sql_each(&s->base, &q, note_row, c, err);
	buf_deinit(&sql);
	return code;
}

status sqlite_changes_open(struct control_sqlite *s, const struct control_table *t, const struct sqlite_rows *among,
	struct sqlite_changes **out, struct err *err)
{
	struct sqlite_changes *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) return fail_nomem(err);
	c->schema = t->schema;
	ASSERT(t->schema->n_columns <= TABLE_COLUMNS_MAX);
	for (size_t i = 0; i < t->schema->n_columns; i++) c->sides[i] = row_hash_side(t->schema, i);
	status code = grow(c, err);
	if (code == OK) code = load(c, s, t, among, err);
	if (code != OK) {
		sqlite_changes_close(c);
		return code;
	}
	*out = c;
	return OK;
}

void sqlite_changes_close(struct sqlite_changes *c)
{
	if (c == NULL) return;
	mem_free(c->slots);
	mem_free(c);
}

/* ---- the rows that are given ---------------------------------------------------------------------------------------------- */

struct sqlite_match sqlite_changes_match(struct sqlite_changes *c, const struct row_hash *given)
{
	for (size_t at = first_slot(given, c->n_slots); c->slots[at].row != ROW_FREE;
		at = at + 1 < c->n_slots ? at + 1 : 0) {
		struct slot *s = &c->slots[at];
		if (s->row == ROW_SEEN || memcmp(s->hash.key, given->key, sizeof given->key) != 0) continue;
		const struct sqlite_match found = {
			s->hash.rest == given->rest ? SQLITE_ROW_SAME : SQLITE_ROW_OTHER, s->row};
		s->row = ROW_SEEN;
		return found;
	}
	return (struct sqlite_match){.kind = SQLITE_ROW_NEW};
}

status sqlite_changes_rest(const struct sqlite_changes *c, status (*visit)(void *arg, int64_t row, struct err *err),
	void *arg, struct err *err)
{
	for (size_t i = 0; i < c->n_slots; i++) {
		if (c->slots[i].row != ROW_FREE && c->slots[i].row != ROW_SEEN) TRY(visit(arg, c->slots[i].row, err));
	}
	return OK;
}
