/* table/read/predicate.c: conditions from text, and what they leave of files, row groups and rows.
 *
 * Leaving out needs proof: what statistics don't tell may match. NaN is unequal to everything and neither below nor above it, and null
 * satisfies nothing but `is null`.
 */
#include "table/read/predicate.h"

#include <math.h>
#include <strings.h>

#include "base/time.h"

/* ---- the text of a condition ---- */

struct cursor {
	const char *p, *end;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_spaces(struct cursor *c)
{
	while (c->p < c->end && is_space(*c->p)) c->p++;
}

/* A column: a word, or any text between double quotes. */
static struct str take_name(struct cursor *c)
{
	skip_spaces(c);
	const char *from = c->p;
	if (from < c->end && *from == '"') {
		const char *close = memchr(from + 1, '"', (size_t)(c->end - from - 1));
		if (close == NULL) return (struct str){from, 0};
		c->p = close + 1;
		return (struct str){from + 1, (size_t)(close - from - 1)};
	}
	while (c->p < c->end && !is_space(*c->p) && memchr("=<>!", *c->p, 4) == NULL) c->p++;
	return (struct str){from, (size_t)(c->p - from)};
}

static bool take(struct cursor *c, const char *symbol)
{
	const size_t n = strlen(symbol);
	if ((size_t)(c->end - c->p) < n || memcmp(c->p, symbol, n) != 0) return false;
	c->p += n;
	return true;
}

static bool take_word(struct cursor *c, const char *word)
{
	const size_t n = strlen(word);
	skip_spaces(c);
	if ((size_t)(c->end - c->p) < n || strncasecmp(c->p, word, n) != 0) return false;
	if ((size_t)(c->end - c->p) > n && !is_space(c->p[n])) return false;
	c->p += n;
	return true;
}

static bool take_op(struct cursor *c, enum delta_op *op)
{
	static const struct {
		const char *symbol;
		enum delta_op op;
	} ops[] = {{"==", DELTA_EQ}, {"=", DELTA_EQ}, {"!=", DELTA_NE}, {"<>", DELTA_NE}, {"<=", DELTA_LE},
		{">=", DELTA_GE}, {"<", DELTA_LT}, {">", DELTA_GT}};
	skip_spaces(c);
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		if (!take(c, ops[i].symbol)) continue;
		*op = ops[i].op;
		return true;
	}
	if (!take_word(c, "is")) return false;
	*op = take_word(c, "not") ? DELTA_NOT_NULL : DELTA_IS_NULL;
	return take_word(c, "null");
}

static status unknown_column(const struct delta_schema *s, struct str name, struct err *err)
{
	const char *near = NULL;
	size_t best = 4; /* further off is another word, not a slip */
	for (size_t i = 0; i < s->n; i++) {
		const size_t d = str_distance(name, str_of(s->columns[i].def.name));
		if (d >= best) continue;
		best = d;
		near = s->columns[i].def.name;
	}
	if (near == NULL)
		return err_advise(
			err, fail(err, E_USAGE, "no column \"%.*s\"", (int)name.n, name.p), ADVICE_COLUMNS, NULL);
	return fail(err, E_USAGE, "no column \"%.*s\"; did you mean \"%s\"?", (int)name.n, name.p, near);
}

/* The value's text without quotes, in arena. */
static status take_value(struct cursor *c, struct arena *arena, struct str *out, bool *quoted, struct err *err)
{
	skip_spaces(c);
	while (c->end > c->p && is_space(c->end[-1])) c->end--;
	const size_t n = (size_t)(c->end - c->p);
	char *text = arena_strndup(arena, c->p, n);
	if (text == NULL) return fail_nomem(err);
	*quoted = n > 0 && text[0] == '\'';
	*out = (struct str){text, n};
	if (!*quoted) return OK;
	size_t to = 0, from = 1;
	for (; from < n && (text[from] != '\'' || (from + 1 < n && text[from + 1] == '\'')); from++) {
		if (text[from] == '\'') from++;
		text[to++] = text[from];
	}
	if (from + 1 != n)
		return fail(err, E_USAGE, "condition: the quotes of %.*s do not close at its end", (int)n, c->p);
	*out = (struct str){text, to};
	return OK;
}

