CREATE SCHEMA IF NOT EXISTS gold;
CREATE SCHEMA IF NOT EXISTS analytics;

CREATE TABLE IF NOT EXISTS gold.kpi_volume_daily (
	"day" date NOT NULL,
	"channel" text NOT NULL,
	"pqrs_type" text NOT NULL,
	"tickets_count" bigint NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("day", "channel", "pqrs_type")
);
COMMENT ON TABLE gold.kpi_volume_daily IS 'tickets created by day, channel and type';
COMMENT ON COLUMN gold.kpi_volume_daily."day" IS 'local day of creation';
COMMENT ON COLUMN gold.kpi_volume_daily."channel" IS 'source channel: email, webform, chat, call or other_digital';
COMMENT ON COLUMN gold.kpi_volume_daily."pqrs_type" IS 'P petition, Q complaint, R claim, S suggestion';
COMMENT ON COLUMN gold.kpi_volume_daily."tickets_count" IS 'tickets created on the day [tickets]';
COMMENT ON COLUMN gold.kpi_volume_daily."month" IS 'YYYY-MM of the day';
COMMENT ON COLUMN gold.kpi_volume_daily."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.kpi_backlog_daily (
	"day" date NOT NULL,
	"pqrs_type" text NOT NULL,
	"region" text NOT NULL,
	"backlog_count" bigint NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("day", "pqrs_type", "region")
);
COMMENT ON TABLE gold.kpi_backlog_daily IS 'open tickets at the end of a day by type and region';
COMMENT ON COLUMN gold.kpi_backlog_daily."day" IS 'local day, from the first created day to the day of as_of';
COMMENT ON COLUMN gold.kpi_backlog_daily."pqrs_type" IS 'P petition, Q complaint, R claim, S suggestion';
COMMENT ON COLUMN gold.kpi_backlog_daily."region" IS 'region; the department''s name until dim_geo has regions';
COMMENT ON COLUMN gold.kpi_backlog_daily."backlog_count" IS 'tickets created on or before the day and not closed on or before it [tickets]';
COMMENT ON COLUMN gold.kpi_backlog_daily."month" IS 'YYYY-MM of the day';
COMMENT ON COLUMN gold.kpi_backlog_daily."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.kpi_sla_daily (
	"day" date NOT NULL,
	"pqrs_type" text NOT NULL,
	"closed_count" bigint NOT NULL,
	"within_sla_pct" numeric(5,2) NOT NULL,
	"overdue_count" bigint NOT NULL,
	"avg_overdue_days" numeric(9,2) NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("day", "pqrs_type")
);
COMMENT ON TABLE gold.kpi_sla_daily IS 'closed tickets and SLA compliance by day of closing and type';
COMMENT ON COLUMN gold.kpi_sla_daily."day" IS 'local day of closing';
COMMENT ON COLUMN gold.kpi_sla_daily."pqrs_type" IS 'P petition, Q complaint, R claim, S suggestion';
COMMENT ON COLUMN gold.kpi_sla_daily."closed_count" IS 'tickets closed on the day [tickets]';
COMMENT ON COLUMN gold.kpi_sla_daily."within_sla_pct" IS '100 * (closed_count - overdue_count) / closed_count [%]';
COMMENT ON COLUMN gold.kpi_sla_daily."overdue_count" IS 'of the closed, those answered after sla_due_at [tickets]';
COMMENT ON COLUMN gold.kpi_sla_daily."avg_overdue_days" IS 'mean of answered_at - sla_due_at over the overdue; 0 without any [days of 24 h]';
COMMENT ON COLUMN gold.kpi_sla_daily."month" IS 'YYYY-MM of the day';
COMMENT ON COLUMN gold.kpi_sla_daily."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.kpi_volume_geo_daily (
	"day" date NOT NULL,
	"channel" text NOT NULL,
	"pqrs_type" text NOT NULL,
	"region_name" text NOT NULL,
	"department_name" text NOT NULL,
	"dane_city_code" text NOT NULL,
	"tickets_count" bigint NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("day", "channel", "pqrs_type", "region_name", "department_name", "dane_city_code")
);
COMMENT ON TABLE gold.kpi_volume_geo_daily IS 'tickets created by day, channel, type and municipality';
COMMENT ON COLUMN gold.kpi_volume_geo_daily."day" IS 'local day of creation';
COMMENT ON COLUMN gold.kpi_volume_geo_daily."channel" IS 'source channel: email, webform, chat, call or other_digital';
COMMENT ON COLUMN gold.kpi_volume_geo_daily."pqrs_type" IS 'P petition, Q complaint, R claim, S suggestion';
COMMENT ON COLUMN gold.kpi_volume_geo_daily."region_name" IS 'region; the department''s name until dim_geo has regions';
COMMENT ON COLUMN gold.kpi_volume_geo_daily."department_name" IS 'department; unknown when the ticket has none';
COMMENT ON COLUMN gold.kpi_volume_geo_daily."dane_city_code" IS 'DANE code of the municipality, 5 digits; 00000 when the ticket has none';
COMMENT ON COLUMN gold.kpi_volume_geo_daily."tickets_count" IS 'tickets created on the day [tickets]';
COMMENT ON COLUMN gold.kpi_volume_geo_daily."month" IS 'YYYY-MM of the day';
COMMENT ON COLUMN gold.kpi_volume_geo_daily."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.kpi_backlog_geo_daily (
	"day" date NOT NULL,
	"pqrs_type" text NOT NULL,
	"region_name" text NOT NULL,
	"department_name" text NOT NULL,
	"dane_city_code" text NOT NULL,
	"backlog_count" bigint NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("day", "pqrs_type", "region_name", "department_name", "dane_city_code")
);
COMMENT ON TABLE gold.kpi_backlog_geo_daily IS 'open tickets at the end of a day by type and municipality';
COMMENT ON COLUMN gold.kpi_backlog_geo_daily."day" IS 'local day, from the first created day to the day of as_of';
COMMENT ON COLUMN gold.kpi_backlog_geo_daily."pqrs_type" IS 'P petition, Q complaint, R claim, S suggestion';
COMMENT ON COLUMN gold.kpi_backlog_geo_daily."region_name" IS 'region; the department''s name until dim_geo has regions';
COMMENT ON COLUMN gold.kpi_backlog_geo_daily."department_name" IS 'department; unknown when the ticket has none';
COMMENT ON COLUMN gold.kpi_backlog_geo_daily."dane_city_code" IS 'DANE code of the municipality, 5 digits; 00000 when the ticket has none';
COMMENT ON COLUMN gold.kpi_backlog_geo_daily."backlog_count" IS 'tickets created on or before the day and not closed on or before it [tickets]';
COMMENT ON COLUMN gold.kpi_backlog_geo_daily."month" IS 'YYYY-MM of the day';
COMMENT ON COLUMN gold.kpi_backlog_geo_daily."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.kpi_sla_geo_daily (
	"day" date NOT NULL,
	"pqrs_type" text NOT NULL,
	"region_name" text NOT NULL,
	"department_name" text NOT NULL,
	"dane_city_code" text NOT NULL,
	"closed_count" bigint NOT NULL,
	"within_sla_pct" numeric(5,2) NOT NULL,
	"overdue_count" bigint NOT NULL,
	"avg_overdue_days" numeric(9,2) NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("day", "pqrs_type", "region_name", "department_name", "dane_city_code")
);
COMMENT ON TABLE gold.kpi_sla_geo_daily IS 'closed tickets and SLA compliance by day of closing, type and municipality';
COMMENT ON COLUMN gold.kpi_sla_geo_daily."day" IS 'local day of closing';
COMMENT ON COLUMN gold.kpi_sla_geo_daily."pqrs_type" IS 'P petition, Q complaint, R claim, S suggestion';
COMMENT ON COLUMN gold.kpi_sla_geo_daily."region_name" IS 'region; the department''s name until dim_geo has regions';
COMMENT ON COLUMN gold.kpi_sla_geo_daily."department_name" IS 'department; unknown when the ticket has none';
COMMENT ON COLUMN gold.kpi_sla_geo_daily."dane_city_code" IS 'DANE code of the municipality, 5 digits; 00000 when the ticket has none';
COMMENT ON COLUMN gold.kpi_sla_geo_daily."closed_count" IS 'tickets closed on the day [tickets]';
COMMENT ON COLUMN gold.kpi_sla_geo_daily."within_sla_pct" IS '100 * (closed_count - overdue_count) / closed_count [%]';
COMMENT ON COLUMN gold.kpi_sla_geo_daily."overdue_count" IS 'of the closed, those answered after sla_due_at [tickets]';
COMMENT ON COLUMN gold.kpi_sla_geo_daily."avg_overdue_days" IS 'mean of answered_at - sla_due_at over the overdue; 0 without any [days of 24 h]';
COMMENT ON COLUMN gold.kpi_sla_geo_daily."month" IS 'YYYY-MM of the day';
COMMENT ON COLUMN gold.kpi_sla_geo_daily."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.kpi_volume_dept_daily (
	"day" date NOT NULL,
	"department_name" text NOT NULL,
	"pqrs_type" text NOT NULL,
	"channel" text NOT NULL,
	"tickets_count" bigint NOT NULL,
	"tickets_mavg_7d" numeric(12,2) NOT NULL,
	"pct_vs_prev_day" numeric(9,2) NOT NULL,
	"pct_vs_prev_week" numeric(9,2) NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("day", "department_name", "pqrs_type", "channel")
);
COMMENT ON TABLE gold.kpi_volume_dept_daily IS 'time series of created tickets by department, type and channel; every day, zeros included';
COMMENT ON COLUMN gold.kpi_volume_dept_daily."day" IS 'local day of creation; every day of the range';
COMMENT ON COLUMN gold.kpi_volume_dept_daily."department_name" IS 'department; unknown when the ticket has none';
COMMENT ON COLUMN gold.kpi_volume_dept_daily."pqrs_type" IS 'P petition, Q complaint, R claim, S suggestion';
COMMENT ON COLUMN gold.kpi_volume_dept_daily."channel" IS 'source channel: email, webform, chat, call or other_digital';
COMMENT ON COLUMN gold.kpi_volume_dept_daily."tickets_count" IS 'tickets created on the day; zeros included [tickets]';
COMMENT ON COLUMN gold.kpi_volume_dept_daily."tickets_mavg_7d" IS 'mean of tickets_count over the day and the up to six days before it [tickets]';
COMMENT ON COLUMN gold.kpi_volume_dept_daily."pct_vs_prev_day" IS 'change against the day before; 0 where that is 0 or before the range [%]';
COMMENT ON COLUMN gold.kpi_volume_dept_daily."pct_vs_prev_week" IS 'change against 7 days before; 0 where that is 0 or before the range [%]';
COMMENT ON COLUMN gold.kpi_volume_dept_daily."month" IS 'YYYY-MM of the day';
COMMENT ON COLUMN gold.kpi_volume_dept_daily."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.kpi_volume_national_daily (
	"day" date NOT NULL,
	"pqrs_type" text NOT NULL,
	"channel" text NOT NULL,
	"tickets_count" bigint NOT NULL,
	"tickets_mavg_7d" numeric(12,2) NOT NULL,
	"pct_vs_prev_day" numeric(9,2) NOT NULL,
	"pct_vs_prev_week" numeric(9,2) NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("day", "pqrs_type", "channel")
);
COMMENT ON TABLE gold.kpi_volume_national_daily IS 'time series of created tickets by type and channel; every day, zeros included';
COMMENT ON COLUMN gold.kpi_volume_national_daily."day" IS 'local day of creation; every day of the range';
COMMENT ON COLUMN gold.kpi_volume_national_daily."pqrs_type" IS 'P petition, Q complaint, R claim, S suggestion';
COMMENT ON COLUMN gold.kpi_volume_national_daily."channel" IS 'source channel: email, webform, chat, call or other_digital';
COMMENT ON COLUMN gold.kpi_volume_national_daily."tickets_count" IS 'tickets created on the day; zeros included [tickets]';
COMMENT ON COLUMN gold.kpi_volume_national_daily."tickets_mavg_7d" IS 'mean of tickets_count over the day and the up to six days before it [tickets]';
COMMENT ON COLUMN gold.kpi_volume_national_daily."pct_vs_prev_day" IS 'change against the day before; 0 where that is 0 or before the range [%]';
COMMENT ON COLUMN gold.kpi_volume_national_daily."pct_vs_prev_week" IS 'change against 7 days before; 0 where that is 0 or before the range [%]';
COMMENT ON COLUMN gold.kpi_volume_national_daily."month" IS 'YYYY-MM of the day';
COMMENT ON COLUMN gold.kpi_volume_national_daily."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.daily_kpis (
	"day" date NOT NULL,
	"tenant_id" text NOT NULL,
	"total_tickets" bigint NOT NULL,
	"petitions" bigint NOT NULL,
	"complaints" bigint NOT NULL,
	"claims" bigint NOT NULL,
	"suggestions" bigint NOT NULL,
	"avg_priority" numeric(4,3) NOT NULL,
	"high_priority_ratio" numeric(5,4) NOT NULL,
	"sla_breach_ratio" numeric(5,4) NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("day", "tenant_id")
);
COMMENT ON TABLE gold.daily_kpis IS 'executive figures by day of creation and tenant';
COMMENT ON COLUMN gold.daily_kpis."day" IS 'local day of creation';
COMMENT ON COLUMN gold.daily_kpis."tenant_id" IS 'tenant; default when the ticket has none';
COMMENT ON COLUMN gold.daily_kpis."total_tickets" IS 'tickets created on the day [tickets]';
COMMENT ON COLUMN gold.daily_kpis."petitions" IS 'of type P [tickets]';
COMMENT ON COLUMN gold.daily_kpis."complaints" IS 'of type Q [tickets]';
COMMENT ON COLUMN gold.daily_kpis."claims" IS 'of type R [tickets]';
COMMENT ON COLUMN gold.daily_kpis."suggestions" IS 'of type S [tickets]';
COMMENT ON COLUMN gold.daily_kpis."avg_priority" IS 'mean of baja 1, media 2, alta 3';
COMMENT ON COLUMN gold.daily_kpis."high_priority_ratio" IS 'alta tickets / tickets';
COMMENT ON COLUMN gold.daily_kpis."sla_breach_ratio" IS 'LATE tickets / tickets';
COMMENT ON COLUMN gold.daily_kpis."month" IS 'YYYY-MM of the day';
COMMENT ON COLUMN gold.daily_kpis."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.sla_daily (
	"day" date NOT NULL,
	"sla_status" text NOT NULL,
	"tickets_count" bigint NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("day", "sla_status")
);
COMMENT ON TABLE gold.sla_daily IS 'closed tickets by day of closing and SLA result';
COMMENT ON COLUMN gold.sla_daily."day" IS 'local day of closing';
COMMENT ON COLUMN gold.sla_daily."sla_status" IS 'IN_TIME, LATE or, closed without a term, NOT_STARTED';
COMMENT ON COLUMN gold.sla_daily."tickets_count" IS 'tickets closed on the day [tickets]';
COMMENT ON COLUMN gold.sla_daily."month" IS 'YYYY-MM of the day';
COMMENT ON COLUMN gold.sla_daily."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.sla_metrics (
	"ticket_id" text COLLATE "C" NOT NULL,
	"sla_days_target" integer NOT NULL,
	"sla_days_elapsed" integer NOT NULL,
	"sla_status" text NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("ticket_id")
);
COMMENT ON TABLE gold.sla_metrics IS 'SLA days of each ticket';
COMMENT ON COLUMN gold.sla_metrics."ticket_id" IS 'UUID of the ticket, lower case';
COMMENT ON COLUMN gold.sla_metrics."sla_days_target" IS 'term of the ticket [business days]';
COMMENT ON COLUMN gold.sla_metrics."sla_days_elapsed" IS 'from radication to the answer or as_of, without holds; 0 before radication [business days]';
COMMENT ON COLUMN gold.sla_metrics."sla_status" IS 'NOT_STARTED, IN_TIME or LATE';
COMMENT ON COLUMN gold.sla_metrics."month" IS 'YYYY-MM of the ticket''s creation, local';
COMMENT ON COLUMN gold.sla_metrics."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.tickets_snapshot (
	"ticket_id" text COLLATE "C" NOT NULL,
	"current_status" text NOT NULL,
	"last_update_ts" timestamp with time zone NOT NULL,
	"sla_days_target" integer NOT NULL,
	"sla_days_elapsed" integer NOT NULL,
	"sla_status" text NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("ticket_id")
);
COMMENT ON TABLE gold.tickets_snapshot IS 'state of each ticket at as_of';
COMMENT ON COLUMN gold.tickets_snapshot."ticket_id" IS 'UUID of the ticket, lower case';
COMMENT ON COLUMN gold.tickets_snapshot."current_status" IS 'state at as_of';
COMMENT ON COLUMN gold.tickets_snapshot."last_update_ts" IS 'the ticket''s last accepted event';
COMMENT ON COLUMN gold.tickets_snapshot."sla_days_target" IS 'term of the ticket [business days]';
COMMENT ON COLUMN gold.tickets_snapshot."sla_days_elapsed" IS 'from radication to the answer or as_of, without holds; 0 before radication [business days]';
COMMENT ON COLUMN gold.tickets_snapshot."sla_status" IS 'NOT_STARTED, IN_TIME or LATE';
COMMENT ON COLUMN gold.tickets_snapshot."month" IS 'YYYY-MM of the ticket''s creation, local';
COMMENT ON COLUMN gold.tickets_snapshot."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.priority_distribution (
	"day" date NOT NULL,
	"priority" text NOT NULL,
	"tickets_count" bigint NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("day", "priority")
);
COMMENT ON TABLE gold.priority_distribution IS 'tickets created by day and priority';
COMMENT ON COLUMN gold.priority_distribution."day" IS 'local day of creation';
COMMENT ON COLUMN gold.priority_distribution."priority" IS 'alta, media or baja';
COMMENT ON COLUMN gold.priority_distribution."tickets_count" IS 'tickets created on the day [tickets]';
COMMENT ON COLUMN gold.priority_distribution."month" IS 'YYYY-MM of the day';
COMMENT ON COLUMN gold.priority_distribution."run_id" IS 'run that wrote the row';

