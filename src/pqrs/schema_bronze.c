#include "pqrs/schema.h"

#define S COL_STRING
#define T COL_TIMESTAMP
static const struct column_def columns[] = {
	{.name = "event_id", .type = S, .key = true, .id = true, .description = "UUID of the event, lower case"},
	{.name = "ticket_id", .type = S, .id = true, .description = "UUID of the ticket, lower case"},
	{.name = "event_type", .type = S, .description = "TICKET_CREATED, MESSAGE_ADDED, STATUS_CHANGED or ATTACHMENT_ADDED"},
	{.name = "ts", .type = T, .description = "when it happened"},
	{.name = "external_id", .type = S, .nullable = true, .description = "the number the citizen was given"},
	{.name = "source_channel", .type = S, .nullable = true, .description = "email, webform, chat, call or other_digital"},
	{.name = "pqrs_type", .type = S, .nullable = true, .description = "P petition, Q complaint, R claim, S suggestion"},
	{.name = "priority", .type = S, .nullable = true, .description = "alta, media or baja"},
	{.name = "geo_region", .type = S, .nullable = true, .description = "department, as upstream names it"},
	{.name = "geo_municipio", .type = S, .nullable = true, .description = "municipality, as upstream names it"},
	{.name = "dane_city_code", .type = S, .nullable = true, .description = "DANE code of the municipality, as upstream gives it"},
	{.name = "subject", .type = S, .nullable = true, .description = "subject of the ticket or message"},
	{.name = "text", .type = S, .nullable = true, .description = "body of the ticket or message"},
	{.name = "text_len", .type = COL_INT32, .nullable = true, .unit = "code points", .description = "length of text, as upstream gives it"},
	{.name = "sla_business_days", .type = COL_INT32, .nullable = true, .unit = "business days", .description = "upstream's hint, not trusted"},
	{.name = "radicated_at", .type = T, .nullable = true, .description = "upstream's hint, not trusted"},
	{.name = "sla_due_at", .type = T, .nullable = true, .description = "upstream's hint, not trusted"},
	{.name = "closed_at", .type = T, .nullable = true, .description = "upstream's hint, not trusted"},
	{.name = "topic_preclassified", .type = S, .nullable = true, .description = "upstream's hint, not trusted"},
	{.name = "preclassifier", .type = S, .nullable = true, .description = "upstream's hint; JSON text when nested"},
	{.name = "role", .type = S, .nullable = true, .description = "citizen or agent"},
	{.name = "message_id", .type = S, .nullable = true, .description = "upstream's id of the message"},
	{.name = "status_from", .type = S, .nullable = true, .description = "state before the change"},
	{.name = "status_to", .type = S, .nullable = true, .description = "state after the change"},
	{.name = "actor_role", .type = S, .nullable = true, .description = "system or agent"},
	{.name = "reason", .type = S, .nullable = true, .description = "why the state changed"},
	{.name = "file_type", .type = S, .nullable = true, .description = "type of the attachment"},
	{.name = "size_kb", .type = COL_INT64, .nullable = true, .unit = "KiB", .description = "size of the attachment"},
	{.name = "file_name", .type = S, .nullable = true, .description = "name of the attachment"},
	{.name = "schema_version", .type = S, .nullable = true, .description = "contract version the event claims"},
	{.name = "tenant_id", .type = S, .nullable = true, .description = "tenant, for multi-tenant lakes"},
	{.name = "extra", .type = S, .nullable = true, .description = "JSON object of the members the contract does not know"},
	{.name = "raw_object", .type = S, .description = "key of the raw object the event came from"},
	{.name = "raw_line", .type = COL_INT64, .description = "1-based line in raw_object"},
	{.name = "ticket_bucket", .type = COL_INT32, .description = "top 8 bits of XXH64(ticket_id)"},
	{.name = "source", .type = S, .partition = true, .description = "where the raw object came from"},
	{.name = "day", .type = COL_DATE, .partition = true, .description = "UTC date of ts"},
	{.name = "run_id", .type = S, .partition = true, .description = "run that wrote the row"},
};
_Static_assert(sizeof columns / sizeof columns[0] == BRONZE_N_COLUMNS + 3, "columns and enum bronze_column agree");

const struct table_schema pqrs_bronze_events = {
	.name = "pqrs_events",
	.layer = "bronze",
	.contract = "pqrs/v1",
	.description = "every valid raw event, typed; ordered by (ticket_bucket, ts, event_id) in a file",
	.columns = columns,
	.n_columns = sizeof columns / sizeof columns[0],
};
