/* control/sqlite_changes.c: what of a published table differs from what it is told.
 *
 * The rows that may change are read once, as hashes: of the key, to find a row again, and of the rest but run_id, to tell whether it is
 * the same. A given row is hashed as SQLite would store it and give it back, so that one that is the same costs no statement. Keys are
 * taken for one with a probability of n^2 / 2^129. A table without a key has all its columns as the key. 32 bytes a row, and as much
 * again at most for free slots; open addressing by linear probing, never full.
 */
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/thread.h"
#include "control/sqlite_int.h"
#include "io/utf8.h"

enum { CANCEL_ROWS = 8192, SLOTS_MIN = 1024, SQL_BYTES_MAX = 1 << 20 };
#define ROW_FREE INT64_MIN       /* no row's number: these count from 1 */
#define ROW_SEEN (INT64_MIN + 1) /* it was given again */

struct slot {
	uint64_t key[2], rest;
	int64_t row;
};
struct sqlite_changes {
	const struct table_schema *schema;
	bool keyed;
	struct slot *slots; /* [n_slots] */
	size_t n_slots, n;
	struct buf key, rest; /* of the row at hand */
};

/* ---- values as bytes ---------------------------------------------------------------------------------------------------- */

static void add_value(struct buf *out, char kind, const void *p, size_t n)
{
	buf_char(out, kind);
	buf_add(out, &n, sizeof n);
	buf_add(out, p, n);
}

static void add_text(struct buf *out, struct str s)
{
	if (utf8_text_prefix(s) == s.n) {
		add_value(out, 't', s.p, s.n);
		return;
	}
	struct buf mended;
	buf_init(&mended, 0);
	utf8_text_mend(&mended, s);
	add_value(out, 't', mended.p, mended.n);
	out->failed |= mended.failed;
	buf_deinit(&mended);
}

static void add_int(struct buf *out, int64_t v)
{
	add_value(out, 'i', &v, sizeof v);
}

/* SQLite knows neither NaN, which is null there, nor a zero with a sign. */
static void add_real(struct buf *out, double v)
{
	v += 0.0;
	if (v == v)
		add_value(out, 'r', &v, sizeof v);
	else
		add_value(out, 'n', NULL, 0);
}

static void add_given(struct buf *out, const struct column *c, int64_t row)
{
	char text[TIME_RFC3339_CHARS];
	double divisor = 1;
	if (!column_valid(c, row)) {
		add_value(out, 'n', NULL, 0);
		return;
	}
	switch (c->type) {
	case COL_STRING: add_text(out, column_str(c, row)); break;
	case COL_BINARY: add_value(out, 'b', column_str(c, row).p, column_str(c, row).n); break;
	case COL_BOOL: add_int(out, bit_get(c->values, row)); break;
	case COL_INT32: add_int(out, ((const int32_t *)c->values)[row]); break;
	case COL_INT64: add_int(out, ((const int64_t *)c->values)[row]); break;
	case COL_FLOAT: add_real(out, (double)((const float *)c->values)[row]); break;
	case COL_DOUBLE: add_real(out, ((const double *)c->values)[row]); break;
	case COL_DATE:
		date_format(((const int32_t *)c->values)[row], text);
		add_value(out, 't', text, DATE_CHARS);
		break;
	case COL_TIMESTAMP:
		time_format(((const int64_t *)c->values)[row], text);
		add_value(out, 't', text, TIME_RFC3339_CHARS);
		break;
	case COL_DECIMAL:
		for (int k = 0; k < c->scale; k++) divisor *= 10;
		add_real(out, (double)((const int64_t *)c->values)[row] / divisor);
		break;
	case COL_DECIMAL128:
	case COL_LIST:
	case COL_STRUCT:
	case COL_MAP: ASSERT(false); /* no table of ours has one */
	}
}

/* A value of another kind than its column's was put there by somebody else: it differs from any. */
static void add_standing(struct buf *out, enum col_type type, struct sqlite3_stmt *stmt, int i)
{
	const int kind = sqlite3_column_type(stmt, i);
	const bool real = type == COL_DECIMAL || type == COL_FLOAT || type == COL_DOUBLE;
	if (kind == SQLITE_NULL)
		add_value(out, 'n', NULL, 0);
	else if (kind == SQLITE_TEXT)
		add_value(out, 't', sqlite3_column_text(stmt, i), (size_t)sqlite3_column_bytes(stmt, i));
	else if (kind == SQLITE_BLOB)
		add_value(out, 'b', sqlite3_column_blob(stmt, i), (size_t)sqlite3_column_bytes(stmt, i));
	else if (real)
		add_real(out, sqlite3_column_double(stmt, i));
	else if (kind == SQLITE_INTEGER)
		add_int(out, sqlite3_column_int64(stmt, i));
	else
		add_value(out, 'x', NULL, 0);
}

/* Where a column's bytes go; NULL: nowhere, it is run_id. */
static struct buf *side(struct sqlite_changes *c, const struct column_def *column)
{
	if (strcmp(column->name, "run_id") == 0) return NULL;
	return column->key || !c->keyed ? &c->key : &c->rest;
}

