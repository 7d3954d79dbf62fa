/* cli/table.h: a query's rows as an aligned text table, or as JSON. */
#ifndef PQR_CLI_TABLE_H
#define PQR_CLI_TABLE_H

#include "control/control.h"

/* Whatever gives rows: calls visit for each, with the same names in the same order. */
typedef status (*cli_row_source)(void *arg, control_row_visit visit, void *visit_arg, struct err *err);

/* As the two below, of any source. */
status cli_table_of(cli_row_source source, void *arg, const char *indent, struct buf *out, size_t *n_rows,
	struct err *err) MUST_USE;
status cli_rows_json_of(cli_row_source source, void *arg, struct buf *out, struct err *err) MUST_USE;

/* Append the rows of q as a text table with a header line; numbers are right-aligned, whole ones in groups of three, the
 * others of a column with as many decimals. Each line starts with indent. *n_rows (may be NULL) the rows. */
status cli_table(struct control *c, const struct control_select *q, const char *indent, struct buf *out, size_t *n_rows,
	struct err *err) MUST_USE;
/* Append the rows of q as a JSON array of objects. */
status cli_rows_json(struct control *c, const struct control_select *q, struct buf *out, struct err *err) MUST_USE;

/* Append s as a field of CSV (RFC 4180), quoted where it must be; the empty text is "". */
void cli_csv_text(struct buf *out, struct str s);

#endif
