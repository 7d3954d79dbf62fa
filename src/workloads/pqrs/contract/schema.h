/* workloads/pqrs/contract/schema.h: every table of the pqrs workload (the one schema; everything else is derived from it). */
#ifndef PQR_PQRS_SCHEMA_H
#define PQR_PQRS_SCHEMA_H

#include "columnar/schema.h"

/* Column positions of bronze.pqrs_events; the order of the file. */
enum bronze_column {
	BRONZE_EVENT_ID,
	BRONZE_TICKET_ID,
	BRONZE_EVENT_TYPE,
	BRONZE_TS,
	BRONZE_EXTERNAL_ID,
	BRONZE_SOURCE_CHANNEL,
	BRONZE_PQRS_TYPE,
	BRONZE_PRIORITY,
	BRONZE_GEO_REGION,
	BRONZE_GEO_MUNICIPIO,
	BRONZE_DANE_CITY_CODE,
	BRONZE_SUBJECT,
	BRONZE_TEXT,
	BRONZE_TEXT_LEN,
	BRONZE_SLA_BUSINESS_DAYS,
	BRONZE_RADICATED_AT,
	BRONZE_SLA_DUE_AT,
	BRONZE_CLOSED_AT,
	BRONZE_TOPIC_PRECLASSIFIED,
	BRONZE_PRECLASSIFIER,
	BRONZE_REQUEST_KIND,
	BRONZE_ROLE,
	BRONZE_MESSAGE_ID,
	BRONZE_STATUS_FROM,
	BRONZE_STATUS_TO,
	BRONZE_ACTOR_ROLE,
	BRONZE_REASON,
	BRONZE_FILE_TYPE,
	BRONZE_SIZE_KB,
	BRONZE_FILE_NAME,
	BRONZE_SCHEMA_VERSION,
	BRONZE_TENANT_ID,
	BRONZE_EXTRA,
	BRONZE_RAW_OBJECT,
	BRONZE_RAW_LINE,
	BRONZE_TICKET_BUCKET,
	BRONZE_SOURCE,
	BRONZE_DAY,
	BRONZE_N_COLUMNS, /* data columns; then month, run_id */
};
extern const struct table_schema pqrs_bronze_events;

enum { PQRS_BUCKETS = 256 };
static inline int32_t pqrs_bucket(uint64_t ticket_id_xxh64)
{
	return (int32_t)(ticket_id_xxh64 >> 56);
}

/* ---- silver ------------------------------------------------------------------------------------------------
 * Column positions of the data columns; history_id (history_column.h) and the partition columns (month "YYYY-MM", run_id) follow.
 * Dimensions have none of these. What each column means stands in schema_silver.c. */
