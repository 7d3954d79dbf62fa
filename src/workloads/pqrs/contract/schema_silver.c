/* workloads/pqrs/contract/schema_silver.c: the tables of silver, and what their columns mean where contract section 4 leaves it open.
 *
 * Rows of an event table are in the order in which silver folds them: by UTC month, ranges of ticket buckets, bronze's files by their
 * first instant, then the row in its file. tickets and preclassification are in order of creation events.
 */
#include "flow/history_column.h"
#include "workloads/pqrs/contract/schema.h"

#define S COL_STRING
#define T COL_TIMESTAMP
#define PARTITIONS(of)                                                                                                 \
	HISTORY_COLUMN, {.name = "month", .type = S, .partition = true, .description = "YYYY-MM, local month of " of}, \
	{                                                                                                              \
		.name = "run_id", .type = S, .partition = true, .description = "run that wrote the row"                \
	}
#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define TICKET_ID                                                                                           \
	{                                                                                                   \
		.name = "ticket_id", .type = S, .id = true, .description = "UUID of the ticket, lower case" \
	}

static const struct column_def tickets[] = {
	{.name = "ticket_id", .type = S, .key = true, .id = true, .description = "UUID of the ticket, lower case"},
	{.name = "external_id", .type = S, .nullable = true, .description = "the number the citizen was given"},
	{.name = "source_channel",
		.type = S,
		.description = "email, webform, chat, call or other_digital; of the creation event"},
	{.name = "pqrs_type",
		.type = S,
		.description = "P, Q, R or S; the rules' prediction where the creation event has none"},
	{.name = "priority",
		.type = S,
		.description = "alta, media or baja; the rules' prediction where the creation event has none"},
	{.name = "created_at",
		.type = T,
		.description = "ts of the creation event; the first by (ts, event_id) counts"},
	{.name = "radicated_at", .type = T, .nullable = true, .description = "ts of the accepted change to RADICATED"},
	{.name = "first_response_at",
		.type = T,
		.nullable = true,
		.description = "ts of the first message by an agent"},
	{.name = "responded_at",
		.type = T,
		.nullable = true,
		.description = "ts of the last accepted change to RESPONDED"},
	{.name = "answered_at",
		.type = T,
		.nullable = true,
		.description = "when the clock was last stopped; null while it runs or pauses"},
	{.name = "closed_at",
		.type = T,
		.nullable = true,
		.description = "ts of the last accepted change to CLOSED, when now CLOSED or ARCHIVED"},
	{.name = "archived_at",
		.type = T,
		.nullable = true,
		.description = "ts of the accepted change to ARCHIVED, when now ARCHIVED"},
	{.name = "current_status",
		.type = S,
		.description = "state after the last accepted change; RECEIVED at creation"},
	{.name = "department_name",
		.type = S,
		.nullable = true,
		.description = "of dim_geo when it knows the code, else as upstream names it"},
	{.name = "city_name",
		.type = S,
		.nullable = true,
		.description = "of dim_geo when it knows the code, else as upstream names it"},
	{.name = "dane_city_code",
		.type = S,
		.nullable = true,
		.description = "5 digits, zero-padded; null when upstream gives none or no number of up to 5 digits"},
	{.name = "sla_business_days",
		.type = COL_INT32,
		.unit = "business days",
		.description = "term: the configured one, else by the law of the day of radication"},
	{.name = "sla_due_at",
		.type = T,
		.nullable = true,
		.description =
			"last microsecond of the last local day of the term, holds added; null before RADICATED"},
	{.name = "sla_elapsed_seconds",
		.type = COL_INT64,
		.unit = "s",
		.description = "whole seconds in states whose SLA behaviour is START or RUN, up to as_of"},
	{.name = "hold_days",
		.type = COL_INT32,
		.unit = "business days",
		.description = "business days in PAUSE states, up to as_of when still there, and from an answer to the "
			       "reopening that undid it"},
	{.name = "sla_status",
		.type = S,
		.description =
			"NOT_STARTED before RADICATED, IN_TIME or LATE by answered_at, or as_of while there is none"},
	{.name = "sla_risk",
		.type = S,
		.nullable = true,
		.description = "OVERDUE, AT_RISK (at most 2 business days from as_of to sla_due_at) or HEALTHY (also "
			       "before RADICATED); null once answered"},
	{.name = "reopened_count", .type = COL_INT32, .description = "accepted changes to REOPENED"},
	{.name = "message_count", .type = COL_INT32, .description = "messages of the ticket"},
	{.name = "attachment_count", .type = COL_INT32, .description = "attachments of the ticket"},
	{.name = "tenant_id", .type = S, .nullable = true, .description = "tenant of the creation event"},
	{.name = "last_update_ts", .type = T, .description = "ts of the last accepted event of any type"},
	PARTITIONS("created_at"),
};
_Static_assert(COUNT(tickets) == TICKETS_N_COLUMNS + 3, "columns and enum agree");

