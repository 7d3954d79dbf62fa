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
	struct str tenant;  /* "": of no tenant */
	struct str sub;     /* "": nobody known */
	struct str session; /* Supabase's session_id; "": none */
	struct str claims;  /* the token's claims as JSON; empty without a token */
};

enum auth_mode { AUTH_NONE, AUTH_JWT };
struct engine_auth; /* flow/engine_config.h */
struct keys;
struct auth {
	enum auth_mode mode;
	struct keys *keys;             /* of AUTH_JWT */
	const char *audience, *issuer; /* as the configuration has them */
};

/* Mode none where the configuration names nothing to check tokens with. config: borrowed until auth_close. E_USAGE: what it names is of no
 * use. */
status auth_open(const struct engine_auth *config, struct auth *out, struct err *err) MUST_USE;
void auth_close(struct auth *a); /* zeroed is fine */

/* Who sends this Authorization header (p == NULL: none is there: anon). Texts of *out live in arena. Else what is wrong, as the detail of a
 * 401. */
status auth_principal(const struct auth *a, struct str authorization, struct arena *arena, struct principal *out,
	struct err *err) MUST_USE;

/* A token that such a configuration takes. Texts may be NULL. */
struct auth_grant {
	enum auth_role role;
	const char *sub, *tenant;
	int64_t issued_at, seconds; /* microseconds UTC; how long it holds */
};
/* Appended to out, signed with the secret. E_USAGE: there is none. */
status auth_issue(
	const struct engine_auth *config, const struct auth_grant *grant, struct buf *out, struct err *err) MUST_USE;

#endif