static struct slot hash_row(struct sqlite_changes *c)
{
	struct slot made = {.row = ROW_FREE};
	uint8_t bytes[XXH128_BYTES];
	hash_xxh128(c->key.p, c->key.n, bytes);
	memcpy(made.key, bytes, sizeof made.key);
	made.rest = hash_xxh3(c->rest.p, c->rest.n);
	return made;
}

/* ---- the rows that stand ------------------------------------------------------------------------------------------------ */

static struct slot *free_slot(struct slot *slots, size_t n_slots, const struct slot *row)
{
	size_t at = (size_t)(((unsigned __int128)row->key[0] * n_slots) >> 64);
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

static status note_row(void *arg, struct sqlite3_stmt *stmt, struct err *err)
{
	struct sqlite_changes *c = arg;
	if (c->n % CANCEL_ROWS == 0) TRY(cancel_check(err));
	if (c->n + 1 > c->n_slots / 4 * 3) TRY(grow(c, err));
	buf_reset(&c->key);
	buf_reset(&c->rest);
	for (size_t i = 0; i < c->schema->n_columns; i++) {
		struct buf *out = side(c, &c->schema->columns[i]);
		if (out != NULL) add_standing(out, c->schema->columns[i].type, stmt, (int)i + 1);
	}
	TRY(buf_check(&c->key, err));
	TRY(buf_check(&c->rest, err));
	struct slot made = hash_row(c);
	made.row = sqlite_col_i64(stmt, 0, 0);
	*free_slot(c->slots, c->n_slots, &made) = made;
	c->n++;
	return OK;
}

static status load(struct sqlite_changes *c, struct control_sqlite *s, const struct control_table *t,
	const struct sqlite_rows *among, struct err *err)
{
	const struct sqlite_arg args[] = {sqlite_int(among->first), sqlite_int(among->last)};
	struct buf sql;
	buf_init(&sql, SQL_BYTES_MAX);
	buf_str(&sql, "SELECT g.rowid");
	for (size_t i = 0; i < t->schema->n_columns; i++) buf_printf(&sql, ", g.\"%s\"", t->schema->columns[i].name);
	buf_printf(&sql, " FROM \"%s_%s\" AS g WHERE g.rowid BETWEEN ? AND ?", t->schema->layer, t->schema->name);
	control_sql_changing(&sql, t);
	buf_char(&sql, '\0');
	status code = buf_check(&sql, err);
	const struct sqlite_select q = {(const char *)sql.p, args, 2};
	if (code == OK) code = sqlite_each(s, &q, note_row, c, err);
	buf_deinit(&sql);
	return code;
}

status sqlite_changes_open(struct control_sqlite *s, const struct control_table *t, const struct sqlite_rows *among,
	struct sqlite_changes **out, struct err *err)
{
	struct sqlite_changes *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) return fail_nomem(err);
	c->schema = t->schema;
	for (size_t i = 0; i < t->schema->n_columns; i++) c->keyed |= t->schema->columns[i].key;
	buf_init(&c->key, 0);
	buf_init(&c->rest, 0);
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
	buf_deinit(&c->key);
	buf_deinit(&c->rest);
	mem_free(c);
}

/* ---- the rows that are given ---------------------------------------------------------------------------------------------- */

status sqlite_changes_match(
	struct sqlite_changes *c, const struct sqlite_given *g, struct sqlite_match *out, struct err *err)
{
	const struct batch *b = g->batch;
	buf_reset(&c->key);
	buf_reset(&c->rest);
	for (size_t i = 0; i < c->schema->n_columns; i++) {
		struct buf *to = side(c, &c->schema->columns[i]);
		if (to == NULL) continue;
		if (i < b->n_columns)
			add_given(to, &b->columns[i], g->row);
		else
			add_text(to, str_of(g->partitions[i - b->n_columns]));
	}
	TRY(buf_check(&c->key, err));
	TRY(buf_check(&c->rest, err));
	const struct slot row = hash_row(c);
	*out = (struct sqlite_match){.kind = SQLITE_ROW_NEW};
	for (size_t at = (size_t)(((unsigned __int128)row.key[0] * c->n_slots) >> 64); c->slots[at].row != ROW_FREE;
		at = at + 1 < c->n_slots ? at + 1 : 0) {
		struct slot *s = &c->slots[at];
		if (s->row == ROW_SEEN || s->key[0] != row.key[0] || s->key[1] != row.key[1]) continue;
		*out = (struct sqlite_match){s->rest == row.rest ? SQLITE_ROW_SAME : SQLITE_ROW_OTHER, s->row};
		s->row = ROW_SEEN;
		return OK;
	}
	return OK;
}

status sqlite_changes_rest(const struct sqlite_changes *c, status (*visit)(void *arg, int64_t row, struct err *err),
	void *arg, struct err *err)
{
	for (size_t i = 0; i < c->n_slots; i++) {
		if (c->slots[i].row != ROW_FREE && c->slots[i].row != ROW_SEEN) TRY(visit(arg, c->slots[i].row, err));
	}
	return OK;
}
