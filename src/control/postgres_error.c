/* control/postgres_error.c: SQLSTATE (PostgreSQL documentation, appendix A) as our errors: one table, one line each that says
 * what to do. The server's own text goes along where it names what is missing; it never holds a password. */
#include <ctype.h>
#include <stdio.h>

#include "base/thread.h"
#include "control/postgres_int.h"

struct rule {
	const char *state; /* SQLSTATE, or its class of two characters */
	status code;
	enum err_class class;
	const char *advice;
};

/* The first that fits. */
static const struct rule rules[] = {
	{"28P01", E_IO, ERR_FATAL, "wrong password, or no such user: set PGPASSWORD, or a line of ~/.pgpass"},
	{"28", E_IO, ERR_FATAL,
		"the server refuses this user, address or lack of TLS: add ?sslmode=require to the URI, or a line to "
		"the server's pg_hba.conf"},
	{"3D000", E_NOT_FOUND, ERR_FATAL, "no such database: make it with createdb, or name another in the URI"},
	{"3F000", E_NOT_FOUND, ERR_FATAL, "a schema of the control plane is gone: restore it from a backup"},
	{"25006", E_IO, ERR_FATAL,
		"the database is read-only: name the primary server, not a standby (or turn "
		"default_transaction_read_only off)"},
	{"42501", E_IO, ERR_DENIED, "the user lacks a right: GRANT pqr_etl TO it (deploy/postgres/roles.sql)"},
	{"53100", E_IO, ERR_FATAL, "the database server's disk is full: make room there, then run again"},
	{"53200", E_NOMEM, ERR_FATAL, "the database server is out of memory"},
	{"53300", E_UNREACHABLE, ERR_RETRY,
		"the server has no connection left: raise max_connections, or use a pooler in session mode"},
	{"53", E_IO, ERR_FATAL, "the database server lacks a resource"},
	{"57014", E_IO, ERR_FATAL, "the statement was cancelled on the server (statement_timeout?)"},
	{"57P04", E_NOT_FOUND, ERR_FATAL, "the database was dropped"},
	{"57P05", E_UNREACHABLE, ERR_RETRY, "the server closed the idle session"},
	{"57P", E_UNREACHABLE, ERR_RETRY, "the server is shutting down or starting up"},
	{"25P03", E_UNREACHABLE, ERR_RETRY, "the server ended a transaction that stood still"},
	{"08", E_UNREACHABLE, ERR_RETRY, "the connection is lost"},
	{"55P03", E_BUSY, ERR_RETRY, "another session holds what this one waits for; try again"},
	{"40", E_CONFLICT, ERR_CONFLICT, "another transaction was in the way; try again"},
	{"58", E_IO, ERR_FATAL, "the database server cannot use its files"},
	{"XX", E_CORRUPT, ERR_DATA, "the database server reports damage; look at its log"},
};

static const struct rule *find(const char *state)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if (strncmp(rules[i].state, state, strlen(rules[i].state)) == 0) return &rules[i];
	}
	return NULL;
}

/* One line without the space around it. */
static void one_line(char *text)
{
	size_t n = 0;
	for (const char *p = text; *p != '\0'; p++) {
		const bool space = isspace((unsigned char)*p) || iscntrl((unsigned char)*p);
		if (space && (n == 0 || text[n - 1] == ' ')) continue;
		text[n++] = space ? ' ' : *p;
	}
	while (n > 0 && text[n - 1] == ' ') n--;
	text[n] = '\0';
}

/* Syntax, names, types, values, or a write (55000: into a view). */
static bool is_usage(const char *state)
{
	if (strcmp(state, "42501") == 0) return false;
	return strncmp(state, "42", 2) == 0 || strncmp(state, "22", 2) == 0 || strncmp(state, "0A", 2) == 0 ||
	       strcmp(state, "25006") == 0 || strcmp(state, "55000") == 0;
}

status postgres_error(struct control_postgres *s, const struct postgres_problem *p, const char *what, struct err *err)
{
	char text[sizeof p->message];
	const char *place = s->place != NULL ? s->place : "PostgreSQL";
	(void)snprintf(text, sizeof text, "%s", p->message);
	one_line(text);
	memcpy(s->state, p->state, sizeof s->state);
	if (s->querying && is_usage(p->state)) return fail(err, E_USAGE, "query: %s", text);
	if (strcmp(p->state, "57014") == 0 && s->poll_cancel && cancel_requested()) return cancel_check(err);
	if (strcmp(p->state, "57014") == 0 && s->querying && s->base.query_ms > 0)
		return control_query_late(s->base.query_ms, err);
	const struct rule *rule = p->state[0] != '\0' ? find(p->state) : find("08");
	if (rule == NULL) return fail(err, E_IO, "database %s: %s: %s (SQLSTATE %s)", place, what, text, p->state);
	const status code = fail(err, rule->code, "database %s: %s (%s)", place, rule->advice, text);
	err_set_class(err, rule->class);
	return code;
}

/* The SQLSTATE in "FATAL:  28P01: password ..."; the severity may be in the server's language. */
static bool find_state(const char *text, char state[6])
{
	for (const char *p = strstr(text, ":  "); p != NULL; p = strstr(p + 1, ":  ")) {
		size_t n = 0;
		while (n < 5 && (isdigit((unsigned char)p[3 + n]) || isupper((unsigned char)p[3 + n]))) n++;
		if (n < 5 || p[8] != ':') continue;
		memcpy(state, p + 3, 5);
		state[5] = '\0';
		return true;
	}
	return false;
}

/* What the server's sentence is about, without the library's "connection to server at ... failed:" and source position. */
static void server_text(const char *text, const char *state, char *dst, size_t size)
{
	char mark[10];
	(void)snprintf(mark, sizeof mark, "%s: ", state);
	const char *p = strstr(text, mark);
	p = p != NULL ? p + strlen(mark) : text;
	(void)snprintf(dst, size, "%.*s", (int)strcspn(p, "\n"), p);
}

static status tls_error(const char *place, const char *text, struct err *err)
{
	if (strstr(text, "does not support SSL") != NULL)
		return fail(err, E_IO, "database %s: the server has no TLS, but sslmode asks for it", place);
	if (strstr(text, "root certificate file") != NULL || strstr(text, "certificate verify failed") != NULL ||
		strstr(text, "server certificate for") != NULL)
		return fail(err, E_IO,
			"database %s: the server's certificate is not to be trusted: name its authority with "
			"sslrootcert=FILE, "
			"and the host as the certificate has it",
			place);
	return OK;
}

status postgres_connect_error(struct control_postgres *s, const char *text, bool needs_password, struct err *err)
{
	struct postgres_problem p = {0};
	char line[sizeof p.message];
	const char *place = s->place != NULL ? s->place : "PostgreSQL";
	if (needs_password)
		return fail(err, E_IO, "database %s: a password is asked for: set PGPASSWORD, or a line of ~/.pgpass",
			place);
	if (find_state(text, p.state)) {
		server_text(text, p.state, p.message, sizeof p.message);
		return postgres_error(s, &p, "connect", err);
	}
	TRY(tls_error(place, text, err));
	(void)snprintf(line, sizeof line, "%s", text);
	one_line(line);
	const status code = fail(err, E_UNREACHABLE,
		"database %s is out of reach: is the server up, and host and port right? (%s)", place, line);
	err_set_class(err, ERR_RETRY);
	return code;
}
