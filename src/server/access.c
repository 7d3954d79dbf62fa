/* server/access.c: the one place that enforces tenants and roles without a database that does. */
#include "server/access.h"

enum access access_of(const struct relation *r, const struct principal *who)
{
	if (who->role == AUTH_SERVICE) return ACCESS_ALL;
	return who->role == AUTH_AUTHENTICATED && r->tenant_sql != NULL ? ACCESS_TENANT : ACCESS_NONE;
}