static const struct column_def messages[] = {
	{.name = "message_id",
		.type = S,
		.key = true,
		.id = true,
		.description = "upstream's id of the message, else the event's id"},
	/* One message may be of two tickets. */
	{.name = "ticket_id", .type = S, .key = true, .id = true, .description = "UUID of the ticket, lower case"},
	{.name = "ts", .type = T, .description = "when it was written"},
	{.name = "role", .type = S, .description = "citizen or agent"},
	{.name = "text", .type = S, .description = "the message"},
	{.name = "text_len", .type = COL_INT32, .unit = "code points", .description = "length of text, counted here"},
	PARTITIONS("ts"),
};
_Static_assert(COUNT(messages) == MESSAGES_N_COLUMNS + 3, "columns and enum agree");

static const struct column_def status_events[] = {
	{.name = "event_id", .type = S, .key = true, .id = true, .description = "UUID of the event, lower case"},
	/* Runs that did not know of each other's tickets may have told one id of two. */
	{.name = "ticket_id", .type = S, .key = true, .id = true, .description = "UUID of the ticket, lower case"},
	{.name = "ts", .type = T, .description = "when the state changed"},
	{.name = "status_from", .type = S, .description = "state before the change"},
	{.name = "status_to", .type = S, .description = "state after the change"},
	{.name = "actor_role", .type = S, .nullable = true, .description = "system or agent"},
	{.name = "reason", .type = S, .nullable = true, .description = "why the state changed"},
	PARTITIONS("ts"),
};
_Static_assert(COUNT(status_events) == STATUS_EVENTS_N_COLUMNS + 3, "columns and enum agree");

static const struct column_def attachments[] = {
	{.name = "attachment_id", .type = S, .key = true, .id = true, .description = "UUID of the event that added it"},
	TICKET_ID,
	{.name = "ts", .type = T, .description = "when it was added"},
	{.name = "file_type", .type = S, .description = "type of the file"},
	{.name = "size_kb", .type = COL_INT64, .unit = "KiB", .description = "size of the file"},
	{.name = "file_name", .type = S, .nullable = true, .description = "name of the file"},
	{.name = "source_channel", .type = S, .nullable = true, .description = "channel it came by"},
	PARTITIONS("ts"),
};
_Static_assert(COUNT(attachments) == ATTACHMENTS_N_COLUMNS + 3, "columns and enum agree");

static const struct column_def preclassification[] = {
	{.name = "ticket_id", .type = S, .key = true, .id = true, .description = "UUID of the ticket, lower case"},
	{.name = "created_at", .type = T, .description = "creation of the ticket, as in tickets"},
	{.name = "model_type", .type = S, .description = "rules or tfidf_lr"},
	{.name = "model_version", .type = S, .key = true, .description = "version of the rules or of the model"},
	{.name = "predicted_type", .type = S, .description = "P, Q, R or S"},
	{.name = "predicted_priority", .type = S, .description = "alta, media or baja"},
	{.name = "score",
		.type = COL_DECIMAL,
		.precision = 5,
		.scale = 4,
		.description = "hits of the predicted type / hits of all types; 0 without a hit"},
	{.name = "explain_json", .type = S, .description = "hits per class and the keywords hit, canonical JSON"},
	{.name = "entities_json",
		.type = S,
		.description = "amounts, dates, e-mails and case numbers found, canonical JSON"},
	PARTITIONS("created_at"),
};
_Static_assert(COUNT(preclassification) == PRECLASS_N_COLUMNS + 3, "columns and enum agree");

