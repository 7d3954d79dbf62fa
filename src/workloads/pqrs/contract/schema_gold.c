/* workloads/pqrs/contract/schema_gold.c: the columns of the gold tables, in the order of their enums. */
#include "workloads/pqrs/contract/schema_gold.h"

#include "flow/history_column.h"

/* Columns that mean the same in every table they stand in. */
#define S COL_STRING
#define KEY_DAY(text)                                                             \
	{                                                                         \
		.name = "day", .type = COL_DATE, .key = true, .description = text \
	}
#define KEY_TYPE                                                                \
	{                                                                       \
		.name = "pqrs_type", .type = S, .key = true,                    \
		.description = "P petition, Q complaint, R claim, S suggestion" \
	}
#define KEY_CHANNEL                                                                          \
	{                                                                                    \
		.name = "channel", .type = S, .key = true,                                   \
		.description = "source channel: email, webform, chat, call or other_digital" \
	}
#define KEY_DEPARTMENT                                                        \
	{                                                                     \
		.name = "department_name", .type = S, .key = true,            \
		.description = "department; unknown when the ticket has none" \
	}
#define KEY_GEO                                                                                          \
	{.name = "region_name",                                                                          \
		.type = S,                                                                               \
		.key = true,                                                                             \
		.description = "region; the department's name until dim_geo has regions"},               \
		KEY_DEPARTMENT,                                                                          \
	{                                                                                                \
		.name = "dane_city_code", .type = S, .key = true,                                        \
		.description = "DANE code of the municipality, 5 digits; 00000 when the ticket has none" \
	}
#define COUNT(column, text)                                                               \
	{                                                                                 \
		.name = column, .type = COL_INT64, .unit = "tickets", .description = text \
	}
#define TICKETS_CREATED COUNT("tickets_count", "tickets created on the day")
#define BACKLOG_COUNT COUNT("backlog_count", "tickets created on or before the day and not closed on or before it")
#define SLA_MEASURES                                                                                                 \
	COUNT("closed_count", "tickets closed on the day"),                                                          \
		{.name = "within_sla_pct",                                                                           \
			.type = COL_DECIMAL,                                                                         \
			.precision = 5,                                                                              \
			.scale = 2,                                                                                  \
			.unit = "%",                                                                                 \
			.description = "100 * (closed_count - overdue_count) / closed_count"},                       \
		COUNT("overdue_count", "of the closed, those answered after sla_due_at"),                            \
	{                                                                                                            \
		.name = "avg_overdue_days", .type = COL_DECIMAL, .precision = 9, .scale = 2, .unit = "days of 24 h", \
		.description = "mean of answered_at - sla_due_at over the overdue; 0 without any"                    \
	}
#define SERIES_MEASURES                                                                                         \
	COUNT("tickets_count", "tickets created on the day; zeros included"),                                   \
		{.name = "tickets_mavg_7d",                                                                     \
			.type = COL_DECIMAL,                                                                    \
			.precision = 12,                                                                        \
			.scale = 2,                                                                             \
			.unit = "tickets",                                                                      \
			.description = "mean of tickets_count over the day and the up to six days before it"},  \
		{.name = "pct_vs_prev_day",                                                                     \
			.type = COL_DECIMAL,                                                                    \
			.precision = 9,                                                                         \
			.scale = 2,                                                                             \
			.unit = "%",                                                                            \
			.description = "change against the day before; 0 where that is 0 or before the range"}, \
	{                                                                                                       \
		.name = "pct_vs_prev_week", .type = COL_DECIMAL, .precision = 9, .scale = 2, .unit = "%",       \
		.description = "change against 7 days before; 0 where that is 0 or before the range"            \
	}
#define TICKET_ID                                                        \
	{                                                                \
		.name = "ticket_id", .type = S, .key = true, .id = true, \
		.description = "UUID of the ticket, lower case"          \
	}
#define SLA_TARGET                                                                     \
	{                                                                              \
		.name = "sla_days_target", .type = COL_INT32, .unit = "business days", \
		.description = "term of the ticket"                                    \
	}
#define SLA_ELAPSED                                                                                         \
	{                                                                                                   \
		.name = "sla_days_elapsed", .type = COL_INT32, .unit = "business days",                     \
		.description = "from radication to the answer or as_of, without holds; 0 before radication" \
	}
