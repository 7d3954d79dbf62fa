/* server/sql.h: POST /api/v1/sql: one query over the lake's tables, in DuckDB's SQL. Off unless the configuration says otherwise. */
#ifndef PQR_SERVER_SQL_H
#define PQR_SERVER_SQL_H

#include "server/route.h"

status sql_answer(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;

#endif