/* Of the types whose values are written in more than one way elsewhere. */
static const char *example_of(enum col_type type)
{
	switch (type) {
	case COL_DATE: return ", as 2025-09-01";
	case COL_TIMESTAMP: return ", as 2025-09-01 or 2025-09-01T12:00:00-05:00";
	case COL_BOOL: return ", as true or false";
	default: return "";
	}
}

static status parse_value(const struct delta_column *column, struct str text, struct delta_value *out, struct err *err)
{
	const struct column_def *def = &column->def;
	int32_t day;
	*out = (struct delta_value){0};
	if (def->type == COL_STRING || def->type == COL_BINARY) {
		out->text = text;
		return OK;
	}
	if (def->type == COL_TIMESTAMP && date_parse(text, &day)) { /* its midnight */
		out->i64 = day * US_PER_DAY;
		return OK;
	}
	const status code = text.n == 0 ? E_CORRUPT : delta_value_parse(def, text, out, NULL);
	if (code != OK)
		return fail(err, E_USAGE, "condition: \"%.*s\" is no value of column %s, which is %s%s", (int)text.n,
			text.p, def->name, column->type_text, example_of(def->type));
	if (def->type == COL_FLOAT) out->f64 = (double)(float)out->f64;
	return OK;
}

status delta_condition_parse(const struct delta_schema *s, struct str text, struct arena *arena,
	struct delta_condition *out, struct err *err)
{
	struct cursor c = {text.p, text.p + text.n};
	struct delta_condition made = {0};
	struct str value = {0};
	bool quoted = false;
	const struct str name = take_name(&c);
	if (name.n == 0)
		return fail(err, E_USAGE,
			"condition \"%.*s\": expected a column, an operator and a value, as in "
			"\"month >= 2025-10\"",
			(int)text.n, text.p);
	made.column = delta_schema_index(s, name);
	if (made.column < 0) return unknown_column(s, name, err);
	const struct delta_column *column = &s->columns[made.column];
	if (!column->supported)
		return fail(err, E_UNSUPPORTED, "unsupported: a condition on column %s of type %s", column->def.name,
			column->type_text);
	if (!take_op(&c, &made.op))
		return fail(err, E_USAGE, "condition \"%.*s\": expected one of = != < <= > >=, is null, is not null",
			(int)text.n, text.p);
	TRY(take_value(&c, arena, &value, &quoted, err));
	if (made.op == DELTA_IS_NULL || made.op == DELTA_NOT_NULL) {
		if (value.n > 0 || quoted)
			return fail(err, E_USAGE, "condition \"%.*s\": nothing may follow null", (int)text.n, text.p);
	} else {
		if (!quoted && value.n == 4 && strncasecmp(value.p, "null", 4) == 0)
			return fail(err, E_USAGE,
				"condition \"%.*s\": nothing compares with null; say is null or is not null",
				(int)text.n, text.p);
		if (!quoted && value.n == 0)
			return fail(err, E_USAGE, "condition \"%.*s\": no value", (int)text.n, text.p);
		TRY(parse_value(column, value, &made.value, err));
	}
	*out = made;
	return OK;
}

/* ---- files and row groups ---- */

/* NaN is neither below nor above anything, as IEEE 754 has it. */
static bool below(const struct column_def *def, const struct delta_value *a, const struct delta_value *b)
{
	if (def->type == COL_FLOAT || def->type == COL_DOUBLE) return a->f64 < b->f64;
	return delta_value_cmp(def, a, b) < 0;
}

