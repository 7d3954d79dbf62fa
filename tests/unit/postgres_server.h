/* tests/unit/postgres_server.h: a private PostgreSQL server (tests/postgres), and SQL behind the program's back. */
#ifndef PQR_TESTS_POSTGRES_SERVER_H
#define PQR_TESTS_POSTGRES_SERVER_H

#include "check.h"

#include <libpq-fe.h>
#include <sys/wait.h>
#include <unistd.h>

static char server_dir[64];

/* tests/postgres VERB DIR; 77 = there is none here. */
static inline int server(const char *verb, const char *settings)
{
	char command[512];
	(void)snprintf(
		command, sizeof command, "%s/tests/postgres %s %s %s", PQR_SOURCE_DIR, verb, server_dir, settings);
	const int rc = system(command);
	return WIFEXITED(rc) ? WEXITSTATUS(rc) : 1;
}

static inline void server_uri(char dst[320], const char *user, const char *database)
{
	(void)snprintf(dst, 320, "postgresql://%s@/%s?host=%s", user, database, server_dir);
}

/* Statements in a database; the first value of the last one, "" for none, in dst[size] when dst is not NULL. */
static inline void server_sql_get(const char *database, const char *sql, char *dst, size_t size)
{
	char uri[320];
	server_uri(uri, "postgres", database);
	PGconn *pg = PQconnectdb(uri);
	if (PQstatus(pg) != CONNECTION_OK) fail_msg("%s", PQerrorMessage(pg));
	PGresult *r = PQexec(pg, sql);
	const ExecStatusType t = PQresultStatus(r);
	if (t != PGRES_COMMAND_OK && t != PGRES_TUPLES_OK) fail_msg("%s: %s", sql, PQerrorMessage(pg));
	if (dst != NULL) (void)snprintf(dst, size, "%s", PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : "");
	PQclear(r);
	PQfinish(pg);
}

static inline void server_sql(const char *database, const char *sql)
{
	server_sql_get(database, sql, NULL, 0);
}

#endif
