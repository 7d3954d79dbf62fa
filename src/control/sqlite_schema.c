/* control/sqlite_schema.c: the tables of the control plane and how a database gets them.
 *
 * meta_migrations says which migrations a database has had. One is never changed after a release: the next change is a new
 * entry at the end. application_id (file header, bytes 68-71) tells our files from others'.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <time.h>

#include "control/sqlite_int.h"

enum {
	APPLICATION_ID = 0x5051524c, /* "PQRL" */
	WAL_ATTEMPTS_MAX = 500,      /* of 20 ms: a process that creates the same database holds it for far less */
};

static const char schema_1[] =
	"CREATE TABLE meta_runs (run_id TEXT PRIMARY KEY NOT NULL, workload TEXT NOT NULL, seed, config_hash TEXT, "
	"version TEXT, git_sha TEXT,"
	" date_min TEXT, date_max TEXT, as_of TEXT, status TEXT NOT NULL CHECK (status IN "
	"('PENDING','RUNNING','SUCCESS','DEGRADED','FAILED')),"
	" started_at TEXT, finished_at TEXT, executor TEXT, executed_by TEXT, attempts INTEGER NOT NULL, raw_objects "
	"INTEGER, raw_rows INTEGER,"
	" bronze_rows INTEGER, rejected_rows INTEGER, silver_rows INTEGER, gold_rows INTEGER, manifest_sha256 TEXT);"
	"CREATE TABLE meta_run_specs (run_id TEXT PRIMARY KEY NOT NULL, spec TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE meta_leases (run_id TEXT PRIMARY KEY NOT NULL, owner TEXT NOT NULL, host TEXT NOT NULL, pid "
	"INTEGER NOT NULL,"
	" since INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE meta_tasks (run_id TEXT NOT NULL, stage TEXT NOT NULL, task_id TEXT NOT NULL, attempt INTEGER "
	"NOT NULL,"
	" status TEXT NOT NULL CHECK (status IN ('RUNNING','SUCCESS','FAILED')), worker TEXT, started_at TEXT, "
	"finished_at TEXT,"
	" rows_in INTEGER, rows_out INTEGER, bytes_in INTEGER, bytes_out INTEGER, error TEXT,"
	" PRIMARY KEY (run_id, stage, task_id, attempt)) WITHOUT ROWID;"
	"CREATE TABLE meta_task_results (run_id TEXT NOT NULL, stage TEXT NOT NULL, task_id TEXT NOT NULL, spec_hash "
	"TEXT NOT NULL,"
	" result TEXT NOT NULL, PRIMARY KEY (run_id, stage, task_id));"
	"CREATE TABLE meta_stage_commits (run_id TEXT NOT NULL, stage TEXT NOT NULL, ordinal INTEGER NOT NULL, "
	"location TEXT, sha256 TEXT,"
	" n_tasks INTEGER NOT NULL, us INTEGER NOT NULL, rows_in INTEGER, rows_out INTEGER, bytes_in INTEGER, "
	"bytes_out INTEGER,"
	" committed_at TEXT NOT NULL, PRIMARY KEY (run_id, stage)) WITHOUT ROWID;"
	"CREATE TABLE meta_datasets (name TEXT PRIMARY KEY NOT NULL, layer TEXT NOT NULL, location TEXT NOT NULL, "
	"contract_version TEXT,"
	" delta_version INTEGER, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, updated_at TEXT NOT NULL);"
	"CREATE TABLE meta_dataset_runs (name TEXT NOT NULL, run_id TEXT NOT NULL, version TEXT NOT NULL, rows INTEGER "
	"NOT NULL,"
	" bytes INTEGER NOT NULL, PRIMARY KEY (name, run_id)) WITHOUT ROWID;"
	"CREATE TABLE meta_lineage (run_id TEXT NOT NULL, stage TEXT NOT NULL, input TEXT NOT NULL, input_version "
	"TEXT, output TEXT NOT NULL,"
	" output_version TEXT);"
	"CREATE INDEX meta_lineage_run ON meta_lineage (run_id, stage);"
	"CREATE TABLE meta_quality_checks (run_id TEXT NOT NULL, layer TEXT NOT NULL, dataset TEXT NOT NULL, "
	"check_name TEXT NOT NULL,"
	" severity TEXT NOT NULL CHECK (severity IN ('CRITICAL','WARNING')), result TEXT NOT NULL CHECK (result IN "
	"('PASS','WARN','FAIL')),"
	" value TEXT, threshold TEXT, record_count INTEGER, details TEXT, checked_at TEXT NOT NULL);"
	"CREATE INDEX meta_quality_checks_run ON meta_quality_checks (run_id, layer);"
	"CREATE TABLE meta_model_registry (model_version TEXT PRIMARY KEY NOT NULL, model_type TEXT NOT NULL, run_id "
	"TEXT, location TEXT,"
	" created_at TEXT NOT NULL);"
	"CREATE TABLE meta_model_evaluation (model_version TEXT NOT NULL, run_id TEXT NOT NULL, accuracy REAL, f1 "
	"REAL, confusion_matrix TEXT,"
	" evaluated_at TEXT NOT NULL, PRIMARY KEY (model_version, run_id)) WITHOUT ROWID;"
	"CREATE VIEW meta_etl_runs AS SELECT run_id, workload AS pipeline_name, status, started_at AS start_time, "
	"finished_at AS end_time,"
	" round((julianday(finished_at) - julianday(started_at)) * 86400, 3) AS duration_seconds, raw_rows AS "
	"records_read,"
	" gold_rows AS records_written, rejected_rows AS records_rejected, attempts, executed_by, seed, config_hash, "
	"version FROM meta_runs;"
	"CREATE VIEW meta_data_quality AS SELECT run_id, layer, dataset AS table_name, check_name, severity, result AS "
	"status,"
	" value AS metric_value, threshold, record_count, details, checked_at AS check_time FROM meta_quality_checks;";

