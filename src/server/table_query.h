/* server/table_query.h: what a request asks of a relation, in PostgREST's manner, checked against its columns.
 *
 *   select=day,total:tickets_count.sum()&day=gte.2025-09-01&or=(pqrs_type.eq.P,channel.is.null)&order=total.desc&limit=10
 *
 * Columns, functions and operators are numbers from here on: no text of the request but values and aliases is left, values are bound
 * parameters, and an alias is letters, digits and '_' alone.
 */
#ifndef PQR_SERVER_TABLE_QUERY_H
#define PQR_SERVER_TABLE_QUERY_H

#include "server/exchange.h"
#include "server/relation.h"

enum {
	TABLE_QUERY_ITEMS_MAX = 64,  /* selected columns, and those that order rows; a table has at most 40 */
	TABLE_QUERY_VALUES_MAX = 90, /* bound values of all filters */
	TABLE_QUERY_NODES_MAX = 128, /* filters, and their groups */
	TABLE_QUERY_DEPTH_MAX = 8,   /* groups within groups */
	TABLE_QUERY_ALIAS_MAX = 48,
	TABLE_QUERY_LIMIT_DEFAULT = 1000,
};

enum table_function { TABLE_PLAIN, TABLE_SUM, TABLE_AVG, TABLE_MIN, TABLE_MAX, TABLE_COUNT };
struct table_item {
	enum table_function function;
	int column;        /* -1: count() */
	const char *alias; /* what the result calls it */
};
struct table_order {
	int item, column; /* the item that the request names, else (item -1) a column of the relation */
	bool descending;
	enum { TABLE_NULLS_DEFAULT, TABLE_NULLS_FIRST, TABLE_NULLS_LAST } nulls;
};

enum table_node_kind { TABLE_AND, TABLE_OR, TABLE_TEST };
enum table_operator {
	TABLE_EQ,
	TABLE_NEQ,
	TABLE_GT,
	TABLE_GTE,
	TABLE_LT,
	TABLE_LTE,
	TABLE_LIKE,
	TABLE_ILIKE,
	TABLE_IN,
	TABLE_IS_NULL,
	TABLE_IS_TRUE,
	TABLE_IS_FALSE,
};
struct table_node {
	enum table_node_kind kind;
	bool negated;
	int first, next; /* children of a group, and the sibling behind; -1: none */
	enum table_operator operator;
	int column;
	size_t value, n_values; /* into values */
};

struct table_query {
	const struct relation *relation;
	struct table_item items[TABLE_QUERY_ITEMS_MAX];
	size_t n_items;
	bool grouped;                                   /* has functions: a row for each set of the plain columns */
	struct table_node nodes[TABLE_QUERY_NODES_MAX]; /* nodes[0]: the group of all */
	size_t n_nodes;
	const char *values[TABLE_QUERY_VALUES_MAX]; /* as the columns' types write them */
	size_t n_values;
	struct table_order order[TABLE_QUERY_ITEMS_MAX];
	size_t n_order;
	const char *after
		[TABLE_QUERY_ITEMS_MAX]; /* of a next page: the row before it, by order; n_after is n_order, or 0 */
	size_t n_after;
	int64_t limit, offset;
	const char *tenant; /* whose rows alone are seen, "" nobody's; NULL: all. Set after parsing */
};

/* Parameters that are no columns: select, order, limit, offset, and, or, not.and, not.or, after, format. limit_max: of one response.
 * Rows have a whole order: behind what is asked for come the key's columns, or those of a row's group. E_USAGE names the parameter, and
 * what it may be. */
status table_query_parse(const struct request *r, const struct relation *relation, int64_t limit_max,
	struct table_query *out, struct err *err) MUST_USE;

/* The type of an item's values. */
struct column_def table_query_item_type(const struct table_query *q, size_t item);

#endif
