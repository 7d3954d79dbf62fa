/* workloads/pqrs/contract/schema_gold.h: the fourteen gold tables; rows of a file are sorted by the key columns, which come first. */
#ifndef PQR_PQRS_SCHEMA_GOLD_H
#define PQR_PQRS_SCHEMA_GOLD_H

#include "columnar/schema.h"

enum gold_table {
	GOLD_KPI_VOLUME_DAILY,
	GOLD_KPI_BACKLOG_DAILY,
	GOLD_KPI_SLA_DAILY,
	GOLD_KPI_VOLUME_GEO_DAILY,
	GOLD_KPI_BACKLOG_GEO_DAILY,
	GOLD_KPI_SLA_GEO_DAILY,
	GOLD_KPI_VOLUME_DEPT_DAILY,
	GOLD_KPI_VOLUME_NATIONAL_DAILY,
	GOLD_DAILY_KPIS,
	GOLD_SLA_DAILY,
	GOLD_SLA_METRICS,
	GOLD_TICKETS_SNAPSHOT,
	GOLD_PRIORITY_DISTRIBUTION,
	GOLD_PQRS_METRICS,
	GOLD_TABLES_N,
};
extern const struct table_schema pqrs_gold_kpi_volume_daily, pqrs_gold_kpi_backlog_daily, pqrs_gold_kpi_sla_daily,
	pqrs_gold_kpi_volume_geo_daily, pqrs_gold_kpi_backlog_geo_daily, pqrs_gold_kpi_sla_geo_daily,
	pqrs_gold_kpi_volume_dept_daily, pqrs_gold_kpi_volume_national_daily, pqrs_gold_daily_kpis, pqrs_gold_sla_daily,
	pqrs_gold_sla_metrics, pqrs_gold_tickets_snapshot, pqrs_gold_priority_distribution, pqrs_gold_pqrs_metrics;
extern const struct table_schema *const pqrs_gold_tables[GOLD_TABLES_N];
/* Of the views over them: analytics.v_<name>. */
extern const struct table_schema pqrs_view_timeseries_national_daily, pqrs_view_timeseries_department_daily,
	pqrs_view_geo_daily, pqrs_view_tickets_open, pqrs_view_sla_summary;

/* Data columns in file order; then history_id (history_column.h), and the partition columns month and run_id. */
enum kpi_volume_daily_column {
	VOLUME_DAY,
	VOLUME_CHANNEL,
	VOLUME_PQRS_TYPE,
	VOLUME_TICKETS_COUNT,
	VOLUME_N_COLUMNS,
};
enum kpi_backlog_daily_column {
	BACKLOG_DAY,
	BACKLOG_PQRS_TYPE,
	BACKLOG_REGION,
	BACKLOG_BACKLOG_COUNT,
	BACKLOG_N_COLUMNS,
};
enum kpi_sla_daily_column {
	SLA_DAY,
	SLA_PQRS_TYPE,
	SLA_CLOSED_COUNT,
	SLA_WITHIN_SLA_PCT,
	SLA_OVERDUE_COUNT,
	SLA_AVG_OVERDUE_DAYS,
	SLA_N_COLUMNS,
};
enum kpi_volume_geo_daily_column {
	VOLUME_GEO_DAY,
	VOLUME_GEO_CHANNEL,
	VOLUME_GEO_PQRS_TYPE,
	VOLUME_GEO_REGION_NAME,
	VOLUME_GEO_DEPARTMENT_NAME,
	VOLUME_GEO_DANE_CITY_CODE,
	VOLUME_GEO_TICKETS_COUNT,
	VOLUME_GEO_N_COLUMNS,
};
enum kpi_backlog_geo_daily_column {
	BACKLOG_GEO_DAY,
	BACKLOG_GEO_PQRS_TYPE,
	BACKLOG_GEO_REGION_NAME,
	BACKLOG_GEO_DEPARTMENT_NAME,
	BACKLOG_GEO_DANE_CITY_CODE,
	BACKLOG_GEO_BACKLOG_COUNT,
	BACKLOG_GEO_N_COLUMNS,
};
enum kpi_sla_geo_daily_column {
	SLA_GEO_DAY,
	SLA_GEO_PQRS_TYPE,
	SLA_GEO_REGION_NAME,
	SLA_GEO_DEPARTMENT_NAME,
	SLA_GEO_DANE_CITY_CODE,
	SLA_GEO_CLOSED_COUNT,
	SLA_GEO_WITHIN_SLA_PCT,
	SLA_GEO_OVERDUE_COUNT,
	SLA_GEO_AVG_OVERDUE_DAYS,
	SLA_GEO_N_COLUMNS,
};
enum kpi_volume_dept_daily_column {
	SERIES_DEPT_DAY,
	SERIES_DEPT_DEPARTMENT_NAME,
	SERIES_DEPT_PQRS_TYPE,
	SERIES_DEPT_CHANNEL,
	SERIES_DEPT_TICKETS_COUNT,
	SERIES_DEPT_TICKETS_MAVG_7D,
	SERIES_DEPT_PCT_VS_PREV_DAY,
	SERIES_DEPT_PCT_VS_PREV_WEEK,
	SERIES_DEPT_N_COLUMNS,
};
enum kpi_volume_national_daily_column {
	SERIES_NATIONAL_DAY,
	SERIES_NATIONAL_PQRS_TYPE,
	SERIES_NATIONAL_CHANNEL,
	SERIES_NATIONAL_TICKETS_COUNT,
	SERIES_NATIONAL_TICKETS_MAVG_7D,
	SERIES_NATIONAL_PCT_VS_PREV_DAY,
	SERIES_NATIONAL_PCT_VS_PREV_WEEK,
	SERIES_NATIONAL_N_COLUMNS,
};
enum daily_kpis_column {
	DAILY_DAY,
	DAILY_TENANT_ID,
	DAILY_TOTAL_TICKETS,
	DAILY_PETITIONS,
	DAILY_COMPLAINTS,
	DAILY_CLAIMS,
	DAILY_SUGGESTIONS,
	DAILY_AVG_PRIORITY,
	DAILY_HIGH_PRIORITY_RATIO,
	DAILY_SLA_BREACH_RATIO,
	DAILY_N_COLUMNS,
};
enum sla_daily_column {
	SLA_STATUS_DAY,
	SLA_STATUS_SLA_STATUS,
	SLA_STATUS_TICKETS_COUNT,
	SLA_STATUS_N_COLUMNS,
};
enum sla_metrics_column {
	METRICS_TICKET_ID,
	METRICS_SLA_DAYS_TARGET,
	METRICS_SLA_DAYS_ELAPSED,
	METRICS_SLA_STATUS,
	METRICS_N_COLUMNS,
};
enum tickets_snapshot_column {
	SNAPSHOT_TICKET_ID,
	SNAPSHOT_CURRENT_STATUS,
	SNAPSHOT_LAST_UPDATE_TS,
	SNAPSHOT_SLA_DAYS_TARGET,
	SNAPSHOT_SLA_DAYS_ELAPSED,
	SNAPSHOT_SLA_STATUS,
	SNAPSHOT_N_COLUMNS,
};
enum priority_distribution_column {
	PRIORITY_DAY,
	PRIORITY_PRIORITY,
	PRIORITY_TICKETS_COUNT,
	PRIORITY_N_COLUMNS,
};
enum pqrs_metrics_column {
	PREDICTED_DATE,
	PREDICTED_TYPE,
	PREDICTED_PRIORITY,
	PREDICTED_COUNT,
	PREDICTED_AVG_SCORE,
	PREDICTED_N_COLUMNS,
};

#endif
