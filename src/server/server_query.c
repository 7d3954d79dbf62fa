/* server/server_query.c: statements in the name of who asks. */
#include <unistd.h>

#include "base/log.h"
#include "server/server_int.h"

const struct principal server_self = {.role = AUTH_SERVICE};

status server_query(struct server *s, const struct principal *who, const struct control_select *q,
	control_row_visit visit, void *arg, struct err *err)
{
	const struct control_actor as = {auth_role_name(who->role), who->claims.n > 0 ? who->claims.p : ""};
	const bool acts = s->postgres && s->auth.mode != AUTH_NONE;
	return control_pool_query_as(s->pool, q, acts ? &as : NULL, visit, arg, err);
}

void server_leave(void)
{
	log_line(LOG_ERROR, "stopped; DuckDB did not end a query, and was not waited for", NULL);
	_exit(status_exit(E_CANCELLED));
}
