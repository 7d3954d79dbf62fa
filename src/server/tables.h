/* server/tables.h: GET /api/v1/{schema}/{table}: rows of the serving database, in PostgREST's manner. */
#ifndef PQR_SERVER_TABLES_H
#define PQR_SERVER_TABLES_H

#include "server/route.h"

status tables_read(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;

#endif
