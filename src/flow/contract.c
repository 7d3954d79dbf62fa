/* flow/contract.c: a workload's contract in the formats that others read.
 *
 * Everything is derived from what the workload registers: no column is written a second time here. */
#include "flow/contract.h"

#include <stdio.h>

#include "control/sql_text.h"
#include "table/log/schema.h"
#include "columnar/contract.h"
#include "flow/raw_contract.h"
#include "io/store.h"

void contract_view_postgres(struct buf *out, const struct workload_view *v)
{
	buf_printf(out, "CREATE VIEW %s AS\n%s;\n", v->name, v->sql);
}

void contract_view_sqlite(struct buf *out, const struct workload_view *v)
{
	buf_str(out, "CREATE VIEW \"");
	sql_text_add_names_sqlite(out, v->name);
	buf_str(out, "\" AS\n");
	sql_text_add_names_sqlite(out, v->sql);
	buf_str(out, ";\n");
}

/* A table of the serving database? */
static bool is_served(const struct workload *w, const struct table_schema *t)
{
	return strcmp(t->layer, stage_layer(&w->stages[w->n_stages - 1])) == 0 || strcmp(t->layer, "realtime") == 0;
}

/* Tables of runs, then those of streams. */
static size_t n_all(const struct workload *w)
{
	return w->n_tables + w->n_streamed;
}

static const struct table_schema *table_at(const struct workload *w, size_t i)
{
	return i < w->n_tables ? w->tables[i] : w->streamed[i - w->n_tables];
}

static bool counts_by_minute(const struct workload *w)
{
	for (size_t i = 0; i < w->n_streamed; i++)
		if (strcmp(w->streamed[i]->layer, "realtime") == 0) return true;
	return false;
}

/* ---- documents ------------------------------------------------------------------------------------------------ */

static void postgres(const struct workload *w, struct buf *out)
{
	buf_str(out, "CREATE SCHEMA IF NOT EXISTS gold;\nCREATE SCHEMA IF NOT EXISTS analytics;\n");
	if (counts_by_minute(w)) buf_str(out, "CREATE SCHEMA IF NOT EXISTS realtime;\n");
	buf_char(out, '\n');
	for (size_t i = 0; i < n_all(w); i++) {
		if (!is_served(w, table_at(w, i))) continue;
		sql_text_table_postgres(out, table_at(w, i));
		buf_char(out, '\n');
	}
	for (size_t i = 0; i < w->n_views; i++) contract_view_postgres(out, &w->views[i]);
}

static void sqlite(const struct workload *w, struct buf *out)
{
	for (size_t i = 0; i < n_all(w); i++) {
		if (!is_served(w, table_at(w, i))) continue;
		sql_text_table_sqlite(out, table_at(w, i));
		buf_char(out, '\n');
	}
	for (size_t i = 0; i < w->n_views; i++) contract_view_sqlite(out, &w->views[i]);
}

static void markdown(const struct workload *w, struct buf *out)
{
	buf_printf(out,
		"# Contract %s\n\nDerived from the schemas by `pqr contract`. Types with `?` are nullable; "
		"partition columns are folders of the path.\n\n",
		w->raw->version);
	raw_contract_markdown(out, w->raw);
	for (size_t i = 0; i < n_all(w); i++) schema_markdown(out, table_at(w, i));
}

static void mapping(const struct workload *w, struct buf *out,
	void (*document)(struct buf *out, const struct table_schema *s), bool with_raw)
{
	buf_str(out, "{\n");
	if (with_raw) {
		buf_str(out, "\"raw.event\": ");
		raw_contract_json_schema(out, w->raw);
		buf_str(out, ",\n");
	}
	for (size_t i = 0; i < n_all(w); i++) {
		buf_printf(out, "\"%s.%s\": ", table_at(w, i)->layer, table_at(w, i)->name);
		document(out, table_at(w, i));
		buf_str(out, i + 1 < n_all(w) ? ",\n" : "\n");
	}
	buf_str(out, "}\n");
}

status contract_format(const struct workload *w, const char *format, struct buf *out, struct err *err)
{
	const struct str f = str_of(format);
	if (str_is(f, "json-schema"))
		mapping(w, out, schema_json, true);
	else if (str_is(f, "delta"))
		mapping(w, out, delta_schema_text, false);
	else if (str_is(f, "ddl-postgres"))
		postgres(w, out);
	else if (str_is(f, "ddl-sqlite"))
		sqlite(w, out);
	else if (str_is(f, "markdown"))
		markdown(w, out);
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
	delta_schema_text(&f->text, s);
	buf_char(&f->text, '\n');
	return end_file(f, name, err);
}

static status all_files(const struct workload *w, struct files *f, struct err *err)
{
	raw_contract_json_schema(&f->text, w->raw);
	TRY(end_file(f, "raw_event.schema.json", err));
	for (size_t i = 0; i < n_all(w); i++) TRY(table_files(f, table_at(w, i), err));
	postgres(w, &f->text);
	TRY(end_file(f, "ddl_postgres.sql", err));
	sqlite(w, &f->text);
	TRY(end_file(f, "ddl_sqlite.sql", err));
	markdown(w, &f->text);
	return end_file(f, "contract.md", err);
}

status contract_files(const struct workload *w, contract_visit visit, void *arg, struct err *err)
{
	struct files f = {.visit = visit, .arg = arg};
	buf_init(&f.text, 0);
	const status code = all_files(w, &f, err);
	buf_deinit(&f.text);
	return code;
}

static status put_file(void *arg, const char *name, struct str text, struct err *err)
{
	return store_put(arg, name, text.p, text.n, err);
}

status contract_write_all(const struct workload *w, const char *dir, struct err *err)
{
	struct store *store = NULL;
	TRY(store_open(dir, &store, err));
	const status code = contract_files(w, put_file, store, err);
	store_close(store);
	return code;
}
