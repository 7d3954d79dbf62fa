/* server/describe.c: OpenAPI, Markdown and HTML of the routes. A route that reads relations stands once for each of them in OpenAPI, with a
 * parameter for each column. */
#include "server/describe.h"

#include <ctype.h>

#include "server/server_int.h"

#define RELATION_PATH "/api/v1/{schema}/{table}"

/* ---- OpenAPI ---- */

static void json_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "\"%s\":", name);
	buf_json_str(out, str_of(text));
}

static const char *json_type(enum col_type t)
{
	switch (t) {
	case COL_BOOL: return "\"boolean\"";
	case COL_INT32:
	case COL_INT64: return "\"integer\"";
	case COL_FLOAT:
	case COL_DOUBLE:
	case COL_DECIMAL: return "\"number\"";
	default: return "\"string\"";
	}
}

static void row_schema(struct buf *out, const struct relation *r)
{
	buf_str(out, "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{");
	for (size_t i = 0; i < r->n_columns; i++) {
		const struct column_def *c = &r->columns[i];
		if (i > 0) buf_char(out, ',');
		buf_json_str(out, str_of(c->name));
		buf_printf(out, ":{\"type\":%s%s%s,", c->nullable ? "[" : "", json_type(c->type),
			c->nullable ? ",\"null\"]" : "");
		if (c->type == COL_DATE || c->type == COL_TIMESTAMP)
			buf_printf(out, "\"format\":\"%s\",", c->type == COL_DATE ? "date" : "date-time");
		json_member(out, "description", c->description != NULL ? c->description : c->name);
		buf_char(out, '}');
	}
	buf_str(out, "}}}");
}

static void parameter(struct buf *out, const struct route_param *p, bool *first)
{
	buf_str(out, *first ? "{" : ",{");
	*first = false;
	json_member(out, "name", p->name);
	buf_printf(out, ",\"in\":\"%s\",%s\"schema\":%s,", p->in,
		strcmp(p->in, "path") == 0 ? "\"required\":true," : "", p->schema);
	json_member(out, "description", p->description);
	buf_char(out, '}');
}

/* Of a relation: its columns are filters, and the path says which it is. */
static void parameters(struct buf *out, const struct route *route, const struct relation *r)
{
	bool first = true;
	buf_str(out, "\"parameters\":[");
	for (size_t i = 0; i < route->n_params; i++) {
		const struct route_param *p = &route->params[i];
		const bool path = strcmp(p->in, "path") == 0;
		if (p->name[0] == '{' || (r != NULL && path)) continue;
		parameter(out, p, &first);
	}
	for (size_t i = 0; r != NULL && i < r->n_columns; i++) {
		const struct route_param p = {r->columns[i].name, "query",
			"{\"type\":\"string\",\"examples\":[\"eq.1\",\"not.is.null\"]}", "a filter: operator.value"};
		parameter(out, &p, &first);
	}
	buf_char(out, ']');
}

static void content(struct buf *out, const char *types, const struct relation *r)
{
	bool first = true;
	buf_str(out, "\"content\":{");
	while (*types != '\0') {
		const size_t n = strcspn(types, ",");
		buf_printf(out, "%s\"%.*s\":{", first ? "" : ",", (int)n, types);
		if (r != NULL && strncmp(types, "application/json", n) == 0) {
			buf_str(out, "\"schema\":");
			row_schema(out, r);
		}
		buf_char(out, '}');
		first = false;
		types += n + (types[n] == ',');
	}
	buf_char(out, '}');
}

