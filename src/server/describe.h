/* server/describe.h: the API told from its tables of routes and relations: OpenAPI 3.1, a page to read, and Markdown (docs/api.md). */
#ifndef PQR_SERVER_DESCRIBE_H
#define PQR_SERVER_DESCRIBE_H

#include "server/relation.h"
#include "server/route.h"

struct describe {
	const struct route *routes; /* [n_routes] */
	size_t n_routes;
	const struct relation_list *relations;
};
void describe_openapi(const struct describe *d, struct buf *out);
void describe_markdown(const struct describe *d, struct buf *out);
void describe_html(const struct describe *d, struct buf *out);

/* The routes. */
status describe_openapi_answer(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;
status describe_html_answer(struct server *s, struct request *r, struct response *out, struct err *err) MUST_USE;

#endif