/* What each part of a published table was read from, how many rows it has, and the rowids between which they lie. */
static const char schema_2[] = "CREATE TABLE meta_published_parts (name TEXT NOT NULL, part TEXT NOT NULL, files TEXT "
			       "NOT NULL, rows INTEGER NOT "
			       "NULL,"
			       " first_row INTEGER NOT NULL DEFAULT 1, last_row INTEGER NOT NULL DEFAULT 0, PRIMARY "
			       "KEY (name, part)) WITHOUT ROWID;";

static const char schema_3[] = "ALTER TABLE meta_runs ADD COLUMN dropped_by TEXT";

/* Rows by layer in a table of their own, for layers of any workload; meta_runs, now a view, shows those there were before. */
#define ROWS_OF(layer) "(SELECT rows FROM meta_run_rows x WHERE x.run_id = r.run_id AND layer = '" layer "')"
static const char schema_4[] = "CREATE TABLE meta_run_rows (run_id TEXT NOT NULL, layer TEXT NOT NULL, rows INTEGER "
			       "NOT NULL, PRIMARY KEY (run_id, layer)) WITHOUT ROWID;"
			       "INSERT INTO meta_run_rows SELECT run_id, 'raw', raw_rows FROM meta_runs WHERE raw_rows "
			       "IS NOT NULL"
			       " UNION ALL SELECT run_id, 'bronze', bronze_rows FROM meta_runs WHERE bronze_rows IS "
			       "NOT NULL"
			       " UNION ALL SELECT run_id, 'rejected', rejected_rows FROM meta_runs WHERE rejected_rows "
			       "IS NOT NULL"
			       " UNION ALL SELECT run_id, 'silver', silver_rows FROM meta_runs WHERE silver_rows IS "
			       "NOT NULL"
			       " UNION ALL SELECT run_id, 'gold', gold_rows FROM meta_runs WHERE gold_rows IS NOT NULL;"
			       "DROP VIEW meta_etl_runs;"
			       "ALTER TABLE meta_runs RENAME TO meta_run_records;"
			       "ALTER TABLE meta_run_records DROP COLUMN raw_rows; ALTER TABLE meta_run_records DROP "
			       "COLUMN bronze_rows;"
			       "ALTER TABLE meta_run_records DROP COLUMN rejected_rows; ALTER TABLE meta_run_records "
			       "DROP COLUMN silver_rows;"
			       "ALTER TABLE meta_run_records DROP COLUMN gold_rows;"
			       "CREATE VIEW meta_runs AS SELECT r.*, " ROWS_OF("raw") " AS raw_rows, " ROWS_OF("bronze") " AS bronze_rows, " ROWS_OF("rejected") " AS rejected_rows, " ROWS_OF(
				       "silver") " AS silver_rows, " ROWS_OF("gold") " AS gold_rows FROM "
										     "meta_run_records r;"
										     "CREATE VIEW meta_etl_runs AS "
										     "SELECT run_id, workload AS "
										     "pipeline_name, status, "
										     "started_at AS start_time, "
										     "finished_at AS end_time,"
										     " round((julianday(finished_at) - "
										     "julianday(started_at)) * 86400, "
										     "3) AS duration_seconds, raw_rows "
										     "AS records_read,"
										     " gold_rows AS records_written, "
										     "rejected_rows AS "
										     "records_rejected, attempts, "
										     "executed_by, seed, config_hash, "
										     "version FROM meta_runs;";