enum silver_tickets_column {
	TICKETS_TICKET_ID,
	TICKETS_EXTERNAL_ID,
	TICKETS_SOURCE_CHANNEL,
	TICKETS_PQRS_TYPE,
	TICKETS_PRIORITY,
	TICKETS_CREATED_AT,
	TICKETS_RADICATED_AT,
	TICKETS_FIRST_RESPONSE_AT,
	TICKETS_RESPONDED_AT,
	TICKETS_ANSWERED_AT,
	TICKETS_CLOSED_AT,
	TICKETS_ARCHIVED_AT,
	TICKETS_CURRENT_STATUS,
	TICKETS_DEPARTMENT_NAME,
	TICKETS_CITY_NAME,
	TICKETS_DANE_CITY_CODE,
	TICKETS_SLA_BUSINESS_DAYS,
	TICKETS_SLA_DUE_AT,
	TICKETS_SLA_ELAPSED_SECONDS,
	TICKETS_HOLD_DAYS,
	TICKETS_SLA_STATUS,
	TICKETS_SLA_RISK,
	TICKETS_REOPENED_COUNT,
	TICKETS_MESSAGE_COUNT,
	TICKETS_ATTACHMENT_COUNT,
	TICKETS_TENANT_ID,
	TICKETS_LAST_UPDATE_TS,
	TICKETS_N_COLUMNS,
};
enum silver_messages_column {
	MESSAGES_MESSAGE_ID,
	MESSAGES_TICKET_ID,
	MESSAGES_TS,
	MESSAGES_ROLE,
	MESSAGES_TEXT,
	MESSAGES_TEXT_LEN,
	MESSAGES_N_COLUMNS,
};
enum silver_status_events_column {
	STATUS_EVENTS_EVENT_ID,
	STATUS_EVENTS_TICKET_ID,
	STATUS_EVENTS_TS,
	STATUS_EVENTS_STATUS_FROM,
	STATUS_EVENTS_STATUS_TO,
	STATUS_EVENTS_ACTOR_ROLE,
	STATUS_EVENTS_REASON,
	STATUS_EVENTS_N_COLUMNS,
};
enum silver_attachments_column {
	ATTACHMENTS_ATTACHMENT_ID,
	ATTACHMENTS_TICKET_ID,
	ATTACHMENTS_TS,
	ATTACHMENTS_FILE_TYPE,
	ATTACHMENTS_SIZE_KB,
	ATTACHMENTS_FILE_NAME,
	ATTACHMENTS_SOURCE_CHANNEL,
	ATTACHMENTS_N_COLUMNS,
};
enum silver_preclassification_column {
	PRECLASS_TICKET_ID,
	PRECLASS_CREATED_AT,
	PRECLASS_MODEL_TYPE,
	PRECLASS_MODEL_VERSION,
	PRECLASS_PREDICTED_TYPE,
	PRECLASS_PREDICTED_PRIORITY,
	PRECLASS_SCORE,
	PRECLASS_EXPLAIN_JSON,
	PRECLASS_ENTITIES_JSON,
	PRECLASS_N_COLUMNS,
};
enum silver_quarantine_column {
	QUARANTINE_EVENT_ID,
	QUARANTINE_TICKET_ID,
	QUARANTINE_EVENT_TYPE,
	QUARANTINE_TS,
	QUARANTINE_REASON,
	QUARANTINE_STATUS_FROM,
	QUARANTINE_STATUS_TO,
	QUARANTINE_RAW_OBJECT,
	QUARANTINE_RAW_LINE,
	QUARANTINE_N_COLUMNS,
};
enum silver_dim_status_column {
	DIM_STATUS_STATUS,
	DIM_STATUS_NAME_ES,
	DIM_STATUS_TERMINAL,
	DIM_STATUS_SLA_BEHAVIOUR,
	DIM_STATUS_SORT_ORDER,
	DIM_STATUS_N_COLUMNS,
};
enum silver_dim_status_transition_column {
	DIM_TRANSITION_STATUS_FROM,
	DIM_TRANSITION_STATUS_TO,
	DIM_TRANSITION_N_COLUMNS
};
enum silver_dim_channel_column {
	DIM_CHANNEL_CHANNEL,
	DIM_CHANNEL_NAME_ES,
	DIM_CHANNEL_SORT_ORDER,
	DIM_CHANNEL_N_COLUMNS
};
enum silver_dim_pqrs_type_column {
	DIM_TYPE_PQRS_TYPE,
	DIM_TYPE_NAME_ES,
	DIM_TYPE_SLA_BUSINESS_DAYS,
	DIM_TYPE_SORT_ORDER,
	DIM_TYPE_N_COLUMNS,
};
enum silver_dim_priority_column {
	DIM_PRIORITY_PRIORITY,
	DIM_PRIORITY_NAME_ES,
	DIM_PRIORITY_WEIGHT,
	DIM_PRIORITY_SORT_ORDER,
	DIM_PRIORITY_N_COLUMNS,
};
enum silver_dim_role_column { DIM_ROLE_ROLE, DIM_ROLE_NAME_ES, DIM_ROLE_SORT_ORDER, DIM_ROLE_N_COLUMNS };
enum silver_dim_geo_column {
	DIM_GEO_DANE_CITY_CODE,
	DIM_GEO_CITY_NAME,
	DIM_GEO_DEPARTMENT_CODE,
	DIM_GEO_DEPARTMENT_NAME,
	DIM_GEO_LATITUDE,
	DIM_GEO_LONGITUDE,
	DIM_GEO_N_COLUMNS,
};
extern const struct table_schema pqrs_silver_tickets, pqrs_silver_messages, pqrs_silver_status_events,
	pqrs_silver_attachments, pqrs_silver_preclassification, pqrs_silver_quarantine, pqrs_silver_dim_status,
	pqrs_silver_dim_status_transition, pqrs_silver_dim_channel, pqrs_silver_dim_pqrs_type, pqrs_silver_dim_priority,
	pqrs_silver_dim_role, pqrs_silver_dim_geo;
extern const struct table_schema pqrs_core_tickets, pqrs_core_ticket_events, pqrs_core_messages, pqrs_core_dim_status,
	pqrs_core_dim_status_transition, pqrs_core_dim_channel, pqrs_core_dim_pqrs_type, pqrs_core_dim_priority,
	pqrs_core_dim_role, pqrs_core_dim_geo; /* published with publish.core: true */
enum { PQRS_SILVER_TABLES = 13 };

/* Values of string columns of silver, in their sort order. */
enum sla_status { SLA_STATUS_NOT_STARTED, SLA_STATUS_IN_TIME, SLA_STATUS_LATE, SLA_STATUS_N };
enum sla_risk {
	SLA_RISK_NONE,
	SLA_RISK_HEALTHY,
	SLA_RISK_AT_RISK,
	SLA_RISK_OVERDUE,
	SLA_RISK_N
}; /* NONE: null, the ticket is not open */
extern const char *const sla_status_names[SLA_STATUS_N];
extern const char *const sla_risk_names[SLA_RISK_N]; /* "" for NONE */

enum { DANE_CODE_CHARS = 5 };

#endif
