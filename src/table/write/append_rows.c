/* table/write/append_rows.c: rows of a stream to the writers of their partitions.
 *
 * Each row belongs to one group, told by the texts of its partition values, and its writer gets the group's rows in their order. When what is
 * pending takes over memory_max, the largest group's files are finished. Must not know the log.
 */
#include "base/alloc.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/vec.h"
#include "io/utf8.h"
#include "table/write/append_int.h"

enum { SLOTS_MIN = 64 };

/* ---- columns of the stream as those of the table ---- */

static int64_t count_nulls(const struct column *c)
{
	int64_t n = 0;
	if (c->validity == NULL) return 0;
	if (c->n_null >= 0) return c->n_null;
	for (int64_t i = 0; i < c->n; i++) n += !bit_get(c->validity, i);
	return n;
}

static status null_column(
	struct append *a, const struct column_def *def, int64_t n, struct column *out, struct err *err)
{
	void *zeros = arena_zalloc(&a->batch, (size_t)(n + 1) * 8, 8);
	struct column *children = ARENA_ZNEW(&a->batch, struct column, def->n_children + 1);
	if (zeros == NULL || children == NULL) return fail_nomem(err);
	for (size_t i = 0; i < def->n_children; i++)
		TRY(null_column(a, &def->children[i], def->type == COL_STRUCT ? n : 0, &children[i], err));
	*out = (struct column){.type = def->type,
		.precision = def->precision,
		.scale = def->scale,
		.n = n,
		.n_null = n,
		.validity = zeros,
		.values = zeros,
		.offsets = zeros,
		.data = zeros,
		.children = children,
		.n_children = def->n_children};
	return OK;
}

/* A text that is no UTF-8 would make the log, or what other readers make of the file, unreadable. Looked at all together first; offsets that
 * cut a character in two are found by the second look. */
static status check_texts(
	const struct append *a, const struct append_column *c, const struct column *texts, struct err *err)
{
	const struct column *of = texts->dict != NULL ? texts->dict : texts;
	for (size_t i = 0; i < texts->n_children; i++) TRY(check_texts(a, c, &texts->children[i], err));
	if (texts->type != COL_STRING) return OK;
	for (int64_t i = 0; i < of->n; i++) {
		const struct str s = {
			(const char *)of->data + of->offsets[i], (size_t)(of->offsets[i + 1] - of->offsets[i])};
		if (!column_valid(of, i) || utf8_valid(s.p, s.n)) continue;
		return fail(err, E_USAGE,
			"column %s of table %s takes texts in UTF-8, and the rows have another at row %lld",
			c->def.name, a->root, (long long)i);
	}
	return OK;
}

static status take_column(
	struct append *a, const struct append_column *c, const struct batch *in, struct column *out, struct err *err)
{
	if (c->source < 0) return null_column(a, &c->def, in->n_rows, out, err);
	*out = in->columns[c->source];
	out->precision = c->def.precision;
	out->scale = c->def.scale;
	if (!c->def.nullable && count_nulls(out) > 0)
		return fail(err, E_USAGE, "column %s of table %s takes no nulls, and the rows have %lld of them",
			c->def.name, a->root, (long long)count_nulls(out));
	TRY(check_texts(a, c, out, err));
	if (out->type == c->def.type) return OK;
	ASSERT(out->type == COL_INT32 && c->def.type == COL_INT64);
	int64_t *wide = ARENA_NEW(&a->batch, int64_t, out->n + 1);
	if (wide == NULL) return fail_nomem(err);
	for (int64_t i = 0; i < out->n; i++) wide[i] = ((const int32_t *)out->values)[i];
	out->type = COL_INT64;
	out->values = wide;
	return OK;
}

/* ---- groups ---- */

static bool slots_grow(struct append *a)
{
	const uint32_t n = a->slots == NULL ? SLOTS_MIN : (a->slots_mask + 1) * 2;
	uint32_t *slots = mem_zalloc(n, sizeof *slots);
	if (slots == NULL) return false;
	mem_free(a->slots);
	a->slots = slots;
	a->slots_mask = n - 1;
	for (size_t i = 0; i < a->groups.n; i++) {
		uint32_t at = (uint32_t)hash_xxh3(a->groups.items[i].key.p, a->groups.items[i].key.n) & a->slots_mask;
		while (slots[at] != 0) at = (at + 1) & a->slots_mask;
		slots[at] = (uint32_t)i + 1;
	}
	return true;
}