/* How far a stream has counted each partition, and what came too late for its window. Tables of counts are made by who counts. */
static const char schema_5[] =
	"CREATE TABLE realtime_offsets (sink TEXT NOT NULL, topic TEXT NOT NULL, \"partition\" INTEGER NOT NULL, "
	"next_position INTEGER NOT NULL, watermark TEXT, updated_at TEXT NOT NULL, PRIMARY KEY (sink, topic, "
	"\"partition\")) WITHOUT ROWID;"
	"CREATE TABLE realtime_late_events (sink TEXT NOT NULL, topic TEXT NOT NULL, window_start TEXT NOT NULL, "
	"event_count INTEGER NOT NULL, updated_at TEXT NOT NULL, PRIMARY KEY (sink, topic, window_start)) WITHOUT "
	"ROWID;";
static const char schema_6[] = "CREATE TABLE meta_schedules (name TEXT PRIMARY KEY, cron TEXT NOT NULL, timezone TEXT "
			       "NOT NULL, command TEXT NOT NULL, "
			       "due_at TEXT NOT NULL, started_at TEXT, finished_at TEXT, exit_status INTEGER, runs "
			       "INTEGER NOT NULL, failures INTEGER "
			       "NOT NULL) WITHOUT ROWID;";

/* Of the record before next_position: a topic that was made again has another one there. */
static const char schema_7[] = "ALTER TABLE realtime_offsets ADD COLUMN last_mark INTEGER;";

static const struct migration {
	int64_t version;
	const char *name;
	const char *sql;
} migrations[] = {
	{1, "control plane", schema_1},
	{2, "published parts", schema_2},
	{3, "dropped runs", schema_3},
	{4, "rows by layer", schema_4},
	{5, "realtime", schema_5},
	{6, "schedules", schema_6},
	{7, "marks of streams", schema_7},
};
enum { N_MIGRATIONS = sizeof migrations / sizeof *migrations };
#define NEWEST (migrations[N_MIGRATIONS - 1].version)

struct found {
	int64_t application_id, n_objects, migrations_table, version;
};

static status find_one(struct control_sqlite *s, const char *sql, int64_t *out, struct err *err)
{
	const struct sql_stmt q = {sql, NULL, 0};
	return sql_one_i64(&s->base, &q, out, err);
}

