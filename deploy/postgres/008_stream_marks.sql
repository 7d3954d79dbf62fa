-- What tells a topic from another one of its name: a mark of the record before next_position. A topic that was made again n times is topic#n.
ALTER TABLE realtime.offsets ADD COLUMN IF NOT EXISTS last_mark bigint;
COMMENT ON COLUMN realtime.offsets.last_mark IS 'a number of the record before next_position, by its value and time stamp; null: not known';
COMMENT ON COLUMN realtime.offsets.topic IS 'whose positions: the topic, or topic#n of one that was deleted and made again n times';
