/* workloads/pqrs/contract/raw_event.c: the members of a raw event as a table, and the JSON Schema made of it. It parses nothing
 * (bronze/event.c). */
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

static void put_string(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "\"%s\": ", key);
	buf_json_str(out, str_of(value));
}

static void put_values(struct buf *out, const struct raw_member *m)
{
	buf_str(out, "\"enum\": [");
	for (size_t i = 0; m->values[i] != NULL; i++) {
		if (i > 0) buf_str(out, ", ");
		buf_json_str(out, str_of(m->values[i]));
	}
	buf_str(out, m->required ? "], " : ", null], ");
}

static void put_member(struct buf *out, const struct raw_member *m)
{
	static const char *const formats[] = {
		[RAW_STRING] = "",
		[RAW_UUID] = ", \"format\": \"uuid\"",
		[RAW_TIMESTAMP] = ", \"format\": \"date-time\"",
		[RAW_INTEGER] = "",
		[RAW_ANY] = "",
	};
	const char *type = m->kind == RAW_INTEGER ? "integer" : "string";
	buf_printf(out, "\"%s\": {", m->name);
	if (m->kind != RAW_ANY) { /* null counts as absent */
		buf_printf(out, m->required ? "\"type\": \"%s\"" : "\"type\": [\"%s\", \"null\"]", type);
		buf_printf(out, "%s, ", formats[m->kind]);
	}
	if (m->not_negative) buf_str(out, "\"minimum\": 0, ");
	if (m->values != NULL) put_values(out, m);
	put_string(out, "description", m->description);
	buf_char(out, '}');
}

static void put_members(struct buf *out, const char *indent, const struct raw_member *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_str(out, indent);
		put_member(out, &m[i]);
		buf_str(out, i + 1 < n ? ",\n" : "\n");
	}
}

static void put_required(struct buf *out, const struct raw_member *m, size_t n, const char *more)
{
	const char *separator = "";
	buf_str(out, "\"required\": [");
	for (size_t i = 0; i < n; i++) {
		if (!m[i].required) continue;
		buf_printf(out, "%s\"%s\"", separator, m[i].name);
		separator = ", ";
	}
	buf_printf(out, "%s]", more);
}

void raw_event_json_schema(struct buf *out)
{
	buf_str(out, "{\n\t\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n\t\"$id\": "
		     "\"urn:pqr:pqrs/v2:raw.event\",\n"
		     "\t\"title\": \"raw.pqrs\",\n\t\"description\": \"one line of a raw object; a member that is null "
		     "counts as absent, "
		     "one that is not named here is kept\",\n\t\"type\": \"object\",\n\t\"properties\": {\n"
		     "\t\t\"data\": {\"type\": \"object\", \"description\": \"what happened, by event_type\"},\n");
	put_members(out, "\t\t", raw_envelope, RAW_ENVELOPE_MEMBERS);
	buf_str(out, "\t},\n\t");
	put_required(out, raw_envelope, RAW_ENVELOPE_MEMBERS, ", \"data\"");
	buf_str(out, ",\n\t\"allOf\": [\n");
	for (size_t t = 0; t < RAW_EVENT_TYPES; t++) {
		const struct raw_event_type *type = &raw_event_types[t];
		buf_printf(out,
			"\t\t{\"if\": {\"properties\": {\"event_type\": {\"const\": \"%s\"}}}, \"then\": "
			"{\"properties\": {\"data\": {\n\t\t\t\"properties\": {\n",
			type->name);
		put_members(out, "\t\t\t\t", type->data, type->n_data);
		buf_str(out, "\t\t\t},\n\t\t\t");
		put_required(out, type->data, type->n_data, "");
		buf_str(out, t + 1 < RAW_EVENT_TYPES ? "\n\t\t}}}},\n" : "\n\t\t}}}}\n");
	}
	buf_str(out, "\t]\n}\n");
}
