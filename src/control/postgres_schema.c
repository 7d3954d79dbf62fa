/* control/postgres_schema.c: the tables of the control plane and how a database gets them.
 *
 * deploy/postgres holds the SQL, one file a migration, embedded as it is. Each is applied once, in a transaction of its own under
 * an advisory lock, and recorded in meta.schema_migrations. One is never changed after a release.
 */
#include <stdio.h>

#include "base/log.h"
#include "control/postgres_int.h"
#include "io/embed.h"

#define MIGRATION_LOCK "7381207" /* any number that nobody else uses: "pqr" in base 256, and 0 */
EMBED_FILE(postgres_sql_control_plane, "001_control_plane.sql")
EMBED_FILE(postgres_sql_access, "002_access.sql")
EMBED_FILE(postgres_sql_roles, "roles.sql")
EMBED_FILE(postgres_sql_published_parts, "003_published_parts.sql")
EMBED_FILE(postgres_sql_dropped_runs, "004_dropped_runs.sql")
EMBED_FILE(postgres_sql_run_rows, "005_run_rows.sql")
EMBED_FILE(postgres_sql_realtime, "006_realtime.sql")
EMBED_FILE(postgres_sql_schedules, "007_schedules.sql")
EMBED_FILE(postgres_sql_stream_marks, "008_stream_marks.sql")

static const struct migration {
	int64_t version;
	const char *name;
	const char *sql;
	bool may_lack_rights; /* skipped with a warning when the user may not do it */
} migrations[] = {
	{1, "control plane", postgres_sql_control_plane, false},
	{2, "access", postgres_sql_access, false},
	{3, "roles", postgres_sql_roles, true},
	{4, "published parts", postgres_sql_published_parts, false},
	{5, "dropped runs", postgres_sql_dropped_runs, false},
	{6, "rows by layer", postgres_sql_run_rows, false},
	{7, "realtime", postgres_sql_realtime, false},
	{8, "schedules", postgres_sql_schedules, false},
	{9, "marks of streams", postgres_sql_stream_marks, false},
};
enum { N_MIGRATIONS = sizeof migrations / sizeof *migrations };

static status look(struct control_postgres *s, void *arg, struct err *err)
{
	static const struct sql_stmt made = {
		.sql = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
		       "WHERE n.nspname = 'meta' AND c.relname = 'schema_migrations'"};
	static const struct sql_stmt newest = {.sql = "SELECT max(version) FROM meta.schema_migrations"};
	int64_t table = 0;
	int64_t *version = arg;
	*version = 0;
	TRY(sql_one_i64(&s->base, &made, &table, err));
	return table == 0 ? OK : sql_one_i64(&s->base, &newest, version, err);
}

static status record(struct control_postgres *s, const struct migration *m, bool skipped, struct err *err)
{
	struct postgres_args a = {0};
	char name[64];
	(void)snprintf(name, sizeof name, "%s%s", m->name, skipped ? " (left to an administrator)" : "");
	postgres_arg_int(&a, m->version);
	postgres_arg_text(&a, name);
	return postgres_run(s, "INSERT INTO meta.schema_migrations (version, name, applied_at) VALUES ($1, $2, now())",
		&a, NULL, err);
}

static status apply(struct control_postgres *s, void *arg, struct err *err)
{
	const struct migration *m = arg;
	int64_t version = 0;
	struct err why;
	err_clear(&why);
	TRY(postgres_exec(s, "SELECT pg_advisory_xact_lock(" MIGRATION_LOCK ")", NULL, NULL, err));
	TRY(look(s, &version, err)); /* again, now under the lock: another process may have been first */
	if (version >= m->version) return OK;
	if (version == 0)
		TRY(postgres_exec(s,
			"CREATE SCHEMA IF NOT EXISTS meta; CREATE TABLE meta.schema_migrations (version bigint PRIMARY "
			"KEY, name text NOT NULL, applied_at timestamptz NOT NULL)",
			NULL, NULL, err));
	TRY(postgres_exec(s, "SAVEPOINT migration", NULL, NULL, err));
	const status code = postgres_exec(s, m->sql, NULL, NULL, &why);
	const bool skipped = code != OK && m->may_lack_rights && strcmp(s->state, "42501") == 0;
	if (code != OK && !skipped) {
		if (err != NULL) *err = why;
		return code;
	}
	if (skipped) {
		TRY(postgres_exec(s, "ROLLBACK TO SAVEPOINT migration", NULL, NULL, err));
		log_line(LOG_WARN,
			"this user may not make the roles pqr_etl, pqr_bi, ...: have an administrator run "
			"deploy/postgres/roles.sql in this database",
			"database", s->place, NULL);
	}
	return record(s, m, skipped, err);
}

status postgres_migrate(struct control_postgres *s, struct err *err)
{
	const int64_t newest = migrations[N_MIGRATIONS - 1].version;
	int64_t version = 0;
	TRY(postgres_read(s, look, &version, err));
	if (version > newest)
		return fail(err, E_UNSUPPORTED,
			"unsupported: control database %s has schema version %lld, this program knows %lld; use a "
			"newer one",
			s->place, (long long)version, (long long)newest);
	for (size_t i = 0; i < N_MIGRATIONS; i++) {
		struct migration m = migrations[i];
		if (m.version > version) TRY(postgres_transact(s, apply, &m, err));
	}
	return OK;
}
