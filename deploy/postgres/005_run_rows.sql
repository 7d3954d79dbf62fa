-- Rows by layer in a table of their own, for layers of any workload; meta.runs, now a view, shows those there were before.
CREATE TABLE meta.run_rows (
	run_id text NOT NULL,
	layer text NOT NULL,
	rows bigint NOT NULL,
	PRIMARY KEY (run_id, layer)
);
COMMENT ON TABLE meta.run_rows IS 'rows that a run wrote by layer; rejected: raw lines that broke the contract';
INSERT INTO meta.run_rows SELECT run_id, layer, rows FROM meta.runs
	CROSS JOIN LATERAL (VALUES ('raw', raw_rows), ('bronze', bronze_rows), ('rejected', rejected_rows),
		('silver', silver_rows), ('gold', gold_rows)) AS l (layer, rows)
	WHERE rows IS NOT NULL;
DROP VIEW meta.etl_runs;
ALTER TABLE meta.runs RENAME TO run_records;
ALTER TABLE meta.run_records DROP COLUMN raw_rows, DROP COLUMN bronze_rows, DROP COLUMN rejected_rows,
	DROP COLUMN silver_rows, DROP COLUMN gold_rows;
CREATE VIEW meta.runs WITH (security_invoker = true) AS
	SELECT r.*, l.raw_rows, l.bronze_rows, l.rejected_rows, l.silver_rows, l.gold_rows
	FROM meta.run_records r LEFT JOIN LATERAL (SELECT
		max(rows) FILTER (WHERE layer = 'raw') AS raw_rows, max(rows) FILTER (WHERE layer = 'bronze') AS bronze_rows,
		max(rows) FILTER (WHERE layer = 'rejected') AS rejected_rows,
		max(rows) FILTER (WHERE layer = 'silver') AS silver_rows, max(rows) FILTER (WHERE layer = 'gold') AS gold_rows
		FROM meta.run_rows x WHERE x.run_id = r.run_id) l ON true;
COMMENT ON VIEW meta.runs IS 'one row a run, with its rows by layer; attempts counts the processes that worked at it';
CREATE VIEW meta.etl_runs WITH (security_invoker = true) AS
	SELECT run_id, workload AS pipeline_name, status, started_at AS start_time, finished_at AS end_time,
		round(extract(epoch FROM finished_at - started_at), 3) AS duration_seconds, raw_rows AS records_read,
		gold_rows AS records_written, rejected_rows AS records_rejected, attempts, executed_by, seed, config_hash,
		version
	FROM meta.runs;
SELECT meta.share('meta.run_rows');
SELECT meta.share('meta.runs');
SELECT meta.share('meta.etl_runs');
