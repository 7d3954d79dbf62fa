/* workloads/pqrs/contract/views.c: the SELECTs of the views. It knows names of tables, no database. */
#include "workloads/pqrs/contract/views.h"

#include "workloads/pqrs/contract/schema_gold.h"

/* run_id tells which run changed a row last, so rows of one day or month may have several: a view over them tells one of these.
 * Sums of integers are numeric in PostgreSQL, hence the casts; 100.0 * x makes the division a decimal one in both. */
const struct workload_view pqrs_views[PQRS_VIEWS] = {
	{"analytics.v_timeseries_national_daily",
		"SELECT day, pqrs_type, channel, tickets_count, tickets_mavg_7d, "
		"pct_vs_prev_day, pct_vs_prev_week, month, run_id\n"
		"FROM gold.kpi_volume_national_daily",
		&pqrs_view_timeseries_national_daily},
	{"analytics.v_timeseries_department_daily",
		"SELECT day, department_name, pqrs_type, channel, tickets_count, tickets_mavg_7d, pct_vs_prev_day, "
		"pct_vs_prev_week, month, run_id\n"
		"FROM gold.kpi_volume_dept_daily",
		&pqrs_view_timeseries_department_daily},
	{"analytics.v_geo_daily",
		"SELECT day, region_name, department_name, dane_city_code, pqrs_type,\n"
		"  CAST(SUM(tickets) AS BIGINT) AS tickets_count,\n"
		"  CAST(SUM(backlog) AS BIGINT) AS backlog_count,\n"
		"  CAST(SUM(closed) AS BIGINT) AS closed_count,\n"
		"  CAST(SUM(overdue) AS BIGINT) AS overdue_count,\n"
		"  CASE WHEN SUM(closed) > 0 THEN ROUND(100.0 * (SUM(closed) - SUM(overdue)) / SUM(closed), 2) END AS "
		"within_sla_pct,\n"
		"  month, MAX(run_id) AS run_id\n"
		"FROM (\n"
		"  SELECT day, region_name, department_name, dane_city_code, pqrs_type, month, run_id,\n"
		"    tickets_count AS tickets, 0 AS backlog, 0 AS closed, 0 AS overdue FROM gold.kpi_volume_geo_daily\n"
		"  UNION ALL\n"
		"  SELECT day, region_name, department_name, dane_city_code, pqrs_type, month, run_id,\n"
		"    0, backlog_count, 0, 0 FROM gold.kpi_backlog_geo_daily\n"
		"  UNION ALL\n"
		"  SELECT day, region_name, department_name, dane_city_code, pqrs_type, month, run_id,\n"
		"    0, 0, closed_count, overdue_count FROM gold.kpi_sla_geo_daily\n"
		") AS cells\n"
		"GROUP BY day, region_name, department_name, dane_city_code, pqrs_type, month",
		&pqrs_view_geo_daily},
	{"analytics.v_tickets_open",
		"SELECT ticket_id, current_status, last_update_ts, sla_days_target, sla_days_elapsed,\n"
		"  sla_days_target - sla_days_elapsed AS sla_days_left, sla_status, month, run_id\n"
		"FROM gold.tickets_snapshot\n"
		"WHERE current_status NOT IN ('CLOSED', 'ARCHIVED')",
		&pqrs_view_tickets_open},
	{"analytics.v_sla_summary",
		"SELECT month, pqrs_type,\n"
		"  CAST(SUM(closed_count) AS BIGINT) AS closed_count,\n"
		"  CAST(SUM(overdue_count) AS BIGINT) AS overdue_count,\n"
		"  ROUND(100.0 * (SUM(closed_count) - SUM(overdue_count)) / SUM(closed_count), 2) AS within_sla_pct,\n"
		"  CASE WHEN SUM(overdue_count) > 0 THEN ROUND(1.0 * SUM(avg_overdue_days * overdue_count) / "
		"SUM(overdue_count), 2) ELSE 0 END AS avg_overdue_days,\n"
		"  MAX(run_id) AS run_id\n"
		"FROM gold.kpi_sla_daily\n"
		"GROUP BY month, pqrs_type",
		&pqrs_view_sla_summary},
};
