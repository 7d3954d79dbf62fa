/* cli/cmd_contract.c: the contracts, from the one schema. */
#include <stdio.h>

#include "cli/run_options.h"
#include "control/sql_text.h"
#include "table/log/schema.h"
#include "columnar/contract.h"
#include "flow/contract.h"
#include "workloads/registry.h"

struct format {
	const char *name;
	void (*write)(struct buf *out, const struct table_schema *s);
};

static const struct format formats[] = {{"json-schema", schema_json}, {"ddl-postgres", sql_text_table_postgres},
	{"ddl-sqlite", sql_text_table_sqlite}, {"markdown", schema_markdown}, {"delta", delta_schema_text}};

static const struct format *format_find(const char *name)
{
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
		if (strcmp(formats[i].name, name) == 0) return &formats[i];
	}
	return NULL;
}

/* "silver.tickets" or "tickets" or a layer's name. */
static bool wanted(const struct table_schema *t, const char *name)
{
	char full[128];
	(void)snprintf(full, sizeof full, "%s.%s", t->layer, t->name);
	return strcmp(name, full) == 0 || strcmp(name, t->name) == 0 || strcmp(name, t->layer) == 0;
}

static status add_tables(struct buf *out, const struct format *format, const char *name, struct err *err)
{
	size_t n = 0;
	for (size_t k = 0; k < registry_workloads.n; k++) {
		const struct workload *w = registry_workloads.items[k];
		for (size_t i = 0; i < w->n_tables + w->n_streamed; i++) {
			const struct table_schema *t = i < w->n_tables ? w->tables[i] : w->streamed[i - w->n_tables];
			if (!wanted(t, name)) continue;
			if (n++ > 0) buf_char(out, '\n');
			format->write(out, t);
		}
	}
	if (n > 0) return OK;
	return fail(err, E_USAGE, "no table or layer '%s': `pqr contract | grep '^## '` lists them", name);
}

static status contract_run(struct cli *c, struct err *err)
{
	const char *name = cli_get(c, "--format");
	if (name == NULL) name = c->json ? "json-schema" : "markdown";
	if (c->json && strncmp(name, "json", 4) != 0)
		return fail(err, E_USAGE, "--json and --format %s: one of them", name);
	const struct format *format = format_find(name);
	if (format == NULL)
		return fail(err, E_USAGE,
			"--format: expected json-schema, ddl-postgres, ddl-sqlite, markdown or delta, found '%s'",
			name);
	const char *dir = cli_get(c, "--write");
	const struct workload *named =
		c->n_args > 0 ? workload_named(&registry_workloads, str_of(c->args[0])) : registry_workloads.items[0];
	if (dir != NULL && named == NULL)
		return fail(err, E_USAGE, "--write takes a workload's whole contract: '%s' is none", c->args[0]);
	if (dir != NULL) return contract_write_all(named, dir, err);
	TRY(named != NULL ? contract_format(named, format->name, &c->out, err)
			  : add_tables(&c->out, format, c->args[0], err));
	return cli_print(&c->out, err);
}

static const struct cli_option options[] = {
	{"--format", "NAME",
		"json-schema, ddl-postgres, ddl-sqlite, markdown (default) or delta; --json is json-schema"},
	{"--write", "DIR", "write every contract file into DIR (as contracts/pqrs/v2 has them)"}};
const struct cli_command cli_contract_command = {.name = "contract",
	.synopsis = "[WORKLOAD | TABLE | LAYER]",
	.summary = "the data contracts, from the one schema",
	.details = "Without TABLE the whole contract of a workload (default pqrs): raw events, every table, and (DDL) "
		   "the\n"
		   "views.\n\n"
		   "  pqr contract silver.tickets\n"
		   "  pqr contract gold --format ddl-postgres",
	.options = options,
	.n_options = 2,
	.args_max = 1,
	.run = contract_run};