CREATE TABLE IF NOT EXISTS gold.pqrs_metrics (
	"date" date NOT NULL,
	"type" text NOT NULL,
	"priority" text NOT NULL,
	"count" bigint NOT NULL,
	"avg_score" numeric(5,4) NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	PRIMARY KEY ("date", "type", "priority")
);
COMMENT ON TABLE gold.pqrs_metrics IS 'predictions by day of creation, predicted type and predicted priority';
COMMENT ON COLUMN gold.pqrs_metrics."date" IS 'local day of creation';
COMMENT ON COLUMN gold.pqrs_metrics."type" IS 'predicted pqrs_type';
COMMENT ON COLUMN gold.pqrs_metrics."priority" IS 'predicted priority';
COMMENT ON COLUMN gold.pqrs_metrics."count" IS 'predictions for tickets created on the day [tickets]';
COMMENT ON COLUMN gold.pqrs_metrics."avg_score" IS 'mean score of the predictions, in [0, 1]';
COMMENT ON COLUMN gold.pqrs_metrics."month" IS 'YYYY-MM of the day';
COMMENT ON COLUMN gold.pqrs_metrics."run_id" IS 'run that wrote the row';

CREATE VIEW analytics.v_timeseries_national_daily AS
SELECT day, pqrs_type, channel, tickets_count, tickets_mavg_7d, pct_vs_prev_day, pct_vs_prev_week, month, run_id
FROM gold.kpi_volume_national_daily;
CREATE VIEW analytics.v_timeseries_department_daily AS
SELECT day, department_name, pqrs_type, channel, tickets_count, tickets_mavg_7d, pct_vs_prev_day, pct_vs_prev_week, month, run_id
FROM gold.kpi_volume_dept_daily;
CREATE VIEW analytics.v_geo_daily AS
SELECT day, region_name, department_name, dane_city_code, pqrs_type,
  CAST(SUM(tickets) AS BIGINT) AS tickets_count,
  CAST(SUM(backlog) AS BIGINT) AS backlog_count,
  CAST(SUM(closed) AS BIGINT) AS closed_count,
  CAST(SUM(overdue) AS BIGINT) AS overdue_count,
  CASE WHEN SUM(closed) > 0 THEN ROUND(100.0 * (SUM(closed) - SUM(overdue)) / SUM(closed), 2) END AS within_sla_pct,
  month, MAX(run_id) AS run_id