#define SLA_STATE                                                                              \
	{                                                                                      \
		.name = "sla_status", .type = S, .description = "NOT_STARTED, IN_TIME or LATE" \
	}
#define PARTITIONS(text)                                                                                \
	HISTORY_COLUMN, {.name = "month", .type = S, .partition = true, .description = text},           \
	{                                                                                               \
		.name = "run_id", .type = S, .partition = true, .description = "run that wrote the row" \
	}
#define MONTH_OF_DAY PARTITIONS("YYYY-MM of the day")
#define MONTH_OF_TICKET PARTITIONS("YYYY-MM of the ticket's creation, local")

static const struct column_def volume_columns[] = {
	KEY_DAY("local day of creation"),
	KEY_CHANNEL,
	KEY_TYPE,
	TICKETS_CREATED,
	MONTH_OF_DAY,
};
static const struct column_def backlog_columns[] = {
	KEY_DAY("local day, from the first created day to the day of as_of"),
	KEY_TYPE,
	{.name = "region",
		.type = S,
		.key = true,
		.description = "region; the department's name until dim_geo has regions"},
	BACKLOG_COUNT,
	MONTH_OF_DAY,
};
static const struct column_def sla_columns[] = {
	KEY_DAY("local day of closing"),
	KEY_TYPE,
	SLA_MEASURES,
	MONTH_OF_DAY,
};
static const struct column_def volume_geo_columns[] = {
	KEY_DAY("local day of creation"),
	KEY_CHANNEL,
	KEY_TYPE,
	KEY_GEO,
	TICKETS_CREATED,
	MONTH_OF_DAY,
};
static const struct column_def backlog_geo_columns[] = {
	KEY_DAY("local day, from the first created day to the day of as_of"),
	KEY_TYPE,
	KEY_GEO,
	BACKLOG_COUNT,
	MONTH_OF_DAY,
};
static const struct column_def sla_geo_columns[] = {
	KEY_DAY("local day of closing"),
	KEY_TYPE,
	KEY_GEO,
	SLA_MEASURES,
	MONTH_OF_DAY,
};
static const struct column_def series_dept_columns[] = {
	KEY_DAY("local day of creation; every day of the range"),
	KEY_DEPARTMENT,
	KEY_TYPE,
	KEY_CHANNEL,
	SERIES_MEASURES,
	MONTH_OF_DAY,
};
static const struct column_def series_national_columns[] = {
	KEY_DAY("local day of creation; every day of the range"),
	KEY_TYPE,
	KEY_CHANNEL,
	SERIES_MEASURES,
	MONTH_OF_DAY,
};
static const struct column_def daily_columns[] = {
	KEY_DAY("local day of creation"),
	{.name = "tenant_id", .type = S, .key = true, .description = "tenant; default when the ticket has none"},
	COUNT("total_tickets", "tickets created on the day"),
	COUNT("petitions", "of type P"),
	COUNT("complaints", "of type Q"),
	COUNT("claims", "of type R"),
	COUNT("suggestions", "of type S"),
	{.name = "avg_priority",
		.type = COL_DECIMAL,
		.precision = 4,
		.scale = 3,
		.description = "mean of baja 1, media 2, alta 3"},
	{.name = "high_priority_ratio",
		.type = COL_DECIMAL,
		.precision = 5,
		.scale = 4,
		.description = "alta tickets / tickets"},
	{.name = "sla_breach_ratio",
		.type = COL_DECIMAL,
		.precision = 5,
		.scale = 4,
		.description = "LATE tickets / tickets"},
	MONTH_OF_DAY,
};
static const struct column_def sla_daily_columns[] = {
	KEY_DAY("local day of closing"),
	{.name = "sla_status",
		.type = S,
		.key = true,
		.description = "IN_TIME, LATE or, closed without a term, NOT_STARTED"},
	COUNT("tickets_count", "tickets closed on the day"),
	MONTH_OF_DAY,
};
static const struct column_def sla_metrics_columns[] = {
	TICKET_ID,
	SLA_TARGET,
	SLA_ELAPSED,
	SLA_STATE,
	MONTH_OF_TICKET,
};
static const struct column_def tickets_snapshot_columns[] = {
	TICKET_ID,
	{.name = "current_status", .type = S, .description = "state at as_of"},
	{.name = "last_update_ts", .type = COL_TIMESTAMP, .description = "the ticket's last accepted event"},
	SLA_TARGET,
	SLA_ELAPSED,
	SLA_STATE,
	MONTH_OF_TICKET,
};
static const struct column_def priority_columns[] = {
	KEY_DAY("local day of creation"),
	{.name = "priority", .type = S, .key = true, .description = "alta, media or baja"},
	TICKETS_CREATED,
	MONTH_OF_DAY,
};
static const struct column_def pqrs_metrics_columns[] = {
	{.name = "date", .type = COL_DATE, .key = true, .description = "local day of creation"},
	{.name = "type", .type = S, .key = true, .description = "predicted pqrs_type"},
	{.name = "priority", .type = S, .key = true, .description = "predicted priority"},
	COUNT("count", "predictions for tickets created on the day"),
	{.name = "avg_score",
		.type = COL_DECIMAL,
		.precision = 5,
		.scale = 4,
		.description = "mean score of the predictions, in [0, 1]"},
	MONTH_OF_DAY,
};

