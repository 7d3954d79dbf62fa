/* server/auth.c: who asks. Must not know routes, tables or a socket. */
#include "server/auth.h"

const char *auth_role_name(enum auth_role role)
{
	static const char *const names[] = {"anon", "authenticated", "service_role"};
	ASSERT((size_t)role < sizeof names / sizeof *names);
	return names[role];
}

status auth_principal(
	const struct auth *a, struct str authorization, struct arena *arena, struct principal *out, struct err *err)
{
	(void)authorization;
	(void)arena;
	(void)err;
	ASSERT(a->mode == AUTH_NONE);
	*out = (struct principal){.role = AUTH_SERVICE, .tenant = STR(""), .sub = STR(""), .claims = STR("")};
	return OK;
}