bool delta_stats_may_match(const struct column_def *def, const struct delta_condition *c,
	const struct delta_column_stats *stats, int64_t rows)
{
	const bool is_float = def->type == COL_FLOAT || def->type == COL_DOUBLE;
	const bool all_null = rows >= 0 && stats->has_null_count && stats->null_count >= rows;
	const bool has_min = stats->has_min && !(is_float && isnan(stats->min.f64));
	const bool has_max = stats->has_max && !(is_float && isnan(stats->max.f64));
	const struct delta_value *min = &stats->min, *max = &stats->max, *v = &c->value;
	if (c->op == DELTA_IS_NULL) return !stats->has_null_count || stats->null_count != 0;
	if (all_null) return false;
	if (c->op == DELTA_NOT_NULL) return true;
	if (v->null) return false;
	switch (c->op) {
	case DELTA_EQ: return !(has_min && below(def, v, min)) && !(has_max && below(def, max, v));
	case DELTA_LT: return !has_min || below(def, min, v);
	case DELTA_LE: return !has_min || !below(def, v, min);
	case DELTA_GT: return !has_max || below(def, v, max);
	case DELTA_GE: return !has_max || !below(def, max, v);
	case DELTA_NE: /* a NaN is outside the bounds, and unequal */
		return is_float || !has_min || !has_max || delta_value_cmp(def, min, v) != 0 ||
		       delta_value_cmp(def, max, v) != 0;
	default: return true;
	}
}

/* A partition is one value for all rows: bounds that meet. */
static bool partition_may_match(
	const struct delta_column *column, const struct delta_add *file, const struct delta_condition *c)
{
	const struct delta_pair *pair = delta_pairs_get(&file->partition, str_of(column->def.name));
	struct delta_column_stats stats = {.has_null_count = true};
	if (pair == NULL || pair->value.p == NULL || pair->value.n == 0) {
		stats.null_count = 1;
	} else {
		if (delta_value_parse(&column->def, pair->value, &stats.min, NULL) != OK) return true;
		stats.max = stats.min;
		stats.has_min = stats.has_max = true;
	}
	return delta_stats_may_match(&column->def, c, &stats, 1);
}

/* Writers cut times to milliseconds (the format's "Per-file Statistics"): a maximum may be up to 999 us too low. */
static void widen_max(const struct column_def *def, struct delta_column_stats *stats)
{
	if (def->type != COL_TIMESTAMP || !stats->has_max || stats->max.i64 % 1000 != 0) return;
	if (__builtin_add_overflow(stats->max.i64, INT64_C(999), &stats->max.i64)) stats->max.i64 = INT64_MAX;
}

bool delta_file_may_match(const struct delta_snapshot *s, const struct delta_add *file,
	const struct delta_condition *where, size_t n, struct arena *scratch)
{
	size_t n_stats = 0;
	for (size_t i = 0; i < n; i++) {
		const struct delta_column *column = &s->schema.columns[where[i].column];
		if (column->partition_index < 0)
			n_stats++;
		else if (!partition_may_match(column, file, &where[i]))
			return false;
	}
	struct delta_file_stats stats;
	if (n_stats == 0 || file->stats.n == 0) return true;
	if (delta_stats_read(file->stats, &s->schema, scratch, &stats, NULL) != OK) return true;
	for (size_t i = 0; i < n; i++) {
		const struct delta_column *column = &s->schema.columns[where[i].column];
		if (column->partition_index >= 0) continue;
		struct delta_column_stats of = stats.columns[where[i].column];
		widen_max(&column->def, &of);
		if (!delta_stats_may_match(&column->def, &where[i], &of, stats.rows)) return false;
	}
	return true;
}

/* ---- rows ---- */

enum { BELOW = 1, EQUAL = 2, ABOVE = 4, UNORDERED = 8 };

