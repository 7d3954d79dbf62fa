/* flow/raw_contract.c: see raw_contract.h. It writes documents and parses nothing. */
#include "flow/raw_contract.h"

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

static void put_types(struct buf *out, const struct raw_contract *c)
{
	buf_str(out, ",\n\t\"allOf\": [\n");
	for (size_t t = 0; t < c->n_types; t++) {
		const struct raw_event_type *type = &c->types[t];
		buf_printf(out,
			"\t\t{\"if\": {\"properties\": {\"event_type\": {\"const\": \"%s\"}}}, \"then\": "
			"{\"properties\": {\"data\": {\n\t\t\t\"properties\": {\n",
			type->name);
		put_members(out, "\t\t\t\t", type->data, type->n_data);
		buf_str(out, "\t\t\t},\n\t\t\t");
		put_required(out, type->data, type->n_data, "");
		buf_str(out, t + 1 < c->n_types ? "\n\t\t}}}},\n" : "\n\t\t}}}}\n");
	}
	buf_str(out, "\t]\n");
}

void raw_contract_json_schema(struct buf *out, const struct raw_contract *c)
{
	buf_printf(out,
		"{\n\t\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n\t\"$id\": "
		"\"urn:pqr:%s:raw.event\",\n"
		"\t\"title\": \"%s\",\n\t\"description\": \"one line of a raw object; a member that is null "
		"counts as absent, "
		"one that is not named here is kept\",\n\t\"type\": \"object\",\n\t\"properties\": {\n",
		c->version, c->name);
	if (c->n_types > 0)
		buf_str(out, "\t\t\"data\": {\"type\": \"object\", \"description\": \"what happened, by "
			     "event_type\"},\n");
	put_members(out, "\t\t", c->envelope, c->n_envelope);
	buf_str(out, "\t},\n\t");
	put_required(out, c->envelope, c->n_envelope, c->n_types > 0 ? ", \"data\"" : "");
	if (c->n_types > 0)
		put_types(out, c);
	else
		buf_char(out, '\n');
	buf_str(out, "}\n");
}

void raw_contract_markdown(struct buf *out, const struct raw_contract *c)
{
	static const char *const kinds[] = {[RAW_STRING] = "string",
		[RAW_UUID] = "UUID",
		[RAW_TIMESTAMP] = "RFC 3339",
		[RAW_INTEGER] = "integer",
		[RAW_ANY] = "any"};
	buf_str(out, "## raw.event\n\none line of a raw object; a member that is null counts as absent, one that is "
		     "not named here is kept.\n\n"
		     "| event_type | member | type | required | description |\n|---|---|---|---|---|\n");
	for (size_t t = 0; t <= c->n_types; t++) {
		const struct raw_event_type *type = t > 0 ? &c->types[t - 1] : NULL;
		const struct raw_member *m = type == NULL ? c->envelope : type->data;
		const size_t n = type == NULL ? c->n_envelope : type->n_data;
		for (size_t i = 0; i < n; i++) {
			buf_printf(out, "| %s | `%s%s` | %s | %s | %s", type == NULL ? "(all)" : type->name,
				type == NULL ? "" : "data.", m[i].name, kinds[m[i].kind], m[i].required ? "yes" : "",
				m[i].description);
			for (size_t k = 0; m[i].values != NULL && m[i].values[k] != NULL; k++)
				buf_printf(out, "%s`%s`", k == 0 ? ": " : ", ", m[i].values[k]);
			buf_str(out, " |\n");
		}
	}
	buf_char(out, '\n');
}
