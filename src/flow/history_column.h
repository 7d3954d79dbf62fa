/* flow/history_column.h: history_id, the column of silver and gold that tells independent histories apart.
 *
 * It is the last data column of every table of the two layers but the dimensions, and the same in each row of a file: the id of the run
 * that opened the history. A run that goes on from others writes theirs. */
#ifndef PQR_FLOW_HISTORY_COLUMN_H
#define PQR_FLOW_HISTORY_COLUMN_H

#include "columnar/batch.h"
#include "flow/task.h"

#define HISTORY_COLUMN                                                                                \
	{                                                                                             \
		.name = "history_id", .type = COL_STRING, .lake_only = true,                          \
		.description = "run that opened the row's history; tells independent histories apart" \
	}

/* Its place among the data columns, which is how many come before it; all of them where a table has none. */
size_t history_column_index(const struct table_schema *s);

struct history_column {
	struct column name; /* the dictionary: one value, views the spec */
	int32_t ends[2];
	int32_t *rows; /* [cap] indices, all 0 */
	int64_t cap;
};
/* E_USAGE: the task is not told which history it writes. spec is borrowed until deinit. */
status history_column_init(struct history_column *h, const struct task_spec *spec, struct err *err) MUST_USE;
/* n rows of it, valid until the next call. E_NOMEM. */
status history_column_fill(struct history_column *h, int64_t n, struct column *out, struct err *err) MUST_USE;
void history_column_deinit(struct history_column *h); /* of a zeroed one, too */

#endif
