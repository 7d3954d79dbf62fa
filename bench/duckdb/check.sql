-- Does DuckDB's side (@OUT@) hold the same rows as pqr's lake (@LAKE@) of the same events? One line a table: same or DIFFERS.
-- A table is compared by its number of rows and the sum of hashes of its rows; the columns are all that DuckDB's side makes.
CREATE TEMP MACRO us(t) AS epoch_us(t);
CREATE TEMP MACRO ours(t) AS TABLE SELECT * FROM read_parquet('@LAKE@/' || t || '/*=*/**/*.parquet', hive_partitioning = true, hive_types_autocast = false);
CREATE TEMP MACRO theirs(t) AS TABLE SELECT * FROM read_parquet('@OUT@/' || t || '/**/*.parquet', hive_partitioning = true, hive_types_autocast = false);
CREATE TEMP MACRO event(t) AS hash(t.event_id, t.ticket_id, t.event_type, us(t.ts), t.external_id, t.source_channel, t.pqrs_type, t.priority,
  t.geo_region, t.geo_municipio, t.dane_city_code, t.subject, t."text", t.text_len, t.sla_business_days, us(t.radicated_at), us(t.sla_due_at),
  us(t.closed_at), t.topic_preclassified, t.preclassifier, t.role, t.message_id, t.status_from, t.status_to, t.actor_role, t.reason, t.file_type,
  t.size_kb, t.file_name, t.schema_version, t.tenant_id, t.source, t.day);
CREATE TEMP MACRO ticket(t) AS hash(t.ticket_id, t.external_id, t.source_channel, t.pqrs_type, t.priority, us(t.created_at), us(t.radicated_at),
  us(t.first_response_at), us(t.responded_at), us(t.answered_at), us(t.closed_at), us(t.archived_at), t.current_status, t.department_name, t.city_name, t.dane_city_code,
  t.sla_business_days, us(t.sla_due_at), t.sla_elapsed_seconds, t.hold_days, t.sla_status, t.reopened_count, t.message_count, t.attachment_count,
  t.tenant_id, us(t.last_update_ts), t.month);
CREATE TEMP MACRO message(t) AS hash(t.message_id, t.ticket_id, us(t.ts), t.role, t."text", t.text_len, t.month);
CREATE TEMP MACRO change(t) AS hash(t.event_id, t.ticket_id, us(t.ts), t.status_from, t.status_to, t.actor_role, t.reason, t.month);
CREATE TEMP MACRO attachment(t) AS hash(t.attachment_id, t.ticket_id, us(t.ts), t.file_type, t.size_kb, t.file_name, t.source_channel, t.month);
CREATE TEMP MACRO volume(t) AS hash(t.day, t.channel, t.pqrs_type, t.tickets_count, t.month);
CREATE TEMP MACRO backlog(t) AS hash(t.day, t.pqrs_type, t.region, t.backlog_count, t.month);
CREATE TEMP MACRO sla(t) AS hash(t.day, t.pqrs_type, t.closed_count, t.within_sla_pct, t.overdue_count, t.avg_overdue_days, t.month);
CREATE TEMP MACRO verdict(ours, theirs) AS CASE WHEN ours = theirs THEN 'same' ELSE 'DIFFERS' END;
SELECT 'bronze.pqrs_events', verdict((SELECT (count(*), sum(event(t))) FROM ours('bronze/pqrs_events') t), (SELECT (count(*), sum(event(t))) FROM theirs('bronze') t));
SELECT 'silver.tickets', verdict((SELECT (count(*), sum(ticket(t))) FROM ours('silver/tickets') t), (SELECT (count(*), sum(ticket(t))) FROM theirs('silver/tickets') t));
SELECT 'silver.messages', verdict((SELECT (count(*), sum(message(t))) FROM ours('silver/messages') t), (SELECT (count(*), sum(message(t))) FROM theirs('silver/messages') t));
SELECT 'silver.status_events', verdict((SELECT (count(*), sum(change(t))) FROM ours('silver/status_events') t), (SELECT (count(*), sum(change(t))) FROM theirs('silver/status_events') t));
SELECT 'silver.attachments', verdict((SELECT (count(*), sum(attachment(t))) FROM ours('silver/attachments') t), (SELECT (count(*), sum(attachment(t))) FROM theirs('silver/attachments') t));
SELECT 'gold.kpi_volume_daily', verdict((SELECT (count(*), sum(volume(t))) FROM ours('gold/kpi_volume_daily') t), (SELECT (count(*), sum(volume(t))) FROM theirs('gold/kpi_volume_daily') t));
SELECT 'gold.kpi_backlog_daily', verdict((SELECT (count(*), sum(backlog(t))) FROM ours('gold/kpi_backlog_daily') t), (SELECT (count(*), sum(backlog(t))) FROM theirs('gold/kpi_backlog_daily') t));
SELECT 'gold.kpi_sla_daily', verdict((SELECT (count(*), sum(sla(t))) FROM ours('gold/kpi_sla_daily') t), (SELECT (count(*), sum(sla(t))) FROM theirs('gold/kpi_sla_daily') t));