static void operation(struct buf *out, const struct route *route, const struct relation *r)
{
	const bool post = route->method == REQUEST_POST;
	buf_printf(out, "\"%s\":{\"operationId\":\"%s", post ? "post" : "get", route->id);
	if (r != NULL) buf_printf(out, "_%s_%s", r->schema, r->name);
	buf_str(out, "\",");
	json_member(out, "summary", r != NULL && r->description != NULL ? r->description : route->summary);
	buf_char(out, ',');
	if (route->description != NULL) {
		json_member(out, "description", route->description);
		buf_char(out, ',');
	}
	parameters(out, route, r);
	if (post)
		buf_str(out,
			",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"type\":"
			"\"object\",\"required\":[\"sql\"],\"properties\":{\"sql\":{\"type\":\"string\"},\"limit\":{"
			"\"type\":\"integer\"}}}}}}");
	buf_str(out, ",\"responses\":{\"200\":{\"description\":\"what was asked for\",");
	content(out, route->types, r);
	buf_str(out, "},\"304\":{\"description\":\"the same as If-None-Match tells\"},\"default\":{\"$ref\":"
		     "\"#/components/responses/problem\"}}");
	if (route->open) buf_str(out, ",\"security\":[]");
	buf_char(out, '}');
}

void describe_openapi(const struct describe *d, struct buf *out)
{
	bool first = true;
	buf_str(out,
		"{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"PQR Lakehouse\",\"version\":\"" PQR_VERSION "\"},"
		"\"security\":[{\"bearer\":[]},{}],\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\","
		"\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"}},\"responses\":{\"problem\":{\"description\":\"what "
		"is "
		"wrong (RFC "
		"9457)\",\"content\":{\"application/problem+json\":{\"schema\":{\"type\":\"object\",\"required\":["
		"\"type\",\"title\",\"status\",\"detail\"],\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{"
		"\"type\":"
		"\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"}}}}}}}},\"paths\":{");
	for (size_t i = 0; i < d->n_routes; i++) {
		const struct route *route = &d->routes[i];
		const bool relations = strcmp(route->path, RELATION_PATH) == 0;
		for (size_t k = 0; relations && k < d->relations->n; k++) {
			const struct relation *r = &d->relations->items[k];
			if (r->list != NULL) continue;
			buf_printf(out, "%s\n\"/api/v1/%s/%s\":{", first ? "" : ",", r->schema, r->name);
			first = false;
			operation(out, route, r);
			buf_char(out, '}');
		}
		if (relations) continue;
		buf_printf(out, "%s\n\"%s\":{", first ? "" : ",", route->path);
		first = false;
		operation(out, route, NULL);
		buf_char(out, '}');
	}
	buf_str(out, "\n}}\n");
}

/* ---- Markdown ---- */

static void markdown_route(struct buf *out, const struct route *r)
{
	buf_printf(out, "\n### %s %s\n\n%c%s.\n", r->method == REQUEST_POST ? "POST" : "GET", r->path,
		toupper((unsigned char)r->summary[0]), r->summary + 1);
	if (r->description != NULL) buf_printf(out, "\n%s\n", r->description);
	if (r->n_params > 0) buf_str(out, "\n| parameter | in | meaning |\n|---|---|---|\n");
	for (size_t i = 0; i < r->n_params; i++)
		buf_printf(out, "| `%s` | %s | %s |\n", r->params[i].name, r->params[i].in, r->params[i].description);
	buf_printf(out, "\nAnswers `%s`; %s.\n", r->types,
		r->open                         ? "open to everybody"
		: r->role == AUTH_SERVICE       ? "for the role service_role"
		: r->role == AUTH_AUTHENTICATED ? "for whoever has a token"
						: "for every role");
}

void describe_markdown(const struct describe *d, struct buf *out)
{
	const char *schema = "";
	buf_str(out, "# HTTP API\n\n`pqr serve` answers these addresses; this page is derived from its table of "
		     "routes, as are "
		     "`/openapi.json`\nand `/docs`. Errors are problems (RFC 9457). Answers have an ETag of what was "
		     "published, "
		     "and `X-PQR-Run`\nnames the run that published it.\n\n## Routes\n");
	for (size_t i = 0; i < d->n_routes; i++) markdown_route(out, &d->routes[i]);
	buf_str(out, "\n## Tables and views\n");
	for (size_t i = 0; i < d->relations->n; i++) {
		const struct relation *r = &d->relations->items[i];
		if (r->list != NULL) continue;
		if (strcmp(r->schema, schema) != 0)
			buf_printf(out, "\n### %s\n\n| table | holds | columns |\n|---|---|---|\n", r->schema);
		schema = r->schema;
		buf_printf(out, "| `%s` | %s | ", r->name, r->description != NULL ? r->description : "");
		for (size_t k = 0; k < r->n_columns; k++)
			buf_printf(out, "%s%s", k > 0 ? ", " : "", r->columns[k].name);
		buf_str(out, " |\n");
	}
}

