-- How far a stream has counted each partition of its topic, and what came too late for its window. The tables of counts are made by
-- the program that counts, from their schemas.
CREATE TABLE IF NOT EXISTS realtime.offsets (
	sink text NOT NULL,
	topic text NOT NULL,
	"partition" integer NOT NULL,
	next_position bigint NOT NULL,
	watermark timestamptz,
	updated_at timestamptz NOT NULL,
	PRIMARY KEY (sink, topic, "partition")
);
COMMENT ON TABLE realtime.offsets IS 'the position behind all that is counted of each partition; changes with the counts';
COMMENT ON COLUMN realtime.offsets.sink IS 'whose tables: the workload';
COMMENT ON COLUMN realtime.offsets.watermark IS 'newest event time of the partition less two minutes; null: none yet';
CREATE TABLE IF NOT EXISTS realtime.late_events (
	sink text NOT NULL,
	topic text NOT NULL,
	window_start timestamptz NOT NULL,
	event_count bigint NOT NULL,
	updated_at timestamptz NOT NULL,
	PRIMARY KEY (sink, topic, window_start)
);
COMMENT ON TABLE realtime.late_events IS 'events whose window had ended at or before the watermark of their partition: not in its counts';
SELECT meta.share('realtime.offsets');
SELECT meta.share('realtime.late_events');
