/* server/about.c: health, metrics, and what there is to ask for. */
#include "server/about.h"

#include "app/metrics.h"
#include "server/rows_value.h"
#include "server/server_int.h"
#include "server/static_files.h"
#include "workloads/registry.h"

status about_alive(struct server *s, struct request *r, struct response *out, struct err *err)
{
	(void)s;
	(void)r;
	(void)err;
	out->type = "text/plain; charset=utf-8";
	out->borrowed = STR("ok\n");
	return OK;
}

static status no_row(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	(void)arg;
	(void)values;
	(void)n;
	(void)err;
	return OK;
}

status about_ready(struct server *s, struct request *r, struct response *out, struct err *err)
{
	static const struct control_select q = {.sql = "SELECT run_id FROM meta.run_records LIMIT 1"};
	char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX];
	const status code = server_query(s, &server_self, &q, no_row, NULL, err);
	(void)r;
	out->type = "application/json";
	out->status = code == OK ? 200 : 503;
	buf_printf(&out->body, "{\"ready\":%s,\"control\":", code == OK ? "true" : "false");
	buf_json_str(&out->body, str_of(code == OK ? "ok" : err_text(err, text, sizeof text)));
	buf_str(&out->body, "}\n");
	return OK;
}

status about_metrics(struct server *s, struct request *r, struct response *out, struct err *err)
{
	(void)r;
	out->type = "text/plain; version=0.0.4; charset=utf-8";
	TRY(metrics_collect(s->session, &out->body, err));
	stats_write(&s->stats, &out->body);
	return OK;
}

status about_definitions(struct server *s, struct request *r, struct response *out, struct err *err)
{
	(void)s;
	(void)r;
	out->type = "application/json";
	out->borrowed = static_file_get("/definitions.json");
	return out->borrowed.p != NULL
		       ? OK
		       : fail(err, E_UNSUPPORTED, "this program was built without the dashboard (web/dist)");
}

/* ---- /api/v1 ---- */

static void add_schemas(const struct server *s, struct buf *out)
{
	const char *schema = "";
	buf_char(out, '{');
	for (size_t i = 0; i < s->relations.n; i++) {
		const struct relation *r = &s->relations.items[i];
		if (r->list != NULL) continue;
		if (strcmp(r->schema, schema) != 0)
			buf_printf(out, "%s\"%s\":[", schema[0] != '\0' ? "]," : "", r->schema);
		else
			buf_char(out, ',');
		schema = r->schema;
		buf_json_str(out, str_of(r->name));
	}
	buf_str(out, schema[0] != '\0' ? "]}" : "}");
}

static status on_latest(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct buf *out = arg;
	(void)n;
	if (out->n > 0) buf_char(out, ',');
	buf_json_str(out, values[0].text);
	buf_str(out, ":{");
	for (size_t i = 1; i < n; i++) {
		const struct column_def text = {.type = COL_STRING};
		if (i > 1) buf_char(out, ',');
		buf_json_str(out, str_of(values[i].name));
		buf_char(out, ':');
		rows_value_json(out, &text, &values[i]);
	}
	buf_char(out, '}');
	return buf_check(out, err);
}

/* Of each workload the run that ended well last. */
static const struct control_select latest = {
	.sql = "SELECT workload, run_id, as_of, status, finished_at FROM meta.run_records r WHERE dropped_by IS NULL "
	       "AND "
	       "status IN ('SUCCESS', 'DEGRADED') AND NOT EXISTS (SELECT 1 FROM meta.run_records x WHERE x.workload = "
	       "r.workload AND x.dropped_by IS NULL AND x.status IN ('SUCCESS', 'DEGRADED') AND (x.finished_at > "
	       "r.finished_at OR (x.finished_at = r.finished_at AND x.run_id > r.run_id))) ORDER BY workload"};

status about_api(struct server *s, struct request *r, struct response *out, struct err *err)
{
	struct buf *b = &out->body;
	struct buf runs;
	(void)r;
	buf_init(&runs, 0);
	const status code = server_query(s, &server_self, &latest, on_latest, &runs, err);
	out->type = "application/json";
	buf_printf(b, "{\"version\":\"%s\",\"workloads\":[", PQR_VERSION);
	for (size_t i = 0; i < registry_workloads.n; i++)
		buf_printf(b, "%s{\"name\":\"%s\"}", i > 0 ? "," : "", registry_workloads.items[i]->name);
	buf_str(b, "],\"schemas\":");
	add_schemas(s, b);
	buf_printf(b, ",\"auth\":{\"mode\":\"%s\"},\"sql\":%s,\"latest\":{", s->auth.mode == AUTH_NONE ? "none" : "jwt",
		s->sql ? "true" : "false");
	buf_add(b, runs.p, runs.n);
	buf_str(b, "}}\n");
	buf_deinit(&runs);
	return code;
}
