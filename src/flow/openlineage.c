/* flow/openlineage.c: run events of OpenLineage with their facets, each named with the schema that it keeps to.
 *
 * What the facets say is what the control plane is told of the stage, no more: a column's lineage is that of columns of its name and
 * type in the tables that its table was made from, and metrics count rows and bytes.
 */
#include "flow/openlineage.h"

#include <stdio.h>

#include "columnar/schema.h"
#include "io/utf8.h"

#define SPEC "https://openlineage.io/spec/"
#define PRODUCER "urn:pqr-lakehouse:" PQR_VERSION

/* `"name":{"_producer":...,"_schemaURL":...,` and a comma before it where a facet stands already. */
static void facet(struct buf *out, bool *some, const char *name, const char *schema)
{
	buf_printf(out, "%s\"%s\":{\"_producer\":\"" PRODUCER "\",\"_schemaURL\":\"" SPEC "facets/%s\",",
		*some ? "," : "", name, schema);
	*some = true;
}

static void text(struct buf *out, struct str s)
{
	struct buf mended;
	buf_init(&mended, 0);
	utf8_text_mend(&mended, s);
	buf_json_str(out, (struct str){(const char *)mended.p, mended.n});
	buf_deinit(&mended);
}

/* ---- parts ------------------------------------------------------------------------------------------------------------ */

static void stage_run_id(struct str run_id, struct str stage, char dst[UUID_CHARS + 1])
{
	uint8_t run[UUID_BYTES] = {0};
	uint8_t id[UUID_BYTES];
	if (!uuid_parse(run_id, run)) memset(run, 0, sizeof run);
	uuid_v5(run, stage, id);
	uuid_format(id, dst);
	dst[UUID_CHARS] = '\0';
}

static void parent_facet(struct buf *out, bool *some, struct str namespace, struct str job, struct str run_id)
{
	facet(out, some, "parent", "1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet");
	buf_str(out, "\"run\":{\"runId\":");
	text(out, run_id);
	buf_str(out, "},\"job\":{\"namespace\":");
	text(out, namespace);
	buf_str(out, ",\"name\":");
	text(out, job);
	buf_str(out, "}}");
}

void openlineage_begin(
	const struct openlineage_head *h, const struct openlineage_parent *parent, struct str facets, struct buf *out)
{
	bool some = false;
	char id[UUID_CHARS + 1];
	buf_printf(out, "{\"eventType\":\"%s\",\"eventTime\":", h->type);
	text(out, h->at);
	buf_str(out, ",\"run\":{\"runId\":");
	if (h->stage.n > 0) {
		stage_run_id(h->run_id, h->stage, id);
		buf_printf(out, "\"%s\",\"facets\":{", id);
		parent_facet(out, &some, str_of(h->namespace), h->workload, h->run_id);
	} else {
		text(out, h->run_id);
		buf_str(out, ",\"facets\":{");
		if (parent != NULL && parent->run_id[0] != '\0')
			parent_facet(
				out, &some, str_of(parent->namespace), str_of(parent->job), str_of(parent->run_id));
	}
	facet(out, &some, "processing_engine", "1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet");
	buf_str(out, "\"version\":\"" PQR_VERSION "\",\"name\":\"pqr\"}");
	if (facets.n > 0) buf_char(out, ',');
	buf_add(out, facets.p, facets.n);
	buf_str(out, "}},\"job\":{\"namespace\":");
	text(out, str_of(h->namespace));
	buf_str(out, ",\"name\":\"");
	buf_add(out, h->workload.p, h->workload.n);
	if (h->stage.n > 0) buf_char(out, '.');
	buf_add(out, h->stage.p, h->stage.n);
	buf_str(out, "\",\"facets\":{");
	some = false;
	facet(out, &some, "jobType", "2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet");
	buf_printf(out, "\"processingType\":\"BATCH\",\"integration\":\"PQR\",\"jobType\":\"%s\"}}}",
		h->stage.n > 0 ? "TASK" : "JOB");
}

void openlineage_end(struct buf *out)
{
	buf_str(out,
		",\"producer\":\"" PRODUCER "\",\"schemaURL\":\"" SPEC "2-0-2/OpenLineage.json#/$defs/RunEvent\"}");
}

