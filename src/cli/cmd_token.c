/* cli/cmd_token.c: pqr token: a token of the server's own secret, for tests, scripts and a first look. */
#include <stdlib.h>

#include "base/time.h"
#include "cli/run_options.h"
#include "server/auth.h"

enum { SECONDS_DEFAULT = 3600, SECONDS_MAX = 366 * 86400 };

static status seconds_of(const struct cli *c, int64_t *out, struct err *err)
{
	char *end = NULL;
	const char *text = cli_get(c, "--expires");
	*out = SECONDS_DEFAULT;
	if (text == NULL) return OK;
	*out = strtoll(text, &end, 10);
	if (end != text && *end == '\0' && *out >= 1 && *out <= SECONDS_MAX) return OK;
	return fail(err, E_USAGE, "--expires: expected seconds from 1 to %d, found '%s'", SECONDS_MAX, text);
}

static status role_of(const struct cli *c, enum auth_role *out, struct err *err)
{
	const char *name = cli_get(c, "--role");
	*out = AUTH_AUTHENTICATED;
	if (name == NULL) return OK;
	for (int i = AUTH_ANON; i <= AUTH_SERVICE; i++) {
		*out = (enum auth_role)i;
		if (strcmp(name, auth_role_name(*out)) == 0) return OK;
	}
	return fail(err, E_USAGE, "--role: expected anon, authenticated or service_role, found '%s'", name);
}

static status issue(struct session *s, struct cli *c, struct err *err)
{
	struct auth_grant grant = {
		.sub = cli_get(c, "--sub"), .tenant = cli_get(c, "--tenant"), .issued_at = time_now_us()};
	TRY(role_of(c, &grant.role, err));
	TRY(seconds_of(c, &grant.seconds, err));
	TRY(auth_issue(&s->engine.auth, &grant, &c->out, err));
	buf_char(&c->out, '\n');
	return cli_print(&c->out, err);
}

static status token_run(struct cli *c, struct err *err)
{
	struct session s = {0};
	status code = cli_session_open_as(&s, c, NULL, NULL, 0, err);
	if (code == OK) code = issue(&s, c, err);
	session_close(&s);
	return code;
}

static const struct cli_option options[] = {
	{"--role", "NAME", "anon, authenticated (default) or service_role"},
	{"--tenant", "ID", "the tenant whose rows are seen"},
	{"--sub", "ID", "who it is"},
	{"--expires", "SECONDS", "from now (default 3600)"},
};

const struct cli_command cli_token_command = {.name = "token",
	.synopsis = "",
	.summary = "a token that `pqr serve` takes, for tests and scripts",
	.details = "Signs with the secret of the configuration (server.auth.jwt_secret or jwt_secret_file), as HS256. "
		   "Whoever\n"
		   "has the secret has every right; users get their tokens elsewhere, as from Supabase.\n\n"
		   "  export PQR_SERVER_AUTH_JWT_SECRET_FILE=secret\n"
		   "  head -c 32 /dev/urandom | base64 >secret && pqr serve &\n"
		   "  curl -H \"Authorization: Bearer $(pqr token --tenant default)\" "
		   "localhost:8080/api/v1/gold/sla_metrics",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.run = token_run};
