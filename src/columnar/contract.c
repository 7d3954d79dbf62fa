/* columnar/contract.c: a schema written out for its readers, as JSON Schema and as Markdown; nothing here
 * depends on data, time or the order of calls. Must not know which tables there are. */
#include "columnar/contract.h"

/* ---- JSON Schema ----------------------------------------------------------------------------------------- */

static void json_key(struct buf *out, const char *indent, const char *key)
{
	buf_str(out, indent);
	buf_json_str(out, str_of(key));
	buf_str(out, ": ");
}

static void json_names(struct buf *out, const struct table_schema *s, bool (*pick)(const struct column_def *))
{
	const char *separator = "";
	buf_char(out, '[');
	for (size_t i = 0; i < s->n_columns; i++) {
		if (!pick(&s->columns[i])) continue;
		buf_str(out, separator);
		buf_json_str(out, str_of(s->columns[i].name));
		separator = ", ";
	}
	buf_char(out, ']');
}

static bool pick_required(const struct column_def *c)
{
	return !c->nullable;
}
static bool pick_key(const struct column_def *c)
{
	return c->key;
}
static bool pick_partition(const struct column_def *c)
{
	return c->partition;
}

static const char *json_type(enum col_type type)
{
	switch (type) {
	case COL_BOOL: return "boolean";
	case COL_INT32:
	case COL_INT64: return "integer";
	case COL_FLOAT:
	case COL_DOUBLE:
	case COL_DECIMAL: return "number";
	case COL_STRING:
	case COL_BINARY:
	case COL_TIMESTAMP:
	case COL_DATE: break;
	case COL_DECIMAL128:
	case COL_LIST:
	case COL_STRUCT:
	case COL_MAP: ASSERT(false); /* no table of ours has one */
	}
	return "string";
}

static void json_property(struct buf *out, const struct column_def *c)
{
	json_key(out, "\t\t", c->name);
	buf_printf(out, c->nullable ? "{\"type\": [\"%s\", \"null\"]" : "{\"type\": \"%s\"", json_type(c->type));
	if (c->type == COL_TIMESTAMP) buf_str(out, ", \"format\": \"date-time\"");
	if (c->type == COL_DATE) buf_str(out, ", \"format\": \"date\"");
	if (c->type == COL_BINARY) buf_str(out, ", \"contentEncoding\": \"base64\"");
	if (c->type == COL_INT32) buf_printf(out, ", \"minimum\": %d, \"maximum\": %d", INT32_MIN, INT32_MAX);
	buf_printf(out, ", \"x-type\": \"%s", col_type_name(c->type));
	if (c->type == COL_DECIMAL) buf_printf(out, "(%u,%u)", c->precision, c->scale);
	buf_char(out, '"');
	if (c->unit != NULL) {
		buf_str(out, ", \"x-unit\": ");
		buf_json_str(out, str_of(c->unit));
	}
	if (c->description != NULL) {
		buf_str(out, ", \"description\": ");
		buf_json_str(out, str_of(c->description));
	}
	buf_char(out, '}');
}

void schema_json(struct buf *out, const struct table_schema *s)
{
	buf_str(out, "{\n\t\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n");
	buf_printf(out, "\t\"$id\": \"urn:pqr:%s:%s.%s\",\n", s->contract, s->layer, s->name);
	buf_printf(out, "\t\"title\": \"%s.%s\",\n\t\"description\": ", s->layer, s->name);
	buf_json_str(out, str_of(s->description));
	buf_str(out, ",\n\t\"type\": \"object\",\n\t\"properties\": {\n");
	for (size_t i = 0; i < s->n_columns; i++) {
		json_property(out, &s->columns[i]);
		buf_str(out, i + 1 < s->n_columns ? ",\n" : "\n");
	}
	buf_str(out, "\t},\n\t\"required\": ");
	json_names(out, s, pick_required);
	buf_str(out, ",\n\t\"additionalProperties\": false,\n\t\"x-key\": ");
	json_names(out, s, pick_key);
	buf_str(out, ",\n\t\"x-partition\": ");
	json_names(out, s, pick_partition);
	buf_str(out, "\n}\n");
}

/* ---- Markdown -------------------------------------------------------------------------------------------- */

static void markdown_cell(struct buf *out, const char *text)
{
	for (const char *p = text != NULL ? text : ""; *p != '\0'; p++) {
		if (*p == '|') buf_char(out, '\\');
		buf_char(out, *p);
	}
}

void schema_markdown(struct buf *out, const struct table_schema *s)
{
	buf_printf(out, "## %s.%s\n\n%s. Contract %s.\n\n", s->layer, s->name, s->description, s->contract);
	buf_str(out, "| column | type | key | unit | description |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < s->n_columns; i++) {
		const struct column_def *c = &s->columns[i];
		buf_printf(out, "| `%s` | %s", c->name, col_type_name(c->type));
		if (c->type == COL_DECIMAL) buf_printf(out, "(%u,%u)", c->precision, c->scale);
		buf_str(out, c->nullable ? "?" : "");
		buf_str(out, c->partition ? " | partition | " : c->key ? " | key | " : " | | ");
		markdown_cell(out, c->unit);
		buf_str(out, " | ");
		markdown_cell(out, c->description);
		buf_str(out, " |\n");
	}
	if (s->updated_at) buf_str(out, "| `updated_at` | timestamp | | | in SQL alone: " SCHEMA_UPDATED_AT " |\n");
	buf_char(out, '\n');
}
