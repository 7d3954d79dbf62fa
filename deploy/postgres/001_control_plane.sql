-- What ran, what it wrote and how good it was: the tables of the control plane. Applied once, in a transaction, by the
-- program. A migration is never changed after a release; the next change is the next number.
CREATE SCHEMA IF NOT EXISTS meta;
CREATE SCHEMA IF NOT EXISTS core;
CREATE SCHEMA IF NOT EXISTS gold;
CREATE SCHEMA IF NOT EXISTS analytics;
CREATE SCHEMA IF NOT EXISTS realtime;
COMMENT ON SCHEMA meta IS 'pqr: runs, tasks, quality, lineage';
COMMENT ON SCHEMA core IS 'pqr: tickets as the latest published run left them';
COMMENT ON SCHEMA gold IS 'pqr: figures of the latest published run';
COMMENT ON SCHEMA analytics IS 'pqr: views for dashboards and BI tools';

CREATE TABLE meta.runs (
	run_id text PRIMARY KEY,
	workload text NOT NULL,
	seed numeric(20),
	config_hash text,
	version text,
	git_sha text,
	date_min date,
	date_max date,
	as_of timestamptz,
	status text NOT NULL CHECK (status IN ('PENDING', 'RUNNING', 'SUCCESS', 'DEGRADED', 'FAILED')),
	started_at timestamptz,
	finished_at timestamptz,
	executor text,
	executed_by text,
	attempts bigint NOT NULL,
	raw_objects bigint,
	raw_rows bigint,
	bronze_rows bigint,
	rejected_rows bigint,
	silver_rows bigint,
	gold_rows bigint,
	manifest_sha256 text
);
COMMENT ON TABLE meta.runs IS 'one row a run; attempts counts the processes that worked at it';
CREATE TABLE meta.run_specs (run_id text PRIMARY KEY, spec text NOT NULL);
COMMENT ON TABLE meta.run_specs IS 'what identifies a run beside the columns of meta.runs, JSON';
CREATE TABLE meta.leases (
	run_id text PRIMARY KEY,
	owner text NOT NULL,
	host text NOT NULL,
	pid bigint NOT NULL,
	since bigint NOT NULL,
	expires bigint NOT NULL
);
COMMENT ON TABLE meta.leases IS 'who may write into a run; microseconds UTC';
CREATE TABLE meta.tasks (
	run_id text NOT NULL,
	stage text NOT NULL,
	task_id text NOT NULL,
	attempt bigint NOT NULL,
	status text NOT NULL CHECK (status IN ('RUNNING', 'SUCCESS', 'FAILED')),
	worker text,
	started_at timestamptz,
	finished_at timestamptz,
	rows_in bigint,
	rows_out bigint,
	bytes_in bigint,
	bytes_out bigint,
	error text,
	PRIMARY KEY (run_id, stage, task_id, attempt)
);
COMMENT ON TABLE meta.tasks IS 'each attempt at a task';
CREATE TABLE meta.task_results (
	run_id text NOT NULL,
	stage text NOT NULL,
	task_id text NOT NULL,
	spec_hash text NOT NULL,
	result text NOT NULL,
	PRIMARY KEY (run_id, stage, task_id)
);
COMMENT ON TABLE meta.task_results IS 'finished tasks of stages that are not committed yet';
CREATE TABLE meta.stage_commits (
	run_id text NOT NULL,
	stage text NOT NULL,
	ordinal bigint NOT NULL,
	location text,
	sha256 text,
	n_tasks bigint NOT NULL,
	us bigint NOT NULL,
	rows_in bigint,
	rows_out bigint,
	bytes_in bigint,
	bytes_out bigint,
	committed_at timestamptz NOT NULL,
	PRIMARY KEY (run_id, stage)
);
COMMENT ON TABLE meta.stage_commits IS 'stages whose commit stands in the lake';
CREATE TABLE meta.datasets (
	name text PRIMARY KEY,
	layer text NOT NULL,
	location text NOT NULL,
	contract_version text,
	delta_version bigint,
	rows bigint NOT NULL,
	bytes bigint NOT NULL,
	updated_at timestamptz NOT NULL
);
COMMENT ON TABLE meta.datasets IS 'tables of the lake, over all runs';
CREATE TABLE meta.dataset_runs (
	name text NOT NULL,
	run_id text NOT NULL,
	version text NOT NULL,
	rows bigint NOT NULL,
	bytes bigint NOT NULL,
	PRIMARY KEY (name, run_id)
);
COMMENT ON TABLE meta.dataset_runs IS 'what each run wrote to a table';
CREATE TABLE meta.lineage (
	run_id text NOT NULL,
	stage text NOT NULL,
	input text NOT NULL,
	input_version text,
	output text NOT NULL,
	output_version text
);
CREATE INDEX lineage_run ON meta.lineage (run_id, stage);
COMMENT ON TABLE meta.lineage IS 'which dataset was made from which';
CREATE TABLE meta.quality_checks (
	run_id text NOT NULL,
	layer text NOT NULL,
	dataset text NOT NULL,
	check_name text NOT NULL,
	severity text NOT NULL CHECK (severity IN ('CRITICAL', 'WARNING')),
	result text NOT NULL CHECK (result IN ('PASS', 'WARN', 'FAIL')),
	value text,
	threshold text,
	record_count bigint,
	details text,
	checked_at timestamptz NOT NULL
);
CREATE INDEX quality_checks_run ON meta.quality_checks (run_id, layer);
COMMENT ON TABLE meta.quality_checks IS 'the checks of each layer of a run';
CREATE TABLE meta.model_registry (
	model_version text PRIMARY KEY,
	model_type text NOT NULL,
	run_id text,
	location text,
	created_at timestamptz NOT NULL
);
CREATE TABLE meta.model_evaluation (
	model_version text NOT NULL,
	run_id text NOT NULL,
	accuracy double precision,
	f1 double precision,
	confusion_matrix text,
	evaluated_at timestamptz NOT NULL,
	PRIMARY KEY (model_version, run_id)
);
CREATE TABLE meta.serving_objects (
	name text PRIMARY KEY,
	kind text NOT NULL CHECK (kind IN ('table', 'view')),
	definition text NOT NULL
);
COMMENT ON TABLE meta.serving_objects IS 'hash of the definition each published table and view was made with';

CREATE VIEW meta.etl_runs WITH (security_invoker = true) AS
	SELECT run_id, workload AS pipeline_name, status, started_at AS start_time, finished_at AS end_time,
		round(extract(epoch FROM finished_at - started_at), 3) AS duration_seconds, raw_rows AS records_read,
		gold_rows AS records_written, rejected_rows AS records_rejected, attempts, executed_by, seed, config_hash,
		version
	FROM meta.runs;
CREATE VIEW meta.data_quality WITH (security_invoker = true) AS
	SELECT run_id, layer, dataset AS table_name, check_name, severity, result AS status, value AS metric_value,
		threshold, record_count, details, checked_at AS check_time
	FROM meta.quality_checks;