void openlineage_dataset(const char *namespace, struct str name, struct str version, bool *some, struct buf *out)
{
	buf_str(out, "{\"namespace\":");
	text(out, str_of(namespace));
	buf_str(out, ",\"name\":");
	text(out, name);
	buf_str(out, ",\"facets\":{");
	*some = false;
	if (version.n == 0) return;
	facet(out, some, "version", "1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet");
	buf_str(out, "\"datasetVersion\":");
	text(out, version);
	buf_char(out, '}');
}

/* ---- facets of a table ------------------------------------------------------------------------------------------------- */

/* By its name in the lake, or in the serving database ("serving.gold_daily_kpis"). NULL: it has none of ours. */
static const struct table_schema *schema_of(const struct workload *w, const char *table)
{
	char name[256];
	(void)snprintf(name, sizeof name, "%s", table);
	if (strncmp(name, "serving.", 8) == 0) {
		memmove(name, name + 8, strlen(name + 8) + 1);
		char *underscore = strchr(name, '_');
		if (underscore != NULL) *underscore = '.';
		for (size_t i = 0; i < w->n_mirrors; i++) {
			const struct table_schema *s = w->mirrors[i].schema;
			const size_t layer = strlen(s->layer);
			if (strncmp(name, s->layer, layer) == 0 && name[layer] == '.' &&
				strcmp(name + layer + 1, s->name) == 0)
				return s;
		}
	}
	const size_t index = workload_table_index(w, name);
	return index < w->n_tables ? w->tables[index] : NULL;
}

static void schema_facet(struct buf *out, bool *some, const struct table_schema *s)
{
	if (s == NULL) return;
	facet(out, some, "schema", "1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet");
	buf_str(out, "\"fields\":[");
	for (size_t i = 0; i < s->n_columns; i++) {
		const struct column_def *c = &s->columns[i];
		buf_printf(out, "%s{\"name\":\"%s\",\"type\":\"", i > 0 ? "," : "", c->name);
		if (c->type == COL_DECIMAL)
			buf_printf(out, "decimal(%d,%d)\"", c->precision, c->scale);
		else
			buf_printf(out, "%s\"", col_type_name(c->type));
		if (c->description != NULL) {
			buf_str(out, ",\"description\":");
			text(out, str_of(c->description));
		}
		buf_char(out, '}');
	}
	buf_str(out, "]}");
}

static bool carries(const struct table_schema *from, const struct column_def *c)
{
	const int i = from != NULL ? schema_column_index(from, c->name) : -1;
	return i >= 0 && from->columns[i].type == c->type;
}

static bool same_edge(const struct control_edge *a, const struct control_edge *b)
{
	return strcmp(a->input, b->input) == 0 && strcmp(a->output, b->output) == 0;
}

/* Of a table that goes on in itself only the tables that are new to it are told. */
static void column_facet(
	struct buf *out, bool *some, const struct watch_event *e, const char *table, const char *namespace)
{
	const struct control_stage *r = &e->left->record;
	const struct table_schema *s = schema_of(e->workload, table);
	bool first = true;
	if (s == NULL) return;
	facet(out, some, "columnLineage", "1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet");
	buf_str(out, "\"fields\":{");
	for (size_t i = 0; i < s->n_columns; i++) {
		const struct column_def *c = &s->columns[i];
		bool opened = false;
		for (size_t k = 0; k < r->n_edges; k++) {
			const struct control_edge *edge = &r->edges[k];
			if (strcmp(edge->output, table) != 0 || strcmp(edge->input, table) == 0) continue;
			if (k > 0 && same_edge(edge, edge - 1)) continue;
			if (!carries(schema_of(e->workload, edge->input), c)) continue;
			if (!opened) buf_printf(out, "%s\"%s\":{\"inputFields\":[", first ? "" : ",", c->name);
			buf_str(out, opened ? ",{\"namespace\":" : "{\"namespace\":");
			text(out, str_of(namespace));
			buf_str(out, ",\"name\":");
			text(out, str_of(edge->input));
			buf_printf(out, ",\"field\":\"%s\"}", c->name);
			opened = true;
			first = false;
		}
		if (opened) buf_str(out, "]}");
	}
	buf_str(out, "}}");
}

