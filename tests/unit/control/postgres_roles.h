/* tests/unit/control/postgres_roles.h: who sees what in PostgreSQL, with and without the right to make roles. */
#ifndef PQR_TESTS_CONTROL_POSTGRES_ROLES_H
#define PQR_TESTS_CONTROL_POSTGRES_ROLES_H

#include "base/log.h"
#include "postgres_plane.h"

static const struct column_def ticket_columns[] = {
	{.name = "ticket_id", .type = COL_STRING, .key = true},
	{.name = "tenant_id", .type = COL_STRING, .nullable = true},
};
static const struct column_def event_columns[] = {
	{.name = "event_id", .type = COL_STRING, .key = true},
	{.name = "ticket_id", .type = COL_STRING},
};
static const struct table_schema tickets = {.name = "tickets",
	.layer = "core",
	.contract = "w/v1",
	.description = "t",
	.columns = ticket_columns,
	.n_columns = 2};
static const struct table_schema events = {.name = "ticket_events",
	.layer = "core",
	.contract = "w/v1",
	.description = "e",
	.columns = event_columns,
	.n_columns = 2,
	.parent = "tickets",
	.parent_key = "ticket_id"};
static const struct table_schema figures = {.name = "daily",
	.layer = "gold",
	.contract = "w/v1",
	.description = "f",
	.columns = ticket_columns,
	.n_columns = 2};

/* Two columns of texts, n rows. */
static void put_texts(struct plane *p, struct control_publish *publish, const struct table_schema *schema,
	const char *const (*rows)[2], int n)
{
	struct builder b[2];
	struct column columns[2];
	int64_t got = 0;
	for (int i = 0; i < 2; i++) {
		builder_init(&b[i], &schema->columns[i], false);
		for (int k = 0; k < n; k++) builder_set_str(&b[i], k, str_of(rows[k][i]));
		assert_int_equal(builder_finish(&b[i], n, &columns[i], NULL), OK);
	}
	const struct batch batch = {.schema = schema, .n_columns = 2, .columns = columns, .n_rows = n};
	CHECK_OK(&p->err, control_publish_table(publish, &(const struct control_table){.schema = schema}, &p->err));
	CHECK_OK(&p->err, control_publish_batch(publish, &batch, NULL, &p->err));
	CHECK_OK(&p->err, control_publish_table_end(publish, &got, &p->err));
	for (int i = 0; i < 2; i++) builder_deinit(&b[i]);
}

static void publish_tenants(struct plane *p, const struct control_lease *l)
{
	static const char *const of_tickets[][2] = {{"1", "red"}, {"2", "blue"}, {"3", "red"}};
	static const char *const of_events[][2] = {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "3"}};
	const struct control_stage stage = {.run_id = RUN, .name = "publish", .committed_at = NOW};
	const struct control_quality_layer layer = {"publish", NULL, 0, NOW};
	struct control_publish *publish = NULL;
	CHECK_OK(&p->err, control_publish_begin(p->c, l, &publish, &p->err));
	put_texts(p, publish, &tickets, of_tickets, 3);
	put_texts(p, publish, &events, of_events, 4);
	put_texts(p, publish, &figures, of_tickets, 3);
	CHECK_OK(&p->err,
		control_publish_view(publish, "analytics.v_daily", "SELECT tenant_id FROM gold.daily", &p->err));
	CHECK_OK(&p->err, control_publish_commit(publish, &stage, &layer, &p->err));
	control_publish_destroy(publish);
}

/* What a role gets, with the claims of a token; "denied" when it may not ask. */
static void sees(const struct plane *p, const char *role, const char *claims, const char *query, const char *want)
{
	char uri[320], sql[512];
	server_uri(uri, "postgres", p->path);
	PGconn *pg = PQconnectdb(uri);
	(void)snprintf(sql, sizeof sql, "SET request.jwt.claims = '%s'; SET ROLE %s; %s", claims, role, query);
	PGresult *r = PQexec(pg, sql);
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
	const char *got = PQresultStatus(r) == PGRES_TUPLES_OK           ? PQgetvalue(r, 0, 0)
			  : state != NULL && strcmp(state, "42501") == 0 ? "denied"
									 : PQerrorMessage(pg);
	if (strcmp(got, want) != 0) fail_msg("%s, %s: %s\nexpected %s, found %s", role, claims, query, want, got);
	PQclear(r);
	PQfinish(pg);
}

