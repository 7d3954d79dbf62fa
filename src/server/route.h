/* server/route.h: one row of the table of routes, from which requests are answered, and the OpenAPI document and reference are derived. */
#ifndef PQR_SERVER_ROUTE_H
#define PQR_SERVER_ROUTE_H

#include "server/exchange.h"

struct server;

struct route_param {
	const char *name;   /* "Prefer" */
	const char *in;     /* "query", "header" or "path" */
	const char *schema; /* its JSON Schema: "{\"type\":\"string\"}" */
	const char *description;
};
struct route {
	enum request_method method; /* GET means HEAD too */
	const char *path;           /* "/api/v1/{schema}/{table}"; a name stands for one part */
	const char *id;             /* "readTable": OpenAPI's operationId */
	const char *summary;
	const char *description;          /* may be NULL */
	const struct route_param *params; /* [n_params] */
	size_t n_params;
	const char *types; /* of what it answers, with ',' between them */
	bool slow;         /* may take long: it reads the lake or the database, and must not keep others waiting */
	bool (*slow_if)(struct server *s, struct request *r); /* NULL: never; else whether this request does: at once */
	bool open;                                            /* to everybody, whatever the authentication */
	enum auth_role role;                                  /* who may, at least */
	/* What it answers, in out; else an error, which becomes a problem. */
	status (*handle)(struct server *s, struct request *r, struct response *out, struct err *err);
};

#endif
