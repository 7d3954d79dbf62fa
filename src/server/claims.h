/* server/claims.h: from the claims of a token to who sends it: RFC 7519's registered claims, and Supabase's. */
#ifndef PQR_SERVER_CLAIMS_H
#define PQR_SERVER_CLAIMS_H

#include "server/auth.h"

enum { CLAIMS_SKEW_SECONDS = 30 }; /* how far two clocks may be apart */

struct claims_rules {
	const char *audience; /* that aud must name; "" = whatever it names */
	const char *issuer;   /* that iss must be; "" = whatever it is */
	int64_t now;          /* microseconds UTC */
};

/* exp is needed; nbf, iat, iss count where they are; aud too, which a token of role authenticated must have. role: anon, authenticated or
 * service_role. The tenant is tenant_id or app_metadata's, as in meta.request_tenant() of PostgreSQL, never user_metadata's, which users
 * edit themselves. Texts of *out live in arena. E_USAGE: what is wrong, without a part of the token. */
status claims_read(struct str json, const struct claims_rules *rules, struct arena *arena, struct principal *out,
	struct err *err) MUST_USE;

#endif