static void test_roles(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	static const char red[] = "{\"role\":\"authenticated\",\"tenant_id\":\"red\"}";
	static const char meta[] =
		"{\"app_metadata\":{\"tenant_id\":\"blue\"},\"user_metadata\":{\"tenant_id\":\"red\"}}";
	plane_open(&p);
	hold(&p, &l, RUN);
	publish_tenants(&p, &l);
	for (int again = 0; again < 2; again++) {
		sees(&p, "authenticated", red, "SELECT count(*) FROM core.tickets", "2");
		sees(&p, "authenticated", red, "SELECT count(*) FROM core.ticket_events", "3");
		sees(&p, "authenticated", red, "SELECT count(*) FROM gold.daily", "2");
		sees(&p, "authenticated", meta, "SELECT count(*) FROM core.tickets", "1");
		sees(&p, "authenticated", "", "SELECT count(*) FROM core.tickets", "0");
		sees(&p, "authenticated", "{}", "SELECT count(*) FROM core.ticket_events", "0");
		sees(&p, "authenticated", red, "SELECT count(*) FROM meta.runs", "denied");
		sees(&p, "authenticated", red, "SELECT count(*) FROM analytics.v_daily", "denied");
		sees(&p, "authenticated", red, "DELETE FROM core.tickets RETURNING 1", "denied");
		sees(&p, "anon", red, "SELECT count(*) FROM core.tickets", "denied");
		sees(&p, "pqr_bi", "", "SELECT count(*) FROM gold.daily", "3");
		sees(&p, "pqr_bi", "", "SELECT count(*) FROM analytics.v_daily", "3");
		sees(&p, "pqr_bi", "", "SELECT count(*) FROM core.tickets", "denied");
		sees(&p, "pqr_bi", "", "SELECT count(*) FROM meta.runs", "denied");
		sees(&p, "pqr_bi", "", "DELETE FROM gold.daily RETURNING 1", "denied");
		sees(&p, "service_role", "", "SELECT count(*) FROM core.ticket_events", "4");
		sees(&p, "service_role", "", "SELECT count(*) FROM meta.runs", "1");
		sees(&p, "pqr_etl", "", "SELECT count(*) FROM core.ticket_events", "4");
		publish_tenants(&p, &l); /* and the same after the next publication */
	}
	plane_close(&p);
}

/* A loader without rights of its own, a member of pqr_etl, publishes into what an administrator set up, and the other way round. */
static void test_loader(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	plane_open(&p);
	server_sql("postgres", "DROP ROLE IF EXISTS loader; CREATE ROLE loader LOGIN IN ROLE pqr_etl");
	hold(&p, &l, RUN);
	publish_tenants(&p, &l);
	control_close(p.c);
	server_uri(p.uri, "loader", p.path);
	CHECK_OK(&p.err, control_open(p.uri, &p.c, &p.err));
	publish_tenants(&p, &l);
	CHECK_OK(&p.err, publish_rows(&p, &l, 6, 1)); /* a table that is new */
	sees(&p, "pqr_bi", "", "SELECT count(*) FROM gold.all_types", "6");
	control_close(p.c);
	server_uri(p.uri, "postgres", p.path);
	CHECK_OK(&p.err, control_open(p.uri, &p.c, &p.err));
	CHECK_OK(&p.err, publish_rows(&p, &l, 7, 1));
	plane_close(&p);
	server_sql("postgres", "DROP ROLE loader");
}

/* Who may not make roles gets everything else, and roles.sql by an administrator does the rest. */
static void test_without_right_to_make_roles(void **state)
{
	(void)state;
	struct plane p;
	struct control_lease l;
	char sql[200], command[600];
	plane_make(&p);
	server_sql("postgres",
		"DROP ROLE IF EXISTS pqr_bi"); /* one is missing; pqr_bi owns nothing and has no grants now */
	server_sql("postgres", "CREATE ROLE plain LOGIN");
	(void)snprintf(sql, sizeof sql, "GRANT CREATE ON DATABASE %s TO plain", p.path);
	server_sql("postgres", sql);
	server_uri(p.uri, "plain", p.path);
	log_setup(LOG_ERROR, LOG_TEXT);
	CHECK_OK(&p.err, control_open(p.uri, &p.c, &p.err));
	log_setup(LOG_INFO, LOG_TEXT);
	value_is(&p, "SELECT name FROM meta.schema_migrations WHERE version = 3", "roles (left to an administrator)");
	hold(&p, &l, RUN);
	publish_tenants(&p, &l);
	publish_tenants(&p, &l);
	(void)snprintf(command, sizeof command,
		"psql -q -v ON_ERROR_STOP=1 -1 -f %s/deploy/postgres/roles.sql 'postgresql://postgres@/%s?host=%s'",
		PQR_SOURCE_DIR, p.path, server_dir);
	for (int twice = 0; twice < 2; twice++) assert_int_equal(system(command), 0);
	sees(&p, "pqr_bi", "", "SELECT count(*) FROM gold.daily", "3");
	sees(&p, "authenticated", "{\"tenant_id\":\"blue\"}", "SELECT count(*) FROM core.ticket_events", "1");
	publish_tenants(&p, &l);
	plane_close(&p);
	server_sql("postgres", "DROP ROLE plain");
}

#endif
