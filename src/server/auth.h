/* server/auth.h: who asks, and what they may.
 *
 * The router asks once for each request, before its handler runs. Without authentication (mode none) whoever reaches the server has
 * every right: it listens on loopback, where that is whoever may read the lake's files.
 */
#ifndef PQR_SERVER_AUTH_H
#define PQR_SERVER_AUTH_H

#include "base/arena.h"
#include "base/buf.h"

/* In the order of their rights. */
enum auth_role { AUTH_ANON, AUTH_AUTHENTICATED, AUTH_SERVICE };
const char *auth_role_name(enum auth_role role); /* "service_role" */

struct principal {
	enum auth_role role;
	struct str tenant; /* "": of no tenant */
	struct str sub;    /* "": nobody known */
	struct str claims; /* the token's claims as JSON; empty without a token */
};

enum auth_mode { AUTH_NONE, AUTH_JWT };
struct auth {
	enum auth_mode mode;
};

/* Who sends this Authorization header (p == NULL: none is there). Texts of *out view the header or live in arena. Else what is wrong, as
 * the detail of a 401. */
status auth_principal(const struct auth *a, struct str authorization, struct arena *arena, struct principal *out,
	struct err *err) MUST_USE;

#endif
