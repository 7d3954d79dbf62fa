/* tests/unit/control/postgres_plane.h: a control plane in a database of its own, on this test's server. */
#ifndef PQR_TESTS_CONTROL_POSTGRES_PLANE_H
#define PQR_TESTS_CONTROL_POSTGRES_PLANE_H

#include "../postgres_server.h"
#include "cases.h"

static int databases;

static void plane_make(struct plane *p)
{
	char sql[256];
	*p = (struct plane){0};
	(void)snprintf(p->path, sizeof p->path, "t%d", ++databases); /* the database */
	(void)snprintf(sql, sizeof sql, "CREATE DATABASE %s", p->path);
	server_sql("postgres", sql);
	server_uri(p->uri, "postgres", p->path);
}

static void plane_erase(struct plane *p)
{
	char sql[256];
	(void)snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", p->path);
	server_sql("postgres", sql);
}

static void by_hand(const struct plane *p, const char *sql)
{
	server_sql(p->path, sql);
}

/* The first value, as text. */
struct question {
	const char *database, *sql;
};

/* A condition of poll_until: the server says yes. */
static bool answers_yes(void *arg)
{
	const struct question *q = arg;
	char got[16];
	server_sql_get(q->database, q->sql, got, sizeof got);
	return strcmp(got, "t") == 0;
}

static void value_is(const struct plane *p, const char *sql, const char *want)
{
	char got[256];
	server_sql_get(p->path, sql, got, sizeof got);
	if (strcmp(got, want) != 0) fail_msg("%s\nexpected %s, found %s", sql, want, got);
}

#endif
