/* server/lake_rows.h: rows of the lake's tables by SQL (DuckDB): of what the serving database does not hold. */
#ifndef PQR_SERVER_LAKE_ROWS_H
#define PQR_SERVER_LAKE_ROWS_H

#include "control/control.h"
#include "server/route.h"

struct lake_select {
	const char *sql; /* over silver.* and gold.*; parameters $1 ... are texts */
	const char *const *params;
	size_t n_params;
	const char *run_id; /* the tables as this run left them, of its history alone; "": as the newest did */
};
/* Values are texts, as PostgreSQL would give them. E_UNSUPPORTED: there is no libduckdb; says how to get it. */
status lake_rows(
	struct server *s, const struct lake_select *q, control_row_visit visit, void *arg, struct err *err) MUST_USE;

#endif
