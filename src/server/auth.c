/* server/auth.c: who asks. Must not know routes, tables or a socket. */
#include "server/auth.h"

#include <strings.h>

#include "base/file.h"
#include "base/time.h"
#include "flow/engine_config.h"
#include "server/claims.h"
#include "server/keys.h"

enum { SECRET_BYTES_MAX = 4096 };

const char *auth_role_name(enum auth_role role)
{
	static const char *const names[] = {"anon", "authenticated", "service_role"};
	ASSERT((size_t)role < sizeof names / sizeof *names);
	return names[role];
}

/* ---- the configuration ------------------------------------------------------------------------------------------------- */

/* The file's one line. */
static status read_secret(const char *path, struct buf *out, struct err *err)
{
	TRY(file_read(path, SECRET_BYTES_MAX, out, err));
	while (out->n > 0 && (out->p[out->n - 1] == '\n' || out->p[out->n - 1] == '\r')) out->n--;
	return out->n > 0 ? OK : fail(err, E_USAGE, "%s: the secret of tokens is empty", path);
}

static status secret_of(const struct engine_auth *config, struct buf *secret, struct err *err)
{
	if (config->jwt_secret[0] != '\0' && config->jwt_secret_file[0] != '\0')
		return fail(err, E_USAGE, "server.auth.jwt_secret and server.auth.jwt_secret_file: one of them");
	buf_str(secret, config->jwt_secret);
	if (config->jwt_secret_file[0] != '\0') TRY(read_secret(config->jwt_secret_file, secret, err));
	return buf_check(secret, err);
}

static status open_keys(const struct engine_auth *config, struct buf *secret, struct keys **out, struct err *err)
{
	TRY(secret_of(config, secret, err));
	const struct keys_opts o = {.secret = {(const char *)secret->p, secret->n}, .jwks = config->jwks};
	return keys_open(&o, out, err);
}

status auth_open(const struct engine_auth *config, struct auth *out, struct err *err)
{
	struct buf secret;
	*out = (struct auth){.mode = AUTH_NONE, .audience = config->audience, .issuer = config->issuer};
	if (config->jwt_secret[0] == '\0' && config->jwt_secret_file[0] == '\0' && config->jwks[0] == '\0') return OK;
	buf_init(&secret, 0); /* file_read bounds it */
	const status code = open_keys(config, &secret, &out->keys, err);
	if (secret.n > 0) explicit_bzero(secret.p, secret.n);
	buf_deinit(&secret);
	if (code == OK) out->mode = AUTH_JWT;
	return code;
}

static void add_text(struct buf *out, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0') return;
	buf_printf(out, ",\"%s\":", name);
	buf_json_str(out, str_of(value));
}

static status sign(const struct engine_auth *config, const struct auth_grant *g, struct buf *secret, struct buf *out,
	struct err *err)
{
	struct buf claims;
	TRY(secret_of(config, secret, err));
	if (secret->n < TOKEN_SECRET_BYTES_MIN)
		return fail(err, E_USAGE,
			"no secret of %d bytes or more to sign tokens with: set server.auth.jwt_secret_file",
			TOKEN_SECRET_BYTES_MIN);
	const struct token_key key = {.algorithm = TOKEN_HS256, .key = {(const char *)secret->p, secret->n}};
	const int64_t now = g->issued_at / US_PER_SECOND;
	buf_init(&claims, TOKEN_BYTES_MAX / 2);
	buf_printf(&claims, "{\"role\":\"%s\",\"iat\":%lld,\"exp\":%lld", auth_role_name(g->role), (long long)now,
		(long long)(now + g->seconds));
	add_text(&claims, "aud", config->audience);
	add_text(&claims, "iss", config->issuer);
	add_text(&claims, "sub", g->sub);
	if (g->tenant != NULL) {
		buf_str(&claims, ",\"app_metadata\":{\"tenant_id\":");
		buf_json_str(&claims, str_of(g->tenant));
		buf_char(&claims, '}');
	}
	buf_char(&claims, '}');
	status code = buf_check(&claims, err);
	if (code == OK) code = token_sign((struct str){(const char *)claims.p, claims.n}, &key, out, err);
	buf_deinit(&claims);
	return code;
}

status auth_issue(const struct engine_auth *config, const struct auth_grant *grant, struct buf *out, struct err *err)
{
	struct buf secret;
	buf_init(&secret, 0); /* file_read bounds it */
	const status code = sign(config, grant, &secret, out, err);
	if (secret.n > 0) explicit_bzero(secret.p, secret.n);
	buf_deinit(&secret);
	return code;
}

void auth_close(struct auth *a)
{
	keys_close(a->keys);
	*a = (struct auth){.mode = AUTH_NONE};
}

/* ---- a request --------------------------------------------------------------------------------------------------------- */

/* RFC 6750 section 2.1: the scheme in any case, one space or more. */
static bool bearer(struct str header, struct str *token)
{
	static const char scheme[] = "Bearer";
	size_t at = sizeof scheme - 1;
	if (header.n <= at || strncasecmp(header.p, scheme, at) != 0 || header.p[at] != ' ') return false;
	while (at < header.n && header.p[at] == ' ') at++;
	while (header.n > at && header.p[header.n - 1] == ' ') header.n--;
	*token = (struct str){header.p + at, header.n - at};
	return token->n > 0;
}

static status read_token(
	const struct auth *a, struct str token, struct arena *arena, struct principal *out, struct err *err)
{
	struct buf claims;
	const struct claims_rules rules = {.audience = a->audience, .issuer = a->issuer, .now = time_now_us()};
	buf_init(&claims, TOKEN_BYTES_MAX);
	status code = keys_verify(a->keys, token, &claims, err);
	if (code == OK) code = claims_read((struct str){(const char *)claims.p, claims.n}, &rules, arena, out, err);
	buf_deinit(&claims);
	return code;
}

status auth_principal(
	const struct auth *a, struct str authorization, struct arena *arena, struct principal *out, struct err *err)
{
	struct str token;
	*out = (struct principal){AUTH_SERVICE, STR(""), STR(""), STR(""), STR("")};
	if (a->mode == AUTH_NONE) return OK;
	out->role = AUTH_ANON;
	if (authorization.p == NULL) return OK;
	if (!bearer(authorization, &token)) return fail(err, E_USAGE, "expected Authorization: Bearer TOKEN");
	return read_token(a, token, arena, out, err);
}
