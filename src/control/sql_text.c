/* control/sql_text.c: see sql_text.h. Each type has one row in each database's table; nothing here depends on data, time or the order
 * of calls. Must not know which tables there are. */
#include "control/sql_text.h"

#include <ctype.h>
#include <string.h>

static const char *const sqlite_types[] = {
	[COL_BOOL] = "BOOLEAN",
	[COL_INT32] = "INTEGER",
	[COL_INT64] = "BIGINT",
	[COL_FLOAT] = "REAL",
	[COL_DOUBLE] = "REAL",
	[COL_STRING] = "TEXT",
	[COL_BINARY] = "BLOB",
	[COL_TIMESTAMP] = "TIMESTAMP",
	[COL_DATE] = "DATE",
	[COL_DECIMAL] = "DECIMAL",
};
static const char *const postgres_types[] = {
	[COL_BOOL] = "boolean",
	[COL_INT32] = "integer",
	[COL_INT64] = "bigint",
	[COL_FLOAT] = "real",
	[COL_DOUBLE] = "double precision",
	[COL_STRING] = "text",
	[COL_BINARY] = "bytea",
	[COL_TIMESTAMP] = "timestamp with time zone",
	[COL_DATE] = "date",
	[COL_DECIMAL] = "numeric",
};

/* Ids have no order but that of their bytes; in a language's order an index over them takes three times the time. */
static bool is_id(const struct column_def *c)
{
	return c->type == COL_STRING && (c->id || strcmp(c->name, "run_id") == 0);
}

/* Column names are always quoted: date, type or role may be reserved in one dialect or the next. */
static void sql_column(struct buf *out, const struct column_def *c, const char *const types[])
{
	buf_printf(out, "\t\"%s\" %s", c->name, types[c->type]);
	if (c->type == COL_DECIMAL) buf_printf(out, "(%u,%u)", c->precision, c->scale);
	if (types == postgres_types && is_id(c)) buf_str(out, " COLLATE \"C\"");
	if (!c->nullable) buf_str(out, " NOT NULL");
}

static bool has_key(const struct table_schema *s)
{
	for (size_t i = 0; i < s->n_columns; i++) {
		if (s->columns[i].key) return true;
	}
	return false;
}

static void sql_primary_key(struct buf *out, const struct table_schema *s)
{
	const char *separator = "";
	buf_str(out, "PRIMARY KEY (");
	for (size_t i = 0; i < s->n_columns; i++) {
		if (!s->columns[i].key) continue;
		buf_printf(out, "%s\"%s\"", separator, s->columns[i].name);
		separator = ", ";
	}
	buf_char(out, ')');
}

static void column_comment(struct buf *out, const struct column_def *c)
{
	buf_str(out, c->description != NULL ? c->description : "");
	if (c->unit != NULL) buf_printf(out, " [%s]", c->unit);
}

static void sqlite_keys(struct buf *out, const struct table_schema *s)
{
	const char *separator = "\t-- key: ";
	for (size_t i = 0; i < s->n_columns; i++) {
		if (!s->columns[i].key) continue;
		buf_printf(out, "%s%s", separator, s->columns[i].name);
		separator = ", ";
	}
	buf_char(out, '\n');
}

#define SQLITE_NOW "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"
const char sql_text_updated_at_sqlite[] = "\"updated_at\" = " SQLITE_NOW;

void sql_text_table_sqlite(struct buf *out, const struct table_schema *s)
{
	buf_printf(out, "CREATE TABLE IF NOT EXISTS \"%s_%s\" ( -- %s\n", s->layer, s->name, s->description);
	if (has_key(s)) sqlite_keys(out, s);
	for (size_t i = 0; i < s->n_columns; i++) {
		if (s->columns[i].lake_only) continue; /* never the last: partition columns are, which are no such */
		sql_column(out, &s->columns[i], sqlite_types);
		buf_str(out, s->updated_at || i + 1 < s->n_columns ? ", -- " : " -- ");
		column_comment(out, &s->columns[i]);
		buf_char(out, '\n');
	}
	if (s->updated_at)
		buf_str(out, "\t\"updated_at\" TIMESTAMP NOT NULL DEFAULT (" SQLITE_NOW ") -- " SCHEMA_UPDATED_AT "\n");
	buf_str(out, ");\n");
}

/* A string literal: single quotes doubled (standard_conforming_strings is on since PostgreSQL 9.1). */
static void sql_literal(struct buf *out, const char *text, const char *unit)
{
	buf_char(out, '\'');
	for (const char *p = text != NULL ? text : ""; *p != '\0'; p++) {
		if (*p == '\'') buf_char(out, '\'');
		buf_char(out, *p);
	}
	if (unit != NULL) buf_printf(out, " [%s]", unit);
	buf_char(out, '\'');
}

