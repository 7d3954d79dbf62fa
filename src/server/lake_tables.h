/* server/lake_tables.h: the lake's tables: /api/v1/tables and what is below it. */
#ifndef PQR_SERVER_LAKE_TABLES_H
#define PQR_SERVER_LAKE_TABLES_H

#include "server/route.h"

status lake_tables_list(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
status lake_tables_show(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
status lake_tables_history(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
status lake_tables_files(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;

#endif
