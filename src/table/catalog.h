/* table/catalog.h: which Delta tables a lake has: the folders <layer>/<table> with a _delta_log. */
#ifndef PQR_TABLE_CATALOG_H
#define PQR_TABLE_CATALOG_H

#include "table/log/snapshot.h"

/* In order of layer and name. Listing: one of the lake's folders, one a folder in it, one look a folder in those. */
typedef status (*delta_table_visit)(void *arg, const char *layer, const char *name, struct err *err);
status delta_catalog_list(struct store *lake, delta_table_visit visit, void *arg, struct err *err) MUST_USE;

/* The root of the table a person means: "silver.tickets", "silver/tickets", or "tickets" where one layer alone has it. E_NOT_FOUND names
 * the nearest; E_USAGE: more than one layer has it. */
status delta_catalog_find(struct store *lake, const char *name, char root[DELTA_ROOT_MAX], struct err *err) MUST_USE;

#endif
