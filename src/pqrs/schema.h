/* pqrs/schema.h: every table of the pqrs workload (the one schema; everything else is derived from it). */
#ifndef PQR_PQRS_SCHEMA_H
#define PQR_PQRS_SCHEMA_H

#include "columnar/schema.h"

/* Column positions of bronze.pqrs_events; the order of the file. */
enum bronze_column {
	BRONZE_EVENT_ID, BRONZE_TICKET_ID, BRONZE_EVENT_TYPE, BRONZE_TS,
	BRONZE_EXTERNAL_ID, BRONZE_SOURCE_CHANNEL, BRONZE_PQRS_TYPE, BRONZE_PRIORITY, BRONZE_GEO_REGION, BRONZE_GEO_MUNICIPIO,
	BRONZE_DANE_CITY_CODE, BRONZE_SUBJECT, BRONZE_TEXT, BRONZE_TEXT_LEN, BRONZE_SLA_BUSINESS_DAYS, BRONZE_RADICATED_AT,
	BRONZE_SLA_DUE_AT, BRONZE_CLOSED_AT, BRONZE_TOPIC_PRECLASSIFIED, BRONZE_PRECLASSIFIER,
	BRONZE_ROLE, BRONZE_MESSAGE_ID,
	BRONZE_STATUS_FROM, BRONZE_STATUS_TO, BRONZE_ACTOR_ROLE, BRONZE_REASON,
	BRONZE_FILE_TYPE, BRONZE_SIZE_KB, BRONZE_FILE_NAME,
	BRONZE_SCHEMA_VERSION, BRONZE_TENANT_ID, BRONZE_EXTRA, BRONZE_RAW_OBJECT, BRONZE_RAW_LINE, BRONZE_TICKET_BUCKET,
	BRONZE_N_COLUMNS, /* data columns; then source, day, run_id */
};
extern const struct table_schema pqrs_bronze_events;

enum { PQRS_BUCKETS = 256 };
static inline int32_t pqrs_bucket(uint64_t ticket_id_xxh64) { return (int32_t)(ticket_id_xxh64 >> 56); }

#endif