/* ---- HTML ---- */

static void html_text(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '<')
			buf_str(out, "&lt;");
		else if (*s == '&')
			buf_str(out, "&amp;");
		else if (*s != '`')
			buf_char(out, *s);
	}
}

static void html_route(struct buf *out, const struct route *r)
{
	buf_printf(out, "<h3><code>%s ", r->method == REQUEST_POST ? "POST" : "GET");
	html_text(out, r->path);
	buf_str(out, "</code></h3>\n<p>");
	html_text(out, r->summary);
	buf_str(out, "</p>\n");
	if (r->description != NULL) {
		buf_str(out, "<p>");
		html_text(out, r->description);
		buf_str(out, "</p>\n");
	}
	if (r->n_params > 0) buf_str(out, "<dl>\n");
	for (size_t i = 0; i < r->n_params; i++) {
		buf_str(out, "<dt><code>");
		html_text(out, r->params[i].name);
		buf_str(out, "</code></dt><dd>");
		html_text(out, r->params[i].description);
		buf_str(out, "</dd>\n");
	}
	if (r->n_params > 0) buf_str(out, "</dl>\n");
}

void describe_html(const struct describe *d, struct buf *out)
{
	buf_str(out, "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" "
		     "content=\"width=device-width\">\n<title>PQR Lakehouse: HTTP "
		     "API</title></head>\n<body>\n<main>\n<h1>HTTP "
		     "API</h1>\n<p><a href=\"/openapi.json\">OpenAPI</a></p>\n<h2>Routes</h2>\n");
	for (size_t i = 0; i < d->n_routes; i++) html_route(out, &d->routes[i]);
	buf_str(out, "<h2>Tables and views</h2>\n");
	for (size_t i = 0; i < d->relations->n; i++) {
		const struct relation *r = &d->relations->items[i];
		if (r->list != NULL) continue;
		buf_printf(out, "<h3><a href=\"/api/v1/%s/%s?limit=25\"><code>%s.%s</code></a></h3>\n<p>", r->schema,
			r->name, r->schema, r->name);
		html_text(out, r->description != NULL ? r->description : "");
		buf_str(out, "</p>\n<dl>\n");
		for (size_t k = 0; k < r->n_columns; k++) {
			buf_printf(out, "<dt><code>%s</code> %s</dt><dd>", r->columns[k].name,
				col_type_name(r->columns[k].type));
			html_text(out, r->columns[k].description != NULL ? r->columns[k].description : "");
			buf_str(out, "</dd>\n");
		}
		buf_str(out, "</dl>\n");
	}
	buf_str(out, "</main>\n</body>\n</html>\n");
}

/* ---- routes ---- */

static struct describe of(const struct server *s)
{
	return (struct describe){s->routes, s->n_routes, &s->relations};
}

status describe_openapi_answer(struct server *s, struct request *r, struct response *out, struct err *err)
{
	const struct describe d = of(s);
	(void)r;
	out->type = "application/json";
	describe_openapi(&d, &out->body);
	return buf_check(&out->body, err);
}

status describe_html_answer(struct server *s, struct request *r, struct response *out, struct err *err)
{
	const struct describe d = of(s);
	(void)r;
	out->type = "text/html; charset=utf-8";
	describe_html(&d, &out->body);
	return buf_check(&out->body, err);
}
