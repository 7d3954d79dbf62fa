-- clickstream in DuckDB: raw -> bronze -> silver (first of each event_id) -> four gold tables; zstd level 1.
-- In its favour: no rejects (one bad line ends it), no members outside the contract kept, ids and values not checked, no order within a
-- file, no bloom filters, no hashes, no fsync, no history.
SET preserve_insertion_order = false;
COPY (
  SELECT event_id, user_id, event_type, page, timestamp, source, CAST(timestamp AS DATE) AS event_date
  FROM read_json('@RAW@/clickstream/source=*/day=*/run_id=*/events.jsonl', format = 'newline_delimited', hive_partitioning = false,
    columns = {event_id: 'VARCHAR', user_id: 'BIGINT', event_type: 'VARCHAR', page: 'VARCHAR', timestamp: 'TIMESTAMP', source: 'VARCHAR'})
) TO '@OUT@/bronze' (FORMAT parquet, PARTITION_BY (event_date), COMPRESSION zstd, COMPRESSION_LEVEL 1, OVERWRITE_OR_IGNORE);
COPY (
  SELECT event_id, user_id, event_type, page, timestamp, source, event_date
  FROM read_parquet('@OUT@/bronze/*/*.parquet', hive_partitioning = true)
  QUALIFY row_number() OVER (PARTITION BY event_id ORDER BY timestamp) = 1
) TO '@OUT@/silver' (FORMAT parquet, PARTITION_BY (event_date), COMPRESSION zstd, COMPRESSION_LEVEL 1, OVERWRITE_OR_IGNORE);
CREATE VIEW silver AS SELECT * FROM read_parquet('@OUT@/silver/*/*.parquet', hive_partitioning = true);
COPY (SELECT event_date, count(DISTINCT user_id) AS dau_count FROM silver GROUP BY event_date)
  TO '@OUT@/daily_active_users.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (
  SELECT event_date,
    CAST(round(count(DISTINCT user_id) FILTER (event_type = 'purchase') / count(DISTINCT user_id), 4) AS DECIMAL(7, 4)) AS conversion_rate,
    count(*) FILTER (event_type = 'purchase') AS total_purchases, count(DISTINCT user_id) AS dau_count
  FROM silver GROUP BY event_date
) TO '@OUT@/conversion_rate_daily.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (SELECT event_date, source, count(*) AS event_count FROM silver GROUP BY event_date, source)
  TO '@OUT@/events_per_source_daily.parquet' (FORMAT parquet, COMPRESSION zstd);
COPY (SELECT event_date, page, count(*) AS purchase_count FROM silver WHERE event_type = 'purchase' GROUP BY event_date, page)
  TO '@OUT@/purchases_per_page_daily.parquet' (FORMAT parquet, COMPRESSION zstd);