static const struct column_def quarantine[] = {
	{.name = "event_id", .type = S, .id = true, .description = "UUID of the event; not unique here"},
	TICKET_ID,
	{.name = "event_type", .type = S, .description = "type of the event"},
	{.name = "ts", .type = T, .description = "when it happened"},
	{.name = "reason",
		.type = S,
		.description = "invalid_transition, orphan (ticket never created), out_of_order (before its ticket's "
			       "creation), conflicting_duplicate (the event_id stands with other content), "
			       "duplicate_creation (the ticket stands by an earlier creation event)"},
	{.name = "status_from", .type = S, .nullable = true, .description = "of a status change"},
	{.name = "status_to", .type = S, .nullable = true, .description = "of a status change"},
	{.name = "raw_object", .type = S, .key = true, .description = "key of the raw object the event came from"},
	{.name = "raw_line", .type = COL_INT64, .key = true, .description = "1-based line in raw_object"},
	PARTITIONS("ts"),
};
_Static_assert(COUNT(quarantine) == QUARANTINE_N_COLUMNS + 3, "columns and enum agree");

static const struct column_def dim_status[] = {
	{.name = "status", .type = S, .key = true, .description = "state of a ticket"},
	{.name = "name_es", .type = S, .description = "Spanish name"},
	{.name = "terminal", .type = COL_BOOL, .description = "whether a ticket may stay there"},
	{.name = "sla_behaviour", .type = S, .description = "NONE, START, RUN, PAUSE or STOP: what the SLA clock does"},
	{.name = "sort_order", .type = COL_INT32, .description = "place in the life of a ticket"},
};
_Static_assert(COUNT(dim_status) == DIM_STATUS_N_COLUMNS, "columns and enum agree");

static const struct column_def dim_status_transition[] = {
	{.name = "status_from", .type = S, .key = true, .description = "state before"},
	{.name = "status_to", .type = S, .key = true, .description = "state after"},
};
_Static_assert(COUNT(dim_status_transition) == DIM_TRANSITION_N_COLUMNS, "columns and enum agree");

static const struct column_def dim_channel[] = {
	{.name = "channel", .type = S, .key = true, .description = "value of source_channel"},
	{.name = "name_es", .type = S, .description = "Spanish name"},
	{.name = "sort_order", .type = COL_INT32, .description = "order of the contract, from 1"},
};
_Static_assert(COUNT(dim_channel) == DIM_CHANNEL_N_COLUMNS, "columns and enum agree");

static const struct column_def dim_pqrs_type[] = {
	{.name = "pqrs_type", .type = S, .key = true, .description = "P, Q, R or S"},
	{.name = "name_es", .type = S, .description = "Spanish name"},
	{.name = "sla_business_days",
		.type = COL_INT32,
		.unit = "business days",
		.description = "term: the configured one, else what a general request of the day of as_of has by law"},
	{.name = "sort_order", .type = COL_INT32, .description = "order of the contract, from 1"},
};
_Static_assert(COUNT(dim_pqrs_type) == DIM_TYPE_N_COLUMNS, "columns and enum agree");

static const struct column_def dim_priority[] = {
	{.name = "priority", .type = S, .key = true, .description = "alta, media or baja"},
	{.name = "name_es", .type = S, .description = "Spanish name"},
	{.name = "weight", .type = COL_INT32, .description = "baja 1, media 2, alta 3: what averages use"},
	{.name = "sort_order", .type = COL_INT32, .description = "order of the contract, from 1"},
};
_Static_assert(COUNT(dim_priority) == DIM_PRIORITY_N_COLUMNS, "columns and enum agree");

