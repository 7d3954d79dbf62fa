-- bronze -> silver in DuckDB: tickets, messages, status_events, attachments by month.
-- It does less than pqr: events are taken as valid (no state machine, no quarantine), no classification, no dimensions.
-- @HOLIDAYS@ is a list of dates; local time is UTC-5, as it has been in Bogota since 1993.
CREATE TEMP MACRO local_day(t) AS CAST(t - INTERVAL 5 HOUR AS DATE);
CREATE TEMP MACRO month_of(t) AS strftime(t - INTERVAL 5 HOUR, '%Y-%m');
CREATE TEMP VIEW bronze AS SELECT * FROM read_parquet('@OUT@/bronze/**/*.parquet', hive_partitioning = true, hive_types = {'source': VARCHAR, 'day': DATE});

COPY (SELECT coalesce(message_id, event_id) AS message_id, ticket_id, ts, role, "text", length("text")::INTEGER AS text_len, month_of(ts) AS month
  FROM bronze WHERE event_type = 'MESSAGE_ADDED')
  TO '@OUT@/silver/messages' (FORMAT parquet, PARTITION_BY (month), COMPRESSION zstd, COMPRESSION_LEVEL 1, OVERWRITE_OR_IGNORE);
COPY (SELECT event_id AS attachment_id, ticket_id, ts, file_type, size_kb, file_name, source_channel, month_of(ts) AS month
  FROM bronze WHERE event_type = 'ATTACHMENT_ADDED')
  TO '@OUT@/silver/attachments' (FORMAT parquet, PARTITION_BY (month), COMPRESSION zstd, COMPRESSION_LEVEL 1, OVERWRITE_OR_IGNORE);
COPY (SELECT event_id, ticket_id, ts, status_from, status_to, actor_role, reason, month_of(ts) AS month
  FROM bronze WHERE event_type = 'STATUS_CHANGED')
  TO '@OUT@/silver/status_events' (FORMAT parquet, PARTITION_BY (month), COMPRESSION zstd, COMPRESSION_LEVEL 1, OVERWRITE_OR_IGNORE);

-- business day number of every date: how many business days up to and including it
CREATE TEMP TABLE calendar AS
  SELECT d, is_business, sum(is_business::INT) OVER (ORDER BY d)::INTEGER AS n FROM (
    SELECT CAST(g AS DATE) AS d, isodow(g) <= 5 AND NOT list_contains(@HOLIDAYS@::DATE[], CAST(g AS DATE)) AS is_business
    FROM generate_series(DATE '2025-01-01', DATE '2027-12-31', INTERVAL 1 DAY) t(g));
CREATE TEMP TABLE due AS SELECT n, min(d) AS d FROM calendar WHERE is_business GROUP BY n;

COPY (
  WITH status AS (
    SELECT ticket_id, event_id, ts, status_from, status_to,
      lead(ts) OVER (PARTITION BY ticket_id ORDER BY ts, event_id) AS next_ts
    FROM bronze WHERE event_type = 'STATUS_CHANGED'),
  folded AS (
    SELECT ticket_id,
      min(ts) FILTER (status_to = 'RADICATED') AS radicated_at,
      max(ts) FILTER (status_to = 'RESPONDED') AS responded_at,
      max(ts) FILTER (status_to = 'CLOSED') AS last_closed,
      max(ts) FILTER (status_to = 'ARCHIVED') AS archived_at,
      arg_max(status_to, ts) AS current_status,
      max(ts) AS last_status_ts,
      count(*) FILTER (status_to = 'REOPENED') AS reopened_count,
      sum(CASE WHEN status_to = 'ON_HOLD' THEN b.n - a.n ELSE 0 END)::INTEGER AS hold_days,
      sum(CASE WHEN status_to IN ('RADICATED', 'CLASSIFIED', 'ASSIGNED', 'IN_PROGRESS', 'RESPONDED', 'REOPENED')
        THEN date_diff('second', ts, coalesce(next_ts, TIMESTAMP '@AS_OF@')) ELSE 0 END) AS sla_elapsed_seconds
    FROM status
      -- one equality each: a second condition on the left side makes DuckDB compare every row with every day (102 s, not 10)
      LEFT JOIN calendar a ON a.d = CASE WHEN status_to = 'ON_HOLD' THEN local_day(ts) END
      LEFT JOIN calendar b ON b.d = CASE WHEN status_to = 'ON_HOLD' THEN local_day(coalesce(next_ts, TIMESTAMP '@AS_OF@')) END
    GROUP BY ticket_id),
  counts AS (
    SELECT ticket_id, count(*) FILTER (event_type = 'MESSAGE_ADDED') AS message_count,
      count(*) FILTER (event_type = 'ATTACHMENT_ADDED') AS attachment_count,
      min(ts) FILTER (event_type = 'MESSAGE_ADDED' AND role = 'agent') AS first_response_at, max(ts) AS last_update_ts
    FROM bronze GROUP BY ticket_id),
  created AS (
    SELECT ticket_id, external_id, source_channel, pqrs_type, priority, ts AS created_at, geo_region AS department_name,
      geo_municipio AS city_name, lpad(dane_city_code, 5, '0') AS dane_city_code, tenant_id,
      CASE pqrs_type WHEN 'P' THEN 15 WHEN 'Q' THEN 10 WHEN 'R' THEN 8 ELSE 20 END AS sla_business_days
    FROM bronze WHERE event_type = 'TICKET_CREATED'),
  joined AS (
    SELECT c.*, f.* EXCLUDE (ticket_id), k.* EXCLUDE (ticket_id),
      CASE WHEN f.current_status IN ('CLOSED', 'ARCHIVED') THEN f.last_closed END AS closed_at,
      due.d + TIME '04:59:59.999999' + INTERVAL 1 DAY AS sla_due_at
    FROM created c LEFT JOIN folded f USING (ticket_id) LEFT JOIN counts k USING (ticket_id)
      LEFT JOIN calendar r ON r.d = local_day(f.radicated_at)
      LEFT JOIN due ON due.n = r.n + c.sla_business_days + f.hold_days)
  SELECT ticket_id, external_id, source_channel, pqrs_type, priority, created_at, radicated_at, first_response_at, responded_at,
    closed_at, archived_at, coalesce(current_status, 'RECEIVED') AS current_status, department_name, city_name, dane_city_code,
    sla_business_days, sla_due_at, coalesce(sla_elapsed_seconds, 0) AS sla_elapsed_seconds, coalesce(hold_days, 0) AS hold_days,
    CASE WHEN radicated_at IS NULL THEN 'NOT_STARTED' WHEN coalesce(closed_at, TIMESTAMP '@AS_OF@') <= sla_due_at THEN 'IN_TIME' ELSE 'LATE' END AS sla_status,
    coalesce(reopened_count, 0)::INTEGER AS reopened_count, message_count::INTEGER AS message_count,
    attachment_count::INTEGER AS attachment_count, tenant_id, last_update_ts, month_of(created_at) AS month
  FROM joined)
  TO '@OUT@/silver/tickets' (FORMAT parquet, PARTITION_BY (month), COMPRESSION zstd, COMPRESSION_LEVEL 1, OVERWRITE_OR_IGNORE);
