/* table/write/replace_int.h: the schema's part of a replace. */
#ifndef PQR_TABLE_WRITE_REPLACE_INT_H
#define PQR_TABLE_WRITE_REPLACE_INT_H

#include "table/write/replace.h"

/* *widened: the table lacks nullable columns of `want` and else is the same; descriptions do not count. E_CONFLICT names the first
 * column that differs. */
status replace_schema_compare(
	const struct delta_snapshot *s, const struct table_schema *want, bool *widened, struct err *err) MUST_USE;
/* m->schema (written to *schema, which it views) and m->partition_columns (in arena) of the wanted schema. */
status replace_metadata(const struct table_schema *want, struct buf *schema, struct arena *arena,
	struct delta_metadata *m, struct err *err) MUST_USE;

#endif
