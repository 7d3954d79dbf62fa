/* workloads/pqrs/contract/lists.c: the lists' columns and SELECTs, in the words that SQLite, PostgreSQL and DuckDB share. */
#include "workloads/pqrs/contract/lists.h"

#define S COL_STRING
#define T COL_TIMESTAMP

/* Rows come by urgency: what is due first. */
static const struct column_def cases[] = {
	{.name = "due_on",
		.type = COL_DATE,
		.key = true,
		.nullable = true,
		.description = "last local day of its term, holds added; null before RADICATED"},
	{.name = "ticket_id", .type = S, .key = true, .description = "UUID of the ticket, lower case"},
	{.name = "external_id", .type = S, .nullable = true, .description = "the number the citizen was given"},
	{.name = "risk",
		.type = S,
		.description = "overdue, due_soon (at most 2 business days from as_of to due_on) or open"},
	{.name = "days_left",
		.type = COL_INT32,
		.nullable = true,
		.unit = "business days",
		.description = "of its term after as_of; negative: it is overdue; null before RADICATED"},
	{.name = "pqrs_type", .type = S, .description = "P petition, Q complaint, R claim, S suggestion"},
	{.name = "source_channel", .type = S, .description = "email, webform, chat, call or other_digital"},
	{.name = "priority", .type = S, .description = "alta, media or baja"},
	{.name = "current_status", .type = S, .description = "state as of the run"},
	{.name = "department_name", .type = S, .nullable = true, .description = "department"},
	{.name = "city_name", .type = S, .nullable = true, .description = "municipality"},
	{.name = "dane_city_code",
		.type = S,
		.nullable = true,
		.description = "DANE code of the municipality, 5 digits"},
	{.name = "created_at", .type = T, .description = "when it came in"},
	{.name = "radicated_at", .type = T, .nullable = true, .description = "when its term began"},
	{.name = "sla_due_at", .type = T, .nullable = true, .description = "last instant of its term"},
	{.name = "sla_business_days", .type = COL_INT32, .unit = "business days", .description = "its term"},
	{.name = "hold_days",
		.type = COL_INT32,
		.unit = "business days",
		.description = "days on which its term stood still"},
	{.name = "sla_status", .type = S, .description = "NOT_STARTED, IN_TIME or LATE"},
	{.name = "tenant_id", .type = S, .nullable = true, .description = "tenant"},
	{.name = "run_id", .type = S, .description = "run that wrote the row"},
};
static const struct table_schema cases_schema = {.name = "cases",
	.layer = "",
	.contract = "pqrs/v2",
	.description = "tickets that wait for an answer, with what is left of their term",
	.columns = cases,
	.n_columns = sizeof cases / sizeof *cases};

static const struct column_def timeline[] = {
	{.name = "ts", .type = T, .key = true, .description = "when it happened"},
	{.name = "event", .type = S, .key = true, .description = "created or status"},
	{.name = "ticket_id", .type = S, .key = true, .description = "UUID of the ticket, lower case"},
	{.name = "status_from", .type = S, .nullable = true, .description = "state before a change"},
	{.name = "status_to", .type = S, .nullable = true, .description = "state after it"},
	{.name = "actor_role", .type = S, .nullable = true, .description = "who changed it: system or agent"},
	{.name = "reason", .type = S, .nullable = true, .description = "why"},
	{.name = "tenant_id", .type = S, .nullable = true, .description = "tenant of the ticket"},
};
static const struct table_schema timeline_schema = {.name = "timeline",
	.layer = "",
	.contract = "pqrs/v2",
	.description = "what happened to each ticket",
	.columns = timeline,
	.n_columns = sizeof timeline / sizeof *timeline};

const struct workload_list_view pqrs_lists[PQRS_LISTS] = {
	{&cases_schema,
		"SELECT LOCAL_DATE(t.sla_due_at) AS due_on, t.ticket_id, t.external_id, CASE t.sla_risk WHEN 'OVERDUE' "
		"THEN "
		"'overdue' WHEN 'AT_RISK' THEN 'due_soon' ELSE 'open' END AS risk, CASE WHEN t.sla_due_at IS NOT NULL "
		"THEN "
		"s.sla_days_target - s.sla_days_elapsed END AS days_left, t.pqrs_type, t.source_channel, t.priority, "
		"t.current_status, t.department_name, t.city_name, t.dane_city_code, t.created_at, t.radicated_at, "
		"t.sla_due_at, t.sla_business_days, t.hold_days, t.sla_status, t.tenant_id, t.run_id "
		"FROM core.tickets AS t JOIN gold.tickets_snapshot AS s ON s.ticket_id = t.ticket_id "
		"WHERE t.answered_at IS NULL",
		"tickets"},
	{&timeline_schema,
		"SELECT created_at AS ts, 'created' AS event, ticket_id, NULL AS status_from, 'RECEIVED' AS status_to, "
		"NULL AS "
		"actor_role, NULL AS reason, tenant_id FROM core.tickets UNION ALL SELECT e.ts, 'status', e.ticket_id, "
		"e.status_from, e.status_to, e.actor_role, e.reason, t.tenant_id FROM core.ticket_events AS e JOIN "
		"core.tickets "
		"AS t ON t.ticket_id = e.ticket_id",
		"tickets"},
};
