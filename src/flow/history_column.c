/* flow/history_column.c: see history_column.h. A dictionary of one value, so that a file holds the id once. */
#include "flow/history_column.h"

#include "base/alloc.h"

size_t history_column_index(const struct table_schema *s)
{
	const size_t n = schema_n_data_columns(s);
	const int at = schema_column_index(s, "history_id");
	ASSERT(at < 0 || (size_t)at + 1 == n);
	return at < 0 ? n : (size_t)at;
}

status history_column_init(struct history_column *h, const struct task_spec *spec, struct err *err)
{
	const struct str id = str_of(spec->history);
	if (id.n == 0) return fail(err, E_USAGE, "task %s: expected the history that its rows are of", spec->task_id);
	*h = (struct history_column){.ends = {0, (int32_t)id.n}};
	h->name = (struct column){.type = COL_STRING, .n = 1, .offsets = h->ends, .data = (const uint8_t *)id.p};
	return OK;
}

status history_column_fill(struct history_column *h, int64_t n, struct column *out, struct err *err)
{
	if (n > h->cap) {
		int32_t *rows = mem_zalloc((size_t)n, sizeof *rows);
		if (rows == NULL) return fail_nomem(err);
		mem_free(h->rows);
		h->rows = rows;
		h->cap = n;
	}
	*out = (struct column){.type = COL_STRING, .n = n, .values = h->rows, .dict = &h->name};
	return OK;
}

void history_column_deinit(struct history_column *h)
{
	mem_free(h->rows);
	*h = (struct history_column){0};
}
