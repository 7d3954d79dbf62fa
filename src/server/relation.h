/* server/relation.h: the tables and views that the API gives out, and their columns, from what the workloads register: gold, core,
 * analytics and realtime; and the control plane's own, meta. A column or table that is not here can't be named in a request. */
#ifndef PQR_SERVER_RELATION_H
#define PQR_SERVER_RELATION_H

#include "flow/workload.h"

struct relation {
	const char *schema, *name;        /* "gold", "daily_kpis" */
	const char *description;          /* may be NULL */
	const struct column_def *columns; /* [n_columns] */
	size_t n_columns;
	const char *lake; /* the lake's table with the same rows ("silver.tickets"); NULL: none */
	/* Which rows are a tenant's: a condition that ends before the tenant; NULL: nobody's alone. The same over the lake's tables. */
	const char *tenant_sql, *tenant_lake_sql;
	const char *tenant_sql_end;            /* what follows the tenant there */
	bool live;                             /* its rows change without a publishing that would tell */
	const struct workload *workload;       /* NULL: of all */
	const struct workload_list_view *list; /* NULL: a table or view; else its schema is empty: no path names it */
};
struct relation_list {
	struct relation *items; /* [n] by schema, then name */
	size_t n, cap;
};
/* Of all workloads; everything lives in arena, or is the workloads' own. */
status relation_list_make(const struct workload_list *workloads, struct arena *arena, struct relation_list *out,
	struct err *err) MUST_USE;
const struct relation *relation_find(const struct relation_list *l, struct str schema, struct str name); /* NULL */
bool relation_schema_known(const struct relation_list *l, struct str schema);
int relation_column(const struct relation *r, struct str name); /* -1: none */

#endif
