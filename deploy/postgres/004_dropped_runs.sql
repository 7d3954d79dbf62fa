-- The run that took a run out of its history.
ALTER TABLE meta.runs ADD COLUMN dropped_by text;
