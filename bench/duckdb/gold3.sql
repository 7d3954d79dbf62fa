-- silver -> gold in DuckDB: the three plain KPI tables only; the stage of pqr beside it makes fourteen, and checks them.
CREATE TEMP MACRO local_day(t) AS CAST(t - INTERVAL 5 HOUR AS DATE);
CREATE TEMP VIEW tickets AS SELECT * FROM read_parquet('@OUT@/silver/tickets/**/*.parquet', hive_partitioning = true);
COPY (SELECT local_day(created_at) AS day, source_channel AS channel, pqrs_type, count(*) AS tickets_count, strftime(day, '%Y-%m') AS month
  FROM tickets GROUP BY ALL ORDER BY ALL)
  TO '@OUT@/gold/kpi_volume_daily' (FORMAT parquet, PARTITION_BY (month), COMPRESSION zstd, COMPRESSION_LEVEL 1, OVERWRITE_OR_IGNORE);
COPY (
  WITH change AS (
    SELECT local_day(created_at) AS day, pqrs_type, coalesce(department_name, 'unknown') AS region, count(*) AS n FROM tickets GROUP BY ALL
    UNION ALL
    SELECT local_day(closed_at), pqrs_type, coalesce(department_name, 'unknown'), -count(*) FROM tickets WHERE closed_at IS NOT NULL GROUP BY ALL),
  days AS (SELECT CAST(g AS DATE) AS day FROM generate_series((SELECT min(day) FROM change), local_day(TIMESTAMP '@AS_OF@'), INTERVAL 1 DAY) t(g)),
  net AS (SELECT day, pqrs_type, region, sum(n) AS n FROM change GROUP BY ALL),
  grid AS (SELECT day, pqrs_type, region FROM days, (SELECT DISTINCT pqrs_type, region FROM net)),
  total AS (
    SELECT day, pqrs_type, region, sum(coalesce(n, 0)) OVER (PARTITION BY pqrs_type, region ORDER BY day)::BIGINT AS backlog_count
    FROM grid LEFT JOIN net USING (day, pqrs_type, region))
  SELECT day, pqrs_type, region, backlog_count, strftime(day, '%Y-%m') AS month FROM total WHERE backlog_count <> 0 ORDER BY ALL)
  TO '@OUT@/gold/kpi_backlog_daily' (FORMAT parquet, PARTITION_BY (month), COMPRESSION zstd, COMPRESSION_LEVEL 1, OVERWRITE_OR_IGNORE);
COPY (
  SELECT local_day(closed_at) AS day, pqrs_type, count(*) AS closed_count,
    round(100.0 * count(*) FILTER (sla_status = 'IN_TIME') / count(*), 2)::DECIMAL(5,2) AS within_sla_pct,
    count(*) FILTER (sla_status = 'LATE') AS overdue_count,
    coalesce(round(avg(epoch_us(answered_at) - epoch_us(sla_due_at)) FILTER (sla_status = 'LATE') / 86400000000.0, 2), 0)::DECIMAL(9,2) AS avg_overdue_days,
    strftime(day, '%Y-%m') AS month
  FROM tickets WHERE closed_at IS NOT NULL GROUP BY ALL ORDER BY ALL)
  TO '@OUT@/gold/kpi_sla_daily' (FORMAT parquet, PARTITION_BY (month), COMPRESSION zstd, COMPRESSION_LEVEL 1, OVERWRITE_OR_IGNORE);