/* Room for one more group; at least half of the slots stay free. */
static bool groups_room(struct append *a)
{
	const bool free_slots = a->slots != NULL && 2 * (a->groups.n + 1) <= (size_t)a->slots_mask + 1;
	return VEC_ROOM(&a->groups, 1) && (free_slots || slots_grow(a));
}

static bool group_init(struct append *a, const struct str *values, struct append_group *g)
{
	struct delta_pair *pairs = ARENA_ZNEW(&a->arena, struct delta_pair, a->n_partition);
	const char *key = arena_strndup(&a->arena, (const char *)a->key.p, a->key.n);
	if (pairs == NULL || key == NULL) return false;
	for (size_t i = 0; i < a->n_partition; i++) {
		pairs[i].key = str_of(a->partition[i].def.name);
		if (values[i].n == 0) continue; /* null; and the empty string, which the format cannot tell from it */
		pairs[i].value = (struct str){arena_strndup(&a->arena, values[i].p, values[i].n), values[i].n};
		if (pairs[i].value.p == NULL) return false;
	}
	*g = (struct append_group){.key = {key, a->key.n}, .partition = {pairs, a->n_partition}};
	return true;
}

static struct delta_value value_at(const struct column *c, int64_t row)
{
	struct delta_value v = {.null = !column_valid(c, row)};
	if (v.null) return v;
	switch (c->type) {
	case COL_BOOL: v.i64 = bit_get(c->values, row); break;
	case COL_INT32:
	case COL_DATE: v.i64 = ((const int32_t *)c->values)[row]; break;
	case COL_INT64:
	case COL_TIMESTAMP:
	case COL_DECIMAL: v.i64 = ((const int64_t *)c->values)[row]; break;
	case COL_FLOAT: v.f64 = (double)((const float *)c->values)[row]; break;
	case COL_DOUBLE: v.f64 = ((const double *)c->values)[row]; break;
	case COL_STRING:
	case COL_BINARY: v.text = column_str(c, row); break;
	case COL_DECIMAL128:
	case COL_LIST:
	case COL_STRUCT:
	case COL_MAP: ASSERT(false); /* no partition column */
	}
	return v;
}

/* The group of a row; values live in a->text meanwhile. */
static status group_find(struct append *a, const struct column *partition, int64_t row, uint32_t *out, struct err *err)
{
	struct str values[TABLE_COLUMNS_MAX];
	size_t ends[TABLE_COLUMNS_MAX];
	buf_reset(&a->text);
	buf_reset(&a->key);
	for (size_t i = 0; i < a->n_partition; i++) {
		const struct delta_value v = value_at(&partition[i], row);
		if (!v.null) delta_value_text(&a->text, &a->partition[i].def, &v);
		ends[i] = a->text.n;
	}
	TRY(buf_check(&a->text, err));
	const char *text = a->text.p != NULL ? (const char *)a->text.p : ""; /* all of them may be empty */
	for (size_t i = 0; i < a->n_partition; i++) {
		const size_t from = i > 0 ? ends[i - 1] : 0;
		values[i] = (struct str){text + from, ends[i] - from};
		buf_add(&a->key, &values[i].n, sizeof values[i].n);
		buf_add(&a->key, values[i].p, values[i].n);
	}
	TRY(buf_check(&a->key, err));
	if (!groups_room(a)) return fail_nomem(err);
	const struct str key = {(const char *)a->key.p, a->key.n};
	uint32_t at = (uint32_t)hash_xxh3(key.p, key.n) & a->slots_mask;
	while (a->slots[at] != 0 && !str_eq(a->groups.items[a->slots[at] - 1].key, key)) at = (at + 1) & a->slots_mask;
	if (a->slots[at] == 0) {
		if (!group_init(a, values, &a->groups.items[a->groups.n])) return fail_nomem(err);
		a->slots[at] = (uint32_t)++a->groups.n;
	}
	*out = a->slots[at] - 1;
	return OK;
}

static bool same_value(const struct column *c, int64_t a, int64_t b)
{
	const struct delta_value x = value_at(c, a), y = value_at(c, b);
	if (x.null || y.null) return x.null && y.null;
	if (c->type == COL_STRING || c->type == COL_BINARY) return str_eq(x.text, y.text);
	return x.i64 == y.i64 && memcmp(&x.f64, &y.f64, sizeof x.f64) == 0;
}

