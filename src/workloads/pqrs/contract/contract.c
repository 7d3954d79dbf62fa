/* workloads/pqrs/contract/contract.c: every table of the workload, and its contract in the formats that others read.
 *
 * Everything is derived from the schemas: no column is written a second time here. */
#include "workloads/pqrs/contract/contract.h"

#include <stdio.h>

#include "columnar/contract.h"
#include "io/store.h"
#include "workloads/pqrs/contract/raw_event.h"
#include "workloads/pqrs/contract/views.h"

const struct table_schema *const pqrs_tables[PQRS_TABLES] = {
	&pqrs_bronze_events,
	&pqrs_silver_tickets,
	&pqrs_silver_messages,
	&pqrs_silver_status_events,
	&pqrs_silver_attachments,
	&pqrs_silver_preclassification,
	&pqrs_silver_quarantine,
	&pqrs_silver_dim_status,
	&pqrs_silver_dim_status_transition,
	&pqrs_silver_dim_channel,
	&pqrs_silver_dim_pqrs_type,
	&pqrs_silver_dim_priority,
	&pqrs_silver_dim_role,
	&pqrs_silver_dim_geo,
	&pqrs_gold_kpi_volume_daily,
	&pqrs_gold_kpi_backlog_daily,
	&pqrs_gold_kpi_sla_daily,
	&pqrs_gold_kpi_volume_geo_daily,
	&pqrs_gold_kpi_backlog_geo_daily,
	&pqrs_gold_kpi_sla_geo_daily,
	&pqrs_gold_kpi_volume_dept_daily,
	&pqrs_gold_kpi_volume_national_daily,
	&pqrs_gold_daily_kpis,
	&pqrs_gold_sla_daily,
	&pqrs_gold_sla_metrics,
	&pqrs_gold_tickets_snapshot,
	&pqrs_gold_priority_distribution,
	&pqrs_gold_pqrs_metrics,
};

/* ---- documents ------------------------------------------------------------------------------------------------ */

static void postgres(struct buf *out)
{
	buf_str(out, "CREATE SCHEMA IF NOT EXISTS gold;\nCREATE SCHEMA IF NOT EXISTS analytics;\n\n");
	for (int i = 0; i < GOLD_TABLES_N; i++) {
		schema_ddl_postgres(out, pqrs_gold_tables[i]);
		buf_char(out, '\n');
	}
	for (int i = 0; i < PQRS_VIEWS; i++) pqrs_view_postgres(out, &pqrs_views[i]);
}

static void sqlite(struct buf *out)
{
	for (int i = 0; i < GOLD_TABLES_N; i++) {
		schema_ddl_sqlite(out, pqrs_gold_tables[i]);
		buf_char(out, '\n');
	}
	for (int i = 0; i < PQRS_VIEWS; i++) pqrs_view_sqlite(out, &pqrs_views[i]);
}

static void raw_markdown(struct buf *out)
{
	static const char *const kinds[] = {[RAW_STRING] = "string",
		[RAW_UUID] = "UUID",
		[RAW_TIMESTAMP] = "RFC 3339",
		[RAW_INTEGER] = "integer",
		[RAW_ANY] = "any"};
	buf_str(out, "## raw.event\n\none line of a raw object; a member that is null counts as absent, one that is "
		     "not named here is kept.\n\n"
		     "| event_type | member | type | required | description |\n|---|---|---|---|---|\n");
	for (int t = -1; t < RAW_EVENT_TYPES; t++) {
		const struct raw_member *m = t < 0 ? raw_envelope : raw_event_types[t].data;
		const size_t n = t < 0 ? RAW_ENVELOPE_MEMBERS : raw_event_types[t].n_data;
		for (size_t i = 0; i < n; i++) {
			buf_printf(out, "| %s | `%s%s` | %s | %s | %s", t < 0 ? "(all)" : raw_event_types[t].name,
				t < 0 ? "" : "data.", m[i].name, kinds[m[i].kind], m[i].required ? "yes" : "",
				m[i].description);
			for (size_t k = 0; m[i].values != NULL && m[i].values[k] != NULL; k++)
				buf_printf(out, "%s`%s`", k == 0 ? ": " : ", ", m[i].values[k]);
			buf_str(out, " |\n");
		}
	}
	buf_char(out, '\n');
}