#define TABLE(table, array, data_columns, text)                                                                  \
	_Static_assert(sizeof array / sizeof array[0] == (data_columns) + 3, "columns and enum agree: " #table); \
	const struct table_schema pqrs_gold_##table = {                                                          \
		.name = #table,                                                                                  \
		.layer = "gold",                                                                                 \
		.contract = "pqrs/v2",                                                                           \
		.description = text,                                                                             \
		.columns = array,                                                                                \
		.n_columns = sizeof array / sizeof array[0],                                                     \
	}
TABLE(kpi_volume_daily, volume_columns, VOLUME_N_COLUMNS, "tickets created by day, channel and type");
TABLE(kpi_backlog_daily, backlog_columns, BACKLOG_N_COLUMNS, "open tickets at the end of a day by type and region");
TABLE(kpi_sla_daily, sla_columns, SLA_N_COLUMNS, "closed tickets and SLA compliance by day of closing and type");
TABLE(kpi_volume_geo_daily, volume_geo_columns, VOLUME_GEO_N_COLUMNS,
	"tickets created by day, channel, type and municipality");
TABLE(kpi_backlog_geo_daily, backlog_geo_columns, BACKLOG_GEO_N_COLUMNS,
	"open tickets at the end of a day by type and municipality");
TABLE(kpi_sla_geo_daily, sla_geo_columns, SLA_GEO_N_COLUMNS,
	"closed tickets and SLA compliance by day of closing, type and municipality");
TABLE(kpi_volume_dept_daily, series_dept_columns, SERIES_DEPT_N_COLUMNS,
	"time series of created tickets by department, type and channel; every day, zeros included");
TABLE(kpi_volume_national_daily, series_national_columns, SERIES_NATIONAL_N_COLUMNS,
	"time series of created tickets by type and channel; every day, zeros included");
TABLE(daily_kpis, daily_columns, DAILY_N_COLUMNS, "executive figures by day of creation and tenant");
TABLE(sla_daily, sla_daily_columns, SLA_STATUS_N_COLUMNS, "closed tickets by day of closing and SLA result");
TABLE(sla_metrics, sla_metrics_columns, METRICS_N_COLUMNS, "SLA days of each ticket");
TABLE(tickets_snapshot, tickets_snapshot_columns, SNAPSHOT_N_COLUMNS, "state of each ticket at as_of");
TABLE(priority_distribution, priority_columns, PRIORITY_N_COLUMNS, "tickets created by day and priority");
TABLE(pqrs_metrics, pqrs_metrics_columns, PREDICTED_N_COLUMNS,
	"predictions by day of creation, predicted type and predicted priority");

const struct table_schema *const pqrs_gold_tables[GOLD_TABLES_N] = {
	[GOLD_KPI_VOLUME_DAILY] = &pqrs_gold_kpi_volume_daily,
	[GOLD_KPI_BACKLOG_DAILY] = &pqrs_gold_kpi_backlog_daily,
	[GOLD_KPI_SLA_DAILY] = &pqrs_gold_kpi_sla_daily,
	[GOLD_KPI_VOLUME_GEO_DAILY] = &pqrs_gold_kpi_volume_geo_daily,
	[GOLD_KPI_BACKLOG_GEO_DAILY] = &pqrs_gold_kpi_backlog_geo_daily,
	[GOLD_KPI_SLA_GEO_DAILY] = &pqrs_gold_kpi_sla_geo_daily,
	[GOLD_KPI_VOLUME_DEPT_DAILY] = &pqrs_gold_kpi_volume_dept_daily,
	[GOLD_KPI_VOLUME_NATIONAL_DAILY] = &pqrs_gold_kpi_volume_national_daily,
	[GOLD_DAILY_KPIS] = &pqrs_gold_daily_kpis,
	[GOLD_SLA_DAILY] = &pqrs_gold_sla_daily,
	[GOLD_SLA_METRICS] = &pqrs_gold_sla_metrics,
	[GOLD_TICKETS_SNAPSHOT] = &pqrs_gold_tickets_snapshot,
	[GOLD_PRIORITY_DISTRIBUTION] = &pqrs_gold_priority_distribution,
	[GOLD_PQRS_METRICS] = &pqrs_gold_pqrs_metrics,
};

