/* server/routes.c: what can be asked for, and who answers. Requests, the OpenAPI document and the reference follow from this table. */
#include "server/routes.h"

#include "server/about.h"
#include "server/describe.h"
#include "server/events.h"
#include "server/lake_tables.h"
#include "server/runs.h"
#include "server/sql.h"
#include "server/tables.h"
#include "server/tickets.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT "{\"type\":\"string\"}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"
#define ROWS_TYPES                                                                                        \
	"application/json,text/csv,application/x-ndjson,application/vnd.apache.arrow.stream,application/" \
	"vnd.apache.parquet"
#define FORMAT                                                                                                \
	{                                                                                                     \
		"format", "query",                                                                            \
			"{\"type\":\"string\",\"enum\":[\"json\",\"csv\",\"ndjson\",\"arrow\",\"parquet\"]}", \
			"in place of the Accept header, for links"                                            \
	}

#define ROWS_PARAMS                                                                                                    \
	{"select", "query", TEXT,                                                                                      \
		"columns: `day,tickets_count`, `total:tickets_count.sum()`; functions `sum() avg() min() max() "       \
		"count()` give a "                                                                                     \
		"row for each set of the other columns"},                                                              \
		{"{column}", "query", TEXT,                                                                            \
			"a filter for each column: `day=gte.2025-09-01`, `pqrs_type=in.(P,Q)`; operators `eq neq gt "  \
			"gte lt lte "                                                                                  \
			"like "                                                                                        \
			"ilike in is`, each with `not.` before it"},                                                   \
		{"or", "query", TEXT, "`or=(pqrs_type.eq.P,and(channel.eq.chat,day.gt.2025-10-01))`; `and` likewise"}, \
		{"order", "query", TEXT, "`day.desc.nullslast,channel`; behind it come the columns of the key"},       \
		{"limit", "query", COUNT, "rows of the page, by default 1000"},                                        \
		{"offset", "query", COUNT, "rows left out before it"},                                                 \
		{"after", "query", TEXT, "the place of a page, as the Link header of the page before has it"}, FORMAT, \
	{                                                                                                              \
		"Prefer", "header", TEXT, "`count=exact`: Content-Range tells how many rows there are in all"          \
	}

static const struct route_param rows_params[] = {ROWS_PARAMS};
static const struct route_param table_params[] = {{"schema", "path", TEXT, "gold, analytics, realtime, core or meta"},
	{"table", "path", TEXT, "a table or view of it"}, ROWS_PARAMS};
static const struct route_param ticket_params[] = {
	{"id", "path", TEXT, "ticket_id, or the number that the citizen was given"}};
static const struct route_param runs_params[] = {{"workload", "query", TEXT, "of this workload alone"},
	{"limit", "query", COUNT, "at most so many, by default 100"}};
static const struct route_param run_params[] = {{"id", "path", TEXT, "its id, the beginning of it, or latest"},
	{"limit", "query", COUNT, "rows at most, by default 100"}};
static const struct route_param lake_table_params[] = {{"table", "path", TEXT, "layer.table: silver.tickets"}};