static unsigned wanted(enum delta_op op)
{
	switch (op) {
	case DELTA_EQ: return EQUAL;
	case DELTA_NE: return BELOW | ABOVE | UNORDERED;
	case DELTA_LT: return BELOW;
	case DELTA_LE: return BELOW | EQUAL;
	case DELTA_GT: return ABOVE;
	case DELTA_GE: return ABOVE | EQUAL;
	default: return 0;
	}
}

#define KEEP(name, type)                                                                                \
	static size_t name(const struct column *c, type x, unsigned want, uint32_t *rows, size_t n)     \
	{                                                                                               \
		const type *values = c->values;                                                         \
		size_t kept = 0;                                                                        \
		for (size_t i = 0; i < n; i++) {                                                        \
			const uint32_t row = rows[i];                                                   \
			const type v = values[row];                                                     \
			const unsigned is = v < x ? BELOW : v > x ? ABOVE : v == x ? EQUAL : UNORDERED; \
			rows[kept] = row;                                                               \
			kept += (is & want) != 0 && column_valid(c, row);                               \
		}                                                                                       \
		return kept;                                                                            \
	}
KEEP(keep_i32, int32_t)
KEEP(keep_i64, int64_t)
KEEP(keep_f32, float)
KEEP(keep_f64, double)

static size_t keep_bool(const struct column *c, int64_t x, unsigned want, uint32_t *rows, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		const uint32_t row = rows[i];
		const int64_t v = bit_get(c->values, row);
		const unsigned is = v < x ? BELOW : v > x ? ABOVE : EQUAL;
		rows[kept] = row;
		kept += (is & want) != 0 && column_valid(c, row);
	}
	return kept;
}

static size_t keep_str(const struct column *c, struct str x, unsigned want, uint32_t *rows, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		const uint32_t row = rows[i];
		if (!column_valid(c, row)) continue;
		const int cmp = str_cmp(column_str(c, row), x);
		const unsigned is = cmp < 0 ? BELOW : cmp > 0 ? ABOVE : EQUAL;
		if ((is & want) != 0) rows[kept++] = row;
	}
	return kept;
}

static size_t keep_valid(const struct column *c, bool valid, uint32_t *rows, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		const uint32_t row = rows[i];
		rows[kept] = row;
		kept += column_valid(c, row) == valid;
	}
	return kept;
}

static size_t keep(const struct column *c, const struct delta_condition *where, uint32_t *rows, size_t n)
{
	const unsigned want = wanted(where->op);
	if (where->op == DELTA_IS_NULL || where->op == DELTA_NOT_NULL)
		return keep_valid(c, where->op == DELTA_NOT_NULL, rows, n);
	if (where->value.null) return 0;
	switch (c->type) {
	case COL_BOOL: return keep_bool(c, where->value.i64, want, rows, n);
	case COL_INT32:
	case COL_DATE: return keep_i32(c, (int32_t)where->value.i64, want, rows, n);
	case COL_INT64:
	case COL_TIMESTAMP:
	case COL_DECIMAL: return keep_i64(c, where->value.i64, want, rows, n);
	case COL_FLOAT: return keep_f32(c, (float)where->value.f64, want, rows, n);
	case COL_DOUBLE: return keep_f64(c, where->value.f64, want, rows, n);
	case COL_STRING:
	case COL_BINARY: return keep_str(c, where->value.text, want, rows, n);
	case COL_DECIMAL128:
	case COL_LIST:
	case COL_STRUCT:
	case COL_MAP: ASSERT(false); /* delta_condition_parse refuses them */
	}
	return n;
}

size_t delta_rows_match(const struct batch *b, const int *columns, const struct delta_condition *where, size_t n_where,
	uint32_t *rows, size_t n)
{
	for (size_t i = 0; i < n_where && n > 0; i++) {
		size_t k = 0;
		while (k < b->n_columns && columns[k] != where[i].column) k++;
		ASSERT(k < b->n_columns);
		n = keep(&b->columns[k], &where[i], rows, n);
	}
	return n;
}
