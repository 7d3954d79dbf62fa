/* tests/fuzz/fuzz_stats.c: any bytes as the stats of an add, against a schema of every type. What is given must be usable: bounds
 * of the column's type, counts that are none below 0. */
#include "base/alloc.h"
#include "fuzz.h"
#include "table/write/stats.h"

enum { N_COLUMNS = 11 };
static const struct delta_column columns[N_COLUMNS] = {
	{.def = {.name = "b", .type = COL_BOOL}, .supported = true, .type_text = "boolean"},
	{.def = {.name = "i", .type = COL_INT32}, .supported = true, .type_text = "integer"},
	{.def = {.name = "l", .type = COL_INT64}, .supported = true, .type_text = "long"},
	{.def = {.name = "f", .type = COL_FLOAT}, .supported = true, .type_text = "float"},
	{.def = {.name = "d", .type = COL_DOUBLE}, .supported = true, .type_text = "double"},
	{.def = {.name = "s", .type = COL_STRING}, .supported = true, .type_text = "string"},
	{.def = {.name = "t", .type = COL_TIMESTAMP}, .supported = true, .type_text = "timestamp"},
	{.def = {.name = "n", .type = COL_TIMESTAMP}, .supported = true, .type_text = "timestamp_ntz"},
	{.def = {.name = "y", .type = COL_DATE}, .supported = true, .type_text = "date"},
	{.def = {.name = "p", .type = COL_DECIMAL, .precision = 18, .scale = 2},
		.supported = true,
		.type_text = "decimal(18,2)"},
	{.def = {.name = "x"}, .supported = false, .type_text = "{}"},
};

static void check_bound(const struct column_def *def, const struct delta_value *v)
{
	uint8_t any = 0;
	ASSERT(!v->null && def->type != COL_BOOL && def->type != COL_BINARY);
	if (def->type == COL_INT32 || def->type == COL_DATE) ASSERT(v->i64 >= INT32_MIN && v->i64 <= INT32_MAX);
	if (def->type == COL_STRING) {
		for (size_t i = 0; i < v->text.n; i++) any |= (uint8_t)v->text.p[i];
	}
	ASSERT(any != 0 || any == 0);
	ASSERT(delta_value_cmp(def, v, v) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct delta_column copy[N_COLUMNS];
	const struct delta_schema schema = {copy, N_COLUMNS};
	struct delta_file_stats stats;
	struct arena arena;
	struct err err;
	memcpy(copy, columns, sizeof copy);
	arena_init(&arena, 0);
	const status code = delta_stats_read((struct str){(const char *)p, n}, &schema, &arena, &stats, &err);
	ASSERT(code == OK && stats.rows >= -1);
	for (int c = 0; c < N_COLUMNS; c++) {
		const struct delta_column_stats *s = &stats.columns[c];
		ASSERT(columns[c].supported || (!s->has_min && !s->has_max));
		if (s->has_min) check_bound(&columns[c].def, &s->min);
		if (s->has_max) check_bound(&columns[c].def, &s->max);
		ASSERT(!s->has_null_count || s->null_count >= 0);
	}
	arena_deinit(&arena);
	return 0;
}
