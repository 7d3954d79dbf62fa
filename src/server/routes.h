/* server/routes.h: the table of all routes. */
#ifndef PQR_SERVER_ROUTES_H
#define PQR_SERVER_ROUTES_H

#include "server/route.h"

extern const struct route routes_all[];
extern const size_t routes_n;

#endif
