/* Any text as a condition of --where on a table of every type: refused in words, or one whose value is of its column's type, reads back from
 * its own text, and holds for the file whose bounds are that value. */
#include "base/arena.h"
#include "fuzz.h"
#include "table/read/predicate.h"

enum { N_COLUMNS = 11 };
static const struct delta_column columns[N_COLUMNS] = {
	{.def = {.name = "flag", .type = COL_BOOL}, .supported = true, .type_text = "boolean"},
	{.def = {.name = "n", .type = COL_INT32}, .supported = true, .type_text = "integer"},
	{.def = {.name = "size_kb", .type = COL_INT64}, .supported = true, .type_text = "long"},
	{.def = {.name = "ratio", .type = COL_FLOAT}, .supported = true, .type_text = "float"},
	{.def = {.name = "score", .type = COL_DOUBLE}, .supported = true, .type_text = "double"},
	{.def = {.name = "pqrs_type", .type = COL_STRING}, .supported = true, .type_text = "string"},
	{.def = {.name = "closed at", .type = COL_TIMESTAMP}, .supported = true, .type_text = "timestamp"},
	{.def = {.name = "bytes", .type = COL_BINARY}, .supported = true, .type_text = "binary"},
	{.def = {.name = "day", .type = COL_DATE}, .supported = true, .type_text = "date"},
	{.def = {.name = "cost", .type = COL_DECIMAL, .precision = 18, .scale = 2},
		.supported = true,
		.type_text = "decimal(18,2)"},
	{.def = {.name = "nested"}, .supported = false, .type_text = "{}"},
};

static bool takes_value(enum delta_op op)
{
	return op != DELTA_IS_NULL && op != DELTA_NOT_NULL;
}

/* A file of one row, which has the value: whatever is asked of equality, pruning may not leave it out. */
static void check_pruning(const struct column_def *def, struct delta_condition c)
{
	const bool ordered = def->type != COL_BOOL && def->type != COL_BINARY;
	const struct delta_column_stats only = {.has_min = ordered,
		.has_max = ordered,
		.has_null_count = true,
		.min = c.value,
		.max = c.value,
		.null_count = 0};
	const bool nan = c.value.f64 != c.value.f64;
	if (nan) return;
	for (c.op = DELTA_EQ; c.op <= DELTA_GE; c.op++) {
		const bool holds = c.op == DELTA_EQ || c.op == DELTA_LE || c.op == DELTA_GE;
		ASSERT(!holds || delta_stats_may_match(def, &c, &only, 1));
	}
}

/* The column in its quotes, the operator and the value's text in its own: the same condition. */
static void check_again(const struct delta_schema *s, const struct delta_condition *c, struct arena *arena)
{
	static const char *const ops[] = {[DELTA_EQ] = "=",
		[DELTA_NE] = "!=",
		[DELTA_LT] = "<",
		[DELTA_LE] = "<=",
		[DELTA_GT] = ">",
		[DELTA_GE] = ">="};
	const struct column_def *def = &s->columns[c->column].def;
	struct delta_condition again;
	struct buf value, text;
	struct err err = {0};
	buf_init(&value, 0);
	buf_init(&text, 0);
	if (def->type == COL_STRING || def->type == COL_BINARY)
		buf_add(&value, c->value.text.p, c->value.text.n);
	else
		delta_value_text(&value, def, &c->value);
	buf_printf(&text, "\"%s\" %s '", def->name, ops[c->op]);
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == '\'') buf_char(&text, '\'');
		buf_char(&text, (char)value.p[i]);
	}
	buf_char(&text, '\'');
	ASSERT(buf_check(&text, NULL) == OK);
	ASSERT(delta_condition_parse(s, (struct str){(const char *)text.p, text.n}, arena, &again, &err) == OK);
	ASSERT(again.column == c->column && again.op == c->op);
	ASSERT(c->value.f64 != c->value.f64 || delta_value_cmp(def, &again.value, &c->value) == 0);
	buf_deinit(&text);
	buf_deinit(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct delta_column copy[N_COLUMNS];
	const struct delta_schema schema = {copy, N_COLUMNS};
	struct delta_condition c;
	struct arena arena;
	struct err err = {0};
	memcpy(copy, columns, sizeof copy);
	arena_init(&arena, 0);
	const status code = delta_condition_parse(&schema, (struct str){(const char *)data, size}, &arena, &c, &err);
	ASSERT(code == OK || code == E_USAGE || code == E_UNSUPPORTED);
	ASSERT(code == OK || err.message[0] != '\0');
	if (code == OK) {
		ASSERT(c.column >= 0 && c.column < N_COLUMNS && c.op <= DELTA_NOT_NULL);
		const struct column_def *def = &schema.columns[c.column].def;
		if (takes_value(c.op)) {
			ASSERT(schema.columns[c.column].supported && !c.value.null);
			check_pruning(def, c);
			check_again(&schema, &c, &arena);
		}
	}
	arena_deinit(&arena);
	return 0;
}
