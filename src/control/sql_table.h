/* control/sql_table.h: tables that are changed row by row by their key, made from their schemas. */
#ifndef PQR_CONTROL_SQL_TABLE_H
#define PQR_CONTROL_SQL_TABLE_H

#include "columnar/schema.h"
#include "control/sql_conn.h"

/* Make those of tables[n] that do not stand yet, in one transaction, with their key and the rights of the roles of pqr; one that
 * stands stays as it is. Several processes may do so at once. */
status sql_tables_make(
	struct sql_conn *c, const struct table_schema *const *tables, size_t n, struct err *err) MUST_USE;

#endif