/* ---- views: what they show of the tables above (views.c) ---- */

#define DAY_MONTH_RUN                                                                                        \
	{.name = "month", .type = S, .description = "YYYY-MM of the day"},                                   \
	{                                                                                                    \
		.name = "run_id", .type = S, .description = "run that wrote the row, or the last of several" \
	}
#define WITHIN_SLA                                                                                                  \
	{                                                                                                           \
		.name = "within_sla_pct", .type = COL_DECIMAL, .precision = 5, .scale = 2, .nullable = true,        \
		.unit = "%",                                                                                        \
		.description = "100 * (closed_count - overdue_count) / closed_count; none where nothing was closed" \
	}
static const struct column_def v_national_columns[] = {KEY_DAY("local day of creation; every day of the range"),
	KEY_TYPE, KEY_CHANNEL, SERIES_MEASURES, DAY_MONTH_RUN};
static const struct column_def v_department_columns[] = {KEY_DAY("local day of creation; every day of the range"),
	KEY_DEPARTMENT, KEY_TYPE, KEY_CHANNEL, SERIES_MEASURES, DAY_MONTH_RUN};
static const struct column_def v_geo_columns[] = {KEY_DAY("local day"), KEY_GEO, KEY_TYPE, TICKETS_CREATED,
	BACKLOG_COUNT, COUNT("closed_count", "tickets closed on the day"),
	COUNT("overdue_count", "of the closed, those answered after sla_due_at"), WITHIN_SLA, DAY_MONTH_RUN};
static const struct column_def v_open_columns[] = {TICKET_ID,
	{.name = "current_status", .type = S, .description = "state at as_of"},
	{.name = "last_update_ts", .type = COL_TIMESTAMP, .description = "the ticket's last accepted event"},
	SLA_TARGET, SLA_ELAPSED,
	{.name = "sla_days_left",
		.type = COL_INT32,
		.unit = "business days",
		.description = "sla_days_target - sla_days_elapsed; negative when it is overdue"},
	SLA_STATE, {.name = "month", .type = S, .description = "YYYY-MM of the ticket's creation, local"},
	{.name = "run_id", .type = S, .description = "run that wrote the row"}};
static const struct column_def v_sla_columns[] = {
	{.name = "month", .type = S, .key = true, .description = "YYYY-MM of the day of closing"}, KEY_TYPE,
	COUNT("closed_count", "tickets closed in the month"),
	COUNT("overdue_count", "of the closed, those answered after sla_due_at"), WITHIN_SLA,
	{.name = "avg_overdue_days",
		.type = COL_DECIMAL,
		.precision = 9,
		.scale = 2,
		.unit = "days of 24 h",
		.description = "mean of answered_at - sla_due_at over the overdue; 0 without any"},
	{.name = "run_id", .type = S, .description = "the last of the runs that wrote its rows"}};

#define VIEW(view, array, text)                                           \
	const struct table_schema pqrs_view_##view = {.name = "v_" #view, \
		.layer = "analytics",                                     \
		.contract = "pqrs/v2",                                    \
		.description = text,                                      \
		.columns = array,                                         \
		.n_columns = sizeof array / sizeof array[0]}
VIEW(timeseries_national_daily, v_national_columns, "created tickets by type and channel, every day");
VIEW(timeseries_department_daily, v_department_columns, "created tickets by department, type and channel, every day");
VIEW(geo_daily, v_geo_columns, "created, open and closed tickets by day, municipality and type");
VIEW(tickets_open, v_open_columns, "open tickets with what is left of their term");
VIEW(sla_summary, v_sla_columns, "closed tickets and compliance by month of closing and type");