static status look(struct control_sqlite *s, struct found *f, struct err *err)
{
	*f = (struct found){0};
	TRY(find_one(s, "PRAGMA application_id", &f->application_id, err));
	TRY(find_one(s, "SELECT count(*) FROM sqlite_master", &f->n_objects, err));
	TRY(find_one(s, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta_migrations'",
		&f->migrations_table, err));
	if (f->migrations_table != 0) TRY(find_one(s, "SELECT max(version) FROM meta_migrations", &f->version, err));
	return OK;
}

/* Pages of 16 KiB: publishing a million rows takes a third less time than with 4 KiB. Only an empty file can change its page
 * size, and only before it becomes WAL. Changing to WAL does not wait for a lock by itself. */
static status set_up_file(struct control_sqlite *s, bool empty, struct err *err)
{
	if (empty) TRY(sqlite_exec(s, "PRAGMA page_size = 16384", err));
	for (int attempt = 0;; attempt++) {
		const int rc = sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if (rc == SQLITE_OK) break;
		if ((rc != SQLITE_BUSY && rc != SQLITE_LOCKED) || attempt == WAL_ATTEMPTS_MAX)
			return sqlite_fail(s, "journal mode", err);
		(void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
	return sqlite_exec(s, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY", err);
}

static status apply(struct control_sqlite *s, struct err *err)
{
	struct found f;
	TRY(look(s, &f, err)); /* again, now under the lock: another process may have been first */
	if (f.migrations_table == 0) {
		char sql[160];
		(void)snprintf(sql, sizeof sql,
			"PRAGMA application_id = %d; CREATE TABLE meta_migrations (version INTEGER PRIMARY KEY, name "
			"TEXT NOT NULL,"
			" applied_at TEXT NOT NULL)",
			APPLICATION_ID);
		TRY(sqlite_exec(s, sql, err));
	}
	for (size_t i = 0; i < N_MIGRATIONS; i++) {
		const struct migration *m = &migrations[i];
		if (m->version <= f.version) continue;
		TRY(sqlite_exec(s, m->sql, err));
		const struct sql_arg args[] = {sql_int(m->version), sql_text(m->name), sql_time(time_now_us())};
		TRY(sql_exec(&s->base, "INSERT INTO meta_migrations VALUES (?, ?, ?)", args, 3, err));
	}
	return OK;
}

/* E_CORRUPT, E_UNSUPPORTED: somebody else's, or of a later version. */
static status recognise(struct control_sqlite *s, struct found *f, struct err *err)
{
	/* One snapshot: between two look-ups another process may have made the whole schema. */
	TRY(sqlite_exec(s, "BEGIN", err));
	TRY(sqlite_end(s, look(s, f, err), err));
	if (f->n_objects > 0 && (f->application_id != APPLICATION_ID || f->migrations_table == 0))
		return err_advise(err, fail(err, E_CORRUPT, "%s is a SQLite database of something else", s->path),
			ADVICE_OTHER_CONTROL, NULL);
	if (f->version > NEWEST)
		return fail(err, E_UNSUPPORTED,
			"unsupported: control database %s has schema version %lld, this program knows %lld; use a "
			"newer one",
			s->path, (long long)f->version, (long long)NEWEST);
	return OK;
}

status sqlite_check(struct control_sqlite *s, struct err *err)
{
	struct found f;
	TRY(recognise(s, &f, err));
	if (f.version == NEWEST) return OK;
	return fail(err, E_UNSUPPORTED,
		"control database %s has schema version %lld, this program needs %lld; have a user who may write there "
		"look at it once",
		s->path, (long long)f.version, (long long)NEWEST);
}

status sqlite_migrate(struct control_sqlite *s, struct err *err)
{
	struct found f;
	TRY(recognise(s, &f, err));
	if (sqlite3_db_readonly(s->db, "main") == 1)
		return fail(err, E_IO,
			"control database %s is read-only; give this user write permission on it and its folder",
			s->path);
	TRY(set_up_file(s, f.n_objects == 0, err));
	if (f.version == NEWEST) return OK;
	TRY(sqlite_begin(s, err));
	return sqlite_end(s, apply(s, err), err);
}
