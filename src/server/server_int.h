/* server/server_int.h: what the handlers share. One of it for the life of the server; what changes has a lock of its own. */
#ifndef PQR_SERVER_SERVER_INT_H
#define PQR_SERVER_SERVER_INT_H

#include "app/session.h"
#include "control/control_pool.h"
#include "server/local_date.h"
#include "server/relation.h"
#include "server/route.h"
#include "server/stats.h"

struct published_state;
struct server {
	struct arena arena;
	const struct route *routes; /* [n_routes] */
	size_t n_routes;
	struct session *session; /* its lake; its control plane has a lock */
	struct control_pool *pool;
	struct relation_list relations;
	struct published_state *published;
	struct auth auth;
	bool postgres;
	bool loopback;     /* Host must then name this machine */
	const char *hosts; /* other names of it, NAME,NAME */
	int64_t rows_max;
	bool sql;
	struct stats stats;
	struct local_offsets zone; /* that decides local days */
};

/* The server itself, of what it has to know to answer anybody: service_role. */
extern const struct principal server_self;
/* A statement of the serving database for who asks. PostgreSQL runs it as their role, with their claims; whoever asks elsewhere sees to it
 * that it reads what they may (server/access.h). */
status server_query(struct server *s, const struct principal *who, const struct control_select *q,
	control_row_visit visit, void *arg, struct err *err) MUST_USE;
/* For query_opts.stuck: DuckDB holds up the server's end. Ends the process; all that it loses are answers. */
void server_leave(void);

#endif
