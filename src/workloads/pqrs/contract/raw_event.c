/* workloads/pqrs/contract/raw_event.c: the members of a raw event as a table, as a table. It parses nothing (bronze/event.c). */
#include "workloads/pqrs/contract/raw_event.h"

static const char *const event_types[] = {
	"TICKET_CREATED", "MESSAGE_ADDED", "STATUS_CHANGED", "ATTACHMENT_ADDED", NULL};
static const char *const channels[] = {"email", "webform", "chat", "call", "other_digital", NULL};
static const char *const types[] = {"P", "Q", "R", "S", NULL};
static const char *const priorities[] = {"alta", "media", "baja", NULL};
static const char *const request_kinds[] = {"general", "information", "consultation", NULL};
static const char *const roles[] = {"citizen", "agent", NULL};
static const char *const actors[] = {"system", "agent", NULL};

const struct raw_member raw_envelope[RAW_ENVELOPE_MEMBERS] = {
	{.name = "event_id",
		.kind = RAW_UUID,
		.required = true,
		.description = "identifies the event; a repeat is dropped"},
	{.name = "ticket_id", .kind = RAW_UUID, .required = true, .description = "the ticket it belongs to"},
	{.name = "event_type",
		.kind = RAW_STRING,
		.required = true,
		.values = event_types,
		.description = "decides what data holds"},
	{.name = "ts",
		.kind = RAW_TIMESTAMP,
		.required = true,
		.description = "when it happened; kept to microseconds by truncation"},
	{.name = "schema_version", .kind = RAW_STRING, .description = "\"v1.0\""},
	{.name = "run_id", .kind = RAW_ANY, .description = "of the producer; kept in extra"},
	{.name = "tenant_id", .kind = RAW_STRING, .description = "tenant, for multi-tenant lakes"},
};

static const struct raw_member created[] = {
	{.name = "external_id",
		.kind = RAW_STRING,
		.required = true,
		.description = "the number the citizen was given"},
	{.name = "source_channel",
		.kind = RAW_STRING,
		.required = true,
		.values = channels,
		.description = "channel of reception"},
	{.name = "pqrs_type",
		.kind = RAW_STRING,
		.values = types,
		.description = "petition, complaint, claim, suggestion"},
	{.name = "priority", .kind = RAW_STRING, .values = priorities, .description = "priority"},
	{.name = "geo_region", .kind = RAW_STRING, .description = "department"},
	{.name = "geo_municipio", .kind = RAW_STRING, .description = "municipality"},
	{.name = "dane_city_code", .kind = RAW_STRING, .description = "DANE code of the municipality"},
	{.name = "subject", .kind = RAW_STRING, .description = "subject"},
	{.name = "text", .kind = RAW_STRING, .description = "body"},
	{.name = "text_len", .kind = RAW_INTEGER, .description = "length of text in code points"},
	{.name = "sla_business_days", .kind = RAW_INTEGER, .description = "hint, not trusted"},
	{.name = "radicated_at", .kind = RAW_TIMESTAMP, .description = "hint, not trusted"},
	{.name = "sla_due_at", .kind = RAW_TIMESTAMP, .description = "hint, not trusted"},
	{.name = "closed_at", .kind = RAW_TIMESTAMP, .description = "hint, not trusted"},
	{.name = "topic_preclassified", .kind = RAW_STRING, .description = "hint, not trusted"},
	{.name = "preclassifier", .kind = RAW_ANY, .description = "hint, not trusted; kept as JSON text when nested"},
	{.name = "request_kind",
		.kind = RAW_STRING,
		.values = request_kinds,
		.description = "which legal term counts; general when absent"},
};
static const struct raw_member message[] = {
	{.name = "role", .kind = RAW_STRING, .required = true, .values = roles, .description = "who wrote it"},
	{.name = "text", .kind = RAW_STRING, .required = true, .description = "the message"},
	{.name = "text_len", .kind = RAW_INTEGER, .description = "length of text in code points"},
	{.name = "subject", .kind = RAW_STRING, .description = "subject"},
	{.name = "message_id", .kind = RAW_STRING, .description = "upstream's id of the message"},
};
static const struct raw_member status_change[] = {
	{.name = "status_from", .kind = RAW_STRING, .required = true, .description = "state before the change"},
	{.name = "status_to", .kind = RAW_STRING, .required = true, .description = "state after the change"},
	{.name = "actor_role", .kind = RAW_STRING, .values = actors, .description = "who changed it"},
	{.name = "reason", .kind = RAW_STRING, .description = "why"},
};
static const struct raw_member attachment[] = {
	{.name = "file_type", .kind = RAW_STRING, .required = true, .description = "type of the file"},
	{.name = "size_kb", .kind = RAW_INTEGER, .required = true, .not_negative = true, .description = "size in KiB"},
	{.name = "file_name", .kind = RAW_STRING, .description = "name of the file"},
	{.name = "source_channel", .kind = RAW_STRING, .values = channels, .description = "channel it came by"},
};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
const struct raw_event_type raw_event_types[RAW_EVENT_TYPES] = {
	{"TICKET_CREATED", created, COUNT(created)},
	{"MESSAGE_ADDED", message, COUNT(message)},
	{"STATUS_CHANGED", status_change, COUNT(status_change)},
	{"ATTACHMENT_ADDED", attachment, COUNT(attachment)},
};

const struct raw_contract pqrs_raw_contract = {
	.name = "raw.pqrs",
	.version = "pqrs/v2",
	.envelope = raw_envelope,
	.n_envelope = RAW_ENVELOPE_MEMBERS,
	.types = raw_event_types,
	.n_types = RAW_EVENT_TYPES,
};