const struct route routes_all[] = {
	{.path = "/healthz",
		.id = "alive",
		.summary = "the server answers",
		.types = "text/plain",
		.open = true,
		.handle = about_alive},
	{.path = "/readyz",
		.id = "ready",
		.summary = "the database answers too; 503 where it does not",
		.types = "application/json",
		.open = true,
		.slow = true,
		.handle = about_ready},
	{.path = "/metrics",
		.id = "metrics",
		.summary = "metrics for Prometheus",
		.types = "text/plain",
		.slow = true,
		.role = AUTH_SERVICE,
		.handle = about_metrics},
	{.path = "/api/v1",
		.id = "about",
		.summary = "what there is: version, workloads, tables by schema, the latest runs",
		.types = "application/json",
		.open = true,
		.slow = true,
		.handle = about_api},
	{.path = "/api/v1/definitions",
		.id = "listDefinitions",
		.summary =
			"what each figure of the dashboard means: definition, unit, law, query; in Spanish and English",
		.description = "In the queries {from}, {to}, {before} and {since} stand for the reader's dates.",
		.types = "application/json",
		.open = true,
		.handle = about_definitions},
	{.path = "/openapi.json",
		.id = "openapi",
		.summary = "this API as an OpenAPI 3.1 document",
		.types = "application/json",
		.open = true,
		.handle = describe_openapi_answer},
	{.path = "/docs",
		.id = "reference",
		.summary = "this API as a page",
		.types = "text/html",
		.open = true,
		.handle = describe_html_answer},
	{.path = "/api/v1/cases",
		.id = "listCases",
		.summary = "tickets that wait for an answer, what is due first comes first",
		.description =
			"due_on, days_left (business days) and risk (overdue, due_soon, open) say how urgent each is; "
			"parameters as of a table.",
		.params = rows_params,
		.n_params = N_OF(rows_params),
		.types = ROWS_TYPES,
		.role = AUTH_AUTHENTICATED,
		.slow_if = tickets_cases_is_slow,
		.handle = tickets_cases},
	{.path = "/api/v1/tickets/{id}",
		.id = "showTicket",
		.summary =
			"all of a ticket: its row, what happened to it, its messages, and how its due date came to be",
		.params = ticket_params,
		.n_params = N_OF(ticket_params),
		.types = "application/json",
		.role = AUTH_AUTHENTICATED,
		.slow = true,
		.handle = tickets_show},
	{.path = "/api/v1/runs",
		.id = "listRuns",
		.summary = "what ran, the newest first",
		.params = runs_params,
		.n_params = N_OF(runs_params),
		.types = "application/json",
		.role = AUTH_SERVICE,
		.slow = true,
		.handle = runs_list},
	{.path = "/api/v1/runs/{id}",
		.id = "showRun",
		.summary = "a run: rows by layer, stages, tasks",
		.params = run_params,
		.n_params = 1,
		.types = "application/json",
		.role = AUTH_SERVICE,
		.slow = true,
		.handle = runs_show},
	{.path = "/api/v1/runs/{id}/quality",
		.id = "listChecks",
		.summary = "the quality checks of a run",
		.params = run_params,
		.n_params = 1,
		.types = "application/json",
		.role = AUTH_SERVICE,
		.slow = true,
		.handle = runs_quality},
	{.path = "/api/v1/runs/{id}/lineage",
		.id = "listLineage",
		.summary = "what a run made from what",
		.params = run_params,
		.n_params = 1,
		.types = "application/json",
		.role = AUTH_SERVICE,
		.slow = true,
		.handle = runs_lineage},
	{.path = "/api/v1/runs/{id}/rejects",
		.id = "listRejects",
		.summary = "the lines and events that a run kept out: counts by reason, and the first of them",
		.params = run_params,
		.n_params = N_OF(run_params),
		.types = "application/json",
		.role = AUTH_SERVICE,
		.slow = true,
		.handle = runs_rejects},
	{.path = "/api/v1/tables",
		.id = "listTables",
		.summary = "the lake's tables: rows, bytes, files, version",
		.types = "application/json",
		.role = AUTH_SERVICE,
		.slow = true,
		.handle = lake_tables_list},
	{.path = "/api/v1/tables/{table}",
		.id = "showTable",
		.summary = "a table of the lake with its columns",
		.params = lake_table_params,
		.n_params = N_OF(lake_table_params),
		.types = "application/json",
		.role = AUTH_SERVICE,
		.slow = true,
		.handle = lake_tables_show},
	{.path = "/api/v1/tables/{table}/history",
		.id = "listVersions",
		.summary = "the versions of a table of the lake, the newest first",
		.params = lake_table_params,
		.n_params = N_OF(lake_table_params),
		.types = "application/json",
		.role = AUTH_SERVICE,
		.slow = true,
		.handle = lake_tables_history},
	{.path = "/api/v1/tables/{table}/files",
		.id = "listFiles",
		.summary = "the files of a table of the lake",
		.params = lake_table_params,
		.n_params = N_OF(lake_table_params),
		.types = "application/json",
		.role = AUTH_SERVICE,
		.slow = true,
		.handle = lake_tables_files},
	{.path = "/api/v1/events",
		.id = "events",
		.summary = "what happens, as server-sent events: run, stage, window",
		.description = "Each event's data is the row that changed, as JSON. A comment comes every 15 seconds.",
		.types = "text/event-stream",
		.role = AUTH_SERVICE,
		.handle = events_answer},
	{.method = REQUEST_POST,
		.path = "/api/v1/sql",
		.id = "sql",
		.summary = "a query over the lake's tables in DuckDB's SQL, reading alone; off unless server.sql says "
			   "otherwise",
		.types = "application/json",
		.role = AUTH_SERVICE,
		.slow = true,
		.handle = sql_answer},
	{.path = "/api/v1/{schema}/{table}",
		.id = "readTable",
		.summary = "rows of a table or view",
		.params = table_params,
		.n_params = N_OF(table_params),
		.types = ROWS_TYPES,
		.role = AUTH_ANON,
		.slow_if = tables_is_slow,
		.handle = tables_read},
};
const size_t routes_n = N_OF(routes_all);
