-- What pqr schedule has done: one row a schedule, changed under its lease.
CREATE TABLE meta.schedules (
	name text PRIMARY KEY,
	cron text NOT NULL,
	timezone text NOT NULL,
	command text NOT NULL,
	due_at timestamptz NOT NULL,
	started_at timestamptz,
	finished_at timestamptz,
	exit_status bigint,
	runs bigint NOT NULL DEFAULT 0,
	failures bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE meta.schedules IS 'due_at: the newest instant that was dealt with; started_at, finished_at, exit_status: of the last command';
SELECT meta.share('meta.schedules');
