/* cli/table.h: a query's rows as an aligned text table. */
#ifndef PQR_CLI_TABLE_H
#define PQR_CLI_TABLE_H

#include "app/rows_text.h"

/* As below, of any source. */
status cli_table_of(
	rows_source source, void *arg, const char *indent, struct buf *out, size_t *n_rows, struct err *err) MUST_USE;

/* Append the rows of q as a text table with a header line; numbers are right-aligned, whole ones in groups of three, the
 * others of a column with as many decimals. Each line starts with indent. *n_rows (may be NULL) the rows. */
status cli_table(struct control *c, const struct control_select *q, const char *indent, struct buf *out, size_t *n_rows,
	struct err *err) MUST_USE;

#endif