static void markdown(struct buf *out)
{
	buf_str(out, "# Contract pqrs/v2\n\nDerived from the schemas by `pqr contract`. Types with `?` are nullable; "
		     "partition columns are folders of the path.\n\n");
	raw_markdown(out);
	for (size_t i = 0; i < PQRS_TABLES; i++) schema_markdown(out, pqrs_tables[i]);
}

static void mapping(struct buf *out, void (*document)(struct buf *out, const struct table_schema *s), bool with_raw)
{
	buf_str(out, "{\n");
	if (with_raw) {
		buf_str(out, "\"raw.event\": ");
		raw_event_json_schema(out);
		buf_str(out, ",\n");
	}
	for (size_t i = 0; i < PQRS_TABLES; i++) {
		buf_printf(out, "\"%s.%s\": ", pqrs_tables[i]->layer, pqrs_tables[i]->name);
		document(out, pqrs_tables[i]);
		buf_str(out, i + 1 < PQRS_TABLES ? ",\n" : "\n");
	}
	buf_str(out, "}\n");
}

status pqrs_contract_format(const char *format, struct buf *out, struct err *err)
{
	const struct str f = str_of(format);
	if (str_is(f, "json-schema"))
		mapping(out, schema_json, true);
	else if (str_is(f, "delta"))
		mapping(out, schema_delta, false);
	else if (str_is(f, "ddl-postgres"))
		postgres(out);
	else if (str_is(f, "ddl-sqlite"))
		sqlite(out);
	else if (str_is(f, "markdown"))
		markdown(out);
	else
		return fail(err, E_USAGE,
			"unknown contract format \"%s\"; one of json-schema, ddl-postgres, ddl-sqlite, markdown, delta",
			format);
	return buf_check(out, err);
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

struct files {
	contract_visit visit;
	void *arg;
	struct buf text;
};

static status end_file(struct files *f, const char *name, struct err *err)
{
	status code = buf_check(&f->text, err);
	if (code == OK) code = f->visit(f->arg, name, (struct str){(const char *)f->text.p, f->text.n}, err);
	buf_reset(&f->text);
	return code;
}

static status table_files(struct files *f, const struct table_schema *s, struct err *err)
{
	char name[128];
	(void)snprintf(name, sizeof name, "%s.%s.schema.json", s->layer, s->name);
	schema_json(&f->text, s);
	TRY(end_file(f, name, err));
	(void)snprintf(name, sizeof name, "%s.%s.delta.json", s->layer, s->name);
	schema_delta(&f->text, s);
	buf_char(&f->text, '\n');
	return end_file(f, name, err);
}

static status all_files(struct files *f, struct err *err)
{
	raw_event_json_schema(&f->text);
	TRY(end_file(f, "raw_event.schema.json", err));
	for (size_t i = 0; i < PQRS_TABLES; i++) TRY(table_files(f, pqrs_tables[i], err));
	postgres(&f->text);
	TRY(end_file(f, "ddl_postgres.sql", err));
	sqlite(&f->text);
	TRY(end_file(f, "ddl_sqlite.sql", err));
	markdown(&f->text);
	return end_file(f, "contract.md", err);
}

status pqrs_contract_files(contract_visit visit, void *arg, struct err *err)
{
	struct files f = {.visit = visit, .arg = arg};
	buf_init(&f.text, 0);
	const status code = all_files(&f, err);
	buf_deinit(&f.text);
	return code;
}

static status put_file(void *arg, const char *name, struct str text, struct err *err)
{
	return store_put(arg, name, text.p, text.n, err);
}

status pqrs_contract_write_all(const char *dir, struct err *err)
{
	struct store *store = NULL;
	TRY(store_open(dir, &store, err));
	const status code = pqrs_contract_files(put_file, store, err);
	store_close(store);
	return code;
}
