CREATE TABLE IF NOT EXISTS "gold_kpi_volume_daily" ( -- tickets created by day, channel and type
	-- key: day, channel, pqrs_type
	"day" DATE NOT NULL, -- local day of creation
	"channel" TEXT NOT NULL, -- source channel: email, webform, chat, call or other_digital
	"pqrs_type" TEXT NOT NULL, -- P petition, Q complaint, R claim, S suggestion
	"tickets_count" BIGINT NOT NULL, -- tickets created on the day [tickets]
	"month" TEXT NOT NULL, -- YYYY-MM of the day
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_kpi_backlog_daily" ( -- open tickets at the end of a day by type and region
	-- key: day, pqrs_type, region
	"day" DATE NOT NULL, -- local day, from the first created day to the day of as_of
	"pqrs_type" TEXT NOT NULL, -- P petition, Q complaint, R claim, S suggestion
	"region" TEXT NOT NULL, -- region; the department's name until dim_geo has regions
	"backlog_count" BIGINT NOT NULL, -- tickets created on or before the day and not closed on or before it [tickets]
	"month" TEXT NOT NULL, -- YYYY-MM of the day
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_kpi_sla_daily" ( -- closed tickets and SLA compliance by day of closing and type
	-- key: day, pqrs_type
	"day" DATE NOT NULL, -- local day of closing
	"pqrs_type" TEXT NOT NULL, -- P petition, Q complaint, R claim, S suggestion
	"closed_count" BIGINT NOT NULL, -- tickets closed on the day [tickets]
	"within_sla_pct" DECIMAL(5,2) NOT NULL, -- 100 * (closed_count - overdue_count) / closed_count [%]
	"overdue_count" BIGINT NOT NULL, -- of the closed, those answered after sla_due_at [tickets]
	"avg_overdue_days" DECIMAL(9,2) NOT NULL, -- mean of answered_at - sla_due_at over the overdue; 0 without any [days of 24 h]
	"month" TEXT NOT NULL, -- YYYY-MM of the day
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_kpi_volume_geo_daily" ( -- tickets created by day, channel, type and municipality
	-- key: day, channel, pqrs_type, region_name, department_name, dane_city_code
	"day" DATE NOT NULL, -- local day of creation
	"channel" TEXT NOT NULL, -- source channel: email, webform, chat, call or other_digital
	"pqrs_type" TEXT NOT NULL, -- P petition, Q complaint, R claim, S suggestion
	"region_name" TEXT NOT NULL, -- region; the department's name until dim_geo has regions
	"department_name" TEXT NOT NULL, -- department; unknown when the ticket has none
	"dane_city_code" TEXT NOT NULL, -- DANE code of the municipality, 5 digits; 00000 when the ticket has none
	"tickets_count" BIGINT NOT NULL, -- tickets created on the day [tickets]
	"month" TEXT NOT NULL, -- YYYY-MM of the day
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_kpi_backlog_geo_daily" ( -- open tickets at the end of a day by type and municipality
	-- key: day, pqrs_type, region_name, department_name, dane_city_code
	"day" DATE NOT NULL, -- local day, from the first created day to the day of as_of
	"pqrs_type" TEXT NOT NULL, -- P petition, Q complaint, R claim, S suggestion
	"region_name" TEXT NOT NULL, -- region; the department's name until dim_geo has regions
	"department_name" TEXT NOT NULL, -- department; unknown when the ticket has none
	"dane_city_code" TEXT NOT NULL, -- DANE code of the municipality, 5 digits; 00000 when the ticket has none
	"backlog_count" BIGINT NOT NULL, -- tickets created on or before the day and not closed on or before it [tickets]
	"month" TEXT NOT NULL, -- YYYY-MM of the day
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_kpi_sla_geo_daily" ( -- closed tickets and SLA compliance by day of closing, type and municipality
	-- key: day, pqrs_type, region_name, department_name, dane_city_code
	"day" DATE NOT NULL, -- local day of closing
	"pqrs_type" TEXT NOT NULL, -- P petition, Q complaint, R claim, S suggestion
	"region_name" TEXT NOT NULL, -- region; the department's name until dim_geo has regions
	"department_name" TEXT NOT NULL, -- department; unknown when the ticket has none
	"dane_city_code" TEXT NOT NULL, -- DANE code of the municipality, 5 digits; 00000 when the ticket has none
	"closed_count" BIGINT NOT NULL, -- tickets closed on the day [tickets]
	"within_sla_pct" DECIMAL(5,2) NOT NULL, -- 100 * (closed_count - overdue_count) / closed_count [%]
	"overdue_count" BIGINT NOT NULL, -- of the closed, those answered after sla_due_at [tickets]
	"avg_overdue_days" DECIMAL(9,2) NOT NULL, -- mean of answered_at - sla_due_at over the overdue; 0 without any [days of 24 h]
	"month" TEXT NOT NULL, -- YYYY-MM of the day
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_kpi_volume_dept_daily" ( -- time series of created tickets by department, type and channel; every day, zeros included
	-- key: day, department_name, pqrs_type, channel
	"day" DATE NOT NULL, -- local day of creation; every day of the range
	"department_name" TEXT NOT NULL, -- department; unknown when the ticket has none
	"pqrs_type" TEXT NOT NULL, -- P petition, Q complaint, R claim, S suggestion
	"channel" TEXT NOT NULL, -- source channel: email, webform, chat, call or other_digital
	"tickets_count" BIGINT NOT NULL, -- tickets created on the day; zeros included [tickets]
	"tickets_mavg_7d" DECIMAL(12,2) NOT NULL, -- mean of tickets_count over the day and the up to six days before it [tickets]
	"pct_vs_prev_day" DECIMAL(9,2) NOT NULL, -- change against the day before; 0 where that is 0 or before the range [%]
	"pct_vs_prev_week" DECIMAL(9,2) NOT NULL, -- change against 7 days before; 0 where that is 0 or before the range [%]
	"month" TEXT NOT NULL, -- YYYY-MM of the day
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_kpi_volume_national_daily" ( -- time series of created tickets by type and channel; every day, zeros included
	-- key: day, pqrs_type, channel
	"day" DATE NOT NULL, -- local day of creation; every day of the range
	"pqrs_type" TEXT NOT NULL, -- P petition, Q complaint, R claim, S suggestion
	"channel" TEXT NOT NULL, -- source channel: email, webform, chat, call or other_digital
	"tickets_count" BIGINT NOT NULL, -- tickets created on the day; zeros included [tickets]
	"tickets_mavg_7d" DECIMAL(12,2) NOT NULL, -- mean of tickets_count over the day and the up to six days before it [tickets]
	"pct_vs_prev_day" DECIMAL(9,2) NOT NULL, -- change against the day before; 0 where that is 0 or before the range [%]
	"pct_vs_prev_week" DECIMAL(9,2) NOT NULL, -- change against 7 days before; 0 where that is 0 or before the range [%]
	"month" TEXT NOT NULL, -- YYYY-MM of the day
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_daily_kpis" ( -- executive figures by day of creation and tenant
	-- key: day, tenant_id
	"day" DATE NOT NULL, -- local day of creation
	"tenant_id" TEXT NOT NULL, -- tenant; default when the ticket has none
	"total_tickets" BIGINT NOT NULL, -- tickets created on the day [tickets]
	"petitions" BIGINT NOT NULL, -- of type P [tickets]
	"complaints" BIGINT NOT NULL, -- of type Q [tickets]
	"claims" BIGINT NOT NULL, -- of type R [tickets]
	"suggestions" BIGINT NOT NULL, -- of type S [tickets]
	"avg_priority" DECIMAL(4,3) NOT NULL, -- mean of baja 1, media 2, alta 3
	"high_priority_ratio" DECIMAL(5,4) NOT NULL, -- alta tickets / tickets
	"sla_breach_ratio" DECIMAL(5,4) NOT NULL, -- LATE tickets / tickets
	"month" TEXT NOT NULL, -- YYYY-MM of the day
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_sla_daily" ( -- closed tickets by day of closing and SLA result
	-- key: day, sla_status
	"day" DATE NOT NULL, -- local day of closing
	"sla_status" TEXT NOT NULL, -- IN_TIME, LATE or, closed without a term, NOT_STARTED
	"tickets_count" BIGINT NOT NULL, -- tickets closed on the day [tickets]
	"month" TEXT NOT NULL, -- YYYY-MM of the day
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_sla_metrics" ( -- SLA days of each ticket
	-- key: ticket_id
	"ticket_id" TEXT NOT NULL, -- UUID of the ticket, lower case
	"sla_days_target" INTEGER NOT NULL, -- term of the ticket [business days]
	"sla_days_elapsed" INTEGER NOT NULL, -- from radication to the answer or as_of, without holds; 0 before radication [business days]
	"sla_status" TEXT NOT NULL, -- NOT_STARTED, IN_TIME or LATE
	"month" TEXT NOT NULL, -- YYYY-MM of the ticket's creation, local
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_tickets_snapshot" ( -- state of each ticket at as_of
	-- key: ticket_id
	"ticket_id" TEXT NOT NULL, -- UUID of the ticket, lower case
	"current_status" TEXT NOT NULL, -- state at as_of
	"last_update_ts" TIMESTAMP NOT NULL, -- the ticket's last accepted event
	"sla_days_target" INTEGER NOT NULL, -- term of the ticket [business days]
	"sla_days_elapsed" INTEGER NOT NULL, -- from radication to the answer or as_of, without holds; 0 before radication [business days]
	"sla_status" TEXT NOT NULL, -- NOT_STARTED, IN_TIME or LATE
	"month" TEXT NOT NULL, -- YYYY-MM of the ticket's creation, local
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_priority_distribution" ( -- tickets created by day and priority
	-- key: day, priority
	"day" DATE NOT NULL, -- local day of creation
	"priority" TEXT NOT NULL, -- alta, media or baja
	"tickets_count" BIGINT NOT NULL, -- tickets created on the day [tickets]
	"month" TEXT NOT NULL, -- YYYY-MM of the day
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE TABLE IF NOT EXISTS "gold_pqrs_metrics" ( -- predictions by day of creation, predicted type and predicted priority
	-- key: date, type, priority
	"date" DATE NOT NULL, -- local day of creation
	"type" TEXT NOT NULL, -- predicted pqrs_type
	"priority" TEXT NOT NULL, -- predicted priority
	"count" BIGINT NOT NULL, -- predictions for tickets created on the day [tickets]
	"avg_score" DECIMAL(5,4) NOT NULL, -- mean score of the predictions, in [0, 1]
	"month" TEXT NOT NULL, -- YYYY-MM of the day
	"run_id" TEXT NOT NULL -- run that wrote the row
);

CREATE VIEW "analytics_v_timeseries_national_daily" AS
SELECT day, pqrs_type, channel, tickets_count, tickets_mavg_7d, pct_vs_prev_day, pct_vs_prev_week, month, run_id
FROM gold_kpi_volume_national_daily;
CREATE VIEW "analytics_v_timeseries_department_daily" AS
SELECT day, department_name, pqrs_type, channel, tickets_count, tickets_mavg_7d, pct_vs_prev_day, pct_vs_prev_week, month, run_id
FROM gold_kpi_volume_dept_daily;
CREATE VIEW "analytics_v_geo_daily" AS
SELECT day, region_name, department_name, dane_city_code, pqrs_type,
  CAST(SUM(tickets) AS BIGINT) AS tickets_count,
  CAST(SUM(backlog) AS BIGINT) AS backlog_count,
  CAST(SUM(closed) AS BIGINT) AS closed_count,
  CAST(SUM(overdue) AS BIGINT) AS overdue_count,
  CASE WHEN SUM(closed) > 0 THEN ROUND(100.0 * (SUM(closed) - SUM(overdue)) / SUM(closed), 2) END AS within_sla_pct,
  month, MAX(run_id) AS run_id
FROM (
  SELECT day, region_name, department_name, dane_city_code, pqrs_type, month, run_id,
    tickets_count AS tickets, 0 AS backlog, 0 AS closed, 0 AS overdue FROM gold_kpi_volume_geo_daily
  UNION ALL
  SELECT day, region_name, department_name, dane_city_code, pqrs_type, month, run_id,
    0, backlog_count, 0, 0 FROM gold_kpi_backlog_geo_daily
  UNION ALL
  SELECT day, region_name, department_name, dane_city_code, pqrs_type, month, run_id,
    0, 0, closed_count, overdue_count FROM gold_kpi_sla_geo_daily
) AS cells
GROUP BY day, region_name, department_name, dane_city_code, pqrs_type, month;
CREATE VIEW "analytics_v_tickets_open" AS
SELECT ticket_id, current_status, last_update_ts, sla_days_target, sla_days_elapsed,
  sla_days_target - sla_days_elapsed AS sla_days_left, sla_status, month, run_id
FROM gold_tickets_snapshot
WHERE current_status NOT IN ('CLOSED', 'ARCHIVED');
CREATE VIEW "analytics_v_sla_summary" AS
SELECT month, pqrs_type,
  CAST(SUM(closed_count) AS BIGINT) AS closed_count,
  CAST(SUM(overdue_count) AS BIGINT) AS overdue_count,
  ROUND(100.0 * (SUM(closed_count) - SUM(overdue_count)) / SUM(closed_count), 2) AS within_sla_pct,
  CASE WHEN SUM(overdue_count) > 0 THEN ROUND(1.0 * SUM(avg_overdue_days * overdue_count) / SUM(overdue_count), 2) ELSE 0 END AS avg_overdue_days,
  MAX(run_id) AS run_id
FROM gold_kpi_sla_daily
GROUP BY month, pqrs_type;
