/* server/routes.c: what can be asked for, and who answers. Requests, the OpenAPI document and the reference follow from this table. */
#include "server/routes.h"

#include "server/about.h"
#include "server/tables.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))
#define TEXT "{\"type\":\"string\"}"
#define COUNT "{\"type\":\"integer\",\"minimum\":0}"
#define ROWS_TYPES "application/json,text/csv,application/x-ndjson"
#define FORMAT                                                                                     \
	{                                                                                          \
		"format", "query", "{\"type\":\"string\",\"enum\":[\"json\",\"csv\",\"ndjson\"]}", \
			"in place of the Accept header, for links"                                 \
	}

static const struct route_param table_params[] = {
	{"schema", "path", TEXT, "gold, analytics, realtime or core"},
	{"table", "path", TEXT, "a table or view of it"},
	{"select", "query", TEXT,
		"columns: `day,tickets_count`, `total:tickets_count.sum()`; functions `sum() avg() min() max() "
		"count()` give a "
		"row for each set of the other columns"},
	{"{column}", "query", TEXT,
		"a filter for each column: `day=gte.2025-09-01`, `pqrs_type=in.(P,Q)`; operators `eq neq gt gte lt lte "
		"like "
		"ilike in is`, each with `not.` before it"},
	{"or", "query", TEXT, "`or=(pqrs_type.eq.P,and(channel.eq.chat,day.gt.2025-10-01))`; `and` likewise"},
	{"order", "query", TEXT, "`day.desc.nullslast,channel`; behind it come the columns of the key"},
	{"limit", "query", COUNT, "rows of the page, by default 1000"},
	{"offset", "query", COUNT, "rows left out before it"},
	{"after", "query", TEXT, "the place of a page, as the Link header of the page before has it"},
	FORMAT,
	{"Prefer", "header", TEXT, "`count=exact`: Content-Range tells how many rows there are in all"},
};

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
		.handle = about_api},
	{.path = "/api/v1/{schema}/{table}",
		.id = "readTable",
		.summary = "rows of a table or view",
		.params = table_params,
		.n_params = N_OF(table_params),
		.types = ROWS_TYPES,
		.role = AUTH_ANON,
		.handle = tables_read},
};
const size_t routes_n = N_OF(routes_all);