static const struct column_def dim_role[] = {
	{.name = "role",
		.type = S,
		.key = true,
		.description = "citizen, agent, system or unknown: who wrote a message or changed a state"},
	{.name = "name_es", .type = S, .description = "Spanish name"},
	{.name = "sort_order", .type = COL_INT32, .description = "from 1"},
};
_Static_assert(COUNT(dim_role) == DIM_ROLE_N_COLUMNS, "columns and enum agree");

static const struct column_def dim_geo[] = {
	{.name = "dane_city_code", .type = S, .key = true, .description = "DANE code of the municipality, 5 digits"},
	{.name = "city_name", .type = S, .description = "municipality"},
	{.name = "department_code", .type = S, .description = "DANE code of the department, 2 digits"},
	{.name = "department_name", .type = S, .description = "department"},
	{.name = "latitude",
		.type = COL_DECIMAL,
		.precision = 9,
		.scale = 6,
		.nullable = true,
		.unit = "degrees",
		.description = "WGS 84"},
	{.name = "longitude",
		.type = COL_DECIMAL,
		.precision = 9,
		.scale = 6,
		.nullable = true,
		.unit = "degrees",
		.description = "WGS 84"},
};
_Static_assert(COUNT(dim_geo) == DIM_GEO_N_COLUMNS, "columns and enum agree");

#define TABLE(table, text)                                \
	const struct table_schema pqrs_silver_##table = { \
		.name = #table,                           \
		.layer = "silver",                        \
		.contract = "pqrs/v2",                    \
		.description = text,                      \
		.columns = table,                         \
		.n_columns = COUNT(table),                \
	}
TABLE(tickets, "one row a ticket: its state as of the run, dates and SLA");
TABLE(messages, "messages of citizens and agents");
TABLE(status_events, "accepted state changes");
TABLE(attachments, "files added to tickets");
TABLE(preclassification, "what the rules or a model predict from a ticket's first text, once a model");
TABLE(quarantine, "bronze events that silver could not accept, with the reason");
TABLE(dim_status, "states of a ticket");
TABLE(dim_status_transition, "allowed state changes");
TABLE(dim_channel, "channels of reception");
TABLE(dim_pqrs_type, "kinds of PQRS and their terms");
TABLE(dim_priority, "priorities");
TABLE(dim_role, "who acts");
TABLE(dim_geo, "municipalities");

/* The serving database's operational picture: silver's rows under names of their own. */
#define CORE_BELOW(table, of, text, above, above_key)   \
	const struct table_schema pqrs_core_##table = { \
		.name = #table,                         \
		.layer = "core",                        \
		.contract = "pqrs/v2",                  \
		.description = text,                    \
		.columns = of,                          \
		.n_columns = COUNT(of),                 \
		.parent = above,                        \
		.parent_key = above_key,                \
	}
#define CORE(table, of, text) CORE_BELOW(table, of, text, NULL, NULL)
/* Who may read a ticket may read what is of it. */
#define CORE_OF_TICKET(table, of, text) CORE_BELOW(table, of, text, "tickets", "ticket_id")
CORE(tickets, tickets, "every ticket as the latest published run left it");
CORE_OF_TICKET(ticket_events, status_events, "accepted state changes of every ticket");
CORE_OF_TICKET(messages, messages, "messages of citizens and agents on every ticket");
CORE(dim_status, dim_status, "states of a ticket");
CORE(dim_status_transition, dim_status_transition, "allowed state changes");
CORE(dim_channel, dim_channel, "channels of reception");
CORE(dim_pqrs_type, dim_pqrs_type, "kinds of PQRS and their terms");
CORE(dim_priority, dim_priority, "priorities");
CORE(dim_role, dim_role, "who acts");
CORE(dim_geo, dim_geo, "municipalities, for maps");

const char *const sla_status_names[SLA_STATUS_N] = {"NOT_STARTED", "IN_TIME", "LATE"};
const char *const sla_risk_names[SLA_RISK_N] = {"", "HEALTHY", "AT_RISK", "OVERDUE"};
