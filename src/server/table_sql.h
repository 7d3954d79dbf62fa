/* server/table_sql.h: a table_query in the SQL of a database. Every name in it is a column's, a table's or an alias of the query; every value
 * is a parameter, $1 ... $n, with a cast to its column's type; limit and offset are in the text but for SQLite. */
#ifndef PQR_SERVER_TABLE_SQL_H
#define PQR_SERVER_TABLE_SQL_H

#include "server/table_query.h"

enum table_dialect { TABLE_SQLITE, TABLE_POSTGRES, TABLE_DUCKDB };

enum { TABLE_SQL_PARAMS_MAX = TABLE_QUERY_VALUES_MAX + TABLE_QUERY_ITEMS_MAX + 3 }; /* tenant, limit, offset */
struct table_sql {
	struct buf text;                          /* ends with a NUL */
	const char *params[TABLE_SQL_PARAMS_MAX]; /* NULL-terminated texts */
	size_t n_params;
	/* Behind the query's items: columns that order the rows and are not among them; their places by order (of an item: its own). */
	size_t n_columns;
	int order_at[TABLE_QUERY_ITEMS_MAX];
};
void table_sql_init(struct table_sql *s);
void table_sql_deinit(struct table_sql *s);

/* from: the table, as the database names it ("gold.daily_kpis"). One row more than the
 * limit is asked for: it tells whether there is another page. */
status table_sql_rows(const struct table_query *q, const char *from, enum table_dialect dialect, struct arena *arena,
	struct table_sql *out, struct err *err) MUST_USE;
/* How many rows there are in all, whatever limit, offset and after say. */
status table_sql_count(const struct table_query *q, const char *from, enum table_dialect dialect, struct arena *arena,
	struct table_sql *out, struct err *err) MUST_USE;

#endif