static bool is_checked(const struct watch_stage *left, const char *table)
{
	size_t i = 0;
	while (i < left->n_checks && strcmp(left->checks[i].dataset, table) != 0) i++;
	return i < left->n_checks;
}

static void assertions_facet(struct buf *out, bool *some, const struct watch_stage *left, const char *table)
{
	bool opened = false;
	for (size_t i = 0; i < left->n_checks; i++) {
		const struct control_quality *q = &left->checks[i];
		if (strcmp(q->dataset, table) != 0) continue;
		if (!opened)
			facet(out, some, "dataQualityAssertions",
				"1-1-0/DataQualityAssertionsDatasetFacet.json#/$defs/"
				"DataQualityAssertionsDatasetFacet");
		buf_str(out, opened ? ",{\"assertion\":" : "\"assertions\":[{\"assertion\":");
		text(out, str_of(q->check_name));
		buf_printf(out, ",\"success\":%s,\"severity\":\"%s\"",
			strcmp(q->result, "PASS") == 0 ? "true" : "false",
			strcmp(q->severity, "CRITICAL") == 0 ? "error" : "warn");
		if (q->threshold != NULL && q->threshold[0] != '\0') {
			buf_str(out, ",\"expected\":");
			text(out, str_of(q->threshold));
		}
		if (q->value != NULL && q->value[0] != '\0') {
			buf_str(out, ",\"actual\":");
			text(out, str_of(q->value));
		}
		buf_char(out, '}');
		opened = true;
	}
	if (opened) buf_str(out, "]}");
}

static const struct control_dataset *dataset_of(const struct control_stage *r, const char *table)
{
	size_t i = 0;
	while (i < r->n_datasets && strcmp(r->datasets[i].name, table) != 0) i++;
	return i < r->n_datasets ? &r->datasets[i] : NULL;
}

static void metrics_facet(struct buf *out, bool *some, const struct control_dataset *d, int64_t at)
{
	char when[TIME_RFC3339_CHARS];
	if (d == NULL) return;
	time_format(at, when);
	facet(out, some, "dataQualityMetrics",
		"1-0-0/DataQualityMetricsDatasetFacet.json#/$defs/DataQualityMetricsDatasetFacet");
	buf_printf(out, "\"rowCount\":%lld,\"bytes\":%lld,\"lastUpdated\":\"%.*s\",\"columnMetrics\":{}}",
		(long long)d->rows, (long long)d->bytes, TIME_RFC3339_CHARS, when);
}

static void statistics(struct buf *out, const struct control_dataset *d)
{
	bool some = false;
	if (d == NULL) return;
	buf_str(out, ",\"outputFacets\":{");
	facet(out, &some, "outputStatistics",
		"1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet");
	buf_printf(out, "\"rowCount\":%lld,\"size\":%lld}}", (long long)d->rows, (long long)d->bytes);
}

/* ---- events ------------------------------------------------------------------------------------------------------------ */

static struct str or_empty(const char *s)
{
	return s != NULL ? str_of(s) : STR("");
}

static void inputs(const struct watch_event *e, const struct openlineage_opts *o, struct buf *out)
{
	const struct control_stage *r = &e->left->record;
	bool first = true, some;
	for (size_t i = 0; i < r->n_edges; i++) {
		const struct control_edge *edge = &r->edges[i];
		bool seen = false;
		for (size_t k = 0; k < i && !seen; k++)
			seen = strcmp(r->edges[k].input, edge->input) == 0 &&
			       str_eq(or_empty(r->edges[k].input_version), or_empty(edge->input_version));
		if (seen) continue;
		if (!first) buf_char(out, ',');
		first = false;
		openlineage_dataset(o->namespace, str_of(edge->input), or_empty(edge->input_version), &some, out);
		schema_facet(out, &some, schema_of(e->workload, edge->input));
		buf_char(out, '}');
		some = false;
		if (is_checked(e->left, edge->input)) {
			buf_str(out, ",\"inputFacets\":{");
			assertions_facet(out, &some, e->left, edge->input);
			buf_char(out, '}');
		}
		buf_char(out, '}');
	}
}

