/* server/claims.c: claims, one after another, the first that is wrong named. Must not know signatures. */
#include "server/claims.h"

#include "base/time.h"
#include "io/json/json_doc.h"

/* NumericDate: seconds since 1970, a fraction allowed. *there is false, and all is well, without the claim. */
static status instant(const struct json_node *claims, const char *name, bool *there, double *out, struct err *err)
{
	const struct json_node *node = json_node_get(claims, name);
	*there = node != NULL;
	if (node == NULL || json_node_f64(node, out)) return OK;
	return fail(err, E_USAGE, "the token's %s is no number of seconds", name);
}

static status check_times(const struct json_node *claims, int64_t now_us, struct err *err)
{
	const double now = (double)now_us / (double)US_PER_SECOND;
	static const char *const starts[] = {"nbf", "iat"};
	bool there;
	double at;
	TRY(instant(claims, "exp", &there, &at, err));
	if (!there) return fail(err, E_USAGE, "the token has no exp: it would never end");
	if (!(now < at + CLAIMS_SKEW_SECONDS)) return fail(err, E_USAGE, "the token has expired");
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		TRY(instant(claims, starts[i], &there, &at, err));
		if (there && !(at <= now + CLAIMS_SKEW_SECONDS))
			return fail(err, E_USAGE, "the token is not valid yet (%s)", starts[i]);
	}
	return OK;
}

static bool names(const struct json_node *aud, const char *audience)
{
	struct str text;
	if (json_node_str(aud, &text)) return str_is(text, audience);
	bool found = false;
	for (size_t i = 0; i < json_node_n(aud) && !found && json_node_kind(aud) == JSON_DOC_ARRAY; i++)
		found = json_node_str(json_node_at(aud, i), &text) && str_is(text, audience);
	return found;
}

/* Keys of a project (Supabase's service_role and anon) name nobody that they are for. */
static status check_parties(
	const struct json_node *claims, const struct claims_rules *rules, enum auth_role role, struct err *err)
{
	struct str issuer;
	const struct json_node *aud = json_node_get(claims, "aud");
	if (rules->audience[0] != '\0' && aud == NULL && role == AUTH_AUTHENTICATED)
		return fail(err, E_USAGE, "the token names no audience");
	if (rules->audience[0] != '\0' && aud != NULL && !names(aud, rules->audience))
		return fail(err, E_USAGE, "the token is for another audience");
	if (rules->issuer[0] == '\0') return OK;
	if (json_node_str(json_node_get(claims, "iss"), &issuer) && str_is(issuer, rules->issuer)) return OK;
	return fail(err, E_USAGE, "the token is of another issuer");
}

static status read_role(const struct json_node *claims, enum auth_role *out, struct err *err)
{
	struct str name;
	if (!json_node_str(json_node_get(claims, "role"), &name)) return fail(err, E_USAGE, "the token has no role");
	for (int i = AUTH_ANON; i <= AUTH_SERVICE; i++) {
		if (!str_is(name, auth_role_name((enum auth_role)i))) continue;
		*out = (enum auth_role)i;
		return OK;
	}
	return fail(err, E_USAGE, "the token's role is none of anon, authenticated and service_role");
}

static status keep(const struct json_node *node, struct arena *arena, struct str *out, struct err *err)
{
	struct str text;
	*out = STR("");
	if (!json_node_str(node, &text)) return OK;
	out->p = arena_strndup(arena, text.p, text.n);
	out->n = text.n;
	return out->p != NULL ? OK : fail_nomem(err);
}

static status read_claims(const struct json_node *claims, const struct claims_rules *rules, struct arena *arena,
	struct principal *out, struct err *err)
{
	if (json_node_kind(claims) != JSON_DOC_OBJECT) return fail(err, E_USAGE, "the token's claims are no object");
	TRY(read_role(claims, &out->role, err));
	TRY(check_times(claims, rules->now, err));
	TRY(check_parties(claims, rules, out->role, err));
	const struct json_node *tenant = json_node_get(claims, "tenant_id");
	if (tenant == NULL || json_node_kind(tenant) == JSON_DOC_NULL)
		tenant = json_node_get(json_node_get(claims, "app_metadata"), "tenant_id");
	TRY(keep(tenant, arena, &out->tenant, err));
	TRY(keep(json_node_get(claims, "sub"), arena, &out->sub, err));
	return keep(json_node_get(claims, "session_id"), arena, &out->session, err);
}

status claims_read(
	struct str json, const struct claims_rules *rules, struct arena *arena, struct principal *out, struct err *err)
{
	struct json_doc *doc;
	struct principal p = {.role = AUTH_ANON};
	if (json_doc_parse(json, &doc, NULL) != OK) return fail(err, E_USAGE, "the token's claims are not JSON");
	const status code = read_claims(json_doc_root(doc), rules, arena, &p, err);
	json_doc_destroy(doc);
	TRY(code);
	p.claims.p = arena_strndup(arena, json.p, json.n);
	p.claims.n = json.n;
	if (p.claims.p == NULL) return fail_nomem(err);
	*out = p;
	return OK;
}