static void postgres_table(struct buf *out, const struct table_schema *s, bool with_key)
{
	buf_printf(out, "CREATE TABLE IF NOT EXISTS %s.%s (\n", s->layer, s->name);
	for (size_t i = 0; i < s->n_columns; i++) {
		if (s->columns[i].lake_only) continue; /* as above */
		sql_column(out, &s->columns[i], postgres_types);
		buf_str(out, s->updated_at || with_key || i + 1 < s->n_columns ? ",\n" : "\n");
	}
	if (s->updated_at)
		buf_printf(out, "\t\"updated_at\" %s NOT NULL DEFAULT now()%s\n", postgres_types[COL_TIMESTAMP],
			with_key ? "," : "");
	if (with_key) {
		buf_char(out, '\t');
		sql_primary_key(out, s);
		buf_char(out, '\n');
	}
	buf_str(out, ");\n");
	buf_printf(out, "COMMENT ON TABLE %s.%s IS ", s->layer, s->name);
	sql_literal(out, s->description, NULL);
	buf_str(out, ";\n");
	for (size_t i = 0; i < s->n_columns; i++) {
		const struct column_def *c = &s->columns[i];
		if (c->lake_only) continue;
		buf_printf(out, "COMMENT ON COLUMN %s.%s.\"%s\" IS ", s->layer, s->name, c->name);
		sql_literal(out, c->description, c->unit);
		buf_str(out, ";\n");
	}
	if (s->updated_at)
		buf_printf(
			out, "COMMENT ON COLUMN %s.%s.\"updated_at\" IS '" SCHEMA_UPDATED_AT "';\n", s->layer, s->name);
}

void sql_text_table_postgres(struct buf *out, const struct table_schema *s)
{
	postgres_table(out, s, has_key(s));
}

void sql_text_heap_postgres(struct buf *out, const struct table_schema *s)
{
	postgres_table(out, s, false);
}

/* An index takes no more than a third of a page of 8 KiB. byteain reads a doubled backslash as one, so the cast is the text's own bytes; all
 * of it is immutable, as an index asks. */
static void sql_digest_key(struct buf *out, const struct table_schema *s)
{
	const char *separator = "";
	buf_printf(out, "CREATE UNIQUE INDEX ON %s.%s (", s->layer, s->name);
	for (size_t i = 0; i < s->n_columns; i++) {
		const struct column_def *c = &s->columns[i];
		if (!c->key) continue;
		buf_printf(out, c->type == COL_STRING ? "%ssha256(replace(\"%s\", '\\', '\\\\')::bytea)" : "%s\"%s\"",
			separator, c->name);
		separator = ", ";
	}
	buf_str(out, ") NULLS NOT DISTINCT;\n");
}

void sql_text_key_postgres(struct buf *out, const struct table_schema *s, bool digests)
{
	if (!has_key(s)) return;
	if (digests) {
		sql_digest_key(out, s);
		return;
	}
	buf_printf(out, "ALTER TABLE %s.%s ADD ", s->layer, s->name);
	sql_primary_key(out, s);
	buf_str(out, ";\n");
}

/* The sub-selects are evaluated once a statement, not once a row. */
void sql_text_policies_postgres(struct buf *out, const struct table_schema *s)
{
	const bool own = schema_column_index(s, "tenant_id") >= 0;
	if (!own && s->parent == NULL) return;
	buf_printf(out, "ALTER TABLE %s.%s ENABLE ROW LEVEL SECURITY;\n", s->layer, s->name);
	buf_printf(out,
		"CREATE POLICY pqr_writers ON %s.%s USING ((SELECT meta.has_role('pqr_etl'))) WITH CHECK ((SELECT "
		"meta.has_role('pqr_etl')));\n",
		s->layer, s->name);
	buf_printf(out,
		"CREATE POLICY pqr_readers ON %s.%s FOR SELECT USING ((SELECT meta.has_role('pqr_bi', 'service_role'))",
		s->layer, s->name);
	if (own)
		buf_str(out, " OR tenant_id = (SELECT meta.request_tenant()));\n");
	else
		buf_printf(out, " OR EXISTS (SELECT FROM %s.%s AS parent WHERE parent.\"%s\" = %s.\"%s\"));\n",
			s->layer, s->parent, s->parent_key, s->name, s->parent_key);
}

static const char *const schemas[] = {"meta", "core", "gold", "analytics", "realtime"};

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* Length of the schema's name when p starts with "<schema>.", else 0. */
static size_t schema_at(const char *p)
{
	for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
		const size_t n = strlen(schemas[i]);
		if (strncmp(p, schemas[i], n) == 0 && p[n] == '.') return n;
	}
	return 0;
}

void sql_text_names_sqlite(char *dst, const char *sql)
{
	char quote = '\0';
	for (const char *p = sql; *p != '\0'; p++, dst++) {
		*dst = *p;
		const bool starts = p == sql || (!is_name_char(p[-1]) && p[-1] != '.');
		if (quote != '\0') {
			if (*p == quote) quote = '\0';
		} else if (*p == '\'' || *p == '"') {
			quote = *p;
		} else if (starts && *p == '$' && isdigit((unsigned char)p[1])) {
			*dst = '?';
		} else if (starts) {
			const size_t n = schema_at(p);
			memcpy(dst, p, n);
			if (n == 0) continue;
			dst[n] = '_';
			p += n, dst += n;
		}
	}
	*dst = '\0';
}

void sql_text_add_names_sqlite(struct buf *out, const char *sql)
{
	const size_t n = strlen(sql);
	char *dst = (char *)buf_reserve(out, n + 1);
	if (dst == NULL) return;
	sql_text_names_sqlite(dst, sql);
	buf_commit(out, n);
}