/* own: of the stage's own event, with all there is to say; else numbers alone. */
static void outputs(const struct watch_event *e, const struct openlineage_opts *o, bool own, struct buf *out)
{
	const struct control_stage *r = &e->left->record;
	bool first = true, some;
	for (size_t i = 0; i < r->n_edges; i++) {
		const struct control_edge *edge = &r->edges[i];
		bool seen = false;
		for (size_t k = 0; k < i && !seen; k++) seen = strcmp(r->edges[k].output, edge->output) == 0;
		if (seen) continue;
		const struct control_dataset *d = dataset_of(r, edge->output);
		if (!first) buf_char(out, ',');
		first = false;
		openlineage_dataset(o->namespace, str_of(edge->output), or_empty(edge->output_version), &some, out);
		if (own) {
			schema_facet(out, &some, schema_of(e->workload, edge->output));
			column_facet(out, &some, e, edge->output, o->namespace);
			metrics_facet(out, &some, d, e->at);
			assertions_facet(out, &some, e->left, edge->output);
		}
		buf_char(out, '}');
		statistics(out, d);
		buf_char(out, '}');
	}
}

/* Of a stage that its checks ended nothing was committed: the tables that they looked at, with their verdicts. */
static void checked(const struct watch_event *e, const struct openlineage_opts *o, struct buf *out)
{
	const struct watch_stage *left = e->left;
	bool first = true, some;
	for (size_t i = 0; i < left->n_checks; i++) {
		bool seen = false;
		for (size_t k = 0; k < i && !seen; k++)
			seen = strcmp(left->checks[k].dataset, left->checks[i].dataset) == 0;
		if (seen) continue;
		if (!first) buf_char(out, ',');
		first = false;
		openlineage_dataset(o->namespace, str_of(left->checks[i].dataset), STR(""), &some, out);
		assertions_facet(out, &some, left, left->checks[i].dataset);
		buf_str(out, "}}");
	}
}

static void error_facet(const char *error, struct buf *out)
{
	bool some = false;
	if (error == NULL) return;
	facet(out, &some, "errorMessage", "1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet");
	buf_str(out, "\"message\":");
	text(out, str_of(error));
	buf_str(out, ",\"programmingLanguage\":\"C\"}");
}

static void begin(const struct watch_event *e, const char *type, const char *stage, const struct openlineage_opts *o,
	struct buf *out)
{
	char at[TIME_RFC3339_CHARS];
	struct buf facets;
	time_format(e->at, at);
	const struct openlineage_head head = {type, {at, sizeof at}, o->namespace, str_of(e->workload->name),
		or_empty(stage), str_of(e->run->run_id)};
	buf_init(&facets, 0);
	error_facet(e->error, &facets);
	openlineage_begin(&head, &o->parent, (struct str){(const char *)facets.p, facets.n}, out);
	buf_deinit(&facets);
}

bool openlineage_event(const struct watch_event *e, const struct openlineage_opts *o, struct buf *out)
{
	const bool ended = e->kind == WATCH_STAGE_ENDED || e->kind == WATCH_RUN_ENDED;
	if (e->kind == WATCH_TASK_ENDED) return false;
	begin(e,
		!ended                   ? "START"
		: e->code == OK          ? "COMPLETE"
		: e->code == E_CANCELLED ? "ABORT"
					 : "FAIL",
		e->stage, o, out);
	buf_str(out, ",\"inputs\":[");
	if (e->left != NULL && e->left->committed) inputs(e, o, out);
	buf_str(out, "],\"outputs\":[");
	if (e->left != NULL && e->left->committed)
		outputs(e, o, true, out);
	else if (e->left != NULL)
		checked(e, o, out);
	buf_char(out, ']');
	openlineage_end(out);
	return true;
}

bool openlineage_running(const struct watch_event *e, const struct openlineage_opts *o, struct buf *out)
{
	if (e->kind != WATCH_STAGE_ENDED || !e->left->committed) return false;
	begin(e, "RUNNING", NULL, o, out);
	buf_str(out, ",\"inputs\":[],\"outputs\":[");
	outputs(e, o, false, out);
	buf_char(out, ']');
	openlineage_end(out);
	return true;
}