FROM (
  SELECT day, region_name, department_name, dane_city_code, pqrs_type, month, run_id,
    tickets_count AS tickets, 0 AS backlog, 0 AS closed, 0 AS overdue FROM gold.kpi_volume_geo_daily
  UNION ALL
  SELECT day, region_name, department_name, dane_city_code, pqrs_type, month, run_id,
    0, backlog_count, 0, 0 FROM gold.kpi_backlog_geo_daily
  UNION ALL
  SELECT day, region_name, department_name, dane_city_code, pqrs_type, month, run_id,
    0, 0, closed_count, overdue_count FROM gold.kpi_sla_geo_daily
) AS cells
GROUP BY day, region_name, department_name, dane_city_code, pqrs_type, month;
CREATE VIEW analytics.v_tickets_open AS
SELECT ticket_id, current_status, last_update_ts, sla_days_target, sla_days_elapsed,
  sla_days_target - sla_days_elapsed AS sla_days_left, sla_status, month, run_id
FROM gold.tickets_snapshot
WHERE current_status NOT IN ('CLOSED', 'ARCHIVED');
CREATE VIEW analytics.v_sla_summary AS
SELECT month, pqrs_type,
  CAST(SUM(closed_count) AS BIGINT) AS closed_count,
  CAST(SUM(overdue_count) AS BIGINT) AS overdue_count,
  ROUND(100.0 * (SUM(closed_count) - SUM(overdue_count)) / SUM(closed_count), 2) AS within_sla_pct,
  CASE WHEN SUM(overdue_count) > 0 THEN ROUND(1.0 * SUM(avg_overdue_days * overdue_count) / SUM(overdue_count), 2) ELSE 0 END AS avg_overdue_days,
  MAX(run_id) AS run_id
FROM gold.kpi_sla_daily
GROUP BY month, pqrs_type;