/* group_of[row] for every row; runs of equal values are looked up once. */
static status group_rows(
	struct append *a, const struct column *partition, int64_t n, uint32_t *group_of, struct err *err)
{
	for (int64_t row = 0; row < n; row++) {
		bool same = row > 0;
		for (size_t i = 0; same && i < a->n_partition; i++) same = same_value(&partition[i], row - 1, row);
		if (same)
			group_of[row] = group_of[row - 1];
		else
			TRY(group_find(a, partition, row, &group_of[row], err));
	}
	return OK;
}

/* ---- writers ---- */

static status group_close(struct append *a, struct append_group *g, struct err *err)
{
	const struct delta_add *files = NULL;
	size_t n = 0;
	if (g->writer == NULL) return OK;
	status code = delta_writer_finish(g->writer, &files, &n, err);
	for (size_t i = 0; code == OK && i < n; i++) code = delta_txn_add(a->txn, &files[i], err);
	delta_writer_destroy(g->writer);
	g->writer = NULL;
	return code;
}

static status close_largest(struct append *a, struct err *err)
{
	for (;;) {
		struct append_group *largest = NULL;
		size_t total = 0, most = 0;
		for (size_t i = 0; i < a->groups.n; i++) {
			if (a->groups.items[i].writer == NULL) continue;
			const size_t bytes = delta_writer_pending(a->groups.items[i].writer);
			total += bytes;
			if (bytes < most) continue;
			most = bytes;
			largest = &a->groups.items[i];
		}
		if (total <= a->memory_max || largest == NULL) return OK;
		TRY(group_close(a, largest, err));
	}
}

static status group_add(struct append *a, struct append_group *g, const struct batch *b, struct err *err)
{
	if (g->writer == NULL) {
		struct delta_writer_opts opts = a->writer_opts;
		opts.partition = g->partition;
		TRY(delta_writer_create(a->store, a->root, &a->files, &opts, &g->writer, err));
	}
	return delta_writer_add(g->writer, b, &(struct parquet_rows){.rows = g->rows, .n = g->n}, err);
}

/* The rows of b to the writers of their groups, in order. */
static status spread(struct append *a, const struct batch *b, const uint32_t *group_of, struct err *err)
{
	uint32_t *rows = ARENA_NEW(&a->batch, uint32_t, b->n_rows + 1);
	if (rows == NULL) return fail_nomem(err);
	for (size_t i = 0; i < a->groups.n; i++) a->groups.items[i].n = 0;
	for (int64_t row = 0; row < b->n_rows; row++) a->groups.items[group_of[row]].n++;
	for (size_t i = 0; i < a->groups.n; i++) {
		a->groups.items[i].rows = rows;
		rows += a->groups.items[i].n;
		a->groups.items[i].n = 0;
	}
	for (int64_t row = 0; row < b->n_rows; row++) {
		struct append_group *g = &a->groups.items[group_of[row]];
		g->rows[g->n++] = (uint32_t)row;
	}
	for (size_t i = 0; i < a->groups.n; i++)
		if (a->groups.items[i].n > 0) TRY(group_add(a, &a->groups.items[i], b, err));
	return close_largest(a, err);
}

status append_batch(struct append *a, const struct batch *in, struct err *err)
{
	struct column *columns = ARENA_ZNEW(&a->batch, struct column, a->n_columns + a->n_partition);
	uint32_t *group_of = ARENA_ZNEW(&a->batch, uint32_t, in->n_rows + 1);
	if (columns == NULL || group_of == NULL) return fail_nomem(err);
	if (in->n_rows == 0) return OK;
	struct column *partition = columns + a->n_columns;
	for (size_t i = 0; i < a->n_columns; i++) TRY(take_column(a, &a->columns[i], in, &columns[i], err));
	for (size_t i = 0; i < a->n_partition; i++) TRY(take_column(a, &a->partition[i], in, &partition[i], err));
	TRY(group_rows(a, partition, in->n_rows, group_of, err));
	a->n_rows += (uint64_t)in->n_rows;
	const struct batch b = {
		.schema = &a->files, .n_columns = a->n_columns, .columns = columns, .n_rows = in->n_rows};
	return spread(a, &b, group_of, err);
}

status append_finish(struct append *a, struct err *err)
{
	for (size_t i = 0; i < a->groups.n; i++) TRY(group_close(a, &a->groups.items[i], err));
	return OK;
}

void append_rows_deinit(struct append *a)
{
	for (size_t i = 0; i < a->groups.n; i++) delta_writer_destroy(a->groups.items[i].writer);
	mem_free(a->groups.items);
	mem_free(a->slots);
}
